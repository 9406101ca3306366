"""A small company for the six personal indicators: everything that they ask for, drawn with a fixed seed."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from typing import Any

from alignment_toolkit.indicator import Indicator, Look
from alignment_toolkit.periods import Period
from tests.builders import Stand, company_of

Q3 = Period.parse("2026-Q3")
FIRST = date(2024, 1, 1)
HEADS = '[company]\ncurrency = "EUR"\n[privacy]\nheads = true\n'
COLUMNS = {
    "survey": ("wave",),
    "people": ("joined_on", "left_on"),
    "work": (
        "outcome", "size", "approvals", "people", "ended_on", "marketing_invited", "sales_invited",
        "marketing_attended", "sales_attended",
    ),
    "leads": ("account_id", "region", "converted_at"),
}  # fmt: skip


def look(
    indicator: Indicator,
    tables: dict[str, list[dict[str, Any]]],
    *,
    toml: str = HEADS,
    first: date = FIRST,
    period: Period = Q3,
    columns: dict[str, tuple[str, ...]] | None = None,
    options: dict[str, Any] | None = None,
    **more: Any,
) -> Look:
    """Look once at a company of these rows, in which the two heads may be compared."""
    company = company_of(
        tables, toml=toml, columns={t: (columns or COLUMNS).get(t, ()) for t in tables}, **more
    )
    return indicator.look(company, period, first=first, options=options)


def person(name: str, department: str, **more: Any) -> dict[str, Any]:
    return {"person_id": name, "department": department, "kind": "human", **more}


def sheet(
    name: str, department: str, answers: list[int], *, wave: str | None = "2026-Q3"
) -> list[dict[str, Any]]:
    """Give one person's answers, to c01, c02 and so on (and t01 ... after the twentieth)."""
    items = [f"c{n:02d}" for n in range(1, 21)] + [f"t{n:02d}" for n in range(1, 13)]
    return [
        {"respondent_id": name, "department": department, "item": item, "answer": answer, "wave": wave}
        for item, answer in zip(items, answers, strict=False)
    ]


def whole(seed: int = 1) -> dict[str, list[dict[str, Any]]]:
    """Make people, answers, work and leads of two years and nine months."""
    chance = random.Random(seed)
    people = [person(f"m{i}", "marketing", joined_on="2020-01-01") for i in range(8)]
    people += [person(f"s{i}", "sales", joined_on="2021-05-01") for i in range(12)]
    survey = []
    for one in people[:7] + people[8:18]:
        mood = chance.uniform(2, 4.5)
        answers = [min(5, max(1, round(chance.gauss(mood, 0.8)))) for _ in range(32)]
        survey += sheet(f"r-{one['person_id']}", one["department"], answers)
    work = []
    for i in range(330):
        day = FIRST + timedelta(days=3 * i)
        kind = chance.choice(["meeting", "meeting", "project", "procedure"])
        scope = chance.choice(["joint", "marketing", "sales"])
        meeting, project = kind == "meeting", kind == "project"
        invited = {side: (scope in ("joint", side)) if meeting else None for side in ("marketing", "sales")}
        came = {side: chance.random() < 0.8 if invited[side] else None for side in invited}
        work.append(
            {"work_id": f"w{i:03d}", "kind": kind, "started_on": day, "scope": scope, "people": 5.0,
             "approvals": float(chance.randint(0, 3)) if kind == "procedure" else 0.0,
             "size": chance.choice(["small", "large"]) if project else None,
             "ended_on": day + timedelta(days=30) if project else None,
             "outcome": chance.choice(["delivered", "delivered", "not_delivered"]) if project else None,
             **{f"{s}_invited": v for s, v in invited.items()}, **{f"{s}_attended": v for s, v in came.items()}}
        )  # fmt: skip
    leads = []
    for week in range(80):
        for i in range(chance.randint(9, 14)):
            at = datetime(2024, 12, 2, 10) + timedelta(weeks=week, hours=i)
            name = f"l{week}-{i}"
            won = at + timedelta(days=chance.randint(1, 80)) if chance.random() < 0.2 else None
            leads.append(
                {"lead_id": name, "account_id": f"a-{name}", "created_at": at, "region": "north", "converted_at": won}
            )  # fmt: skip
    leads.append(
        {"lead_id": "last", "account_id": "last", "created_at": datetime(2026, 9, 30), "region": "north"}
    )
    return {"people": people, "survey": survey, "work": work, "leads": leads}


def company(tables: dict[str, list[dict[str, Any]]]) -> Stand:
    return company_of(tables, toml=HEADS, columns={t: COLUMNS.get(t, ()) for t in tables})
