"""How often 26 weekly runs raise a false alarm, and how soon a change is named.

``python benchmarks/weekly.py --seeds 100 --rows rows.jsonl`` makes companies from seeds. Each is looked at once a week
for 26 weeks, every time with the data that was there at the week's end: rows that came later are cut off, and so are
dates that lie later. The gaps are followed as `alignment run` does, each look with the ones before it as its history.

Looked at are the questions that are followed: those about a run's own week. What looks further back is drawn without
an alarm, and a gap that is counted whole (`price_ambition`) has no chance to allow for.

*false alarms*: nothing is planted, or something is and does not change. The company grows with its data. Counted is any
alarm of any followed indicator in 26 looks; the budget printed with the limits is 0.10 a company.

*changes*: from week 13 on each of the followed indicators has its misalignment planted at strength 1 (twice the
margin). The weeks up to 12 come from the company without, those from 13 on from the same recipe with the plant.
Counted are indicators with at least twice their minimum of cases a week; *named* is an alarm within the four looks of
weeks 13 to 16.

*key figures* (``--figures``): rates and means of the same companies with nothing planted, followed with a budget of
their own. They are not still: spend comes in lumps, so that a cost per lead does move from week to week.

Every company is a line of the row file; a run that was interrupted goes on where the file ends.
"""

from __future__ import annotations

import argparse
import functools
import json
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import duckdb
import pandas as pd

from alignment_toolkit.analysis import findings_of, measure_kpis
from alignment_toolkit.catalog import Catalog
from alignment_toolkit.company import Company
from alignment_toolkit.following import BUDGET, LOOKS, follow
from alignment_toolkit.kpi.kinds import RatioOfKpis
from alignment_toolkit.periods import Period
from alignment_toolkit.results import VERSION, Analysis, Estimate, Evidence, Finding, KpiValue, Window
from alignment_toolkit.simulation import Recipe, simulate
from alignment_toolkit.statistics.shares import wilson_limits
from alignment_toolkit.tables import TABLES

SETTINGS: Final = '[company]\nname = "made up"\ncurrency = "EUR"\ntimezone = "Europe/Berlin"\n'
START: Final = date(2025, 10, 6)
FIRST: Final = date(2026, 3, 30)
CHANGE: Final = 13
WITHIN: Final = 4
FOLLOWED: Final = (
    "dropped_leads",
    "need_mismatch",
    "message_mismatch",
    "channel_mismatch",
    "unanswered_signals",
    "untrained_launch",
    "misplaced_effort",
    "portfolio_mismatch",
)
# What no gap of these follows from: money, and what became of leads. Without it a look costs half.
ASIDE: Final = (
    *(
        "edits",
        "intents",
        "lists",
        "opportunities",
        "opportunity_contacts",
        "orders",
        "people",
        "products",
        "rates",
    ),
    *("results", "survey", "value_ratings", "work"),
)
ASIDE_COLUMNS: Final = {"leads": ("converted_at",)}
Row = dict[str, Any]


def weeks() -> list[Period]:
    """Give the 26 weeks that are looked at."""
    return [Period.of(FIRST + timedelta(weeks=i), "week") for i in range(LOOKS)]


def kept_tables(recipe: Recipe, *, whole: bool = False) -> duckdb.DuckDBPyConnection:
    """Make a company up, and keep in memory what its gaps follow from, or all of it."""
    kept = duckdb.connect()
    kept.execute("SET threads = 1")
    for name, table in simulate(recipe).tables.items():
        if name in ASIDE and not whole:
            continue
        kept.register("made", table.drop(columns=[] if whole else list(ASIDE_COLUMNS.get(name, ()))))
        kept.execute(f'CREATE TABLE "{name}" AS SELECT * FROM made')
        kept.unregister("made")
    return kept


def write_known(kept: duckdb.DuckDBPyConnection, day: date, folder: Path) -> None:
    """Write what was known at the end of a day: no later row, no later date in a row."""
    end = f"TIMESTAMP '{day + timedelta(days=1)}'"
    for (name,) in kept.execute("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall():
        spec = TABLES[name]
        there = [c for c, *_ in kept.execute(f'DESCRIBE "{name}"').fetchall()]
        events = [c for c in spec.event_columns if c in there]
        own = spec.date if spec.date in events else None
        cut = ", ".join(f'CASE WHEN "{c}" < {end} THEN "{c}" END AS "{c}"' for c in events if c != own)
        rows = f'SELECT *{f" REPLACE ({cut})" if cut else ""} FROM "{name}"'
        rows += f' WHERE "{own}" IS NULL OR "{own}" < {end}' if own else ""
        kept.execute(f"COPY ({rows}) TO '{folder / name}.parquet' (FORMAT parquet)")
    (folder / "alignment.toml").write_text(SETTINGS, encoding="utf-8")


def look(kept: duckdb.DuckDBPyConnection, week: Period, indicators: Sequence[str]) -> tuple[Finding, ...]:
    """Look at a company at the end of a week, with what was known then."""
    with tempfile.TemporaryDirectory() as folder:
        write_known(kept, week.last, Path(folder))
        company = Company.open(folder, as_of=week.last)
        company.backend.con.execute("SET threads = 1")
        return findings_of(company, week, indicators=indicators)


@functools.cache
def entries() -> Mapping[str, Any]:
    """Give the catalogue's indicators."""
    return Catalog.load().indicators


def analyses(gaps: Mapping[str, Sequence[Any]]) -> list[Analysis]:
    """Make of the gaps of each look (value, low, high, cases) the Analysis that is followed."""
    about = {
        "indicators": {
            id: {"window": entries()[id].window, "margin": entries()[id].margin}
            | {
                "looks_back": max(
                    (int(entries()[id].options[o]) for o in entries()[id].looks_back), default=0
                )
            }
            for id in FOLLOWED
        }
    }
    told = []
    for number, week in enumerate(weeks()):
        found = [finding(id, own[number]) for id, own in gaps.items() if number < len(own) and own[number]]
        empty = Analysis.empty(
            company="made up", currency="EUR", period=week.label, start=str(week.start), to=str(week.last)
        )
        told.append(replace(empty, toolkit=VERSION, findings=tuple(found), definitions=about))
    return told


def finding(id: str, gap: Sequence[Any]) -> Finding:
    """Give a finding of which only the gap matters."""
    head = entries()[id]
    value, low, high, n = gap
    return Finding(
        id=id, indicator=id, by={}, title=head.title, nature="tactical", area=head.area, status="aligned",
        tension="harmful", severity="none", direction="greater", window=Window("", ""), population="",
        gap=Estimate(value, low, high, n, "cases", head.unit, ""), margin=head.margin, p_value=None, q_value=None,
        measures=(), money_at_stake=None, statement="", why="", advice="", who=(), counter_explanations={}, guards=(),
        missing=(), message=None, needs_more=None, evidence=Evidence(), chart=None,
    )  # fmt: skip


def alarms(runs: Sequence[Analysis], wanted: Iterable[int], what: str = "indicator") -> dict[str, list[int]]:
    """Give, for each indicator (or key figure) followed, the looks (1 is the first) at which an alarm was raised."""
    raised: dict[str, list[int]] = {}
    for number in wanted:
        for chart in follow(runs[number], runs[:number]).charts:
            # What is drawn without limits is not followed.
            if any(p["upper_limit"] is not None for p in chart["points"]):
                raised.setdefault(chart[what], [])
                if chart["alarm"]:
                    raised[chart[what]].append(number + 1)
    return raised


def several(seeds: Sequence[int], accounts: int, leads: int) -> list[Row]:
    """Follow companies through 26 weeks, each as it is and with a change in week 13.

    They go through the weeks together: what a week asks of the engine is then written once for all of them.
    """
    begun = time.process_time()
    with pd.option_context("mode.string_storage", "python"):  # quicker for so few rows
        recipes = [
            Recipe(seed=s, accounts=accounts, leads=leads, start=START, end=weeks()[-1].last) for s in seeds
        ]
        calm_tables = [kept_tables(r) for r in recipes]
        plant = dict.fromkeys(FOLLOWED, 1.0)
        changed_tables = [kept_tables(replace(r, plant=plant)) for r in recipes]
        calm: list[dict[int, tuple[Finding, ...]]] = [{} for _ in seeds]
        changed: list[dict[int, tuple[Finding, ...]]] = [{} for _ in seeds]
        changed_weeks = range(CHANGE - 1, CHANGE - 1 + WITHIN)
        for number, week in enumerate(weeks()):
            for i in range(len(seeds)):
                calm[i][number] = look(calm_tables[i], week, FOLLOWED)
                if number in changed_weeks:
                    changed[i][number] = look(changed_tables[i], week, FOLLOWED)
    spent = round((time.process_time() - begun) / len(seeds), 1)
    return [
        {"seed": seed, "accounts": accounts, "leads": leads, "seconds": spent}
        | {
            "gaps": {
                id: [
                    [f.gap.value, f.gap.low, f.gap.high, f.gap.n] if f.gap else None
                    for found in (*(before[i] for i in range(LOOKS)), *(after[i] for i in changed_weeks))
                    for f in found
                    if f.indicator == id
                ]
                for id in FOLLOWED
            }
        }
        for seed, before, after in zip(seeds, calm, changed, strict=True)
    ]


def judged(row: Row) -> tuple[dict[str, list[int]], dict[str, list[int]]]:
    """Give the alarms of a company as it is, and with the change: they follow from its gaps."""
    as_it_is = analyses({id: gaps[:LOOKS] for id, gaps in row["gaps"].items()})
    spliced = analyses({id: [*gaps[: CHANGE - 1], *gaps[LOOKS:]] for id, gaps in row["gaps"].items()})
    return alarms(as_it_is, range(1, LOOKS)), alarms(spliced, range(CHANGE - 1, CHANGE - 1 + WITHIN))


def figures(seed: int, accounts: int, leads: int) -> Row:
    """Measure a company's key figures of each week a week later, when they are no longer young; nothing is planted."""
    begun = time.process_time()
    last = weeks()[-1].last + timedelta(weeks=1)
    recipe = Recipe(seed=seed, accounts=accounts, leads=leads, start=START, end=last)
    kept, told = kept_tables(recipe, whole=True), []
    kpis = list(Catalog.load().kpis.values())
    for week in weeks():
        with tempfile.TemporaryDirectory() as folder:
            known = week.last + timedelta(weeks=1)
            write_known(kept, known, Path(folder))
            company = Company.open(folder, as_of=known)
            company.backend.con.execute("SET threads = 1")
            rows = tuple(r for r in measure_kpis(company, kpis, week) if r.bottom is not None)
        told.append([[r.kpi, r.value, r.low, r.high, r.n, r.status, r.immature] for r in rows])
    spent = round(time.process_time() - begun, 1)
    return {"seed": seed, "accounts": accounts, "leads": leads, "seconds": spent, "figures": told}


def figure_alarms(row: Row) -> dict[str, list[int]]:
    """Give, for each key figure followed, the looks at which an alarm was raised."""
    known = Catalog.load().kpis
    about = {"kpis": {k.id: {"composed": isinstance(k, RatioOfKpis)} for k in known.values()}}
    runs = []
    for week, told in zip(weeks(), row["figures"], strict=True):
        empty = Analysis.empty(
            company="made up", currency="EUR", period=week.label, start=str(week.start), to=str(week.last)
        )
        rows = [
            KpiValue(
                kpi=id, title=known[id].title, by={}, period=week.label, grain=None, start=str(week.start),
                to=str(week.last), value=value, low=low, high=high, level=0.95, n=n, top=None, bottom=1.0,
                unit=known[id].unit, method="", better="higher", owners={}, censored=0, immature=immature,
                spread=None, status=status, reason=None,
            )
            for id, value, low, high, n, status, immature in told
        ]  # fmt: skip
        runs.append(replace(empty, toolkit=VERSION, kpis=tuple(rows), definitions=about))
    return alarms(runs, range(1, LOOKS), "kpi")


def figure_document(rows: Sequence[Row]) -> str:
    """Write the table of the key figures."""
    told = [figure_alarms(r) for r in rows]
    size = f"{rows[0]['accounts']:,} accounts and {rows[0]['leads']:,} leads"
    wrong = sum(any(each.values()) for each in told)
    low, high = wilson_limits(wrong / len(rows), len(rows))
    lines = [f"{len(rows)} companies of {size}, {LOOKS} weekly looks, nothing planted.", ""]
    share = f"{wrong / len(rows):.3f}, {low:.3f} to {high:.3f}"
    lines += [f"Any false alarm: {wrong} of {len(rows)} companies ({share}); the budget is {BUDGET:g}.", ""]
    lines += ["| key figure | companies that follow it | with an alarm |", "|---|---|---|"]
    for id in sorted({id for each in told for id in each}):
        own = [each[id] for each in told if id in each]
        lines.append(f"| {id} | {len(own)} | {sum(map(bool, own))} |")
    return "\n".join(lines) + "\n"


def document(rows: Sequence[Row]) -> str:
    """Write the tables."""
    told = [judged(r) for r in rows]
    any_alarm = sum(any(null.values()) for null, _ in told)
    low, high = wilson_limits(any_alarm / len(rows), len(rows))
    size = f"{rows[0]['accounts']:,} accounts and {rows[0]['leads']:,} leads"
    share = f"{any_alarm / len(rows):.3f}, {low:.3f} to {high:.3f}"
    lines = [
        f"{len(rows)} companies of {size}, {LOOKS} weekly looks.",
        "",
        f"Any false alarm: {any_alarm} of {len(rows)} companies ({share}); the budget is {BUDGET:g}.",
        "",
        "| indicator | cases a week | twice the minimum | companies with a false alarm | named within 4 runs |",
        "|---|---|---|---|---|",
    ]  # fmt: skip
    for id in FOLLOWED:
        # The largest of several minimums counts the cases of the gap, others its people, campaigns or needs.
        enough = max(entries()[id].enough.values(), default=0)
        cases = [g[3] for r in rows for g in r["gaps"][id] if g]
        typical = sorted(cases)[len(cases) // 2] if cases else 0
        followed = [null[id] for null, _ in told if id in null]
        wrong = sum(map(bool, followed))
        changed = [after[id] for _, after in told if id in after]
        named = f"{sum(map(bool, changed))} of {len(changed)}" if changed else "not followed"
        lines.append(
            f"| {id} | {typical:,} | {'yes' if enough and typical >= 2 * enough else f'no ({enough:,})'} |"
            f" {f'{wrong} of {len(followed)}' if followed else 'not followed'} | {named} |"
        )
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run the proof."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--accounts", type=int, default=6000)
    parser.add_argument("--leads", type=int, default=30_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument(
        "--together", type=int, default=5, help="companies that go through the weeks together"
    )
    parser.add_argument("--figures", action="store_true", help="follow the key figures instead")
    parser.add_argument("--rows", type=Path, help="keep the companies here, as JSON lines")
    parser.add_argument("--out", type=Path, help="write the tables here")
    args = parser.parse_args()
    rows: list[Row] = []
    if args.rows and args.rows.exists():
        rows = [
            json.loads(line) for line in args.rows.read_text(encoding="utf-8").splitlines() if line.strip()
        ]
        rows = [r for r in rows if (r["accounts"], r["leads"]) == (args.accounts, args.leads)]
    done = {r["seed"] for r in rows}
    seeds = [s for s in range(args.first, args.first + args.seeds) if s not in done]
    together = [seeds[i : i + args.together] for i in range(0, len(seeds), args.together)]

    def keep(made: Sequence[Row]) -> None:
        rows.extend(made)
        if args.rows:
            with args.rows.open("a", encoding="utf-8") as f:
                f.writelines(json.dumps(row) + "\n" for row in made)

    if args.figures:
        for seed in seeds:
            keep([figures(seed, args.accounts, args.leads)])
    elif args.jobs == 1:
        for group in together:
            keep(several(group, args.accounts, args.leads))
    else:
        with ProcessPoolExecutor(args.jobs) as pool:
            waited = [pool.submit(several, group, args.accounts, args.leads) for group in together]
            for future in as_completed(waited):
                keep(future.result())
    if not rows:
        print("no company was made")
        return 1
    text = figure_document(rows) if args.figures else document(rows)
    if args.out:
        args.out.write_text(text, encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
