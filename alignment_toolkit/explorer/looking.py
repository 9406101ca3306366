"""From a view to what it shows: each topic computed when it is asked for, by the functions that make an Analysis."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from alignment_toolkit.analysis import analyse, default_period, measure_kpis
from alignment_toolkit.brief import write_value
from alignment_toolkit.catalog import Catalog
from alignment_toolkit.changes import SPLIT, what_moved
from alignment_toolkit.company import Company
from alignment_toolkit.errors import AlignmentError, UnknownName
from alignment_toolkit.explorer import telling
from alignment_toolkit.explorer.shown import Shown
from alignment_toolkit.explorer.view import View
from alignment_toolkit.explorer.what_if import judged, with_owners, with_weights
from alignment_toolkit.findings import first_day, look_at
from alignment_toolkit.indicator import Look
from alignment_toolkit.kpi.splits import untold_by
from alignment_toolkit.languages import speaking
from alignment_toolkit.notebooks.opening import part_of
from alignment_toolkit.notebooks.pieces import Text
from alignment_toolkit.periods import Period, compare_periods
from alignment_toolkit.pseudonyms import Pseudonyms
from alignment_toolkit.results import Analysis, Finding, KpiValue
from alignment_toolkit.scorecard import Shared, shared_scorecard
from alignment_toolkit.scorecard.incentives import references_of
from alignment_toolkit.scorecard.pulls import check_pulls
from alignment_toolkit.segmentation import every_play, segment_company
from alignment_toolkit.sources.relate import PERSON_COLUMNS
from alignment_toolkit.tables import TABLES

if TYPE_CHECKING:
    from alignment_toolkit.segmentation import Segmented

__all__ = ["TOPICS", "Looking"]

TOPICS: Final[Mapping[str, str]] = {
    "figures": "Key figure",
    "moved": "What moved it",
    "all": "All key figures",
    "segments": "Segments",
    "findings": "Findings",
    "what-if": "What if",
}
"""What can be looked at, in the order in which it is shown."""

COURSE: Final = "The key figure in each part"
"""Small pictures for pages without controls, where nobody can turn from one part to the next."""

Progress = Callable[[int, int], None]
REMEMBERED: Final = 256
COMPANIES: Final = 8
ACCOUNTS: Final = 50
# Companies of up to so many rows are known by their data, so that one that is opened again finds what was computed.
# The fingerprint of more rows takes longer than a view; there the opened company itself, whose data cannot change.
ROWS: Final = 2_000_000
_SALES_FIRST: Final = ("channel", "region", "segment", "industry", "size", "country", "team", "category")
_DESCRIBING: Final = (
    "accounts",
    "leads",
    "opportunities",
    "orders",
    "products",
    "campaigns",
    "people",
    "spend",
)

_BY_DATA: dict[tuple[Any, ...], _Memory] = {}
_BY_COMPANY: WeakKeyDictionary[Company, _Memory] = WeakKeyDictionary()


class _Memory:
    """What was computed, the latest kept."""

    def __init__(self) -> None:
        self._found: OrderedDict[Any, Any] = OrderedDict()

    def get(self, key: Any, make: Callable[[], Any]) -> Any:
        if key in self._found:
            self._found.move_to_end(key)
            return self._found[key]
        made = self._found[key] = make()
        if len(self._found) > REMEMBERED:
            self._found.popitem(last=False)
        return made


class Looking:
    """A company to look at; computes what a view shows, each thing once.

    Examples
    --------
    >>> from alignment_toolkit.company import Company
    >>> looking = Looking(Company.open("data/sample"))
    >>> shown = looking.show("figures", View(period="2026-Q3", kpi="leads"))
    >>> leads = looking.company.cohort("leads", "2026-Q3")
    >>> shown.results[0].value, int(looking.company.fetch(leads.count()).iloc[0, 0])
    (389, 389)
    """

    def __init__(self, company: Company, catalog: Catalog | None = None) -> None:
        self.company = company
        self.catalog = catalog or Catalog.load(company.settings)
        self.catalog.check(company.settings)
        self.hidden = Pseudonyms(
            company.settings.secret_key() or company.name, company.settings.privacy.names
        )
        self._memory = _memory_of(company, self.catalog)
        self._own = _Memory()  # what is bound to this company's engine

    # ---- what can be chosen ------------------------------------------------------------------------------------

    def periods(self, most: int = 8) -> list[str]:
        """Give the last complete quarters and the year, the newest first."""
        last = default_period(self.company)
        found = [last]
        while len(found) < most:
            found.append(found[-1].previous())
        return [p.label for p in found]

    def kpis(self) -> dict[str, str]:
        """Give the key figures that the data allows, id -> title."""
        return {id: k.title for id, k in self.catalog.kpis.items() if not k.missing(self.company)}

    def dimensions(self) -> list[str]:
        """Name the words by which rows are described, the usual ones first; people are no dimension to browse."""
        found: dict[str, None] = {}
        for table in _DESCRIBING:
            for column in self.company.columns(table) if table in self.company.tables else ():
                declared = TABLES[table].columns.get(column)
                if (declared is None or declared.type == "word") and column not in PERSON_COLUMNS:
                    found[column] = None
        first = [d for d in _SALES_FIRST if d in found]
        return [*first, *sorted(set(found) - set(first) - {"currency"})]

    def splits(self, view: View) -> list[str]:
        """Name the dimensions that the key figure of a view is told by; none where it cannot be looked at at all."""

        def told() -> list[str]:
            kpi = self.catalog.chosen_kpis([view.kpi])[0]
            every = self.dimensions()
            untold = untold_by(self.part(view), kpi, every, self.period(view), catalogue=self.catalog.kpis)
            return [d for d in every if d not in untold]

        found: list[str] = self._once(("splits", view.only, view.kpi), told)
        return found

    def values(self, dimension: str) -> list[str]:
        """Give the values of a dimension that can be looked at alone, as a part is written."""

        def observed() -> list[str]:
            return [write_value(v) for v in self.company.values(dimension)]

        found: list[str] = self._once(("values", dimension), observed)
        return found

    # ---- what is shown -----------------------------------------------------------------------------------------

    def show(self, topic: str, view: View, progress: Progress | None = None) -> Shown:
        """Give what a topic shows of a view; what cannot be computed is said in the same place."""
        titles = {**TOPICS, "course": COURSE}
        if topic not in titles:
            raise UnknownName("topic", topic, titles)
        makers: Mapping[str, Callable[..., Shown]] = {
            "figures": self._figures, "moved": self._moved, "all": self._all, "segments": self._segments,
            "findings": self._findings, "what-if": self._what_if, "course": self._course,
        }  # fmt: skip
        try:
            with speaking(self.company.settings.report.language):
                return makers[topic](view, progress or _quiet)
        except AlignmentError as problem:
            said = str(problem).partition("\n")[0]
        except Exception as problem:  # whatever it is, the one who looks can do more with a sentence
            said = f"This could not be computed: {type(problem).__name__}: {problem}".partition("\n")[0]
        return Shown(topic, titles[topic], (Text(said, loud=True),), failed=True)

    def period(self, view: View) -> Period:
        """Give the period of a view."""
        found: Period = self.company.settings.period(view.period, as_of=self.company.as_of)
        return found

    def part(self, view: View) -> Company:
        """Give the part of the company that a view looks at."""

        def narrowed() -> Company:
            part = self.company
            for words in view.only:
                dimension = words.partition("=")[0].strip()
                if dimension in PERSON_COLUMNS:
                    raise UnknownName("dimension", dimension, self.dimensions())
                part = part_of(part, words)
            return part

        found: Company = self._own.get(("part", view.only), narrowed)
        return found

    def measured(self, view: View, *, each: bool = False) -> tuple[KpiValue, ...]:
        """Give the key figure: in total and by slice, then by month; `each` slice by month too."""
        when = self.period(view)
        chosen = self.catalog.chosen_kpis([view.kpi])

        def measure() -> tuple[KpiValue, ...]:
            company, against = self.part(view), compare_periods(view.compare, when)
            grain = "month" if when.days > 31 else "week" if when.days > 7 else None
            # One pass over the data.
            rows = measure_kpis(
                company, chosen, when, by=view.by, grain=grain, compare=against, hidden=self.hidden,
                sliced_grain=each,
            )  # fmt: skip
            return tuple(rows)

        found: tuple[KpiValue, ...] = self._once(
            ("course" if each else "figures", when.label, view.compare, view.only, view.kpi, view.by), measure
        )
        return found

    def _figures(self, view: View, progress: Progress) -> Shown:
        rows = self.measured(view)
        about = self.catalog.kpis[rows[0].kpi].about if rows else ""
        return telling.figures(TOPICS["figures"], rows, self.company.currency, about, self._note())

    def _course(self, view: View, progress: Progress) -> Shown:
        rows = self.measured(view, each=True)
        return telling.course(COURSE, rows, self.company.currency, self._note())

    def _moved(self, view: View, progress: Progress) -> Shown:
        when = self.period(view)
        owners = view.supposed("owner")
        if view.kpi in self.catalog.kpis and view.kpi not in SPLIT:
            others = [self.catalog.kpis[id].title for id in SPLIT if id in self.catalog.kpis]
            return telling.not_split(TOPICS["moved"], self.catalog.kpis[view.kpi].title, others)

        def split() -> tuple[dict[str, Any], ...]:
            company = with_owners(self.part(view), owners) if owners else self.part(view)
            found = what_moved(company, view.kpi, when, compare=view.compare, catalog=self.catalog)
            return tuple(one.row() for one in found)

        rows = self._once(
            ("moved", when.label, view.compare, view.only, view.kpi, tuple(owners.items())), split
        )
        return telling.moved(
            TOPICS["moved"], rows, self.catalog.kpis[view.kpi].title, self.company.currency, self._note()
        )

    def _all(self, view: View, progress: Progress) -> Shown:
        when = self.period(view)

        def measure() -> tuple[KpiValue, ...]:
            against, chosen = compare_periods(view.compare, when), self.catalog.chosen_kpis(None)
            return tuple(measure_kpis(self.part(view), chosen, when, compare=against, hidden=self.hidden))

        rows = self._once(("all", when.label, view.compare, view.only), measure)
        return telling.all_figures(TOPICS["all"], rows, self.company.currency, self.catalog.families)

    def segmented(self, view: View) -> Segmented:
        """Give the segments of the view's segmentation."""
        when = self.period(view)
        against = compare_periods(view.compare, when)

        def segment() -> Segmented:
            chosen = self.catalog.chosen_segmentations([view.segmentation])
            before = against[0] if against else None
            return segment_company(self.part(view), when, chosen, self.hidden, before=before)

        key = (when.label, view.compare, view.only, view.segmentation)
        found: Segmented = self._own.get(key, segment)
        return found

    def _segments(self, view: View, progress: Progress) -> Shown:
        progress(0, 1)
        found = self.segmented(view)
        keys = [str(row["segment"]) for row in found.segments]
        segment = view.segment if view.segment in keys else keys[0] if keys else ""
        accounts = self._accounts(view, found, segment) if segment else None
        return telling.segments(
            TOPICS["segments"], found, view.segmentation, segment, accounts, self.company.currency
        )

    def _accounts(self, view: View, found: Segmented, segment: str) -> Any:
        """Give the accounts of a segment that are worth the most, each with its play and the reasons."""
        t = found.table
        if t is None:
            return None

        def some() -> Any:
            inside = t.filter(t[f"in_{view.segmentation}"] == segment)
            order = [inside[c].desc(nulls_first=False) for c in ("expected_value", "money") if c in t.columns]
            top = inside.order_by([*order, inside.account_id]).limit(ACCOUNTS)
            return every_play(self.company, top, self.hidden, tells=found.tells)

        return self._once(("accounts", self.period(view).label, view.only, view.segmentation, segment), some)

    # ---- findings ----------------------------------------------------------------------------------------------

    def looks(self, view: View, progress: Progress | None = None) -> tuple[Look, ...]:
        """Look with every indicator; `progress` hears how many are done."""
        when, tell = self.period(view), progress or _quiet

        def look() -> tuple[Look, ...]:
            company, indicators = self.part(view), self.catalog.chosen_indicators(None)
            first = first_day(company) if any(i.window == "history" for i in indicators) else None
            found = []
            for number, indicator in enumerate(indicators):
                tell(number, len(indicators))
                found.append(look_at(company, indicator, when, first, self._measured_once))
            return tuple(found)

        found: tuple[Look, ...] = self._once(("looks", when.label, view.only), look)
        return found

    def _measured_once(self, company: Company, id: str, period: Period) -> KpiValue | None:
        def measure() -> KpiValue | None:
            rows = measure_kpis(company, self.catalog.chosen_kpis([id]), period)
            return rows[0] if rows else None

        found: KpiValue | None = self._once(("one", company.steps, id, period.label), measure)
        return found

    def findings(self, view: View, progress: Progress | None = None) -> tuple[Finding, ...]:
        """Give the findings under the view's margins, all in one family as in an Analysis."""
        looks, margins = self.looks(view, progress), view.supposed("margin")
        company = self.part(view)

        def revenue(window: Period) -> float | None:
            row = self._measured_once(company, "revenue", window) if "revenue" in self.catalog.kpis else None
            return row.value if row else None

        key = ("findings", self.period(view).label, view.only, tuple(margins.items()))
        found: tuple[Finding, ...] = self._once(
            key, lambda: judged(looks, margins, revenue=revenue, hidden=self.hidden)
        )
        return found

    def _findings(self, view: View, progress: Progress) -> Shown:
        found = self.findings(view, progress)
        return telling.findings(TOPICS["findings"], found, view.finding, self.frame(view))

    def frame(self, view: View) -> Analysis:
        """Give an Analysis without results: company, period, currency, settings."""
        when = self.period(view)
        return Analysis.from_json(
            Analysis.empty(
                company=self.company.name, currency=self.company.currency, period=when.label,
                start=str(when.start), to=str(when.last),
            ).to_json()
            | {"settings": self.company.settings.public()}
        )  # fmt: skip

    # ---- what if -----------------------------------------------------------------------------------------------

    def shared(self, view: View) -> Shared:
        """Give the shared scorecard under the view's weights."""
        when, weights = self.period(view), view.supposed("weight")

        def plain() -> Shared:
            return shared_scorecard(self.part(view), when, self.catalog)

        def weighed() -> Shared:
            return shared_scorecard(with_weights(self.part(view), base, weights), when, self.catalog)

        base: Shared = self._once(("shared", when.label, view.only), plain)
        if not weights:
            return base
        found: Shared = self._once(("shared", when.label, view.only, tuple(weights.items())), weighed)
        return found

    def pulled(self, view: View) -> dict[str, Any]:
        """Give what the view's levers do together; to profit alone where there is no scorecard."""
        shared = self.shared(view)
        cards: dict[str, dict[str, float]] = {}
        for row in shared.scorecard.rows:
            cards.setdefault(row["department"], {})[row["kpi"]] = row["weight"]
        better = {id: k.better for id, k in self.catalog.kpis.items()} | {"realised-price": "higher"}
        known = shared.incentives[0]["starts_from"] if shared.incentives else references_of([])
        spans = {k: tuple(v) for k, v in known.items()}
        return check_pulls(view.supposed("lever"), cards, better, spans)

    def _what_if(self, view: View, progress: Progress) -> Shown:
        bare = view.but(what_if={})
        before, after = self.findings(bare, progress), self.findings(view)
        stands = self.show("moved", bare)
        moved = (stands, self._moved(view, progress)) if view.supposed("owner") else None
        return telling.what_if(
            TOPICS["what-if"], view, findings=(before, after), shared=(self.shared(bare), self.shared(view)),
            pulled=self.pulled(view), moved=moved, drivers=stands.results or (), currency=self.company.currency,
        )  # fmt: skip

    # ---- the whole ---------------------------------------------------------------------------------------------

    def analysis(self, view: View) -> Analysis:
        """Give the Analysis of a view: its key figure, its segments, and all findings as an Analysis has them.

        What is supposed is no result, so it is not in it.
        """
        from dataclasses import replace

        company = self.part(view)
        made = analyse(
            company, self.period(view), compare=view.compare, by=view.by, kpis=[view.kpi], indicators=[],
            segmentations=[view.segmentation] if view.segmentation else [], catalog=self.catalog,
        )  # fmt: skip
        findings = self.findings(view.but(what_if={}))
        return Analysis.from_json(replace(made, findings=findings).to_json())

    def _note(self) -> str:
        from alignment_toolkit.report import words

        return words.made_up(
            Analysis.empty(company=self.company.name, currency=self.company.currency, period="")
        )

    def _once(self, key: Sequence[Any], make: Callable[[], Any]) -> Any:
        return self._memory.get(tuple(key), make)


def _quiet(done: int, of: int) -> None:
    pass


def _memory_of(company: Company, catalog: Catalog) -> _Memory:
    """Find what was computed of the same data under the same settings, or of this opened company."""
    if sum(q.rows for q in company.quality) > ROWS:
        return _BY_COMPANY.setdefault(company, _Memory())
    own = tuple(sorted(catalog.origin.items()))
    key = (company.fingerprint(), repr(company.settings.public()), company.steps, company.as_of, own)
    if len(_BY_DATA) >= COMPANIES and key not in _BY_DATA:
        _BY_DATA.pop(next(iter(_BY_DATA)))
    return _BY_DATA.setdefault(key, _Memory())
