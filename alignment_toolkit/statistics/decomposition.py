"""Splits of a change into parts that add up to it exactly: products, mix against rate, price, volume and mix.

Nothing here is estimated: a decomposition is arithmetic on two sets of sums, without residual. How far each part would
move if the data were drawn again is said by `part_intervals`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Split", "lmdi", "mix_and_rate", "price_volume_mix", "shapley", "shapley_of"]

Array = NDArray[np.float64]
MOST_FACTORS = 10
RESIDUAL = 1e-9


@dataclass(frozen=True)
class Split:
    """A change and its parts.

    Attributes
    ----------
    total
        The whole change.
    names
        The drivers.
    values
        A row per item (product, group; one row where there are none), a column per driver.
    level
        The size of what was subtracted; what rounding leaves over is measured against it.
    """

    total: float
    names: tuple[str, ...]
    values: Array
    level: float = 0.0

    @property
    def parts(self) -> dict[str, float]:
        """Give each driver's part over all items; the parts add up to the total."""
        sums = [math.fsum(column) for column in self.values.T]
        scale = max(float(np.abs(self.values).sum()), abs(self.total), self.level)
        return dict(zip(self.names, _closed(sums, self.total, scale), strict=True))


def _closed(parts: Sequence[float], total: float, scale: float) -> list[float]:
    """Put what rounding left over into the largest part; more than rounding is an error of the method."""
    closed = list(parts)
    if not closed:
        return closed
    left = total - math.fsum(closed)
    if abs(left) > RESIDUAL * scale:
        raise ArithmeticError(f"a decomposition left {left} of {total} over")
    largest = max(range(len(closed)), key=lambda i: abs(closed[i]))
    closed[largest] += left
    return closed


def _factors(
    then: ArrayLike, now: ArrayLike, names: Sequence[str] | None
) -> tuple[Array, Array, tuple[str, ...]]:
    f0, f1 = (np.atleast_2d(np.asarray(f, dtype=float)) for f in (then, now))
    if f0.shape != f1.shape:
        raise ValueError(f"factors of shape {f0.shape} then and {f1.shape} now")
    told = tuple(names) if names is not None else tuple(f"factor {i + 1}" for i in range(f0.shape[1]))
    if len(told) != f0.shape[1]:
        raise ValueError(f"{len(told)} names for {f0.shape[1]} factors")
    # A factor that does not exist on one side (the price of what was not sold) is taken as on the other.
    f0, f1 = np.where(np.isnan(f0), f1, f0), np.where(np.isnan(f1), f0, f1)
    return np.nan_to_num(f0, nan=0.0), np.nan_to_num(f1, nan=0.0), told


def shapley(then: ArrayLike, now: ArrayLike, names: Sequence[str] | None = None) -> Split:
    """Split the change of a product, or of a sum of products, by factor: the mean over all orders of changing them.

    Exact for any values, also zero and negative (Shapley 1953; Shorrocks 2013, Journal of Economic Inequality 11).

    Parameters
    ----------
    then, now
        A row per item, a column per factor; NaN where a factor does not exist on that side (it then does not change).
    names
        The factors' names.

    Examples
    --------
    10 clients with 2 orders each become 12 with 3: 20 orders become 36.

    >>> shapley([10, 2], [12, 3], ["clients", "orders each"]).parts
    {'clients': 5.0, 'orders each': 11.0}
    """
    f0, f1, told = _factors(then, now, names)
    values = np.zeros_like(f0)
    for i, weight, changed in _orders(f0.shape[1]):
        mixed = np.where([j in changed for j in range(f0.shape[1])], f1, f0)
        mixed[:, i] = f1[:, i] - f0[:, i]
        values[:, i] += weight * mixed.prod(axis=1)
    return Split(_total(f0, f1), told, values, _level(f0, f1))


def shapley_of(
    value: Callable[[Sequence[float]], float],
    then: Sequence[float],
    now: Sequence[float],
    names: Sequence[str] | None = None,
) -> Split:
    """Split the change of any function of some factors by factor, as `shapley` does for a product.

    Parameters
    ----------
    value
        From the factors to the figure; it must be finite for every mixture of then and now.
    then, now, names
        The factors on either side, NaN where one does not exist there, and their names.

    Raises
    ------
    ValueError
        Where the figure divides by a factor that is 0 on either side, or exists on neither.

    Examples
    --------
    A cost of 100 per lead at a conversion of 10 %, and 500 by sales per client; then 120 at 12 %, and 400.

    >>> split = shapley_of(lambda f: f[0] / f[1] + f[2], [100, 0.10, 500], [120, 0.12, 400])
    >>> [round(part, 2) for part in split.parts.values()], round(split.total, 2)
    ([183.33, -183.33, -100.0], -100.0)
    """
    f0, f1, told = _factors(then, now, names)
    known: dict[frozenset[int], float] = {}

    def at(changed: frozenset[int]) -> float:
        if changed not in known:
            mixed = [float((f1 if j in changed else f0)[0, j]) for j in range(f0.shape[1])]
            try:
                known[changed] = value(mixed)
            except ZeroDivisionError:
                raise ValueError("there is nothing to divide by in either period") from None
        return known[changed]

    values = np.zeros((1, f0.shape[1]))
    for i, weight, changed in _orders(f0.shape[1]):
        values[0, i] += weight * (at(changed | {i}) - at(changed))
    every = frozenset(range(f0.shape[1]))
    return Split(at(every) - at(frozenset()), told, values, max(map(abs, known.values())))


def _orders(count: int) -> Iterator[tuple[int, float, frozenset[int]]]:
    """Give each factor with each set of those changed before it, and the share of the orders in which that is so."""
    if count > MOST_FACTORS:
        raise ValueError(f"{count} factors; at most {MOST_FACTORS} can be split exactly")
    for i in range(count):
        others = [j for j in range(count) if j != i]
        for size in range(count):
            weight = math.factorial(size) * math.factorial(count - size - 1) / math.factorial(count)
            for changed in itertools.combinations(others, size):
                yield i, weight, frozenset(changed)


def _level(f0: Array, f1: Array) -> float:
    return float(np.abs(f0.prod(axis=1)).sum() + np.abs(f1.prod(axis=1)).sum())


def _total(f0: Array, f1: Array) -> float:
    return math.fsum([*f1.prod(axis=1), *(-f0.prod(axis=1))])


def lmdi(then: ArrayLike, now: ArrayLike, names: Sequence[str] | None = None) -> Split:
    """Split the change of a product, or of a sum of products, by factor with logarithmic mean weights (LMDI-I).

    Ang (2005, Energy Policy 33). Zero values by their limit (Ang and Liu 2007, Energy Policy 35): an item that comes
    or goes counts wholly for the factor that is 0, in equal parts where several are.

    Parameters
    ----------
    then, now
        A row per item, a column per factor, all of one item of one sign; NaN as in `shapley`.
    names
        The factors' names.

    Raises
    ------
    ValueError
        Where a factor changes its sign: there is no logarithm of that. `shapley` takes any values.

    Examples
    --------
    >>> split = lmdi([10, 2], [12, 3], ["clients", "orders each"])
    >>> {name: round(part, 3) for name, part in split.parts.items()}
    {'clients': 4.963, 'orders each': 11.037}
    """
    f0, f1, told = _factors(then, now, names)
    if (f0 * f1 < 0).any():
        raise ValueError("a factor changes its sign; LMDI has no logarithm of that, shapley takes any values")
    values = np.zeros_like(f0)
    for i, (a, b) in enumerate(zip(f0, f1, strict=True)):
        before, after = float(a.prod()), float(b.prod())
        if before == after == 0:
            continue
        if before == 0 or after == 0:
            gone = (a == 0) if before == 0 else (b == 0)
            values[i, gone] = (after - before) / gone.sum()
            continue
        steps = np.log(b / a)
        whole = math.fsum(steps)
        mean = before if whole == 0 else before * math.expm1(whole) / whole
        values[i] = mean * steps
    return Split(_total(f0, f1), told, values, _level(f0, f1))


def mix_and_rate(
    top_then: ArrayLike,
    bottom_then: ArrayLike,
    top_now: ArrayLike,
    bottom_now: ArrayLike,
    *,
    interaction: bool = True,
) -> Split:
    """Split the change of a rate over groups into the mix of the groups and the rates within them.

    With interaction (Kitagawa 1955, JASA 50): the mix changes at the old rates, the rates change at the old mix, and
    what comes of both together stands by itself. Without (Das Gupta 1993): the interaction is halved. A group that is
    new, or gone, has no rate on one side; it is mix.

    Parameters
    ----------
    top_then, bottom_then, top_now, bottom_now
        Sums by group, then and now.

    Examples
    --------
    Two channels of 10 % and 30 %: half of the leads came by each, now a quarter and three quarters.

    >>> split = mix_and_rate([5, 15], [50, 50], [2.5, 22.5], [25, 75])
    >>> {name: round(part, 3) for name, part in split.parts.items()}
    {'mix': 0.05, 'rate': 0.0, 'interaction': 0.0}
    """
    s0, n0, s1, n1 = (
        np.atleast_1d(np.asarray(x, dtype=float)) for x in (top_then, bottom_then, top_now, bottom_now)
    )
    whole0, whole1 = math.fsum(n0), math.fsum(n1)
    if whole0 <= 0 or whole1 <= 0:
        raise ValueError("a rate needs a bottom above 0 on both sides")
    p0, p1 = n0 / whole0, n1 / whole1
    r0, r1 = _rates(s0, n0, s1, n1)
    # The mix moves a group against the whole: what every group has in common cancels out.
    level = math.fsum(s0) / whole0
    mix, rate, both = (p1 - p0) * (r0 - level), p0 * (r1 - r0), (p1 - p0) * (r1 - r0)
    total = math.fsum(s1) / whole1 - level
    size = abs(level) + abs(level + total)
    if interaction:
        return Split(total, ("mix", "rate", "interaction"), np.column_stack([mix, rate, both]), size)
    return Split(total, ("mix", "rate"), np.column_stack([mix + both / 2, rate + both / 2]), size)


def _rates(s0: Array, n0: Array, s1: Array, n1: Array) -> tuple[Array, Array]:
    r0 = np.divide(s0, n0, out=np.full(len(n0), np.nan), where=n0 != 0)
    r1 = np.divide(s1, n1, out=np.full(len(n1), np.nan), where=n1 != 0)
    return np.nan_to_num(np.where(np.isnan(r0), r1, r0)), np.nan_to_num(np.where(np.isnan(r1), r0, r1))


def price_volume_mix(
    quantity_then: ArrayLike,
    amount_then: ArrayLike,
    quantity_now: ArrayLike,
    amount_now: ArrayLike,
    *,
    way: str = "classic",
) -> Split:
    """Split the change of an amount over products into price, volume and mix.

    ``classic``: price at the new quantities, volume at the old average price, mix between. ``symmetric``: price and
    quantity at the means of then and now. ``lmdi``: price, volume and mix (the product's share in the volume) by
    LMDI-I. A product that is new, or gone, has no price on one side: it has no part in price.

    Parameters
    ----------
    quantity_then, amount_then, quantity_now, amount_now
        By product, then and now. A quantity of 0 must go with an amount of 0.

    Examples
    --------
    >>> split = price_volume_mix([50, 40], [60, 32], [60, 50], [66, 50])
    >>> {name: round(part, 3) for name, part in split.parts.items()}
    {'price': 4.0, 'volume': 20.444, 'mix': -0.444}
    """
    q0, a0, q1, a1 = (
        np.atleast_1d(np.asarray(x, dtype=float))
        for x in (quantity_then, amount_then, quantity_now, amount_now)
    )
    if ((q0 == 0) & (a0 != 0)).any() or ((q1 == 0) & (a1 != 0)).any():
        raise ValueError("an amount without a quantity has no price")
    p0, p1 = _rates(a0, q0, a1, q1)
    total = math.fsum([*a1, *(-a0)])
    size = float(np.abs(a0).sum() + np.abs(a1).sum())
    if way == "symmetric":
        price, volume = (p1 - p0) * (q0 + q1) / 2, (q1 - q0) * (p0 + p1) / 2
        return Split(total, ("price", "volume"), np.column_stack([price, volume]), size)
    whole0, whole1 = math.fsum(q0), math.fsum(q1)
    if whole0 <= 0 or whole1 <= 0:
        raise ValueError("a volume above 0 is needed on both sides")
    if way == "classic":
        average = math.fsum(a0) / whole0
        share = q0 / whole0
        volume = (whole1 - whole0) * share * average
        mix = (q1 - q0) * p0 - volume
        return Split(total, ("price", "volume", "mix"), np.column_stack([(p1 - p0) * q1, volume, mix]), size)
    if way != "lmdi":
        raise ValueError(f"no way '{way}': classic, symmetric or lmdi")
    then = np.column_stack([p0, np.full(len(q0), whole0), q0 / whole0])
    now = np.column_stack([p1, np.full(len(q1), whole1), q1 / whole1])
    return lmdi(then, now, ("price", "volume", "mix"))
