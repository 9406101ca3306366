"""What the plan asks of each department: targets of KPIs, and price levels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from alignment_toolkit.errors import AlignmentError, did_you_mean
from alignment_toolkit.kpi import Kpi, RatioOfKpis
from alignment_toolkit.languages import say
from alignment_toolkit.periods import Period

__all__ = ["COMPANY", "Goal", "Goals", "read_goals"]

COMPANY: Final = "company"
COLUMNS: Final = ("dimension", "key", "department", "measure", "value")
ROWS: Final = 100_000
# What does not grow with the length of a period, so that a year's target also holds for its quarters.
_LEVELS: Final = ("share", "days", "hours", "months")
# Named after a length of time, or growing with it all the same.
_BOUND: Final = ("retention", "net-revenue-retention", "cost-to-serve")


@dataclass(frozen=True)
class Goal:
    """One target of the plan: for whom, of which KPI, for which period ('' where the plan names none)."""

    department: str
    kpi: str
    value: float
    period: str


@dataclass(frozen=True)
class Goals:
    """What the plan asks for in one period.

    Attributes
    ----------
    targets
        The goal that holds, by department and KPI.
    unclear
        Why none holds where the plan has rows for a department and KPI: several values, or another length of period.
    prices
        The mean intended price level by department, 1 = market.
    warnings
        Rows of the plan that can't be used.
    several
        The departments and KPIs for which the plan has several values at once.
    """

    targets: Mapping[tuple[str, str], Goal]
    unclear: Mapping[tuple[str, str], str]
    prices: Mapping[str, float]
    warnings: tuple[str, ...] = ()
    several: frozenset[tuple[str, str]] = frozenset()

    @property
    def departments(self) -> tuple[str, ...]:
        """Name the departments that the plan has goals for, without the plan's own voice."""
        names = {d for d, _ in (*self.targets, *self.unclear)} | set(self.prices)
        return tuple(sorted(names - {COMPANY}))

    def for_department(self, department: str, kpi: str) -> tuple[Goal | None, str]:
        """Give the goal that a department is measured by: its own, else the company's, else another department's.

        A shared KPI has one goal: where the plan states it for one department only, it holds for both. The second
        value says why there is none.
        """
        others = sorted({d for d, k in (*self.targets, *self.unclear) if k == kpi} - {department, COMPANY})
        for name in (department, COMPANY, *others):
            if (name, kpi) in self.targets:
                return self.targets[name, kpi], ""
            if (name, kpi) in self.unclear:
                return None, self.unclear[name, kpi]
        return None, say("the plan has no target of it")


def read_goals(company: Any, period: Period, kpis: Mapping[str, Kpi | RatioOfKpis]) -> Goals:
    """Read the plan's targets and price levels for a period.

    Of several rows for one department and KPI the one of the period itself holds, else the shortest period around it,
    else the row without a period. A target for a longer period holds only of KPIs that do not grow with the length of
    the period (shares and waiting times).
    """
    if not company.has("plan", *COLUMNS):
        return Goals({}, {}, {})
    t = company["plan"]
    columns = [*COLUMNS, *(["period"] if "period" in t.columns else [])]
    wanted = t.filter(
        t.measure.strip().lower().isin(("target", "price")), t.value.notnull(), t.key.notnull()
    ).select(columns)
    rows = company.fetch(wanted, limit=ROWS).to_dict("records")
    warnings: list[str] = []
    found: dict[tuple[str, str], list[tuple[float, Goal]]] = {}
    unclear: dict[tuple[str, str], str] = {}
    prices: dict[str, list[tuple[float, str, float]]] = {}
    known = {_same(id): id for id in kpis}
    for row in rows:
        department, label = _word(row["department"]), _text(row.get("period"))
        value = float(row["value"])
        try:
            asked = company.settings.period(label) if label else None
        except AlignmentError as e:
            warnings.append(
                say(
                    "plan: the period '{label}' of {text} can't be read: {e}",
                    label=label,
                    text=_text(row["key"]),
                    e=e,
                )
            )
            continue
        if not math.isfinite(value):
            continue
        if _word(row["measure"]) == "price":
            if asked is None or (asked.start <= period.start and period.end <= asked.end):
                length = math.inf if asked is None else float(asked.days)
                prices.setdefault(department, []).append((length, _text(row["key"]), value))
            continue
        if _word(row["dimension"]) != "kpi":
            continue
        id = known.get(_same(_text(row["key"])))
        if id is None:
            key = _text(row["key"])
            warnings.append(
                say(
                    "plan: there is no KPI '{key}', so its target is not used. {did_you_mean}",
                    key=key,
                    did_you_mean=did_you_mean(key, kpis),
                )
            )
            continue
        goal = Goal(department, id, value, label)
        if asked is None:
            found.setdefault((department, id), []).append((math.inf, goal))
        elif asked.start <= period.start and period.end <= asked.end:
            if asked.days > period.days and not _is_level(kpis[id]):
                unclear[department, id] = say(
                    "the plan's target is for {label}; what part of it falls to {period} it does not say",
                    label=label,
                    period=period,
                )
                continue
            found.setdefault((department, id), []).append((float(asked.days), goal))
        else:
            unclear.setdefault(
                (department, id),
                say("the plan's targets of it are for other periods, {label} for one", label=label),
            )
    targets: dict[tuple[str, str], Goal] = {}
    several: set[tuple[str, str]] = set()
    for place in sorted(found):
        shortest = min(length for length, _ in found[place])
        best = sorted({g.value for length, g in found[place] if length == shortest})
        if len(best) > 1:
            shown = say(" and ").join(say("{v:g}", v=v) for v in best)
            several.add(place)
            unclear[place] = say(
                "the plan has several targets of it for {place} at once: {shown}",
                place=say(place[0]),
                shown=shown,
            )
        else:
            unclear.pop(place, None)
            targets[place] = min(
                (g for length, g in found[place] if length == shortest), key=lambda g: (g.value, g.period)
            )
    return Goals(
        targets,
        {p: unclear[p] for p in sorted(unclear) if p not in targets},
        {d: _mean(prices[d]) for d in sorted(prices)},
        tuple(sorted(set(warnings))),
        frozenset(several - set(targets)),
    )


def _is_level(kpi: Kpi | RatioOfKpis) -> bool:
    return kpi.id not in _BOUND and (kpi.unit in _LEVELS or type(kpi) is RatioOfKpis)


def _mean(prices: list[tuple[float, str, float]]) -> float:
    """Give the mean over keys, of each key the row of the shortest period."""
    by_key: dict[str, float] = {}
    for _, key, value in sorted(prices, reverse=True):
        by_key[key] = value
    return math.fsum(by_key.values()) / len(by_key)


def _same(id: str) -> str:
    return id.strip().casefold().replace("_", "-")


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _word(value: Any) -> str:
    return _text(value).casefold()
