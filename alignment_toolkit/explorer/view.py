"""What is looked at: a view is plain words and numbers, so that it can be kept, sent, and looked at again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

from alignment_toolkit.errors import ParameterError, UnknownName, names_given

__all__ = ["WHAT_IF", "View"]

WHAT_IF: Final = ("margin", "owner", "weight", "lever")
"""What can be supposed: another margin, another division among owners, other weights, a lever pulled."""


@dataclass(frozen=True)
class View:
    """What is looked at.

    Attributes
    ----------
    period, compare
        As in ``analyse``.
    only
        Only these parts of the company, each ``dimension=value``.
    kpi
        The key figure.
    by
        The dimensions that it is split by; none for the whole.
    segmentation, segment
        The segmentation that is browsed, and the segment whose accounts are shown.
    finding
        The indicator whose finding is shown; the first in the list where it is empty.
    what_if
        What is supposed, by name: ``margin.dropped_leads`` (another margin), ``owner.win-rate`` (marketing's share,
        0 to 1), ``weight.sales.win-rate`` (a weight in a department's scorecard) and ``lever.faster-follow-up`` (how
        far a lever is pulled; 1 as described, 0 not at all).

    Examples
    --------
    >>> View(period="2026-Q3", only=("region=North",)).parameters()["only"]
    ['region=North']
    """

    period: str = "last-quarter"
    compare: str = "previous"
    only: tuple[str, ...] = ()
    kpi: str = "revenue"
    by: tuple[str, ...] = ()
    segmentation: str = "value"
    segment: str = ""
    finding: str = ""
    what_if: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, **told: Any) -> View:
        """Give a view of what a notebook's parameters say; lists and texts are taken alike, nothing means the default.

        Raises
        ------
        ParameterError
            For a supposition that is not written ``kind.name=number``.

        Examples
        --------
        >>> View.of(kpi="win_rate", what_if=["lever.faster-follow-up=1"]).what_if
        {'lever.faster-follow-up': 1.0}
        """
        known = {f.name for f in fields(cls)}
        for name in told:
            if name not in known:
                raise UnknownName("part of a view", name, known)
        given = {k: v for k, v in told.items() if v is not None and v != ""}
        for name in ("only", "by"):
            if name in given:
                given[name] = names_given(given[name], name)
        if "what_if" in given:
            given["what_if"] = _supposed(given["what_if"])
        if "kpi" in given:
            given["kpi"] = str(given["kpi"]).replace("_", "-")
        if "finding" in given:
            given["finding"] = str(given["finding"]).replace("-", "_")
        for name in ("period", "compare"):
            if name in given:
                given[name] = str(given[name])
        return cls(**given)

    def but(self, **changed: Any) -> View:
        """Give the same view with something changed."""
        return replace(self, **changed)

    def supposing(self, name: str, value: float | None) -> View:
        """Give the same view with one more supposition, or without it where the value is None."""
        kept = {k: v for k, v in self.what_if.items() if k != name}
        return replace(self, what_if=kept if value is None else {**kept, name: float(value)})

    def supposed(self, kind: str) -> dict[str, float]:
        """Give the suppositions of one kind by what stands behind the kind."""
        start = f"{kind}."
        return {k.removeprefix(start): v for k, v in sorted(self.what_if.items()) if k.startswith(start)}

    def parameters(self) -> dict[str, Any]:
        """Give the view as parameters of the notebook 07_explore."""
        return {
            "period": self.period, "compare": self.compare, "only": list(self.only), "kpi": self.kpi,
            "by": list(self.by), "look_at": self.looked_at(),
            "what_if": [f"{k}={v:g}" for k, v in sorted(self.what_if.items())],
        }  # fmt: skip

    def looked_at(self) -> list[str]:
        """Give what is picked in lists, as the notebook's parameter ``look_at`` has it."""
        told = {"finding": self.finding, "segmentation": self.segmentation, "segment": self.segment}
        return [f"{name}={value}" for name, value in told.items() if value]

    def dumps(self) -> str:
        """Give the parameters as JSON, for ``alignment run --parameters`` and ``papermill -f``."""
        return json.dumps(self.parameters(), ensure_ascii=False, indent=1) + "\n"

    @property
    def key(self) -> tuple[Any, ...]:
        """Give what the figures depend on, to find them again."""
        return (self.period, self.compare, self.only)


def picked(look_at: Iterable[str]) -> dict[str, str]:
    """Read the notebook's parameter ``look_at``.

    Examples
    --------
    >>> picked(["finding=dropped_leads", "segmentation=value"])
    {'finding': 'dropped_leads', 'segmentation': 'value'}
    """
    found = {}
    for word in names_given(look_at, "look_at"):
        name, equals, value = word.partition("=")
        if name.strip() not in ("finding", "segmentation", "segment") or not equals:
            raise ParameterError(f"look_at takes finding=ID, segmentation=ID and segment=ID, not '{word}'.")
        found[name.strip()] = value.strip()
    return found


def _supposed(told: Any) -> dict[str, float]:
    if isinstance(told, Mapping):
        pairs = [(str(k), v) for k, v in told.items()]
    else:
        pairs = [
            (w.partition("=")[0].strip(), w.partition("=")[2].strip()) for w in names_given(told, "what_if")
        ]
    found = {}
    for name, value in pairs:
        kind, _, rest = name.partition(".")
        if kind not in WHAT_IF:
            raise UnknownName("supposition", kind, WHAT_IF)
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = float("nan")
        if not rest or not abs(number) < 1e12:
            raise ParameterError(
                f"What is supposed is written {kind}.NAME=NUMBER, such as lever.faster-follow-up=1,"
                f" not '{name}={value}'."
            )
        found[name] = number
    return found
