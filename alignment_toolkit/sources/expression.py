"""Expressions of a mapping: one scalar SQL expression over a file's columns, parsed, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping

import sqlglot
from sqlglot import exp

from alignment_toolkit.errors import did_you_mean
from alignment_toolkit.sources.cells import BLANKS, plain_number
from alignment_toolkit.sources.part import Engine, Formats, RawColumn, quoted

__all__ = ["BadExpression", "scalar"]

# What an expression may be made of. What is not here is refused: a function that reads files is no column's value.
_ALLOWED: tuple[type[exp.Expression], ...] = (
    exp.Column, exp.Identifier, exp.Literal, exp.Boolean, exp.Null, exp.Paren, exp.Tuple, exp.Alias,
    exp.Add, exp.Sub, exp.Mul, exp.Div, exp.IntDiv, exp.Mod, exp.Neg, exp.DPipe, exp.Concat, exp.ConcatWs,
    exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.In, exp.Between,
    exp.Like, exp.ILike, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Case, exp.If, exp.Coalesce, exp.Nullif,
    exp.Cast, exp.TryCast, exp.DataType, exp.DataTypeParam, exp.Round, exp.Floor, exp.Ceil, exp.Abs, exp.Sign, exp.Sqrt,
    exp.Greatest, exp.Least, exp.Lower, exp.Upper, exp.Trim, exp.Length, exp.Substring, exp.Left, exp.Right,
    exp.SplitPart, exp.StrPosition, exp.RegexpReplace, exp.RegexpExtract, exp.RegexpLike, exp.RegexpFullMatch,
    exp.StartsWith, exp.EndsWith, exp.Replace, exp.Pad, exp.Extract, exp.Var, exp.Year, exp.Month, exp.Day,
)  # fmt: skip
_SCALAR_TYPES = {
    exp.DataType.Type[name]
    for name in (
        "VARCHAR", "TEXT", "BOOLEAN", "SMALLINT", "INT", "BIGINT", "FLOAT", "DOUBLE", "DECIMAL", "DATE", "TIMESTAMP",
        "TIMESTAMPTZ",
    )
}  # fmt: skip
_FUNCTIONS = (
    "abs", "ceil", "coalesce", "concat", "floor", "greatest", "least", "left", "length", "lower", "nullif",
    "regexp_extract", "regexp_matches", "regexp_replace", "replace", "right", "round", "split_part", "starts_with",
    "substring", "trim", "upper",
)  # fmt: skip
_ARITHMETIC = (
    exp.Add, exp.Sub, exp.Mul, exp.Div, exp.IntDiv, exp.Mod, exp.Neg, exp.Round, exp.Floor, exp.Ceil, exp.Abs, exp.Sign,
    exp.Sqrt,
)  # fmt: skip
_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.Greatest, exp.Least)


class BadExpression(Exception):
    """The expression is not one that a mapping may have; the text says why and what would be right."""


def scalar(
    engine: Engine, text: str, present: Mapping[str, RawColumn], relation: str, formats: Formats
) -> RawColumn:
    """Turn an expression over a file's columns into a raw column.

    A text column is read as a number where the expression reckons with it; a cell that is no number is then refused.

    Raises
    ------
    BadExpression
        If it is no scalar expression over these columns.
    """
    tree = _parse(text)
    for node in tree.walk():
        if isinstance(node, exp.Func) and not isinstance(node, _ALLOWED):
            name = node.name if isinstance(node, exp.Anonymous) else node.sql_name().lower()
            raise BadExpression(
                f"the function {name} is not allowed. {did_you_mean(name, _FUNCTIONS, shown=30)}"
            )
        if not isinstance(node, _ALLOWED):
            what = type(node).__name__.lower()
            raise BadExpression(
                f"'{what}' is not allowed; it must be one expression over the columns of one row."
            )
        if isinstance(node, exp.DataType) and node.this not in _SCALAR_TYPES:
            raise BadExpression(
                f"the type {node.sql()} is not allowed; it must be a text, number, date, time or boolean."
            )
    operands: list[str] = []
    marks: list[str] = []
    for column in list(tree.find_all(exp.Column)):
        raw = _found(column, present)
        sql = raw.sql
        if raw.physical == "VARCHAR" and _reckoned(column):
            bare = f"trim({raw.sql}, {BLANKS})"
            sql = f"TRY_CAST({plain_number(bare, formats)[0]} AS DOUBLE)"
            operands.append(bare)
        # A mark takes the column's place while the tree is written; no text of a mapping can hold a NUL.
        marks.append(sql)
        column.set("this", exp.to_identifier(f"\0{len(marks) - 1}\0", quoted=True))
    made = tree.sql(dialect="duckdb")
    for number, sql in enumerate(marks):
        made = made.replace(quoted(f"\0{number}\0"), f"({sql})")
    try:
        described = engine.execute(f"DESCRIBE SELECT {made} AS made FROM {relation}").fetchall()
    except Exception as error:  # the engine's own errors, of many kinds
        reason = str(error).splitlines()[0].partition("Error: ")[2] or str(error).splitlines()[0]
        raise BadExpression(f"the engine refuses it ({reason}).") from None
    return RawColumn(f"({made})", described[0][1], source="", operands=tuple(dict.fromkeys(operands)))


def _parse(text: str) -> exp.Expression:
    try:
        trees = sqlglot.parse(f"SELECT {text}", read="duckdb")
    except sqlglot.errors.SqlglotError as error:
        reason = str(error).splitlines()[0]
        raise BadExpression(f"it can't be read ({reason}); it must be one scalar SQL expression.") from None
    tree = trees[0]
    if len(trees) != 1 or not isinstance(tree, exp.Select):
        raise BadExpression("it must be one scalar SQL expression.")
    parts = {name for name, value in tree.args.items() if value}
    if parts - {"expressions", "kind"} or len(tree.expressions) != 1:
        raise BadExpression(
            "it must be one scalar SQL expression over the columns of one row, without FROM or WHERE."
        )
    made = tree.expressions[0]
    if isinstance(made, (exp.Alias, exp.Star)):
        raise BadExpression("it must be one scalar SQL expression, without AS or *.")
    # A parent of its own, so that the root can be replaced too.
    return exp.Paren(this=made.copy())


def _found(column: exp.Column, present: Mapping[str, RawColumn]) -> RawColumn:
    name = column.name
    if column.table:
        raise BadExpression(f"'{column.sql()}' names a table; only columns of the file are there.")
    if name in present:
        return present[name]
    alike = [n for n in present if n.casefold() == name.casefold()]
    if len(alike) == 1 and not column.this.quoted:
        return present[alike[0]]
    hint = ""
    if '"' not in column.sql(dialect="duckdb") and any(" " in n for n in present):
        hint = " Names with blanks stand in double quotes, texts in single ones."
    raise BadExpression(f"there is no column '{name}'. {did_you_mean(name, present)}{hint}")


def _reckoned(column: exp.Column) -> bool:
    """Tell whether a column is used as a number."""
    node: exp.Expression = column
    parent = node.parent
    while isinstance(parent, exp.Paren):
        node, parent = parent, parent.parent
    if isinstance(parent, _ARITHMETIC):
        return node is parent.this or isinstance(parent, exp.Binary)
    if isinstance(parent, _COMPARISONS):
        others = [n for n in parent.iter_expressions() if n is not node]
        return any(_number(n) for n in others)
    # One result of a choice is reckoned with where another is: `CASE ... THEN -amount ELSE amount END`.
    choice = parent.parent if isinstance(parent, exp.If) else parent
    if isinstance(choice, exp.Case):
        results = [branch.args.get("true") for branch in choice.args["ifs"]] + [choice.args.get("default")]
        return any(n is node for n in results) and any(isinstance(n, _ARITHMETIC) for n in results)
    return False


def _number(node: exp.Expression) -> bool:
    while isinstance(node, exp.Paren):
        node = node.this
    if isinstance(node, exp.Literal):
        return not node.is_string
    return isinstance(node, _ARITHMETIC)
