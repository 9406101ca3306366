"""LibreOffice opens the workbook and the slides, writes them anew, and shows the same text: nothing has become live.

Needs soffice; without it these tests are skipped with a message.
"""

from __future__ import annotations

import io
import shutil
import subprocess

import openpyxl
import pptx
import pytest
import xlsxwriter

from alignment_toolkit.report.pptx import render as slides
from alignment_toolkit.report.pptx.text import slide_text
from alignment_toolkit.report.xlsx import render as workbook
from alignment_toolkit.report.xlsx.cells import cell_text
from tests.report.test_formulas import PAYLOADS, document

pytestmark = [pytest.mark.office, pytest.mark.timeout(600)]

# A tab and a line break inside a cell are written as a blank or as a break by another program.
BLANKS = str.maketrans("\t\r\n\u000b\u00a0", "     ")


def flat(text: str) -> str:
    return " ".join(text.translate(BLANKS).split())


@pytest.fixture(scope="module")
def again(tmp_path_factory):
    """Give a way to have LibreOffice open a file and write it anew."""
    program = shutil.which("soffice") or shutil.which("libreoffice")
    if program is None:
        pytest.skip(
            "no LibreOffice on the path; on Debian: apt-get install libreoffice-calc libreoffice-impress"
        )
    place = tmp_path_factory.mktemp("office")

    def open_and_write(content: bytes, kind: str) -> bytes:
        source = place / f"made.{kind}"
        source.write_bytes(content)
        command = [
            program,
            f"-env:UserInstallation={(place / 'home').as_uri()}",
            "--headless",
            "--convert-to",
            kind,
        ]
        done = subprocess.run(
            [*command, "--outdir", str(place / "out"), str(source)],
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
        written = place / "out" / source.name
        assert written.is_file(), done.stderr
        return written.read_bytes()

    return open_and_write


def cells(content: bytes) -> tuple[set[str], int]:
    """Give the texts of a workbook, and how many of its cells are formulas."""
    read = openpyxl.load_workbook(io.BytesIO(content))
    found = [c for sheet in read for row in sheet.iter_rows() for c in row]
    return {flat(c.value) for c in found if isinstance(c.value, str)}, sum(c.data_type == "f" for c in found)


def test_a_workbook_shows_the_same_text(again):
    made = workbook(document(PAYLOADS))
    texts, _ = cells(made)
    after, formulas = cells(again(made, "xlsx"))
    assert formulas == 0
    assert [t for t in sorted(texts) if t not in after] == []
    assert {flat(cell_text(p)) for p in PAYLOADS} <= after


def test_live_formulas_would_be_seen(again):
    made = io.BytesIO()
    book = xlsxwriter.Workbook(made, {"in_memory": True})
    book.add_worksheet().write(0, 0, "=1+1")
    book.close()
    texts, formulas = cells(again(made.getvalue(), "xlsx"))
    assert formulas == 1
    assert "1+1" not in texts


def shown(content: bytes) -> set[str]:
    told = set()
    for slide in pptx.Presentation(io.BytesIO(content)).slides:
        for shape in slide.shapes:
            frames = [shape.text_frame] if shape.has_text_frame else []
            frames += [c.text_frame for row in shape.table.rows for c in row.cells] if shape.has_table else []
            told |= {flat(p.text) for frame in frames for p in frame.paragraphs}
    return told


def test_slides_show_the_same_text(again):
    made = slides(document(PAYLOADS[::3]))
    after = shown(again(made, "pptx"))
    assert {flat(slide_text(p)) for p in PAYLOADS[::3]} <= after
    assert [t for t in sorted(shown(made)) if t not in after and not t.isdigit()] == []
