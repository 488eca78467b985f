"""Pure decisions of identity: which identifiers count, how names fold, how two descriptions compare."""

from careloop.identity.rules.blocking import blocking_keys
from careloop.identity.rules.identifiers import clean, joins, skeleton, splits
from careloop.identity.rules.patient import demographics_of, identifiers_of
from careloop.identity.rules.scoring import REVIEW_POINTS, compare, may_reach_review, search_score

__all__ = [
    "REVIEW_POINTS",
    "blocking_keys",
    "clean",
    "compare",
    "demographics_of",
    "identifiers_of",
    "joins",
    "may_reach_review",
    "search_score",
    "skeleton",
    "splits",
]
