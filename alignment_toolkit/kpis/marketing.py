"""Marketing: leads and what is spent."""

from __future__ import annotations

from alignment_toolkit.kpi import Kpi

leads = Kpi(
    id="leads",
    title="Leads",
    relation="leads",
    date="created_at",
    unit="count",
    better="higher",
    owners={"marketing": 0.8, "sales": 0.2},
    about="Leads created in the period, those of existing clients included.",
    top=lambda t: t.count(),
    interval="count",
    n_unit="leads",
)

spend = Kpi(
    id="spend",
    title="Spend",
    relation="spend",
    date="spent_on",
    unit="money",
    better="lower",
    owners={"marketing": 0.5, "sales": 0.5},
    about="Money and people cost of both departments in the period.",
    top=lambda t: t.amount.sum(),
    interval="exact",
    n_unit="bookings",
    needs={"spend": ("amount",)},
)

KPIS = (leads, spend)
