"""Daily questions with branching: which comes next, what the answers come to, what the patient is told. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from careloop.errors import Rejected

Form = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What the answers of one check-in come to. `level` 0 as usual to 3 warning; `says`: what happens now, told to the
    patient; `scores` by code; `answered`: question, answer, in words."""

    level: int
    says: str
    symptoms: tuple[str, ...]
    scores: Mapping[str, int]
    answered: tuple[tuple[str, str, str, str], ...]


def form_for(check_ins: Mapping[str, Any], conditions: Collection[str]) -> Form:
    """The form of a patient: the first that names one of their conditions, else the general one."""
    forms: Sequence[Form] = check_ins["forms"]
    return next(
        (one for one in forms if set(one["for"]) & set(conditions)), next(one for one in forms if "any" in one["for"])
    )


def next_question(form: Form, answers: Mapping[str, str]) -> Mapping[str, Any] | None:
    """The question that is asked after these answers; None when all is said. Answers beside the way do not count."""
    path = _path(form, answers)
    if path and path[-1][1].get("end"):
        return None
    asked = path[-1][1]["then"] if path else form["first"]
    return _question(form, asked)


def outcome(form: Form, answers: Mapping[str, str], levels: Sequence[Mapping[str, Any]]) -> Outcome:
    """What complete answers come to. `Rejected` where a question is still open."""
    if next_question(form, answers) is not None:
        raise Rejected(at="answer", expected="an answer to each question", code="required")
    path = _path(form, answers)
    level = max(answer["level"] for _, answer in path)
    return Outcome(
        level=level,
        says=next(one["says"] for one in levels if one["level"] == level),
        symptoms=tuple(answer["symptom"] for _, answer in path if "symptom" in answer),
        scores={question["score"]: answer["value"] for question, answer in path if "score" in question},
        answered=tuple((question["id"], question["asks"], answer["id"], answer["says"]) for question, answer in path),
    )


def form_faults(form: Form) -> list[str]:
    """What is wrong with a form: ways that lead nowhere or round in a circle."""
    ids = {question["id"] for question in form["questions"]}
    told = [] if form["first"] in ids else [f"first: {form['first']}"]
    told += [
        f"{question['id']}: {answer['then']}"
        for question in form["questions"]
        for answer in question["answers"]
        if "then" in answer and answer["then"] not in ids
    ]
    order = [question["id"] for question in form["questions"]]
    told += [
        f"{question['id']}: back to {answer['then']}"
        for question in form["questions"]
        for answer in question["answers"]
        if "then" in answer and answer["then"] in ids and order.index(answer["then"]) <= order.index(question["id"])
    ]
    return told


def _path(form: Form, answers: Mapping[str, str]) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    found: list[tuple[Mapping[str, Any], Mapping[str, Any]]] = []
    asked = form["first"]
    while True:
        question = _question(form, asked)
        answer = next((one for one in question["answers"] if one["id"] == answers.get(question["id"])), None)
        if answer is None:
            return found
        found.append((question, answer))
        if answer.get("end"):
            return found
        asked = answer["then"]


def _question(form: Form, question_id: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next(one for one in form["questions"] if one["id"] == question_id)
    return found
