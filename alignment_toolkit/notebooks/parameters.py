"""The typed parameters cell of a notebook, read by its syntax tree: nothing runs before the values are right."""

from __future__ import annotations

import ast
import io
import math
import re
import tokenize
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from alignment_toolkit.errors import ParameterError, UnknownName, did_you_mean
from alignment_toolkit.periods import resolve

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["Kind", "Parameter", "check_parameters", "json_schema", "parameters_of", "parse_parameters"]

SCALARS = ("str", "int", "float", "bool", "date", "Period")
TYPES_IN_WORDS = "str, int, float, bool, date, Period, list[str], Literal[...], and each of them | None"


@dataclass(frozen=True)
class Kind:
    """The declared type of a parameter."""

    base: str
    choices: tuple[str | int, ...] = ()
    optional: bool = False

    def __str__(self) -> str:
        """Give the type as it is written in a parameters cell."""
        base = f"Literal[{', '.join(map(repr, self.choices))}]" if self.choices else self.base
        return f"{base} | None" if self.optional else base


@dataclass(frozen=True)
class Parameter:
    """One line of a notebook's parameters cell: ``name: type = default  # help``."""

    name: str
    kind: Kind
    default: Any
    help: str
    required: bool = False

    def to_json(self) -> dict[str, Any]:
        """Give the parameter as in ``alignment params --json``."""
        return {
            "name": self.name,
            "type": str(self.kind),
            "default": self.default,
            "required": self.required,
            "allowed": list(self.kind.choices),
            "help": self.help,
        }


def parameters_of(notebook: NotebookNode, name: str) -> tuple[Parameter, ...]:
    """Read a notebook's parameters from its cell tagged ``parameters``; nothing is executed.

    Raises
    ------
    ParameterError
        Where there is no such cell, more than one, or a line in it that declares no parameter.
    """
    cells = [
        c for c in notebook.cells if c.cell_type == "code" and "parameters" in c.metadata.get("tags", [])
    ]
    if len(cells) != 1:
        raise ParameterError(
            f"Notebook '{name}' has {len(cells) or 'no'} code cells with the tag 'parameters'; it needs exactly one."
        )
    return parse_parameters(cells[0].source, name)


def parse_parameters(source: str, name: str = "notebook") -> tuple[Parameter, ...]:
    """Read the lines of a parameters cell.

    Examples
    --------
    >>> (share,) = parse_parameters("share: float = 0.5  # of all")
    >>> share.name, str(share.kind), share.default, share.help
    ('share', 'float', 0.5, 'of all')
    """
    try:
        tree = ast.parse(source)
        comments = {
            t.start[0]: t.string.lstrip("# ").rstrip()
            for t in tokenize.generate_tokens(io.StringIO(source).readline)
            if t.type == tokenize.COMMENT
        }
    except (SyntaxError, tokenize.TokenError, ValueError) as e:
        raise ParameterError(f"The parameters cell of '{name}' can't be read: {e}") from e
    found: dict[str, Parameter] = {}
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom) or (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        ):
            continue
        where = f"The parameters cell of '{name}', line {node.lineno}"
        target: ast.expr | None = node.target if isinstance(node, ast.AnnAssign) else None
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
        if not isinstance(node, ast.Assign | ast.AnnAssign) or not isinstance(target, ast.Name):
            raise ParameterError(f"{where}: only lines `name: type = default  # help` may stand there.")
        default, required = None, node.value is None
        if node.value is not None:
            try:
                default = ast.literal_eval(node.value)
            except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
                raise ParameterError(
                    f"{where}: the default of '{target.id}' must be a plain value (text, number, True, None, list)."
                ) from None
        kind = _kind(node.annotation, where) if isinstance(node, ast.AnnAssign) else _kind_of(default, where)
        if default is None and not required:
            kind = Kind(kind.base, kind.choices, optional=True)
        parameter = Parameter(target.id, kind, default, comments.get(node.end_lineno or 0, ""), required)
        if not required:
            parameter = Parameter(
                parameter.name, kind, _checked(parameter, default, where), parameter.help, required
            )
        if parameter.name in found:
            raise ParameterError(f"{where}: '{parameter.name}' is declared twice.")
        found[parameter.name] = parameter
    return tuple(found.values())


def _kind(node: ast.expr, where: str) -> Kind:
    quoted = node.value if isinstance(node, ast.Constant) else None
    if isinstance(quoted, str):
        # Period and date are written in quotes, so that the cell needs no import.
        try:
            node = ast.parse(quoted, mode="eval").body
        except SyntaxError:
            raise ParameterError(f"{where}: {quoted!r} is no type. There is: {TYPES_IN_WORDS}.") from None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        sides = [s for s in (node.left, node.right) if ast.unparse(s) != "None"]
        if len(sides) == 1:
            inner = _kind(sides[0], where)
            return Kind(inner.base, inner.choices, optional=True)
    if isinstance(node, ast.Subscript):
        outer = ast.unparse(node.value).rpartition(".")[2]
        if outer == "Optional":
            inner = _kind(node.slice, where)
            return Kind(inner.base, inner.choices, optional=True)
        if outer in ("list", "List") and ast.unparse(node.slice) == "str":
            return Kind("list[str]")
        if outer == "Literal":
            items: list[ast.expr] = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            values: list[Any] = [i.value for i in items if isinstance(i, ast.Constant)]
            kinds = {type(v) for v in values}
            if values and len(values) == len(items) and kinds in ({str}, {int}):
                return Kind(kinds.pop().__name__, tuple(values))
    word = ast.unparse(node).rpartition(".")[2]
    if word in SCALARS:
        return Kind(word)
    raise ParameterError(
        f"{where}: '{ast.unparse(node)}' is no type of a parameter. There is: {TYPES_IN_WORDS}."
    )


def _kind_of(default: Any, where: str) -> Kind:
    if isinstance(default, list):
        return Kind("list[str]")
    if type(default).__name__ in ("str", "int", "float", "bool"):
        return Kind(type(default).__name__)
    raise ParameterError(f"{where}: give this parameter a type. There is: {TYPES_IN_WORDS}.")


def _period_text(text: str) -> str:
    # Whatever the data's last day and the fiscal year are, a text that is no period now is none later.
    resolve(text, date(2000, 12, 31))
    return text


def check_parameters(
    declared: Iterable[Parameter],
    given: Mapping[str, Any],
    *,
    notebook: str,
    period: Callable[[str], str] = _period_text,
) -> dict[str, Any]:
    """Check given values against the declared parameters; text is read by the declared type.

    Parameters
    ----------
    declared
        What `parameters_of` gave.
    given
        Values by name; from a command line all are text.
    notebook
        The notebook's name, for messages.
    period
        Turns a period's text into its label; raises where it can't be read.

    Returns
    -------
    dict
        Plain literals for **all** parameters, defaults included, in the declared order.

    Raises
    ------
    ParameterError
        For an unknown name, a value that is not of the type, and a required one that is missing.

    Examples
    --------
    >>> check_parameters(parse_parameters("code: str = ''"), {"code": "00123"}, notebook="n")
    {'code': '00123'}
    """
    known = {p.name: p for p in declared}
    for name in given:
        if name not in known:
            raise UnknownName("parameter", name, known, where=f"in notebook '{notebook}'")
    missing = [p.name for p in known.values() if p.required and p.name not in given]
    if missing:
        raise ParameterError(f"Notebook '{notebook}' needs a value for: {', '.join(missing)}.")
    where = f"Notebook '{notebook}'"
    return {
        name: _checked(p, given[name], where, period) if name in given else p.default
        for name, p in known.items()
    }


def _checked(
    parameter: Parameter, value: Any, where: str, period: Callable[[str], str] | None = None
) -> str | int | float | bool | list[str] | None:
    kind = parameter.kind
    if value is None or (
        kind.optional and isinstance(value, str) and value.strip().casefold() in ("", "none")
    ):
        if kind.optional:
            return None
        raise ParameterError(f"{where}: '{parameter.name}' must be a {kind}, it can't be None.")
    try:
        plain = _typed(kind, value, period)
    except ParameterError as e:
        raise type(e)(f"{where}, parameter '{parameter.name}': {e}") from None
    except (ValueError, TypeError, OverflowError):
        raise ParameterError(
            f"{where}: '{parameter.name}' must be {_in_words(kind)}, not {value!r}."
        ) from None
    if kind.choices and plain not in kind.choices:
        raise ParameterError(
            f"{where}: '{parameter.name}' can't be {plain!r}. {did_you_mean(str(plain), map(str, kind.choices))}"
        )
    return plain


def _in_words(kind: Kind) -> str:
    words = {
        "str": "text",
        "int": "a whole number",
        "float": "a number",
        "bool": "true or false",
        "date": "a date such as 2026-09-30",
        "Period": "a period such as 2026-Q3",
        "list[str]": "words with commas between them",
    }
    return words[kind.base]


def _typed(
    kind: Kind, value: Any, period: Callable[[str], str] | None
) -> str | int | float | bool | list[str]:
    text = value.strip() if isinstance(value, str) else None
    if kind.base == "str" and isinstance(value, str):
        if "\x00" in value:
            raise ParameterError("a NUL character can't stand in text.")
        value.encode("utf-8")
        return value
    if kind.base == "list[str]":
        items = value.split(",") if isinstance(value, str) else list(value)
        if all(isinstance(i, str) for i in items):
            return [i.strip() for i in items if i.strip()]
    if kind.base == "bool":
        if isinstance(value, bool):
            return value
        words = {
            "true": True,
            "yes": True,
            "on": True,
            "1": True,
            "false": False,
            "no": False,
            "off": False,
            "0": False,
        }
        if text is not None and text.casefold() in words:
            return words[text.casefold()]
    if kind.base == "int":
        if text is not None and re.fullmatch(r"[+-]?\d+", text, re.ASCII):
            return int(text)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    if kind.base == "float" and not isinstance(value, bool):
        number = float(text) if text is not None else float(value)
        if math.isfinite(number) and (text is None or "_" not in text):
            return number
    if kind.base == "date":
        if text is not None and re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
            return date.fromisoformat(text).isoformat()
        if type(value) is date:
            return value.isoformat()
    if kind.base == "Period" and (text or hasattr(value, "label")):
        label = text or str(value.label)
        return period(label) if period else label
    raise ValueError(value)


def json_schema(declared: Iterable[Parameter], name: str) -> dict[str, Any]:
    """Give the parameters as a JSON Schema, for editors and forms."""
    plain: dict[str, dict[str, Any]] = {
        "str": {"type": "string"},
        "int": {"type": "integer"},
        "float": {"type": "number"},
        "bool": {"type": "boolean"},
        "date": {"type": "string", "format": "date"},
        "Period": {"type": "string", "examples": ["2026-Q3", "last-quarter"]},
        "list[str]": {"type": "array", "items": {"type": "string"}},
    }
    properties = {}
    parameters = tuple(declared)
    for p in parameters:
        schema = {"enum": list(p.kind.choices)} if p.kind.choices else plain[p.kind.base]
        schema = {"anyOf": [schema, {"type": "null"}]} if p.kind.optional else schema
        properties[p.name] = {
            **schema, "description": p.help, **({} if p.required else {"default": p.default})
        }  # fmt: skip
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": name,
        "type": "object",
        "additionalProperties": False,
        "required": [p.name for p in parameters if p.required],
        "properties": properties,
    }
