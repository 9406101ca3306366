"""Rows that the oracle makes up or matches, each in plain Python."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
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
