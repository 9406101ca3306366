"""Parts of an observation that several indicators make alike."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from alignment_toolkit.languages import noted, say
from alignment_toolkit.results import Chart, Estimate, Guard, Measure
from alignment_toolkit.statistics.between import Compared

if TYPE_CHECKING:
    import pandas as pd
    from ibis.expr.types import Table

    from alignment_toolkit.indicator.seen import Data

__all__ = [
    "answered",
    "between",
    "count_matrix",
    "flipped",
    "left_out",
    "other_way",
    "without_amount",
    "without_rate",
]

UNKNOWN = 0.10
ALONE = {
    "people": noted(
        "{said} cannot be compared: the comparison rests on a single person, and what is that person's cannot be told "
        "from the rest."
    ),
    "teams": noted(
        "{said} cannot be compared: the comparison rests on a single team, and what is that team's cannot be told from "
        "the rest."
    ),
    "campaigns": noted(
        "{said} cannot be compared: the comparison rests on a single campaign, and what is that campaign's cannot be "
        "told from the rest."
    ),
    "accounts": noted(
        "{said} cannot be compared: the comparison rests on a single account, and what is that account's cannot be "
        "told from the rest."
    ),
}
EXPLAINED = {
    "people": noted(
        "{said} differ by {by:.1f} percentage points: no more than may lie between the people who had them."
    ),
    "teams": noted(
        "{said} differ by {by:.1f} percentage points: no more than may lie between the teams that had them."
    ),
    "campaigns": noted(
        "{said} differ by {by:.1f} percentage points: no more than may lie between the campaigns that brought them."
    ),
    "accounts": noted(
        "{said} differ by {by:.1f} percentage points: no more than may lie between the accounts they belong to."
    ),
}


def answered(data: Data) -> Table:
    """Give the leads that sales has answered, as far as touches are complete: later another may have been the first."""
    t, known = data.relation("first_touches"), data.as_of("touches")
    t = t.filter(t.first_touched_at.notnull())
    return t if known is None else t.filter(t.first_touched_at < str(known + timedelta(days=1)))


def left_out(rows: int, known: int, what: str, *, tolerated: float = UNKNOWN) -> list[Guard]:
    """Give the guard `join_health` where more than a tenth of the rows had to be left out.

    Parameters
    ----------
    rows, known
        All rows of the population, and those of which enough is known.
    what
        What is missing of the others: "first follow-ups have no theme".
    tolerated
        The share that may be missing without a word.

    Examples
    --------
    >>> left_out(100, 80, "leads have no need")[0].message
    '20 of 100 leads have no need; the finding speaks of the rest only.'
    """
    lost = rows - known
    if rows <= 0 or lost <= tolerated * rows:
        return []
    return [
        Guard(
            "join_health",
            say(
                "{lost:,} of {rows:,} {what}; the finding speaks of the rest only.",
                lost=lost,
                rows=rows,
                what=what,
            ),
        )
    ]


def without_rate(unrated: str | None, what: str) -> list[Guard]:
    """Give the guard `join_health` where an amount has no rate; `unrated` names its currency and day.

    Parameters
    ----------
    unrated
        The currency and day, as `Data.unrated` gives it.
    what
        What is therefore not told, or told otherwise, as a clause.

    Examples
    --------
    >>> without_rate("USD on 2026-08-01", "what is at stake is not told")[0].message
    'USD on 2026-08-01 has no rate in `rates`: what is at stake is not told.'
    >>> without_rate(None, "what is at stake is not told")
    []
    """
    if not unrated:
        return []
    said = say("{unrated} has no rate in `rates`: {what}.", unrated=unrated, what=what)
    return [Guard("join_health", said)]


def without_amount(rows: int, known: int, what: str, *, tolerated: float = UNKNOWN) -> list[Guard]:
    """Give the guard `join_health` where more than `tolerated` of the sales have no amount.

    Parameters
    ----------
    rows, known
        All sales that would count, and those of which the amount is known.
    what
        What is therefore told of the rest only, as a clause.
    tolerated
        The share that may be missing without a word.

    Examples
    --------
    >>> without_amount(3, 2, "the share of revenue is that of the rest")[0].message
    '1 of 3 sales have no amount: the share of revenue is that of the rest.'
    >>> without_amount(30, 29, "the share of revenue is that of the rest")
    []
    """
    lost = rows - known
    if rows <= 0 or lost <= tolerated * rows:
        return []
    said = say("{lost:,} of {rows:,} sales have no amount: {what}.", lost=lost, rows=rows, what=what)
    return [Guard("join_health", said)]


def other_way(by: float | None, least: float | None, said: str) -> list[Guard]:
    """Give the guard `other_way` where what was pointed at did better, and not by luck alone.

    Parameters
    ----------
    by, least
        By how many percentage points it did better, and at least: the limit of the 95 % interval nearer to nothing.
    said
        Who did better at what: "Leads answered late became clients more often than those answered in time".

    Examples
    --------
    >>> other_way(9.0, 2.6, "Late leads became clients more often")[0].message.partition(":")[0]
    'Late leads became clients more often, by 9.0 percentage points (at least 2.6)'
    >>> other_way(5.0, -1.0, "Late leads became clients more often")
    []
    """
    if by is None or least is None or least <= 0:
        return []
    words = say(
        "{said}, by {by:.1f} percentage points (at least {least:.1f}): no harm is seen in it. Ask why before it is "
        "changed.",
        said=said,
        by=by,
        least=least,
    )
    return [Guard("other_way", words)]


def between(seen: Compared, said: str) -> list[Guard]:
    """Give the guard `confounding` where a difference cannot be told from one between people, campaigns or accounts.

    Parameters
    ----------
    seen
        The comparison.
    said
        What is compared: "In becoming a client, leads answered late and leads answered in time".

    Examples
    --------
    >>> from alignment_toolkit.statistics.between import compared
    >>> seen = compared([True, False], [30, 20], [100, 100], ["", ""], n_unit="leads", people=["Ann", "Ben"])
    >>> between(seen, "Late leads and others")[0].message.partition(",")[0]
    'Late leads and others cannot be compared: the comparison rests on a single person'
    """
    by = 100 * abs(seen.gap.estimate.value or 0.0)
    told = [say(ALONE[kind], said=said) for kind in seen.alone[:1]]
    told += [say(EXPLAINED[kind], said=said, by=by) for kind in seen.explained[:1]]
    return [Guard("confounding", words) for words in told]


def flipped(e: Estimate | Measure | None) -> tuple[float | None, float | None]:
    """Give by how much the other side of a difference did better, and at least.

    Examples
    --------
    >>> flipped(Measure("wins", "Won", -50.0, -75.0, -25.0, 40, "deals", "points", "Wilson"))
    (50.0, 25.0)
    """
    return (None, None) if e is None or e.value is None or e.high is None else (-e.value, -e.high)


def count_matrix(rows: pd.DataFrame, across: str, down: str, *, words: tuple[str, str], title: str) -> Chart:
    """Give a chart of how often each pair of values comes: columns of `across`, rows of `down`.

    Parameters
    ----------
    rows
        One row per case.
    across, down
        Its columns.
    words
        What stands before each value: ``("follow-up: ", "campaign: ")``.
    title
        What the chart says.
    """
    cells = rows.groupby([down, across], observed=True).size().reset_index(name="cases")
    shown = tuple(
        {across: f"{words[0]}{row[across]}", down: f"{words[1]}{row[down]}", "cases": int(row["cases"])}
        for row in cells.to_dict("records")
    )
    return Chart("matrix", across, "cases", group=down, rows=shown, title=title)
