"""How the objects of the public API show themselves in a notebook: tables with intervals, findings as cards.

Results know no format, so IPython is told here how to show them, by the names of their classes; nothing is imported
before something is shown. Importing the toolkit in a notebook does that; ``%load_ext alignment_toolkit.display`` too.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from alignment_toolkit.notebooks.pieces import Grid, Text
    from alignment_toolkit.results import Analysis, Finding, KpiValue

__all__ = ["INTERACTIVE", "html", "load_ipython_extension", "somebody_looks"]

INTERACTIVE: Final = ("auto", "yes", "no")
MOST: Final = 200  # rows of a table
_PLACES: Final[Mapping[str, str]] = {
    "Analysis": "results", "KpiValue": "results", "Estimate": "results", "Measure": "results", "Finding": "results",
    "Evidence": "results", "Scorecard": "results", "Area": "results", "DataQuality": "results",
    "Company": "company", "Catalog": "catalog", "Settings": "settings.loading", "Report": "report",
    "Kpi": "kpi.kinds", "RatioOfKpis": "kpi.kinds", "Indicator": "indicator.header",
    "Segmentation": "segmentation.kind", "SplitChange": "drivers.result", "Slice": "drivers.slices",
    "Explanation": "explanation.told", "Period": "periods.period",
}  # fmt: skip


def load_ipython_extension(shell: Any) -> None:
    """Tell IPython how to show the toolkit's objects, alone and in tuples; say how far a computation is."""
    from alignment_toolkit import progress

    progress.always(_Line(shell))
    formatter = shell.display_formatter.formatters["text/html"]
    for name, module in _PLACES.items():
        formatter.for_type_by_name(f"alignment_toolkit.{module}", name, html)
    formatter.for_type(tuple, html)


def somebody_looks(interactive: str | bool = "auto", environment: Mapping[str, str] | None = None) -> bool:
    """Say whether controls make sense: a person has a page open, and not papermill, nbconvert or nbval alone.

    Parameters
    ----------
    interactive
        ``yes`` or ``no`` (True or False) decide; ``auto`` looks: Jupyter tells its kernels which page they serve, Voila
        says who it is, and VS Code and Colab leave a sign too. A run by ``alignment run`` has nobody.
    environment
        By default that of the process.

    Examples
    --------
    >>> somebody_looks(environment={}), somebody_looks(True, {}), somebody_looks(environment={"JPY_SESSION_NAME": "a"})
    (False, True, True)
    """
    from alignment_toolkit.errors import ParameterError, did_you_mean
    from alignment_toolkit.notebooks import RUN_FOLDER

    if isinstance(interactive, bool):
        return interactive
    if interactive not in INTERACTIVE:
        raise ParameterError(
            f"interactive can't be '{interactive}'. {did_you_mean(interactive, INTERACTIVE)}"
        )
    if interactive != "auto":
        return interactive == "yes"
    known = os.environ if environment is None else environment
    if known.get(RUN_FOLDER):
        return False
    if known.get("JPY_SESSION_NAME") or known.get("SERVER_SOFTWARE", "").startswith("voila"):
        return True
    return environment is None and ("google.colab" in sys.modules or "VSCODE_PID" in known)


class _Line:
    """A line below the cell while something is computed; gone when it is done, and never there where nobody looks."""

    def __init__(self, shell: Any) -> None:
        self.publisher = shell.display_pub
        self.number = 0
        self.shown = False

    def __call__(self, words: str) -> None:
        if not somebody_looks():
            return
        data = {"text/html": _text(words).html() if words else "", "text/plain": words}
        self.publisher.publish(
            data, transient={"display_id": f"alignment-progress-{self.number}"}, update=self.shown
        )
        self.shown = bool(words)
        self.number += not words


def html(shown: Any) -> str | None:
    """Give an object, or a tuple of objects of one kind, as HTML; None for what is none of the toolkit's.

    Examples
    --------
    >>> from alignment_toolkit.results import Estimate
    >>> html(Estimate(0.25, 0.1, 0.4, 80, "leads", "share", "Wilson"))[:25], html((1, 2))
    ('<p style="max-width:52em;', None)
    """
    several = shown if isinstance(shown, tuple) and type(shown) is tuple else (shown,)
    kinds = {_kind(one) for one in several}
    if not several or len(kinds) != 1 or (kind := kinds.pop()) is None:
        return None
    return "".join(piece.html() for piece in _MAKERS[kind](several))


def _kind(one: Any) -> str | None:
    for base in type(one).__mro__:
        if base.__module__ == f"alignment_toolkit.{_PLACES.get(base.__name__, '')}":
            return base.__name__
    return None


Pieces = Sequence[Any]
_NUMBERS: Final = ("value", "95 % interval", "n", "change", "gap", "tolerated", "part", "least", "most", "rows",
                   "refused", "linked", "score", "effect")  # fmt: skip


def _text(words: str) -> Text:
    from alignment_toolkit.notebooks.pieces import Text

    return Text(words)


def _grid(title: str, rows: Sequence[Mapping[str, str]]) -> Grid:
    """Give a table of texts; columns that are empty throughout are left out."""
    from alignment_toolkit.notebooks.pieces import Grid

    names = list(dict.fromkeys(name for row in rows for name in row))
    head = [n for n in names if any(row.get(n) for row in rows)]
    told = [[row.get(n, "") for n in head] for row in rows[:MOST]]
    more = f" (the first {MOST} of {len(rows):,} rows)" if len(rows) > MOST else ""
    return Grid(f"{title}{more}", head, told, [n for n in head if n in _NUMBERS])


def _number(value: float | None, unit: str, currency: str = "") -> str:
    from alignment_toolkit import brief

    return brief.number(value, unit, currency)


def _interval(e: Any, currency: str = "") -> str:
    from alignment_toolkit import units

    if e.low is None or e.high is None or e.low == e.high:
        return ""
    return units.UNITS.get(e.unit, units.UNITS["ratio"]).interval(e.low, e.high, currency=currency)


def _kpi_values(rows: Sequence[KpiValue], currency: str = "") -> Pieces:
    from alignment_toolkit import brief

    told = []
    for r, part in zip(rows, brief.parts_of(rows), strict=True):
        changes = [
            f"{brief.difference(c.value, r.unit, currency)} against {c.from_period}"
            for c in r.changes
            if c.value is not None
        ]
        notes = [r.reason or "", "too young to compare" if r.immature else ""]
        told.append({
            "key figure": r.title, "period": r.period, **part, "value": _number(r.value, r.unit, currency),
            "95 % interval": _interval(r, currency), "n": f"{r.n:,}", "change": "; ".join(changes),
            "note": "; ".join(n for n in notes if n),
        })  # fmt: skip
    return [_grid("", told)]


def _part(by: Mapping[str, Any], rows: Sequence[Any]) -> dict[str, str]:
    from alignment_toolkit.brief import write_value

    names = dict.fromkeys(d for r in rows for d in r.by)
    return {d: write_value(by[d]) if d in by else "all" for d in names}


def _estimates(rows: Sequence[Any]) -> Pieces:
    return [_text(f"{repr(e)[1:-1]}; {e.method}") for e in rows]


def _findings(found: Sequence[Finding]) -> Pieces:
    from alignment_toolkit.notebooks.cards import Cards
    from alignment_toolkit.notebooks.pieces import Card
    from alignment_toolkit.results import Analysis

    nobody = Analysis.empty(company="", currency="", period="")
    if len(found) == 1:
        return [Card(Cards(nobody, tuple(found)))]
    return [_finding_grid(found)]


def _finding_grid(found: Sequence[Finding]) -> Grid:
    from alignment_toolkit.report import words

    told = [
        {"verdict": words.status_word(f.status), "finding": f.title, **_part(f.by, found),
         "severity": "" if f.severity == "none" else f.severity,
         "gap": _number(f.gap.value, f.gap.unit) if f.gap else "", "95 % interval": _interval(f.gap) if f.gap else "",
         "tolerated": _number(f.margin, f.gap.unit) if f.gap else "", "n": f"{f.gap.n:,}" if f.gap else "",
         "note": f.message or (f"needs {', '.join(f.missing)}" if f.missing else "")}
        for f in found
    ]  # fmt: skip
    return _grid("", told)


def _analyses(several: Sequence[Analysis]) -> Pieces:
    from alignment_toolkit.notebooks.cards import answer
    from alignment_toolkit.notebooks.pieces import Card

    pieces: list[Any] = []
    for one in several:
        pieces += [Card(answer(one)), _text(repr(one)[1:-1] + ".")]
        if one.kpis:
            pieces += _kpi_values(
                [k for k in one.kpis if k.grain is None and k.value is not None], one.currency
            )
        pieces += [_text(f"Warning: {w}") for w in one.warnings]
    return pieces


def _companies(several: Sequence[Any]) -> Pieces:
    return [piece for c in several for piece in (_text(repr(c)[1:-1]), *_quality(c.quality))]


def _quality(rows: Sequence[Any]) -> Pieces:
    told = [
        {"table": q.table, "rows": f"{q.rows:,}", "refused": f"{q.rejected:,}" if q.rejected else "",
         "linked": "" if q.linked_share is None else _number(q.linked_share, "share"),
         "complete until": q.complete_until or ""}
        for q in rows
    ]  # fmt: skip
    return [_grid("", told)]


def _catalogs(several: Sequence[Any]) -> Pieces:
    pieces: list[Any] = []
    for c in several:
        pieces += [
            _text(repr(c)[1:-1]),
            *_kpis(tuple(c.kpis.values())),
            *_indicators(tuple(c.indicators.values())),
        ]
        pieces += _segmentations(tuple(c.segmentations.values()))
    return pieces


def _kpis(several: Sequence[Any]) -> Pieces:
    told = [
        {"id": k.id, "key figure": k.title, "unit": k.unit, "better": k.better, "owners": _shares(k.owners),
         "about": " ".join(k.about.split())}
        for k in several
    ]  # fmt: skip
    return [_grid("Key figures", told)]


def _shares(owners: Mapping[str, float]) -> str:
    return ", ".join(f"{who} {share * 100:.0f} %" for who, share in owners.items())


def _indicators(several: Sequence[Any]) -> Pieces:
    told = [
        {"id": i.id, "question": i.question, "nature": i.nature, "area": i.area,
         "tolerated": _number(i.margin, i.unit), "needs": ", ".join(i.needs), "options": _options(i.options),
         "why": " ".join(i.why.split()) if len(several) == 1 else ""}
        for i in several
    ]  # fmt: skip
    return [_grid("Indicators", told)]


def _options(options: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {'(not set)' if value is None else value}" for name, value in options.items())


def _segmentations(several: Sequence[Any]) -> Pieces:
    told = [{"id": s.id, "segmentation": s.title, "question": s.question, "about": s.about} for s in several]
    return [_grid("Segmentations", told)]


def _settings(several: Sequence[Any]) -> Pieces:
    """Give what may be shown of settings: no addresses and no secrets."""
    import json

    told = [
        {"part": name, "what it says": json.dumps(value, ensure_ascii=False, default=str)}
        for s in several
        for name, value in s.public().items()
        if value not in ({}, [], None)
    ]
    return [_text(repr(several[0])[1:-1]), _grid("", told)]


def _changes(several: Sequence[Any]) -> Pieces:
    from alignment_toolkit import brief, charts
    from alignment_toolkit.notebooks.pieces import Figure

    pieces: list[Any] = []
    for s in several:
        data = charts.of_drivers(s.row(), s.title, currency="")
        pieces += [Figure(data)] if data is not None else []
        title = f"{s.title}{brief.part(s.by)}, {s.from_period} to {s.to_period}: {brief.difference(s.total, s.unit)}"
        parts = [
            {"driver": p.driver, "part": _number(p.value, s.unit), "95 % interval": _ends(p, s.unit),
             "owners": _shares(p.owners)}
            for p in s.parts
        ]  # fmt: skip
        owners = [
            {"in the hands of": who, "part": _number(o.value, s.unit), "95 % interval": _ends(o, s.unit),
             "least": _number(o.least, s.unit), "most": _number(o.most, s.unit)}
            for who, o in s.by_owner.items()
        ]  # fmt: skip
        pieces += [_grid(title, parts), _grid("", owners), _text(s.method)]
    return pieces


def _ends(p: Any, unit: str) -> str:
    from alignment_toolkit import units

    return units.UNITS.get(unit, units.UNITS["ratio"]).interval(p.low, p.high)


def _slices(several: Sequence[Any]) -> Pieces:
    told = [
        {**_part(s.by, several), "effect": _number(s.effect, s.unit), "95 % interval": _ends(s, s.unit),
         "n": f"{s.n:,}", "note": f"p {s.p:.2g}, {s.looks:,} slices looked at"}
        for s in several
    ]  # fmt: skip
    return [_grid("Where it moved otherwise than in the rest", told)]


def _evidence(several: Sequence[Any]) -> Pieces:
    from alignment_toolkit import charts

    pieces = []
    for e in several:
        told = [
            {c.label: charts.number(n, c.unit, "") if (n := charts.as_number(v)) is not None and c.unit else _word(v)
             for c, v in zip(e.columns, row, strict=True)}
            for row in e.rows
        ]  # fmt: skip
        pieces.append(_grid("", told))
    return pieces


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _scorecards(several: Sequence[Any]) -> Pieces:
    told = [
        {"department": d["department"], "score": _number(d["score"], "share"), "note": d["reason"] or ""}
        for s in several
        for d in s.departments
    ]
    return [_grid("", told) if told else _text("There is no shared scorecard.")]


def _areas(several: Sequence[Any]) -> Pieces:
    told = [
        {"area": a.area, "score": "no score" if a.score is None else _number(a.score, "share"),
         "note": f"{a.conclusive} conclusive of {a.assessed} assessed, of {a.of} questions"}
        for a in several
    ]  # fmt: skip
    return [_grid("", told)]


def _explanations(several: Sequence[Any]) -> Pieces:
    return [
        _grid(heading, [{"what": name, "is": value} for name, value in rows])
        for one in several
        for heading, rows in one.tables()
    ]


def _said(several: Sequence[Any]) -> Pieces:
    return [_text(repr(one).strip("<>")) for one in several]


def _periods(several: Sequence[Any]) -> Pieces:
    return [
        _grid(
            "",
            [{"period": p.label, "from": str(p.start), "to": str(p.last), "kind": p.kind} for p in several],
        )
    ]


_MAKERS: Final[Mapping[str, Callable[[Any], Pieces]]] = {
    "Analysis": _analyses, "KpiValue": _kpi_values, "Estimate": _estimates, "Measure": _estimates,
    "Finding": _findings, "Evidence": _evidence, "Scorecard": _scorecards, "Area": _areas, "DataQuality": _quality,
    "Company": _companies, "Catalog": _catalogs, "Settings": _settings, "Report": _said, "Kpi": _kpis,
    "RatioOfKpis": _kpis, "Indicator": _indicators, "Segmentation": _segmentations, "SplitChange": _changes,
    "Slice": _slices, "Explanation": _explanations, "Period": _periods,
}  # fmt: skip
