"""`explore`: the company with controls where somebody looks, as plain pages where nobody does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from alignment_toolkit.display import somebody_looks
from alignment_toolkit.errors import UnknownName, check_company
from alignment_toolkit.explorer.looking import TOPICS, Looking
from alignment_toolkit.explorer.shown import Shown
from alignment_toolkit.explorer.view import View, picked

if TYPE_CHECKING:
    from alignment_toolkit.catalog import Catalog
    from alignment_toolkit.company import Company
    from alignment_toolkit.explorer.controls import Controls
    from alignment_toolkit.results import Analysis

__all__ = ["Explorer", "explore"]

# All key figures at once are a report of their own (notebook 01), so the pages without controls leave them out.
STATIC: Final = ("figures", "course", "moved", "segments", "findings", "what-if")


class Explorer:
    """A company to look at from all sides; made by `explore`.

    Attributes
    ----------
    looking
        Computes what is shown.
    interactive
        Whether it shows controls.
    """

    def __init__(self, looking: Looking, view: View, *, interactive: bool) -> None:
        self.looking = looking
        self.interactive = interactive
        self._view = view
        self._controls: Controls | None = None

    @property
    def view(self) -> View:
        """What is looked at now: where there are controls, what they say."""
        return self._view if self._controls is None else self._controls.view

    @property
    def controls(self) -> Controls:
        """The controls, as ipywidgets; made when they are first asked for."""
        if self._controls is None:
            from alignment_toolkit.explorer.controls import Controls

            self._controls = Controls(self.looking, self._view)
        return self._controls

    def show(self, topic: str = "figures") -> Shown:
        """Give what one topic shows of the view, without controls.

        Raises
        ------
        UnknownName
            For a topic that is none.

        Examples
        --------
        >>> from alignment_toolkit.company import Company
        >>> explore(Company.open("data/sample"), "2026-Q3", kpi="leads").show("figures").results[0].value
        389
        """
        return self.looking.show(topic, self.view)

    def analysis(self) -> Analysis:
        """Give the Analysis of the view: its key figure, its segments and all findings; nothing that is supposed."""
        return self.looking.analysis(self.view)

    def __repr__(self) -> str:
        """Write the view as text."""
        view = self.view
        told = {"period": view.period, "compare": view.compare, "kpi": view.kpi}
        told |= {name: ", ".join(words) for name, words in (("by", view.by), ("only", view.only)) if words}
        said = ", ".join(f"{k} {v}" for k, v in told.items())
        return f"<Explorer of {self.looking.company.name}: {said}; .show(topic) with {', '.join(TOPICS)}>"

    def _repr_html_(self) -> str:
        topics = [t for t in STATIC if t != "course" or self.view.by]
        return "".join(self.show(topic)._repr_html_() for topic in topics)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        if not self.interactive:
            return {"text/html": self._repr_html_(), "text/plain": repr(self)}
        bundle: Mapping[str, Any] = self.controls.box._repr_mimebundle_()
        return {**bundle, "text/plain": repr(self)}


def explore(
    company: Company,
    period: str = "",
    *,
    compare: str = "",
    only: Iterable[str] | str = (),
    kpi: str = "",
    by: Iterable[str] | str = (),
    look_at: Iterable[str] | str = (),
    what_if: Iterable[str] | Mapping[str, float] | str = (),
    interactive: str | bool = "auto",
    catalog: Catalog | None = None,
) -> Explorer:
    """Look at a company from all sides: key figures, what moved them, segments, findings, and what if.

    In a notebook with somebody before it this shows controls; without anybody (papermill, nbconvert, ``alignment run``)
    the same numbers stand there as tables and pictures.

    Parameters
    ----------
    company
        The company.
    period, compare, kpi, by
        What to look at first, as in ``analyse``; by default the last quarter that is complete, against the one before,
        and revenue.
    only
        Only these parts of the company: ``["region=North"]``.
    look_at
        What is picked in lists: ``finding=dropped_leads``, ``segmentation=value``, ``segment=champions``.
    what_if
        What is supposed: ``lever.faster-follow-up=1``, ``margin.dropped_leads=0.05``, ``owner.win-rate=0.5``
        (marketing's share), ``weight.sales.win-rate=2``.
    interactive
        ``auto``, ``yes`` or ``no``.
    catalog
        The catalogue, with a company's own KPIs and indicators.

    Returns
    -------
    Explorer
        Shows itself as the last line of a cell; ``.show("findings")`` gives one topic, ``.analysis()`` the Analysis.

    Examples
    --------
    >>> from alignment_toolkit.company import Company
    >>> explorer = explore(Company.open("data/sample"), "2026-Q3", kpi="win-rate", by=["region"])
    >>> print(explorer.show("figures").parts[0].words)
    Win rate, 2026-Q3: 25.6 % (95 % interval 18.5 % to 34.3 %; n 125). Against 2026-Q2: -8.03 points (...).
    """
    check_company(company)
    view = View.of(
        period=period, compare=compare, only=only, kpi=kpi, by=by, what_if=what_if, **picked(look_at)
    )
    looking = Looking(company, catalog)
    if view.kpi not in looking.catalog.kpis:
        raise UnknownName("KPI", kpi, looking.catalog.kpis)
    view = view.but(period=looking.period(view).label)
    return Explorer(looking, view, interactive=somebody_looks(interactive))
