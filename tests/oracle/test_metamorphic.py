"""What must not change a figure does not: order, files, further columns, names of ids; money and dates take it along.

Six relations, each over generated companies: every figure of the changed company is that of the plain one, to the last
digit, its period moved where the dates were, its money multiplied where the amounts were.
"""

from __future__ import annotations

import dataclasses
import math
import random
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import pyarrow as pa
import pytest

from alignment_toolkit.kpi import measure
from alignment_toolkit.kpis import cost, handover, marketing, revenue, sales
from alignment_toolkit.results import KpiValue
from alignment_toolkit.tables import TABLES
from tests.builders import Stand, company_of
from tests.oracle.test_brute_money import TOML, WIDER, wider
from tests.oracle.worlds import DATA_SETS, PARTS, larger

FRAMES = 2 * DATA_SETS
KPIS = [k for m in (revenue, marketing, handover, sales, cost) for k in m.KPIS]
EACH = 2  # KPIs asked of a frame, another few of each
PERIODS = ("2025", "2025-Q3", "2026-W01", "2025-08-10..2026-01-20")
# A calendar repeats itself after 28 years, weekdays and leap days too: working hours stay what they were.
YEARS = 28

Rows = dict[str, list[dict[str, Any]]]


class Case(NamedTuple):
    """A company to be measured: rows, settings, period, and how its tables are put together."""

    rows: Rows
    period: str
    toml: str = TOML
    join: Callable[[pa.Table], pa.Table] = lambda t: t


def shuffled(case: Case, chance: random.Random) -> Case:
    rows = {t: chance.sample(found, len(found)) for t, found in case.rows.items()}
    return case._replace(rows=rows, join=lambda t: t.select(chance.sample(t.column_names, t.num_columns)))


def of_two_files(case: Case, chance: random.Random) -> Case:
    def halves(t: pa.Table) -> pa.Table:
        cut = chance.randint(0, t.num_rows)
        return pa.concat_tables([t.slice(cut), t.slice(0, cut)])

    return case._replace(join=halves)


def with_more_columns(case: Case, chance: random.Random) -> Case:
    word = f"zz{chance.randrange(100)}"
    return case._replace(rows={t: [r | {word: "x"} for r in found] for t, found in case.rows.items()})


def with_other_ids(case: Case, chance: random.Random) -> Case:
    """A prefix keeps their order, by which draws are seeded."""
    mark = chance.choice(["n-", "Ä", "0"])

    def named(table: str, name: str, value: Any) -> Any:
        spec = TABLES[table].columns.get(name)
        return f"{mark}{value}" if value is not None and spec is not None and spec.type == "id" else value

    rows = {t: [{c: named(t, c, v) for c, v in r.items()} for r in found] for t, found in case.rows.items()}
    return case._replace(rows=rows)


def in_cents(case: Case, chance: random.Random) -> Case:
    def scaled(table: str, name: str, value: Any) -> Any:
        spec = TABLES[table].columns.get(name)
        return (
            Decimal(value) * 100 if value is not None and spec is not None and spec.type == "money" else value
        )

    rows = {t: [{c: scaled(t, c, v) for c, v in r.items()} for r in found] for t, found in case.rows.items()}
    return case._replace(rows=rows, toml=TOML.replace("60.5", "6050").replace("45", "4500"))


def years_later(case: Case, chance: random.Random) -> Case:
    def moved(value: Any) -> Any:
        return value.replace(year=value.year + YEARS) if isinstance(value, (date, datetime)) else value

    rows = {t: [{c: moved(v) for c, v in r.items()} for r in found] for t, found in case.rows.items()}
    return case._replace(rows=rows, period=case.period.replace("2026", "2054").replace("2025", "2053"))


RELATIONS = {
    f.__name__: f for f in (shuffled, of_two_files, with_more_columns, with_other_ids, in_cents, years_later)
}


def measured(case: Case, kpis: list[Any]) -> list[KpiValue]:
    company = company_of(case.rows, columns=WIDER, toml=case.toml.format(cap=""))
    company = Stand({name: case.join(t) for name, t in company.data.items()}, company.settings)
    return list(measure(company, kpis, case.period, by=("channel",), compare="previous"))


def differences(plain: list[KpiValue], other: list[KpiValue], relation: str) -> list[str]:
    """Name the figures that are not what the relation says."""
    if len(plain) != len(other):
        return [f"{len(plain)} rows and {len(other)}"]
    found = []
    for a, b in zip(plain, other, strict=True):
        money = relation == "in_cents" and a.unit == "money"
        for name in (
            "value",
            "low",
            "high",
            "n",
            "top",
            "bottom",
            "censored",
            "immature",
            "status",
            "by",
            "spread",
        ):
            x, y = getattr(a, name), getattr(b, name)
            if relation == "in_cents" and isinstance(x, float) and isinstance(y, (int, float)):
                # A figure in money is 100 times as large, any other as it was; what it is made of either.
                factors = (1, 100) if name in ("top", "bottom") else (100 if money else 1,)
                same = any(math.isclose(x * f, y, rel_tol=1e-11, abs_tol=1e-9) for f in factors)
            elif relation == "in_cents" and name == "spread":
                same = (x is None) == (y is None)
            else:
                same = x == y
            if not same:
                found.append(f"{a.kpi} {dict(a.by)} {name}: {x!r} and {y!r}")
        changes = (
            [(c.value, c.low, c.high, c.p) for c in a.changes],
            [(c.value, c.low, c.high, c.p) for c in b.changes],
        )
        if relation != "in_cents" and changes[0] != changes[1]:
            found.append(f"{a.kpi} {dict(a.by)}: change {changes}")
    return found


def tried(seed: int) -> tuple[int, list[str]]:
    """Give the number of figures that a frame has, and where a relation does not hold."""
    chance = random.Random(seed)
    case = Case(wider(larger(seed, chance.choice([12, 40, 150])), seed), chance.choice(PERIODS))
    kpis = chance.sample(KPIS, EACH)
    plain = measured(case, kpis)
    wrong = []
    for name, relation in RELATIONS.items():
        other = measured(relation(case, chance), kpis)
        wrong += [f"frame {seed}, {name}: {d}" for d in differences(plain, other, name)]
    return sum(r.value is not None for r in plain), wrong


def test_the_relations_hold_on_a_few_frames():
    found = [tried(seed) for seed in (0, 2)]
    assert sum(figures for figures, _ in found) > 12
    assert [w for _, wrong in found for w in wrong] == []


def test_a_relation_that_does_not_hold_is_seen():
    case = Case(wider(larger(1, 40), 1), "2025")
    kpis = [revenue.revenue, marketing.leads]
    plain = measured(case, kpis)
    fewer = case._replace(rows={t: r[1:] if t == "leads" else r for t, r in case.rows.items()})
    assert any(d.startswith("leads") for d in differences(plain, measured(fewer, kpis), "shuffled"))
    assert any(d.startswith("revenue") for d in differences(plain, plain, "in_cents"))
    changed = [dataclasses.replace(r, n=r.n + 1) for r in plain]
    assert len(differences(plain, changed, "years_later")) == len(plain)


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("part", range(2 * PARTS))
def test_the_relations_hold_on_many_frames(part):
    wrong = [w for seed in range(1000 + part, 1000 + FRAMES, 2 * PARTS) for w in tried(seed)[1]]
    assert wrong == []
