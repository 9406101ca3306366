"""What has no place among the parts: spend that names no industry, and why a quotient by industry is then not told.

A figure made of two relations reaches a dimension by two ways. Spend is of an industry where it names an account, and
most spend names none; leads do. Divided part by part, the little spend that does would meet all the leads.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import ibis

from alignment_toolkit.kpi.cube import By
from alignment_toolkit.kpi.dimensions import home_of, place_of
from alignment_toolkit.kpi.kinds import DifferenceOfKpis, Kpi, RatioOfKpis
from alignment_toolkit.kpi.of_rows import COUNT, KpiOfRows
from alignment_toolkit.kpi.values import Number, Sheet
from alignment_toolkit.languages import noted, say
from alignment_toolkit.sources.narrow import Step, with_values

if TYPE_CHECKING:
    from ibis.expr.types import Table

__all__ = ["MOST", "Flagged", "Quantity", "Share", "Way", "quantities", "told", "unplaced"]

# Were the rest spread over the parts as they stand, a part would be off by at most 11 %.
MOST: Final = 0.10
# Rows of two kinds in one relation, which reach a dimension apart: how either side of the quotient is called.
_MIXED: Final = {"served": (noted("the effort"), noted("the active clients"))}
# Money is spent on a channel or on none, and a client may have come without a lead. Of a lead or an order the channel
# is unknown where it is empty.
_ON_PURPOSE: Final = ("spend", "clients", "client_values")


@dataclass(frozen=True)
class Quantity:
    """What is added up over the parts: a side of a figure, and which of its sums."""

    kpi: Kpi
    role: str
    words: str


@dataclass(frozen=True)
class Way:
    """How rows find their value of a dimension: the column to fill, and whether having none is an answer of its own."""

    dimension: str
    column: str
    answer: bool


@dataclass(frozen=True)
class Share:
    """How much of a quantity names no value of a dimension."""

    of: Quantity
    way: Way
    share: float


def quantities(kpi: Kpi | RatioOfKpis, sides: Sequence[Kpi], source: Any) -> tuple[Quantity, ...]:
    """Give what must have a place before a part of a figure can be told; nothing where all is of one relation."""
    if isinstance(kpi, RatioOfKpis):
        apart = len({home_of(side.relation, source)[-1] for side in sides}) > 1
        return tuple(Quantity(side, "top", side.title) for side in sides) if apart else ()
    words = _MIXED.get(kpi.relation)
    return () if words is None else (Quantity(kpi, "top", words[0]), Quantity(kpi, "bottom", words[1]))


def way_by(source: Any, kpi: Kpi, dimension: str) -> Way:
    """Give the way by which a column of `by` comes to a KPI's rows."""
    place = place_of(source, kpi.relation, source.relation(kpi.relation), dimension)
    return _way(source, kpi, dimension, place.column, place.key, place.table)


def _way(source: Any, kpi: Kpi, dimension: str, column: str, key: str | None, table: str | None) -> Way:
    own = key or column
    answer = own == "campaign_id" or (own == "channel" and kpi.relation in _ON_PURPOSE)
    name = dimension.rpartition(".")[2].removesuffix("_id").replace("_", " ")
    fill = f"{home_of(kpi.relation, source)[-1]}.{own}"
    return Way(name, f"{fill}{say(' and ')}{table}.{column}" if key else fill, answer)


def unplaced(sheet: Sheet, of: Quantity, number: int, part: int, piece: int | None) -> float:
    """Give the share of a quantity whose rows have no value of the dimension of that number."""
    total = missing = 0.0
    for by in sheet.answer.slices(part):
        amount = _amount(sheet, of, part, by, piece)
        total += amount
        missing += amount if by is not None and by[number] is None else 0.0
    return missing / total if total else 0.0


def _amount(sheet: Sheet, of: Quantity, part: int, by: By, piece: int | None) -> float:
    cell = sheet.answer.cell(sheet.ask, part, by, piece)
    if isinstance(of.kpi, KpiOfRows):
        rows = cell.get("rows")
        return 0.0 if rows is None else float(rows[COUNT].sum())
    of_a_quotient = of.kpi.bottom is not None and of.kpi.relation not in _MIXED
    return abs(float(cell.get("n" if of_a_quotient else of.role) or 0))


def told(kpi: Kpi | RatioOfKpis, found: Number, shares: Iterable[Share], *, missing: bool) -> Number:
    """Give a part's number: refused, with the reason, where too much has no place; else it says how much has none.

    `missing` is the part of what names no value. What stands there on either side was not brought by each other.
    """
    notes = [found.method]
    for s in shares:
        said = {
            "dimension": s.way.dimension,
            "what": say(s.of.words),
            "share": say("{gone:.1f} %", gone=min(max(100 * s.share, 0.1), 100 if s.share == 1 else 99.9)),
        }
        # A part of a channel's cost is a figure of its own; a profit without most of the cost is none.
        direct = s.way.answer and not isinstance(kpi, DifferenceOfKpis) and not missing and s.share < 1
        if s.share > MOST and not direct:
            reason = say(
                'Not told by {dimension}: {share} of "{what}" names no {dimension}, more than {most}. '
                "Fill in {column}.",
                column=s.way.column,
                most=say("{gone:.0f} %", gone=100 * MOST),
                **said,
            )
            # The sums stay, so that they add up to the whole; a difference is its own sum.
            top = None if isinstance(kpi, DifferenceOfKpis) else found.top
            return replace(
                found, value=None, low=None, high=None, exact=None, spread=None, top=top, reason=reason
            )
        if s.share > 0 and not missing:
            notes.append(say('{share} of "{what}" names no {dimension} and is in no part', **said))
    return replace(found, method="; ".join(n for n in notes if n))


class Flagged:
    """The whole of a company that is narrowed: its relations, with a mark per step where a row names any value."""

    def __init__(self, part: Any) -> None:
        self._whole = part.whole
        self._steps = tuple(Step(dimension, value) for dimension, value in part.steps)
        self.steps: tuple[Any, ...] = ()
        self.marks = tuple(f"_placed{number}" for number in range(len(self._steps)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._whole, name)

    def __getitem__(self, table: str) -> Table:
        return self._whole[table]

    def relation(self, name: str) -> Table:
        """Give a relation of the whole company with the marks."""
        t = self._whole.relation(name)
        for mark, step in zip(self.marks, self._steps, strict=True):
            ways = step.ways(self._whole, name, t.columns)
            if not ways:
                t = t.mutate(**{mark: ibis.null("boolean")})
                continue
            t = with_values(self._whole, t, ways, mark)
            t = t.mutate(**{mark: t[mark].notnull().ifelse(True, ibis.null("boolean"))})
        return t

    def way(self, kpi: Kpi, number: int) -> Way:
        """Give the way by which a step's value comes to a KPI's rows."""
        step = self._steps[number]
        ways = step.ways(self._whole, kpi.relation, self._whole.relation(kpi.relation).columns)
        return _way(self._whole, kpi, step.dimension, *(ways[0] if ways else ("", None, None)))
