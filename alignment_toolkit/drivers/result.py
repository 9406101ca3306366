"""What a split of a change says: the parts with intervals and owners, and the same by owner."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from alignment_toolkit import brief
from alignment_toolkit.languages import say
from alignment_toolkit.results import Estimate, clean_number
from alignment_toolkit.statistics.part_intervals import part_intervals

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Driver", "DriverPart", "OwnerPart", "SplitChange", "exact", "judged"]


@dataclass(frozen=True)
class Driver:
    """What can move a figure, and the departments that can move it, with shares that sum to 1.

    `kpi` names the KPI that the driver is; its owners in the settings then hold for the driver.
    """

    name: str
    owners: Mapping[str, float]
    kpi: str | None = None

    @property
    def id(self) -> str:
        """Give the id by which settings may name its owners."""
        return self.kpi or self.name.replace(" ", "-").replace("'", "")

    def owned(self, settings: Any) -> dict[str, float]:
        """Give the owners after the settings."""
        return settings.owners_of(self.id) or dict(self.owners)


@dataclass(frozen=True)
class DriverPart:
    """A driver's part of the change, with interval and owners."""

    driver: str
    value: float
    low: float | None
    high: float | None
    owners: Mapping[str, float]


@dataclass(frozen=True)
class OwnerPart:
    """A department's part: with the declared shares, and the least and most over all shares of what is shared."""

    value: float
    low: float | None
    high: float | None
    least: float
    most: float


@dataclass(frozen=True)
class SplitChange:
    """The change of a figure, split into drivers that add up to it; `path` is how an event study ran, by weeks."""

    kpi: str
    title: str
    by: Mapping[str, Any]
    from_period: str
    to_period: str
    method: str
    unit: str
    total: float
    parts: tuple[DriverPart, ...]
    by_owner: Mapping[str, OwnerPart]
    path: tuple[tuple[str, Estimate], ...] = ()

    __repr__ = brief.split_change

    def row(self) -> dict[str, Any]:
        """Give the row of `Analysis.drivers`."""
        return {
            "kpi": self.kpi,
            "by": dict(self.by),
            "from_period": self.from_period,
            "to_period": self.to_period,
            "method": self.method,
            "unit": self.unit,
            "total": self.total,
            "parts": [
                {"driver": p.driver, "value": p.value, "low": p.low, "high": p.high, "owners": dict(p.owners)}
                for p in self.parts
            ],
            "by_owner": {
                name: {"value": o.value, "low": o.low, "high": o.high, "least": o.least, "most": o.most}
                for name, o in self.by_owner.items()
            },
        }

    def frame(self) -> pd.DataFrame:
        """Give the drivers as a table, one row each, with the departments' shares as columns."""
        import pandas as pd

        told = [
            {"driver": p.driver, "value": p.value, "low": p.low, "high": p.high, **p.owners}
            for p in self.parts
        ]
        return pd.DataFrame(told)


def judged(
    parts: Callable[[Any], Sequence[float]],
    sums: ArrayLike,
    drivers: Sequence[Driver],
    settings: Any,
    cells: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    columns: ArrayLike | None = None,
    booked: ArrayLike | None = None,
    n_unit: str,
    unit: str,
) -> tuple[tuple[DriverPart, ...], dict[str, OwnerPart], str]:
    """Give the parts and what the departments can move of them, both with intervals, and how these were made.

    `parts` goes from the sums to the parts; the rest is as in `part_intervals`.
    """
    owners = [d.owned(settings) for d in drivers]
    departments = list(dict.fromkeys(name for one in owners for name in one))
    shares = np.array([[one.get(name, 0.0) for one in owners] for name in departments])

    def both(at: Any) -> list[float]:
        values = np.asarray(parts(at), dtype=float)
        return [*values, *(shares @ values)]

    found = part_intervals(
        both, sums, cells, weights=weights, clusters=clusters, columns=columns, booked=booked, n_unit=n_unit, unit=unit,
        method="delta method",
    )  # fmt: skip
    own, departmental = found[: len(drivers)], found[len(drivers) :]
    values = np.array([e.value or 0.0 for e in own])
    by_owner = {
        name: _owner_part(e, share, values)
        for name, e, share in zip(departments, departmental, shares, strict=True)
    }
    made = tuple(_part(d, e, o) for d, e, o in zip(drivers, own, owners, strict=True))
    some = next((e.method for e in own if e.low != e.high), own[0].method if own else "")
    if found and some == "delta method":
        some = say("intervals by the delta method over {n:,} {n_unit}", n=found[0].n, n_unit=say(n_unit))
    return made, by_owner, some


def exact(
    values: Sequence[float], drivers: Sequence[Driver], settings: Any
) -> tuple[tuple[DriverPart, ...], dict[str, OwnerPart]]:
    """Give the parts and what the departments can move of them without intervals."""
    nothing = np.zeros((0, len(values)))
    parts, by_owner, _ = judged(list, values, drivers, settings, nothing, n_unit="rows", unit="")
    return parts, by_owner


def _part(driver: Driver, e: Estimate, owners: Mapping[str, float]) -> DriverPart:
    return DriverPart(driver.name, float(e.value or 0.0), _number(e.low), _number(e.high), dict(owners))


def _owner_part(e: Estimate, share: Any, values: Any) -> OwnerPart:
    alone, shared = share >= 1, (share > 0) & (share < 1)
    fixed = float(values[alone].sum())
    least = fixed + float(np.minimum(values[shared], 0).sum())
    most = fixed + float(np.maximum(values[shared], 0).sum())
    return OwnerPart(float(e.value or 0.0), _number(e.low), _number(e.high), least, most)


def _number(value: float | None) -> float | None:
    found = clean_number(value)
    return None if found is None else float(found)
