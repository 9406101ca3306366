"""Words of the toolkit's own making do not reach a reader: keys, ids and forms that the eye stumbles over."""

from __future__ import annotations

import dataclasses

import pytest

from alignment_toolkit import changes
from alignment_toolkit.catalog import Catalog
from alignment_toolkit.drivers.measured import Refused
from alignment_toolkit.languages import say, speaking, term
from alignment_toolkit.report import Report
from alignment_toolkit.report.attribution import steps_before_sales
from alignment_toolkit.report.blocks import Prose, Table, without_isolates
from alignment_toolkit.report.figures import key_figures
from alignment_toolkit.report.method import of as method
from alignment_toolkit.report.plain import walk
from alignment_toolkit.report.words import estimate_text
from alignment_toolkit.results import Estimate
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


def test_definitions_are_read_in_words_and_in_the_language_spoken():
    about = {
        "slices": {"by": ["region"], "looked at": "5 parts", "left out": 2},
        "kpis": {"k": {"title": "K"}},
    }
    with speaking("de"):
        blocks = [
            b for b in walk(tuple(method(builders.analysis(definitions=about), ""))) if isinstance(b, Table)
        ]
    (first, figures) = (t for t in blocks if t.caption.startswith("Definitionen"))
    (told,) = first.rows
    assert told[0].text == "Befunde in Teilen des Unternehmens"
    assert told[1].text == "nach: Region; betrachtet: 5 parts; ausgelassen: 2"
    assert figures.caption == "Definitionen: Kennzahlen"


def test_a_definition_that_ends_as_a_sentence_is_followed_by_no_further_sign():
    about = {"kpis": {"k": {"title": "K", "about": "Sum of lines.", "unit": "money", "family": "Revenue"}}}
    blocks = walk(tuple(method(builders.analysis(definitions=about), "")))
    (table,) = (b for b in blocks if isinstance(b, Table) and b.caption.startswith("Definitions"))
    assert table.rows[0][1].text == "Sum of lines. unit: money; family: Revenue"


def test_a_setting_that_a_key_figure_needs_is_told_by_what_it_means():
    lacking = builders.kpi(
        "cost-to-serve", "Cost to serve", None, "money", status="not_available",
        reason="needs [effort.cost_per_hour] sales",
    )  # fmt: skip
    many = [builders.kpi(f"k{i}", f"K{i}", 1.0, "money") for i in range(13)]
    blocks = walk(tuple(key_figures(builders.analysis(kpis=(*many, lacking)), "")))
    (table,) = (b for b in blocks if isinstance(b, Table) and b.columns[-1] == "What it needs")
    assert table.rows[0][1].text == (
        "needs the cost of an hour of work (sales), in the settings: [effort.cost_per_hour] sales"
    )


def test_one_case_has_no_unit_in_the_plural_behind_it():
    one = Estimate(0.5, 0.1, 0.9, 1, "clients", "share", "by hand")
    assert estimate_text(one, "EUR") == "50.0 % (95 % interval 10.0 % to 90.0 %; n 1)"
    assert "n 2 clients" in without_isolates(estimate_text(dataclasses.replace(one, n=2), "EUR"))


def test_a_single_sale_without_a_step_before_it_is_told_as_one():
    shown = [b for b in walk(tuple(steps_before_sales(of_attribution()))) if isinstance(b, Prose)]
    assert "; 1 had none, and stands in no channel." in shown[0].text


def of_attribution():
    """Three sales by e-mail and one without any step before it."""
    rows = tuple(
        {
            "model": "first",
            "channel": channel,
            "credit": credit,
            "cost_per_sale": None,
            "rank_stability": None,
        }
        for channel, credit in (("email", 3.0), ("(no touch)", 1.0))
    )
    return builders.analysis(attribution=rows)


def test_what_sales_are_counted_by_is_not_called_as_the_department():
    with speaking("de"):
        tables = [b for b in builders.opened(steps_before_sales(of_attribution())) if isinstance(b, Table)]
    heads = {c for t in tables for c in t.columns}
    assert "Zahl der Verkäufe" in heads
    assert "Vertrieb" not in heads
