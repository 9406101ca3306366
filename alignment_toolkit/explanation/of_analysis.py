"""Where a number of an Analysis comes from, without the data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alignment_toolkit import brief, units
from alignment_toolkit.catalog import Catalog
from alignment_toolkit.errors import AlignmentError, DataError, ParameterError, UnknownName, did_you_mean
from alignment_toolkit.explanation.declared import declared, tables_of
from alignment_toolkit.explanation.told import Explanation, number_of, part_of, plain, text_of
from alignment_toolkit.kpi import RatioOfKpis
from alignment_toolkit.results import Analysis, Finding, KpiValue

__all__ = ["loaded", "of_analysis"]


def of_analysis(id: str, analysis: Analysis, by: dict[str, Any], catalog: Catalog | None) -> Explanation:
    """Explain a number of an Analysis, or a finding.

    Raises
    ------
    UnknownName
        For an id or a part that the Analysis does not have, with the near match.
    """
    told = _known(id, analysis, catalog)
    wanted = id.casefold().replace("_", "-")
    common = {
        "data complete until": analysis.as_of,
        "fingerprint of the data": analysis.data_fingerprint,
        "toolkit": analysis.toolkit,
    }
    rows = [r for r in analysis.kpis if r.kpi == wanted and r.grain is None and r.period == analysis.period]
    if rows:
        row = part_of(rows, by, wanted)
        number = number_of(row, analysis.currency) | _aims(analysis, row) | common
        tables = _tables(catalog, wanted)
        quality = [q for q in analysis.data_quality if q.rejected and (not tables or q.table in tables)]
        refused = tuple(
            {"of": f"table {q.table}", "what": "refused on reading", "rows": q.rejected, "counted": False}
            for q in quality
        )
        return Explanation(told.id, told.kind, told.title, told.facts, _filled(number), refused)
    finding = next(
        (f for f in analysis.findings if f.indicator.replace("_", "-") == wanted and _same_slice(f.by, by)),
        None,
    )
    if finding is None:
        there = [*{r.kpi for r in analysis.kpis}, *{f.indicator for f in analysis.findings}]
        if wanted in {name.replace("_", "-") for name in there}:
            parts = [
                ", ".join(f"{k}={text_of(v)}" for k, v in f.by.items())
                for f in analysis.findings
                if f.indicator.replace("_", "-") == wanted and f.by
            ]
            asked = ", ".join(f"{k}={text_of(v)}" for k, v in by.items())
            raise UnknownName(f"part of the company for {wanted}:", asked, parts)
        raise UnknownName("KPI or finding", id, sorted(there), where=f"in the Analysis of {analysis.period}")
    return Explanation(
        told.id, told.kind, told.title, told.facts, _filled(_finding(finding, analysis) | common), ()
    )


def _known(id: str, analysis: Analysis, catalog: Catalog | None) -> Explanation:
    """Give what the catalogue, or else the Analysis itself, says of an id."""
    catalog = catalog or Catalog.load()
    try:
        told = declared(catalog.get(id), catalog, None)
    except AlignmentError:
        wanted = id.casefold().replace("_", "-")
        for kind, name in (("kpi", "kpis"), ("indicator", "indicators")):
            for key, about in dict(analysis.definitions.get(name) or {}).items():
                if key.replace("_", "-") == wanted:
                    facts = plain(about)
                    return Explanation(key, kind, str(facts.get("title") or facts.get("question")), facts)
        there = [*{r.kpi for r in analysis.kpis}, *{f.indicator for f in analysis.findings}]
        raise UnknownName(
            "KPI or finding", id, sorted(there), where=f"in the Analysis of {analysis.period}"
        ) from None
    return told


def _tables(catalog: Catalog | None, id: str) -> tuple[str, ...]:
    entry = (catalog or Catalog.load()).kpis.get(id)
    sides = entry.named if isinstance(entry, RatioOfKpis) else (entry,)
    return tuple(t for side in sides for t in tables_of(side))


def _aims(analysis: Analysis, row: KpiValue) -> dict[str, Any]:
    """Give the target that the scorecard holds the number against."""
    for aim in analysis.scorecard.rows:
        if aim["kpi"] == row.kpi and aim.get("target") is not None and not row.by:
            unit = units.unit(row.unit)
            found = {"target": unit.text(aim["target"], currency=analysis.currency)}
            if aim.get("attainment") is not None:
                found["attainment"] = units.unit("share").text(aim["attainment"])
            return found
    return {}


def _finding(finding: Finding, analysis: Analysis) -> dict[str, Any]:
    where = ", ".join(f"{k} = {text_of(v)}" for k, v in finding.by.items()) or "the whole company"
    gap = finding.gap
    number: dict[str, Any] = {
        "what": f"{finding.title}, {where}",
        "verdict": finding.status if finding.severity == "none" else f"{finding.status}, {finding.severity}",
        "window": f"{finding.window.start} to {finding.window.to}",
        "population": finding.population,
        "filters": where,
    }
    if gap is not None:
        unit = units.unit(gap.unit)
        number |= {
            "gap": unit.text(gap.value, currency=analysis.currency),
            "interval": unit.interval(gap.low, gap.high, currency=analysis.currency) or "none",
            "margin": unit.text(finding.margin, currency=analysis.currency),
            "n": brief.cases(gap.n, gap.n_unit),
            "method": gap.method,
        }
    number |= {"p": finding.p_value, "q": finding.q_value, "missing": list(finding.missing)}
    number["guards"] = [g.message for g in finding.guards]
    number["message"] = finding.message
    return number


def _filled(number: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in number.items() if v not in (None, "", [], {})}


def _same_slice(by: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return {k: text_of(v) for k, v in by.items()} == {k: text_of(v) for k, v in wanted.items()}


def loaded(analysis: Analysis | str | Path) -> Analysis:
    """Give an Analysis as it is, or read it from its file or folder.

    Raises
    ------
    ParameterError
        Where the file can't be read.
    DataError
        Where it is no Analysis.
    """
    if isinstance(analysis, Analysis):
        return analysis
    path = Path(analysis)
    path = path / "analysis.json" if path.is_dir() else path
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as e:
        near = [p.name for p in sorted(path.parent.glob("*.json"))] if path.parent.is_dir() else []
        said = getattr(e, "strerror", None) or e
        raise ParameterError(f"{path} can't be read: {said}. {did_you_mean(path.name, near)}") from e
    try:
        return Analysis.loads(text)
    except AlignmentError as e:
        raise DataError(f"{path}: {e}") from e
