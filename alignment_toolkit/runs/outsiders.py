"""What readers outside the company may see of parts that stand side by side on one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from alignment_toolkit.catalog import Catalog
from alignment_toolkit.kpi import measure
from alignment_toolkit.notebooks.opening import split_part, write_part
from alignment_toolkit.privacy import AUDIENCES, hidden_cells, seen_by
from alignment_toolkit.results import Analysis, Finding, KpiValue

if TYPE_CHECKING:
    from alignment_toolkit.company import Company
    from alignment_toolkit.periods import Period

__all__ = ["audience_of", "kept_back", "seen_parts"]

Parts = Sequence[tuple[str, Analysis]]
_GONE = ("withheld", "not_assessed", "error")


def audience_of(parts: Parts, given: Mapping[str, Any], usual: str = "internal") -> str:
    """Give the audience that the reports of the parts are for: as the run was asked, else as the settings say.

    Where parts are for different ones, the one that may see least. `usual` is for whom a page is whose parts all
    failed, so that none of them tells it.
    """
    asked = given.get("audience")
    told = [str(asked or (a.settings.get("report") or {}).get("audience") or "internal") for _, a in parts]
    return max(told, key=AUDIENCES.index, default=str(asked or usual))


def seen_parts(parts: Parts, audience: str) -> list[tuple[str, Analysis]]:
    """Give the parts as an audience may see them side by side.

    Beyond what each part's own report hides (`seen_by`), a figure of further parts is left out where a small part's
    could be worked out from it: all parts together are the whole company, whose figure somebody may have.
    """
    if audience == "internal":
        return list(parts)
    seen = [seen_by(a, audience) for _, a in parts]
    kept = [(set(_sizes(a)), _sizes(b)) for a, (_, b) in zip(seen, parts, strict=True)]
    for figure in dict.fromkeys(f for _, sizes in kept for f in sizes):
        own = [(i, sizes[figure]) for i, (_, sizes) in enumerate(kept) if figure in sizes]
        gone = frozenset(1 + k for k, (i, _) in enumerate(own) if figure not in kept[i][0])
        counts = [sum(n for _, n in own), *(n for _, n in own)]
        hidden = hidden_cells(counts, [(0, tuple(range(1, len(counts))))], also=gone)
        for k, (i, _) in enumerate(own):
            if k + 1 in hidden or 0 in hidden:
                kept[i][0].discard(figure)
    return [
        (part, replace(a, kpis=tuple(k for k in a.kpis if _figure(k) in shown),
                       findings=tuple(f for f in a.findings if _figure(f) in shown)))
        for (part, _), a, (shown, _) in zip(parts, seen, kept, strict=True)
    ]  # fmt: skip


def kept_back(
    company: Company, parts: Sequence[str], given: Mapping[str, Any], period: Period
) -> dict[str, tuple[str, ...]]:
    """Give for each part of a matrix the key figures that its own report leaves out for readers outside the company.

    Whoever holds the reports of all parts and of the whole can subtract. So where a part has fewer cases of a key
    figure than may be shown, the report of the next smallest leaves that figure out too.
    """
    audience = str(given.get("audience") or company.settings.report.audience)
    if audience == "internal":
        return {}
    kpis = Catalog.load(company.settings).chosen_kpis(given.get("kpis") or None)
    found: dict[str, list[str]] = {part: [] for part in parts}
    for dimension in dict.fromkeys(split_part(part)[0] for part in parts):
        rows = [r for r in measure(company, kpis, period, by=(dimension,), spread=False) if r.status == "ok"]
        for kpi in dict.fromkeys(r.kpi for r in rows):
            own = [r for r in rows if r.kpi == kpi and r.by]
            total = [r.n for r in rows if r.kpi == kpi and not r.by]
            counts = [*total, *(r.n for r in own)]
            adds_up = bool(total) and sum(counts[1:]) == counts[0]
            names = [write_part(dimension, v) for r in own for v in r.by.values()]
            first = len(total)
            sums = [(0, tuple(range(1, len(counts))))] if adds_up else []
            for i in hidden_cells(counts, sums):
                if i >= first and names[i - first] in found:
                    found[names[i - first]].append(kpi)
    return {part: tuple(ids) for part, ids in found.items()}


def _figure(row: KpiValue | Finding) -> tuple[str, ...]:
    return (
        ("kpi", row.kpi, row.period, str(row.grain)) if isinstance(row, KpiValue) else ("gap", row.indicator)
    )


def _sizes(analysis: Analysis) -> dict[tuple[str, ...], int]:
    """Give how many cases each figure of the whole part has."""
    found = {_figure(k): k.n for k in analysis.kpis if not k.by and k.status == "ok" and k.n}
    judged = [f for f in analysis.findings if not f.by and f.status not in _GONE]
    return found | {_figure(f): f.gap.n for f in judged if f.gap is not None and f.gap.n}
