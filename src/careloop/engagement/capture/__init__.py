"""The capture box: a small language for what one save writes. Pure."""

from careloop.engagement.capture.grammar import Grammar, grammar_of
from careloop.engagement.capture.limits import Doubt, canonical_of, doubts
from careloop.engagement.capture.model import Code, Entry, Item, Measure, Reading, Unit, Who, Wrong
from careloop.engagement.capture.parsing import LONGEST, parse

__all__ = [
    "LONGEST",
    "Code",
    "Doubt",
    "Entry",
    "Grammar",
    "Item",
    "Measure",
    "Reading",
    "Unit",
    "Who",
    "Wrong",
    "canonical_of",
    "doubts",
    "grammar_of",
    "parse",
]
