"""How results print on a terminal: one line that a person can read; every field is there as an attribute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from alignment_toolkit import units

__all__ = [
    "analysis",
    "catalog",
    "chart",
    "difference",
    "estimate",
    "evidence",
    "finding",
    "indicator",
    "kpi",
    "kpi_value",
    "measure",
    "number",
    "part",
    "parts_of",
    "read_value",
    "report",
    "scorecard",
    "settings",
    "split_change",
    "where",
    "write_value",
]

MISSING: Final = "(missing)"


def write_value(value: object) -> str:
    """Write a value of a dimension as `read_value` reads it: what is empty, and the text that says so, stay apart.

    Examples
    --------
    >>> write_value("North"), write_value(None), write_value("(missing)")
    ('North', '(missing)', '"(missing)"')
    """
    text = MISSING if value is None else str(value)
    return f'"{text}"' if value is not None and _of_missing(text) else text


def read_value(text: str) -> str | None:
    """Read a value of a dimension: ``(missing)`` is what is empty, and ``"(missing)"`` in quotes is this text.

    Examples
    --------
    >>> read_value("North"), read_value("(missing)"), read_value('"(missing)"')
    ('North', None, '(missing)')
    """
    if text == MISSING:
        return None
    return text[1:-1] if _of_missing(text) else text


def _of_missing(text: str) -> bool:
    quotes = '"' * (len(text) - len(text.lstrip('"')))
    return text == f"{quotes}{MISSING}{quotes}"


def number(value: float | None, unit: str, currency: str = "") -> str:
    """Write a number with its unit; where the currency of money is not known, the word stands behind it.

    Examples
    --------
    >>> number(0.25, "share"), number(1234.5, "money"), number(None, "days")
    ('25.0 %', '1,234 (money)', 'not available')
    """
    known = units.UNITS.get(unit)
    if value is None or known is None:
        return units.UNITS["ratio"].text(value) + ("" if value is None else f" {unit}")
    return known.text(value, currency=currency) + (" (money)" if unit == "money" and not currency else "")


def difference(value: float, unit: str, currency: str = "") -> str:
    """Write a difference with its sign; that of two shares in points.

    Examples
    --------
    >>> difference(-0.05, "share"), difference(3, "count")
    ('-5.00 points', '+3')
    """
    said = number(value * 100, "points") if unit == "share" else number(value, unit, currency)
    return units.signed(value, said)


def part(by: Mapping[str, Any]) -> str:
    """Write a part of the company, with a comma before it; nothing for the whole.

    Examples
    --------
    >>> part({"region": "North", "size": None})
    ', region = North, size = (missing)'
    """
    return "".join(f", {k} = {write_value(v)}" for k, v in by.items())


def parts_of(rows: Sequence[Any]) -> list[dict[str, str]]:
    """Name the part of the company that each KPI row is of, by dimension.

    A KPI that no part is told of has one row for all parts, with the reason; it is none for what is missing.

    Examples
    --------
    >>> from alignment_toolkit.company import Company
    >>> from alignment_toolkit.kpi import measure
    >>> from alignment_toolkit.kpis.sales import win_rate
    >>> parts_of(measure(Company.open("data/sample"), win_rate, "2026-Q3", by=("outcome",)))
    [{'outcome': 'all'}, {'outcome': '(not told)'}]
    """
    names = dict.fromkeys(d for r in rows for d in r.by)
    several = Counter((r.kpi, r.period, r.grain) for r in rows if r.by)
    told = []
    for r in rows:
        alone = several[r.kpi, r.period, r.grain] == 1
        untold = alone and r.value is None and r.reason and set(r.by.values()) == {None}
        told.append(
            {d: ("(not told)" if untold else write_value(r.by[d])) if d in r.by else "all" for d in names}
        )
    return told


def _interval(e: Any, level: float | None = None) -> str:
    if e.low is None or e.high is None or e.low == e.high:
        return ""
    known = units.UNITS.get(e.unit, units.UNITS["ratio"])
    return f" ({level or e.level * 100:.0f} % interval {known.interval(e.low, e.high)})"


def estimate(self: Any) -> str:
    """Write an Estimate."""
    return f"<{number(self.value, self.unit)}{_interval(self)}, n {cases(self.n, self.n_unit)}>"


def cases(n: int, unit: str) -> str:
    """Write how many of what; of a single one only that it is one, since units have no form for it.

    Examples
    --------
    >>> cases(1, "clients"), cases(1200, "sales lines")
    ('1', '1,200 sales lines')
    """
    return f"{n:,} {unit}" if unit and n != 1 else f"{n:,}"


def measure(self: Any) -> str:
    """Write a secondary number of a finding."""
    return f"<{self.label}: {estimate(self)[1:]}"


def kpi_value(self: Any) -> str:
    """Write a row of a KPI."""
    where = f"{self.title}, {self.period}{part(self.by)}"
    if self.value is None:
        return f"<{where}: {number(None, self.unit)}; {self.reason or 'no cases'}>"
    changes = [
        f"; {difference(c.value, self.unit)} against {c.from_period}"
        for c in self.changes
        if c.value is not None
    ]
    young = "; too young to compare" if self.immature else ""
    return (
        f"<{where}: {number(self.value, self.unit)}{_interval(self)}, n {self.n:,}{''.join(changes)}{young}>"
    )


def kpi(self: Any) -> str:
    """Write what a KPI is."""
    owners = ", ".join(f"{who} {share * 100:.0f} %" for who, share in self.owners.items())
    better = {"higher": "; higher is better", "lower": "; lower is better"}.get(self.better, "")
    return f"<{type(self).__name__} {self.id}: {self.title} ({self.unit}{better}; {owners})>"


def indicator(self: Any) -> str:
    """Write what an indicator asks."""
    tolerated = number(self.margin, self.unit)
    return f"<Indicator {self.id}: {self.question} ({self.nature}, {self.area}; tolerated {tolerated})>"


def split_change(self: Any) -> str:
    """Write a change and its parts."""
    parts = ", ".join(f"{p.driver} {difference(p.value, self.unit)}" for p in self.parts)
    where = f"{self.title}{part(self.by)}, {self.from_period} to {self.to_period}"
    return f"<{where}: {difference(self.total, self.unit)} = {parts}>"


def where(self: Any) -> str:
    """Write a slice that moved otherwise."""
    effect = f"{difference(self.effect, self.unit)}{_interval(self, 95)}"
    return f"<{part(self.by)[2:]}: {effect}, n {self.n:,}; p {self.p:.2g}>"


def scorecard(self: Any) -> str:
    """Write the departments' scores."""
    scores = ", ".join(f"{d['department']} {number(d['score'], 'share')}" for d in self.departments)
    return f"<Scorecard: {scores or 'no targets and no weights'}>"


def catalog(self: Any) -> str:
    """Write how much a catalogue holds."""
    kinds = ("kpis", "indicators", "segmentations")
    return f"<Catalog: {', '.join(f'{len(getattr(self, kind))} {kind}' for kind in kinds)}>".replace(
        "kpis", "KPIs"
    )


def report(self: Any) -> str:
    """Write of what, of which kind and for whom a report is."""
    of = self.analysis
    return f"<Report of {of.company}, {of.period}: {self.kind}, for {self.audience}; .save('report.html') writes it>"


def settings(self: Any) -> str:
    """Write whose settings they are; what they say may hold addresses, so it is not printed."""
    return (
        f"<Settings of {self.company.name or 'a company'} in {self.company.currency}; .public() gives them>"
    )


def evidence(self: Any) -> str:
    """Write of what the rows of evidence are."""
    if not self.rows:
        return "<Evidence: no rows>"
    return f"<Evidence: {some(len(self.rows), 'row')} of {', '.join(c.label for c in self.columns)}>"


def some(n: int, one: str, many: str = "") -> str:
    """Write a number of things in English, as messages of commands do.

    Examples
    --------
    >>> some(1, "row is", "rows are"), some(1200, "finding")
    ('1 row is', '1,200 findings')
    """
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def chart(self: Any) -> str:
    """Write what a chart draws."""
    rows = "the evidence" if self.rows is None else some(len(self.rows), "row")
    return f"<Chart: {self.kind} of {self.y} by {self.x}, from {rows}>"


def finding(self: Any) -> str:
    """Write a finding: verdict, name, gap."""
    said = f"<{self.status.replace('_', ' ')}: {self.title}{part(self.by)}"
    if self.gap is not None:
        said += f"; gap {estimate(self.gap)[1:-1]}, tolerated {number(self.margin, self.gap.unit)}"
    elif self.message or self.missing:
        said += f"; {self.message or 'needs ' + ', '.join(self.missing)}"
    return said + ">"


def analysis(self: Any) -> str:
    """Write what an Analysis holds."""
    whole = [f for f in self.findings if not f.by]
    verdicts = ", ".join(f"{n} {s.replace('_', ' ')}" for s, n in Counter(f.status for f in whole).items())
    kpis = len({k.kpi for k in self.kpis if k.value is not None})
    held = [some(kpis, "key figure"), some(len(whole), "finding") + (f" ({verdicts})" if verdicts else "")]
    held += [some(len(self.segments), "segment")] if self.segments else []
    held += [some(len(self.warnings), "warning")] if self.warnings else []
    return f"<Analysis of {self.company}, {self.period}: {', '.join(held)}>"
