"""The command explore: a page with controls in the browser, on this machine alone."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from alignment_toolkit.cli.common import Source, note, opened, say
from alignment_toolkit.errors import ExportFailed, ParameterError

__all__ = ["register"]

NOTEBOOK = "07_explore.ipynb"
HERE = "127.0.0.1"
PATIENCE = 15.0


def explore(
    source: Source,
    app: Annotated[
        bool, typer.Option("--app", help="As a page without the notebook around it (needs the extra `app`).")
    ] = False,
    folder: Annotated[
        Path, typer.Option("--folder", help="Where the notebooks lie; those that are missing are put there.")
    ] = Path("explorer"),
    notebook: Annotated[str, typer.Option("--notebook", help="The notebook to open.")] = NOTEBOOK,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = 0,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Print the address, open nothing.")
    ] = False,
) -> None:
    """Open the explorer in the browser; Ctrl-C ends it. Nobody but this machine can reach it.

    Example: alignment explore alignment.toml
    """
    module = "voila" if app else "jupyterlab"
    if importlib.util.find_spec(module) is None:
        extra = "pip install 'alignment-toolkit[app]'" if app else "pip install jupyterlab"
        raise ParameterError(f"{module} is not installed in this environment. Install it with: {extra}")
    if "://" not in source and source != "sample" and not Path(source).exists():
        raise ParameterError(
            f"There is no {source}. Name a folder of tables, a .duckdb file or an alignment.toml."
        )
    opened(source, clean=False)  # what is wrong with the data is said here, not in a cell
    name = _put_notebooks(folder, source, notebook)
    port = port or _free_port()
    command = _app(name, port, no_browser) if app else _lab(name, port, no_browser)
    environment = {**os.environ, "ALIGNMENT_KERNEL_NAMES": os.pathsep.join(_kernel_names(folder))}
    what = "The explorer" if app else "JupyterLab"
    say(f"{what} of {source} opens at http://{HERE}:{port}/ from the folder {folder}; Ctrl-C ends it.")
    # Lab would bring back what stood open when it was last used, in whatever folder that was.
    with tempfile.TemporaryDirectory(prefix="alignment_lab_", ignore_cleanup_errors=True) as tabs:
        code = _serve(command, folder, {**environment, "JUPYTERLAB_WORKSPACES_DIR": tabs})
    raise typer.Exit(code)


def _put_notebooks(folder: Path, source: str, notebook: str) -> str:
    """Copy the notebooks that are not there, and have each read the source that was asked for."""
    from alignment_toolkit.errors import UnknownName
    from alignment_toolkit.notebooks import bundled, known_notebooks

    name = notebook if notebook.endswith(".ipynb") else f"{notebook}.ipynb"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in known_notebooks(folder).values():
            own = folder / path.name
            text = (own if own.exists() else path).read_text(encoding="utf-8")
            made = _reading(text, _from(source, folder))
            if not own.exists() or made != text:
                own.write_text(made, encoding="utf-8", newline="\n")
        for path in bundled("notebooks").glob("*.json"):  # how nbconvert makes pages of them
            if not (folder / path.name).exists():
                shutil.copy(path, folder / path.name)
    except OSError as e:
        raise ExportFailed(f"{folder} could not be written: {e.strerror or e}.") from e
    if not (folder / name).is_file():
        raise UnknownName("notebook", notebook, [p.stem for p in sorted(folder.glob("*.ipynb"))])
    return name


def _reading(text: str, source: str) -> str:
    """Let a notebook read a source; nothing else of it changes."""
    try:
        node = json.loads(text)
        cells = [c for c in node["cells"] if "parameters" in c.get("metadata", {}).get("tags", [])]
    except (ValueError, KeyError, TypeError, AttributeError):
        return text  # Jupyter will say what is wrong with it
    told = json.dumps(source, ensure_ascii=False)
    for cell in cells[:1]:
        lines = "".join(cell["source"])
        made = re.sub(r'(?m)^(source: str = )"(?:[^"\\\n]|\\.)*"', lambda m: m[1] + told, lines, count=1)
        cell["source"] = made.splitlines(keepends=True)
        if made != lines:
            return json.dumps(node, ensure_ascii=False, indent=1) + "\n"
    return text


def _from(source: str, folder: Path) -> str:
    """Write a source as the notebooks in a folder find it."""
    if "://" in source or source == "sample":
        return source
    try:
        return Path(os.path.relpath(Path(source).resolve(), folder.resolve())).as_posix()
    except ValueError:  # another drive
        return Path(source).resolve().as_posix()


def _kernel_names(folder: Path) -> list[str]:
    """Name the kernels that the notebooks of a folder ask for; each of them will be this environment's."""
    found = set()
    for path in folder.glob("*.ipynb"):
        try:
            metadata = json.loads(path.read_text(encoding="utf-8")).get("metadata", {})
            found.add(str(metadata.get("kernelspec", {}).get("name") or ""))
        except (OSError, ValueError, AttributeError):
            continue
    return sorted(n for n in found if re.fullmatch(r"[\w.-]+", n))


def _free_port() -> int:
    import socket

    with socket.socket() as one:
        one.bind((HERE, 0))
        return int(one.getsockname()[1])


_KERNEL = "alignment_toolkit.notebooks.kernels.ThisKernel"


def _lab(name: str, port: int, no_browser: bool) -> list[str]:
    words = [
        "jupyterlab", f"--ServerApp.ip={HERE}", f"--ServerApp.port={port}", "--ServerApp.port_retries=0",
        f"--LabApp.default_url=/lab/tree/{name}", f"--ServerApp.kernel_spec_manager_class={_KERNEL}",
        "--ServerApp.answer_yes=True", "--LabApp.news_url=None", "--LabApp.extension_manager=readonly",
        "--LabApp.check_for_updates_class=jupyterlab.handlers.announcements.NeverCheckForUpdate",
    ]  # fmt: skip
    if getattr(os, "geteuid", lambda: 1)() == 0:
        words.append("--ServerApp.allow_root=True")
    return [*words, *(["--no-browser"] if no_browser else [])]


def _app(name: str, port: int, no_browser: bool) -> list[str]:
    words = [
        "voila", name, f"--Voila.ip={HERE}", f"--Voila.port={port}", "--Voila.port_retries=0",
        f"--VoilaConfiguration.kernel_spec_manager_class={_KERNEL}", "--VoilaConfiguration.template=offline",
    ]  # fmt: skip
    return [*words, *(["--no-browser"] if no_browser else [])]


def _serve(words: Sequence[str], folder: Path, environment: dict[str, str]) -> int:
    """Run a server until it ends or somebody ends it; its kernels end with it."""
    from alignment_toolkit import explorer

    looks = str(Path(str(explorer.__file__)).parent / "pages")
    # Voila's page without style sheets from elsewhere, and Lab without its question about news.
    for name in ("JUPYTER_PATH", "JUPYTER_CONFIG_PATH"):
        environment[name] = os.pathsep.join(p for p in (looks, environment.get(name, "")) if p)
    # A session of its own: Ctrl-C comes here alone and is passed on as what servers end on without asking.
    server = subprocess.Popen(
        [sys.executable, "-m", *words], cwd=folder, env=environment, start_new_session=True
    )

    def end(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        return server.wait()
    except KeyboardInterrupt:
        note("ending")
        return 0
    finally:
        signal.signal(signal.SIGTERM, before)
        if server.poll() is None:
            server.terminate()
            try:
                server.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(explore)
