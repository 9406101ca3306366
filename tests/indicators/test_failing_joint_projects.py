"""Do joint projects fail more? Six projects by hand, sizes, what is open, guards."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import StratifiedTable

from alignment_toolkit.indicators.failing_joint_projects import failing_joint_projects
from alignment_toolkit.statistics.shares import newcombe
from alignment_toolkit.statistics.simpson import crude_and_adjusted
from alignment_toolkit.statistics.stratified import risk_difference
from alignment_toolkit.verdict import verdicts
from tests.indicators.guarding import fires, quiet
from tests.indicators.personal import COLUMNS, look


def project(
    number: int, scope: str, failed: bool | None, size: str | None = "small", **more: Any
) -> dict[str, Any]:
    outcome = None if failed is None else "not_delivered" if failed else "delivered"
    return {
        "work_id": f"w{number:03d}", "kind": "project", "scope": scope, "started_on": "2026-02-01", "size": size,
        "ended_on": None if failed is None else "2026-05-01", "outcome": outcome, **more,
    }  # fmt: skip


def projects(joint: dict[str, tuple[int, int]], single: dict[str, tuple[int, int]]) -> list[dict[str, Any]]:
    """Give projects: by size, how many failed of how many."""
    told = [("joint", size, i < k) for size, (k, n) in joint.items() for i in range(n)]
    told += [
        (("marketing", "sales")[i % 2], size, i < k) for size, (k, n) in single.items() for i in range(n)
    ]
    return [project(i, scope, failed, size) for i, (scope, size, failed) in enumerate(told)]


def gap(rows: list[dict[str, Any]]):
    return look(failing_joint_projects, {"work": rows}).seen.gap.estimate


def test_the_worked_example():
    seen = look(failing_joint_projects, {"work": projects({"small": (2, 3)}, {"small": (1, 3)})}).seen
    e = seen.gap.estimate
    assert e.value == pytest.approx(1 / 3)
    assert (e.low, e.high) == pytest.approx(
        [getattr(newcombe(2, 3, 1, 3).estimate, f) for f in ("low", "high")]
    )
    assert seen.counts == {"projects on the side that has fewer": 3}
    assert {row[0] for row in seen.evidence.rows} == {"w000", "w001", "w003"}


@pytest.mark.parametrize(("failed", "status"), [(24, "misaligned"), (2, "aligned"), (13, "uncertain")])
def test_the_verdict(failed, status):
    rows = projects({"small": (failed, 30)}, {"small": (4, 40)})
    assert verdicts([look(failing_joint_projects, {"work": rows})])[0].status == status


def test_fourteen_a_side_are_too_few():
    def status(n: int) -> str:
        rows = projects({"small": (n // 2, n)}, {"small": (10, 40)})
        return verdicts([look(failing_joint_projects, {"work": rows})])[0].status

    assert (status(14), status(15)) == ("too_little_data", "uncertain")


def test_sizes_are_compared_with_like_sizes():
    joint, single = {"large": (12, 20), "small": (1, 6)}, {"large": (5, 9), "small": (4, 30)}
    rows = projects(joint, single)
    cases = [(True, s, i < k) for s, (k, n) in joint.items() for i in range(n)]
    cases += [(False, s, i < k) for s, (k, n) in single.items() for i in range(n)]
    exposed, size, failed = zip(*cases, strict=True)
    assert gap(rows).value == pytest.approx(risk_difference(exposed, failed, size, n_unit="x").estimate.value)
    tables = [
        np.array([[k, n - k], [c, m - c]])
        for (k, n), (c, m) in zip(joint.values(), single.values(), strict=True)
    ]
    adjusted = crude_and_adjusted([12, 1], [20, 6], [5, 4], [9, 30])
    assert adjusted.odds_ratio == pytest.approx(StratifiedTable(tables).oddsratio_pooled)


def test_what_is_open_or_ends_after_the_window_has_no_outcome_yet():
    rows = projects({"small": (9, 15)}, {"small": (6, 20)})
    more = [project(100 + i, "joint", None) for i in range(5)]
    more += [
        project(200, "joint", True, ended_on="2026-10-01"),
        project(201, "joint", True, kind="procedure"),
    ]
    assert gap(rows + more) == gap(rows)
    measures = {m.name: m for m in look(failing_joint_projects, {"work": rows + more}).seen.measures}
    assert (measures["joint_open"].value, measures["joint_open"].n) == (pytest.approx(6 / 21), 21)


def begun(rows: list[dict[str, Any]], who: list[str], column: str = "initiated_by") -> Any:
    columns = COLUMNS | {"work": (*COLUMNS["work"], column)}
    table = [{**row, column: name} for row, name in zip(rows, who, strict=True)]
    return look(failing_joint_projects, {"work": table}, columns=columns).seen


def test_people_who_began_both_kinds_are_compared_with_themselves():
    """Ann: 2 of 3 joint and 1 of 3 own not delivered; Ben, who fails at nothing, 0 of 1 joint and 0 of 9 own."""
    rows = projects({"small": (2, 4)}, {"small": (1, 12)})
    who = ["Ann"] * 3 + ["Ben"] + ["Ann"] * 3 + ["Ben"] * 9
    seen = begun(rows, who)
    # A third within Ann, nothing within Ben; weights 3 x 3 / 6 and 1 x 9 / 10.
    assert seen.gap.estimate.value == pytest.approx((1.5 / 3) / (1.5 + 0.9))
    assert seen.values["alike"] == "among projects of like size that the same people began"
    assert gap(rows).value == pytest.approx(2 / 4 - 1 / 12)


def test_whole_people_on_one_side_widen_the_interval_to_what_lies_between_them():
    rows = projects({"small": (24, 40)}, {"small": (8, 40)})
    who = (
        [f"j{i % 4}" for i in range(24)] + [f"j{i % 2}" for i in range(16)] + [f"s{i % 4}" for i in range(40)]
    )
    seen, plain = begun(rows, who), gap(rows)
    assert seen.gap.estimate.value == pytest.approx(plain.value)
    assert seen.gap.estimate.low < plain.low
    assert seen.values["alike"] == "among projects of like size"
    assert begun(rows, who, "team").gap.estimate.low == pytest.approx(seen.gap.estimate.low)


@pytest.mark.parametrize("column", ["initiated_by", "team"])
def test_a_department_is_no_person_and_no_team(column):
    rows = projects({"small": (9, 15), "large": (4, 9)}, {"small": (6, 20), "large": (2, 8)})
    seen = begun(rows, ["Marketing" if i % 3 else "sales" for i in range(len(rows))], column)
    assert seen.gap.estimate == gap(rows)


def test_all_delivered_by_the_same_people_is_known_too():
    rows = projects({"small": (0, 40)}, {"small": (0, 40)})
    seen = begun(rows, [("Ann", "Ben")[i % 2] for i in range(80)])
    assert seen.gap.estimate.value == 0
    assert seen.gap.estimate.high < 0.2


def test_differences_between_people_are_told():
    rows = projects({"small": (24, 40)}, {"small": (8, 40)})
    quiet("failing_joint_projects", "confounding", facts(projects({"small": (39, 40)}, {"small": (8, 40)})))
    alone = begun(rows, ["Ann"] * 40 + [f"s{i % 4}" for i in range(40)])
    fires("failing_joint_projects", "confounding", alone, "cannot be compared")
    assert alone.gap.estimate.low is None
    # Of the joint ones two people failed at nearly all and two at nearly none.
    apart = begun(rows, [f"j{i // 12 % 2}" for i in range(24)] + [f"j{2 + i % 2}" for i in range(16)]
                  + [f"s{i % 4}" for i in range(40)])  # fmt: skip
    fires("failing_joint_projects", "confounding", apart, "no more than may lie between")
    strong = begun(
        projects({"small": (39, 40)}, {"small": (4, 40)}), [f"{i // 40}{i % 4}" for i in range(80)]
    )
    quiet("failing_joint_projects", "confounding", strong, "no more than may lie between")
    quiet("failing_joint_projects", "confounding", strong, "cannot be compared")


def test_what_people_alone_have_is_told_with_them():
    rows = projects({"small": (10, 20)}, {"small": (5, 20)}) + projects({"small": (1, 10)}, {})
    who = [("Ann", "Ben")[i % 2] for i in range(40)] + ["Cem"] * 10
    fires("failing_joint_projects", "small_cells", begun(rows, who), "a size, a person or a team")
    quiet("failing_joint_projects", "small_cells", begun(rows[:40], who[:40]), "a size, a person or a team")


def facts(rows: list[dict[str, Any]]) -> Any:
    return look(failing_joint_projects, {"work": rows}).seen


def test_guards_fire_and_do_not():
    strong = projects({"small": (19, 20)}, {"small": (4, 20)})
    # Only a trait more than three times as common would explain it.
    quiet("failing_joint_projects", "confounding", facts(strong))
    quiet("failing_joint_projects", "small_cells", facts(strong))
    quiet("failing_joint_projects", "simpson", facts(strong))
    weak = facts(projects({"small": (14, 20)}, {"small": (8, 20)}))
    fires("failing_joint_projects", "confounding", weak, "being hard")
    bare = facts([{**row, "size": None} for row in strong])
    fires("failing_joint_projects", "confounding", bare, "that joint ones are larger")
    fires("failing_joint_projects", "small_cells", facts(strong + projects({"large": (3, 5)}, {})))
    hard = projects({"large": (18, 30), "small": (1, 10)}, {"large": (6, 10), "small": (4, 40)})
    fires("failing_joint_projects", "simpson", facts(hard))
