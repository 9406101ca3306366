from __future__ import annotations

from pathlib import Path, PurePath

import pytest

from alignment_toolkit import errors
from alignment_toolkit.errors import DataError, Problem, UnknownName, did_you_mean


def test_near_match_ignores_case_and_dashes() -> None:
    assert did_you_mean("Dropped-Lead", ["dropped_leads", "arpu"]) == "Did you mean 'dropped_leads'?"


def test_without_a_near_match_the_choices_are_listed() -> None:
    assert did_you_mean("zzz", ["b", "a"]) == "There is: a, b."
    assert did_you_mean("zzz", []) == "There is none."
    assert did_you_mean("zzz", [f"n{i:02}" for i in range(15)]).endswith("n11 and 3 more.")


def test_exit_codes_are_the_contracts() -> None:
    codes = {
        name: getattr(errors, name).exit_code
        for name in errors.__all__
        if name[0].isupper() and name != "Problem"
    }
    assert codes == {
        "AlignmentError": 1,
        "AlreadyRunning": 6,
        "BeyondPart": 3,
        "CellFailed": 4,
        "DataError": 3,
        "ExportFailed": 8,
        "FindingsGate": 10,
        "KernelLost": 5,
        "MatrixFailed": 7,
        "MissingColumn": 3,
        "MissingTable": 3,
        "ParameterError": 2,
        "PeriodError": 2,
        "SettingsError": 2,
        "TooManyRows": 3,
        "UnknownName": 2,
    }


def test_a_data_error_lists_its_problems_and_counts_the_rest() -> None:
    problems = [
        Problem("leads", "leads.csv", i, "created_at", "x", "untyped", "error", f"row {i}")
        for i in range(2, 30)
    ]
    said = str(DataError("leads.csv was refused", problems))
    assert "row 2" in said
    assert "row 21" in said
    assert "row 22" not in said
    assert "and 8 more" in said


def test_unknown_name_says_what_and_where() -> None:
    with pytest.raises(UnknownName, match=r"There is no column 'regoin' in leads\. Did you mean 'region'\?"):
        raise UnknownName("column", "regoin", ["region"], where="in leads")


def test_names_that_are_none_are_refused_by_the_parameter() -> None:
    """A number, as papermill reads ``-p by 3``, and numbers in a list: names are text."""
    for given in (3, 3.5, True, [1, 2], ["region", 3], {"region": 1}.items()):
        with pytest.raises(errors.ParameterError, match="'by' must be names, or one text with commas"):
            errors.names_given(given, "by")
    assert errors.names_given(" region,, channel ", "by") == ("region", "channel")
    assert errors.names_given((name for name in ("region",)), "by") == ("region",)
    places = (Path("a"), "b")
    assert errors.names_given(places, "history", (str, PurePath)) == places
    assert errors.names_given(Path("a"), "history", (str, PurePath)) == (Path("a"),)
    with pytest.raises(errors.ParameterError):
        errors.names_given(Path("a"), "by")
