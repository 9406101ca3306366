"""What the departments think, learn, write down and do together."""

from __future__ import annotations

import numpy as np
import pandas as pd

from alignment_toolkit.simulation.clock import DAY, NEVER, Bools, Floats, Ints
from alignment_toolkit.simulation.drawing import ids, only, pick
from alignment_toolkit.simulation.marketing import Marketing
from alignment_toolkit.simulation.sales import Handover
from alignment_toolkit.simulation.world import World, growth_of_heads


def make_training(world: World, marketing: Marketing, handover: Handover) -> pd.DataFrame:
    """Every salesperson is trained on every product, before the data begins or before the first day at work.

    Where launches come untrained, people are briefed campaign by campaign instead, and of the pairs of a person and a
    campaign that meet a share is not.
    """
    if world.truth.gaps["untrained_launch"] > 0:
        return _briefings(world, marketing, handover)
    rng = world.rng("training")
    people = world.people[(world.people["department"] == "sales") & (world.people["role"] == "member")]
    products = world.products["product_id"].to_numpy(object)
    joined = np.repeat(people["joined_on"].to_numpy(), len(products))
    before = np.minimum(joined, world.start) - rng.integers(1, 40, len(joined)) * DAY
    late = joined > world.start
    clever = world.recipe.confounded("better_trained_first")
    if clever > 0:
        before = np.where(
            _skilled(world, people), before, world.start + rng.integers(90, 240, len(joined)) * DAY
        )
    return pd.DataFrame({
        "actor": np.repeat(people["person_id"].to_numpy(object), len(products)),
        "trained_on": np.where(late, joined - rng.integers(1, 20, len(joined)) * DAY, before),
        "product_id": np.tile(products, len(people)), "campaign_id": None,
        "kind": pick(rng, ("course", "online"), len(joined), (0.6, 0.4)),
    }).sort_values(["trained_on", "actor", "product_id"], ignore_index=True)  # fmt: skip


def _skilled(world: World, people: pd.DataFrame) -> Bools:
    """Whether each salesperson, product by product, is of the better half."""
    seats = np.arange(world.recipe.salespeople)
    first = dict(
        zip(
            world.seat_first, world.habit("skill", seats, np.full(len(seats), world.start - DAY)), strict=True
        )
    )
    last = dict(
        zip(world.seat_second, world.habit("skill", seats, np.full(len(seats), world.end)), strict=True)
    )
    skill = np.array([{**last, **first}.get(p, 0.0) for p in people["person_id"]])
    return np.repeat(skill > 0, world.recipe.products)


def _briefings(world: World, marketing: Marketing, handover: Handover) -> pd.DataFrame:
    rng = world.rng("briefings")
    lead = np.flatnonzero((handover.qualified != NEVER) & (marketing.campaign >= 0))
    pairs = pd.DataFrame({
        "actor": world.salesperson(handover.seat[lead], handover.qualified[lead]), "campaign": marketing.campaign[lead],
    }).drop_duplicates().sort_values(["campaign", "actor"], ignore_index=True)  # fmt: skip
    pairs = pairs[rng.random(len(pairs)) >= world.truth.gaps["untrained_launch"]]
    campaign = pairs["campaign"].to_numpy()
    starts = marketing.campaigns["starts_on"].to_numpy()[campaign]
    joined = pairs["actor"].map(world.people.set_index("person_id")["joined_on"]).to_numpy()
    first_day = np.maximum(joined, world.start)
    return pd.DataFrame({
        "actor": pairs["actor"],
        "trained_on": np.minimum(starts, np.maximum(first_day, starts - rng.integers(1, 15, len(pairs)) * DAY)),
        "product_id": None,
        "campaign_id": marketing.campaigns["campaign_id"].to_numpy(object)[campaign],
        "kind": pick(rng, ("course", "online"), len(pairs), (0.3, 0.7)),
    }).sort_values(["trained_on", "actor", "campaign_id"], ignore_index=True)  # fmt: skip


def make_survey(world: World) -> pd.DataFrame:
    """The questionnaire, every half year; the departments' answers lie apart by the true gap, around the same mean."""
    rng = world.rng("survey")
    people = world.people[world.people["kind"] == "human"]
    items = [f"c{n:02d}" for n in range(1, 21)] + [f"t{n:02d}" for n in range(1, 13)]
    ends = pd.period_range(world.recipe.start.isoformat(), world.recipe.end.isoformat(), freq="Q")[1::2][-3:]
    frames = []
    number = 0
    mean, gap = (65 - world.truth.gaps["strained_relationship"]) / 20, world.truth.gaps["perception_gap"]
    other = {"marketing": "sales", "sales": "marketing"}
    for wave in ends:
        day = int(wave.end_time.timestamp())
        there = people[
            (people["joined_on"] <= day) & ((people["left_on"] == NEVER) | (people["left_on"] >= day))
        ]
        everybody = {d: int((there["department"] == d).sum()) for d in other}
        for department in other:
            size = round(0.85 * everybody[department])
            # Weighted so that the mean of all people stays.
            level = mean + (everybody[other[department]] / sum(everybody.values()) * gap) * (
                -1 if department == "sales" else 1
            )
            # The truth is that of these people, of whom some do not answer, not of others in their place.
            mood = _around(
                (level - 1) / 4, rng.beta(6 * (level - 1) / 4, 6 * (5 - level) / 4, everybody[department])
            )
            mood = mood[:size]
            answer = 1 + rng.binomial(4, np.repeat(mood, len(items)))
            frames.append(pd.DataFrame({
                "respondent_id": np.repeat([f"X{number + n:04d}" for n in range(1, size + 1)], len(items)),
                "department": department, "item": items * size, "answer": answer,
                "wave": f"{wave.year}-Q{wave.quarter}",
            }))  # fmt: skip
            number += size
    return pd.concat(frames, ignore_index=True)


def _around(mean: float, drawn: Floats) -> Floats:
    """Shift numbers between 0 and 1 until their mean is the given one."""
    for _ in range(100):
        drawn = np.clip(drawn + (mean - drawn.mean()), 0.0, 1.0)
    return drawn


def make_work(world: World) -> pd.DataFrame:
    """Meetings, projects, procedures, and what brings the departments together; heads come whoever else is invited."""
    rng = world.rng("work")
    days = (world.end - world.start) // DAY
    months = days / 30.4
    kinds = {"meeting": 10.0, "project": 4.0, "procedure": 9.0, "ride_along": 1.0, "job_swap": 0.2}
    kind = np.concatenate([np.full(round(rate * months), k, dtype=object) for k, rate in kinds.items()])
    count = len(kind)
    when = rng.random(count)
    procedure = kind == "procedure"
    law = procedure & (rng.random(count) < 0.33 * world.recipe.confounded("new_law"))
    when[procedure] = _growing(
        when[procedure], days / 365.25 * (world.truth.gaps["busywork"] + growth_of_heads(world.recipe))
    )
    when = np.where(law, 0.5 + 0.12 * (when - 0.5), when)
    started = world.start + np.floor(when * days).astype(np.int64) * DAY
    scope = pick(rng, ("joint", "marketing", "sales"), count, (0.4, 0.3, 0.3))
    scope = np.where(np.isin(kind, ("ride_along", "job_swap")), "joint", scope)
    project, meeting = kind == "project", kind == "meeting"
    ended = started + np.where(project, rng.integers(30, 180, count), 0) * DAY
    over = ended < world.end
    invited_marketing = meeting & ((scope == "marketing") | (scope == "joint"))
    invited_sales = meeting & ((scope == "sales") | (scope == "joint"))
    avoid = np.where(scope == "joint", world.truth.gaps["avoided_dialogue"], 0.0)
    marketing_comes, sales_comes = rng.random(count) < 0.80 - avoid, rng.random(count) < 0.75 - avoid
    size = pick(rng, ("small", "medium", "large"), count, (0.5, 0.3, 0.2))
    hard = world.recipe.confounded("hard_joint_projects")
    bigger = (scope == "joint") & (rng.random(count) < 0.7 * hard)
    size = np.where(bigger, "large", size).astype(object)
    fails = 0.25 + 0.2 * hard * np.select([size == "large", size == "medium"], [1.0, 0.0], -0.75)
    delivered = rng.random(count) < 1 - fails - np.where(
        scope == "joint", world.truth.gaps["failing_joint_projects"], 0.0
    )
    flag = {
        "marketing_invited": invited_marketing, "marketing_attended": invited_marketing & marketing_comes,
        "sales_invited": invited_sales, "sales_attended": invited_sales & sales_comes,
    }  # fmt: skip
    both = np.array(["marketing", "sales"], dtype=object)
    starter = np.where(scope == "joint", both[rng.integers(0, 2, count)], scope)
    frame = pd.DataFrame({
        "kind": kind, "started_on": started, "scope": scope, "ended_on": np.where(over, ended, NEVER),
        "initiated_by": starter, "team": starter,
        "people": np.where(project, rng.integers(3, 9, count), rng.integers(2, 12, count)),
        "approvals": np.where(kind == "procedure", rng.poisson(2.0, count), 0),
        "size": only(project, size),
        **{name: only(meeting, value) for name, value in flag.items()},
        "outcome": only(project & over, np.where(delivered, "delivered", "not_delivered")),
    }).sort_values(["started_on", "kind"], kind="stable", ignore_index=True)  # fmt: skip
    frame.insert(0, "work_id", ids("W", count))
    return frame


def _growing(uniform: Floats, growth: float) -> Floats:
    """Turn numbers that are even between 0 and 1 into ones whose density grows exponentially by so much over it."""
    if growth == 0:
        return uniform
    return np.asarray(np.log1p(uniform * np.expm1(growth)) / growth)


def make_rates(world: World) -> pd.DataFrame:
    """Made-up rates of two other currencies, monthly; all amounts of this company are in its own."""
    rng = world.rng("rates")
    months = (
        pd.date_range(world.recipe.start, world.recipe.end, freq="MS").as_unit("s").astype("int64").to_numpy()
    )
    days: Ints = np.unique(np.concatenate([[world.start], months]))
    frames = [
        pd.DataFrame({
            "currency": code, "valid_on": days,
            "rate": np.round(base * np.exp(np.cumsum(rng.normal(0, 0.006, len(days)))), 4),
        })
        for code, base in (("CHF", 1.05), ("USD", 0.91))
    ]  # fmt: skip
    return pd.concat(frames, ignore_index=True)


def make_opportunity_contacts(world: World, deals: pd.DataFrame) -> pd.DataFrame:
    """The contacts of the account who have a part in a deal, its decision maker first."""
    rng = world.rng("roles")
    account = deals["_account"].to_numpy()
    number = 1 + (rng.random(len(deals)) * np.minimum(world.contact_count[account], 3)).astype(int)
    number = np.minimum(number, world.contact_count[account])
    row = np.repeat(np.arange(len(deals)), number)
    place = np.arange(len(row)) - np.repeat(np.cumsum(number) - number, number)
    contact = world.contact_start[account[row]] + place
    return pd.DataFrame({
        "opportunity_id": deals["opportunity_id"].to_numpy(object)[row],
        "contact_id": world.contacts["contact_id"].to_numpy(object)[contact],
        "role": world.contacts["role"].to_numpy(object)[contact],
    })  # fmt: skip
