"""The command ``alignment``: one plain message for each error, and an exit code that says what kind it was."""

from __future__ import annotations

import gc
import io
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from alignment_toolkit.cli.interrupting import Interrupted, interruptible
from alignment_toolkit.errors import AlignmentError, did_you_mean

__all__ = ["app", "main"]

app = typer.Typer(
    name="alignment",
    help="Finds where marketing and sales are out of line, how sure that is and what it costs.",
    epilog="Exit codes: 0 ok, 1 internal error, 2 parameters or settings, 3 data refused, 4 a notebook cell failed,"
    " 5 kernel lost, 6 already running, 7 some runs of a matrix failed, 8 export failed,"
    " 10 findings at or above --fail-on, 130 interrupted.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100},
)


def _version(wanted: bool) -> None:
    if wanted:
        from alignment_toolkit.results import VERSION

        typer.echo(f"alignment_toolkit {VERSION}")
        raise typer.Exit


@app.callback()
def _all_commands(
    debug: Annotated[
        bool, typer.Option("--debug", help="Print tracebacks; anywhere in the command.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


from alignment_toolkit.cli import (  # noqa: E402
    catching_up,
    data,
    explore,
    reference,
    running,
    segments,
    survey,
    workspace,
)

for _module in (running, catching_up, data, segments, explore, workspace, reference, survey):
    _module.register(app)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit code.

    Parameters
    ----------
    arguments
        The words after ``alignment``; by default those of the process.

    Examples
    --------
    >>> main(["--version"])
    alignment_toolkit ...
    0
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if arguments is None:
        # None means: not to be imported. With it jsonschema compiles a grammar of addresses for a second at every
        # start, which no notebook asks for.
        sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
        # Imports and expressions make hundreds of thousands of objects that stay: to look for garbage among them after
        # every 700 takes a tenth of a run.
        gc.set_threshold(50_000, 20, 20)
    debug = "--debug" in words
    words = [w for w in words if w != "--debug"] or ["--help"]
    for stream in (sys.stdout, sys.stderr):
        # A name in letters that the terminal or pipe does not know is no reason to fail.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    with interruptible() as interrupted:
        return _call(words, debug, interrupted)


def _call(words: Sequence[str], debug: bool, interrupted: Interrupted) -> int:
    try:
        code = app(args=words, prog_name="alignment", standalone_mode=False)
        # The parser turns Ctrl-C into this code by itself.
        return (
            _failed(None, "interrupted", 130, False) if code == 130 else code if isinstance(code, int) else 0
        )
    except (KeyboardInterrupt, typer.Abort) as e:
        return _failed(e, "interrupted", 130, debug, words)
    except typer.Exit as e:
        return e.exit_code
    except BrokenPipeError:
        # The reader (`| head`) has gone; nothing is left to be told.
        sys.stderr.close()
        return 0
    except SystemExit as e:
        # The parser's own answer to a reader that has gone; 1 would say that the toolkit failed.
        if isinstance(e.__context__, BrokenPipeError):
            return 0
        raise
    except Exception as e:
        if interrupted:
            return _failed(e, "interrupted", 130, debug, words)
        if isinstance(e, AlignmentError):
            return _failed(e, str(e), e.exit_code, debug, words)
        usage = getattr(e, "format_message", None)
        if callable(usage):
            return _failed(e, _usage(e, usage()), 2, debug, words)
        said = str(e).splitlines()
        what = ": ".join([type(e).__name__, *said[:1]])
        return _failed(e, f"internal error: {what}. Run again with --debug to see where.", 1, debug, words)


def _usage(error: Exception, message: str) -> str:
    """Say what the parser says, with the near match in the words that all messages have."""
    context = getattr(error, "ctx", None)
    if context is None:
        return message.rstrip()
    option, command = getattr(error, "option_name", None), getattr(context.command, "commands", None)
    if option is not None and option.startswith("-") and "No such option" in message:
        known = [name for p in context.command.params for name in p.opts]
        message = f"There is no option '{option}'. {did_you_mean(option, known)}"
    elif command and "No such command" in message:
        asked = message.split("'")[1]
        message = f"There is no command '{asked}'. {did_you_mean(asked, command, shown=20)}"
    return f"{message.rstrip()} See `{context.command_path} --help`."


def _failed(
    error: BaseException | None, message: str, code: int, debug: bool, words: Sequence[str] = ()
) -> int:
    from alignment_toolkit.cli.common import note
    from alignment_toolkit.secrets import Scrubber

    # A library's message may repeat an address with its password.
    scrub = Scrubber.of_words(words)
    if debug and error is not None:
        sys.stderr.write(scrub.report_of(error))
    note(f"error: {scrub(message)}")
    return code
