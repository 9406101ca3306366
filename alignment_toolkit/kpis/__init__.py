"""The catalogue of KPIs, by family; each module holds its KPIs in the order in which they are shown."""

from __future__ import annotations

ORDER = ("revenue", "marketing", "handover", "sales")
