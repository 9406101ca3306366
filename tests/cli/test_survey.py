"""The questionnaire's commands: form, import, read."""

from __future__ import annotations

import json

WIDE = "department,c01,c02\nsales,4,5\nmarketing,1,\n"


def test_form_import_read(alignment, tmp_path):
    done = alignment("survey", "form", "--out", "form.xlsx", "--company", "Acme", "--wave", "2026-Q3")
    assert done.code == 0
    assert (tmp_path / "form.xlsx").is_file()
    (tmp_path / "wide.csv").write_text(WIDE, encoding="utf-8")
    done = alignment("survey", "import", "wide.csv", "--out", "data/survey.csv", "--wave", "2026-Q3")
    assert done.code == 0
    assert "3 answers are in data/survey.csv" in done.out
    done = alignment("survey", "read", "data")
    assert done.code == 0
    assert "Withheld: Fewer than 5 people of marketing and sales answered" in done.out


def test_what_is_printed_is_what_the_json_holds(alignment):
    told = json.loads(alignment("survey", "read", "sample", "--json").out)
    assert told["wave"] == "2026-Q3"
    assert len(told["items"]) == 32
    out = alignment("survey", "read", "sample", "--wave", told["wave"]).out
    for row in told["people"]:
        assert f"{row['total']:.2f} points" in out
    assert alignment("survey", "read", "sample", "--wave", "2026-Q9").code == 2


def test_faults_are_told_with_exit_code_3(alignment, tmp_path):
    (tmp_path / "wide.csv").write_text(WIDE.replace("4", "9"), encoding="utf-8")
    done = alignment("survey", "import", "wide.csv", "--json")
    assert done.code == 3
    assert "wide.csv, row 2, column c01" in done.err
    assert not (tmp_path / "survey.csv").exists()
    (tmp_path / "wide.csv").write_text(WIDE, encoding="utf-8")
    done = alignment("survey", "import", "wide.csv", "--json")
    assert json.loads(done.out)["people"] == [
        {"wave": "", "department": "marketing", "people": 1},
        {"wave": "", "department": "sales", "people": 1},
    ]
