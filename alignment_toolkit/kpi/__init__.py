"""The kind *KPI*: a top and a bottom kept apart on one relation of stated grain; `measure` computes them."""

from __future__ import annotations

from alignment_toolkit.kpi.kinds import DifferenceOfKpis, Kpi, ProductOfKpis, RatioOfKpis, Terms
from alignment_toolkit.kpi.measuring import measure, queries
from alignment_toolkit.kpi.of_rows import Found, KpiOfRows

__all__ = [
    "DifferenceOfKpis",
    "Found",
    "Kpi",
    "KpiOfRows",
    "ProductOfKpis",
    "RatioOfKpis",
    "Terms",
    "measure",
    "queries",
]
