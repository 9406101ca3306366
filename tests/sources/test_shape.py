"""What an expression says, and the SQL that is made from it again: never that of another expression."""

from __future__ import annotations

import itertools
import math
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from ibis.backends.duckdb import Backend
from ibis.common.temporal import DateUnit, IntervalUnit

from alignment_toolkit.sources import engine, shape
from alignment_toolkit.sources.engine import connect
from alignment_toolkit.sources.shape import shape_of

T = ibis.table({"a": "int64", "x": "float64", "s": "string", "d": "date", "m": "timestamp"}, name="t")
# Text that could be taken for what tells the parts apart, in SQL or in what is said.
WORDS = st.sampled_from(
    ["", "a", "b", "o'clock", '"', "\x01", "s1:a", "--", "%Y", "%m", "day", "0", "\n", "é", "\\"]
)
DATES = st.dates(date(1990, 1, 1), date(2040, 1, 1))
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2040, 1, 1))
FLOATS = st.one_of(
    st.sampled_from([0.0, -0.0, 1.0, -1.0, 1e-9, 1e22, -2.5]), st.floats(allow_nan=False, width=32)
)


@pytest.fixture
def table():
    made = connect()
    made.con.execute("CREATE TABLE t (a BIGINT, x DOUBLE, s VARCHAR, d DATE, m TIMESTAMP)")
    return made.table("t", database="main")


def _leaves() -> st.SearchStrategy:
    zones = st.sampled_from([None, UTC, timezone(timedelta(hours=2))])
    return st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4), st.binary(max_size=3),
        st.decimals(allow_nan=False, allow_infinity=False, places=2), st.sampled_from([Decimal(1), Decimal("1.0")]),
        st.dates(), st.datetimes(timezones=zones), st.times(), st.timedeltas(),
        st.sampled_from([*IntervalUnit, *DateUnit, dt.int64, dt.string, dt.float64, dt.date, dt.Decimal(9, 2)]),
        st.sampled_from([dt.String(nullable=False), dt.Timestamp("UTC"), dt.Timestamp(), dt.Array(dt.int8), ops.Add]),
        st.builds(ops.Namespace, catalog=st.sampled_from([None, "a"]), database=st.sampled_from([None, "a"])),
    )  # fmt: skip


def _exactly(value):
    """Give a value so that nothing but itself is equal to it: -0.0, True and 1.0 are others than 0.0 and 1."""
    if isinstance(value, (tuple, list)):
        return "many", *map(_exactly, value)
    if isinstance(value, (set, frozenset)):
        return "set", frozenset(map(_exactly, value))
    if isinstance(value, dict):
        return "pairs", *((_exactly(k), _exactly(v)) for k, v in value.items())
    if isinstance(value, datetime):
        return "moment", value.isoformat(), repr(value.tzinfo), value.fold if value.tzinfo else 0
    return type(value), value.hex() if isinstance(value, float) else str(value), repr(value)


SAID = st.recursive(
    _leaves(),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.text(max_size=2), inner, max_size=2),
        st.frozensets(st.text(max_size=2), max_size=3),
    ),
    max_leaves=6,
)


@given(SAID, SAID)
def test_two_values_are_never_said_alike(one, other):
    def said(value):
        try:
            return shape._told(value, {})
        except shape._Untold:
            return object()

    assert (said(one) == said(other)) <= (_exactly(one) == _exactly(other))


@pytest.mark.parametrize(
    "values",
    [
        (1, 1.0, True, "1", Decimal(1), Decimal("1.0"), (1,), None, b"1"),
        (date(2026, 1, 1), datetime(2026, 1, 1), "2026-01-01", datetime(2026, 1, 1, tzinfo=UTC), time(0)),
        ((), ((),), ("",), ("", ""), (("",), ""), None, "", {}, frozenset(), frozenset([""])),
        (ops.Namespace(), (None, None), (None, (None, None)), None, ops.Literal, dt.string, "ops.Literal"),
        (dt.Decimal(9, 2), dt.Decimal(9, 3), dt.Decimal(19, 2), dt.Decimal(9, 2, nullable=False)),
    ],
)
def test_what_python_or_ibis_takes_for_the_same_is_said_in_another_way(values):
    assert len({shape._told(v, {}) for v in values}) == len(values)
    assert len({shape._told((v, None), {}) for v in values}) == len(values)


@st.composite
def asked(draw):
    """Make what a query may say, with literals in many places."""
    number, other = draw(FLOATS), draw(FLOATS)
    word, day, moment = draw(WORDS), draw(DATES), draw(MOMENTS)
    integer = draw(st.integers(-3, 3))
    return [
        lambda t: t.filter(t.x > number, t.x != other),
        lambda t: t.filter(t.s == word).mutate(w=ibis.literal(word)),
        lambda t: t.filter(t.s >= word).mutate(w=t.s + "b"),
        lambda t: t.filter(t.s.isin([word, "b"]), t.x.isin([number, 1.0])),
        lambda t: t.mutate(n=-(t.x - number), k=ibis.literal(number).negate(), j=t.x - (-ibis.literal(other))),
        lambda t: t.mutate(c=ibis.cases((t.d < day, number), (t.d < date(2020, 1, 1), 1.0), else_=other)),
        lambda t: t.filter(t.d.between(day, date(2040, 1, 2)), t.m >= moment),
        lambda t: t.mutate(days=ibis.literal(day).delta(t.d, unit="day"), hour=t.m.truncate("h")),
        lambda t: t.filter(t.m < ibis.timestamp(moment), t.m < ibis.literal(moment, type="timestamp('UTC')")),
        lambda t: t.mutate(f=t.d.strftime(word), p=t.s.substr(abs(integer)), q=t.s.replace(word, "x")),
        lambda t: t.aggregate(q=t.x.quantile([0.1, 0.9]), r=t.x.quantile(0.25), n=(t.x * number).sum()),
        lambda t: t.mutate(l=ibis.array([number, other]), m2=ibis.array([day]), z=ibis.literal(day)),
        lambda t: t.order_by(t.a, ibis.literal(number)).limit(abs(integer), offset=abs(integer)),
        lambda t: t.mutate(k=t.a.cast("decimal(9, 2)") * Decimal("1.5"), i=t.a + integer, b=t.a > (integer > 0)),
        lambda t: t.group_by(t.s).aggregate(n=t.count(where=t.d >= day)).filter(lambda g: g.n > integer),
        lambda t: t.join(t.filter(t.x > number).view(), "a").select(t.a),
        lambda t: t.filter((t.d >= day) | (t.m >= moment)).union(t.filter(t.d >= draw(DATES))),
    ]  # fmt: skip


@pytest.mark.parametrize("examples", [4, pytest.param(400, marks=pytest.mark.slow)])
def test_sql_with_filled_blanks_is_what_ibis_writes(table, monkeypatch, examples):
    """Each query is asked with many literals; most are made from what was written for others."""
    monkeypatch.setenv("ALIGNMENT_CACHE", "off")
    monkeypatch.setattr(engine, "WRITTEN", engine._Latest())
    made, texts = table.get_backend(), set()

    @settings(max_examples=examples, phases=[Phase.explicit, Phase.generate])
    @given(asked())
    def alike(makers):
        for make in makers:
            try:
                query = make(table)
            except Exception:  # what ibis itself refuses, such as an empty format
                continue
            texts.add(plain := Backend.compile(made, query))
            assert made.compile(query) == plain

    alike()
    assert len(engine.WRITTEN) < len(texts)


def test_nothing_and_minus_nothing_are_one_to_ibis_and_so_are_not_told(table):
    made = table.get_backend()
    for first, second in ((0.0, -0.0), (-0.0, 0.0), (-0.0, -0.0), (0.0, 0.0)):
        query = table.filter(table.x > first, table.x != second)
        assert made.compile(query) == Backend.compile(made, query)
        told = shape_of(query.op())
        assert (told is None) == (-1.0 in (math.copysign(1, first), math.copysign(1, second)))


@pytest.mark.parametrize(
    "value", [-0.07, 1e-9, -1e22, -1.0000000272564224e16, 5e-324, -5e-324, 1e300, 123456789.5]
)
def test_a_number_is_written_as_ibis_writes_it(table, value):
    made = table.get_backend()
    made.compile(table.mutate(k=-(table.x * (3.5 if value > 0 else -3.5))))
    query = table.mutate(k=-(table.x * value))
    assert made.compile(query) == Backend.compile(made, query)


def test_tables_and_columns_are_told_apart(table):
    other = connect()
    other.con.execute("CREATE TABLE t AS SELECT 1::INTEGER AS a; CREATE TABLE u AS SELECT 1::INTEGER AS a")
    t, u = (other.table(name, database="main") for name in "tu")
    told = [shape_of(x.op()) for x in (t, u, table, t.select("a"), t.select(b="a"), T)]
    assert told[-1] is None, "a table of no database"
    assert len({each.apart for each in told[:-1]}) == 5
    assert told[0].digest == told[1].digest, "the name of a table is a blank"
    assert other.compile(u.filter(u.a > 1)) == other.compile(t.filter(t.a > 1)).replace('"t"', '"u"')
    here = ibis.memtable(pd.DataFrame({"a": [1]}))
    assert shape_of(t.join(here, "a").op()) is None


def test_the_place_of_a_part_is_no_number_of_the_query(table):
    assert shape_of(table.limit(1).op()).digest != shape_of(table.limit(table.count()).op()).digest


def test_what_is_not_known_is_not_told(table):
    class Word(str):
        pass

    @ibis.udf.scalar.builtin
    def soundex(s: str) -> str: ...

    for untold in (object(), Word("a"), 1j):
        with pytest.raises(shape._Untold):
            shape._told((untold,), {})
    assert shape_of(table.mutate(k=soundex(table.s)).op()) is None
    assert shape_of(table.mutate(k=ibis.literal(-0.0)).op()) is None
    assert shape_of(table.filter(table.s == "\x01(0)").op()) is not None
    assert shape_of(table.mutate(k=ibis.literal("\x01(0)")).op()) is None


def test_equal_and_unequal_literals_are_two_queries(table):
    """Where two dates are one, ibis may write one filter: it is no matter of blanks."""
    day, later = date(2026, 1, 1), date(2026, 2, 1)
    same, apart, moved = (
        shape_of(table.filter(table.d >= one, table.d < two).op())
        for one, two in ((day, day), (day, later), (later, date(2026, 3, 1)))
    )
    assert same.digest != apart.digest == moved.digest
    assert apart.blanks != moved.blanks
    assert all(a != b for a, b in itertools.combinations([same, apart, moved], 2))
