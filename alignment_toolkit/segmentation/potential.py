"""How likely an account without orders is to become a client, by a model whose quality is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import ibis
import numpy as np
from numpy.typing import NDArray

from alignment_toolkit.languages import say
from alignment_toolkit.results import Estimate
from alignment_toolkit.segmentation.features import CATEGORIES, YEAR, account_features, forget
from alignment_toolkit.segmentation.outlook import sampled
from alignment_toolkit.segmentation.scaling import Scale, scale_of, scaled
from alignment_toolkit.statistics.resampling import generator

if TYPE_CHECKING:
    from ibis.expr.types import Table, Value

    from alignment_toolkit.segmentation.kind import Accounts

__all__ = ["Potential", "potential_of"]

FOLDS: Final = 5
FEWEST: Final = 30
NUMBERS: Final = ("touches", "personal", "leads", "score", "effort")
Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Statistic = Callable[[Counts], float]


@dataclass(frozen=True)
class Potential:
    """A logistic regression of becoming a client within a year on firmographics, touches and leads.

    Attributes
    ----------
    weights, intercept, scales
        The model, in scaled features.
    auc, brier
        From predictions of accounts that the model had not seen (five folds), with intervals.
    calibration
        Slope of what happened on what was said of unseen accounts, before the model was set right by it: 1 needs
        nothing, below 1 it was too sure of itself.
    cut
        The probability that three of ten accounts exceed.
    reason
        Why there is no model.
    """

    weights: Floats
    intercept: float
    scales: tuple[Scale, ...]
    auc: Estimate
    brier: Estimate
    calibration: float | None
    cut: float
    reason: str | None
    left_out: Mapping[str, str] = field(default_factory=dict)

    def column(self, t: Table) -> Value:
        """Write the probability as an expression for the engine; empty where there is no model."""
        if self.reason:
            return ibis.null("float64")
        total: Any = ibis.literal(self.intercept)
        for s, w in zip(self.scales, self.weights, strict=True):
            total = total + s.expression(t) * float(w)
        return 1 / (1 + (-total).exp())


def potential_of(accounts: Accounts) -> Potential:
    """Fit the model to accounts that were no clients a year before the end, and what became of them since.

    Estimand: the probability that an account without orders becomes a client within 365 days. Features are as of the
    beginning of that year, so that nothing that came with or after the order can leak into them.
    """
    before = accounts.end - timedelta(days=YEAR)
    then, _ = account_features(accounts.company, before)
    if "order_days" not in then.columns or "order_days" not in accounts.table.columns:
        return _no_model(say("no orders by account are known"), 0)
    clients = accounts.table.filter(accounts.table.order_days >= 1).select(_client="account_id")
    open_ = then.filter(then.order_days.isnull())
    open_ = open_.left_join(clients, open_.account_id == clients._client)
    open_ = open_.mutate(became=open_._client.notnull()).drop("_client")
    rows = sampled(accounts.company, open_, 20_000)
    forget(accounts.company, then)
    y = rows.became.to_numpy(bool)
    if min(y.sum(), (~y).sum()) < FEWEST:
        few = say(
            "accounts without orders a year before: {accounts}, of which became clients: {clients}; {fewest} of either "
            "kind are needed",
            accounts=len(y),
            clients=int(y.sum()),
            fewest=FEWEST,
        )
        return _no_model(few, len(y))
    there = [c for c in (*NUMBERS, *CATEGORIES) if c in rows.columns]
    scales, left_out = scale_of(rows, there)
    if not scales:
        return _no_model(say("nothing is known of accounts before they order"), len(y), left_out)
    x = scaled(rows, scales)
    said = _crossed(x, y)
    model = _logistic().fit(x, y)
    n = {"n": len(y), "n_unit": "accounts"}
    auc = _with_interval(
        _auc(said, y), len(y), "share", say("AUC of unseen accounts, 999 bootstrap draws"), n
    )
    off = (said - y) ** 2
    brier = _with_interval(lambda drawn: float(drawn @ off / drawn.sum()), len(y), "index",
                           say("Brier score of unseen accounts, 999 bootstrap draws"), n)  # fmt: skip
    level, slope = _calibration(said, y)
    reason = None
    if auc.low is not None and auc.low <= 0.5:
        reason = say(
            "the model tells who becomes a client no better than a coin (AUC {auc:.2f})", auc=auc.value
        )
    return Potential(
        model.coef_[0].astype(float) * slope, float(model.intercept_[0]) * slope + level, tuple(scales), auc, brier,
        slope,
        float(np.quantile(_share(level + slope * _odds(said)), 0.7)), reason, left_out,
    )  # fmt: skip


def _logistic() -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=0.05, max_iter=500)


def _crossed(x: Floats, y: NDArray[np.bool_]) -> Floats:
    """Give each account's probability from a model that did not see it."""
    random = generator("potential folds")
    fold = np.empty(len(y), dtype=int)
    for kind in (True, False):
        own = np.flatnonzero(y == kind)
        fold[own] = random.permutation(len(own)) % FOLDS
    said = np.empty(len(y))
    for i in range(FOLDS):
        said[fold == i] = _logistic().fit(x[fold != i], y[fold != i]).predict_proba(x[fold == i])[:, 1]
    return said


def _auc(said: Floats, y: NDArray[np.bool_]) -> Statistic:
    """Give the AUC of how often each account was drawn: sorted once, a draw is two cumulative sums."""
    _, place = np.unique(said, return_inverse=True)
    tops, bottoms = place[y], place[~y]
    most = int(place.max(initial=0)) + 1

    def of(drawn: Counts) -> float:
        top = np.bincount(tops, drawn[y], most)
        bottom = np.bincount(bottoms, drawn[~y], most)
        pairs = float(top.sum() * bottom.sum())
        return float(top @ (bottom.cumsum() - bottom / 2)) / pairs if pairs else float("nan")

    return of


def _odds(said: Floats) -> Floats:
    return np.asarray(np.log(np.clip(said, 1e-6, 1 - 1e-6) / np.clip(1 - said, 1e-6, 1)), dtype=float)


def _share(odds: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-odds)), dtype=float)


def _calibration(said: Floats, y: NDArray[np.bool_]) -> tuple[float, float]:
    """Give level and slope that make what was said of unseen accounts come true on average (Platt)."""
    from sklearn.linear_model import LogisticRegression

    odds = _odds(said)
    if np.ptp(odds) < 1e-9:
        return 0.0, 1.0
    model = LogisticRegression(C=1e6).fit(odds[:, None], y)
    return float(model.intercept_[0]), float(model.coef_[0, 0])


def _with_interval(statistic: Statistic, size: int, unit: str, method: str, n: Any) -> Estimate:
    """Give a statistic of how often each account was drawn, with the interval of 999 draws."""
    random = generator(f"potential {method}")
    drawn = np.array(
        [statistic(np.bincount(random.integers(size, size=size), minlength=size)) for _ in range(999)]
    )
    drawn = drawn[np.isfinite(drawn)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    whole = statistic(np.ones(size, dtype=np.int64))
    return Estimate(whole, float(low), float(high), unit=unit, method=method, **n)


def _no_model(reason: str, n: int, left_out: Mapping[str, str] | None = None) -> Potential:
    def none(unit: str) -> Estimate:
        return Estimate.none(n=n, n_unit="accounts", unit=unit, method=reason)

    return Potential(np.zeros(0), 0.0, (), none("share"), none("index"), None, 0.5, reason, left_out or {})
