"""Do edits shortly before a list is drawn bring accounts onto it?

**Question.** Are more accounts lifted just over a list's threshold before it is frozen than over thresholds
that decide nothing?

**Gap.** Accounts lifted over a list's threshold (an edit by sales of the list's own field, `lists.field`, in
the 60 days before `freezes_on`, from below the threshold to the threshold or above), over the accounts on the
list (field at or above the threshold on `freezes_on`), minus the mean of the same at four placebo thresholds,
10 and 20 points above and below, over the same accounts. Lists are pooled. The field's value on the day is
read back from the edits. Edits by machines (`people.kind` = `system`) do not count.

**Estimand.** Of the accounts on these lists, the share that was lifted beyond those that would have been if the
threshold decided nothing; honest corrections cross all thresholds alike and cancel, on average over people.
**Interval.** The widest of Newcombe's hybrid score (an account that comes on two lists by one edit counts once); of
Student's, honest crossings varying as unevenly as those of each person (`edits.actor`) lie over the placebos; of that
of the share of crossings that lie at the threshold, edits of one person and day being one decision. An edit of which
nobody is on record belongs with those of its day. Where one person made all edits that crossed, where these lie
cannot be told from what the list does. **Margin.** 0.03: three accounts in a hundred; so many move a list of 200
by six, which changes nobody's plan. **Minimum.** 200 listed accounts.

**Worked example.** One list, threshold 60, six leads of six accounts: four stand at 60 or more on the day,
two of them lifted by sales (from 55 to 61, from 58 to 62); a fifth went from 45 to 52, over the placebo of
50; the sixth stays at 30. Gap = 2/4 - (1/4) / 4 = 0.4375.

**Beside the gap.** How many accounts were lifted to a full ten: round numbers are typed by people, and
thresholds are round too.

**When it lies.** A score that was wrong and was put right before it mattered is no gaming: see whether lifted
accounts are put back after the freeze, and whether they do worse than their neighbours on the list, of the same
people where these had both (guard `confounding`). Round thresholds attract round numbers; the placebos are as round.

**What to do.** Freeze the field some weeks before the list, or give every edit of it a reason; read the
lifted accounts together.

**Literature.** McCrary (2008), Journal of Econometrics 142 (bunching at a threshold). Newcombe (1998),
Statistics in Medicine 17. Korn and Graubard (1998), Survey Methodology 24. Courty and Marschke (2004), Journal of
Labor Economics 22.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pandas as pd

from alignment_toolkit.indicator import LEAD_ENDS, Data, Observation, evidence, indicator
from alignment_toolkit.indicator.parts import between
from alignment_toolkit.languages import say
from alignment_toolkit.periods import Period
from alignment_toolkit.results import Chart, Column, Guard, Measure
from alignment_toolkit.statistics.between import Compared, compared
from alignment_toolkit.statistics.placebos import Beyond, beyond_placebos
from alignment_toolkit.statistics.shares import wilson

PLACEBOS = (-20.0, -10.0, 10.0, 20.0)
FIELDS = {
    "leads.marketing_score": ("leads", "lead", "lead_id", "created_at", "marketing_score"),
    "assessments.potential": ("assessments", "assessment", "assessment_id", "assessed_at", "potential"),
}
LISTS = ("list_id", "field", "threshold", "freezes_on")
EDITS = ("edited_at", "entity", "entity_id", "field", "old_value", "new_value", "department")


@indicator(
    question="Do edits shortly before a list is drawn bring accounts onto it?",
    title="Few accounts come onto lists by late edits",
    failure_title="Accounts come onto lists by late edits",
    nature="strategic",
    area="targeting",
    kind="contrast",
    unit="share",
    margin=0.03,
    enough={"listed accounts": 200},
    window="history",
    population="accounts on a list on the day that it was frozen",
    needs={"lists": LISTS, "edits": EDITS},
    any_of=(
        {"leads": ("lead_id", "account_id", "created_at", "marketing_score")},
        {"assessments": ("assessment_id", "account_id", "assessed_at", "potential")},
    ),
    uses={
        "lists": ("name",),
        "edits": ("actor",),
        "leads": ("lead_id", "account_id", "created_at", "marketing_score", "received_by"),
        "assessments": ("assessment_id", "account_id", "assessed_at", "potential"),
        "people": ("person_id", "kind"),
    },
    uses_relations=("clients",),
    looked_up=("lists", "edits", "people", "clients"),
    outcomes={"leads": ("marketing_score", "list_id", *LEAD_ENDS), "assessments": ("potential", "target")},
    says=(
        "Edits by sales brought {lifted} of {listed} listed accounts over the threshold in the {days} days before the "
        "list was frozen; at thresholds that decide nothing it was {placebo} on average. The difference is {gap}."
    ),
    who=("sales", "marketing"),
    advice=(
        "Read the lifted accounts together and ask what was learnt between the two values. Freeze the field some weeks "
        "before the list, or let every edit of it carry a reason."
    ),
    innocent={
        "marketing": "A threshold that shuts out good clients invites corrections.",
        "sales": "Who knows a client best corrects its data when a list comes up, because then it matters.",
    },
)
def score_gaming(data: Data, window: Period, *, days: int = 60) -> Observation:
    """A list is worth what its scores are worth.

    Where scores move because a list is due, marketing spends on accounts whose scores say less, and nobody learns
    which scores were wrong.
    """
    lists, skipped = _lists(data, window)
    edits = _edits(data)
    lifts, listed = _lifts(data, lists, edits, days)
    own = lifts[lifts.department == "sales"]
    crossed = own.groupby("placebo").account_list.nunique()
    lifted = int(crossed.get(0.0, 0))
    placebo = sum(int(crossed.get(p, 0)) for p in PLACEBOS)
    entries = sum(len(accounts) for accounts in listed.values())
    beyond = _beyond(own, entries)
    rows = own[own.placebo == 0].sort_values(
        ["freezes_on", "account_id", "edited_at"], ascending=[False, True, True]
    )
    rows = rows.drop_duplicates("account_list")
    rows = rows.assign(put_back=_put_back(rows, edits))
    rows = rows.assign(after=[say("put back") if back else say("stayed") for back in rows.put_back])
    columns = [
        Column("account_id", say("Account"), None, "id"),
        Column("list_name", say("List"), None, "dimension"),
        Column("freezes_on", say("Frozen"), None, "time"),
        Column("edited_at", say("Edited"), None, "time"),
        Column("old", say("Value before"), "index", "measure"),
        Column("new", say("Value after"), "index", "measure"),
        Column("after", say("After the freeze"), None, "dimension"),
    ]
    measures, guards = _signs(data, rows, lifts, listed, lists)
    guards += _of_people(beyond)
    if skipped:
        guards.append(
            Guard(
                "join_health",
                say(
                    "Lists that stand on other fields than {fields}, and are left out: {skipped}.",
                    skipped=skipped,
                    fields=", ".join(_known(data)),
                ),
            )
        )
    return Observation(
        gap=beyond.gap,
        values={
            "lifted": say("{lifted:,}", lifted=lifted),
            "listed": say("{entries:,}", entries=entries),
            "placebo": say("{placebo:.1f}", placebo=placebo / 4),
        },
        counts={"listed accounts": entries},
        measures=measures,
        guards=guards,
        evidence=evidence(rows, columns),
        chart=_chart(own, entries),
    )


def _beyond(own: pd.DataFrame, entries: int) -> Beyond:
    """Compare what crossed the threshold with what crossed placebos, knowing whose edits these were."""
    crossed = own.drop_duplicates(["account_list", "placebo"])
    day = pd.to_datetime(crossed.edited_at).dt.date.astype(str)
    people = crossed.actor.where(crossed.actor.notna(), "on " + day)
    at = crossed.placebo.map({0.0: 0} | {p: n + 1 for n, p in enumerate(PLACEBOS)})
    return beyond_placebos(
        at, people, people + " " + day, crossed.account_id, rows=entries, placebos=len(PLACEBOS),
        n_unit="listed accounts",
    )  # fmt: skip


def _of_people(beyond: Beyond) -> list[Guard]:
    guards = []
    if beyond.alone:
        said = say(
            "All edits that crossed a threshold are one person's, or of one day where nobody is on record: where these "
            "happen to lie cannot be told from what the list does."
        )
        guards.append(Guard("confounding", said))
    if beyond.explained:
        said = say(
            "More accounts were lifted over the list's threshold than over others, but no more than may come of where "
            "on the scale each person happens to edit."
        )
        guards.append(Guard("confounding", said))
    return guards


def _lists(data: Data, window: Period) -> tuple[pd.DataFrame, int]:
    t = data["lists"]
    t = t.filter(
        t.freezes_on >= str(window.start),
        t.freezes_on < str(window.end),
        t.threshold.notnull(),
        t.field.notnull(),
    )
    rows = data.fetch(t.order_by(["freezes_on", "list_id"]))
    rows = rows.assign(
        field=rows.field.str.strip().str.lower(),
        freezes_on=pd.to_datetime(rows.freezes_on),
        threshold=rows.threshold.astype(float),
        list_name=rows["name"].fillna(rows.list_id) if "name" in rows.columns else rows.list_id,
    )
    known = rows.field.isin(_known(data))
    return rows[known].reset_index(drop=True), int((~known).sum())


def _known(data: Data) -> list[str]:
    """Name the fields of lists that are told here: of a channel leads' scores are, opinions on accounts are not."""
    return [f for f, (table, *_) in FIELDS.items() if data.has(table, *_columns(f))]


def _columns(field: str) -> tuple[str, ...]:
    _, _, key, at, value = FIELDS[field]
    return key, "account_id", at, value


def _edits(data: Data) -> pd.DataFrame:
    """Give the numeric edits of the lists' fields by people, oldest first."""
    t = data["edits"]
    t = t.filter(t.entity.isin([f[1] for f in FIELDS.values()]), t.old_value.notnull(), t.new_value.notnull())
    if data.has("edits", "actor") and data.has("people", "person_id", "kind"):
        machines = data["people"].filter(data["people"].kind == "system")
        t = t.anti_join(machines, t.actor == machines.person_id)
    columns = [*EDITS, *(c for c in ("actor",) if data.has("edits", c))]
    rows = data.fetch(t.select(columns).order_by(["edited_at", "entity_id", "old_value", "new_value"]))
    last = rows.field.str.strip().str.lower().str.split(".").str[-1]
    rows = rows.assign(
        field=rows.entity.map({f[1]: name for name, f in FIELDS.items()}),
        actor=rows.actor if "actor" in rows.columns else None,
        old=pd.to_numeric(rows.old_value, errors="coerce"),
        new=pd.to_numeric(rows.new_value, errors="coerce"),
        edited_at=pd.to_datetime(rows.edited_at),
    )
    own = last == rows.entity.map({f[1]: f[4] for f in FIELDS.values()})
    return rows[own.fillna(False).astype(bool) & rows.old.notna() & rows.new.notna()].reset_index(drop=True)


def _lifts(
    data: Data, lists: pd.DataFrame, edits: pd.DataFrame, days: int
) -> tuple[pd.DataFrame, dict[str, set[str]]]:
    """Give the edits that cross a threshold or a placebo in time, and the accounts that stand on each list."""
    names = [
        "account_id",
        "department",
        "edited_at",
        "old",
        "new",
        "placebo",
        "list_id",
        "list_name",
        "freezes_on",
    ]
    names += ["threshold", "field", "entity_id", "account_list", "actor"]
    found: list[pd.DataFrame] = []
    listed: dict[str, set[str]] = {}
    for field, part in lists.groupby("field", sort=True):
        table, _, key, at, value = FIELDS[str(field)]
        t = data[table]
        rows = data.fetch(
            t.filter(t[value].notnull(), t.account_id.notnull()).select(key, "account_id", at, value)
        )
        rows = rows.rename(columns={key: "entity_id", at: "at", value: "value"})
        rows = rows.assign(at=pd.to_datetime(rows["at"]), value=rows["value"].astype(float)).set_index(
            "entity_id"
        )
        own = edits[(edits.field == field) & edits.entity_id.isin(rows.index)]
        for entry in part.to_dict("records"):
            freeze, threshold = pd.Timestamp(entry["freezes_on"]), float(entry["threshold"])
            before, after = own[own.edited_at < freeze], own[own.edited_at >= freeze]
            now = rows["value"].copy()
            first_after = after.drop_duplicates("entity_id", keep="first").set_index("entity_id").old
            now.loc[first_after.index] = first_after
            last_before = before.drop_duplicates("entity_id", keep="last").set_index("entity_id").new
            now.loc[last_before.index] = last_before
            there = rows["at"] < freeze
            if table == "assessments":
                there &= rows["at"] >= freeze - timedelta(days=365)
            there &= now >= threshold
            listed[str(entry["list_id"])] = set(rows.account_id[there])
            near = before[before.edited_at >= freeze - timedelta(days=days)]
            for placebo in (0.0, *PLACEBOS):
                limit = threshold + placebo
                up = near[(near.old < limit) & (near.new >= limit)]
                account = rows.account_id.reindex(up.entity_id).to_numpy()
                found.append(up.assign(
                    account_id=account, placebo=placebo, list_id=entry['list_id'], list_name=entry['list_name'],
                    freezes_on=freeze, threshold=threshold, account_list=[f"{a} {entry['list_id']}" for a in account],
                )[names])  # fmt: skip
    lifts = pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=names)
    return lifts, listed


def _put_back(rows: pd.DataFrame, edits: pd.DataFrame) -> list[bool]:
    """Say of each lifted account whether the field fell below the threshold again after the freeze."""
    later = (
        rows[["entity_id", "freezes_on", "threshold"]]
        .reset_index()
        .merge(edits[["entity_id", "edited_at", "old", "new"]], on="entity_id")
    )
    back = later[
        (later.edited_at >= later.freezes_on) & (later.new < later.threshold) & (later.old >= later.threshold)
    ]
    gone = set(back["index"])
    return [i in gone for i in rows.index]


def _signs(
    data: Data, rows: pd.DataFrame, lifts: pd.DataFrame, listed: dict[str, set[str]], lists: pd.DataFrame
) -> tuple[list[Measure], list[Guard]]:
    """Say what tells gaming from correcting: put back afterwards, worse than the others, done by one side only."""
    back = int(rows.put_back.sum()) if len(rows) else 0
    share = wilson(back, len(rows), n_unit="lifted accounts").estimate
    measures = []
    if len(rows):
        measures = [Measure.of("put_back", say("Lifted accounts that were put back after the freeze"), share)]
        tens = wilson(int((rows.new % 10 == 0).sum()), len(rows), n_unit="lifted accounts").estimate
        measures.append(Measure.of("round_numbers", say("Lifted to a full ten"), tens))
    worse = False
    guards: list[Guard] = []
    known = data.known_until("clients") if data.has_relation("clients") else None
    if known is not None and len(rows):
        t = data.relation("clients")
        since = data.fetch(t.filter(t.account_id.notnull()).select("account_id", "client_since"))
        days = pd.to_datetime(since.drop_duplicates("account_id").set_index("account_id").client_since)
        made = []
        lifted, receivers = set(rows.account_list), _receivers(data)
        for entry in lists.to_dict("records"):
            freeze = pd.Timestamp(entry["freezes_on"])
            if freeze + pd.Timedelta(days=180) > pd.Timestamp(known):
                continue
            accounts = sorted(listed.get(str(entry["list_id"]), ()))
            day = days.reindex(accounts)
            part = pd.DataFrame({"lifted": [f"{a} {entry['list_id']}" in lifted for a in accounts]})
            part["account"], part["person"] = accounts, receivers(freeze).reindex(accounts).to_numpy()
            part["won"] = ((day >= freeze) & (day < freeze + pd.Timedelta(days=180))).to_numpy()
            made.append(part.assign(list=entry["list_id"])[~(day < freeze).to_numpy()])
        if made:
            seen = _outcome(pd.concat(made, ignore_index=True))
            e = seen.gap.estimate
            label = say("New clients within 180 days: lifted accounts minus the others on the list")
            if seen.within:
                label = say(
                    "New clients within 180 days: lifted accounts minus the others on the list that the same people "
                    "received"
                )
            # What rests on one person would be a number of that person.
            if not seen.alone:
                measures.append(Measure.of("outcome", label, e.in_points()))
            guards += between(seen, say("In becoming clients, lifted accounts and the others on the list"))
            worse = e.high is not None and e.high < 0
    if len(rows) and back == 0 and not worse:
        said = say("Lifted accounts were not put back and did not do worse than the others on the list")
        guards.append(Guard("confounding", say("{said}: the edits may have been corrections.", said=said)))
    others = lifts[
        (lifts.placebo == 0) & lifts.department.notna() & (lifts.department != "sales")
    ].account_list.nunique()
    if len(rows) and others >= len(rows):
        said = say(
            "Other departments lifted {others:,} accounts in the same days, sales {rows:,}",
            others=others,
            rows=len(rows),
        )
        guards.append(Guard("confounding", say("{said}: everybody cleaned up.", said=said)))
    return measures, guards


def _receivers(data: Data) -> Callable[[pd.Timestamp], pd.Series]:
    """Give whom each account's latest lead before a day was handed to."""
    if not data.has("leads", "account_id", "created_at", "received_by"):
        return lambda day: pd.Series(dtype=object)
    t = data["leads"]
    t = t.filter(t.account_id.notnull(), t.received_by.notnull())
    leads = data.fetch(
        t.select("account_id", "created_at", "received_by").order_by(["created_at", "received_by"])
    )
    at = pd.to_datetime(leads.created_at)
    return lambda day: (
        leads[at < day].drop_duplicates("account_id", keep="last").set_index("account_id").received_by
    )


def _outcome(peers: pd.DataFrame) -> Compared:
    """Compare what became of lifted accounts and of the others on the list, knowing whose they are."""
    kinds = {}
    if peers.person.notna().any():
        kinds["people"] = peers.person
    if peers.account.duplicated().any():
        kinds["accounts"] = peers.account
    return compared(
        peers.lifted, peers.won, np.ones(len(peers)), peers["list"], n_unit="listed accounts", **kinds
    )


def _chart(own: pd.DataFrame, entries: int) -> Chart | None:
    if not entries:
        return None
    crossed = own.groupby("placebo").account_list.nunique()
    rows, lifted = [], {}
    for placebo in sorted((0.0, *PLACEBOS)):
        e = wilson(min(int(crossed.get(placebo, 0)), entries), entries, n_unit="listed accounts").estimate
        where = say("the list's threshold") if placebo == 0 else say("{placebo:+.0f} points", placebo=placebo)
        rows.append({"threshold": where, "lifted": e.value, "low": e.low, "high": e.high})
        lifted[placebo] = float(e.value or 0)
    real, other = lifted.pop(0.0), float(np.mean(list(lifted.values())))
    title = say(
        "{real:.1f} % of listed accounts were lifted over the threshold, {other:.1f} % over others",
        real=100 * real,
        other=100 * other,
    )
    return Chart("bars", "threshold", "lifted", "low", "high", rows=tuple(rows), title=title)
