"""The slides: native tables and charts, speaker notes with method and source, on an own master or the client's."""

from alignment_toolkit.report.pptx.story import render

__all__ = ["render"]
