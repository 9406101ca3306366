"""Errors that say what was asked, what is there, the near match and the next step."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import PurePath
from typing import Any, Literal

__all__ = [
    "AlignmentError",
    "AlreadyRunning",
    "BeyondPart",
    "CellFailed",
    "DataError",
    "ExportFailed",
    "FindingsGate",
    "KernelLost",
    "MatrixFailed",
    "MissingColumn",
    "MissingTable",
    "ParameterError",
    "PeriodError",
    "Problem",
    "SettingsError",
    "TooManyRows",
    "UnknownName",
    "check_company",
    "did_you_mean",
    "names_given",
]


def did_you_mean(word: str, choices: Iterable[str], *, shown: int = 12) -> str:
    """Give the half sentence that names the near match, or else the choices.

    Parameters
    ----------
    word
        What was asked for.
    choices
        What there is.
    shown
        How many choices are listed where nothing is near.

    Returns
    -------
    str
        ``"Did you mean 'x'?"``, or ``"There is: a, b, c."``, or ``"There is none."``.

    Examples
    --------
    >>> did_you_mean("chanel", ["channel", "region"])
    "Did you mean 'channel'?"
    >>> did_you_mean("zzz", ["channel", "region"])
    'There is: channel, region.'
    """
    names = list(dict.fromkeys(str(c) for c in choices))
    folded = {name.casefold().replace("_", "-"): name for name in reversed(names)}
    near = difflib.get_close_matches(str(word).casefold().replace("_", "-"), list(folded), n=1, cutoff=0.6)
    if near:
        return f"Did you mean '{folded[near[0]]}'?"
    if not names:
        return "There is none."
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return f"There is: {', '.join(sorted(names)[:shown])}{more}."


class AlignmentError(Exception):
    """Base of every error that the toolkit raises on purpose; `exit_code` is the command's.

    Examples
    --------
    >>> AlignmentError("the company has no clients").exit_code
    1
    """

    exit_code = 1


class SettingsError(AlignmentError):
    """A setting is unknown or impossible (exit 2).

    Examples
    --------
    >>> SettingsError("[company] timezone is not a zone").exit_code
    2
    """

    exit_code = 2


class ParameterError(SettingsError):
    """A parameter of a call, a command or a notebook is unknown or impossible (exit 2).

    Examples
    --------
    >>> raise ParameterError("weeks must be at least 8, not 3")
    Traceback (most recent call last):
    alignment_toolkit.errors.ParameterError: weeks must be at least 8, not 3
    """


def check_company(value: object) -> None:
    """Refuse what is no opened company: a path, a frame.

    Examples
    --------
    >>> check_company("data/mine")
    Traceback (most recent call last):
    alignment_toolkit.errors.ParameterError: A company is needed, and 'data/mine' is a str. ...
    """
    if not hasattr(value, "settings"):
        how = (
            f"Company.open({value!r}) opens one"
            if isinstance(value, (str, PurePath))
            else "Company.open opens one"
        )
        told = repr(value) if len(repr(value)) <= 60 else "what was given"
        raise ParameterError(f"A company is needed, and {told} is a {type(value).__name__}. {how}.")


def names_given(given: object, parameter: str, kind: type | tuple[type, ...] = str) -> tuple[Any, ...]:
    """Give the names that a parameter holds: several of them, or one text with commas between, as papermill passes it.

    Parameters
    ----------
    given
        What was passed; None is no name.
    parameter
        The parameter, for the message.
    kind
        What a name is: text, or also a path.

    Raises
    ------
    ParameterError
        Where it holds no names: papermill and YAML read ``-p by 3`` as a number.

    Examples
    --------
    >>> names_given("region, channel", "by"), names_given(["region"], "by"), names_given(None, "by")
    (('region', 'channel'), ('region',), ())
    >>> names_given(3, "by")
    Traceback (most recent call last):
    alignment_toolkit.errors.ParameterError: 'by' must be names, or one text with commas between them, not 3.
    """
    if isinstance(given, str):
        return tuple(word.strip() for word in given.split(",") if word.strip())
    items = (given,) if isinstance(given, PurePath) else given if isinstance(given, Iterable) else None
    names = () if given is None else None if items is None else tuple(items)
    if names is None or not all(isinstance(name, kind) for name in names):
        raise ParameterError(
            f"'{parameter}' must be names, or one text with commas between them, not {given!r}."
        )
    return names


class PeriodError(ParameterError):
    """A period can't be read (exit 2)."""


class UnknownName(ParameterError):
    """A name that is not in the catalogue, among the columns or among the choices (exit 2)."""

    def __init__(self, what: str, word: str, choices: Iterable[str], *, where: str = "") -> None:
        self.word = word
        place = f" {where}" if where else ""
        super().__init__(f"There is no {what} '{word}'{place}. {did_you_mean(word, choices)}")


@dataclass(frozen=True)
class Problem:
    """One problem of the data: where it is, what it is, and whether it refuses the row or only warns.

    `row` counts as a spreadsheet does: the header is row 1. `level` is ``"error"`` (a row or a table is refused) or
    ``"warning"``. `more` says that it stands for so many further problems of its kind, which are not listed.
    """

    table: str | None
    file: str | None
    row: int | None
    column: str | None
    value: str | None
    code: str
    level: Literal["error", "warning"]
    message: str
    more: int = 0

    @property
    def count(self) -> int:
        """Say how many problems it stands for."""
        return self.more or 1

    def to_json(self) -> dict[str, Any]:
        """Give the problem as in ``alignment check --json``."""
        return {name: value for name, value in asdict(self).items() if name != "more"}


class DataError(AlignmentError):
    """The data was refused (exit 3); `problems` holds all of them.

    Examples
    --------
    >>> said = "leads.csv, row 7, column created_at: '31.02.2026' is not a day"
    >>> problem = Problem("leads", "leads.csv", 7, "created_at", "31.02.2026", "date", "error", said)
    >>> refused = DataError("1 row was refused", [problem])
    >>> refused.problems[0].row, refused.exit_code
    (7, 3)
    """

    exit_code = 3

    def __init__(self, message: str, problems: Sequence[Problem] = ()) -> None:
        self.problems = tuple(problems)
        lines = [f"  - {p.message}" for p in self.problems[:20]]
        left = sum(p.count for p in self.problems[20:])
        if left:
            lines.append(f"  ... and {left} more; `alignment check` lists them all.")
        super().__init__("\n".join([message, *lines]))


class MissingTable(DataError):
    """A canonical table that this company does not have."""

    def __init__(self, table: str, present: Iterable[str], *, reason: str = "") -> None:
        self.table = table
        why = f" ({reason})" if reason else ""
        super().__init__(f"There is no table '{table}'{why}. {did_you_mean(table, present)}")


class BeyondPart(MissingTable):
    """A table, or what is made of `tables`, that a part of the company can't have: no row says where it belongs.

    Examples
    --------
    >>> print(BeyondPart("plan", "region"))
    Not told by region: nothing in plan says to which region a row belongs.
    >>> print(BeyondPart("served", "channel", ["touches", "orders"]))
    Not told by channel: what touches and orders tell together belongs to no single channel.
    """

    UNSAID = "Not told by {dimension}: nothing in {tables} says to which {dimension} a row belongs."
    TOGETHER = "Not told by {dimension}: what {tables} tell together belongs to no single {dimension}."

    def __init__(self, table: str, dimension: str, tables: Sequence[str] = ()) -> None:
        self.table, self.tables = table, tuple(tables)
        self.dimension = dimension.rpartition(".")[2].replace("_", " ")
        DataError.__init__(self, self.message.format(**self.values))

    @property
    def message(self) -> str:
        """The sentence, with gaps that `values` fills."""
        return self.TOGETHER if self.tables else self.UNSAID

    @property
    def values(self) -> dict[str, str]:
        """What fills the sentence."""
        return {"tables": " and ".join(self.tables or [self.table]), "dimension": self.dimension}


class MissingColumn(DataError):
    """A canonical column that this company's table does not have."""

    def __init__(self, table: str, column: str, present: Iterable[str]) -> None:
        self.table, self.column = table, column
        super().__init__(f"Table '{table}' has no column '{column}'. {did_you_mean(column, present)}")


class TooManyRows(DataError):
    """More rows were asked for than the gate lets through."""


class CellFailed(AlignmentError):
    """A cell of a notebook raised (exit 4)."""

    exit_code = 4


class KernelLost(AlignmentError):
    """The kernel died, timed out or ran out of memory (exit 5)."""

    exit_code = 5


class AlreadyRunning(AlignmentError):
    """Another process holds the lock of this run (exit 6)."""

    exit_code = 6


class MatrixFailed(AlignmentError):
    """Some runs of a matrix failed (exit 7)."""

    exit_code = 7


class ExportFailed(AlignmentError):
    """A report could not be written (exit 8)."""

    exit_code = 8


class FindingsGate(AlignmentError):
    """There are findings at or above ``--fail-on`` (exit 10)."""

    exit_code = 10
