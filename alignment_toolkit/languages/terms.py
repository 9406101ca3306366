"""Words that are names and codes in an Analysis, noted for the catalogue: a reader sees them in the language spoken.

Where one of them fills a gap of a message, it is said as well; any other text that fills a gap stands as it is.
"""

from __future__ import annotations

from typing import Final

__all__ = ["TERMS"]

_DEPARTMENTS: Final = ("marketing", "sales", "service", "company", "management", "other", "other departments")
_AREAS: Final = (
    "Portfolio", "Positioning", "Value", "Targeting", "Message", "Clients", "Handover", "Cooperation",
)  # fmt: skip
_CODES: Final = (
    "Strategic", "Tactical", "Personal", "high", "medium", "low", "none", "level", "distance", "contrast",
    "productive", "harmful", "neutral", "wider", "narrower", "higher", "lower", "attack", "defend", "grow",
    "keep", "release", "develop", "abandon", "target", "not a target", "no view", "rational", "emotional",
    "new", "existing", "both", "won", "lost", "open", "stayed", "pursued", "above", "below", "joint", "large",
    "small", "own", "rivals", "left", "dissatisfaction", "process_change", "strategy_change", "people_change",
    "competitor", "environment", "delivered", "not_delivered", "abandoned", "ongoing", "first", "last",
)  # fmt: skip
_UNITS: Final = (
    "accounts", "answers", "bookings", "campaigns", "cases", "clients", "deals", "episodes", "follow-ups",
    "invitations", "leads", "listed accounts", "lifted accounts", "months", "opportunities",
    "open opportunities", "orders", "people", "products", "projects", "quarter-ends", "raters", "ratings",
    "rows", "sales lines", "signals", "teams", "touches", "clients and orders without client",
    "follow-ups with another message", "accounts judged twice", "rows of results", "promised lines", "visits",
    "weeks", "wins", "won opportunities", "year", "years", "days", "hours", "money", "share", "points", "count",
    "ratio", "index", "people with at least 10 deals", "clusters", "offers", "receivers",
)  # fmt: skip
# Dimensions, grains, and what the definitions of an Analysis call their parts.
_NAMES: Final = (
    "channel", "region", "segment", "owner", "product", "campaign", "industry", "country", "team", "department",
    "audience", "size", "month", "quarter", "week", "day", "period", "history", "unit", "family", "kind",
    "margin", "window", "population", "enough", "trailing-12-months", "mature-365-days", "mature-180-days",
    "mature-90-days", "lead", "mean distance", "largest distance", "between", "features", "labels", "views",
    "effort", "1 (lowest)", "5 (highest)", "recency", "frequency", "breadth", "discount", "personal", "order_days",
    "order days", "expected_value", "given", "accounts in sample", "rand", "centres", "cut points", "quantiles",
    "reason", "migration", "mixture", "high small", "high large", "low small", "low large", "champions", "loyal",
    "promising", "attention", "at risk", "lapsed", "from", "moved",
    "to", "sales with a path", "sales without a touch", "paths without a sale", "expected value from",
    "revenue of the best tenth", "marketing score", "score", "theme", "need", "stage", "source",
)  # fmt: skip
# The same where they stand at the beginning: labels of charts and tables.
_LABELS: Final = (
    "Marketing", "Sales", "Service", "Channel", "Region", "Segment", "Owner", "Product", "Campaign", "Industry",
    "Country", "Team", "Department", "Audience", "Size", "Month", "Quarter", "Week", "Day", "Period", "Gap",
    "Conversions", "Cost-per-sale-cohort",
)  # fmt: skip
TERMS: Final = frozenset((*_DEPARTMENTS, *_AREAS, *_CODES, *_UNITS, *_NAMES, *_LABELS))
