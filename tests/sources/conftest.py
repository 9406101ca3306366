"""A company written down in a few lines of text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from alignment_toolkit.company import Company

Written = Callable[..., Company]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Write files and open the folder: `written({"leads.csv": "..."}, "[company] ...")`."""

    def write(files: dict[str, str | bytes], settings: str | None = None, **options: object) -> Company:
        folder = tmp_path / "acme"
        folder.mkdir(exist_ok=True)
        for name, content in files.items():
            (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        if settings is not None:
            (folder / "alignment.toml").write_text(settings, encoding="utf-8")
        return Company.open(folder, **options)  # type: ignore[arg-type]

    return write
