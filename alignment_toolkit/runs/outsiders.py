"""What readers outside the company may see of parts that stand side by side on one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from alignment_toolkit.privacy import AUDIENCES, hidden_cells, seen_by
from alignment_toolkit.results import Analysis, Finding, KpiValue

__all__ = ["audience_of", "seen_parts"]

Parts = Sequence[tuple[str, Analysis]]
_GONE = ("withheld", "not_assessed", "error")


def audience_of(parts: Parts, given: Mapping[str, Any]) -> str:
    """Give the audience that the reports of the parts are for: as the run was asked, else as the settings say.

    Where parts are for different ones, the one that may see least.
    """
    asked = given.get("audience")
    told = [str(asked or (a.settings.get("report") or {}).get("audience") or "internal") for _, a in parts]
    return max(told, key=AUDIENCES.index, default="internal")


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


def _figure(row: KpiValue | Finding) -> tuple[str, ...]:
    return (
        ("kpi", row.kpi, row.period, str(row.grain)) if isinstance(row, KpiValue) else ("gap", row.indicator)
    )


def _sizes(analysis: Analysis) -> dict[tuple[str, ...], int]:
    """Give how many cases each figure of the whole part has."""
    found = {_figure(k): k.n for k in analysis.kpis if not k.by and k.status == "ok" and k.n}
    judged = [f for f in analysis.findings if not f.by and f.status not in _GONE]
    return found | {_figure(f): f.gap.n for f in judged if f.gap is not None and f.gap.n}
