"""Write the method cards of the built-in indicators into docs/indicators; a test keeps them true."""

from __future__ import annotations

from pathlib import Path

from alignment_toolkit.catalog import Catalog

if __name__ == "__main__":
    for entry in Catalog.load().indicators.values():
        Path(__file__).parent.joinpath("indicators", f"{entry.id}.md").write_text(
            entry.describe(), encoding="utf-8"
        )
