"""Codes: what they mean, where they belong, how they stand to each other. The shop window of the area."""

from careloop.terminology.checking import Coding, Manner
from careloop.terminology.expansion import Expansion, Wanted
from careloop.terminology.library import Packed
from careloop.terminology.model import Concept, Match, Missing, Validation
from careloop.terminology.overlays import Overlay, Overlays
from careloop.terminology.reading import read_concept_map
from careloop.terminology.terminology import Terminology
from careloop.terminology.translation import Question

__all__ = [
    "Coding",
    "Concept",
    "Expansion",
    "Manner",
    "Match",
    "Missing",
    "Overlay",
    "Overlays",
    "Packed",
    "Question",
    "Terminology",
    "Validation",
    "Wanted",
    "read_concept_map",
]
