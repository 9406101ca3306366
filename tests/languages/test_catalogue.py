"""Every language's file holds every message, with the same gaps, and nothing that is no longer said."""

from __future__ import annotations

import re
import shutil
import threading
from datetime import date, datetime

import pytest

from alignment_toolkit import languages
from alignment_toolkit.errors import UnknownName
from alignment_toolkit.languages import FOLDER, language_of, opening, say, say_count, speaking, spoken, term
from alignment_toolkit.languages import catalogue as reading
from alignment_toolkit.languages.filing import read, renew
from alignment_toolkit.languages.locale import currency_text, day_text, moment_text, numerals
from alignment_toolkit.languages.messages import Message, gaps, messages
from alignment_toolkit.settings import InvalidSettings, Settings
from alignment_toolkit.units import UNITS, unit

FILES = sorted(FOLDER.glob("*.po"))


@pytest.fixture(scope="module")
def said() -> dict[str, Message]:
    return messages()


def faults(file, said: dict[str, Message]) -> list[str]:
    """Return what a language's file lacks, has too much, or says with other gaps than the English."""
    catalog = read(file, file.stem)
    known = {(m.id[0] if isinstance(m.id, tuple) else m.id): m for m in catalog if m.id}
    found = [f"no longer said: {text}" for text in known if text not in said]
    for text, message in said.items():
        told = known.get(text)
        forms = [] if told is None else [told.string] if isinstance(told.string, str) else [*told.string]
        if not forms or not all(forms):
            found.append(f"not translated: {text}")
            continue
        if len(forms) != (catalog.num_plurals if message.many else 1):
            found.append(f"wrong number of forms: {text}")
        wanted = gaps(text + message.many)
        if any(gaps(form) - wanted for form in forms) or frozenset().union(*map(gaps, forms)) != wanted:
            found.append(f"other gaps: {text}")
        if any(blanks(form) != blanks(text) for form in forms):
            found.append(f"other blanks at its ends: {text}")
    return found


def blanks(text: str) -> tuple[bool, bool]:
    return text.startswith(" "), text.endswith(" ")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_language_has_every_message_and_no_other(file, said):
    assert len(said) > 1500
    assert faults(file, said) == []


def test_what_is_missing_is_found(said):
    file = FOLDER / "de.po"
    some = dict(list(said.items())[:40])
    new = {"A sentence that nobody has translated, {n:,} of them.": Message("")}
    assert any("not translated" in fault for fault in faults(file, some | new))
    assert sum("no longer said" in fault for fault in faults(file, some)) > 1000


def test_wrong_translations_are_found(tmp_path):
    (tmp_path / "de.po").write_text(
        'msgid ""\nmsgstr ""\n"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n'
        'msgid "{n} rows"\nmsgstr "{m} Zeilen"\n\nmsgid " and"\nmsgstr "und"\n',
        "utf-8",
    )
    wanted = {"{n} rows": Message("{n} rows"), " and": Message(" and")}
    assert faults(tmp_path / "de.po", wanted) == ["other gaps: {n} rows", "other blanks at its ends:  and"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_is_as_it_would_be_written(file, tmp_path):
    shutil.copy(file, tmp_path / file.name)
    renew(file.stem, tmp_path)
    assert (tmp_path / file.name).read_bytes() == file.read_bytes(), (
        f"out of date: python -m alignment_toolkit.languages {file.stem}"
    )


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_is_known_by_its_opening_keeps_it(file, said):
    # The report knows some sentences of an Analysis again by how they begin.
    marked = [
        *("needs {gone}", "Shapley values of {formula}", "Logarithmic means (LMDI) of {formula}"),
        *("event study of {name}", "counted by the cohort of the lead"),
    ]
    with speaking(file.stem):
        for text in marked:
            begins, begun = text.partition("{")[0], opening(text)
            assert begun
            alike = [
                m
                for m, message in said.items()
                if m.startswith(begins) and any(p.startswith(("kpi/", "drivers/")) for p in message.places)
            ]
            assert alike
            assert [m for m in alike if not say(m).startswith(begun)] == []


# Speaking --------------------------------------------------------------------------------------------------------


def test_english_is_what_stands_in_the_code():
    assert spoken() == "en"
    assert say("{n:,} of {share:.1f} %", n=1234, share=12.34) == f"{1234:,} of {12.34:.1f} %"
    assert say("No gap {here}") == "No gap {here}"
    assert say_count(1, "{n} day", "{n} days") == "1 day"


def test_german_writes_numbers_days_and_terms_its_own_way():
    with speaking("de"):
        assert say(
            "{n:,}; {x:.2f}; {d}; {t}; {w}", n=1234567, x=-0.5, d=date(2026, 9, 30), t="1,234.5", w="leads"
        ) == ("1.234.567; -0,50; 30.09.2026; 1,234.5; Leads")
        assert say("{d:%d.%m.%Y}", d=datetime(2026, 9, 30, 14)) == "30.09.2026"
        assert say("A sentence of a third party about {n:,} things", n=1000) == (
            "A sentence of a third party about 1.000 things"
        )
        assert (
            say_count(1, "{n:,} target is still open.", "{n:,} targets are still open.")
            == "1 Ziel ist noch offen."
        )
        assert (
            say_count(2, "{n:,} target is still open.", "{n:,} targets are still open.")
            == "2 Ziele sind noch offen."
        )
    assert spoken() == "en"


@pytest.mark.parametrize(
    ("name", "value", "english", "german"),
    [
        ("money", 1234567.8, "€1,234,568", "1.234.568 €"),
        ("money", -12.5, "-€12.50", "-12,50 €"),
        ("share", 0.1234, "12.3 %", "12,3 %"),
        ("points", 2, "2.00 points", "2,00 Punkte"),
        ("days", 1234.5, "1,234.5 days", "1.234,5 Tage"),
        ("count", 12000, "12,000", "12.000"),
        ("count", None, "not available", "nicht verfügbar"),
    ],
)
def test_units_in_two_languages(name, value, english, german):
    assert unit(name).text(value, currency="EUR") == english
    with speaking("de"):
        assert unit(name).text(value, currency="EUR") == german


def test_every_currency_and_unit_has_a_german_form():
    with speaking("de"):
        assert currency_text(1234.5, "USD", 2) == "1.234,50 $"
        assert currency_text(1234.5, "XXX", 0).startswith("1.234 ")
        for each in UNITS.values():
            assert "," in each.text(1.5, currency="EUR")
        assert (
            unit("money").spreadsheet(currency="EUR") == '[>=1000]#,##0" €";[<=-1000]-#,##0" €";#,##0.00" €"'
        )
        assert unit("days").interval(1, 2) == "1,0 bis 2,0 Tage"
        assert (numerals("1,234.5"), day_text(date(2026, 1, 2))) == ("1.234,5", "02.01.2026")
        assert moment_text("2026-09-30T14:05") == "30.09.2026 14:05"
        assert moment_text("2026-13-45 is no day") == "2026-13-45 is no day"


def test_threads_do_not_hear_each_other():
    heard: dict[str, list[str]] = {"de": [], "en": []}
    together = threading.Barrier(2, timeout=30)

    def tell(language: str) -> None:
        with speaking(language):
            for _ in range(50):
                together.wait()
                heard[language].append(say("Out of line"))

    threads = [threading.Thread(target=tell, args=(language,)) for language in heard]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == {"de": ["Abweichend"] * 50, "en": ["Out of line"] * 50}


def test_a_language_without_a_file_is_refused():
    with pytest.raises(UnknownName, match="de"), speaking("dee"):
        pass
    with pytest.raises(InvalidSettings, match="language"):
        Settings.from_toml('[report]\nlanguage = "xx"\n')
    assert language_of(Settings.from_toml('[report]\nlanguage = "de"\n').public()) == "de"
    assert language_of({}) == "en"


def test_one_file_adds_a_language(tmp_path, monkeypatch):
    (tmp_path / "fr.po").write_text(
        'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n'
        '"Plural-Forms: nplurals=2; plural=(n > 1);\\n"\n\n'
        'msgid "not available"\nmsgstr "non disponible"\n\nmsgid "{n} day"\nmsgid_plural "{n} days"\n'
        'msgstr[0] "{n} jour"\nmsgstr[1] "{n} jours"\n',
        "utf-8",
    )
    for module in (languages, reading):
        monkeypatch.setattr(module, "FOLDER", tmp_path)
    assert languages.languages() == ("en", "fr")
    with speaking("fr"):
        assert unit("money").text(1234567.8, currency="EUR") == "1 234 568 €"
        assert unit("share").text(None) == "non disponible"
        assert [say_count(n, "{n} day", "{n} days") for n in (0, 1, 2)] == ["0 jour", "1 jour", "2 jours"]


def test_a_new_file_begins_with_every_message(tmp_path, said):
    told = renew("fr", tmp_path)
    assert told == f"fr.po: 0 of {len(said)} messages are translated"
    text = (tmp_path / "fr.po").read_text("utf-8")
    assert 'msgid "Out of line"\nmsgstr ""\n' in text
    assert len(re.findall(r"^msgid ", text, re.MULTILINE)) == len(said) + 1


def test_messages_are_read_from_what_is_declared(tmp_path):
    (tmp_path / "a.py").write_text(
        'X = noted("Noted")\n'
        'Column("c", "A column", None, "id")\n'
        'Kpi(id="k", title="A title", about="What it is", n_unit="rows of it")\n'
        '@indicator(title="Good", failure_title="Bad", enough={"cases of it": 3}, innocent={"sales": "Because"})\n'
        'def f():\n    """Why it matters.\n\n    More.\n    """\n'
        '    return say("{n} of" if x else "None of", n=1), say_count(2, "one", "many"), say(f"not {this}")\n'
        "    return minimize(method='no')\n",
        "utf-8",
    )
    (tmp_path / "page.j2").write_text('{{ say("On the page") }}', "utf-8")
    found = messages(tmp_path)
    wanted = {
        *(
            "Noted",
            "A column",
            "A title",
            "What it is",
            "rows of it",
            "Good",
            "Bad",
            "cases of it",
            "Because",
        ),
        *("Why it matters.\n\nMore.", "{n} of", "None of", "one", "On the page"),
    }
    assert wanted <= set(found)
    assert "no" not in found
    assert found["one"].many == "many"


def test_what_charts_and_definitions_call_their_parts_is_said_in_german():
    with speaking("de"):
        said = [term(t) for t in ("effort", "1 (lowest)", "5 (highest)", "recency", "expected_value")]
    assert said == ["Aufwand", "1 (niedrigstes)", "5 (höchstes)", "letzter Auftrag", "erwarteter Wert"]
    assert term("expected_value") == "expected value"
