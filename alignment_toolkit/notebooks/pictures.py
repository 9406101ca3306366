"""The pictures of segments, targets and offers, to look at in a notebook."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from alignment_toolkit.charts.segments import (
    of_migration,
    of_profile,
    of_segment_map,
    of_target_grid,
    of_value_map,
)
from alignment_toolkit.errors import UnknownName
from alignment_toolkit.notebooks.pieces import Figure, Text
from alignment_toolkit.report import words

if TYPE_CHECKING:
    from alignment_toolkit.charts import ChartData
    from alignment_toolkit.results import Analysis

__all__ = ["PICTURES", "Pictures", "pictures"]

PICTURES: Final = ("profile", "map", "migration", "targets", "offers")


_NOTHING: Final = "There is nothing to draw: the data for it is missing, or there are no clear segments."


@dataclass(frozen=True)
class Pictures:
    """Charts of an Analysis under what they are of; in words on a terminal and as pictures in a notebook."""

    charts: tuple[tuple[str, ChartData], ...]

    def __repr__(self) -> str:
        """Write what each chart shows."""
        return "\n".join(part.text() for part in self._parts()) or _NOTHING

    def _repr_html_(self) -> str:
        return "".join(part.html() for part in self._parts()) or f"<p>{_NOTHING}</p>"

    def _parts(self) -> Iterator[Text | Figure]:
        before = ""
        for heading, chart in self.charts:
            if heading != before:
                yield Text(heading)
            before = heading
            yield Figure(chart)


def pictures(analysis: Analysis, *kinds: str, segmentation: str = "") -> Pictures:
    """Draw segments, how both departments see targets, and what clients get for the price.

    Parameters
    ----------
    analysis
        An Analysis with segments.
    kinds
        ``profile`` (how segments differ from all accounts), ``map`` (accounts on the two features that part them best),
        ``migration`` (who was where then and is where now), ``targets`` (marketing's view x sales' view), ``offers``
        (benefit and price, own and rivals'); all by default.
    segmentation
        Only of this one (``value``); by default of each.

    Raises
    ------
    UnknownName
        For a kind or a segmentation that there is not, with the near match.

    Examples
    --------
    >>> from alignment_toolkit.results import Analysis
    >>> pictures(Analysis.empty(company="Acme", currency="EUR", period="2026-Q3"), "targets")
    There is nothing to draw: the data for it is missing, or there are no clear segments.
    """
    for kind in kinds:
        if kind not in PICTURES:
            raise UnknownName("picture", kind, PICTURES)
    about = _mapping(analysis.definitions.get("segments"))
    known = [id for id, told in about.items() if isinstance(told, Mapping) and "title" in told]
    if segmentation and segmentation not in known:
        raise UnknownName("segmentation", segmentation, known, where="in this analysis")
    chosen = [about[id] for id in known if segmentation in ("", id)]
    return Pictures(tuple(_drawn(analysis, kinds or PICTURES, chosen)))


def _drawn(
    analysis: Analysis, kinds: tuple[str, ...], chosen: list[Mapping[str, Any]]
) -> Iterator[tuple[str, ChartData]]:
    note, currency = words.made_up(analysis), analysis.currency
    for told in chosen:
        for kind in kinds:
            if (chart := _of_segments(kind, told, note, currency)) is not None:
                yield str(told["title"]), chart
    if "targets" in kinds:
        grid = of_target_grid(_mapping(analysis.definitions.get("target_grid")), note)
        if grid is not None:
            yield "", grid
    if "offers" in kinds:
        for told in _mapping(analysis.definitions.get("value_map")).get("categories") or []:
            if (chart := of_value_map(told, currency, note)) is not None:
                yield "", chart


def _of_segments(kind: str, told: Mapping[str, Any], note: str, currency: str) -> ChartData | None:
    if kind == "profile":
        return of_profile(told, note)
    if kind == "map":
        names = {str(r["feature"]): str(r["title"]) for r in told.get("profile") or []}
        return of_segment_map(told, names, note, currency=currency)
    return of_migration(told, note) if kind == "migration" else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
