"""`alignment run --matrix`: one notebook over every part of a company."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alignment_toolkit.brief import some
from alignment_toolkit.cli.common import gate, note, print_json, print_table, progress_bar, say
from alignment_toolkit.cli.notices import noticed
from alignment_toolkit.errors import FindingsGate, MatrixFailed, ParameterError

if TYPE_CHECKING:
    from alignment_toolkit.company import Company
    from alignment_toolkit.runs.in_no_part import Aside

__all__ = ["run_matrix"]


def run_matrix(
    source: str,
    notebooks: Sequence[str],
    matrix: str,
    *,
    given: Mapping[str, Any],
    out: Path,
    jobs: int,
    only_failed: bool,
    fail_on: str,
    dry_run: bool,
    as_json: bool,
    options: Mapping[str, Any],
) -> None:
    """Run every notebook for every part; publish what succeeds, and one page for all."""
    from alignment_toolkit.runs import index
    from alignment_toolkit.runs import matrix as parts

    if dry_run:
        _print_plan(_planned(source, notebooks, matrix, given, out, only_failed=only_failed)[2], as_json)
        return
    told: list[dict[str, Any]] = []
    every: list[parts.Outcome] = []
    with noticed(source, "run", {"notebook": ", ".join(notebooks), "period": given.get("period")}) as notices:
        company, by_notebook, wanted = _planned(
            source, notebooks, matrix, given, out, only_failed=only_failed
        )
        for plans, chosen in zip(by_notebook, wanted, strict=True):
            if chosen:
                with progress_bar(f"{plans[0].name} for {plans[0].period}", "runs") as progress:
                    fresh = parts.perform_all(
                        chosen, company=company, jobs=jobs, progress=progress, **options
                    )
            else:
                fresh = []
                note(f"no run of {plans[0].name} for {plans[0].period} failed.")
            whole = index.outcomes_of(plans, fresh)
            aside = _aside(company, plans)
            page, _ = index.write_index(whole, matrix, aside)
            every += fresh
            for o in fresh:
                if o.run is not None:
                    notices.published(o.run)
                else:
                    notices.failed(vars(o.plan) | {"notebook": o.plan.name}, o.message, o.code)
            told.append({"notebook": plans[0].name, "period": plans[0].period, "page": page.as_posix()})
            told[-1] |= {"runs": [o.to_json() for o in fresh], "in_no_part": aside.to_json()}
            if not as_json:
                _print_outcomes(fresh, page)
                _print_aside(aside, company.currency)
    if as_json:
        print_json(told[0] if len(told) == 1 else told)
    _end(every, fail_on)


def _planned(
    source: str,
    notebooks: Sequence[str],
    matrix: str,
    given: Mapping[str, Any],
    out: Path,
    *,
    only_failed: bool,
) -> tuple[Any, list[Any], list[Any]]:
    """Give the company, the plans of every notebook, and those of them that are to be run."""
    from alignment_toolkit.company import Company
    from alignment_toolkit.runs import matrix as parts
    from alignment_toolkit.runs import plan

    if "part" in given:
        raise ParameterError("A matrix names the parts itself; leave '--set part=...' out.")
    bases = [plan(source, notebook=name, given=given, out=out) for name in notebooks]
    company = Company.open(source, as_of=bases[0].parameters.get("as_of"))
    names = parts.parts_of(company, matrix)
    beside = given.get("history") is None
    by_notebook = [parts.sliced(base, names, company, beside=beside) for base in bases]
    wanted = [parts.failed_before(plans) if only_failed else plans for plans in by_notebook]
    return company, by_notebook, wanted


def _print_plan(wanted: Sequence[Sequence[Any]], as_json: bool) -> None:
    plans = [made for chosen in wanted for made in chosen]
    if as_json:
        print_json([made.to_json() for made in plans])
        return
    say(f"{some(len(plans), 'run')}; nothing was run.")
    print_table(
        ["notebook", "period", "slice", "folder"],
        [[p.name, p.period, p.slice, p.key.as_posix()] for p in plans],
    )


def _print_outcomes(outcomes: Sequence[Any], page: Path) -> None:
    if outcomes:
        rows = []
        for o in outcomes:
            data = o.to_json()
            found = ", ".join(f"{n} {k}" for k, n in (data["findings"] or {}).items() if n)
            where = data["folder"] or data["page"] or ""
            seconds = "" if data["seconds"] is None else f"{data['seconds']:.0f}"
            said = o.message.splitlines()[-1].strip() if o.message else found
            rows.append([o.plan.slice, o.status, said, seconds, where])
        print_table(["slice", "run", "findings, or why not", "seconds", "where"], rows, right=["seconds"])
    counts = {s: sum(o.status == s for o in outcomes) for s in ("published", "already done", "failed")}
    say("; ".join(f"{n} {status}" for status, n in counts.items() if n) or "nothing was run")
    say(page.as_posix())


def _aside(company: Company, plans: Sequence[Any]) -> Aside:
    from alignment_toolkit.runs.in_no_part import in_no_part

    period = company.settings.period(plans[0].period, as_of=company.as_of)
    return in_no_part(company, [p.slice for p in plans], period)


def _print_aside(aside: Aside, currency: str) -> None:
    for left in aside.figures:
        if left.n:
            note(f"In no part: {left.text(currency)}.")


def _end(outcomes: Sequence[Any], fail_on: str) -> None:
    """Leave by the first exit code that applies: a failed run before a finding at the gate."""
    import json

    from alignment_toolkit.runs.matrix import require_all

    gated: list[str] = []
    for o in outcomes:
        if o.run is None:
            continue
        analysis = json.loads((o.run.folder / "analysis.json").read_text(encoding="utf-8"))
        try:
            gate(analysis, fail_on)
        except FindingsGate as e:
            gated.append(f"  {o.plan.slice}: {e}")
    try:
        require_all(outcomes)
    except MatrixFailed:
        for line in gated:
            note(line)
        raise
    if gated:
        raise FindingsGate(
            "\n".join([f"{len(gated)} of {len(outcomes)} runs are at or above '{fail_on}':", *gated])
        )
