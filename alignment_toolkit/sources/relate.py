"""What is seen with all tables at hand: doubled ids, merges, deletions, orphans, what is complete until when."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final, Literal

from alignment_toolkit.brief import some
from alignment_toolkit.errors import Problem
from alignment_toolkit.sources.load import SHOWN, Loaded, LoadedTable
from alignment_toolkit.sources.part import Engine, literal, quoted
from alignment_toolkit.tables import AMOUNTS, UNSAID

__all__ = ["PERSON_COLUMNS", "Facts", "named_by", "relate"]

PERSON_COLUMNS: Final = ("owner", "received_by", "actor", "assessor", "person_id", "initiated_by")
_CLIENT_SIDE: Final = ("account_id", "contact_id", "lead_id", "opportunity_id")
_ISOLATED_DAYS: Final = 30
_ISOLATED_QUANTILE: Final = 0.999
# So many doubled ids are named one by one, each with its first rows.
LISTED = 1000
ROWS_NAMED = 3
# Counting equal lines of more rows than this would take longer than it is worth.
_MOST_COMPARED: Final = 5_000_000


@dataclass
class Facts:
    """What was found: the last complete day and the share of linked rows, by table."""

    complete_until: dict[str, date] = field(default_factory=dict)
    linked: dict[str, float] = field(default_factory=dict)


def named_by(dimension: str, has: Callable[..., bool]) -> Literal["person", "client"] | None:
    """Say whose name the values of a dimension are, if anybody's; `has` tells which tables and columns are there.

    Examples
    --------
    >>> [named_by(d, lambda *_: True) for d in ("owner", "accounts.name", "owner.name", "name", "products.name")]
    ['person', 'client', 'person', 'client', None]
    >>> named_by("account_id", lambda *_: True), named_by("contact_id", lambda *_: True)
    ('client', 'person')
    """
    prefix, _, column = dimension.rpartition(".")
    if column in (*PERSON_COLUMNS, "contact_id"):
        return "person"
    if column in ("account_id", "referred_by"):
        return "client"
    if column != "name":
        return None
    if prefix in ("contacts", "people", *PERSON_COLUMNS):
        return "person"
    if prefix == "accounts" or (not prefix and has("accounts", "name")):
        return "client"
    # A short name is sought among products and campaigns before it is sought among persons.
    sold = has("products", "name") or has("campaigns", "name")
    return "person" if not prefix and not sold else None


def relate(engine: Engine, loaded: Loaded, as_of: date | None, currency: str = UNSAID) -> Facts:
    """Check the tables against each other; refuse, follow, count and warn.

    Parameters
    ----------
    engine
        The DuckDB connection that holds the tables.
    loaded
        The tables; those refused here are taken out.
    as_of
        The last day that counts as past, or None.
    currency
        The company's own; amounts in others need a rate.
    """
    for name in list(loaded.tables):
        _unique(engine, loaded, loaded.tables[name])
    for name in list(loaded.tables):
        if "merged_into" in loaded.tables[name].columns:
            _merge(engine, loaded, loaded.tables[name])
    for table in loaded.tables.values():
        if "deleted_at" in table.columns and table.spec.date in table.columns:
            _delete(engine, loaded, table)
    facts = Facts()
    for table in loaded.tables.values():
        _orphans(engine, loaded, table, facts)
        _complete(engine, loaded, table, as_of, facts)
        _without_rate(engine, loaded, table, currency.upper())
    if "orders" in loaded.tables:
        _equal_lines(engine, loaded, loaded.tables["orders"])
    if "opportunities" in loaded.tables:
        _undated_ends(engine, loaded, loaded.tables["opportunities"])
    return facts


def _file(table: LoadedTable) -> str:
    return ", ".join(dict.fromkeys(p.file for p in table.parts))


def _tell(loaded: Loaded, table: LoadedTable, code: str, level: str, message: str, **place: object) -> None:
    loaded.problems.append(
        Problem(
            table.spec.name, _file(table), place.get("row"), place.get("column"), place.get("value"),  # type: ignore[arg-type]
            code, level, message, place.get("more", 0),  # type: ignore[arg-type]
        )
    )  # fmt: skip


def _unique(engine: Engine, loaded: Loaded, table: LoadedTable) -> None:
    """Refuse a table in which two rows have the same id; name the ids."""
    groups = ([(table.spec.key,)] if table.spec.key else []) + list(table.spec.unique)
    for group in (g for g in groups if all(c in table.columns for c in g)):
        names = ", ".join(quoted(c) for c in group)
        filled = " AND ".join(f"{quoted(c)} IS NOT NULL" for c in group)
        rows, distinct = engine.execute(
            f"SELECT count(*), count(DISTINCT ({names})) FROM {quoted(table.spec.name)} WHERE {filled}"
        ).fetchone()
        if rows == distinct:
            continue
        doubles = engine.execute(
            f"SELECT {names}, count(*) AS n, count(*) OVER () FROM {quoted(table.spec.name)} WHERE {filled}"
            f" GROUP BY {names} HAVING count(*) > 1 ORDER BY {names} LIMIT {LISTED}"
        ).fetchall()
        label = " and ".join(group)
        rows_of = _rows_of(engine, table, group)
        for *values, count, _ in doubles:
            value = ", ".join(str(v) for v in values)
            places = rows_of.get(tuple(values), [])
            at = _at(places, count)
            message = f"{_file(table)}{at}: {label} '{value}' stands in {count} rows; an id must be unique."
            row = places[0] if places else None
            _tell(loaded, table, "duplicate_id", "error", message, column=group[0], value=value, row=row)
        total = doubles[0][-1]
        if total > len(doubles):
            more = some(
                total - len(doubles), f"more value of {label} stands", f"more values of {label} stand"
            )
            message = f"{_file(table)}: {more} in several rows."
            left = total - len(doubles)
            _tell(loaded, table, "duplicate_id", "error", message, column=group[0], more=left)
        first = ", ".join(f"'{', '.join(str(v) for v in d[:-2])}'" for d in doubles[:5])
        engine.execute(f"DROP {'VIEW' if table.view else 'TABLE'} {quoted(table.spec.name)}")
        loaded.refuse(
            table.spec.name, f"{_file(table)} has {some(total, 'value')} of {label} more than once: {first}"
        )
        return


def _rows_of(engine: Engine, table: LoadedTable, group: tuple[str, ...]) -> dict[tuple[Any, ...], list[int]]:
    """Give the first rows of each doubled id; nothing where the table is of several files or has no row numbers."""
    if len(table.origins) != 1:
        return {}
    _, source, row, typed = table.origins[0]
    if row is None or any(c not in typed for c in group):
        return {}
    ids = ", ".join(f"{typed[c]} AS {quoted(c)}" for c in group)
    names = ", ".join(quoted(c) for c in group)
    found = engine.execute(
        f"SELECT {names}, number FROM (SELECT {row} AS number, {ids} FROM {source} AND {table.kept[0]})"
        f" WHERE ({names}) IN (SELECT ({names}) FROM {quoted(table.spec.name)} GROUP BY {names}"
        f" HAVING count(*) > 1 ORDER BY {names} LIMIT {LISTED})"
        f" QUALIFY row_number() OVER (PARTITION BY {names} ORDER BY number) <= {ROWS_NAMED} ORDER BY number"
    ).fetchall()
    rows: dict[tuple[Any, ...], list[int]] = {}
    for *values, number in found:
        rows.setdefault(tuple(values), []).append(number)
    return rows


def _at(rows: list[int], count: int) -> str:
    if not rows:
        return ""
    return f", rows {', '.join(map(str, rows))}{' ...' if count > len(rows) else ''}"


def _merge(engine: Engine, loaded: Loaded, table: LoadedTable) -> None:
    """Follow merged_into in every table that points here, and take the absorbed rows out."""
    key = table.spec.key or ""
    name = quoted(table.spec.name)
    pairs = engine.execute(
        f"SELECT {quoted(key)}, merged_into FROM {name} WHERE merged_into IS NOT NULL ORDER BY 1"
    ).fetchall()
    if not pairs:
        return
    into: dict[str, str] = dict(pairs)
    known = {
        row[0]
        for row in engine.execute(
            f"SELECT {quoted(key)} FROM {name} WHERE {quoted(key)} IN (SELECT merged_into FROM {name})"
        ).fetchall()
    }
    roots: dict[str, str] = {}
    cycles: list[str] = []
    for start in into:
        seen = [start]
        at = start
        while at in into and into[at] not in seen:
            at = into[at]
            seen.append(at)
        if at in into:
            cycles.append(start)
        elif at not in known:
            message = f"{_file(table)}: {key} '{start}' is merged into '{at}', which is not there; it is kept as it is."
            _tell(loaded, table, "merge_orphan", "warning", message, column="merged_into", value=at)
        else:
            roots[start] = at
    for start in cycles[:SHOWN]:
        circle = f"{key} '{start}' is merged into '{into[start]}' and so on in a circle"
        message = f"{_file(table)}: {circle}; the row is refused."
        _tell(loaded, table, "merge_cycle", "error", message, column="merged_into", value=start)
    engine.execute(
        f"CREATE OR REPLACE TABLE toolkit.{quoted('merged ' + table.spec.name)} (old VARCHAR, root VARCHAR)"
    )
    lookup = f"toolkit.{quoted('merged ' + table.spec.name)}"
    if roots:
        engine.executemany(f"INSERT INTO {lookup} VALUES (?, ?)", [list(p) for p in roots.items()])
    gone = [*roots, *cycles]
    if gone:
        listed = ", ".join(literal(g) for g in gone)
        _rewrite(engine, table, f"SELECT * FROM {{old}} WHERE {quoted(key)} NOT IN ({listed})")
        table.used -= len(gone)
        table.refused += len(cycles)
        table.left_out += len(roots)
    if not roots:
        return
    rows = some(len(roots), "row is", "rows are")
    message = f"{_file(table)}: {rows} merged into others; every table's {key} follows."
    _tell(loaded, table, "merged", "warning", message, column="merged_into")
    for other in loaded.tables.values():
        columns = [
            c
            for c in other.columns
            if other.spec.references.get(c, ("",))[0] == table.spec.name
            or (
                table.spec.name == "people"
                and c in PERSON_COLUMNS
                and c in other.spec.columns
                and c != other.spec.key
            )
        ]
        for column in columns:
            c = quoted(column)
            _rewrite(
                engine,
                other,
                f"SELECT o.* REPLACE (coalesce(m.root, o.{c}) AS {c})"
                f" FROM {{old}} o LEFT JOIN {lookup} m ON m.old = o.{c}",
            )


def _rewrite(engine: Engine, table: LoadedTable, select: str) -> None:
    """Make a table anew from itself; a view stands on what it was."""
    name = quoted(table.spec.name)
    kind = "VIEW" if table.view else "TABLE"
    number = engine.execute("SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'toolkit'").fetchone()[
        0
    ]
    number += engine.execute("SELECT count(*) FROM duckdb_views() WHERE schema_name = 'toolkit'").fetchone()[
        0
    ]
    old = f"toolkit.{quoted(f'{table.spec.name} before {number}')}"
    if table.view:
        definition = engine.execute(
            "SELECT sql FROM duckdb_views() WHERE schema_name = 'main' AND view_name = ?", [table.spec.name]
        ).fetchone()[0]
        body = definition.partition(" AS ")[2].rstrip().rstrip(";")
        engine.execute(f"CREATE VIEW {old} AS {body}")
        engine.execute(f"CREATE OR REPLACE {kind} {name} AS {select.format(old=old)}")
    else:
        engine.execute(f"CREATE TABLE {old} AS SELECT * FROM {name}")
        engine.execute(f"CREATE OR REPLACE {kind} {name} AS {select.format(old=old)}")
        engine.execute(f"DROP TABLE {old}")


def _delete(engine: Engine, loaded: Loaded, table: LoadedTable) -> None:
    """Take out rows that were deleted before they happened."""
    condition = f"deleted_at IS NOT NULL AND {quoted(table.spec.date or '')} >= deleted_at"
    count = engine.execute(f"SELECT count(*) FROM {quoted(table.spec.name)} WHERE {condition}").fetchone()[0]
    if count:
        _rewrite(engine, table, f"SELECT * FROM {{old}} WHERE ({condition}) IS NOT TRUE")
        table.used -= count
        table.left_out += count
        rows = some(count, "row is", "rows are")
        message = f"{_file(table)}: {rows} left out: {table.spec.date} lies on or after deleted_at."
        _tell(loaded, table, "deleted", "warning", message, column="deleted_at")


def _orphans(engine: Engine, loaded: Loaded, table: LoadedTable, facts: Facts) -> None:
    """Count references that point at nothing, and the rows that are linked to the client's side."""
    links: list[tuple[str, str]] = []
    for column in table.columns:
        target = table.spec.references.get(column)
        if target is None:
            continue
        c = quoted(column)
        if target[0] in loaded.tables:
            found = f"{c} IN (SELECT {quoted(target[1])} FROM {quoted(target[0])})"
            links.append((column, f"{c} IS NOT NULL AND {found}"))
        elif column in _CLIENT_SIDE:
            links.append((column, f"{c} IS NOT NULL"))
    if not links:
        return
    asked = [
        f"count(*) FILTER (WHERE {quoted(c)} IS NOT NULL), count(*) FILTER (WHERE {f})" for c, f in links
    ]
    client = [f for c, f in links if c in _CLIENT_SIDE]
    asked.append(f"count(*) FILTER (WHERE {' OR '.join(f'({f})' for f in client) or 'false'})")
    rows, *counts, linked = engine.execute(
        f"SELECT count(*), {', '.join(asked)} FROM {quoted(table.spec.name)}"
    ).fetchone()
    for position, (column, _) in enumerate(links):
        filled, known = counts[2 * position : 2 * position + 2]
        if filled > known:
            target = table.spec.references[column]
            shown = engine.execute(
                f"SELECT DISTINCT {quoted(column)} FROM {quoted(table.spec.name)} WHERE {quoted(column)} IS NOT NULL"
                f" AND {quoted(column)} NOT IN (SELECT {quoted(target[1])} FROM {quoted(target[0])}) ORDER BY 1 LIMIT 3"
            ).fetchall()
            names = ", ".join(f"'{row[0]}'" for row in shown)
            message = (
                f"{_file(table)}: {filled - known} of {filled} rows have a value of {column} that {target[0]} does not"
                f" have ({names}{' ...' if filled - known > len(shown) else ''})."
            )
            _tell(loaded, table, "orphan", "warning", message, column=column, value=shown[0][0])
    if client and rows:
        facts.linked[table.spec.name] = linked / rows


def quantile(days: Sequence[tuple[date, int]], q: float) -> float:
    """Give the quantile of counted days, as a day number, interpolated as usual.

    Examples
    --------
    >>> from datetime import date
    >>> quantile([(date(2026, 1, 1), 1), (date(2026, 1, 3), 1)], 0.5) - date(2026, 1, 1).toordinal()
    1.0
    """
    total = sum(count for _, count in days)
    position = q * (total - 1)
    below = int(position)
    seen = 0
    values: list[int] = []
    for day, count in days:
        seen += count
        while len(values) < 2 and seen > below + len(values):
            values.append(day.toordinal())
        if len(values) == 2:
            break
    low, high = values[0], values[-1]
    return low + (high - low) * (position - below)


def _complete(engine: Engine, loaded: Loaded, table: LoadedTable, as_of: date | None, facts: Facts) -> None:
    """Find the latest past event, isolated dates set aside."""
    if table.undated:
        return
    last: list[date] = []
    for column in (c for c in table.spec.event_columns if c in table.columns):
        c, name = quoted(column), quoted(table.spec.name)
        past = f" AND {c} < DATE {literal(str(as_of + timedelta(days=1)))}" if as_of else ""
        days = engine.execute(
            f"SELECT CAST({c} AS DATE), count(*) FROM {name} WHERE {c} IS NOT NULL{past} GROUP BY 1 ORDER BY 1"
        ).fetchall()
        if not days:
            continue
        limit = quantile(days, _ISOLATED_QUANTILE) + _ISOLATED_DAYS
        last.append(max(day for day, _ in days if day.toordinal() <= limit))
        far = [(day, count) for day, count in days if day.toordinal() > limit]
        if far:
            _isolated(engine, loaded, table, column, (far[0][0], far[-1][0]), last[-1])
    if last:
        facts.complete_until[table.spec.name] = max(last)


def _isolated(
    engine: Engine, loaded: Loaded, table: LoadedTable, column: str, far: tuple[date, date], last: date
) -> None:
    """Name the rows whose date lies between the first and the last that are set aside."""
    for file, source, row, typed in table.origins:
        if column not in typed:
            continue
        found = engine.execute(
            f"SELECT {row or 'NULL'} AS number, {typed[column]} AS moment, count(*) OVER () FROM {source}"
            f" AND CAST({typed[column]} AS DATE) BETWEEN DATE {literal(str(far[0]))} AND DATE {literal(str(far[1]))}"
            f" ORDER BY 1, 2 LIMIT {SHOWN}"
        ).fetchall()
        for number, moment, _ in found:
            at = f", row {number}" if number is not None else ""
            message = (
                f"{file}{at}: {column} is '{moment}', far from all others; set aside when asking until when the"
                f" table is complete ({last}). The row is kept."
            )
            _tell(
                loaded,
                table,
                "isolated_date",
                "warning",
                message,
                column=column,
                value=str(moment),
                row=number,
            )
        if found and found[0][2] > len(found):
            message = (
                f"{file}: {some(found[0][2] - len(found), 'more row has', 'more rows have')} such a {column}."
            )
            left = found[0][2] - len(found)
            _tell(loaded, table, "isolated_date", "warning", message, column=column, more=left)


def _equal_lines(engine: Engine, loaded: Loaded, table: LoadedTable) -> None:
    """Count order lines that are equal in everything; they are kept."""
    if "line_id" in table.columns or table.used > _MOST_COMPARED:
        return
    names = ", ".join(quoted(c) for c in table.columns)
    count = engine.execute(
        'SELECT coalesce(sum("equal rows" - 1), 0) FROM (SELECT count(*) AS "equal rows" FROM orders'
        f" GROUP BY {names} HAVING count(*) > 1)"
    ).fetchone()[0]
    if count:
        lines = some(count, "order line is", "order lines are")
        message = f"{_file(table)}: {lines} equal to another in every column, and kept."
        _tell(loaded, table, "equal_lines", "warning", message)


def _undated_ends(engine: Engine, loaded: Loaded, table: LoadedTable) -> None:
    """Count opportunities that are won or lost without a day: no KPI that is dated by the closing counts them."""
    if not {"outcome", "closed_at"} <= set(table.columns):
        return
    won, lost = engine.execute(
        "SELECT count(*) FILTER (WHERE outcome = 'won'), count(*) FILTER (WHERE outcome = 'lost')"
        " FROM opportunities WHERE closed_at IS NULL"
    ).fetchone()
    if won or lost:
        message = (
            f"{_file(table)}: {won + lost} opportunities have an outcome and no closed_at ({won} won, {lost} lost); "
            "they count in no win rate, deal size or sales cycle, and a won one makes no client and no sale."
        )
        _tell(loaded, table, "undated_outcome", "warning", message, column="closed_at")


def _without_rate(engine: Engine, loaded: Loaded, table: LoadedTable, own: str) -> None:
    """Count amounts in a currency that no rate makes the company's: no sum of money that holds them can be told."""
    days, amounts = AMOUNTS.get(table.spec.name, ((), ()))
    filled = " OR ".join(f"{quoted(c)} IS NOT NULL" for c in amounts if c in table.columns)
    if own == UNSAID or "currency" not in table.columns or not filled:
        return
    on = ", ".join([f"CAST({quoted(c)} AS DATE)" for c in days if c in table.columns] or ["NULL::DATE"])
    known = "false"
    if {"currency", "valid_on", "rate"} <= set(
        loaded.tables["rates"].columns if "rates" in loaded.tables else ()
    ):
        known = "EXISTS (SELECT 1 FROM rates r WHERE upper(r.currency) = code AND CAST(r.valid_on AS DATE) <= day)"
    found = engine.execute(
        f"WITH told AS (SELECT upper(currency) AS code, coalesce({on}) AS day FROM {quoted(table.spec.name)}"
        f" WHERE upper(currency) <> {literal(own)} AND ({filled}))"
        f" SELECT code, count(*), min(day), max(day) FROM told WHERE NOT {known} GROUP BY code ORDER BY 2 DESC, 1"
    ).fetchall()
    if not found:
        return
    named = "; ".join(
        f"{code}: {n}" + (f", from {first} to {last}" if first else "") for code, n, first, last in found[:3]
    )
    rows = some(sum(r[1] for r in found), "row has an amount", "rows have amounts")
    message = (
        f"{_file(table)}: {rows} in another currency than {own}, for which the"
        f" table rates has no rate of their day ({named}{' ...' if len(found) > 3 else ''}); no sum of money that holds"
        " them is told. Add the rates, from the first of these days on."
    )
    _tell(loaded, table, "no_rate", "warning", message, column="currency", value=found[0][0])
