"""Where sales and marketing are out of line, how sure that is, what it costs, and who can do what about it.

The nine nouns:

- a **Company** is a company's canonical tables, bound to one engine: ``Company.open("data/")``;
- a **Period** is a stretch of time, half open: ``Period.parse("2026-Q3")``;
- a **relation** is a table of stated grain that numbers stand on (sales lines, clients, lead outcomes, first touches);
- a **Kpi** is a number that both departments own, measured by ``measure``;
- an **Indicator** asks the data one question about misalignment;
- a **Finding** is its answer: the gap, its interval, the verdict, the money, the best innocent explanation;
- an **Analysis** holds all results of one period, and goes to JSON and back: ``analyse(company, "2026-Q3")``;
- a **Report** shows an Analysis: ``Report.of(analysis).save("report.html")``;
- the **Catalog** knows what can be computed, with your own KPIs and indicators in it.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alignment_toolkit.analysis import analyse as analyse
    from alignment_toolkit.catalog import Catalog as Catalog
    from alignment_toolkit.changes import after_interventions as after_interventions
    from alignment_toolkit.changes import what_moved as what_moved
    from alignment_toolkit.changes import where_it_moved as where_it_moved
    from alignment_toolkit.company import Company as Company
    from alignment_toolkit.errors import AlignmentError as AlignmentError
    from alignment_toolkit.errors import DataError as DataError
    from alignment_toolkit.errors import ParameterError as ParameterError
    from alignment_toolkit.errors import SettingsError as SettingsError
    from alignment_toolkit.explanation import Explanation as Explanation
    from alignment_toolkit.explanation import explain as explain
    from alignment_toolkit.explorer import Explorer as Explorer
    from alignment_toolkit.explorer import explore as explore
    from alignment_toolkit.explorer import present as present
    from alignment_toolkit.indicator import Indicator as Indicator
    from alignment_toolkit.indicator import Observation as Observation
    from alignment_toolkit.kpi import Kpi as Kpi
    from alignment_toolkit.kpi import RatioOfKpis as RatioOfKpis
    from alignment_toolkit.kpi import measure as measure
    from alignment_toolkit.notebooks import finish as finish
    from alignment_toolkit.notebooks.cards import answer as answer
    from alignment_toolkit.notebooks.cards import cards as cards
    from alignment_toolkit.notebooks.cards import figures as figures
    from alignment_toolkit.notebooks.moves import moved as moved
    from alignment_toolkit.notebooks.moves import targets as targets
    from alignment_toolkit.notebooks.opening import earlier as earlier
    from alignment_toolkit.notebooks.opening import opened as opened
    from alignment_toolkit.periods import Period as Period
    from alignment_toolkit.report import Report as Report
    from alignment_toolkit.results import Analysis as Analysis
    from alignment_toolkit.results import Chart as Chart
    from alignment_toolkit.results import Column as Column
    from alignment_toolkit.results import Estimate as Estimate
    from alignment_toolkit.results import Evidence as Evidence
    from alignment_toolkit.results import Finding as Finding
    from alignment_toolkit.results import KpiValue as KpiValue
    from alignment_toolkit.settings import Settings as Settings

_HOME = {
    "Analysis": "results",
    "AlignmentError": "errors",
    "Catalog": "catalog",
    "Chart": "results",
    "Column": "results",
    "Company": "company",
    "DataError": "errors",
    "Estimate": "results",
    "Evidence": "results",
    "Explanation": "explanation",
    "Explorer": "explorer",
    "Finding": "results",
    "Indicator": "indicator",
    "Kpi": "kpi",
    "KpiValue": "results",
    "Observation": "indicator",
    "ParameterError": "errors",
    "Period": "periods",
    "RatioOfKpis": "kpi",
    "Report": "report",
    "Settings": "settings",
    "SettingsError": "errors",
    "after_interventions": "changes",
    "analyse": "analysis",
    "answer": "notebooks.cards",
    "cards": "notebooks.cards",
    "earlier": "notebooks.opening",
    "explain": "explanation",
    "explore": "explorer",
    "figures": "notebooks.cards",
    "finish": "notebooks",
    "measure": "kpi",
    "moved": "notebooks.moves",
    "opened": "notebooks.opening",
    "pictures": "notebooks.pictures",
    "present": "explorer",
    "targets": "notebooks.moves",
    "what_moved": "changes",
    "where_it_moved": "changes",
}

__all__ = [
    "AlignmentError",
    "Analysis",
    "Catalog",
    "Chart",
    "Column",
    "Company",
    "DataError",
    "Estimate",
    "Evidence",
    "Explanation",
    "Explorer",
    "Finding",
    "Indicator",
    "Kpi",
    "KpiValue",
    "Observation",
    "ParameterError",
    "Period",
    "RatioOfKpis",
    "Report",
    "Settings",
    "SettingsError",
    "after_interventions",
    "analyse",
    "answer",
    "cards",
    "earlier",
    "explain",
    "explore",
    "figures",
    "finish",
    "measure",
    "moved",
    "opened",
    "pictures",
    "present",
    "targets",
    "what_moved",
    "where_it_moved",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return importlib.import_module("alignment_toolkit.results").VERSION
    if name not in _HOME:
        from alignment_toolkit.errors import did_you_mean

        raise AttributeError(f"alignment_toolkit has no '{name}'. {did_you_mean(name, _HOME)}")
    value = getattr(importlib.import_module(f"alignment_toolkit.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])


_shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
if _shell is not None:  # in a notebook, results show themselves as tables and cards
    importlib.import_module("alignment_toolkit.display").load_ipython_extension(_shell)
