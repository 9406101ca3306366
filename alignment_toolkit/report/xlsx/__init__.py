"""The workbook: a sheet per part of the report, tables with names, numbers as numbers, charts that can be edited."""

from alignment_toolkit.report.xlsx.book import embedded, render

__all__ = ["embedded", "render"]
