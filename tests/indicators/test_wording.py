"""What a client reads, held against the rules of fairness: no blame, no intent, no names, no hype, both sides heard."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from alignment_toolkit.catalog import Catalog
from alignment_toolkit.indicator import Indicator
from tests.source_tree import PROJECT

PACKAGE = PROJECT / "alignment_toolkit"
INDICATORS = Catalog.load().indicators

# Words that judge people or guess at what they want, and words that promise more than data can say.
BLAME = (
    r"faults?", r"blam\w*", r"guilt\w*", r"culprits?", r"fail(?:s|ed)? to", r"refus(?:e|es|ing)", r"lazy", r"ignor\w+",
    r"incompet\w+", r"careless\w*", r"stubborn\w*", r"sabotag\w*", r"manipulat\w*", r"cheat\w*", r"gaming", r"lottery",
    r"lied", r"liars?", r"neglect\w*", r"excuses?", r"wrongdoing", r"deliberate\w*", r"on purpose", r"intentional\w*",
    r"don't care", r"does not care", r"should have",
)  # fmt: skip
HYPE = (
    r"caus(?:al|ally|ality|es|ed)", r"prov(?:es|en)", r"leverag\w*", r"synerg\w*", r"unlock\w*", r"game.chang\w*",
    r"huge", r"massive", r"dramatic\w*", r"alarming\w*", r"shocking\w*", r"disaster\w*", r"always", r"obviously",
    r"clearly shows?", r"best.in.class", r"seamless\w*", r"holistic\w*",
)  # fmt: skip
JARGON = (
    r"MQLs?",
    r"SQLs?",
    r"SALs?",
    r"funnels?",
    r"p.value",
    r"estimand",
    r"DeLong",
    r"REML",
    r"kappa",
    r"AUC",
)
TITLE, SENTENCE, PARAGRAPH = 80, 330, 600


def texts(entry: Indicator) -> Iterator[tuple[str, str]]:
    """Yield every text of a header that a client sees, with its place."""
    yield from (
        ("title", entry.title),
        ("failure_title", entry.failure_title),
        ("question", entry.question),
        ("says", entry.says),
        ("population", entry.population),
        ("why", entry.why),
        ("advice", entry.advice),
    )
    yield from ((f"innocent.{side}", text) for side, text in entry.innocent.items())


def objections(entry: Indicator) -> list[str]:
    """Name what in a header would not be fair to print."""
    found = []
    for place, text in texts(entry):
        # A field of the sentence is no word of it.
        words = re.sub(r"\{[^}]*\}", "", text)
        for kind, listed in (("blames", BLAME), ("promises", HYPE), ("is jargon", JARGON)):
            hits = re.findall(rf"\b(?:{'|'.join(listed)})\b", words, flags=re.IGNORECASE)
            found += [f"{place} {kind}: {hit}" for hit in hits]
        most = {"title": TITLE, "failure_title": TITLE, "question": 95, "says": SENTENCE}.get(
            place, PARAGRAPH
        )
        if not 10 <= len(text) <= most:
            found.append(f"{place} has {len(text)} characters, 10 to {most} are allowed")
        if text != text.strip() or "  " in text or "!" in text:
            found.append(f"{place} is not set in order")
    if "{gap}" not in entry.says:
        found.append("says does not tell the gap that its interval speaks of")
    if not entry.question.endswith("?"):
        found.append("question asks nothing")
    if entry.title.endswith(".") or entry.failure_title.endswith("."):
        found.append("a title ends with a full stop")
    if set(entry.innocent) != {"marketing", "sales"}:
        found.append(f"innocent explanations for {sorted(entry.innocent)}, both sides are needed")
    elif entry.innocent["marketing"] == entry.innocent["sales"]:
        found.append("the same innocent explanation for both sides")
    if re.search(r"\bhe\b|\bhim\b|\bhis\b|\bshe\b|\bher\b", " ".join(text for _, text in texts(entry))):
        found.append("somebody is a he or a she")
    return found


@pytest.mark.parametrize("id", sorted(INDICATORS))
def test_what_a_client_reads_is_fair_to_both_sides(id: str) -> None:
    assert objections(INDICATORS[id]) == []


def written(path: Path) -> Iterator[str]:
    """Yield what the code of an indicator writes itself: guards, labels, chart titles, the basis of money."""
    tree = ast.parse(path.read_text("utf-8"))
    inner = {id(value) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for value in node.values}
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.FunctionDef)) and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(v.value) if isinstance(v, ast.Constant) else "{}" for v in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner | docs:
            yield node.value


SOURCES = [*sorted((PACKAGE / "indicators").glob("*.py")), *sorted((PACKAGE / "indicator").glob("*.py"))]


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_what_the_code_writes_is_fair_too(path: Path) -> None:
    # A lone word is an id or a column.
    said = [text for text in written(path) if " " in text.strip()]
    unfair = re.compile(rf"\b(?:{'|'.join((*BLAME, *HYPE))})\b", flags=re.IGNORECASE)
    assert [text for text in said if unfair.search(text)] == []


def test_money_says_on_what_it_stands() -> None:
    """The word `causal` is in no basis; every basis begins with what kind of number it is."""
    bases = [
        text
        for path in SOURCES
        for text in written(path)
        if re.match(r"(arithmetical|associational|causal)", text)
    ]
    assert len(bases) >= 10
    assert [text for text in bases if not re.match(r"(arithmetical|associational): ", text)] == []


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("failure_title", "Sales ignores good leads", "failure_title blames: ignores"),
        ("why", "Marketing fails to ask, and he pays for it.", "why blames: fails to"),
        ("advice", "This proves that targets are too high.", "advice promises: proves"),
        ("question", "Is the MQL rate too low?", "question is jargon: MQL"),
        ("says", "A tenth of the leads waited.", "says does not tell the gap that its interval speaks of"),
        ("title", "x" * 81, "title has 81 characters, 10 to 80 are allowed"),
        ("innocent", {"marketing": "There was no time left."}, "innocent explanations for ['marketing'], both sides"),
        ("innocent", dict.fromkeys(("marketing", "sales"), "There was no time."), "the same innocent explanation"),
        ("why", "Whoever waits loses her patience.", "somebody is a he or a she"),
    ],
)  # fmt: skip
def test_what_is_not_fair_is_found(field: str, text: object, said: str) -> None:
    from dataclasses import replace

    entry = replace(INDICATORS["dropped_leads"], **{field: text})  # type: ignore[arg-type]
    assert any(objection.startswith(said) for objection in objections(entry))
