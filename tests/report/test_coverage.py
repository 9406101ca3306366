"""A period that the data does not reach, or only in part, is told on the first page of every format and kind."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import date

import pytest
from pptx import Presentation

from alignment_toolkit.company import Company
from alignment_toolkit.findings import begins_after
from alignment_toolkit.languages import speaking
from alignment_toolkit.periods import Period
from alignment_toolkit.report import Report, coverage
from alignment_toolkit.results import Analysis
from tests.builders import written
from tests.report import builders


def analysis(start="2026-07-01", to="2026-09-30", as_of="2026-09-30", first=None) -> Analysis:
    covered = {} if first is None else {"covered": {"from": first}}
    whole = builders.analysis()
    return replace(
        whole, period="2026-Q3", start=start, to=to, as_of=as_of, definitions={**whole.definitions, **covered}
    )


def said(one):
    return (
        " ".join(f"{b.title}. {b.text}" for b in coverage.told(one))
        .replace("\u2068", "")
        .replace("\u2069", "")
    )


def test_a_period_within_the_data_has_no_note():
    assert (coverage.short(analysis()), coverage.told(analysis())) == ("", [])
    assert coverage.short(analysis(as_of=None)) == ""


@pytest.mark.parametrize(
    ("as_of", "first", "short", "told"),
    [
        ("2026-09-20", None, "; the data does not reach 10 of the 92 days of the period",
         "from 21 September 2026 on it is not or only partly there"),
        ("2026-06-30", None, "; the data reaches no day of the period", "Figures of the period itself say nothing"),
        ("2026-12-31", "2026-08-01", "; the data does not reach 31 of the 92 days of the period",
         "The data begins on 1 August 2026."),
        ("2026-12-31", "2026-10-01", "; the data reaches no day of the period", "The data does not reach 2026-Q3."),
        ("2026-09-20", "2026-08-01", "; the data does not reach 41 of the 92 days of the period", "2026-Q3 only."),
    ],
)  # fmt: skip
def test_what_is_not_reached_is_counted_and_explained(as_of, first, short, told):
    one = analysis(as_of=as_of, first=first)
    assert coverage.short(one) == short
    assert told in said(one)


@pytest.mark.parametrize("audience", ["internal", "client", "public"])
@pytest.mark.parametrize("kind", ["full", "executive", "workshop"])
def test_it_stands_at_the_head_for_every_reader(audience, kind):
    report = Report.of(analysis(as_of="2026-06-30"), audience=audience, kind=kind)
    head = re.sub(r"<[^>]+>", "", report.text("html").partition("<h2")[0])
    assert "the data reaches no day of the period" in head
    slides = Presentation(io.BytesIO(report.content("pptx"))).slides
    cover = " ".join(s.text_frame.text for s in slides[0].shapes if s.has_text_frame)
    assert "the data reaches no day of the period" in cover


def test_in_german():
    with speaking("de"):
        assert "für keinen Tag des Zeitraums" in coverage.short(analysis(as_of="2026-06-30"))


def test_the_first_day_is_that_of_what_happened_and_told_only_where_the_period_begins_well_before(tmp_path):
    orders = [{"order_id": "O1", "ordered_at": "2026-08-01", "amount": 1}]
    ratings = [{"rated_on": "2020-01-01"}]
    company = Company.open(written({"orders": orders, "value_ratings": ratings}, tmp_path))
    assert begins_after(company, Period.parse("2026-Q3")) == {"from": "2026-08-01"}
    assert begins_after(company, Period.parse("2026-08")) == {}
    late = Period.of(date(2026, 7, 28), "day")
    assert begins_after(company, late) == {}


def test_one_date_for_all_rows_is_no_day_on_which_the_data_begins(tmp_path):
    """A copied advertising account has no true dates: what its one date leaves of the period was told as missing."""
    written(
        {"spend": [{"spent_on": "2026-08-30", "amount": 1}, {"spent_on": "2026-08-30", "amount": 2}]},
        tmp_path,
    )
    assert begins_after(Company.open(tmp_path), Period.parse("2026-Q3")) == {"from": "2026-08-30"}
    settings = "[tables.spend.columns]\nspent_on = { value = 2026-08-30 }\n"
    (tmp_path / "alignment.toml").write_text(settings)
    company = Company.open(tmp_path)
    assert company.undated == {"spend"}
    assert begins_after(company, Period.parse("2026-Q3")) == {}
