"""What a given audience may see: the company's own people all of it, outsiders no person and no small group."""

from __future__ import annotations

from typing import Final

from alignment_toolkit.errors import UnknownName
from alignment_toolkit.privacy.cells import LEAST, hidden_cells
from alignment_toolkit.privacy.view import seen_by

__all__ = ["AUDIENCES", "LEAST", "check_audience", "hidden_cells", "seen_by"]

AUDIENCES: Final = ("internal", "client", "public")


def check_audience(audience: str) -> str:
    """Give the audience back if there is one of the name.

    Parameters
    ----------
    audience
        ``internal``, ``client`` or ``public``.

    Raises
    ------
    UnknownName
        For an audience that is unknown, with the near match.

    Examples
    --------
    >>> check_audience("internal")
    'internal'
    """
    if audience not in AUDIENCES:
        raise UnknownName("audience", str(audience), AUDIENCES)
    return audience
