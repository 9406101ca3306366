"""The tables of the proof: from the rows of benchmarks/power.py to Markdown, one table per question."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

Row = dict[str, Any]
Found = dict[str, Any]
SILENT = ("too_little_data", "withheld", "not_assessed", "error")
ALARM, COMFORT, POWER, ALIGNED, COVERED, COVERED_MOST, FDR = 0.05, 0.025, 0.90, 0.80, 0.93, 0.97, 0.10

HEAD = """# Does it find what is there, and keep quiet where there is nothing?

Made by `make power`, which runs `benchmarks/power.py` on made-up companies of {accounts:,} accounts
([how they are made](simulation.md)). Each company is looked at for {period} with all indicators, judged in one family
as in every Analysis. In brackets: the 95 % Monte Carlo interval. *No verdict* counts too little data, withheld, errors.

The aims: *misaligned* at most 0.05 at gap 0, at the margin and under a confounder, at least 0.90 at twice the margin;
*aligned* at most 0.025 at twice the margin and at least 0.80 at gap 0; intervals that hold the true gap in 0.93 to 0.97
of the runs, at least 0.93 where the true gap is 0 and cannot be less. **Bold** marks a share whose Monte Carlo interval
lies wholly on the wrong side of its aim; a plain share off its aim may be luck at this number of runs.
`price_ambition` reads what the plans say: it has no chance to err.
"""
CIRCUMSTANCES = """Confounders at full strength, nothing planted; only alarms whose true gap lies within the margin
count. Where half of all confounders are there at once, an alarm counts against each of them.
"""
FULL = 100


def share(hits: int, of: int) -> tuple[float, float, float] | None:
    """Give a share with its Monte Carlo interval; None where nothing was run."""
    from alignment_toolkit.statistics.shares import wilson

    e = wilson(hits, of, n_unit="companies").estimate
    if e.value is None or e.low is None or e.high is None:
        return None
    return e.value, e.low, e.high


def text(hits: int, of: int, *, most: float = 1.0, least: float = 0.0) -> str:
    """Write a share with its interval; bold where the interval lies beyond the aim."""
    found = share(hits, of)
    if found is None:
        return "none run"
    value, low, high = found
    said = f"{value:.2f} ({low:.2f} to {high:.2f})"
    return f"**{said}**" if low > most or high < least else said


def indicators(rows: Sequence[Row]) -> list[str]:
    """Name the indicators in the rows."""
    return sorted({id for row in rows for id in row["findings"]})


def of(rows: Iterable[Row], id: str, cell: Callable[[Row], bool]) -> list[Found]:
    """Give what an indicator said in the companies of a kind."""
    return [row["findings"][id] for row in rows if cell(row) and id in row["findings"]]


def is_null(row: Row) -> bool:
    """Tell a company in which nothing is planted and nothing confounds."""
    return bool(row["cell"] == "null")


def is_planted(id: str, strength: float) -> Callable[[Row], bool]:
    """Tell the companies in which this is planted at this strength."""
    return lambda row: row["planted"].get(id) == strength


def count(found: Iterable[Found], status: str) -> int:
    """Count a status."""
    return sum(f["status"] == status for f in found)


def covered(found: Iterable[Found]) -> tuple[int, int]:
    """Count the intervals that hold the true gap, and all intervals whose true gap is known."""
    judged = [
        f for f in found if f["low"] is not None and f["truth"] is not None and f["status"] not in SILENT
    ]
    return sum(f["low"] - 1e-9 <= f["truth"] <= f["high"] + 1e-9 for f in judged), len(judged)


def outside(found: Found) -> bool:
    """Tell whether the true gap lies beyond the margin."""
    truth = found["truth"]
    if truth is None:
        return False
    return bool((abs(truth) if found["direction"] == "both" else truth) > found["margin"] + 1e-9)


def mean(values: Iterable[float | None]) -> str:
    """Write a mean, or that there is none."""
    known = [v for v in values if v is not None]
    return f"{sum(known) / len(known):.3f}" if known else ""


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Write a Markdown table."""
    head = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    return [*head, *("| " + " | ".join(row) + " |" for row in rows), ""]


COLUMNS = ("indicator", "runs", "true gap", "mean estimate", "misaligned", "aligned", "no verdict", "covered")


def at(
    rows: Sequence[Row], cell: Callable[[str], Callable[[Row], bool]], aims: Callable[[str], dict[str, Any]]
) -> list[str]:
    """Write one line per indicator for one kind of company."""
    out = []
    for id in indicators(rows):
        found = of(rows, id, cell(id))
        if not found:
            continue
        n, aim = len(found), aims(id)
        inside, known = covered(found)
        out.append([
            id, str(n), mean(f["truth"] for f in found), mean(f["value"] for f in found),
            text(count(found, "misaligned"), n, most=aim["alarm_most"], least=aim["alarm_least"]),
            text(count(found, "aligned"), n, most=aim["aligned_most"], least=aim["aligned_least"]),
            str(sum(f["status"] in SILENT for f in found)), text(inside, known, most=aim["cover_most"], least=COVERED),
        ])  # fmt: skip
    return table(COLUMNS, out)


def _aims(**own: float) -> Callable[[str], dict[str, float]]:
    every = {
        "alarm_most": 1.0,
        "alarm_least": 0.0,
        "aligned_most": 1.0,
        "aligned_least": 0.0,
        "cover_most": COVERED_MOST,
    }
    return lambda id: {**every, **own}


def confounded(row: Row) -> list[str]:
    """Name a company's confounders."""
    name = row["cell"].removeprefix("confounder ")
    return list(row.get("confounded") or ([name] if name != row["cell"] else []))


def confounders(rows: Sequence[Row]) -> list[str]:
    """Write the alarms under each confounder, where there were any."""
    out = []
    for name in sorted({c for row in rows for c in confounded(row)}):
        own = [row for row in rows if name in confounded(row)]
        fired = {}
        for id in indicators(own):
            # A confounder may move a true gap beyond its margin; then an alarm is no false one.
            found = [f for f in of(own, id, lambda row: True) if not outside(f)]
            if hits := count(found, "misaligned"):
                fired[id] = text(hits, len(found), most=ALARM)
        told = "; ".join(f"{id} {said}" for id, said in fired.items()) or "none"
        any_ = sum(
            any(f["status"] == "misaligned" and not outside(f) for f in row["findings"].values())
            for row in own
        )
        lone = sum(len(confounded(row)) == 1 for row in own)
        out.append([name, f"{len(own)}, {lone}", told, text(any_, len(own))])
    return (
        table(("confounder", "companies, those with it alone", "false alarms of", "any false alarm"), out)
        if out
        else ["None was run.", ""]
    )


def confusion(rows: Sequence[Row]) -> list[str]:
    """Write what else fires where something is planted at twice the margin."""
    own = [row for row in rows if row["cell"].startswith("twice")]
    out, alone = [], []
    for id in indicators(own):
        with_it = [row for row in own if id in row["planted"]]
        without = [row for row in own if id not in row["planted"]]
        if not with_it:
            continue
        told = []
        for other in indicators(own):
            if other == id:
                continue
            here = of(with_it, other, lambda row, other=other: other not in row["planted"])  # type: ignore[misc]
            there = of(without, other, lambda row, other=other: other not in row["planted"])  # type: ignore[misc]
            fired, quiet = count(here, "misaligned"), count(there, "misaligned")
            if fired:
                told.append(f"{other} {text(fired, len(here), most=ALARM)}, else {quiet} of {len(there)}")
        if told:
            out.append([id, str(len(with_it)), "; ".join(told)])
        else:
            alone.append(f"{id} ({len(with_it)})")
    lines = table(("planted", "companies", "what else fires, though it is not planted"), out) if out else []
    if alone:
        lines += [f"Nothing else ever fired beside (in brackets: companies) {', '.join(alone)}.", ""]
    return lines or ["None was run.", ""]


def whole(rows: Sequence[Row]) -> list[str]:
    """Write what holds for an Analysis as a whole."""
    null = [row for row in rows if is_null(row)]
    margin = [row for row in rows if row["cell"].startswith("margin")]
    twice = [row for row in rows if row["cell"].startswith("twice")]
    one = [row for row in rows if len(confounded(row)) == 1]
    half = [row for row in rows if len(confounded(row)) > 1]

    def alarmed(row: Row) -> bool:
        return any(f["status"] == "misaligned" and not outside(f) for f in row["findings"].values())

    out = []
    for name, group, most in (
        ("nothing planted: any misaligned", null, ALARM),
        (
            "half of all confounders at once: any misaligned whose true gap lies within its margin",
            half,
            ALARM,
        ),
        (
            "one confounder, whichever: any misaligned whose true gap lies within its margin",
            one,
            ALARM,
        ),
        (
            "all at the margin: any misaligned (which is the false discovery rate, for all are true nulls)",
            margin,
            FDR,
        ),
    ):
        if group:
            out.append(
                [
                    name,
                    str(len(group)),
                    text(sum(map(alarmed, group)), len(group), most=most),
                    f"at most {most:.2f}",
                ]
            )
    if twice:
        shares = []
        for row in twice:
            hits = [f for f in row["findings"].values() if f["status"] == "misaligned"]
            shares.append(sum(not outside(f) for f in hits) / max(len(hits), 1))
        out.append(
            [
                "half planted at twice the margin: share of false among all alarms",
                str(len(twice)),
                f"{sum(shares) / len(shares):.3f}",
                "at most 0.10",
            ]
        )
    return table(("question", "companies", "answer", "aim"), out)


def plain(hits: int, of: int, *, most: float = 1.0, least: float = 0.0) -> str:
    """Write a share without its interval; bold where the interval lies beyond the aim."""
    found = share(hits, of)
    if found is None:
        return ""
    value, low, high = found
    return f"**{value:.2f}**" if low > most or high < least else f"{value:.2f}"


def glance(rows: Sequence[Row]) -> list[str]:
    """Write every aim of every indicator in one table."""
    out = []
    for id in indicators(rows):
        none, edge, twice = (
            of(rows, id, cell) for cell in (is_null, is_planted(id, 0.5), is_planted(id, 1.0))
        )
        # A gap of 0 that cannot be less is held more often than in 0.97 of the runs: no fault.
        inside, known = (sum(pair) for pair in zip(*map(covered, (none, edge, twice)), strict=True))
        out.append([
            id, f"{len(none)}, {len(edge)}, {len(twice)}",
            plain(count(none, "misaligned"), len(none), most=ALARM),
            plain(count(edge, "misaligned"), len(edge), most=ALARM),
            plain(count(twice, "misaligned"), len(twice), least=POWER),
            plain(count(none, "aligned"), len(none), least=ALIGNED),
            plain(count(twice, "aligned"), len(twice), most=COMFORT),
            plain(inside, known, least=COVERED),
        ])  # fmt: skip
    head = (
        "indicator", "companies: 0, margin, twice", "alarms at 0", "alarms at the margin", "found at twice",
        "aligned at 0", "aligned at twice", "covered",
    )  # fmt: skip
    aims = [["*the aim*", "100 of each", "at most 0.05", "at most 0.05", "at least 0.90", "at least 0.80",
             "at most 0.025", "at least 0.93"]]  # fmt: skip
    return table(head, aims + out)


def sizes(missed: Sequence[str]) -> list[str]:
    """Give what the cards of indicators that are too often uncertain say of the data that would do."""
    from alignment_toolkit.catalog import Catalog

    known = Catalog.load().indicators
    out = []
    for id in sorted({line.split()[0] for line in missed if "aim at least" in line} & known.keys()):
        _, _, rest = known[id].card.partition("**Size needed.**")
        said = " ".join(rest.partition("\n\n")[0].partition("**")[0].split())
        out.append(f"- {id}: {said or 'its card does not say.'}")
    return out


def errors(rows: Sequence[Row]) -> list[str]:
    """Name the indicators that could not be computed somewhere."""
    found: dict[str, tuple[int, str]] = {}
    for row in rows:
        for id, f in row["findings"].items():
            if f["status"] == "error":
                found[id] = (found.get(id, (0, ""))[0] + 1, str(f["message"]))
    return [
        f"- {id} could not be computed in {n} companies: {said}" for id, (n, said) in sorted(found.items())
    ]


def aims_missed(rows: Sequence[Row], *, only_alarms: bool = False) -> list[str]:
    """Name every aim that is missed beyond what the Monte Carlo interval explains."""
    missed = errors(rows)
    for id in indicators(rows):
        kinds: list[tuple[str, list[Found], dict[str, float]]] = [
            ("gap 0", of(rows, id, is_null), {"alarm_most": ALARM, "aligned_least": ALIGNED}),
            ("the margin", of(rows, id, is_planted(id, 0.5)), {"alarm_most": ALARM}),
            ("twice the margin", of(rows, id, is_planted(id, 1.0)), {"alarm_least": POWER, "aligned_most": COMFORT}),
        ]  # fmt: skip
        for name, found, aims in kinds:
            for aim, limit in aims.items():
                what, side = aim.split("_")
                got = share(count(found, "misaligned" if what == "alarm" else "aligned"), len(found))
                if got is None or (only_alarms and side == "least"):
                    continue
                value, low, high = got
                if (side == "most" and low > limit) or (side == "least" and high < limit):
                    said = "misaligned" if what == "alarm" else "aligned"
                    missed.append(
                        f"{id} at {name}: {said} in {value:.2f} ({low:.2f} to {high:.2f}), aim at {side} {limit:g}"
                    )
            got = share(*covered(found))
            if got is not None and not only_alarms and (got[2] < COVERED):
                missed.append(
                    f"{id} at {name}: intervals hold the true gap in {got[0]:.2f} ({got[1]:.2f} to {got[2]:.2f})"
                )
    return missed


def shortfall(kinds: dict[str, int]) -> str:
    """Say what fewer companies than the proof asks for leave open."""
    least = min((n for kind, n in kinds.items() if not kind.startswith("confounder ")), default=0)
    if least >= FULL and _least_confounded(kinds) >= FULL:
        return ""
    told = ["**Fewer companies than the hundred of each kind that the proof asks for.**"]
    for name, n in (
        ("nothing planted", kinds.get("null", 0)),
        ("the least tried confounder", _least_confounded(kinds)),
    ):
        found = share(0, n)
        room = f"no alarm at all still leaves room for {found[2]:.2f}" if found else "nothing is known"
        many = f"{n} {'company' if n == 1 else 'companies'}"
        told.append(f"With {many} of {name}, {room}." if n else f"Of {name} {room}.")
    told.append("`make power` makes the hundred; it takes hours, and goes on where a row file ends.")
    return " ".join(told) + "\n"


def _summed(kinds: dict[str, int]) -> list[tuple[str, int]]:
    own = [(kind, n) for kind, n in sorted(kinds.items()) if not kind.startswith("confounder ")]
    confounded = sum(kinds.values()) - sum(n for _, n in own)
    return [*own, ("with one confounder", confounded)] if confounded else own


def _least_confounded(kinds: dict[str, int]) -> int:
    # Of the two halves each confounder is in one.
    both = min(kinds.get("confounders", 0), kinds.get("confounders 2", 0))
    return both or min((n for kind, n in kinds.items() if kind.startswith("confounder ")), default=0)


def document(rows: Sequence[Row], *, accounts: int, period: str) -> str:
    """Write the whole page."""
    kinds: dict[str, int] = {}
    for row in rows:
        kinds[row["cell"]] = kinds.get(row["cell"], 0) + 1
    missed = aims_missed(rows)
    parts = [
        HEAD.format(accounts=accounts, period=period),
        f"Companies: {', '.join(f'{n} {kind}' for kind, n in _summed(kinds))}.\n",
        *([said] if (said := shortfall(kinds)) else []),
        "## Every aim in one table\n",
        "**Bold** is off its aim beyond luck. The tables below have the intervals. *Covered* pools all three kinds.\n",
        *glance(rows),
        "## Does a whole Analysis keep its promises?\n", *whole(rows),
        "## Is it quiet where there is nothing?\n",
        "Nothing is planted. A level is then as low as in a healthy firm, not 0.\n",
        *at(rows, lambda id: is_null, _aims(alarm_most=ALARM, aligned_least=ALIGNED, cover_most=1.0)),
        "## Does it keep to its margin?\n",
        "The true gap lies exactly at the margin: the hardest case for false alarms.\n",
        *at(rows, lambda id: is_planted(id, 0.5), _aims(alarm_most=ALARM)),
        "## Does it find twice the margin?\n",
        "Half of all misalignments at once, drawn anew for each company.\n",
        *at(rows, lambda id: is_planted(id, 1.0), _aims(alarm_least=POWER, aligned_most=COMFORT)),
        "## Is it fooled by circumstances?\n",
        CIRCUMSTANCES,
        *confounders(rows),
        "## Does it take one thing for another?\n", *confusion(rows),
        "## Where an aim is missed\n",
        "Beyond what the number of runs explains.\n",
        *([f"- {line.removeprefix('- ')}" for line in missed] or ["Nowhere."]),
        *(["\nWhat data would do, as their cards say:\n", *needed] if (needed := sizes(missed)) else []),
    ]  # fmt: skip
    return "\n".join(parts).rstrip() + "\n"
