"""Identities on a company's data: what may be compared, the sums, and the parts of the change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from math import isclose, prod
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from alignment_toolkit.drivers.identities import Identity, Sums
from alignment_toolkit.drivers.result import SplitChange, exact, judged
from alignment_toolkit.errors import TooManyRows
from alignment_toolkit.kpi import Kpi
from alignment_toolkit.kpi.clusters import ClusterSums, cluster_sums
from alignment_toolkit.kpi.measuring import measure_both
from alignment_toolkit.kpi.reach import Measured
from alignment_toolkit.languages import say
from alignment_toolkit.periods import Period
from alignment_toolkit.relations.telling import lacks
from alignment_toolkit.results import KpiValue
from alignment_toolkit.statistics.decomposition import lmdi, shapley_of

__all__ = ["Measurements", "Refused", "comparable", "split_identity"]

Key = tuple[str, str]


@dataclass(frozen=True)
class Refused:
    """Why a change is not split; `young` where the cases have not come to their end."""

    kpi: str
    reason: str
    young: bool = False


Side: TypeAlias = dict[tuple[str, tuple[Any, ...]], KpiValue]


@dataclass
class Measurements:
    """What has been measured of a company for splits: each pair of periods once, for all KPIs together."""

    company: Measured
    catalogue: Mapping[str, Any]
    known: dict[Any, tuple[Side, Side]] = field(default_factory=dict)

    def both(self, kpis: Sequence[Any], then: Period, now: Period, by: tuple[str, ...]) -> tuple[Side, Side]:
        """Give the rows of both periods by KPI and slice."""
        at = (then, now, by)
        lacking = [k for k in kpis if at not in self.known or (k.id, ()) not in self.known[at][1]]
        if lacking:
            old = self.known.get(at, ({}, {}))
            rows = measure_both(self.company, lacking, then, now, by=by, catalogue=self.catalogue)
            fresh = tuple({(r.kpi, tuple(r.by.values())): r for r in side} for side in rows)
            self.known[at] = (old[0] | fresh[0], old[1] | fresh[1])
        return self.known[at]


def split_identity(
    measured: Measurements,
    identity: Identity,
    then: Period,
    now: Period,
    *,
    by: Sequence[str] = (),
    way: str = "shapley",
) -> tuple[SplitChange, ...] | Refused:
    """Split the change of a figure by the factors of its identity, in total and by slice.

    `way` is ``shapley`` or, for products of factors that keep their sign, ``lmdi``.

    Returns
    -------
    tuple of SplitChange, or Refused
        The total first; slices that hold cases too young, or nothing, are left out. Refused with the reason where the
        two periods can't be compared, or something that the identity needs is not there.
    """
    if way == "lmdi" and identity.value is not prod:
        return Refused(
            identity.kpi,
            say("logarithmic means (LMDI) split products only; Shapley's value takes any figure"),
        )
    company, catalogue = measured.company, measured.catalogue
    kpis = [catalogue.get(k) if isinstance(k, str) else k for k in identity.needs]
    gone = [k for k, found in zip(identity.needs, kpis, strict=True) if not isinstance(found, Kpi)]
    if gone or (identity.target and identity.kpi not in catalogue):
        return Refused(identity.kpi, say("needs the KPI {gone}", gone=gone[0] if gone else identity.kpi))
    plain = [k for k in kpis if isinstance(k, Kpi)]
    target = [catalogue[identity.kpi]] if identity.target and identity.kpi not in identity.needs else []
    both = comparable(measured, [*plain, *target], then, now, identity.kpi, by=by)
    if isinstance(both, Refused):
        return both
    keys = [(k.id, role) for k in plain for role in ("top", "bottom") if role == "top" or k.bottom]
    slices = list(dict.fromkeys(s for side in both for kpi, s in side if any(kpi == k for k, _ in keys)))
    slices = [()] if not by else [(), *sorted((s for s in slices if s), key=_in_order)]
    known = [_known_clusters(company, plain, then, now, cut) for cut in ((), by)[: len(slices)]]
    found = []
    for at in slices:
        vector = _vector(both, keys, at)
        if vector is None:
            continue
        try:
            split = _split(identity, vector, keys, way)
        except ValueError as gone:  # a slice of returns only, under LMDI, or without a sale on either side
            if at == ():
                return Refused(identity.kpi, str(gone))
            continue
        wrong = _unlike(identity, split.total, both, at)
        if wrong and at == ():
            return Refused(identity.kpi, wrong)
        # A slice of lines without client has revenue and no clients: the identity says nothing there.
        if at and (wrong or not split.values.any()):
            continue
        told = _told(company, identity, vector, keys, plain, known[bool(at)], at, way)
        found.append(
            SplitChange(
                identity.kpi,
                identity.title,
                dict(zip(by, at, strict=False)),
                then.label,
                now.label,
                told[2],
                identity.unit,
                split.total,
                told[0],
                told[1],
            )
        )
    return tuple(found)


def comparable(
    measured: Measurements,
    kpis: Sequence[Any],
    then: Period,
    now: Period,
    asked: str,
    *,
    by: Sequence[str] = (),
) -> tuple[Side, Side] | Refused:
    """Measure KPIs in both periods; give the rows of either by KPI and slice, or why they can't be compared."""
    for k in kpis:
        gone = k.missing(measured.company)
        if gone:
            return Refused(asked, lacks(measured.company, gone))
    both = measured.both(kpis, then, now, tuple(by))
    for row in (side[k.id, ()] for side in both for k in kpis):
        if row.status != "ok":
            return Refused(
                asked,
                say("{title} in {period}: {reason}", title=row.title, period=row.period, reason=row.reason),
                row.censored > 0,
            )
        if row.immature:
            return Refused(
                asked,
                say(
                    "{title} in {period} is not complete, or holds cases too young to judge",
                    title=row.title,
                    period=row.period,
                ),
                True,
            )
    for row in (both[1][k.id, ()] for k in kpis):
        if not row.changes or row.changes[0].value is None:
            return Refused(
                asked, say("{title} in {label} is recorded in part only", title=row.title, label=then.label)
            )
    return both


def _in_order(at: tuple[Any, ...]) -> list[tuple[bool, str]]:
    return [(v is None, str(v)) for v in at]


def _vector(
    both: Sequence[Mapping[tuple[str, tuple[Any, ...]], KpiValue]], keys: Sequence[Key], at: tuple[Any, ...]
) -> NDArray[np.float64] | None:
    """Give the sums then and now; None where a slice can't be compared, 0 where no row fell into it."""
    found = []
    for side in both:
        for kpi, role in keys:
            row = side.get((kpi, at))
            if row is not None and (row.immature or row.top is None):
                return None
            value = None if row is None else row.top if role == "top" else row.bottom
            found.append(float(value or 0.0))
    vector = np.array(found)
    return vector if vector.any() else None


def _sums(vector: Any, keys: Sequence[Key]) -> tuple[Sums, Sums]:
    values = [float(v) for v in vector]
    n = len(keys)
    return Sums(dict(zip(keys, values[:n], strict=True))), Sums(dict(zip(keys, values[n:], strict=True)))


def _split(identity: Identity, vector: Any, keys: Sequence[Key], way: str) -> Any:
    then, now = (identity.factors(s) for s in _sums(vector, keys))
    if way == "lmdi":
        return lmdi(then, now, [d.name for d in identity.drivers])
    return shapley_of(identity.value, then, now, [d.name for d in identity.drivers])


def _unlike(
    identity: Identity, total: float, both: Sequence[Mapping[Any, KpiValue]], at: tuple[Any, ...]
) -> str | None:
    """Say where the identity does not give the catalogue's own figure: then it says nothing about its change."""
    if not identity.target:
        return None
    then, now = (_value(side.get((identity.kpi, at))) for side in both)
    if isclose(total, now - then, rel_tol=1e-9, abs_tol=1e-9 * max(abs(then), abs(now), 1e-9)):
        return None
    return say(
        "{formula} gives a change of {total:.12g}, the figure itself one of {now:.12g}",
        formula=say(identity.formula),
        total=total,
        now=now - then,
    )


def _value(row: KpiValue | None) -> float:
    return 0.0 if row is None or row.value is None else float(row.value)


def _random(kpi: Kpi) -> bool:
    return kpi.cluster is not None and kpi.interval != "exact"


def _known_clusters(
    company: Measured, kpis: Sequence[Kpi], then: Period, now: Period, by: Sequence[str]
) -> list[tuple[tuple[Kpi, ...], ClusterSums]] | str:
    """Give the cluster sums of each relation that is subject to chance; text where they are too many."""

    def home(k: Kpi) -> tuple[str, str, str, str]:
        return (k.relation, k.date, k.cluster or "", k.alone or "")

    found = []
    for _, group in groupby(sorted(filter(_random, kpis), key=home), key=home):
        own = tuple(group)
        try:
            found.append((own, cluster_sums(company, own, then, now, by)))
        except TooManyRows:
            return say("no interval: too many different clusters")
    return found


def _told(
    company: Measured,
    identity: Identity,
    vector: NDArray[np.float64],
    keys: Sequence[Key],
    kpis: Sequence[Kpi],
    known: list[tuple[tuple[Kpi, ...], ClusterSums]] | str,
    at: tuple[Any, ...],
    way: str,
) -> tuple[Any, Any, str]:
    formula = say(identity.formula)
    if way == "lmdi":
        how = say("Logarithmic means (LMDI) of {formula}", formula=formula)
    else:
        how = say("Shapley values of {formula}", formula=formula)
    names = [d.name for d in identity.drivers]
    values = list(_split(identity, vector, keys, way).parts.values())
    shown = [i for i, n in enumerate(names) if n not in identity.shown_if or values[i]]
    drivers = [identity.drivers[i] for i in shown]

    def parts(sums: Any) -> list[float]:
        made = list(_split(identity, sums, keys, way).parts.values())
        return [made[i] for i in shown]

    if isinstance(known, str):
        return (*exact([values[i] for i in shown], drivers, company.settings), f"{how}; {known}")
    cells, weights = _cells(vector, keys, known, at)
    if not np.allclose(weights @ cells, vector * (cells.any(axis=0)), rtol=1e-6, atol=1e-6):
        said = say("{how}; no interval: the clusters do not add up to the figure", how=how)
        return (*exact([values[i] for i in shown], drivers, company.settings), said)
    accounts = say("clients and orders without client") if "revenue" in identity.kpi else "clusters"
    made, by_owner, method = judged(
        parts,
        vector,
        drivers,
        company.settings,
        cells,
        weights=weights,
        booked=2 * [not _random(k) for k in kpis for role in ("top", "bottom") if role == "top" or k.bottom],
        n_unit=accounts,
        unit=identity.unit,
    )
    return made, by_owner, f"{how}; {method}"


def _cells(
    vector: NDArray[np.float64],
    keys: Sequence[Key],
    known: list[tuple[tuple[Kpi, ...], ClusterSums]],
    at: tuple[Any, ...],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Put the clusters of all relations below each other; relations are independent, booked sums without chance."""
    n, blocks, weights = len(keys), [], []
    for kpis, clusters in known:
        mine = clusters.of(at)
        own = [(k.id, role) for k in kpis for role in ("top", "bottom") if role == "top" or k.bottom]
        block = np.zeros((len(mine.weights), 2 * n))
        for j, key in enumerate(own):
            for side in (0, 1):
                block[:, keys.index(key) + side * n] = mine.sums[:, j + side * len(own)]
        blocks.append(block)
        weights.append(mine.weights)
    if not blocks:
        return np.zeros((0, len(vector))), np.zeros(0)
    return np.vstack(blocks), np.concatenate(weights)
