"""Source olist: three made-up rows first, then the reference numbers of the public files."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from alignment_toolkit.company import Company
from alignment_toolkit.errors import DataError
from alignment_toolkit.periods import Period

FILES = {
    "olist_marketing_qualified_leads_dataset.csv": "mql_id,first_contact_date,landing_page_id,origin\n"
    "m1,2018-01-05,p,social\nm2,2018-01-06,p,unknown\nm3,2018-01-07,p,\n",
    "olist_closed_deals_dataset.csv": "mql_id,seller_id,sdr_id,sr_id,won_date,business_segment,lead_type,"
    "lead_behaviour_profile,has_company,business_type,declared_monthly_revenue\n"
    "m1,s1,d1,r1,2018-02-01 02:00:00,pet,online_big,cat,,reseller,0.0\n",
    "olist_sellers_dataset.csv": '"seller_id","seller_zip_code_prefix","seller_city","seller_state"\n"s2","01","x","SP"\n',  # noqa: E501
    "olist_order_items_dataset.csv": '"order_id","order_item_id","product_id","seller_id","shipping_limit_date","price","freight_value"\n'  # noqa: E501
    '"o1",1,"a","s1","2018-03-01 10:00:00",58.90,13.29\n"o1",2,"a","s1","2018-03-01 10:00:00",58.90,13.29\n'
    '"o2",1,"b","s2","2018-03-02 10:00:00",10.00,1.00\n',
    "olist_products_dataset.csv": '"product_id","product_category_name","product_name_lenght"\n"a","beleza_saude",40\n"b",,\n',  # noqa: E501
    "product_category_name_translation.csv": "\ufeffproduct_category_name,product_category_name_english\nbeleza_saude,health_beauty\n",  # noqa: E501
}  # fmt: skip


def made_up(tmp_path: Path, **changes: str | None) -> Company:
    for name, text in {**FILES, **changes}.items():
        if text is not None:
            (tmp_path / name).write_bytes(text.encode())
    (tmp_path / "alignment.toml").write_text('[source]\nkind = "olist"\n')
    return Company.open(tmp_path)


def rows(company: Company, table: str, key: str, *columns: str) -> list[tuple[object, ...]]:
    frame = company.fetch(company[table].order_by(key).select(key, *columns))
    return [tuple(None if v != v else v for v in row) for row in frame.itertuples(index=False)]


def test_three_leads_one_deal(tmp_path: Path) -> None:
    company = made_up(tmp_path)
    assert (company.name, company.currency, company.timezone) == ("Olist", "BRL", "America/Sao_Paulo")
    assert rows(company, "leads", "lead_id", "account_id", "channel", "received_by") == [
        ("m1", "s1", "social", "d1"),
        ("m2", None, "unknown", None),
        ("m3", None, None, None),
    ]
    assert rows(company, "accounts", "account_id", "region", "industry", "from_lead") == [
        ("s1", None, "pet", "yes"),
        ("s2", "SP", None, "no"),
    ]
    deal = company.fetch(company["opportunities"]).iloc[0]
    assert deal.closed_at == dt.datetime(2018, 2, 1, 0, 0)  # 02:00 UTC is midnight in Sao Paulo's summer
    assert deal.opened_at == dt.datetime(2018, 1, 5)
    assert (deal.owner, deal.outcome, deal.lead_id, deal.account_id) == ("r1", "won", "m1", "s1")
    assert [
        (r[0], str(r[1]), *r[2:])
        for r in rows(company, "orders", "line_id", "amount", "account_id", "channel")
    ] == [
        ("o1-1", "58.9000", "s1", "social"),
        ("o1-2", "58.9000", "s1", "social"),
        ("o2-1", "10.0000", "s2", None),
    ]
    assert rows(company, "products", "product_id", "category", "product_name_length") == [
        ("a", "health_beauty", "40"),
        ("b", None, None),
    ]
    assert "amount" not in company.columns("opportunities")
    assert company.problems == ()


def test_a_lead_with_two_deals_stays_one_lead(tmp_path: Path) -> None:
    deals = (
        FILES["olist_closed_deals_dataset.csv"] + "m1,s9,d9,r9,2018-02-03 12:00:00,pet,x,cat,,reseller,0.0\n"
    )
    company = made_up(tmp_path, **{"olist_closed_deals_dataset.csv": deals})
    assert len(rows(company, "leads", "lead_id")) == 3
    assert "opportunities" in company.refused  # its id is the lead's


def test_what_is_missing_is_absent(tmp_path: Path) -> None:
    company = made_up(tmp_path, **{"olist_order_items_dataset.csv": None, "olist_products_dataset.csv": None})
    assert company.tables == ("accounts", "leads", "opportunities")


def test_a_file_without_its_columns_refuses_the_tables_that_need_it(tmp_path: Path) -> None:
    text = FILES["olist_marketing_qualified_leads_dataset.csv"].replace("first_contact_date", "first_contact")
    company = made_up(tmp_path, **{"olist_marketing_qualified_leads_dataset.csv": text})
    assert company.tables == ("accounts", "products")
    assert {p.code for p in company.problems} == {"missing_column"}
    assert "Did you mean 'first_contact'" in company.problems[0].message


def test_a_folder_without_olists_files(tmp_path: Path) -> None:
    (tmp_path / "leads.csv").write_text("x\n")
    (tmp_path / "alignment.toml").write_text('[source]\nkind = "olist"\n')
    with pytest.raises(DataError, match=r"none of Olist's files; it holds: .*leads\.csv"):
        Company.open(tmp_path)


@pytest.fixture(scope="module")
def olist(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Company:
    toml = tmp_path_factory.mktemp("olist") / "alignment.toml"
    toml.write_text(f'[source]\nkind = "olist"\nurl = "{real_data / "olist"}"\n')
    return Company.open(toml)


def number(company: Company, sql: str) -> tuple[object, ...]:
    found = company.backend.con.execute(sql).fetchone()
    assert found is not None
    return tuple(found)


def test_real_counts(olist: Company) -> None:
    assert {q.table: q.rows for q in olist.quality} == {
        "accounts": 3557, "products": 32951, "leads": 8000, "opportunities": 842, "orders": 112650,
    }  # fmt: skip
    assert all(q.rejected == 0 for q in olist.quality)


def test_real_days_until_which_data_is_complete(olist: Company) -> None:
    assert olist.complete_until("leads") == dt.date(2018, 5, 31)
    assert olist.complete_until("opportunities") == dt.date(2018, 11, 14)
    assert olist.complete_until("orders") == dt.date(2018, 9, 18)
    assert olist.as_of == dt.date(2018, 5, 31)
    isolated = [p for p in olist.problems if p.code == "isolated_date"]
    assert len(isolated) == len(olist.problems) == 4
    assert {str(p.value)[:4] for p in isolated} == {"2020"}


def test_real_conversion_by_origin(olist: Company) -> None:
    found = olist.backend.con.execute(
        "SELECT channel, count(o.lead_id), count(*) FROM leads l LEFT JOIN opportunities o USING (lead_id)"
        " GROUP BY 1 ORDER BY 3 DESC, 1"
    ).fetchall()
    assert found == [
        ("organic_search", 271, 2296), ("paid_search", 195, 1586), ("social", 75, 1350), ("unknown", 179, 1099),
        ("direct_traffic", 56, 499), ("email", 15, 493), ("referral", 24, 284), ("other", 4, 150),
        ("display", 6, 118), ("other_publicities", 3, 65), (None, 14, 60),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("month", "leads", "won", "within_90"),
    [("2018-01", 1141, 152, 129), ("2018-02", 1028, 149, 128), ("2018-03", 1174, 167, 141),
     ("2018-04", 1352, 183, 171), ("2018-05", 1303, 130, 109)],
)  # fmt: skip
def test_real_monthly_cohorts(olist: Company, month: str, leads: int, won: int, within_90: int) -> None:
    cohort = olist.cohort("leads", Period.parse(month))
    deals = olist["opportunities"].select("lead_id", "closed_at")
    frame = olist.fetch(cohort.left_join(deals, "lead_id").select("created_at", "closed_at"))
    days = (frame.closed_at.dt.normalize() - frame.created_at).dt.days
    assert (len(frame), int(frame.closed_at.notna().sum()), int((days <= 90).sum())) == (
        leads,
        won,
        within_90,
    )


def test_real_money(olist: Company) -> None:
    total, freight = number(
        olist, "SELECT sum(amount), sum(CAST(freight_value AS DECIMAL(18,2))) FROM orders"
    )
    assert (str(total), str(freight)) == ("13591643.7000", "2251909.54")
    sellers, lines, revenue = number(
        olist, "SELECT count(DISTINCT account_id), count(*), sum(amount) FROM orders WHERE from_lead = 'yes'"
    )
    assert (sellers, lines, str(revenue)) == (380, 5044, "676851.4800")


def test_real_days_to_won(olist: Company) -> None:
    # The reference mean takes the won date as it stands in the file, in UTC; the median counts calendar days.
    median, mean = number(
        olist,
        "SELECT median(CAST(closed_at AS DATE) - CAST(opened_at AS DATE)), round(avg(epoch(timezone("
        "'America/Sao_Paulo', closed_at)) - epoch(opened_at)) / 86400, 1) FROM opportunities",
    )
    assert (median, mean) == (14, 49.1)


def test_real_midnights_are_those_of_sao_paulo(olist: Company) -> None:
    midnights = number(olist, "SELECT count(*) FROM opportunities WHERE CAST(closed_at AS TIME) = '00:00:00'")
    assert midnights == (61,)


def test_real_two_files_of_order_lines_are_one(olist: Company) -> None:
    assert number(olist, "SELECT count(*), count(DISTINCT line_id) FROM orders") == (112650, 112650)
    narrowed = olist.narrowed("channel", "social")
    assert narrowed.fetch(narrowed["leads"].count()).iloc[0, 0] == 1350
    assert narrowed.fetch(narrowed["opportunities"].count()).iloc[0, 0] == 75
