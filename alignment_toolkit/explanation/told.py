"""What is told of an entry or a number: as text, as a table in a notebook, as data."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from alignment_toolkit import brief, units
from alignment_toolkit.errors import ParameterError, UnknownName
from alignment_toolkit.results import KpiValue

__all__ = ["Explanation", "number_of", "part_of", "plain", "text_of"]

_LONG: Final = ("about", "why", "advice", "card")
_WIDTH: Final = 110


@dataclass(frozen=True)
class Explanation:
    """What there is to say of a KPI, an indicator, or one number; prints as text, and as a table in a notebook.

    Attributes
    ----------
    id, kind, title
        What is explained; `kind` is ``kpi`` or ``indicator``.
    facts
        What the catalogue says, by name.
    number
        The number that was asked for, with what it stands on; empty where none was.
    rows
        Where the rows of each relation went, and the rows of tables that were refused.

    Examples
    --------
    >>> told = Explanation("leads", "kpi", "Leads", {"about": "Leads of the period.", "unit": "count"})
    >>> print(told)
    Leads (leads)
    <BLANKLINE>
    Leads of the period.
    <BLANKLINE>
    unit  count
    <BLANKLINE>
    """

    id: str
    kind: str
    title: str
    facts: Mapping[str, Any]
    number: Mapping[str, Any] = field(default_factory=dict)
    rows: tuple[Mapping[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Give everything as plain JSON."""
        told: dict[str, Any] = {"id": self.id, "kind": self.kind, **self.facts}
        if self.number:
            told["number"] = dict(self.number)
        if self.rows:
            told["rows"] = [dict(r) for r in self.rows]
        return told

    def __str__(self) -> str:
        parts = [f"{self.title} ({self.id})"]
        long = {n: str(self.facts[n]) for n in _LONG if n in self.facts}
        if "about" in long:
            parts.append(_folded(long.pop("about")))
        short = {n: v for n, v in self.facts.items() if n not in (*_LONG, "title")}
        parts.append(_aligned([(n.replace("_", " "), _words(v)) for n, v in short.items()]))
        for name, text in long.items():
            parts.append(text.strip() if name == "card" else f"{name.capitalize()}: {_folded(text)}")
        if self.number:
            pairs = [(n.replace("_", " "), _words(v)) for n, v in self.number.items() if n != "what"]
            parts += [str(self.number.get("what", "This number")), _aligned(pairs)]
        if self.rows:
            parts += ["Rows that count, and rows that do not", _aligned([_row_words(r) for r in self.rows])]
        return "\n\n".join(parts) + "\n"

    __repr__ = __str__

    def tables(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """Give what there is to say as tables of two columns, each under its heading."""
        facts = [(n.replace("_", " "), _words(v)) for n, v in self.facts.items() if n != "title"]
        found = [(f"{self.title} ({self.id})", facts)]
        if self.number:
            told = [(n.replace("_", " "), _words(v)) for n, v in self.number.items() if n != "what"]
            found.append((str(self.number.get("what", "This number")), told))
        if self.rows:
            found.append(("Rows that count, and rows that do not", [_row_words(r) for r in self.rows]))
        return found


def part_of(
    rows: Sequence[KpiValue], by: Mapping[str, Any], id: str, *, missing: KpiValue | None = None
) -> KpiValue:
    """Give the row of one part of the company; where the KPI lacks the dimension, `missing` or the row that says so.

    Raises
    ------
    UnknownName
        For a part that no row speaks of, with the near match.
    ParameterError
        Where the parts can't be told, with the reason, or where there are none.
    """
    wanted = {k: text_of(v) for k, v in by.items()}
    for row in rows:
        if set(row.by) == set(by) and {k: text_of(v) for k, v in row.by.items()} == wanted:
            return row
    whole = [r for r in rows if not r.by]
    if missing is not None or (whole and whole[0].status != "ok" and by):
        return missing or whole[0]
    there = [", ".join(f"{k}={text_of(v)}" for k, v in r.by.items()) for r in rows if r.by]
    asked = ", ".join(f"{k}={v}" for k, v in wanted.items()) or "the total"
    if not there:
        raise ParameterError(
            f"There is no part '{asked}' of {id}: only its total is there. Analyse with --by {','.join(by)} first."
        )
    parts = [r for r in rows if r.by]
    if len(parts) == 1 and parts[0].reason and not any(v is not None for v in parts[0].by.values()):
        raise ParameterError(f"There is no part '{asked}' of {id}. {parts[0].reason}")
    raise UnknownName(f"part of the company for {id}:", asked, there)


def number_of(row: KpiValue, currency: str, *, n_unit: str = "") -> dict[str, Any]:
    """Give all that a KPI's row says, in words."""
    unit = units.UNITS.get(row.unit)

    def text(value: float | None) -> str:
        if value is None:
            return units.NOT_AVAILABLE
        return unit.text(value, currency=currency) if unit else f"{value:g}"

    where = ", ".join(f"{k} = {text_of(v)}" for k, v in row.by.items()) or "the whole company"
    number: dict[str, Any] = {
        "what": f"{row.title} in {row.period}, {where}",
        "value": text(row.value),
        "interval": f"{text(row.low)} to {text(row.high)} ({row.level:.0%})".replace("%)", " %)")
        if row.low is not None and row.high is not None and row.low != row.high
        else "none",
        "n": brief.cases(row.n, n_unit),
        "top": row.top,
        "bottom": row.bottom,
        "period": f"{row.start} to {row.to}",
        "filters": where,
        "method": row.method,
        "owners": plain(row.owners),
    }
    if row.reason:
        number["not available because"] = row.reason
    if row.censored:
        number["too young"] = row.censored
    if row.immature:
        number["immature"] = "not final; not to be compared"
    if row.spread:
        number["inside"] = {k: text(v) for k, v in row.spread.items()}
    for change in row.changes:
        if change.value is not None:
            points = row.unit == "share"
            p = "" if change.p is None else f" (p {change.p:.2g})"
            size = f"{change.value * 100:.2f} points" if points else text(change.value)
            number[f"change against {change.from_period}"] = f"{size}{p}"
    return {k: v for k, v in number.items() if v not in (None, "")}


def text_of(value: Any) -> str:
    """Give a value of a dimension in words."""
    return brief.write_value(value)


def plain(value: Any) -> Any:
    """Give a value as plain JSON."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(v) for v in value]
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(value)


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{k}: {_words(v)}" if v not in ([], ()) else str(k) for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(_words(v) for v in value)
    if isinstance(value, float):
        return f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _row_words(row: Mapping[str, Any]) -> tuple[str, str]:
    sign = {None: "", False: "- ", True: "= "}[row["counted"]]
    return f"{sign}{row['rows']:,}", f"{row['of']}: {row['what']}"


def _folded(text: str) -> str:
    paragraphs = [" ".join(p.split()) for p in text.strip().split("\n\n")]
    return "\n\n".join(textwrap.fill(p, _WIDTH) for p in paragraphs)


def _aligned(pairs: Sequence[tuple[str, str]]) -> str:
    wide = min(max((len(k) for k, _ in pairs), default=0), 30)
    lines = []
    for key, value in pairs:
        head = f"{key:<{wide}}  "
        lines.append(
            textwrap.fill(value, _WIDTH, initial_indent=head, subsequent_indent=" " * (wide + 2)) or head
        )
    return "\n".join(lines)
