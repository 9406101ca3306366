"""The commands around runs: demo, run, runs, params."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

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
    Period,
    Source,
    Timeout,
    Values,
    gate,
    given_values,
    kept_values,
    level,
    listed,
    note,
    print_json,
    print_table,
    progress_bar,
    say,
    warn,
)
from alignment_toolkit.cli.matrix import run_matrix
from alignment_toolkit.cli.notices import noticed
from alignment_toolkit.cli.trends import print_trends
from alignment_toolkit.errors import AlignmentError, MatrixFailed, ParameterError

__all__ = ["register"]


def demo(out: Out = REPORTS, as_json: As_json = False) -> None:
    """Make the whole report of a made-up company, offline, in all formats.

    Example: alignment demo --out reports
    """
    from alignment_toolkit.notebooks import early_kernel
    from alignment_toolkit.report import FORMATS
    from alignment_toolkit.runs import perform, plan

    with early_kernel() as early:
        given = {"formats": list(FORMATS)}
        made = plan("sample", notebook=REPORT, given=given, out=out, meanwhile=early.begin)
        with progress_bar("the report of the made-up sample company") as progress:
            done = perform(made, progress=progress, early=early)
    if as_json:
        print_json(done.to_json())
        return
    say(f"The report of the made-up company {made.company} for {made.period}:")
    _print_files(done)


def run(
    source: Source,
    notebook: Notebooks = None,
    period: Period = None,
    values: Values = None,
    parameters: Annotated[
        Path | None,
        typer.Option("--parameters", help="A .json with parameters, such as a view that the explorer kept."),
    ] = None,
    out: Out = REPORTS,
    formats: Formats = None,
    fail_on: Fail_on = "never",
    timeout: Timeout = 3600,
    run_timeout: Annotated[
        float | None, typer.Option("--run-timeout", min=1, help="Seconds that a whole run may take.")
    ] = None,
    memory: Annotated[
        float | None,
        typer.Option(
            "--memory", min=100, help="MB of memory a run may take; by default 90 % of the machine's."
        ),
    ] = None,
    dry_run: Dry_run = False,
    force: Annotated[bool, typer.Option("--force", help="Run again what is done already.")] = False,
    matrix: Annotated[
        str | None,
        typer.Option(
            "--matrix", metavar="COL", help="A run for each value of a column, or of a .csv or .json."
        ),
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", min=1, max=64, help="Runs of a matrix at a time.")] = 1,
    only_failed: Annotated[
        bool, typer.Option("--only-failed", help="Of a matrix, only what failed or was never published.")
    ] = False,
    as_json: As_json = False,
) -> None:
    """Run notebooks; publish each whole or not at all.

    Example: alignment run alignment.toml --period last-quarter --set compare=year-ago --fail-on high
    """
    from alignment_toolkit.notebooks import early_kernel
    from alignment_toolkit.runs import perform, plan

    level(fail_on)
    limits: dict[str, Any] = {
        "timeout": timeout,
        "run_timeout": run_timeout,
        "memory": memory and int(memory * 1e6),
    }
    given = {**(kept_values(parameters) if parameters else {}), **given_values(values, period, formats)}
    if matrix is not None:
        run_matrix(
            source, listed(notebook) or [REPORT], matrix, given=given, out=out, jobs=jobs, only_failed=only_failed,
            fail_on=fail_on, dry_run=dry_run, as_json=as_json, options={"force": force, **limits},
        )  # fmt: skip
        return
    if only_failed or jobs > 1:
        raise ParameterError("--only-failed and --jobs are for a --matrix.")
    names = listed(notebook) or [REPORT]
    if dry_run:
        _print_plans([plan(source, notebook=name, given=given, out=out) for name in names], as_json)
        return
    done, failed = [], []
    about = {"notebook": ", ".join(names), "period": given.get("period")}
    # The first notebook's kernel starts beside the plans; a kernel is for one run.
    with noticed(source, "run", about) as notices, early_kernel(limits["memory"]) as early:
        plans = [plan(source, notebook=name, given=given, out=out, meanwhile=early.begin) for name in names]
        for made in plans:
            try:
                with progress_bar(f"{made.name} for {made.period}") as progress:
                    done.append(perform(made, force=force, progress=progress, early=early, **limits))
                notices.published(done[-1])
            except AlignmentError as e:
                notices.failed(vars(made) | {"notebook": made.name}, str(e), e.exit_code)
                if len(plans) == 1:
                    raise
                failed.append(made.name)
                note(f"error: {e}")
    if as_json:
        told = [one.to_json() for one in done]
        print_json(told[0] if len(plans) == 1 else told)
    else:
        for one in done:
            if not one.fresh:
                say(f"already done: {one.id} (the same data, parameters and version; --force runs it again)")
            _print_files(one)
    if failed:
        raise MatrixFailed(f"{len(failed)} of {len(plans)} notebooks failed: {', '.join(failed)}.")
    analyses = [_analysis(one.folder) for one in done]
    for analysis in analyses:
        warn(analysis["warnings"])
    for analysis in analyses:
        gate(analysis, fail_on)


def _analysis(folder: Path) -> dict[str, Any]:
    import json

    data: dict[str, Any] = json.loads((folder / "analysis.json").read_text(encoding="utf-8"))
    return data


def _print_files(done: Any) -> None:
    for path in done.files:
        say(path.as_posix())


def _print_plans(plans: list[Any], as_json: bool) -> None:
    if as_json:
        told = [made.to_json() for made in plans]
        print_json(told[0] if len(told) == 1 else told)
        return
    for made in plans:
        data = made.to_json()
        say(f"{made.name} for {made.company}, {made.period}; nothing was run.")
        rows = [[k, repr(v), _resolved(data, k)] for k, v in data["parameters"].items()]
        print_table(["parameter", "value", "asked for as"], rows)
        columns = ["table", "rows", "rejected", "fingerprint"]
        print_table(columns, [[one[c] for c in columns] for one in data["inputs"]], right=columns[1:3])
        say(f"All of the data: {data['data_fingerprint']}")
        say(f"Would go to {data['folder']}: {', '.join(data['outputs'])}")


def _resolved(data: dict[str, Any], name: str) -> str:
    asked: str = data["asked"].get(name, "")
    return "" if asked == data["parameters"][name] else asked


def params(
    notebook: Annotated[str, typer.Argument(help="Name or path.", show_default=False)],
    schema: Annotated[bool, typer.Option("--schema", help="As a JSON Schema.")] = False,
    as_json: As_json = False,
) -> None:
    """Show a notebook's parameters.

    Example: alignment params 01_alignment_report
    """
    from alignment_toolkit.notebooks import find_notebook, json_schema, parameters_of, read_notebook

    path = find_notebook(notebook)
    declared = parameters_of(read_notebook(path), path.stem)
    if schema:
        print_json(json_schema(declared, path.stem))
    elif as_json:
        print_json([p.to_json() for p in declared])
    else:
        print_table(
            ["name", "type", "default", "meaning"],
            [
                [p.name, str(p.kind), "(required)" if p.required else repr(p.default), p.help]
                for p in declared
            ],
        )


runs_app = typer.Typer(
    name="runs",
    help="List what was run, or show one run.\n\nExample: alignment runs --out reports",
    invoke_without_command=True,
    rich_markup_mode=None,
)


@runs_app.callback()
def _list_runs(context: typer.Context, out: Out = REPORTS, as_json: As_json = False) -> None:
    if context.invoked_subcommand is not None:
        return
    from alignment_toolkit.runs import history

    found = history(out)
    if as_json:
        print_json(found)
    elif not found:
        say(f"Nothing was run in {out}.")
    else:
        columns = ("id", "notebook", "company", "period", "slice", "status", "finished", "findings", "latest")
        for r in found:
            r["findings"] = ", ".join(f"{n} {k}" for k, n in (r["findings"] or {}).items() if n)
            r["latest"] = "yes" if r["latest"] else ""
        print_table(columns, [[r[c] for c in columns] for r in found])


@runs_app.command("trend")
def _show_trend(
    figures: Annotated[
        list[str] | None,
        typer.Argument(metavar="FIGURE", help="Indicators and key figures.", show_default=False),
    ] = None,
    notebook: Annotated[str | None, typer.Option("--notebook", help="Only this one's runs.")] = None,
    part: Annotated[
        str | None, typer.Option("--part", metavar="COL=VALUE", help='Only this part; "all" is the whole.')
    ] = None,
    out: Out = REPORTS,
    as_json: As_json = False,
) -> None:
    """Follow gaps and key figures over the runs: all of them at a glance, or those named run by run.

    Example: alignment runs trend dropped_leads win-rate
    """
    from alignment_toolkit.runs.trends import trends

    found = trends(out, figures or (), notebook=notebook, part=part)
    if as_json:
        print_json([one.to_json() for one in found])
    else:
        print_trends(found, out, each_run=bool(figures))


@runs_app.command("show")
def _show_run(
    id: Annotated[str, typer.Argument(metavar="ID", help="The id, or how it begins.", show_default=False)],
    out: Out = REPORTS,
    as_json: As_json = False,
) -> None:
    """Show one run: parameters, versions, times, files.

    Example: alignment runs show 3f9a
    """
    from alignment_toolkit.runs import show

    found = show(id, out)
    if as_json:
        print_json(found.to_json())
        return
    m = found.manifest
    rows = [
        [k, m[k]] for k in ("id", "status", "notebook", "company", "period", "slice", "started", "finished")
    ]
    rows += [["data_fingerprint", m["data_fingerprint"]]]
    rows += [[f"parameter {k}", repr(v)] for k, v in m["parameters"].items()]
    rows += [[f"version {k}", v] for k, v in m["versions"].items()]
    print_table(["", "value"], rows)
    _print_files(found)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    for command in (demo, run, params):
        app.command()(command)
    app.add_typer(runs_app)
