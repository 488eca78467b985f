"""Yes, no, or cannot be said (None): the three answers of terminology, joined without ever taking unknown for no."""

from collections.abc import Iterable

Answer = bool | None


def any_of(answers: Iterable[Answer]) -> Answer:
    """True where one is true; None where none is and one is unknown."""
    unknown = False
    for one in answers:
        if one:
            return True
        unknown = unknown or one is None
    return None if unknown else False


def all_of(answers: Iterable[Answer]) -> Answer:
    """False where one is false; None where none is and one is unknown."""
    unknown = False
    for one in answers:
        if one is False:
            return False
        unknown = unknown or one is None
    return None if unknown else True


def negated(answer: Answer) -> Answer:
    """The opposite; unknown stays unknown."""
    return None if answer is None else not answer
