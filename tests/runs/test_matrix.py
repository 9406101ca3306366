"""A matrix: many runs, of which some may fail, a page for all, and a comparison that knows of luck."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest

import alignment_toolkit as at
from alignment_toolkit.company import Company
from alignment_toolkit.errors import CellFailed, MatrixFailed, ParameterError, UnknownName
from alignment_toolkit.languages.messages import messages
from alignment_toolkit.privacy import seen_by
from alignment_toolkit.results import Analysis, KpiValue
from alignment_toolkit.runs import history, in_no_part, index, latest, matrix, perform, plan
from alignment_toolkit.runs.beside import bearing, earlier_runs, folder_of
from alignment_toolkit.runs.catching_up import published_periods
from alignment_toolkit.runs.outsiders import audience_of, seen_parts
from alignment_toolkit.statistics.funnel import beside_the_rest
from alignment_toolkit.statistics.multiplicity import benjamini_hochberg
from alignment_toolkit.statistics.resampling import generator
from alignment_toolkit.statistics.shares import wilson_limits
from tests.builders import written
from tests.runs.conftest import FINISH

# Fails for the parts that a file beside the reports names, so that it can be mended between two runs.
PART = """from pathlib import Path
number = int(part.split("=")[1])
if number in [int(n) for n in Path(BAD).read_text().split()]:
    raise ValueError(f"the orders of {part} are in no currency <script>alert(1)</script>")"""


@pytest.fixture
def sliced(make_plan, tmp_path):
    bad = tmp_path / "bad.txt"

    def made(count):
        base = make_plan(f"BAD = {str(bad)!r}\n{PART}", FINISH)
        return [
            replace(base, slice=f"n={i}", parameters={"period": "2026-Q3", "part": f"n={i}"})
            for i in range(count)
        ]

    made.bad = bad
    return made


def proves_the_matrix(sliced, count: int, bad: list[int], jobs: int) -> None:
    sliced.bad.write_text(" ".join(map(str, bad)))
    plans = sliced(count)
    seen = []
    first = matrix.perform_all(plans, jobs=jobs, progress=lambda done, of: seen.append((done, of)))
    assert [o.plan.slice for o in first] == [p.slice for p in plans]
    assert [o.code for o in first] == [4 if i in bad else 0 for i in range(count)]
    assert seen[-1] == (count, count)
    assert sum(latest(p.key) is not None for p in plans) == count - len(bad)
    pages = sorted(plans[0].key.parent.glob("*/FAILED.html"))
    assert [p.parent.name for p in pages] == sorted(f"n={i}" for i in bad)
    with pytest.raises(MatrixFailed, match=f"{len(bad)} of {count} runs failed: n={bad[0]}") as told:
        matrix.require_all(first)
    assert told.value.exit_code == 7
    page, data = index.write_index(index.outcomes_of(plans, first), "n")
    text = page.read_text(encoding="utf-8")
    assert text.count("FAILED.html") == len(bad)
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert all((page.parent / href).is_file() for href in re.findall(r'href="([^"#]+)"', text))
    assert [r["status"] for r in json.loads(data.read_text())["runs"]].count("failed") == len(bad)
    # Mended: exactly those that failed are run again.
    assert [p.slice for p in matrix.failed_before(plans)] == [f"n={i}" for i in bad]
    sliced.bad.write_text("")
    kept = {o.plan.slice: o.run.id for o in first if o.run}
    again = matrix.perform_all(matrix.failed_before(plans), jobs=jobs)
    assert [o.plan.slice for o in again] == [f"n={i}" for i in bad]
    assert {o.status for o in again} == {"published"}
    assert matrix.failed_before(plans) == []
    published = {r["slice"]: r["id"] for r in history(plans[0].out)}
    assert len(published) == count
    assert kept.items() <= published.items()
    assert not list(plans[0].key.parent.glob("*/FAILED.html"))


@pytest.mark.usefixtures("without_kernel")
def test_of_a_matrix_what_succeeds_is_published_and_what_failed_is_run_again(sliced):
    proves_the_matrix(sliced, 3, [1], jobs=1)


@pytest.mark.usefixtures("without_kernel")
def test_where_one_failure_ends_all_the_parts_behind_it_are_missed(sliced, monkeypatch):
    monkeypatch.setattr(matrix, "attempt", lambda plan, options: (perform(plan, **options), 0, ""))
    with pytest.raises(CellFailed):
        proves_the_matrix(sliced, 3, [1], jobs=1)


DEATH = "import os, signal\nif part == 'n=0':\n    os.kill(os.getppid(), signal.SIGKILL)"


@pytest.mark.slow
def test_a_worker_that_is_killed_loses_its_own_run_only(make_plan):
    base = make_plan(DEATH, FINISH)
    plans = [
        replace(base, slice=f"n={i}", parameters={"period": "2026-Q3", "part": f"n={i}"}) for i in range(3)
    ]
    found = matrix.perform_all(plans, jobs=2)
    assert [o.code for o in found] == [5, 0, 0]
    assert "died" in found[0].message


# ---- parts -----------------------------------------------------------------------------------------------------


@pytest.fixture
def company(sample):
    return sample


def test_a_matrix_of_an_empty_column_says_so_and_what_is_filled(tmp_path):
    rows = [
        {"lead_id": f"L{i}", "created_at": "2026-08-01", "region": "", "channel": c}
        for i, c in enumerate(("web", "event"))
    ]
    folder = tmp_path / "nobody"
    folder.mkdir()
    empty = Company.open(written({"leads": rows}, folder))
    with pytest.raises(ParameterError) as said:
        matrix.parts_of(empty, "region")
    assert str(said.value) == (
        "The column 'region' is empty in every row of nobody, so a matrix of it has no part."
        " Columns with several values: channel."
    )


def test_the_parts_of_a_column_and_of_files(company, tmp_path):
    regions = ["region=East", "region=North", "region=South", "region=West"]
    assert matrix.parts_of(company, "region") == regions
    for name, text in (
        ("r.csv", "region\nNorth\n\nWest\n"),
        ("r.json", '["region=North", {"region": "West"}]'),
        ("o.json", '{"region": ["North", "West"]}'),
    ):
        (tmp_path / name).write_text(text)
        assert matrix.parts_of(company, str(tmp_path / name)) == ["region=North", "region=West"]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("r.csv", "region\nNorht\n", "Did you mean 'North'"),
        ("r.csv", "region,channel\nNorth,email\n", "one column"),
        ("r.csv", "region\n", "no part"),
        ("r.json", "[1]", "not 1"),
        ("r.json", "[", "no JSON"),
        ("none.csv", None, "could not be read"),
    ],
)
def test_a_file_of_parts_that_cannot_be_read_says_why(company, tmp_path, name, text, said):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(ParameterError, match=said):
        matrix.parts_of(company, str(tmp_path / name))


def test_an_unknown_column_and_people_are_refused(company):
    with pytest.raises(UnknownName, match="Did you mean 'region'"):
        matrix.parts_of(company, "regoin")
    with pytest.raises(ParameterError, match="a person's name"):
        matrix.parts_of(company, "owner")


def test_a_notebook_without_the_parameter_says_which_line_is_needed(make_plan, company):
    with pytest.raises(ParameterError, match='part: str = ""'):
        matrix.sliced(make_plan(), ["region=North"], company)


def test_a_part_without_data_fails_before_a_kernel_starts(make_plan, company):
    plan = make_plan(slice="region=North", parameters={"part": "region=North"}, period="2019-Q1")
    (outcome,) = matrix.perform_all([plan], company=company)
    assert (outcome.code, outcome.status) == (3, "failed")
    assert "no data in 2019-Q1" in (plan.key / "FAILED.html").read_text()


# ---- the runs beside -------------------------------------------------------------------------------------------


def test_the_runs_beside_are_earlier_of_the_same_length_and_the_same_part(
    published, make_plan, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    quarters = [published(f"2026-Q{q}", f"2026-{3 * q - 2:02}-01", f"2026-{3 * q:02}-28") for q in (2, 1, 3)]
    published("2026-05", "2026-05-01", "2026-05-31")
    published("2025-Q4", "2025-10-01", "2025-12-31", slice="region=North")
    out = make_plan().out
    found = earlier_runs(out, "n", "all", "2026-07-01", 92)
    assert [p.split("/")[2] for p in found] == ["2026-Q1", "2026-Q2"]
    assert not any(str(tmp_path) in p for p in found), (
        "a path that names the machine would get into the notebook"
    )
    assert earlier_runs(out, "n", "region=North", "2026-07-01", 92) != ()
    # Made again with the same result, a run is the same; with another result it is not.
    before = bearing(found)
    told = json.loads(quarters[0].read_text())
    quarters[0].write_text(json.dumps({**told, "warnings": ["later"]}))
    assert bearing(found) == before
    quarters[0].write_text(json.dumps({**told, "toolkit": "9"}))
    assert bearing(found) != before
    assert bearing(()) == ""


def test_other_earlier_results_are_another_run_and_other_paths_are_not(make_plan):
    assert make_plan(earlier="x").digest != make_plan().digest
    moved = make_plan(parameters={"period": "2026-Q3", "history": ["elsewhere/analysis.json"]})
    assert moved.digest == make_plan(parameters={"period": "2026-Q3", "history": []}).digest


# ---- the comparison --------------------------------------------------------------------------------------------


def analysis(share: float, n: int, *, part: str = "") -> Analysis:
    low, high = (float(x) for x in wilson_limits(share, n))
    row = KpiValue(
        kpi="win-rate", title="Win rate", by={}, period="2026-Q3", grain=None, start="2026-07-01", to="2026-09-30",
        value=share, low=low, high=high, level=0.95, n=n, top=share * n, bottom=n, unit="share", method="Wilson",
        better="higher", owners={}, censored=0, immature=False, spread=None, status="ok", reason=None,
    )  # fmt: skip
    empty = Analysis.empty(company=f"Acme {part}", currency="EUR", period="2026-Q3")
    return replace(
        empty, kpis=(row, replace(row, kpi="leads", bottom=None), replace(row, kpi="young", immature=True))
    )


def test_one_part_that_differs_is_named_and_equal_parts_are_not(make_plan):
    equal = [(f"r={i}", analysis(0.2 + 0.01 * (i % 3), 100)) for i in range(8)]
    told = index.compared(equal)
    assert {c.figure for c in told} == {"win-rate"}, "sums and young figures are not compared"
    assert not any(c.differs for c in told)
    plans = [make_plan(slice=name) for name, _ in [*equal, ("r=8", None)]]
    outcomes = [matrix.Outcome(p, None, 4, "no") for p in plans]
    assert "Do not rank them" in index.index_page(outcomes, equal, "r").replace("\n", " ")
    unlike = [*equal, ("r=8", analysis(0.6, 100))]
    told = index.compared(unlike)
    assert [c.part for c in told if c.differs] == ["r=8"]
    (odd,) = (c for c in told if c.differs)
    assert odd.low < odd.rest < odd.high < odd.drawn < odd.value
    page = index.index_page(outcomes, unlike, "r")
    assert "One figure differs by more than luck" in page
    assert "can still be luck" in page


def test_no_limit_of_luck_lies_below_nothing():
    few = [("r=0", analysis(0.05, 20)), ("r=1", analysis(0.06, 300)), ("r=2", analysis(0.05, 300))]
    (small, *_) = index.compared(few)
    assert (small.part, small.low) == ("r=0", 0.0)
    assert small.high > small.rest


@pytest.mark.parametrize("share", [0.05, 0.3])
def test_equal_parts_are_named_within_the_rate_and_a_naive_look_would_name_many(share):
    rng = generator(f"funnel {share}")
    named = naive = 0
    for _ in range(300):
        n = rng.integers(30, 200, 24)
        y = rng.binomial(n, share) / n
        low, high = np.array([wilson_limits(*one) for one in zip(y, n, strict=True)]).T
        errors = (high - low) / (2 * 1.959964)
        p = np.array([b.p for b in beside_the_rest(y, errors, n)])
        named += bool((benjamini_hochberg(p) <= 0.10).any())
        naive += bool((p <= 0.05).any())
    assert named / 300 <= 0.10 + 2 * (0.10 * 0.90 / 300) ** 0.5
    assert naive / 300 >= 0.25


# ---- outside the company ---------------------------------------------------------------------------------------


def test_a_small_part_cannot_be_read_or_worked_out_from_the_page_for_outsiders(make_plan):
    parts = [("r=a", analysis(0.5, 400)), ("r=b", analysis(0.4, 300)), ("r=c", analysis(0.25, 60)),
             ("r=small", analysis(0.75, 8))]  # fmt: skip
    plans = [make_plan(slice=name) for name, _ in parts]
    outcomes = [matrix.Outcome(p, None, 4, "orders.csv, row 7: Jane Doe") for p in plans]
    pages = {who: index.index_page(outcomes, parts, "r", who) for who in ("internal", "client", "public")}
    # Whoever knows the whole company's rate and those of all other parts could work out the small one's.
    assert {c.part for c in index.compared(seen_parts(parts, "client"))} == {"r=a", "r=b"}
    assert {c.part for c in index.compared(parts)} == {"r=a", "r=b", "r=c", "r=small"}
    assert re.search(r">75(\.0)?\s?%", pages["internal"])
    assert "Jane Doe" in pages["internal"]
    for who in ("client", "public"):
        assert not re.search(r">(75|25)(\.0)?\s?%|Jane Doe|FAILED\.html", pages[who])
        assert "fewer than 10 cases" in pages[who]
    large = [part for part in parts if part[0] != "r=small"]
    assert {c.part for c in index.compared(seen_parts(large, "client"))} == {"r=a", "r=b", "r=c"}


OPTIONS = "compare='none', indicators=[], segmentations=[], kpis=['leads']"
SLICE = f"""import alignment_toolkit as at
analysis = at.analyse(at.opened(source, part=part), period, {OPTIONS})
at.finish(analysis, formats=["json"])"""


def leads_of(analysis):
    """Give the leads that an analysis tells, None where it keeps them back."""
    return next(k.value for k in analysis.kpis if not k.by and not k.grain)


@pytest.mark.usefixtures("without_kernel")
def test_who_holds_the_reports_of_all_parts_cannot_subtract_the_small_one(tmp_path, make_plan):
    days = {"web": 40, "fair": 25, "email": 14, "phone": 4}
    leads = [f"{c}{i},2026-01-{1 + i % 28:02},{c}" for c, n in days.items() for i in range(n)]
    (tmp_path / "leads.csv").write_text("lead_id,created_at,channel\n" + "\n".join(leads))
    (tmp_path / "alignment.toml").write_text('[report]\naudience = "client"\n')
    company = Company.open(tmp_path)
    values = {"source": str(tmp_path), "period": "2026-Q1", "part": "", "kpis": ["leads"]}
    base = make_plan(SLICE, parameters=values, period="2026-Q1", fingerprint=company.fingerprint())
    parts = [f"channel={c}" for c in days]
    plans = matrix.sliced(base, parts, company)
    options = {"compare": "none", "indicators": [], "segmentations": [], "kpis": ["leads"]}
    made = [at.analyse(company.narrowed("channel", c), "2026-Q1", **options) for c in days]
    assert [leads_of(seen_by(a, "client", kept_back=p.kept_back)) for a, p in zip(made, plans, strict=True)] == [
        40, 25, None, None
    ]  # fmt: skip
    # Without that, the whole less the others is the small part.
    alone = [leads_of(seen_by(a, "client")) for a in made]
    assert sum(days.values()) - sum(n or 0 for n in alone) == 4
    # A run tells its notebook what to keep back; it is another run than one that keeps nothing.
    run = perform(plans[2])
    assert leads_of(Analysis.loads((run.folder / "analysis.json").read_text())) is None
    assert plans[2].digest != replace(plans[2], kept_back=()).digest
    inside = {**values, "audience": "internal"}
    assert {p.kept_back for p in matrix.sliced(replace(base, parameters=inside), parts, company)} == {()}


def test_the_page_is_for_the_audience_that_may_see_least(make_plan, tmp_path):
    told = replace(analysis(0.5, 400), settings={"report": {"audience": "client"}})
    assert audience_of([("a", told), ("b", analysis(0.4, 300))], {}) == "client"
    assert audience_of([("a", told)], {"audience": "public"}) == "public"
    assert audience_of([("a", analysis(0.4, 300))], {}) == "internal"


def test_parts_that_differ_only_in_case_lie_in_folders_that_every_file_system_tells_apart(tmp_path):
    """Three products, two of them with the same letters; what was run under the plain name before is not forgotten."""
    orders = [
        {"order_id": str(i), "ordered_at": f"2026-0{3 * q + 2}-05", "amount": "10", "product_id": product}
        for i, (q, product) in enumerate((q, p) for q in (1, 2) for p in ("Ax", "AX", "B"))
    ]
    (tmp_path / "acme").mkdir()
    company = Company.open(written({"orders": orders}, tmp_path / "acme"))
    out = tmp_path / "reports"
    base = plan(str(tmp_path / "acme"), given={"period": "2026-Q3"}, out=out)
    plans = {p.slice: p for p in matrix.sliced(base, matrix.parts_of(company, "product_id"), company)}
    names = {part: p.key.name for part, p in plans.items()}
    assert len({name.casefold() for name in names.values()}) == 3
    assert names["product_id=B"] == "product_id=B"
    one = plan(str(tmp_path / "acme"), given={"period": "2026-Q3", "part": "product_id=AX"}, out=out)
    assert one.key == plans["product_id=AX"].key
    # A run of Q2 from when the folder was plain: it is that of the part that it says it is of.
    before = out / base.name / "2026-Q2" / "product_id=Ax"
    (before / "one").mkdir(parents=True)
    (before / "one" / "manifest.json").write_text(json.dumps({"slice": "product_id=Ax", "period": "2026-Q2"}))
    (before / "latest").symlink_to("one")
    told = {"from": "2026-04-01", "to": "2026-06-30"}
    (before / "one" / "analysis.json").write_text(json.dumps(told))
    for part, found in (("product_id=Ax", 1), ("product_id=AX", 0)):
        folder = folder_of(company, part)
        assert len(earlier_runs(out, base.name, part, "2026-07-01", 92, folder=folder)) == found
        assert len(published_periods(company, out, base.name, part)) == found


def test_the_page_speaks_the_language_of_its_reports(make_plan):
    """Every text of the page that the catalogue knows stands there in German, whoever reads and whatever failed."""
    german = {"report": {"language": "de"}}
    parts = [(f"r={i}", replace(analysis(0.2, 100), settings=german)) for i in range(8)]
    parts.append(("r=8", replace(analysis(0.6, 100), settings=german)))
    plans = [make_plan(slice=name) for name, _ in [*parts, ("r=9", None)]]
    outcomes = [matrix.Outcome(p, None, 4, "no") for p in plans]
    left = in_no_part.Left("leads", "Leads", "count", 3, 30, 3, 30, 20)
    aside = in_no_part.Aside(
        (left, replace(left, figure="clients", title="Clients who bought", n=0)), ("spend",)
    )
    pages = [index.index_page(outcomes, parts, "r", who, aside) for who in ("internal", "client")]
    pages.append(index.index_page(outcomes, parts[:8], "r", "internal", aside))
    pages.append(index.index_page(outcomes, [], "r", "internal", replace(aside, language="de")))
    for page in pages:
        assert 'lang="de"' in page
        text = re.sub(
            r"\s+", " ", re.sub(r"<style.*?</style>|<script.*?</script>|<[^>]*>", " ", page, flags=re.S)
        )
        assert "Die Teile" in text
        english = [m for m in messages() if "runs/index.py" in messages()[m].places and " " in m]
        assert [m for m in english if m.partition("{")[0].strip() and m.split("{")[0].strip() in text] == []
    assert "Eine Zahl unterscheidet sich mehr, als Zufall erklärt" in re.sub(r"\s+", " ", pages[0])
    assert "Stellen Sie keine Rangfolge auf" in re.sub(r"\s+", " ", pages[2])
    assert "The parts" in index.index_page(outcomes, [], "r", "internal", aside)
