"""The kind *indicator*: facts from its author, verdict from the framework, words from its header.

An indicator is one function in one file. It is handed only the tables and columns that its header declares and
returns an `Observation`; `Indicator.look` keeps that as a `Look`; `verdict.verdicts` judges all looks of an Analysis.
"""

from alignment_toolkit.indicator.declare import indicator
from alignment_toolkit.indicator.header import AREAS, Indicator, Look
from alignment_toolkit.indicator.outcomes import CLIENT_SIGNS, DEAL_ENDS, LEAD_ENDS
from alignment_toolkit.indicator.seen import EVIDENCE_ROWS, Data, Observation, evidence

__all__ = [
    "AREAS",
    "CLIENT_SIGNS",
    "DEAL_ENDS",
    "EVIDENCE_ROWS",
    "LEAD_ENDS",
    "Data",
    "Indicator",
    "Look",
    "Observation",
    "evidence",
    "indicator",
]
