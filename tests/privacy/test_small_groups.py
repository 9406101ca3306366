"""What is hidden cannot be worked out; the attacker is another solver than the one that hides."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from alignment_toolkit.privacy import LEAST, hidden_cells, seen_by
from tests.privacy.attack import one_way, recovered, two_way
from tests.report import builders
from tests.report.kpi_rows import kpi


def attacked(tables):
    rng = np.random.default_rng(20261125)
    broken = naive = small = 0
    for k in range(tables):
        counts, sums = (one_way if k % 2 else two_way)(rng)
        hidden = hidden_cells(counts, sums)
        assert {i for i, c in enumerate(counts) if c < LEAST} <= hidden
        broken += len(recovered(counts, sums, hidden))
        alone = {i for i, c in enumerate(counts) if c < LEAST}
        small += len(alone)
        naive += len(recovered(counts, sums, alone))
    return broken, naive, small


def test_no_hidden_cell_is_recovered():
    broken, naive, small = attacked(40)
    assert broken == 0
    assert naive > small / 10, "the attacker finds cells where only the small ones are hidden"


@pytest.mark.slow
def test_no_hidden_cell_is_recovered_from_500_tables():
    broken, naive, small = attacked(500)
    assert broken == 0
    assert naive > small / 10


def test_nothing_is_hidden_without_need():
    counts, sums = [90, 30, 25, 35], [(0, (1, 2, 3))]
    assert hidden_cells(counts, sums) == set()


def test_a_table_of_small_cells_hides_its_total():
    assert hidden_cells([8, 4, 4], [(0, (1, 2))]) == {0, 1, 2}


@pytest.fixture(scope="module")
def small_channel():
    """Build an Analysis in which a channel has four cases, which another key figure tells too."""
    rows = []
    for name, counts in (
        ("leads", (100, 4, 36, 60)),
        ("lead-to-client", (100, 4, 36, 60)),
        ("orders", (200, 50, 90, 60)),
    ):
        for by, n in zip(({}, {"channel": "a"}, {"channel": "b"}, {"channel": "c"}), counts, strict=True):
            rows.append(kpi(name, name, float(n), "count", by=by, n=n, top=float(n)))
    return dataclasses.replace(builders.analysis(), kpis=tuple(rows), findings=())


@pytest.mark.parametrize("audience", ["client", "public"])
def test_key_figures_of_small_groups_are_hidden_with_a_second_one(small_channel, audience):
    seen = seen_by(small_channel, audience)
    hidden = {(r.kpi, r.by.get("channel")) for r in seen.kpis if r.status != "ok"}
    assert hidden == {(k, c) for k in ("leads", "lead-to-client") for c in ("a", "b")}
    assert all(r.value is None and r.n == 0 and not r.changes for r in seen.kpis if r.status != "ok")


def test_inside_the_company_everything_is_seen(small_channel):
    assert seen_by(small_channel, "internal") is small_channel


@pytest.mark.parametrize("audience", ["client", "public"])
def test_a_part_that_is_not_told_gives_no_count_away(audience):
    """Four sales by web are hidden; the cost per sale by web is not told, and must not tell that they are four."""
    refused = (
        'Not told by channel: 20.0 % of "Spend" names no channel, more than 10 %. Fill in spend.channel.'
    )
    rows = [kpi("sales", "Sales", 100.0, "count", n=100, top=100.0)]
    for channel, n in (("web", 4), ("fair", 36), ("partner", 60)):
        rows.append(kpi("sales", "Sales", float(n), "count", by={"channel": channel}, n=n, top=float(n)))
        rows.append(
            kpi("cost-per-sale", "Cost per sale", None, "money", by={"channel": channel}, n=n, top=9_000.0,
                bottom=float(n), status="not_available", reason=refused)
        )  # fmt: skip
        rows.append(
            kpi("age", "Age", None, "days", by={"channel": channel}, n=0, censored=n, status="not_available",
                reason=f"no episode that is old enough: {n} too young")
        )  # fmt: skip
    seen = seen_by(dataclasses.replace(builders.analysis(), kpis=tuple(rows), findings=()), audience)
    untold = [r for r in seen.kpis if r.status != "ok"]
    assert all((r.n, r.top, r.bottom, r.censored) == (0, None, None, 0) for r in untold)
    said = {r.kpi: r.reason for r in untold if r.kpi != "sales"}
    assert said["cost-per-sale"].startswith("Not told by channel: ")
    assert not any(c.isdigit() for reason in said.values() for c in reason)
