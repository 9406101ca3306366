"""Cells: how a raw column becomes a typed one in the engine, and what is said of a cell that can't be typed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from alignment_toolkit.sources.part import Formats, RawColumn, literal
from alignment_toolkit.tables import ColumnSpec

__all__ = ["BLANKS", "Cell", "Fault", "cell", "family", "plain_number"]

Level = Literal["error", "warning"]
BLANKS: Final = literal(" \t\r\n\u00a0\u202f")
_DAY: Final = r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
_CLOCK: Final = r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?"
_OFFSET: Final = r" ?(Z|[+-](0\d|1[0-5])(:?[0-5]\d)?)"
_LOCAL: Final = rf"{_DAY}([T ]{_CLOCK})?"
_ZONED: Final = rf"{_DAY}[T ]{_CLOCK}{_OFFSET}"
_DIRECTIVES: Final = {
    "d": r"\d{1,2}", "m": r"\d{1,2}", "Y": r"\d{4}", "y": r"\d{2}", "H": r"\d{1,2}", "I": r"\d{1,2}",
    "M": r"\d{1,2}", "S": r"\d{1,2}", "f": r"\d{1,6}", "p": r"[AaPp][Mm]", "j": r"\d{1,3}", "z": r"[+-]\d{2}:?\d{2}",
    "%": "%",
}  # fmt: skip
_ALIKE: Final = (" \u00a0\u202f", "'’")
_TOO_LARGE: Final = "it must be below 100,000,000,000,000"
_INTEGERS: Final = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")


@dataclass(frozen=True)
class Fault:
    """What may be wrong with a cell: SQL that tells it, and the words for the person who reads of it."""

    code: str
    level: Level
    condition: str
    right: str


@dataclass(frozen=True)
class Cell:
    """A typed column: SQL that gives it, SQL that shows the raw cell, and its faults; the first that holds counts.

    `wrong_type` says why the column can't be used at all.
    """

    typed: str
    shown: str
    faults: tuple[Fault, ...] = ()
    wrong_type: str | None = None


def family(physical: str) -> str:
    """Sort a type of the engine: text, integer, number, decimal, date, moment, zoned, bool or other.

    Examples
    --------
    >>> family("DECIMAL(18,4)"), family("TIMESTAMP_NS"), family("UUID")
    ('decimal', 'moment', 'text')
    """
    kind = physical.upper()
    if kind in ("VARCHAR", "UUID", "NULL") or kind.startswith("ENUM"):
        return "text"
    if kind.removeprefix("U") in _INTEGERS:
        return "integer"
    if kind in ("FLOAT", "DOUBLE"):
        return "number"
    if kind.startswith("DECIMAL"):
        return "decimal"
    if kind == "DATE":
        return "date"
    if kind in ("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ"):
        return "zoned"
    if kind.startswith("TIMESTAMP"):
        return "moment"
    return "bool" if kind == "BOOLEAN" else "other"


def cell(spec: ColumnSpec, raw: RawColumn, formats: Formats, zone: str) -> Cell:
    """Type a column by its declaration.

    Parameters
    ----------
    spec
        The canonical column.
    raw
        The column of the source.
    formats
        How the source writes dates and numbers.
    zone
        The company's time zone; moments with an offset are brought into it.
    """
    kind = family(raw.physical)
    text = raw.sql if raw.physical.upper() == "VARCHAR" else f"CAST({raw.sql} AS VARCHAR)"
    made: Made | str
    if kind == "text":
        filled = f"nullif({text}, '')"
        made = _from_text(spec, filled, formats, zone)
    else:
        filled = raw.sql
        made = _from_value(spec, raw.sql, raw.physical, kind, zone)
    if isinstance(made, str):
        return Cell("NULL", text, wrong_type=made)
    typed, faults = made
    faults = [*faults, *_bounds(spec, typed)]
    for operand in raw.operands:
        bad = f"{operand} IS NOT NULL AND {plain_number(operand, formats)[0]} IS NULL"
        faults.insert(0, Fault("not_a_number", "error", bad, "its SQL expression takes a number"))
    if spec.required and not spec.may_be_empty:
        faults.append(Fault("missing_value", "error", f"{filled} IS NULL", "it must be filled"))
    if raw.operands:
        # What could not be reckoned with is shown, not the empty result.
        text = f"coalesce({text}, {', '.join(raw.operands)})"
    return Cell(typed, text, tuple(faults))


Made = tuple[str, list[Fault]]


def _untypable(code: str, filled: str, typed: str, right: str) -> Fault:
    return Fault(code, "error", f"{filled} IS NOT NULL AND ({typed}) IS NULL", right)


def _matches(text: str, pattern: str) -> str:
    return f"regexp_full_match({text}, {literal(pattern)})"


def _from_text(spec: ColumnSpec, x: str, formats: Formats, zone: str) -> Made:
    if spec.type in ("text", "id", "word"):
        return x, []
    bare = f"trim({x}, {BLANKS})"
    if spec.type == "timestamp":
        typed, right = _moment(bare, formats, zone)
        return typed, [_untypable("not_a_timestamp", x, typed, right)]
    if spec.type == "date":
        typed, right = _moment(bare, formats, zone)
        typed = f"CAST({typed} AS DATE)"
        return typed, [_untypable("not_a_date", x, typed, right.replace("a time as", "a date as"))]
    if spec.type == "bool":
        typed = (
            f"CASE WHEN lower({bare}) IN ('true', 'yes', '1') THEN true"
            f" WHEN lower({bare}) IN ('false', 'no', '0') THEN false END"
        )
        return typed, [_untypable("not_a_bool", x, typed, "it must be true, false, yes, no, 1 or 0")]
    plain, right = plain_number(bare, formats)
    if spec.type == "integer":
        typed = f"CASE WHEN {_matches(plain, '[+-]?[0-9]+([.]0+)?')} THEN TRY_CAST({plain} AS BIGINT) END"
        return typed, [_untypable("not_a_whole_number", x, typed, "it must be a whole number, as in 12")]
    if spec.type == "money":
        typed = f"TRY_CAST({plain} AS DECIMAL(18,4))"
        return typed, [
            Fault("not_a_number", "error", f"{x} IS NOT NULL AND ({plain}) IS NULL", right),
            Fault("too_large", "error", f"({plain}) IS NOT NULL AND {typed} IS NULL", _TOO_LARGE),
            Fault("rounded", "warning", _matches(plain, r".*[.]\d{4}\d*[1-9]\d*"), "rounded to four decimals"),
        ]  # fmt: skip
    typed = f"TRY_CAST({plain} AS DOUBLE)"
    return typed, [_untypable("not_a_number", x, typed, right)]


def plain_number(x: str, formats: Formats) -> tuple[str, str]:
    """Give SQL for the plain form of a number (NULL where it is none), and what would be right."""
    point = re.escape(formats.decimal)
    group = formats.thousands
    if group is None:
        pattern = rf"[+-]?(\d+({point}\d+)?|{point}\d+)"
        plain = x
        example = "1234.56".replace(".", formats.decimal)
    else:
        mark = next((f"[{alike}]" for alike in _ALIKE if group in alike), re.escape(group))
        pattern = rf"[+-]?(\d{{1,3}}({mark}\d{{3}})+|\d+)({point}\d+)?"
        plain = f"regexp_replace({x}, {literal(mark)}, '', 'g')"
        example = f"1{group}234{formats.decimal}56"
    if formats.decimal != ".":
        plain = f"replace({plain}, {literal(formats.decimal)}, '.')"
    right = f"it must be a plain number, as in {example}"
    if group is None and formats.decimal == ".":
        right += " (other forms need decimal and thousands in the settings)"
    elif group is None:
        right += f' (with a mark between thousands, thousands = "{"." if formats.decimal == "," else ","}")'
    return f"CASE WHEN {_matches(x, pattern)} THEN {plain} END", right


def _moment(x: str, formats: Formats, zone: str) -> tuple[str, str]:
    """Give SQL for a naive moment in the company's zone, and what would be right."""
    written = formats.dates
    if written is None:
        # The engine wants seconds and no blank before an offset.
        close = f"regexp_replace({x}, '^(.{{16,}}) (Z|[+-])', '\\1\\2')"
        seconds = f"regexp_replace({close}, '^(.{{16}})(Z|[+-])', '\\1:00\\2')"
        typed = (
            f"CASE WHEN {_matches(x, _LOCAL)} THEN TRY_CAST({x} AS TIMESTAMP)"
            f" WHEN {_matches(x, _ZONED)} THEN timezone({literal(zone)}, TRY_CAST({seconds} AS TIMESTAMPTZ)) END"
        )
        right = "it must be a time as in 2026-09-30 or 2026-09-30T14:05:00"
        return typed, f"{right} (other forms need dates in the settings)"
    forms = [written]
    if not re.search(r"%[HIMSfpcXz]", written):
        forms += [f"{written} %H:%M", f"{written} %H:%M:%S"]
    choices = []
    for form in forms:
        parsed = f"try_strptime({x}, {literal(form)})"
        if "%z" in form:
            parsed = f"timezone({literal(zone)}, {parsed})"
        choices.append(f"WHEN {_matches(x, _form_pattern(form))} THEN {parsed}")
    return f"CASE {' '.join(choices)} END", f'it must be a time as in the settings\' dates = "{written}"'


def _form_pattern(form: str) -> str:
    """Write a date format as a pattern that takes no other number of digits (a year of two digits is no %Y)."""
    out, position = "", 0
    for found in re.finditer(r"%(.)", form):
        out += re.escape(form[position : found.start()]) + _DIRECTIVES.get(found.group(1), ".+")
        position = found.end()
    return out + re.escape(form[position:])


def _from_value(spec: ColumnSpec, x: str, physical: str, kind: str, zone: str) -> Made | str:
    """Type what the source has typed already."""
    if spec.type in ("text", "id", "word"):
        if spec.type == "id" and kind in ("number", "decimal"):
            whole = f"CASE WHEN {x} = floor({x}) AND abs({x}) < 9007199254740992 THEN CAST({x} AS BIGINT) END"
            typed = f"CAST({whole} AS VARCHAR)"
            return typed, [
                _untypable(
                    "not_an_id", x, typed, "an id that is stored as a number must be whole and below 2^53"
                ),
                Fault(
                    "id_from_number", "warning", f"({typed}) IS NOT NULL", "a number keeps no leading zeros"
                ),
            ]
        return f"CAST({x} AS VARCHAR)", []
    if spec.type in ("timestamp", "date"):
        forms = {"moment": x, "date": x, "zoned": f"timezone({literal(zone)}, {x})"}
        if kind not in forms:
            return f"is {physical}; it must be a {spec.type} or an ISO 8601 text"
        target = "TIMESTAMP" if spec.type == "timestamp" else "DATE"
        typed = forms[kind] if physical.upper() == target else f"CAST({forms[kind]} AS {target})"
        return typed, []
    if spec.type == "bool":
        if kind == "bool":
            return x, []
        if kind != "integer":
            return f"is {physical}; it must be true or false"
        typed = f"CASE {x} WHEN 1 THEN true WHEN 0 THEN false END"
        return typed, [_untypable("not_a_bool", x, typed, "it must be true, false, 1 or 0")]
    if kind not in ("integer", "number", "decimal"):
        return f"is {physical}; it must be a number"
    right = "it must be a finite number"
    if spec.type == "integer":
        typed = x if physical == "BIGINT" else f"TRY_CAST({x} AS BIGINT)"
        not_whole = Fault("not_a_whole_number", "error", f"{x} <> floor({x})", "it must be a whole number")
        return typed, [
            _untypable("not_a_number", x, typed, right),
            *([not_whole] if kind != "integer" else []),
        ]
    if spec.type == "money":
        if physical.upper().replace(" ", "") == "DECIMAL(18,4)":
            return x, []
        typed = f"TRY_CAST({x} AS DECIMAL(18,4))"
        lost = f"abs({x} - {typed}) > 0.000001"
        return typed, [
            _untypable("not_a_number", x, typed, _TOO_LARGE),
            *([Fault("rounded", "warning", lost, "rounded to four decimals")] if kind != "integer" else []),
        ]
    typed = x if physical.upper() == "DOUBLE" else f"TRY_CAST({x} AS DOUBLE)"
    return typed, [
        Fault("not_a_number", "error", f"NOT isfinite({typed})", right)
    ] if kind == "number" else []


def _bounds(spec: ColumnSpec, typed: str) -> list[Fault]:
    if spec.low is None and spec.high is None:
        return []
    low = f"({typed}) < {spec.low:g}" if spec.low is not None else "false"
    high = f"({typed}) > {spec.high:g}" if spec.high is not None else "false"
    if spec.high is None:
        right = f"it must be {spec.low:g} or more"
    else:
        right = f"it must be {spec.low:g} to {spec.high:g}"
    return [Fault("out_of_range", "error", f"({low} OR {high})", right)]
