"""What a waterfall of drivers shows: the parts of a change, one on top of the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alignment_toolkit.charts.data import ChartData, Point, Series, as_number, number
from alignment_toolkit.charts.text import clean
from alignment_toolkit.languages import say
from alignment_toolkit.units import signed

__all__ = ["clear_of_chance", "of_drivers"]


def clear_of_chance(part: Mapping[str, Any]) -> bool:
    """Say whether a part's interval lies on one side of 0.

    Examples
    --------
    >>> clear_of_chance({"low": -3.0, "high": -1.0}), clear_of_chance({"low": -3.0, "high": 1.0})
    (True, False)
    """
    low, high = as_number(part.get("low")), as_number(part.get("high"))
    return low is not None and high is not None and (low > 0 or high < 0)


def of_drivers(row: Mapping[str, Any], title: str, *, currency: str = "", note: str = "") -> ChartData | None:
    """Read a change's drivers; None where there is nothing to draw.

    Parameters
    ----------
    row
        A row of `Analysis.drivers`.
    title
        The name of the figure.
    """
    total = as_number(row.get("total"))
    parts = [p for p in row.get("parts") or () if as_number(p.get("value")) is not None]
    if total is None or not parts:
        return None
    unit = clean(row.get("unit"))
    points = tuple(
        Point(say(clean(p["driver"])), float(p["value"]), as_number(p.get("low")), as_number(p.get("high")))
        for p in parts
    )
    clear = [p for p in parts if clear_of_chance(p)]
    if clear:
        most = max(clear, key=lambda p: abs(float(p["value"])))
        told = f"{say(clean(most['driver']))} {_signed(float(most['value']), unit, currency)}"
    elif any(p.low is not None for p in points):
        told = say("the interval of every part holds 0")
    else:
        told = say("parts without interval")
    change = say(
        "{change} against {period}",
        change=_signed(total, unit, currency),
        period=clean(row.get("from_period")),
    )
    return ChartData(
        kind="waterfall",
        title=f"{clean(title)}, {clean(row.get('to_period'))}: {change}; {told}",
        series=(Series("", points),),
        x_label=say("Driver"),
        y_label=say("Part of the change"),
        y_unit=unit,
        currency=currency,
        note=note,
    )


def _signed(value: float, unit: str, currency: str) -> str:
    return signed(value, number(value, unit, currency))
