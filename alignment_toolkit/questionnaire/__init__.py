"""The questionnaire on working together: a blank form to send out, the forms that come back, and what they say."""

from __future__ import annotations

from alignment_toolkit.questionnaire.form import write_form
from alignment_toolkit.questionnaire.reading import SurveyReading, read_survey
from alignment_toolkit.questionnaire.returned import Answer, read_returned, write_survey

__all__ = ["Answer", "SurveyReading", "read_returned", "read_survey", "write_form", "write_survey"]
