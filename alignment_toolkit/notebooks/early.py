"""A kernel that is started while its run is still being checked: it imports and opens what its notebook will ask for.

It is what every kernel of a run is, an interpreter of its own with private sockets, only earlier. It runs no cell
before the run is planned; where the run is refused it is ended, and where it can't be had another is started.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from alignment_toolkit.meanwhile import processors
from alignment_toolkit.notebooks.forking import SHOWN, import_all, inherit
from alignment_toolkit.notebooks.kernel import Watch, kernel_manager

__all__ = ["EarlyKernel", "wait_for_run"]

_LOOK: Final = 0.005
_COMPANY, _RUN = "company.json", "run.json"
# In place of the kernel's own start; the rest of its command is the same.
CODE: Final = "from alignment_toolkit.notebooks.early import wait_for_run; wait_for_run(parent)"


class EarlyKernel:
    """One kernel, for one run.

    Parameters
    ----------
    environment
        The environment of a kernel, as far as it is known before there is a run.
    memory
        Bytes of memory that the kernel and what it starts may take.
    """

    def __init__(self, environment: Mapping[str, str], memory: int) -> None:
        self.watch = Watch(memory=memory)
        self.manager: Any = None
        self._begun = False
        self._environment = environment
        self._stack = contextlib.ExitStack()

    def begin(self, source: str, as_of: object) -> None:
        """Start it, where there is a processor for it; where that fails the run starts its kernel itself."""
        if self._begun or processors() < 2:
            return
        from nbclient.util import run_sync

        self._begun = True
        try:
            manager = self.manager = self._stack.enter_context(
                kernel_manager(self._environment, self.watch, first=CODE)
            )
            folder = Path(manager.connection_file).parent
            told = json.dumps([source, str(as_of or "")])
            (folder / _COMPANY).write_text(told, encoding="utf-8")
            run_sync(manager.start_kernel)()
        except Exception:
            self.close()

    def take(self, environment: Mapping[str, str]) -> Any:
        """Give its manager, which starts it as a kernel with the environment of the run."""
        manager = self.manager
        folder = Path(manager.connection_file).parent

        async def start_kernel(**options: Any) -> None:
            told = {"environment": dict(environment), "arguments": options.get("extra_arguments") or []}
            aside = folder / f"{_RUN}.new"
            aside.write_text(json.dumps(told), encoding="utf-8")
            aside.replace(folder / _RUN)

        manager.start_kernel = start_kernel
        self.manager = None  # whoever has it ends it
        return manager

    def close(self) -> None:
        """End it, with all that it has started."""
        manager, self.manager = self.manager, None
        if manager is not None:
            from nbclient.util import run_sync

            with contextlib.suppress(Exception):  # what is left of it is ended with its folder
                run_sync(manager.shutdown_kernel)(now=True)
        self._stack.close()


def wait_for_run(parent: int) -> None:
    """Import and open what the notebook will ask for, wait for the run, take its environment and arguments."""
    folder = Path(sys.argv[sys.argv.index("-f") + 1]).parent
    run = folder / _RUN
    source, as_of = json.loads((folder / _COMPANY).read_text(encoding="utf-8"))
    with contextlib.suppress(Exception):  # the notebook opens it itself and says what is wrong
        inherit(source, as_of or None)
    import_all(until=run.exists)
    while not run.exists():
        if os.getppid() != parent:
            os._exit(1)
        time.sleep(_LOOK)
    told = json.loads(run.read_text(encoding="utf-8"))
    os.environ.update(told["environment"])
    sys.argv += [*told["arguments"], SHOWN]
