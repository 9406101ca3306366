"""Rows that the oracle makes up or matches, each in plain Python."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any


def client_row(
    name: str, since: date, opener: Mapping[str, Any] | None, region: str | None
) -> dict[str, Any]:
    lead = opener or {}
    return {
        "client": name,
        "on": since,
        "lead_id": lead.get("lead_id"),
        "channel": lead.get("channel"),
        "campaign_id": lead.get("campaign_id"),
        "product_id": lead.get("product_id"),
        "region": region if region is not None else lead.get("region"),
    }


def answers(touch: Mapping[str, Any], lead: Mapping[str, Any]) -> bool:
    """By the lead if the touch names one, else by the contact if both name one, else by the account."""
    if touch["lead_id"] is not None:
        return touch["lead_id"] == lead["lead_id"]
    if touch["contact_id"] is not None and lead["contact_id"] is not None:
        return touch["contact_id"] == lead["contact_id"]
    return touch["account_id"] is not None and touch["account_id"] == lead["account_id"]


def buyer(line: Mapping[str, Any]) -> Any:
    return ("account", line["account_id"]) if line["account_id"] is not None else ("order", line["order_id"])


def active(rows: Iterable[Mapping[str, Any]]) -> set[str]:
    return {r["account_id"] for r in rows if r["account_id"] is not None and r["amount"] > 0}


def orders(rows: Iterable[Mapping[str, Any]]) -> set[tuple[str, str | None]]:
    return {(r["order_id"], r["account_id"]) for r in rows if r["amount"] > 0}


def perclient_row(rows: list[dict[str, Any]]) -> list[Decimal]:
    return [sum((r["amount"] for r in rows if r["account_id"] == a), Decimal(0)) for a in active(rows)]


def per_order(rows: list[dict[str, Any]]) -> list[Decimal]:
    return [
        sum((r["amount"] for r in rows if (r["order_id"], r["account_id"]) == o), Decimal(0))
        for o in orders(rows)
    ]


# Money of fewer clusters has no interval.
FEWEST = 10
ALIKE = 5


def clustered(
    rows: list[dict[str, Any]], key: Callable[[Mapping[str, Any]], Any]
) -> list[list[dict[str, Any]]]:
    groups: dict[Any, list[dict[str, Any]]] = {}
    for r in rows:
        groups.setdefault(key(r), []).append(r)
    return list(groups.values())


def tells(total: Decimal, squares: Decimal, clusters: int) -> bool:
    """Whether enough clients make a sum for an interval of it to mean something."""
    return clusters >= FEWEST and squares > 0 and total * total >= ALIKE * squares
