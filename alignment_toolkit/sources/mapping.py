"""Mappings: how alignment.toml brings columns with other names, words and forms into the canonical ones."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from alignment_toolkit.brief import some
from alignment_toolkit.errors import did_you_mean
from alignment_toolkit.sources.expression import BadExpression, scalar
from alignment_toolkit.sources.part import Engine, Part, RawColumn, literal
from alignment_toolkit.tables import TableSpec

__all__ = ["mapped_columns", "wanted_names"]


def wanted_names(spec: TableSpec, mapping: Any) -> list[str]:
    """Name the columns that the header of a file may show: those that the mapping names, then the canonical ones."""
    named = [c.from_ for c in mapping.columns.values() if c.from_] if mapping is not None else []
    return list(dict.fromkeys([*named, *spec.columns]))


def mapped_columns(
    engine: Engine, part: Part, spec: TableSpec, present: Mapping[str, RawColumn], mapping: Any, settings: Any
) -> None:
    """Fill the part's columns: those that the mapping says, then those of the same name, then all further ones.

    Raises
    ------
    SettingsError
        If the mapping names a column that is not there or has an expression that is not allowed: line, near match.
    """
    said = mapping.columns if mapping is not None else {}
    mistakes: list[tuple[tuple[str, ...], str]] = []
    used: set[str] = set()
    for name, how in said.items():
        key = ("tables", spec.name, "columns", name)
        if how.value is not None:
            part.columns[name] = RawColumn(literal(_plain(how.value)), source="", constant=True)
            continue
        try:
            if how.sql is not None:
                part.columns[name] = scalar(engine, how.sql, present, part.relation, part.formats)
                continue
        except BadExpression as error:
            mistakes.append((key, f'has sql = "{how.sql}": {error}'))
            continue
        source = how.from_ or name
        if source not in present:
            near = did_you_mean(source, present)
            mistakes.append((key, f"takes the column '{source}', which {part.file} does not have. {near}"))
            continue
        used.add(source)
        folded = name in spec.columns and spec.columns[name].type == "word"
        part.columns[name] = _translated(present[source], how, folded=folded)
    where = mapping.where if mapping is not None else None
    if where is not None:
        try:
            condition = scalar(engine, where, present, part.relation, part.formats).sql
            _undecided(engine, part, where, condition)
            part.where = f"({condition}) IS TRUE"
        except BadExpression as error:
            mistakes.append((("tables", spec.name, "where"), f'is "{where}": {error}'))
    if mistakes:
        raise settings.error(*mistakes)
    for source, raw in present.items():
        if source in part.columns or source in used:
            continue
        part.columns[source] = raw
        close = [c for c in spec.columns if c not in present and c not in said]
        near = did_you_mean(source, close) if source not in spec.columns else ""
        if near.startswith("Did") and _very_near(source, near):
            message = f"{part.file} has a column '{source}' that is no canonical one. {near}"
            part.tell("near_column", message, column=source, level="warning")
    if spec.key and spec.key in part.columns:
        part.row_name = spec.key


def _undecided(engine: Engine, part: Part, where: str, condition: str) -> None:
    """Warn of rows for which a condition is neither true nor false: SQL leaves them out, which few expect."""
    query = f"SELECT count(*) FROM {part.relation} WHERE ({condition}) IS NULL"
    count = engine.execute(query).fetchone()[0]
    if count:
        message = (
            f'{part.file}: for {some(count, "row")} where = "{where}" is neither true nor false (an empty cell); left'
            " out. Write coalesce(column, '') to decide them."
        )
        part.tell("where_undecided", message, level="warning")


def _very_near(source: str, near: str) -> bool:
    word = near.split("'")[1]
    return difflib.SequenceMatcher(None, source.casefold().replace(" ", "_"), word).ratio() >= 0.85


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _translated(raw: RawColumn, how: Any, *, folded: bool) -> RawColumn:
    """Apply `map` and `nulls`; words are compared trimmed and case-folded, ids and names exactly."""
    if not how.map and not how.nulls:
        return raw
    text = raw.sql if raw.physical == "VARCHAR" else f"CAST({raw.sql} AS VARCHAR)"
    asked = f"lower(trim({text}))" if folded else text

    def key(word: str) -> str:
        return literal(word.strip().lower() if folded else word)

    cases = [f"WHEN {key(word)} THEN NULL" for word in how.nulls]
    cases += [f"WHEN {key(word)} THEN {literal(_plain(to))}" for word, to in how.map.items()]
    return RawColumn(f"CASE {asked} {' '.join(cases)} ELSE {text} END", source=raw.source)
