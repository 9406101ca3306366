"""Findings as cards in a notebook: the statement, how sure it is, what it costs, its chart."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alignment_toolkit import units
from alignment_toolkit.brief import write_value
from alignment_toolkit.charts import clean
from alignment_toolkit.errors import UnknownName
from alignment_toolkit.report import words
from alignment_toolkit.report.blocks import without_isolates
from alignment_toolkit.report.findings import in_order

if TYPE_CHECKING:
    import pandas as pd

    from alignment_toolkit.charts.data import ChartData
    from alignment_toolkit.results import Analysis, Finding

__all__ = ["Cards", "answer", "cards", "figures"]

_COLOURS = {"misaligned": "#d55e00", "aligned": "#009e73", "uncertain": "#8a6d00"}
_CARD = "border-left:5px solid {colour};padding:.2em 1em;margin:1em 0;max-width:52em"


@dataclass(frozen=True)
class Cards:
    """Findings to look at; prints as text on a terminal and as cards in a notebook."""

    analysis: Analysis
    findings: tuple[Finding, ...]
    short: bool = False
    heading: str = ""

    def __len__(self) -> int:
        """Count the findings."""
        return len(self.findings)

    def _facts(self, finding: Finding) -> list[tuple[str, str]]:
        currency = self.analysis.currency
        facts = [("Gap", words.gap_sentence(finding, currency))]
        if finding.money_at_stake is not None:
            facts.append(("At stake", words.money_text(finding.money_at_stake)))
        if finding.status not in _COLOURS:
            reason = finding.message or words.status_text(finding)
            return [("Why not", reason), ("To settle it", words.what_it_takes(finding))]
        if self.short:
            return facts
        facts += [("How sure", words.how_sure(finding)), ("Why it matters", " ".join(finding.why.split()))]
        facts += [("What to do", finding.advice), ("Who", words.departments(finding.who))]
        facts += [(f"Another reading ({who})", text) for who, text in finding.counter_explanations.items()]
        facts += [("Mind", guard.message) for guard in finding.guards]
        return [*facts, ("To settle it", words.what_it_takes(finding))]

    def __repr__(self) -> str:
        """Write the cards as lines of text."""
        lines = [self.heading] if self.heading else []
        for f in self.findings:
            slices = "".join(f" [{k}: {v}]" for k, v in f.by.items())
            lines += ["", f"{words.STATUS.get(f.status, f.status)}: {f.title}{slices}", f.statement]
            lines += [f"- {name}: {text}" for name, text in self._facts(f) if text]
        return "\n".join(clean(without_isolates(line)) for line in lines)

    def _repr_html_(self) -> str:
        from alignment_toolkit.report.blocks import Figure
        from alignment_toolkit.report.html import escape_text as text
        from alignment_toolkit.report.pictures import draw

        parts = [f"<p><b>{text(self.heading)}</b></p>"] if self.heading else []
        if not self.short:
            draw([Figure(data) for f in self.findings if (data := self._data(f)) is not None])
        for f in self.findings:
            slices = "".join(f" [{k}: {v}]" for k, v in f.by.items())
            status = words.STATUS.get(f.status, f.status)
            facts = "".join(f"<p><b>{text(n)}:</b> {text(t)}</p>" for n, t in self._facts(f) if t)
            chart = "" if self.short else self._chart(f)
            style = _CARD.format(colour=_COLOURS.get(f.status, "#666666"))
            parts.append(
                f'<div style="{style}"><p><b>{text(status)}: {text(f.title)}{text(slices)}</b></p>'
                f"<p>{text(f.statement)}</p>{chart}{facts}</div>"
            )
        return "".join(parts)

    def _data(self, finding: Finding) -> ChartData | None:
        from alignment_toolkit import charts

        note = words.made_up(self.analysis)
        data = charts.of_finding(finding, currency=self.analysis.currency, note=note)
        return data or charts.of_gap(finding, currency=self.analysis.currency, note=note)

    def _chart(self, finding: Finding) -> str:
        from alignment_toolkit import charts
        from alignment_toolkit.report.blocks import Figure
        from alignment_toolkit.report.html import escape_text as text
        from alignment_toolkit.report.pictures import picture

        data = self._data(finding)
        if data is None:
            return ""
        drawn = picture(Figure(data))  # the page of the report shows the same one
        source = base64.b64encode(drawn.svg.encode()).decode()
        return (
            f"<p><b>{text(data.title)}</b></p>"
            f'<img style="width:{drawn.wide:g}in;max-width:100%;background:#ffffff" '
            f'alt="{text(charts.alt_text(data))}" src="data:image/svg+xml;base64,{source}">'
        )


def answer(analysis: Analysis) -> Cards:
    """Say in a few lines what is out of line, how sure that is and what it costs.

    Examples
    --------
    >>> from alignment_toolkit.results import Analysis
    >>> answer(Analysis.empty(company="Acme", currency="EUR", period="2026-Q3"))
    Acme, 2026-Q3: no question could be answered yet.
    """
    judged = [f for f in analysis.findings if f.status in _COLOURS and not f.by]
    wrong = tuple(in_order([f for f in judged if f.status == "misaligned"]))
    many = f"{len(wrong)} of {len(judged)}" if wrong else f"none of {len(judged)}"
    verb = "are" if len(wrong) > 1 else "is"
    told = (
        f"{many} questions that could be answered {verb} out of line"
        if judged
        else "no question could be answered yet"
    )
    heading = f"{analysis.company}, {analysis.period}: {told}."
    return Cards(analysis, wrong, short=True, heading=heading)


def cards(analysis: Analysis, *statuses: str) -> Cards:
    """Give the findings with these statuses as cards; without a status, all that were judged.

    Raises
    ------
    UnknownName
        For a status that is none.

    Examples
    --------
    >>> from alignment_toolkit.results import Analysis
    >>> cards(Analysis.empty(company="Acme", currency="EUR", period="2026-Q3"), "misaligned")
    There is none: out of line.
    """
    for status in statuses:
        if status not in words.STATUS:
            raise UnknownName("status", status, words.STATUS)
    wanted = statuses or tuple(_COLOURS)
    found = tuple(
        f for status in wanted for f in in_order([f for f in analysis.findings if f.status == status])
    )
    return Cards(
        analysis,
        found,
        heading=""
        if found
        else f"There is none: {', '.join(map(words.STATUS.__getitem__, wanted)).lower()}.",
    )


def figures(analysis: Analysis) -> pd.DataFrame:
    """Give the key figures of the whole period as a table to read; ``analysis.frame()`` has the numbers.

    Examples
    --------
    >>> from alignment_toolkit.results import Analysis
    >>> len(figures(Analysis.empty(company="Acme", currency="EUR", period="2026-Q3")))
    0
    """
    import pandas as pd

    currency = analysis.currency
    compared = analysis.compared_with[0] if analysis.compared_with else None
    rows = []
    for k in analysis.kpis:
        if k.grain is not None:
            continue
        notes = [k.reason or "", "too young to compare" if k.immature else ""]
        rows.append(
            {
                "key figure": k.title,
                **{name: write_value(value) for name, value in k.by.items()},
                "value": units.unit(k.unit).text(k.value, currency=currency),
                "95 % interval": words.interval_text(k, currency),
                "n": k.n,
                f"against {compared}": words.change_text(k, currency, compared)[0] if compared else "",
                "note": "; ".join(n for n in notes if n),
            }
        )
    table = pd.DataFrame(rows).fillna("all")
    return (
        table.loc[:, [c for c in table.columns if (table[c] != "").any()]].set_index("key figure")
        if rows
        else table
    )
