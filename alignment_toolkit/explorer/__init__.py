"""The explorer: a company looked at from all sides, with controls in a notebook and as plain pages without one."""

from __future__ import annotations

from alignment_toolkit.explorer.exploring import Explorer, explore
from alignment_toolkit.explorer.last_wins import LastWins
from alignment_toolkit.explorer.looking import TOPICS, Looking
from alignment_toolkit.explorer.presenting import Presentation, present
from alignment_toolkit.explorer.shown import Shown
from alignment_toolkit.explorer.view import View

__all__ = ["TOPICS", "Explorer", "LastWins", "Looking", "Presentation", "Shown", "View", "explore", "present"]
