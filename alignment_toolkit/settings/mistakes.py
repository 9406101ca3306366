"""From what a model refuses to what a person should change, with the line in the file."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from alignment_toolkit.errors import SettingsError, did_you_mean
from alignment_toolkit.settings.lines import Path
from alignment_toolkit.settings.words import SOURCE_OPTIONS, same_id, shown

__all__ = ["InvalidSettings", "Mistake", "cross_mistakes", "name_mistakes", "place", "refused"]

Found = tuple[Path, str]

_MUST = {
    "string_type": "a text in quotes",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "tuple_type": "a list",
    "list_type": "a list",
    "finite_number": "a finite number",
}
_LIMITS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
}


@dataclass(frozen=True)
class Mistake:
    """One mistake in a settings file: the line (None where nothing is written), the path of the key, and the text."""

    line: int | None
    path: Path
    message: str

    def __str__(self) -> str:
        return self.message if self.line is None else f"line {self.line}: {self.message}"


class InvalidSettings(SettingsError):
    """A settings file was refused; `mistakes` holds all that is wrong with it, in the order of lines."""

    def __init__(self, file: str, mistakes: Sequence[Mistake]) -> None:
        self.file = file
        self.mistakes = tuple(sorted(mistakes, key=lambda m: (m.line or 0, [str(p) for p in m.path])))
        if len(self.mistakes) == 1:
            joint = ": " if self.mistakes[0].line is None else ", "
            text = f"{file}{joint}{self.mistakes[0]}"
        else:
            text = "\n".join(
                [f"{file} has {len(self.mistakes)} mistakes:", *(f"  - {m}" for m in self.mistakes)]
            )
        super().__init__(text)


def place(path: Sequence[str | int]) -> str:
    """Write a path as one sees it in the file.

    Examples
    --------
    >>> place(("tables", "leads", "columns", "channel"))
    '[tables.leads.columns] channel'
    >>> place(("calendar", "holidays", 0))
    '[calendar] holidays, element 1'
    """
    keys = [p for p in path if isinstance(p, str)]
    element = f", element {path[-1] + 1}" if path and isinstance(path[-1], int) else ""
    if len(keys) == 1:
        return f"[{keys[0]}]{element}"
    return f"[{'.'.join(keys[:-1])}] {keys[-1]}{element}"


def refused(error: ValidationError, data: Mapping[str, Any], model: type[BaseModel]) -> Iterator[Found]:
    """Give path and message of everything that the model refused, one for a place."""
    seen: dict[Path, list[Mapping[str, Any]]] = {}
    for one in error.errors(include_url=False):
        seen.setdefault(_in_file(one["loc"], data), []).append(one)
    for path, ones in seen.items():
        # A list of wrong elements only is counted as empty, which it is not.
        if ones[0]["type"] == "too_short" and any(
            other != path and other[: len(path)] == path for other in seen
        ):
            continue
        yield path, _message(path, ones, model)


def _in_file(loc: Sequence[str | int], data: Any) -> Path:
    """Cut what the model adds to a path (the tried alternatives, "[key]") and keep what is written."""
    path: list[str | int] = []
    for part in loc:
        inside = isinstance(data, dict) and part in data
        inside = inside or (isinstance(data, list) and isinstance(part, int) and part < len(data))
        if not inside:
            break
        path.append(part)
        data = data[part]
    return tuple(path)


def _message(path: Path, ones: Sequence[Mapping[str, Any]], model: type[BaseModel]) -> str:
    one = ones[0]
    kind, context = one["type"], one.get("ctx", {})
    where = place(path)
    if kind == "extra_forbidden":
        above = _model_at(model, path[:-1])
        if len(path) == 1 and not isinstance(one["input"], (dict, list)):
            return _homeless(str(path[0]), model)
        what = "table" if len(path) == 1 else "key"
        inside = f" in [{'.'.join(str(p) for p in path[:-1])}]" if len(path) > 1 else ""
        return f"there is no {what} '{path[-1]}'{inside}. {did_you_mean(str(path[-1]), _keys(above))}"
    if kind == "setting":
        return f"{where} {context['message']}"
    secret = path[0] in ("source", "notify") or path == ("privacy", "key")
    given = type_name(one["input"]) if secret else shown(one["input"])
    about = _about(model, path)
    if len(ones) > 1 and all(o["type"].endswith("_type") for o in ones):
        return f"{where} is {given}; it must be a text, a number or true or false.{about}"
    if len(path) > 1 and path[-2] == "columns" and kind == "model_type":
        return (
            f"{where} is {given}; it must be the column's name in the source, in quotes, or a table.{about}"
        )
    if kind == "literal_error":
        near = did_you_mean(str(one["input"]), re.findall(r"'([^']*)'", str(context["expected"])))
        return f"{where} is {given}. {near}{about}"
    if kind in _LIMITS:
        word, key = _LIMITS[kind]
        return f"{where} is {given}; it must be {word} {context[key]:g}.{about}"
    if kind in ("string_too_short", "too_short"):
        return f"{where} is empty; it must not be.{about}"
    if kind == "string_too_long":
        return f"{where} is {given}; it must be one character.{about}"
    return f"{where} is {given}; it must be {_MUST.get(kind, 'something else')}.{about}"


def _homeless(key: str, model: type[BaseModel]) -> str:
    """Say of a key that stands before the first table where it belongs."""
    for table, field in model.model_fields.items():
        inside = _plain(field.annotation)
        if isinstance(inside, type) and issubclass(inside, BaseModel) and _field(inside, key):
            return f"'{key}' stands in no table; it belongs below the line [{table}]."
    return f"there is no table '{key}'. {did_you_mean(key, _keys(model))}"


def type_name(value: Any) -> str:
    """Say what kind of value it is, and nothing of the value."""
    kinds = {
        bool: "true or false",
        str: "a text",
        int: "a number",
        float: "a number",
        list: "a list",
        dict: "a table",
    }
    return kinds.get(type(value), "a date or time")


def _about(model: type[BaseModel], path: Path) -> str:
    above = _model_at(model, path[:-1])
    field = _field(above, path[-1]) if above and isinstance(path[-1], str) else None
    return f" ({field.description})" if field is not None and field.description else ""


def _keys(model: type[BaseModel] | None) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()] if model else []


def _field(model: type[BaseModel], key: str) -> FieldInfo | None:
    return next((f for name, f in model.model_fields.items() if key in (f.alias, name)), None)


def _model_at(model: type[BaseModel], path: Sequence[str | int]) -> type[BaseModel] | None:
    """Follow a path through the models, the dicts and the lists of models."""
    here: Any = model
    for part in path:
        if isinstance(here, type) and issubclass(here, BaseModel):
            field = _field(here, str(part))
            here = _plain(field.annotation) if field else None
        elif typing.get_origin(here) is dict:
            here = _plain(typing.get_args(here)[1])
        elif typing.get_origin(here) is tuple:
            here = _plain(typing.get_args(here)[0])
        else:
            return None
    return here if isinstance(here, type) and issubclass(here, BaseModel) else None


def _plain(annotation: Any) -> Any:
    if typing.get_origin(annotation) is typing.Annotated:
        return _plain(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        inner = [a for a in typing.get_args(annotation) if a is not type(None)]
        return _plain(inner[0])
    return annotation


def cross_mistakes(data: Mapping[str, Any]) -> Iterator[Found]:
    """Give what no single key shows: ids written twice, and keys of [source] that its kind does not have."""
    scorecards = data.get("scorecard", {})
    places: list[Path] = [("kpis",), ("indicators",), ("owners",)]
    if isinstance(scorecards, dict):
        places += [("scorecard", name, part) for name in scorecards for part in ("weights", "caps")]
    for path in places:
        ids: dict[str, str] = {}
        for name in _table(data, path):
            first = ids.setdefault(same_id(name), name)
            if first != name:
                yield (
                    (*path, name),
                    f"{place((*path, name))} is the same id as '{first}'; only one may stand there.",
                )
    source = _table(data, ("source",))
    kind = source.get("kind")
    if kind is None or (isinstance(kind, str) and kind in SOURCE_OPTIONS):
        known = [
            "kind",
            "url",
            *(SOURCE_OPTIONS[kind] if kind else sorted({o for k in SOURCE_OPTIONS.values() for o in k})),
        ]
        of = f" of kind '{kind}'" if kind else ""
        for key in source:
            if key not in known:
                yield ("source", key), f"there is no key '{key}' in [source]{of}. {did_you_mean(key, known)}"


def _table(data: Any, path: Path) -> dict[str, Any]:
    for part in path:
        data = data.get(part) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def name_mistakes(
    mapped: Mapping[str, Mapping[str, Any]], tables: Mapping[str, Collection[str]]
) -> Iterator[Found]:
    """Give the tables and columns of [tables.*] that are not canonical."""
    for table, mapping in mapped.items():
        if table not in tables:
            yield ("tables", table), f"there is no table '{table}'. {did_you_mean(table, tables)}"
            continue
        columns: list[tuple[Path, Any]] = [((), mapping)]
        union = mapping.get("union", ())
        columns += [(("union", number), part) for number, part in enumerate(union) if isinstance(part, dict)]
        for inside, part in columns:
            for column in _table(part, ("columns",)):
                if column not in tables[table]:
                    message = (
                        f"table '{table}' has no column '{column}'. {did_you_mean(column, tables[table])} "
                        "Further columns of the source are kept under their own names and need no line here."
                    )
                    yield ("tables", table, *inside, "columns", column), message
