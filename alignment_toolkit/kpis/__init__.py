"""The catalogue of KPIs, by family; each module holds its KPIs in the order in which they are shown."""

from __future__ import annotations

from alignment_toolkit.languages import noted

FAMILIES = {
    "revenue": noted("Revenue"),
    "marketing": noted("Marketing"),
    "handover": noted("Hand-over"),
    "sales": noted("Sales"),
    "cost": noted("Cost"),
}
