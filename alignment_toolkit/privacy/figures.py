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
    hidden = {i for i, r in enumerate(rows) if r.kpi in kept_back and r.status == "ok"}
    for _ in range(_ROUNDS):
        before = len(hidden)
        for own in tables.values():
            counts = [rows[i].n for i in own]
            also = frozenset(k for k, i in enumerate(own) if i in hidden)
            hidden |= {own[k] for k in hidden_cells(counts, _sums([rows[i] for i in own]), also=also)}
        hidden |= _same_elsewhere(rows, hidden)
        if len(hidden) == before:
            break
    made = tuple(_hide(r) if i in hidden else _bare(r) for i, r in enumerate(rows))
    lost = {rows[i].kpi for i in hidden if not rows[i].by and rows[i].grain is None}
    return made, lost


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
        found += [(i, tuple(parts)) for parts in groups.values() if sum(rows[k].n for k in parts) == total.n]
    return found


def _same_elsewhere(rows: Sequence[KpiValue], hidden: set[int]) -> set[int]:
    """Find where another key figure shows, for the same group, the number that is hidden."""
    secrets: dict[Place, set[float]] = {}
    for i in hidden:
        secrets.setdefault(_place(rows[i]), set()).add(float(rows[i].n))
    found = set()
    for i, r in enumerate(rows):
        if i in hidden or r.status != "ok":
            continue
        told = {float(r.n)} | {float(v) for v in (r.top, r.bottom) if v is not None}
        if r.unit == "count" and r.value is not None:
            told.add(float(r.value))
        if told & secrets.get(_place(r), set()):
            found.add(i)
    return found


def _place(row: KpiValue) -> Place:
    return tuple(row.by.items()), row.period, row.grain


def _bare(row: KpiValue) -> KpiValue:
    """Leave of a part or a month that is not told no sums and counts: another key figure may hide the same ones."""
    if row.status == "ok" or not (row.by or row.grain):
        return row
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
