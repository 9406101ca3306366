"""What the catalogue says of a KPI or an indicator."""

from __future__ import annotations

from typing import Any, Final

from alignment_toolkit.catalog import Catalog
from alignment_toolkit.company import Company
from alignment_toolkit.explanation.told import Explanation, plain
from alignment_toolkit.indicator import Indicator
from alignment_toolkit.kpi import RatioOfKpis
from alignment_toolkit.kpi.kinds import with_owners
from alignment_toolkit.relations import RELATIONS
from alignment_toolkit.segmentation import Segmentation

__all__ = ["declared", "tables_of"]

_KPI: Final = (
    "title",
    "about",
    "unit",
    "better",
    "owners",
    "relation",
    "date",
    "top_kpi",
    "bottom_kpi",
    "options",
)
_INDICATOR: Final = (
    "question", "title", "failure_title", "nature", "area", "kind", "direction", "unit", "margin", "enough",
    "window", "population", "needs", "any_of", "uses", "kpis", "options", "why", "advice", "card",
)  # fmt: skip


_SEGMENTATION: Final = ("question", "title", "about", "features", "needs", "card")


def declared(entry: Any, catalog: Catalog, company: Company | None) -> Explanation:
    """Give the facts of an entry; with a company, its owners and options after the settings."""
    if isinstance(entry, Segmentation):
        facts = {n: plain(getattr(entry, n)) for n in _SEGMENTATION}
        return Explanation(
            entry.id, "segmentation", entry.title, facts | {"from": catalog.origin.get(entry.id, "")}
        )
    names = _INDICATOR if isinstance(entry, Indicator) else _KPI
    facts = {n: plain(getattr(entry, n)) for n in names if getattr(entry, n, None) not in (None, "", (), {})}
    if not isinstance(entry, Indicator):
        if company is not None:
            facts["owners"] = plain(with_owners(entry, company.settings.owners_of(entry.id)))
            if options := entry.configured(company.settings.kpi_options(entry.id)):
                facts["options"] = plain(options)
        facts |= _definition(entry)
    facts["from"] = catalog.origin.get(entry.id, "")
    return Explanation(entry.id, catalog.kind_of(entry.id), entry.title, facts)


def _definition(entry: Any) -> dict[str, Any]:
    """Give what else a KPI says of itself: what is left out, what it needs, how sure it is."""
    found: dict[str, Any] = {}
    sides: tuple[Any, ...] = entry.named if isinstance(entry, RatioOfKpis) else (entry,)
    if isinstance(entry, RatioOfKpis):
        told = [s if isinstance(s, str) else f"{s.title} ({s.relation}, dated by {s.date})" for s in sides]
        found["top_kpi"], found["bottom_kpi"] = told[:2]
        if times := told[2:]:
            found["times"] = times
    for side in (s for s in sides if not isinstance(s, str)):
        for name, said in _of_side(side).items():
            # What several sides say differently is told of each.
            known = found.get(name, [])
            both = [*(known if isinstance(known, list) else [known]), said]
            found[name] = list(dict.fromkeys(both)) if isinstance(said, str) else said
    return {name: _alone(said) for name, said in found.items()}


def _alone(said: Any) -> Any:
    return said[0] if isinstance(said, list) and len(said) == 1 and isinstance(said[0], str) else said


def _of_side(side: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if (relation := RELATIONS.get(getattr(side, "relation", ""))) is not None:
        found["one row is"] = f"a {relation.grain}; {relation.about}"
    if getattr(side, "cluster", None):
        found["rows go together by"] = side.cluster
    if getattr(side, "left_out_words", ""):
        found["left out"] = side.left_out_words.partition(":")[0].removesuffix(", left out")
    if getattr(side, "censored", None) is not None:
        found["too young"] = "cases that are not old enough are counted apart and make the number immature"
    if getattr(side, "warm_up", False):
        found["left out at the beginning"] = "the first days of the data, [company] warm_up_days"
    if getattr(side, "needs", None) or getattr(side, "any_of", None):
        needs = {t: list(c) for t, c in side.needs.items()}
        found["needs"] = needs or [plain(choice) for choice in side.any_of]
    return found


def tables_of(side: Any) -> tuple[str, ...]:
    """Name the tables that a plain KPI comes from."""
    name = getattr(side, "relation", "")
    stands = RELATIONS.get(name)
    groups = (stands.needs, *stands.any_of) if stands else ({name: ()},)
    return tuple(dict.fromkeys(t for group in (*groups, getattr(side, "needs", {})) for t in group if t))
