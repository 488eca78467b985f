"""Facts of many sources about one person: who told them, which are one matter, what cannot both be right."""

from careloop.longitudinal.content import Longitudinal, longitudinal_of
from careloop.longitudinal.model import Contradiction, Fact, Knowing, Knows, Matter, Side, Source, SourceKind
from careloop.longitudinal.rules.contradictions import find
from careloop.longitudinal.rules.folding import fold
from careloop.longitudinal.rules.knowing import Ledger
from careloop.longitudinal.rules.sources import People, named_in, sources_of, told_by
from careloop.longitudinal.rules.statements import statements

__all__ = [
    "Contradiction",
    "Fact",
    "Knowing",
    "Knows",
    "Ledger",
    "Longitudinal",
    "Matter",
    "People",
    "Side",
    "Source",
    "SourceKind",
    "find",
    "fold",
    "longitudinal_of",
    "named_in",
    "sources_of",
    "statements",
    "told_by",
]
