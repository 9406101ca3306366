"""The toolkit's questionnaire on working together: its items, and what can be said of the answers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alignment_toolkit.errors import PeriodError
from alignment_toolkit.languages import noted, say
from alignment_toolkit.periods import Period
from alignment_toolkit.results import Estimate
from alignment_toolkit.statistics.inference import Gap
from alignment_toolkit.statistics.multiplicity import benjamini_hochberg
from alignment_toolkit.statistics.reliability import (
    cronbach_alpha,
    more_often_higher,
    rank_p_value,
    straight_lines,
)
from alignment_toolkit.statistics.small_groups import Group, difference_of_groups, mean_of_groups

__all__ = [
    "BANDS",
    "COOPERATION",
    "FLOOR",
    "ITEMS",
    "LEAST_ITEMS",
    "SIDES",
    "WORLDS",
    "Item",
    "Reading",
    "Side",
    "World",
    "band",
    "headcounts",
]

FLOOR: Final = 5
"""Below so many people on a side nothing is shown of it."""
SIDES: Final = ("marketing", "sales")
LEAST_ITEMS: Final = 16
"""Who answered fewer of the twenty items has no total."""
RELIABLE: Final = 0.70
POINTS: Final = (-4.0, 4.0)


@dataclass(frozen=True)
class Item:
    """One statement; 1 means "does not hold at all", 5 "holds fully"."""

    id: str
    text: str


@dataclass(frozen=True)
class World:
    """One side of the departments' thought worlds: its items, and whether a difference helps or hurts.

    Differences of orientation between departments can help a firm, differences of competence hurt it (Homburg and
    Jensen 2007, Journal of Marketing 71).
    """

    id: str
    title: str
    items: tuple[str, ...]
    tension: Literal["productive", "harmful"]


COOPERATION: Final = tuple(
    Item(f"c{number:02d}", text)
    for number, text in enumerate(
        (
            noted("I know what the other department wants to reach this year."),
            noted("Both departments work towards the same targets."),
            noted("It is clear which department does what on the way from first contact to sale."),
            noted("Where a task lies between the departments, somebody takes it up."),
            noted("I hear in time what the other department plans."),
            noted("What the other department tells us helps me in my work."),
            noted("Our regular meetings with the other department take place as planned."),
            noted("I can ask people of the other department anything that I need to know."),
            noted("The other department knows what our working day is like."),
            noted("The other department is good at its work."),
            noted("I am treated with respect by the other department."),
            noted("Where opinions differ, facts decide."),
            noted("What the departments agree on is done."),
            noted("Campaigns and launches are planned by both departments together."),
            noted("Both departments mean the same when they speak of a good lead."),
            noted("Both departments look at the same figures."),
            noted("After a success or a failure, both departments look at the reasons together."),
            noted("A success is seen as the success of both departments."),
            noted("Our managers support it when I work with the other department."),
            noted("To a client, both departments look like one company."),
        ),
        start=1,
    )
)
_WORLD_TEXTS: Final = (
    noted("In my department, new ideas begin with what clients want to get done."),
    noted(
        "Where a client's wish and our product plan differ, my department looks for a way to meet the wish."
    ),
    noted("My department talks more about clients than about product features."),
    noted("In my department, what clients say decides whether an idea was good."),
    noted("My department plans for more than a year ahead."),
    noted("My department gives up a sale today if it brings more over the years."),
    noted("Work that shows its result only after a year gets its time in my department."),
    noted("My department's own targets reach beyond the current year."),
    noted("My department knows how our clients' business works."),
    noted("My department knows our products in detail."),
    noted("My department knows what our rivals offer."),
    noted("My department is skilled at talking with people of all kinds, inside and outside."),
)
ITEMS: Final = (*COOPERATION, *(Item(f"t{n:02d}", text) for n, text in enumerate(_WORLD_TEXTS, start=1)))
WORLDS: Final = (
    World(
        "orientation", "clients (high) or products (low) first", ("t01", "t02", "t03", "t04"), "productive"
    ),
    World("horizon", "long (high) or short term (low)", ("t05", "t06", "t07", "t08"), "productive"),
    World("competence", "knowledge of market and product", ("t09", "t10", "t11", "t12"), "harmful"),
)
_C: Final = tuple(item.id for item in COOPERATION)
_ALL: Final = tuple(item.id for item in ITEMS)
BANDS: Final = ((20, "undefined"), (40, "defined"), (60, "aligned"), (80, "integrated"))


def band(total: float | None) -> str | None:
    """Name the band of a total of c01 to c20: how far the working relationship has been built.

    Examples
    --------
    >>> [band(t) for t in (20, 39.9, 40, 59.9, 60, 79.9, 80, 100)]
    ['undefined', 'undefined', 'defined', 'defined', 'aligned', 'aligned', 'integrated', 'integrated']
    >>> band(101)
    Traceback (most recent call last):
        ...
    ValueError: a total lies between 20 and 100, not at 101
    """
    if total is None:
        return None
    if not 20 <= total <= 100:
        raise ValueError(f"a total lies between 20 and 100, not at {total:g}")
    return next(name for least, name in reversed(BANDS) if total >= least)


@dataclass(frozen=True)
class Side:
    """What the people of one department answered.

    Attributes
    ----------
    people
        How many answered anything.
    answers
        One row per person, one column per item of the instrument; NaN where not answered.
    headcount
        How many people the department has; None where that is not known.
    """

    name: str
    answers: NDArray[np.float64]
    headcount: int | None = None

    @property
    def people(self) -> int:
        """Count who answered."""
        return len(self.answers)

    @property
    def shown(self) -> bool:
        """Say whether enough people answered to show anything of them."""
        return self.people >= FLOOR

    def of(self, items: Sequence[str]) -> NDArray[np.float64]:
        """Give the answers to some items."""
        return self.answers[:, [_ALL.index(i) for i in items]]

    def group(self, items: Sequence[str], *, least: int, scale: float = 1.0) -> Group:
        """Give each person's mean answer (times `scale`) of those who answered at least so many of the items."""
        answers = self.of(items)
        given = np.isfinite(answers)
        enough = given.sum(axis=1) >= max(least, 1)
        kept = answers[enough]
        means = np.nansum(kept, axis=1) / np.isfinite(kept).sum(axis=1) if len(kept) else np.empty(0)
        alpha = cronbach_alpha(answers).value
        return Group(scale * means, self.headcount, 0.0 if alpha is None else alpha)


@dataclass(frozen=True)
class Reading:
    """The answers of one wave.

    Attributes
    ----------
    sides
        Marketing, then sales.
    wave
        The wave's name; empty where it has none.
    """

    sides: tuple[Side, Side]
    wave: str = ""

    @classmethod
    def of(cls, rows: pd.DataFrame, headcount: Mapping[str, int] | None = None, *, wave: str = "") -> Reading:
        """Read rows of the canonical table `survey` (respondent_id, department, item, answer) of one wave.

        Answers of other departments, and to items that are not the instrument's, are left out. Where one person
        answered an item twice, the mean counts.
        """
        sides = []
        for name in SIDES:
            own = rows[(rows["department"] == name) & rows["item"].isin(_ALL)]
            wide = own.astype({"answer": "float64"}).pivot_table(
                index="respondent_id", columns="item", values="answer", aggfunc="mean"
            )
            answers = wide.reindex(columns=list(_ALL)).sort_index().to_numpy(dtype=float)
            sides.append(Side(name, answers.reshape(-1, len(_ALL)), (headcount or {}).get(name)))
        return cls((sides[0], sides[1]), wave)

    @classmethod
    def latest(
        cls,
        rows: pd.DataFrame,
        staff: pd.DataFrame | None,
        period_of: Callable[[str], Period],
        end: date,
    ) -> Reading:
        """Read the last wave that began before a day, against the people who worked here at its end.

        Waves are in the order of the periods that they are named after (``2026-Q3``); a wave whose name is no period
        comes before all others, in alphabetical order, and rows without a wave come first.

        Parameters
        ----------
        rows
            The canonical table `survey`, all waves.
        staff
            The relation `staff`: department, joined_on, left_on; None where people are not known.
        period_of
            Reads the name of a wave as a period.
        end
            The first day after the window.
        """
        names = (
            rows["wave"].fillna("").astype(str) if "wave" in rows.columns else pd.Series("", index=rows.index)
        )
        periods = {name: _period(name, period_of) for name in sorted(set(names))}
        began = {n: p.start if p else date.min for n, p in periods.items()}
        there = [name for name in periods if began[name] < end]
        if not there:
            return cls.of(rows.iloc[:0])
        wave = max(there, key=lambda name: (began[name], name))
        period = periods[wave]
        day = min(period.end, end) if period else end
        return cls.of(rows[names == wave], headcounts(staff, day), wave=wave)

    @property
    def exposed(self) -> str | None:
        """Say why nothing may be shown: fewer people than `FLOOR` on a side on which anybody answered at all."""
        few = [
            s
            for s in self.sides
            if 0 < s.people < FLOOR or 0 < len(s.group(_C, least=LEAST_ITEMS).values) < FLOOR
        ]
        if not few:
            return None
        names = " and ".join(s.name for s in few)
        return say(
            "Fewer than {floor} people of {names} answered; showing more would expose them.",
            floor=FLOOR,
            names=names,
        )

    @property
    def fewest(self) -> int:
        """Count who has a total, on the side that has fewer."""
        return min(len(s.group(_C, least=LEAST_ITEMS).values) for s in self.sides)

    def perception_gap(self) -> Gap:
        """Give marketing's minus sales' mean answer to c01 to c20."""
        first, second = (s.group(_C, least=LEAST_ITEMS) for s in self.sides)
        return difference_of_groups(first, second, n_unit="people", unit="points", space=POINTS)

    def total(self) -> Gap:
        """Give the mean total of c01 to c20 over all who answered."""
        groups = [s.group(_C, least=LEAST_ITEMS, scale=20.0) for s in self.sides]
        return mean_of_groups(groups, n_unit="people", unit="points", space=(20.0, 100.0))

    def strain(self, asked: float) -> Gap:
        """Give how far the mean total lies below what is asked."""
        return self.total().complement(one=asked)

    def total_of(self, side: Side) -> Gap:
        """Give the mean total of one department; without value below the floor."""
        if not side.shown:
            return Gap.none(
                n=side.people,
                n_unit="people",
                unit="points",
                method=say("fewer than {floor} people", floor=FLOOR),
            )
        group = side.group(_C, least=LEAST_ITEMS, scale=20.0)
        return mean_of_groups([group], n_unit="people", unit="points", space=(20.0, 100.0))

    def world(self, world: World) -> Gap:
        """Give marketing's minus sales' mean answer to the items of a thought world; nothing below the floor."""
        first, second = (s.group(world.items, least=len(world.items) - 1) for s in self.sides)
        if min(len(first.values), len(second.values)) < FLOOR:
            n = len(first.values) + len(second.values)
            return Gap.none(
                n=n,
                n_unit="people",
                unit="points",
                method=say("fewer than {floor} people on a side", floor=FLOOR),
            )
        return difference_of_groups(first, second, n_unit="people", unit="points", space=POINTS)

    def reliability(self, side: Side) -> Estimate:
        """Give Cronbach's alpha of c01 to c20 in one department."""
        return cronbach_alpha(side.of(_C))

    def straight(self, side: Side) -> NDArray[np.bool_]:
        """Say of each person whether all answers, to all parts of the questionnaire, are the same number."""
        return straight_lines(side.answers)

    def without_straight_lines(self) -> Reading:
        """Give the reading without those whose answers are all the same."""
        kept = [Side(s.name, s.answers[~self.straight(s)], s.headcount) for s in self.sides]
        return Reading((kept[0], kept[1]), self.wave)

    def copies(self) -> int:
        """Count answer sheets that are the same as another one of their department in every answer, not all alike."""
        found = 0
        for side in self.sides:
            full = side.answers[np.isfinite(side.answers).sum(axis=1) >= LEAST_ITEMS]
            full = np.nan_to_num(full[~straight_lines(full)], nan=-1.0) if len(full) else full
            found += len(full) - len(np.unique(full, axis=0)) if len(full) else 0
        return found

    def bounds(self) -> tuple[float, float] | None:
        """Give the mean total where all who did not answer had given the least, and where the most, of every item.

        None where a headcount is not known, is below the number of answers, or nobody answered.
        """
        low = high = 0.0
        people = totals = 0
        for side in self.sides:
            group = side.group(_C, least=LEAST_ITEMS, scale=20.0)
            n = len(group.values)
            if side.headcount is None or side.headcount < n:
                return None
            low += float(group.values.sum()) + 20.0 * (side.headcount - n)
            high += float(group.values.sum()) + 100.0 * (side.headcount - n)
            people += side.headcount
            totals += n
        return (low / people, high / people) if totals else None

    def by_item(self) -> pd.DataFrame:
        """Compare the departments item by item.

        Columns: item, text, marketing, sales (mean answers), gap (marketing minus sales), often (how much more often a
        person of marketing answers higher, -1 to 1) with often_low and often_high, n, p (Mann-Whitney) and q
        (Benjamini and Hochberg over the items of a part). A side of fewer than five answers to an item is left empty.
        """
        rows = []
        for item in ITEMS:
            first, second = (s.of([item.id])[:, 0] for s in self.sides)
            first, second = first[np.isfinite(first)], second[np.isfinite(second)]
            enough = len(first) >= FLOOR and len(second) >= FLOOR
            often = more_often_higher(first, second) if enough else None
            p = rank_p_value(first, second) if enough else None
            means = [float(x.mean()) if len(x) >= FLOOR else None for x in (first, second)]
            gap = means[0] - means[1] if means[0] is not None and means[1] is not None else None
            rows.append(
                {
                    "item": item.id,
                    "text": say(item.text),
                    "marketing": means[0],
                    "sales": means[1],
                    "gap": gap,
                }
                | {"often": often.value if often else None, "often_low": often.low if often else None}
                | {"often_high": often.high if often else None, "n": len(first) + len(second), "p": p}
            )
        frame = pd.DataFrame(rows)
        numbers = ["marketing", "sales", "gap", "often", "often_low", "often_high", "p"]
        frame[numbers] = frame[numbers].astype("float64")
        frame["q"] = math.nan
        for part in ("c", "t"):
            tested = frame["item"].str.startswith(part) & frame["p"].notna()
            frame.loc[tested, "q"] = benjamini_hochberg(frame.loc[tested, "p"].to_numpy())
        return frame


def headcounts(staff: pd.DataFrame | None, day: date) -> dict[str, int] | None:
    """Count the people of either department on a day; None where people are not known.

    Parameters
    ----------
    staff
        Rows of the relation `staff`: department, joined_on, left_on (empty where not known).
    day
        The first day that no longer counts.
    """
    if staff is None or staff.empty:
        return None
    at = pd.Timestamp(day)
    joined, left = pd.to_datetime(staff["joined_on"]), pd.to_datetime(staff["left_on"])
    here = staff[(joined.isna() | (joined < at)) & (left.isna() | (left >= at - pd.Timedelta(days=1)))]
    return {side: int((here["department"] == side).sum()) for side in SIDES}


def _period(name: str, period_of: Callable[[str], Period]) -> Period | None:
    try:
        return period_of(name) if name else None
    except PeriodError:
        return None
