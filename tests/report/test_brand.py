"""The house's logo and slides: checked, in every format, and nothing but a picture."""

from __future__ import annotations

import dataclasses
import io
import struct
import zipfile
import zlib

import openpyxl
import pptx
import pypdf
import pytest

from alignment_toolkit.errors import ParameterError, SettingsError
from alignment_toolkit.report import Report
from alignment_toolkit.settings import Settings
from alignment_toolkit.settings.brand import LOGO_BYTES, check_logo, decoded, encoded
from tests.report import builders

SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="80" height="20">'
    b'<rect width="80" height="20" fill="#0072b2"/></svg>'
)


def png(wide: int = 4, high: int = 2, said: bytes = b"") -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(b"".join(b"\x00" + b"\x00\x72\xb2" * wide for _ in range(high)))
    head = struct.pack(">IIBBBBB", wide, high, 8, 2, 0, 0, 0)
    text = chunk(b"tEXt", b"Author\x00" + said) if said else b""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + text + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def branded(logo: bytes):
    settings = {"report": {"brand": {"name": "Acme", "logo": encoded(logo)}}}
    return dataclasses.replace(
        builders.analysis(), findings=builders.analysis().findings[:1], settings=settings
    )


@pytest.mark.parametrize("logo", [SVG, png()], ids=["svg", "png"])
def test_the_logo_is_in_every_format(logo):
    report = Report.of(branded(logo))
    assert f'<img class="logo" src="{encoded(logo)}" alt="Acme">' in report.text("html")
    nameless = dataclasses.replace(branded(logo), settings={"report": {"brand": {"name": "Acme"}}})
    with_it, without = (
        pypdf.PdfReader(io.BytesIO(r.content("pdf"))).pages[0].get_contents().get_data()
        for r in (report, Report.of(nameless))
    )
    assert len(with_it) > len(without)
    deck = pptx.Presentation(io.BytesIO(report.content("pptx")))
    assert all(sum(s.name == "Logo" for s in slide.shapes) == 1 for slide in deck.slides)
    with zipfile.ZipFile(io.BytesIO(report.content("xlsx"))) as archive:
        assert [n for n in archive.namelist() if n.startswith("xl/media/")]
    assert openpyxl.load_workbook(io.BytesIO(report.content("xlsx")))["Read me"]._images
    assert encoded(logo)[30:60] not in Report.of(branded(logo)).text("html").partition("</header>")[2]


def test_without_a_logo_there_is_none():
    report = Report.of(dataclasses.replace(branded(SVG), settings={}))
    assert 'class="logo"' not in report.text("html")


@pytest.mark.parametrize(
    "bad",
    [
        b"GIF89a",
        b"",
        b"<html/>",
        SVG.replace(b"<rect", b"<script>alert(1)</script><rect"),
        SVG.replace(b"<rect", b"<rect onload='alert(1)'"),
        SVG.replace(b"<rect", b"<image href='http://example.invalid/x.png'/><rect"),
        SVG.replace(b"<rect", b"<use href='http://example.invalid/x.svg#a'/><rect"),
        SVG.replace(b'fill="#0072b2"', b'fill="url(http://example.invalid/x)"'),
        SVG.replace(b'fill="#0072b2"', b'style="background: url(//example.invalid/x)"'),
        SVG.replace(b"<rect", b"<foreignObject/><rect"),
        SVG.replace(b"<rect", b"<style>@import 'x'</style><rect"),
        b'<!DOCTYPE svg [<!ENTITY a "b">]>' + SVG,
        b'<?xml-stylesheet href="x"?>' + SVG,
        png(5000, 1),
        png()[:10],
        SVG + b" " * LOGO_BYTES,
    ],
)
def test_what_is_no_plain_picture_is_refused(bad):
    with pytest.raises(ParameterError):
        check_logo(bad)
    assert check_logo(SVG) == "svg"
    assert check_logo(png()) == "png"


def test_a_logo_in_an_analysis_is_checked_again():
    assert decoded(encoded(SVG)) == SVG
    with pytest.raises(ParameterError):
        decoded("data:text/html;base64,PGI+")
    with pytest.raises(ParameterError):
        decoded(encoded(SVG)[:-3] + "!")


def test_files_are_read_from_the_settings_own_folder_only(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / "logo.svg").write_bytes(SVG)
    (home / "brand.pptx").write_bytes(b"x")
    (tmp_path / "out.pptx").write_bytes(b"x")
    (home / "link.pptx").symlink_to(tmp_path / "out.pptx")
    file = home / "alignment.toml"
    file.write_text('[report]\ntemplate = "brand.pptx"\n[report.brand]\nlogo = "logo.svg"\n')
    settings = Settings.load(file)
    assert settings.slides() == home / "brand.pptx"
    assert settings.public()["report"]["brand"]["logo"] == encoded(SVG)
    for named in ("../out.pptx", "link.pptx", str(tmp_path / "out.pptx"), "none.pptx"):
        file.write_text(f'[report]\ntemplate = "{named}"\n[report.brand]\nlogo = "{named}"\n')
        with pytest.raises(SettingsError, match="template"):
            Settings.load(file).slides()
        with pytest.raises(SettingsError, match="logo"):
            Settings.load(file).public()


def test_who_made_a_logo_is_left_out():
    assert b"Jane Doe" in png(said=b"Jane Doe")
    assert decoded(encoded(png(said=b"Jane Doe"))) == png()
    assert decoded(encoded(SVG.replace(b"<rect", b"<!-- Jane Doe --><rect"))) == SVG
