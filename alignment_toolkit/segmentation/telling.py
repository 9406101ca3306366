"""What is told of segments: shares with intervals, a rule for people, the exceptions, profile and map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import ibis
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alignment_toolkit.languages import say
from alignment_toolkit.results import Column, Estimate, Evidence
from alignment_toolkit.segmentation.features import FEATURES
from alignment_toolkit.segmentation.scaling import Scale, scale_of, scaled
from alignment_toolkit.statistics.inference import quantile
from alignment_toolkit.units import unit

if TYPE_CHECKING:
    from ibis.expr.types import Table

    from alignment_toolkit.pseudonyms import Pseudonyms

__all__ = ["agreement", "exceptions", "picture", "rules", "share_of"]

DEPTH: Final = 3
WORST: Final = 3
POINTS: Final = 300
Floats = NDArray[np.float64]


def share_of(own: float, squares: float, whole: float, all_squares: float, n: int, method: str) -> Estimate:
    """Give a segment's share of a total of accounts, by the delta method for a ratio of sums.

    Estimand: the share that accounts of this kind have in the process, accounts drawn independently.

    Examples
    --------
    >>> share_of(30.0, 500.0, 100.0, 2_000.0, 10, "revenue").value
    0.3
    """
    what: dict[str, Any] = {"n": n, "n_unit": "accounts", "unit": "share"}
    if not np.isfinite(whole) or whole <= 0:
        return Estimate.none(method=say("share of {method}: there is none", method=say(method)), **what)
    p = own / whole
    variance = ((1 - p) ** 2 * squares + p**2 * (all_squares - squares)) / whole**2
    half = quantile() * float(np.sqrt(max(variance, 0.0)))
    low, high = (min(max(v, 0.0), 1.0) for v in (p - half, p + half))
    return Estimate(
        p,
        min(low, p),
        max(high, p),
        method=say("share of {method}, delta method over accounts", method=say(method)),
        **what,
    )


def rules(
    rows: pd.DataFrame, segments: Sequence[str], features: Sequence[str], currency: str
) -> tuple[dict[str, str], float | None]:
    """Give a rule in words for each segment, and the accuracy of all rules together on accounts they did not see."""
    from sklearn.model_selection import KFold
    from sklearn.tree import DecisionTreeClassifier

    used = [f for f in features if f in rows.columns and f in FEATURES and rows[f].notna().any()]
    y = np.asarray(segments, dtype=object).astype(str)
    if len(set(y)) < 2 or not used or len(y) < 20:
        return {}, None
    known = rows[used].astype(float)
    x = known.fillna(known.median()).to_numpy(float)
    least = max(5, len(y) // 100)
    tree = DecisionTreeClassifier(max_depth=DEPTH, min_samples_leaf=least, random_state=0)
    right = 0
    for train, test in KFold(5, shuffle=True, random_state=0).split(x):
        right += int((tree.fit(x[train], y[train]).predict(x[test]) == y[test]).sum())
    tree.fit(x, y)
    return _paths(tree, x, y, used, currency), right / len(y)


def _paths(tree: Any, x: Floats, y: NDArray[Any], used: Sequence[str], currency: str) -> dict[str, str]:
    t = tree.tree_
    leaf_of = tree.apply(x)
    above: dict[int, tuple[int, bool]] = {}
    for node in range(t.node_count):
        if t.children_left[node] >= 0:
            above[int(t.children_left[node])] = (node, True)
            above[int(t.children_right[node])] = (node, False)
    out = {}
    for name in sorted(set(y)):
        said_here = tree.classes_[t.value[leaf_of].reshape(len(y), -1).argmax(axis=1)]
        leaves, counts = np.unique(leaf_of[(y == name) & (said_here == name)], return_counts=True)
        if not len(leaves):  # no rule of this length leads to this segment
            continue
        node = int(leaves[counts.argmax()])
        low: dict[str, float] = {}
        high: dict[str, float] = {}
        while node in above:
            parent, left = above[node]
            f = used[int(t.feature[parent])]
            cut = _said(f, float(t.threshold[parent]))
            if left:
                high[f] = min(high.get(f, np.inf), cut)
            else:
                low[f] = max(low.get(f, -np.inf), cut)
            node = parent
        said = []
        for f in used:
            if f in low or f in high:
                u, title = unit(_kind(f)), say(FEATURES[f].title)
                parts = [say("above {number}", number=u.text(low[f], currency=currency))] if f in low else []
                parts += (
                    [say("up to {number}", number=u.text(high[f], currency=currency))] if f in high else []
                )
                said.append(f"{title} {say(' and ').join(parts)}")
        out[name] = "; ".join(said)
    return out


def _kind(feature: str) -> str:
    """Give a feature's unit beside its title, which says already that these are days, and days are whole."""
    return "count" if FEATURES[feature].unit == "days" else FEATURES[feature].unit


def _said(feature: str, cut: float) -> float:
    """Give a cut as a person says it: of whole numbers, above 3.5 is above 3, and so is up to 3.5."""
    return float(np.floor(cut)) if FEATURES[feature].unit in ("count", "days") else cut


def exceptions(
    fetch: Any,
    t: Table,
    segment: str,
    scales: Sequence[Scale],
    centres: Mapping[str, Floats],
    hidden: Pseudonyms,
) -> dict[str, Evidence]:
    """Give for each segment the accounts that lie farthest from its centre, with what sets them apart."""
    if not scales:
        return {}
    names = list(centres)
    total: Any = ibis.literal(0.0)
    for i, s in enumerate(scales):
        centre = ibis.cases(*[(t[segment] == k, float(centres[k][i])) for k in names], else_=0.0)
        off = s.expression(t) - centre
        total = total + off * off
    t = t.mutate(_distance=total.sqrt().round(9))
    ranked = t.mutate(
        _rank=ibis.row_number().over(group_by=segment, order_by=[t._distance.desc(), t.account_id])
    )
    numbers = [s.id for s in scales if s.value is None]
    rows = fetch(
        ranked.filter(ranked._rank < WORST).select("account_id", segment, "_distance", "_rank", *numbers)
    )
    rows = rows.sort_values([segment, "_rank"])
    shown = numbers[:4]
    columns = (
        Column("account", say("Account"), None, "name"),
        Column("distance", say("Distance from the middle of its segment"), "ratio", "measure"),
        *(Column(f, say(FEATURES[f].title), _kind(f), "measure") for f in shown),
    )
    return {
        str(name): Evidence(
            columns,
            tuple(
                (hidden.client(r["account_id"]), r["_distance"], *(r[f] for f in shown))
                for r in own.to_dict("records")
            ),
        )
        for name, own in rows.groupby(segment)
    }


def picture(rows: pd.DataFrame, segments: Sequence[str], features: Sequence[str]) -> dict[str, Any]:
    """Give what charts show: each segment's medians, and points on the two features that part segments best."""
    scales, _ = scale_of(rows, [f for f in features if f in rows.columns and f in FEATURES])
    if not scales or not len(rows):
        return {}
    z = scaled(rows, scales)
    y = np.asarray(segments, dtype=object).astype(str)
    names = sorted(set(y))
    means = np.array([z[y == n].mean(axis=0) for n in names])
    weights = np.array([(y == n).mean() for n in names])
    apart = (weights[:, None] * (means - weights @ means) ** 2).sum(axis=0)
    best = sorted(range(len(scales)), key=lambda i: (-round(float(apart[i]), 9), i))[:2]
    profile = [
        {
            "segment": n,
            "feature": s.id,
            "title": say(FEATURES[s.id].title),
            "unit": FEATURES[s.id].unit,
            "median": _number(pd.to_numeric(rows[s.id][y == n]).median()),
            "against_all": float(means[i, j]),
        }
        for i, n in enumerate(names)
        for j, s in enumerate(scales)
    ]
    out: dict[str, Any] = {"profile": profile}
    if len(best) == 2:
        step = max(1, len(rows) // POINTS)
        x_of, y_of = (scales[i].id for i in best)
        points = rows[[x_of, y_of]].astype(float).iloc[::step]
        out["map"] = {
            "x": x_of, "y": y_of,
            "points": [
                [float(a), float(b), str(s)]
                for (a, b), s in zip(points.to_numpy(), y[::step], strict=True)
                if np.isfinite(a) and np.isfinite(b)
            ][: 2 * POINTS],
        }  # fmt: skip
    return out


def _number(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def agreement(one: Sequence[str], other: Sequence[str], method: str) -> Estimate:
    """Give the mutual information of two divisions, adjusted for chance, with an interval from 199 draws of accounts.

    Examples
    --------
    >>> agreement(["a"] * 40 + ["b"] * 40, ["x"] * 40 + ["y"] * 40, "like").value
    1.0
    """
    from alignment_toolkit.statistics.resampling import generator

    a = np.unique(np.asarray(one, dtype=str), return_inverse=True)[1] if len(one) else np.zeros(0, int)
    b = np.unique(np.asarray(other, dtype=str), return_inverse=True)[1] if len(other) else np.zeros(0, int)
    what: dict[str, Any] = {"n": len(a), "n_unit": "accounts", "unit": "index"}
    if len(set(a.tolist())) < 2 or len(set(b.tolist())) < 2:
        return Estimate.none(method=say("{method}: one side has a single group", method=say(method)), **what)
    random = generator(f"agreement {method}")
    most = 1_500
    table = np.zeros((int(a.max()) + 1, int(b.max()) + 1), dtype=np.int64)
    np.add.at(table, (a, b), 1)
    # Drawing accounts again is drawing the counts of the cells again.
    shares, size = table.ravel() / table.sum(), min(len(a), most)
    drawn = [_information(random.multinomial(size, shares).reshape(table.shape)) for _ in range(199)]
    value = _information(table)
    low, high = np.quantile(drawn, [0.025, 0.975])
    if len(a) > most:  # draws of part of the accounts are too wide by the root of the ratio
        shrink = float(np.sqrt(most / len(a)))
        low, high = value + (low - np.mean(drawn)) * shrink, value + (high - np.mean(drawn)) * shrink
    return Estimate(
        value,
        min(float(low), value),
        min(max(float(high), value), 1.0),
        method=say("{method}, adjusted mutual information", method=say(method)),
        **what,
    )


def _information(table: NDArray[np.int64]) -> float:
    """Give the mutual information of a table of counts, adjusted for chance (Vinh, Epps and Bailey 2010)."""
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    n, a, b = int(table.sum()), table.sum(axis=1), table.sum(axis=0)
    if table.size == 1:
        return 1.0
    alike = np.outer(a, b)
    with np.errstate(divide="ignore", invalid="ignore"):
        seen = float(np.where(table > 0, table / n * np.log(n * table / alike), 0.0).sum())
    entropy = (-(a / n) @ np.log(a / n) - (b / n) @ np.log(b / n)) / 2
    # What two divisions with these sizes share by chance: the mean over the hypergeometric counts of each cell.
    factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
    k = np.arange(1, int(min(a.max(), b.max())) + 1)
    rows, columns = a[:, None, None], b[None, :, None]
    rest = n - rows - columns + k
    there = (k <= rows) & (k <= columns) & (rest >= 0)
    left, right, rest = (np.where(there, v, 0) for v in (rows - k, columns - k, rest))
    log_chance = (
        factorial[rows] + factorial[columns] + factorial[n - rows] + factorial[n - columns]
        - factorial[n] - factorial[k] - factorial[left] - factorial[right] - factorial[rest]
    )  # fmt: skip
    chance = np.exp(np.where(there, log_chance, -np.inf))
    expected = float((k / n * np.log(n * k / alike[:, :, None]) * chance).sum())
    return float((seen - expected) / max(entropy - expected, 1e-15))
