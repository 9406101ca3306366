"""Settings: what is right is read, what is wrong is named with its line, all at once."""

from __future__ import annotations

import json
from datetime import date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignment_toolkit.errors import PeriodError, SettingsError
from alignment_toolkit.settings import InvalidSettings, Settings
from alignment_toolkit.settings.words import MINUTES

CONTRACT = """\
[company]
name = "Acme"
currency = "EUR"
timezone = "Europe/Berlin"
fiscal_year_starts = 4
as_of = 2026-09-30                  # optional

[calendar]
days = ["mon", "tue", "wed", "thu", "fri"]
from = "09:00"
to = "17:00"
holidays = [2026-12-25]

[source]
kind = "folder"
url = "data/"

[tables.leads]
from = "contacts.csv"
where = "lifecycle <> 'test'"
complete_until = 2026-09-30
dates = "%d.%m.%Y"
decimal = ","
[tables.leads.columns]
lead_id = "Record ID"
channel = { from = "Source", map = { "Google Ads" = "paid_search" }, nulls = ["Select"] }
sourced_by = { value = "marketing" }
marketing_score = { sql = "points * 10" }      # one scalar expression, parsed

[kpis.lead-to-client]
horizon_days = 90
[owners.arpu]
marketing = 0.4
sales = 0.6
[scorecard.marketing.weights]
lead-to-client = 0.3
[effort.minutes]
phone = 12
[effort.cost_per_hour]
sales = 60
[indicators.dropped_leads]
within_hours = 8                    # working hours
margin = 0.05
[privacy]
names = false
heads = false
[report]
audience = "internal"
formats = ["html", "xlsx"]
template = "brand.pptx"
"""


def at(start: str) -> int:
    """Give the line of the example that begins so."""
    return next(n for n, line in enumerate(CONTRACT.splitlines(), start=1) if line.startswith(start))


@pytest.fixture(scope="module")
def acme() -> Settings:
    return Settings.from_toml(CONTRACT)


def test_the_contracts_example_is_read_whole(acme):
    assert (acme.company.name, acme.company.currency, acme.company.as_of) == (
        "Acme",
        "EUR",
        date(2026, 9, 30),
    )
    assert (acme.calendar.opens, acme.calendar.closes) == (time(9), time(17))
    leads = acme.tables["leads"]
    assert (leads.from_, leads.dates, leads.decimal, leads.complete_until) == (
        "contacts.csv", "%d.%m.%Y", ",", date(2026, 9, 30),
    )  # fmt: skip
    assert leads.columns["lead_id"].from_ == "Record ID"
    assert leads.columns["channel"].map == {"Google Ads": "paid_search"}
    assert leads.columns["channel"].nulls == ("Select",)
    assert leads.columns["sourced_by"].value == "marketing"
    assert leads.columns["marketing_score"].sql == "points * 10"
    assert acme.effort.minutes == {**MINUTES, "phone": 12}
    assert acme.report.formats == ("html", "xlsx")


def test_a_company_without_a_file_has_every_default():
    settings = Settings()
    assert settings == Settings.from_toml("")
    assert settings.period("FY2026").start == date(2026, 1, 1)
    assert settings.effort.minutes == MINUTES
    assert (settings.company.episode_days, settings.company.grace_days, settings.company.warm_up_days) == (
        180,
        7,
        0,
    )
    assert (settings.privacy.names, settings.privacy.heads, settings.secret_key()) == (False, False, None)
    assert settings.source_option("url") is None


def test_ids_with_dashes_and_underscores_are_the_same(acme):
    assert acme.kpi_options("lead_to_client") == acme.kpi_options("lead-to-client") == {"horizon_days": 90}
    assert acme.indicator_options("dropped-leads") == {"within_hours": 8, "margin": 0.05}
    assert acme.owners_of("arpu") == {"marketing": 0.4, "sales": 0.6}
    assert acme.kpi_options("revenue") == acme.owners_of("revenue") == {}
    assert acme.line_of("indicators", "dropped_leads", "within_hours") == at("within_hours")
    assert acme.line_of("indicators", "dropped-leads", "within_hours") == at("within_hours")
    assert acme.line_of("indicators", "dropped-leads", "unknown") == at("[indicators.dropped_leads]")
    assert acme.line_of("catalogue") is None


def test_periods_follow_the_fiscal_year(acme):
    assert acme.period("FY2026-Q1").start == date(2025, 4, 1)
    assert str(acme.period("last-quarter")) == "2026-Q3"
    assert str(acme.period("last-quarter", as_of=date(2026, 9, 29))) == "2026-Q2"
    assert acme.period(acme.period("2026")) == acme.period("2026")
    assert acme.compare("FY2025", acme.period("2026-Q3"))[0].start == date(2024, 4, 1)
    starts = Settings.from_toml('[company]\nfiscal_year_starts = 4\nfiscal_year_names = "start"')
    assert starts.period("FY2026").start == date(2026, 4, 1)
    with pytest.raises(PeriodError, match="last day with complete data"):
        starts.period("last-quarter")
    assert acme.with_as_of(date(2026, 6, 30)).company.as_of == date(2026, 6, 30)
    assert acme.with_as_of(date(2026, 6, 30)).line_of("company", "name") == 2


def test_working_hours_follow_the_calendar(acme):
    calendar = acme.working_calendar()
    a, b = datetime.fromisoformat("2026-12-24T16:00"), datetime.fromisoformat("2026-12-28T10:00")
    assert calendar.hours_between(a, b) == 2
    shop = Settings.from_toml(
        '[calendar]\ndays = ["sat", "mon", "sat"]\nfrom = 10:00:00\nto = "10:30"'
    ).working_calendar()
    assert (shop.days, shop.hours_per_day) == ((0, 5), 0.5)


# --- one mistake ---------------------------------------------------------------------------------------------------

ONE = [
    ("[company]\ncurency = 'EUR'", 2, "no key 'curency' in [company]. Did you mean 'currency'?"),
    ("[compny]\nname = 'x'", 1, "no table 'compny'. Did you mean 'company'?"),
    ("[indicator.dropped_leads]\nwithin_hours = 8", 1, "Did you mean 'indicators'?"),
    ("currency = 'EUR'", 1, "'currency' stands in no table; it belongs below the line [company]"),
    ("zzz = 1", 1, "no table 'zzz'. There is: attribution, calendar, catalogue, company"),
    ("company = 3", 1, "[company] is the number 3; it must be a table"),
    ("[company]\ncurrency = 'eur'", 2, "'eur'; it must be the three capital letters of a currency"),
    ("[company]\ncurrency = 'EURO'", 2, "three capital letters"),
    ("[company]\ntimezone = 'Europe/Berln'", 2, "no time zone. Did you mean 'Europe/Berlin'?"),
    ("[company]\nfiscal_year_starts = 13", 2, "is the number 13; it must be at most 12"),
    ("[company]\nfiscal_year_starts = 0", 2, "must be at least 1"),
    (
        "[company]\nfiscal_year_starts = 'april'",
        2,
        "is the text 'april'; it must be a whole number. (Month in which",
    ),
    ("[company]\nfiscal_year_starts = 4.0", 2, "must be a whole number"),
    ("[company]\nfiscal_year_starts = true", 2, "is true; it must be a whole number"),
    ("[company]\nfiscal_year_names = 'ends'", 2, "Did you mean 'end'?"),
    ("[company]\nas_of = '30.9.2026'", 2, "is the text '30.9.2026'; it must be a date, as in 2026-09-30"),
    ("[company]\nas_of = 2026-09-30T12:00:00", 2, "must be a date"),
    ("[company]\nepisode_days = -1", 2, "must be at least 1"),
    (
        "[calendar]\ndays = ['mon',\n 'tuesday']",
        3,
        "days, element 2 is the text 'tuesday'. Did you mean 'tue'?",
    ),
    ("[calendar]\ndays = []", 2, "is empty; it must not be"),
    ("[calendar]\ndays = 'mon'", 2, "must be a list"),
    ("[calendar]\nfrom = '9:00'", 2, 'must be a time of day, as in "09:00"'),
    ("[calendar]\nto = '24:00'", 2, "The latest is 23:59"),
    ("[calendar]\nfrom = '17:00'\nto = '09:00'", 1, "works from 17:00 to 09:00; `to` must be later"),
    ("[calendar]\nholidays = [2026-12-25, 3]", 2, "holidays, element 2 is the number 3; it must be a date"),
    (
        "[source]\nkind = 'folder'\nurll = 'x'",
        3,
        "no key 'urll' in [source] of kind 'folder'. Did you mean 'url'?",
    ),
    ("[source]\nurll = 'x'", 2, "no key 'urll' in [source]. Did you mean 'url'?"),
    ("[source]\nkind = 'mine'\nport = ['x']", 3, "is a list; it must be a text, a number or true or false"),
    ("[source]\nkind = ['x']", 2, "must be a text in quotes"),
    ("[tables.leads]\nthousand = ','", 2, "no key 'thousand' in [tables.leads]. Did you mean 'thousands'?"),
    ("[tables.leads]\ndates = 'dd.mm.yyyy'", 2, "no part that begins with %"),
    ("[tables.leads]\ndates = '%d.%q'", 2, "'%q' is no part of a date"),
    ("[tables.leads]\ndecimal = ';'", 2, "it must be '.' or ','"),
    ("[tables.leads]\nthousands = '_'", 2, "must be one of . , ' and the space"),
    ("[tables.leads]\ndecimal = ','\nthousands = ','", 1, "both as thousands and as decimal"),
    ("[tables.leads]\nthousands = '.'", 1, "both as thousands and as decimal"),
    ("[tables.leads]\ndelimiter = '||'", 2, "must be one character"),
    ("[tables.leads]\nencoding = 'utf9'", 2, "no encoding. Did you mean 'utf-8'?"),
    ("[tables.leads]\nfrom = 'a'\nunion = ['b']", 1, "both from and union"),
    (
        "[[tables.leads.union]]\nfrom = 'a'\n[[tables.leads.union]]\nfrm = 'b'",
        4,
        "no key 'frm' in [tables.leads.union.1]",
    ),
    (
        "[tables.leads.columns]\nlead_id = 3",
        2,
        "must be the column's name in the source, in quotes, or a table",
    ),
    (
        "[tables.leads.columns]\na = { form = 'x' }",
        2,
        "no key 'form' in [tables.leads.columns.a]. Did you mean 'from'?",
    ),
    ("[tables.leads.columns]\na = { from = 'x', value = 1 }", 2, "has from and value; it must have one of"),
    ("[tables.leads.columns]\na = {}", 2, "is empty; it must have one of from, value and sql"),
    ("[tables.leads.columns]\na = { sql = 'x', nulls = ['-'] }", 2, "has sql with map or nulls"),
    (
        "[tables.leads.columns.a.map]\n'x y' = ['z']",
        2,
        "x y is a list; it must be a text, a number or true or false",
    ),
    ("[kpis]\nlead-to-client = 90", 2, "must be a table"),
    ("[kpis.arpu]\nx = 1\n[kpis.lead-to-client]\n[kpis.lead_to_client]", 4, "same id as 'lead-to-client'"),
    ("[indicators.a]\nmargin = nan", 1, "holds nan; it must be a finite number"),
    ("[indicators.a]\nlist = [1, inf]", 1, "holds inf"),
    ("[owners.arpu]\nmarketing = 0.4\nsales = 0.7", 1, "shares that sum to 1.1; they must sum to 1"),
    ("[owners.arpu]\nmarketing = 1.5\nsales = -0.5", 2, "must be at most 1"),
    ("[owners.arpu]\nmarketng = 1", 2, "is no department. Did you mean 'marketing'?"),
    ("[scorecard.sale.weights]\narpu = 1", 1, "is no department. Did you mean 'sales'?"),
    ("[scorecard.sales]\nweight = 1", 2, "no key 'weight' in [scorecard.sales]. Did you mean 'weights'?"),
    ("[scorecard.sales.weights]\narpu = -1", 2, "must be at least 0"),
    ("[scorecard.sales.caps]\narpu = 0", 2, "must be more than 0"),
    ("[effort.minutes]\nphon = 1", 2, "is no channel of a touch. Did you mean 'phone'?"),
    ("[effort.minutes]\nphone = inf", 2, "must be a finite number"),
    ("[effort.minutes]\nphone = '10'", 2, "is the text '10'; it must be a number"),
    ("[privacy]\nnames = 'no'", 2, "is the text 'no'; it must be true or false"),
    ("[report]\naudience = 'intern'", 2, "Did you mean 'internal'?"),
    ("[report]\nformats = ['html', 'xls']", 2, "formats, element 2 is the text 'xls'. Did you mean 'xlsx'?"),
    ("[report]\nformats = []", 2, "is empty"),
]


@pytest.mark.parametrize(("text", "line", "says"), ONE)
def test_one_mistake_is_named_with_its_line(text, line, says):
    with pytest.raises(InvalidSettings) as caught:
        Settings.from_toml(text, file="our.toml")
    error = caught.value
    assert says in str(error)
    assert str(error).startswith(f"our.toml, line {error.mistakes[0].line}: ") or len(error.mistakes) > 1
    assert line in [m.line for m in error.mistakes if says in m.message]
    assert error.exit_code == 2
    assert error.__cause__ is None


def test_all_mistakes_are_told_at_once():
    # Every one of those above that can stand beside the others, in one file.
    tables = [
        (
            "company",
            [
                "curency = 'EUR'",
                "currency = 'EURO'",
                "timezone = 'x'",
                "fiscal_year_starts = 13",
                "as_of = 1",
            ],
        ),
        ("calendar", ["days = ['x']", "from = '9:00'", "to = 9"]),
        ("source", ["kind = 'folder'", "urll = 'x'"]),
        ("tables.leads", ["decimal = ';'", "dates = 'x'", "frm = 'x'"]),
        ("tables.leads.columns", ["a = 1", "b = { from = 'x', sql = 'y' }"]),
        ("owners.arpu", ["marketing = 0.4"]),
        ("effort.minutes", ["phon = 1"]),
        ("privacy", ["names = 'no'"]),
        ("report", ["audience = 'x'", "formats = ['x', 'y']"]),
        ("wrong", ["x = 1"]),
    ]
    text = "\n".join(line for name, lines in tables for line in (f"[{name}]", *lines))
    with pytest.raises(InvalidSettings) as caught:
        Settings.from_toml(text)
    mistakes = caught.value.mistakes
    # One for each line, but none for `kind`, which is right, and two for `formats`.
    assert len(mistakes) == sum(len(lines) for _, lines in tables)
    assert [m.line for m in mistakes] == sorted(m.line for m in mistakes)
    assert str(caught.value).splitlines()[0] == f"alignment.toml has {len(mistakes)} mistakes:"
    assert len(str(caught.value).splitlines()) == len(mistakes) + 1


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[company]\nname = Acme", 2),
        ("[company]\nname = 'Acme", 2),
        ("[company]\n\nname = 'a'\nname = 'b'", 4),
        ("[company]\n[company]", 2),
        ("[company\nname = 'x'", 1),
        ("[privacy]\nnames = False", 2),
        ("a = 1,5", 1),
        ('x = """\n\n\nnever closed', 4),
        ("x = " + "[" * 100_000, None),
    ],
)
def test_what_is_no_toml_names_the_line(text, line):
    with pytest.raises(InvalidSettings, match=r"not valid TOML|nested too deeply") as caught:
        Settings.from_toml(text)
    assert caught.value.mistakes[0].line == line


# --- files ---------------------------------------------------------------------------------------------------------


def test_a_file_and_its_folder_are_read(tmp_path):
    file = tmp_path / "alignment.toml"
    file.write_bytes(b"\xef\xbb\xbf" + CONTRACT.replace("\n", "\r\n").encode())
    for settings in (Settings.load(file), Settings.load(str(tmp_path))):
        assert settings.company.name == "Acme"
        assert (settings.file, settings.folder) == (file.resolve(), tmp_path.resolve())
        assert settings.path("data/") == tmp_path.resolve() / "data"
        assert settings.path("/data") == type(file)("/data")
        assert settings.line_of("privacy", "heads") == at("heads")
    assert Settings().file is None


def test_a_missing_file_names_the_near_match(tmp_path):
    (tmp_path / "alignment.toml").write_text("")
    with pytest.raises(SettingsError, match=r"aligment\.toml.*Did you mean 'alignment\.toml'"):
        Settings.load(tmp_path / "aligment.toml")
    with pytest.raises(SettingsError, match="There is none"):
        Settings.load(tmp_path / "no" / "such.toml")


def test_a_file_in_another_encoding_names_the_line(tmp_path):
    file = tmp_path / "alignment.toml"
    file.write_bytes('[company]\nname = "Müller"'.encode("latin-1"))
    with pytest.raises(InvalidSettings, match=r"alignment\.toml, line 2: not UTF-8"):
        Settings.load(file)


def test_folders_of_the_companys_own_indicators(tmp_path):
    (tmp_path / "alignment.toml").write_text('[catalogue]\nfolders = ["ours"]')
    settings = Settings.load(tmp_path)
    with pytest.raises(InvalidSettings, match=r"line 2: \[catalogue\] folders: there is no folder 'ours'"):
        settings.catalogue_folders()
    (tmp_path / "ours").mkdir()
    assert [p.name for p in settings.catalogue_folders()] == ["ours"]
    (tmp_path / "alignment_indicators").mkdir()
    assert [p.name for p in settings.catalogue_folders()] == ["alignment_indicators", "ours"]


# --- names of tables and columns -----------------------------------------------------------------------------------

TABLES = {"leads": ("lead_id", "channel"), "spend": ("spent_on", "amount")}
MAPPED = """\
[tables.lead]
from = "x"
[tables.leads.columns]
lead_id = "ID"
chanel = "Source"
[[tables.spend.union]]
from = "a"
[[tables.spend.union]]
columns = { spent_on = "day", amont = "cost" }
"""


def test_names_that_are_not_canonical_are_told_at_once_with_line_and_near_match():
    with pytest.raises(InvalidSettings) as caught:
        Settings.from_toml(MAPPED).check_names(TABLES)
    told = [(m.line, m.message.split(" Further")[0]) for m in caught.value.mistakes]
    assert told == [
        (1, "there is no table 'lead'. Did you mean 'leads'?"),
        (5, "table 'leads' has no column 'chanel'. Did you mean 'channel'?"),
        (9, "table 'spend' has no column 'amont'. Did you mean 'amount'?"),
    ]
    Settings.from_toml(MAPPED).check_names(
        {**TABLES, "lead": (), "leads": ("lead_id", "chanel"), "spend": ("spent_on", "amont")}
    )
    Settings().check_names({})


def test_others_name_their_mistakes_the_same_way(acme):
    error = acme.error(
        (("indicators", "dropped-leads", "margin"), "is 0.05; it must be more."),
        (("owners", "arpu"), "there is no KPI 'arpu'."),
    )
    assert [m.line for m in error.mistakes] == [at("[owners.arpu]"), at("margin")]
    assert str(acme.error((("catalogue",), "is empty."))) == "alignment.toml: [catalogue] is empty."
    assert error.mistakes[1].message == "[indicators.dropped-leads] margin is 0.05; it must be more."
    assert error.mistakes[0].message == "there is no KPI 'arpu'."


def test_the_parts_of_a_union_inherit_what_they_do_not_say():
    settings = Settings.from_toml(
        """
        [tables.spend]
        decimal = ","
        where = "a > 1"
        union = ["one.csv", { from = "two.csv", decimal = ".", where = "b > 2", columns = { amount = "cost" } }, {}]
        columns = { amount = "betrag", spent_on = "tag" }
        """
    )
    one, two, three = settings.tables["spend"].parts("spend")
    assert [(p.from_, p.decimal, p.where) for p in (one, two, three)] == [
        ("one.csv", ",", "a > 1"), ("two.csv", ".", "(a > 1) AND (b > 2)"), ("spend", ",", "a > 1"),
    ]  # fmt: skip
    assert [{c: m.from_ for c, m in p.columns.items()} for p in (one, two)] == [
        {"amount": "betrag", "spent_on": "tag"}, {"amount": "cost", "spent_on": "tag"},
    ]  # fmt: skip
    (whole,) = Settings.from_toml("[tables.spend]\ndecimal = ','").tables["spend"].parts("spend")
    assert (whole.from_, whole.decimal) == ("spend", ",")


# --- anything at all -----------------------------------------------------------------------------------------------

KEYS = [
    *Settings.model_fields, "name", "days", "from", "union", "columns", "map", "value", "sql", "leads", "weights",
    "minutes", "phone", "marketing", "kind", "url", "key", "formats", "folders", "sales", "arpu", "x", "",
]  # fmt: skip
anything = st.recursive(
    st.sampled_from(
        ['"x"', "1", "-1", "0.5", "nan", "true", "2026-09-30", "09:00:00", '"sales"', '"2026-09-30"', '""']
    ),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4).map(
            lambda d: "{" + ", ".join(f"{json.dumps(k)} = {v}" for k, v in d.items()) + "}"
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(KEYS), anything, max_size=6))
def test_anything_is_read_or_refused_with_lines(values):
    text = "\n".join(f"{json.dumps(key)} = {value}" for key, value in values.items())
    mistakes = ()
    try:
        settings = Settings.from_toml(text)
    except InvalidSettings as error:
        mistakes = error.mistakes
    else:
        json.dumps(settings.public(), allow_nan=False)
    for mistake in mistakes:
        assert mistake.line is not None
        assert list(values)[mistake.line - 1] == mistake.path[0]
        assert "something else" not in mistake.message
