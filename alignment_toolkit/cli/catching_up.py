"""`alignment catch-up`: the periods that were missed, each once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alignment_toolkit.cli.common import (
    REPORT,
    REPORTS,
    As_json,
    Dry_run,
    Fail_on,
    Formats,
    Notebooks,
    Out,
    Source,
    Timeout,
    Values,
    gate,
    given_values,
    level,
    listed,
    note,
    print_json,
    print_table,
    progress_bar,
    say,
)
from alignment_toolkit.cli.notices import noticed
from alignment_toolkit.errors import AlignmentError, AlreadyRunning, FindingsGate, MatrixFailed

if TYPE_CHECKING:
    from alignment_toolkit.runs.notices import Notices

__all__ = ["register"]


def catch_up(
    source: Source,
    notebook: Notebooks = None,
    every: Annotated[
        str | None,
        typer.Option("--every", help="day, week, month, quarter, year ...; by default as the newest run."),
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="PERIOD", help="By default the first that was run.")
    ] = None,
    matrix: Annotated[
        str | None, typer.Option("--matrix", metavar="COL", help="For each part, as in alignment run.")
    ] = None,
    values: Values = None,
    out: Out = REPORTS,
    formats: Formats = None,
    fail_on: Fail_on = "never",
    timeout: Timeout = 3600,
    dry_run: Dry_run = False,
    as_json: As_json = False,
) -> None:
    """Run the periods that were missed, each once, the oldest first.

    Missed is what has no published run, between the first period that was run and the last one that is complete.

    Example: alignment catch-up alignment.toml --every week --since 2026-W01
    """
    from alignment_toolkit.notebooks import find_notebook
    from alignment_toolkit.notebooks.opening import part_of
    from alignment_toolkit.runs.catching_up import missed
    from alignment_toolkit.runs.matrix import parts_of

    level(fail_on)
    given = given_values(values, None, formats)
    from alignment_toolkit.company import Company

    company = Company.open(source, as_of=given.get("as_of"))
    company.require_clean()
    tasks = []
    for name in listed(notebook) or [REPORT]:
        stem = find_notebook(name).stem
        for part in parts_of(company, matrix) if matrix else [""]:
            found = missed(part_of(company, part), out, stem, part=part or "all", every=every, since=since)
            where = f"{stem}{f' for {part}' if part else ''}"
            said = found.said(since, company.as_of)
            if said is not None:
                note(f"{where}: {said}")
            tasks += [(name, stem, part, period) for period in found.periods]
    if dry_run:
        _print(
            [
                {"notebook": t[1], "period": t[3].label, "slice": t[2] or "all", "status": "missed"}
                for t in tasks
            ],
            as_json,
        )
        return
    told, gated = [], []
    about = {"notebook": ", ".join(listed(notebook) or [REPORT])}
    with noticed(source, "catch-up", about) as notices, progress_bar("missed periods", "runs") as progress:
        for number, (name, stem, part, period) in enumerate(tasks):
            progress(number, len(tasks))
            row, analysis = _one(source, name, part, period.label, given, out, timeout, notices)
            told.append({"notebook": stem, "period": period.label, "slice": part or "all", **row})
            if analysis is not None:
                try:
                    gate(analysis, fail_on)
                except FindingsGate as e:
                    gated.append(f"  {period}: {e}")
    _print(told, as_json)
    failed = [f"{t['period']} ({t['slice']})" for t in told if t["status"] == "failed"]
    if failed:
        raise MatrixFailed(f"{len(failed)} of {len(told)} runs failed: {', '.join(failed)}. Catch up again.")
    if gated:
        raise FindingsGate(
            "\n".join([f"{len(gated)} of {len(told)} runs are at or above '{fail_on}':", *gated])
        )


def _one(
    source: str,
    notebook: str,
    part: str,
    period: str,
    given: dict[str, Any],
    out: Path,
    timeout: float,
    notices: Notices,
) -> tuple[dict[str, Any], Any]:
    """Run one missed period; each is planned only now, so that it follows the one before."""
    import json

    from alignment_toolkit.runs import latest, perform, plan

    values = {**given, "period": period, **({"part": part} if part else {})}
    try:
        made = plan(source, notebook=notebook, given=values, out=out)
        # Another process may have caught up meanwhile.
        if latest(made.key) is not None:
            return {"status": "done meanwhile", "message": "", "folder": None}, None
        run = perform(made, timeout=timeout)
    except AlreadyRunning as e:
        return {"status": "left to another process", "message": str(e), "folder": None}, None
    except AlignmentError as e:
        note(f"error: {period}: {e}")
        about = {"notebook": notebook, "company": "", "period": period, "slice": part or "all"}
        notices.failed(about, str(e), e.exit_code)
        return {"status": "failed", "message": str(e), "folder": None}, None
    notices.published(run)
    analysis = json.loads((run.folder / "analysis.json").read_text(encoding="utf-8"))
    status = "published" if run.fresh else "done meanwhile"
    return {"status": status, "message": "", "folder": run.folder.as_posix()}, analysis


def _print(told: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print_json(told)
    elif not told:
        say("Nothing was missed.")
    else:
        columns = ("notebook", "period", "slice", "status", "folder")
        print_table(columns, [[t.get(c) for c in columns] for t in told])


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command(name="catch-up")(catch_up)
