"""Features on one scale: logarithms of what is skewed, medians and quartiles for what has outliers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alignment_toolkit.languages import say
from alignment_toolkit.segmentation.features import FEATURES
from alignment_toolkit.statistics.resampling import generator

if TYPE_CHECKING:
    from ibis.expr.types import Table, Value

__all__ = ["Scale", "loosened", "scale_of", "scaled"]

# Where one account lies ten usual distances away, it is an exception and must not pull a centre.
REACH = 4.0
WHOLE = ("count", "days")


@dataclass(frozen=True)
class Scale:
    """How one feature is scaled: (value - centre) / spread after its logarithm, cut at four usual distances.

    `unknown` is the share of accounts of which it is not known. A category has its `value` and is 1 or 0 before.
    """

    id: str
    log: bool
    centre: float
    spread: float
    unknown: float = 0.0
    value: str | None = None

    def numbers(self, rows: pd.DataFrame) -> NDArray[np.float64]:
        """Scale the values of a frame; the unknown lie in the middle."""
        if self.value is not None:
            return np.asarray(
                (_is(_text(rows, self.id), self.value) - self.centre) / self.spread, dtype=float
            )
        raw: NDArray[np.float64] = pd.to_numeric(rows[self.id]).to_numpy(float, na_value=np.nan)
        z = (_log(raw) if self.log else raw) - self.centre
        return np.nan_to_num(np.clip(z / self.spread, -REACH, REACH), nan=0.0)

    def expression(self, t: Table) -> Value:
        """Write the same for the engine."""
        if self.value is not None:
            same: Any = t[self.id].cast("string") == self.value
            return (same.fill_null(False).cast("float64") - self.centre) / self.spread
        x: Any = t[self.id].cast("float64")
        if self.log:
            x = ibis.ifelse(x < 0, -(1 - x).ln(), (1 + ibis.ifelse(x < 0, 0.0, x)).ln())
        z = (x - self.centre) / self.spread
        return ibis.ifelse(z > REACH, REACH, ibis.ifelse(z < -REACH, -REACH, z)).fill_null(0.0)

    def word(self, far: float) -> str:
        """Say in words on which side a centre lies."""
        if self.value is not None:
            return f"{self.id} {self.value}" if far > 0 else ""
        f = FEATURES[self.id]
        return f.high if far > 0 else f.low


def _log(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.sign(x) * np.log1p(np.abs(x)), dtype=float)


def scale_of(rows: pd.DataFrame, features: Sequence[str]) -> tuple[list[Scale], dict[str, str]]:
    """Read the scales from a sample; what cannot be compared is left out, with the reason.

    The spread is the distance of the quartiles over 1.349 (the standard deviation of a normal distribution), or the
    standard deviation where the quartiles are the same. A category becomes one column per frequent value, together as
    wide as one number.
    """
    scales: list[Scale] = []
    out: dict[str, str] = {}
    for name in features:
        if name not in FEATURES:
            own, reason = _of_category(rows, name)
            scales += own
            out |= {name: reason} if reason else {}
            continue
        raw = pd.to_numeric(rows[name]).to_numpy(float, na_value=np.nan)
        known = raw[np.isfinite(raw)]
        unknown = 1 - len(known) / max(len(raw), 1)
        if not len(known) or unknown > 0.5:
            out[name] = (
                say("unknown of {unknown:.0%} of the accounts", unknown=unknown)
                if len(raw)
                else say("there are no accounts")
            )
            continue
        z = _log(known) if FEATURES[name].log else known
        low, centre, high = np.quantile(z, [0.25, 0.5, 0.75])
        spread = (high - low) / 1.349 if high - low > 1e-9 else float(z.std())
        if spread <= 1e-9 * max(1.0, abs(float(centre))):
            out[name] = say("the same for all accounts")
            continue
        scales.append(Scale(name, FEATURES[name].log, float(centre), float(spread), round(unknown, 6)))
    return scales, out


def _text(rows: pd.DataFrame, name: str) -> pd.Series[str]:
    """Give a category as text: a size may have come as a number."""
    return rows[name].astype("string")


def _is(text: pd.Series[str], value: str) -> NDArray[np.float64]:
    return np.asarray(text.eq(value).fillna(False), dtype=bool).astype(np.float64)


def _of_category(rows: pd.DataFrame, name: str) -> tuple[list[Scale], str]:
    text = _text(rows, name)
    shares = text.value_counts(normalize=True)
    kept = sorted(str(v) for v, share in shares.items() if 0.02 <= share <= 0.98)[:12]
    if not kept:
        return [], say("the same for all accounts, or different for each")
    p = np.array([float(_is(text, v).mean()) for v in kept])
    together = float(np.sqrt((p * (1 - p)).sum()))
    return [Scale(name, False, float(c), together, 0.0, v) for v, c in zip(kept, p, strict=True)], ""


def scaled(rows: pd.DataFrame, scales: Sequence[Scale]) -> NDArray[np.float64]:
    """Scale a frame: one column per scale."""
    if not scales:
        return np.zeros((len(rows), 0))
    return np.column_stack([s.numbers(rows) for s in scales])


def loosened(rows: pd.DataFrame, scales: Sequence[Scale], seed: str) -> NDArray[np.float64]:
    """Scale the frame in which groups are sought: whole numbers spread over their unit, the unknown around the middle.

    A thousand clients with one order each lie on one point. To a mixture a point is a group of its own, denser than any
    cloud; but that orders come in whole numbers is no kind of client, and neither is that something is not known.
    """
    out = []
    for s in scales:
        random = generator(f"{seed} {s.id}")
        raw = rows[s.id]
        if s.value is None:
            raw = pd.to_numeric(raw).astype(float)
            known = raw.dropna()
            if FEATURES[s.id].unit in WHOLE and (known == known.round()).all():
                raw = raw + random.uniform(-0.5, 0.5, len(raw))
        z = s.numbers(rows.assign(**{s.id: raw}))
        if s.value is None:
            z = np.where(raw.isna(), random.standard_normal(len(z)), z)
        out.append(z)
    return np.column_stack(out) if out else np.zeros((len(rows), 0))
