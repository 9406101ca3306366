"""Which columns say what came of a lead, a deal or a client, and which of them tell the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

__all__ = ["CLIENT_SIGNS", "DEAL_ENDS", "LEAD_ENDS", "told_with"]

# Who has a lead now is often who has accepted it: nobody has one that was dropped.
LEAD_ENDS: Final = ("status", "owner", "accepted_at", "rejected_at", "reject_reason", "converted_at")
DEAL_ENDS: Final = ("stage", "outcome", "closed_at", "lost_reason", "win_reason")
# Clients alone have a contract, and as it stands now an intent to defend.
CLIENT_SIGNS: Final = ("client_since", "intent", "contract_until", "service_contract")

_BECAME: Final = ("converted", "converted_at", "client_since", "days_to_client")
_ANSWER: Final = ("touch_id", "first_touched_at", "touch_channel", "touch_theme", "touch_actor")
# Of a table: where one of the first is judged, all of the others say how it was judged.
_TOLD_WITH: Final[tuple[tuple[str, tuple[str, ...], Mapping[str, tuple[str, ...]]], ...]] = (
    # Only what was handed over has a receiver, and its score is that of the hand-over.
    ("leads", ("qualified_at",), {"leads": ("received_by", "marketing_score", *LEAD_ENDS)}),
    ("leads", LEAD_ENDS, {"leads": LEAD_ENDS}),
    ("leads", _ANSWER, {"leads": (*_ANSWER, *LEAD_ENDS)}),
    ("leads", _BECAME, {"leads": (*_BECAME, *LEAD_ENDS), "accounts": CLIENT_SIGNS}),
    ("opportunities", DEAL_ENDS, {"opportunities": DEAL_ENDS, "leads": LEAD_ENDS}),
    ("orders", ("repeated",), {"opportunities": ("motion",)}),
    ("opportunities", ("repeated",), {"opportunities": ("motion",)}),
    ("spend", ("audience",), {"campaigns": ("audience",)}),
)


def told_with(homes: Iterable[str], judged: Iterable[str]) -> dict[str, set[str]]:
    """Give the columns, by table, that say how a row of these tables was judged, those that are judged not included.

    Parameters
    ----------
    homes
        The tables that the rows come from.
    judged
        The columns that are judged.

    Examples
    --------
    >>> sorted(told_with(["spend"], ["audience", "amount"]).items())
    [('campaigns', {'audience'})]
    """
    found: dict[str, set[str]] = {}
    own, tables = set(judged), set(homes)
    for home, triggers, columns in _TOLD_WITH:
        if home in tables and own & set(triggers):
            for table, names in columns.items():
                found.setdefault(table, set()).update(names)
    return found
