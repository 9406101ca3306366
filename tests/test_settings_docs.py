"""The schema and the page about settings say what the models say."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import date, time

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignment_toolkit.settings import InvalidSettings, Settings, settings_schema
from alignment_toolkit.settings.reference import BEGIN, END, reference, write
from tests.source_tree import PROJECT
from tests.test_settings import CONTRACT, KEYS, ONE, anything

PAGE = PROJECT / "docs" / "settings.md"
SCHEMA = PROJECT / "docs" / "schema" / "alignment.schema.json"
EXAMPLE = re.findall(r"^```toml\n(.*?)^```", PAGE.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)[0]
RENEW = "out of date: python -c \"from alignment_toolkit.settings.reference import write; write('docs')\""


def plain(value):
    """Turn TOML into what an editor hands to a schema: dates and times are texts there."""
    if isinstance(value, dict):
        return {key: plain(inside) for key, inside in value.items()}
    if isinstance(value, list):
        return [plain(inside) for inside in value]
    return value.isoformat() if isinstance(value, (date, time)) else value


CHECKER = jsonschema.Draft202012Validator(
    settings_schema(), format_checker=jsonschema.FormatChecker(["date"])
)


def fits(text: str) -> bool:
    return CHECKER.is_valid(plain(tomllib.loads(text)))


# --- the schema ----------------------------------------------------------------------------------------------------


def test_the_schema_in_the_docs_is_that_of_the_models():
    assert json.loads(SCHEMA.read_text("utf-8")) == settings_schema(), RENEW
    jsonschema.Draft202012Validator.check_schema(settings_schema())


@pytest.mark.parametrize("text", [CONTRACT, EXAMPLE, ""])
def test_the_schema_takes_what_is_right(text):
    Settings.from_toml(text)
    assert fits(text)


# What a schema can't tell: sums, orders, alternatives, time zones, encodings, and what stands in two places.
BEYOND = (
    "time zone", "later", "of kind", "'urll'", "as thousands and", "no encoding", "both from", "must have one of",
    "belong", "map or nulls", "same id", "holds", "sum to", "finite", "part of a date", "begins with %", "24:00",
)  # fmt: skip


@pytest.mark.parametrize(("text", "says"), [(t, s) for t, _, s in ONE if not any(b in s for b in BEYOND)])
def test_the_schema_refuses_what_it_can(text, says):
    # JSON knows no whole floats: 4.0 is 4.
    assert fits(text) is ("4.0" in text)


def test_most_mistakes_are_within_the_schemas_reach():
    assert sum(not fits(text) for text, _, _ in ONE) > 0.6 * len(ONE)


@given(st.dictionaries(st.sampled_from(KEYS), anything, max_size=6))
def test_the_schema_raises_no_false_alarm(values):
    text = "\n".join(f"{json.dumps(key)} = {value}" for key, value in values.items())
    taken = True
    try:
        Settings.from_toml(text)
    except InvalidSettings:
        taken = False
    assert fits(text) or not taken


# --- the page ------------------------------------------------------------------------------------------------------


def test_the_keys_on_the_page_are_those_of_the_models(tmp_path):
    written = PAGE.read_text("utf-8").partition(BEGIN)[2].partition(END)[0].strip()
    assert written == reference(), RENEW
    # Writing again changes nothing.
    (tmp_path / "settings.md").write_text(PAGE.read_text("utf-8"), "utf-8")
    write(tmp_path)
    assert (tmp_path / "settings.md").read_bytes() == PAGE.read_bytes()
    assert (tmp_path / "schema" / SCHEMA.name).read_bytes() == SCHEMA.read_bytes()


def test_the_example_shows_every_table_and_key():
    settings = Settings.from_toml(EXAMPLE)
    shown = set(re.findall(r"([a-z_]+) *=|[.\[]([a-z_]+)\]", EXAMPLE))
    shown = {word for words in shown for word in words}
    tables = re.findall(r"^### `\[([^`]*)\]`\n(.*?)(?=^###|\Z)", reference(), flags=re.MULTILINE | re.DOTALL)
    assert len(tables) > 12
    for name, body in tables:
        assert set(re.findall(r"^\| `(\w+)`", body, flags=re.MULTILINE)) <= shown
        top = name.split(".")[0]
        assert getattr(settings, top) != getattr(Settings(), top), f"[{top}] is not shown"


def test_the_messages_on_the_page_are_real():
    told = re.findall(r"^```text\n(.*?)^```", PAGE.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)[
        0
    ].strip()
    with pytest.raises(InvalidSettings) as caught:
        Settings.from_toml("\n[company]\ncurency = 'EUR'\n\nfiscal_year_starts = 13")
    assert str(caught.value) == told


def test_the_example_gives_the_fiscal_years_it_says():
    settings = Settings.from_toml(EXAMPLE)
    assert (settings.period("FY2026").start, settings.period("FY2026").last) == (
        date(2025, 4, 1),
        date(2026, 3, 31),
    )
    starts = Settings.from_toml(EXAMPLE.replace('fiscal_year_names = "end"', 'fiscal_year_names = "start"'))
    assert starts.period("FY2026").start == date(2026, 4, 1)
