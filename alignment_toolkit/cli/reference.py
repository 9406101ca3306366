"""The commands that explain: list, explain, doctor."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable, Mapping
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alignment_toolkit.brief import read_value
from alignment_toolkit.cli.common import As_json, Out, Words, listed, opened, print_json, print_table, say
from alignment_toolkit.errors import AlignmentError, ExportFailed, KernelLost, ParameterError, UnknownName

if TYPE_CHECKING:
    from alignment_toolkit.catalog import Catalog

__all__ = ["register"]

KINDS = ("kpis", "indicators", "segmentations", "notebooks")
Settings = Annotated[
    Path | None,
    typer.Option(
        "--settings", help="An alignment.toml whose own catalogue is read too; by default ./alignment.toml."
    ),
]
LIBRARIES = (
    "duckdb",
    "ibis-framework",
    "pandas",
    "numpy",
    "scipy",
    "statsmodels",
    "matplotlib",
    "papermill",
    "ipykernel",
)


def _catalogue(settings: Path | None) -> Catalog:
    from alignment_toolkit.catalog import Catalog
    from alignment_toolkit.settings import Settings as Told

    path = settings or Path("alignment.toml")
    if settings is None and not path.is_file():
        return Catalog.load()
    return Catalog.load(Told.load(path / "alignment.toml" if path.is_dir() else path))


def list_(
    kind: Annotated[
        str, typer.Argument(help="kpis, indicators, segmentations or notebooks.", show_default=False)
    ],
    settings: Settings = None,
    as_json: As_json = False,
) -> None:
    """List what there is in the catalogue.

    Example: alignment list indicators
    """
    if kind not in KINDS:
        raise UnknownName("list", kind, KINDS)
    rows = _notebooks() if kind == "notebooks" else _entries(_catalogue(settings), kind)
    if as_json:
        print_json(rows)
    else:
        columns = list(rows[0]) if rows else ["id"]
        print_table(columns, [[row[c] for c in columns] for row in rows])


def _notebooks() -> list[dict[str, Any]]:
    from alignment_toolkit.notebooks import known_notebooks, read_notebook

    rows = []
    for name, path in known_notebooks().items():
        node = read_notebook(path)
        heading = next(
            (c.source.splitlines()[0].lstrip("# ") for c in node.cells if c.cell_type == "markdown"), ""
        )
        rows.append({"id": name, "question": heading})
    return rows


def _entries(catalogue: Catalog, kind: str) -> list[dict[str, Any]]:
    if kind == "kpis":
        return [
            {"id": k.id, "title": k.title, "unit": k.unit, "better": k.better, "owners": _shares(k.owners)}
            | {"from": catalogue.origin.get(k.id, "")}
            for k in catalogue.kpis.values()
        ]
    if kind == "segmentations":
        return [
            {"id": s.id, "title": s.title, "question": s.question, "from": catalogue.origin.get(s.id, "")}
            for s in catalogue.segmentations.values()
        ]
    return [
        {
            "id": i.id,
            "title": i.title,
            "nature": i.nature,
            "area": i.area,
            "window": i.window,
            "margin": i.margin,
        }
        | {"unit": i.unit, "from": catalogue.origin.get(i.id, "")}
        for i in catalogue.indicators.values()
    ]


def _shares(owners: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {share:.0%}" for name, share in owners.items())


def explain(
    id: Annotated[
        str, typer.Argument(metavar="ID", help="A KPI, an indicator or a segmentation.", show_default=False)
    ],
    source: Annotated[
        str | None,
        typer.Option(
            "--source", help='Measure the KPI of this source: a folder, a file, an alignment.toml, "sample".'
        ),
    ] = None,
    period: Annotated[
        str | None, typer.Option("--period", help="With --source; by default the last complete quarter.")
    ] = None,
    analysis: Annotated[
        Path | None,
        typer.Option(
            "--analysis", metavar="ANALYSIS.json", help="Explain the number that this Analysis holds."
        ),
    ] = None,
    by: Annotated[
        list[str] | None, typer.Option("--by", help="One part of the company: region=North,channel=email.")
    ] = None,
    settings: Settings = None,
    as_json: As_json = False,
) -> None:
    """Explain a KPI, an indicator or a segmentation, and where one number of it comes from.

    Example: alignment explain arpu --source data/sample --period 2026-Q3 --by region=North
    """
    from alignment_toolkit.explanation import explain as explained

    catalogue = None if source is not None else _catalogue(settings)
    told = explained(
        id, opened(source) if source else None, period, by=_part(by), analysis=analysis, catalog=catalogue
    )
    if as_json:
        print_json(told.to_json())
    else:
        say(str(told).rstrip())


def _part(by: Words) -> dict[str, str | None]:
    """Read NAME=VALUE; (missing) is the missing value, and "(missing)" in quotes this text."""
    part: dict[str, str | None] = {}
    for item in listed(by):
        name, equals, value = item.partition("=")
        if not equals or not name.strip():
            raise ParameterError(
                f"--by {item}: a dimension and its value are needed, as in --by region=North."
            )
        part[name.strip()] = read_value(value.strip())
    return part


def doctor(out: Out = Path("reports"), as_json: As_json = False) -> None:
    """Look at kernel, fonts, write access, cache and versions.

    Example: alignment doctor
    """
    rows: list[dict[str, str]] = []
    worst: AlignmentError | None = None
    for name, look in (("kernel", _kernel), ("write access", lambda: _writable(out)), ("fonts", _fonts)):
        try:
            rows.append({"check": name, "status": "ok", "found": look()})
        except AlignmentError as e:
            rows.append({"check": name, "status": "missing", "found": str(e)})
            worst = worst or e
    rows.append({"check": "cache", "status": "ok", "found": _cache()})
    rows += [{"check": name, "status": "ok", "found": version} for name, version in _versions()]
    if as_json:
        print_json(rows)
    else:
        print_table(["check", "status", "found"], [[r["check"], r["status"], r["found"]] for r in rows])
    if worst is not None:
        raise worst


def _kernel() -> str:
    from alignment_toolkit.notebooks import kernel_starts

    return f"starts and computes in {kernel_starts():.1f} s"


def _writable(out: Path) -> str:
    place = out
    while not place.exists():
        place = place.parent
    if not place.is_dir() or not os.access(place, os.W_OK):
        raise ExportFailed(f"{out} can't be written; name another folder with --out.")
    return f"{out} can be written"


def _cache() -> str:
    from alignment_toolkit.sources.kept import usable

    folder = usable()
    return f"written SQL is kept in {folder}" if folder else "written SQL is not kept; runs take longer"


def _fonts() -> str:
    spec = find_spec("matplotlib")
    folder = Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf" if spec and spec.origin else Path()
    if not (folder / "DejaVuSans.ttf").is_file():
        raise ExportFailed(
            "The font DejaVu Sans, which charts are lettered with, is not there. Install matplotlib again."
        )
    return "DejaVu Sans, for charts (it has no CJK letters and no emoji)"


def _versions() -> Iterable[tuple[str, str]]:
    from alignment_toolkit.results import VERSION

    yield "alignment_toolkit", VERSION
    yield "python", f"{platform.python_version()} ({sys.platform})"
    for name in LIBRARIES:
        try:
            yield name, metadata.version(name)
        except metadata.PackageNotFoundError:
            raise KernelLost(f"The library {name} is not installed.") from None


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("list")(list_)
    app.command()(explain)
    app.command()(doctor)
