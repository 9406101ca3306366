"""Price, volume and mix: the change of revenue over products."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import ibis
import numpy as np

from alignment_toolkit.drivers.measured import Measurements, Refused, comparable
from alignment_toolkit.drivers.result import Driver, SplitChange, exact, judged
from alignment_toolkit.errors import TooManyRows
from alignment_toolkit.kpi import Kpi
from alignment_toolkit.kpi.clusters import MOST, rows_of
from alignment_toolkit.kpi.reach import Measured
from alignment_toolkit.languages import say
from alignment_toolkit.periods import Period
from alignment_toolkit.statistics.decomposition import price_volume_mix

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PRODUCT_DRIVERS", "revenue_by_product"]

# The interval needs the effect of every product's sums; beyond this it would take minutes.
MOST_PRODUCTS: Final = 300
BOTH: Final = {"marketing": 0.5, "sales": 0.5}
PRICE: Final = Driver("price realised", {"marketing": 0.3, "sales": 0.7}, "realised-price")
PRODUCT_DRIVERS: Final = (
    PRICE,
    Driver("volume", BOTH),
    Driver("mix of products", BOTH),
    Driver("lines without product or quantity", BOTH),
)


def revenue_by_product(
    measured: Measurements,
    then: Period,
    now: Period,
    *,
    way: str = "classic",
) -> SplitChange | Refused:
    """Split the change of revenue into price realised, volume and mix of products.

    Price at the new quantities, volume at the old average price, mix between. A product that is new, or gone, has no
    price on one side and no part in price. ``way="lmdi"`` weighs by logarithmic means instead. Sales lines without
    product or quantity are a part by themselves.
    """
    kpi = measured.catalogue.get("revenue")
    if not isinstance(kpi, Kpi):
        return Refused("revenue", say("needs the KPI revenue"))
    both = comparable(measured, [kpi], then, now, kpi.id)
    if isinstance(both, Refused):
        return both
    company = measured.company
    rows, _ = rows_of(company, [kpi], then, now)
    gone = [c for c in ("product_id", "quantity") if c not in rows.columns]
    if gone:
        return Refused(kpi.id, say("needs {gone}", gone=", ".join(f"orders.{c}" for c in gone)))
    told = rows.product_id.notnull() & rows.quantity.notnull() & (rows.quantity != 0)
    # Exact sums in any order: quantities are numbers, not decimals.
    rows = rows.mutate(
        _product=told.ifelse(rows.product_id, None),
        _quantity=told.ifelse(rows.quantity, 0).cast("decimal(18,4)"),
    )
    sums = rows.group_by(["part", "_product"]).aggregate(
        quantity=rows._quantity.sum().cast("float64"), amount=rows.amount.sum().cast("float64")
    )
    frame = company.fetch(sums)
    products = sorted(frame["_product"].dropna().unique())
    grid = _grid(frame, products)
    # What was sold and given back in the same period has no price: such products count with the lines without.
    odd = ((grid[0] == 0) & (grid[1] != 0)) | ((grid[2] == 0) & (grid[3] != 0))
    kept = [p for p, o in zip(products, odd[:-1], strict=True) if not o]
    if not kept:
        return Refused(kpi.id, say("no sales line has product and quantity"))
    vector = np.concatenate([grid[:, :-1][:, ~odd[:-1]].ravel(), _rest(grid, odd)])
    k = len(kept)
    if vector[:k].sum() <= 0 or vector[2 * k : 3 * k].sum() <= 0:
        return Refused(kpi.id, say("no volume on one side"))

    def parts(at: Any) -> list[float]:
        q0, a0, q1, a1 = np.reshape(at[:-2], (4, k))
        return [*price_volume_mix(q0, a0, q1, a1, way=way).parts.values(), float(at[-1] - at[-2])]

    shown = 4 if vector[-1] or vector[-2] else 3
    total = sum(parts(vector))
    change = float(both[1][kpi.id, ()].value or 0) - float(both[0][kpi.id, ()].value or 0)
    size = float(np.abs(grid[[1, 3]]).sum())
    if abs(total - change) > 1e-9 * max(size, 1.0):
        return Refused(kpi.id, say("the products do not add up to the figure itself"))
    drivers, named = PRODUCT_DRIVERS[:shown], say("price, volume and mix over products ({k})", k=k)
    named += say(" by logarithmic means (LMDI)") if way == "lmdi" else ""
    cells = _by_cluster(company, rows, kept) if k <= MOST_PRODUCTS else None
    if cells is None:
        made, by_owner = exact(parts(vector)[:shown], drivers, company.settings)
        named += say("; no interval: too many products or clients")
    else:
        clusters, columns, numbers = cells
        made, by_owner, how = judged(
            lambda at: parts(at)[:shown], vector, drivers, company.settings, numbers, clusters=clusters,
            columns=columns, n_unit="clients and orders without client", unit="money",
        )  # fmt: skip
        named += f"; {how}"
    return SplitChange(kpi.id, kpi.title, {}, then.label, now.label, named, "money", total, made, by_owner)


def _grid(frame: pd.DataFrame, products: list[Any]) -> Any:
    """Give quantity and amount then and now; a column per product, the last for lines without."""
    place = {p: i for i, p in enumerate(products)}
    grid = np.zeros((4, len(products) + 1))
    for part, product, quantity, amount in zip(
        frame["part"], frame["_product"], frame["quantity"], frame["amount"], strict=True
    ):
        at = place.get(product, len(products))
        grid[2 * int(part) : 2 * int(part) + 2, at] += (quantity, amount)
    return grid


def _rest(grid: Any, odd: Any) -> Any:
    other = odd.copy()
    other[-1] = True
    return grid[[1, 3]][:, other].sum(axis=1)


def _by_cluster(company: Measured, rows: Any, kept: list[Any]) -> tuple[Any, Any, Any] | None:
    """Give what each cluster brings to each sum, in long form; None where it would be too much."""
    rows = rows.mutate(_product=rows._product.isin(kept).ifelse(rows._product, ibis.null("string")))
    cells = rows.group_by(["part", "_product", "_cluster", "_alone"]).aggregate(
        quantity=rows._quantity.sum().cast("float64"), amount=rows.amount.sum().cast("float64")
    )
    try:
        frame = company.fetch(cells, limit=MOST)
    except TooManyRows:
        return None
    k, place = len(kept), {p: i for i, p in enumerate(kept)}
    names = [f"{a}\x1f{b}" for a, b in zip(frame["_cluster"], frame["_alone"], strict=True)]
    clusters: list[str] = []
    columns: list[int] = []
    numbers: list[float] = []
    for name, part, product, quantity, amount in zip(
        names, frame["part"], frame["_product"], frame["quantity"], frame["amount"], strict=True
    ):
        at, side = place.get(product), int(part)
        told = [(4 * k + side, amount)]
        if at is not None:
            told = [(2 * side * k + at, quantity), ((2 * side + 1) * k + at, amount)]
        for column, number in told:
            clusters.append(name)
            columns.append(column)
            numbers.append(float(number))
    return np.array(clusters), np.array(columns), np.array(numbers)
