"""Questions with branching: which comes next, what the answers come to, what the patient is told. Pure.

Who lives with several conditions is asked each form in turn; a question of the same words is asked once, its answer
holds in every form. Answers are by place: `form.question`. Answers beside the way do not count.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from careloop.errors import Rejected

Form = Mapping[str, Any]
Forms = Sequence[Form]


@dataclass(frozen=True, kw_only=True)
class Said:
    """One answer on the way: its place, the question and the answer as the content has them."""

    place: str
    question: Mapping[str, Any]
    answer: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The question that is asked next, and where its answer belongs."""

    place: str
    question: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What the answers of one check-in come to. `level` 0 as usual to 3 warning; `says`: what happens now, told to the
    patient; `scores` by code; `answered`: place, question, answer, in words."""

    level: int
    says: str
    symptoms: tuple[str, ...]
    scores: Mapping[str, int]
    answered: tuple[tuple[str, str, str, str], ...]


def forms_for(check_ins: Mapping[str, Any], conditions: Collection[str]) -> tuple[Form, ...]:
    """The forms of a patient: each that names one of their conditions, else the general one."""
    forms: Forms = check_ins["forms"]
    mine = tuple(one for one in forms if set(one["for"]) & set(conditions))
    return mine or tuple(one for one in forms if "any" in one["for"])


def usual_rhythm(check_ins: Mapping[str, Any], conditions: Collection[str], *, after_discharge: bool) -> str:
    """How often somebody with these conditions is asked where nobody chose: the rhythm after a hospital stay while it
    is near, else that of the first form."""
    if after_discharge:
        found = next((one["id"] for one in check_ins["rhythms"] if one.get("from") == "discharge"), None)
        if found is not None:
            return str(found)
    return str(forms_for(check_ins, conditions)[0]["rhythm"])


def said_so_far(forms: Forms, answers: Mapping[str, str]) -> tuple[Said, ...]:
    """The answers on the way, in the order in which they were asked."""
    return tuple(one for one in _walk(forms, answers) if isinstance(one, Said))


def next_question(forms: Forms, answers: Mapping[str, str]) -> Asked | None:
    """The question that is asked after these answers; None when all is said."""
    return next((one for one in _walk(forms, answers) if isinstance(one, Asked)), None)


def outcome(
    forms: Forms, answers: Mapping[str, str], levels: Sequence[Mapping[str, Any]], *, so_far: bool = False
) -> Outcome:
    """What the answers come to. `Rejected` where a question is still open, or with `so_far` where nothing was said."""
    said = said_so_far(forms, answers)
    if not said or (not so_far and next_question(forms, answers) is not None):
        raise Rejected(at="answer", expected="an answer to each question", code="required")
    level = max(one.answer["level"] for one in said)
    return Outcome(
        level=level,
        says=next(one["says"] for one in levels if one["level"] == level),
        symptoms=tuple(dict.fromkeys(one.answer["symptom"] for one in said if "symptom" in one.answer)),
        scores={one.question["score"]: one.answer["value"] for one in said if "score" in one.question},
        answered=tuple((one.place, one.question["asks"], one.answer["id"], one.answer["says"]) for one in said),
    )


def changes(before: Sequence[Sequence[str]], now: Sequence[Sequence[str]]) -> list[tuple[str, str, str]]:
    """What is told otherwise than last time: question, the answer then (empty where it was not asked), the answer now.
    Each line is question and answer in words."""
    then: dict[str, str] = {one[0]: one[1] for one in before}
    return [(asks, then.get(asks, ""), says) for asks, says in now if then.get(asks, "") != says]


def form_faults(form: Form) -> list[str]:
    """What is wrong with a form: ways that lead nowhere or round in a circle."""
    order = [question["id"] for question in form["questions"]]
    told = [] if form["first"] in order else [f"first: {form['first']}"]
    for question in form["questions"]:
        for answer in question["answers"]:
            then = answer.get("then")
            if then is not None and then not in order:
                told.append(f"{question['id']}: {then}")
            elif then is not None and order.index(then) <= order.index(question["id"]):
                told.append(f"{question['id']}: back to {then}")
    return told


def _walk(forms: Forms, answers: Mapping[str, str]) -> Iterator[Said | Asked]:
    """The answers on the way, then the question that is open."""
    known: dict[tuple[str, str], str] = {}
    for form in forms:
        asked: str | None = form["first"]
        while asked is not None:
            question = _question(form, asked)
            place, words = f"{form['id']}.{question['id']}", (question["id"], question["asks"])
            given = known.get(words, answers.get(place))
            answer = next((one for one in question["answers"] if one["id"] == given), None)
            if answer is None:
                yield Asked(place=place, question=question)
                return
            if words not in known:
                yield Said(place=place, question=question, answer=answer)
                known[words] = answer["id"]
            asked = None if answer.get("end") else answer["then"]


def _question(form: Form, question_id: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next(one for one in form["questions"] if one["id"] == question_id)
    return found
