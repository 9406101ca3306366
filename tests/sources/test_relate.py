"""What is seen with all tables at hand."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignment_toolkit.sources.relate import quantile

ACCOUNTS = "account_id,name\na,A\nb,B\nc,C\n"


def codes(company) -> list[str]:  # type: ignore[no-untyped-def]
    return [p.code for p in company.problems]


def test_doubled_ids_refuse_the_table_and_are_named(written) -> None:  # type: ignore[no-untyped-def]
    company = written({"accounts.csv": "account_id\na\nb\na\nA\n", "lists.csv": "list_id\n1\n"})
    assert [(p.code, p.value) for p in company.problems] == [("duplicate_id", "a")]
    assert "account_id 'a' stands in 2 rows" in company.problems[0].message
    assert "accounts" not in company.tables
    assert "'a'" in company.refused["accounts"]


def test_a_doubled_id_names_its_first_rows(written) -> None:  # type: ignore[no-untyped-def]
    content = "lead_id,created_at\na,2026-01-01\nb,2026-01-01\na,2026-01-02\na,xx\n" + "b,2026-01-01\n" * 3
    company = written({"leads.csv": content, "lists.csv": "list_id\n1\n"})
    told = [(p.row, p.value, p.message) for p in company.problems if p.code == "duplicate_id"]
    assert told == [
        (2, "a", "leads.csv, rows 2, 4: lead_id 'a' stands in 2 rows; an id must be unique."),
        (3, "b", "leads.csv, rows 3, 6, 7 ...: lead_id 'b' stands in 4 rows; an id must be unique."),
    ]


def test_every_doubled_id_is_listed_and_beyond_a_thousand_counted(written) -> None:  # type: ignore[no-untyped-def]
    ids = "".join(f"x{n:04}\n" * 2 for n in range(1003))
    company = written({"accounts.csv": f"account_id\n{ids}", "lists.csv": "list_id\n1\n"})
    told = [p for p in company.problems if p.code == "duplicate_id"]
    assert [p.value for p in told[:2]] == ["x0000", "x0001"]
    assert (len(told), told[-1].more, sum(p.count for p in told)) == (1001, 3, 1003)
    assert "3 more values of account_id" in told[-1].message
    assert "more" not in told[-1].to_json()


@pytest.mark.parametrize(
    ("name", "content", "bad"),
    [
        ("orders", "order_id,ordered_at,amount,line_id\n1,2026-09-01,1,x\n1,2026-09-01,2,x\n", True),
        ("orders", "order_id,ordered_at,amount,line_id\n1,2026-09-01,1,x\n1,2026-09-01,2,y\n", False),
        ("orders", "order_id,ordered_at,amount,line_id\n1,2026-09-01,1,\n1,2026-09-01,2,\n", False),
        ("rates", "currency,valid_on,rate\nUSD,2026-09-01,1\nusd,2026-09-01,2\n", True),
        ("rates", "currency,valid_on,rate\nUSD,2026-09-01,1\nUSD,2026-09-02,2\n", False),
        ("spend", "spent_on,amount,spend_id\n2026-09-01,1,a\n2026-09-01,1,a\n", True),
    ],
)
def test_further_unique_columns(written, name: str, content: str, bad: bool) -> None:  # type: ignore[no-untyped-def]
    company = written({f"{name}.csv": content, "lists.csv": "list_id\n1\n"})
    assert (name in company.refused) is bad
    assert ("duplicate_id" in codes(company)) is bad


def test_orphans_are_counted_and_kept(written) -> None:  # type: ignore[no-untyped-def]
    company = written(
        {
            "accounts.csv": ACCOUNTS,
            "leads.csv": "lead_id,created_at,account_id\n1,2026-09-01,a\n2,2026-09-01,zz\n3,2026-09-01,\n4,2026-09-01,zz\n",  # noqa: E501
        }
    )
    (problem,) = company.problems
    assert (problem.code, problem.level, problem.column, problem.value) == (
        "orphan",
        "warning",
        "account_id",
        "zz",
    )
    assert "2 of 3 rows have a value of account_id that accounts does not have" in problem.message
    quality = {q.table: q for q in company.quality}
    assert quality["leads"].rows == 4
    assert quality["leads"].linked_share == 0.25
    assert quality["accounts"].linked_share is None


def test_merges_are_followed_in_every_table(written) -> None:  # type: ignore[no-untyped-def]
    company = written(
        {
            "accounts.csv": "account_id,name,merged_into\na,A,\nb,B,a\nc,C,b\nd,D,\n",
            "leads.csv": "lead_id,created_at,account_id,referred_by\n1,2026-09-01,c,b\n2,2026-09-01,d,\n3,2026-09-01,b,\n",  # noqa: E501
            "orders.csv": "order_id,ordered_at,amount,account_id\n1,2026-09-01,5,c\n",
            "people.csv": "person_id,department,merged_into\np,sales,\nq,sales,p\n",
            "touches.csv": "touch_id,touched_at,department,actor\n1,2026-09-01,sales,q\n",
        }
    )
    leads = company.fetch(company["leads"].order_by("lead_id"))
    assert list(leads.account_id) == ["a", "d", "a"]
    assert leads.referred_by[0] == "a"
    assert list(company.fetch(company["orders"]).account_id) == ["a"]
    assert list(company.fetch(company["accounts"].order_by("account_id")).account_id) == ["a", "d"]
    assert list(company.fetch(company["touches"]).actor) == ["p"]
    table = company._data.loaded.tables["accounts"]
    assert (table.rows, table.used, table.left_out, table.refused) == (4, 2, 2, 0)
    assert codes(company) == ["merged", "merged"]


def test_a_circle_of_merges_is_refused(written) -> None:  # type: ignore[no-untyped-def]
    company = written({"accounts.csv": "account_id,merged_into\na,b\nb,a\nc,a\nd,\ne,e\n"})
    assert [(p.code, p.value) for p in company.problems] == [("merge_cycle", v) for v in ("a", "b", "c", "e")]
    assert list(company.fetch(company["accounts"]).account_id) == ["d"]
    assert company.quality[0].rejected == 4


def test_a_merge_into_nothing_is_kept_with_a_warning(written) -> None:  # type: ignore[no-untyped-def]
    company = written({"accounts.csv": "account_id,merged_into\na,gone\nb,\n"})
    assert codes(company) == ["merge_orphan"]
    assert company.quality[0].rows == 2


def test_a_row_counts_until_it_was_deleted(written) -> None:  # type: ignore[no-untyped-def]
    company = written(
        {
            "leads.csv": "lead_id,created_at,qualified_at,deleted_at\n"
            "1,2026-09-01,2026-09-05,\n2,2026-09-01,2026-09-05,2026-09-03\n3,2026-09-04,,2026-09-04\n"
        }
    )
    assert codes(company) == ["deleted"]
    assert sorted(company.fetch(company["leads"]).lead_id) == ["1", "2"]
    assert sorted(company.fetch(company.cohort("leads", "2026-09")).lead_id) == ["1", "2"]
    assert sorted(company.fetch(company.cohort("leads", "2026-09", on="qualified_at")).lead_id) == ["1"]


def test_equal_order_lines_are_counted_and_kept(written) -> None:  # type: ignore[no-untyped-def]
    line = "1,2026-09-01,5,a\n"
    company = written({"orders.csv": f"order_id,ordered_at,amount,account_id\n{line * 3}2,2026-09-01,5,a\n"})
    (problem,) = company.problems
    assert (problem.code, problem.level) == ("equal_lines", "warning")
    assert "2 order lines are equal" in problem.message
    assert company.quality[0].rows == 4


def test_amounts_without_a_rate_are_told_by_the_check(written) -> None:  # type: ignore[no-untyped-def]
    """Of dollars only 1 September lies before the first rate; pounds have none; a line without currency needs none."""
    rows = ("01,5,USD", "02,5,usd", "03,5,GBP", "05,5,GBP", "01,5,EUR", "01,5,")
    lines = "".join(f"{i},2026-09-{row}\n" for i, row in enumerate(rows))
    files = {
        "orders.csv": f"order_id,ordered_at,amount,currency\n{lines}",
        "rates.csv": "currency,valid_on,rate\nUSD,2026-09-02,0.9\n",
        "alignment.toml": '[company]\ncurrency = "EUR"\n',
    }
    (problem,) = written(files).problems
    assert (problem.code, problem.level, problem.column, problem.value) == (
        "no_rate",
        "warning",
        "currency",
        "GBP",
    )
    assert problem.message == (
        "orders.csv: 3 rows have amounts in another currency than EUR, for which the table rates has no rate of their"
        " day (GBP: 2, from 2026-09-03 to 2026-09-05; USD: 1, from 2026-09-01 to 2026-09-01); no sum of money"
        " that holds them is told. Add the rates, from the first of these days on."
    )
    files["rates.csv"] += "USD,2026-09-01,0.9\nGBP,2026-01-01,1.1\n"
    assert written(files).problems == ()


def test_a_deal_that_was_won_on_no_day_is_told_by_the_check(written) -> None:  # type: ignore[no-untyped-def]
    rows = "1,2026-09-01,,won\n2,2026-09-01,,lost\n3,2026-09-01,,\n4,2026-09-01,2026-09-02,won\n5,2026-09-01,,won\n"
    company = written({"opportunities.csv": f"opportunity_id,opened_at,closed_at,outcome\n{rows}"})
    (problem,) = company.problems
    assert (problem.code, problem.level, problem.column) == ("undated_outcome", "warning", "closed_at")
    assert "3 opportunities have an outcome and no closed_at (2 won, 1 lost)" in problem.message


def test_isolated_dates_are_set_aside_and_named(written) -> None:  # type: ignore[no-untyped-def]
    start = dt.date(2026, 1, 1)
    rows = "".join(f"{i},{start + dt.timedelta(days=i % 200)},1\n" for i in range(2000))
    company = written({"orders.csv": f"order_id,ordered_at,amount\n{rows}x,2031-01-01,1\n"})
    assert company.complete_until("orders") == start + dt.timedelta(days=199)
    (problem,) = company.problems
    assert (problem.code, problem.level, problem.row) == ("isolated_date", "warning", 2002)
    assert company.quality[0].rows == 2001


def test_a_date_within_thirty_days_is_not_isolated(written) -> None:  # type: ignore[no-untyped-def]
    start = dt.date(2026, 1, 1)
    rows = "".join(f"{i},{start + dt.timedelta(days=i % 200)},1\n" for i in range(2000))
    last = start + dt.timedelta(days=199 + 29)
    company = written({"orders.csv": f"order_id,ordered_at,amount\n{rows}x,{last},1\n"})
    assert company.complete_until("orders") == last
    assert company.problems == ()


def test_what_is_after_as_of_is_not_past(written) -> None:  # type: ignore[no-untyped-def]
    files = {
        "orders.csv": "order_id,ordered_at,amount\n1,2026-09-01,1\n2,2026-09-30T23:00,1\n3,2027-01-01,1\n"
    }
    assert written(files).as_of == dt.date(2027, 1, 1)
    assert written(files, as_of=dt.date(2026, 9, 30)).complete_until("orders") == dt.date(2026, 9, 30)
    assert written(files, as_of=dt.date(2026, 9, 29)).complete_until("orders") == dt.date(2026, 9, 1)
    assert written(files, as_of=dt.date(2026, 9, 29)).as_of == dt.date(2026, 9, 1)


@given(
    counts=st.dictionaries(st.integers(0, 3000), st.integers(1, 9), min_size=1, max_size=40),
    q=st.sampled_from([0.0, 0.5, 0.9, 0.999, 1.0]),
)
def test_the_quantile_is_that_of_numpy(counts: dict[int, int], q: float) -> None:
    base = dt.date(2020, 1, 1)
    days = [(base + dt.timedelta(days=d), n) for d, n in sorted(counts.items())]
    flat = [d.toordinal() for d, n in days for _ in range(n)]
    assert quantile(days, q) == pytest.approx(float(np.quantile(flat, q)), abs=1e-6)
