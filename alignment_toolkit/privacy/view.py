"""An Analysis as an audience may see it; every format is made from this, the JSON too."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from alignment_toolkit.languages import noted, say, say_count
from alignment_toolkit.privacy.cells import LEAST, hidden_cells
from alignment_toolkit.privacy.figures import INSIDE, without_small
from alignment_toolkit.privacy.small_counts import masked, masked_in
from alignment_toolkit.pseudonyms import Pseudonyms
from alignment_toolkit.results import Analysis, Chart, Evidence, Finding, KpiValue

__all__ = ["seen_by"]

# What an outsider may know of how it was computed; the rest may name tables, files or people.
_SETTINGS: Final = ("company", "calendar", "kpis", "owners", "scorecard", "indicators", "report")
_REPORT: Final = ("audience", "formats", "kind", "brand")
_CASES: Final = ("id", "name", "person")
# Slices by person are left out, whoever the person is.
_PEOPLE: Final = frozenset(
    "person person_id owner owner_id rep rep_id seller salesperson manager assignee user user_id name email".split()
)
_MADE: Final = re.compile(r"(?:Person|Client) [A-HJ-NP-Z2-9]{7}")
_ADDRESS: Final = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+|(?<![\w.])\+\d[\d ()/-]{7,}\d")
_SHORTEST: Final = 3
_WITHHELD: Final = noted("Left out of reports for readers outside the company: it is about people.")
_SMALL: Final = noted(
    "Left out: fewer than {least} cases, or needed to keep such a group from being worked out."
)
_SIZES: Final = ("n", "clients", "size", "accounts", "members")
# Of segments and plays an outsider may know how they were made: points are accounts, counts can be small.
_SEGMENTS: Final = (
    "title",
    "question",
    "about",
    "features",
    "reason",
    "labels",
    "method",
    "given",
    "left_out",
)
_PLAYS: Final = ("decides", "thresholds", "lacking")
_SINGLE: Final = ("target_grid", "words", "changed")


def seen_by(analysis: Analysis, audience: str, *, key: str = "", kept_back: Collection[str] = ()) -> Analysis:
    """Give an Analysis as an audience may see it.

    Parameters
    ----------
    audience
        ``internal`` sees all. For ``client`` and ``public`` nobody is named, rows about single cases are left out,
        questions about people are withheld, and groups under ten are hidden together with as many others as it takes
        that they cannot be worked out. ``public`` sees no evidence rows and no counts behind a share.
    key
        The key of the pseudonyms; without one the company's name serves, which somebody could guess on purpose.
    kept_back
        Key figures that are left out too: beside the reports of other parts they would give a small part away.
    """
    if audience == "internal":
        return analysis
    named = _named(analysis, _names(analysis, Pseudonyms(key or analysis.company)))
    public = audience == "public"
    kpis, lost = without_small([r for r in named.kpis if not _about_people(r.by)], kept_back)
    if public:
        kpis = tuple(replace(r, top=None, bottom=None) for r in kpis)
    scorecard = replace(
        named.scorecard, rows=tuple(r for r in named.scorecard.rows if str(r.get("kpi")) not in lost)
    )
    seen = replace(
        named,
        settings=_settings(named.settings),
        kpis=kpis,
        drivers=tuple(r for r in named.drivers if not r.get("by") and str(r.get("kpi")) not in lost),
        attribution=_attribution(named.attribution),
        cohorts=_grouped(named.cohorts),
        scorecard=scorecard,
        segments=tuple(_of_no_account(r) for r in _grouped(named.segments)),
        plays=_grouped([r for r in named.plays if "account" not in r]),
        definitions=_definitions(named.definitions),
        findings=_findings([f for f in named.findings if not _about_people(f.by)], kpis, public=public),
        warnings=_told(named.warnings),
    )
    return Analysis.from_json(masked_in(seen.to_json()))


def _of_no_account(segment: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out the accounts that are unlike their segment, and how many of its accounts have which play."""
    told: dict[str, Any] = {"plays": {}, "exceptions": {"columns": [], "rows": []}}
    return {k: told.get(k, v) for k, v in segment.items()}


def _told(warnings: Sequence[str]) -> tuple[str, ...]:
    said = say_count(
        len(warnings),
        "{n:,} warning is in the internal report.",
        "{n:,} warnings are in the internal report.",
    )
    return (said,) if warnings else ()


def _about_people(by: Mapping[str, Any]) -> bool:
    return any(str(name).casefold() in _PEOPLE for name in by)


# ---- names -----------------------------------------------------------------------------------------------------


def _names(analysis: Analysis, hidden: Pseudonyms) -> dict[str, str]:
    """Give a pseudonym for every name of a person or client in the evidence."""
    found: dict[str, str] = {}
    for f in analysis.findings:
        for position, column in enumerate(f.evidence.columns):
            if column.role not in ("name", "person"):
                continue
            for row in f.evidence.rows:
                value = row[position] if position < len(row) else None
                if not isinstance(value, str) or _MADE.fullmatch(value.strip()):
                    continue
                made = hidden.person(value) if column.role == "person" else hidden.client(value)
                if len(value.strip()) >= _SHORTEST and made:
                    found[value.strip()] = made
    return found


def _named(analysis: Analysis, names: Mapping[str, str]) -> Analysis:
    """Put the pseudonyms wherever the names stand, in whatever text."""
    pattern = None
    if names:
        longest = sorted(names, key=lambda n: (-len(n), n))
        pattern = re.compile(r"(?<!\w)(?:" + "|".join(re.escape(n) for n in longest) + r")(?!\w)")

    def text(value: str) -> str:
        shown = pattern.sub(lambda m: names[m.group()], value) if pattern is not None else value
        return _ADDRESS.sub(say("(address left out)"), shown)

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            return {text(k): walk(v) for k, v in value.items()}
        if isinstance(value, list):
            return [walk(v) for v in value]
        return text(value) if isinstance(value, str) else value

    return Analysis.from_json(walk(analysis.to_json()))


def _settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    kept = {k: settings[k] for k in _SETTINGS if k in settings}
    report = kept.get("report")
    if isinstance(report, Mapping):
        kept["report"] = {k: report[k] for k in _REPORT if k in report}
    return kept


def _definitions(definitions: Mapping[str, Any]) -> dict[str, Any]:
    kept = {k: v for k, v in definitions.items() if k not in _SINGLE}
    attribution = kept.get("attribution")
    if isinstance(attribution, Mapping) and isinstance(attribution.get("paths"), Mapping):
        paths = {k: v for k, v in attribution["paths"].items() if not _small(v)}
        kept["attribution"] = {**attribution, "paths": paths}
    segments, plays = kept.get("segments"), kept.get("plays")
    if isinstance(segments, Mapping):
        kept["segments"] = {
            name: {k: told[k] for k in _SEGMENTS if k in told}
            for name, told in segments.items()
            if isinstance(told, Mapping)
        }
    if isinstance(plays, Mapping):
        kept["plays"] = {k: plays[k] for k in _PLAYS if k in plays}
    return kept


def _small(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < LEAST


# ---- findings --------------------------------------------------------------------------------------------------


def _findings(findings: Sequence[Finding], kpis: Sequence[KpiValue], *, public: bool) -> tuple[Finding, ...]:
    small: set[str] = set()
    for indicator in dict.fromkeys(f.indicator for f in findings):
        own = [f for f in findings if f.indicator == indicator and f.gap is not None]
        counts = [f.gap.n if f.gap is not None else 0 for f in own]
        whole = next((i for i, f in enumerate(own) if not f.by), None)
        parts = tuple(i for i, f in enumerate(own) if f.by)
        sums = (
            [(whole, parts)]
            if whole is not None and parts and sum(counts[i] for i in parts) == counts[whole]
            else []
        )
        small |= {own[i].id for i in hidden_cells(counts, sums)}
    return tuple(_finding(f, small=f.id in small, public=public) for f in findings)


def _finding(f: Finding, *, small: bool, public: bool) -> Finding:
    if f.nature == "personal" and f.status != "not_assessed":
        return _blank(f, say(_WITHHELD))
    if small:
        return _blank(f, say(_SMALL, least=LEAST))
    evidence = _evidence(f.evidence, public=public)
    return replace(
        f,
        measures=tuple(m for m in f.measures if m.n >= LEAST),
        evidence=evidence,
        chart=_chart(f.chart, f.evidence, evidence),
        message=say(INSIDE) if f.status == "error" else f.message,
    )


def _blank(f: Finding, message: str) -> Finding:
    return replace(
        f,
        status="withheld",
        severity="none",
        gap=None,
        p_value=None,
        q_value=None,
        measures=(),
        money_at_stake=None,
        statement="",
        guards=(),
        needs_more=None,
        message=message,
        evidence=Evidence(),
        chart=None,
    )


def _evidence(evidence: Evidence, *, public: bool) -> Evidence:
    """Leave out rows about single cases; of groups, those that are small."""
    if public or any(c.role in _CASES for c in evidence.columns):
        return Evidence()
    sizes = [
        i
        for i, c in enumerate(evidence.columns)
        if c.role == "measure" and (c.name in _SIZES or c.unit == "count")
    ]
    rows = evidence.rows
    for i in sizes:
        rows = tuple(_large(rows, [r[i] for r in rows]))
    return Evidence(evidence.columns, rows) if rows else Evidence()


def _chart(chart: Chart | None, before: Evidence, after: Evidence) -> Chart | None:
    if chart is None or (chart.rows is None and before.rows != after.rows):
        return None
    chart = replace(chart, title=masked(chart.title))
    if chart.rows is None:
        return chart
    rows = list(chart.rows)
    people = {c.name for c in before.columns if c.role in _CASES}
    if any(k in people or (isinstance(v, str) and _MADE.fullmatch(v)) for r in rows for k, v in r.items()):
        return None
    # A matrix draws how many cases are in each of its fields.
    fields = (chart.y,) if chart.kind == "matrix" else ()
    for name in (*_SIZES, *fields):
        if any(name in r for r in rows):
            rows = _large(rows, [r.get(name) for r in rows])
    left = chart.kind == "matrix" and len(rows) < len(chart.rows)
    title = (
        say("{title} (fields under {least} left out)", title=chart.title, least=LEAST)
        if left
        else chart.title
    )
    return replace(chart, rows=tuple(rows), title=title) if rows else None


def _large(rows: Sequence[Any], sizes: Sequence[Any]) -> list[Any]:
    """Give the rows of groups that are large enough; where one is left out, another one is too."""
    counts = [
        float(s) if isinstance(s, (int, float)) and not isinstance(s, bool) else float(LEAST) for s in sizes
    ]
    total = len(counts)
    gone = hidden_cells([*counts, sum(counts)], [(total, tuple(range(total)))]) if counts else set()
    return [row for i, row in enumerate(rows) if i not in gone]


# ---- other rows ------------------------------------------------------------------------------------------------


def _grouped(rows: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """Leave out rows about small groups, by whichever key gives their size."""
    kept: list[Any] = list(rows)
    for name in _SIZES:
        if any(name in r for r in kept):
            kept = _large(kept, [r.get(name) for r in kept])
    return tuple(kept)


def _attribution(rows: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """Put channels with few sales together, in all models alike."""
    channels = list(dict.fromkeys(str(r.get("channel")) for r in rows))
    least = {
        c: min(float(r.get("credit") or 0.0) for r in rows if str(r.get("channel")) == c) for c in channels
    }
    small = sorted(c for c in channels if least[c] < LEAST)
    large = sorted((c for c in channels if c not in small), key=lambda c: (least[c], c))
    while small and large and (len(small) < 2 or sum(least[c] for c in small) < LEAST):
        small.append(large.pop(0))
    if not small:
        return tuple(rows)
    if not large:
        return ()
    kept = [r for r in rows if str(r.get("channel")) not in small]
    for model in dict.fromkeys(r.get("model") for r in rows):
        credit = sum(
            float(r.get("credit") or 0.0)
            for r in rows
            if r.get("model") == model and str(r.get("channel")) in small
        )
        kept.append(
            {
                "model": model,
                "channel": say("(other)"),
                "credit": credit,
                "cost_per_sale": None,
                "rank_stability": None,
            }
        )
    return tuple(kept)
