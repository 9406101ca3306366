"""The words of a report: neutral, plain, the same in every place and format."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any, Final

from alignment_toolkit import units
from alignment_toolkit.charts import as_number, as_told, clean, number
from alignment_toolkit.languages import ENGLISH, noted, say, say_count, spoken, term
from alignment_toolkit.languages.locale import day_text, numerals
from alignment_toolkit.report.blocks import Mood, data
from alignment_toolkit.results import Analysis, Estimate, Finding, KpiValue, Measure, Money

__all__ = [
    "AT_STAKE",
    "HOW_SURE",
    "MOODS",
    "STATUS",
    "change_text",
    "day",
    "departments",
    "enumerate_words",
    "estimate_text",
    "first_needs",
    "gap_sentence",
    "how_sure",
    "interval_text",
    "made_up",
    "money_short",
    "money_text",
    "needs",
    "owners_text",
    "plural",
    "short_chance",
    "small_start",
    "status_text",
    "status_word",
    "what_it_takes",
]

STATUS: Final[dict[str, str]] = {
    "misaligned": noted("Out of line"),
    "aligned": noted("Aligned"),
    "uncertain": noted("Uncertain"),
    "too_little_data": noted("Too little data"),
    "withheld": noted("Withheld"),
    "not_assessed": noted("Not assessed"),
    "error": noted("Could not be computed"),
}
MOODS: Final[dict[str, Mood]] = {"misaligned": "misaligned", "aligned": "aligned", "uncertain": "uncertain"}
MADE_UP: Final = noted("Made-up sample company")
_WAYS: Final = 6
TENSION: Final = {
    "harmful": "",
    "neutral": noted("A difference of this kind is neither good nor bad in itself."),
    "productive": noted("A difference of this kind can help: two views may see more than one."),
}
_MONTHS: Final = (
    "January February March April May June July August September October November December".split()
)


def plural(count: int, one: str, many: str = "") -> str:
    """Write a count with its noun.

    Examples
    --------
    >>> plural(1, "question"), plural(1200, "question")
    ('1 question', '1,200 questions')
    """
    return say("{count:,} {noun}", count=count, noun=say_count(count, one, many or one + "s"))


def enumerate_words(words: Sequence[str]) -> str:
    """Write a list as prose.

    Examples
    --------
    >>> enumerate_words(["sales", "marketing", "service"])
    'sales, marketing and service'
    """
    if len(words) < 2:
        return "".join(words)
    return say("{words} and {last}", words=", ".join(words[:-1]), last=words[-1])


def day(text: str | None) -> str:
    """Write an ISO day in words; what is no day stays as it is.

    Examples
    --------
    >>> day("2026-09-30")
    '30 September 2026'
    """
    if not text:
        return ""
    try:
        found = datetime.date.fromisoformat(text[:10])
    except ValueError:
        return clean(text)
    if spoken() != ENGLISH:
        return day_text(found)
    return f"{found.day} {_MONTHS[found.month - 1]} {found.year}"


def made_up(analysis: Analysis) -> str:
    """Give the label of a made-up company where its name or its settings say so, else nothing."""
    name = analysis.company.casefold()
    about = analysis.settings.get("company")
    marks = about if isinstance(about, Mapping) else {}
    said = any(marks.get(key) is True for key in ("made_up", "simulated", "sample"))
    words = ("made-up", "made up", "sample company", "(sample", "fictitious", "simulated")
    return say(MADE_UP) if said or any(word in name for word in words) else ""


def small_start(text: str) -> str:
    """Write a text as it goes on within a sentence; a language that writes nouns large keeps its first letter."""
    return text[:1].lower() + text[1:] if spoken() == ENGLISH else text


def status_word(status: str) -> str:
    """Write a status in a word or two.

    Examples
    --------
    >>> status_word("misaligned")
    'Out of line'
    """
    return say(STATUS[status]) if status in STATUS else clean(status)


def status_text(finding: Finding) -> str:
    """Write the status in plain English, with the tables that are missing where that is the reason."""
    text = status_word(finding.status)
    if finding.status != "not_assessed" or not finding.missing:
        return text
    first, others = _alternatives(finding.missing)[0], len(_alternatives(finding.missing)) > 1
    tables = list(dict.fromkeys(data(name.partition(".")[0]) for name in first))
    return say("{text}: needs data in {listed}", text=text, listed=enumerate_words(tables)) + (
        say(", or others") if others else ""
    )


def _alternatives(missing: Sequence[str]) -> list[list[str]]:
    """Take apart what is missing: several ways may lead to an answer, each with the columns it asks for."""
    ways: list[list[str]] = [[]]
    for one in missing:
        options = [clean(way).split(" and ") for way in one.split(" or ")]
        ways = [[*way, *option] for way in ways for option in options][:_WAYS]
    return [list(dict.fromkeys(way)) for way in ways]


def first_needs(finding: Finding) -> list[str]:
    """Give the tables' columns that a question that is not assessed needs, by the first of its ways."""
    if finding.status != "not_assessed" or not finding.missing:
        return []
    return _alternatives(finding.missing)[0]


def needs(finding: Finding) -> str:
    """Write what a question needs and does not have, by the names of tables and columns."""
    ways = [enumerate_words([data(name) for name in way]) for way in _alternatives(finding.missing) if way]
    return say("Needs {ways}.", ways=say("; or ").join(ways)) if ways else ""


def interval_text(e: Estimate | Measure | KpiValue, currency: str) -> str:
    """Write an interval, or nothing where there is none or it has no width."""
    low, high = as_number(e.low), as_number(e.high)
    if low is None or high is None or low == high:
        return ""
    if e.unit in units.UNITS:
        return units.UNITS[e.unit].interval(low, high, currency=currency or None)
    return say("{low} to {high}", low=number(low, e.unit, currency), high=number(high, e.unit, currency))


def estimate_text(e: Estimate | Measure, currency: str) -> str:
    """Write an estimate in one line: value, interval, n."""
    value = number(as_number(e.value), e.unit, currency)
    interval = interval_text(e, currency)
    exact = as_number(e.low) is not None and as_number(e.low) == as_number(e.high) == as_number(e.value)
    inside = (
        say("no sampling error")
        if exact
        else say("{level:.0f} % interval {interval}", level=e.level * 100, interval=interval)
        if interval
        else ""
    )
    n = say("n {counted}", counted=counted(e.n, e.n_unit))
    return f"{value} ({'; '.join(t for t in (inside, n) if t)})"


def counted(n: int, unit: str) -> str:
    """Write how many of what; of a single one only that it is one, since units have no form for it.

    Examples
    --------
    >>> counted(1, "clients"), counted(0, "")
    ('1', '0')
    """
    return say("{n:,} {n_unit}", n=n, n_unit=data(say(unit))) if unit and n != 1 else say("{n:,}", n=n)


def gap_sentence(finding: Finding, currency: str) -> str:
    """Write the gap against its margin."""
    finding = as_told(finding)
    if finding.gap is None:
        return ""
    return say(
        "{estimate_text}; tolerated: {tolerated}",
        estimate_text=estimate_text(finding.gap, currency),
        tolerated=tolerated(finding, currency),
    )


def tolerated(finding: Finding, currency: str) -> str:
    """Write what is tolerated of a gap."""
    finding = as_told(finding)
    margin = number(finding.margin, finding.gap.unit if finding.gap else "", currency)
    if finding.direction == "both":
        return say("between -{margin} and {margin}", margin=margin)
    return say("up to {margin}", margin=margin)


def chance(p: float) -> str:
    """Write a small probability."""
    return say("less than 0.1 %") if p < 0.001 else say("{p:.1f} %", p=p * 100)


def how_sure(finding: Finding) -> str:
    """Say how sure a verdict is, from its interval and its tests."""
    gap = finding.gap
    if gap is None or as_number(gap.value) is None:
        return ""
    if gap.low is not None and gap.low == gap.high:
        return say("The number has no sampling error: all cases were counted.")
    if finding.status == "misaligned":
        text = say("The whole 95 % interval lies beyond what is tolerated.")
        p, q = as_number(finding.p_value), as_number(finding.q_value)
        if p is not None:
            text += say(" If the true gap were no larger than tolerated, data like these would come up")
            text += say(" in {chance} of cases", chance=chance(p))
            text += (
                say(" (adjusted for the number of questions asked: q {q}).", q=_q(q))
                if q is not None
                else "."
            )
        return text
    if finding.status == "aligned":
        return say("The whole 95 % interval lies within what is tolerated.")
    if finding.status == "uncertain":
        return say("The 95 % interval reaches both sides of what is tolerated, so the data do not decide.")
    return ""


HOW_SURE: Final = noted(
    "By chance: how often data like these would come up if the true gap were within what is tolerated. Where all cases "
    "were counted, there is no sampling error."
)
AT_STAKE: Final = noted(
    "At stake: the money that a finding bears on, which is not all lost. Arithmetical: reckoned from sums on record. "
    "Associational: from comparing like cases, which proves no cause."
)


def short_chance(finding: Finding) -> str:
    """Say in a few words how sure an alarm is; `HOW_SURE` says once what they mean."""
    p = as_number(finding.p_value)
    if finding.gap is not None and finding.gap.low is not None and finding.gap.low == finding.gap.high:
        return say("all cases counted")
    if p is None:
        return ""
    return say("{chance} by chance", chance=chance(p))


def _q(q: float) -> str:
    return say("below 0.001") if q < 0.001 else say("{q:.3f}", q=q)


def money_text(money: Money, *, basis: bool = True) -> str:
    """Write money at stake with its interval and basis."""
    if as_number(money.value) is None:
        return say(units.NOT_AVAILABLE)
    unit = units.unit("money")
    text = unit.text(money.value, currency=money.currency)
    if money.low is not None and money.high is not None and money.low != money.high:
        nothing = say("; this may be nothing") if money.low <= 0 <= money.high else ""
        text += f" ({unit.interval(money.low, money.high, currency=money.currency)}{nothing})"
    return (
        say("{text}. Basis: {basis}", text=text, basis=data(say(money.basis)))
        if basis and money.basis
        else text
    )


def money_short(money: Money) -> str:
    """Write money at stake with its interval and the kind of its basis; the whole basis stands with the finding."""
    basis = clean(say(money.basis))
    kind = basis.partition(":")[0] if ":" in basis else ""
    text = money_text(money, basis=False)
    return f"{text}, {data(kind)}" if kind and len(kind) <= 30 else text


def departments(names: Sequence[str]) -> str:
    """Write who can act."""
    return enumerate_words([data(say(clean(n))) for n in names])


def owners_text(owners: Mapping[str, float]) -> str:
    """Write the departments that answer for a KPI, with their shares.

    Examples
    --------
    >>> print(owners_text({"marketing": 0.3, "sales": 0.7}))
    marketing 30 : sales 70
    """
    known = [(say(clean(k)), as_number(v)) for k, v in owners.items()]
    return " : ".join(say("{k} {v:.0f}", k=k, v=v * 100) for k, v in known if v is not None)


def change_text(row: KpiValue, currency: str, compared: str | None = None) -> tuple[str, str]:
    """Write a KPI's change against a period, and its interval with what it means.

    A difference of two shares is written in percentage points.
    """
    for change in row.changes:
        if compared is None or change.from_period == compared:
            break
    else:
        return "", ""
    value, low, high = as_number(change.value), as_number(change.low), as_number(change.high)
    if value is None:
        return say(units.NOT_AVAILABLE), ""
    text = _difference(value, row.unit, currency)
    if low is None or high is None or low == high:
        return text, ""
    interval = say(
        "{low} to {high}",
        low=_difference(low, row.unit, currency),
        high=_difference(high, row.unit, currency),
    )
    clear = low > 0 or high < 0
    if not clear:
        return text, say("{interval}; no clear change", interval=interval)
    if row.better not in ("higher", "lower"):
        return text, interval
    return text, (
        say("{interval}; better", interval=interval)
        if (value > 0) == (row.better == "higher")
        else say("{interval}; worse", interval=interval)
    )


def _difference(value: float, unit: str, currency: str) -> str:
    share = unit == "share"
    return units.signed(
        value, units.unit("points").text(value * 100) if share else number(value, unit, currency)
    )


def what_it_takes(finding: Finding) -> str:
    """Say what would settle a question that is open."""
    if finding.status == "not_assessed":
        return needs(finding)
    if finding.needs_more is not None:
        rows = data(
            say(finding.gap.n_unit if finding.gap is not None and finding.gap.n_unit else noted("rows"))
        )
        return say_count(
            finding.needs_more, "About one more of: {rows}.", "About {n:,} more {rows}.", rows=rows
        )
    if finding.status == "withheld":
        return say("It takes groups so large that no one can be recognised, or the setting that allows it.")
    if finding.status == "error":
        return say("The rest of the report does not depend on it.")
    return ""


def plain_value(value: Any) -> str:
    """Write a value of the settings or definitions."""
    if isinstance(value, bool):
        return say("yes") if value else say("no")
    if isinstance(value, (list, tuple)):
        return ", ".join(plain_value(v) for v in value)
    if isinstance(value, float):
        return numerals(f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}")
    return term(clean(value)) if value is not None else say("not set")
