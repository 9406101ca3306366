"""How the numbers of a report were made: areas, data, definitions, methods, settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from alignment_toolkit import units
from alignment_toolkit.charts import as_number, clean, humanise
from alignment_toolkit.languages import noted, say, term
from alignment_toolkit.report import figures, words
from alignment_toolkit.report.blocks import Block, Cell, Detail, Facts, Fold, Heading, Prose, Table
from alignment_toolkit.results import Analysis

__all__ = ["of"]

_GROUPS: Final = {"kpis": noted("key figures"), "indicators": noted("questions")}
_TITLES: Final = {
    "slices": noted("Findings in parts of the company"),
    "plays": noted("Plays"),
    "value_map": noted("Value map"),
    "target_grid": noted("Targets in the eyes of both"),
}
# What definitions call their parts.
_KEYS: Final = (
    noted("by"), noted("looked at"), noted("false discovery rate"), noted("method"), noted("left out"),
    noted("decides"), noted("lacking"), noted("counts"), noted("composed"), noted("looks back"),
)  # fmt: skip
_WARNINGS: Final = 30
_FEW: Final = 12  # parts that a definition may have


def of(analysis: Analysis, subtitle: str) -> list[Block]:
    """Give the section on method and data."""
    found: list[Block] = [
        Prose(
            say(
                "Each question has one number, its gap, and a margin set beforehand: the smallest gap that "
                "matters. A question is out of line where the whole 95 % interval of the gap lies beyond the "
                "margin and the result holds up against the number of questions asked (false discovery rate "
                "0.10), aligned where the whole interval lies within the margin, else uncertain. Money at "
                "stake is never added up over findings, because findings overlap. No finding proves a cause: "
                "the innocent explanations stand beside each."
            )
        )
    ]
    found += _areas(analysis)
    found.append(
        Detail(
            (
                *_warnings(analysis),
                *_data_quality(analysis),
                *_definitions(analysis),
                *_methods(analysis),
                *_settings(analysis),
            )
        )
    )
    facts = (
        (say("Company"), clean(analysis.company)),
        (say("Period"), subtitle),
        (say("Fingerprint of the data"), clean(analysis.data_fingerprint)),
        (say("Toolkit"), clean(analysis.toolkit)),
        (say("Schema of the analysis"), str(analysis.schema)),
    )
    return [*found, Heading(3, say("Provenance")), Facts(tuple((k, v) for k, v in facts if v))]


def _warnings(analysis: Analysis) -> list[Block]:
    if not analysis.warnings:
        return []
    shown = [clean(w) for w in analysis.warnings[:_WARNINGS]]
    left = len(analysis.warnings) - _WARNINGS
    more = [say("{left:,} more are in analysis.json.", left=left)] if left > 0 else []
    return [Heading(3, say("Warnings")), Prose("", bullets=(*shown, *more))]


def _areas(analysis: Analysis) -> list[Block]:
    areas = [a for a in analysis.areas if a.of]
    if not areas:
        return []
    share = units.unit("share")
    rows = tuple(
        (
            Cell(humanise(a.area)),
            Cell(say("{of:,}", of=a.of), number=a.of, unit="count"),
            Cell(say("{assessed:,}", assessed=a.assessed), number=a.assessed, unit="count"),
            Cell(say("{conclusive:,}", conclusive=a.conclusive), number=a.conclusive, unit="count"),
            Cell(
                share.text(a.score) if a.score is not None else say("no score"),
                say("answered: {n:,} of {counted}", n=a.conclusive, counted=words.plural(a.of, "question")),
                number=a.score,
                unit="share",
            ),
        )
        for a in areas
    )
    note = say(
        "Answered: aligned or out of line. Where the data are there and a question is not answered, it is uncertain or "
        "the data are too few. Score: aligned among the answered, without differences that can help; of one or two "
        "answers it says little. Without an answer there is no score."
    )
    columns = (say("Area"), say("Questions"), say("The data are there"), say("Answered"), say("Score"))
    return [
        Heading(3, say("Areas")),
        Table(say("Areas and how far they are covered"), columns, rows, (False, *[True] * 4), note=note),
    ]


def _data_quality(analysis: Analysis) -> list[Block]:
    if not analysis.data_quality:
        return []
    share = units.unit("share")
    rows = tuple(
        (
            Cell(clean(q.table)),
            Cell(say("{rows:,}", rows=q.rows), number=q.rows, unit="count"),
            Cell(say("{rejected:,}", rejected=q.rejected), number=q.rejected, unit="count"),
            Cell(
                share.text(as_number(q.linked_share)) if q.linked_share is not None else "",
                number=q.linked_share,
                unit="share",
            ),
            Cell(words.day(q.complete_until)),
        )
        for q in analysis.data_quality
    )
    columns = (say("Table"), say("Rows used"), say("Rows refused"), say("Linked"), say("Complete until"))
    note = say("Linked: rows whose reference to another table leads somewhere.")
    table = Table(say("What the data brought"), columns, rows, (False, True, True, True, False), note=note)
    return [Heading(3, say("Data")), table]


def _flat(value: Any, head: str = "") -> list[tuple[str, str]]:
    if isinstance(value, Mapping):
        return [
            pair for k, v in value.items() for pair in _flat(v, f"{head}.{clean(k)}" if head else clean(k))
        ]
    if isinstance(value, (list, tuple)) and any(isinstance(v, Mapping) for v in value):
        return [pair for i, v in enumerate(value, start=1) for pair in _flat(v, f"{head}.{i}")]
    return [(head, words.plain_value(value))]


def _definitions(analysis: Analysis) -> list[Block]:
    plain: list[tuple[Cell, ...]] = []
    tables: list[Block] = []
    for name, about in analysis.definitions.items():
        # What later runs compare with, and what this one found by it: told elsewhere.
        if name in ("words", "changed", "covered"):
            continue
        if isinstance(about, Mapping) and about and all(isinstance(v, Mapping) for v in about.values()):
            rows = tuple(_definition(k, v) for k, v in about.items())
            title = say(_GROUPS[name]) if name in _GROUPS else humanise(name)
            tables.append(
                Fold(
                    say("Definitions: {title}", title=title),
                    (Table(say("Definitions: {title}", title=title), (say("Word"), say("Meaning")), rows),),
                )
            )
        else:
            plain.append(_definition(name, about))
    if plain:
        tables.insert(
            0,
            Fold(
                say("Definitions"), (Table(say("Definitions"), (say("Word"), say("Meaning")), tuple(plain)),)
            ),
        )
    return tables


def _definition(name: str, about: Any) -> tuple[Cell, ...]:
    if not isinstance(about, Mapping):
        return Cell(clean(name)), Cell(words.plain_value(about))
    title = clean(about.get("title") or about.get("question") or name)
    told = [clean(about[k]) for k in ("about", "meaning", "why") if about.get(k)]
    rest = {k: v for k, v in about.items() if k not in ("title", "question", "about", "meaning", "why")}
    told += [
        f"{_words(k)}: {term(v)}"
        for name_, part in rest.items()
        if _defines(part)
        for k, v in _flat(part, clean(name_))
        if v and v != say("not set")
    ]
    if title == name:
        return Cell(say(_TITLES.get(name, name))), Cell(_joined(told))
    return Cell(title, clean(name)), Cell(_joined(told))


def _joined(told: list[str]) -> str:
    """Join the parts of a definition; a sentence that ends as one needs no further sign."""
    return "".join(
        part if i == len(told) - 1 else part + (" " if part.endswith((".", "?")) else "; ")
        for i, part in enumerate(told)
    )


def _words(key: str) -> str:
    """Write a key of the definitions: what it belongs to, and the part of that in brackets."""
    first, *rest = (say(part) for part in key.replace("_", " ").split("."))
    return f"{first} ({', '.join(rest)})" if rest else first


def _defines(part: Any, deep: bool = False) -> bool:
    """Tell a word of a definition from data that is kept beside it, which has its own place in the report."""
    if isinstance(part, Mapping):
        return not deep and len(part) <= _FEW and all(_defines(v, deep=True) for v in part.values())
    if deep and isinstance(part, float):
        return False
    if isinstance(part, (list, tuple)):
        return len(part) <= _FEW and not any(isinstance(v, (Mapping, list, tuple)) for v in part)
    return True


def _methods(analysis: Analysis) -> list[Block]:
    used: dict[str, list[str]] = {}
    for row in figures.totals(analysis):
        if row.status == "ok" and row.method:
            used.setdefault(clean(row.method), []).append(clean(row.title))
    for f in analysis.findings:
        if f.gap is not None and f.gap.method and not f.by:
            used.setdefault(clean(f.gap.method), []).append(clean(f.title))
    if not used:
        return []
    rows = tuple((Cell(k), Cell("; ".join(dict.fromkeys(v)))) for k, v in used.items())
    return [
        Fold(
            say("How the intervals were made"),
            (Table(say("How the intervals were made"), (say("Method"), say("Used for")), rows),),
        )
    ]


def _settings(analysis: Analysis) -> list[Block]:
    told = [
        (k, say("a picture") if k == "report.brand.logo" and v else v) for k, v in _flat(analysis.settings)
    ]
    rows = tuple((Cell(k), Cell(v)) for k, v in told if k)
    if not rows:
        return []
    return [
        Fold(
            say("Settings"), (Table(say("Settings of this analysis"), (say("Setting"), say("Value")), rows),)
        )
    ]
