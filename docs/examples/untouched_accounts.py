"""Are there accounts that nobody has spoken to? An indicator of one's own, in one file."""

from alignment_toolkit.indicator import Data, Observation, evidence, indicator
from alignment_toolkit.periods import Period
from alignment_toolkit.results import Chart, Column
from alignment_toolkit.statistics.shares import wilson


@indicator(
    question="Are there accounts that nobody has spoken to?",
    title="Somebody has spoken to nearly every account",
    failure_title="Many accounts have not heard from anybody",
    nature="tactical", area="clients", kind="level", unit="share", margin=0.30, enough=100,
    population="accounts in the base", says="{gap} of {n} accounts had no touch by either department.",
    advice="Go through the list together and strike what nobody wants to keep.",
    innocent={"marketing": "They may read what is published.", "sales": "They may have asked to be left alone."},
    needs={"accounts": ("account_id", "region"), "touches": ("account_id", "touched_at")},
)  # fmt: skip
def untouched_accounts(data: Data, window: Period, *, automated_counts: bool = True) -> Observation:
    """An account that nobody speaks to is a client of your competitor who does not know it yet."""
    touches, accounts = data["touches"], data["accounts"]
    touched = touches.filter(touches.touched_at >= str(window.start), touches.touched_at < str(window.end))
    met = touched.select("account_id").distinct().mutate(met=True)
    every = accounts.left_join(met, "account_id").select("account_id", "region", "met")
    rows = data.fetch(every.order_by("account_id"))
    rows["met"] = rows["met"].fillna(False).astype(bool)
    by = rows.groupby("region", dropna=False)["met"].agg(["size", "sum"]).reset_index()
    by["share"] = 1 - by["sum"] / by["size"]
    return Observation(
        gap=wilson(int((~rows.met).sum()), len(rows), n_unit="accounts"),
        evidence=evidence(by, [
            Column("region", "Region", None, "dimension"), Column("size", "Accounts", "count", "measure"),
            Column("share", "Without a touch", "share", "measure")]),
        chart=Chart("bars", "region", "share", reference=0.30, title="Accounts without a touch, by region"),
    )  # fmt: skip
