"""The page of a matrix: what became of every run, and which part differs from the others by more than luck."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from alignment_toolkit import units
from alignment_toolkit.charts import clean
from alignment_toolkit.errors import AlignmentError, ExportFailed
from alignment_toolkit.languages import ENGLISH, language_of, noted, say, say_count, speaking, spoken, term
from alignment_toolkit.privacy import LEAST
from alignment_toolkit.report import blocks, words
from alignment_toolkit.report.html import render
from alignment_toolkit.results import Analysis, Estimate, Finding, KpiValue
from alignment_toolkit.runs.in_no_part import Aside, told_to
from alignment_toolkit.runs.matrix import Outcome
from alignment_toolkit.runs.outsiders import audience_of, seen_parts
from alignment_toolkit.runs.places import latest, slug, sync, write
from alignment_toolkit.statistics.funnel import beside_the_rest
from alignment_toolkit.statistics.multiplicity import benjamini_hochberg
from alignment_toolkit.statistics.shrinkage import error_of, shrink

__all__ = ["RATE", "Compared", "compared", "index_page", "write_index"]

RATE: Final = 0.10
_JUDGED: Final = ("misaligned", "aligned", "uncertain")
_LEVELS: Final = ("high", "medium", "low")


@dataclass(frozen=True)
class Compared:
    """One figure of one part beside the same figure of the other parts.

    `low` and `high` are the funnel's limits: between them parts that are alike lie 19 times in 20. `q` takes into
    account how many comparisons the page makes. `drawn` is the estimate drawn towards the level of all parts.
    """

    figure: str
    title: str
    kind: str
    part: str
    unit: str
    value: float
    n: int
    rest: float
    low: float
    high: float
    drawn: float
    p: float
    q: float

    @property
    def differs(self) -> bool:
        """Whether luck alone is an unlikely explanation."""
        return self.q <= RATE

    def to_json(self) -> dict[str, Any]:
        """Give it as the matrix's JSON has it."""
        return {**vars(self), "differs": self.differs}


def compared(analyses: Iterable[tuple[str, Analysis]]) -> tuple[Compared, ...]:
    """Hold every gap and every rate of each part against the same of the others.

    Gaps that were judged, and key figures that are rates or means with an interval; sums are left out, because parts
    differ in size. All comparisons are one family: Benjamini and Hochberg at 0.10.
    """
    cells: dict[tuple[str, str], list[tuple[str, str, Estimate]]] = {}
    for part, analysis in analyses:
        for f in analysis.findings:
            if (estimate := _gap(f)) is not None:
                cells.setdefault(("gap", f.indicator), []).append((part, f.title, estimate))
        for k in analysis.kpis:
            if (estimate := _rate(k, analysis.period)) is not None:
                cells.setdefault(("key figure", k.kpi), []).append((part, k.title, estimate))
    found: list[Compared] = []
    for (kind, figure), own in cells.items():
        if len(own) < 2:
            continue
        values = [float(e.value or 0.0) for _, _, e in own]
        errors = [error_of(e.low or 0.0, e.high or 0.0) for _, _, e in own]
        sides = beside_the_rest(values, errors, [e.n for _, _, e in own])
        drawn = shrink(values, errors)
        # What cannot be less than nothing has no limit below it.
        least = 0.0 if all(e.low is not None and e.low >= 0 for _, _, e in own) else -math.inf
        for (part, title, e), value, side, toward in zip(own, values, sides, drawn, strict=True):
            found.append(
                Compared(figure, title, kind, part, e.unit, value, e.n, side.rest, max(side.low, least), side.high,
                         toward.value, side.p, 1.0)
            )  # fmt: skip
    q = benjamini_hochberg([c.p for c in found])
    return tuple(Compared(**{**vars(c), "q": float(f"{one:.12g}")}) for c, one in zip(found, q, strict=True))


def _gap(finding: Finding) -> Estimate | None:
    gap = finding.gap
    if finding.by or finding.status not in _JUDGED or gap is None or not gap.n:
        return None
    return gap if _whole(gap.value, gap.low, gap.high) else None


def _rate(row: KpiValue, period: str) -> Estimate | None:
    total = not row.by and row.grain is None and row.period == period and row.status == "ok"
    if (
        not total
        or row.immature
        or row.bottom is None
        or not row.n
        or not _whole(row.value, row.low, row.high)
    ):
        return None
    return Estimate(row.value, row.low, row.high, row.n, "", row.unit, row.method, row.level)


def _whole(value: float | None, low: float | None, high: float | None) -> bool:
    return value is not None and low is not None and high is not None and high > low


def index_page(
    outcomes: Sequence[Outcome],
    analyses: Sequence[tuple[str, Analysis]],
    matrix: str,
    audience: str = "internal",
    aside: Aside | None = None,
) -> str:
    """Write the page of a matrix as HTML, in the language of the parts' reports.

    Parameters
    ----------
    outcomes
        One for each run, those that failed too.
    analyses
        The newest published Analysis of each slice.
    matrix
        What the company was split by.
    audience
        Who reads it: outside the company small parts are left out, and with them others from which they could be
        worked out.
    aside
        What is in no part, of `in_no_part`.
    """
    language = ENGLISH if aside is None else aside.language
    with speaking(language_of(analyses[0][1].settings) if analyses else language):
        return _page(outcomes, analyses, matrix, audience, aside)


def _page(
    outcomes: Sequence[Outcome],
    analyses: Sequence[tuple[str, Analysis]],
    matrix: str,
    audience: str,
    aside: Aside | None,
) -> str:
    first = outcomes[0].plan
    analyses = seen_parts(analyses, audience)
    told = compared(analyses)
    published = sum(o.run is not None for o in outcomes)
    failed = len(outcomes) - published
    runs = words.plural(len(outcomes), "run")
    summary = (
        say(
            "{runs}: {published:,} published, {failed:,} failed. What failed has no report here.",
            runs=runs,
            published=published,
            failed=failed,
        )
        if failed
        else say("{runs}: {published:,} published.", runs=runs, published=published)
    )
    parts: list[blocks.Block] = [
        blocks.Section((blocks.Heading(2, say("The parts"), "answer"), blocks.Prose(summary, tone="lead"),
                        _runs(outcomes, dict(analyses), told, inside=audience == "internal"))),
        blocks.Section(tuple(_comparison(told, dict(analyses)))),
    ]  # fmt: skip
    currency = analyses[0][1].currency if analyses else ""
    if aside is not None:
        parts.insert(1, blocks.Section(tuple(_aside(told_to(aside, audience), outcomes, currency))))
    label = next((words.made_up(a) for _, a in analyses), "")
    document = blocks.Document(
        title=say(
            "{company}: the parts by {matrix}", company=blocks.data(first.company), matrix=blocks.data(matrix)
        ),
        subtitle=say("{period}, by the notebook {name}", period=first.period, name=first.name),
        label=label,
        blocks=tuple(parts),
        footer=" ".join(
            [
                say("Each part has a report of its own, made by the same notebook with the same settings."),
                *([say(_FOR_OUTSIDERS, least=LEAST)] if audience != "internal" else []),
            ]
        ),
        currency=currency,
        lang=spoken(),
    )
    return render(document)


def _aside(aside: Aside, outcomes: Sequence[Outcome], currency: str) -> list[blocks.Block]:
    by = words.enumerate_words(
        [blocks.data(d) for d in dict.fromkeys(o.plan.slice.partition("=")[0] for o in outcomes)]
    )
    said = say(
        "A row is in no part where its {by} is empty, leads nowhere or names none of the parts above.", by=by
    )
    found = [f for f in aside.figures if f.value is not None]
    if any(f.n for f in found):
        said += " " + say("So the parts do not add up to the whole company.")
    elif found and len(found) == len(aside.figures):
        names = words.enumerate_words([words.small_start(say(f.title)) for f in found])
        said += " " + say("Of this period there is no such row in {names}.", names=names)
    listed = [f.text(currency) for f in found if f.n]
    listed += [
        say(
            "{title}: left out, since what is in no part, or one of the parts, has fewer than {least} cases",
            title=say(f.title),
            least=LEAST,
        )
        for f in aside.figures
        if f.value is None
    ]
    if aside.tables:
        names = words.enumerate_words([blocks.data(t.replace("_", " ")) for t in aside.tables])
        listed.append(
            say("In no part at all, because nothing in them tells a row's {by}: {names}", by=by, names=names)
        )
    return [blocks.Heading(2, say("In no part"), "aside"), blocks.Prose(said, bullets=tuple(listed))]


_FOR_OUTSIDERS: Final = noted(
    "Figures of parts with fewer than {least} cases are left out, and others from which such figures could be worked "
    "out."
)


def _runs(
    outcomes: Sequence[Outcome], analyses: dict[str, Analysis], told: Sequence[Compared], *, inside: bool
) -> blocks.Table:
    rows = []
    for o in outcomes:
        analysis = analyses.get(o.plan.slice)
        name = _value_of(o.plan.slice)
        if o.run is None:
            # Why it failed may quote a row of the data.
            why = clean(o.message.splitlines()[-1].strip()) if o.message and inside else ""
            page = f"{o.plan.key.name}/FAILED.html" if inside else ""
            rows.append((blocks.Cell(name, href=page), blocks.Cell(say("FAILED"), why, mood="misaligned"),
                         blocks.Cell(""), blocks.Cell(""), blocks.Cell("")))  # fmt: skip
            continue
        whole = [f for f in analysis.findings if not f.by] if analysis else []
        judged = [f for f in whole if f.status in _JUDGED]
        out = [f for f in whole if f.status == "misaligned"]
        counted = ((s, sum(f.severity == s for f in out)) for s in _LEVELS)
        levels = ", ".join(say("{n:,} {severity}", n=n, severity=term(s)) for s, n in counted if n)
        titles = "; ".join(clean(f.title) for f in out[:3]) + ("; ..." if len(out) > 3 else "")
        own = sum(c.differs for c in told if c.part == o.plan.slice)
        rows.append((
            blocks.Cell(name, href=f"{o.plan.key.name}/{o.run.id}/{_page_of(o)}"),
            blocks.Cell(say("published") if o.run.fresh else say("as before")),
            blocks.Cell(_of(len(out), len(judged)), levels, number=len(out), unit="count"),
            blocks.Cell(titles),
            blocks.Cell(str(own) if own else "", number=own, unit="count"),
        ))  # fmt: skip
    columns = (
        say("Part"),
        say("Run"),
        say("Out of line"),
        say("What is out of line"),
        say("Unlike the others in"),
    )
    return blocks.Table(say("All parts"), columns, tuple(rows), (False, False, True, False, True))


def _of(out: int, judged: int) -> str:
    return say("{out:,} of {judged:,}", out=out, judged=judged) if judged else say("none judged")


def _page_of(outcome: Outcome) -> str:
    names = [path.name for path in outcome.run.files] if outcome.run else []
    return next((n for n in ("report.html", "report.pdf", "analysis.json") if n in names), "")


def _value_of(part: str) -> str:
    return blocks.data(part.partition("=")[2] or part)


def _comparison(told: Sequence[Compared], analyses: dict[str, Analysis]) -> list[blocks.Block]:
    heading = blocks.Heading(2, say("Which parts differ"), "differ")
    if not told:
        return [heading, blocks.Prose(say("Fewer than two parts have a figure that can be compared."))]
    different = sorted((c for c in told if c.differs), key=lambda c: (c.q, c.figure, c.part))
    parts = words.plural(len({c.part for c in told}), "part")
    looked = say("{n:,} figures of {parts} were held against the others'.", n=len(told), parts=parts)
    if different:
        luck = max(1, round(RATE * len(different)))
        many = say_count(
            len(different),
            "One figure differs by more than luck explains",
            "{n:,} figures differ by more than luck explains",
        )
        said = say(
            "{looked} {many}; of those named, about {luck} can still be luck. All other differences are no larger than "
            "equal parts show by chance: a part at the top or the bottom of such a list would be another one next "
            "time.",
            looked=looked,
            many=many,
            luck=luck,
        )
    else:
        said = say(
            "{looked} None differs by more than luck explains: parts that are alike differ as much by chance. Do not "
            "rank them.",
            looked=looked,
        )
    found: list[blocks.Block] = [heading, blocks.Prose(said, tone="lead")]
    columns = tuple(say(c) for c in _COLUMNS)
    currency = next((a.currency for a in analyses.values()), "")
    if different:
        found.append(blocks.Table(
            say("Parts unlike the others"), columns, tuple(_row(c, currency) for c in different), _NUMBERS,
            note=say(_NOTE),
        ))  # fmt: skip
    inside: list[blocks.Block] = []
    for figure in dict.fromkeys((c.kind, c.figure) for c in told):
        own = [c for c in told if (c.kind, c.figure) == figure]
        inside.append(
            blocks.Table(
                say("{title} ({kind})", title=clean(own[0].title), kind=say(_KINDS[own[0].kind])), columns[1:],
                tuple(_row(c, currency)[1:] for c in own), _NUMBERS[1:],
            )
        )  # fmt: skip
    found.append(blocks.Fold(say("All comparisons"), tuple(inside)))
    return found


_KINDS: Final = {"gap": noted("gap"), "key figure": noted("key figure")}
_COLUMNS: Final = (
    noted("Figure"),
    noted("Part"),
    noted("This part"),
    noted("Cases"),
    noted("The others"),
    noted("Limits of luck"),
    noted("Drawn to all"),
    noted("q"),
)
_NUMBERS: Final = (False, False, True, True, True, True, True, True)
_NOTE: Final = noted(
    "Limits of luck: where a part that is like the others lies 19 times in 20, given its cases. Drawn to all: the best"
    " guess for this part, its own figure drawn towards all parts the more the fewer cases it has. q: named are those"
    " up to 0.10, so of all that are named about one in ten is luck (Benjamini and Hochberg)."
)


def _row(c: Compared, currency: str) -> tuple[blocks.Cell, ...]:
    unit = units.unit(c.unit)

    def number(value: float) -> blocks.Cell:
        return blocks.Cell(unit.text(value, currency=currency), number=value, unit=c.unit)

    return (
        blocks.Cell(clean(c.title), say(_KINDS[c.kind])),
        blocks.Cell(_value_of(c.part), say("unlike the others") if c.differs else ""),
        number(c.value),
        blocks.Cell(say("{n:,}", n=c.n), number=c.n, unit="count"),
        number(c.rest),
        blocks.Cell(unit.interval(c.low, c.high, currency=currency)),
        number(c.drawn),
        blocks.Cell(say("< 0.001") if c.q < 0.001 else say("{q:.3f}", q=c.q), number=c.q),
    )


def write_index(outcomes: Sequence[Outcome], matrix: str, aside: Aside | None = None) -> tuple[Path, Path]:
    """Write a matrix's page and its JSON beside its slices, each whole or not at all.

    `aside` is what is in no part; without it neither says anything of that.

    Raises
    ------
    ExportFailed
        Where they can't be written.
    """
    folder = outcomes[0].plan.key.parent
    analyses = list(_analyses(outcomes))
    usual = "internal" if aside is None else aside.audience
    audience = audience_of(analyses, outcomes[0].plan.parameters, usual)
    runs = [o.to_json() for o in outcomes]
    if audience != "internal":  # what failed, and how many findings a small part has, is not for everybody
        runs = [{**run, "message": "", "findings": None} for run in runs]
    name = f"matrix-{slug(Path(matrix).stem)}"
    told = {
        "schema": 1,
        "notebook": outcomes[0].plan.name,
        "company": outcomes[0].plan.company,
        "period": outcomes[0].plan.period,
        "matrix": matrix,
        "audience": audience,
        "runs": runs,
        "in_no_part": None if aside is None else told_to(aside, audience).to_json(),
        "compared": [c.to_json() for c in compared(seen_parts(analyses, audience))],
    }
    texts = {
        folder / f"{name}.html": index_page(outcomes, analyses, Path(matrix).stem, audience, aside),
        folder / f"{name}.json": json.dumps(told, ensure_ascii=False, allow_nan=False, indent=1) + "\n",
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            fresh = path.with_name(f".{path.name}.new")
            write(fresh, text)
            sync(fresh)
            fresh.replace(path)
    except OSError as e:
        raise ExportFailed(
            f"The page of the matrix could not be written: {e.strerror or e} ({folder})."
        ) from e
    page, data = texts
    return page, data


def _analyses(outcomes: Sequence[Outcome]) -> Iterable[tuple[str, Analysis]]:
    for o in outcomes:
        # A part whose run failed now is not compared, whatever it had before.
        folder = o.run.folder if o.run else None
        if folder is None:
            continue
        try:
            yield o.plan.slice, Analysis.loads((folder / "analysis.json").read_text(encoding="utf-8"))
        except (OSError, AlignmentError):
            continue


def outcomes_of(plans: Sequence[Any], fresh: Sequence[Outcome]) -> list[Outcome]:
    """Give the outcomes of a whole matrix of which only some were run again: the others are as they were published."""
    from alignment_toolkit.runs.performing import Run, read_manifest

    known = {o.plan.slice: o for o in fresh}
    found = []
    for plan in plans:
        outcome = known.get(plan.slice)
        folder = latest(plan.key)
        if outcome is None and folder is not None:
            outcome = Outcome(plan, Run(folder, read_manifest(folder), fresh=False))
        if outcome is not None:
            found.append(outcome)
    return found
