"""What a KPI is: declarations, without any computing."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from alignment_toolkit import brief
from alignment_toolkit.errors import ParameterError, SettingsError, did_you_mean
from alignment_toolkit.languages import say
from alignment_toolkit.periods import Period
from alignment_toolkit.relations import RELATIONS, Source, missing
from alignment_toolkit.units import unit as unit_of

if TYPE_CHECKING:
    from ibis.expr.types import Table, Value

    from alignment_toolkit.kpi.lapses import Lapse

__all__ = ["Aggregate", "DifferenceOfKpis", "Kpi", "ProductOfKpis", "RatioOfKpis", "Terms"]

# An aggregate over the rows of one cluster: ``lambda t: t.amount.sum()``, or with the terms of the question as well.
Aggregate: TypeAlias = "Callable[[Table], Value] | Callable[[Table, Terms], Value]"
# Which rows of a table stand at the beginning of a day.
Standing: TypeAlias = "Callable[[Table, date], Value]"
Interval = Literal["share", "part", "ratio", "count", "events", "total", "exact"]
Better = Literal["higher", "lower"]


@dataclass(frozen=True)
class Terms:
    """What is known when a KPI is asked for.

    Attributes
    ----------
    as_of
        The last day for which the tables that the outcome comes from are all complete; None where none says so.
    known_until
        The last day that any of these tables knows of.
    warm_until
        The first day that KPIs of new clients count; None where nothing is left out.
    currency
        The company's currency.
    options
        The KPI's options after the settings.
    calendar
        The company's working hours.
    lapses
        Days in which a table that tells of silence was not kept.
    """

    as_of: date | None
    known_until: date | None
    warm_until: date | None
    currency: str
    options: Mapping[str, Any]
    calendar: Any = None
    lapses: tuple[Lapse, ...] = ()

    def born_until(self, days: int) -> date:
        """Give the last day on which something can have begun that is `days` whole days old at as_of."""
        return (self.as_of or date.min + timedelta(days=days)) - timedelta(days=days)


@dataclass(frozen=True)
class Kpi:
    """A number with two owners: `top`, or `top / bottom`, summed over clusters of rows of one relation.

    Attributes
    ----------
    id, title, about
        Its name, its name for readers, and its formula in words.
    relation, date
        The relation (or canonical table) that it stands on, and the column that dates a row.
    unit, better, owners
        Its unit, the good direction, and the departments' shares in it, which sum to 1.
    top, bottom
        Aggregates over the rows of one cluster: one sum, count, nunique, max or min. Their sums over clusters are
        divided. Decimal or whole numbers, so that the sums are exact in any order. Without bottom the KPI is the sum of
        the tops.
    interval
        ``share`` (Wilson), ``part`` (of an amount), ``ratio`` (delta method), ``count`` (exact Poisson), ``events``
        (a count of what is dated and may come in bursts: days and weeks tell its spread), ``total`` (compound
        Poisson), ``exact`` (booked: no sampling error).
    cluster, alone
        The column whose rows belong together where the unit repeats (mostly account_id), and the column that takes its
        place in rows where it is empty. Without cluster each row stands alone.
    n, n_unit
        The rows of the bottom, counted per cluster (by default the bottom itself, or else all rows), and their name.
    empty
        What is said where the bottom is 0.
    needs, any_of
        Columns that are needed beyond those of the relation.
    needs_settings
        Settings that must be there, as ``effort.cost_per_hour.sales``.
    censored
        Counts what is too young to judge; a row with any is immature.
    left_out, left_out_words
        Counts what the definition leaves out, and says so: ``"left out: {n} ({share})"``, the share being that of n and
        what is left out together.
    outcome
        The column of its table that holds the outcome, where that is not what makes a client: what lies before its
        first value is told and never compared.
    whole
        There is no number while anything is too young to judge: a part of the cohort can't stand for it.
    times
        What the top is multiplied with, exactly (minutes to hours: ``Fraction(1, 60)``).
    lookback
        Measured on clients instead of rows: one per account, with what it bought in the period and in the one before
        (active_now, active_before, revenue_now, revenue_before).
    standing
        A stock: says which rows stand at a moment. What is added up is what stands at the end of each stretch of time,
        or where its data ends; `date` says only since when there are such rows.
    says
        What the method says beside, with the options filled in: ``"results of kind {kind}"``.
    rising
        The number still rises by its nature: always immature.
    warm_up
        Leaves out the first days of the data (``[company] warm_up_days``).
    requires, requires_words
        An aggregate over the whole relation that must not be 0, and what is said where it is.
    spread
        The KPI is a mean of units, and percentiles of the units say what is inside: of the distinct units that the
        bottom counts, or of the clusters for which it is not 0.
    silence
        The tables in which a row that is not there counts (who was not called), with the rows that count, by column one
        value or several: days in which they were not kept are told.
    options, choices
        What can be set in ``[kpis.<id>]``, with defaults, and the words that a text can be.

    Examples
    --------
    >>> Kpi(
    ...     id="orders", title="Orders", relation="orders", date="ordered_at", unit="count", better="higher",
    ...     owners={"marketing": 0.5, "sales": 0.5}, top=lambda t: t.count(), about="orders of the period",
    ... )
    <Kpi orders: Orders (count; higher is better; marketing 50 %, sales 50 %)>
    """

    id: str
    title: str
    relation: str
    date: str
    unit: str
    better: Better
    owners: Mapping[str, float]
    about: str
    top: Aggregate
    bottom: Aggregate | None = None
    interval: Interval = "ratio"
    cluster: str | None = None
    alone: str | None = None
    n: Aggregate | None = None
    n_unit: str = "rows"
    empty: str = "nothing to divide by"
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    any_of: tuple[Mapping[str, tuple[str, ...]], ...] = ()
    censored: Aggregate | None = None
    left_out: Aggregate | None = None
    left_out_words: str = ""
    rising: bool = False
    warm_up: bool = False
    requires: Aggregate | None = None
    requires_words: str = ""
    spread: bool = False
    outcome: str | None = None
    whole: bool = False
    times: Fraction = Fraction(1)
    lookback: bool = False
    standing: Standing | None = None
    says: str = ""
    needs_settings: tuple[str, ...] = ()
    silence: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    __repr__ = brief.kpi

    def __post_init__(self) -> None:
        unit_of(self.unit)
        _check_owners(self.id, self.owners)

    @property
    def money(self) -> bool:
        """Say whether amounts are added up, so that currencies must not be mixed."""
        return self.unit == "money"

    @property
    def takes_time(self) -> bool:
        """Say whether the outcome comes after the row's date, so that it can be too early to judge."""
        return self.censored is not None or self.rising

    def missing(self, source: Source) -> tuple[str, ...]:
        """Name the table.columns that are needed and not there; empty where the KPI can be measured."""
        if self.relation in RELATIONS:
            source = whole_of(source)  # relations are computed on the whole company, then narrowed
            of_relation = RELATIONS[self.relation].missing(source)
        else:
            of_relation = missing(source, {self.relation: (self.date,)})
        any_of = [_of_tables(source, choice) for choice in self.any_of]
        lacking = missing(source, _of_tables(source, self.needs), any_of)
        unset = [_as_setting(path) for path in self.needs_settings if not _is_set(source, path)]
        return tuple(dict.fromkeys([*of_relation, *lacking, *unset]))

    def titled(self, period: Period) -> str:
        """Give the title for a period: what looks back says how far."""
        if not self.lookback:
            return self.title
        length = period.kind.replace("-", " ").replace("range", say("{days} days", days=period.days))
        return say("{title} from {length} to {length}", title=say(self.title), length=say(length))

    def configured(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Give the options after the settings; `options` is the table [kpis.<id>].

        Raises
        ------
        SettingsError
            For an unknown option or one of the wrong type, all at once, each with the near match.
        """
        return _configured(self.id, self.options, options, self.choices)


@dataclass(frozen=True)
class RatioOfKpis:
    """One KPI divided by another after each was summed up on its own relation (spend by new clients).

    `top_kpi` and `bottom_kpi` are KPIs, or ids of the catalogue. The values of dimensions are those that either side
    has. The interval takes both parts as independent.

    Examples
    --------
    >>> from alignment_toolkit.catalog import Catalog
    >>> ratio = Catalog.load().kpis["cost-per-lead"]
    >>> ratio
    <RatioOfKpis cost-per-lead: Cost per lead (money; lower is better; marketing 80 %, sales 20 %)>
    >>> [side.relation for side in ratio.named]
    ['spend', 'leads']
    """

    id: str
    title: str
    top_kpi: Kpi | str
    bottom_kpi: Kpi | str
    unit: str
    better: Better
    owners: Mapping[str, float]
    about: str
    empty: str = "nothing to divide by"

    __repr__ = brief.kpi

    def __post_init__(self) -> None:
        unit_of(self.unit)
        _check_owners(self.id, self.owners)

    @property
    def options(self) -> Mapping[str, Any]:
        """Give the options of both sides."""
        return {k: v for side in self.named if isinstance(side, Kpi) for k, v in side.options.items()}

    def configured(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Give the options after the settings, as for a `Kpi`."""
        sides = (side for side in self.named if isinstance(side, Kpi))
        choices = {name: words for side in sides for name, words in side.choices.items()}
        return _configured(self.id, self.options, options, choices)

    def titled(self, period: Period) -> str:
        """Give the title for a period."""
        return self.title

    def missing(self, source: Source) -> tuple[str, ...]:
        """Name the table.columns that are needed and not there."""
        sides = [side.missing(source) for side in self.named if isinstance(side, Kpi)]
        return tuple(dict.fromkeys(name for side in sides for name in side))

    @property
    def named(self) -> tuple[Kpi | str, ...]:
        """Give the sides as they were declared."""
        return (self.top_kpi, self.bottom_kpi)

    def sides(self, catalogue: Mapping[str, Any] | None) -> tuple[Kpi, ...]:
        """Give the sides as KPIs, the top and the bottom first.

        Raises
        ------
        ParameterError
            Where a side is named that the catalogue does not have, or that is no plain KPI.
        """
        return tuple(self._side(side, catalogue) for side in self.named)

    def _side(self, side: Kpi | str, catalogue: Mapping[str, Any] | None) -> Kpi:
        found = side if isinstance(side, Kpi) else (catalogue or {}).get(side)
        if isinstance(found, Kpi):
            return found
        raise ParameterError(
            f"{self.id} divides '{side}', which is no plain KPI of the catalogue. "
            f"{did_you_mean(str(side), [k for k, v in (catalogue or {}).items() if isinstance(v, Kpi)])}"
        )


@dataclass(frozen=True, repr=False)
class DifferenceOfKpis(RatioOfKpis):
    """One KPI less another, `top_kpi` - `bottom_kpi`, each summed up on its own relation (gross margin less spend)."""


@dataclass(frozen=True, repr=False)
class ProductOfKpis(RatioOfKpis):
    """KPIs multiplied with each other and divided by one: `top_kpi` x `times` / `bottom_kpi` (pipeline velocity)."""

    times: tuple[Kpi | str, ...] = ()

    @property
    def named(self) -> tuple[Kpi | str, ...]:
        """Give the sides as they were declared."""
        return (self.top_kpi, self.bottom_kpi, *self.times)


def _of_tables(source: Source, needs: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Give needs by canonical table: a derived relation stands for the table that its rows come from."""
    found: dict[str, tuple[str, ...]] = {}
    for name, columns in needs.items():
        tables = RELATIONS[name].dated_by(source) if name in RELATIONS else (name,)
        for table in tables[:1]:
            found[table] = (*found.get(table, ()), *columns)
    return found


def _is_set(source: Source, path: str) -> bool:
    found: Any = source.settings
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else getattr(found, name, None)
    return found is not None


def _as_setting(path: str) -> str:
    section, _, name = path.rpartition(".")
    return f"[{section}] {name}"


def whole_of(source: Source) -> Source:
    """Give the company before any narrowing."""
    whole: Source = getattr(source, "whole", source)
    return whole


def call(aggregate: Aggregate, t: Table, terms: Terms) -> Value:
    """Apply an aggregate to a table, with the terms where it asks for them."""
    wanted = len(inspect.signature(aggregate).parameters)
    return aggregate(t, terms) if wanted > 1 else aggregate(t)  # type: ignore[call-arg]


def with_owners(kpi: Kpi | RatioOfKpis, owners: Mapping[str, float] | None) -> Mapping[str, float]:
    """Give the owners after the settings."""
    return dict(replace(kpi, owners=owners).owners if owners else kpi.owners)


def _check_owners(id: str, owners: Mapping[str, float]) -> None:
    if abs(sum(owners.values()) - 1) > 1e-9:
        raise ParameterError(
            f"The owners of {id} have shares that sum to {sum(owners.values()):g}; they must sum to 1."
        )


def _configured(
    id: str,
    known: Mapping[str, Any],
    options: Mapping[str, Any],
    choices: Mapping[str, tuple[str, ...]],
) -> dict[str, Any]:
    wrong, chosen = [], dict(known)
    for name, value in options.items():
        if name not in known:
            wrong.append(f"[kpis.{id}] has no option '{name}'. {did_you_mean(name, known)}")
        elif name in choices:
            if value not in choices[name]:
                near = did_you_mean(str(value), choices[name])
                wrong.append(f"[kpis.{id}] {name} = {value!r}: one of its words is needed. {near}")
            else:
                chosen[name] = value
        elif isinstance(value, bool) or not isinstance(value, int) or value < 0:
            wrong.append(f"[kpis.{id}] {name} = {value!r}: a whole number of 0 or more is needed.")
        else:
            chosen[name] = value
    if wrong:
        raise SettingsError("\n".join(wrong))
    return chosen
