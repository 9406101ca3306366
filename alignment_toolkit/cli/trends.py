"""What `alignment runs trend` prints: figures over runs, with the limits that chance allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alignment_toolkit.cli.common import print_table, say, warn

if TYPE_CHECKING:
    from alignment_toolkit.runs.trends import Trend
    from alignment_toolkit.units import Unit

__all__ = ["print_trends"]

WIDTH = 41
BEYOND = "Limits beyond what a share can be are no forecast: the earlier runs swing too much for an alarm on that side."


def print_trends(found: Sequence[Trend], out: Path, *, each_run: bool) -> None:
    """Print one line for each figure, or one for each run of the figures that were asked for."""
    if not found:
        say(f"Nothing was run in {out}.")
    for one in found:
        # A part's own analysis has it in its name.
        told = one.slice == "all" or one.slice.rpartition("=")[2] in one.company
        part = "" if told else f", {one.slice}"
        say(f"{one.notebook} for {one.company}{part}")
        if not one.charts and one.warnings:
            say(f"Nothing stands beside the run of {one.newest} yet; the warnings say why.")
        elif not one.charts:
            say("One run has nothing before it; figures are followed from the second on.")
        elif each_run:
            for chart in one.charts:
                _print_chart(chart, one.currency)
        else:
            _print_overview(one)
        warn(one.warnings)


def _print_overview(trend: Trend) -> None:
    from alignment_toolkit.runs.trends import figure_of
    from alignment_toolkit.units import unit

    rows = []
    for chart in trend.charts:
        u, points = unit(chart["unit"]), chart["points"]
        last = points[-1]
        said = (
            f"alarm: {chart['turn']}" if chart["alarm"] else "" if _limited(last) else "drawn without alarm"
        )
        before = sum(p["alarm"] for p in points[:-1])
        if before:
            said = "; ".join(filter(None, [said, f"{before} earlier"]))
        rows.append([
            figure_of(chart), str(len(points)), _span(points), u.text(last["value"], currency=trend.currency),
            _limits(last, u, trend.currency), said,
        ])  # fmt: skip
    print_table(
        ["figure", "runs", "from and to", "last run", "its limits", "says"], rows, right=["runs", "last run"]
    )
    for words in dict.fromkeys(c["method"] for c in trend.charts if _limited(c["points"][-1])):
        say(f"Limits: {words}.")
    if any(_impossible(c["unit"], c["points"][-1]) for c in trend.charts):
        say(BEYOND)


def _print_chart(chart: Mapping[str, Any], currency: str) -> None:
    from alignment_toolkit.runs.trends import figure_of
    from alignment_toolkit.units import unit

    u, points = unit(chart["unit"]), chart["points"]
    say(f"{figure_of(chart)}: {chart['title']}")
    ends = [p[k] for p in points for k in ("value", "lower_limit", "upper_limit") if p[k] is not None]
    low, high = min(ends), max(ends)
    rows = [
        [
            p["period"], u.text(p["value"], currency=currency), u.interval(p["low"], p["high"], currency=currency),
            _limits(p, u, currency), "ALARM" if p["alarm"] else "", _strip(p, low, high),
        ]
        for p in points
    ]  # fmt: skip
    scale = f"{u.text(low, currency=currency)} to {u.text(high, currency=currency)}"
    print_table(["run", "value", "95 % interval", "limits", "", scale], rows, right=["value"])
    said = chart["message"]
    if _limited(points[-1]):
        said += f" Limits: {chart['method']}."
    if _impossible(chart["unit"], points[-1]):
        said += f" {BEYOND}"
    say(said)
    say()


def _limited(point: Mapping[str, Any]) -> bool:
    return point["upper_limit"] is not None


def _impossible(kind: str | None, point: Mapping[str, Any]) -> bool:
    """Say whether the limits of a share lie below -100 % or above 100 %."""
    return kind == "share" and _limited(point) and (point["lower_limit"] < -1 or point["upper_limit"] > 1)


def _limits(point: Mapping[str, Any], u: Unit, currency: str) -> str:
    return (
        u.interval(point["lower_limit"], point["upper_limit"], currency=currency) if _limited(point) else ""
    )


def _span(points: Sequence[Mapping[str, Any]]) -> str:
    return f"{points[0]['period']} to {points[-1]['period']}"


def _strip(point: Mapping[str, Any], low: float, high: float) -> str:
    """Draw a run as a line of text: the limits as a stretch of dots, the value as a letter."""
    if high <= low:
        return "o"

    def place(value: float) -> int:
        return round((value - low) / (high - low) * (WIDTH - 1))

    line = [" "] * WIDTH
    if _limited(point):
        for i in range(place(point["lower_limit"]), place(point["upper_limit"]) + 1):
            line[i] = "."
    line[place(point["value"])] = "X" if point["alarm"] else "o"
    return "".join(line).rstrip()
