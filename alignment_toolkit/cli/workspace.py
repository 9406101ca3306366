"""The commands that make folders: init, simulate."""

from __future__ import annotations

import codecs
import json
import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from alignment_toolkit.cli.common import Words, listed, say
from alignment_toolkit.errors import ExportFailed, ParameterError, UnknownName

__all__ = ["register"]

KINDS = ("sample", "csv", "olist")
# The working folder in the recipes as they come.
EXAMPLE = "/srv/acme"
COMMAND = "/srv/alignment/bin/alignment"

HEAD = """\
# Settings of the alignment toolkit. Unknown keys and impossible values are errors that name the line.
# Lines that begin with # show what else there is; `alignment check alignment.toml` tries it all.

[company]
name = {name}
currency = {currency}                 # of all results, three letters
timezone = {timezone}     # where days begin and end
# fiscal_year_starts = 4            # month; then FY2026 and FY2026-Q2 are periods too
# as_of = 2026-09-30                # use no data after this day

# [calendar]                        # working hours
# days = ["mon", "tue", "wed", "thu", "fri"]
# from = "09:00"
# to = "17:00"
# holidays = [2026-12-25]

[source]
kind = {kind}
url = {url}
# A database: url = "postgres://reader:${{DB_PASSWORD}}@host/db". Secrets are taken from the environment.
"""

TABLES = """\

# Every CSV, Excel or Parquet file named as a canonical table (leads.csv, orders.csv ...) is read as it is. Others need:
# [tables.leads]
# from = "contacts.csv"
# where = "lifecycle <> 'test'"
# complete_until = 2026-09-30       # last day for which the table is complete; otherwise its last event
# dates = "%d.%m.%Y"                # otherwise ISO
# decimal = ","
# [tables.leads.columns]
# lead_id = "Record ID"
# channel = { from = "Source", map = { "Google Ads" = "paid_search" }, nulls = ["Select"] }
# sourced_by = { value = "marketing" }
# marketing_score = { sql = "points * 10" }
"""

TAIL = """\

# [kpis.lead-to-client]             # `alignment explain lead-to-client` shows the options
# horizon_days = 90
# [owners.arpu]                     # whose result it is
# marketing = 0.4
# sales = 0.6
# [indicators.dropped_leads]
# within_hours = 8                  # working hours
# margin = 0.05

[privacy]
names = false                       # true: reports show names of people and clients, not pseudonyms
heads = false

[report]
audience = "internal"               # internal, client or public
language = "en"                     # or "de"
formats = ["html"]
"""

README = """\
# {name}

    alignment check alignment.toml      what is wrong with the data, and what can be computed
    alignment run alignment.toml        the report of the last complete quarter, in reports/
    alignment runs                      what was run

Notebooks are in notebooks/. Recipes for cron, systemd, GitHub Actions, Airflow, Dagster and Prefect are in schedule/.
"""


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.", show_default=False)],
    kind: Annotated[str, typer.Option("--from", help="sample, csv or olist.")] = "sample",
    data: Annotated[
        Path | None, typer.Option("--data", help="Where the data is.", show_default=False)
    ] = None,
) -> None:
    """Make a working folder: settings, notebooks, recipes for a schedule.

    Example: alignment init acme --from csv --data exports
    """
    from alignment_toolkit.notebooks import bundled

    if kind not in KINDS:
        raise UnknownName("kind of source", kind, KINDS)
    if kind == "sample" and data is not None:
        raise ParameterError("--from sample brings its own data; leave --data out, or take --from csv.")
    if kind == "olist" and data is None:
        raise ParameterError("--from olist needs --data PATH, the folder with the publisher's files.")
    if data is not None and not data.exists():
        raise ParameterError(f"There is no {data}. Name the folder with the data.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ParameterError(
            f"{folder} is not an empty folder, and nothing in it is to be lost. Name a new one."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if kind == "sample":
            shutil.copytree(
                bundled("sample"), folder / "data", ignore=shutil.ignore_patterns("alignment.toml")
            )
        elif data is None:
            (folder / "data").mkdir()
        _write(folder / "alignment.toml", _settings(folder, kind, data))
        _write(folder / "README.md", README.format(name=folder.resolve().name))
        (folder / "schedule").mkdir()
        for path in sorted(bundled("schedule").iterdir()):
            if path.is_file():
                _write(folder / "schedule" / path.name, _recipe(path, folder.resolve().as_posix()))
        (folder / "notebooks").mkdir()
        for path in sorted(
            bundled("notebooks").glob("*.*")
        ):  # the notebooks, and how nbconvert makes pages of them
            _write(folder / "notebooks" / path.name, _with_source(path.read_text(encoding="utf-8")))
    except OSError as e:
        raise ExportFailed(f"{folder} could not be written: {e.strerror or e}.") from e
    first = ""
    if kind == "csv" and data is not None and _found(data):
        first = f" First say in {folder / 'alignment.toml'} what the columns of your files are; they are listed there."
    say(
        f"{folder} is ready.{first} Next: cd {folder}; alignment check alignment.toml; alignment run alignment.toml"
    )


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _recipe(recipe: Path, folder: str) -> str:
    """Give a recipe for this working folder and this command; each kind of file has its own way to write a path.

    What a schedule starts has not the PATH of the terminal in which it was tried.
    """
    text, command = recipe.read_text(encoding="utf-8"), _command()
    if recipe.name == "crontab":
        folder, command = (shlex.quote(path).replace("%", "\\%") for path in (folder, command))
    elif recipe.suffix == ".service":
        # systemd takes quotes in a command, and the rest of the line in a folder.
        folder, command = (
            folder.replace("%", "%%"),
            json.dumps(command, ensure_ascii=False).replace("%", "%%"),
        )
    elif recipe.name == "airflow_dag.py":
        folder, command = (json.dumps(path)[1:-1] for path in (folder, shlex.quote(command)))
    elif recipe.suffix == ".py":
        folder, command = (json.dumps(path)[1:-1] for path in (folder, command))
    else:
        return text
    return text.replace(EXAMPLE, folder).replace(COMMAND, command)


def _command() -> str:
    """Give the whole path of this command where it lies beside the interpreter, as installers put it; else its name."""
    beside = Path(sys.executable).with_name("alignment.exe" if os.name == "nt" else "alignment")
    return beside.as_posix() if beside.is_file() else "alignment"


def _with_source(text: str) -> str:
    """Let a notebook that is opened in its folder read the settings beside that folder."""
    return text.replace('source: str = \\"sample\\"', 'source: str = \\"../alignment.toml\\"')


def _settings(folder: Path, kind: str, data: Path | None) -> str:
    url = "data" if data is None else _relative(data, folder)
    company = {
        "sample": ("Made-up sample company", "EUR", "Europe/Berlin"),
        "csv": (folder.resolve().name, "EUR", "Europe/Berlin"),
        "olist": ("Olist", "BRL", "America/Sao_Paulo"),
    }[kind]
    told = dict(zip(("name", "currency", "timezone"), company, strict=True))
    told |= {"kind": "olist" if kind == "olist" else "folder", "url": url}
    # A JSON string is a TOML string too.
    head = HEAD.format(**{k: json.dumps(v, ensure_ascii=False) for k, v in told.items()})
    found = _found(data) if kind == "csv" and data is not None else ""
    return head + ("" if kind == "olist" else TABLES + found) + TAIL


def _found(data: Path) -> str:
    """List the files that are no canonical table by name, each with its columns to copy."""
    import csv

    from alignment_toolkit.sources.workbook import WORKBOOKS, sheet_headers
    from alignment_toolkit.tables import TABLES as KNOWN

    lines = []
    for path in sorted(p for p in data.iterdir() if p.is_file()) if data.is_dir() else []:
        name = json.dumps(path.name, ensure_ascii=False)
        if path.suffix.lower() in (".xls", ".xlsb", ".ods"):
            lines.append(f"# {name} is a spreadsheet: save it as .xlsx, or each sheet that is needed as CSV.")
        if path.suffix.lower() in WORKBOOKS and path.stem not in KNOWN:
            for sheet, columns in sheet_headers(path).items():
                if sheet.strip().casefold() not in KNOWN and columns:
                    told = ", ".join(json.dumps(c, ensure_ascii=False) for c in columns)
                    named = json.dumps(sheet, ensure_ascii=False)
                    lines.append(f"# {name}, sheet = {named}, has the columns {told}")
        if path.suffix.lower() != ".csv" or path.stem in KNOWN:
            continue
        encoding, first = _first_line(path)
        try:
            apart = csv.Sniffer().sniff(first, delimiters=",;\t|").delimiter
            columns = next(csv.reader([first], delimiter=apart))
        except (csv.Error, StopIteration):
            lines.append(f"# {name}: no columns were found in its first line.")
            continue
        told = ", ".join(json.dumps(c.strip(), ensure_ascii=False) for c in columns)
        how = f'; say encoding = "{encoding}" beside from' if encoding else ""
        lines.append(f"# {name} has the columns {told}{how}")
    if not lines:
        return ""
    known = "# All tables and columns, and what each means: docs/data-dictionary.md.\n"
    return "\n# To be mapped:\n" + "\n".join(lines) + "\n" + known


def _first_line(path: Path) -> tuple[str, str]:
    """Give a file's first line, and its encoding where settings must name it."""
    try:
        with path.open("rb") as file:
            start = file.read(65536)
    except OSError:
        return "", ""
    for mark, kind in ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if start.startswith(mark):
            return "", start.decode(kind, errors="ignore").partition("\n")[0]
    line = start.partition(b"\n")[0]
    try:
        return "", line.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "cp1252", line.decode("cp1252", errors="replace")


def _relative(data: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(data.resolve(), folder.resolve())).as_posix()
    except ValueError:  # another drive
        return data.resolve().as_posix()


def simulate(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder.", show_default=False)],
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same company.")] = 1,
    accounts: Annotated[int, typer.Option("--accounts", min=1, help="How large the company is.")] = 5000,
    plant: Annotated[
        list[str] | None,
        typer.Option("--plant", metavar="ID=STRENGTH", help="A misalignment; 1 is twice the margin."),
    ] = None,
    confound: Annotated[
        list[str] | None,
        typer.Option("--confound", metavar="NAME=STRENGTH", help="What only looks like one; 0 to 1."),
    ] = None,
) -> None:
    """Make a company up, with its answer key.

    The canonical files are in DIR/data, and what is planted in them in DIR/answers.json.

    Example: alignment simulate made-up --seed 7 --accounts 800 --plant dropped_leads=1
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ParameterError(
            f"{folder} is not an empty folder, and nothing in it is to be lost. Name a new one."
        )
    from alignment_toolkit.simulation import Recipe
    from alignment_toolkit.simulation import simulate as make

    recipe = Recipe(
        seed=seed,
        accounts=accounts,
        plant=_strengths(plant, "--plant"),
        confound=_strengths(confound, "--confound"),
    )
    try:
        written = make(recipe).write(folder)
    except OSError as e:
        raise ExportFailed(f"{folder} could not be written: {e.strerror or e}.") from e
    say(f"A made-up company is in {written}; what is planted in it is in {folder / 'answers.json'}.")


def _strengths(words: Words, option: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for word in listed(words):
        name, _, strength = word.partition("=")
        try:
            found[name.strip().replace("-", "_")] = float(strength)
        except ValueError:
            raise ParameterError(f"{option} takes NAME=STRENGTH with a number, not '{word}'.") from None
    return found


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(init)
    app.command()(simulate)
