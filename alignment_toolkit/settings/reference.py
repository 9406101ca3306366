"""What of the settings is published: the JSON Schema for editors, and the tables of docs/settings.md."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from alignment_toolkit.settings.loading import Settings

__all__ = ["BEGIN", "END", "reference", "settings_schema", "write"]

BEGIN: Final = "<!-- keys: begin -->"
END: Final = "<!-- keys: end -->"
SPACES: Final = {" ": "space", "\u00a0": "no-break space", "\u202f": "narrow no-break space"}
# Tables whose keys a company names, and how the reference writes such a key.
NAMED: Final = {
    "tables": "TABLE",
    "columns": "COLUMN",
    "kpis": "KPI",
    "owners": "KPI",
    "scorecard": "DEPARTMENT",
    "indicators": "INDICATOR",
}


def settings_schema() -> dict[str, Any]:
    """Give the JSON Schema of alignment.toml, for editors.

    Examples
    --------
    >>> settings_schema()["properties"]["privacy"]["$ref"]
    '#/$defs/PrivacySettings'
    """
    schema: dict[str, Any] = _tidy(Settings.model_json_schema(by_alias=True))
    schema["description"] = "Settings of a company for alignment_toolkit."
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _tidy(schema: Any) -> Any:
    """Leave out what TOML can't say (null) and what repeats the key (titles, defaults of whole tables)."""
    if isinstance(schema, list):
        return [_tidy(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {
        key: {name: _tidy(inside) for name, inside in value.items()}
        if key in ("properties", "$defs")
        else _tidy(value)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str) and value != "alignment.toml")
        and not (key == "default" and (value is None or isinstance(value, dict)))
    }
    default = kept.get("default")
    if isinstance(default, str) and re.fullmatch("[0-9:]{5}:00", default):
        kept["default"] = default[:5]
    if "anyOf" in kept:
        kept["anyOf"] = [one for one in kept["anyOf"] if one != {"type": "null"}]
        if len(kept["anyOf"]) == 1:
            kept.update(kept.pop("anyOf")[0])
    return kept


def reference() -> str:
    """Give every table and key with its type, default and meaning, as Markdown."""
    schema = settings_schema()
    return "\n\n".join(
        _section(schema, path, node)
        for name, part in schema["properties"].items()
        for path, node in _tables(schema, (name,), part)
    )


def _tables(
    schema: dict[str, Any], path: tuple[str, ...], part: Any
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Give the tables at and below a place of the schema; what a person names stands in capitals."""
    node = _resolved(schema, part)
    if node.get("type") != "object":
        return
    inside = node.get("additionalProperties")
    if path[-1] in NAMED and isinstance(inside, dict):
        about = {**_resolved(schema, inside), **{k: v for k, v in node.items() if k == "description"}}
        yield from _tables(schema, (*path, NAMED[path[-1]]), about)
        return
    if node.get("properties") or node.get("propertyNames") or path[-1] in NAMED.values():
        yield path, node
    for key, value in node.get("properties", {}).items():
        yield from _tables(schema, (*path, key), value)


def _resolved(schema: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    if "anyOf" in part:  # a text or a table: the table is what has keys
        part = {**next((one for one in part["anyOf"] if "$ref" in one), {}), **part}
    if "$ref" not in part:
        return part
    return {
        **schema["$defs"][part["$ref"].rpartition("/")[2]],
        **{k: v for k, v in part.items() if k != "$ref"},
    }


def _section(schema: dict[str, Any], path: tuple[str, ...], node: dict[str, Any]) -> str:
    lines = [f"### `[{'.'.join(path)}]`", "", node.get("description", "")]
    words = _resolved(schema, node).get("propertyNames", {}).get("enum")
    if words:
        lines.append(f"Keys: {', '.join(f'`{word}`' for word in words)}.")
    rows = [
        f"| `{key}` | {_type(value)} | {_default(value)} | {value.get('description', '')} |"
        for key, value in node.get("properties", {}).items()
    ]
    if rows:
        lines += ["", "| key | type | default | meaning |", "|---|---|---|---|", *rows]
    return "\n".join(lines)


def _type(part: dict[str, Any]) -> str:
    if "anyOf" in part:
        return " or ".join(dict.fromkeys(_type(one) for one in part["anyOf"]))
    if "enum" in part:
        return ", ".join(SPACES.get(word, f"`{word}`") for word in part["enum"])
    if part.get("type") == "array":
        return f"list of {_type(part['items'])}"
    if part.get("format") == "date":
        return "date"
    kinds = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
    return kinds.get(part.get("type", ""), "table")


def _default(part: dict[str, Any]) -> str:
    value = part.get("default")
    return "" if value in (None, "", []) else f"`{json.dumps(value)}`"


def write(docs: Path | str) -> None:
    """Write what is generated: the schema, and the tables of keys between their marks in settings.md."""
    folder = Path(docs)
    schema = folder / "schema" / "alignment.schema.json"
    schema.parent.mkdir(exist_ok=True)
    schema.write_text(json.dumps(settings_schema(), indent=2) + "\n", encoding="utf-8")
    page = folder / "settings.md"
    text = page.read_text(encoding="utf-8")
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    page.write_text(f"{before}{BEGIN}\n{reference()}\n{END}{after}", encoding="utf-8")
