"""Runs: a notebook executed for one period, published whole or not at all under ``reports/``.

A run writes into a hidden staging folder beside its future place. Only when the notebook came to its end, every file
is on the disk and the manifest lists them all, the folder gets its name by one rename, and ``latest`` follows. A run
that fails leaves a page FAILED.html and nothing else.
"""

from alignment_toolkit.notebooks.opening import earlier as analyses
from alignment_toolkit.runs.past import history, show
from alignment_toolkit.runs.performing import Run, perform, read_manifest
from alignment_toolkit.runs.places import latest, now, slug
from alignment_toolkit.runs.planning import (
    Plan,
    check_dimensions,
    check_formats,
    default_formats,
    plan,
    require_data,
    resolve_period,
)

__all__ = [
    "Plan",
    "Run",
    "analyses",
    "check_dimensions",
    "check_formats",
    "default_formats",
    "history",
    "latest",
    "now",
    "perform",
    "plan",
    "read_manifest",
    "require_data",
    "resolve_period",
    "show",
    "slug",
]
