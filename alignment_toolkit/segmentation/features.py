"""What is known of each account at a day: features, declared like KPIs and computed in the engine."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import ibis
import ibis.expr.datatypes as dt

from alignment_toolkit.errors import UnknownName
from alignment_toolkit.languages import say
from alignment_toolkit.relations.money import first_unrated
from alignment_toolkit.relations.source import alive, day

if TYPE_CHECKING:
    from ibis.expr.types import Table, Value

    from alignment_toolkit.company import Company

__all__ = ["FEATURES", "MEMORY", "Feature", "account_features", "feature", "forget"]

MEMORY: Final = 1_000
# Accounts of so many rows fit below MEMORY without a detour over the disk, which costs three times as much.
ROWS_AT_ONCE: Final = 7_000_000
YEAR: Final = 365
PERSONAL: Final = ("phone", "meeting", "visit", "event")
CATEGORIES: Final = ("industry", "region", "country", "size", "segment")


@dataclass(frozen=True)
class Feature:
    """One thing that is known of an account at the end of a period.

    Attributes
    ----------
    id, title, unit, about
        Its name, as a reader sees it, its unit, and what it says.
    relation
        What its rows are: ``sales``, ``served``, ``leads``, ``touches`` or ``accounts``.
    make
        From the relation's rows, with `age` (whole days before the end of the period), to one value per account.
    needs
        Columns of the relation without which it is missing.
    log
        It is skewed: its logarithm is compared.
    low, high
        The words for an account that has little or much of it.
    """

    id: str
    title: str
    unit: str
    relation: str
    make: Callable[[Table], Value]
    about: str
    needs: tuple[str, ...] = ()
    log: bool = False
    low: str = ""
    high: str = ""


@ibis.udf.scalar.builtin(name="hash")  # type: ignore[untyped-decorator]
def _hash(value: str) -> dt.uint64:
    """Give the engine's own hash: which part an account is in does not show in any result."""


@dataclass(frozen=True)
class _Part:
    """One of `of` parts of the accounts, all rows of an account in the same one."""

    number: int = 0
    of: int = 1

    def filter(self, t: Table) -> Table:
        return t.filter(_hash(t.account_id) % self.of == self.number) if self.of > 1 else t


WHOLE: Final = _Part()


def _year(t: Table, ago: int = 0) -> Value:
    return (t.age >= ago * YEAR) & (t.age < (ago + 1) * YEAR)


def _float(value: Any) -> Any:
    return value.cast("float64")


def _growth(t: Table) -> Any:
    now, before = (_float(t.amount.sum(where=_year(t, ago))).fill_null(0.0) for ago in (0, 1))
    both = (now + before).nullif(0.0)
    # Only who could order in the whole year before can grow or shrink against it.
    return ibis.ifelse(t.age.max() >= 2 * YEAR, (now - before) / both, ibis.null("float64"))


_SALES = (
    Feature("recency", "Days since the last order", "days", "sales", lambda t: _float(t.age.min(where=t.amount > 0)),
            "Whole days from the last order line of positive amount to the end of the period.", log=True,
            low="ordered lately", high="silent for long"),
    Feature("tenure", "Days since the first order", "days", "sales", lambda t: _float(t.age.max(where=t.amount > 0)),
            "Whole days from the first order line of positive amount to the end of the period.", log=True,
            low="new", high="old clients"),
    Feature("order_days", "Days with an order, ever", "count", "sales",
            lambda t: _float(t.on.nunique(where=t.amount > 0)),
            "Different days with an order line of positive amount.", log=True, low="ordered once", high="many orders"),
    Feature("frequency", "Days with an order, last year", "count", "sales",
            lambda t: _float(t.on.nunique(where=(t.amount > 0) & _year(t))),
            "The same in the last 365 days.", log=True, low="few orders", high="frequent orders"),
    Feature("money", "Revenue, last year", "money", "sales",
            lambda t: _float(t.amount.sum(where=_year(t))).fill_null(0.0),
            "Order lines of the last 365 days, returns included.", log=True, low="little revenue", high="much revenue"),
    Feature("order_size", "Revenue per day with an order", "money", "sales",
            lambda t: _float(t.amount.sum(where=t.amount > 0)) / _float(t.on.nunique(where=t.amount > 0)),
            "Positive order lines ever over days with one.", log=True, low="small orders", high="large orders"),
    Feature("breadth", "Products, last year", "count", "sales",
            lambda t: _float(t.product_id.nunique(where=(t.amount > 0) & _year(t))),
            "Different products bought in the last 365 days.", ("product_id",), True, "few products", "many products"),
    Feature("growth", "Change of revenue against the year before", "ratio", "sales", _growth,
            "(Last year - year before) / both, -1 to 1; missing for who was no client two years ago.", (), False,
            "shrinking", "growing"),
    Feature("discount", "Discount", "share", "sales",
            lambda t: 1 - _float(t.amount.sum(where=(t.amount > 0) & (t.list_amount > 0)))
            / _float(t.list_amount.sum(where=(t.amount > 0) & (t.list_amount > 0))).nullif(0.0),
            "1 - paid / list price over all positive lines with a list price.", ("list_amount",), False,
            "pays list prices", "buys at a discount"),
    Feature("margin", "Margin, last year", "money", "sales",
            lambda t: _float(t.margin.sum(where=_year(t))),
            "Amount less cost of the lines of the last 365 days whose cost is known.", ("margin",), False,
            "little margin", "much margin"),
)  # fmt: skip
_EFFORT = (
    Feature("effort", "Minutes of work, last year", "count", "served",
            lambda t: _float(t.effort_minutes.sum(where=_year(t))).fill_null(0.0),
            "Minutes that both departments gave the account in the last 365 days.", log=True,
            low="little work", high="much work"),
)  # fmt: skip
_TOUCHES = (
    Feature("touches", "Touches, last year", "count", "touches",
            lambda t: _float(t.count(where=_year(t))), "Touches in the last 365 days, automated ones too.", log=True,
            low="rarely touched", high="often touched"),
    Feature("personal", "Share of personal touches", "share", "touches",
            lambda t: _float(t.count(where=_year(t) & t.channel.isin(PERSONAL)))
            / _float(t.count(where=_year(t))).nullif(0.0),
            "Phone, meeting, visit and event among the touches of the last 365 days.", ("channel",), False,
            "reached by mail and web", "met in person"),
)  # fmt: skip
_LEADS = (
    Feature("leads", "Leads, last year", "count", "leads", lambda t: _float(t.count(where=_year(t))),
            "Leads created in the last 365 days.", log=True, low="no enquiries", high="many enquiries"),
    Feature("score", "Highest marketing score, last year", "index", "leads",
            lambda t: _float(t.marketing_score.max(where=_year(t))),
            "The highest score that marketing gave a lead of the last 365 days, 0 to 100.", ("marketing_score",), False,
            "low scores", "high scores"),
)  # fmt: skip

FEATURES: Final[Mapping[str, Feature]] = {f.id: f for f in (*_SALES, *_EFFORT, *_TOUCHES, *_LEADS)}


def feature(id: str) -> Feature:
    """Look a feature up.

    Raises
    ------
    UnknownName
        With the near match.

    Examples
    --------
    >>> feature("recency").unit
    'days'
    """
    if id not in FEATURES:
        raise UnknownName("feature", id, FEATURES)
    return FEATURES[id]


def _rows(company: Company, relation: str, end: date, part: _Part) -> Table | None:
    """Give a relation's rows before the end, with account_id, `on` (day) and `age` in whole days; None if not there."""
    if relation == "sales":
        if not (company.has("orders", "account_id") or company.has("opportunities", "account_id", "amount")):
            return None
        costed = company.has("orders", "cost") or company.has("products", "unit_cost")
        t, moment = company.relation("sales_details" if costed else "sales"), "ordered_at"
    elif relation == "served":
        if not company.has("touches", "account_id", "department", "touch_id"):
            return None
        t, moment = company.relation("served"), "served_at"
        t = t.filter(t.effort_minutes.notnull())
    else:
        moment = "created_at" if relation == "leads" else "touched_at"
        if not company.has(relation, "account_id", moment):
            return None
        t = company[relation]
    t = alive(part.filter(t), moment)
    on = day(t[moment])
    # Subtracting dates agrees on all engines; what comes after the end is not known yet.
    t = t.mutate(on=on, age=ibis.literal(end).delta(on, unit="day") - 1)
    return t.filter(t.age >= 0, t.account_id.notnull())


def unrated_sales(company: Company, end: date) -> str | None:
    """Name the currency and day of the first sale before a day that has no rate; None where all have one."""
    t = _rows(company, "sales", end, WHOLE)
    return None if t is None else first_unrated(company, t)


def forget(company: Company, t: Table) -> None:
    """Drop a table that was kept in the engine."""
    company.backend.drop_table(t.op().name)


def account_features(
    company: Company, end: date, ids: Sequence[str] | None = None
) -> tuple[Table, dict[str, str]]:
    """Give one row per account with its features as of a day, and why features are missing.

    Parameters
    ----------
    company
        The company.
    end
        The first day that is not known any more: the end of a period.
    ids
        Features; all by default.

    Returns
    -------
    tuple
        The table, kept in the engine: account_id, the features (floats, empty where unknown) and what the accounts
        table has of industry, region, country, size, segment; and the missing features with the reason.
    """
    wanted = [feature(i) for i in ids] if ids is not None else list(FEATURES.values())
    name = (
        "features "
        + hashlib.sha256(repr((end, [f.id for f in wanted], company.steps)).encode()).hexdigest()[:16]
    )
    engine, of = company.backend, _parts(company)
    made, missing = _features(company, end, wanted, _Part(of=of))
    if name not in engine.list_tables():
        with company.frugal(MEMORY):
            engine.store(name, made)
            for number in range(1, of):
                more, _ = _features(company, end, wanted, _Part(number, of))
                engine.insert(name, more, database=("temp", "main"))
    return engine.table(name), missing


def _parts(company: Company) -> int:
    """Say in how many parts the accounts fit into memory, by the largest table that features are made of."""
    made_of = ("orders", "opportunities", "touches", "leads", "accounts")
    rows = max((q.rows for q in company.quality if q.table in made_of), default=0)
    return max(1, -(-rows // ROWS_AT_ONCE))


def _features(
    company: Company, end: date, wanted: Sequence[Feature], part: _Part = WHOLE
) -> tuple[Table, dict[str, str]]:
    missing: dict[str, str] = {}
    parts = []
    for relation in dict.fromkeys(f.relation for f in wanted):
        rows = _rows(company, relation, end, part)
        own = [f for f in wanted if f.relation == relation]
        if rows is None:
            missing |= {f.id: say("needs {relation} with accounts", relation=relation) for f in own}
            continue
        there = [f for f in own if set(f.needs) <= set(rows.columns)]
        missing |= {f.id: say("needs {needs}", needs=", ".join(f.needs)) for f in own if f not in there}
        if there:
            made: dict[str, Any] = {f.id: f.make(rows) for f in there}
            parts.append(rows.group_by("account_id").aggregate(**made))
    joined = _joined(company, end, parts, part)
    # What is not known has an empty column, so that whoever reads the table need not ask for each.
    joined = joined.mutate(**{f.id: ibis.null("float64") for f in wanted if f.id not in joined.columns})
    return joined, missing


def _joined(company: Company, end: date, parts: Sequence[Table], part: _Part) -> Table:
    base = None
    if company.has("accounts", "account_id"):
        accounts = part.filter(company["accounts"])
        kept: dict[str, Any] = {c: accounts[c] for c in CATEGORIES if c in accounts.columns}
        if "created_at" in accounts.columns:
            created = day(accounts.created_at)
            accounts = accounts.filter(created.isnull() | (created < ibis.literal(end)))
        base = accounts.select("account_id", **kept)
    if not parts:
        return base if base is not None else ibis.memtable({"account_id": [""]}).filter(ibis.literal(False))
    if base is not None:
        extra = (
            ibis.union(*[p.select("account_id") for p in parts], distinct=True)
            if len(parts) > 1
            else parts[0].select("account_id")
        )
        extra = extra.anti_join(base, "account_id")
        blank: dict[str, Any] = {c: ibis.null(base[c].type()) for c in base.columns if c != "account_id"}
        base = base.union(extra.mutate(**blank).select(*base.columns))
    elif len(parts) > 1:
        base = ibis.union(*[p.select("account_id") for p in parts], distinct=True)
    else:
        return parts[0]
    t = base
    for more in parts:
        more = more.rename({"_account": "account_id"})
        t = t.left_join(more, t.account_id == more._account).drop("_account")
    filled = {f: t[f].fill_null(0.0) for f in ("effort", "touches", "leads") if f in t.columns}
    return t.mutate(**filled)
