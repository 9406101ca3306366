"""Makes the pictures of docs/images/reports from an Analysis: the page, the PDF, the slides, small enough for the docs.

    python docs/gallery.py analysis.json

Needs chromium, pdftoppm and LibreOffice (soffice) on the path.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from alignment_toolkit.report import Report
from alignment_toolkit.results import Analysis

IMAGES = Path(__file__).parent / "images" / "reports"
WIDE = "640"


def main(source: Path) -> None:
    lacking = [p for p in ("chromium", "pdftoppm", "soffice") if shutil.which(p) is None]
    if lacking:
        sys.exit(f"Not on the path: {', '.join(lacking)}.")
    analysis = Analysis.loads(source.read_text(encoding="utf-8"))
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        Report.of(analysis).write(folder, formats=("html", "pdf", "pptx"))
        short = Report.of(analysis, kind="executive").save(folder / "executive.pdf")
        page = folder / "page.png"
        window = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--window-size=1000,1300",
        ]
        _run("chromium", *window, f"--screenshot={page}", (folder / "report.html").as_uri())
        slides = folder / "slides"
        _run("soffice", f"-env:UserInstallation=file://{place}/office", "--headless", "--convert-to", "pdf", "--outdir",
             str(slides), f"{place}/report.pptx")  # fmt: skip
        _picture(folder / "report.pdf", 1, "pdf")
        _picture(short, 1, "executive")
        for number in (2, 3):
            _picture(slides / "report.pdf", number, f"slide-{number}")
        _picture_of(page, "page")


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=300)


def _picture(document: Path, page: int, name: str) -> None:
    target = IMAGES / name
    _run(
        "pdftoppm",
        "-png",
        "-singlefile",
        "-f",
        str(page),
        "-scale-to-x",
        WIDE,
        "-scale-to-y",
        "-1",
        str(document),
        str(target),
    )


def _picture_of(picture: Path, name: str) -> None:
    from PIL import Image

    with Image.open(picture) as shown:
        high = round(shown.height * int(WIDE) / shown.width)
        shown.convert("RGB").resize((int(WIDE), high)).quantize(64).save(
            IMAGES / f"{name}.png", optimize=True
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
