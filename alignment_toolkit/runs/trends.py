"""Gaps and key figures over the published runs, each beside the limits that its own earlier runs set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from alignment_toolkit.errors import ParameterError, UnknownName
from alignment_toolkit.following import follow
from alignment_toolkit.notebooks.opening import earlier
from alignment_toolkit.results import Analysis
from alignment_toolkit.runs.past import history
from alignment_toolkit.runs.places import slug

__all__ = ["Trend", "figure_of", "trends"]


@dataclass(frozen=True)
class Trend:
    """The figures of one notebook and slice over its runs.

    Attributes
    ----------
    notebook, slice, company, currency
        Whose figures.
    newest
        The period of the run that the others are held against.
    charts
        One a figure, as `Analysis.alarms` has them: points in time order with value, interval, what the runs before
        lead to expect, limits, and whether the run lies beyond them.
    warnings
        Runs that were not compared, and why; changes of definition.
    """

    notebook: str
    slice: str
    company: str
    currency: str
    newest: str
    charts: tuple[Mapping[str, Any], ...]
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Give what ``alignment runs trend --json`` prints of it."""
        return {**vars(self), "charts": [dict(c) for c in self.charts], "warnings": list(self.warnings)}


def figure_of(chart: Mapping[str, Any]) -> str:
    """Give the id of what a chart follows: an indicator's, or a key figure's."""
    return str(chart["indicator"] or chart["kpi"])


def trends(
    out: str | Path = "reports",
    figures: Sequence[str] = (),
    *,
    notebook: str | None = None,
    part: str | None = None,
) -> tuple[Trend, ...]:
    """Follow gaps and key figures through all published runs, as the report of the newest one does.

    Of several runs of a period the newest counts. Periods of different length (weeks, quarters) are different series:
    the one that was run last is shown.

    Parameters
    ----------
    out
        The folder of the reports.
    figures
        Ids of indicators and key figures; by default all.
    notebook, part
        Only this notebook, only this slice (``region=North``; ``all`` is the whole company).

    Raises
    ------
    UnknownName
        For a figure that no run has followed, a notebook or a part that was never run, with the near match.
    ParameterError
        Where figures are named and no notebook and part has a second run yet that can stand beside the newest.
    """
    runs = [r for r in history(out) if r["id"] and r["latest"]]
    for what, key, asked in (("notebook", "notebook", notebook), ("part", "slice", part)):
        names = sorted({str(r[key]) for r in runs})
        if names and asked is not None and asked not in names:
            raise UnknownName(what, asked, names, where=f"in {out}")
        runs = [r for r in runs if asked in (None, r[key])]
    found: list[Trend] = []
    for name, slice in dict.fromkeys((r["notebook"], r["slice"]) for r in runs):
        own = [r for r in runs if (r["notebook"], r["slice"]) == (name, slice)]
        analyses = [a for r in own for a in earlier([r["folder"]])]
        if not analyses:
            continue
        length = _days(analyses[-1])  # of the run that came to its end last
        series = sorted((a for a in analyses if 0.85 <= _days(a) / length <= 1.18), key=lambda a: a.start)
        newest = series[-1]
        told = follow(newest, series[:-1])
        found.append(
            Trend(
                str(name),
                str(slice),
                newest.company,
                newest.currency,
                newest.period,
                told.charts,
                told.warnings,
            )
        )
    wanted = [_dashed(f) for f in figures]
    known = {_dashed(figure_of(c)): figure_of(c) for t in found for c in t.charts}
    if wanted and found and not known:
        aside = dict.fromkeys(w for t in found for w in t.warnings)
        why = "a figure is followed from the second period on that was run."
        raise ParameterError(
            f"Nothing is followed in {out} yet: " + ("; ".join(aside) + "." if aside else why)
        )
    for asked, dashed in zip(figures, wanted, strict=True):
        if found and dashed not in known:
            raise UnknownName("figure that was followed", asked, sorted(known.values()), where=f"in {out}")
    if not wanted:
        return tuple(found)
    kept = [(t, tuple(c for c in t.charts if _dashed(figure_of(c)) in wanted)) for t in found]
    return tuple(replace(t, charts=charts) for t, charts in kept if charts)


def _dashed(id: str) -> str:
    return slug(id.replace("_", "-"))


def _days(analysis: Analysis) -> int:
    return (date.fromisoformat(analysis.to) - date.fromisoformat(analysis.start)).days + 1
