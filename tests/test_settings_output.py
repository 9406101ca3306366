"""What of the settings gets out: secrets never, what matters for results always in the same form."""

from __future__ import annotations

import json
import random

import pytest

from alignment_toolkit.errors import SettingsError
from alignment_toolkit.settings import InvalidSettings, Settings, expand
from tests.source_tree import PROJECT
from tests.test_settings import CONTRACT

DOCS = PROJECT / "docs"


@pytest.fixture(scope="module")
def acme() -> Settings:
    return Settings.from_toml(CONTRACT)


# --- secrets -------------------------------------------------------------------------------------------------------

CANARY = "hunter2-canary"
SECRET = f"""
[source]
kind = "sql"
url = "postgres://me:${{TEST_CANARY}}@host/db?x=${{TEST_OTHER}}"
schema = "{CANARY}"
[privacy]
key = "{CANARY}"
[owners.arpu]
sales = 1.0
"""


def test_secrets_are_filled_in_at_use(monkeypatch):
    monkeypatch.setenv("TEST_CANARY", CANARY)
    monkeypatch.setenv("TEST_OTHER", "${TEST_CANARY}")
    settings = Settings.from_toml(SECRET + '[company]\nname = "${TEST_CANARY}"')
    # What a variable holds is not looked into again, and only [source] and the key are filled in.
    assert settings.source_option("url") == f"postgres://me:{CANARY}@host/db?x=${{TEST_CANARY}}"
    assert settings.source_option("schema") == settings.secret_key() == CANARY
    assert settings.company.name == "${TEST_CANARY}"
    assert expand("a $5 $TEST_OTHER {x}") == "a $5 $TEST_OTHER {x}"


def test_secrets_are_in_no_output(monkeypatch):
    monkeypatch.setenv("TEST_CANARY", CANARY)
    settings = Settings.from_toml(SECRET)
    shown = [
        repr(settings), str(settings), repr(settings.source), str(settings.source), repr(settings.privacy),
        json.dumps(settings.public()), str(settings.model_dump()), settings.model_dump_json(),
        str(list(settings)), f"{settings.privacy}",
    ]  # fmt: skip
    assert CANARY in str(settings.source.model_extra)
    assert [text for text in shown if CANARY in text] == []
    assert "source" not in settings.public()
    assert "key" not in settings.public()["privacy"]


@pytest.mark.parametrize(
    "change",
    [
        ("sales = 1.0", "sales = 2.0"),
        ('kind = "sql"', 'kind = ["hunter2-canary"]'),
        ('kind = "sql"', 'kind = "folder"'),
        ('kind = "sql"', "kind = 918273645"),
        (f'key = "{CANARY}"', "key = 918273645"),
        (f'schema = "{CANARY}"', f'schema = ["{CANARY}"]'),
        (f'key = "{CANARY}"', f'key = ["{CANARY}"]'),
        (f'key = "{CANARY}"', f"key = '{CANARY}"),
        (f'schema = "{CANARY}"', f"schema = {CANARY}"),
    ],
)
def test_secrets_are_in_no_message(change):
    with pytest.raises(InvalidSettings) as caught:
        Settings.from_toml(SECRET.replace(*change))
    assert CANARY not in str(caught.value)
    assert "918273645" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_missing_variable_is_named_with_its_line(monkeypatch):
    monkeypatch.delenv("TEST_CANARY", raising=False)
    with pytest.raises(
        InvalidSettings, match=r"line 4: \[source\] url: the environment variable 'TEST_CANARY'"
    ) as caught:
        Settings.from_toml(SECRET).source_option("url")
    assert "postgres" not in str(caught.value)
    for text in ("${}", "${A-B}", "x${A", "${A B}"):
        with pytest.raises(SettingsError, match=r"written \$\{NAME\}"):
            expand(text)


# --- what a result remembers ---------------------------------------------------------------------------------------


def test_public_is_json_with_every_default_and_dates_in_iso(acme):
    public = acme.public()
    assert json.loads(json.dumps(public, allow_nan=False)) == public
    assert public["company"] == {
        "name": "Acme", "currency": "EUR", "timezone": "Europe/Berlin", "fiscal_year_starts": 4,
        "fiscal_year_names": "end", "as_of": "2026-09-30", "warm_up_days": 0, "episode_days": 180, "grace_days": 7,
    }  # fmt: skip
    assert public["calendar"] == {
        "days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "17:00", "holidays": ["2026-12-25"],
    }  # fmt: skip
    assert public["effort"]["minutes"]["email"] == 5
    assert public["indicators"] == {"dropped_leads": {"margin": 0.05, "within_hours": 8}}
    brand = dict.fromkeys(("name", "colour", "font", "footer", "logo"), "")
    assert public["report"] == {
        "audience": "internal",
        "formats": ["html", "xlsx"],
        "kind": "full",
        "language": "en",
        "brand": brand,
    }


def test_public_is_the_same_whatever_the_order_in_the_file():
    more = (
        CONTRACT + "[kpis.arpu]\nx = 1\n[owners.leads]\nsales = 1\n[tables.accounts]\n[indicators.a]\nb = 1\n"
    )
    acme = Settings.from_toml(more)
    blocks = [b for b in more.replace("\n[", "\n\n[").split("\n\n") if b]
    for seed in range(20):
        random.Random(seed).shuffle(blocks)
        again = Settings.from_toml("\n\n".join(blocks))
        assert json.dumps(again.public()) == json.dumps(acme.public())


def test_public_holds_no_names_of_a_mapping_unless_names_are_allowed():
    text = (
        "[tables.leads]\nwhere = \"owner <> 'Ada'\"\ncolumns.owner = { from = 'o', map = { Bob = 'p1' } }\n"
    )
    hidden = Settings.from_toml(text).public()["tables"]["leads"]
    assert (hidden["columns"], hidden["filtered"]) == (["owner"], True)
    assert "Ada" not in json.dumps(hidden)
    assert "Bob" not in json.dumps(hidden)
    other = Settings.from_toml(text.replace("Bob", "Cem")).public()["tables"]["leads"]
    assert other["mapping"] != hidden["mapping"]
    open_ = Settings.from_toml(text + "[privacy]\nnames = true").public()["tables"]["leads"]
    assert open_["where"] == "owner <> 'Ada'"
