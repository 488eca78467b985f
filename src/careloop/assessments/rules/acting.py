"""What answers and scores ask for: safety, follow-up, the next instrument, social needs (AS-04 to AS-09)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from careloop.assessments.model import Action, Answer, Does, Instrument, Need, Score, When
from careloop.assessments.rules.scoring import Answers, is_asked, points


def actions_of(instrument: Instrument, score: Score, answers: Answers, *, complete: bool = True) -> tuple[Action, ...]:
    """Everything that has to be done after these answers; of a form that is not complete only what cannot wait.

    An earlier or later score changes nothing of it (AS-04).
    """
    asked = [one for one in instrument.actions if complete or one.at_once]
    found = {one.id: one for one in asked if _holds(one.when, instrument, score, answers)}
    kept = [one for one in found.values() if one.unless not in found]
    return _most_urgent_safety(kept)


def _most_urgent_safety(actions: Sequence[Action]) -> tuple[Action, ...]:
    """One safety concern for one form: the first that holds stands for all, with the words of each."""
    safety = [one for one in actions if one.does is Does.SAFETY]
    rest = tuple(one for one in actions if one.does is not Does.SAFETY)
    if not safety:
        return rest
    first, others = safety[0], [one.says for one in safety[1:]]
    return (replace(first, says=". ".join([first.says, *others])), *rest)


def _holds(when: When, instrument: Instrument, score: Score, answers: Answers) -> bool:
    if when.any:
        return any(_holds(one, instrument, score, answers) for one in when.any)
    told: list[bool] = []
    if when.item is not None:
        item = instrument.item(when.item)
        found = points(item, answers.get(when.item)) if item else None
        told.append(found is not None and found > when.above)
    if when.unanswered is not None:
        item = instrument.item(when.unanswered)
        is_open = item is not None and is_asked(item, answers) and points(item, answers.get(item.id)) is None
        told.append(is_open and score.answered > 0)
    if when.positive:
        told.append(score.positive is True)
    if when.review:
        told.append(score.review)
    return bool(told) and all(told)


def needs_of(needs: Iterable[Need], by_loinc: Mapping[str, Answer], by_item: Mapping[str, Answer]) -> tuple[Need, ...]:
    """The social needs that these answers tell of (AS-08), in the order of content."""
    sources: Mapping[str, Mapping[str, Answer]] = {"loinc": by_loinc, "item": by_item}

    def is_told(need: Need) -> bool:
        return any(
            key in sources[kind] and not codes.isdisjoint(sources[kind][key].codes) for kind, key, codes in need.answers
        )

    return tuple(need for need in needs if is_told(need))
