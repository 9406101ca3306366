"""Do both departments pursue the same accounts?

**Question.** Of the accounts that both departments have judged, do both want to pursue the same ones?

**Gap.** 1 minus Cohen's kappa on `assessments.target`, which is their disagreement over the disagreement of
independent picks: 0 when they always agree, 1 when they agree no more than by chance, whatever share each of
them targets. The latest judgement of each department in the twelve months up to the window's end counts, for
accounts judged by both.

**Estimand.** The ratio in the process that makes the judgements. **Margin.** 0.50: two honest raters, each
with half as much noise as accounts differ, read 0.41 to 0.49, and nobody can ask for better than that.
**Minimum.** 100 accounts, and 20 targets on either side.

**Worked example.** Six accounts; marketing targets 1, 2, 3; sales targets 2, 3, 4. They differ on 1 and 4:
2/6. Picks made independently with these shares (3/6 each) would differ on half: 1/2. Gap = (2/6) / (1/2) =
0.667.

**Beside the gap.** Who pursues more (a difference of paired shares), and weighted kappa of the two
potentials in bands of 20 points, over the same accounts.

**When it lies.** Ratings copied from one department by the other agree by construction: pairs with the same
potential at the same moment are left out and counted (guard `copied_ratings`). A department that hardly knows
its own mind disagrees with everybody: see how well it agrees with itself where it judged twice. Within a segment
accounts are much alike, so that honest raters differ on them nearly as independent picks would: by segment it is
not asked.

**What to do.** Take the two lists of accounts on which you differ, ten each, and say for each what the other
side may not know. Then agree on what makes a target, in writing.

**Literature.** Cohen (1960), Educational and Psychological Measurement 20. Fleiss, Cohen and Everitt (1969),
Psychological Bulletin 72 (its variance). Gwet (2008), British Journal of Mathematical and Statistical
Psychology 61 (AC1).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from alignment_toolkit.indicator import Data, Observation, evidence, indicator
from alignment_toolkit.languages import say
from alignment_toolkit.periods import Period
from alignment_toolkit.results import Chart, Column, Guard, Measure
from alignment_toolkit.statistics import agreement
from alignment_toolkit.statistics.shares import wilson

SIDES = ("marketing", "sales")
BANDS, BAND = 5, 20.0


@indicator(
    question="Do both departments pursue the same accounts?",
    title="Marketing and sales largely pursue the same accounts",
    failure_title="Marketing and sales often pursue different accounts",
    nature="strategic",
    area="targeting",
    kind="level",
    unit="index",
    margin=0.50,
    enough={"accounts": 100, "targets on the side that has fewer": 20},
    window="trailing-12-months",
    population="accounts judged by both departments in the last twelve months",
    needs={"assessments": ("account_id", "department", "assessed_at", "target")},
    uses={"assessments": ("assessment_id", "potential"), "accounts": ("account_id", "name")},
    timeless=("assessments",),
    witnesses={"assessments": "account_id"},
    looked_up=("accounts",),
    # Accounts of one segment are of like potential: there, honest raters differ by as much as chance does.
    outcomes={"assessments": ("target",), "accounts": ("segment",)},
    says=(
        "The departments differ on {differ} of {n} accounts that both have judged: {gap} of what independent picks "
        "would differ by (0: of one mind throughout, 1: no better than chance)."
    ),
    advice=(
        "Take the accounts on which you differ, ten from either list, and say for each what the other side may not "
        "know. Then write down together what makes a target."
    ),
    innocent={
        "marketing": "Marketing may judge what an account could become, from data that sales does not see.",
        "sales": "Sales may judge what can be won now, from talks that are in no record.",
    },
)
def targeting_disagreement(data: Data, window: Period) -> Observation:
    """Marketing's money and sales' hours only add up where both go after the same accounts.

    An account that one side pursues alone gets half a campaign: it is either warmed up and never called, or called
    without ever having heard of you. Some difference is honest, since both see different things; the margin allows
    for it.
    """
    t = data["assessments"]
    table = t.filter(
        t.assessed_at >= str(window.start),
        t.assessed_at < str(window.end),
        t.department.isin(SIDES),
        t.target.notnull(),
    )
    rows = data.fetch(table)
    order = [c for c in ("account_id", "department", "assessed_at", "assessment_id") if c in rows.columns]
    rows = rows.sort_values(order, kind="stable")
    latest = rows.drop_duplicates(["account_id", "department"], keep="last")
    marketing, sales = (latest[latest.department == side].drop(columns="department") for side in SIDES)
    both = marketing.merge(sales, on="account_id", suffixes=("_marketing", "_sales"), validate="one_to_one")
    copied = pd.Series(False, index=both.index)
    if "potential" in rows.columns and not data.undated("assessments"):
        same = both.potential_marketing == both.potential_sales
        copied = same & (both.assessed_at_marketing == both.assessed_at_sales)
    guards = []
    if copied.any():
        said = say(
            "Of {both:,} pairs {copied:,} had the same potential at the same moment",
            copied=int(copied.sum()),
            both=len(both),
        )
        guards.append(Guard("copied_ratings", say("{said}: taken as copies and left out.", said=said)))
    both = both[~copied].reset_index(drop=True)
    m, s = both.target_marketing.astype(bool), both.target_sales.astype(bool)
    cells = [[int((m & s).sum()), int((m & ~s).sum())], [int((~m & s).sum()), int((~m & ~s).sum())]]
    shown, columns = _evidence(data, both, m, s)
    return Observation(
        gap=agreement.disagreement(cells, n_unit="accounts"),
        values={"differ": say("{cells:,}", cells=cells[0][1] + cells[1][0])},
        counts={"accounts": len(both), "targets on the side that has fewer": int(min(m.sum(), s.sum()))},
        measures=_measures(both, rows, cells),
        evidence=evidence(shown, columns),
        chart=_chart(cells),
        guards=guards,
    )


def _measures(both: pd.DataFrame, rows: pd.DataFrame, cells: list[list[int]]) -> list[Measure]:
    n = len(both)
    (_, only_m), (only_s, _) = cells
    found = [
        Measure.of(
            "differ",
            say("Accounts on which they differ"),
            wilson(only_m + only_s, n, n_unit="accounts").estimate,
        ),
        Measure.of(
            "marketing_only", say("Pursued by marketing alone"), wilson(only_m, n, n_unit="accounts").estimate
        ),
        Measure.of(
            "sales_only", say("Pursued by sales alone"), wilson(only_s, n, n_unit="accounts").estimate
        ),
        Measure.of(
            "ac1", say("Agreement beyond chance (Gwet's AC1)"), agreement.ac1(cells, n_unit="accounts")
        ),
    ]
    if n:
        more = agreement.bias(cells, n_unit="accounts")
        found.append(Measure.of("bias", say("Pursued by marketing minus pursued by sales"), more.in_points()))
    if n and {"potential_marketing", "potential_sales"} <= set(both.columns):
        rated = both.dropna(subset=["potential_marketing", "potential_sales"])
        m, s = (rated[f"potential_{side}"].astype(float).clip(0, 99.9) // BAND for side in SIDES)
        bands = np.zeros((BANDS, BANDS))
        np.add.at(bands, (m.astype(int).to_numpy(), s.astype(int).to_numpy()), 1.0)
        alike = agreement.weighted_kappa(bands, n_unit="accounts")
        if alike.value is not None:
            label = say("Agreement on potential beyond chance, in bands of 20 points (weighted kappa)")
            found.append(Measure.of("potential_kappa", label, alike))
    for side in SIDES:
        own = rows[rows.department == side]
        first = own.drop_duplicates("account_id", keep="first")
        last = own.drop_duplicates("account_id", keep="last")
        twice = first.merge(last, on="account_id", validate="one_to_one")
        twice = twice[twice.assessed_at_x < twice.assessed_at_y]
        a, b = twice.target_x.astype(bool), twice.target_y.astype(bool)
        table = [[int((a & b).sum()), int((a & ~b).sum())], [int((~a & b).sum()), int((~a & ~b).sum())]]
        itself = agreement.kappa(table, n_unit="accounts judged twice").estimate
        if itself.value is not None:
            label = say("Agreement of {side} with itself (kappa of first and last judgement)", side=side)
            found.append(Measure.of(f"{side}_itself", label, itself))
    return found


def _evidence(
    data: Data, both: pd.DataFrame, m: pd.Series, s: pd.Series
) -> tuple[pd.DataFrame, list[Column]]:
    shown = both.assign(pursued_by=m.map({True: say("marketing alone"), False: say("sales alone")}))[m != s]
    columns = [Column("account_id", say("Account"), None, "id")]
    if data.has("accounts", "name"):
        names = data.fetch(data["accounts"].select("account_id", "name"))
        shown = shown.merge(names, on="account_id", how="left", validate="many_to_one")
        columns.append(Column("name", say("Name"), None, "name"))
    columns.append(Column("pursued_by", say("Pursued by"), None, "dimension"))
    if "potential_marketing" in shown.columns:
        shown = shown.assign(apart=(shown.potential_marketing - shown.potential_sales).abs())
        shown = shown.sort_values(["apart", "account_id"], ascending=[False, True])
        columns += [
            Column("potential_marketing", say("Potential, says marketing"), "index", "measure"),
            Column("potential_sales", say("Potential, says sales"), "index", "measure"),
        ]
    return shown, columns


def _chart(cells: list[list[int]]) -> Chart:
    words = ("pursued", say("left alone"))
    rows = tuple(
        {
            "sales": say("by sales: {words}", words=words[j]),
            "marketing": say("by marketing: {words}", words=words[i]),
            "accounts": cells[i][j],
        }
        for i in (0, 1)
        for j in (0, 1)
    )
    differ = cells[0][1] + cells[1][0]
    title = say(
        "Both are of one mind on {cells:,} accounts and differ on {differ:,}",
        cells=cells[0][0] + cells[1][1],
        differ=differ,
    )
    return Chart("matrix", "sales", "accounts", group="marketing", rows=rows, title=title)
