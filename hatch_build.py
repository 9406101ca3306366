"""Puts the notebooks, the recipes for schedules and the sample company into a wheel that is to be installed elsewhere.

An editable install does not get them: there the code finds the folders of the checkout.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUNDLED = {"notebooks": "notebooks", "data/sample": "sample", "schedule": "schedule"}


class BundleHook(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        for folder, name in BUNDLED.items():
            if not (Path(self.root) / folder).is_dir():
                raise FileNotFoundError(f"the wheel carries {folder}/, which is missing in {self.root}")
            build_data["force_include"][folder] = f"alignment_toolkit/_bundled/{name}"
