"""The command segments: who belongs together, what they are worth, and what could be done with each account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alignment_toolkit.brief import some
from alignment_toolkit.cli.common import (
    As_json,
    Period,
    Source,
    listed,
    note,
    opened,
    print_json,
    print_table,
    say,
    warn,
)
from alignment_toolkit.cli.data import AsOf
from alignment_toolkit.errors import ParameterError

if TYPE_CHECKING:
    from alignment_toolkit.catalog import Catalog
    from alignment_toolkit.company import Company
    from alignment_toolkit.results import Analysis

__all__ = ["print_segments", "register"]

PLAYS = 15


def segments(
    source: Source,
    period: Period = None,
    segmentation: Annotated[
        list[str] | None,
        typer.Option("--segmentation", help="value, behaviour, potential, as_given; all by default."),
    ] = None,
    compare: Annotated[
        str, typer.Option("--compare", help="Who moved since: previous, year-ago, none.")
    ] = "previous",
    as_of: AsOf = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Write every account with segments, play and reasons to this CSV file."),
    ] = None,
    as_json: As_json = False,
) -> None:
    """Divide the accounts into segments, and propose what could be done with each; a person decides.

    Example: alignment segments data/sample --period 2026-Q3 --segmentation value
    """
    from alignment_toolkit.analysis import analyse
    from alignment_toolkit.catalog import Catalog

    if out is not None and not out.parent.is_dir():
        raise ParameterError(f"There is no folder {out.parent}; make it, or name another file with --out.")
    company = opened(source, as_of)
    catalog = Catalog.load(company.settings)
    chosen = listed(segmentation) or list(catalog.segmentations)
    analysis = analyse(
        company, period, compare=compare, kpis=[], indicators=[], segmentations=chosen, catalog=catalog
    )
    if out is not None:
        _write_all(company, analysis, catalog, chosen, out)
    if as_json:
        data = analysis.to_json()
        about = {k: data["definitions"].get(k) for k in ("segments", "plays", "target_grid", "value_map")}
        print_json({"segments": data["segments"], "plays": data["plays"], "definitions": about})
    else:
        print_segments(analysis)
    warn(analysis.warnings)


def _write_all(
    company: Company, analysis: Analysis, catalog: Catalog, chosen: Sequence[str], out: Path
) -> None:
    from alignment_toolkit.pseudonyms import Pseudonyms
    from alignment_toolkit.segmentation import every_play, kept_accounts

    hidden = Pseudonyms(company.settings.secret_key() or company.name, company.settings.privacy.names)
    period = company.settings.period(analysis.period, as_of=company.as_of)
    accounts = kept_accounts(company, period, catalog.chosen_segmentations(chosen))
    if accounts is None:
        note("There are no accounts; nothing was written.")
        return
    about = analysis.definitions["segments"]
    labels = {i: about[i].get("labels") or {} for i in chosen if i in about}
    rows = every_play(company, accounts, hidden, labels=labels)
    rows.to_csv(out, index=False, lineterminator="\n")
    note(f"{some(len(rows), 'account')} in {out}")


def print_segments(analysis: Analysis) -> None:
    """Print segments and plays."""
    about: Mapping[str, Any] = analysis.definitions.get("segments") or {}
    if about.get("reason"):
        say(str(about["reason"]))
    for id, told in about.items():
        if not isinstance(told, Mapping) or "title" not in told:
            continue
        say(f"\n{told['title']} ({id}): {told['question']}")
        if told.get("reason"):
            say(f"  {told['reason']}")
        _print_rows([r for r in analysis.segments if r["segmentation"] == id], analysis.currency)
    _print_past(about.get("clients") or {}, analysis.currency)
    if analysis.plays:
        say("\nPlays: what could be done, and why. A person who knows the account decides.")
        print_table(
            ["account", "segment", "proposed", "intent", "because"],
            [
                [p["account"], p["segment"], p["proposed"], p["intent"] or "", "; ".join(p["reasons"])]
                for p in analysis.plays[:PLAYS]
            ],
        )
        if len(analysis.plays) > PLAYS:
            say(
                f"{len(analysis.plays) - PLAYS} more with --json and in the report; every account with --out plays.csv."
            )


def _print_past(clients: Mapping[str, Any], currency: str) -> None:
    """Say how far off the forecast was on the company's own past."""
    from alignment_toolkit.units import unit

    past = clients.get("past") or {}
    if not past.get("told"):
        return
    money, told, came = unit("money"), past["told"], past["came"]
    interval = money.interval(told["low"], told["high"], currency=currency)
    say(
        f"\nThe forecast on its own past: fitted up to {past['fitted_up_to']}, it told "
        f"{money.text(told['value'], currency=currency)} ({interval}) for the {past['days']} days after it; "
        f"{money.text(came, currency=currency)} came."
    )


def _print_rows(rows: Sequence[Mapping[str, Any]], currency: str) -> None:
    from alignment_toolkit.report.blocks import Prose, without_isolates
    from alignment_toolkit.report.segment_terms import by_hand
    from alignment_toolkit.units import NOT_AVAILABLE, unit

    share, money = unit("share"), unit("money")
    if not rows:
        return
    shown = [
        [
            r["label"], f"{r['size']:,}",
            *(share.text(r[f"share_of_{what}"]["value"]) for what in ("revenue", "spend", "effort")),
            money.text(r["value"]["value"], currency=currency),
            money.interval(r["value"]["low"], r["value"]["high"], currency=currency) or "",
            "" if r["stability"] is None else f"{r['stability']:.2f}",
            ", ".join(f"{k} {v:,}" for k, v in r["plays"].items() if v),
        ]
        for r in rows
    ]  # fmt: skip
    columns = [
        "segment",
        "accounts",
        "revenue",
        "spend",
        "effort",
        "expected in 12 months",
        "95 % interval",
        "stability",
        "plays",
    ]
    # What is known of no segment has no column, as on the page.
    known = [any(row[i] not in ("", NOT_AVAILABLE) for row in shown) for i in range(len(columns))]
    columns, *shown = (list(compress(row, known)) for row in (columns, *shown))
    right = [
        c
        for c in ("accounts", "revenue", "spend", "effort", "expected in 12 months", "stability")
        if c in columns
    ]
    print_table(columns, shown, right=right)
    for block in by_hand(rows):
        if isinstance(block, Prose):
            say(without_isolates(f"  {f'{block.label}. ' if block.label else ''}{block.text}"))
            for rule in block.bullets:
                say(without_isolates(f"  - {rule}"))


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(segments)
