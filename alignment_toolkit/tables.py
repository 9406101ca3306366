"""The canonical tables, as data: columns, types, keys, references, meaning.

Everything that is loaded is typed, checked and documented from here; nothing else names a column of a source.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

__all__ = ["DEPARTMENTS", "TABLES", "TOUCH_CHANNELS", "ColumnSpec", "TableSpec", "data_dictionary"]

ColumnType = Literal[
    "text", "id", "word", "timestamp", "date", "money", "number", "integer", "share", "score", "bool"
]

DEPARTMENTS: Final = ("marketing", "sales", "service", "operations", "company", "other")
TOUCH_CHANNELS: Final = ("email", "phone", "meeting", "visit", "chat", "web", "event", "social", "mail", "ad")
_CONTACT_ROLES: Final = ("decision_maker", "influencer", "user", "gatekeeper")
_INTENTS: Final = ("attack", "defend", "release")
_POSITIONS: Final = ("benefit", "price")
_AUDIENCES: Final = ("new", "existing", "both")


@dataclass(frozen=True)
class ColumnSpec:
    """One canonical column.

    Attributes
    ----------
    name, type, about
        What it is called, how it is typed and what it means.
    required
        The column must be there and every cell filled, unless `may_be_empty`; a row without it is refused.
    words
        The only words that are allowed; empty where any word will do.
    vocabulary
        Columns of one vocabulary share their spelling, so that they can be compared (`need` and `theme`).
    low, high
        The least and the greatest value allowed.
    default
        What an empty cell or an absent column stands for.
    """

    name: str
    type: ColumnType
    required: bool = False
    may_be_empty: bool = False
    about: str = ""
    words: tuple[str, ...] = ()
    vocabulary: str = ""
    low: float | None = None
    high: float | None = None
    default: str | None = None


@dataclass(frozen=True)
class TableSpec:
    """One canonical table.

    Attributes
    ----------
    name, about, group
        What it is called, what one row is, and under which heading the dictionary lists it.
    columns
        The columns by name, in order.
    key
        The column that identifies a row, or None.
    date
        The column that dates a row (`Company.cohort` filters on it), or None.
    event_columns
        The dates of past events, from which "complete until" is known; empty where a table says nothing of that.
    references
        Column -> (table, column) it points at.
    unique
        Groups of columns of which no two rows may have the same (filled) values, besides the key.
    department_of
        The column with the person from whom an empty `department` is taken, or None.
    """

    name: str
    about: str
    group: str
    columns: Mapping[str, ColumnSpec]
    key: str | None = None
    date: str | None = None
    event_columns: tuple[str, ...] = ()
    references: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    unique: tuple[tuple[str, ...], ...] = ()
    department_of: str | None = None

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns that must be there."""
        return tuple(c.name for c in self.columns.values() if c.required)


def _c(
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


def _t(
    name: str,
    group: str,
    about: str,
    *columns: ColumnSpec,
    key: str | None = None,
    date: str | None = None,
    events: tuple[str, ...] = (),
    unique: tuple[tuple[str, ...], ...] = (),
    department_of: str | None = None,
) -> TableSpec:
    all_columns = list(columns)
    if key is not None:
        all_columns += [
            _c("deleted_at", "timestamp", "the row counts until then"),
            _c("merged_into", "id", f"the {key} that this row became part of; followed in every table"),
        ]
    references = {
        c.name: _USUAL_REFERENCES[c.name] for c in all_columns if c.name in _USUAL_REFERENCES and c.name != key
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
    )


def _department(name: str = "department", about: str = "whose it is", default: str | None = None) -> ColumnSpec:
    return _c(name, "word", about, words=DEPARTMENTS, vocabulary="department", default=default)


def _touch_channel(name: str, about: str) -> ColumnSpec:
    return _c(name, "word", about, words=TOUCH_CHANNELS, vocabulary="touch_channel")


_ACCOUNT = _c("account_id", "id", "the account")
_PRODUCT = _c("product_id", "id", "the product")
_CAMPAIGN = _c("campaign_id", "id", "the campaign")
_REGION = _c("region", "word", "region")
_SEGMENT = _c("segment", "word", "segment")
_CHANNEL = _c("channel", "word", "where it came from: `paid_search`, `referral` ...")
_CURRENCY = _c("currency", "word", "code of the row's currency; empty: the company's")
_PEOPLE, _SOLD, _OFFER = "People", "Who is sold to", "What is offered"
_MARKETING, _SALES, _PLAN = "Marketing's work", "Sales' work", "The plan and the people"

_ALL: Final = (
    _t(
        "people", _PEOPLE, "The company's own people. Every owner, actor, assessor and received_by is a person_id.",
        _c("person_id!", "id", "the person"),
        _department("department!"),
        _c("name", "text", "name; never folded"),
        _c("role", "word", "place in the department", words=("head", "manager", "member"), vocabulary="person_role"),
        _c("team", "word", "team"),
        _REGION,
        _c("kind", "word", "a person or a program", words=("human", "system"), vocabulary="person_kind"),
        _c("joined_on", "date", "first day"),
        _c("left_on", "date", "last day"),
        key="person_id",
    ),
    _t(
        "accounts", _SOLD, "A company or person who is or may become a client.",
        _c("account_id!", "id", "the account"),
        _c("name", "text", "name; never folded"),
        _c("industry", "word", "industry"),
        _REGION,
        _c("country", "word", "country"),
        _c("size", "word", "size, as a band or a number"),
        _c("segment", "word", "segment as marketing has it now"),
        _c("owner", "id", "the person who has it now"),
        _c("territory", "word", "territory"),
        _c("created_at", "timestamp", "when it was first recorded"),
        _c("client_since", "date", "first day as a client, if known from before the data begins"),
        _c("intent", "word", "short for `intents`, undated", words=_INTENTS, vocabulary="intent"),
        _c("contract_until", "date", "last day of the contract"),
        _c("service_contract", "bool", "has a service contract"),
        _c("fiscal_year_starts", "integer", "month in which the client's own fiscal year starts", low=1, high=12),
        key="account_id", date="created_at",
    ),
    _t(
        "contacts", _SOLD, "A person at an account.",
        _c("contact_id!", "id", "the contact"),
        _c("account_id!", "id", "the account"),
        _c("name", "text", "name; never folded"),
        _c("role", "word", "part in the decision", words=_CONTACT_ROLES, vocabulary="contact_role"),
        _touch_channel("preferred_channel", "how the person wants to be reached"),
        _c("known_on", "date", "when the role became known"),
        key="contact_id",
    ),
    _t(
        "assessments", _SOLD, "What either department thinks of an account, each time it says so.",
        _c("assessment_id!", "id", "the assessment"),
        _c("account_id!", "id", "the account"),
        _department("department!", "who judges"),
        _c("assessed_at!", "timestamp", "when"),
        _c("assessor", "id", "the person who judged"),
        _c("potential", "score", "potential, 0 to 100"),
        _c("target", "bool", "should be pursued"),
        key="assessment_id", date="assessed_at", department_of="assessor",
    ),
    _t(
        "intents", _SOLD, "What the strategic plan wants of an account.",
        _c("account_id!", "id", "the account"),
        _c("intent!", "word", "what is wanted", words=_INTENTS, vocabulary="intent"),
        _c("decided_on!", "date", "when it was decided"),
        _department(),
        _c("review_on", "date", "when it is looked at again"),
        date="decided_on",
    ),
    _t(
        "lists", _SOLD, "A target list and its threshold.",
        _c("list_id!", "id", "the list"),
        _c("name", "text", "name; never folded"),
        _c("field", "text", "the field that decides, as table.column: `assessments.potential`"),
        _c("threshold", "number", "the least value that is listed"),
        _c("freezes_on", "date", "the day on which the list is closed"),
        _department(),
        key="list_id", date="freezes_on",
    ),
    _t(
        "products", _OFFER, "What the company sells.",
        _c("product_id!", "id", "the product"),
        _c("name", "text", "name; never folded"),
        _c("category", "word", "category", vocabulary="product_category"),
        _c("list_price", "money", "list price"),
        _c("unit_cost", "money", "cost of one unit"),
        _c("positioning", "word", "sold on its benefit or its price", words=_POSITIONS, vocabulary="positioning"),
        _c("launched_on", "date", "day of launch"),
        _CURRENCY,
        key="product_id",
    ),
    _t(
        "value_ratings", _OFFER, "How a client rates one attribute of an offer (value = benefit / price).",
        _c("rating_id!", "id", "the rating"),
        _c("offer!", "text", "the offer rated"),
        _c("attribute!", "word", "the attribute rated"),
        _c("rating!", "number", "1 to 10", low=1, high=10),
        _c("rater_id", "id", "who rates"),
        _ACCOUNT,
        _c("rated_on", "date", "when"),
        _c("importance", "number", "weight of the attribute, positive", low=0),
        _c("kind", "word", "kind of attribute", words=("rational", "emotional"), vocabulary="attribute_kind"),
        _c("price", "money", "price of the offer"),
        _CURRENCY,
        _c("owner", "word", "`own` or the rival's name", vocabulary="rival"),
        _c("product_id", "id", "the product, for own offers"),
        _c("category", "word", "offers that are compared with each other", vocabulary="product_category"),
        key="rating_id", date="rated_on",
    ),
    _t(
        "campaigns", _MARKETING, "A campaign.",
        _c("campaign_id!", "id", "the campaign"),
        _c("name", "text", "name; never folded"),
        _CHANNEL,
        _c("starts_on", "date", "first day"),
        _c("ends_on", "date", "last day, often planned; says nothing of what is complete"),
        _PRODUCT,
        _c("theme", "word", "what it says: `reliability`, `speed`, `low cost` ...", vocabulary="theme"),
        _c("positioning", "word", "on benefit or on price", words=_POSITIONS, vocabulary="positioning"),
        _c("appeal", "word", "to reason or to feeling", words=("rational", "emotional", "both"), vocabulary="appeal"),
        _c("offer", "word", "what is given", words=("none", "special_offer", "discount"), vocabulary="offer_kind"),
        _c("audience", "word", "whom it addresses", words=_AUDIENCES, vocabulary="audience"),
        _c("target_role", "word", "role it addresses", words=_CONTACT_ROLES, vocabulary="contact_role"),
        _c("target_segment", "word", "segment it addresses", vocabulary="segment"),
        _touch_channel("follow_up_channel", "how answers are to be followed up"),
        key="campaign_id", date="starts_on",
    ),
    _t(
        "spend", _MARKETING, "Money and people cost of either department.",
        _c("spent_on!", "date", "the day it counts for"),
        _c("amount!", "money", "amount, net"),
        _c("spend_id", "id", "unique if given"),
        _department(about="who spent it", default="marketing"),
        _CHANNEL, _CAMPAIGN, _PRODUCT, _REGION, _SEGMENT, _ACCOUNT,
        _c("category", "word", "what for", vocabulary="spend_category",
           words=("media", "people", "tools", "commission", "events", "other")),
        _c("audience", "word", "whom it addresses", words=_AUDIENCES, vocabulary="audience"),
        _CURRENCY,
        date="spent_on", unique=(("spend_id",),),
    ),
    _t(
        "results", _MARKETING, "Aggregates of advertising platforms.",
        _c("result_id!", "id", "the row"),
        _c("kind!", "word", "what is counted", words=("impressions", "clicks", "enquiries", "sales"),
           vocabulary="result_kind"),
        _c("count!", "number", "how many", low=0),
        _c("on", "date", "the day it counts for"),
        _CHANNEL, _CAMPAIGN, _PRODUCT,
        key="result_id", date="on",
    ),
    _t(
        "leads", _MARKETING, "Somebody who showed interest, once.",
        _c("lead_id!", "id", "the lead"),
        _c("created_at!", "timestamp", "when it came in"),
        _ACCOUNT,
        _c("contact_id", "id", "the contact"),
        _CAMPAIGN, _PRODUCT, _REGION, _CHANNEL,
        _touch_channel("response_channel", "how the person answered"),
        _c("need", "word", "what the person needs, in the words of campaigns.theme", vocabulary="theme"),
        _c("marketing_score", "score", "0 to 100, at hand-over"),
        _department("sourced_by", "who brought it", default="marketing"),
        _c("qualified_at", "timestamp", "handed to sales (MQL)"),
        _c("received_by", "id", "the person it was handed to"),
        _c("accepted_at", "timestamp", "taken by sales (SAL)"),
        _c("rejected_at", "timestamp", "given back"),
        _c("reject_reason", "word", "why it was given back"),
        _c("owner", "id", "the person who has it now"),
        _c("status", "word", "status in the source's words", vocabulary="lead_status"),
        _c("list_id", "id", "the target list"),
        _c("converted_at", "timestamp", "became a client, if the source says so"),
        _c("referred_by", "id", "the account that recommended the company"),
        key="lead_id", date="created_at", events=("created_at", "qualified_at"),
    ),
    _t(
        "opportunities", _SALES, "A deal, open or closed.",
        _c("opportunity_id!", "id", "the opportunity"),
        _c("opened_at!", "timestamp", "when it was opened"),
        _ACCOUNT,
        _c("lead_id", "id", "the lead it came from"),
        _c("owner", "id", "the person who has it"),
        _PRODUCT, _REGION, _CHANNEL, _CAMPAIGN,
        _department("sourced_by", "who brought it"),
        _c("stage", "word", "stage in the source's words"),
        _c("closed_at", "timestamp", "won or lost"),
        _c("outcome", "word", "empty while open", words=("won", "lost"), vocabulary="outcome"),
        _c("amount", "money", "amount, net"),
        _c("list_amount", "money", "the same at list price; discount = 1 - amount / list_amount"),
        _c("motion", "word", "first or repeated sale", words=("new", "repeat"), vocabulary="motion"),
        _c("pitch", "word", "what it was sold on", words=("benefit", "price", "total_cost"), vocabulary="pitch"),
        _c("competitor", "word", "the rival", vocabulary="rival"),
        _c("lost_reason", "word", "why it was lost"),
        _c("win_reason", "word", "why it was won"),
        _CURRENCY,
        key="opportunity_id", date="opened_at", events=("opened_at", "closed_at"),
    ),
    _t(
        "opportunity_contacts", _SALES, "Who takes part in a deal.",
        _c("opportunity_id!", "id", "the opportunity"),
        _c("contact_id!", "id", "the contact"),
        _c("role", "word", "part in the decision", words=_CONTACT_ROLES, vocabulary="contact_role"),
    ),
    _t(
        "orders", _SALES, "An order line; returns are negative. An order is a distinct (order_id, account_id).",
        _c("order_id!", "id", "the order"),
        _c("ordered_at!", "timestamp", "when"),
        _c("amount!", "money", "the line's total, net of tax and freight"),
        _c("account_id", "id", "may be empty: counts as revenue, not as a client"),
        _c("line_id", "id", "unique if given"),
        _PRODUCT,
        _c("quantity", "number", "how many; negative for a return"),
        _c("list_amount", "money", "the same at list price"),
        _c("cost", "money", "cost of the line"),
        _c("opportunity_id", "id", "the opportunity it came from"),
        _CHANNEL, _REGION,
        _c("promised_on", "date", "promised for"),
        _c("delivered_on", "date", "delivered on"),
        _CURRENCY,
        date="ordered_at", events=("ordered_at",), unique=(("line_id",),),
    ),
    _t(
        "touches", _SALES, "Every contact with a prospect or client by either department. Effort is minutes.",
        _c("touch_id!", "id", "the touch"),
        _c("touched_at!", "timestamp", "when"),
        _department("department!", "who acted"),
        _ACCOUNT,
        _c("contact_id", "id", "the contact"),
        _c("lead_id", "id", "the lead"),
        _c("opportunity_id", "id", "the opportunity"),
        _CAMPAIGN, _PRODUCT,
        _c("actor", "id", "the person who acted"),
        _touch_channel("channel", "by what means"),
        _c("direction", "word", "towards or from the client", words=("outbound", "inbound"), vocabulary="direction"),
        _c("theme", "word", "what was said, in the words of campaigns.theme", vocabulary="theme"),
        _c("minutes", "number", "effort; empty: the setting for that channel", low=0),
        _c("automated", "bool", "done by a program: no effort", default="false"),
        key="touch_id", date="touched_at", events=("touched_at",), department_of="actor",
    ),
    _t(
        "edits", _SALES, "The field history of the customer database.",
        _c("edit_id!", "id", "the edit"),
        _c("edited_at!", "timestamp", "when"),
        _c("entity!", "word", "what was edited", vocabulary="entity",
           words=("account", "lead", "contact", "opportunity", "assessment")),
        _c("entity_id!", "id", "its id"),
        _c("field!", "text", "the field"),
        _department(about="who edited"),
        _ACCOUNT,
        _c("actor", "id", "the person who edited"),
        _c("old_value", "text", "before"),
        _c("new_value", "text", "after"),
        key="edit_id", date="edited_at", department_of="actor",
    ),
    _t(
        "training", _SALES, "Who was trained on what.",
        _c("actor!", "id", "the person"),
        _c("trained_on!", "date", "when"),
        _PRODUCT, _CAMPAIGN,
        _c("kind", "word", "kind of training", vocabulary="training_kind"),
        date="trained_on",
    ),
    _t(
        "plan", _PLAN, "What the company's plan says.",
        _c("dimension!", "word", "what the key is", vocabulary="plan_dimension",
           words=("product", "category", "segment", "channel", "region", "kpi")),
        _c("key!", "text", "the product, category, segment, channel, region or KPI"),
        _department("department!", "for whom"),
        _c("measure!", "word", "`share`: intended share, 0 to 1; `target`: of a KPI; `price`: price level, 1 = market",
           words=("share", "target", "price"), vocabulary="plan_measure"),
        _c("value!", "number", "the value"),
        _c("period", "text", "the period it holds for; empty: always"),
    ),
    _t(
        "signals", _PLAN, "A sign of change at a client, recorded by anyone.",
        _c("signal_id!", "id", "the signal"),
        _c("account_id!", "id", "the account"),
        _c("signalled_at!", "timestamp", "when"),
        _c("kind!", "word", "what it is a sign of", vocabulary="signal_kind",
           words=("dissatisfaction", "process_change", "strategy_change", "people_change", "competitor",
                  "environment")),
        _department(about="who saw it"),
        _c("person_id", "id", "the person who saw it"),
        _c("answered_at", "timestamp", "when somebody acted on it"),
        key="signal_id", date="signalled_at", department_of="person_id",
    ),
    _t(
        "survey", _PLAN, "One answer to one item of the questionnaire.",
        _c("respondent_id!", "id", "who answers"),
        _department("department!", "whose view it is"),
        _c("item!", "word", "`c01` to `c20`, `t01` to `t12`, or the company's own"),
        _c("answer!", "integer", "1 to 5", low=1, high=5),
        _c("wave", "text", "which round: `2026-Q3`"),
    ),
    _t(
        "work", _PLAN, "Meetings, projects, procedures, and what is done to bring the departments together.",
        _c("work_id!", "id", "the piece of work"),
        _c("kind!", "word", "what it is", vocabulary="work_kind",
           words=("meeting", "project", "procedure", "ride_along", "job_swap")),
        _c("started_on!", "date", "first day"),
        _c("scope!", "word", "whose it is", words=("joint", "marketing", "sales"), vocabulary="scope"),
        _c("ended_on", "date", "last day"),
        _c("initiated_by", "id", "the person who began it"),
        _c("team", "word", "team"),
        _c("people", "number", "how many take part", low=0),
        _c("approvals", "number", "how many approvals it takes", low=0),
        _c("size", "word", "size, as a band or a number", vocabulary="work_size"),
        _c("marketing_invited", "bool", "the head of marketing was invited"),
        _c("sales_invited", "bool", "the head of sales was invited"),
        _c("marketing_attended", "bool", "the head of marketing came"),
        _c("sales_attended", "bool", "the head of sales came"),
        _c("outcome", "word", "empty while open", words=("delivered", "not_delivered"), vocabulary="work_outcome"),
        key="work_id", date="started_on",
    ),
    _t(
        "rates", _PLAN, "What one unit of a currency is worth in the company's, from that day on.",
        _c("currency!", "word", "code of the currency"),
        _c("valid_on!", "date", "from this day"),
        _c("rate!", "number", "company's currency for one unit", low=0),
        date="valid_on", unique=(("currency", "valid_on"),),
    ),
)  # fmt: skip

TABLES: Final[dict[str, TableSpec]] = {t.name: t for t in _ALL}
"""The canonical tables by name, in canonical order."""

_TYPES: Final = {
    "text": "text",
    "id": "id",
    "word": "word",
    "timestamp": "time",
    "date": "date",
    "money": "money",
    "number": "number",
    "integer": "whole number",
    "share": "share 0-1",
    "score": "score 0-100",
    "bool": "yes/no",
}


def _values(column: ColumnSpec) -> str:
    parts = [", ".join(f"`{w}`" for w in column.words)] if column.words else []
    if column.type not in ("share", "score") and column.low is not None:
        parts.append(f"{column.low:g} to {column.high:g}" if column.high is not None else f"from {column.low:g}")
    if column.default is not None:
        parts.append(f"default `{column.default}`")
    return "; ".join(parts)


def data_dictionary() -> str:
    """Write the data dictionary as Markdown: the whole contract of the tables.

    Examples
    --------
    >>> data_dictionary().splitlines()[0]
    '# Data dictionary'
    """
    lines = [
        "# Data dictionary",
        "",
        "Generated from `alignment_toolkit.tables`; a test keeps it true. A folder of files `<table>.csv` or",
        "`<table>.parquet` with these columns needs no configuration. Columns marked **!** must be there and filled: a",
        "row without them is refused and counted. All others are optional; further columns are kept as text and can be",
        "used as dimensions. How cells are read is described in [loading](loading.md).",
    ]
    group = ""
    for table in TABLES.values():
        if table.group != group:
            group = table.group
            lines += ["", f"## {group}"]
        facts = [f"Key: `{table.key}`."] if table.key else []
        facts += [f"Dated by `{table.date}`."] if table.date else []
        if table.event_columns:
            facts.append(f"Complete until: from {', '.join(f'`{c}`' for c in table.event_columns)}.")
        if table.department_of:
            facts.append(f"An empty department is taken from the person in `{table.department_of}`.")
        lines += ["", f"### {table.name}", "", " ".join([table.about, *facts]), ""]
        lines += ["| column | type | meaning | values |", "|---|---|---|---|"]
        for column in table.columns.values():
            target = table.references.get(column.name)
            about = column.about + (f" → `{target[0]}`" if target else "")
            mark = "**!**" if column.required else ""
            lines.append(f"| `{column.name}`{mark} | {_TYPES[column.type]} | {about} | {_values(column)} |")
    return "\n".join(lines) + "\n"
