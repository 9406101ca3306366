"""Stocks: what stands at the end of each stretch of time, such as the open deals; they never add up over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import ibis
import pandas as pd

from alignment_toolkit.kpi.cells import Ask
from alignment_toolkit.kpi.cube import Answer, Cube, Part

if TYPE_CHECKING:
    from ibis.expr.types import Table

__all__ = ["StockCube", "moment_of"]


def moment_of(part: Part) -> date:
    """Give the day at whose beginning a stock is looked at: the day after the last one that counts."""
    return part.period.end if part.cap is None else min(part.period.end, part.cap + timedelta(days=1))


class StockCube(Cube):
    """The query for stocks, and its answer: every stretch of time is a part of its own, taken at its end."""

    def __init__(
        self, t: Table, when: str, asks: Sequence[Ask], parts: Sequence[Part], dimensions: int, **more: Any
    ) -> None:
        self.asked = tuple(parts)
        self.places = [
            (number, piece) for number, part in enumerate(parts) for piece in (None, *range(len(part.pieces)))
        ]
        flat = [
            replace(
                parts[number], period=parts[number].period if piece is None else parts[number].pieces[piece]
            )
            for number, piece in self.places
        ]
        flat = [replace(part, pieces=(), grain=None) for part in flat]
        super().__init__(t, when, asks, flat, dimensions, **more)

    def answer(self, frame: pd.DataFrame) -> Answer:
        """Read what the engine gave, by the parts and pieces that were asked for."""
        found = super().answer(frame)
        cells = {(*self.places[part], by): cell for (part, by, _), cell in found.cells.items()}
        self.parts = self.asked
        return Answer(self, found.facts, {(part, by, piece): c for (part, piece, by), c in cells.items()})

    def _one_stretch(self) -> bool:
        return False

    def _within(self, part: Part) -> Table:
        moment = moment_of(part)
        column = self.t[self.when]
        began = column < (
            ibis.literal(moment)
            if column.type().is_date()
            else ibis.literal(datetime.combine(moment, time()))
        )
        standing = self.asks[0].kpi.standing
        return self.t.filter(began if standing is None else began & standing(self.t, moment))
