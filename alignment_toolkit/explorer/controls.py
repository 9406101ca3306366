"""The controls: ipywidgets that say what is looked at, and one place in which it is shown."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import ipywidgets as w

from alignment_toolkit.errors import AlignmentError
from alignment_toolkit.explorer.keeping import keep_view
from alignment_toolkit.explorer.last_wins import LastWins
from alignment_toolkit.explorer.looking import TOPICS, Looking
from alignment_toolkit.explorer.shown import Shown
from alignment_toolkit.explorer.view import View
from alignment_toolkit.notebooks.pieces import Text
from alignment_toolkit.report.html import escape_text
from alignment_toolkit.scorecard.levers import LEVERS

__all__ = ["PULLS", "Controls"]

PULLS: Final = (
    "more-weaker-leads", "fewer-better-leads", "stricter-hand-over", "faster-follow-up", "firmer-prices",
    "deeper-discounts",
)  # fmt: skip
"""Levers with a slider of their own; the others can be named in the parameter ``what_if``."""
COMPARE: Final = (
    ("the period before", "previous"),
    ("the same a year ago", "year-ago"),
    ("nothing", "none"),
)
NOTHING: Final = "(nothing)"
UNSPLIT: Final = "(nothing: this key figure is told of no part)"
_WIDE = {"description_width": "11em"}


class Controls:
    """Controls and what they show; `box` is the widget to display.

    Attributes
    ----------
    view
        What the controls say.
    asked
        Counts how often anything was computed (`LastWins.computed`).
    """

    def __init__(self, looking: Looking, view: View, *, delay: float | None = None) -> None:
        self.looking = looking
        self.view = view
        self.topic = "figures"
        self.shown: Shown | None = None
        self._quiet = False
        self.asked: LastWins[tuple[str, View]] = (
            LastWins(self._compute) if delay is None else LastWins(self._compute, delay)
        )
        self.output = w.Output()
        self.status = w.HTML()
        self._make()
        self.asked._wanted = [(self.topic, self.view)]
        self.asked.at_once()

    # ---- the widgets -------------------------------------------------------------------------------------------

    def _make(self) -> None:
        view, looking = self.view, self.looking
        periods = list(dict.fromkeys([view.period, *looking.periods()]))
        kpis = [(title, id) for id, title in looking.kpis().items()]
        if all(id != view.kpi for _, id in kpis):
            kpis.insert(0, (view.kpi, view.kpi))
        dims = looking.dimensions()
        told = view.compare
        compare = [*COMPARE] if any(word == told for _, word in COMPARE) else [*COMPARE, (told, told)]
        self.period = self._list("Period", periods, view.period, "period")
        self.compare = self._list("Compared with", compare, view.compare, "compare")
        self.kpi = self._list("Key figure", kpis, view.kpi, "kpi")
        by = view.by[0] if view.by else ""
        self._split = (view.kpi, view.only)
        self.by = w.Dropdown(options=self._splits(view), value=by, description="Split by", style=_WIDE)
        self.by.observe(self._heard(lambda value: self._change(by=(value,) if value else ())), "value")
        self.only = [self._filter(i, dims) for i in range(2)]
        self.topics = w.ToggleButtons(
            options=[(title, topic) for topic, title in TOPICS.items()], value=self.topic, description="Look at",
            style={"description_width": "5em", "button_width": "auto"},
        )  # fmt: skip
        self.topics.observe(self._heard(self._turn), "value")
        names = [(s.title, s.id) for s in looking.catalog.segmentations.values()]
        some = view.segmentation if view.segmentation in looking.catalog.segmentations else None
        self.segmentation = self._list("Segmentation", names, some, "segmentation")
        self.segment = self._list("Accounts of", [("(the first)", "")], "", "segment")
        self.finding = self._list("Finding", [("(the gravest)", "")], "", "finding")
        for one in (self.finding, self.segment):
            one.layout.width = "46em"
        self._make_what_if()
        self.keep = w.Button(description="Keep this view", tooltip="Write it as parameters of a run")
        self.keep.on_click(self._guarded(self._keep))
        self.report = w.Button(
            description="Report of this view", tooltip="Write a page with its key figure and findings"
        )
        self.report.on_click(self._guarded(self._report))
        for button in (self.keep, self.report, self.reset):
            button.layout.width = "auto"
        self.picks = w.VBox([])
        row = w.Layout(flex_flow="row wrap")
        self.box = w.VBox([
            w.HBox([self.period, self.compare, self.kpi, self.by], layout=row),
            *(w.HBox([dimension, value], layout=row) for dimension, value in self.only),
            self.topics, self.picks, w.HBox([self.keep, self.report], layout=row), self.status, self.output,
        ])  # fmt: skip

    def _splits(self, view: View) -> list[tuple[str, str]]:
        """Give what the key figure can be split by; what it is split by already stays, and the page says why not."""
        try:
            dims = self.looking.splits(view)
        except AlignmentError:  # said where results are
            dims = self.looking.dimensions()
        nothing = NOTHING if dims else UNSPLIT
        by = view.by[0] if view.by else ""
        return [(nothing, ""), *((d.replace("_", " "), d) for d in _with(dims, by))]

    def _list(self, label: str, options: Any, value: Any, name: str) -> w.Dropdown:
        made = w.Dropdown(options=options, value=value, description=label, style=_WIDE)
        made.observe(self._heard(lambda chosen: self._change(**{name: chosen or ""})), "value")
        return made

    def _filter(self, number: int, dims: list[str]) -> tuple[w.Dropdown, w.Dropdown]:
        told = self.view.only[number] if number < len(self.view.only) else ""
        dimension, _, value = told.partition("=")
        label = "Only" if number == 0 else "and only"
        options = [("(everything)", ""), *((d.replace("_", " "), d) for d in _with(dims, dimension))]
        what = w.Dropdown(options=options, value=dimension, description=label, style=_WIDE)
        known = self.looking.values(dimension) if dimension else []
        which = w.Dropdown(options=_with(known, value), value=value or None, description="is", style=_WIDE)
        which.disabled = not dimension
        what.observe(self._heard(functools.partial(self._narrow, number)), "value")
        which.observe(self._heard(lambda value: self._change(only=self._parts())), "value")
        return what, which

    def _make_what_if(self) -> None:
        self.margin_of = w.Dropdown(
            description="Tolerated gap of", style=_WIDE, layout=w.Layout(width="46em")
        )
        self.margin = w.FloatSlider(
            description="up to", min=0.0, max=1.0, step=0.01, readout_format=".3g", style=_WIDE
        )
        self.owner_of = w.Dropdown(description="Who owns", style=_WIDE, layout=w.Layout(width="46em"))
        self.owner = w.FloatSlider(description="marketing's share", min=0.0, max=1.0, step=0.05, style=_WIDE)
        self.weight_of = w.Dropdown(description="Weight of", style=_WIDE, layout=w.Layout(width="46em"))
        self.weight = w.FloatSlider(description="weighs", min=0.0, max=5.0, step=0.25, style=_WIDE)
        pairs = (("margin", self.margin_of, self.margin), ("owner", self.owner_of, self.owner),
                 ("weight", self.weight_of, self.weight))  # fmt: skip
        for kind, of, slider in pairs:
            of.observe(self._heard(functools.partial(self._aim, kind)), "value")
            slider.observe(self._heard(functools.partial(self._suppose, kind, of)), "value")
        pulled = self.view.supposed("lever")
        known = {lever.id: lever for lever in LEVERS}
        self.levers: dict[str, w.FloatSlider] = {}
        for id in dict.fromkeys([*PULLS, *(i for i in pulled if i in known)]):
            slider = w.FloatSlider(
                value=pulled.get(id, 0.0), min=min(0.0, pulled.get(id, 0.0)), max=3.0, step=0.25,
                description=known[id].title, tooltip=f"{known[id].pull}, so many times", readout_format=".2f",
                style={"description_width": "17em"}, layout=w.Layout(width="34em"),
            )  # fmt: skip
            slider.observe(self._heard(functools.partial(self._pull, id)), "value")
            self.levers[id] = slider
        self.reset = w.Button(description="Suppose nothing", tooltip="Back to how it stands")
        self.reset.on_click(self._guarded(self._forget))
        row = w.Layout(flex_flow="row wrap")
        self._supposing = w.VBox([
            w.HTML("<b>Levers</b>: how many times as far as described (0: not pulled)"),
            w.HBox(list(self.levers.values()), layout=row),
            w.HTML("<b>Weights, margins, owners</b>"),
            *(w.HBox([of, slider], layout=row) for of, slider in
              ((self.weight_of, self.weight), (self.margin_of, self.margin), (self.owner_of, self.owner))),
            w.HBox([self.reset]),
        ])  # fmt: skip

    # ---- what is heard -----------------------------------------------------------------------------------------

    def _heard(self, act: Callable[[Any], None]) -> Callable[[Any], None]:
        def hear(change: Any) -> None:
            if not self._quiet:
                self._guarded(lambda _: act(change["new"]))(None)

        return hear

    def _guarded(self, act: Callable[[Any], None]) -> Callable[[Any], None]:
        """Have whatever goes wrong said in the place where results are shown."""

        def guarded(event: Any) -> None:
            try:
                act(event)
            except AlignmentError as problem:
                self._say(str(problem).partition("\n")[0])
            except Exception as problem:
                self._say(f"This did not work: {type(problem).__name__}: {problem}".partition("\n")[0])

        return guarded

    def _change(self, **changed: Any) -> None:
        if "segmentation" in changed:
            changed["segment"] = ""
        self._look(self.view.but(**changed))

    def _look(self, view: View) -> None:
        self.view = view
        if (view.kpi, view.only) != self._split:
            self._split = (view.kpi, view.only)
            with self._silence():
                self.by.options = self._splits(view)
                self.by.value = view.by[0] if view.by else ""
        self.asked((self.topic, view))

    def _turn(self, topic: str) -> None:
        self.topic = topic
        self.picks.children = {
            "segments": (self.segmentation, self.segment), "findings": (self.finding,),
            "what-if": (self._supposing,),
        }.get(topic, ())  # fmt: skip
        self._look(self.view)

    def _narrow(self, number: int, dimension: str) -> None:
        which = self.only[number][1]
        with self._silence():
            which.options = self.looking.values(dimension) if dimension else []
            which.value = which.options[0] if which.options else None
            which.disabled = not dimension
        self._change(only=self._parts())

    def _parts(self) -> tuple[str, ...]:
        told = ((what.value, which.value) for what, which in self.only)
        return tuple(f"{dimension}={value}" for dimension, value in told if dimension and value is not None)

    def _aim(self, kind: str, id: str | None) -> None:
        """Set the slider to what holds for what was chosen; nothing is supposed by choosing."""
        if id is None:
            return
        slider, starts = (
            {"margin": self.margin, "owner": self.owner, "weight": self.weight}[kind],
            self._starts[kind],
        )
        told = self.view.what_if.get(f"{kind}.{id}")
        value = starts[id] if told is None else told
        least, most, step = slider.min, slider.max, slider.step
        if kind == "margin":
            least, most, step = starts[id] / 20, max(4 * starts[id], value), starts[id] / 20
        if kind == "weight":
            most = max(5.0, 2 * starts[id], value)
        # In one message: a slider whose ends change before its value tells the old value once more.
        with self._silence(), slider.hold_sync():
            if (slider.min, slider.max, slider.step) != (least, most, step):
                slider.min, slider.max = min(least, slider.min), max(most, slider.max)
                slider.value = value
                slider.min, slider.max, slider.step = least, most, step
            slider.value = value

    _starts: Mapping[str, Mapping[str, float]] = {"margin": {}, "owner": {}, "weight": {}}

    def _suppose(self, kind: str, of: w.Dropdown, value: float) -> None:
        if of.value is not None:
            same = abs(value - self._starts[kind][of.value]) < 1e-9
            self._look(self.view.supposing(f"{kind}.{of.value}", None if same else value))

    def _pull(self, id: str, value: float) -> None:
        self._look(self.view.supposing(f"lever.{id}", value or None))

    def _forget(self, event: Any) -> None:
        with self._silence():
            for slider in self.levers.values():
                slider.value = 0.0
        self.view = self.view.but(what_if={})
        for kind, of in (("margin", self.margin_of), ("owner", self.owner_of), ("weight", self.weight_of)):
            self._aim(kind, of.value)
        self._look(self.view)

    @contextmanager
    def _silence(self) -> Iterator[None]:
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before

    # ---- what is shown -----------------------------------------------------------------------------------------

    def _compute(self, wanted: tuple[str, View]) -> None:
        topic, view = wanted
        self.status.value = "Computing ..."
        shown = self.looking.show(topic, view, self._progress)
        self._put(shown)
        self.status.value = ""

    def _progress(self, done: int, of: int) -> None:
        self.status.value = f"Computing: {done} of {of} ..." if of > 1 else "Computing ..."

    def _put(self, shown: Shown) -> None:
        self.shown = shown
        self.output.outputs = (
            {
                "output_type": "display_data",
                "data": {"text/html": shown._repr_html_(), "text/plain": repr(shown)},
                "metadata": {},
            },
        )
        with self._silence():
            self._offer(shown)

    def _offer(self, shown: Shown) -> None:
        """Put what can be picked next into the lists, and keep what is picked where it is still there."""
        for name, labels in shown.picks.items():
            of = {"segment": self.segment, "finding": self.finding, "margin": self.margin_of,
                  "owner": self.owner_of, "weight": self.weight_of}[name]  # fmt: skip
            options = [(label, id) for id, label in labels.items()]
            if tuple(of.options) != tuple(options):
                kept = of.value
                of.options = options
                wanted = kept or getattr(self.view, name, "")
                of.value = wanted if wanted in labels else next(iter(labels), None)
        if shown.starts:
            self._starts = shown.starts
            for kind, of in (
                ("margin", self.margin_of),
                ("owner", self.owner_of),
                ("weight", self.weight_of),
            ):
                self._aim(kind, of.value)

    def _say(self, words: str) -> None:
        self._put(Shown(self.topic, TOPICS[self.topic], (Text(words, loud=True),), failed=True))

    # ---- what is kept ------------------------------------------------------------------------------------------

    def _keep(self, event: Any) -> None:
        path = keep_view(self.view)
        again = f"alignment run SOURCE --notebook 07_explore --parameters {path.as_posix()}"
        said = f"Kept in {path.as_posix()}. Again at any time: {again}"
        self.status.value = f"<p>{escape_text(said)}</p>"

    def _report(self, event: Any) -> None:
        from alignment_toolkit.notebooks import finish

        self.status.value = "Writing ..."
        name = f"{self.view.kpi}-{self.view.period}"
        done = finish(self.looking.analysis(self.view), Path("reports") / "views" / name)
        said = f"Written to {done.folder.as_posix()}: {', '.join(done.files)}"
        self.status.value = f"<p>{escape_text(said)}</p>"


def _with(known: list[str], value: str) -> list[str]:
    return known if not value or value in known else [value, *known]
