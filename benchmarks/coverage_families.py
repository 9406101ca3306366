"""Coverage of the KPIs that are sums over clients, accounts or leads: ``python benchmarks/coverage.py 1000 families``.

Clients come by chance, with a pace, a price level and a margin of their own; what they bring is added up per client as
the engine does, and the KPI of the catalogue makes its interval of the sums. Prints a table of docs/coverage.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import numpy as np
from coverage import Random, Row

from alignment_toolkit.kpi.kinds import Kpi
from alignment_toolkit.kpi.values import Number, _counted, less, quotient
from alignment_toolkit.kpis import cost, handover, marketing, revenue, sales

CATALOGUE: Final = {k.id: k for m in (revenue, marketing, handover, sales, cost) for k in m.KPIS}
SIZES: Final = (30, 100, 300, 1000)
MANY: Final = 400_000  # clients of whom the truth is taken
SPEND: Final = 1000.0
# What one part of a quotient or difference says.
PARTS: Final = ("cost-per-sale", "payback-months", "return-on-spend", "profit")
Sums = Mapping[str, tuple[Any, Any]]


def clients(r: Random, n: int, expected: float) -> Sums:
    """Give top and bottom of each client by KPI; `n` clients came, `expected` were."""
    one = np.ones(n)
    level = r.lognormal(-0.125, 0.5, n)
    orders = 1 + r.poisson(r.lognormal(-0.5, 1.0, n))
    few = np.minimum(orders, 1 + r.poisson(0.4, n))
    amount = level * orders * np.exp(r.normal(0, 0.7, n) / np.sqrt(orders))
    margin = amount * r.beta(8, 12, n)
    list_amount = amount / (1 - r.beta(2, 18, n))
    repeated = amount * np.where(r.random(n) < 0.3, 1 - 1 / orders, 1.0)
    stays = r.random(n) < 0.7
    now = np.where(stays, amount * r.lognormal(0, 0.6, n), 0.0)
    minutes = r.lognormal(2, 1, n)
    served = r.random(n) < 0.7  # the others cost effort and do not buy
    return {
        "revenue": (amount, None),
        "gross-margin": (margin, None),
        "active-clients": (one, None),
        "arpu": (amount, one),
        "orders-per-client": (orders, one),
        "average-order": (amount, orders),
        "products-per-client": (few, one),
        "gross-margin-rate": (margin, amount),
        "realised-price": (amount, list_amount),
        "repeat-revenue-share": (repeated, amount),
        "retention": (stays, one),
        "net-revenue-retention": (now, amount),
        "cost-to-serve": (minutes, served),
        "profit": (margin, None),
        "payback-months": (margin, None),
        "return-on-spend": (amount, None),
    }


def accounts(r: Random, n: int, expected: float) -> Sums:
    """Accounts with leads and deals, some with several."""
    leads = 1 + r.poisson(0.4, n)
    won = r.binomial(leads, r.beta(1, 4, n))
    deals = 1 + r.poisson(0.3, n)
    closed = r.binomial(deals, r.beta(3, 7, n))
    amount = np.array([r.lognormal(0, 0.8, k).sum() for k in closed])
    list_amount = amount / (1 - r.beta(2, 18, n))
    first_year = np.where(won > 0, r.lognormal(0, 0.8, n), 0.0)
    return {
        "qualification-rate": (won, leads),
        "acceptance-rate": (won, leads),
        "lead-to-client": (won, leads),
        "win-rate": (closed, deals),
        "on-time-delivery": (closed, deals),
        "average-deal": (amount, closed),
        "discount": (list_amount - amount, list_amount),
        "pipeline": (amount, None),
        "revenue-per-lead": (first_year, leads),
    }


def cell(top: Any, bottom: Any) -> dict[str, Any]:
    """Give the sums that the engine gives of clusters."""
    top = np.asarray(top, dtype=float)
    if bottom is None:
        return {
            "top": _whole(top),
            "n": len(top),
            "clusters": int((top != 0).sum()),
            "top2": float(top @ top),
        }
    bottom = np.asarray(bottom, dtype=float)
    return {
        "top": _whole(top), "bottom": _whole(bottom), "n": int(bottom.sum()),
        "clusters": int(((top != 0) | (bottom != 0)).sum()),
        "top2": _whole(top * top), "topbottom": _whole(top * bottom), "bottom2": _whole(bottom * bottom),
    }  # fmt: skip


def _whole(values: Any) -> Any:
    total = float(values.sum())
    return int(total) if total.is_integer() else total


def told(id: str, top: Any, bottom: Any) -> Number:
    """Give the KPI's number of these clusters."""
    kpi: Any = CATALOGUE[id]
    if isinstance(kpi, Kpi):
        return _counted(kpi, cell(top, bottom), None)
    booked = Number(SPEND, SPEND, SPEND, 1, SPEND, None, "booked")
    if id == "profit":
        return less(_counted(CATALOGUE["gross-margin"], cell(top, None), None), booked)
    if id == "return-on-spend":
        return quotient(_counted(kpi.top_kpi, cell(top, None), None), booked, "")
    return quotient(booked, _counted(kpi.bottom_kpi, cell(top, None), None), "")


def truths(draw: Any, size: int) -> dict[str, float]:
    """Give the process's own numbers of a company of this size, from very many clients."""
    found = {}
    for id, (top, bottom) in draw(np.random.default_rng(0), MANY, MANY).items():
        mean = float(np.asarray(top, dtype=float).mean())
        if bottom is not None:
            kpi: Any = CATALOGUE[id]
            found[id] = float(kpi.times) * mean / float(np.asarray(bottom, dtype=float).mean())
        elif id == "profit":
            found[id] = mean * size - SPEND
        elif id == "return-on-spend":
            found[id] = mean * size / SPEND
        elif id == "payback-months":
            found[id] = SPEND / (mean * size * float(CATALOGUE[id].bottom_kpi.times))
        else:
            found[id] = mean * size
    return found


def families(runs: int, sizes: Any = SIZES) -> Iterator[Row]:
    """KPIs of sums over clients and accounts, whose number is by chance too."""
    for draw, words in ((clients, "clients"), (accounts, "accounts")):
        for size in sizes:
            truth = truths(draw, size)
            missed = {id: [0, 0, 0] for id in truth}
            for run in range(runs):
                r = np.random.default_rng([run, size, 20260104])
                for id, (top, bottom) in draw(r, max(int(r.poisson(size)), 1), size).items():
                    number = told(id, top, bottom)
                    if number.low is None or number.high is None:
                        continue
                    below = truth[id] < number.low - 1e-9
                    missed[id] = [
                        a + b
                        for a, b in zip(missed[id], (1, below, truth[id] > number.high + 1e-9), strict=True)
                    ]
            for id, (made, below, above) in missed.items():
                none = f"no interval in {1 - made / runs:.1%}" if made < runs else ""
                yield Row(
                    id,
                    f"{size} {words} expected",
                    max(made, 1),
                    below / max(made, 1),
                    above / max(made, 1),
                    none,
                )


def table(rows: Iterable[Row]) -> str:
    """Give one line per KPI: coverage by how many clients or accounts are expected, and where there is no interval."""
    found: dict[str, dict[str, Row]] = {}
    for row in rows:
        found.setdefault(row.what, {})[row.case.split()[0]] = row
    sizes = list(dict.fromkeys(size for cases in found.values() for size in cases))
    lines = [f"| KPI | {' | '.join(sizes)} | no interval |", "|---" * (len(sizes) + 2) + "|"]
    for id, cases in found.items():
        cells = [f"{cases[s].coverage:.3f} ± {cases[s].error:.3f}" for s in sizes]
        none = [f"{cases[s].note.split()[-1]} at {s}" for s in sizes if cases[s].note]
        lines.append(f"| `{id}` | {' | '.join(cells)} | {', '.join(none)} |")
    return "\n".join(lines)
