"""What a matrix leaves out: rows whose column is empty, or that no key places, are in none of its parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from alignment_toolkit.languages import ENGLISH, noted, say
from alignment_toolkit.notebooks.opening import part_of
from alignment_toolkit.privacy import LEAST
from alignment_toolkit.sources.narrow import Step, placed
from alignment_toolkit.tables import TABLES
from alignment_toolkit.units import unit

if TYPE_CHECKING:
    from alignment_toolkit.company import Company
    from alignment_toolkit.periods import Period

__all__ = ["Aside", "Left", "in_no_part", "told_to"]


@dataclass(frozen=True)
class Left:
    """How much of one figure of the period is in no part, beside the whole company's.

    Attributes
    ----------
    figure, title, unit
        Which figure: ``revenue``, ``clients`` (accounts with a positive sales line) or ``leads``.
    value, of
        What is in no part, and the whole company's. None where the reader may not know.
    n, of_n
        The cases behind both: sales lines, clients, leads.
    smallest
        The cases of the smallest part.
    """

    figure: str
    title: str
    unit: str
    value: float | None
    of: float | None
    n: int | None
    of_n: int | None
    smallest: int | None

    @property
    def share(self) -> float | None:
        """What is in no part as a share of the whole; None where returns outweigh what was bought."""
        if self.value is None or not self.of or not 0 <= self.value <= self.of:
            return None
        return self.value / self.of

    def to_json(self) -> dict[str, Any]:
        """Give it as the matrix's JSON has it."""
        share = None if self.share is None else float(f"{self.share:.12g}")
        kept = {k: v for k, v in vars(self).items() if k != "smallest"}
        return {**kept, "share": share, "told": self.value is not None}

    def text(self, currency: str) -> str:
        """Write it in a line; nothing where it may not be told."""
        if self.value is None:
            return ""
        amount, whole = (unit(self.unit).text(v, currency=currency) for v in (self.value, self.of))
        share = "" if self.share is None else f" ({unit('share').text(self.share)})"
        return say(
            "{title}: {amount} of {whole}{share}",
            title=say(self.title),
            amount=amount,
            whole=whole,
            share=share,
        )


@dataclass(frozen=True)
class Aside:
    """All that is in no part: figures that the reports are about, and tables that no part has.

    `audience` is for whom the company's reports are, where nobody asks for another, and `language` theirs.
    """

    figures: tuple[Left, ...] = ()
    tables: tuple[str, ...] = ()
    audience: str = "internal"
    language: str = ENGLISH

    def to_json(self) -> dict[str, Any]:
        """Give it as the matrix's JSON has it."""
        return {"figures": [f.to_json() for f in self.figures], "tables": list(self.tables)}


_TITLES: Final = {
    "revenue": noted("Revenue"),
    "clients": noted("Clients who bought"),
    "leads": noted("Leads"),
}
_UNITS: Final = {"revenue": "money", "clients": "count", "leads": "count"}


def in_no_part(company: Company, parts: Sequence[str], period: Period) -> Aside:
    """Count what of a period no part of a matrix has.

    A client of whom any sales line is in a part is in that part.

    Parameters
    ----------
    company
        The whole company.
    parts
        What `parts_of` gave.
    period
        The period of the runs.
    """
    wanted: list[tuple[str, Any]] = [part_of(company, part).steps[0] for part in parts]
    figures: list[Left] = []
    if company.has("orders", "amount"):
        lines = _within(company.relation("sales"), "ordered_at", period)
        figures.append(_left(company, "revenue", "sales", lines, wanted))
        if company.has("orders", "account_id"):
            bought = lines.filter(lines.account_id.notnull() & (lines.amount > 0))
            figures.append(_left(company, "clients", "sales", bought, wanted))
    if company.has("leads", "created_at"):
        figures.append(_left(company, "leads", "leads", company.cohort("leads", period), wanted))
    undivided = tuple(_undivided(company, [dimension for dimension, _ in wanted]))
    report = company.settings.report
    return Aside(tuple(figures), undivided, report.audience, report.language)


def _within(t: Any, column: str, period: Period) -> Any:
    day = t[column].cast("date")
    return t.filter((day >= period.start) & (day < period.end))


def _left(company: Company, figure: str, relation: str, t: Any, wanted: Sequence[tuple[str, Any]]) -> Left:
    columns: dict[str, str] = {}
    for dimension in dict.fromkeys(dimension for dimension, _ in wanted):
        into = f"_part{len(columns)}"
        if (found := placed(company, relation, t, dimension, into)) is not None:
            t, columns[dimension] = found, into
    inside = [
        t[columns[d]].isnull() if value is None else (t[columns[d]] == value).fill_null(False)
        for d, value in wanted
        if d in columns
    ]
    counts: dict[str, Any] = {"whole": _count(t, figure, None)}
    if figure == "revenue":
        counts["amount"] = t.amount.sum().cast("float64")
    if inside:
        anywhere = inside[0]
        for one in inside[1:]:
            anywhere = anywhere | one
        counts["told"] = _count(t, figure, anywhere)
        counts |= {f"part{i}": _count(t, figure, one) for i, one in enumerate(inside)}
        if figure == "revenue":
            counts["rest"] = t.amount.sum(where=~anywhere).cast("float64")
    row = company.fetch(t.aggregate(**counts)).iloc[0]
    of_n = int(row["whole"])
    n = of_n - int(row.get("told", 0))
    sizes = [int(row[f"part{i}"]) for i in range(len(inside))] + [0] * (len(wanted) - len(inside))
    if figure == "revenue":
        of = _number(row["amount"])
        return Left(
            figure, _TITLES[figure], _UNITS[figure], _number(row.get("rest", of)), of, n, of_n, min(sizes)
        )
    return Left(figure, _TITLES[figure], _UNITS[figure], n, of_n, n, of_n, min(sizes))


def _count(t: Any, figure: str, where: Any) -> Any:
    return t.account_id.nunique(where=where) if figure == "clients" else t.count(where=where)


def _number(value: Any) -> float:
    return 0.0 if value is None or value != value else float(f"{float(value):.12g}")


def _undivided(company: Company, dimensions: Iterable[str]) -> Iterator[str]:
    """Name the dated tables that none of the dimensions divides, so that no part has them."""
    for table in company.tables:
        if TABLES[table].date is None:
            continue
        columns = company.columns(table)
        if not any(Step(d, None).reaches(company, table, columns) for d in dict.fromkeys(dimensions)):
            yield table


def told_to(aside: Aside, audience: str) -> Aside:
    """Give what an audience may know of it.

    Outside the company a figure is told only where what is in no part, and every part, has at least ten cases: who
    knows the whole could subtract all others from it, and then work out the one small group that is left.
    """
    if audience == "internal":
        return aside
    return replace(aside, figures=tuple(_outside(f) for f in aside.figures))


def _outside(left: Left) -> Left:
    few = any(count is None or count < LEAST for count in (left.n, left.smallest))
    return replace(left, value=None, of=None, n=None, of_n=None, smallest=None) if few else left
