"""Pure decisions about answers: scores, what follows, change over time, what still has to be asked."""

from careloop.assessments.rules.acting import actions_of, needs_of
from careloop.assessments.rules.comparing import Change, add_span, compared, rescreen_due
from careloop.assessments.rules.scoring import is_asked, points, score

__all__ = [
    "Change",
    "actions_of",
    "add_span",
    "compared",
    "is_asked",
    "needs_of",
    "points",
    "rescreen_due",
    "score",
]
