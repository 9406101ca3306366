"""From a company and a period to its segments and plays, as an Analysis holds them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

import ibis
import numpy as np
import pandas as pd

from alignment_toolkit.languages import noted, say
from alignment_toolkit.relations.telling import lacks, why
from alignment_toolkit.results import Estimate
from alignment_toolkit.segmentation.assessed import target_grid
from alignment_toolkit.segmentation.features import MEMORY, account_features, forget, unrated_sales
from alignment_toolkit.segmentation.kind import Accounts, Placing, Segmentation
from alignment_toolkit.segmentation.looking_back import look_back
from alignment_toolkit.segmentation.matching import matched
from alignment_toolkit.segmentation.outlook import Outlook, look_ahead, sampled
from alignment_toolkit.segmentation.plays import PLAYS, proposed_plays
from alignment_toolkit.segmentation.reasons import economics, told_plays
from alignment_toolkit.segmentation.scaling import scale_of, scaled
from alignment_toolkit.segmentation.telling import agreement, exceptions, picture, rules, share_of
from alignment_toolkit.segmentation.value_map import value_map

if TYPE_CHECKING:
    from ibis.expr.types import Table

    from alignment_toolkit.company import Company
    from alignment_toolkit.periods import Period
    from alignment_toolkit.pseudonyms import Pseudonyms

__all__ = ["Segmented", "kept_accounts", "segment_company"]

# Of what is known of an account, these are told of every segment beside what it was made of.
TOLD: Final = ("money", "order_days", "recency")
SAMPLE: Final = 4_000
# So many days between two sales, and the day up to which sales are known is no news.
NEAR: Final = 7
DECIDES: Final = noted(
    "A play is a proposal by the rules printed here, from what the data holds. It knows no conversation and no "
    "promise. A person who knows the account decides."
)


@dataclass(frozen=True)
class Segmented:
    """Rows for an Analysis: `segments`, `plays`, what stands in its definitions, and warnings.

    `table` holds every account with its segments and its play, in the engine; None where nothing could be made.
    """

    segments: tuple[dict[str, Any], ...] = ()
    plays: tuple[dict[str, Any], ...] = ()
    about: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    table: Table | None = None

    @property
    def tells(self) -> bool:
        """Whether the model of repeat orders finds anybody who has probably left."""
        clients = self.about.get("segments", {}).get("clients") or {}
        limits = self.about.get("plays", {}).get("thresholds") or {}
        return _tells(clients.get("lowest_alive"), limits.get("alive_below", 0.0))


def segment_company(
    company: Company,
    period: Period,
    segmentations: Sequence[Segmentation],
    hidden: Pseudonyms,
    *,
    before: Period | None = None,
    earlier: Mapping[str, Any] | None = None,
) -> Segmented:
    """Make segments and plays as of the end of a period, or of the last day for which sales are complete.

    Parameters
    ----------
    company, period
        Of whom, and up to when.
    segmentations
        Which; one that fails is told and leaves the others standing.
    hidden
        Pseudonyms of clients.
    before
        An earlier period: who moved since its end, by the same rule.
    earlier
        The definitions of an earlier Analysis: segments keep their names.
    """
    end = _end(company, period)
    if before is not None and before.end >= end:  # nothing is known of what moved since
        before = None
    with company.frugal(MEMORY):
        found = _segmented(company, end, segmentations, hidden, before, earlier)
        about: dict[str, Any] = {"value_map": value_map(company, period.end)}
        if found.table is not None:
            about["target_grid"] = target_grid(company, found.table, period.end)
    warnings = found.warnings
    if found.table is not None and (period.end - end).days > NEAR:
        day = end - timedelta(days=1)
        warnings += (
            say("Segments and plays are as of {day}, the last day for which sales are complete.", day=day),
        )
    return replace(
        found, about={**found.about, **{k: v for k, v in about.items() if v is not None}}, warnings=warnings
    )


def _end(company: Company, period: Period) -> date:
    """Give the first day that is not known: a client who could not be seen to order is not silent."""
    tables = [t for t in ("orders", "opportunities") if t in company.tables][:1]
    known = company.as_of_of(tables) if tables else None
    return period.end if known is None else min(period.end, known + timedelta(days=1))


def kept_accounts(company: Company, period: Period, segmentations: Sequence[Segmentation]) -> Table | None:
    """Give every account as `segment_company` left it in the engine; None where it made nothing.

    An Analysis holds no accounts. Who lists them after it need not compute them again.
    """
    name = _name(company, "plays", _end(company, period), [s.id for s in segmentations])
    return company.backend.table(name) if name in company.backend.list_tables() else None


def _segmented(
    company: Company,
    end: date,
    segmentations: Sequence[Segmentation],
    hidden: Pseudonyms,
    before: Period | None,
    earlier: Mapping[str, Any] | None,
) -> Segmented:
    warnings: list[str] = []
    if unrated := unrated_sales(company, end):
        reason = say(
            "amounts are in other currencies, and the table rates has no rate for {unrated}", unrated=unrated
        )
        return Segmented(about={"segments": {"reason": reason}})
    accounts = _accounts(company, end)
    if int(accounts.fetch(accounts.table.aggregate(n=accounts.table.count())).n[0]) == 0:
        return Segmented(about={"segments": {"reason": say("there are no accounts")}})
    placings: dict[str, Placing] = {}
    drifts: dict[str, list[dict[str, Any]]] = {}
    made = [(s, s.missing(company)) for s in segmentations]
    about: dict[str, Any] = {s.id: _words(s) | {"reason": lacks(company, gone)} for s, gone in made if gone}
    told_before = (earlier or {}).get("segments") or {}
    for s, gone in made:
        if gone:
            continue
        try:
            placing = s.fit(accounts)
            placings[s.id], drifts[s.id] = matched(placing, told_before.get(s.id))
        except Exception as problem:  # one that fails never takes the rest down
            said = say("could not be made: {said}", said=why(problem))
            about[s.id] = _words(s) | {"reason": said}
            warnings.append(say("segmentation {id} {said}", id=s.id, said=said))
    known = {s.id: s for s in segmentations}
    t = _placed(company, accounts.table, known, placings, f"in {accounts.end}")
    t = t.mutate(potential_segment=t.in_potential if "in_potential" in t.columns else ibis.null("string"))
    proposed = proposed_plays(company, t, accounts.end)
    t = _kept(company, proposed.table, "plays", accounts.end, [s.id for s in segmentations])
    forget(company, accounts.table)
    accounts = replace(accounts, table=t)
    rows = sampled(company, t, SAMPLE)
    segments: list[dict[str, Any]] = []
    earlier_table = _earlier(company, before, accounts.outlook) if before and placings else None
    for i, placing in placings.items():
        s = known[i]
        own, extra = _told(company, accounts, t, rows, s, placing, hidden)
        segments += own
        about[i] = (
            _words(s)
            | {"reason": placing.reason, "labels": {key: say(label) for key, label in placing.labels.items()}}
            | dict(placing.about)
            | extra
        )
        if placing.centres:
            about[i]["centres"] = dict(placing.centres)
        if drifts[i]:
            about[i]["drift"] = drifts[i]
        # Segments that were given have no history: today's names stand for those of then.
        if earlier_table is not None and before is not None and not placing.about.get("given"):
            about[i]["migration"] = {
                "from": before.label,
                "rows": _moved(company, t, earlier_table, s, placing),
            }
    if {"as_given", "behaviour"} & set(placings):
        _agree(about, placings, rows)
    main = next(
        (
            i
            for i in ("behaviour", "value", "potential", "as_given")
            if i in placings and not placings[i].reason
        ),
        None,
    )
    clients = _clients(accounts)
    tells = _tells(clients["lowest_alive"], company.settings.plays.alive_below)
    labels = placings[main].labels if main else {}
    plays = told_plays(company, t, accounts.outlook, hidden, main, labels, tells)
    about = {i: about[i] for i in known if i in about} | {"clients": clients}
    return Segmented(
        tuple(segments), plays, {"segments": about, "plays": _about_plays(company, t, proposed.lacking)},
        tuple(warnings), t,
    )  # fmt: skip


def _accounts(company: Company, end: date) -> Accounts:
    table, missing = account_features(company, end)
    outlook = look_ahead(company, table)
    past = look_back(company, table, outlook, end)
    outlook = replace(outlook, off=past.off)
    kept = _kept(company, outlook.add(company, table), "accounts", end)
    forget(company, table)
    return Accounts(company, kept, missing, end, outlook, past)


def _kept(company: Company, t: Table, what: str, *key: Any) -> Table:
    """Keep a table in the engine, so that what is asked of it several times is computed once."""
    return company.backend.store(_name(company, what, *key), t)


def _name(company: Company, what: str, *key: Any) -> str:
    digest = hashlib.sha256(repr((what, key, company.steps)).encode()).hexdigest()[:16]
    return f"{what} {digest}"


def _words(s: Segmentation) -> dict[str, Any]:
    return {
        "title": say(s.title),
        "question": say(s.question),
        "about": say(s.about),
        "features": list(s.features),
    }


def _placed(
    company: Company, t: Table, known: Mapping[str, Segmentation], placings: Mapping[str, Placing], what: str
) -> Table:
    """Add every account's segment, one column for each segmentation."""
    for i, placing in placings.items():
        column = f"in_{i}"
        if not placing.labels:
            t = t.mutate(**{column: ibis.null("string")})
        elif not placing.steps:
            inside: Any = ibis.literal(True)
            if known[i].clients and "order_days" in t.columns:
                inside = (t.order_days >= 1).fill_null(False)
            t = t.mutate(
                **{column: ibis.ifelse(inside, placing.place(t).cast("string"), ibis.null("string"))}
            )
        else:
            found = known[i].members(t)
            kept: list[Table] = []
            for n, step in enumerate(placing.steps):
                found = _kept(company, found.select("account_id", **step(found)), f"{what} {i} {n}")
                kept.append(found)
            placed = found.select(_in="account_id", **{column: placing.place(found).cast("string")})
            placed = _kept(company, placed, f"{what} {i}")
            for part in kept:
                forget(company, part)
            t = t.left_join(placed, t.account_id == placed._in).drop("_in")
    return t


def _earlier(company: Company, before: Period, outlook: Outlook) -> Table | None:
    then, _ = account_features(company, before.end)
    if "order_days" not in then.columns:
        return None
    kept = _kept(company, outlook.add(company, then), "accounts before", before.end)
    forget(company, then)
    return kept


def _moved(
    company: Company, now: Table, then: Table, s: Segmentation, placing: Placing
) -> list[dict[str, Any]]:
    """Count who was in which segment then and is in which now, by the same rule."""
    if not placing.labels:
        return []
    try:
        then = _placed(company, then, {s.id: s}, {s.id: placing}, "before")
        then = then.select(_account="account_id", was=f"in_{s.id}")
    except Exception:  # the earlier day lacks a column that the rule asks for
        return []
    both = now.select("account_id", now_in=now[f"in_{s.id}"]).outer_join(
        then, now.account_id == then._account
    )
    found = company.fetch(both.group_by("was", "now_in").aggregate(n=both.count()))
    found = found[found.was.notna() | found.now_in.notna()].astype({"was": object, "now_in": object})
    found = found.where(found.notna(), None)
    rows = [{"from": r["was"], "to": r["now_in"], "accounts": int(r["n"])} for r in found.to_dict("records")]
    return sorted(rows, key=lambda r: (str(r["from"] or ""), str(r["to"] or "")))


def _told(
    company: Company,
    accounts: Accounts,
    t: Table,
    rows: pd.DataFrame,
    s: Segmentation,
    placing: Placing,
    hidden: Pseudonyms,
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    column = f"in_{s.id}"
    t = t.filter(t[column].notnull())
    sums: dict[str, Any] = {"n": t.count()}
    for name in ("money", "effort"):
        if name in t.columns:
            sums |= {name: t[name].sum(), f"{name}_squares": (t[name] * t[name]).sum()}
    spend = _spend(company, accounts)
    if spend is not None:
        t = t.left_join(spend, t.account_id == spend._spent_on).drop("_spent_on")
        sums |= {"spend": t.spend.sum(), "spend_squares": (t.spend * t.spend).sum()}
    plays = {f"play_{p}": t.count(where=t.proposed == p) for p in PLAYS}
    found = company.fetch(t.group_by(column).aggregate(**sums, **plays)).set_index(column)
    found = found.astype(float).fillna(0.0)
    values = accounts.outlook.total(company, t, column)
    own = rows[rows[column].notna()]
    features = list(dict.fromkeys([*s.features, *TOLD]))
    rule, accuracy = rules(own, list(own[column]), features, company.currency)
    scales, _ = scale_of(own, [f for f in features if f in own.columns and own[f].dtype.kind == "f"])
    z = scaled(own, scales)
    centres = {str(k): z[(own[column] == k).to_numpy()].mean(axis=0) for k in sorted(set(own[column]))}
    odd = exceptions(company.fetch, t, column, scales, centres, hidden) if len(own) else {}
    out = []
    spread: dict[str, float | None] = {}
    everyone = int(found.n.sum())
    for key, label in placing.labels.items():
        if key not in found.index:
            continue
        r: Any = found.loc[key]
        shares = {
            f"share_of_{told}": share_of(
                r[name], r[f"{name}_squares"], found[name].sum(), found[f"{name}_squares"].sum(), everyone, words
            )
            if name in found.columns
            else Estimate.none(
                n=everyone, n_unit="accounts", unit="share",
                method=say("{words} of accounts is not known", words=say(words)),
            )
            for told, name, words in (
                ("revenue", "money", noted("last year's revenue")), ("spend", "spend", noted("last year's spend")),
                ("effort", "effort", noted("last year's minutes of work")),
            )
        }  # fmt: skip
        nothing = Estimate.none(
            n=int(r.n),
            n_unit="clients",
            unit="money",
            method=accounts.outlook.reason or say("no clients in it"),
        )
        inside = z[(own[column] == key).to_numpy()]
        out.append({
            "segmentation": s.id, "segment": key, "label": say(label), "size": int(r.n), **shares,
            "value": values.get(key, nothing), "rule": rule.get(key) or None, "rule_accuracy": accuracy,
            "stability": placing.stability.get(key), "plays": {p: int(r[f"play_{p}"]) for p in PLAYS},
            "exceptions": odd.get(key),
        })  # fmt: skip
        spread[key] = float(np.sqrt(((inside - inside.mean(axis=0)) ** 2).mean())) if inside.size else None
    return out, picture(own, list(own[column]), features) | {"spread": spread}


def _spend(company: Company, accounts: Accounts) -> Table | None:
    """Give last year's spend of each account, where any spend names one."""
    if not company.has("spend", "account_id", "amount", "spent_on"):
        return None
    s = company["spend"]
    age = ibis.literal(accounts.end).delta(s.spent_on, unit="day") - 1
    s = s.filter(age >= 0, age < 365, s.account_id.notnull())
    return (
        s.group_by("account_id")
        .aggregate(spend=s.amount.sum().cast("float64"))
        .rename({"_spent_on": "account_id"})
    )


def _agree(about: dict[str, Any], placings: Mapping[str, Placing], rows: pd.DataFrame) -> None:
    """Say how far the given segments agree with behaviour and with how sales treats the accounts."""
    if "as_given" not in placings or "in_as_given" not in rows:
        return
    given = about["as_given"]
    own = rows[rows.in_as_given.notna()]
    if "in_behaviour" in rows and not placings["behaviour"].reason:
        both = own[own.in_behaviour.notna()]
        given["agreement_with_behaviour"] = agreement(
            list(both.in_as_given), list(both.in_behaviour), noted("given segments and behaviour")
        )
    for name, words in (
        ("effort", noted("given segments and thirds of effort")),
        ("touches", noted("given segments and thirds of touches")),
    ):
        if name in own and own[name].notna().any() and own[name].nunique() > 2:
            thirds = pd.qcut(own[name].rank(method="first"), 3, labels=False)
            given["agreement_with_treatment"] = agreement(
                list(own.in_as_given), [str(v) for v in thirds], words
            )
            return


def _clients(accounts: Accounts) -> dict[str, Any]:
    o = accounts.outlook
    t = accounts.table.mutate(_all=ibis.literal("all"))
    total = o.total(accounts.company, t, "_all").get("all") if not o.reason else None
    return {
        "reason": o.reason,
        "lowest_alive": _lowest_alive(accounts) if not o.reason else None,
        "sharing": {"segments": sorted(o.purchases.own), "between": list(o.purchases.between)},
        "expected_in_12_months": total,
        "past": accounts.past.row(),
        "purchases": {k: getattr(o.purchases.whole, k) for k in ("r", "alpha", "a", "b", "n")}
        | {"unit_days": o.unit},
        "spend": {k: getattr(o.spend.whole, k) for k in ("p", "q", "v", "n")},
        "missing_features": dict(accounts.missing),
    }


def _lowest_alive(accounts: Accounts) -> float | None:
    t = accounts.table
    value = accounts.fetch(t.filter(t.alive.notnull()).aggregate(v=t.alive.min())).v[0]
    return None if pd.isna(value) else float(value)


def _tells(lowest: float | None, limit: float) -> bool:
    return lowest is not None and lowest < limit


def _about_plays(company: Company, t: Table, lacking: Sequence[str]) -> dict[str, Any]:
    counts = company.fetch(t.group_by("proposed").aggregate(n=t.count())).set_index("proposed").n
    return {
        "decides": say(DECIDES),
        "thresholds": company.settings.plays.model_dump(),
        "lacking": list(lacking),
        "counts": {p: int(counts.get(p, 0)) for p in PLAYS},
        "release": economics(company, t),
    }
