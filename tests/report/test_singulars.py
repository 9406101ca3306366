"""One of a thing is not told as several, in English and in German."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from alignment_toolkit.explanation.told import number_of
from alignment_toolkit.languages import speaking
from alignment_toolkit.report import attribution, findings, words
from alignment_toolkit.report.blocks import Fold
from alignment_toolkit.results import Column, Estimate, Evidence
from alignment_toolkit.segmentation.clustering import find_clusters
from tests.report import builders
from tests.report.kpi_rows import kpi


def evidence(count):
    return Evidence((Column("lead", "Lead", "", "id"),), tuple((f"L{i}",) for i in range(count)))


def folds(count):
    return [
        b.title
        for b in findings._evidence(replace(builders.dropped(), evidence=evidence(count)), "EUR")
        if isinstance(b, Fold)
    ]


def more(count):
    finding = replace(builders.dropped(), status="too_little_data", needs_more=count)
    return words.what_it_takes(finding).replace("\u2068", "").replace("\u2069", "")


@pytest.mark.parametrize(
    ("language", "one", "two"),
    [("en", "1 account, 60 are needed", "2 accounts, 60 are needed"),
     ("de", "1 Account, 60 sind nötig", "2 Accounts, 60 sind nötig")],
)  # fmt: skip
def test_accounts_that_are_too_few_for_groups(language, one, two):
    with speaking(language):
        assert [find_clusters(np.ones((n, 2)), seed="x").reason for n in (1, 2)] == [one, two]


def test_rows_that_are_folded_away_and_rows_that_are_lacking():
    shown = findings._SHOWN
    assert folds(shown + 1) == ["Evidence: the other row"]
    assert folds(shown + 2) == ["Evidence: the other 2 rows"]
    assert (more(1), more(7)) == ("About one more of: leads.", "About 7 more leads.")
    with speaking("de"):
        assert (more(1), more(7)) == ("Es fehlt noch etwa 1 von: Leads.", "Es fehlen noch etwa 7 Leads.")


def test_sales_of_which_there_is_one():
    assert [attribution._one(n) == 1 for n in (0, 1, 1.2, 2)] == [False, True, False, False]


def test_what_one_figure_and_one_gap_are_of():
    assert (
        number_of(kpi("arpu", "Revenue per client", 1.0, "money", n=1), "EUR", n_unit="clients")["n"] == "1"
    )
    assert (
        number_of(kpi("arpu", "Revenue per client", 1.0, "money", n=1200), "EUR", n_unit="clients")["n"]
        == "1,200 clients"
    )
    assert repr(Estimate(0.5, None, None, 1, "clients", "share", "")) == "<50.0 %, n 1>"
    assert repr(evidence(1)) == "<Evidence: 1 row of Lead>"
