"""The kind *KPI*: a top and a bottom kept apart on one relation of stated grain; `measure` computes them."""

from __future__ import annotations

from alignment_toolkit.kpi.kinds import DifferenceOfKpis, Kpi, RatioOfKpis, Terms
from alignment_toolkit.kpi.measuring import measure, queries

__all__ = ["DifferenceOfKpis", "Kpi", "RatioOfKpis", "Terms", "measure", "queries"]
