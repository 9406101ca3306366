"""What is installed is what is declared: pyproject.toml, requirements.lock and environment.yml agree."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.source_tree import PROJECT

PYTHONS = ("3.11", "3.12", "3.13")
# The extras whose packages the lock holds, see the target `lock` of the Makefile.
LOCKED_EXTRAS = ("test", "postgres")


def project() -> dict:
    return tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def declared() -> list[Requirement]:
    """Return the requirements that the lock has to hold."""
    own = project()
    extras = [line for extra in LOCKED_EXTRAS for line in own["optional-dependencies"][extra]]
    return [Requirement(line) for line in own["dependencies"] + extras]


def declared_names() -> set[str]:
    """Return the names of all requirements, those of every extra too."""
    own = project()
    extras = [line for lines in own["optional-dependencies"].values() for line in lines]
    return {canonicalize_name(Requirement(line).name) for line in own["dependencies"] + extras}


def lock_text() -> str:
    return (PROJECT / "requirements.lock").read_text(encoding="utf-8")


def locked(text: str) -> list[tuple[Requirement, int]]:
    """Return the requirements of a lock, each with the number of its hashes."""
    joined = re.sub(r"\\\n\s*", " ", text)
    lines = [line.partition(" #")[0] for line in joined.splitlines() if re.match(r"[A-Za-z0-9]", line)]
    return [(Requirement(line.partition(" --hash")[0]), line.count("--hash=sha256:")) for line in lines]


def unmet(requirements: list[Requirement], text: str, python: str) -> list[str]:
    """Return the requirements that a lock does not meet for a version of Python."""
    here = {"python_version": python, "python_full_version": f"{python}.0", "implementation_name": "cpython"}
    pinned = {
        canonicalize_name(each.name): Version(next(iter(each.specifier)).version)
        for each, _ in locked(text)
        if each.marker is None or each.marker.evaluate(here)
    }
    faults = []
    for wanted in requirements:
        version = pinned.get(canonicalize_name(wanted.name))
        if version is None or version not in wanted.specifier:
            faults.append(f"{wanted}: the lock has {version}")
    return faults


@pytest.mark.parametrize("python", PYTHONS)
def test_the_lock_meets_every_requirement(python):
    assert unmet(declared(), lock_text(), python) == []


def test_a_stale_lock_is_found():
    text = (
        "duckdb==2.0.0 \\\n    --hash=sha256:00\n"
        "pandas==3.1.1 ; python_full_version < '3.12' \\\n    --hash=sha256:11\n    # via seaborn\n"
    )
    wanted = [Requirement("duckdb<2"), Requirement("pandas>=3"), Requirement("numpy")]
    assert unmet(wanted[1:2], text, "3.11") == []
    assert [line.partition(":")[0] for line in unmet(wanted, text, "3.12")] == [
        "duckdb<2",
        "pandas>=3",
        "numpy",
    ]


def test_every_locked_package_has_one_version_and_hashes():
    packages = locked(lock_text())
    assert len(packages) > 100
    for requirement, hashes in packages:
        assert [each.operator for each in requirement.specifier] == ["=="], requirement
        assert hashes > 0, requirement


def test_the_lock_names_no_host():
    assert not re.search(
        r"https?:|//|--(extra-)?index-url|--find-links|--trusted-host|\.(org|com|net|io)\b", lock_text()
    )


def test_what_runs_here_is_what_is_declared():
    for wanted in declared():
        if wanted.marker is None or wanted.marker.evaluate():
            assert Version(metadata.version(wanted.name)) in wanted.specifier, wanted


def environment(text: str) -> tuple[dict[str, str], list[str]]:
    """Return the conda packages of an environment.yml with their versions, and the lines for pip."""
    listed = yaml.safe_load(text)["dependencies"]
    conda = [re.fullmatch(r"([\w.-]+)\s*(.*)", line) for line in listed if isinstance(line, str)]
    pip = [line for part in listed if isinstance(part, dict) for line in part["pip"]]
    return {found[1]: found[2] for found in conda if found}, pip


def test_conda_gets_the_locked_packages():
    own = project()
    text = (PROJECT / "environment.yml").read_text(encoding="utf-8")
    conda, pip = environment(text)
    assert conda == {"python": own["requires-python"], "pip": ""}
    # The lock is the one list of versions, so that both ways lead to the same environment.
    assert pip == ["-r requirements.lock"]
    assert yaml.safe_load(text)["name"] == own["name"]


def test_python_versions_agree_everywhere():
    own = project()
    wanted = Requirement(f"python{own['requires-python']}").specifier
    assert [each for each in ("3.10", *PYTHONS, "3.14") if Version(f"{each}.1") in wanted] == list(PYTHONS)
    named = {line.rpartition(" ")[2] for line in own["classifiers"] if "Python :: 3." in line}
    assert named == set(PYTHONS)
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    assert "(3, 11) <= sys.version_info[:2] < (3, 14)" in makefile
