"""Each guard of each indicator has a test in which it fires and one in which it does not; one without is named."""

from __future__ import annotations

from tests.indicators.guarding import sites, unproven
from tests.source_tree import PROJECT

PACKAGE = PROJECT / "alignment_toolkit"
CODE = {
    path.stem: path.read_text("utf-8")
    for folder in ("indicators", "indicator")
    for path in sorted((PACKAGE / folder).glob("*.py"))
}
TESTS = [path.read_text("utf-8") for path in sorted((PROJECT / "tests" / "indicators").glob("*.py"))]


def test_every_guard_is_seen_firing_and_seen_quiet() -> None:
    found = [site for owner, source in CODE.items() for site in sites(owner, source)]
    assert len(found) > 50
    assert unproven(CODE, TESTS) == []


NEW = """
def look(data):
    if data.odd:
        guards.append(Guard("logging", say("Something is odd.")))
    elif data.few:
        guards.append(Guard("logging", say("{n} are few.", n=2)))
"""
BOTH = 'fires("new", "logging", seen, "is odd");fires("new", "logging", seen, "are few");quiet("new", "logging", seen)'


def test_a_guard_without_both_is_named() -> None:
    assert unproven({"new": NEW}, [BOTH]) == []
    assert len(unproven({"new": NEW}, [])) == 4
    assert unproven({"new": NEW}, [BOTH.split(";", 1)[1]]) == [
        "new logging ('Something is odd.',): no test in which it fires"
    ]
    assert unproven({"new": NEW}, [BOTH.rsplit(";", 1)[0]]) == [
        "new logging ('Something is odd.',): no test in which it keeps quiet",
        "new logging ('{n} are few.',): no test in which it keeps quiet",
    ]
    shared = "def look(data):\n    return conversion(data), left_out(1, 2), unrecorded([], '')\n"
    assert len(unproven({"new": shared}, [BOTH])) == 6
