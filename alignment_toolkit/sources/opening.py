"""Opening: which source is meant, which settings hold, and what it brings."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from alignment_toolkit.errors import ParameterError, SettingsError, did_you_mean
from alignment_toolkit.settings import Settings
from alignment_toolkit.sources.part import Engine, Part
from alignment_toolkit.tables import TABLES

__all__ = ["Opened", "open_source", "read_source", "sample_folder"]

FILE_NAME: Final = "alignment.toml"
SAMPLE: Final = "sample"
_DUCKDB: Final = (".duckdb", ".ddb", ".db")
_KINDS: Final = ("folder", "duckdb", "sql", "olist")


@dataclass(frozen=True)
class Opened:
    """What is to be read: the kind, a path or an address, the settings, and the name to use where none is set."""

    kind: str
    place: Path | str = field(repr=False)  # an address may hold a password
    settings: Settings
    name: str


def open_source(source: str | Path | Settings) -> Opened:
    """Find out what is to be opened, without reading any data.

    Raises
    ------
    ParameterError
        If there is nothing of that name, with the near match.
    SettingsError
        If the settings are wrong or name no source.
    """
    if isinstance(source, Settings):
        return _from_settings(source, None)
    text = str(source)
    if "://" in text or text.startswith("duckdb:"):
        return _named(text, None, Settings(), Path())
    path = Path(text).expanduser()
    if text == SAMPLE and not path.exists():
        path = sample_folder()
    if path.is_dir():
        file = path / FILE_NAME
        return _from_settings(Settings.load(file) if file.is_file() else Settings(), path)
    if path.suffix.lower() == ".toml" and path.is_file():
        return _from_settings(Settings.load(path), None)
    if path.is_file():
        if path.suffix.lower() in _DUCKDB or _is_sqlite(path):
            return _named(text, None, Settings(), Path())
        raise ParameterError(
            f"'{path.name}' is a file; a source is a folder of canonical files (this one lies in '{path.parent}'),"
            f" a .duckdb file, a database address or an {FILE_NAME}."
        )
    parent = path.parent
    there = sorted(p.name for p in parent.iterdir()) if parent.is_dir() else []
    missing = (
        f"There is no '{text}'." if parent.is_dir() else f"There is no '{text}', nor the folder '{parent}'."
    )
    near = f" {did_you_mean(path.name, there)}" if there else ""
    forms = f"A source is a folder, a .duckdb file, a database address or an {FILE_NAME}."
    raise ParameterError(f"{missing}{near} {forms}")


def sample_folder() -> Path:
    """Give the folder of the made-up company that comes with the toolkit, in the wheel or in the checkout."""
    package = Path(__file__).resolve().parents[1]
    bundled = package / "_bundled" / SAMPLE
    return bundled if bundled.is_dir() else package.parent / "data" / SAMPLE


def _from_settings(settings: Settings, folder: Path | None) -> Opened:
    settings.check_names({name: tuple(spec.columns) for name, spec in TABLES.items()})
    place = settings.source_option("url") or settings.source_option("path")
    if place is None:
        if folder is None:
            folder = settings.folder if settings.file is not None else None
        if folder is None:
            raise SettingsError(
                f'The settings name no source; write [source] url = "data/" into {FILE_NAME}.'
            )
        place = str(folder.resolve())
    return _named(place, settings.source.kind, settings, settings.folder)


def _named(place: str, kind: str | None, settings: Settings, base: Path) -> Opened:
    found = re.fullmatch(r"duckdb:(?://)?(.*)", place)
    if found:
        place, kind = found.group(1), kind or "duckdb"
    found = re.fullmatch(r"sqlite://(/?.*)", place)
    if found:
        # As ibis reads it, three strokes begin an absolute path; as SQLAlchemy does, a relative one.
        place = found.group(1)
        whole = Path(place)
        absolute = whole.exists() or (whole.parent.is_dir() and whole.parent != Path(whole.anchor))
        place = place if absolute else place.removeprefix("/")
    elif "://" in place:
        return Opened(kind or "sql", place, settings, "")
    path = base / Path(place).expanduser()
    lite = found is not None or _is_sqlite(path)
    kind = kind or ("sql" if lite else "duckdb" if path.suffix.lower() in _DUCKDB else "folder")
    if kind not in _KINDS:
        raise settings.error((("source", "kind"), f"is '{kind}'. {did_you_mean(kind, _KINDS)}"))
    if not path.exists():
        there = sorted(p.name for p in path.parent.iterdir()) if path.parent.is_dir() else []
        message = f"names '{Path(place).name}', which is not there. {did_you_mean(path.name, there)}"
        if settings.file is None:
            raise ParameterError(f"The source {message}")
        raise settings.error((("source", "url"), message))
    if lite:
        return Opened("sql", f"sqlite://{path.resolve().as_posix()}", settings, path.stem)
    return Opened(kind, path, settings, path.resolve().stem if path.is_file() else path.resolve().name)


def _is_sqlite(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(16) == b"SQLite format 3\0"


def read_source(engine: Engine, opened: Opened) -> list[Part]:
    """Read the parts of every table of a source."""
    settings: Any = opened.settings
    if opened.kind == "folder":
        from alignment_toolkit.sources.folder import folder_parts

        return folder_parts(engine, Path(opened.place), settings)
    if opened.kind == "duckdb":
        from alignment_toolkit.sources.sql import duckdb_parts

        return duckdb_parts(engine, Path(opened.place), settings)
    if opened.kind == "olist":
        from alignment_toolkit.sources.olist import olist_parts

        return olist_parts(engine, Path(opened.place), settings)
    from alignment_toolkit.sources.sql import sql_parts

    return sql_parts(engine, str(opened.place), settings)
