"""`alignment explain`: a number of a source, of an Analysis, and what is said where it can't be had."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import call, small_company


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    return small_company(tmp_path_factory.mktemp("explained") / "company")


@pytest.fixture(scope="module")
def analysis(company, tmp_path_factory):
    file = tmp_path_factory.mktemp("analysed") / "analysis.json"
    assert call("analyse", company, "--period", "2026-Q1", "--by", "channel", "--out", file).code == 0
    return file


def test_a_number_of_a_source(company):
    done = call("explain", "leads", "--source", company, "--period", "2026-Q1")
    assert done.code == 0
    assert "Leads in 2026-Q1, the whole company" in done.out
    assert "= 3  leads: counted (leads)" in done.out


def test_one_part_as_json(company):
    done = call(
        "explain", "leads", "--source", company, "--period", "2026-Q1", "--by", "channel=email", "--json"
    )
    told = json.loads(done.out)
    assert told["number"]["value"] == "2"
    assert [(r["what"], r["rows"]) for r in told["rows"]] == [
        ("rows there are", 3), ("of other parts of the company", 1), ("counted (leads)", 2),
    ]  # fmt: skip


def test_a_number_of_an_analysis(analysis):
    done = call("explain", "arpu", "--analysis", analysis)
    assert done.code == 0
    assert "fingerprint of the data" in done.out
    part = call("explain", "leads", "--analysis", analysis, "--by", "channel=web", "--json")
    assert json.loads(part.out)["number"]["value"] == "1"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["leads", "--by", "channel"], "as in --by region=North"),
        (["leads", "--by", "channel=web"], "name a source, or an Analysis"),
        (["leads", "--source", "sample", "--analysis", "x.json"], "Both a source and an Analysis"),
        (["leads", "--analysis", "no.json"], "no.json can't be read"),
        (["dropped_leads", "--source", "sample"], "is an indicator: analyse the company first"),
    ],
)
def test_what_can_not_be_explained_says_what_would_help(words, said):
    done = call("explain", *words)
    assert done.code == 2
    assert said in done.err
    assert done.out == ""


def test_a_part_that_is_not_there_has_a_near_match(company, analysis):
    for more in (["--source", company, "--period", "2026-Q1"], ["--analysis", analysis]):
        done = call("explain", "leads", *more, "--by", "channel=emial")
        assert (done.code, "Did you mean 'channel=email'?" in done.err) == (2, True)
