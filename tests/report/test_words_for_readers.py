"""Words of the toolkit's own making do not reach a reader: keys, ids and forms that the eye stumbles over."""

from __future__ import annotations

import pytest

from alignment_toolkit import changes
from alignment_toolkit.catalog import Catalog
from alignment_toolkit.drivers.measured import Refused
from alignment_toolkit.languages import say, speaking, term
from alignment_toolkit.report import Report
from alignment_toolkit.report.blocks import Table
from alignment_toolkit.report.plain import walk
from alignment_toolkit.statistics.client_value import fit_purchases
from tests.report import builders


def test_words_of_the_data_dictionary_are_read_without_underscores():
    assert [term(w) for w in ("not_delivered", "people_change")] == ["not delivered", "people change"]
    assert term("paid_search") == "paid_search"  # a channel is called as the company calls it
    with speaking("de"):
        assert term("not_delivered") == "nicht abgeschlossen"


def test_the_teams_warning_names_key_figures_by_their_titles(monkeypatch):
    known = Catalog.load().kpis
    two = {id: known[id] for id in ("acceptance-rate", "win-rate")}
    monkeypatch.setattr(changes, "studied", lambda _, kpi, __, **___: [Refused(kpi.id, "too few teams")])
    warnings: list[str] = []
    changes._interventions(None, two, None, two, warnings)
    assert warnings == [
        "What was done with teams is not compared by Leads accepted by sales; Win rate: too few teams."
    ]


def test_the_score_of_an_area_says_how_many_of_its_questions_were_answered():
    """Of the five questions about targeting one was answered: it is aligned."""
    tables = [b for b in walk(Report.of(builders.analysis()).document.blocks) if isinstance(b, Table)]
    (areas,) = (t for t in tables if t.columns[-1:] == ("Score",))
    (row,) = (r for r in areas.rows if r[0].text == "Targeting")
    assert [c.text for c in row] == ["Targeting", "5", "1", "1", "100.0 %"]
    assert row[-1].small == "answered: 1 of 5 questions"


@pytest.mark.parametrize(("n", "said"), [(1, "1 client, 30 are needed"), (2, "2 clients, 30 are needed")])
def test_one_client_is_one_client(n, said):
    assert fit_purchases([0] * n, [0] * n, [3] * n).problem == said


def test_german_needs_no_case_for_what_was_counted():
    with speaking("de"):
        told = say(" The 95 % interval is {interval}, from {n}.", interval="1 bis 2", n="301 Geschäfte")
    assert told == " Das 95-%-Intervall reicht von 1 bis 2 (Grundlage: 301 Geschäfte)."
