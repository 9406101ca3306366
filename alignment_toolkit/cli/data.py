"""The commands that compute and show: check, kpis, analyse, report."""

from __future__ import annotations

import datetime as dt
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from alignment_toolkit.cli.common import (
    As_json,
    Fail_on,
    Period,
    Source,
    day,
    gate,
    level,
    listed,
    note,
    opened,
    print_json,
    print_table,
    say,
    speaks_unicode,
    warn,
)
from alignment_toolkit.cli.scorecard import print_scorecard
from alignment_toolkit.errors import AlignmentError, DataError, ExportFailed, ParameterError

if TYPE_CHECKING:
    from alignment_toolkit.company import Company
    from alignment_toolkit.errors import Problem
    from alignment_toolkit.results import Analysis, Finding, KpiValue
    from alignment_toolkit.units import Unit

__all__ = ["register"]

FIRST: Final = 5  # Of problems of one kind so many are shown one by one.
QUARTER: Final = dt.timedelta(days=92)

By = Annotated[list[str] | None, typer.Option("--by", help="Dimensions to split by: channel,region.")]
AsOf = Annotated[str | None, typer.Option("--as-of", help="Use no data after this day.")]


def check(
    source: Source,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings too give exit code 3.")] = False,
    as_json: As_json = False,
) -> None:
    """Name every problem of the data, and what can be computed.

    Example: alignment check data/sample
    """
    from alignment_toolkit.catalog import Catalog

    company = opened(source, clean=False)
    catalog = Catalog.load(company.settings)
    catalog.check(company.settings)
    can, cannot = catalog.capabilities(company)
    problems = company.problems
    errors = [p for p in problems if p.level == "error"]
    if as_json:
        print_json({"problems": [p.to_json() for p in problems], "can": can, "cannot": cannot})
    else:
        tables = "1 table" if len(company.tables) == 1 else f"{len(company.tables)} tables"
        say(f"{company.name}: {tables}, complete until {company.as_of or 'unknown'}.")
        if apart := _far_apart(company):
            say(apart)
        if problems:
            print_table(
                ["level", "table", "file", "row", "column", "value", "message"],
                [line for group in _alike(problems) for line in _lines(group)],
                right=["row"],
            )
        else:
            say("No problem found.")
        say(f"Can be computed: {', '.join(can) or 'nothing'}.")
        if cannot:
            say("Can't be computed:")
            print_table(["id", "missing"], [[c["id"], ", ".join(c["missing"])] for c in cannot])
    if errors or (strict and problems):
        wrong, all_ = (sum(p.count for p in which) for which in (errors, problems))
        counts = [(wrong, "error"), (all_ - wrong, "warning")]
        what = " and ".join(f"{n} {word}{'s' * (n > 1)}" for n, word in counts if n)
        note(f"error: {what} in the data of {company.name}.")
        raise typer.Exit(DataError.exit_code)


def _alike(problems: Sequence[Problem]) -> list[list[Problem]]:
    """Put problems of one kind and place together, in the order in which the first of them came."""
    groups: dict[tuple[Any, ...], list[Problem]] = {}
    for p in problems:
        groups.setdefault((p.level, p.table, p.file, p.column, p.code), []).append(p)
    return list(groups.values())


def _lines(alike: Sequence[Problem]) -> list[list[Any]]:
    """Give the lines of a table for problems of one kind: the first few, then how many more there are."""
    shown = alike if len(alike) <= FIRST + 1 and not any(p.more for p in alike[:FIRST]) else alike[:FIRST]
    lines: list[list[Any]] = [[p.level, p.table, p.file, p.row, p.column, p.value, p.message] for p in shown]
    left = alike[len(shown) :]
    if left:
        named = sum(not p.more for p in left)
        told = (
            ""
            if not named
            else f"; --json names {'them' if all(not p.more for p in left) else f'{named} of them'}"
        )
        message = f"and {sum(p.count for p in left):,} more of this kind ({left[0].code}){told}."
        lines.append([left[0].level, left[0].table, left[0].file, None, left[0].column, None, message])
    return lines


def kpis(
    source: Source,
    period: Period = None,
    kpi: Annotated[list[str] | None, typer.Option("--kpi", help="Ids; by default all.")] = None,
    by: By = None,
    grain: Annotated[str | None, typer.Option("--grain", help="day, week, month, quarter or year.")] = None,
    compare: Annotated[str, typer.Option("--compare", help="previous, year-ago, none or a period.")] = "none",
    as_of: AsOf = None,
    as_json: As_json = False,
) -> None:
    """Give KPIs with their intervals, in total and split.

    Example: alignment kpis data/sample --period 2026-Q3 --kpi leads,win-rate --by channel --grain month
    """
    from alignment_toolkit.analysis import measure_kpis
    from alignment_toolkit.catalog import Catalog
    from alignment_toolkit.errors import UnknownName
    from alignment_toolkit.periods import GRAINS, compare_periods
    from alignment_toolkit.pseudonyms import Pseudonyms
    from alignment_toolkit.runs import check_dimensions, resolve_period

    if grain is not None and grain not in GRAINS:
        raise UnknownName("grain", grain, GRAINS)
    company = opened(source, day(as_of))
    settings = company.settings
    catalog = Catalog.load(settings)
    catalog.check(settings)
    chosen = catalog.chosen_kpis(listed(kpi) or None)
    check_dimensions(company, listed(by))
    when = resolve_period(company, period)
    hidden = Pseudonyms(settings.secret_key() or company.name, settings.privacy.names)
    warnings: list[str] = []
    rows = measure_kpis(
        company, chosen, when, by=listed(by), grain=grain, compare=compare_periods(compare, when),
        hidden=hidden, warnings=warnings,
    )  # fmt: skip
    warn([*warnings, *(p.message for p in company.problems)])
    _tell_early_ends(company, when.start, when.last, asked=period)
    if as_json:
        print_json(_as_analysis(rows, company.name, company.currency, when.label).to_json()["kpis"])
    else:
        say(f"{company.name}, {when} ({when.start} to {when.last})")
        _print_kpis(rows, company.currency)


def _far_apart(company: Company) -> str | None:
    """Say on which days the tables end, where one ends more than a quarter before another: it decides what is last."""
    ends = {t: end for t in company.tables if (end := company.complete_until(t)) is not None}
    if not ends or max(ends.values()) - min(ends.values()) <= QUARTER:
        return None
    told = ", ".join(f"{t} {end}" for t, end in sorted(ends.items(), key=lambda e: (e[1], e[0])))
    return (
        f"The tables end far apart: {told}. The last complete period is that of the one that ends first, unless"
        " --period names another."
    )


def _tell_early_ends(company: Company, start: dt.date, last: dt.date, *, asked: str | None) -> None:
    """Say which tables end inside the period: a quiet last week looks like missing data until somebody says so."""
    settings = company.settings
    if (asked is None or asked.startswith("last-")) and (apart := _far_apart(company)):
        note(f"note: {apart}")
    if settings.company.as_of is not None:
        return
    ends = {t: company.complete_until(t) for t in company.tables}
    said = {t for t, mapping in settings.tables.items() if mapping.complete_until is not None}
    early = [f"{t} {end}" for t, end in ends.items() if end and start <= end < last and t not in said]
    if early:
        note(
            f"note: the last events are before the period's end, {last}: {', '.join(early)}. What depends on them is"
            f" marked immature and not compared. Where nothing is missing, say so: [tables.{early[0].split()[0]}]"
            f" complete_until = {last}."
        )


def _as_analysis(rows: list[KpiValue], name: str, currency: str, period: str) -> Analysis:
    from dataclasses import replace

    from alignment_toolkit.results import Analysis

    return replace(Analysis.empty(company=name, currency=currency, period=period), kpis=tuple(rows))


def _print_kpis(rows: list[KpiValue] | tuple[KpiValue, ...], currency: str) -> None:
    from alignment_toolkit.brief import parts_of
    from alignment_toolkit.units import signed, unit

    parts = parts_of(rows)
    dimensions = list(dict.fromkeys(name for part in parts for name in part))
    table = []
    for row, part in zip(rows, parts, strict=True):
        u = unit(row.unit)
        slices = list(part.values())
        notes = [row.reason] if row.reason else []
        if row.immature:
            notes.append("immature")
        for change in row.changes:
            if change.value is not None:
                told = "" if change.p is None else f" (p {change.p:.2g})"
                points = row.unit == "share"
                size = unit("points" if points else row.unit).text(
                    change.value * 100 if points else change.value, currency=currency
                )
                notes.append(f"{signed(change.value, size)} against {change.from_period}{told}")
        value = u.text(row.value, currency=currency)
        interval = u.interval(row.low, row.high, currency=currency)
        table.append([row.title, *slices, row.period, value, interval, f"{row.n:,}", "; ".join(notes)])
    print_table(
        ["KPI", *dimensions, "period", "value", "95 % interval", "n", "note"], table, right=["value", "n"]
    )


def analyse(
    source: Source,
    period: Period = None,
    compare: Annotated[
        str, typer.Option("--compare", help="previous, year-ago, none or a period.")
    ] = "previous",
    by: By = None,
    indicators: Annotated[list[str] | None, typer.Option("--indicators", help="Ids; by default all.")] = None,
    as_of: AsOf = None,
    history: Annotated[
        list[Path] | None,
        typer.Option(
            "--history", help="Earlier analyses to follow the gaps through: files, or a folder of reports."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write the Analysis to this file.")] = None,
    fail_on: Fail_on = "never",
    as_json: As_json = False,
) -> None:
    """Compute KPIs and findings of one period.

    Example: alignment analyse data/sample --period 2026-Q3 --out analysis.json --fail-on high
    """
    level(fail_on)
    from alignment_toolkit.analysis import analyse as compute
    from alignment_toolkit.runs import analyses, check_dimensions

    earlier = analyses(history or ())
    company = opened(source, day(as_of))
    check_dimensions(company, listed(by))
    analysis = compute(
        company,
        period,
        compare=compare,
        by=listed(by),
        indicators=listed(indicators) or None,
        history=earlier,
    )
    warn(analysis.warnings)
    start, last = dt.date.fromisoformat(analysis.start), dt.date.fromisoformat(analysis.to)
    _tell_early_ends(company, start, last, asked=period)
    if out is not None:
        _replace(out, analysis.dumps())
        note(f"written: {out}")
    if as_json and speaks_unicode():
        typer.echo(analysis.dumps(), nl=False)
    elif as_json:
        print_json(analysis.to_json())
    else:
        print_analysis(analysis)
    gate(analysis, fail_on)


def _replace(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    fresh = path.with_name(f".{path.name}.new")
    try:
        fresh.write_text(text, encoding="utf-8", newline="\n")
        fresh.replace(path)
    except OSError as e:
        raise ExportFailed(f"{path} could not be written: {e.strerror or e}.") from e
    finally:
        if fresh.exists():
            fresh.unlink()


def print_analysis(analysis: Analysis) -> None:
    """Print the answer first, then the findings, the KPIs and what could not be assessed."""
    say(f"{analysis.company}, {analysis.period} ({analysis.start} to {analysis.to})")
    whole = [f for f in analysis.findings if not f.by]
    findings = [f for f in whole if f.status not in ("not_assessed", "error", "withheld")]
    found = [f for f in findings if f.status == "misaligned"]
    if whole:
        say(f"{_counted(whole)}\n")
    if findings:
        _print_findings(sorted(findings, key=lambda f: LEVEL_ORDER.index(f.severity)), analysis.currency)
        for nature, name in (("strategic", "plan"), ("tactical", "process"), ("personal", "people")):
            if own := [f for f in found if f.nature == nature]:
                who = " and ".join(dict.fromkeys(w for f in own for w in f.who))
                say(f"A matter of {name}, for {who}: {'; '.join(f.title for f in own)}.")
    slices = [f for f in analysis.findings if f.by and f.gap is not None]
    if slices:
        say(
            "What is out of line, in parts of the company (drawn towards the company's level; no part changes it):"
        )
        _print_findings(slices, analysis.currency, question=False)
    _print_alarms(analysis)
    _print_kpis([k for k in analysis.kpis if k.grain is None], analysis.currency)
    _print_drivers(analysis)
    print_scorecard(analysis)
    missing = [f for f in whole if f not in findings]
    if missing:
        say("\nNot assessed:")
        print_table(
            ["indicator", "status", "why"],
            [[f.indicator, f.status, f.message or f"needs {', '.join(f.missing)}"] for f in missing],
        )


def _counted(findings: Sequence[Finding]) -> str:
    """Say how many questions have which answer."""
    n = Counter(f.status for f in findings)
    told = [(n["misaligned"], "out of line"), (n["aligned"], "in line"), (n["uncertain"], "uncertain")]
    judged = sum(count for count, _ in told)
    if not judged:
        return f"No question could be judged, of {len(findings)} asked."
    said = ", ".join(f"{count} {word}" for count, word in told)
    left = len(findings) - judged
    return f"Of {len(findings)} questions: {said}" + (f", {left} not judged." if left else ".")


def _print_findings(findings: Sequence[Finding], currency: str, *, question: bool = True) -> None:
    from alignment_toolkit.units import unit

    rows = []
    for f in findings:
        u = unit(f.gap.unit) if f.gap else None
        gap = u.text(f.gap.value, currency=currency) if u and f.gap else ""
        interval = u.interval(f.gap.low, f.gap.high, currency=currency) if u and f.gap else ""
        money = unit("money").text(f.money_at_stake.value, currency=currency) if f.money_at_stake else ""
        slices = ", ".join(f"{k}={'(missing)' if v is None else v}" for k, v in f.by.items())
        status = f.status.replace("_", " ") + (f", {f.severity}" if f.severity != "none" else "")
        rows.append([f.title if question else f"{f.indicator} {slices}", status, gap, interval, money])
    print_table(["finding", "verdict", "gap", "95 % interval", "at stake"], rows, right=["gap", "at stake"])
    say()


def _print_alarms(analysis: Analysis) -> None:
    """Print where this run's gap stands against the runs before."""
    from alignment_toolkit.units import unit

    rows = []
    for chart in analysis.alarms:
        u, last = unit(chart["unit"]), chart["points"][-1]
        limits = (
            u.interval(last["lower_limit"], last["upper_limit"]) if last["upper_limit"] is not None else ""
        )
        said = f"alarm: {chart['turn']}" if chart["alarm"] else chart["message"]
        rows.append([chart["title"], str(len(chart["points"])), u.text(last["value"]), limits, said])
    if rows:
        say("Against the runs before:")
        print_table(["finding", "runs", "gap", "limits for this run", "says"], rows, right=["runs", "gap"])
        say()


def _print_drivers(analysis: Analysis) -> None:
    """Print what moved the figures: the driver that weighs most in each change, and the departments' parts."""
    from alignment_toolkit.units import signed, unit

    rows = []
    for row in analysis.drivers:
        if row["by"] or not row["parts"]:
            continue
        u = unit(row["unit"])

        def moved(value: float, u: Unit = u) -> str:
            return signed(value, u.text(value, currency=analysis.currency))

        # An event study asks for one part only: what lies beyond the teams without.
        study = row["method"].startswith("event study")
        most = row["parts"][-1] if study else max(row["parts"], key=lambda part: abs(part["value"]))
        interval = u.interval(most["low"], most["high"], currency=analysis.currency)
        owners = ", ".join(f"{name} {moved(part['value'])}" for name, part in row["by_owner"].items())
        change = f"{row['kpi']} {row['from_period']} to {row['to_period']}"
        told = f"{most['driver']} {moved(most['value'])}"
        rows.append([change, moved(row["total"]), told, interval, owners])
    if rows:
        say("\nWhat moved the figures:")
        print_table(
            ["figure", "change", "most by", "95 % interval", "in the hands of"], rows, right=["change"]
        )


LEVEL_ORDER = ("high", "medium", "low", "none")


def report(
    analysis: Annotated[
        Path, typer.Argument(metavar="ANALYSIS.json", help="What analyse or run wrote.", show_default=False)
    ],
    out: Annotated[Path, typer.Option("--out", help="The folder for the reports.")] = Path("reports"),
    formats: Annotated[
        list[str] | None,
        typer.Option("--formats", help="html,pdf,pptx,xlsx,json; by default as in the settings."),
    ] = None,
    audience: Annotated[str | None, typer.Option("--audience", help="internal, client or public.")] = None,
    kind: Annotated[
        str | None, typer.Option("--kind", help="full, executive (two pages) or workshop.")
    ] = None,
    slides: Annotated[
        Path | None, typer.Option("--slides", help="A .pptx file whose master the slides take.")
    ] = None,
    settings: Annotated[
        Path | None,
        typer.Option("--settings", help="The alignment.toml whose [report] template the slides take."),
    ] = None,
    as_json: As_json = False,
) -> None:
    """Write reports from an Analysis alone, without the data.

    Example: alignment report reports/01_alignment_report/2026-Q3/all/latest/analysis.json --out reports
    """
    from alignment_toolkit.report import Report
    from alignment_toolkit.runs import check_formats, default_formats

    wanted = check_formats(listed(formats))
    loaded = _load(analysis)
    if slides is None and settings is not None:
        from alignment_toolkit.settings import Settings

        slides = Settings.load(settings).slides()
    told: dict[str, Any] = dict(loaded.settings.get("report") or {})
    made = Report.of(
        loaded,
        audience=audience,
        kind=kind,
        key=os.environ.get("ALIGNMENT_PRIVACY_KEY", ""),
        slides=slides,
    )
    if loaded.kpis and all(row.value is None or not row.n for row in loaded.kpis):
        until = min((q.complete_until for q in loaded.data_quality if q.complete_until), default=None)
        covered = f" The data of {loaded.company} is complete until {until}." if until else ""
        raise DataError(
            f"{analysis} has no data in {loaded.period} ({loaded.start} to {loaded.to}), so there is nothing to report."
            f"{covered} Analyse a period with data."
        )
    written = made.write(out, formats=wanted or default_formats(told.get("formats") or ()))
    if as_json:
        print_json({name: path.as_posix() for name, path in written.items()})
    else:
        for path in written.values():
            say(path.as_posix())


def _load(path: Path) -> Analysis:
    from alignment_toolkit.results import Analysis

    if path.is_dir():
        path = path / "analysis.json"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as e:
        raise ParameterError(f"{path} can't be read: {getattr(e, 'strerror', None) or e}.") from e
    try:
        return Analysis.loads(text)
    except AlignmentError as e:
        raise DataError(f"{path}: {e}") from e


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    for command in (check, kpis, analyse, report):
        app.command()(command)
