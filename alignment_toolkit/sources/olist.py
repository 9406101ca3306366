"""Source `olist`: the public files of the Brazilian marketplace Olist; each decision is written in docs/olist.md."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from alignment_toolkit.errors import DataError, did_you_mean
from alignment_toolkit.sources.part import Engine, Part, RawColumn, literal, quoted
from alignment_toolkit.sources.text import read_text

__all__ = ["olist_parts"]


@dataclass(frozen=True)
class _File:
    """One of the publisher's files: its names (a Parquet copy of the order lines is taken too) and needed columns."""

    key: str
    names: tuple[str, ...]
    columns: tuple[str, ...]


_FILES: Final = (
    _File(
        "leads",
        ("olist_marketing_qualified_leads_dataset.csv",),
        ("mql_id", "first_contact_date", "landing_page_id", "origin"),
    ),
    _File(
        "deals",
        ("olist_closed_deals_dataset.csv",),
        ("mql_id", "seller_id", "sdr_id", "sr_id", "won_date", "business_segment", "lead_type",
         "lead_behaviour_profile", "business_type"),
    ),
    _File("sellers", ("olist_sellers_dataset.csv",), ("seller_id", "seller_city", "seller_state")),
    _File(
        "lines",
        ("olist_order_items_dataset.csv", "order_items.csv", "order_items.parquet"),
        ("order_id", "order_item_id", "product_id", "seller_id", "shipping_limit_date", "price", "freight_value"),
    ),
    _File("products", ("olist_products_dataset.csv",), ("product_id", "product_category_name")),
    _File(
        "categories",
        ("product_category_name_translation.csv",),
        ("product_category_name", "product_category_name_english"),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class _Read:
    """A file in the engine, its columns by their own names; `fault` says why it can't be used."""

    path: Path
    relation: str
    physical: dict[str, str]
    rows: int
    blank: int
    refused: int
    problems: tuple[tuple[str, str, int | None], ...]
    fault: tuple[str, str] | None = None


def olist_parts(engine: Engine, folder: Path, settings: Any) -> list[Part]:
    """Read the publisher's files into leads, opportunities, accounts, orders and products.

    Parameters
    ----------
    engine
        The DuckDB connection.
    folder
        Where the files are, as the publisher names them.
    settings
        The Settings (no mapping is used).

    Raises
    ------
    DataError
        If none of the files is there.
    """
    del settings
    there = {p.name for p in folder.iterdir()}
    read: dict[str, _Read] = {}
    for file in _FILES:
        name = next((n for n in file.names if n in there), None)
        if name is not None:
            read[file.key] = _read(engine, folder / name, file)
    if not ({"leads", "lines"} & set(read)):
        listed = ", ".join(sorted(there)[:12]) or "nothing"
        near = did_you_mean(next(iter(sorted(there)), ""), [n for f in _FILES for n in f.names], shown=20)
        raise DataError(f"{folder.name} holds none of Olist's files; it holds: {listed}. Expected: {near}")
    makers = (_accounts, _products, _leads, _opportunities, _orders)
    made = [part for part in (maker(engine, read) for maker in makers) if part is not None]
    return made


def _read(engine: Engine, path: Path, file: _File) -> _Read:
    relation = f"raw olist {file.key}"
    problems: list[tuple[str, str, int | None]] = []
    if path.suffix == ".parquet":
        source = f"read_parquet({literal(str(path))}, file_row_number = true)"
        described = engine.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
        physical = {name: kind for name, kind, *_ in described}
        rows = engine.execute(f"SELECT count(*) FROM {source}").fetchone()[0]
        select = f"SELECT *, file_row_number + 1 AS row_number FROM {source}"
        blank = refused = 0
        header = list(physical)
        fault = None
    else:
        text = read_text(engine, path, f"{relation} text", file.columns)
        header, rows, blank, refused = text.header, text.rows, text.blank, text.refused
        physical = dict.fromkeys(header, "VARCHAR")
        problems = [(f.code, f.message, f.row) for f in text.faults]
        fault = (text.refusal.code, text.refusal.message) if text.refusal else None
        names = ", ".join(f"c{i} AS {quoted(name)}" for i, name in enumerate(header))
        select = f"SELECT row_number, {names} FROM {quoted(f'{relation} text')}"
    missing = [c for c in file.columns if c not in header]
    if missing and fault is None:
        lacks = "; ".join(f"no column '{c}'. {did_you_mean(c, header)}" for c in missing)
        fault = ("missing_column", f"{path.name} has {lacks}")
    if fault is None:
        engine.execute(f"CREATE OR REPLACE TEMP VIEW {quoted(relation)} AS {select}")
    return _Read(path, quoted(relation), physical, rows, blank, refused, tuple(problems), fault)


def _part(
    table: str, main: _Read, relation: str, columns: dict[str, str | RawColumn], *needed: _Read | None
) -> Part:
    """Make a part of which every row is a row of `main`; a file that can't be read takes the table with it."""
    made = {n: c if isinstance(c, RawColumn) else RawColumn(quoted(n), source=c) for n, c in columns.items()}
    part = Part(table, main.path.name, relation, made, rows=main.rows, blank=main.blank, refused=main.refused)
    for read in (main, *(n for n in needed if n is not None)):
        for code, message, row in read.problems if read is main else ():
            part.tell(code, message, row=row)
        if read.fault is not None:
            part.tell(*read.fault)
            part.refusal = part.refusal or read.fault[1]
    return part


# The engine may not multiply rows, whatever a file says: of several rows for one key the first counts.
def _first(read: _Read | None, key: str, *columns: str) -> str:
    if read is None or read.fault is not None:
        nulls = ", ".join(f"CAST(NULL AS VARCHAR) AS {quoted(c)}" for c in (key, *columns))
        return f"(SELECT {nulls} WHERE false)"
    chosen = ", ".join(
        f"arg_min(struct_pack(v := {quoted(c)}), row_number).v AS {quoted(c)}" for c in columns
    )
    return f"(SELECT {quoted(key)}, {chosen} FROM {read.relation} GROUP BY {quoted(key)})"


def _leads(engine: Engine, read: dict[str, _Read]) -> Part | None:
    main, deals = read.get("leads"), read.get("deals")
    if main is None:
        return None
    relation = (
        "(SELECT l.row_number, l.mql_id AS lead_id, l.first_contact_date AS created_at, d.seller_id AS account_id,"
        " l.origin AS channel, d.sdr_id AS received_by, l.landing_page_id"
        f" FROM {main.relation} l LEFT JOIN {_first(deals, 'mql_id', 'seller_id', 'sdr_id')} d ON d.mql_id = l.mql_id)"
    )
    columns: dict[str, str | RawColumn] = {
        "lead_id": "mql_id", "created_at": "first_contact_date", "channel": "origin",
        "landing_page_id": "landing_page_id",
    }  # fmt: skip
    if deals is not None:
        columns |= {"account_id": "seller_id", "received_by": "sdr_id"}
    return _part("leads", main, relation, columns, deals)


def _opportunities(engine: Engine, read: dict[str, _Read]) -> Part | None:
    main, leads = read.get("deals"), read.get("leads")
    if main is None:
        return None
    # Won dates are UTC; written with their offset they are brought into the company's zone like any other.
    relation = (
        "(SELECT d.row_number, d.mql_id AS opportunity_id, d.mql_id AS lead_id, d.seller_id AS account_id,"
        " d.sr_id AS owner, coalesce(l.first_contact_date, d.won_date || '+00') AS opened_at,"
        " d.won_date || '+00' AS closed_at,"
        " 'won' AS outcome, d.business_segment, d.lead_type, d.lead_behaviour_profile, d.business_type"
        f" FROM {main.relation} d LEFT JOIN {_first(leads, 'mql_id', 'first_contact_date')} l ON l.mql_id = d.mql_id)"
    )
    columns: dict[str, str | RawColumn] = {
        "opportunity_id": "mql_id", "opened_at": "first_contact_date", "account_id": "seller_id", "lead_id": "mql_id",
        "owner": "sr_id", "closed_at": "won_date", "outcome": RawColumn("outcome"),
        "business_segment": "business_segment", "lead_type": "lead_type",
        "lead_behaviour_profile": "lead_behaviour_profile", "business_type": "business_type",
    }  # fmt: skip
    return _part("opportunities", main, relation, columns, leads)


def _accounts(engine: Engine, read: dict[str, _Read]) -> Part | None:
    sellers, deals = read.get("sellers"), read.get("deals")
    good = [r for r in (sellers, deals) if r is not None and r.fault is None]
    if not good:
        return None
    keys = " UNION ".join(f"SELECT seller_id FROM {r.relation} WHERE seller_id IS NOT NULL" for r in good)
    known = _first(sellers, "seller_id", "seller_state", "seller_city")
    of_deal = _first(deals, "seller_id", "business_segment", "lead_type", "lead_behaviour_profile")
    relation = (
        "(SELECT k.seller_id AS account_id, s.seller_state AS region, s.seller_city AS city,"
        " d.business_segment AS industry, d.lead_type, d.lead_behaviour_profile,"
        " CASE WHEN d.seller_id IS NULL THEN 'no' ELSE 'yes' END AS from_lead"
        f" FROM ({keys}) k LEFT JOIN {known} s ON s.seller_id = k.seller_id"
        f" LEFT JOIN {of_deal} d ON d.seller_id = k.seller_id)"
    )
    names = ("account_id", "region", "industry", "city", "lead_type", "lead_behaviour_profile", "from_lead")
    part = _part("accounts", good[0], relation, {n: RawColumn(quoted(n)) for n in names}, *good[1:])
    part.rows = engine.execute(f"SELECT count(*) FROM {relation}").fetchone()[0]
    part.blank = part.refused = 0
    part.row, part.row_name = None, "account_id"
    part.file = " and ".join(r.path.name for r in good)
    return part


def _orders(engine: Engine, read: dict[str, _Read]) -> Part | None:
    main = read.get("lines")
    if main is None:
        return None
    leads, deals = read.get("leads"), read.get("deals")
    relation = (
        "(SELECT o.row_number, o.order_id, o.shipping_limit_date AS ordered_at, o.price AS amount,"
        " o.seller_id AS account_id, o.order_id || '-' || CAST(o.order_item_id AS VARCHAR) AS line_id,"
        " o.product_id, '1' AS quantity,"
        " l.origin AS channel, CASE WHEN d.seller_id IS NULL THEN 'no' ELSE 'yes' END AS from_lead, o.freight_value"
        f" FROM {main.relation} o LEFT JOIN {_first(deals, 'seller_id', 'mql_id')} d ON d.seller_id = o.seller_id"
        f" LEFT JOIN {_first(leads, 'mql_id', 'origin')} l ON l.mql_id = d.mql_id)"
    )
    kinds = main.physical
    columns: dict[str, str | RawColumn] = {
        "order_id": "order_id",
        "ordered_at": RawColumn(
            "ordered_at", kinds.get("shipping_limit_date", "VARCHAR"), "shipping_limit_date"
        ),
        "amount": RawColumn("amount", kinds.get("price", "VARCHAR"), "price"),
        "account_id": "seller_id",
        "line_id": "order_item_id",
        "product_id": "product_id",
        "quantity": RawColumn("quantity"),
        "freight_value": RawColumn("freight_value", kinds.get("freight_value", "VARCHAR"), "freight_value"),
    }
    if deals is not None:
        columns["from_lead"] = RawColumn("from_lead")
    if deals is not None and leads is not None:
        columns["channel"] = "origin"
    return _part("orders", main, relation, columns, leads, deals)


def _products(engine: Engine, read: dict[str, _Read]) -> Part | None:
    main, categories = read.get("products"), read.get("categories")
    if main is None:
        return None
    # The source misspells "length" in two of these names.
    kept = {
        "product_name_lenght": "product_name_length",
        "product_description_lenght": "product_description_length",
        "product_photos_qty": "product_photos_qty",
        "product_weight_g": "product_weight_g",
    }
    kept = {k: v for k, v in kept.items() if k in main.physical}
    extras = "".join(f", p.{quoted(k)} AS {quoted(v)}" for k, v in kept.items())
    english = _first(categories, "product_category_name", "product_category_name_english")
    relation = (
        "(SELECT p.row_number, p.product_id,"
        f" coalesce(t.product_category_name_english, p.product_category_name) AS category{extras}"
        f" FROM {main.relation} p LEFT JOIN {english} t ON t.product_category_name = p.product_category_name)"
    )
    columns: dict[str, str | RawColumn] = {"product_id": "product_id", "category": "product_category_name"}
    columns |= {name: name for name in kept.values()}
    return _part("products", main, relation, columns, categories)
