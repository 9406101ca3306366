"""What a segmentation is: which accounts, by which features, and how each gets its segment."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import pandas as pd

from alignment_toolkit.languages import say
from alignment_toolkit.segmentation.clustering import Clusters, Method, find_clusters
from alignment_toolkit.segmentation.looking_back import LookBack
from alignment_toolkit.segmentation.outlook import Outlook, sampled
from alignment_toolkit.segmentation.scaling import Scale, loosened, scale_of

if TYPE_CHECKING:
    from ibis.expr.types import Table, Value

    from alignment_toolkit.company import Company

__all__ = ["Accounts", "Placing", "Segmentation", "found_in_data"]


@dataclass(frozen=True)
class Accounts:
    """The accounts as of the end of a period: what a segmentation is handed.

    Attributes
    ----------
    table
        One row per account: account_id, features, firmographics, alive, expected_value.
    missing
        The features that are not there, with the reason.
    end
        The first day that is not known.
    outlook
        The model behind alive and expected_value.
    past
        How far off that model was on the company's own past.
    company
        Fetches aggregates and samples.
    """

    company: Company
    table: Table
    missing: Mapping[str, str]
    end: date
    outlook: Outlook
    past: LookBack = field(default_factory=LookBack)

    def fetch(self, t: Table) -> pd.DataFrame:
        """Bring an aggregate to pandas."""
        return self.company.fetch(t)

    def sample(self, t: Table, most: int = 4_000) -> pd.DataFrame:
        """Give a sample of accounts that does not depend on the order of the rows."""
        return sampled(self.company, t, most)


@dataclass(frozen=True)
class Placing:
    """How accounts get their segments; it can be asked again at another day.

    Attributes
    ----------
    place
        From a table of accounts to their segment's key (text; empty where an account has none).
    steps
        Columns to work out first, each step from those of the one before: a rule of many terms is then asked of
        numbers that are there, where written in one piece it would grow with the square of its parts.
    labels
        Key -> name, in the order in which segments are told.
    reason
        Why there are no segments.
    stability
        Key -> mean Jaccard in bootstrap draws; empty where segments are given by rule.
    about
        What else should be told, for the definitions: cut points, model, quality.
    centres
        Key -> centre, in scaled features; for the match with an earlier run.
    """

    place: Callable[[Table], Value]
    labels: Mapping[str, str]
    reason: str | None = None
    stability: Mapping[str, float] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)
    centres: Mapping[str, Sequence[float]] = field(default_factory=dict)
    steps: tuple[Callable[[Table], Mapping[str, Value]], ...] = ()


@dataclass(frozen=True)
class Segmentation:
    """A way to divide accounts.

    Attributes
    ----------
    id, title, question, about
        Its name, and what a reader should know of it.
    features
        What it looks at; those that are missing are left out and told.
    needs
        Columns of the accounts (features, firmographics) without which it cannot be made.
    fit
        From the accounts to the placing.
    clients
        Only who has ordered.
    """

    id: str
    title: str
    question: str
    about: str
    features: tuple[str, ...]
    needs: tuple[str, ...]
    fit: Callable[[Accounts], Placing]
    clients: bool = True

    @property
    def card(self) -> str:
        """What the file of this segmentation says of it: how it is made, and when it lies."""
        module = sys.modules.get(self.fit.__module__)
        return (module.__doc__ or "").strip() if module else ""

    def members(self, t: Table) -> Table:
        """Give the accounts that are divided."""
        return t.filter(t.order_days >= 1) if self.clients and "order_days" in t.columns else t

    def missing(self, company: Company) -> tuple[str, ...]:
        """Name what is needed and not there."""
        if "segment" in self.needs:
            return company.missing({"accounts": ("account_id", "segment")})
        if company.has("orders", "account_id", "ordered_at", "amount"):
            return ()
        if company.has("opportunities", "account_id", "closed_at", "outcome", "amount"):
            return ()
        return company.missing({"orders": ("order_id", "ordered_at", "amount", "account_id")})


def found_in_data(
    accounts: Accounts,
    t: Table,
    features: Sequence[str],
    *,
    method: Method = "mixture",
    most: int = 8,
    seed: str,
) -> Placing:
    """Find segments among accounts: scale, cluster a sample, name the groups, and write the rule for all.

    Features that are missing, constant, or unknown of more than half of the accounts are left out and told; where a
    value is unknown the median stands for it, which moves an account to the middle. The search itself looks at whole
    numbers spread over their unit, and at the unknown spread around the middle: neither makes a group.
    """
    rows = accounts.sample(t)
    scales, left_out = scale_of(rows, [f for f in features if f in t.columns])
    left_out |= {f: accounts.missing.get(f, "not known") for f in features if f not in t.columns}
    x = loosened(rows, scales, seed)
    clusters = find_clusters(x, method=method, numbers=range(2, most + 1), seed=seed)
    about: dict[str, Any] = {
        "method": method,
        "features": [s.id for s in scales],
        "left_out": left_out,
        "accounts_in_sample": len(rows),
        "tried": [{"segments": k, "criterion": v} for k, v in clusters.tried],
        "unknown": {s.id: s.unknown for s in scales if s.unknown},
        "scales": [
            {
                "feature": s.id if s.value is None else f"{s.id} {s.value}",
                "centre": s.centre,
                "spread": s.spread,
            }
            for s in scales
        ],
    }
    if clusters.reason:
        whole = {"all": say("all accounts")}
        return Placing(
            lambda t: ibis.literal("all"),
            whole,
            say("no clear segments: {reason}", reason=clusters.reason),
            {},
            about,
        )
    about["rand"] = clusters.rand
    keys = [f"s{i + 1}" for i in range(clusters.k)]
    return Placing(
        lambda t: _highest(t, keys),
        dict(zip(keys, _names(clusters, scales), strict=True)),
        None,
        dict(zip(keys, clusters.jaccard, strict=True)),
        about,
        {k: [float(v) for v in c] for k, c in zip(keys, clusters.means, strict=True)},
        (
            lambda t: {f"z{i}": s.expression(t) for i, s in enumerate(scales)},
            lambda t: {f"density_{k}": e for k, e in zip(keys, _densities(t, clusters), strict=True)},
        ),
    )


def _densities(t: Table, clusters: Clusters) -> list[Value]:
    """Write each group's log density as an expression: the engine then places any number of accounts."""
    scores = []
    for mean, half, constant in zip(clusters.means, clusters.precisions, clusters.constants, strict=True):
        total: Any = ibis.literal(float(constant))
        off = [t[f"z{i}"] - float(m) for i, m in enumerate(mean)]
        for column in half.T:
            used = [o * float(w) for o, w in zip(off, column, strict=True) if abs(w) > 1e-12]
            turned: Any = used[0]
            for part in used[1:]:
                turned = turned + part
            total = total - turned * turned
        scores.append(total)
    return scores


def _highest(t: Table, keys: Sequence[str]) -> Value:
    best = ibis.greatest(*[t[f"density_{k}"] for k in keys])
    return ibis.cases(*[(t[f"density_{k}"] >= best, k) for k in keys], else_=keys[0])


def _names(clusters: Clusters, scales: Sequence[Scale]) -> list[str]:
    """Name each group by the two features in which it lies farthest from all accounts together."""
    middle = clusters.weights @ clusters.means
    spread = np.sqrt(clusters.weights @ (clusters.means - middle) ** 2) + 1e-9
    out: list[str] = []
    for mean in clusters.means:
        far = (mean - middle) / np.maximum(spread, 0.25)
        order = sorted(range(len(scales)), key=lambda i: (-round(abs(far[i]), 6), i))
        words = [say(scales[i].word(far[i])) for i in order if scales[i].word(far[i])]
        name = ", ".join(dict.fromkeys(words[:2])) or say("average")
        count = 2
        while name in out and count < len(words):
            count += 1
            name = ", ".join(dict.fromkeys(words[:count]))
        out.append(name if name not in out else f"{name} ({len(out) + 1})")
    return [n[0].upper() + n[1:] for n in out]
