from __future__ import annotations

from alignment_toolkit.pseudonyms import Pseudonyms


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
