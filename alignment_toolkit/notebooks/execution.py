"""Execution of a notebook by papermill, in process, with a kernel of this very interpreter."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import logging
import math
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from alignment_toolkit.errors import AlignmentError, CellFailed, ExportFailed, KernelLost
from alignment_toolkit.meanwhile import PROCESSES, processors
from alignment_toolkit.notebooks.early import EarlyKernel
from alignment_toolkit.notebooks.forking import KERNELS
from alignment_toolkit.notebooks.kernel import Watch, kernel_manager, machine_memory, size_text

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = [
    "RUN_FOLDER",
    "RUN_KEPT_BACK",
    "RUN_SLIDES",
    "SENTINEL",
    "early_kernel",
    "execute",
    "kernel_starts",
]

_BLAS: Final = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
# The kernel learns its run's folder from the environment, so that no path gets into the executed notebook.
RUN_FOLDER = "ALIGNMENT_RUN_FOLDER"
RUN_SLIDES = "ALIGNMENT_RUN_SLIDES"
RUN_KEPT_BACK = "ALIGNMENT_RUN_KEPT_BACK"
SENTINEL = ".finished.json"
START_ATTEMPTS = 3
OUTPUT = 20_000_000
# Between the answer of a cell and its last output; papermill's four seconds are too few on a machine under load.
_OUTPUT_WAIT = 60
_OUTPUTS = ("stream", "display_data", "execute_result", "update_display_data", "error")
_LINE, _LINES = 2_000, 200
# A copy of the kernel is counted in full, though it shares most of its memory: with less than this there is none.
_ROOM = 4_000_000_000
Progress = Callable[[int, int], None]


def _engine() -> str:
    """Register the engine once and give its name."""
    from papermill.clientwrap import PapermillNotebookClient
    from papermill.engines import NBClientEngine, papermill_engines

    name = "alignment_toolkit"
    if name in papermill_engines._engines:
        return name

    class Client(PapermillNotebookClient):  # type: ignore[misc]
        @contextlib.contextmanager
        def setup_kernel(self, **options: Any) -> Iterator[None]:
            for attempt in range(1, START_ATTEMPTS + 1):
                try:
                    self.start_new_kernel(**options)
                    self.start_new_kernel_client()
                    break
                except (RuntimeError, TimeoutError, OSError) as e:
                    self.watch.end()
                    with contextlib.suppress(Exception):
                        self._cleanup_kernel()
                    if self.watch.reason is not None:
                        raise
                    if attempt == START_ATTEMPTS:
                        raise KernelLost(f"The kernel did not start in {attempt} attempts: {e}") from e
                    self.km = self.fresh()
            try:
                yield
            finally:
                self.watch.end()
                with contextlib.suppress(Exception):
                    self._cleanup_kernel()

        async def _check_raise_for_error(self, cell: Any, cell_index: int, reply: Any) -> None:
            await super()._check_raise_for_error(cell, cell_index, reply)
            # quit() only asks for the end, and the kernel goes on for a moment.
            told = (reply or {}).get("content", {}).get("payload") or ()
            if any(one.get("source") == "ask_exit" for one in told):
                raise CellFailed("The cell left the notebook by quit(); a notebook ends with its last cell.")

        def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:
            kind, content = msg["msg_type"], msg["content"]
            if kind == "clear_output":
                self.taken[cell_index] = 0
            if kind in _OUTPUTS:
                before = self.taken.get(cell_index, 0)
                self.taken[cell_index] = before + _size(content)
                if kind == "error":
                    content["traceback"] = [str(line)[:_LINE] for line in content["traceback"][-_LINES:]]
                elif self.taken[cell_index] > self.output_cap:
                    if before <= self.output_cap:
                        cell.outputs.append(_cut(self.output_cap))
                    return None
            return super().process_message(msg, cell, cell_index)

    class Engine(NBClientEngine):  # type: ignore[misc]
        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> Any:
            watch: Watch = options["watch"]
            begin = nb_man.cell_start

            def cell_start(cell: Any, cell_index: int | None = None, **rest: Any) -> None:
                watch.index = cell_index
                if watch.progress and cell_index is not None:
                    watch.progress(cell_index, len(nb_man.nb.cells))
                begin(cell, cell_index, **rest)

            nb_man.cell_start = cell_start
            client = Client(
                nb_man,
                km=options["manager"],
                kernel_name=kernel_name,
                timeout=options["timeout"],
                startup_timeout=options["start_timeout"],
                iopub_timeout=_OUTPUT_WAIT,
                force_raise_errors=True,
                shutdown_kernel="immediate",
                log=logging.getLogger("papermill"),
            )
            client.fresh, client.watch = options["fresh"], watch
            client.output_cap, client.taken = options["output_limit"], {}
            return client.execute()

    papermill_engines.register(name, Engine)
    return name


def _size(content: Mapping[str, Any]) -> int:
    """Give about how many bytes an output adds to the notebook."""
    data = content.get("data") or {}
    return len(content.get("text") or "") + sum(len(v) for v in data.values() if isinstance(v, str))


def _cut(most: int) -> NotebookNode:
    import nbformat

    said = f"[The output of this cell was cut here: it is more than {size_text(most)}.]\n"
    output: NotebookNode = nbformat.v4.new_output("stream", name="stderr", text=said)  # type: ignore[no-untyped-call]
    return output


def _environment(
    folder: Path | None, slides: Path | None = None, kept_back: Sequence[str] = (), processes: int = 1
) -> dict[str, str]:
    own = (RUN_FOLDER, RUN_SLIDES, RUN_KEPT_BACK, KERNELS, PROCESSES)
    environment = {k: v for k, v in os.environ.items() if k not in own}
    if (most := min(processes, processors())) > 1:
        environment[PROCESSES] = str(most)
    if kept_back:
        environment[RUN_KEPT_BACK] = ",".join(kept_back)
    if slides is not None:
        environment[RUN_SLIDES] = str(slides.resolve())
    if folder is not None:
        environment[RUN_FOLDER] = str(folder.resolve())
    # The kernel works with this very toolkit, from a checkout that is not installed too.
    root = str(Path(__file__).resolve().parents[2])
    if not root.endswith("-packages"):
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [root, environment.get("PYTHONPATH")]))
    # Matrices of four by four are shared out among threads at many times what they cost; who wants it can set it.
    return {**dict.fromkeys(_BLAS, "1"), **environment}


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Keep papermill's log out of the way; what went wrong is told by the error."""
    logger = logging.getLogger("papermill")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)


def execute(
    notebook: NotebookNode,
    name: str,
    parameters: Mapping[str, Any],
    *,
    folder: Path | None = None,
    slides: Path | None = None,
    kept_back: Sequence[str] = (),
    timeout: float | None = 3600,
    run_timeout: float | None = None,
    memory: int | None = None,
    output_limit: int = OUTPUT,
    start_timeout: float = 60,
    progress: Progress | None = None,
    processes: int = 1,
    early: EarlyKernel | None = None,
) -> NotebookNode:
    """Execute a notebook with checked parameters and give it back executed.

    Parameters
    ----------
    notebook
        The notebook, which stays as it is.
    name
        Its name, for messages and metadata.
    parameters
        What `check_parameters` gave.
    folder
        The run's folder, in which the notebook's `finish` writes.
    slides
        The .pptx whose master its slides take.
    kept_back
        Key figures that its reports leave out for readers outside the company.
    timeout
        Seconds that one cell may take.
    run_timeout
        Seconds that the whole run may take, the start of the kernel with it.
    memory
        Bytes of memory that the kernel and what it starts may take; by default nine tenths of the machine's.
    output_limit
        Bytes of output that are kept of one cell; what is more is cut, and the notebook says so.
    start_timeout
        Seconds that one attempt to start the kernel may take; there are three, and no cell has run before.
    progress
        Called with a cell's position and the number of cells.
    processes
        Processes that the kernel may use for one analysis; one where its memory is limited to under 4 GB.
    early
        A kernel that was started before, with the same limit of memory.

    Raises
    ------
    CellFailed
        Where a cell raised (or left by ``sys.exit``), with the cell, the line and the message.
    ExportFailed
        Where `finish` could not write.
    KernelLost
        Where the kernel did not start, died, ran out of time or of memory.
    """
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    most = machine_memory() if memory is None else memory
    ready = early is not None and early.manager is not None
    watch = early.watch if early is not None and ready else Watch(memory=most)
    watch.until = None if run_timeout is None else time.monotonic() + run_timeout
    watch.seconds, watch.progress = run_timeout, progress
    source = copy.deepcopy(notebook)
    with contextlib.ExitStack() as stack:
        stack.enter_context(_silent())
        environment = _environment(folder, slides, kept_back, processes if most >= _ROOM else 1)

        def fresh() -> Any:
            return stack.enter_context(kernel_manager(environment, watch))

        try:
            executed = papermill.execute_notebook(
                source,
                None,
                parameters=dict(parameters),
                engine_name=_engine(),
                kernel_name="python3",
                language="python",
                progress_bar=False,
                start_timeout=start_timeout,
                manager=early.take(environment) if early is not None and ready else fresh(),
                fresh=fresh,
                timeout=None if timeout is None else math.ceil(timeout),
                output_limit=output_limit,
                watch=watch,
            )
        except Exception as e:
            where = f"Notebook '{name}', {_place(notebook, watch.index)}"
            if watch.reason is not None:
                raise KernelLost(f"{where}: {watch.reason}") from e
            if isinstance(e, PapermillExecutionError):
                told = e.cell_index, e.source, e.exec_count, e.ename, e.evalue, e.traceback
                raise _failure(name, notebook, *told) from e
            if isinstance(e, CellFailed):
                raise CellFailed(f"{where}\n  {e}") from e
            if isinstance(e, CellTimeoutError):
                raise KernelLost(
                    f"{where}: the cell took longer than {timeout:g} seconds (--timeout)."
                ) from e
            if isinstance(e, DeadKernelError):
                said = watch.last_words()
                raise KernelLost(
                    f"{where}: the kernel died (killed, out of memory, or the cell ended its process)."
                    + (f" It said: {said}" if said else "")
                ) from e
            raise
    # papermill takes sys.exit(0) for success.
    for index, cell in enumerate(executed.cells):
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                raise _failure(
                    name,
                    notebook,
                    index,
                    cell.source,
                    cell.execution_count,
                    output.ename,
                    output.evalue,
                    output.traceback,
                )
    return _tidy(executed, name)


@contextlib.contextmanager
def early_kernel(memory: int | None = None) -> Iterator[EarlyKernel]:
    """Give a kernel that can be started before its run is planned; it is ended with the block.

    Parameters
    ----------
    memory
        As for `execute`.
    """
    early = EarlyKernel(_environment(None), machine_memory() if memory is None else memory)
    try:
        yield early
    finally:
        early.close()


def _tidy(executed: NotebookNode, name: str) -> NotebookNode:
    """Take out what differs from run to run or names the machine, and leave a plain papermill notebook."""
    papermill = executed.metadata.get("papermill", {})
    papermill["input_path"] = papermill["output_path"] = f"{name}.ipynb"
    papermill["environment_variables"] = {}
    for cell in executed.cells:
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell["id"] = hashlib.sha256(f"{name} injected-parameters".encode()).hexdigest()[:8]
    return executed


_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_FRAME = re.compile(r"Cell In\[(\d+)\], line (\d+)")


def _place(notebook: NotebookNode, index: int | None) -> str:
    """Name a cell of the executed notebook by its number among the code cells of the notebook as it was written."""
    if index is None:
        return "before its first cell"
    # The parameters were put in as a cell of their own, after the cell that declares them.
    tagged = [i for i, c in enumerate(notebook.cells) if "parameters" in c.metadata.get("tags", [])]
    given = any("injected-parameters" in c.metadata.get("tags", []) for c in notebook.cells)
    shifted = index - 1 if not given and tagged and index > tagged[0] else index
    number = sum(c.cell_type == "code" for c in notebook.cells[: shifted + 1])
    return f"code cell {number}"


def _failure(
    name: str,
    notebook: NotebookNode,
    index: int,
    source: str,
    count: int | None,
    kind: str,
    message: str,
    traceback: list[str],
) -> AlignmentError:
    where = _place(notebook, index)
    frames = _FRAME.findall(_COLOURS.sub("", "\n".join(traceback)))
    # A function of an earlier cell may stand deeper; the line wanted is the one of the cell that failed.
    line = next((int(n) for cell, n in frames if int(cell) == count), None)
    lines = source.splitlines()
    code = lines[line - 1].strip() if line and line <= len(lines) else ""
    place = f"Notebook '{name}', {where}" + (f", line {line}" if line else "") + (f": {code}" if code else "")
    if kind == "MemoryError":
        return KernelLost(
            f"{place}\n  The cell ran out of memory (memory limit, --memory). {message}".rstrip()
        )
    if kind == "SystemExit":
        return CellFailed(
            f"{place}\n  The cell left the notebook by sys.exit({message}); a notebook ends with its last cell."
        )
    if kind == "ExportFailed":
        return ExportFailed(f"{place}\n  {message}")
    text = message if _is_ours(kind) else f"{kind}: {message}"
    failed = CellFailed(f"{place}\n  {_COLOURS.sub('', text)}")
    failed.add_note(_COLOURS.sub("", "\n".join(traceback)))
    return failed


def _is_ours(kind: str) -> bool:
    from alignment_toolkit import errors

    found = getattr(errors, kind, None)
    return isinstance(found, type) and issubclass(found, AlignmentError)


def kernel_starts() -> float:
    """Start a kernel, let it add two numbers and stop it; give the seconds that took."""
    import time

    import nbformat

    begin = time.perf_counter()
    cell = nbformat.v4.new_code_cell("1 + 1")  # type: ignore[no-untyped-call]
    notebook = nbformat.v4.new_notebook(cells=[cell])  # type: ignore[no-untyped-call]
    execute(notebook, "kernel test", {}, timeout=60)
    return time.perf_counter() - begin
