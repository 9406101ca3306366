"""What the departments think, learn, write down and do together."""

from __future__ import annotations

import numpy as np
import pandas as pd

from alignment_toolkit.simulation.clock import DAY, NEVER, Floats, Ints, later
from alignment_toolkit.simulation.drawing import ids, only, optional, pick
from alignment_toolkit.simulation.marketing import Marketing
from alignment_toolkit.simulation.sales import Handover
from alignment_toolkit.simulation.truth import TRUTH_MEAN, TRUTH_SD
from alignment_toolkit.simulation.world import World

LIST_THRESHOLD = 60


def make_assessments(world: World) -> pd.DataFrame:
    """Both departments' ratings, about once a year each: the truth, seen with noise.

    Of a share of the accounts (none in an honest company) one department, either with the same probability, has an idea
    of its own that has nothing to do with the truth.
    """
    rng = world.rng("assessments")
    truth, count = world.truth, world.recipe.accounts
    real = TRUTH_MEAN + TRUTH_SD * world.z
    fancy = TRUTH_MEAN + TRUTH_SD * rng.standard_normal(count)
    strays = rng.random(count) < truth.stray
    astray = np.where(strays, rng.integers(0, 2, count), -1)
    frames = []
    for number, department in enumerate(("marketing", "sales")):
        seen = np.where(astray == number, fancy, real)
        account = np.flatnonzero(rng.random(count) < 0.85)
        first = world.start + (rng.random(len(account)) * 330 * DAY).astype(np.int64)
        gap = (rng.uniform(200, 360, len(account)) * DAY).astype(np.int64)
        for turn in range(1 + (world.end - world.start) // (200 * DAY)):
            at = later(first + turn * gap, rng.uniform(0.1, 7.5, len(account)))
            here = (at < world.end) & (at >= world.created[account])
            who = account[here]
            rating = seen[who] + truth.rating_noise * rng.standard_normal(len(who))
            rater = (
                world.salesperson(world.seat[who], at[here]) if department == "sales"
                else np.asarray(world.marketers[who % len(world.marketers)], dtype=object)
            )  # fmt: skip
            frames.append(pd.DataFrame({
                "_account": who, "department": department, "assessed_at": at[here], "assessor": rater,
                "potential": np.clip(rating, 0, 100), "target": rating >= truth.target_cut,
            }))  # fmt: skip
    frame = pd.concat(frames).sort_values(
        ["assessed_at", "_account", "department"], kind="stable", ignore_index=True
    )
    frame.insert(0, "assessment_id", ids("T", len(frame), 5))
    frame.insert(1, "account_id", world.accounts["account_id"].to_numpy(object)[frame["_account"]])
    return frame


def make_intents(world: World) -> pd.DataFrame:
    """What the strategic plan wants of the accounts that it names."""
    rng = world.rng("intents")
    named = np.flatnonzero(rng.random(world.recipe.accounts) < 0.25)
    decided = world.start + rng.integers(0, (world.end - world.start) // DAY, len(named)) * DAY
    named, decided = named[decided >= world.created[named]], decided[decided >= world.created[named]]
    client, good = world.client_since[named] != NEVER, world.z[named] > -0.5
    review = decided + 365 * DAY
    return pd.DataFrame({
        "account_id": world.accounts["account_id"].to_numpy(object)[named],
        "intent": np.where(~good, "release", np.where(client, "defend", "attack")), "decided_on": decided,
        "department": pick(rng, ("company", "sales", "marketing"), len(named), (0.6, 0.25, 0.15)),
        "review_on": review,
    }).sort_values(["decided_on", "account_id"], ignore_index=True)  # fmt: skip


def make_lists(world: World) -> pd.DataFrame:
    """Target lists: every half year the leads at or above a score."""
    freezes = list(range(world.start + 120 * DAY, world.end, 182 * DAY))
    return pd.DataFrame({
        "list_id": ids("TL", len(freezes)), "name": [f"Call list {n}" for n in range(1, len(freezes) + 1)],
        "field": "leads.marketing_score", "threshold": LIST_THRESHOLD, "freezes_on": freezes, "department": "marketing",
    })  # fmt: skip


def make_edits(world: World, marketing: Marketing, handover: Handover) -> pd.DataFrame:
    """The CRM's field history: a lead's status, segments, roles; scores are corrected by a little, by either side."""
    rng = world.rng("edits")
    leads = ids("L", len(marketing.at), 5)
    accounts = world.accounts["account_id"].to_numpy(object)
    frames = []
    for at, new in ((handover.accepted, "accepted"), (handover.rejected, "rejected")):
        lead = np.flatnonzero((at != NEVER) & (rng.random(len(at)) < 0.5))
        frames.append(pd.DataFrame({
            "edited_at": at[lead], "entity": "lead", "entity_id": leads[lead], "field": "status", "department": "sales",
            "account_id": optional(accounts, marketing.account[lead]),
            "actor": world.salesperson(handover.seat[lead], at[lead]), "old_value": "qualified", "new_value": new,
        }))  # fmt: skip
    lead = np.flatnonzero((rng.random(len(marketing.at)) < 0.04) & (handover.qualified != NEVER))
    at = later(handover.qualified[lead], rng.uniform(1, 100, len(lead)))
    score = np.round(marketing.score[lead], 1)
    old = np.round(np.clip(score + rng.normal(0, 4, len(lead)), 0, 100), 1)
    sales, marketer = rng.random(len(lead)) < 0.5, pick(rng, list(world.marketers), len(lead))
    frames.append(pd.DataFrame({
        "edited_at": at, "entity": "lead", "entity_id": leads[lead], "field": "marketing_score",
        "department": np.where(sales, "sales", "marketing"), "account_id": optional(accounts, marketing.account[lead]),
        "actor": np.where(sales, world.salesperson(handover.seat[lead], at), marketer),
        "old_value": [f"{v:.1f}" for v in old], "new_value": [f"{v:.1f}" for v in score],
    }))  # fmt: skip
    one = np.flatnonzero(rng.random(len(accounts)) < 0.10)
    at = np.maximum(world.created[one], world.moments(rng, len(one)))
    frames.append(pd.DataFrame({
        "edited_at": at, "entity": "account", "entity_id": accounts[one], "field": "segment", "department": "marketing",
        "account_id": accounts[one], "actor": pick(rng, list(world.marketers), len(one)), "old_value": "standard",
        "new_value": world.accounts["segment"].to_numpy(object)[one],
    }))  # fmt: skip
    frame = pd.concat(frames)
    frame = frame[frame["edited_at"] < world.end].sort_values(
        ["edited_at", "entity_id"], kind="stable", ignore_index=True
    )
    frame.insert(0, "edit_id", ids("E", len(frame)))
    return frame


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
    return pd.DataFrame({
        "actor": np.repeat(people["person_id"].to_numpy(object), len(products)),
        "trained_on": np.where(late, joined - rng.integers(1, 20, len(joined)) * DAY, before),
        "product_id": np.tile(products, len(people)), "campaign_id": None,
        "kind": pick(rng, ("course", "online"), len(joined), (0.6, 0.4)),
    }).sort_values(["trained_on", "actor", "product_id"], ignore_index=True)  # fmt: skip


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
    # Weighted so that the mean of all who answer stays.
    others = {d: round(0.85 * int((people["department"] == o).sum()))
              for d, o in (("marketing", "sales"), ("sales", "marketing"))}  # fmt: skip
    for wave in ends:
        for department in ("marketing", "sales"):
            size = round(0.85 * int((people["department"] == department).sum()))
            level = mean + (others[department] / sum(others.values()) * gap) * (
                -1 if department == "sales" else 1
            )
            mood = rng.beta(6 * (level - 1) / 4, 6 * (5 - level) / 4, size)
            answer = 1 + rng.binomial(4, np.repeat(mood, len(items)))
            frames.append(pd.DataFrame({
                "respondent_id": np.repeat([f"X{number + n:04d}" for n in range(1, size + 1)], len(items)),
                "department": department, "item": items * size, "answer": answer,
                "wave": f"{wave.year}-Q{wave.quarter}",
            }))  # fmt: skip
            number += size
    return pd.concat(frames, ignore_index=True)


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
    when[procedure] = _growing(when[procedure], days / 365.25 * world.truth.gaps["busywork"])
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
    delivered = rng.random(count) < 0.75 - np.where(
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
