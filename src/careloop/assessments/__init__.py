"""Questionnaire answers become scores, bands, Observations, and work for people."""

from careloop.assessments.content import content_of
from careloop.assessments.model import Content, Instrument

__all__ = ["Content", "Instrument", "content_of"]
