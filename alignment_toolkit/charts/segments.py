"""What charts of segments show: map, profile, migration, the target grid, and the value map of offers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from alignment_toolkit.charts.data import ChartData, Point, Series, as_number, number
from alignment_toolkit.charts.text import clean, shorten, within
from alignment_toolkit.languages import noted, say

__all__ = ["of_migration", "of_profile", "of_segment_map", "of_target_grid", "of_value_map"]

MOST: Final = 8
# Where the largest is so many times what all but a twentieth have, the scale ends there.
FAR: Final = 2.0
NOBODY: Final = noted("(no segment)")


def _name(labels: Mapping[str, Any], key: Any) -> str:
    return shorten(clean(labels.get(key, key)).split(":")[0], 34) if key is not None else say(NOBODY)


def of_segment_map(
    told: Mapping[str, Any], titles: Mapping[str, str], note: str = "", *, currency: str = ""
) -> ChartData | None:
    """Show a sample of accounts on the two features that part the segments best; None where there are none.

    Parameters
    ----------
    told
        What the definitions say of a segmentation.
    titles
        Feature -> title, with unit in the text.
    currency
        Of amounts.
    """
    place = told.get("map")
    if not isinstance(place, Mapping) or not place.get("points"):
        return None
    labels = told.get("labels") or {}
    points, outside = _within_reach(place["points"])
    sampled = [k for k in labels if any(p[2] == k for p in points)]
    keys = sampled[:MOST]
    series = tuple(
        Series(_name(labels, k), tuple(Point(float(p[0]), float(p[1])) for p in points if p[2] == k))
        for k in keys
    )
    units_of = {str(r["feature"]): str(r["unit"]) for r in told.get("profile") or []}
    beyond = say("{outside:,} with more lie outside", outside=outside) if outside else ""
    if len(series) < 2:
        return None
    there = {r.get("segment") for r in told.get("profile") or []}
    unseen = ", ".join(_name(labels, k) for k in labels if k in there and k not in sampled)
    few = say("none of them is of: {unseen}", unseen=unseen) if unseen else ""
    x, y = (titles.get(str(place[k]), str(place[k])) for k in ("x", "y"))
    return ChartData(
        kind="scatter",
        title=say(
            "{title}: {count} segments on {x} and {y}",
            title=clean(told.get("title")),
            count=len(series),
            x=within(x),
            y=within(y),
        ),
        series=series,
        x_label=x,
        y_label=y,
        x_unit=units_of.get(str(place["x"])),
        y_unit=units_of.get(str(place["y"])),
        currency=currency,
        group_label=say("segment"),
        note="; ".join(t for t in (say("a sample of the accounts"), few, beyond, note) if t),
    )


def _within_reach(points: Sequence[Sequence[Any]]) -> tuple[list[Sequence[Any]], int]:
    """Leave out the few that lie so far out that all others would fall on one spot, and count them."""
    limits = []
    for i in (0, 1):
        values = sorted(float(p[i]) for p in points)
        usual = values[int(0.95 * (len(values) - 1))]
        limits.append(usual * 1.25 if 0 < usual < values[-1] / FAR else values[-1])
    kept = [p for p in points if float(p[0]) <= limits[0] and float(p[1]) <= limits[1]]
    return kept, len(points) - len(kept)


def of_profile(told: Mapping[str, Any], note: str = "") -> ChartData | None:
    """Show how far each segment's mean lies from the median of all accounts, feature by feature.

    The longer side goes down, where names have room.
    """
    rows = told.get("profile") or []
    labels = told.get("labels") or {}
    keys = [k for k in labels if any(r["segment"] == k for r in rows)][:MOST]
    if len(keys) < 2:
        return None
    titles = {r["feature"]: shorten(clean(r["title"]), 40) for r in rows}
    far = {(r["segment"], r["feature"]): float(r["against_all"]) for r in rows}
    names = {k: _name(labels, k) for k in keys}
    sides = (say("segment"), say("feature"))
    if len(titles) > len(keys):
        series = tuple(
            Series(title, tuple(Point(names[k], far[k, f]) for k in keys if (k, f) in far))
            for f, title in titles.items()
        )
    else:
        sides = sides[::-1]
        series = tuple(
            Series(names[k], tuple(Point(title, far[k, f]) for f, title in titles.items() if (k, f) in far))
            for k in keys
        )
    most = max(
        (r for r in rows if r["segment"] in keys),
        key=lambda r: (abs(r["against_all"]), str(r["segment"]), r["feature"]),
    )
    title = say(
        "{segment} differs most from all accounts: {feature}",
        segment=_name(labels, most["segment"]),
        feature=within(clean(most["title"])),
    )
    return ChartData(
        kind="matrix",
        title=title,
        series=series,
        x_label=sides[0],
        y_label=say("Mean against the median of all, in usual distances"),
        y_unit="ratio",
        group_label=sides[1],
        note=note,
    )


def of_migration(told: Mapping[str, Any], note: str = "") -> ChartData | None:
    """Show how many accounts were in which segment then and are in which now."""
    moved = told.get("migration")
    if not isinstance(moved, Mapping) or not moved.get("rows"):
        return None
    labels = told.get("labels") or {}
    counts = {(r["from"], r["to"]): int(r["accounts"]) for r in moved["rows"]}
    keys: list[Any] = [k for k in labels if any(k in pair for pair in counts)][:MOST]
    if len(keys) < 2:
        return None
    came, went = (any(n for pair, n in counts.items() if pair[i] is None) for i in (0, 1))
    before, now = [*keys, *([None] if came else [])], [*keys, *([None] if went else [])]
    series = tuple(
        Series(_name(labels, a), tuple(Point(_name(labels, b), float(counts.get((a, b), 0))) for b in now))
        for a in before
    )
    stayed = sum(n for (a, b), n in counts.items() if a == b)
    both = sum(n for (a, b), n in counts.items() if a is not None and b is not None)
    then = clean(moved.get("from")).split("..")[-1]
    title = say(
        "{stayed:,} of {both:,} accounts are in the segment that they were in at the end of {then}",
        stayed=stayed,
        both=both,
        then=then,
    )
    return ChartData(
        kind="matrix",
        title=title,
        series=series,
        x_label=say("now"),
        y_label=say("Accounts"),
        y_unit="count",
        group_label=say("before"),
        note=note,
    )


def of_target_grid(told: Mapping[str, Any], note: str = "") -> ChartData | None:
    """Show how many accounts marketing and sales see as targets, each for themselves; None where nobody said."""
    rows = told.get("rows") or []
    counts = {(r["marketing"], r["sales"]): int(r["accounts"]) for r in rows}
    views = [str(v) for v in told.get("views") or []]
    series = tuple(
        Series(say(v), tuple(Point(say(w), float(counts.get((v, w), 0))) for w in views)) for v in views
    )
    both = sum(n for (a, b), n in counts.items() if "no view" not in (a, b))
    if not both:
        return None
    alike = sum(n for (a, b), n in counts.items() if a == b != "no view")
    return ChartData(
        kind="matrix",
        title=say(
            "Marketing and sales agree on {alike:,} of the {both:,} accounts of which both have a view",
            alike=alike,
            both=both,
        ),
        series=series,
        x_label=say("sales"),
        y_label=say("Accounts"),
        y_unit="count",
        group_label=say("marketing"),
        note=note,
    )


def of_value_map(told: Mapping[str, Any], currency: str, note: str = "") -> ChartData | None:
    """Show benefit and price of a category's offers, and the fair-value line; None where there is no line."""
    line = told.get("line") or []
    if not line:
        return None
    offers = told["offers"]
    series = tuple(
        Series(name, tuple(
            Point(float(o["benefit"]["value"]), float(o["price"]), name=clean(o["offer"]))
            for o in offers if bool(o["own"]) == own
        ))
        for name, own in ((say("own offers"), True), (say("rivals' offers"), False))
    )  # fmt: skip
    fair = Series(
        say("fair-value line"),
        tuple(
            Point(float(p["benefit"]), float(p["price"]), as_number(p["low"]), as_number(p["high"]))
            for p in line
        ),
        joined=True,
    )
    known = [o for o in offers if as_number((o["premium"] or {}).get("low")) is not None]
    off = [o for o in known if o["premium"]["low"] > 0 or o["premium"]["high"] < 0]
    title = say("No own offer is clearly priced off the line of its rivals")
    if off:
        far = max(off, key=lambda o: (abs(o["premium"]["value"]), o["offer"]))
        gap = number(abs(far["premium"]["value"]), "share")
        offer = shorten(clean(far["offer"]), 40)
        if far["premium"]["value"] >= 0:
            title = say("{offer} is priced {gap} above the line of its rivals", offer=offer, gap=gap)
        else:
            title = say("{offer} is priced {gap} below the line of its rivals", offer=offer, gap=gap)
    where = clean(told.get("category") or "")
    return ChartData(
        kind="scatter",
        title=title,
        series=(*series, fair),
        x_label=say("Benefit as rated, 1 to 10"),
        y_label=say("Price"),
        x_unit="index",
        y_unit="money",
        currency=currency,
        group_label=say("offer"),
        note="; ".join(t for t in (say("category {where}", where=where) if where else "", note) if t),
    )
