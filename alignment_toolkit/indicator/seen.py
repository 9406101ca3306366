"""What an indicator sees of a company, and the facts that it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Protocol

from alignment_toolkit.errors import MissingTable, ParameterError, did_you_mean
from alignment_toolkit.indicator.lapses import Lapse, lapses_of
from alignment_toolkit.periods import Period
from alignment_toolkit.relations import RELATIONS
from alignment_toolkit.relations.money import first_unrated
from alignment_toolkit.results import Chart, Column, Evidence, Guard, KpiValue, Measure, Money, clean_value
from alignment_toolkit.sources.narrow import Step, narrowed_table
from alignment_toolkit.statistics.inference import Gap

if TYPE_CHECKING:
    import ibis
    import pandas as pd

__all__ = ["EVIDENCE_ROWS", "Data", "Observation", "Source", "evidence"]

EVIDENCE_ROWS = 50


class Source(Protocol):
    """What an indicator needs of a company; the toolkit's Company is one."""

    @property
    def tables(self) -> tuple[str, ...]:
        """Name the tables that are there."""

    @property
    def undated(self) -> frozenset[str]:
        """Name the tables in which one date stands for all rows."""

    @property
    def settings(self) -> Any:
        """Give the settings."""

    @property
    def calendar(self) -> Any:
        """Give the working calendar."""

    @property
    def currency(self) -> str:
        """Give the company's currency."""

    def __getitem__(self, table: str) -> ibis.Table:
        """Give a canonical table."""

    def has(self, table: str, *columns: str) -> bool:
        """Say whether a table and these columns of it are there."""

    def missing(self, needs: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
        """Name the columns that are not there."""

    def relation(self, name: str) -> ibis.Table:
        """Give a relation by name."""

    def fetch(self, expr: Any, *, limit: int = ...) -> pd.DataFrame:
        """Bring rows from the engine to pandas."""

    def as_of_of(self, tables: Sequence[str]) -> date | None:
        """Give the last day for which all these tables are complete."""


@dataclass(frozen=True)
class Observation:
    """The facts an author returns.

    Attributes
    ----------
    gap
        The primary gap, as a `Gap` of `alignment_toolkit.statistics` (an Estimate that can be tested).
    values
        Words and numbers that the header's sentence `says` uses beside ``{gap}`` and ``{n}``.
    counts
        What the header's minimum counts (``{"accounts": 812}``); by default the gap's n.
    measures, money, evidence, chart, guards
        What stands beside the gap: further numbers, money at stake, rows to check, what to draw, warnings that fired.
    innocent
        The best innocent explanation for each side, where the data knows a better one than the header.
    withheld
        Why the finding must not be shown (fewer than 5 people on a side ...).

    Examples
    --------
    >>> from alignment_toolkit.statistics.inference import Gap
    >>> seen = Observation(Gap.exact(0.2, n=99, n_unit="leads"), values={"team": "North"})
    >>> seen.gap.estimate.n, seen.values["team"]
    (99, 'North')
    """

    gap: Gap
    values: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, int] | None = None
    measures: Sequence[Measure] = ()
    money: Money | None = None
    evidence: Evidence = field(default_factory=Evidence)
    chart: Chart | None = None
    guards: Sequence[Guard] = ()
    innocent: Mapping[str, str] | None = None
    withheld: str | None = None


def evidence(frame: pd.DataFrame, columns: Sequence[Column]) -> Evidence:
    """Give the first 50 rows of a frame as evidence.

    Raises
    ------
    ParameterError
        Where a column is not in the frame, with the near match.
    """
    for column in columns:
        if column.name not in frame.columns:
            near = did_you_mean(column.name, map(str, frame.columns))
            raise ParameterError(f"The evidence has no column '{column.name}'. {near}")
    top = frame.head(EVIDENCE_ROWS)
    rows = tuple(
        tuple(clean_value(v) for v in row) for row in top[[c.name for c in columns]].itertuples(index=False)
    )
    return Evidence(tuple(columns), rows)


class Sight:
    """A part of a company as an indicator sees it: what only says more of the part's cases is the whole company's.

    A lead of the North keeps the wish of the person who asked and the theme of the campaign, wherever those belong. It
    is of the team that it was handed to: who has it now often says what became of it.
    """

    def __init__(self, part: Any, looked_up: Sequence[str]) -> None:
        self.part = part
        self._looked_up = frozenset(looked_up)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.part, name)

    def of(self, name: str) -> Any:
        """Give the company, part or whole, that a table or relation is taken from."""
        return self.part.whole if name in self._looked_up else self.part

    @property
    def tables(self) -> tuple[str, ...]:
        """Name the tables that are there."""
        own = set(self.part.tables) | self._looked_up
        return tuple(t for t in self.part.whole.tables if t in own)

    def __getitem__(self, table: str) -> ibis.Table:
        """Give a canonical table."""
        return self._divided(table, self.of(table), lambda company: company[table], ())

    def has(self, table: str, *columns: str) -> bool:
        """Say whether a table and these columns of it are there."""
        return bool(self.of(table).has(table, *columns))

    def missing(self, needs: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
        """Name the columns that are not there."""
        return tuple(gone for t, columns in needs.items() for gone in self.of(t).missing({t: columns}))

    def relation(self, name: str) -> ibis.Table:
        """Give a relation by name."""
        made_of = RELATIONS[name].tables(self.part.whole) if name in RELATIONS else ()
        return self._divided(name, self.of(name), lambda company: company.relation(name), made_of)

    def _divided(
        self, name: str, company: Any, give: Callable[[Any], ibis.Table], made_of: Sequence[str]
    ) -> ibis.Table:
        whole = self.part.whole
        if company is whole or "received_by" not in (made := give(whole)).columns:
            return give(company)
        for dimension, value in self.part.steps:
            made = narrowed_table(whole, name, made, Step(dimension, value, handed=True), made_of)
        return made


def stood_on(company: Source, name: str) -> Source:
    """Give what a relation is made from: of one that is only looked up, the whole company."""
    if not isinstance(company, Sight) or company.of(name) is company.part:
        return company
    whole: Source = company.of(name)
    return whole


class Header(Protocol):
    """What `Data` needs of the indicator that asks."""

    @property
    def id(self) -> str:
        """Name the indicator."""

    @property
    def relations(self) -> tuple[str, ...]:
        """Name the relations that must be there."""

    @property
    def uses_relations(self) -> tuple[str, ...]:
        """Name the relations that are used where they are there."""

    @property
    def silence(self) -> Mapping[str, Mapping[str, Any]]:
        """Name the tables in which a row that is not there counts against somebody, and which rows count."""


class Data:
    """What an indicator sees of a company: the declared tables and columns, nothing else."""

    def __init__(
        self, company: Source, allowed: Mapping[str, Sequence[str]], header: Header, period: Period
    ) -> None:
        self._company = company
        self._allowed = {table: tuple(columns) for table, columns in allowed.items()}
        self._header = header
        self.period = period
        self.seed = header.id
        self.currency = company.currency
        self.calendar = company.calendar
        self.kpis: Mapping[str, KpiValue] = {}
        self.margin = 0.0  # what is tolerated, as the settings have it: for charts, never for a verdict

    def __getitem__(self, table: str) -> ibis.Table:
        """Give a declared table with its declared columns (those that are there)."""
        self._declared(table)
        whole = self._company[table]
        return whole.select([c for c in self._allowed[table] if c in whole.columns])

    def money(self, table: str) -> ibis.Table:
        """Give a declared table with the column `unrated` beside the declared ones, where amounts may lack a rate.

        `unrated` names the currency and day of a row whose amounts no rate could convert: they are still in their own
        currency, and must not be added to others. `unrated` asks for the first of them.
        """
        made, whole = self[table], self._company[table]
        return whole.select([*made.columns, "unrated"]) if "unrated" in whole.columns else made

    def unrated(self, t: ibis.Table) -> str | None:
        """Name the currency and day of the first amount among these rows that has no rate; None where all have one."""
        return first_unrated(self, t)

    def has(self, table: str, *columns: str) -> bool:
        """Say whether a declared table, and these declared columns of it, are there."""
        self._declared(table, *columns)
        return self._company.has(table, *columns)

    def relation(self, name: str) -> ibis.Table:
        """Give a declared relation (see docs: relations)."""
        self._declared_relation(name)
        return self._company.relation(name)

    def has_relation(self, name: str) -> bool:
        """Say whether what a declared relation stands on is there, and known of this part of the company."""
        self._declared_relation(name)
        if RELATIONS[name].missing(stood_on(self._company, name)):
            return False
        try:
            self._company.relation(name)
        except MissingTable:
            return False
        return True

    def known_until(self, relation: str) -> date | None:
        """Give the last day for which the outcomes in a relation are complete."""
        self._declared_relation(relation)
        whole = getattr(self._company, "whole", self._company)  # a part's outcomes are made of all tables
        return self._company.as_of_of(RELATIONS[relation].outcome_tables(whole))

    def fetch(self, expr: Any, *, limit: int = 2_000_000) -> pd.DataFrame:
        """Bring an expression's rows from the engine to pandas, through the company's one gate."""
        return self._company.fetch(expr, limit=limit)

    @property
    def of_part(self) -> bool:
        """Say whether this is a part of the company (one region, one channel), not the whole."""
        return bool(getattr(self._company, "steps", ()))

    def undated(self, table: str) -> bool:
        """Say whether one date stands for all rows of a declared table, so that the same date tells nothing."""
        self._declared(table)
        return table in self._company.undated

    def as_of(self, *tables: str) -> date | None:
        """Give the last day for which all these tables are complete."""
        return self._company.as_of_of(tables)

    def first_day(self, table: str, column: str) -> date | None:
        """Give the first day that a declared column holds in the whole company: what came before is not on record."""
        self._declared(table, column)
        whole = getattr(self._company, "whole", self._company)
        t = whole[table]
        day = whole.fetch(t.aggregate(first=t[column].min().cast("date")))["first"].iloc[0]
        if day is None or day != day:
            return None
        return day.date() if isinstance(day, datetime) else day

    def lapses(self, table: str, start: date, end: date) -> tuple[Lapse, ...]:
        """Give the stretches, between `start` and before `end`, in which a table of `silence` was not kept.

        Nobody in the whole company has a row then, and chance does not explain it (see docs: indicators).
        """
        known = self._header.silence
        if table not in known:
            raise ParameterError(
                f"{self._header.id} asks for lapses of '{table}' without declaring it. "
                f"{did_you_mean(table, known)} Declare it in silence=."
            )
        return lapses_of(getattr(self._company, "whole", self._company), table, known[table], start, end)

    @property
    def declared(self) -> tuple[str, ...]:
        """Name the declared tables: of the alternatives in ``any_of``, those of the first that is there."""
        return tuple(self._allowed)

    def columns(self, table: str) -> tuple[str, ...]:
        """Give the declared columns of a table that are there; empty where the table is not."""
        return tuple(c for c in self._allowed.get(table, ()) if self._company.has(table, c))

    def period_of(self, label: str) -> Period:
        """Read a period's label in the company's calendar (fiscal years as in the settings)."""
        period: Period = self._company.settings.period(label)
        return period

    def effort_minutes(self) -> Mapping[str, float]:
        """Give the minutes that count for a touch without its own, by channel (settings)."""
        return dict(self._company.settings.effort.minutes)

    def may_compare_heads(self) -> bool:
        """Say whether the two heads may be compared: allowed in the settings, and for the company's own people only."""
        settings = self._company.settings
        return bool(settings.privacy.heads) and settings.report.audience == "internal"

    def _declared_relation(self, name: str) -> None:
        known = (*self._header.relations, *self._header.uses_relations)
        if name not in known:
            raise ParameterError(
                f"{self._header.id} asks for the relation '{name}' without declaring it. "
                f"{did_you_mean(name, known)} Declare it in relations= or uses_relations=."
            )

    def _declared(self, table: str, *columns: str) -> None:
        if table not in self._allowed:
            raise ParameterError(
                f"{self._header.id} asks for the table '{table}' without declaring it. "
                f"{did_you_mean(table, self._allowed)} Declare it in needs=, any_of= or uses=."
            )
        for column in columns:
            if column not in self._allowed[table]:
                raise ParameterError(
                    f"{self._header.id} asks for {table}.{column} without declaring it. "
                    f"{did_you_mean(column, self._allowed[table])}"
                )
