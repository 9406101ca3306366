"""The indicators: one file, one question."""
