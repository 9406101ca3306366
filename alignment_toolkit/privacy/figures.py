"""Key figures without small groups: hidden ones cannot be worked out from totals, months or other key figures."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, Final

from alignment_toolkit.errors import BeyondPart
from alignment_toolkit.languages import noted, opening, say
from alignment_toolkit.privacy.cells import LEAST, hidden_cells
from alignment_toolkit.results import KpiValue

__all__ = ["INSIDE", "without_small"]

_REASON: Final = noted(
    "left out: fewer than {least} cases, or needed to keep such a group from being worked out"
)
INSIDE: Final = noted("The reason is in the internal report.")
_ROUNDS: Final = 20

Place = tuple[tuple[tuple[str, Any], ...], str, str | None]


def without_small(
    rows: Sequence[KpiValue], kept_back: Collection[str] = ()
) -> tuple[tuple[KpiValue, ...], set[str]]:
    """Hide small groups, and key figures that are kept back for another reason.

    Returns
    -------
    rows
        The same rows, the hidden ones "not available" with the reason; parts that were not available before keep
        no sums, and no reason that tells counts.
    lost
        The key figures that are hidden for the company as a whole.
    """
    names = list(dict.fromkeys(r.kpi for r in rows))
    tables = {name: [i for i, r in enumerate(rows) if r.kpi == name and r.status == "ok"] for name in names}
    hidden = {i for i, r in enumerate(rows) if r.status == "ok" and (r.kpi in kept_back or r.n < LEAST)}
    echoes: set[int] = set()
    for _ in range(_ROUNDS):
        before = len(hidden)
        for own in tables.values():
            counts = [_size(rows[i]) for i in own]
            also = frozenset(k for k, i in enumerate(own) if i in hidden)
            hidden |= {own[k] for k in hidden_cells(counts, _sums([rows[i] for i in own]), also=also)}
        same = _same_elsewhere(rows, hidden, echoes)
        echoes |= same
        hidden |= same
        if len(hidden) == before:
            break
    made = tuple(_hide(r) if i in hidden else _bare(r) for i, r in enumerate(rows))
    lost = {rows[i].kpi for i in hidden if not rows[i].by and rows[i].grain is None}
    return made, lost


def _size(row: KpiValue) -> float:
    """Give the count that is not to be worked out: a count's own, else that of a figure's cases."""
    return float(row.value or 0.0) if _is_count(row) else float(row.n)


def _is_count(row: KpiValue) -> bool:
    return row.unit == "count" and row.bottom is None and row.value is not None


def _sums(rows: Sequence[KpiValue]) -> list[tuple[int, tuple[int, ...]]]:
    """Find what adds up: slices to the whole, finer slices to coarser ones, months to their period."""
    found = []
    for i, total in enumerate(rows):
        groups: dict[Any, list[int]] = {}
        for k, part in enumerate(rows):
            if k == i:
                continue
            finer = set(total.by.items()) < set(part.by.items()) and len(part.by) > len(total.by)
            if finer and (part.period, part.grain) == (total.period, total.grain):
                groups.setdefault(("by", tuple(part.by)), []).append(k)
            inside = total.start <= part.start and part.to <= total.to
            if part.by == total.by and total.grain is None and part.grain is not None and inside:
                groups.setdefault(("grain", part.grain), []).append(k)
        # What does not add up exactly is no equation that somebody could solve.
        whole = _size(total)
        found += [(i, tuple(p)) for p in groups.values() if sum(_size(rows[k]) for k in p) == whole]
    return found


def _same_elsewhere(rows: Sequence[KpiValue], hidden: set[int], echoes: set[int]) -> set[int]:
    """Find where another key figure shows, for the same group, the number that is hidden.

    Those that were found so before (`echoes`) have no number of their own to keep: how many cases a rate has is no
    secret where its top is.
    """
    secrets: dict[Place, set[float]] = {}
    for i in hidden - echoes:
        secrets.setdefault(_place(rows[i]), set()).update(
            {_size(rows[i]), *([float(rows[i].n)] if rows[i].n < LEAST else [])}
        )
    found = set()
    for i, r in enumerate(rows):
        if i in hidden or r.status != "ok":
            continue
        told = {float(r.n)} | {float(v) for v in (r.top, r.bottom) if v is not None}
        if _is_count(r):
            told.add(float(r.value or 0.0))
        if told & secrets.get(_place(r), set()):
            found.add(i)
    return found


def _place(row: KpiValue) -> Place:
    return tuple(row.by.items()), row.period, row.grain


def _bare(row: KpiValue) -> KpiValue:
    """Leave of a part or a month that is not told no sums and counts: another key figure may hide the same ones."""
    if row.status == "ok" or not (row.by or row.grain):
        small = row.status != "ok" and row.n < LEAST
        young = 0 if row.censored < LEAST else row.censored
        return (
            replace(row, n=0, top=None, bottom=None, censored=young)
            if small
            else replace(row, censored=young)
        )
    return replace(_hide(row), reason=_without_counts(row))


def _without_counts(row: KpiValue) -> str | None:
    if not any(c.isdigit() for c in row.reason or ""):
        return row.reason
    if (row.reason or "").startswith(opening(BeyondPart.UNSAID)):
        named = say(" and ").join(say(str(d).replace("_", " ")) for d in row.by)
        return say("Not told by {dimension}: too much of what goes into it names none.", dimension=named)
    return say(INSIDE)


def _hide(row: KpiValue) -> KpiValue:
    return replace(
        row,
        value=None,
        low=None,
        high=None,
        n=0,
        top=None,
        bottom=None,
        censored=0,
        immature=False,
        spread=None,
        status="not_available",
        reason=say(_REASON, least=LEAST),
        changes=(),
    )
