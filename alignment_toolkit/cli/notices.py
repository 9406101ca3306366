"""Tells those whom ``[notify]`` names what a command has published or failed at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from alignment_toolkit.cli.common import note
from alignment_toolkit.errors import AlignmentError, FindingsGate, MatrixFailed

if TYPE_CHECKING:
    from alignment_toolkit.runs.notices import Notices

__all__ = ["noticed"]


@contextmanager
def noticed(source: str, command: str, about: Mapping[str, Any]) -> Iterator[Notices]:
    """Send one notice at a command's end, whatever its end is.

    An error that no run has told of (data that is refused, a disk that is full) counts as a run that failed, with what
    `about` says of it.
    """
    from alignment_toolkit.runs.notices import Notices
    from alignment_toolkit.sources.opening import open_source

    opened = open_source(source)
    notices = Notices(opened.settings, command, lambda text: note(f"warning: {text}"))
    try:
        yield notices
    except (FindingsGate, MatrixFailed):
        raise
    except AlignmentError as e:
        if not any(entry["status"] == "failed" for entry in notices.entries):
            company = opened.settings.company.name or opened.name
            notices.failed({"company": company, "slice": "all", **about}, str(e), e.exit_code)
        raise
    finally:
        notices.send()
