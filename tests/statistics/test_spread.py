"""Spread between people: against statsmodels' MixedLM and scipy's F test, by simulation, and where there is little."""

from __future__ import annotations

import warnings
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy.stats import f_oneway

from alignment_toolkit.statistics.spread import Spread, spread, spread_between

Random = np.random.Generator


def deals(r: Random, sd: float, people: int = 40, heavy: bool = False) -> tuple[Any, Any, pd.DataFrame]:
    """People with 10 to 50 deals in different mixes, who add a normal amount with standard deviation `sd`."""
    who = np.repeat(np.arange(people), r.integers(10, 51, people))
    n = len(who)
    mix = pd.DataFrame({"product": r.integers(0, 12, n).astype(str), "size": r.normal(0, 1, n)})
    mix["segment"] = ((who % 4 + (r.random(n) < 0.3) * r.integers(0, 4, n)) % 4).astype(str)
    luck = r.exponential(1, n) - 1 if heavy else r.standard_normal(n)
    outcome = 10 + 2 * mix["size"] + mix.segment.astype(int) + sd * r.normal(0, 1, people)[who] + 6 * luck
    return outcome.to_numpy(), who, mix


def leads(r: Random, sd: float, people: int = 40) -> tuple[Any, Any, pd.DataFrame]:
    """The same with an outcome of yes or no, half of them yes."""
    who = np.repeat(np.arange(people), r.integers(20, 81, people))
    x = r.normal(0, 1, len(who))
    p = 1 / (1 + np.exp(-(0.5 * x + sd / 0.25 * r.normal(0, 1, people)[who])))
    return (r.random(len(who)) < p).astype(float), who, pd.DataFrame({"score": x})


def of(outcome: Any, who: Any, mix: Any = (), kind: Literal["number", "yes_no"] = "number") -> Spread:
    return spread(outcome, who, mix, kind=kind, n_unit="rows", unit="points")


@pytest.mark.parametrize("sd", [0.5, 2.0, 4.0])
def test_the_estimate_is_that_of_statsmodels(sd: float) -> None:
    outcome, who, mix = deals(np.random.default_rng(5), sd)
    frame = mix.assign(outcome=outcome, who=who)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = smf.mixedlm("outcome ~ product + size + segment", frame, groups="who").fit(reml=True)
    found = of(outcome, who, mix)
    assert found.gap.estimate.value == pytest.approx(np.sqrt(model.cov_re.iloc[0, 0]), rel=2e-3, abs=2e-2)
    theirs = [float(model.random_effects[i].iloc[0]) for i in range(40)]
    ours = pd.Series(found.effects, index=[int(p) for p in found.people]).sort_index()
    assert np.allclose(ours, theirs, atol=0.05)


def test_the_test_of_no_spread_is_the_f_test() -> None:
    r = np.random.default_rng(3)
    groups = [r.normal(0.3 * (i % 3), 1, 10 + 5 * i) for i in range(12)]
    who = np.repeat(np.arange(12), [len(g) for g in groups])
    gap = of(np.concatenate(groups), who).gap
    assert gap.above(0.0) == pytest.approx(f_oneway(*groups).pvalue, rel=0.15)


@pytest.mark.parametrize(
    ("kind", "sd", "heavy"),
    [
        ("number", 0.0, True), ("yes_no", 0.1, False),
        *(pytest.param(*case, marks=pytest.mark.slow)
          for case in [("number", 0.0, False), ("number", 2.0, False), ("number", 2.0, True), ("yes_no", 0.0, False)]),
    ],
)  # fmt: skip
def test_the_interval_holds_the_truth(kind: Literal["number", "yes_no"], sd: float, heavy: bool) -> None:
    runs, below, above, naive = 80, 0, 0, 0
    for run in range(runs):
        r = np.random.default_rng([run, 11])
        outcome, who, mix = deals(r, sd, 20, heavy) if kind == "number" else leads(r, sd, 20)
        e = of(outcome, who, mix, kind).gap.estimate
        assert e.low is not None
        assert e.high is not None
        assert e.value is not None
        below, above = below + (sd < e.low), above + (sd > e.high)
        raw = pd.Series(outcome).groupby(who).mean()
        naive += raw.std() / np.sqrt(2 * len(raw)) * 1.96 < abs(raw.std() - sd)
    assert 1 - (below + above) / runs >= 0.93 - 2 * np.sqrt(0.05 * 0.95 / runs)
    assert below / runs <= 0.025 + 3 * np.sqrt(0.025 / runs)
    if sd == 0:  # positive control: the spread of the raw means never covers 0
        assert naive == runs


def test_what_covariates_explain_is_no_spread() -> None:
    r = np.random.default_rng(2)
    who = np.repeat(np.arange(20), 30)
    region = who % 4
    outcome = 8.0 * region + r.normal(0, 1, 600)
    assert of(outcome, who).gap.above(2.0) < 0.001
    after = of(outcome, who, [region.astype(str)]).gap
    assert after.estimate.high is not None
    assert after.estimate.high < 1


def test_order_and_names_do_not_matter_and_scale_scales() -> None:
    outcome, who, mix = deals(np.random.default_rng(1), 2.0, 12)
    first = of(outcome, who, mix).gap.estimate
    order = np.random.default_rng(0).permutation(len(who))
    other = of(outcome[order], 100 - who[order], mix.iloc[order]).gap.estimate
    assert (other.value, other.low, other.high) == pytest.approx(
        (first.value, first.low, first.high), rel=1e-7
    )
    tenfold = spread_between(outcome, who, mix, n_unit="rows", unit="points", scale=10).estimate
    assert (tenfold.value, tenfold.low) == pytest.approx((10 * first.value, 10 * first.low), rel=1e-7)


def test_interval_and_tests_agree() -> None:
    gap = of(*deals(np.random.default_rng(8), 2.0)).gap
    low, high = gap.estimate.low, gap.estimate.high
    assert low is not None
    assert high is not None
    assert gap.above(low) == pytest.approx(0.025, rel=1e-4)
    assert gap.below(high) == pytest.approx(0.025, rel=1e-4)
    assert gap.above(-1.0) == 0.0
    assert gap.below(-1.0) == 1.0


@pytest.mark.parametrize(
    ("outcome", "who"),
    [([], []), ([1.0], ["a"]), ([1.0, 2.0], ["a", "b"]), ([1.0, 2.0, 3.0], ["a"] * 3),
     ([float("nan")] * 3, ["a", "b", "c"]), ([1.0, 2.0], [None, None])],
    ids=["nothing", "one row", "a row each", "one person", "no outcomes", "nobody"],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["number", "yes_no"])
def test_too_little_gives_no_interval(
    outcome: list[float], who: list[Any], kind: Literal["number", "yes_no"]
) -> None:
    outcome = [min(v, 1.0) for v in outcome] if kind == "yes_no" else outcome
    gap = of(outcome, who, kind=kind).gap
    assert (gap.estimate.low, gap.estimate.high) == (None, None)
    assert gap.above(0.0) == 1.0


@pytest.mark.parametrize("kind", ["number", "yes_no"])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_equal_outcomes_have_no_spread_and_no_interval(
    kind: Literal["number", "yes_no"], value: float
) -> None:
    e = of([value] * 40, list("abcd") * 10, kind=kind).gap.estimate
    assert (e.value, e.low) == (0.0, None)


def test_people_without_luck_of_their_own() -> None:
    """Each person always gives the same: the spread is theirs, and the interval still stands."""
    e = of([0.0, 0.0, 5.0, 5.0, 10.0, 10.0], list("aabbcc")).gap.estimate
    assert e.value == pytest.approx(5.0)
    assert e.low is not None
    assert e.high is not None
    assert 0 < e.low < 5 < e.high


def test_a_level_with_one_outcome_only_does_no_harm() -> None:
    outcome, who, mix = leads(np.random.default_rng(4), 0.1, 20)
    mix = mix.assign(odd="n")
    mix.loc[mix.index[:30], "odd"] = "all yes"
    outcome[:30] = 1.0
    e = of(outcome, who, mix, "yes_no").gap.estimate
    assert e.high is not None
    assert e.high < 1
