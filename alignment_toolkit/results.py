"""Results: frozen, without any format of their own, to JSON and back without loss (schema 1)."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from alignment_toolkit import brief
from alignment_toolkit.errors import DataError, UnknownName
from alignment_toolkit.lossless import SCHEMA, NotANumber, build, clean_number, clean_value, dump

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "SCHEMA",
    "VERSION",
    "Analysis",
    "Area",
    "Change",
    "Chart",
    "Column",
    "DataQuality",
    "Estimate",
    "Evidence",
    "Finding",
    "Guard",
    "KpiValue",
    "Measure",
    "Money",
    "NotANumber",
    "Scorecard",
    "Window",
    "clean_number",
    "clean_value",
]

VERSION = "0.1.0"  # pyproject.toml says the same; a test compares them
Status = Literal["misaligned", "aligned", "uncertain", "too_little_data", "withheld", "not_assessed", "error"]
Severity = Literal["high", "medium", "low", "none"]


@dataclass(frozen=True)
class Estimate:
    """A number with its interval, the rows it stands on, its unit and how it was made.

    `n` counts `n_unit` (leads, accounts ...). `value` is None where nothing can be said; `low` and `high` are None
    where there is no interval. Shares are 0 to 1; points are on their own scale.

    Examples
    --------
    >>> Estimate(0.25, 0.21, 0.29, 400, "leads", "share", "Wilson")
    <25.0 % (95 % interval 21.0 % to 29.0 %), n 400 leads>
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    n_unit: str
    unit: str
    method: str
    level: float = 0.95

    __repr__ = brief.estimate

    @classmethod
    def none(cls, *, n: int = 0, n_unit: str, unit: str, method: str) -> Estimate:
        """Give the estimate that says nothing, for n = 0 or a degenerate input."""
        return cls(None, None, None, n, n_unit, unit, method)

    def in_points(self) -> Estimate:
        """Give a difference of two shares in percentage points: 12 % minus 10 % is 2 points.

        Examples
        --------
        >>> Estimate(-0.059, -0.135, 0.013, 209, "leads", "share", "Klingenberg").in_points()
        <-5.90 points (95 % interval -13.50 to 1.30 points), n 209 leads>
        """
        value, low, high = (None if x is None else 100 * x for x in (self.value, self.low, self.high))
        return dataclasses.replace(self, value=value, low=low, high=high, unit="points")


@dataclass(frozen=True)
class Measure:
    """A secondary number of a finding: an Estimate with a name and a label, without verdict."""

    name: str
    label: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    n_unit: str
    unit: str
    method: str
    level: float = 0.95

    __repr__ = brief.measure

    @classmethod
    def of(cls, name: str, label: str, estimate: Estimate) -> Measure:
        """Name an Estimate."""
        return cls(
            name=name,
            label=label,
            **{f.name: getattr(estimate, f.name) for f in dataclasses.fields(estimate)},
        )


@dataclass(frozen=True)
class Change:
    """A KPI's change against another period, with its interval and p value."""

    from_period: str
    value: float | None
    low: float | None
    high: float | None
    p: float | None


@dataclass(frozen=True)
class KpiValue:
    """One KPI for one slice and one stretch of time. `to` is the last day included.

    Examples
    --------
    >>> KpiValue(
    ...     kpi="win-rate", title="Win rate", by={"region": "North"}, period="2026-Q3", grain=None, start="2026-07-01",
    ...     to="2026-09-30", value=0.25, low=0.18, high=0.34, level=0.95, n=120, top=30, bottom=120, unit="share",
    ...     method="Wilson", better="higher", owners={"marketing": 0.3, "sales": 0.7}, censored=0, immature=False,
    ...     spread=None, status="ok", reason=None,
    ... )
    <Win rate, 2026-Q3, region = North: 25.0 % (95 % interval 18.0 % to 34.0 %), n 120>
    """

    kpi: str
    title: str
    by: Mapping[str, Any]
    period: str
    grain: str | None
    start: str = field(metadata={"key": "from"})
    to: str
    value: float | None
    low: float | None
    high: float | None
    level: float
    n: int
    top: float | None
    bottom: float | None
    unit: str
    method: str
    better: str
    owners: Mapping[str, float]
    censored: int
    immature: bool
    spread: Mapping[str, float] | None
    status: Literal["ok", "not_available"]
    reason: str | None
    changes: tuple[Change, ...] = ()

    __repr__ = brief.kpi_value


@dataclass(frozen=True)
class Money:
    """Money at stake per period, with its basis in words; never summed over findings."""

    value: float | None
    low: float | None
    high: float | None
    currency: str
    basis: str


@dataclass(frozen=True)
class Guard:
    """A warning that fired: which guard, and what it says to the reader."""

    guard: str
    message: str


@dataclass(frozen=True)
class Column:
    """A column of evidence: name, label, unit (or None) and role.

    Examples
    --------
    >>> Column("region", "Region", None, "dimension").role
    'dimension'
    """

    name: str
    label: str
    unit: str | None
    role: Literal["id", "name", "person", "dimension", "measure", "time"]


@dataclass(frozen=True)
class Evidence:
    """At most 50 rows that a person can check.

    Examples
    --------
    >>> columns = (Column("region", "Region", None, "dimension"), Column("leads", "Leads", "count", "measure"))
    >>> Evidence(columns, (("North", 12), ("South", 9))).records()
    [{'region': 'North', 'leads': 12}, {'region': 'South', 'leads': 9}]
    """

    columns: tuple[Column, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()

    __repr__ = brief.evidence

    def records(self) -> list[dict[str, Any]]:
        """Give the rows as dictionaries by column name."""
        names = [c.name for c in self.columns]
        return [dict(zip(names, row, strict=True)) for row in self.rows]


@dataclass(frozen=True)
class Chart:
    """What to draw: columns by name, and own rows where the evidence is not what is drawn.

    `x`, `y`, `low`, `high`, `group` name keys of `rows` (or, where `rows` is None, columns of the evidence);
    `reference` is a line at that height (mostly the margin).

    Examples
    --------
    >>> rows = ({"region": "North", "share": 0.4}, {"region": "South", "share": 0.1})
    >>> chart = Chart("bars", "region", "share", rows=rows, reference=0.2, title="North alone lies above 20 %")
    >>> chart.kind, len(chart.rows)
    ('bars', 2)
    """

    kind: Literal["bars", "lines", "funnel", "waterfall", "matrix", "scatter"]
    x: str
    y: str
    low: str | None = None
    high: str | None = None
    group: str | None = None
    rows: tuple[Mapping[str, Any], ...] | None = None
    reference: float | None = None
    title: str = ""

    __repr__ = brief.chart


@dataclass(frozen=True)
class Window:
    """The first and the last day that a finding looks at, both included."""

    start: str = field(metadata={"key": "from"})
    to: str


@dataclass(frozen=True)
class Finding:
    """What an indicator found: the verdict, the gap that bears it, and all a reader needs to judge it.

    Examples
    --------
    >>> from alignment_toolkit.analysis import findings_of
    >>> from alignment_toolkit.company import Company
    >>> (found,) = findings_of(Company.open("data/sample"), "2026-Q3", indicators=["dropped_leads"])
    >>> found.status, found.gap.n_unit, found.gap.low > found.margin
    ('misaligned', 'leads', True)
    """

    id: str
    indicator: str
    by: Mapping[str, Any]
    title: str
    nature: Literal["strategic", "tactical", "personal"]
    area: str
    status: Status
    tension: Literal["harmful", "neutral", "productive"]
    severity: Severity
    direction: Literal["greater", "both"]
    window: Window
    population: str
    gap: Estimate | None
    margin: float
    p_value: float | None
    q_value: float | None
    measures: tuple[Measure, ...]
    money_at_stake: Money | None
    statement: str
    why: str
    advice: str
    who: tuple[str, ...]
    counter_explanations: Mapping[str, str]
    guards: tuple[Guard, ...]
    missing: tuple[str, ...]
    message: str | None
    needs_more: int | None
    evidence: Evidence
    chart: Chart | None

    __repr__ = brief.finding

    def checked(self) -> Finding:
        """Give the finding as it will be written and read back.

        Raises
        ------
        NotANumber
            Where any of its numbers is NaN or infinite.
        """
        return build(Finding, dump(self))


@dataclass(frozen=True)
class Area:
    """An area's score: aligned / (aligned + misaligned), None where neither, with its coverage."""

    area: str
    score: float | None
    assessed: int
    conclusive: int
    of: int


@dataclass(frozen=True)
class DataQuality:
    """What one table brought: rows used, rows rejected, share of rows linked, last complete day."""

    table: str
    rows: int
    rejected: int
    linked_share: float | None
    complete_until: str | None


@dataclass(frozen=True)
class Scorecard:
    """The shared scorecard: departments and rows, empty where no targets are known."""

    departments: tuple[Mapping[str, Any], ...] = ()
    rows: tuple[Mapping[str, Any], ...] = ()

    __repr__ = brief.scorecard


def _no_number(word: str) -> Any:
    raise DataError(f"This is no analysis.json: it holds {word}, and JSON has no such number.")


@dataclass(frozen=True)
class Analysis:
    """Everything that reports, charts and the run history see; to JSON and back without loss.

    Examples
    --------
    >>> Analysis.empty(company="Acme", currency="EUR", period="2026").to_json()["schema"]
    1
    """

    schema: int
    toolkit: str
    company: str
    currency: str
    period: str
    start: str = field(metadata={"key": "from"})
    to: str
    compared_with: tuple[str, ...]
    as_of: str | None
    data_fingerprint: str
    settings: Mapping[str, Any]
    kpis: tuple[KpiValue, ...] = ()
    drivers: tuple[Mapping[str, Any], ...] = ()
    attribution: tuple[Mapping[str, Any], ...] = ()
    cohorts: tuple[Mapping[str, Any], ...] = ()
    scorecard: Scorecard = field(default_factory=Scorecard)
    incentives: tuple[Mapping[str, Any], ...] = ()
    segments: tuple[Mapping[str, Any], ...] = ()
    plays: tuple[Mapping[str, Any], ...] = ()
    findings: tuple[Finding, ...] = ()
    areas: tuple[Area, ...] = ()
    data_quality: tuple[DataQuality, ...] = ()
    alarms: tuple[Mapping[str, Any], ...] = ()
    definitions: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    __repr__ = brief.analysis

    @classmethod
    def empty(cls, *, company: str, currency: str, period: str, start: str = "", to: str = "") -> Analysis:
        """Give an Analysis in which nothing was assessed."""
        return cls(
            schema=SCHEMA,
            toolkit="",
            company=company,
            currency=currency,
            period=period,
            start=start,
            to=to,
            compared_with=(),
            as_of=None,
            data_fingerprint="",
            settings={},
        )

    def to_json(self) -> dict[str, Any]:
        """Give plain dictionaries, lists, text and numbers, as in docs (analysis.json, schema 1)."""
        data: dict[str, Any] = dump(self)
        return data

    def dumps(self) -> str:
        """Give the text of analysis.json: the same Analysis, the same bytes."""
        return json.dumps(self.to_json(), ensure_ascii=False, allow_nan=False, indent=1) + "\n"

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Analysis:
        """Read what `to_json` gave.

        Raises
        ------
        DataError
            For another schema, or missing or unknown keys, by name.
        """
        if data.get("schema") != SCHEMA:
            raise DataError(
                f"This analysis has schema {data.get('schema')!r}; this version of the toolkit reads schema {SCHEMA}."
            )
        return build(cls, data)

    @classmethod
    def loads(cls, text: str) -> Analysis:
        """Read the text of an analysis.json."""
        try:
            data = json.loads(text, parse_constant=_no_number)
        except json.JSONDecodeError as e:
            raise DataError(
                f"This is no analysis.json: line {e.lineno}, column {e.colno}: {e.msg}."
            ) from None
        if not isinstance(data, dict):
            raise DataError("This is no analysis.json: it holds no object.")
        return cls.from_json(data)

    def kpi(self, id: str, **by: Any) -> KpiValue:
        """Give the row of one KPI for the whole period; `by` names a slice.

        Raises
        ------
        UnknownName
            Where the Analysis has no such row.
        """
        wanted = id.replace("_", "-")
        for row in self.kpis:
            if row.kpi == wanted and dict(row.by) == by and row.period == self.period and row.grain is None:
                return row
        raise UnknownName("KPI", id, sorted({r.kpi for r in self.kpis}), where=f"for {by or 'the total'}")

    def finding(self, id: str, **by: Any) -> Finding:
        """Give the finding of one indicator."""
        wanted = id.replace("-", "_")
        for row in self.findings:
            if row.indicator == wanted and dict(row.by) == by:
                return row
        raise UnknownName("finding", id, sorted({r.indicator for r in self.findings}))

    def frame(self) -> pd.DataFrame:
        """Give the KPI rows as a tidy frame, one column per key."""
        return frame(self.kpis)


def frame(rows: Iterable[KpiValue] | Sequence[Any]) -> pd.DataFrame:
    """Give results of one kind as a tidy frame, the slice's dimensions as columns of their own."""
    import pandas as pd

    records = []
    for row in rows:
        record = dump(row)
        by = record.pop("by", {}) or {}
        records.append({**by, **record})
    return pd.DataFrame(records)
