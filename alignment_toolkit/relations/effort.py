"""What serving clients takes: touches with their effort beside the sales lines of the same clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import ibis

from alignment_toolkit.relations.derived import sales, sales_table
from alignment_toolkit.relations.money import MONEY
from alignment_toolkit.relations.source import Source, alive, column

if TYPE_CHECKING:
    from ibis.expr.types import Table, Value

# Wider than the minutes, so that the engine has the product in 128 bits.
COST: Final = "decimal(20, 4)"

__all__ = ["served", "service_tables"]


def service_tables(source: Source) -> tuple[str, ...]:
    """Name the tables that efforts and active clients come from."""
    table = sales_table(source)
    return ("touches", *((table,) if table else ()))


def served(source: Source) -> Table:
    """Give one row per touch and per sales line: what each account got in effort beside what it bought.

    A touch has department, effort_minutes (its own minutes, else the setting's for its channel; none where it is
    automated) and hourly_cost (the setting of its department), a sales line has amount; the rest is empty.
    """
    touches, lines = alive(source["touches"], "touched_at"), alive(sales(source), "ordered_at")
    automated = column(touches, "automated", "boolean").fill_null(False)
    effort = source.settings.effort
    usual = effort.minutes if "channel" in touches.columns else {}
    minutes = _by_word(column(touches, "channel"), usual)
    minutes = ibis.coalesce(column(touches, "minutes", "float64").cast(MONEY), minutes)
    of_touches = touches.select(
        served_at=touches.touched_at.cast("timestamp"),
        account_id=column(touches, "account_id"),
        row_id=ibis.literal("touch ").concat(touches.touch_id),
        product_id=column(touches, "product_id"),
        department=touches.department,
        effort_minutes=automated.ifelse(_money(0), minutes),
        hourly_cost=_by_word(touches.department, effort.cost_per_hour).cast(COST),
        amount=ibis.null("decimal(38, 14)"),
    )
    of_lines = lines.select(
        served_at=lines.ordered_at.cast("timestamp"),
        account_id=lines.account_id,
        row_id=ibis.literal("order ").concat(lines.order_id),
        product_id=column(lines, "product_id"),
        department=ibis.null("string"),
        effort_minutes=ibis.null(MONEY),
        hourly_cost=ibis.null(COST),
        amount=lines.amount.cast("decimal(38, 14)"),
    )
    return of_touches.union(of_lines)


def _by_word(word: Value, known: dict[str, float]) -> Value:
    if not known:
        return ibis.null(MONEY)
    return ibis.cases(*[(word == w, _money(v)) for w, v in sorted(known.items())], else_=ibis.null(MONEY))


def _money(value: float) -> Value:
    return ibis.literal(value).cast(MONEY)
