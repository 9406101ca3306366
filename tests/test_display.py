"""Every object of the public API prints on a terminal in a line, and in a notebook as tables and cards."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from dataclasses import replace

import pytest

import alignment_toolkit as at
from alignment_toolkit.display import _PLACES, _Line, html
from alignment_toolkit.drivers.result import DriverPart, OwnerPart, SplitChange
from alignment_toolkit.drivers.slices import Slice
from alignment_toolkit.notebooks import RUN_FOLDER
from alignment_toolkit.results import Area, Estimate, Scorecard
from tests.report import builders

HOSTILE = "<script>alert(1)</script>"


PART = DriverPart("orders", 10.0, -2.0, 22.0, {"marketing": 0.4, "sales": 0.6})
OWNERS = {who: OwnerPart(5.0, None, None, 0.0, 10.0) for who in ("marketing", "sales")}
SPLIT = SplitChange("revenue", "Revenue", {}, "2026-Q2", "2026-Q3", "exact", "money", 10.0, (PART,), OWNERS)


@pytest.fixture(scope="module")
def things(sample):
    catalog, analysis = at.Catalog.load(), builders.analysis()
    finding = next(f for f in analysis.findings if f.evidence.rows and f.measures)
    return {
        "Company": sample, "Analysis": analysis, "KpiValue": analysis.kpis[0], "Finding": finding,
        "Estimate": finding.gap, "Evidence": finding.evidence, "Catalog": catalog, "Kpi": catalog.kpis["leads"],
        "RatioOfKpis": catalog.kpis["profit"], "Indicator": catalog.indicators["dropped_leads"],
        "Segmentation": catalog.segmentations["value"], "SplitChange": SPLIT, "Settings": sample.settings,
        "Report": at.Report.of(analysis), "Explanation": at.explain("leads"), "Period": at.Period.parse("2026-Q3"),
        "Scorecard": analysis.scorecard, "Area": analysis.areas[0], "DataQuality": analysis.data_quality[0],
        "Slice": Slice({"region": "North"}, -71.5, -132.0, -10.0, 0.014, 262, 4, "count"),
        "Measure": finding.measures[0],
    }  # fmt: skip


def test_every_kind_is_shown_alone_and_in_a_tuple(things):
    assert set(things) == set(_PLACES)
    for name, thing in things.items():
        for shown in (thing, (thing,), (thing, thing)):
            page = html(shown)
            assert page, name
            assert "object at 0x" not in page, name
            assert not re.search(r"\b(None|nan|inf)\b", page), name
        said = repr(thing)
        assert "object at 0x" not in said
        assert len(said) < 400 or name in ("Explanation", "Company"), name
    for other in (1, (), (1, 2), "text", (things["Kpi"], things["Period"]), [things["Kpi"]]):
        assert html(other) is None


def test_numbers_stand_with_interval_unit_and_n(things):
    analysis = things["Analysis"]
    row = replace(analysis.kpi("revenue"), low=1_200_000.0, high=1_400_000.0)
    for shown in (repr(row), html((row,)), html(replace(analysis, kpis=(row,)))):
        assert f"{row.value:,.0f}" in shown
        assert "1,200,000 to 1,400,000" in shown.replace("€", "")
        assert f"{row.n:,}" in shown
    assert "€1,200,000 to €1,400,000" in html(replace(analysis, kpis=(row,)))
    assert "(money)" in repr(row)
    gap = Estimate(0.248, 0.185, 0.323, 1149, "leads", "share", "Wilson")
    assert repr(gap) == "<24.8 % (95 % interval 18.5 % to 32.3 %), n 1,149 leads>"
    nothing = replace(row, value=None, low=None, high=None, status="not_available", reason="no orders")
    assert repr(nothing) == "<Revenue, 2026-Q3: not available; no orders>"
    assert html(Scorecard()).count("There is no shared scorecard") == 1
    assert "no score" in html(Area("hand-over", None, 0, 0, 3))


def test_what_comes_from_data_never_becomes_markup(things):
    for name in (
        "Analysis",
        "KpiValue",
        "Finding",
        "Evidence",
        "Area",
        "DataQuality",
        "Slice",
        "SplitChange",
    ):
        page = html(_hostile(things[name]))
        assert "alert(1)" in page, name
        assert "<script" not in page, name


def _hostile(thing):
    """Put a script into every text that is shown."""
    changed = {}
    for f in dataclasses.fields(thing):
        value = getattr(thing, f.name)
        if f.name in ("title", "company", "statement", "message", "area", "table", "why", "advice"):
            changed[f.name] = HOSTILE
        elif f.name == "by":
            changed[f.name] = {HOSTILE: HOSTILE}
        elif f.name == "rows" and isinstance(value, tuple):
            changed[f.name] = tuple(tuple(HOSTILE for _ in row) for row in value)
        elif f.name == "kpis" and value:
            changed[f.name] = tuple(map(_hostile, value))
    return replace(thing, **changed)


def test_settings_and_the_company_keep_addresses_to_themselves(tmp_path):
    told = '[company]\ncurrency = "EUR"\n[source]\nkind = "sql"\nurl = "postgres://u:geheim@host/db"\n'
    settings = at.Settings.from_toml(told)
    assert "geheim" not in repr(settings) + str(settings) + html(settings)


def test_importing_the_toolkit_in_a_notebook_tells_ipython():
    code = (
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance()\n"
        "import alignment_toolkit, sys\n"
        "assert 'pandas' not in sys.modules and 'alignment_toolkit.results' not in sys.modules\n"
        "from alignment_toolkit.results import Estimate\n"
        "data, _ = shell.display_formatter.format((Estimate(0.25, 0.1, 0.4, 80, 'leads', 'share', 'Wilson'),))\n"
        "assert '25.0' in data['text/html'] and 'n 80 leads' in data['text/plain'], data\n"
        "assert 'text/html' not in shell.display_formatter.format((1, 2))[0]\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_line_of_progress_comes_and_goes_below_the_cell_and_only_where_somebody_looks(monkeypatch):
    class Shell:
        def __init__(self):
            self.display_pub, self.told = self, []

        def publish(self, data, *, transient, update):
            self.told.append((data["text/plain"], transient["display_id"], update))

    monkeypatch.delenv(RUN_FOLDER, raising=False)
    monkeypatch.setenv("JPY_SESSION_NAME", "a.ipynb")
    shell = Shell()
    line = _Line(shell)
    for words in ("Analysis: key figures", "Analysis: segments", "", "Reading the data: leads", ""):
        line(words)
    one, two = "alignment-progress-0", "alignment-progress-1"
    assert shell.told == [
        ("Analysis: key figures", one, False), ("Analysis: segments", one, True), ("", one, True),
        ("Reading the data: leads", two, False), ("", two, True),
    ]  # fmt: skip
    monkeypatch.delenv("JPY_SESSION_NAME")
    monkeypatch.delenv("VSCODE_PID", raising=False)
    line("Analysis: key figures")
    assert len(shell.told) == 5
