"""The plan of a run: all that can be wrong before a cell runs, found before one does."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alignment_toolkit.errors import DataError, ParameterError, UnknownName
from alignment_toolkit.notebooks import check_parameters, find_notebook, parameters_of, read_notebook
from alignment_toolkit.notebooks.opening import part_of
from alignment_toolkit.periods import Period, compare_periods
from alignment_toolkit.results import VERSION
from alignment_toolkit.runs.beside import bearing, earlier_runs, folder_of
from alignment_toolkit.runs.places import MANIFEST, file_hash, slug
from alignment_toolkit.secrets import Scrubber

if TYPE_CHECKING:
    from alignment_toolkit.company import Company
    from alignment_toolkit.notebooks import NotebookNode

__all__ = [
    "Plan",
    "check_dimensions",
    "check_formats",
    "default_formats",
    "first_day",
    "plan",
    "require_data",
    "resolve_period",
]

WHOLE = "all"
HISTORY = "history"
PART = "part"


@dataclass(frozen=True)
class Plan:
    """A run that is about to be: everything is checked, nothing is written."""

    notebook: Path
    node: NotebookNode = field(repr=False)
    parameters: Mapping[str, Any]
    company: str
    period: str
    slice: str
    fingerprint: str
    out: Path
    formats: tuple[str, ...]
    settings: str
    slides: Path | None = None
    earlier: str = ""
    secrets: tuple[str, ...] = ()
    asked: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[Mapping[str, Any], ...] = ()
    kept_back: tuple[str, ...] = ()
    folder: str = ""

    @property
    def name(self) -> str:
        """The notebook's name."""
        return self.notebook.stem

    @property
    def key(self) -> Path:
        """The folder of all runs of this notebook, period and slice."""
        return self.out / slug(self.name) / slug(self.period) / (self.folder or slug(self.slice))

    @property
    def digest(self) -> str:
        """The same inputs, parameters, notebook and version give the same digest."""
        sources = [[c.cell_type, c.source] for c in self.node.cells]
        told = [
            VERSION,
            sources,
            {k: v for k, v in self.parameters.items() if k != HISTORY},
            self.fingerprint,
            self.settings,
            list(self.formats),
            self.period,
            self.slice,
            # What earlier runs say bears on this one, not where they lie.
            self.earlier,
            *self.kept_back,
        ]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Give what ``alignment run --dry-run --json`` prints."""
        return {
            "notebook": self.name,
            "company": self.company,
            "period": self.period,
            "slice": self.slice,
            "parameters": dict(self.parameters),
            "asked": dict(self.asked),
            "data_fingerprint": self.fingerprint,
            "inputs": [dict(one) for one in self.inputs],
            "formats": list(self.formats),
            "folder": self.key.as_posix(),
            "outputs": [
                f"{self.name}.ipynb",
                "analysis.json",
                *(f"report.{f}" for f in self.formats if f != "json"),
                MANIFEST,
            ],
            "digest": self.digest,
        }


def plan(
    source: str,
    *,
    notebook: str = "01_alignment_report",
    given: Mapping[str, Any] | None = None,
    out: str | Path = "reports",
    meanwhile: Callable[[str, object], None] | None = None,
) -> Plan:
    """Check everything about a run: notebook, parameters, data, period, columns, formats.

    Parameters
    ----------
    source
        As in ``Company.open``.
    notebook
        Name or path.
    given
        Values of the notebook's parameters by name; text is read by the declared type.
    out
        The root of the reports.
    meanwhile
        Called with the source and the notebook's `as_of` once the parameters are known to be right and before the data
        is opened.

    Raises
    ------
    ParameterError
        For an unknown notebook, parameter, period, column, indicator or format (exit 2).
    DataError
        For data that is refused, and for a period without any data (exit 3).
    """
    path = find_notebook(notebook)
    node = read_notebook(path)
    declared = parameters_of(node, path.stem)
    values: dict[str, Any] = {**(given or {}), "source": _portable(source)}
    values = check_parameters(declared, values, notebook=path.stem)
    if meanwhile is not None:
        meanwhile(values["source"], values.get("as_of"))
    # Not before: the engine takes a second to import.
    from alignment_toolkit.company import Company
    from alignment_toolkit.privacy import check_audience

    company = Company.open(source, as_of=values.get("as_of"))
    company.require_clean()
    _refuse_secrets(values, company.settings.secret_names(), path.stem)
    _check_names(company, values)
    formats = check_formats(values.get("formats") or ()) or default_formats(company.settings.report.formats)
    check_audience(company.settings.report.audience)
    period = resolve_period(company, values.get("period"))
    compare_periods(values.get("compare") or "previous", period)
    part = str(values.get(PART) or "")
    narrowed = part_of(company, part)
    check_part(company, narrowed)
    require_data(narrowed, period)
    slice = part or WHOLE
    folder = folder_of(company, slice)
    asked = {k: str(v) for k in ("period", "compare") if (v := values.get(k))}
    if "period" in values:
        values["period"] = period.label
    if "formats" in values:
        values["formats"] = list(formats)
    if HISTORY in values and (given or {}).get(HISTORY) is None:
        found = earlier_runs(Path(out), path.stem, slice, str(period.start), period.days, folder=folder)
        values[HISTORY] = list(found)
    return Plan(
        notebook=path,
        node=node,
        parameters=values,
        company=company.name,
        period=period.label,
        slice=slice,
        fingerprint=company.fingerprint(),
        out=Path(out),
        formats=formats,
        settings=_settings_hash(company),
        slides=company.settings.slides(),
        earlier=bearing(values.get(HISTORY) or ()),
        secrets=company.settings.secret_names(),
        asked=asked,
        inputs=_inputs(company),
        folder=folder,
    )


def _inputs(company: Company) -> tuple[Mapping[str, Any], ...]:
    """Tell every table that goes in, with its rows and its own fingerprint."""
    prints = company.fingerprints()
    return tuple(
        {"table": q.table, "rows": q.rows, "rejected": q.rejected, "fingerprint": prints[q.table]}
        for q in company.quality
    )


def _refuse_secrets(values: Mapping[str, Any], names: Sequence[str], notebook: str) -> None:
    """Refuse a value that holds a secret: parameters are kept in the notebook and the manifest."""
    scrub = Scrubber.of(names)
    for name, value in values.items():
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and scrub(text) != text:
                raise ParameterError(
                    f"Notebook '{notebook}': '{name}' holds a secret, and a run keeps its parameters. Write"
                    f" '{scrub(text)}' and let the notebook look it up, or put it into alignment.toml."
                )


def _settings_hash(company: Company) -> str:
    """Give one hash of all settings and of the user's own catalogue: other margins are another run."""
    own = [
        path for folder in company.settings.catalogue_folders() for path in sorted(Path(folder).glob("*.py"))
    ]
    if (slides := company.settings.slides()) is not None:
        own.append(slides)
    told = [company.settings.public(), [[path.name, file_hash(path)] for path in own]]
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()


def _portable(source: str) -> str:
    """Write a source so that the executed notebook names no machine and no secret."""
    if "://" in source:
        from urllib.parse import urlsplit

        if urlsplit(source).password:
            raise ParameterError(
                "A run keeps its parameters, and this address carries a password. Put it into an alignment.toml as"
                ' [source] url = "...${ENV_NAME}..." and run that.'
            )
        return source
    with contextlib.suppress(ValueError):  # another drive has no relative path
        return Path(os.path.relpath(source)).as_posix() if Path(source).is_absolute() else source
    return source


def resolve_period(company: Company, text: str | None) -> Period:
    """Give the period of a text, a relative word or nothing (the last quarter that is complete)."""
    from alignment_toolkit.analysis import default_period

    if not text:
        return default_period(company)
    period: Period = company.settings.period(text, as_of=company.as_of)
    return period


def check_part(company: Company, part: Company) -> None:
    """Refuse a part that is a person or a client, whose name would become a folder, unless names may be shown.

    Raises
    ------
    ParameterError
        With the setting that allows it.
    """
    from alignment_toolkit.sources.relate import named_by

    named = [d for d, _ in part.steps if named_by(d, company.has)]
    if named and not company.settings.privacy.names:
        raise ParameterError(
            f"A run for one {named[0]} would write a {named_by(named[0], company.has)}'s name into folders and files."
            " [privacy] names = true allows it."
        )


def require_data(company: Company, period: Period) -> None:
    """Refuse a period in which no table has a row.

    Raises
    ------
    DataError
        Which names the period, what the data covers, and the nearest period with data.
    """
    edges: list[dt.date] = []
    for table, column in _dated(company).items():
        day = company[table][column].cast("date")
        before, after = day < period.start, day >= period.end
        row = company.fetch(
            company[table].aggregate(
                inside=(~before & ~after).sum(), first=day.min(), last=day.max(),
                before=day.max(where=before), after=day.min(where=after),
            )
        ).iloc[0]  # fmt: skip
        if row["inside"] == row["inside"] and row["inside"]:
            return
        found = (_day(row[c]) for c in ("first", "last", "before", "after"))
        edges += [d for d in found if d is not None]
    if not edges:
        raise DataError(f"There is no data in {period}: {company.name} has no dated rows at all.")
    nearest = min(edges, key=lambda d: (min(abs((d - period.start).days), abs((d - period.last).days)), d))
    kind = "quarter" if period.kind == "range" else period.kind
    near = Period.of(
        nearest,
        kind,
        fiscal_year_starts=period.fiscal_year_starts,
        fiscal_year_names=period.fiscal_year_names,
    )
    raise DataError(
        f"There is no data in {period} ({period.start} to {period.last}). The data of {company.name} covers"
        f" {min(edges)} to {max(edges)}. The nearest period with data is"
        f" {near}."
    )


def _dated(company: Company) -> dict[str, str]:
    """Name the tables that tell of business, each with the column that dates its rows."""
    from alignment_toolkit.tables import TABLES

    dated = {t: column for t in company.tables if (column := TABLES[t].date) is not None}
    # Plans and targets may lie in any year; they are no sign of business in it.
    dated = {t: c for t, c in dated.items() if TABLES[t].event_columns or t in ("spend", "results")} or dated
    return {t: c for t, c in dated.items() if company.has(t, c)}


def first_day(company: Company) -> dt.date | None:
    """Give the first day that any row is dated; None where none is.

    Examples
    --------
    >>> from alignment_toolkit.company import Company
    >>> first_day(Company.open("data/sample"))
    datetime.date(2024, 10, 1)
    """
    days = []
    for table, column in _dated(company).items():
        t = company[table]
        days.append(_day(company.fetch(t.aggregate(first=t[column].cast("date").min())).iloc[0]["first"]))
    return min((d for d in days if d is not None), default=None)


def _day(value: Any) -> dt.date | None:
    if value is None or value != value:
        return None
    return value.date() if isinstance(value, dt.datetime) else value


def _check_names(company: Company, values: Mapping[str, Any]) -> None:
    from alignment_toolkit.catalog import Catalog

    catalog = Catalog.load(company.settings)
    catalog.check(company.settings)
    catalog.chosen_indicators(values.get("indicators") or None)
    catalog.chosen_kpis(values.get("kpis") or None)
    check_dimensions(company, values.get("by") or ())


def check_formats(formats: Sequence[str]) -> tuple[str, ...]:
    """Give the formats that were asked for without doubles; refuse those that can't be written."""
    from alignment_toolkit.report import check_format

    return tuple(dict.fromkeys(check_format(name) for name in formats))


def default_formats(formats: Sequence[str]) -> tuple[str, ...]:
    """Give the formats of the settings without doubles, at least a page."""
    return check_formats(formats) or ("html",)


def check_dimensions(company: Company, by: Sequence[str]) -> None:
    """Refuse a column that no table has.

    Raises
    ------
    UnknownName
        With the near match.
    """
    from alignment_toolkit.relations import RELATIONS

    names = {dimension.rpartition(".")[2] for dimension in by}
    columns = {column for table in company.tables for column in company.columns(table)}
    if names <= columns:
        return
    # A relation may have dimensions of its own, which no table has.
    for name, relation in RELATIONS.items():
        if not relation.missing(company):
            columns |= set(company.relation_columns(name))
    own = {column for table in company.tables for column in company.columns(table)}
    for name in sorted(names - columns):
        raise UnknownName("column", name, sorted(own), where=f"in the data of {company.name}")
