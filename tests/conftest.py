"""What every test may lean on: where the data is, drawing without a screen, a fixed place and language."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

# As in the kernel of a run: small matrices are shared out among threads at twice what they cost and more. Numpy reads
# it when it is imported, which matplotlib does.
for _name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import matplotlib  # noqa: E402
import pytest  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402

PROJECT = Path(__file__).resolve().parents[1]

matplotlib.use("Agg")

# Written SQL is kept for the processes of this session and not among the user's files; each session begins without.
if "PYTEST_XDIST_WORKER" not in os.environ:
    os.environ["ALIGNMENT_CACHE"] = tempfile.mkdtemp(prefix="alignment_cache.")
    atexit.register(shutil.rmtree, os.environ["ALIGNMENT_CACHE"], ignore_errors=True)

# A slow machine is no bug, hence no deadline. The same examples come every time: red means changed code. Who looks for
# new ones draws them with `pytest --hypothesis-profile=new`.
settings.register_profile("new", deadline=None, print_blob=True)
settings.register_profile(
    "same", deadline=None, derandomize=True, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("same")


@pytest.fixture(scope="session", autouse=True)
def _neutral_place() -> None:
    """Run in UTC and the C locale, child processes too; a test of another zone or language sets its own."""
    for name in ("LC_ALL", "LANG", "LANGUAGE", "LC_NUMERIC", "LC_TIME"):
        os.environ.pop(name, None)
    os.environ["LC_ALL"] = "C.UTF-8"
    os.environ["TZ"] = "UTC"
    if hasattr(time, "tzset"):
        time.tzset()


@pytest.fixture(scope="session")
def project_dir() -> Path:
    """Return the root of the checkout."""
    return PROJECT


@pytest.fixture(scope="session")
def sample_dir() -> Path:
    """Return the made-up company, which is part of the repository: that it is missing is an error."""
    folder = PROJECT / "data" / "sample"
    assert folder.is_dir(), f"{folder} is missing; `make sample` writes it"
    return folder


@pytest.fixture(scope="session")
def sample(sample_dir: Path) -> Any:
    """Return the made-up company, opened once for all tests that only ask it."""
    from alignment_toolkit.company import Company

    return Company.open(sample_dir)


@pytest.fixture(scope="session")
def sample_report(tmp_path_factory) -> Path:
    """Return the folder in which `alignment demo` left the sample's report: made once for all test processes."""
    from filelock import FileLock

    from alignment_toolkit.cli import main

    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if os.environ.get("PYTEST_XDIST_WORKER") else own) / "sample-report"
    with FileLock(f"{folder}.lock"):
        if not folder.is_dir():
            assert main(["demo", "--out", str(folder)]) == 0
    return folder


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of the public data sets, to be read only; without it the test is skipped."""
    named = os.environ.get("ALIGNMENT_TEST_DATA")
    folder = Path(named) if named else PROJECT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no public data at {folder}: put it there or name its folder in ALIGNMENT_TEST_DATA")
    return folder
