"""The catalogue of KPIs, by family; each module holds its KPIs in the order in which they are shown."""

from __future__ import annotations

FAMILIES = {
    "revenue": "Revenue",
    "marketing": "Marketing",
    "handover": "Hand-over",
    "sales": "Sales",
    "cost": "Cost",
}
