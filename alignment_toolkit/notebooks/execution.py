"""Execution of a notebook by papermill, in process, with a kernel of this very interpreter."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import logging
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alignment_toolkit.errors import AlignmentError, CellFailed, ExportFailed, KernelLost

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["RUN_FOLDER", "RUN_SLIDES", "SENTINEL", "execute", "kernel_starts"]

# The kernel learns its run's folder from the environment, so that no path gets into the executed notebook.
RUN_FOLDER = "ALIGNMENT_RUN_FOLDER"
RUN_SLIDES = "ALIGNMENT_RUN_SLIDES"
SENTINEL = ".finished.json"
START_ATTEMPTS = 3
_SOCKETS = "alignment-"
Progress = Callable[[int, int], None]


@dataclass
class _Watch:
    """Which cell is running; what is left to know when a kernel dies."""

    index: int | None = None
    progress: Progress | None = None


@contextlib.contextmanager
def _kernel_manager(environment: Mapping[str, str]) -> Iterator[Any]:
    """Give a manager whose kernel is this interpreter, whatever kernels are registered on the machine."""
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

    # A socket's path may have about 100 characters, and a kernel start over TCP times out under load.
    places = [Path(tempfile.gettempdir()), Path("/tmp")]
    place = next((p for p in places if len(str(p)) < 60 and os.access(p, os.W_OK)), places[0])
    _sweep(place)
    folder = Path(tempfile.mkdtemp(prefix=f"{_SOCKETS}{os.getpid()}-", dir=place))
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    manager = AsyncKernelManager(kernel_name="python3", connection_file=str(folder / "kernel.json"))
    manager._kernel_spec = KernelSpec(argv=argv, display_name="Python 3", language="python")
    if os.name == "posix":
        manager.transport, manager.ip = "ipc", str(folder / "k")
    group: list[int] = []
    start = manager.start_kernel

    async def start_kernel(**options: Any) -> None:
        # A profile of the user's own would bring its start-up scripts into the run.
        await start(**{**options, "env": {**environment, "IPYTHONDIR": str(folder / "ipython")}})
        if (number := getattr(manager.provisioner, "pgid", None)) is not None:
            group.append(number)

    manager.start_kernel = start_kernel
    try:
        yield manager
    finally:
        # What a cell has started must not outlive the run.
        for number in group:
            with contextlib.suppress(OSError):
                os.killpg(number, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(place: Path) -> None:
    """Clear away the socket folders of runs that were killed before they could do it themselves."""
    if os.name != "posix":
        return
    for folder in place.glob(f"{_SOCKETS}[0-9]*-*"):
        with contextlib.suppress(OSError, ValueError):
            if folder.stat().st_uid != os.getuid():
                continue
            try:
                os.kill(int(folder.name.split("-")[1]), 0)
            except ProcessLookupError:
                shutil.rmtree(folder, ignore_errors=True)


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
                    with contextlib.suppress(Exception):
                        self._cleanup_kernel()
                    if attempt == START_ATTEMPTS:
                        raise KernelLost(f"The kernel did not start in {attempt} attempts: {e}") from e
                    self.km = self.fresh()
            try:
                yield
            finally:
                with contextlib.suppress(Exception):
                    self._cleanup_kernel()

    class Engine(NBClientEngine):  # type: ignore[misc]
        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> Any:
            watch: _Watch = options["watch"]
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
                force_raise_errors=True,
                shutdown_kernel="immediate",
                log=logging.getLogger("papermill"),
            )
            client.fresh = options["fresh"]
            return client.execute()

    papermill_engines.register(name, Engine)
    return name


def _environment(folder: Path | None, slides: Path | None = None) -> dict[str, str]:
    environment = {k: v for k, v in os.environ.items() if k not in (RUN_FOLDER, RUN_SLIDES)}
    if slides is not None:
        environment[RUN_SLIDES] = str(slides.resolve())
    if folder is not None:
        environment[RUN_FOLDER] = str(folder.resolve())
    # The kernel works with this very toolkit, from a checkout that is not installed too.
    root = str(Path(__file__).resolve().parents[2])
    if not root.endswith("-packages"):
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [root, environment.get("PYTHONPATH")]))
    return environment


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
    timeout: float | None = 3600,
    start_timeout: float = 60,
    progress: Progress | None = None,
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
    timeout
        Seconds that one cell may take.
    start_timeout
        Seconds that one attempt to start the kernel may take; there are three, and no cell has run before.
    progress
        Called with a cell's position and the number of cells.

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

    watch = _Watch(progress=progress)
    source = copy.deepcopy(notebook)
    with contextlib.ExitStack() as stack:
        stack.enter_context(_silent())
        environment = _environment(folder, slides)

        def fresh() -> Any:
            return stack.enter_context(_kernel_manager(environment))

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
                manager=fresh(),
                fresh=fresh,
                timeout=timeout,
                watch=watch,
            )
        except PapermillExecutionError as e:
            raise _failure(
                name, notebook, e.cell_index, e.source, e.exec_count, e.ename, e.evalue, e.traceback
            ) from e
        except CellTimeoutError as e:
            where = _place(notebook, watch.index)
            raise KernelLost(
                f"Notebook '{name}', {where}: the cell took longer than {timeout:g} seconds."
            ) from e
        except DeadKernelError as e:
            where = _place(notebook, watch.index)
            raise KernelLost(
                f"Notebook '{name}', {where}: the kernel died (killed, out of memory, or the cell ended its process)."
            ) from e
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
        return KernelLost(f"{place}\n  The cell ran out of memory (memory limit). {message}".rstrip())
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
