"""What the commands share: words and lists from options, tables and JSON on stdout, all else on stderr."""

from __future__ import annotations

import contextlib
import io
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alignment_toolkit.brief import some
from alignment_toolkit.errors import FindingsGate, ParameterError, UnknownName

if TYPE_CHECKING:
    from alignment_toolkit.company import Company
    from alignment_toolkit.results import Analysis

__all__ = [
    "REPORT",
    "REPORTS",
    "As_json",
    "Dry_run",
    "Fail_on",
    "Formats",
    "Notebooks",
    "Out",
    "Period",
    "Source",
    "Timeout",
    "Values",
    "Words",
    "gate",
    "given_values",
    "kept_values",
    "level",
    "listed",
    "note",
    "opened",
    "plain",
    "print_json",
    "print_table",
    "progress_bar",
    "say",
    "speaks_unicode",
    "warn",
]

LEVELS = ("high", "medium", "low", "never")
WARNINGS = 5

Source = Annotated[
    str,
    typer.Argument(
        help='A folder of CSV, Excel or Parquet files, a .duckdb file, a database URL, an alignment.toml, or "sample".',
        show_default=False,
    ),
]
As_json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Out = Annotated[Path, typer.Option("--out", help="The folder of the reports.")]
Words = list[str] | None
Notebooks = Annotated[list[str] | None, typer.Option("--notebook", help="Names or paths.")]
Period = Annotated[
    str | None,
    typer.Option("--period", help="2026-Q3, 2026-07, last-month ...; by default the last complete quarter."),
]
Values = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="A parameter of the notebook; repeat it."),
]
Formats = Annotated[list[str] | None, typer.Option("--formats", help="html,pdf,pptx,xlsx,json.")]
Fail_on = Annotated[str, typer.Option("--fail-on", help="high, medium, low or never: exit code 10.")]
Timeout = Annotated[float, typer.Option("--timeout", min=1, help="Seconds that one cell may take.")]
Dry_run = Annotated[bool, typer.Option("--dry-run", help="Show what would be run, and run nothing.")]
REPORT = "01_alignment_report"
REPORTS = Path("reports")


def listed(words: Words) -> list[str]:
    """Give the items of an option that is repeated, takes commas, or both."""
    return [item.strip() for word in words or () for item in word.split(",") if item.strip()]


def level(word: str) -> str:
    """Check the word of --fail-on."""
    if word not in LEVELS:
        raise UnknownName("level", word, LEVELS, where="for --fail-on")
    return word


def opened(source: str, as_of: str | None = None, *, clean: bool = True) -> Company:
    """Open a source; data that is refused ends the command unless `clean` is False."""
    from alignment_toolkit.company import Company

    company = Company.open(source, as_of=as_of)
    if clean:
        company.require_clean()
    return company


def warn(warnings: Sequence[str]) -> None:
    """Tell the first warnings on stderr, and where to find the others."""
    for warning in warnings[:WARNINGS]:
        note(f"warning: {warning}")
    if (more := len(warnings) - WARNINGS) > 0:
        note(f"warning: ... and {more} more; `alignment check` lists them all.")


def day(text: str | None) -> str | None:
    """Check the date of an option."""
    import datetime as dt

    if text is None:
        return None
    try:
        return dt.date.fromisoformat(text).isoformat()
    except ValueError:
        raise ParameterError(f"--as-of must be a date such as 2026-09-30, not '{text}'.") from None


def gate(analysis: Analysis | Mapping[str, Any], fail_on: str) -> None:
    """Raise FindingsGate where a finding on the whole company is at or above the level; slices change no verdict."""
    if fail_on == "never":
        return
    wanted = LEVELS[: LEVELS.index(fail_on) + 1]
    data = analysis if isinstance(analysis, Mapping) else analysis.to_json()
    found = [
        f"{f['indicator']} ({f['severity']})"
        for f in data["findings"]
        if f["severity"] in wanted and not f["by"]
    ]
    if found:
        raise FindingsGate(f"{some(len(found), 'finding')} at or above '{fail_on}': {', '.join(found)}.")


def kept_values(path: Path) -> dict[str, Any]:
    """Read the parameters of a notebook from a file; what the command line says besides goes before them."""
    try:
        told = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as e:
        raise ParameterError(f"The parameters in {path} could not be read: {e}.") from None
    if not isinstance(told, dict):
        raise ParameterError(f'{path} must hold one object with parameters, such as {{"period": "2026-Q3"}}.')
    if "source" in told:
        raise ParameterError(f"{path} names a source; it is named before the options: alignment run SOURCE.")
    return told


def given_values(values: Words, period: str | None, formats: Words) -> dict[str, Any]:
    """Give the parameters of --set, --period and --formats by name."""
    given: dict[str, Any] = {}
    for pair in values or ():
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise ParameterError(f"--set takes NAME=VALUE, not '{pair}'.")
        given[name.strip()] = value
    if "source" in given:
        raise ParameterError("The source is named before the options: alignment run SOURCE.")
    for name, told in (("period", period), ("formats", listed(formats) or None)):
        if told is not None and name in given:
            raise ParameterError(f"'{name}' is given twice, by --{name} and by --set.")
        if told is not None:
            given[name] = told
    return given


# ---- output ----------------------------------------------------------------------------------------------------


def plain(value: Any) -> str:
    """Give a cell as text without control characters, which a terminal would obey."""
    if value is None:
        return ""
    return "".join(c if c.isprintable() or c == "\n" else " " for c in str(value))


def say(text: str = "") -> None:
    """Print a line on stdout."""
    typer.echo(plain(text))


def note(text: str) -> None:
    """Print a line on stderr."""
    typer.echo(plain(text), err=True)


def print_json(data: Any) -> None:
    """Print JSON and nothing else on stdout."""
    typer.echo(json.dumps(data, ensure_ascii=not speaks_unicode(), allow_nan=False, indent=1))


def speaks_unicode() -> bool:
    """Say whether stdout takes every letter; a pipe on Windows or an old locale does not."""
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, right: Sequence[str] = ()) -> None:
    """Print a table, as wide as the terminal; what is too long is wrapped, never cut."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    lines = box.SIMPLE_HEAD if speaks_unicode() else box.ASCII
    table = Table(box=lines, pad_edge=False, show_edge=False)
    for name in columns:
        table.add_column(Text(name), justify="right" if name in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(plain(cell)) for cell in row))
    if sys.stdout.isatty():
        Console(file=sys.stdout, highlight=False, markup=False).print(table)
        return
    # The console itself ends the process with code 1 where the reader of a pipe has gone.
    made = Console(file=io.StringIO(), width=160, highlight=False, markup=False)
    made.print(table)
    typer.echo(made.file.getvalue(), nl=False)  # type: ignore[attr-defined]


@contextlib.contextmanager
def progress_bar(what: str, of: str = "cells") -> Iterator[Callable[[int, int], None]]:
    """Show how far a run is: a bar on a terminal, elsewhere at most one line a second; always on stderr."""
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import Progress

        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(plain(what), total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)
        return
    last = time.monotonic() - 1

    def line(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= 1:
            last = time.monotonic()
            note(f"{what}: {done} of {total} {of}")

    yield line
