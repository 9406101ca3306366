"""What moved the figures and what the plan asks for, to look at in a notebook."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alignment_toolkit import charts, units
from alignment_toolkit.charts import clean, humanise
from alignment_toolkit.report import words

if TYPE_CHECKING:
    import pandas as pd

    from alignment_toolkit.results import Analysis

__all__ = ["Moves", "moved", "targets"]


@dataclass(frozen=True)
class Moves:
    """The drivers of an Analysis; prints as text on a terminal and as pictures in a notebook."""

    analysis: Analysis
    rows: tuple[Mapping[str, Any], ...]

    def frame(self) -> pd.DataFrame:
        """Give one row for each driver, with its owners."""
        import pandas as pd

        keys = ("driver", "value", "low", "high")
        told = [
            [*_head(r), *(p[k] for k in keys), r["unit"], words.owners_text(p["owners"])]
            for r in self.rows
            for p in r["parts"]
        ]
        return _plain(pd.DataFrame(told, columns=[*_HEAD, "driver", "part", "low", "high", "unit", "owners"]))

    def owners(self) -> pd.DataFrame:
        """Give one row for each department: its part, and the range over all ways to divide shared drivers."""
        import pandas as pd

        keys = ("value", "low", "high", "least", "most")
        told = [
            [*_head(r), who, *(part[k] for k in keys), r["unit"]]
            for r in self.rows
            for who, part in r["by_owner"].items()
        ]
        columns = [*_HEAD, "in the hands of", "part", "low", "high", "least", "most", "unit"]
        return _plain(pd.DataFrame(told, columns=columns))

    def __repr__(self) -> str:
        """Write the drivers as lines of text."""
        lines = []
        for r in self.rows:
            lines += ["", self._title(r), clean(r["method"])]
            for p in r["parts"]:
                value = charts.number(p["value"], r["unit"], self.analysis.currency)
                lines.append(f"- {clean(p['driver'])}: {value}")
        return "\n".join(lines) if lines else "No change was split: no other period, or too little data."

    def _repr_html_(self) -> str:
        from alignment_toolkit.report.html import escape_text as text

        if not self.rows:
            return f"<p>{text(repr(self))}</p>"
        found = []
        for r in self.rows:
            data = charts.of_drivers(
                r, self._name(r), currency=self.analysis.currency, note=words.made_up(self.analysis)
            )
            if data is None:
                continue
            picture = base64.b64encode(charts.png(charts.draw(data), dpi=96)).decode()
            alt = text(charts.alt_text(data))
            found.append(
                f'<p><img alt="{alt}" src="data:image/png;base64,{picture}"></p><p>{text(clean(r["method"]))}</p>'
            )
        return "".join(found)

    def _name(self, row: Mapping[str, Any]) -> str:
        about = self.analysis.definitions.get("kpis", {}).get(row["kpi"], {})
        return clean(about.get("title") or humanise(row["kpi"]))

    def _title(self, row: Mapping[str, Any]) -> str:
        total = charts.number(row["total"], row["unit"], self.analysis.currency)
        return f"{self._name(row)}, {clean(row['from_period'])} to {clean(row['to_period'])}: {total}"


_HEAD = ("figure", "from", "to")


def _head(row: Mapping[str, Any]) -> list[str]:
    return [clean(row["kpi"]), clean(row["from_period"]), clean(row["to_period"])]


def _plain(found: pd.DataFrame) -> pd.DataFrame:
    """Round for reading; the numbers themselves are in the Analysis."""
    return found.round(2).astype(object).where(found.notna(), "")


def moved(analysis: Analysis, *kpis: str) -> Moves:
    """Show what moved the figures: of these KPIs, or of all; the company as a whole.

    Examples
    --------
    >>> from alignment_toolkit.results import Analysis
    >>> moved(Analysis.empty(company="Acme", currency="EUR", period="2026-Q3"))
    No change was split: no other period, or too little data.
    """
    wanted = {k.replace("_", "-") for k in kpis}
    rows = tuple(r for r in analysis.drivers if not r["by"] and (not wanted or r["kpi"] in wanted))
    return Moves(analysis, rows)


def targets(analysis: Analysis) -> pd.DataFrame:
    """Show the shared scorecard: a row per KPI with target, value, attainment, outcome and both departments' weights.

    Examples
    --------
    >>> from alignment_toolkit.results import Analysis
    >>> len(targets(Analysis.empty(company="Acme", currency="EUR", period="2026-Q3")))
    0
    """
    import pandas as pd

    share = units.unit("share")
    found: dict[str, dict[str, str]] = {}
    for row in analysis.scorecard.rows:
        u = units.unit(row["unit"])
        told = found.setdefault(
            row["kpi"],
            {
                "figure": clean(row["title"]),
                "target": u.text(row["target"], currency=analysis.currency),
                "value": u.text(row["value"], currency=analysis.currency),
                "attainment": share.text(row["attainment"]),
                "95 % interval": share.interval(row["attainment_low"], row["attainment_high"]),
                "outcome": _outcome(row),
                "weights": "",
            },
        )
        told["weights"] += f"{', ' if told['weights'] else ''}{row['department']} {row['weight']:g}"
    return pd.DataFrame(list(found.values()))


def _outcome(row: Mapping[str, Any]) -> str:
    if row["reached"] is not None:
        return "reached" if row["reached"] else "not reached"
    if row["chance"] is not None:
        return f"chance {units.unit('share').text(row['chance'])}"
    return clean(row["reason"] or "open")
