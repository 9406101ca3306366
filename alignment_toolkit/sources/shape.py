"""What an expression says, as bytes: the same for two companies and two processes, and for two periods but for blanks.

What cannot change how a query is written is left blank, so that the SQL of one period serves for the next: names of
tables, dates, moments without a zone, floating numbers, and text that is only compared. Everything else is told whole.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache, lru_cache
from math import copysign, isfinite
from typing import Any, Final, NamedTuple

import ibis.expr.operations as ops
import ibis.expr.operations.geospatial as _geospatial
from ibis.common.graph import Node
from ibis.expr.datatypes import DataType
from ibis.expr.schema import Schema

__all__ = ["MARK", "Shape", "shape_of"]

# Stands before the number of a blank in SQL. A text with it in an expression is not told.
MARK: Final = "\x01"
_COMPARED: Final = (ops.Equals, ops.NotEquals, ops.Less, ops.LessEqual, ops.Greater, ops.GreaterEqual)


class Shape(NamedTuple):
    """What an expression says: the digest of all but its blanks, and what stands in these, in order."""

    digest: bytes
    blanks: tuple[ops.Literal | ops.DatabaseTable, ...]

    @property
    def apart(self) -> tuple[bytes, tuple[ops.Literal | str, ...]]:
        """The same without the connection that tables hold."""
        return self.digest, tuple(b.name if isinstance(b, ops.DatabaseTable) else b for b in self.blanks)


class _Untold(Exception):
    """Something is in an expression that is not known to be told without doubt."""


def shape_of(op: ops.Node) -> Shape | None:
    """Give all that an expression says, without the connection; None where something in it cannot be told.

    Two that are equal are written alike, those of two companies too whose tables have the same names and columns. Rows
    in memory, functions of a user and types that are not listed here are not told. Each node is told once, with the
    places of its parts, so that it is one walk.
    """
    try:
        nodes, places, fixed = _in_order(op)
        blanks: list[ops.Literal | ops.DatabaseTable] = []
        said = []
        for node in nodes:
            if isinstance(node, ops.PhysicalTable):
                if type(node) is not ops.DatabaseTable:
                    return None
                blanks.append(node)
                parts: Iterable[Any] = (MARK, node.schema, node.namespace)
            elif type(node) is ops.Literal and node not in fixed and (sign := _sign(node)):
                blanks.append(node)
                parts = (MARK, sign, node.dtype)
            else:
                parts = node.__args__
                if type(node) is ops.Literal and isinstance(node.value, str) and MARK in node.value:
                    return None
            said.append(_class(node.__class__) + _many("(", [_told(p, places) for p in parts]))
        whole = _many("!", said).encode()
    except (_Untold, UnicodeEncodeError):
        return None
    return Shape(hashlib.sha256(whole).digest(), tuple(blanks))


def _in_order(op: ops.Node) -> tuple[list[ops.Node], dict[int, int], set[ops.Node]]:
    """Give every node once, its parts before it; the place of each object; and the texts that are not only compared.

    A format, a unit or a pattern may decide how SQL is written. Objects that are equal are one node.
    """
    found: dict[ops.Node, int] = {}
    places: dict[int, int] = {}
    fixed: set[ops.Node] = set()
    waiting: list[tuple[ops.Node, tuple[ops.Node, ...] | None]] = [(op, None)]
    while waiting:
        node, parts = waiting.pop()
        if id(node) in places:
            continue
        if parts is None:
            if type(node) is ops.Literal and _is_minus_nothing(node.value):
                raise _Untold  # it equals 0, and which of the two ibis writes is a matter of order
            parts = node.__children__
            waiting.append((node, parts))
            waiting += [(part, None) for part in parts if id(part) not in places]
        else:
            places[id(node)] = found.setdefault(node, len(found))
            if not isinstance(node, _COMPARED):
                fixed.update(p for p in parts if type(p) is ops.Literal and p.dtype.is_string())
    return list(found), places, fixed


def _is_minus_nothing(value: object) -> bool:
    return type(value) is float and value == 0 and copysign(1, value) < 0


def _sign(literal: ops.Literal) -> str | None:
    """Say how a literal is left blank; None where it is not."""
    value, kind = literal.value, literal.dtype
    if type(value) is date and kind.is_date():
        return "date"
    if type(value) is datetime and value.tzinfo is None and kind.is_timestamp() and kind.timezone is None:
        return "moment"
    if type(value) is str and kind.is_string():
        return "text"
    # A minus is an operator in SQL, and is written as one.
    if type(value) is float and kind.is_floating() and isfinite(value) and value != 0:
        return "number" if value > 0 else "minus"
    return None


def _many(mark: str, parts: list[str]) -> str:
    return f"{mark}{len(parts)}:{''.join(parts)}"


def _text(value: str) -> str:
    return f"s{len(value)}:{value}"


@cache
def _class(kind: type) -> str:
    """Name a class of ibis; another one may mean anything, and places on a map need more than a query."""
    home = sys.modules.get(kind.__module__)
    if (
        home is _geospatial
        or not kind.__module__.startswith("ibis.")
        or getattr(home, kind.__qualname__, None) is not kind
    ):
        raise _Untold
    return _text(f"{kind.__module__}.{kind.__qualname__}")


@lru_cache(maxsize=1024)
def _type(kind: DataType) -> str:
    return "y" + _class(kind.__class__) + _many("(", [_told(part, {}) for part in kind.__args__])


@lru_cache(maxsize=1024)
def _schema(schema: Schema) -> str:
    return _many("{", [_text(name) + _type(kind) for name, kind in schema.items()])


def _of_enum(value: Enum) -> str:
    return "e" + _class(type(value)) + _text(value.name)


def _float(value: float) -> str:
    # ibis takes it for 0.0, and which of the two it writes is not told by their places.
    if _is_minus_nothing(value):
        raise _Untold
    return f"f{value.hex()};"


def _moment(value: datetime) -> str:
    if value.tzinfo is None:
        return f"m{value.isoformat()};"
    return "z" + _text(value.isoformat()) + _text(repr(value.tzinfo)) + str(value.fold)


def _of_time(value: time) -> str:
    if value.tzinfo is not None:
        raise _Untold
    return f"t{value.isoformat()};"


# By the exact type: True is no 1, and what a library derives from a number may be written in another way.
_TOLD: Final[dict[type, Callable[[Any], str]]] = {
    str: _text,
    bool: lambda v: "T" if v else "F",
    int: lambda v: f"i{v};",
    float: _float,
    Decimal: lambda v: f"d{v};",
    type(None): lambda v: "N",
    bytes: lambda v: f"b{v.hex()};",
    date: lambda v: f"D{v.isoformat()};",
    datetime: _moment,
    time: _of_time,
    timedelta: lambda v: f"l{v.days},{v.seconds},{v.microseconds};",
    Schema: _schema,
}


def _told(value: Any, places: dict[int, int]) -> str:
    kind = type(value)
    if (say := _TOLD.get(kind)) is not None:
        return say(value)
    if isinstance(value, Node):
        return f"n{places[id(value)]};"
    if kind is tuple or kind is list:
        return _many("(", [_told(part, places) for part in value])
    if isinstance(value, DataType):
        return _type(value)
    if isinstance(value, dict):
        return _many("{", [_told(k, places) + _told(v, places) for k, v in value.items()])
    if kind is frozenset:
        return _many("u", sorted(_told(part, places) for part in value))
    if isinstance(value, Enum):
        return _of_enum(value)
    if kind is ops.Namespace:
        return "p" + _many("(", [_told(part, places) for part in value.__args__])
    if isinstance(value, type):
        return "k" + _class(value)
    raise _Untold
