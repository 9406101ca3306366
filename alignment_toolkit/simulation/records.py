"""The CRM's field history: honest corrections, clean-ups, and scores that are lifted to get a client onto a list."""

from __future__ import annotations

import numpy as np
import pandas as pd

from alignment_toolkit.simulation.clock import DAY, NEVER, Floats, Ints, later
from alignment_toolkit.simulation.drawing import ids, optional, pick
from alignment_toolkit.simulation.marketing import Marketing
from alignment_toolkit.simulation.sales import Handover
from alignment_toolkit.simulation.world import World

LIST_THRESHOLD = 60
COLUMNS = (
    "edited_at",
    "entity",
    "entity_id",
    "field",
    "department",
    "account_id",
    "actor",
    "old_value",
    "new_value",
)


def make_lists(world: World) -> pd.DataFrame:
    """Target lists: every half year the leads at or above a score."""
    freezes = list(range(world.start + 120 * DAY, world.end, 182 * DAY))
    return pd.DataFrame({
        "list_id": ids("TL", len(freezes)), "name": [f"Call list {n}" for n in range(1, len(freezes) + 1)],
        "field": "leads.marketing_score", "threshold": LIST_THRESHOLD, "freezes_on": freezes, "department": "marketing",
    })  # fmt: skip


def lift(world: World, marketing: Marketing, lists: pd.DataFrame) -> tuple[pd.DataFrame, Floats]:
    """Give the edits by which sales lifts leads onto the lists, and all leads' scores as they stand at the end.

    Of the accounts of a list the true gap is there for a lead that was lifted in the eight weeks before it is frozen,
    from less than ten points below the threshold to less than ten above: no other threshold that is ten points away is
    crossed. Most are put back afterwards.
    """
    score = np.round(marketing.score, 1)
    share = world.truth.gaps["score_gaming"]
    frames: list[pd.DataFrame] = []
    if share == 0:
        return pd.DataFrame(columns=list(COLUMNS)), score
    rng = world.rng("lifted scores")
    count = world.recipe.accounts
    for freeze in lists["freezes_on"].to_numpy():
        there = (marketing.account >= 0) & (marketing.at < freeze - DAY)
        listed = np.zeros(count, dtype=bool)
        listed[marketing.account[there & (score >= LIST_THRESHOLD)]] = True
        lead = np.flatnonzero(there & (score >= LIST_THRESHOLD - 9) & (score < LIST_THRESHOLD))
        lead = lead[~listed[marketing.account[lead]]]
        lead = lead[np.unique(marketing.account[lead], return_index=True)[1]]
        wanted = listed.sum() * share / (1 - share)
        lead = lead[rng.random(len(lead)) < min(1.0, wanted / max(1, len(lead)))]
        opens = np.maximum(marketing.at[lead], freeze - 55 * DAY)
        at = opens + ((freeze - opens) * rng.uniform(0.02, 0.98, len(lead))).astype(np.int64)
        new: Floats = np.round(LIST_THRESHOLD + 6 * rng.random(len(lead)), 1)
        old = score[lead]
        frames.append(_edits(world, marketing, lead, at, old, new))
        back = rng.random(len(lead)) < 0.7
        again = later(np.full(len(lead), freeze), rng.uniform(16, 300, len(lead)))
        back &= again < world.end
        frames.append(_edits(world, marketing, lead[back], again[back], new[back], old[back]))
        score[lead[~back]] = new[~back]
    return pd.concat(frames, ignore_index=True), score


def _edits(
    world: World,
    marketing: Marketing,
    lead: Ints,
    at: Ints,
    old: Floats,
    new: Floats,
    department: str = "sales",
) -> pd.DataFrame:
    account = marketing.account[lead]
    return pd.DataFrame({
        "edited_at": at, "entity": "lead", "entity_id": ids("L", len(marketing.at), 5)[lead],
        "field": "marketing_score", "department": department,
        "account_id": optional(world.accounts["account_id"].to_numpy(object), account),
        "actor": world.salesperson(world.seat[np.where(account < 0, 0, account)], at),
        "old_value": [f"{v:.1f}" for v in old], "new_value": [f"{v:.1f}" for v in new],
    })  # fmt: skip


def make_edits(
    world: World, marketing: Marketing, handover: Handover, lifted: pd.DataFrame, score: Floats
) -> pd.DataFrame:
    """The field history: a lead's status, segments, roles; scores are corrected by a little, by either side."""
    rng = world.rng("edits")
    leads = ids("L", len(marketing.at), 5)
    accounts = world.accounts["account_id"].to_numpy(object)
    frames = [lifted]
    for at, new in ((handover.accepted, "accepted"), (handover.rejected, "rejected")):
        lead = np.flatnonzero((at != NEVER) & (rng.random(len(at)) < 0.5))
        frames.append(pd.DataFrame({
            "edited_at": at[lead], "entity": "lead", "entity_id": leads[lead], "field": "status", "department": "sales",
            "account_id": optional(accounts, marketing.account[lead]),
            "actor": world.salesperson(handover.seat[lead], at[lead]), "old_value": "qualified", "new_value": new,
        }))  # fmt: skip
    touched = np.isin(leads, lifted["entity_id"].to_numpy(object))
    lead = np.flatnonzero((rng.random(len(marketing.at)) < 0.04) & (handover.qualified != NEVER) & ~touched)
    at = later(handover.qualified[lead], rng.uniform(1, 100, len(lead)))
    frames.append(_corrected(world, marketing, rng, lead, at, score, 4.0))
    clean = world.recipe.confounded("honest_cleanup")
    round_ = world.recipe.confounded("round_numbers")
    if clean + round_ > 0:
        frames.append(_clean_up(world, marketing, score, touched, clean, round_))
    one = np.flatnonzero(rng.random(len(accounts)) < 0.10)
    at = np.maximum(world.created[one], world.moments(rng, len(one)))
    frames.append(pd.DataFrame({
        "edited_at": at, "entity": "account", "entity_id": accounts[one], "field": "segment", "department": "marketing",
        "account_id": accounts[one], "actor": pick(rng, list(world.marketers), len(one)), "old_value": "standard",
        "new_value": world.accounts["segment"].to_numpy(object)[one],
    }))  # fmt: skip
    frame = pd.concat([each for each in frames if len(each)])
    frame = frame[frame["edited_at"] < world.end].sort_values(
        ["edited_at", "entity_id"], kind="stable", ignore_index=True
    )
    frame.insert(0, "edit_id", ids("E", len(frame)))
    return frame


def _corrected(
    world: World,
    marketing: Marketing,
    rng: np.random.Generator,
    lead: Ints,
    at: Ints,
    score: Floats,
    by: float,
) -> pd.DataFrame:
    """Corrections to what the scores are in the end, up or down, by either department."""
    new = score[lead]
    wrong = (new + by * rng.standard_normal(len(lead))).clip(0, 100)
    old = np.asarray(np.round(wrong, 1), dtype=np.float64)
    frame = _edits(world, marketing, lead, at, old, new)
    sales, marketer = rng.random(len(lead)) < 0.5, pick(rng, list(world.marketers), len(lead))
    return frame.assign(
        department=np.where(sales, "sales", "marketing"), actor=np.where(sales, frame["actor"], marketer)
    )


def _clean_up(
    world: World, marketing: Marketing, score: Floats, touched: np.ndarray, clean: float, rounding: float
) -> pd.DataFrame:
    """Everybody corrects scores, everywhere on the scale alike and at any time; or writes round numbers first.

    Equally many leads are taken from every part of the scale, so that no threshold is crossed more often than another.
    """
    rng = world.rng("clean-up")
    free = (score >= 30) & (score < 90) & (marketing.account >= 0) & ~touched
    free &= marketing.at < world.end - 3 * DAY
    classes = ((score - 30) // 10).astype(int)
    each = min(int((free & (classes == c)).sum()) for c in range(6))
    lead = np.concatenate([
        rng.permutation(np.flatnonzero(free & (classes == c)))[: round(0.8 * max(clean, rounding) * each)]
        for c in range(6)
    ])  # fmt: skip
    at = marketing.at[lead] + ((world.end - marketing.at[lead]) * rng.random(len(lead))).astype(np.int64)
    frame = _corrected(world, marketing, rng, lead, at, score, 6.0)
    if rounding > clean:
        frame["old_value"] = [f"{round(float(v), -1):.1f}" for v in frame["old_value"]]
    return frame
