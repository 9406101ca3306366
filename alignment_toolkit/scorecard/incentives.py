"""The incentive check: along each lever, whose score rises and who pays for it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from alignment_toolkit.languages import noted, say
from alignment_toolkit.results import KpiValue
from alignment_toolkit.scorecard.levers import KPIS, LEVERS, REFERENCES, Lever, State

__all__ = ["check_incentives", "references_of", "row_of"]

NOTHING: Final = 1e-9
Weights = Mapping[str, Mapping[str, float]]
Spans = Mapping[str, tuple[float, ...]]


def references_of(rows: Sequence[KpiValue]) -> dict[str, tuple[float, ...]]:
    """Give the margin, share of new clients and spend that the check starts from: the company's own where known."""
    known = {r.kpi: float(r.value) for r in rows if r.status == "ok" and r.value is not None and not r.by}
    own = dict[str, tuple[float, ...]](REFERENCES)
    if 0 < (margin := known.get("gross-margin-rate", 0)) < 1:
        own["margin"] = (margin,)
    if known.get("active-clients") and 0 < (new := known.get("new-clients", 0) / known["active-clients"]) < 1:
        own["new"] = (new,)
    if known.get("revenue", 0) > 0 and 0 < (spend := known.get("spend", 0) / known["revenue"]) < 1:
        own["spend"] = (spend,)
    return own


def check_incentives(
    weights: Weights, better: Mapping[str, str], spans: Spans | None = None
) -> list[dict[str, Any]]:
    """Give what each lever does to KPIs, department scores and profit.

    Every department stands at its targets. A lever is pulled, and the identities say what becomes of each KPI; a score
    changes by the weighted mean of its KPIs' attainments. Profit counts what this period's new clients buy later as
    well. How others answer is assumed and tried over a range, together with the margin, the share of new clients, the
    level of spend, and how long new clients go on to buy; `low` and `high` are the ends over all of these, `change` the
    middle.

    Parameters
    ----------
    weights
        The weight of each KPI by department.
    better
        The good direction of each KPI.
    spans
        ``margin``, ``new``, ``spend`` and ``later``, one or several values each; by default `REFERENCES`.

    Returns
    -------
    list of dict
        One row per lever.

    Examples
    --------
    >>> rows = check_incentives({"marketing": {"leads": 1}, "sales": {"win-rate": 1}},
    ...                         {"leads": "higher", "win-rate": "higher"})
    >>> rows[0]["lever"], [(s["department"], round(s["change"], 3)) for s in rows[0]["scores"]]
    ('more-weaker-leads', [('marketing', 0.1), ('sales', -0.117)])
    >>> rows[0]["conflict"]
    ['against the other department', 'against profit']
    """
    return [row_of(lever, weights, better, spans or REFERENCES) for lever in LEVERS]


def row_of(lever: Lever, weights: Weights, better: Mapping[str, str], spans: Spans) -> dict[str, Any]:
    """Give the row of one lever."""
    starts = [
        State.of(**dict(zip(spans, values, strict=True))) for values in itertools.product(*spans.values())
    ]
    middle = State.of(**{name: v[len(v) // 2] for name, v in spans.items()})
    used = sorted({k for card in weights.values() for k, w in card.items() if w > 0})
    return _row(lever, starts, middle, weights, better, used, spans)


def _row(
    lever: Lever,
    starts: Sequence[State],
    middle: State,
    weights: Weights,
    better: Mapping[str, str],
    used: Sequence[str],
    spans: Spans,
) -> dict[str, Any]:
    answers = [lever.answers[1], *lever.answers]
    cases = [(middle, lever.move(middle, answers[0]))]
    cases += [(s, lever.move(s, a)) for s in starts for a in answers[1:]]
    changes = {
        k: [c for s, t in cases if (c := _relative(KPIS[k], s, t)) is not None] for k in used if k in KPIS
    }
    kpis = [
        {"kpi": k, "effect": _effect(values, better.get(k, "higher"))} | _span(values)
        for k, values in changes.items()
        if values
    ]
    scores = []
    for department, card in weights.items():
        total = math.fsum(w for w in card.values() if w > 0)
        known = {k: w for k, w in card.items() if w > 0 and k in changes}
        if not total or not known:
            continue
        moved = [_score(card=known, better=better, start=s, after=t) for s, t in cases]
        found = [m for m in moved if m is not None]
        if found:
            covered = math.fsum(known.values()) / total
            scores.append({"department": department, "covered": round(covered, 12)} | _span(found))
    profit = _span([(t.worth - s.worth) / s.revenue for s, t in cases])
    row = {
        "lever": lever.id, "title": say(lever.title), "department": lever.who, "pull": say(lever.pull),
        "assumes": say(lever.assumes), "kpis": kpis, "scores": scores, "profit": profit | {"of": "revenue"},
        "starts_from": {name: list(v) for name, v in spans.items()},
    }  # fmt: skip
    row["conflict"] = _conflict(row)
    row["statement"] = _statement(row)
    return row


def _relative(kpi: Any, start: State, after: State) -> float | None:
    first = kpi(start)
    return (kpi(after) - first) / first if first > 0 else None


def _score(
    *, card: Mapping[str, float], better: Mapping[str, str], start: State, after: State
) -> float | None:
    """Give the change of a score that stands at its targets; None where a KPI has no ratio to start from."""
    parts = []
    for kpi, weight in card.items():
        first, then = KPIS[kpi](start), KPIS[kpi](after)
        if first <= 0 or then <= 0:
            return None
        parts.append(weight * ((then / first if better.get(kpi) != "lower" else first / then) - 1))
    return math.fsum(parts) / math.fsum(card.values())


def _span(values: Sequence[float]) -> dict[str, float]:
    """Give the middle case, which comes first, and the ends over all cases."""
    whole = [round(v, 9) + 0.0 for v in values]
    return {"change": whole[0], "low": min(whole), "high": max(whole)}


def _effect(values: Sequence[float], better: str) -> str:
    good = values if better == "higher" else [-v for v in values]
    return {"rises": "better", "falls": "worse"}.get(_sign(_span(good)), _sign(_span(good)))


def _sign(span: Mapping[str, float]) -> str:
    """Say what happens over all cases: it must not turn around in any of them."""
    if span["low"] >= -NOTHING and span["high"] <= NOTHING:
        return "stays"
    if span["low"] >= -NOTHING and span["change"] > NOTHING:
        return "rises"
    if span["high"] <= NOTHING and span["change"] < -NOTHING:
        return "falls"
    return "depends"


def _conflict(row: Mapping[str, Any]) -> list[str]:
    signs = {s["department"]: _sign(s) for s in row["scores"]}
    own, profit = signs.get(row["department"]), _sign(row["profit"])
    others = [sign for d, sign in signs.items() if d != row["department"]]
    found = []
    if own == "rises" and "falls" in others:
        found.append("against the other department")
    if own == "rises" and profit == "falls":
        found.append("against profit")
    if own in ("falls", "stays") and profit == "rises":
        found.append("good for profit, not rewarded")
    return found


_SAID: Final = {
    "rises": noted("rises"),
    "falls": noted("falls"),
    "stays": noted("stays as it is"),
    "depends": noted("may rise or fall"),
}


def _statement(row: Mapping[str, Any]) -> str:
    parts = [
        say("the score of {department} {said}", department=say(s["department"]), said=say(_SAID[_sign(s)]))
        for s in row["scores"]
    ]
    parts.append(say("profit {said}", said=say(_SAID[_sign(row["profit"])])))
    return f"{row['title']} ({row['pull']}): {', '.join(parts)}."
