"""The made-up company, opened once for all indicators."""

from __future__ import annotations

from pathlib import Path

import pytest

from alignment_toolkit.company import Company


@pytest.fixture(scope="session")
def sample(sample_dir: Path) -> Company:
    """Return the made-up company."""
    return Company.open(sample_dir)
