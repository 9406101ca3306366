"""Results to JSON and back without loss: numbers rounded once, keys by name, what is missing or unknown refused."""

from __future__ import annotations

import dataclasses
import functools
import math
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from alignment_toolkit.errors import AlignmentError

__all__ = ["SCHEMA", "NotANumber", "build", "clean_number", "clean_value", "dump"]

SCHEMA = 1
T = TypeVar("T")


class NotANumber(AlignmentError):
    """A result was about to carry NaN or an infinity."""


def clean_number(value: Any) -> float | int | None:
    """Round to 12 significant digits as every number of an Analysis is; refuse NaN and infinities.

    Examples
    --------
    >>> clean_number(1 / 3)
    0.333333333333
    >>> clean_number(7)
    7
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value
    number = float(value)
    if not math.isfinite(number):
        raise NotANumber(f"A result carries {number}; a missing number must be None with its reason.")
    rounded = float(f"{number:.12g}")
    return 0.0 if rounded == 0 else rounded


def clean_value(value: Any) -> Any:
    """Turn a cell of evidence or a dimension value into plain JSON: numbers cleaned, missing None, the rest text."""
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, float) and math.isnan(value):
        return None
    item = getattr(value, "item", None)
    if callable(item):
        return clean_value(item())
    if isinstance(value, (int, float)):
        return clean_number(value)
    if type(value).__name__ in ("NaTType", "NAType"):
        return None
    if type(value).__name__ == "Decimal":
        return clean_number(float(value))
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _key(f: dataclasses.Field[Any]) -> str:
    return str(f.metadata.get("key", f.name))


def dump(value: Any) -> Any:
    """Give a result as plain dictionaries, lists, text and numbers."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {_key(f): dump(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(k): dump(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [dump(v) for v in value]
    return clean_value(value)


def _load(kind: Any, value: Any) -> Any:
    if value is None:
        return None
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        inner = [k for k in typing.get_args(kind) if k is not type(None)]
        return _load(inner[0], value) if len(inner) == 1 else value
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return build(kind, value)
    if origin is tuple:
        inside = typing.get_args(kind)[0]
        return tuple(_load(inside, v) for v in value)
    return value


@functools.cache
def _hints(cls: type[Any]) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def build(cls: type[T], data: Mapping[str, Any]) -> T:
    """Give the result of that class that `dump` was given.

    Raises
    ------
    AlignmentError
        For missing or unknown keys, by name.
    """
    hints = _hints(cls)  # type: ignore[arg-type]
    fields_ = [f for f in dataclasses.fields(cls) if f.init]  # type: ignore[arg-type]
    known = {_key(f) for f in fields_}
    missing = sorted(_key(f) for f in fields_ if _key(f) not in data)
    if missing:
        raise AlignmentError(f"This is no {cls.__name__} of schema {SCHEMA}: {', '.join(missing)} missing.")
    extra = sorted(set(data) - known)
    if extra:
        raise AlignmentError(f"This is no {cls.__name__} of schema {SCHEMA}: {', '.join(extra)} unknown.")
    return cls(**{f.name: _load(hints[f.name], data[_key(f)]) for f in fields_})
