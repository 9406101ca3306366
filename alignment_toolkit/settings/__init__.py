"""Settings: alignment.toml, read whole, checked whole, every mistake named with its line."""

from alignment_toolkit.settings.loading import Settings, expand, settings_schema
from alignment_toolkit.settings.mistakes import InvalidSettings, Mistake
from alignment_toolkit.settings.model import ColumnMapping, TableMapping, TablePart

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
