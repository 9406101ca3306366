"""The header of an indicator: what it declares, and one look at a company."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, Literal

from alignment_toolkit import brief
from alignment_toolkit.errors import BeyondPart, SettingsError, did_you_mean
from alignment_toolkit.indicator.lapses import NotRecorded, rows_between, too_few
from alignment_toolkit.indicator.seen import Data, Observation, Sight, Source, stood_on
from alignment_toolkit.languages import say
from alignment_toolkit.periods import Period
from alignment_toolkit.relations import RELATIONS, missing
from alignment_toolkit.relations.telling import untold, why
from alignment_toolkit.results import Guard, KpiValue
from alignment_toolkit.tables import TABLES
from alignment_toolkit.units import unit as unit_of

__all__ = ["AREAS", "Direction", "Indicator", "Kind", "Look", "Nature", "Tension", "Told"]

LARGEST = 20.0  # the exponential of more than that is no growth that a sentence could tell
AREAS = ("portfolio", "positioning", "value", "targeting", "message", "clients", "handover", "cooperation")

Kind = Literal["level", "distance", "contrast"]
Nature = Literal["strategic", "tactical", "personal"]
Direction = Literal["greater", "both"]
Tension = Literal["harmful", "neutral", "productive"]
Told = Literal["as its unit", "per cent", "growth"]


@dataclass(frozen=True, eq=False)
class Indicator:
    """One question to the data: header, options and the function that observes. Made by `@indicator`.

    Examples
    --------
    >>> from alignment_toolkit.catalog import Catalog
    >>> asked = Catalog.load().indicators["dropped_leads"]
    >>> asked.question, asked.margin, asked.unit
    ('Are leads dropped at the hand-over?', 0.1, 'share')
    """

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
    told: Told
    needs: Mapping[str, tuple[str, ...]]
    any_of: tuple[Mapping[str, tuple[str, ...]], ...]
    uses: Mapping[str, tuple[str, ...]]
    relations: tuple[str, ...]
    uses_relations: tuple[str, ...]
    kpis: tuple[str, ...]
    timeless: tuple[str, ...]
    options: Mapping[str, Any]
    card: str
    looks_back: tuple[str, ...] = ()
    witnesses: Mapping[str, str] = field(default_factory=dict)
    looked_up: tuple[str, ...] = ()
    silence: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    outcomes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    __repr__ = brief.indicator

    def describe(self) -> str:
        """Give the method card as Markdown: what the header declares, then the card of the indicator's file."""
        minimum = ", ".join(f"{n:,} {what}" for what, n in self.enough.items())
        needs = [f"{t}.{c}" for t, columns in self.needs.items() for c in columns]
        needs += [
            " or ".join(
                " and ".join(f"{t}.{c}" for t, cs in choice.items() for c in cs) for choice in self.any_of
            )
        ] * bool(self.any_of)
        for name in self.relations:
            stands = RELATIONS[name]
            tables = dict.fromkeys(t for group in (stands.needs, *stands.any_of) for t in group)
            needs.append(f"the relation {name} (from {', '.join(tables)})")
        uses = [f"{t}.{c}" for t, columns in self.uses.items() for c in columns]
        uses += [f"the relation {name}" for name in self.uses_relations]
        direction = (
            "beyond the margin upwards" if self.direction == "greater" else "beyond the margin either way"
        )
        margin = unit_of(self.unit).text(self.margin)
        if self.told != "as its unit":
            margin += f" (in sentences {self.text(self.margin)})"
        facts = {
            "Nature": f"{self.nature}, area {self.area}",
            "Gap": f"{self.kind}, in {self.unit}; out of line {direction}",
            "Margin": margin,
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

    def text(self, value: float) -> str:
        """Write a number on the gap's scale as sentences do: a ratio in per cent, a difference of shares in points.

        A logarithm is told by what it multiplies by: 0.2 as 22 %.
        """
        if self.told == "growth":
            return unit_of("share").text(math.expm1(min(value, LARGEST)))
        if self.told == "per cent":
            return unit_of("share").text(value)
        if self.kind == "contrast" and self.unit == "share":
            return say("{value:.1f} percentage points", value=100 * value)
        return unit_of(self.unit).text(value)

    def interval(self, low: float, high: float) -> str:
        """Write an interval as `text` writes each end; a unit of words is said once."""
        if self.kind == "contrast" and self.unit == "share":
            return say("{low:.1f} to {high:.1f} percentage points", low=100 * low, high=100 * high)
        if self.told == "as its unit":
            return unit_of(self.unit).interval(low, high)
        return say("{low} to {high}", low=self.text(low), high=self.text(high))

    def missing(self, company: Source) -> tuple[str, ...]:
        """Name the table.columns that are needed and not there; empty where the indicator can be assessed."""
        company = self.sight(company)
        lacking = list(missing(company, self.needs, self.any_of))
        for name in self.relations:
            lacking += RELATIONS[name].missing(stood_on(company, name))
        if not lacking:
            lacking = [
                f"{table}.{TABLES[table].date} (one date stands for all rows)"
                for table in self._asked(company)
                if table in company.undated and table not in self.timeless
            ]
        return tuple(dict.fromkeys(lacking))

    def sight(self, company: Source) -> Source:
        """Give a part of a company as it is judged: what is only looked up is the whole's."""
        if isinstance(company, Sight) or not getattr(company, "steps", ()):
            return company
        return Sight(company, self.looked_up)

    def _own(self, company: Source) -> list[str]:
        tables = [*self.needs, *(t for choice in self.any_of for t in choice)]
        return [t for t in tables if t in company.tables]

    def _asked(self, company: Source) -> list[str]:
        """Name the tables that are there and bound what is known; what is only looked up (names, products) does not."""
        known = self._own(company)
        whole = getattr(company, "whole", company)  # relations are made of the whole company's tables
        for name in self.relations:
            bounds = (*RELATIONS[name].dated_by(whole), *RELATIONS[name].outcome_tables(whole))
            known += [t for t in bounds if t in whole.tables]
        return list(dict.fromkeys(known))

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
        company = self.sight(company)
        lacking = self.missing(company)
        present = [] if lacking else self._asked(company)
        as_of = company.as_of_of(present) if present else None
        window = self.window_of(period, first=first, as_of=as_of)
        look = Look(self, margin, period, window, chosen)
        if lacking:
            beyond = untold(company, lacking)
            return replace(look, missing=() if beyond else lacking, beyond=beyond)
        if as_of is not None and window.start > as_of:
            # Nothing happened yet is not the same as nobody did anything.
            return replace(
                look,
                outside=say(
                    "Data is complete until {as_of}; the window begins on {start}.",
                    as_of=as_of,
                    start=window.start,
                ),
            )
        last, until = window.last, _counts_until(company, self._own(company))
        if until is not None and until < last:
            window = _range(window.start, until + timedelta(days=1))
            look = replace(look, window=window)
        if (table := self._unrecorded(company, window)) is not None:
            return replace(
                look,
                outside=say(
                    "No row of {table} that counts here is dated from {start} to {last}, of anybody. That nothing is "
                    "on record is no sign that nothing was done.",
                    table=table,
                    start=window.start,
                    last=window.last,
                ),
            )
        guards: list[Guard] = []
        if window.last < last:
            guards.append(
                Guard(
                    "immature",
                    say(
                        "Only what is dated until {until} counts, as was set; the window would run to {last}.",
                        until=window.last,
                        last=last,
                    ),
                )
            )
        elif as_of is not None and window.last > as_of:
            guards.append(
                Guard(
                    "immature",
                    say(
                        "Data is complete until {as_of}; the window runs to {last}.",
                        as_of=as_of,
                        last=window.last,
                    ),
                )
            )
        vague = [t for t in present if t in company.undated]
        if vague:
            said = say("One date stands for all rows of {vague}", vague=", ".join(vague))
            guards.append(Guard("immature", say("{said}: when anything happened is not known.", said=said)))
        data = Data(company, self._allowed(company), self, period)
        data.kpis, data.margin = measured or {}, margin
        try:
            seen = self.function(data, window, **chosen)
            if not isinstance(seen, Observation):
                raise TypeError(f"{self.id} returned {type(seen).__name__}, an Observation is needed")
            if seen.gap.estimate.unit != self.unit:
                wrong = f"the gap is in {seen.gap.estimate.unit}, its margin in {self.unit}"
                raise ValueError(f"{self.id}: {wrong}")
            look = replace(look, seen=replace(seen, guards=(*guards, *seen.guards)))
            return replace(look, outside=self._rarely(company, look))
        except NotRecorded as gone:
            return replace(look, outside=str(gone))
        except BeyondPart as gone:
            return replace(look, beyond=why(gone))
        except Exception as problem:  # one broken indicator must never take the others down
            return replace(look, error=why(problem))

    def _unrecorded(self, company: Source, window: Period) -> str | None:
        """Name a table that tells of silence and holds nothing of the window, not of the whole company either."""
        whole: Source = getattr(company, "whole", company)
        for table, which in self._decisive(whole):
            if rows_between(whole, table, which, window.start, window.end) == 0:
                return table
        return None

    def _decisive(self, whole: Source) -> list[tuple[str, Mapping[str, Any]]]:
        """Give the tables of silence that nothing stands in for (signs may say themselves when they were answered)."""
        choices = [c for name in self.relations for c in RELATIONS[name].any_of if not whole.missing(c)]
        return [
            (table, which)
            for table, which in self.silence.items()
            if all(table in c for c in choices) or not any(table in c for c in choices)
        ]

    def _rarely(self, company: Source, look: Look) -> str | None:
        """Say where a table that tells of silence has so few rows that no finding but this one could come of them."""
        if not self.silence or look.seen is None or look.seen.withheld or look.short_of:
            return None
        most, counts = look.seen.gap.estimate.high, look.seen.counts
        if most is None or most <= look.margin or self.unit != "share":
            return None
        what = next(iter(self.enough))
        cases = counts[what] if counts else look.seen.gap.estimate.n
        back = max((int(look.options[name]) for name in self.looks_back if name in look.options), default=0)
        start = min(look.window.start, look.window.end - timedelta(days=back))
        whole: Source = getattr(company, "whole", company)
        for table, which in self._decisive(whole):
            said = too_few(
                whole,
                table,
                which,
                start,
                look.window.end,
                least=(1 - look.margin) * cases,
                cases=(cases, what),
            )
            if said is not None:
                return said
        return None

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
    outside: str | None = None
    beyond: str | None = None

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


def _counts_until(company: Source, tables: Sequence[str]) -> date | None:
    """Give the last day that counts where it was set, of these tables or of the company; KPIs are cut there, too."""
    said = [m.complete_until for t in tables if (m := company.settings.tables.get(t)) is not None]
    return min((day for day in (*said, company.as_of_of(())) if day is not None), default=None)


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
