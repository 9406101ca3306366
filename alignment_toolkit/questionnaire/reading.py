"""What a survey says: who answered, totals and bands, reliability, items, thought worlds, who did not answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from alignment_toolkit.errors import MissingTable, UnknownName
from alignment_toolkit.results import Estimate, clean_value
from alignment_toolkit.statistics.instrument import WORLDS, Reading, band

if TYPE_CHECKING:
    import pandas as pd

    from alignment_toolkit.company import Company

__all__ = ["SurveyReading", "read_survey"]


@dataclass(frozen=True)
class SurveyReading:
    """The answers of one wave, put into numbers.

    Attributes
    ----------
    company, wave, waves
        Whose, which, and which others there are.
    withheld
        Why nothing more is shown; empty where it is.
    people
        One row per department: answered, of (headcount), total with interval, band, alpha, straight_lines.
    numbers
        One row per number about both departments: the common total, the perception gap, the bounds, the thought worlds.
    items
        One row per statement.
    """

    company: str
    wave: str
    waves: tuple[str, ...]
    withheld: str = ""
    people: tuple[dict[str, Any], ...] = ()
    numbers: tuple[dict[str, Any], ...] = ()
    items: tuple[dict[str, Any], ...] = field(default=(), repr=False)

    def to_json(self) -> dict[str, Any]:
        """Give all of it as JSON."""
        return {
            "company": self.company,
            "wave": self.wave,
            "waves": list(self.waves),
            "withheld": self.withheld or None,
            "people": list(self.people),
            "numbers": list(self.numbers),
            "items": list(self.items),
        }

    def frame(self, part: str = "items") -> pd.DataFrame:
        """Give ``people``, ``numbers`` or ``items`` as a table."""
        import pandas as pd

        if part not in ("people", "numbers", "items"):
            raise UnknownName("part", part, ("people", "numbers", "items"))
        return pd.DataFrame(list(getattr(self, part)))


def read_survey(company: Company, wave: str | None = None) -> SurveyReading:
    """Read one wave of a company's survey; the last one by default.

    Below five people of a department nothing is shown, whatever is asked for.

    Raises
    ------
    MissingTable
        Where there is no survey; with the reason where it was refused.
    UnknownName
        For a wave that is not there, with the near match.

    Examples
    --------
    >>> from alignment_toolkit.company import Company
    >>> found = read_survey(Company.open("data/sample"))
    >>> found.wave, [row["department"] for row in found.people]
    ('2026-Q3', ['marketing', 'sales'])
    """
    if "survey" not in company.tables:
        problems = [p for p in company.problems if p.table == "survey" and p.level == "error"]
        way = "`alignment survey form` makes a form to send out, `alignment survey import` reads it"
        raise MissingTable(
            "survey", company.tables, reason=problems[0].message.rstrip(".") if problems else way
        )
    table = company["survey"]
    columns = [c for c in ("respondent_id", "department", "item", "answer", "wave") if c in table.columns]
    rows = company.fetch(table.select(columns))
    staff = (
        company.fetch(company.relation("staff")) if company.has("people", "person_id", "department") else None
    )
    names = rows["wave"].fillna("").astype(str) if "wave" in rows.columns else rows["item"].map(lambda _: "")
    waves = tuple(sorted(set(names)))
    if wave is None:
        reading = Reading.latest(rows, staff, company.settings.period, date.max)
    elif wave not in waves:
        raise UnknownName("wave", wave, waves, where=f"in the survey of {company.name}")
    else:
        reading = Reading.latest(rows[names == wave], staff, company.settings.period, date.max)
    told: dict[str, Any] = {"company": company.name, "wave": reading.wave, "waves": waves}
    if reading.exposed:
        return SurveyReading(**told, withheld=reading.exposed)
    return SurveyReading(**told, people=_people(reading), numbers=_numbers(reading), items=_items(reading))


def _people(reading: Reading) -> tuple[dict[str, Any], ...]:
    found = []
    for side in reading.sides:
        total, alpha = reading.total_of(side).estimate, reading.reliability(side)
        row: dict[str, Any] = {"department": side.name, "answered": side.people, "of": side.headcount}
        row |= {"total": total.value, "low": total.low, "high": total.high, "band": band(total.value)}
        row |= {"alpha": alpha.value, "alpha_low": alpha.low, "alpha_high": alpha.high}
        row |= {"straight_lines": int(reading.straight(side).sum()) if side.shown else None, "unit": "points"}
        found.append(row)
    return tuple(found)


def _numbers(reading: Reading) -> tuple[dict[str, Any], ...]:
    total = reading.total().estimate
    named: list[tuple[str, str, Estimate]] = [
        ("total", "Mean total of c01 to c20 over all people (20 to 100)", total),
        (
            "perception_gap",
            "Marketing's minus sales' mean answer (c01 to c20)",
            reading.perception_gap().estimate,
        ),
    ]
    bounds = reading.bounds()
    if bounds is not None:
        words = "bounds: all who did not answer at 20, and at 100"
        people = sum(side.headcount or 0 for side in reading.sides)
        label = "Mean total, whatever those who did not answer would have said"
        named.append(("bounds", label, Estimate(total.value, *bounds, people, "people", "points", words)))
    for world in WORLDS:
        label = f"Thought worlds, {world.title}: marketing minus sales ({world.tension})"
        named.append((f"world_{world.id}", label, reading.world(world).estimate))
    return tuple(
        {
            "name": name,
            "label": label,
            "value": e.value,
            "low": e.low,
            "high": e.high,
            "n": e.n,
            "unit": e.unit,
        }
        | {"method": e.method}
        for name, label, e in named
    )


def _items(reading: Reading) -> tuple[dict[str, Any], ...]:
    frame = reading.by_item()
    return tuple(
        {str(name): clean_value(value) for name, value in row.items()}
        for row in frame.to_dict(orient="records")
    )
