"""Settings: alignment.toml, read whole, checked whole, every mistake named with its line."""

from alignment_toolkit.settings.loading import Settings, expand
from alignment_toolkit.settings.mistakes import InvalidSettings, Mistake
from alignment_toolkit.settings.model import ColumnMapping, TableMapping, TablePart
from alignment_toolkit.settings.reference import settings_schema

__all__ = [
    "ColumnMapping",
    "InvalidSettings",
    "Mistake",
    "Settings",
    "TableMapping",
    "TablePart",
    "expand",
    "settings_schema",
]
