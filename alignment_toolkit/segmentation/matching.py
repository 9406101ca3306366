"""The same names from run to run: segments of now matched with those of an earlier Analysis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from alignment_toolkit.languages import say
from alignment_toolkit.segmentation.kind import Placing

__all__ = ["matched"]

# Two centres farther apart than one usual distance (times the root of the features) are no longer the same segment.
SAME = 1.0


def matched(placing: Placing, before: Mapping[str, Any] | None) -> tuple[Placing, list[dict[str, Any]]]:
    """Give segments the keys and names that their like had before, and say how far each has moved.

    Centres are paired so that the distances sum to the least (Hungarian method). Pairs that lie too far apart are a
    segment that has gone and one that is new.

    Parameters
    ----------
    placing
        The segments of now.
    before
        What the earlier Analysis has in its definitions; None for a first run.
    """
    old = dict((before or {}).get("centres") or {})
    scales = placing.about.get("scales")
    if not placing.centres or not old or not scales:
        return placing, []
    past = (before or {}).get("scales") or []
    if [s["feature"] for s in past] != [s["feature"] for s in scales]:
        return placing, [
            {
                "segment": None,
                "was": None,
                "distance": None,
                "what": say("the features are others than before"),
            }
        ]
    now_keys, old_keys = list(placing.centres), list(old)
    now = np.array([placing.centres[k] for k in now_keys])
    from scipy.optimize import linear_sum_assignment

    then = np.array([old[k] for k in old_keys])
    # The earlier centres in today's scale.
    width = np.array(
        [
            [p["spread"] / s["spread"], (p["centre"] - s["centre"]) / s["spread"]]
            for p, s in zip(past, scales, strict=True)
        ]
    )
    then = then * width[:, 0] + width[:, 1]
    distance = np.sqrt(((now[:, None] - then[None]) ** 2).mean(axis=2))
    pairs = {
        int(i): int(j)
        for i, j in zip(*linear_sum_assignment(distance), strict=True)
        if distance[i, j] <= SAME
    }
    labels_before = dict((before or {}).get("labels") or {})
    taken = {old_keys[j] for j in pairs.values()} | set(old_keys)
    keys: dict[str, str] = {}
    drift = []
    fresh = (f"s{n}" for n in range(1, 1000) if f"s{n}" not in taken)
    for i, key in enumerate(now_keys):
        keys[key] = old_keys[pairs[i]] if i in pairs else next(fresh)
        drift.append({
            "segment": keys[key], "was": keys[key] if i in pairs else None,
            "distance": float(distance[i, pairs[i]]) if i in pairs else None, "what": "moved" if i in pairs else "new",
        })  # fmt: skip
    for j, key in enumerate(old_keys):
        if j not in pairs.values():
            drift.append({"segment": None, "was": key, "distance": None, "what": "gone"})
    labels = {keys[k]: labels_before.get(keys[k], placing.labels[k]) for k in now_keys}
    place = placing.place
    return (
        replace(
            placing,
            place=lambda t: place(t).cases(*keys.items(), else_=None),
            labels=labels,
            stability={keys[k]: v for k, v in placing.stability.items()},
            centres={keys[k]: v for k, v in placing.centres.items()},
        ),
        drift,
    )
