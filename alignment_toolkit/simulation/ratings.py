"""What both departments think of accounts: the truth, seen with noise."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from alignment_toolkit.simulation.clock import DAY, NEVER, Floats, Ints, later
from alignment_toolkit.simulation.drawing import ids
from alignment_toolkit.simulation.truth import TRUTH_MEAN, TRUTH_SD
from alignment_toolkit.simulation.world import World

YEAR = 365 * DAY


def make_assessments(world: World) -> pd.DataFrame:
    """Both departments' ratings, about once a year each: the truth, seen with noise.

    Of a share of the accounts (none in an honest company) one department, either with the same probability, has an idea
    of its own that has nothing to do with the truth. Where marketing misjudges potential, its ratings carry further
    noise, drawn together again to the same spread; who is a target is decided as ever.
    """
    rng = world.rng("assessments")
    blur_rng = world.rng("misjudging")
    blur = _blur(world)
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
            # A part of sales' noise may be a lasting belief that it then acts on; how much noise there is stays.
            lasting = 5.0 * world.recipe.confounded("self_fulfilling") if department == "sales" else 0.0
            fresh = math.sqrt(truth.rating_noise**2 - lasting**2)
            rating = seen[who] + fresh * rng.standard_normal(len(who)) + lasting * world.belief[who]
            rater = (
                world.salesperson(world.seat[who], at[here]) if department == "sales"
                else np.asarray(world.marketers[who % len(world.marketers)], dtype=object)
            )  # fmt: skip
            potential = rating
            if department == "marketing" and blur > 0:
                honest = math.hypot(TRUTH_SD, truth.rating_noise)
                wider = rating - TRUTH_MEAN + blur * blur_rng.standard_normal(len(who))
                potential = TRUTH_MEAN + wider * honest / math.hypot(honest, blur)
            frames.append(pd.DataFrame({
                "_account": who, "department": department, "assessed_at": at[here], "assessor": rater,
                "potential": np.clip(_rounded(world, potential), 0, 100), "target": rating >= truth.target_cut,
            }))  # fmt: skip
    frame = pd.concat(frames).sort_values(
        ["assessed_at", "_account", "department"], kind="stable", ignore_index=True
    )
    frame.insert(0, "assessment_id", ids("T", len(frame), 5))
    frame.insert(1, "account_id", world.accounts["account_id"].to_numpy(object)[frame["_account"]])
    return frame


def _rounded(world: World, potential: Floats) -> Floats:
    """People like round numbers: a share of the ratings is written down in tens."""
    strength = world.recipe.confounded("round_numbers")
    if strength == 0:
        return potential
    tens = world.rng(f"round {len(potential)}").random(len(potential)) < 0.8 * strength
    return np.where(tens, np.round(potential, -1), potential)


def _blur(world: World) -> float:
    """How much further noise (standard deviation in points) makes marketing the worse judge by the true gap.

    A judge is as good as the share of pairs, one account that was won within a year and one that was not, that the
    ratings put in the right order. Given the accounts that were won, that share follows from the noise.
    """
    gap = world.truth.gaps["misjudged_potential"]
    if gap == 0:
        return 0.0
    apart, weight = _pairs(world)
    if len(apart) == 0:
        return 0.0
    noise = world.truth.rating_noise
    aim = _in_order(apart, weight, noise) - gap
    low, high = 0.0, 2_000.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (
            (middle, high) if _in_order(apart, weight, math.hypot(noise, middle)) > aim else (low, middle)
        )
    return (low + high) / 2


def _pairs(world: World) -> tuple[Floats, Floats]:
    """True difference of potential between accounts won within a year and others, in classes, with their weights."""
    since = np.where(world.becomes_client == NEVER, np.iinfo(np.int64).max, world.becomes_client)
    edges = np.linspace(-8.0, 8.0, 801)
    counts = np.zeros(len(edges) - 1)
    grid = np.linspace(-4.5, 4.5, 181)
    for back in range(0, max(1, world.end - YEAR - world.start - 60 * DAY), 91 * DAY):
        then = world.end - YEAR - back
        here = (since > then) & (world.created <= then)
        won = here & (since <= then + YEAR)
        yes, _ = np.histogram(world.z[won].clip(-4.4, 4.4), grid)
        no, _ = np.histogram(world.z[here & ~won].clip(-4.4, 4.4), grid)
        middle = (grid[:-1] + grid[1:]) / 2
        pairs, _ = np.histogram(
            (middle[:, None] - middle[None, :]).ravel() + 1e-9,
            edges,
            weights=(yes[:, None] * no[None, :]).ravel(),
        )
        counts += pairs / max(1.0, pairs.sum())
    centre = (edges[:-1] + edges[1:]) / 2
    return centre[counts > 0], counts[counts > 0] / max(1e-12, counts.sum())


def _in_order(apart: Floats, weight: Floats, noise: float) -> float:
    """How probably a rater with this noise puts the better account first, over the pairs."""
    z = TRUTH_SD * apart / (math.sqrt(2.0) * max(noise, 1e-9))
    return float(sum(w * 0.5 * math.erfc(-x / math.sqrt(2)) for x, w in zip(z, weight, strict=True)))


def fifths(world: World, assessments: pd.DataFrame) -> tuple[Ints, Floats]:
    """Each account's fifth by marketing's last rating (-1: unrated, or under a service contract); the fifths' worth.

    The worth of a fifth is its share of all potential: what it should get of sales' effort.
    """
    own = assessments[assessments["department"] == "marketing"]
    rated = own.groupby("_account")["potential"].last()
    potential = np.full(world.recipe.accounts, np.nan)
    potential[rated.index.to_numpy()] = rated.to_numpy()
    potential[world.accounts["service_contract"].to_numpy(bool)] = np.nan
    known = np.flatnonzero(~np.isnan(potential))
    fifth = np.full(world.recipe.accounts, -1, dtype=np.int64)
    order = known[np.argsort(potential[known], kind="stable")]
    fifth[order] = np.arange(len(order)) * 5 // max(1, len(order))
    worth = np.array([potential[fifth == f].sum() for f in range(5)])
    return fifth, worth / max(1e-12, float(worth.sum()))
