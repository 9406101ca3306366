"""The kind *indicator*: facts from its author, verdict from the framework, words from its header.

An indicator is one function in one file. It is handed only the tables and columns that its header declares and
returns an `Observation`; `Indicator.look` keeps that as a `Look`; `verdict.verdicts` judges all looks of an Analysis.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Literal, Protocol

from alignment_toolkit.errors import ParameterError, SettingsError, did_you_mean
from alignment_toolkit.periods import Period
from alignment_toolkit.results import (
    Chart,
    Column,
    Evidence,
    Guard,
    KpiValue,
    Measure,
    Money,
    clean_value,
)
from alignment_toolkit.statistics.inference import Gap
from alignment_toolkit.units import unit as unit_of

if TYPE_CHECKING:
    import ibis
    import pandas as pd

__all__ = ["AREAS", "EVIDENCE_ROWS", "Data", "Indicator", "Look", "Observation", "evidence", "indicator"]

EVIDENCE_ROWS = 50
AREAS = ("portfolio", "positioning", "value", "targeting", "message", "clients", "handover", "cooperation")

Kind = Literal["level", "distance", "contrast"]
Nature = Literal["strategic", "tactical", "personal"]
Direction = Literal["greater", "both"]
Tension = Literal["harmful", "neutral", "productive"]


class Source(Protocol):
    """What an indicator needs of a company; the toolkit's Company is one."""

    @property
    def tables(self) -> tuple[str, ...]: ...
    @property
    def settings(self) -> Any: ...
    @property
    def calendar(self) -> Any: ...
    @property
    def currency(self) -> str: ...
    def __getitem__(self, table: str) -> ibis.Table: ...
    def has(self, table: str, *columns: str) -> bool: ...
    def missing(self, needs: Mapping[str, Sequence[str]]) -> tuple[str, ...]: ...
    def relation(self, name: str) -> ibis.Table: ...
    def fetch(self, expr: Any, *, limit: int = ...) -> pd.DataFrame: ...
    def as_of_of(self, tables: Sequence[str]) -> date | None: ...


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


class Data:
    """What an indicator sees of a company: the declared tables and columns, nothing else."""

    def __init__(
        self, company: Source, allowed: Mapping[str, Sequence[str]], header: Indicator, period: Period
    ) -> None:
        self._company = company
        self._allowed = {table: tuple(columns) for table, columns in allowed.items()}
        self._header = header
        self.period = period
        self.seed = header.id
        self.currency = company.currency
        self.calendar = company.calendar
        self.kpis: Mapping[str, KpiValue] = {}

    def __getitem__(self, table: str) -> ibis.Table:
        """Give a declared table with its declared columns (those that are there)."""
        self._declared(table)
        whole = self._company[table]
        return whole.select([c for c in self._allowed[table] if c in whole.columns])

    def has(self, table: str, *columns: str) -> bool:
        """Say whether a declared table, and these declared columns of it, are there."""
        self._declared(table, *columns)
        return self._company.has(table, *columns)

    def relation(self, name: str) -> ibis.Table:
        """Give a declared relation (see docs: relations)."""
        if name not in self._header.relations:
            raise ParameterError(
                f"{self._header.id} asks for the relation '{name}' without declaring it. "
                f"{did_you_mean(name, self._header.relations)} Declare it in relations=(...)."
            )
        return self._company.relation(name)

    def fetch(self, expr: Any, *, limit: int = 2_000_000) -> pd.DataFrame:
        """Bring an expression's rows from the engine to pandas, through the company's one gate."""
        return self._company.fetch(expr, limit=limit)

    def as_of(self, *tables: str) -> date | None:
        """Give the last day for which all these tables are complete."""
        return self._company.as_of_of(tables)

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


@dataclass(frozen=True, eq=False)
class Indicator:
    """One question to the data: header, options and the function that observes. Made by `@indicator`."""

    id: str
    function: Callable[..., Observation]
    question: str
    title: str
    failure_title: str
    nature: Nature
    area: str
    kind: Kind
    direction: Direction
    unit: str
    margin: float
    enough: Mapping[str, int]
    window: str
    population: str
    says: str
    advice: str
    why: str
    who: tuple[str, ...]
    innocent: Mapping[str, str]
    tension: Tension
    needs: Mapping[str, tuple[str, ...]]
    any_of: tuple[Mapping[str, tuple[str, ...]], ...]
    uses: Mapping[str, tuple[str, ...]]
    relations: tuple[str, ...]
    kpis: tuple[str, ...]
    options: Mapping[str, Any]
    card: str

    def describe(self) -> str:
        """Give the method card as Markdown: what the header declares, then the card of the indicator's file."""
        minimum = ", ".join(f"{n:,} {what}" for what, n in self.enough.items())
        needs = [f"{t}.{c}" for t, columns in self.needs.items() for c in columns]
        needs += [
            " or ".join(" and ".join(f"{t}.{c}" for t, cs in choice.items() for c in cs) for choice in self.any_of)
        ] * bool(self.any_of)
        uses = [f"{t}.{c}" for t, columns in self.uses.items() for c in columns]
        direction = "beyond the margin upwards" if self.direction == "greater" else "beyond the margin either way"
        facts = {
            "Nature": f"{self.nature}, area {self.area}",
            "Gap": f"{self.kind}, in {self.unit}; out of line {direction}",
            "Margin": unit_of(self.unit).text(self.margin),
            "Least data": minimum,
            "Window": self.window,
            "Population": self.population,
            "Needs": ", ".join(needs) or "nothing",
            "Uses, where there": ", ".join(uses) or "nothing",
            "Options": ", ".join(f"{name} = {value}" for name, value in self.options.items()) or "none",
            "Who can act": " and ".join(self.who),
        }
        rows = "\n".join(f"| {name} | {text} |" for name, text in facts.items())
        title, _, card = self.card.partition("\n")
        innocent = "\n".join(f"- {side}: {text}" for side, text in self.innocent.items())
        parts = [
            f"# {self.id}: {title}",
            self.why,
            f"| | |\n|---|---|\n{rows}",
            card.strip(),
            f"**Best innocent explanations.**\n\n{innocent}" if innocent else "",
        ]
        return "\n\n".join(part for part in parts if part) + "\n"

    def missing(self, company: Source) -> tuple[str, ...]:
        """Name the table.columns that are needed and not there; empty where the indicator can be assessed."""
        lacking = list(company.missing(self.needs))
        if self.any_of and not any(not company.missing(choice) for choice in self.any_of):
            choices = [" and ".join(company.missing(choice)) for choice in self.any_of]
            lacking.append(" or ".join(choices))
        return tuple(lacking)

    def configured(self, options: Mapping[str, Any]) -> tuple[float, dict[str, Any]]:
        """Give the margin and the options after the settings; `options` is the table [indicators.<id>].

        Raises
        ------
        SettingsError
            For an unknown option or one of the wrong type, all at once, each with the near match.
        """
        margin, chosen, wrong = self.margin, dict(self.options), []
        for name, value in options.items():
            if name == "margin":
                if not isinstance(value, (int, float)) or isinstance(value, bool) or value < 0:
                    wrong.append(
                        f"[indicators.{self.id}] margin = {value!r}: a number of 0 or more is needed."
                    )
                else:
                    margin = float(value)
            elif name not in self.options:
                near = did_you_mean(name, ["margin", *self.options])
                wrong.append(f"[indicators.{self.id}] has no option '{name}'. {near}")
            elif not _same_kind(self.options[name], value):
                kind = type(self.options[name]).__name__
                wrong.append(f"[indicators.{self.id}] {name} = {value!r}: a value of type {kind} is needed.")
            else:
                chosen[name] = type(self.options[name])(value) if self.options[name] is not None else value
        if wrong:
            raise SettingsError("\n".join(wrong))
        return margin, chosen

    def window_of(self, period: Period, *, first: date | None, as_of: date | None) -> Period:
        """Give the stretch of time that this indicator looks at for a period of analysis."""
        end = period.end
        if self.window == "period":
            return period
        if self.window == "history":
            start = min(first or period.start, period.start)
            return _range(start, end)
        if self.window == "trailing-12-months":
            return _range(_year_before(end), end)
        days = int(self.window.removeprefix("mature-").removesuffix("-days"))
        if as_of is not None:
            end = min(end, as_of + timedelta(days=1 - days))
        return _range(end - (period.end - period.start), end)

    def look(
        self,
        company: Source,
        period: Period,
        *,
        options: Mapping[str, Any] | None = None,
        first: date | None = None,
        measured: Mapping[str, KpiValue] | None = None,
    ) -> Look:
        """Observe once; whatever goes wrong stays inside the returned Look."""
        margin, chosen = self.configured(options or {})
        lacking = self.missing(company)
        tables = [*self.needs, *(t for choice in self.any_of for t in choice), *self.uses]
        present = [t for t in dict.fromkeys(tables) if t in company.tables]
        as_of = company.as_of_of(present) if present else None
        window = self.window_of(period, first=first, as_of=as_of)
        look = Look(self, margin, period, window, chosen)
        if lacking:
            return replace(look, missing=lacking)
        guards: list[Guard] = []
        if as_of is not None and window.last > as_of:
            guards.append(
                Guard("immature", f"Data is complete until {as_of}; the window runs to {window.last}.")
            )
        data = Data(company, self._allowed(company), self, period)
        data.kpis = measured or {}
        try:
            seen = self.function(data, window, **chosen)
        except Exception as problem:  # one broken indicator must never take the others down
            return replace(look, error=f"{type(problem).__name__}: {problem}".splitlines()[0])
        if seen.gap.estimate.unit != self.unit:
            wrong = f"the gap is in {seen.gap.estimate.unit}, its margin in {self.unit}"
            return replace(look, error=f"{self.id}: {wrong}")
        return replace(look, seen=replace(seen, guards=(*guards, *seen.guards)))

    def _allowed(self, company: Source) -> dict[str, tuple[str, ...]]:
        allowed: dict[str, list[str]] = {}
        chosen = [c for c in self.any_of if not company.missing(c)][:1]
        for group in (self.needs, *chosen, self.uses):
            for table, columns in group.items():
                allowed.setdefault(table, []).extend(c for c in columns if c not in allowed.get(table, []))
        return {table: tuple(columns) for table, columns in allowed.items()}


@dataclass(frozen=True)
class Look:
    """What one indicator saw, before the verdict."""

    header: Indicator
    margin: float
    period: Period
    window: Period
    options: Mapping[str, Any]
    seen: Observation | None = None
    missing: tuple[str, ...] = ()
    error: str | None = None

    @property
    def short_of(self) -> Mapping[str, int]:
        """Name what is below the header's minimum, and by how much."""
        if self.seen is None:
            return {}
        have = self.seen.counts
        if have is None:
            only = next(iter(self.header.enough))
            have = {only: self.seen.gap.estimate.n}
        return {
            what: least - have.get(what, 0)
            for what, least in self.header.enough.items()
            if have.get(what, 0) < least
        }

    @property
    def p_value(self) -> float | None:
        """Give the p value of *the gap lies within the margin*; None where nothing was tested."""
        if self.seen is None or self.seen.withheld or self.short_of or self.seen.gap.estimate.value is None:
            return None
        gap = self.seen.gap
        above = gap.above(self.margin)
        if self.header.direction == "greater":
            return above
        return min(1.0, 2 * min(above, gap.below(-self.margin)))


def _range(start: date, end: date) -> Period:
    return Period.parse(f"{start}..{end - timedelta(days=1)}")


def _year_before(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:  # 29 February
        return day.replace(year=day.year - 1, day=28)


def _same_kind(default: Any, value: Any) -> bool:
    if default is None:
        return True
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    if isinstance(default, float):
        return isinstance(value, (int, float))
    return isinstance(value, type(default))


def _needs(group: Mapping[str, Sequence[str]] | None) -> dict[str, tuple[str, ...]]:
    return {table: tuple(columns) for table, columns in (group or {}).items()}


def indicator(
    *,
    title: str,
    failure_title: str,
    nature: Nature,
    area: str,
    kind: Kind,
    unit: str,
    margin: float,
    enough: int | Mapping[str, int],
    says: str,
    advice: str,
    population: str,
    question: str | None = None,
    direction: Direction = "greater",
    window: str = "period",
    who: Sequence[str] = ("marketing", "sales"),
    innocent: Mapping[str, str] | None = None,
    tension: Tension = "harmful",
    needs: Mapping[str, Sequence[str]] | None = None,
    any_of: Sequence[Mapping[str, Sequence[str]]] = (),
    uses: Mapping[str, Sequence[str]] | None = None,
    relations: Sequence[str] = (),
    kpis: Sequence[str] = (),
) -> Callable[[Callable[..., Observation]], Indicator]:
    """Make an `Indicator` of a function ``(data, window, *, option=default) -> Observation``.

    The function's name is the id, its keyword-only arguments are the options that settings may change, its docstring
    is the *why* that the report prints for the client.

    Parameters
    ----------
    title, failure_title, question
        The heading where the finding is aligned, where it is misaligned, and where neither can be said.
    nature, area
        ``strategic``, ``tactical`` or ``personal``; one of `AREAS`, or a word of your own.
    kind, direction, unit, margin
        What the gap is (see docs: indicators) and the smallest gap that matters, in the gap's unit.
    enough
        The least n, or several minima by name; below, the finding says *too little data*.
    says
        The sentence of the report; ``{gap}``, ``{n}``, options and the keys of `Observation.values` are filled in.
    window
        ``period``, ``trailing-12-months``, ``history`` or ``mature-N-days``.
    needs, any_of, uses, relations, kpis
        The tables and columns that must be there, of which the first that is there is used, that are used where they
        are there; relations and measured KPIs by name. Nothing else is handed over.

    Raises
    ------
    ParameterError
        Where the header contradicts itself or the function has no docstring.
    """

    def make(function: Callable[..., Observation]) -> Indicator:
        name = getattr(function, "__name__", "")
        why = inspect.getdoc(function)
        if not why:
            raise ParameterError(f"The indicator '{name}' has no docstring; the report prints it as the why.")
        unit_of(unit)
        if not (window in ("period", "trailing-12-months", "history") or _is_mature(window)):
            near = did_you_mean(window, ["period", "trailing-12-months", "history", "mature-365-days"])
            raise ParameterError(f"The indicator '{name}' has the window '{window}'. {near}")
        if margin < 0:
            raise ParameterError(f"The indicator '{name}' has a margin below 0 ({margin}).")
        parameters = list(inspect.signature(function).parameters.values())
        options = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
        free = [p for p in options if options[p] is inspect.Parameter.empty]
        if free:
            raise ParameterError(f"The indicator '{name}' has options without a default: {', '.join(free)}.")
        needed = _needs(needs)
        for relation in relations:
            for table, columns in _relation_needs(relation).items():
                needed[table] = tuple(dict.fromkeys((*needed.get(table, ()), *columns)))
        first = population.split()[0] if population else "rows"
        return Indicator(
            id=name,
            function=function,
            question=question or title,
            title=title,
            failure_title=failure_title,
            nature=nature,
            area=area,
            kind=kind,
            direction=direction,
            unit=unit,
            margin=float(margin),
            enough=dict(enough) if isinstance(enough, Mapping) else {first: enough},
            window=window,
            population=population,
            says=says,
            advice=advice,
            why=why,
            who=tuple(who),
            innocent=dict(innocent or {}),
            tension=tension,
            needs=needed,
            any_of=tuple(_needs(choice) for choice in any_of),
            uses=_needs(uses),
            relations=tuple(relations),
            kpis=tuple(kpis),
            options=options,
            card=inspect.getdoc(inspect.getmodule(function)) or why,
        )

    return make


def _relation_needs(name: str) -> Mapping[str, Sequence[str]]:
    from alignment_toolkit.relations import RELATIONS

    if name not in RELATIONS:
        raise ParameterError(f"There is no relation '{name}'. {did_you_mean(name, RELATIONS)}")
    needs: Mapping[str, Sequence[str]] = RELATIONS[name].needs
    return needs


def _is_mature(window: str) -> bool:
    return window.startswith("mature-") and window.endswith("-days") and window[7:-5].isdigit()
