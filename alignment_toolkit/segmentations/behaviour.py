"""The kinds of clients there are, by what they do.

**What it does.** Recency, orders, money, breadth, growth, discount, effort and personal touches of the last year are
brought to one scale and searched for groups (a normal mixture, 2 to 8 groups, best first by BIC). Groups count only
where there is a gap between every two, each comes back in bootstrap draws (mean Jaccard at least 0.75) and samples
without groups are not described as well; otherwise the answer is "no clear segments", and that is a result.

**When it lies.** Groups are found among what was measured. They change with the features; a group is a description and
no cause. Features that few accounts have are left out, and told.

**Literature.** Hennig (2007), Cluster-wise assessment of cluster stability, Computational Statistics & Data
Analysis 52; Fraley and Raftery (2002), Model-based clustering, JASA 97.
"""

from __future__ import annotations

from alignment_toolkit.segmentation import Accounts, Placing, Segmentation, found_in_data

FEATURES = (
    "recency", "frequency", "money", "breadth", "growth", "discount", "effort", "personal",
)  # fmt: skip


def fit(accounts: Accounts) -> Placing:
    """Find the groups among clients."""
    t = accounts.table
    t = t.filter(t.order_days >= 1)
    return found_in_data(accounts, t, FEATURES, seed="behaviour")


behaviour = Segmentation(
    id="behaviour",
    title="Behaviour",
    question="Which kinds of clients are there, by what they do?",
    about="Groups found in the data: orders, money, breadth, growth, discount, work and personal contact of the last "
    "year.",
    features=FEATURES,
    needs=("order_days",),
    fit=fit,
)
