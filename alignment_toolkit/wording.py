"""The words of the data over runs: a stage that was renamed is no movement of what it counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from alignment_toolkit.company import Company
from alignment_toolkit.languages import say
from alignment_toolkit.periods import Period
from alignment_toolkit.relations.telling import why
from alignment_toolkit.relations.vocabulary import word_counts
from alignment_toolkit.results import Analysis
from alignment_toolkit.statistics.vocabulary import WordChange, word_changes

__all__ = ["MOST", "changed_words", "words_of"]

# Words of a column that are kept; a column of many more is no vocabulary.
MOST: Final = 40


def words_of(company: Company, period: Period, warnings: list[str]) -> dict[str, dict[str, int]]:
    """Count the words of each column in the rows of a period; columns of very many words are left out.

    Where that fails, a warning says so and the Analysis stands without.
    """
    try:
        return _counted(company, period)
    except Exception as problem:
        warnings.append(say("The words of the data could not be counted: {said}", said=why(problem)))
        return {}


def _counted(company: Company, period: Period) -> dict[str, dict[str, int]]:
    counted = word_counts(company, period)
    if counted is None:
        return {}
    found: dict[str, dict[str, int]] = {}
    rows = company.fetch(counted).sort_values(["column", "word"], na_position="last")
    for column, word, count in rows.itertuples(index=False):
        name = "(missing)" if word is None or word != word else str(word)
        found.setdefault(str(column), {})[name] = int(count)
    return {c: dict(sorted(words.items())) for c, words in sorted(found.items()) if len(words) <= MOST}


def changed_words(analysis: Analysis, earlier: Sequence[Analysis]) -> list[dict[str, Any]]:
    """Find which words of the data are used otherwise since one of the earlier runs, as those runs were told.

    Each run counted the words of its own period when it was made, so rows of one age are compared with rows of one age:
    a stage that young rows are in does not look new.

    Parameters
    ----------
    analysis
        This run.
    earlier
        The runs before it, in order, their periods not overlapping.
    """
    runs = [a for a in (*earlier, analysis) if isinstance(a.definitions.get("words"), Mapping)]
    if not runs or runs[-1] is not analysis:
        return []
    told: list[dict[str, Any]] = []
    for column in analysis.definitions["words"]:
        own = [(a.period, a.definitions["words"][column]) for a in runs if column in a.definitions["words"]]
        words = sorted({word for _, counts in own for word in counts})
        counts = [[int(c.get(word, 0)) for word in words] for _, c in own]
        for change in word_changes(words, counts):
            told.append(_entry(column, own[change.month][0], change))
    return told


def _entry(column: str, period: str, change: WordChange) -> dict[str, Any]:
    before, after = (", ".join(f"'{w}'" for w in words) for words in (change.before, change.after))
    said = {
        "renamed": say("{before} is called {after}", before=before, after=after),
        "split": say("{before} was split into {after}", before=before, after=after),
        "merged": say("{before} became part of {after}", before=before, after=after),
        "vanished": say("{before} is gone", before=before),
        "new": say("{after} is new", after=after),
        "shifted": say("{before} is used otherwise", before=before),
    }[change.kind]
    return {
        "column": column, "kind": change.kind, "since": period, "before": list(change.before),
        "after": list(change.after), "share_before": change.shares[0], "share_after": change.shares[1],
        "message": say(
            "{column}: since {period} {said}; what moved since then may be this change",
            column=column, period=period, said=said,
        ),
    }  # fmt: skip
