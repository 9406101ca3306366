"""The double message: what the plan asks of a department against what its scorecard weighs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from alignment_toolkit.languages import say
from alignment_toolkit.scorecard.goals import COMPANY, Goals
from alignment_toolkit.scorecard.incentives import check_incentives

__all__ = ["double_messages"]


def double_messages(
    goals: Goals,
    weights: Mapping[str, Mapping[str, float]],
    incentives: Sequence[Mapping[str, Any]],
    *,
    better: Mapping[str, str],
    titles: Mapping[str, str],
    from_settings: Mapping[str, bool],
) -> list[dict[str, Any]]:
    """Name the contradictions between a department's goals in the plan and its scorecard.

    Four kinds: ``two goals`` (the plan asks for different values of one KPI), ``goal without weight``, ``weight without
    goal``, and ``pays against the goal``: a lever of the department that raises its score and takes it away from a
    goal of the plan, over all that is assumed of it.
    """
    found: list[dict[str, Any]] = []
    for kpi in sorted({k for _, k in goals.targets}):
        said = {d: g.value for (d, k), g in sorted(goals.targets.items()) if k == kpi}
        if len(set(said.values())) > 1:
            words = ", ".join(say("{d} {v:g}", d=say(d), v=v) for d, v in said.items())
            text = say(
                "The plan asks for different values of {name}: {words}. A shared KPI needs one.",
                name=_name(kpi, titles),
                words=words,
            )
            found += [_message(d, "two goals", kpi, text) for d in weights if d in said or COMPANY in said]
    for (department, kpi), why in sorted(goals.unclear.items()):
        if (department, kpi) in goals.several:
            text = f"{why[:1].upper()}{why[1:]} ({_name(kpi, titles)})."
            found += [_message(d, "two goals", kpi, text) for d in weights if department in (d, COMPANY)]
    for department, card in weights.items():
        asked = {k for d, k in goals.targets if d == department}
        for kpi in sorted(asked):
            if not card.get(kpi):
                aim = say(
                    "The plan sets {department} a target of {name}",
                    department=say(department),
                    name=_name(kpi, titles),
                )
                text = say("{aim}, and its scorecard does not weigh it.", aim=aim)
                found.append(_message(department, "goal without weight", kpi, text))
        for kpi, weight in card.items():
            if weight > 0 and from_settings.get(department) and not any(k == kpi for _, k in goals.targets):
                text = say(
                    "The scorecard of {department} weighs {name}, and the plan has no target of it.",
                    department=say(department),
                    name=_name(kpi, titles),
                )
                found.append(_message(department, "weight without goal", kpi, text))
        found += _against(department, goals, weights, incentives, better=better, titles=titles)
    order = {d: i for i, d in enumerate(weights)}
    return sorted(found, key=lambda m: (order[m["department"]], m["kind"], m["kpi"] or "", m["lever"] or ""))


def _against(
    department: str,
    goals: Goals,
    weights: Mapping[str, Mapping[str, float]],
    incentives: Sequence[Mapping[str, Any]],
    *,
    better: Mapping[str, str],
    titles: Mapping[str, str],
) -> list[dict[str, Any]]:
    wanted = {
        k: say("the plan's goal for {d}", d=say(d))
        for d in (COMPANY, department)
        for g, k in goals.targets
        if g == d
    }
    words = {k: f"{_name(k, titles)}, {v}" for k, v in wanted.items()}
    level = goals.prices.get(department, goals.prices.get(COMPANY))
    if level is not None and level >= 1:
        words["realised-price"] = say(
            "the price level of {level:.3g} times the market that the plan wants", level=level
        )
    if not words:
        return []
    # What a lever does to the goals does not depend on anybody's weights.
    spans = {name: tuple(v) for name, v in incentives[0]["starts_from"].items()} if incentives else None
    effects = check_incentives(
        {"goals": dict.fromkeys(words, 1.0)}, {"realised-price": "higher", **better}, spans
    )
    found = []
    for row, effect in zip(incentives, effects, strict=False):
        own = next((s for s in row["scores"] if s["department"] == department), None)
        if row["department"] != department or own is None or own["low"] < 0 or own["change"] <= 0:
            continue
        hurt = [k["kpi"] for k in effect["kpis"] if k["effect"] == "worse"]
        found += [
            _message(
                department,
                "pays against the goal",
                kpi,
                say(
                    "{title} ({pull}) would raise the score of {department} and take it away from {words}.",
                    title=row["title"],
                    pull=row["pull"],
                    department=say(department),
                    words=words[kpi],
                ),
                lever=row["lever"],
            )
            for kpi in hurt
        ]
    return found


def _name(kpi: str, titles: Mapping[str, str]) -> str:
    title = titles.get(kpi, kpi)
    return f"'{title}'"


def _message(department: str, kind: str, kpi: str, text: str, *, lever: str | None = None) -> dict[str, Any]:
    return {"department": department, "kind": kind, "kpi": kpi, "lever": lever, "text": text}
