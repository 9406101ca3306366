"""The decorator that makes an `Indicator` of a function."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from alignment_toolkit.errors import ParameterError, UnknownName, did_you_mean
from alignment_toolkit.indicator.header import Direction, Indicator, Kind, Nature, Tension, Told
from alignment_toolkit.indicator.seen import Observation
from alignment_toolkit.relations import relation
from alignment_toolkit.tables import TABLES
from alignment_toolkit.units import unit as unit_of

__all__ = ["indicator"]


def _needs(group: Mapping[str, Sequence[str]] | None) -> dict[str, tuple[str, ...]]:
    return {table: tuple(columns) for table, columns in (group or {}).items()}


def indicator(
    *,
    title: str,
    failure_title: str,
    nature: Nature,
    area: str,
    kind: Kind,
    unit: str,
    margin: float,
    enough: int | Mapping[str, int],
    says: str,
    advice: str,
    population: str,
    question: str | None = None,
    direction: Direction = "greater",
    window: str = "period",
    who: Sequence[str] = ("marketing", "sales"),
    innocent: Mapping[str, str] | None = None,
    tension: Tension = "harmful",
    told: Told = "as its unit",
    needs: Mapping[str, Sequence[str]] | None = None,
    any_of: Sequence[Mapping[str, Sequence[str]]] = (),
    uses: Mapping[str, Sequence[str]] | None = None,
    relations: Sequence[str] = (),
    uses_relations: Sequence[str] = (),
    kpis: Sequence[str] = (),
    timeless: Sequence[str] = (),
    looks_back: Sequence[str] = (),
    witnesses: Mapping[str, str] | None = None,
    looked_up: Sequence[str] = (),
    silence: Sequence[str] | Mapping[str, Mapping[str, Any]] = (),
    outcomes: Mapping[str, Sequence[str]] | None = None,
) -> Callable[[Callable[..., Observation]], Indicator]:
    """Make an `Indicator` of a function ``(data, window, *, option=default) -> Observation``.

    The function's name is the id, its keyword-only arguments are the options that settings may change, its docstring
    is the *why* that the report prints for the client.

    Parameters
    ----------
    title, failure_title, question
        The heading where the finding is aligned, where it is misaligned, and where neither can be said.
    nature, area
        ``strategic``, ``tactical`` or ``personal``; one of `AREAS`, or a word of your own.
    kind, direction, unit, margin
        What the gap is (see docs: indicators) and the smallest gap that matters, in the gap's unit.
    enough
        The least n, or several minima by name; below, the finding says *too little data*.
    says
        The sentence of the report; ``{gap}``, ``{n}``, options and the keys of `Observation.values` are filled in.
    told
        How sentences write the gap: as its unit does, a ratio in ``per cent``, or a logarithm as the ``growth`` that it
        stands for, in per cent.
    window
        ``period``, ``trailing-12-months``, ``history`` or ``mature-N-days``.
    needs, any_of, uses
        The tables and columns that must be there, of which the first that is there is used, that are used where they
        are there. Nothing else is handed over.
    relations, uses_relations, kpis
        Relations that must be there, relations that are used where they are, and measured KPIs, by name.
    timeless
        The tables whose date only says whether a row is in the window, so that they may be undated (see docs: loading).
        Of any other table an undated one is named as missing its date.
    looks_back
        Options that count days before the window's end over which the same cases are judged: where they are more than
        the run's period has, successive runs share their cases, and their gaps are drawn without an alarm.
    witnesses
        Tables and relations of which a part of the company must have all rows of a case or none, each with the key of
        the case (``{"assessments": "account_id"}``). Of a part that leaves some of them out (by department: one of two
        opinions about an account) the question isn't asked.
    looked_up
        Tables and relations that only say more of cases found elsewhere, by their key: whether a client of the part was
        called, which theme a lead's campaign had. Of a part of the company they are handed over as the whole has them;
        sums and counts of their own rows would be the whole company's, so make none.
    silence
        Tables in which a row that is not there counts against somebody, each with which of its rows count
        (``{"touches": {"department": "sales", "automated": False, "account_id": ANY}}``). In a window without a single
        such row in the whole company nothing was recorded, which is no sign that nothing was done: the finding says
        *too little data*; so it does where rows are too few to be in line. Of shorter stretches ask `Data.lapses`.
    outcomes
        Columns by table that say what is judged, or what came of it afterwards: the pitch, whether a lead was accepted.
        Of a part of the company that is chosen by one of them (the deals argued on price, the leads that are lost now)
        the question isn't asked: it would be answered by the choice. See `LEAD_ENDS`, `DEAL_ENDS`, `CLIENT_SIGNS`.

    Raises
    ------
    ParameterError
        Where the header contradicts itself or the function has no docstring.
    """

    def make(function: Callable[..., Observation]) -> Indicator:
        name = getattr(function, "__name__", "")
        why = inspect.getdoc(function)
        if not why:
            raise ParameterError(f"The indicator '{name}' has no docstring; the report prints it as the why.")
        unit_of(unit)
        if not (window in ("period", "trailing-12-months", "history") or _is_mature(window)):
            near = did_you_mean(window, ["period", "trailing-12-months", "history", "mature-365-days"])
            raise ParameterError(f"The indicator '{name}' has the window '{window}'. {near}")
        if margin < 0:
            raise ParameterError(f"The indicator '{name}' has a margin below 0 ({margin}).")
        parameters = list(inspect.signature(function).parameters.values())
        options = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
        free = [p for p in options if options[p] is inspect.Parameter.empty]
        if free:
            raise ParameterError(f"The indicator '{name}' has options without a default: {', '.join(free)}.")
        for name_ in looks_back:
            if name_ not in options:
                raise UnknownName("option", name_, options, where=f"of the indicator '{name}'")
        for name_ in (*relations, *uses_relations):
            relation(name_)
        for table, columns in (outcomes or {}).items():
            for column in columns:
                if column not in TABLES[table].columns:
                    where = f"of {table}, an outcome of the indicator '{name}'"
                    raise UnknownName("column", column, TABLES[table].columns, where=where)
        first = population.split()[0] if population else "rows"
        return Indicator(
            id=name,
            function=function,
            question=question or title,
            title=title,
            failure_title=failure_title,
            nature=nature,
            area=area,
            kind=kind,
            direction=direction,
            unit=unit,
            margin=float(margin),
            enough=dict(enough) if isinstance(enough, Mapping) else {first: enough},
            window=window,
            population=population,
            says=says,
            advice=advice,
            why=why,
            who=tuple(who),
            innocent=dict(innocent or {}),
            tension=tension,
            told=told,
            needs=_needs(needs),
            any_of=tuple(_needs(choice) for choice in any_of),
            uses=_needs(uses),
            relations=tuple(relations),
            uses_relations=tuple(uses_relations),
            kpis=tuple(kpis),
            timeless=tuple(timeless),
            looks_back=tuple(looks_back),
            witnesses=dict(witnesses or {}),
            looked_up=tuple(looked_up),
            silence={t: dict(silence[t]) if isinstance(silence, Mapping) else {} for t in silence},
            outcomes=_needs(outcomes),
            options=options,
            card=inspect.getdoc(inspect.getmodule(function)) or why,
        )

    return make


def _is_mature(window: str) -> bool:
    return window.startswith("mature-") and window.endswith("-days") and window[7:-5].isdigit()
