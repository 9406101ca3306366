"""What a notebook begins with: the company, or one part of it, and the earlier runs."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from alignment_toolkit.brief import read_value, write_value
from alignment_toolkit.errors import AlignmentError, DataError, ParameterError, names_given
from alignment_toolkit.notebooks.forking import inherited
from alignment_toolkit.results import Analysis

if TYPE_CHECKING:
    from alignment_toolkit.company import Company

__all__ = ["earlier", "opened", "part_of", "split_part", "write_part"]


def opened(source: str, *, as_of: date | str | None = None, part: str = "") -> Company:
    """Open a company, or one part of it.

    Parameters
    ----------
    source, as_of
        As in ``Company.open``.
    part
        A dimension and one of its values, ``region=North``; ``region=(missing)`` is what has none, and
        ``region="(missing)"`` what has this text. Empty is the whole.

    Examples
    --------
    >>> opened("sample", part="region=North").steps
    (('region', 'North'),)
    """
    from alignment_toolkit.company import Company

    return part_of(inherited(source, as_of) or Company.open(source, as_of=as_of), part)


def part_of(company: Company, part: str) -> Company:
    """Narrow a company to a part that is written as ``dimension=value``; the whole for an empty text.

    Raises
    ------
    ParameterError
        For a text of another form, an unknown dimension or an unknown value, with the near match.
    """
    if not part:
        return company
    dimension, value = split_part(part)
    if value is None:
        return company.narrowed(dimension, None)
    # A value of the data is text, or the text of a number or a date.
    known = {str(v): v for v in company.values(dimension)} if dimension else {}
    return company.narrowed(dimension, known.get(value, value))


def split_part(part: str) -> tuple[str, str | None]:
    """Give dimension and value of a part.

    Examples
    --------
    >>> split_part("region=North"), split_part("industry=(missing)")
    (('region', 'North'), ('industry', None))
    """
    dimension, equals, value = str(part).partition("=")
    if not equals or not dimension.strip():
        raise ParameterError(f"A part is written DIMENSION=VALUE, such as region=North, not '{part}'.")
    return dimension.strip(), read_value(value)


def write_part(dimension: str, value: object) -> str:
    """Write a part as `split_part` reads it.

    Examples
    --------
    >>> write_part("region", "North"), write_part("region", None), write_part("region", "(missing)")
    ('region=North', 'region=(missing)', 'region="(missing)"')
    """
    return f"{dimension}={write_value(value)}"


def earlier(places: str | Iterable[str | Path]) -> list[Analysis]:
    """Read earlier analyses: files, and folders with all runs that were published in them, the oldest run first.

    One text names several with commas between them, as papermill passes a list.

    Raises
    ------
    ParameterError
        For a place that is not there.
    DataError
        For a file that is no analysis of this version; in a folder of reports such a file is passed over.

    Examples
    --------
    >>> earlier([])
    []
    """
    found: list[Analysis] = []
    for place in map(Path, names_given(places, "history", (str, PurePath))):
        if place.is_file():
            try:
                found.append(Analysis.loads(place.read_text(encoding="utf-8")))
            except (AlignmentError, OSError, UnicodeDecodeError) as problem:
                raise DataError(f"{place}: {problem}") from None
        elif place.is_dir():
            for path in _published(place):
                with contextlib.suppress(AlignmentError, OSError, UnicodeDecodeError):
                    found.append(Analysis.loads(path.read_text(encoding="utf-8")))
        else:
            raise ParameterError(
                f"There is no earlier analysis '{place}': name an analysis.json or a folder of reports."
            )
    return found


def _published(place: Path) -> list[Path]:
    """Find the analyses of published runs by their manifests, in the order in which the runs came to their end."""
    found = []
    for path in place.rglob("manifest.json"):
        # `latest` leads to a run that is found under its own name too.
        if path.parent.name == "latest" or any(p.startswith(".") for p in path.relative_to(place).parts):
            continue
        with contextlib.suppress(OSError, ValueError, AttributeError):
            finished = json.loads(path.read_text(encoding="utf-8")).get("finished") or ""
            if (path.parent / "analysis.json").is_file():
                found.append((str(finished), path.parent.as_posix(), path.parent / "analysis.json"))
    return [path for _, _, path in sorted(found)]
