"""The shared scorecard: targets of the plan, weights of the settings, attainment, scores, and what they pay for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from alignment_toolkit.catalog import Catalog
from alignment_toolkit.kpi import Kpi, RatioOfKpis, measure
from alignment_toolkit.languages import say
from alignment_toolkit.periods import Period
from alignment_toolkit.results import KpiValue, Scorecard
from alignment_toolkit.scorecard.attainment import Attainment, attain
from alignment_toolkit.scorecard.goals import COMPANY, Goals, read_goals
from alignment_toolkit.scorecard.incentives import check_incentives, references_of
from alignment_toolkit.scorecard.messages import double_messages
from alignment_toolkit.scorecard.scores import COVERED, WITHIN, Counted, leads_under, range_within, score

__all__ = ["OWNED", "Shared", "check_incentives", "shared_scorecard"]

OWNED: Final = 0.3  # the share from which a department answers for a KPI where no weights are set
SIDES: Final = ("marketing", "sales")


@dataclass(frozen=True)
class Shared:
    """The scorecard, the incentive check, and what could not be used of the plan."""

    scorecard: Scorecard
    incentives: tuple[Mapping[str, Any], ...] = ()
    warnings: tuple[str, ...] = ()


def shared_scorecard(
    company: Any, period: Period, catalog: Catalog, measured: Sequence[KpiValue] = ()
) -> Shared:
    """Hold the departments against the plan's targets.

    Parameters
    ----------
    company
        The company; its table ``plan`` has the targets, its settings the weights and caps.
    period
        The period.
    catalog
        The KPIs that targets and weights may name.
    measured
        KPIs that are measured already, of the whole period; the others are measured here.

    Returns
    -------
    Shared
        Empty where neither targets nor weights are known, and for a part of a company: targets are the whole's.

    Examples
    --------
    >>> from alignment_toolkit.company import Company
    >>> company = Company.open("data/sample")
    >>> found = shared_scorecard(company, Period.parse("2026-Q2"), Catalog.load())
    >>> [d["department"] for d in found.scorecard.departments]
    ['marketing', 'sales']
    """
    kpis = catalog.kpis
    if getattr(company, "steps", ()):  # the plan speaks of the whole company; a part of it has no targets
        return Shared(Scorecard())
    goals = read_goals(company, period, kpis)
    weights, told = _weights(company.settings.scorecard, goals, kpis, company)
    if not weights:
        return Shared(Scorecard(), (), goals.warnings)
    used = [id for id in kpis if any(card.get(id) for card in weights.values())]
    totals = {r.kpi: r for r in measured if not r.by and r.grain is None and r.period == period.label}
    lacking = [kpis[id] for id in used if id not in totals]
    if lacking:
        rows = measure(company, lacking, period, catalogue=kpis, spread=False)
        totals |= {r.kpi: r for r in rows if not r.by and r.grain is None}
    held: dict[tuple[str, float], Attainment] = {}
    rows_, counted = [], dict[str, list[Counted]]()
    for department, card in weights.items():
        caps = _caps(company.settings.scorecard, department, kpis)
        for id in used:
            if not card.get(id):
                continue
            goal, why = goals.for_department(department, id)
            found = None
            if goal is not None:
                if (id, goal.value) not in held:
                    held[id, goal.value] = attain(company, kpis[id], totals[id], goal.value, period, kpis)
                found = held[id, goal.value]
            row = _row(department, kpis[id], totals[id], found, caps.get(id), why)
            row |= {
                "weight": card[id],
                "weight_from": "settings"
                if told[department]
                else say("equal over KPIs owned {owned:.0%} or more", owned=OWNED),
                "target": goal.value if goal else None,
                "target_of": goal.department if goal else None,
                "target_period": (goal.period or None) if goal else None,
            }
            rows_.append(row)
            if row["counted"] is not None:
                counted.setdefault(department, []).append(
                    Counted(id, card[id], row["counted"], row["counted_low"], row["counted_high"])
                )
    better = {id: k.better for id, k in kpis.items()} | {"realised-price": "higher"}
    incentives = check_incentives(weights, better, references_of(list(totals.values())))
    said = double_messages(
        goals,
        weights,
        incentives,
        better=better,
        titles={id: say(k.title) for id, k in kpis.items()},
        from_settings=told,
    )
    departments = _departments(weights, told, counted, said)
    return Shared(Scorecard(departments, tuple(rows_)), tuple(incentives), goals.warnings)


def _weights(
    settings: Mapping[str, Any], goals: Goals, kpis: Mapping[str, Kpi | RatioOfKpis], company: Any
) -> tuple[dict[str, dict[str, float]], dict[str, bool]]:
    """Give each department's weights, and whether the settings state them.

    Without weights of its own a department answers alike for each KPI that has a target and that it owns to 30 % or
    more.
    """
    set_ = {d: card for d, card in settings.items() if any(w > 0 for w in card.weights.values())}
    aims = {k for _, k in goals.targets}
    named = [d for d in SIDES if set_ or aims]
    named += sorted(({*set_, *goals.departments} if set_ or aims else set()) - set(SIDES))
    weights: dict[str, dict[str, float]] = {}
    told: dict[str, bool] = {}
    for department in named:
        if department in set_:
            own = {_id(id, kpis): float(w) for id, w in set_[department].weights.items()}
            card = {id: own[id] for id in kpis if own.get(id)}
        else:
            card = {
                id: 1.0
                for id in kpis
                if id in aims and _owners(company, kpis[id]).get(department, 0.0) >= OWNED
            }
        if card and department != COMPANY:
            weights[department] = card
            told[department] = department in set_
    return weights, told


def _owners(company: Any, kpi: Kpi | RatioOfKpis) -> Mapping[str, float]:
    own: Mapping[str, float] = company.settings.owners_of(kpi.id) or kpi.owners
    return own


def _caps(settings: Mapping[str, Any], department: str, kpis: Mapping[str, Any]) -> dict[str, float]:
    card = settings.get(department)
    return {} if card is None else {_id(id, kpis): float(cap) for id, cap in card.caps.items()}


def _id(said: str, kpis: Mapping[str, Any]) -> str:
    folded = said.casefold().replace("_", "-")
    return next((id for id in kpis if id.casefold().replace("_", "-") == folded), said)


def _row(
    department: str,
    kpi: Kpi | RatioOfKpis,
    row: KpiValue,
    found: Attainment | None,
    cap: float | None,
    why: str,
) -> dict[str, Any]:
    """Give one row; keys in the order of docs/scorecard.md."""

    def capped(value: float | None) -> float | None:
        return value if value is None or cap is None else min(value, cap)

    ok = found is not None and found.status == "ok"
    return {
        "department": department,
        "kpi": kpi.id,
        "title": say(kpi.title),
        "status": "ok" if ok else "not_available",
        "reason": None if ok else (found.reason if found else why),
        "value": row.value,
        "low": row.low,
        "high": row.high,
        "n": row.n,
        "unit": row.unit,
        "better": row.better,
        "immature": row.immature,
        "cap": cap,
        "attainment": found.attainment if found else None,
        "attainment_low": found.low if found else None,
        "attainment_high": found.high if found else None,
        "counted": capped(found.attainment) if found else None,
        "counted_low": capped(found.low) if found else None,
        "counted_high": capped(found.high) if found else None,
        "basis": found.basis if found else "",
        "reached": found.reached if found else None,
        "chance": found.chance if found else None,
        "confidence": found.confidence if found else None,
        "projected": dict(zip(("value", "low", "high"), found.projected, strict=True))
        if found and found.projected
        else None,
        "owners": dict(row.owners),
    }


def _departments(
    weights: Mapping[str, Mapping[str, float]],
    told: Mapping[str, bool],
    counted: Mapping[str, Sequence[Counted]],
    said: Sequence[Mapping[str, Any]],
) -> tuple[dict[str, Any], ...]:
    shown = []
    enough = {}
    for department, card in weights.items():
        parts = counted.get(department, ())
        covered = sum(p.weight for p in parts) / sum(card.values())
        if covered >= COVERED:
            enough[department] = parts
        shown.append((department, parts, covered))
    leads = leads_under(enough)
    found = []
    for department, parts, covered in shown:
        done = score(parts) if department in enough else None
        ends = range_within(parts) if done else None
        values = [p.value for p in parts]
        found.append(
            {
                "department": department,
                "status": "ok" if done else "not_available",
                "reason": None
                if done
                else say(
                    "only {covered:.0%} of the weight has an attainment, {needed:.0%} are needed",
                    covered=covered,
                    needed=COVERED,
                ).replace("%", " %"),
                "score": done[0] if done else None,
                "low": done[1] if done else None,
                "high": done[2] if done else None,
                "level": 0.95,
                "method": say("weighted mean of attainments; interval for any dependence among the KPIs"),
                "covered": covered,
                "weights_from": "settings" if told[department] else "equal",
                "kpis": len(weights[department]),
                "sensitivity": {
                    "within": WITHIN,
                    "low": ends[0] if ends else None,
                    "high": ends[1] if ends else None,
                    "least": min(values) if done else None,
                    "most": max(values) if done else None,
                    "leads": leads.get(department),
                },
                "messages": [dict(m) for m in said if m["department"] == department],
            }
        )
    return tuple(found)
