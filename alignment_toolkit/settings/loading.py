"""Settings: read from alignment.toml, asked by everything above."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field, PrivateAttr, ValidationError

from alignment_toolkit import brief
from alignment_toolkit.errors import ParameterError, SettingsError, did_you_mean
from alignment_toolkit.periods import Period, WorkingCalendar, compare_periods, resolve
from alignment_toolkit.secrets import references
from alignment_toolkit.settings.brand import LOGO_BYTES, SLIDES_BYTES, encoded, is_inside
from alignment_toolkit.settings.lines import key_lines, line_of
from alignment_toolkit.settings.mistakes import (
    InvalidSettings,
    Mistake,
    cross_mistakes,
    name_mistakes,
    place,
    refused,
)
from alignment_toolkit.settings.model import (
    AttributionSettings,
    CalendarSettings,
    CatalogueSettings,
    CompanySettings,
    Department,
    EffortSettings,
    Options,
    Owners,
    PlaysSettings,
    PrivacySettings,
    ReportSettings,
    ScorecardSettings,
    SourceSettings,
    Strict,
    TableMapping,
)
from alignment_toolkit.settings.notify import NotifySettings
from alignment_toolkit.settings.words import WEEKDAYS, same_id

__all__ = ["FILE_NAME", "Settings", "expand"]

FILE_NAME: Final = "alignment.toml"
_VARIABLE: Final = re.compile(r"\$\{([^}]*)\}?")


class Settings(Strict):
    r"""All settings of a company; every one has a default, so `Settings()` is a company without a file.

    Examples
    --------
    >>> settings = Settings.from_toml('[company]\nname = "Acme"\nfiscal_year_starts = 4')
    >>> settings.company.name, settings.period("FY2026").start
    ('Acme', datetime.date(2025, 4, 1))
    >>> Settings.from_toml('[company]\ncurency = "EUR"')
    Traceback (most recent call last):
    alignment_toolkit.settings.mistakes.InvalidSettings: alignment.toml, line 2: there is no key 'curency' in [company].
    Did you mean 'currency'?
    """

    model_config = ConfigDict(title="alignment.toml")

    company: CompanySettings = CompanySettings()
    calendar: CalendarSettings = CalendarSettings()
    source: Annotated[SourceSettings, Field(exclude=True)] = SourceSettings()
    tables: Annotated[
        dict[str, TableMapping],
        Field(description="How the canonical tables are brought in, where names differ."),
    ] = Field(default_factory=dict)
    kpis: Annotated[dict[str, Options], Field(description="Options of KPIs, by id.")] = Field(
        default_factory=dict
    )
    owners: Annotated[
        dict[str, Owners],
        Field(description="Who answers for a KPI: shares of the departments, which sum to 1."),
    ] = Field(default_factory=dict)
    scorecard: Annotated[
        dict[Department, ScorecardSettings], Field(description="Each department's scorecard.")
    ] = Field(default_factory=dict)
    effort: EffortSettings = EffortSettings()
    attribution: AttributionSettings = AttributionSettings()
    indicators: Annotated[
        dict[str, Options], Field(description="Options and margins of indicators, by id.")
    ] = Field(default_factory=dict)
    plays: PlaysSettings = PlaysSettings()
    privacy: PrivacySettings = PrivacySettings()
    report: ReportSettings = ReportSettings()
    catalogue: CatalogueSettings = CatalogueSettings()
    notify: Annotated[NotifySettings, Field(exclude=True)] = NotifySettings()

    _file: Path | None = PrivateAttr(default=None)
    _name: str = PrivateAttr(default=FILE_NAME)
    _data: dict[str, Any] = PrivateAttr(default_factory=dict)
    _lines: dict[tuple[str | int, ...], int] = PrivateAttr(default_factory=dict)

    def __repr__(self) -> str:
        """Name the company; what settings say may hold addresses."""
        return brief.settings(self)

    __str__ = __repr__

    @classmethod
    def load(cls, path: Path | str) -> Settings:
        """Read a settings file, or the one in a folder.

        Raises
        ------
        SettingsError
            If there is no such file, or anything in it is unknown or impossible; all of it at once.
        """
        file = Path(path)
        if file.is_dir():
            file = file / FILE_NAME
        try:
            raw = file.read_bytes()
        except OSError as error:
            there = [p.name for p in sorted(file.parent.glob("*.toml"))] if file.parent.is_dir() else []
            raise SettingsError(
                f"There is no settings file '{file}' to read ({error.strerror}). {did_you_mean(file.name, there)}"
            ) from None
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            message = "not UTF-8; save the file with the encoding UTF-8."
            raise InvalidSettings(file.name, [Mistake(line, (), message)]) from None
        settings = cls.from_toml(text, file=file.name)
        settings._file = file.resolve()
        return settings

    @classmethod
    def from_toml(cls, text: str, file: str = FILE_NAME) -> Settings:
        """Read settings from TOML text; `file` is the name that messages give it."""
        data, lines = _read(text, file)
        found = list(cross_mistakes(data))
        settings = None
        try:
            settings = cls.model_validate(data)
        except ValidationError as error:
            found += refused(error, data, cls)
        if settings is None or found:
            # Without `from`: the models' own text would repeat the values, secrets too.
            raise InvalidSettings(file, [Mistake(line_of(lines, p), p, m) for p, m in found]) from None
        settings._name, settings._data, settings._lines = file, data, lines
        return settings

    @property
    def file(self) -> Path | None:
        """The file that the settings were read from."""
        return self._file

    @property
    def folder(self) -> Path:
        """The folder at which relative paths begin: that of the file, else the current one."""
        return self._file.parent if self._file else Path()

    def path(self, text: str) -> Path:
        """Give a path of the settings, a relative one from the file's folder."""
        return self.folder / text

    def line_of(self, *path: str | int) -> int | None:
        r"""Give the line of a key, ids with dashes or underscores; of the nearest table above it; or None.

        Examples
        --------
        >>> Settings.from_toml("[indicators.dropped_leads]\nwithin_hours = 8").line_of(
        ...     "indicators", "dropped-leads", "within_hours")
        2
        """
        if tuple(path) in self._lines:
            return self._lines[tuple(path)]
        folded = {
            tuple(same_id(p) if isinstance(p, str) else p for p in known): line
            for known, line in self._lines.items()
        }
        return line_of(folded, [same_id(p) if isinstance(p, str) else p for p in path])

    def error(self, *found: tuple[Sequence[str | int], str]) -> InvalidSettings:
        """Make the error for what only others can tell to be wrong, each with the path of its key.

        Parameters
        ----------
        *found
            Pairs of path and sentence. A sentence that begins with its verb (``is 3; it must be ...``) gets the key's
            name put before it; one that begins with "there is" or with the name in brackets stands as it is.
        """
        return self._invalid(
            [(p, m if m.startswith(("there is", "[")) else f"{place(p)} {m}") for p, m in found]
        )

    def _invalid(self, found: Iterable[tuple[Sequence[str | int], str]]) -> InvalidSettings:
        return InvalidSettings(self._name, [Mistake(self.line_of(*p), tuple(p), m) for p, m in found])

    def check_names(self, tables: Mapping[str, Collection[str]]) -> None:
        """Check the names in [tables.*] against the canonical tables and their columns.

        Raises
        ------
        SettingsError
            With line and near match of every name that is not there.
        """
        mapped = self._data.get("tables") or {
            name: table.model_dump(by_alias=True) for name, table in self.tables.items()
        }
        found = list(name_mistakes(mapped, tables))
        if found:
            raise self._invalid(found)

    def period(self, text: str | int | Period, *, as_of: date | None = None) -> Period:
        """Read a period, or a relative word counted from `as_of`, with the company's fiscal calendar."""
        if isinstance(text, Period):
            return text
        return resolve(
            text,
            as_of or self.company.as_of,
            fiscal_year_starts=self.company.fiscal_year_starts,
            fiscal_year_names=self.company.fiscal_year_names,
        )

    def compare(self, text: str | None, period: Period) -> tuple[Period, ...]:
        """Read what a period is compared with: previous, year-ago, none, or periods with the company's calendar."""
        company = self.company
        own = Period(
            period.label,
            period.start,
            period.end,
            period.kind,
            company.fiscal_year_starts,
            company.fiscal_year_names,
        )
        return compare_periods(text, own)

    def working_calendar(self) -> WorkingCalendar:
        """Give the working hours."""
        return WorkingCalendar(
            days=tuple(sorted({WEEKDAYS.index(day) for day in self.calendar.days})),
            opens=self.calendar.opens,
            closes=self.calendar.closes,
            holidays=frozenset(self.calendar.holidays),
        )

    def kpi_options(self, kpi: str) -> dict[str, Any]:
        """Give the options of a KPI; empty where none is set."""
        return dict(_by_id(self.kpis, kpi))

    def indicator_options(self, indicator: str) -> dict[str, Any]:
        """Give the options of an indicator; empty where none is set."""
        return dict(_by_id(self.indicators, indicator))

    def owners_of(self, kpi: str) -> dict[str, float]:
        """Give the departments' shares in a KPI; empty where the settings say nothing."""
        return dict(_by_id(self.owners, kpi))

    def source_option(self, name: str) -> str | None:
        """Give a value of [source] with its secrets filled in, for use at once and never for output."""
        known = {"kind": self.source.kind, "url": self.source.url, **(self.source.model_extra or {})}
        value = known.get(name)
        return None if value is None else self._expanded(("source", name), str(value))

    def secret_key(self) -> str | None:
        """Give the key of the pseudonyms with its secrets filled in, for use at once and never for output."""
        key = self.privacy.key
        return None if key is None else self._expanded(("privacy", "key"), key.get_secret_value())

    def secret_names(self) -> tuple[str, ...]:
        """Name the environment variables that [source] and the key of the pseudonyms refer to."""
        key = self.privacy.key
        told = [self.source.url, *(self.source.model_extra or {}).values()]
        told += [] if key is None else [key.get_secret_value()]
        return references("\n".join(str(value) for value in told if value is not None))

    def _expanded(self, path: tuple[str, ...], text: str) -> str:
        try:
            return expand(text)
        except InvalidSettings:
            raise
        except SettingsError as error:
            raise self.error((path, f"{place(path)}: {error}")) from None

    def catalogue_folders(self) -> tuple[Path, ...]:
        """Give the folders of a company's own indicators: `alignment_indicators/` if it is there, and those set."""
        beside = self.path("alignment_indicators")
        named = [self.path(folder) for folder in self.catalogue.folders]
        missing = [
            (
                ("catalogue", "folders", number),
                f"[catalogue] folders: there is no folder '{self.catalogue.folders[number]}'.",
            )
            for number, folder in enumerate(named)
            if not folder.is_dir()
        ]
        if missing:
            raise self.error(*missing)
        return (*([beside] if beside.is_dir() else []), *named)

    def slides(self) -> Path | None:
        """Give the company's own slides to start from, if there are any.

        Raises
        ------
        SettingsError
            Where the file is missing, too large, or outside the settings' folder.
        """
        named = self.report.template
        return self._beside(("report", "template"), named, SLIDES_BYTES, "slides") if named else None

    def _logo(self) -> str:
        key = ("report", "brand", "logo")
        try:
            return encoded(self._beside(key, self.report.brand.logo, LOGO_BYTES, "logo").read_bytes())
        except ParameterError as e:
            raise self.error((key, f"[report.brand] logo: {e}")) from None

    def _beside(self, key: tuple[str, ...], named: str, most: int, what: str) -> Path:
        """Give a file of the settings' folder; what lies outside is not for a report that is handed on."""
        path = self.path(named)
        if not is_inside(path, self.folder):
            why = f"'{named}' is not in the folder of the settings; put the {what} there"
        elif not path.is_file():
            why = f"there is no file '{named}' in the folder of the settings"
        elif path.stat().st_size > most:
            why = f"'{named}' has {path.stat().st_size:,} bytes; it may have {most:,}"
        else:
            return path
        raise self.error((key, f"[{'.'.join(key[:-1])}] {key[-1]}: {why}."))

    def with_as_of(self, day: date) -> Settings:
        """Give the same settings with another [company] as_of."""
        return self.model_copy(update={"company": self.company.model_copy(update={"as_of": day})})

    def public(self) -> dict[str, Any]:
        """Give what matters for results, as JSON with sorted keys; without [source], secrets, paths and names.

        Mappings of tables may hold names of people and clients (in `where`, `map`, `sql`), so unless `[privacy]
        names` is true they are shown by a digest, which tells whether two Analyses were made with the same mapping.
        """
        dump = self.model_dump(
            mode="json",
            by_alias=True,
            exclude={"privacy": {"key"}, "report": {"template"}, "catalogue": True},
        )
        calendar = self.working_calendar()
        dump["calendar"] = {
            "days": [WEEKDAYS[day] for day in calendar.days],
            "from": f"{calendar.opens:%H:%M}",
            "to": f"{calendar.closes:%H:%M}",
            "holidays": sorted(day.isoformat() for day in calendar.holidays),
        }
        if self.report.brand.logo:
            dump["report"]["brand"]["logo"] = self._logo()
        if not self.privacy.names:
            dump["tables"] = {name: _without_names(table) for name, table in dump["tables"].items()}
        result: dict[str, Any] = json.loads(json.dumps(dump, sort_keys=True, allow_nan=False))
        return result


def _without_names(table: dict[str, Any]) -> dict[str, Any]:
    parts = [table, *table["union"]]
    return {
        "columns": sorted({column for part in parts for column in part["columns"]}),
        "complete_until": table["complete_until"],
        "filtered": any(part["where"] for part in parts),
        "mapping": hashlib.sha256(json.dumps(table, sort_keys=True).encode()).hexdigest()[:16],
    }


def _by_id(table: Mapping[str, Mapping[str, Any]], wanted: str) -> Mapping[str, Any]:
    return next((value for name, value in table.items() if same_id(name) == same_id(wanted)), {})


def _read(text: str, file: str) -> tuple[dict[str, Any], dict[tuple[str | int, ...], int]]:
    try:
        data = tomllib.loads(text)
        return data, key_lines(text)
    except RecursionError:
        raise InvalidSettings(file, [Mistake(None, (), "lists or tables are nested too deeply.")]) from None
    except ValueError as error:
        what, _, where = str(error).partition(" (at ")
        found = re.match(r"line (\d+), column (\d+)", where)
        line = int(found.group(1)) if found else text.count("\n") + 1
        column = f" at column {found.group(2)}" if found else ""
        message = (
            f"not valid TOML{column} ({what[:1].lower()}{what[1:]}). Texts stand in quotes, lists in [ ], "
            "true and false are written small, and no key or table stands there twice."
        )
        raise InvalidSettings(file, [Mistake(line, (), message)]) from None


def expand(text: str) -> str:
    """Fill in secrets: every ``${NAME}`` becomes the environment variable of that name.

    Raises
    ------
    SettingsError
        If the variable is not set; the message names it and nothing else of the text.
    """

    def value(found: re.Match[str]) -> str:
        name = found.group(1)
        if not found.group().endswith("}") or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise SettingsError("a secret is written ${NAME}, with letters, digits and underscores.")
        if name not in os.environ:
            raise SettingsError(
                f"the environment variable '{name}' is not set. Set it before the command is run."
            )
        return os.environ[name]

    return _VARIABLE.sub(value, text)
