"""Category words: compared trimmed and case-folded, shown in their most frequent spelling."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from alignment_toolkit.sources.part import Engine, literal, quoted
from alignment_toolkit.tables import ColumnSpec

__all__ = ["Spelling", "WordUse", "fold", "spell", "spelled_sql"]

_CASES = 48


@dataclass(frozen=True)
class WordUse:
    """How often each spelling stands in a column."""

    table: str
    spec: ColumnSpec
    counts: Mapping[str, int]


@dataclass
class Spelling:
    """How a column's words are shown: those that change, None for blank ones; and those not allowed."""

    shown: dict[str, str | None] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)


def fold(word: str) -> str:
    """Give the form in which spellings of a word are the same.

    Examples
    --------
    >>> fold(" Paid Search ") == fold("paid search")
    True
    """
    return word.strip().casefold()


def spell(uses: Iterable[WordUse]) -> list[Spelling]:
    """Decide how the words of many columns are shown, one Spelling per use in their order.

    Columns of one vocabulary are decided together, so that a need can be compared with a theme.
    """
    uses = list(uses)
    votes: dict[tuple[str, str], Counter[str]] = {}
    for use in uses:
        if not use.spec.words and use.spec.vocabulary != "currency":
            for word, count in use.counts.items():
                key = (use.spec.vocabulary, fold(word))
                votes.setdefault(key, Counter())[word.strip()] += count
    best = {key: min(found, key=lambda w, f=found: (-f[w], w)) for key, found in votes.items()}  # type: ignore[misc]
    result = []
    for use in uses:
        spelling = Spelling()
        allowed = {fold(w): w for w in use.spec.words}
        for word in use.counts:
            folded = fold(word)
            shown: str | None
            if not folded:
                shown = None
            elif allowed:
                if folded not in allowed:
                    spelling.unknown.append(word)
                    continue
                shown = allowed[folded]
            elif use.spec.vocabulary == "currency":
                shown = word.strip().upper()
            else:
                shown = best[use.spec.vocabulary, folded]
            if shown != word:
                spelling.shown[word] = shown
        spelling.unknown.sort()
        result.append(spelling)
    return result


def spelled_sql(engine: Engine, spelling: Spelling, sql: str, lookup: str) -> str:
    """Give SQL that shows a column's words as decided; many changes go through a look-up table of that name."""
    if not spelling.shown:
        return sql
    if len(spelling.shown) <= _CASES:
        cases = " ".join(
            f"WHEN {literal(word)} THEN {'NULL' if shown is None else literal(shown)}"
            for word, shown in sorted(spelling.shown.items())
        )
        return f"CASE {sql} {cases} ELSE {sql} END"
    name = f"toolkit.{quoted(lookup)}"
    engine.execute(f'CREATE OR REPLACE TABLE {name} ("toolkit word" VARCHAR, "toolkit shown" VARCHAR)')
    engine.executemany(f"INSERT INTO {name} VALUES (?, ?)", [list(i) for i in sorted(spelling.shown.items())])
    found = f'(SELECT any_value(struct_pack(s := l."toolkit shown")) FROM {name} l WHERE l."toolkit word" = {sql})'
    return f"CASE WHEN {found} IS NULL THEN {sql} ELSE {found}.s END"
