"""The canonical tables, declared one by one; the order here is the canonical order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from alignment_toolkit.tables.spec import ColumnSpec, ColumnType, Rule, TableSpec

__all__ = ["DEPARTMENTS", "TABLES", "TOUCH_CHANNELS"]

DEPARTMENTS: Final = ("marketing", "sales", "service", "operations", "company", "other")
TOUCH_CHANNELS: Final = ("email", "phone", "meeting", "visit", "chat", "web", "event", "social", "mail", "ad")
_CONTACT_ROLES: Final = ("decision_maker", "influencer", "user", "gatekeeper")
_INTENTS: Final = ("attack", "defend", "release")
_POSITIONS: Final = ("benefit", "price")
_AUDIENCES: Final = ("new", "existing", "both")


def column(
    name: str,
    kind: ColumnType,
    about: str = "",
    *,
    words: Iterable[str] = (),
    vocabulary: str = "",
    low: float | None = None,
    high: float | None = None,
    default: str | None = None,
) -> ColumnSpec:
    """Write one column; a name that ends in `!` is required."""
    bounds = {"share": (0.0, 1.0), "score": (0.0, 100.0)}.get(kind, (low, high))
    plain = name.rstrip("!")
    return ColumnSpec(
        name=plain,
        type=kind,
        required=name.endswith("!"),
        about=about,
        words=tuple(words),
        vocabulary=vocabulary or (plain if kind == "word" else ""),
        low=bounds[0],
        high=bounds[1],
        default=default,
    )


# A column of these names points at that table, wherever it stands, unless the table says otherwise.
_USUAL_REFERENCES: Final = {
    "account_id": ("accounts", "account_id"),
    "contact_id": ("contacts", "contact_id"),
    "lead_id": ("leads", "lead_id"),
    "opportunity_id": ("opportunities", "opportunity_id"),
    "campaign_id": ("campaigns", "campaign_id"),
    "product_id": ("products", "product_id"),
    "list_id": ("lists", "list_id"),
    "referred_by": ("accounts", "account_id"),
}


def table(
    name: str,
    group: str,
    about: str,
    *columns: ColumnSpec,
    key: str | None = None,
    date: str | None = None,
    events: tuple[str, ...] = (),
    unique: tuple[tuple[str, ...], ...] = (),
    department_of: str | None = None,
    rules: tuple[Rule, ...] = (),
) -> TableSpec:
    all_columns = list(columns)
    if key is not None:
        all_columns += [
            column("deleted_at", "timestamp", "the row counts until then"),
            column("merged_into", "id", f"the {key} that this row became part of; followed in every table"),
        ]
    references = {
        c.name: _USUAL_REFERENCES[c.name]
        for c in all_columns
        if c.name in _USUAL_REFERENCES and c.name != key
    }
    return TableSpec(
        name=name,
        about=about,
        group=group,
        columns={c.name: c for c in all_columns},
        key=key,
        date=date,
        event_columns=events,
        references=references,
        unique=unique,
        department_of=department_of,
        rules=rules,
    )


def department(
    name: str = "department", about: str = "whose it is", default: str | None = None
) -> ColumnSpec:
    return column(name, "word", about, words=DEPARTMENTS, vocabulary="department", default=default)


def touch_channel(name: str, about: str) -> ColumnSpec:
    return column(name, "word", about, words=TOUCH_CHANNELS, vocabulary="touch_channel")


_ACCOUNT = column("account_id", "id", "the account")
_PRODUCT = column("product_id", "id", "the product")
_CAMPAIGN = column("campaign_id", "id", "the campaign")
_REGION = column("region", "word", "region")
_SEGMENT = column("segment", "word", "segment")
_CHANNEL = column("channel", "word", "where it came from: `paid_search`, `referral` ...")
_CURRENCY = column("currency", "word", "code of the row's currency; empty: the company's")
_PEOPLE, _SOLD, _OFFER = "People", "Who is sold to", "What is offered"
_MARKETING, _SALES, _PLAN = "Marketing's work", "Sales' work", "The plan and the people"

_ALL: Final = (
    table(
        "people", _PEOPLE, "The company's own people. Every owner, actor, assessor and received_by is a person_id.",
        column("person_id!", "id", "the person"),
        department("department!"),
        column("name", "text", "name; never folded"),
        column("role", "word", "place", words=("head", "manager", "member"), vocabulary="person_role"),
        column("team", "word", "team"),
        _REGION,
        column("kind", "word", "a person or a program", words=("human", "system"), vocabulary="person_kind"),
        column("joined_on", "date", "first day"),
        column("left_on", "date", "last day"),
        key="person_id",
    ),
    table(
        "accounts", _SOLD, "A company or person who is or may become a client.",
        column("account_id!", "id", "the account"),
        column("name", "text", "name; never folded"),
        column("industry", "word", "industry"),
        _REGION,
        column("country", "word", "country"),
        column("size", "word", "size, as a band or a number"),
        column("segment", "word", "segment as marketing has it now"),
        column("owner", "id", "the person who has it now"),
        column("territory", "word", "territory"),
        column("created_at", "timestamp", "when it was first recorded"),
        column("client_since", "date", "first day as a client, if known from before the data begins"),
        column("intent", "word", "short for `intents`, undated", words=_INTENTS, vocabulary="intent"),
        column("contract_until", "date", "last day of the contract"),
        column("service_contract", "bool", "has a service contract"),
        column("fiscal_year_starts", "integer", "month in which the client's own fiscal year starts", low=1, high=12),
        key="account_id", date="created_at",
    ),
    table(
        "contacts", _SOLD, "A person at an account.",
        column("contact_id!", "id", "the contact"),
        column("account_id!", "id", "the account"),
        column("name", "text", "name; never folded"),
        column("role", "word", "part in the decision", words=_CONTACT_ROLES, vocabulary="contact_role"),
        touch_channel("preferred_channel", "how the person wants to be reached"),
        column("known_on", "date", "when the role became known"),
        key="contact_id",
    ),
    table(
        "assessments", _SOLD, "What either department thinks of an account, each time it says so.",
        column("assessment_id!", "id", "the assessment"),
        column("account_id!", "id", "the account"),
        department("department!", "who judges"),
        column("assessed_at!", "timestamp", "when"),
        column("assessor", "id", "the person who judged"),
        column("potential", "score", "potential, 0 to 100"),
        column("target", "bool", "should be pursued"),
        key="assessment_id", date="assessed_at", department_of="assessor",
    ),
    table(
        "intents", _SOLD, "What the strategic plan wants of an account.",
        column("account_id!", "id", "the account"),
        column("intent!", "word", "what is wanted", words=_INTENTS, vocabulary="intent"),
        column("decided_on!", "date", "when it was decided"),
        department(),
        column("review_on", "date", "when it is looked at again"),
        date="decided_on",
    ),
    table(
        "lists", _SOLD, "A target list and its threshold.",
        column("list_id!", "id", "the list"),
        column("name", "text", "name; never folded"),
        column("field", "text", "the field that decides, as table.column: `assessments.potential`"),
        column("threshold", "number", "the least value that is listed"),
        column("freezes_on", "date", "the day on which the list is closed"),
        department(),
        key="list_id", date="freezes_on",
    ),
    table(
        "products", _OFFER, "What the company sells.",
        column("product_id!", "id", "the product"),
        column("name", "text", "name; never folded"),
        column("category", "word", "category", vocabulary="product_category"),
        column("list_price", "money", "list price"),
        column("unit_cost", "money", "cost of one unit"),
        column("positioning", "word", "sold on its benefit or its price", words=_POSITIONS, vocabulary="positioning"),
        column("launched_on", "date", "day of launch"),
        _CURRENCY,
        key="product_id",
    ),
    table(
        "value_ratings", _OFFER, "How a client rates one attribute of an offer (value = benefit / price).",
        column("rating_id!", "id", "the rating"),
        column("offer!", "text", "the offer rated"),
        column("attribute!", "word", "the attribute rated"),
        column("rating!", "number", "1 to 10", low=1, high=10),
        column("rater_id", "id", "who rates"),
        _ACCOUNT,
        column("rated_on", "date", "when"),
        column("importance", "number", "weight of the attribute, positive", low=0),
        column("kind", "word", "kind of attribute", words=("rational", "emotional"), vocabulary="attribute_kind"),
        column("price", "money", "price of the offer"),
        _CURRENCY,
        column("owner", "word", "`own` or the rival's name", vocabulary="rival"),
        column("product_id", "id", "the product, for own offers"),
        column("category", "word", "offers that are compared with each other", vocabulary="product_category"),
        key="rating_id", date="rated_on",
    ),
    table(
        "campaigns", _MARKETING, "A campaign.",
        column("campaign_id!", "id", "the campaign"),
        column("name", "text", "name; never folded"),
        _CHANNEL,
        column("starts_on", "date", "first day"),
        column("ends_on", "date", "last day, often planned; says nothing of what is complete"),
        _PRODUCT,
        column("theme", "word", "what it says: `reliability`, `speed`, `low cost` ...", vocabulary="theme"),
        column("positioning", "word", "on benefit or on price", words=_POSITIONS, vocabulary="positioning"),
        column("appeal", "word", "to reason or feeling", words=("rational", "emotional", "both"), vocabulary="appeal"),
        column("offer", "word", "what is given", words=("none", "special_offer", "discount"), vocabulary="offer_kind"),
        column("audience", "word", "whom it addresses", words=_AUDIENCES, vocabulary="audience"),
        column("target_role", "word", "role it addresses", words=_CONTACT_ROLES, vocabulary="contact_role"),
        column("target_segment", "word", "segment it addresses", vocabulary="segment"),
        touch_channel("follow_up_channel", "how answers are to be followed up"),
        key="campaign_id", date="starts_on",
    ),
    table(
        "spend", _MARKETING, "Money and people cost of either department.",
        column("spent_on!", "date", "the day it counts for"),
        column("amount!", "money", "amount, net"),
        column("spend_id", "id", "unique if given"),
        department(about="who spent it", default="marketing"),
        _CHANNEL, _CAMPAIGN, _PRODUCT, _REGION, _SEGMENT, _ACCOUNT,
        column("category", "word", "what for", vocabulary="spend_category",
           words=("media", "people", "tools", "commission", "events", "other")),
        column("audience", "word", "whom it addresses", words=_AUDIENCES, vocabulary="audience"),
        _CURRENCY,
        date="spent_on", unique=(("spend_id",),),
    ),
    table(
        "results", _MARKETING, "Aggregates of advertising platforms.",
        column("result_id!", "id", "the row"),
        column("kind!", "word", "what is counted", words=("impressions", "clicks", "enquiries", "sales"),
           vocabulary="result_kind"),
        column("count!", "number", "how many", low=0),
        column("on", "date", "the day it counts for"),
        _CHANNEL, _CAMPAIGN, _PRODUCT,
        key="result_id", date="on",
    ),
    table(
        "leads", _MARKETING, "Somebody who showed interest, once.",
        column("lead_id!", "id", "the lead"),
        column("created_at!", "timestamp", "when it came in"),
        _ACCOUNT,
        column("contact_id", "id", "the contact"),
        _CAMPAIGN, _PRODUCT, _REGION, _CHANNEL,
        touch_channel("response_channel", "how the person answered"),
        column("need", "word", "what the person needs, in the words of campaigns.theme", vocabulary="theme"),
        column("marketing_score", "score", "0 to 100, at hand-over"),
        department("sourced_by", "who brought it", default="marketing"),
        column("qualified_at", "timestamp", "handed to sales (MQL)"),
        column("received_by", "id", "the person it was handed to"),
        column("accepted_at", "timestamp", "taken by sales (SAL)"),
        column("rejected_at", "timestamp", "given back"),
        column("reject_reason", "word", "why it was given back"),
        column("owner", "id", "the person who has it now"),
        column("status", "word", "status in the source's words", vocabulary="lead_status"),
        column("list_id", "id", "the target list"),
        column("converted_at", "timestamp", "became a client, if the source says so"),
        column("referred_by", "id", "the account that recommended the company"),
        key="lead_id", date="created_at", events=("created_at", "qualified_at"),
    ),
    table(
        "opportunities", _SALES, "A deal, open or closed.",
        column("opportunity_id!", "id", "the opportunity"),
        column("opened_at!", "timestamp", "when it was opened"),
        _ACCOUNT,
        column("lead_id", "id", "the lead it came from"),
        column("owner", "id", "the person who has it"),
        _PRODUCT, _REGION, _CHANNEL, _CAMPAIGN,
        department("sourced_by", "who brought it"),
        column("stage", "word", "stage in the source's words"),
        column("closed_at", "timestamp", "won or lost"),
        column("outcome", "word", "empty while open", words=("won", "lost"), vocabulary="outcome"),
        column("amount", "money", "amount, net"),
        column("list_amount", "money", "the same at list price; discount = 1 - amount / list_amount"),
        column("motion", "word", "first or repeated sale", words=("new", "repeat"), vocabulary="motion"),
        column("pitch", "word", "what it was sold on", words=("benefit", "price", "total_cost"), vocabulary="pitch"),
        column("competitor", "word", "the rival", vocabulary="rival"),
        column("lost_reason", "word", "why it was lost"),
        column("win_reason", "word", "why it was won"),
        _CURRENCY,
        key="opportunity_id", date="opened_at", events=("opened_at", "closed_at"),
    ),
    table(
        "opportunity_contacts", _SALES, "Who takes part in a deal.",
        column("opportunity_id!", "id", "the opportunity"),
        column("contact_id!", "id", "the contact"),
        column("role", "word", "part in the decision", words=_CONTACT_ROLES, vocabulary="contact_role"),
    ),
    table(
        "orders", _SALES, "An order line; returns are negative. An order is a distinct (order_id, account_id).",
        column("order_id!", "id", "the order"),
        column("ordered_at!", "timestamp", "when"),
        column("amount!", "money", "the line's total, net of tax and freight"),
        column("account_id", "id", "may be empty: counts as revenue, not as a client"),
        column("line_id", "id", "unique if given"),
        _PRODUCT,
        column("quantity", "number", "how many; negative for a return"),
        column("list_amount", "money", "the same at list price"),
        column("cost", "money", "cost of the line"),
        column("opportunity_id", "id", "the opportunity it came from"),
        _CHANNEL, _REGION,
        column("promised_on", "date", "promised for"),
        column("delivered_on", "date", "delivered on"),
        _CURRENCY,
        date="ordered_at", events=("ordered_at",), unique=(("line_id",),),
    ),
    table(
        "touches", _SALES, "Every contact with a prospect or client by either department. Effort is minutes.",
        column("touch_id!", "id", "the touch"),
        column("touched_at!", "timestamp", "when"),
        department("department!", "who acted"),
        _ACCOUNT,
        column("contact_id", "id", "the contact"),
        column("lead_id", "id", "the lead"),
        column("opportunity_id", "id", "the opportunity"),
        _CAMPAIGN, _PRODUCT,
        column("actor", "id", "the person who acted"),
        touch_channel("channel", "by what means"),
        column("direction", "word", "who began it", words=("outbound", "inbound"), vocabulary="direction"),
        column("theme", "word", "what was said, in the words of campaigns.theme", vocabulary="theme"),
        column("minutes", "number", "effort; empty: the setting for that channel", low=0),
        column("automated", "bool", "done by a program: no effort", default="false"),
        key="touch_id", date="touched_at", events=("touched_at",), department_of="actor",
    ),
    table(
        "edits", _SALES, "The field history of the customer database.",
        column("edit_id!", "id", "the edit"),
        column("edited_at!", "timestamp", "when"),
        column("entity!", "word", "what was edited", vocabulary="entity",
           words=("account", "lead", "contact", "opportunity", "assessment")),
        column("entity_id!", "id", "its id"),
        column("field!", "text", "the field"),
        department(about="who edited"),
        _ACCOUNT,
        column("actor", "id", "the person who edited"),
        column("old_value", "text", "before"),
        column("new_value", "text", "after"),
        key="edit_id", date="edited_at", department_of="actor",
    ),
    table(
        "training", _SALES, "Who was trained on what.",
        column("actor!", "id", "the person"),
        column("trained_on!", "date", "when"),
        _PRODUCT, _CAMPAIGN,
        column("kind", "word", "kind of training", vocabulary="training_kind"),
        date="trained_on",
    ),
    table(
        "plan", _PLAN, "What the company's plan says.",
        column("dimension!", "word", "what the key is", vocabulary="plan_dimension",
           words=("product", "category", "segment", "channel", "region", "kpi")),
        column("key!", "text", "the product, category, segment, channel, region or KPI"),
        department("department!", "for whom"),
        column("measure!", "word", "`share`: 0 to 1; `target`: of a KPI; `price`: price level, 1 = market",
           vocabulary="plan_measure",
           words=("share", "target", "price")),
        column("value!", "number", "the value"),
        column("period", "text", "the period it holds for; empty: always"),
        rules=(Rule("value", "measure", "share", 0, 1),),
    ),
    table(
        "signals", _PLAN, "A sign of change at a client, recorded by anyone.",
        column("signal_id!", "id", "the signal"),
        column("account_id!", "id", "the account"),
        column("signalled_at!", "timestamp", "when"),
        column("kind!", "word", "what it is a sign of", vocabulary="signal_kind",
           words=("dissatisfaction", "process_change", "strategy_change", "people_change", "competitor",
                  "environment")),
        department(about="who saw it"),
        column("person_id", "id", "the person who saw it"),
        column("answered_at", "timestamp", "when somebody acted on it"),
        key="signal_id", date="signalled_at", department_of="person_id",
    ),
    table(
        "survey", _PLAN, "One answer to one item of the questionnaire.",
        column("respondent_id!", "id", "who answers"),
        department("department!", "whose view it is"),
        column("item!", "word", "`c01` to `c20`, `t01` to `t12`, or the company's own"),
        column("answer!", "integer", "1 to 5", low=1, high=5),
        column("wave", "text", "which round: `2026-Q3`"),
    ),
    table(
        "work", _PLAN, "Meetings, projects, procedures, and what is done to bring the departments together.",
        column("work_id!", "id", "the piece of work"),
        column("kind!", "word", "what it is", vocabulary="work_kind",
           words=("meeting", "project", "procedure", "ride_along", "job_swap")),
        column("started_on!", "date", "first day"),
        column("scope!", "word", "whose it is", words=("joint", "marketing", "sales"), vocabulary="scope"),
        column("ended_on", "date", "last day"),
        column("initiated_by", "id", "the person who began it"),
        column("team", "word", "team"),
        column("people", "number", "how many take part", low=0),
        column("approvals", "number", "how many approvals it takes", low=0),
        column("size", "word", "size, as a band or a number", vocabulary="work_size"),
        column("marketing_invited", "bool", "the head of marketing was invited"),
        column("sales_invited", "bool", "the head of sales was invited"),
        column("marketing_attended", "bool", "the head of marketing came"),
        column("sales_attended", "bool", "the head of sales came"),
        column("outcome", "word", "empty while open", words=("delivered", "not_delivered"), vocabulary="work_outcome"),
        key="work_id", date="started_on",
    ),
    table(
        "rates", _PLAN, "What one unit of a currency is worth in the company's, from that day on.",
        column("currency!", "word", "code of the currency"),
        column("valid_on!", "date", "from this day"),
        column("rate!", "number", "company's currency for one unit", low=0),
        date="valid_on", unique=(("currency", "valid_on"),),
    ),
)  # fmt: skip

TABLES: Final[dict[str, TableSpec]] = {t.name: t for t in _ALL}
"""The canonical tables by name, in canonical order."""

# A company that does not say its currency; one foreign word can't be told from another then.
UNSAID: Final = "XXX"

AMOUNTS: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "orders": (("ordered_at",), ("amount", "list_amount", "cost")),
    "opportunities": (("closed_at", "opened_at"), ("amount", "list_amount")),
    "spend": (("spent_on",), ("amount",)),
    "value_ratings": (("rated_on",), ("price",)),
}
"""The tables whose amounts have a day: the columns that give it (the first that is filled), and the amounts."""
