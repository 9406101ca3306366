from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd
import pytest

from alignment_toolkit.errors import ParameterError, SettingsError
from alignment_toolkit.indicator import Data, Indicator, Observation, evidence, indicator
from alignment_toolkit.periods import Period
from alignment_toolkit.pseudonyms import Pseudonyms
from alignment_toolkit.results import Chart, Column, Evidence, Finding, Money
from alignment_toolkit.settings import Settings
from alignment_toolkit.statistics.inference import Gap
from alignment_toolkit.verdict import verdicts

Q3 = Period.parse("2026-Q3")


class Firm:
    """A company of column names alone: what the framework asks before an author's code runs."""

    currency = "EUR"
    calendar = None
    settings: Any = Settings.from_toml("")
    undated: frozenset[str] = frozenset()

    def __init__(self, columns: Mapping[str, Sequence[str]], as_of: date | None = date(2026, 9, 30)) -> None:
        self.held = {t: tuple(c) for t, c in columns.items()}
        self._as_of = as_of
        self.tables = tuple(self.held)

    def __getitem__(self, table: str) -> Any:
        raise KeyError(table)

    def has(self, table: str, *columns: str) -> bool:
        return table in self.held and set(columns) <= set(self.held[table])

    def missing(self, needs: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
        return tuple(f"{t}.{c}" for t, columns in needs.items() for c in columns if not self.has(t, c))

    def relation(self, name: str) -> Any:
        raise KeyError(name)

    def fetch(self, expr: Any, *, limit: int = 0) -> pd.DataFrame:
        raise KeyError(expr)

    def as_of_of(self, tables: Sequence[str]) -> date | None:
        return self._as_of if tables else None


def gap(value: float, se: float, n: int = 400) -> Gap:
    return Gap.normal(value, se, n=n, n_unit="leads", unit="share", method="normal")


def made(
    see: Callable[..., Observation] | None = None, *, name: str = "late_leads", **header: Any
) -> Indicator:
    def late(data: Data, window: Period, *, within: float = 16.0, strict: bool = False) -> Observation:
        """Why it matters."""
        return see(data, window, within=within, strict=strict) if see else Observation(gap(0.3, 0.02))

    late.__name__ = name
    words: dict[str, Any] = {
        "title": "in time", "failure_title": "late", "question": "late?", "nature": "tactical", "area": "handover",
        "kind": "level", "unit": "share", "margin": 0.1, "enough": 50, "says": "{gap} of {n} within {within} h.",
        "advice": "talk", "population": "leads of the period", "needs": {"leads": ("qualified_at",)},
    }  # fmt: skip
    return indicator(**{**words, **header})(late)


FULL = Firm({"leads": ("lead_id", "qualified_at"), "touches": ("touched_at",)})


def judged(seen: Callable[..., Observation] | Gap, **header: Any) -> Finding:
    see = (lambda *a, **k: Observation(seen)) if isinstance(seen, Gap) else seen
    revenue = header.pop("revenue", lambda window: None)
    return verdicts([made(see, **header).look(FULL, Q3)], revenue=revenue, pseudonyms=Pseudonyms("key"))[0]


@pytest.mark.parametrize(
    ("value", "se", "status"),
    [
        (0.20, 0.02, "misaligned"),
        (0.05, 0.01, "aligned"),
        (0.12, 0.02, "uncertain"),
        (0.08, 0.02, "uncertain"),
    ],
)
def test_verdict_greater(value: float, se: float, status: str) -> None:
    assert judged(gap(value, se)).status == status


@pytest.mark.parametrize(
    ("value", "status"),
    [(0.20, "misaligned"), (-0.20, "misaligned"), (0.0, "aligned"), (-0.12, "uncertain")],
)
def test_verdict_both(value: float, status: str) -> None:
    assert judged(gap(value, 0.02), direction="both").status == status


def test_a_gap_far_below_zero_is_aligned_where_only_greater_matters() -> None:
    assert judged(gap(-0.5, 0.02)).status == "aligned"


def test_p_value_is_one_sided_at_the_margin_and_doubled_for_both() -> None:
    one = judged(gap(0.14, 0.02)).p_value
    two = judged(gap(0.14, 0.02), direction="both").p_value
    assert one == pytest.approx(0.02275, abs=1e-4)
    assert two == pytest.approx(2 * one)


def test_an_exact_gap_on_the_margin_is_aligned_and_beyond_it_misaligned() -> None:
    assert judged(Gap.exact(0.1, n=400)).status == "aligned"
    assert judged(Gap.exact(0.1001, n=400)).status == "misaligned"


def test_titles_and_statement_follow_the_verdict() -> None:
    found = judged(gap(0.2, 0.02))
    assert found.title == "late"
    assert found.statement == (
        "20.0 % of 400 within 16 h. The 95 % interval is 16.1 % to 23.9 %, from 400 leads. The tolerance is 10.0 %."
    )
    assert judged(gap(0.05, 0.01)).title == "in time"
    assert judged(gap(0.12, 0.02)).title == "late?"


@pytest.mark.parametrize(
    ("header", "value", "said"),
    [
        ({}, 0.2, "16.1 % to 23.9 %, from 400 leads. The tolerance is 10.0 %."),
        ({"direction": "both"}, 0.2, "The tolerance is 10.0 % either way."),
        ({"kind": "contrast"}, -0.2, "-20.0 percentage points of 400"),
        ({"kind": "contrast"}, 0.2, "16.1 to 23.9 percentage points, from 400 leads. The tolerance is 10.0 percentage"),
        ({"unit": "ratio", "told": "per cent"}, 0.2, "20.0 % of 400 within 16 h. The 95 % interval is 16.1 % to"),
        ({"unit": "index", "told": "growth"}, 0.2, "22.1 % of 400 within 16 h. The 95 % interval is 17.4 % to 27.0 %"),
        ({"unit": "index", "told": "growth"}, -0.2, "-18.1 % of 400"),
        ({"unit": "points", "margin": 1.0}, 2.0, "2.00 points of 400 within 16 h. The 95 % interval is 1.96 to"),
    ],
)  # fmt: skip
def test_a_sentence_writes_the_gap_as_people_say_it(header: dict[str, Any], value: float, said: str) -> None:
    unit = header.get("unit", "share")
    found = Gap.normal(value, 0.02, n=400, n_unit="leads", unit=unit, method="normal")
    assert said in judged(found, **header).statement


def test_what_was_counted_whole_has_no_interval() -> None:
    said = judged(Gap.exact(0.2, n=400, n_unit="leads", unit="share", method="counted")).statement
    assert said == "20.0 % of 400 within 16 h. All 400 leads were counted. The tolerance is 10.0 %."


def test_too_little_data_keeps_the_gap_but_bears_no_test() -> None:
    found = judged(gap(0.5, 0.02, n=49))
    assert (found.status, found.needs_more, found.p_value, found.severity) == (
        "too_little_data",
        1,
        None,
        "none",
    )
    assert found.statement == found.message == "At least 50 leads are needed; here: 49."
    assert found.gap is not None
    assert judged(gap(0.5, 0.02, n=50)).status == "misaligned"


def test_several_minima_are_counted_by_name() -> None:
    def see(*_: Any, **__: Any) -> Observation:
        return Observation(gap(0.5, 0.02), counts={"accounts": 120, "targets": 19})

    found = judged(see, enough={"accounts": 100, "targets": 20})
    assert found.message == "At least 20 targets are needed; here: 19."


def test_uncertain_says_how_many_more_rows_would_settle_it() -> None:
    found = judged(gap(0.12, 0.02))
    assert found.needs_more is not None
    assert (
        1000 < found.needs_more < 1300
    )  # half-width .0392 must come down to .02: (1.96)^2 x 400 = 1,537 in all


def test_withheld_goes_before_too_little_data_and_shows_no_number() -> None:
    def see(*_: Any, **__: Any) -> Observation:
        return Observation(gap(0.5, 0.02, n=3), withheld="Only 3 people answered.")

    found = judged(see)
    assert (found.status, found.gap, found.message) == ("withheld", None, "Only 3 people answered.")


def test_what_is_missing_is_named_and_the_author_is_not_called() -> None:
    header = made(
        lambda *a, **k: pytest.fail("called"), needs={"touches": ("theme", "touched_at"), "plan": ("key",)}
    )
    found = verdicts([header.look(FULL, Q3)])[0]
    assert (found.status, found.missing) == ("not_assessed", ("touches.theme", "plan.key"))
    assert found.message == "Needs touches.theme, plan.key."


def test_any_of_names_the_nearest_way_where_none_is_there() -> None:
    header = made(any_of=({"orders": ("amount",)}, {"spend": ("amount", "spent_on")}))
    assert header.missing(FULL) == ("orders.amount",)
    assert made(any_of=({"orders": ("amount",)}, {"touches": ("touched_at",)})).missing(FULL) == ()


def test_a_bug_in_one_indicator_leaves_the_others_whole() -> None:
    def broken(*_: Any, **__: Any) -> Observation:
        raise ZeroDivisionError("division by zero")

    looks = [made(broken, name="broken").look(FULL, Q3), made(name="sound").look(FULL, Q3)]
    found = {f.indicator: f for f in verdicts(looks)}
    assert found["broken"].status == "error"
    assert found["broken"].message == "ZeroDivisionError: division by zero"
    assert found["sound"].status == "misaligned"


def test_a_gap_in_another_unit_than_its_margin_is_an_error() -> None:
    wrong = Gap.normal(3, 1, n=99, n_unit="leads", unit="points", method="normal")
    assert judged(wrong).status == "error"


def test_an_indicator_gets_only_what_it_declared() -> None:
    def curious(data: Data, window: Period, **_: Any) -> Observation:
        data["touches"]
        return Observation(gap(0.1, 0.1))

    found = judged(curious)
    assert found.status == "error"
    assert "without declaring it" in str(found.message)


def test_false_discoveries_are_controlled_over_the_family() -> None:
    def at(p_like: float) -> Callable[..., Observation]:
        return lambda *a, **k: Observation(gap(0.1 + p_like * 0.02, 0.02))

    # One gap just beyond the margin (p = .02) passes alone and falls among twenty that are at 0.
    border = 2.05
    alone = verdicts([made(at(border)).look(FULL, Q3)])
    crowd = [made(at(border)).look(FULL, Q3)] + [
        made(at(-5), name=f"null_{i}").look(FULL, Q3) for i in range(19)
    ]
    found = {f.indicator: f for f in verdicts(crowd)}
    assert alone[0].status == "misaligned"
    assert found["late_leads"].status == "uncertain"
    assert found["late_leads"].q_value == pytest.approx(20 * found["late_leads"].p_value)


@pytest.mark.parametrize(("value", "severity"), [(0.15, "low"), (0.21, "medium"), (0.31, "high")])
def test_severity_by_size(value: float, severity: str) -> None:
    assert judged(gap(value, 0.01)).severity == severity


def test_severity_by_money_above_one_per_cent_of_revenue() -> None:
    def see(*_: Any, **__: Any) -> Observation:
        return Observation(gap(0.15, 0.01), money=Money(30.0, 11.0, 50.0, "EUR", "arithmetical"))

    assert judged(see, revenue=lambda window: 1000.0).severity == "high"
    assert judged(see, revenue=lambda window: 1200.0).severity == "low"


def test_options_and_margin_come_from_settings() -> None:
    header = made()
    assert header.configured({"margin": 0.05, "within": 8}) == (0.05, {"within": 8.0, "strict": False})
    with pytest.raises(SettingsError) as raised:
        header.configured({"withn": 8, "strict": 1, "margin": -1})
    assert "Did you mean 'within'?" in str(raised.value)
    assert "strict = 1" in str(raised.value)
    assert "margin = -1" in str(raised.value)


@pytest.mark.parametrize(
    ("window", "start", "end"),
    [
        ("period", "2026-07-01", "2026-10-01"),
        ("trailing-12-months", "2025-10-01", "2026-10-01"),
        ("history", "2024-01-01", "2026-10-01"),
        ("mature-90-days", "2026-04-02", "2026-07-03"),
    ],
)
def test_windows(window: str, start: str, end: str) -> None:
    found = made(window=window).window_of(Q3, first=date(2024, 1, 1), as_of=date(2026, 9, 30))
    assert (str(found.start), str(found.end)) == (start, end)


def test_a_mature_windows_youngest_row_is_of_that_age() -> None:
    found = made(window="mature-90-days").window_of(Q3, first=None, as_of=date(2026, 9, 30))
    assert (date(2026, 9, 30) - found.last).days == 90


def test_young_data_fires_the_guard_and_complete_data_does_not() -> None:
    young = made().look(Firm({"leads": ("qualified_at",)}, as_of=date(2026, 9, 29)), Q3)
    assert [g.guard for g in verdicts([young])[0].guards] == ["immature"]
    assert verdicts([made().look(FULL, Q3)])[0].guards == ()


def test_people_and_clients_are_pseudonyms_in_evidence_and_chart() -> None:
    columns = (Column("who", "Who", None, "person"), Column("client", "Client", None, "name"))

    def see(*_: Any, **__: Any) -> Observation:
        rows = Evidence(columns, (("Ada Lovelace", "Acme"), (None, "Acme")))
        chart = Chart("bars", "client", "n", rows=({"client": "Acme", "n": 3},))
        return Observation(gap(0.3, 0.02), evidence=rows, chart=chart)

    found = judged(see)
    assert "Ada" not in str(found)
    assert "Acme" not in str(found)
    assert found.evidence.rows[1][0] is None
    assert found.chart is not None
    assert found.chart.rows is not None
    assert found.chart.rows[0]["client"] == found.evidence.rows[0][1]


def test_evidence_keeps_fifty_rows_and_names_a_wrong_column() -> None:
    frame = pd.DataFrame({"a": range(60)})
    assert len(evidence(frame, [Column("a", "A", None, "id")]).rows) == 50
    with pytest.raises(ParameterError, match="no column 'b'"):
        evidence(frame, [Column("b", "B", None, "id")])


def test_a_header_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(ParameterError, match="window 'quarterly'"):
        made(window="quarterly")
    with pytest.raises(ParameterError, match="margin below 0"):
        made(margin=-0.1)
    with pytest.raises(ParameterError, match="no docstring"):

        @indicator(
            title="", failure_title="", nature="tactical", area="handover", kind="level", unit="share", margin=0.1,
            enough=1, says="", advice="", population="rows",
        )  # fmt: skip
        def silent(data: Data, window: Period) -> Observation:
            return Observation(gap(0, 1))


def test_where_one_date_stands_for_all_rows_what_needs_time_is_not_assessed() -> None:
    firm = Firm({"leads": ("qualified_at",)})
    firm.undated = frozenset({"leads"})
    found = verdicts([made().look(firm, Q3)])[0]
    assert (found.status, found.missing) == (
        "not_assessed",
        ("leads.created_at (one date stands for all rows)",),
    )
    told = verdicts([made(timeless=("leads",)).look(firm, Q3)])[0]
    assert told.status == "misaligned"
    assert [(g.guard, g.message) for g in told.guards] == [
        ("immature", "One date stands for all rows of leads: when anything happened is not known.")
    ]
    assert verdicts([made(timeless=("leads",)).look(FULL, Q3)])[0].guards == ()
