from __future__ import annotations

from pathlib import Path

import pytest

from alignment_toolkit.analysis import analyse
from alignment_toolkit.company import Company
from alignment_toolkit.errors import ParameterError
from alignment_toolkit.pseudonyms import Pseudonyms
from alignment_toolkit.runs.planning import check_part


def test_stable_keyed_and_different_by_kind() -> None:
    hidden = Pseudonyms("key")
    assert hidden.person("Ada") == Pseudonyms("key").person("Ada")
    assert hidden.person("Ada") != Pseudonyms("other").person("Ada")
    assert hidden.person("Ada").removeprefix("Person ") != hidden.client("Ada").removeprefix("Client ")  # type: ignore[union-attr]


def test_missing_stays_missing() -> None:
    hidden = Pseudonyms("key")
    assert hidden.person(None) is None
    assert hidden.client(float("nan")) is None


def test_names_only_where_settings_allow_them() -> None:
    assert "Ada" not in str(Pseudonyms("key").person("Ada"))
    assert Pseudonyms("key", names=True).person("Ada") == "Ada"


def test_no_clash_among_five_thousand_names() -> None:
    hidden = Pseudonyms("key")
    assert len({hidden.client(f"account {i}") for i in range(5000)}) == 5000


def test_a_split_by_the_names_of_clients_shows_pseudonyms(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("order_id,ordered_at,amount,account_id\n1,2026-01-10,5,a\n")
    (tmp_path / "accounts.csv").write_text("account_id,name\na,Adair Ltd\n")
    for names in (False, True):
        (tmp_path / "alignment.toml").write_text(f"[privacy]\nnames = {str(names).lower()}\n")
        company = Company.open(tmp_path)
        for dimension in ("accounts.name", "name"):
            made = analyse(company, "2026-Q1", by=dimension, kpis=["revenue"], indicators=[])
            assert [r.by[dimension] == "Adair Ltd" for r in made.kpis if r.by] == [names]
            assert ("Adair" in made.dumps()) is names
    (tmp_path / "alignment.toml").unlink()
    company = Company.open(tmp_path)
    with pytest.raises(ParameterError, match="a client's name"):
        check_part(company, company.narrowed("accounts.name", "Adair Ltd"))
