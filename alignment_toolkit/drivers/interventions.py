"""Interventions: teams after a ride-along, a job swap, a joint project or a training, against teams without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import numpy as np

from alignment_toolkit.drivers.measured import Refused
from alignment_toolkit.drivers.result import Driver, DriverPart, OwnerPart, SplitChange
from alignment_toolkit.errors import UnknownName
from alignment_toolkit.kpi import Kpi, measure
from alignment_toolkit.kpi.reach import Measured
from alignment_toolkit.languages import noted, say
from alignment_toolkit.periods import Period
from alignment_toolkit.relations.telling import lacks
from alignment_toolkit.results import Estimate, KpiValue
from alignment_toolkit.statistics.event_study import Event, EventStudy, event_study

__all__ = ["BEFORE_AND_AFTER", "KINDS", "LEAST_WEEKS", "TEAM_KPIS", "after_interventions"]

# The figures of which a team's own people make each case.
TEAM_KPIS: Final = ("acceptance-rate", "lead-to-client", "win-rate")
KINDS: Final[Mapping[str, str]] = {
    "ride_along": noted("ride-alongs"),
    "job_swap": noted("job swaps"),
    "project": noted("joint projects"),
    "training": noted("training"),
}
LEAST_WEEKS: Final = 8
# A training is a team's where this share of its people had one in the same week.
OF_THE_TEAM: Final = 0.5
LOOK_BACK: Final = 365
BEFORE_AND_AFTER: Final = (noted("the {weeks} weeks before"), noted("the {weeks} weeks after"))
_TEAM_OF: Final = ("received_by.team", "owner.team", "actor.team")


@dataclass(frozen=True)
class _Done:
    kind: str
    team: str
    monday: date


@dataclass(frozen=True)
class _Weeks:
    """A figure's tops and bottoms: a row per team, a column per week from the first Monday on."""

    teams: tuple[str, ...]
    first: date
    top: Any
    bottom: Any

    def at(self, monday: date) -> int:
        return (monday - self.first).days // 7


def after_interventions(
    company: Measured,
    kpi: Any,
    now: Period,
    *,
    weeks: int = LEAST_WEEKS,
    catalogue: Mapping[str, Any] | None = None,
) -> tuple[SplitChange | Refused, ...]:
    """Compare a team's figure before and after what was done with it, against teams without; one answer for each kind.

    What was done is a ride-along, a job swap or a joint project of `work` with a team of `people`, or a training of at
    least half of a team's people in one week. Of each team counts what had nothing of the kind, nor of another, in the
    weeks before it; the teams without had nothing in all the weeks. The events are those of the year up to the end of
    the period whose weeks after lie within complete data, with every case old enough to judge.

    Parameters
    ----------
    company
        The company.
    kpi
        A share or mean whose cases belong to a person, such as win-rate.
    now
        The period.
    weeks
        Weeks before and after, at least eight; the week itself is left out.
    catalogue
        KPIs by id.

    Returns
    -------
    tuple
        Of each kind that was done a SplitChange of two parts: what teams without did too, and what the teams with did
        beyond; or why there is none. Empty where nothing was done. The comparison is associational: who takes part is
        chosen, not drawn by lot.

    Examples
    --------
    >>> from alignment_toolkit.catalog import Catalog
    >>> from alignment_toolkit.company import Company
    >>> from alignment_toolkit.periods import Period
    >>> kpi = Catalog.load().kpis["win-rate"]
    >>> for told in after_interventions(Company.open("data/sample"), kpi, Period.parse("2026-Q3"))[-1:]:
    ...     print(told.reason)
    training: at least 3 teams without, with rows before and after, are needed; here: 2
    """
    weeks = max(weeks, LEAST_WEEKS)
    done = _done(company, now)
    if not done:
        return ()
    kinds = [k for k in KINDS if any(d.kind == k for d in done)]
    if not isinstance(kpi, Kpi) or kpi.bottom is None:
        return tuple(
            Refused(getattr(kpi, "id", str(kpi)), say("only a share or a mean can be compared"))
            for _ in kinds
        )
    gone = kpi.missing(company)
    if gone:
        return tuple(Refused(kpi.id, lacks(company, gone)) for _ in kinds)
    known = _by_team(company, kpi, done, weeks, catalogue)
    if isinstance(known, str):
        return tuple(Refused(kpi.id, known) for _ in kinds)
    return tuple(_one_kind(company, kpi, kind, done, known, weeks) for kind in kinds)


def _done(company: Measured, now: Period) -> list[_Done]:
    """Give what was done in the year up to the period's end, each team and week once."""
    since, until = now.end - timedelta(days=LOOK_BACK), now.end
    found: set[_Done] = set()
    if company.has("work", "kind", "started_on", "team"):
        t = company["work"]
        asked = t.kind.isin(("ride_along", "job_swap"))
        if "scope" in t.columns:
            asked = asked | ((t.kind == "project") & (t.scope == "joint"))
        rows = t.filter(asked, t.team.notnull(), t.started_on >= since, t.started_on < until)
        for row in company.fetch(rows.select("kind", "team", "started_on").distinct()).to_dict("records"):
            found.add(_Done(str(row["kind"]), _folded(row["team"]), _monday(row["started_on"])))
    if company.has("training", "actor", "trained_on") and company.has("people", "person_id", "team"):
        found |= _trainings(company, since, until)
    return sorted(found, key=lambda d: (d.monday, d.kind, d.team))


def _trainings(company: Measured, since: date, until: date) -> set[_Done]:
    people = company["people"]
    team = company.fetch(people.filter(people.team.notnull()).select("person_id", "team"))
    team_of = {str(p): _folded(t) for p, t in zip(team["person_id"], team["team"], strict=True)}
    t = company["training"]
    rows = t.filter(t.trained_on >= since, t.trained_on < until).select("actor", "trained_on").distinct()
    trained: dict[tuple[str, date], set[str]] = {}
    for actor, on in company.fetch(rows).itertuples(index=False, name=None):
        if str(actor) in team_of:
            trained.setdefault((team_of[str(actor)], _monday(on)), set()).add(str(actor))
    size = {name: sum(t == name for t in team_of.values()) for name in team_of.values()}
    return {
        _Done("training", name, monday)
        for (name, monday), who in trained.items()
        if len(who) >= OF_THE_TEAM * size[name]
    }


def _folded(word: Any) -> str:
    return str(word).strip().casefold()


def _monday(on: Any) -> date:
    day = on.date() if hasattr(on, "date") else on
    return day - timedelta(days=day.weekday())  # type: ignore[no-any-return]


def _by_team(
    company: Measured, kpi: Kpi, done: Sequence[_Done], weeks: int, catalogue: Mapping[str, Any] | None
) -> _Weeks | str:
    first = done[0].monday - timedelta(weeks=weeks)
    end = done[-1].monday + timedelta(weeks=weeks + 1)
    span = Period.parse(f"{first}..{end - timedelta(days=1)}")
    rows: Sequence[KpiValue] | None = None
    for dimension in _TEAM_OF:
        try:
            rows = measure(
                company, kpi, span, by=(dimension,), grain="week", catalogue=catalogue, spread=False
            )
        except UnknownName:
            continue
        if any(r.by and r.grain is not None for r in rows):
            break
    if rows is None:
        return say("needs people.team and the owner of each case")
    whole = next(r for r in rows if not r.by and r.grain is None)
    totals = [r for r in rows if not r.by and r.grain is not None]
    # From the first week on whose cases are too young, or whose days are not complete, nothing is compared.
    old = next((i for i, r in enumerate(totals) if r.immature), len(totals))
    single = [r for r in rows if r.by and r.grain is not None]
    sums = [sum(float(getattr(r, side) or 0.0) for r in single) for side in ("top", "bottom")]
    if not np.allclose(sums, [float(whole.top or 0.0), float(whole.bottom or 0.0)], rtol=1e-9, atol=1e-9):
        return say("the figure does not add up over teams and weeks")
    teams = sorted({_folded(v) for r in single for v in r.by.values() if v is not None})
    if not teams:
        refused = next((r.reason for r in rows if r.by and r.reason), None)
        return whole.reason or refused or say("no case belongs to a team")
    top, bottom = (np.zeros((len(teams), max(old, 1))) for _ in range(2))
    for r in single:
        name, week = next(iter(r.by.values())), (date.fromisoformat(r.start) - first).days // 7
        if name is not None and week < old:
            at = (teams.index(_folded(name)), week)
            top[at] += float(r.top or 0.0)
            bottom[at] += float(r.bottom or 0.0)
    return _Weeks(tuple(teams), first, top, bottom)


def _one_kind(
    company: Measured, kpi: Kpi, kind: str, done: Sequence[_Done], known: _Weeks, weeks: int
) -> SplitChange | Refused:
    name, stretch = say(KINDS[kind]), timedelta(weeks=weeks)
    own = [d for d in done if d.kind == kind and d.team in known.teams]
    if not own:
        return Refused(
            kpi.id,
            say(
                "no team of those whose cases are known ({teams}) is named in it",
                teams=", ".join(known.teams),
            ),
        )
    clean = [
        d
        for d in own
        if not any(o.team == d.team and d.monday - stretch <= o.monday < d.monday for o in done)
    ]
    events = []
    for d in clean:
        busy = {o.team for o in done if abs(o.monday - d.monday) <= stretch}
        without = tuple(i for i, t in enumerate(known.teams) if t not in busy)
        events.append(Event(known.teams.index(d.team), known.at(d.monday), without))
    seen = np.flatnonzero(known.bottom.any(axis=0))
    begun = [e for e in events if len(seen) and e.week - weeks >= seen[0]]
    if not begun:
        return Refused(
            kpi.id,
            say("{name}: the data does not reach {weeks} weeks back from the first", name=name, weeks=weeks),
        )
    last = known.top.shape[1] - weeks - 1
    ripe = [e for e in begun if e.week <= last]
    if not ripe:
        return Refused(
            kpi.id,
            say("{name}: the {weeks} weeks after have not come to their end", name=name, weeks=weeks),
            young=True,
        )
    points = kpi.unit == "share"
    unit = "points" if points else kpi.unit
    study = event_study(
        known.top, known.bottom, ripe, weeks=weeks, unit=unit, factor=100.0 if points else 1.0
    )
    if isinstance(study, str):
        return Refused(kpi.id, f"{name}: {study}")
    return _told(company, kpi, name, study, weeks)


def _told(company: Measured, kpi: Kpi, name: str, study: EventStudy, weeks: int) -> SplitChange:
    owners = Driver(kpi.title, kpi.owners, kpi.id).owned(company.settings)
    parts = (
        _part(say("as teams without it"), study.without, owners),
        _part(say("beyond teams without {name}", name=name), study.effect, owners),
    )
    total = float(study.treated.value or 0.0)
    by_owner = {
        who: OwnerPart(
            share * total,
            *_times(study.treated, share),
            *sorted((0.0, total)) if share < 1 else (total, total),
        )
        for who, share in owners.items()
        if share > 0
    }
    half = weeks // 2
    method = say(
        "event study of {name}, associational: {teams_with} {teams} with, {teams_without} {others} "
        "without, {weeks} weeks before and after, the week itself left out; {method}",
        name=name,
        teams_with=study.teams_with,
        teams=_teams(study.teams_with),
        teams_without=study.teams_without,
        others=_teams(study.teams_without),
        weeks=weeks,
        method=study.effect.method,
    )
    early = next((e for first, _, e in study.path if first < 0), None)
    if early is not None and early.low is not None and early.high is not None:
        if early.low > 0 or early.high < 0:
            method += say(
                "; the teams went different ways before already ({signed} in the {half} weeks before it): "
                "read with care",
                signed=_signed(-(early.value or 0.0)),
                half=half,
            )
        else:
            method += say(
                "; in the {half} weeks before it the teams went no different ways beyond chance", half=half
            )
    before, after = (say(w, weeks=weeks) for w in BEFORE_AND_AFTER)
    path = tuple(
        (say("weeks {first:+d} to {last:+d}", first=first, last=last), e) for first, last, e in study.path
    )
    return SplitChange(
        kpi.id, kpi.title, {}, before, after, method, study.effect.unit, total, parts, by_owner, path
    )


def _part(driver: str, e: Estimate, owners: Mapping[str, float]) -> DriverPart:
    return DriverPart(driver, float(e.value or 0.0), e.low, e.high, dict(owners))


def _times(e: Estimate, share: float) -> tuple[float | None, float | None]:
    return (
        None if e.low is None else float(e.low) * share,
        None if e.high is None else float(e.high) * share,
    )


def _teams(n: int) -> str:
    return "team" if n == 1 else "teams"


def _signed(value: float) -> str:
    return say("{value:+.3g}", value=value)
