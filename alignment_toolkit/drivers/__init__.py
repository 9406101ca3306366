"""Drivers: a change split into parts that add up to it, each with an interval and the departments that can move it."""

from __future__ import annotations

from alignment_toolkit.drivers.identities import IDENTITIES, Identity
from alignment_toolkit.drivers.leads import COHORTS, LEAD_DRIVERS
from alignment_toolkit.drivers.measured import Refused, split_identity
from alignment_toolkit.drivers.products import PRODUCT_DRIVERS
from alignment_toolkit.drivers.result import Driver, DriverPart, OwnerPart, SplitChange

__all__ = [
    "IDENTITIES",
    "Driver",
    "DriverPart",
    "Identity",
    "OwnerPart",
    "Refused",
    "SplitChange",
    "known_drivers",
    "split_identity",
]


def known_drivers() -> dict[str, Driver]:
    """Give every driver by the id under which settings may name its owners.

    Examples
    --------
    >>> known_drivers()["mix-of-leads"].owners
    {'marketing': 1.0}
    """
    own = [d for identity in IDENTITIES for d in identity.drivers]
    return {d.id: d for d in (*own, *LEAD_DRIVERS, *COHORTS, *PRODUCT_DRIVERS)}
