"""The trials of a transaction, in a process without threads that forks each of them: ``python -m tests.faults.trials``.

Prints one JSON object: what was tried, and every fault that was seen. The tests hold it against what is promised.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import random
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from alignment_toolkit.errors import AlreadyRunning
from alignment_toolkit.runs import latest, perform, performing
from tests.faults.harness import (
    Steps,
    amount,
    bytes_of,
    ended,
    forked,
    half_written,
    naive,
    newest,
    plan_in,
    run_forked,
    without_kernel,
)

FORMATS = ("json", "html", "pdf", "pptx", "xlsx")
DISK = (errno.ENOSPC, errno.EIO, errno.EACCES)


def first_run(
    folder: Path, formats: tuple[str, ...] = ("json",), **changes: Any
) -> tuple[Any, dict[str, str]]:
    """Publish a run, which must stay as it is whatever becomes of the next."""
    plan = plan_in(folder, formats, **changes)
    assert ended(run_forked(plan)) == 0
    return plan, bytes_of(latest(plan.key))


def told(key: Path, before: dict[str, str], first: str) -> list[str]:
    """Tell what is wrong after a run that did not come to its end."""
    wrong = [f"half written: {name}" for name in half_written(key)]
    if bytes_of(key / first) != before:
        wrong.append("the run of before has changed")
    if latest(key) is None:
        wrong.append("latest leads nowhere")
    return wrong


def kills(
    folder: Path,
    random_ones: int,
    seed: int = 11,
    *,
    formats: tuple[str, ...] = ("json",),
    first_fault: bool = False,
) -> dict[str, Any]:
    """Kill a run at every step it takes on files, then at random moments; the next run must go on."""
    plan, before = first_run(folder, formats)
    first = newest(plan.key)
    steps = Steps()
    wrong: list[str] = []
    seen: Counter[str] = Counter()

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def after(code: int, what: str) -> None:
        seen["killed" if code == -signal.SIGKILL else f"exit {code}"] += 1
        wrong.extend(f"{what}: {one}" for one in told(plan.key, before, first))

    at = 0
    while not (first_fault and wrong):
        at += 1
        code = ended(run_forked(plan, lambda at=at: steps.begin(at, die), force=True))
        after(code, f"step {at}")
        if code != -signal.SIGKILL:
            break
    if first_fault:
        return {"steps": at, "wrong": wrong}
    begun = time.perf_counter()
    assert ended(run_forked(plan, force=True)) == 0
    length = time.perf_counter() - begun
    moments = random.Random(seed)
    in_time = tried = 0
    while in_time < random_ones and tried < 5 * random_ones:
        tried += 1
        pid = run_forked(plan, force=True)
        moment = moments.uniform(0, length)
        time.sleep(moment)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        code = ended(pid)
        in_time += code == -signal.SIGKILL
        # How long a run takes follows the load of the machine: kills shall meet all of it, and not what comes after.
        length = length * 1.02 if code == -signal.SIGKILL else min(length, max(moment, 0.5 * length))
        after(code, "random moment")
    # The lock went with its process; the same again gives the same bytes.
    begun = time.perf_counter()
    if ended(run_forked(plan, force=True)) != 0:
        wrong.append("the next run did not come to its end")
    again = bytes_of(latest(plan.key))
    if any(again[name] != before[name] for name in before if name.startswith(("analysis", "report"))):
        wrong.append("the next run has other bytes")
    if left := [p.name for p in plan.key.glob(".*") if p.name != ".lock"]:
        wrong.append(f"left behind: {left}")
    return {"steps": at - 1, "random": in_time, "ends": dict(seen), "wrong": wrong}


def disk(folder: Path, formats: tuple[str, ...], *, first_fault: bool = False) -> dict[str, Any]:
    """Let the first, second ... step on files fail, then every file end after some bytes; all must be exit 8."""
    plan, before = first_run(folder, formats)
    first = newest(plan.key)
    sizes = [p.stat().st_size for p in latest(plan.key).iterdir()]
    steps = Steps()
    wrong: list[str] = []
    points = 0

    def fail(number: int) -> None:
        raise OSError(number, os.strerror(number), "here")

    def after(code: int, what: str, always: bool = False) -> None:
        nonlocal points
        points += 1
        if code != 8:
            wrong.append(f"{what}: exit {code}")
        wrong.extend(f"{what}: {one}" for one in told(plan.key, before, first))
        if not always and newest(plan.key) != first:
            wrong.append(f"{what}: published although it failed")

    assert ended(run_forked(plan, lambda: steps.begin(0, lambda: None), force=True)) == 0
    first, before = newest(plan.key), bytes_of(latest(plan.key))
    harmless = 0
    for at in range(1, 2 if first_fault else steps.total() + 1):
        number = DISK[at % len(DISK)]
        code = ended(run_forked(plan, lambda: steps.begin(at, lambda: fail(number)), force=True))  # noqa: B023
        if code == 0 and not half_written(plan.key) and newest(plan.key) != first:
            # A folder that is there already need not be made.
            harmless += 1
            first, before = newest(plan.key), bytes_of(latest(plan.key))
            continue
        after(code, f"step {at} ({errno.errorcode[number]})")
    counted = points
    # The run that came to its end is the last; every trial below is held against it.
    first, before = newest(plan.key), bytes_of(latest(plan.key))
    for at in range(1, counted + 1, max(1, counted // 8)):
        code = ended(
            run_forked(plan, lambda: steps.begin(at, lambda: fail(errno.EROFS), always=True), force=True)  # noqa: B023
        )
        after(code, f"all steps from {at}", always=True)
        first, before = newest(plan.key), bytes_of(latest(plan.key))
    for size in sorted({0, 1, *(s // 2 for s in sizes), *(s - 1 for s in sizes)}):

        def less(size: int = size) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

        after(ended(run_forked(plan, less, force=True)), f"files end after {size} bytes")
        if first_fault and wrong:
            return {"points": points, "wrong": wrong}
    if ended(run_forked(plan, force=True)) != 0:
        wrong.append("the next run did not come to its end")
    elif bytes_of(latest(plan.key))["analysis.json"] != before["analysis.json"]:
        wrong.append("the next run has other bytes")
    return {"points": points, "harmless": harmless, "wrong": wrong}


def pairs(folder: Path, count: int) -> dict[str, Any]:
    """Start two runs of one key at the same time; then two of two keys; then one after a holder was killed."""
    ends: Counter[str] = Counter()
    slowest = 0.0
    held = 0.3

    def one(plan: Any, go: int, say: int) -> int:
        def work() -> int:
            os.read(go, 1)
            begun = time.perf_counter()
            try:
                perform(plan, force=True)
            except AlreadyRunning:
                os.write(say, f"{time.perf_counter() - begun}\n".encode())
                raise
            return 0

        return forked(work)

    for number in range(count):
        plan = plan_in(folder / f"pair{number}")
        (go, start), (hear, say) = os.pipe(), os.pipe()
        both = [one(plan, go, say), one(plan, go, say)]
        os.write(start, b"xx")
        codes = sorted(map(ended, both))
        os.close(say)
        waited = os.read(hear, 1000).decode().split()
        for handle in (go, start, hear):
            os.close(handle)
        slowest = max([slowest, *map(float, waited)])
        runs = len([p for p in plan.key.iterdir() if (p / "manifest.json").is_file() and p.name != "latest"])
        ends[f"{codes} {runs}"] += 1
    begun = time.perf_counter()
    apart = [run_forked(plan_in(folder / "apart", period=p), force=True) for p in ("2026-Q1", "2026-Q2")]
    codes = [ended(pid) for pid in apart]
    together = time.perf_counter() - begun
    # A holder that is killed leaves its lock file, and no lock.
    plan = plan_in(folder / "stale")
    pid = run_forked(plan, force=True)
    while not list(plan.key.glob(".staging-*")):
        time.sleep(0.002)
    os.kill(pid, signal.SIGKILL)
    ended(pid)
    file = (plan.key / ".lock").exists()
    taken = ended(run_forked(plan, force=True))
    return {
        "ends": dict(ends), "slowest": slowest, "apart": codes, "together": together, "held": held,
        "stale": [file, taken],
    }  # fmt: skip


def reader(folder: Path, publishes: int) -> dict[str, Any]:
    """Read what `latest` names, again and again, while runs are published."""
    plan, _ = first_run(folder)
    hear, say = os.pipe()

    def read() -> int:
        counts = Counter({"reads": 0, "partial": 0})
        names = set()
        end = folder / "end"
        while not end.exists():
            found = latest(plan.key)
            counts["reads"] += 1
            try:
                manifest = json.loads((found / "manifest.json").read_text())
                whole = bytes_of(found)
                names.add(found.name)
                if any(whole.get(n) != one["sha256"] for n, one in manifest["artefacts"].items()):
                    counts["partial"] += 1
            except (OSError, ValueError, KeyError, TypeError):
                counts["partial"] += 1
        os.write(say, json.dumps({**counts, "runs": len(names)}).encode())
        return 0

    pid = forked(read)

    def publish() -> int:
        for _ in range(publishes):
            perform(plan, force=True)
        return 0

    code = ended(forked(publish))
    (folder / "end").touch()
    ended(pid)
    os.close(say)
    return {**json.loads(os.read(hear, 10_000)), "publishes": publishes, "code": code}


def main() -> None:
    asked = sys.argv[1:]
    performing.execute = without_kernel()
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        if "transaction" in asked:
            found["kills"] = kills(place / "kills", amount(10, 150, 300))
            found["reader"] = reader(place / "reader", amount(10, 100, 100))
            performing.execute = without_kernel(wait=0.3)
            found["pairs"] = pairs(place / "pairs", amount(3, 40, 100))
        if "exporters" in asked:
            # The kill meets the writers of all formats, which take most of the time.
            performing.execute = without_kernel(FORMATS)
            found["exporter kills"] = kills(place / "exporters", amount(0, 20, 100), seed=12, formats=FORMATS)
        if "controls" in asked:
            # The guards off: each kind of trial must see the fault that it looks for.
            performing.execute = without_kernel()
            real = performing._publish, performing._locked
            performing._publish = naive
            found["naive kills"] = kills(place / "naive-kills", 0, first_fault=True)
            found["naive disk"] = disk(place / "naive-disk", ("json",), first_fault=True)
            performing.execute = without_kernel(wait=0.01)
            found["naive reader"] = reader(place / "naive-reader", 5)
            performing._publish = real[0]
            performing._locked = lambda *_: contextlib.nullcontext()
            performing.execute = without_kernel(wait=0.3)
            found["naive pairs"] = pairs(place / "naive-pairs", 1)
            performing._locked = real[1]
        for format in [a for a in asked if a in FORMATS]:
            performing.execute = without_kernel((format,))
            found[f"disk {format}"] = disk(place / f"disk-{format}", (format,))
    for one in found.values():
        if "wrong" in one:
            one["faults"], one["wrong"] = len(one["wrong"]), one["wrong"][:10]
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
