"""The catalogue: what can be computed, from the toolkit, from installed packages and from a user's own folder."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from alignment_toolkit import brief
from alignment_toolkit.drivers import known_drivers
from alignment_toolkit.errors import SettingsError, UnknownName, did_you_mean, names_given
from alignment_toolkit.indicator import Indicator
from alignment_toolkit.kpi import Kpi, RatioOfKpis
from alignment_toolkit.segmentation import Segmentation

if TYPE_CHECKING:
    from alignment_toolkit.company import Company

__all__ = ["ENTRY_POINTS", "Catalog"]

ENTRY_POINTS = "alignment_toolkit"
OWN_FAMILY = "Further key figures"
Entry = Kpi | RatioOfKpis | Indicator | Segmentation


@dataclass(frozen=True)
class Catalog:
    """KPIs, indicators and segmentations by id, in catalogue order; ids with dashes and underscores are the same.

    Attributes
    ----------
    kpis, indicators, segmentations
        The entries by their own id.
    origin
        Where each entry comes from: ``toolkit``, a package's name, or a file's name.
    families
        The family of each KPI, as a reader sees it; of an own file, what its ``FAMILY`` says.

    Examples
    --------
    >>> Catalog.load().get("dropped-leads").margin
    0.1
    """

    kpis: Mapping[str, Kpi | RatioOfKpis]
    indicators: Mapping[str, Indicator]
    segmentations: Mapping[str, Segmentation] = field(default_factory=dict)
    origin: Mapping[str, str] = field(default_factory=dict)
    families: Mapping[str, str] = field(default_factory=dict)

    __repr__ = brief.catalog

    @classmethod
    def load(cls, settings: Any = None, folders: Iterable[str | Path] = ()) -> Catalog:
        """Collect the built-in entries, those of installed packages and those of a user's folders.

        Parameters
        ----------
        settings
            Settings whose ``[catalogue] folders`` are read too (paths beside the alignment.toml).
        folders
            Further folders of Python files; every `Kpi`, `RatioOfKpis`, `Indicator` and `Segmentation` at the top
            of a file counts.
            Files whose name begins with an underscore or a dot are passed over.

        Raises
        ------
        SettingsError
            For a folder that is not there, a file that does not load, or an id that exists twice.
        """
        found: dict[str, tuple[Entry, str, str]] = {}
        for module, family in _built_in():
            _collect(found, module, "toolkit", family)
        for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda p: p.name):
            _collect(found, _loaded(point), point.dist.name if point.dist else point.name)
        own = settings.catalogue_folders() if settings is not None else ()
        for folder in (*own, *map(Path, folders)):
            for path in _files(folder):
                _collect(found, _from_file(path), path.name)
        kpis = {entry.id: entry for entry, *_ in found.values() if isinstance(entry, (Kpi, RatioOfKpis))}
        indicators = {entry.id: entry for entry, *_ in found.values() if isinstance(entry, Indicator)}
        groups = {entry.id: entry for entry, *_ in found.values() if isinstance(entry, Segmentation)}
        origin = {entry.id: origin for entry, origin, _ in found.values()}
        families = {entry.id: family for entry, _, family in found.values() if entry.id in kpis}
        return cls(kpis, indicators, groups, origin, families)

    def get(self, id: str) -> Entry:
        """Look an entry up.

        Raises
        ------
        UnknownName
            With the near match.
        """
        for entries in (self.kpis, self.indicators, self.segmentations):
            for entry in entries.values():
                if _same(entry.id) == _same(id):
                    return entry
        raise UnknownName("KPI or indicator", id, [*self.kpis, *self.indicators, *self.segmentations])

    def chosen_kpis(self, ids: Collection[str] | None) -> tuple[Kpi | RatioOfKpis, ...]:
        """Give the KPIs of these ids in catalogue order; None means all."""
        return tuple(self.kpis[id] for id in _chosen("KPI", ids, self.kpis))

    def chosen_indicators(self, ids: Collection[str] | None) -> tuple[Indicator, ...]:
        """Give the indicators of these ids in catalogue order; None means all."""
        return tuple(self.indicators[id] for id in _chosen("indicator", ids, self.indicators))

    def chosen_segmentations(self, ids: Collection[str] | None) -> tuple[Segmentation, ...]:
        """Give the segmentations of these ids in catalogue order; None means all."""
        return tuple(self.segmentations[id] for id in _chosen("segmentation", ids, self.segmentations))

    def check(self, settings: Any) -> None:
        """Refuse settings for unknown ids, unknown options and options of the wrong type, all at once.

        Raises
        ------
        SettingsError
            Every fault on a line of its own, with the line in the file and the near match.
        """
        faults: list[tuple[Sequence[str], str]] = []
        owned = {**known_drivers(), **self.kpis}
        for section, known in (("kpis", self.kpis), ("indicators", self.indicators), ("owners", owned)):
            for id in getattr(settings, section):
                if _same(id) not in {_same(k) for k in known}:
                    faults.append(((section, id), f"there is no [{section}.{id}]. {did_you_mean(id, known)}"))
        for department, card in settings.scorecard.items():
            for part in ("weights", "caps"):
                for id in getattr(card, part):
                    if _same(id) not in {_same(k) for k in self.kpis}:
                        said = f"there is no KPI '{id}' for [scorecard.{department}.{part}]."
                        path = ("scorecard", department, part, id)
                        faults.append((path, f"{said} {did_you_mean(id, self.kpis)}"))
        for section, entries in (("indicators", self.indicators), ("kpis", self.kpis)):
            for entry in entries.values():
                own = settings.indicator_options if section == "indicators" else settings.kpi_options
                for name, value in own(entry.id).items():
                    try:
                        entry.configured({name: value})
                    except SettingsError as e:
                        faults.append(((section, entry.id, name), str(e)))
        if faults:
            raise settings.error(*faults)

    def capabilities(self, company: Company) -> tuple[list[str], list[dict[str, Any]]]:
        """Say what can be computed from what a company has, and what is missing for the rest."""
        can: list[str] = []
        cannot: list[dict[str, Any]] = []
        for entry in self:
            lacking = entry.missing(company)
            if lacking:
                cannot.append({"id": entry.id, "missing": list(lacking)})
            else:
                can.append(entry.id)
        return can, cannot

    def __iter__(self) -> Iterator[Entry]:
        yield from self.kpis.values()
        yield from self.indicators.values()
        yield from self.segmentations.values()

    def kind_of(self, id: str) -> Literal["kpi", "indicator", "segmentation"]:
        """Say what an id is."""
        entry = self.get(id)
        if isinstance(entry, Segmentation):
            return "segmentation"
        return "indicator" if isinstance(entry, Indicator) else "kpi"


def _same(id: str) -> str:
    return id.casefold().replace("_", "-")


def _chosen(what: str, ids: Collection[str] | None, known: Mapping[str, object]) -> list[str]:
    if ids is None:
        return list(known)
    ids = names_given(ids, f"{what.lower()}s")
    by_name = {_same(k): k for k in known}
    for id in ids:
        if _same(id) not in by_name:
            raise UnknownName(what, id, known)
    wanted = {_same(id) for id in ids}
    return [k for k in known if _same(k) in wanted]


def _built_in() -> Iterator[tuple[ModuleType, str]]:
    for name in ("kpis", "indicators", "segmentations"):
        package = importlib.import_module(f"alignment_toolkit.{name}")
        there = sorted(m.name for m in pkgutil.iter_modules(package.__path__))
        families: Mapping[str, str] = getattr(package, "FAMILIES", {})
        for module in [*(m for m in families if m in there), *(m for m in there if m not in families)]:
            yield importlib.import_module(f"{package.__name__}.{module}"), families.get(module, "")


def _loaded(point: Any) -> ModuleType:
    try:
        module = point.load()
    except Exception as problem:  # whatever a foreign package raises is told by its name
        raise SettingsError(
            f"The installed catalogue '{point.name}' ({point.value}) does not load: {problem}"
        ) from problem
    if not isinstance(module, ModuleType):
        raise SettingsError(f"The installed catalogue '{point.name}' ({point.value}) is no module.")
    return module


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise SettingsError(
            f"There is no catalogue folder '{folder}'. Name one that is there in [catalogue] folders."
        )
    return sorted(p for p in folder.glob("*.py") if p.name[0] not in "._")


def _from_file(path: Path) -> ModuleType:
    name = f"alignment_catalogue_{sha256(str(path.resolve()).encode()).hexdigest()[:12]}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise SettingsError(f"The catalogue file '{path.name}' can't be read as Python.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as problem:  # a broken file is the user's to mend: say which, and what it said
        sys.modules.pop(name, None)
        line = _line_in(problem, path)
        where = f", line {line}" if line else ""
        raise SettingsError(
            f"The catalogue file '{path.name}'{where} does not load: {type(problem).__name__}: {problem}"
        ) from problem
    return module


def _line_in(problem: BaseException, path: Path) -> int | None:
    if isinstance(problem, SyntaxError):
        return problem.lineno
    line, step = None, problem.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename == str(path):
            line = step.tb_lineno
        step = step.tb_next
    return line


def _collect(
    found: dict[str, tuple[Entry, str, str]], module: ModuleType, origin: str, family: str = ""
) -> None:
    entries: list[Entry] = []
    for value in vars(module).values():
        several = value if isinstance(value, (tuple, list)) else (value,)
        entries += [v for v in several if isinstance(v, (Kpi, RatioOfKpis, Indicator, Segmentation))]
    for entry in {id(entry): entry for entry in entries}.values():
        key = _same(entry.id)
        if key in found and found[key][0] is not entry:
            other = found[key][1]
            raise SettingsError(
                f"The id '{entry.id}' exists twice: in {other} and in {origin}. Rename yours."
            )
        found.setdefault(key, (entry, origin, family or getattr(module, "FAMILY", OWN_FAMILY)))
