"""From a company and a period to one Analysis; one failing part never takes the rest down."""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar, cast

from alignment_toolkit.attribution import Attribution, attribute
from alignment_toolkit.catalog import Catalog
from alignment_toolkit.changes import changes
from alignment_toolkit.company import Company
from alignment_toolkit.errors import AlignmentError, DataError, UnknownName, check_company, names_given
from alignment_toolkit.findings import begins_after, find
from alignment_toolkit.following import followed_through
from alignment_toolkit.indicator import AREAS, Indicator
from alignment_toolkit.kpi import Kpi, RatioOfKpis, measure
from alignment_toolkit.languages import say, speaking
from alignment_toolkit.meanwhile import meanwhile, processes
from alignment_toolkit.periods import Period, compare_periods, last_complete
from alignment_toolkit.progress import step, telling
from alignment_toolkit.pseudonyms import Pseudonyms
from alignment_toolkit.relations.telling import why
from alignment_toolkit.results import SCHEMA, VERSION, Analysis, Area, Finding, KpiValue, Scorecard
from alignment_toolkit.scorecard import Shared, shared_scorecard
from alignment_toolkit.segmentation import Segmentation, Segmented
from alignment_toolkit.sources.relate import named_by
from alignment_toolkit.wording import words_of

__all__ = ["analyse", "default_period", "findings_of", "measure_kpis"]

F = TypeVar("F", bound=Callable[..., Any])
CONCLUSIVE = ("aligned", "misaligned")
WARNINGS = 100
# Objects between two sweeps; with Python's 700 a sixth of an analysis is sweeping.
SWEEP = 50_000


def default_period(company: Company) -> Period:
    """Give the last quarter that is complete at the company's as_of.

    Raises
    ------
    DataError
        Where no table has a date.
    """
    if company.as_of is None:
        raise DataError(
            f"{company.name} has no dated rows, so there is no last complete quarter. Name a period."
        )
    return last_complete(company.as_of, "quarter")


def _in_its_language(function: F) -> F:
    """Have all that a function says said in the language that the company's settings name."""

    @functools.wraps(function)
    def speaks(company: Company, *args: Any, **kwargs: Any) -> Any:
        check_company(company)
        with speaking(company.settings.report.language):
            return function(company, *args, **kwargs)

    return cast(F, speaks)


@contextmanager
def _seldom_swept() -> Iterator[None]:
    """Let Python look for cycles less often: queries are built of many small objects, and each sweep walks them all."""
    before = gc.get_threshold()
    if 0 < before[0] < SWEEP:
        gc.set_threshold(SWEEP, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@_in_its_language
@_seldom_swept()
@telling("Analysis")
def analyse(
    company: Company,
    period: str | int | Period | None = None,
    *,
    compare: str | Iterable[str | Period] | None = "previous",
    by: str | Sequence[str] = (),
    indicators: Collection[str] | None = None,
    kpis: Collection[str] | None = None,
    segmentations: Collection[str] | None = None,
    history: Sequence[Analysis] = (),
    catalog: Catalog | None = None,
) -> Analysis:
    """Compute KPIs and findings of one period.

    Parameters
    ----------
    company
        The company; see `Company.open`.
    period
        A Period or its text (``2026-Q3``); by default the last quarter that is complete.
    compare
        ``previous``, ``year-ago``, ``none``, or periods.
    by
        Dimensions, or their names with commas between; the KPIs are given in total and for every observed combination,
        and what is out of line in the whole company is looked at again in each.
    indicators, kpis
        Ids; all by default.
    segmentations
        Ids; by default all, or none where KPIs or indicators are chosen.
    history
        Earlier analyses of the same company: each gap is followed through them, `alarms` tells what moved, and
        segments keep their names.
    catalog
        The catalogue; by default the built-in one with what packages and settings add.

    Returns
    -------
    Analysis
        All results, with what could not be computed and why.

    Raises
    ------
    ParameterError
        For a period, id or dimension that is unknown, with the near match.

    Examples
    --------
    >>> from alignment_toolkit.company import Company
    >>> company = Company.open("data/sample")
    >>> analyse(company, "2026-Q3", kpis=["leads"], indicators=["dropped_leads"]).finding("dropped_leads").status
    'misaligned'
    """
    dimensions = names_given(by, "by")
    catalog = catalog or Catalog.load(company.settings)
    catalog.check(company.settings)
    when = _period(company, period)
    against = compare_periods(compare, when)
    chosen_kpis = catalog.chosen_kpis(kpis)
    chosen = catalog.chosen_indicators(indicators)
    told = () if segmentations is None and not (kpis is None and indicators is None) else segmentations
    some = catalog.chosen_segmentations(told)
    hidden = Pseudonyms(company.settings.secret_key() or company.name, company.settings.privacy.names)
    warnings: list[str] = []

    def rest() -> tuple[Attribution, Segmented, list[str]]:
        said: list[str] = []
        step("attribution, segments")
        credited = _attribution(company, when, said)
        return credited, _segments(company, when, against, catalog, some, hidden, history, said), said

    with meanwhile(rest, apart=bool(some) and processes() > 1 and company.backend.works_alone) as later:
        step("key figures")
        rows = measure_kpis(
            company, chosen_kpis, when, by=dimensions, grain="month", compare=against, hidden=hidden, warnings=warnings,
            sliced_grain=False,
        )  # fmt: skip
        if chosen_kpis:
            place = {kpi.id: i for i, kpi in enumerate(chosen_kpis)}
            slices = {key: i for i, key in enumerate(dict.fromkeys(_slice(r) for r in rows))}
            rows.sort(key=lambda r: (place[r.kpi], slices[_slice(r)], r.grain is not None, r.start))
        known = _Known(company, catalog, when, rows)
        looked = find(company, chosen, when, catalog=catalog, measured=known, by=dimensions, hidden=hidden)
        findings = looked.findings
        warnings += [*looked.warnings, *_failed(findings)]
        step("scorecard, drivers")
        board = _shared(company, when, catalog, rows, warnings)
        moved = _drivers(company, when, against, catalog, chosen_kpis, dimensions, hidden, warnings)
        credited, groups, said = later()
    warnings += [*said, *(p.message for p in company.problems)]
    found = Analysis(
        schema=SCHEMA,
        toolkit=VERSION,
        company=_named(company, hidden),
        currency=company.currency,
        period=when.label,
        start=str(when.start),
        to=str(when.last),
        compared_with=tuple(p.label for p in against),
        as_of=str(company.as_of) if company.as_of else None,
        data_fingerprint=company.fingerprint(),
        settings=company.settings.public(),
        kpis=tuple(rows),
        drivers=moved,
        attribution=credited.rows,
        scorecard=board.scorecard,
        incentives=board.incentives,
        segments=groups.segments,
        plays=groups.plays,
        findings=findings,
        areas=_areas(findings, chosen),
        data_quality=company.quality,
        definitions=_definitions(company, chosen_kpis, chosen, catalog.families)
        | ({"attribution": credited.about} if credited.about else {})
        | ({"slices": looked.about} if looked.about else {})
        | ({"covered": covered} if (covered := begins_after(company, when)) else {})
        | ({"words": words} if (words := words_of(company, when, warnings)) else {})
        | dict(groups.about),
        warnings=tuple(_shortened(warnings)),
    )
    # Rounded as it will be written, so that what is computed and what is read back are the same.
    found = Analysis.from_json(found.to_json())
    if not history:
        return found
    followed = followed_through(found, history)
    return Analysis.from_json(replace(followed, warnings=tuple(_shortened(followed.warnings))).to_json())


def findings_of(
    company: Company,
    period: str | int | Period | None = None,
    *,
    by: Sequence[str] = (),
    indicators: Collection[str] | None = None,
    catalog: Catalog | None = None,
) -> tuple[Finding, ...]:
    """Give the findings of an Analysis without the rest of it: the same looks, judged in the same families.

    Examples
    --------
    >>> from alignment_toolkit.company import Company
    >>> found = findings_of(Company.open("data/sample"), "2026-Q3", indicators=["dropped_leads"])
    >>> [(f.indicator, f.status) for f in found]
    [('dropped_leads', 'misaligned')]
    """
    catalog = catalog or Catalog.load(company.settings)
    when = _period(company, period)
    hidden = Pseudonyms(company.settings.secret_key() or company.name, company.settings.privacy.names)
    known = _Known(company, catalog, when, ())
    chosen = catalog.chosen_indicators(indicators)
    return find(company, chosen, when, catalog=catalog, measured=known, by=by, hidden=hidden).findings


def measure_kpis(
    company: Company,
    kpis: Sequence[Kpi | RatioOfKpis],
    period: Period,
    *,
    by: Sequence[str] = (),
    grain: str | None = None,
    compare: Sequence[Period] = (),
    hidden: Pseudonyms | None = None,
    warnings: list[str] | None = None,
    sliced_grain: bool = True,
) -> list[KpiValue]:
    """Measure KPIs as an Analysis does: people by pseudonym, a broken KPI isolated; else as `measure`."""
    try:
        rows = list(
            measure(
                company, kpis, period, by=tuple(by), grain=grain, compare=tuple(compare),
                sliced_grain=sliced_grain,
            )
        )  # fmt: skip
    except AlignmentError:
        raise
    except Exception as problem:  # find the one that fails; the others still count
        if len(kpis) == 1:
            return [_broken(company, kpis[0], period, problem, warnings)]
        single: list[KpiValue] = []
        alone = functools.partial(
            measure_kpis, company, period=period, grain=grain, compare=compare, hidden=hidden, warnings=warnings,
            sliced_grain=sliced_grain,
        )  # fmt: skip
        for kpi in kpis:
            try:
                single += alone([kpi], by=by)
            except UnknownName as lacking:  # no mistake where other KPIs have the dimension
                why = _broken(company, kpi, period, lacking, None)
                single += [*alone([kpi]), replace(why, by=dict.fromkeys(by), reason=str(lacking))]
        return single
    whose = {d: named_by(d, company.has) for d in by}
    if hidden is None or not any(whose.values()):
        return rows
    return [replace(r, by={k: hidden.shown(v, whose.get(k)) for k, v in r.by.items()}) for r in rows]


def _shared(
    company: Company, period: Period, catalog: Catalog, rows: Sequence[KpiValue], warnings: list[str]
) -> Shared:
    """Give the shared scorecard; where it fails, the rest of the Analysis stands without it."""
    try:
        shared = shared_scorecard(company, period, catalog, rows)
    except Exception as problem:
        warnings.append(say("The scorecard could not be computed: {said}", said=why(problem)))
        return Shared(Scorecard())
    warnings.extend(shared.warnings)
    return shared


def _drivers(
    company: Company,
    period: Period,
    against: Sequence[Period],
    catalog: Catalog,
    kpis: Sequence[Kpi | RatioOfKpis],
    by: Sequence[str],
    hidden: Pseudonyms,
    warnings: list[str],
) -> tuple[dict[str, Any], ...]:
    """Give the splits of the changes; where they fail, the rest of the Analysis stands without them."""
    asked = [kpi.id for kpi in kpis]
    try:
        found = changes(company, asked, period, against, catalog.kpis, by=by, warnings=warnings)
    except Exception as problem:
        warnings.append(say("The changes could not be split: {said}", said=why(problem)))
        return ()
    whose = {d: named_by(d, company.has) for d in by}
    rows = [split.row() for split in found]
    for row in rows:
        row["by"] = {k: hidden.shown(v, whose.get(k)) for k, v in row["by"].items()}
    return tuple(rows)


def _segments(
    company: Company,
    period: Period,
    against: Sequence[Period],
    catalog: Catalog,
    chosen: Sequence[Segmentation],
    hidden: Pseudonyms,
    history: Sequence[Analysis],
    warnings: list[str],
) -> Segmented:
    """Give segments and plays; where they fail, the rest of the Analysis stands without them."""
    if not chosen:
        return Segmented()
    from alignment_toolkit.segmentation import segment_company

    earlier = max(
        (a for a in history if a.to < str(period.last) and a.definitions.get("segments")),
        key=lambda a: a.to,
        default=None,
    )
    try:
        found = segment_company(
            company, period, chosen, hidden,
            before=against[0] if against else None, earlier=earlier.definitions if earlier else None,
        )  # fmt: skip
    except Exception as problem:
        warnings.append(say("Segments could not be made: {said}", said=why(problem)))
        return Segmented()
    warnings.extend(found.warnings)
    return replace(found, table=None)  # an Analysis holds rows, no table of the engine


def _named(company: Company, hidden: Pseudonyms) -> str:
    """Give the company's name, with the part of it that is looked at: a part's gaps are not the company's."""
    told = []
    for dimension, value in company.steps:
        shown = hidden.shown(value, named_by(dimension, company.has))
        told.append(f"{dimension} {'(missing)' if shown is None else shown}")
    return f"{company.name}, {', '.join(told)}" if told else company.name


def _slice(row: KpiValue) -> tuple[tuple[str, Any], ...]:
    return tuple(row.by.items())


def _broken(
    company: Company, kpi: Kpi | RatioOfKpis, period: Period, problem: Exception, warnings: list[str] | None
) -> KpiValue:
    said = why(problem)
    if warnings is not None:
        warnings.append(say("{id} could not be computed: {said}", id=kpi.id, said=said))
    return KpiValue(
        kpi=kpi.id, title=say(kpi.title), by={}, period=period.label, grain=None, start=str(period.start),
        to=str(period.last), value=None, low=None, high=None, level=0.95, n=0, top=None, bottom=None, unit=kpi.unit,
        method=say("not computed"), better=kpi.better, owners=dict(kpi.owners), censored=0, immature=False, spread=None,
        status="not_available", reason=say("could not be computed: {said}", said=said),
    )  # fmt: skip


def _period(company: Company, period: str | int | Period | None) -> Period:
    if isinstance(period, Period):
        return period
    # A year typed on papermill's command line arrives as a number.
    words = "" if period is None else str(period).strip()
    if not words:
        return default_period(company)
    found: Period = company.settings.period(words, as_of=company.as_of)
    return found


class _Known:
    """Measures one KPI of a company or of a part of it, each once; what the Analysis has is not measured again."""

    def __init__(self, company: Company, catalog: Catalog, period: Period, rows: Sequence[KpiValue]) -> None:
        self._catalog = catalog
        self._rows: dict[tuple[Any, ...], KpiValue | None] = {
            (company.steps, r.kpi, period): r for r in rows if not r.by and r.grain is None
        }

    def __call__(self, company: Company, id: str, period: Period) -> KpiValue | None:
        key = (company.steps, id, period)
        if key not in self._rows:
            rows = measure_kpis(company, self._catalog.chosen_kpis([id]), period)
            self._rows[key] = rows[0] if rows else None
        return self._rows[key]


def _failed(findings: Sequence[Finding]) -> list[str]:
    """Say which questions met an error."""
    said = []
    for f in findings:
        if f.status == "error":
            part = f" ({', '.join(f'{k}={v}' for k, v in f.by.items())})" if f.by else ""
            told = {"indicator": f.indicator, "part": part, "problem": f.message}
            said.append(say("{indicator}{part} could not be computed: {problem}", **told))
    return said


def _attribution(company: Company, period: Period, warnings: list[str]) -> Attribution:
    try:
        return attribute(company, period)
    except Exception as problem:  # one failing part never takes the rest down
        warnings.append(say("Attribution could not be computed: {said}", said=why(problem)))
        return Attribution()


def _areas(findings: Sequence[Finding], chosen: Sequence[Indicator]) -> tuple[Area, ...]:
    names = dict.fromkeys([*(a for a in AREAS), *(i.area for i in chosen)])
    areas = []
    for name in names:
        own = [f for f in findings if f.area == name and not f.by]
        if not own:
            continue
        weigh = [f for f in own if f.tension != "productive"]
        aligned = sum(f.status == "aligned" for f in weigh)
        out = sum(f.status == "misaligned" for f in weigh)
        assessed = sum(f.status not in ("not_assessed", "error", "withheld") for f in own)
        conclusive = sum(f.status in CONCLUSIVE for f in own)
        score = aligned / (aligned + out) if aligned + out else None
        areas.append(Area(name, score, assessed, conclusive, len(own)))
    return tuple(areas)


def _definitions(
    company: Company,
    kpis: Sequence[Kpi | RatioOfKpis],
    indicators: Sequence[Indicator],
    families: Mapping[str, str],
) -> dict[str, Any]:
    return {
        "kpis": {
            k.id: {
                "title": say(k.title),
                "about": say(k.about),
                "unit": k.unit,
                "family": say(families.get(k.id, "")),
            }
            | ({"composed": True} if isinstance(k, RatioOfKpis) else {})
            for k in kpis
        },
        "indicators": {
            i.id: {
                "question": say(i.question),
                "kind": i.kind,
                "margin": i.margin,
                "unit": i.unit,
                "window": i.window,
            }
            | {"population": say(i.population), "enough": dict(i.enough)}
            | (
                {"looks_back": max(int(_options(company, i)[name]) for name in i.looks_back)}
                if i.looks_back
                else {}
            )
            for i in indicators
        },
    }


def _options(company: Company, indicator: Indicator) -> dict[str, Any]:
    return indicator.configured(company.settings.indicator_options(indicator.id))[1]


def _shortened(warnings: Sequence[str]) -> list[str]:
    unique = list(dict.fromkeys(warnings))
    if len(unique) <= WARNINGS:
        return unique
    return [
        *unique[:WARNINGS],
        say("... and {unique} more; `alignment check` lists them all.", unique=len(unique) - WARNINGS),
    ]
