"""Marketing's own segmentation: what it says of how clients behave and are treated.

**What it does.** Takes accounts.segment as it stands, and says how far it agrees with the behaviour found in the data
and with how sales treats the accounts (mutual information, adjusted for chance, with an interval from bootstrap draws).

**When it lies.** Low agreement is no fault by itself: a segmentation by need or industry may be meant to say something
else. It is one where sales is asked to treat the segments differently and does not.

**Literature.** Vinh, Epps and Bailey (2010), Journal of Machine Learning Research 11.
"""

from __future__ import annotations

from alignment_toolkit.languages import say
from alignment_toolkit.segmentation import Accounts, Placing, Segmentation

TREATMENT = ("effort", "touches", "personal")


def fit(accounts: Accounts) -> Placing:
    """Take the segments as they are."""
    t = accounts.table
    found = accounts.fetch(t.group_by("segment").aggregate(n=t.count()))
    found = found[found.segment.notna()].sort_values(["n", "segment"], ascending=[False, True])
    names = {str(s): str(s) for s in found.segment[:50]}
    return Placing(
        lambda t: t.segment.cast("string"),
        names,
        None if names else say("no account has a segment"),
        {},
        {"given": True},
    )


as_given = Segmentation(
    id="as_given",
    title="As given",
    question="Does marketing's own segmentation say anything about how clients behave and are treated?",
    about="Each account's segment as marketing has it, and how far it agrees with behaviour and with sales' treatment.",
    features=TREATMENT,
    needs=("segment",),
    fit=fit,
    clients=False,
)
