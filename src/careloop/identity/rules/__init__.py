"""Pure decisions of identity: which identifiers count, how names fold, how two descriptions compare."""

from careloop.identity.rules.identifiers import clean, joins, skeleton, splits
from careloop.identity.rules.patient import demographics_of, identifiers_of
from careloop.identity.rules.scoring import Likeness
from careloop.identity.rules.weights import Weights, read_weights

__all__ = [
    "Likeness",
    "Weights",
    "clean",
    "demographics_of",
    "identifiers_of",
    "joins",
    "read_weights",
    "skeleton",
    "splits",
]
