"""A second, differently built company: latent normals, queues of hazards, rounds of negotiation.

It exists to check verdicts: an indicator that merely undid the first mechanism would fail here. It shares neither code
nor distributions with it, only the calendar and the margins; its few tables hold six misalignments.

- *targeting_disagreement*: two correlated normal opinions, no truth behind them; kappa by integrating the pair.
- *dropped_leads*: every lead waits a log-normal time, people differ in pace; there is no class of dropped leads.
- *acceptance_lottery*: a probit with a person's leaning; the gap is its spread in points at a typical lead.
- *price_selling*: thirty rounds of haggling, one point given away in each with a person's (beta) chance.
- *quarter_end_rush*: every open deal may be won on any day, more easily in the last five; found by running the stock.
- *failing_joint_projects*: a project is delivered if all of its tasks are, and joint ones meet a further obstacle.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import date

import numpy as np
import pandas as pd

from alignment_toolkit.errors import ParameterError, did_you_mean
from alignment_toolkit.simulation.clock import DAY, Floats, Ints, later, moment, second, worked
from alignment_toolkit.simulation.drawing import ids, only
from alignment_toolkit.simulation.making import Simulated
from alignment_toolkit.simulation.plants import HEADERS

LEVELS = {
    "targeting_disagreement": 0.25,
    "dropped_leads": 0.04,
    "acceptance_lottery": 0.0,
    "price_selling": 0.0,
    "quarter_end_rush": 0.0,
    "failing_joint_projects": 0.0,
}
"""What can be planted, with the gap at strength 0."""

START, END = date(2024, 10, 1), date(2026, 9, 30)
TARGETS, ROUNDS, ACCEPTED, SCORE = 0.25, 30, 0.35, 0.5
PACE, WAIT = 0.05, 1.3
HAZARD, LAST = 0.03, 5


def simulate_second(
    seed: int = 1, plant: Mapping[str, float] | None = None, *, accounts: int = 4_000, people: int = 40
) -> Simulated:
    """Make the second company up.

    Examples
    --------
    >>> simulate_second(plant={"price_selling": 1}, accounts=200).answers["gaps"]["price_selling"]["value"]
    4.0
    """
    plant = dict(plant or {})
    for name in plant:
        if name not in LEVELS:
            raise ParameterError(f"The second company has no {name!r}. {did_you_mean(name, LEVELS)}".strip())
    gaps = {name: HEADERS[name].gap(float(plant.get(name, 0.0)), none) for name, none in LEVELS.items()}
    rng = np.random.default_rng([seed, 2])
    start, end = second(START), second(END) + DAY
    sellers = ids("S", people)
    account = ids("N", accounts)
    leads, touches = _leads(rng, gaps, start, end, sellers, account, 4 * accounts)
    tables = {
        "people": _people(sellers),
        "accounts": pd.DataFrame({"account_id": account, "created_at": start - DAY}),
        "assessments": _opinions(rng, gaps["targeting_disagreement"], end, account),
        "leads": leads, "touches": touches,
        "opportunities": _deals(rng, gaps, start, end, sellers, account),
        "work": _projects(rng, gaps["failing_joint_projects"], start, end),
    }  # fmt: skip
    for table in tables.values():
        for column in table.columns:
            if str(column).endswith(("_at", "_on")):
                table[column] = table[column].to_numpy().astype(np.int64).astype("datetime64[s]")
    header = {
        n: {"value": round(g, 10), "unit": HEADERS[n].unit, "window": HEADERS[n].window}
        for n, g in gaps.items()
    }
    misaligned = [n for n, g in gaps.items() if g > HEADERS[n].margin + 1e-9]
    answers = {"seed": seed, "planted": {n: float(plant.get(n, 0.0)) for n in LEVELS}, "confounders": {},
               "gaps": header, "misaligned": misaligned}  # fmt: skip
    return Simulated(tables=tables, answers=answers, end=END)


def _people(sellers: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({
        "person_id": [*sellers, "M1", "M2"], "department": ["sales"] * len(sellers) + ["marketing"] * 2,
        "role": ["member"] * len(sellers) + ["head", "member"], "kind": "human",
    })  # fmt: skip


def _normal(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2))


def _found(function: Callable[[float], float], aim: float, low: float, high: float) -> float:
    """Where a rising function reaches a value."""
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if function(middle) < aim else (low, middle)
    return (low + high) / 2


GRID = np.linspace(-8, 8, 4001)
WEIGHT = np.exp(-GRID * GRID / 2) / np.exp(-GRID * GRID / 2).sum()


def _opinions(rng: np.random.Generator, gap: float, end: int, account: np.ndarray) -> pd.DataFrame:
    cut = _found(_normal, 1 - TARGETS, -8, 8)

    def kappa(correlation: float) -> float:
        rest = math.sqrt(max(1e-12, 1 - correlation**2))
        given = np.array([1 - _normal((cut - correlation * x) / rest) for x in GRID])
        both = float((WEIGHT * (cut <= GRID) * given).sum())
        chance = TARGETS**2 + (1 - TARGETS) ** 2
        return (1 - 2 * TARGETS + 2 * both - chance) / (1 - chance)

    correlation = _found(kappa, 1 - gap, 0.0, 0.9999)
    one = rng.standard_normal(len(account))
    two = correlation * one + math.sqrt(1 - correlation**2) * rng.standard_normal(len(account))
    first = worked(np.full(len(account), end - 300 * DAY))
    frames = [
        pd.DataFrame({
            "account_id": account, "department": department,
            "assessed_at": moment(first + rng.integers(1, 10**6, len(account))),
            "potential": np.round(100 * np.array([_normal(x) for x in opinion]), 1), "target": opinion >= cut,
        })
        for department, opinion in (("marketing", one), ("sales", two))
    ]  # fmt: skip
    both = pd.concat(frames, ignore_index=True)
    both.insert(0, "assessment_id", ids("Z", len(both)))
    return both


def _leads(
    rng: np.random.Generator, gaps: Mapping[str, float], start: int, end: int, sellers: np.ndarray,
    account: np.ndarray, number: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:  # fmt: skip
    """Leads come at one even pace; each account's are its own people's, one after the other."""
    when = (rng.random(number) * _work(start, end)).astype(np.int64)
    at: Ints = np.sort(moment(worked(np.full(number, start)) + when))
    handed = later(at, rng.exponential(3.0, number))
    person = rng.integers(0, len(sellers), number)
    of = rng.integers(0, len(account), number)
    spread = math.hypot(WAIT, PACE)
    usual = math.log(16.0) - spread * _found(_normal, 1 - gaps["dropped_leads"], -8, 8)
    pace = PACE * rng.standard_normal(len(sellers))
    touched = later(handed, np.exp(usual + pace[person] + WAIT * rng.standard_normal(number)))

    score = rng.standard_normal(number)
    leaning = _leaning(gaps["acceptance_lottery"]) * rng.standard_normal(len(sellers))
    accepted = ACCEPTED + SCORE * score + leaning[person] + rng.standard_normal(number) > 0
    decided = later(touched, rng.exponential(5.0, number))
    never = np.iinfo(np.int64).min
    known = decided < end
    region = np.array(["North", "South"], dtype=object)[person % 2]
    leads = pd.DataFrame({
        "lead_id": ids("Y", number), "created_at": at, "account_id": account[of], "region": region,
        "channel": "web", "marketing_score": np.round(50 + 15 * score.clip(-3.3, 3.3), 1), "sourced_by": "marketing",
        "qualified_at": np.where(handed < end, handed, never), "received_by": only(handed < end, sellers[person]),
        "accepted_at": np.where(known & accepted, decided, never),
        "rejected_at": np.where(known & ~accepted, decided, never),
    })  # fmt: skip
    answered = touched < end
    touches = pd.DataFrame({
        "touched_at": touched, "department": "sales", "account_id": account[of], "lead_id": leads["lead_id"],
        "actor": sellers[person], "channel": "phone", "direction": "outbound", "automated": False,
    })[answered]  # fmt: skip
    touches.insert(0, "touch_id", ids("X", len(touches)))
    return leads, touches


def _work(start: int, end: int) -> int:
    return int(worked(np.array([end]))[0] - worked(np.array([start]))[0])


def _leaning(points: float) -> float:
    """The spread of leanings that makes acceptance of a typical lead differ by so many points between people."""

    def seen(spread: float) -> float:
        chance = np.array([_normal(ACCEPTED + spread * x) for x in GRID])
        mean = float((WEIGHT * chance).sum())
        return 100 * math.sqrt(float((WEIGHT * (chance - mean) ** 2).sum()))

    return _found(seen, points, 0.0, 3.0) if points > 0 else 0.0


def _deals(
    rng: np.random.Generator, gaps: Mapping[str, float], start: int, end: int, sellers: np.ndarray,
    account: np.ndarray,
) -> pd.DataFrame:  # fmt: skip
    days = pd.bdate_range(START, END)
    left = np.array([(len(pd.bdate_range(d, d + pd.offsets.QuarterEnd(0)))) for d in days])
    last = left <= LAST
    push = _found(lambda k: _share(last, k), _even(last) + gaps["quarter_end_rush"], 1.0, 60.0)
    pushed = last & (gaps["quarter_end_rush"] > 0)
    hazard = np.where(pushed, 1 - (1 - HAZARD) ** push, HAZARD)

    number = len(account)
    opened = rng.integers(-80, len(days), number)
    alive = np.concatenate([[0.0], np.cumsum(-np.log1p(-hazard))])
    needed = alive[np.maximum(opened, 0)] + rng.exponential(1.0, number)
    closes = np.searchsorted(alive, needed) - 1
    opened_day, done = np.maximum(opened, 0), closes < len(days)
    won = rng.random(number) < 0.45
    clock = 9 * 3600 + rng.integers(0, 8 * 3600 - 1, number)
    seconds = days.as_unit("s").astype("int64").to_numpy()
    opened_at = seconds[opened_day] + 8 * 3600
    closed_at = seconds[np.minimum(closes, len(days) - 1)] + clock
    person = rng.integers(0, len(sellers), number)
    given = rng.binomial(ROUNDS, _generous(rng, gaps["price_selling"], len(sellers))[person]) / 100
    listed = np.round(np.exp(rng.normal(9, 0.5, number)), 2)
    never = np.iinfo(np.int64).min
    return pd.DataFrame({
        "opportunity_id": ids("W", number), "opened_at": opened_at, "account_id": account,
        "owner": sellers[person], "sourced_by": "sales", "closed_at": np.where(done, closed_at, never),
        "outcome": only(done, np.where(won, "won", "lost")), "amount": np.round(listed * (1 - given), 2),
        "list_amount": listed, "motion": "new",
    })  # fmt: skip


def _even(last: np.ndarray) -> float:
    return float(last.mean())


def _share(last: np.ndarray, push: float) -> float:
    """The last days' share of closings, from the stock of open deals that is fed evenly, day by day."""
    stock, closed = 1 / HAZARD, np.zeros(len(last))
    for day, at_the_end in enumerate(last):
        stock += 1.0
        closed[day] = stock * (1 - (1 - HAZARD) ** (push if at_the_end else 1.0))
        stock -= closed[day]
    year = slice(len(last) - 261, len(last))
    return float(closed[year][last[year]].sum() / closed[year].sum())


def _generous(rng: np.random.Generator, points: float, number: int) -> Floats:
    """Each person's chance to give a point away, so that their mean discounts differ by so many points."""
    mean = 0.4
    if points == 0:
        return np.full(number, mean)
    size = mean * (1 - mean) / (points / ROUNDS) ** 2 - 1
    return rng.beta(mean * size, (1 - mean) * size, number)


def _projects(rng: np.random.Generator, gap: float, start: int, end: int) -> pd.DataFrame:
    number = 160
    tasks = rng.choice([1, 2, 3], number, p=[0.4, 0.4, 0.2])
    joint = rng.random(number) < 0.45
    smooth = 0.9**tasks
    delivered = rng.random(number) < smooth - np.where(joint, gap, 0.0)
    started = start + rng.integers(0, (end - start) // DAY - 120, number) * DAY
    ended = started + rng.integers(20, 110, number) * DAY
    return pd.DataFrame({
        "work_id": ids("J", number), "kind": "project", "started_on": started,
        "scope": np.where(joint, "joint", np.where(rng.random(number) < 0.5, "marketing", "sales")), "ended_on": ended,
        "size": np.array(["", "small", "medium", "large"], dtype=object)[tasks],
        "outcome": np.where(delivered, "delivered", "not_delivered"),
    })  # fmt: skip
