"""A matrix: one notebook over every part of a company, each part a run of its own, some of which may fail."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from typing import TYPE_CHECKING, Any

from alignment_toolkit.errors import DataError, MatrixFailed, ParameterError, UnknownName
from alignment_toolkit.notebooks.forking import shared_kernels
from alignment_toolkit.notebooks.opening import part_of, split_part, write_part
from alignment_toolkit.runs.beside import bearing, earlier_runs, folder_of
from alignment_toolkit.runs.outsiders import kept_back
from alignment_toolkit.runs.performing import Run
from alignment_toolkit.runs.performing import _leave_page as leave_page
from alignment_toolkit.runs.places import FAILED, latest, now
from alignment_toolkit.runs.planning import HISTORY, PART, WHOLE, Plan, check_part, require_data
from alignment_toolkit.runs.workers import Worker, attempt

if TYPE_CHECKING:
    from alignment_toolkit.company import Company

__all__ = ["MOST", "Outcome", "failed_before", "parts_of", "perform_all", "require_all", "sliced"]

MOST = 500


@dataclass(frozen=True)
class Outcome:
    """What became of one run of a matrix: published, done already, or failed with a message and an exit code."""

    plan: Plan
    run: Run | None = None
    code: int = 0
    message: str = ""

    @property
    def status(self) -> str:
        """``published``, ``already done`` or ``failed``."""
        return "failed" if self.run is None else "published" if self.run.fresh else "already done"

    def to_json(self) -> dict[str, Any]:
        """Give what ``alignment run --matrix ... --json`` prints of it."""
        found = self.run.manifest.get("findings") if self.run else None
        page = self.plan.key / FAILED
        return {
            "slice": self.plan.slice,
            "status": self.status,
            "code": self.code,
            "message": self.message,
            "findings": found,
            "seconds": self.run.manifest.get("seconds") if self.run else None,
            "folder": self.run.folder.as_posix() if self.run else None,
            "page": page.as_posix() if not self.run and page.is_file() else None,
        }


def parts_of(company: Company, matrix: str) -> list[str]:
    """Give the parts of a matrix as texts, such as ``region=North``.

    Parameters
    ----------
    company
        The company.
    matrix
        A dimension, of which every observed value is a part; or a file: a CSV of one column whose header is the
        dimension, or a JSON list of texts like ``region=North``, or of objects with one key.

    Raises
    ------
    ParameterError
        For a dimension or value that is not there, a file that cannot be read so, no part at all, or more than `MOST`.
    """
    path = Path(matrix)
    if path.suffix.casefold() in (".csv", ".json"):
        parts = _of_file(path)
    else:
        there = _has(company, matrix)
        known = company.values(matrix) if there else ()
        if there and not known:
            raise ParameterError(
                f"The column '{matrix}' is empty in every row of {company.name}, so a matrix of it has no part."
                f" {_filled(company)}"
            )
        if not known:
            names = sorted({c for t in company.tables for c in company.columns(t)})
            raise UnknownName("column for a matrix", matrix, names, where=f"in the data of {company.name}")
        parts = [write_part(matrix, value) for value in known]
    parts = list(dict.fromkeys(parts))
    if not parts:
        raise ParameterError(f"The matrix '{matrix}' has no part.")
    if len(parts) > MOST:
        raise ParameterError(
            f"The matrix '{matrix}' has {len(parts):,} parts; at most {MOST} are run at a time. Name those that"
            " matter in a file with one column."
        )
    for part in parts:
        check_part(company, part_of(company, part))
    return parts


def _has(company: Company, dimension: str) -> bool:
    home, _, column = dimension.rpartition(".")
    return any(
        column in company.columns(table) for table in company.tables if not home or home == table
    )  # an unknown one is told with the near match


def _filled(company: Company) -> str:
    """Name the usual columns of a matrix that have more than one value."""
    usual = ("region", "country", "channel", "segment", "industry", "team", "territory")
    told = [c for c in usual if _has(company, c) and len(company.values(c)) > 1]
    return (
        f"Columns with several values: {', '.join(told)}."
        if told
        else "Fill the column, or run without --matrix."
    )


def _of_file(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as e:
        raise ParameterError(f"The matrix file {path} could not be read: {e}.") from None
    if path.suffix.casefold() == ".json":
        try:
            told = json.loads(text)
        except ValueError as e:
            raise ParameterError(f"The matrix file {path} is no JSON: {e}.") from None
        entries = told if isinstance(told, list) else [{k: v} for k, vs in _items(told) for v in _list(vs)]
        return [_entry(e, path) for e in entries]
    rows = [row for row in csv.reader(text.splitlines()) if any(cell.strip() for cell in row)]
    if not rows or any(len(row) != 1 for row in rows):
        raise ParameterError(
            f"The matrix file {path} must have one column: the dimension as its header, one value a line."
        )
    dimension = rows[0][0].strip()
    return [f"{dimension}={row[0].strip()}" for row in rows[1:]]


def _items(told: Any) -> list[tuple[str, Any]]:
    return list(told.items()) if isinstance(told, Mapping) else []


def _list(values: Any) -> list[Any]:
    return values if isinstance(values, list) else [values]


def _entry(entry: Any, path: Path) -> str:
    if isinstance(entry, str):
        split_part(entry)
        return entry
    if isinstance(entry, Mapping) and len(entry) == 1:
        ((dimension, value),) = entry.items()
        return write_part(dimension, value) if value is None else f"{dimension}={value}"
    raise ParameterError(
        f'The matrix file {path} must be a list of texts like "region=North" or objects like'
        f' {{"region": "North"}}, not {json.dumps(entry)}.'
    )


def sliced(base: Plan, parts: Sequence[str], company: Company, *, beside: bool = True) -> list[Plan]:
    """Make of the plan for the whole company one plan for each part.

    Parameters
    ----------
    base
        What `plan` gave for the whole company.
    parts
        What `parts_of` gave.
    company
        The whole company.
    beside
        Follow each part through the earlier runs of the same part.

    Raises
    ------
    ParameterError
        Where the notebook has no parameter ``part``.
    """
    if PART not in base.parameters:
        raise ParameterError(
            f"Notebook '{base.name}' has no parameter '{PART}', so it can't be run for parts of a company."
            ' A line in its parameters cell declares it: part: str = ""  # only one part of the company'
        )
    if base.slice != WHOLE:
        raise ParameterError("A matrix names the parts itself; leave '--set part=...' out.")
    period = company.settings.period(base.period, as_of=company.as_of)
    apart = kept_back(company, parts, base.parameters, period)
    plans = []
    for part in parts:
        values, folder = {**base.parameters, PART: part}, folder_of(company, part)
        told = base.earlier
        if beside and HISTORY in values:
            found = earlier_runs(base.out, base.name, part, str(period.start), period.days, folder=folder)
            values[HISTORY], told = list(found), bearing(found)
        plans.append(
            replace(
                base,
                parameters=values,
                slice=part,
                earlier=told,
                kept_back=apart.get(part, ()),
                folder=folder,
            )
        )
    return plans


def failed_before(plans: Sequence[Plan]) -> list[Plan]:
    """Give those whose last run failed, or that have no published run."""
    return [p for p in plans if (p.key / FAILED).is_file() or latest(p.key) is None]


def perform_all(
    plans: Sequence[Plan],
    *,
    company: Company | None = None,
    jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
    **options: Any,
) -> list[Outcome]:
    """Run the plans in a bounded pool; one that fails does not keep the others from being published.

    Parameters
    ----------
    plans
        What `sliced` gave.
    company
        The whole company: a part of it without data in the period fails before a kernel starts.
    jobs
        How many run at a time, each in a process of its own.
    progress
        Called with the number of those that have come to their end, and of all.
    options
        As for `perform`: force, timeout.

    Returns
    -------
    list of Outcome
        One for each plan, in the same order.
    """
    # How many processors a matrix takes is said by its jobs.
    options = {"processes": 1, **options}
    # The engine answers one question at a time, so the parts are looked at before the pool begins.
    early = {i: o for i, plan in enumerate(plans) if (o := _without_data(plan, company)) is not None}
    done = len(early)
    if progress:
        progress(done, len(plans))
    lock = Lock()
    idle: SimpleQueue[Callable[..., tuple[Run | None, int, str]]] = SimpleQueue()
    workers = [Worker() for _ in range(min(jobs, len(plans) - done))] if jobs > 1 else []
    for worker in workers:
        idle.put(worker)
    if not workers:
        idle.put(attempt)

    def one(plan: Plan) -> Outcome:
        nonlocal done
        performer = idle.get()
        try:
            found = performer(plan, options)
        finally:
            idle.put(performer)
        with lock:
            done += 1
            if progress:
                progress(done, len(plans))
        return Outcome(plan, *found)

    left = [i for i in range(len(plans)) if i not in early]
    with _sharing([plans[i] for i in left]):
        if not workers:
            found = {i: one(plans[i]) for i in left}
        else:
            pool = ThreadPoolExecutor(len(workers))
            try:
                futures = {i: pool.submit(one, plans[i]) for i in left}
                found = {i: future.result() for i, future in futures.items()}
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
                for worker in workers:
                    worker.stop()
    return [early[i] if i in early else found[i] for i in range(len(plans))]


def _sharing(plans: Sequence[Plan]) -> AbstractContextManager[None]:
    """Let several parts share the loading of one company; a single one has nobody to share with."""
    values = plans[0].parameters if plans else {}
    if len(plans) < 2 or "source" not in values:
        return nullcontext()
    return shared_kernels(str(values["source"]), values.get("as_of"))


def _without_data(plan: Plan, company: Company | None) -> Outcome | None:
    """Fail a part that has no data in the period, as a run of the whole company would."""
    if company is None:
        return None
    part = part_of(company, str(plan.parameters.get(PART) or ""))
    try:
        require_data(part, company.settings.period(plan.period, as_of=company.as_of))
    except DataError as e:
        said = str(e).replace(company.name, plan.slice)
        with suppress(OSError):
            plan.key.mkdir(parents=True, exist_ok=True)
            leave_page(plan, plan.key, DataError(said), now())
        return Outcome(plan, None, e.exit_code, said)
    return None


def require_all(outcomes: Sequence[Outcome]) -> None:
    """Raise where any run failed.

    Raises
    ------
    MatrixFailed
        Which names those that failed (exit 7).
    """
    failed = [o.plan.slice for o in outcomes if o.run is None]
    if failed:
        raise MatrixFailed(
            f"{len(failed)} of {len(outcomes)} runs failed: {', '.join(failed)}."
            f"{' The others are published;' if len(failed) < len(outcomes) else ''} --only-failed runs these again."
        )
