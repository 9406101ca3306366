"""What a given audience may see. So far one audience is built: the company's own people."""

from __future__ import annotations

from typing import Final

from alignment_toolkit.errors import ParameterError, UnknownName

__all__ = ["AUDIENCES", "BUILT", "check_audience"]

AUDIENCES: Final = ("internal", "client", "public")
BUILT: Final = ("internal",)


def check_audience(audience: str) -> str:
    """Give the audience back if a report can be made for it.

    Parameters
    ----------
    audience
        ``internal``, ``client`` or ``public``.

    Returns
    -------
    str
        The same word.

    Raises
    ------
    ParameterError
        For an audience that is unknown, with the near match, or not built yet, with what is built. A report for
        outsiders that leaves small groups in would do harm, so there is none rather than half of one.

    Examples
    --------
    >>> check_audience("internal")
    'internal'
    >>> check_audience("public")
    Traceback (most recent call last):
        ...
    alignment_toolkit.errors.ParameterError: Reports for the audience 'public' are not built yet; built: internal.
    """
    if audience not in AUDIENCES:
        raise UnknownName("audience", str(audience), AUDIENCES)
    if audience not in BUILT:
        raise ParameterError(
            f"Reports for the audience '{audience}' are not built yet; built: {', '.join(BUILT)}."
        )
    return audience
