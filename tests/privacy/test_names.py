"""Nobody is named outside the company, in no byte of any format."""

from __future__ import annotations

import dataclasses
import io
import re
import zipfile

import pypdf
import pytest

from alignment_toolkit.privacy import AUDIENCES, check_audience, seen_by
from alignment_toolkit.report import FORMATS, Report
from alignment_toolkit.results import Column, Evidence, Guard
from tests.report import builders


def unpacked(content: bytes) -> str:
    """Give all that a file holds as text: archives inside archives, a PDF's pages and properties."""
    if content[:4] == b"%PDF":
        reader = pypdf.PdfReader(io.BytesIO(content))
        pages = "\n".join(page.extract_text() for page in reader.pages)
        return f"{pages}\n{reader.metadata}\n{content.decode('latin-1')}".replace("\u200b", "")
    if content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return "\n".join(f"{name}\n{unpacked(archive.read(name))}" for name in archive.namelist())
    return content.decode("utf-8", errors="replace")


def names_of(count: int) -> list[str]:
    first = "Ada Bela Cleo Dora Emil Fritz Gunda Hanno Ilka Jost".split()
    return [f"{first[i % 10]} Quastenflosser{i:04d}" for i in range(count)]


def planted(count: int):
    """Build an Analysis that allows names, and puts them wherever text can be."""
    names = names_of(count)
    finding = builders.dropped()
    columns = (
        Column("person", "Salesperson", None, "person"),
        Column("client", "Client", None, "name"),
        Column("hours", "Hours", "hours", "measure"),
    )
    rows = tuple((names[i], names[(i + 1) % count], 1.0 + i) for i in range(count))
    curve = tuple({**r, "channel": names[i % 3]} for i, r in enumerate(finding.chart.rows))
    finding = dataclasses.replace(
        finding,
        statement=f"{names[0]} answers late, {names[1]}'s leads above all; write to ada@example.org.",
        guards=(Guard("one_whale", f"{names[2]} alone has a third of it; phone +49 30 1234567."),),
        counter_explanations={"sales": f"{names[1]} was ill."},
        evidence=Evidence(columns, rows),
        chart=dataclasses.replace(finding.chart, rows=curve, title=f"{names[0]} is slowest"),
    )
    whole = builders.analysis()
    return dataclasses.replace(
        whole, findings=(finding, *whole.findings[1:]), warnings=(f"leads: row 3 of {names[0]} refused",)
    ), names


def found(content: bytes, names) -> set[str]:
    text = unpacked(content)
    flat = re.sub(r"\s+", "", text)
    return {n for n in names if n in text or n.replace(" ", "") in flat or n.split()[1] in flat}


@pytest.mark.parametrize(("audience", "formats"), [("client", ("json", "xlsx")), ("public", FORMATS)])
def test_no_name_is_in_any_file(audience, formats):
    analysis, names = planted(60)
    report = Report.of(analysis, audience=audience, key="secret")
    for format in formats:
        content = report.content(format)
        assert found(content, names) == set(), format
        assert "example.org" not in unpacked(content)
        assert "30 1234567" not in unpacked(content)


def test_inside_the_company_names_are_found():
    analysis, names = planted(60)
    report = Report.of(analysis)
    assert found(report.content("json"), names) == set(names)
    assert found(report.content("html"), names)
    assert found(report.content("xlsx"), names)


@pytest.mark.slow
def test_2000_names_are_in_no_byte_of_a_public_report():
    analysis, names = planted(2000)
    report = Report.of(analysis, audience="public", key="secret")
    for format in FORMATS:
        assert found(report.content(format), names) == set(), format


def test_the_same_name_has_the_same_pseudonym_and_another_key_another_one():
    analysis, _names = planted(12)

    def told(key):
        return seen_by(analysis, "client", key=key).findings[0].statement

    assert told("a") == told("a") != told("b")
    made = re.findall(r"(?:Person|Client) [A-HJ-NP-Z2-9]{7}", told("a"))
    assert len(made) == 2
    seen = seen_by(analysis, "public", key="a").findings[0]
    assert made[0] in seen.statement
    assert seen.chart is None, "a chart of single people stays inside"


def test_questions_about_people_are_withheld_outside():
    whole = builders.analysis()
    personal = dataclasses.replace(builders.portfolio(), id="p", indicator="p", nature="personal")
    seen = seen_by(dataclasses.replace(whole, findings=(personal,)), "client")
    assert seen.findings[0].status == "withheld"
    assert seen.findings[0].gap is None
    assert seen.findings[0].statement == ""


def test_settings_and_warnings_keep_to_what_an_outsider_may_know():
    whole = builders.analysis()
    extended = dataclasses.replace(whole, settings={**whole.settings, "tables": {"leads": {"where": "x"}}})
    seen = seen_by(extended, "public")
    assert "tables" not in seen.settings
    assert "company" in seen.settings
    assert seen.warnings == ("2 warnings are in the internal report.",)
    one = seen_by(dataclasses.replace(extended, warnings=("a table is old",)), "client")
    assert one.warnings == ("1 warning is in the internal report.",)


@pytest.mark.parametrize("audience", AUDIENCES)
def test_every_audience_has_a_report(audience):
    assert check_audience(audience) == audience
    assert Report.of(builders.analysis(), audience=audience).document.blocks
