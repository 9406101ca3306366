"""Drivers: a change split into parts that add up to it, each with an interval and the departments that can move it."""

from __future__ import annotations

from alignment_toolkit.drivers.identities import IDENTITIES, Identity, known_drivers
from alignment_toolkit.drivers.measured import Refused, split_identity
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
