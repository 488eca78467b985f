"""What the words and codes of another plan mean in ours: the step, and advice with its limits or its choice.

What is not recognised stays words: nothing is guessed, and a number is only read where its unit and size fit.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from unicodedata import combining, normalize

from careloop.careplans.model import Advice, Planning, SubjectKind
from careloop.careplans.others import FROM, STEP_SYSTEM, OtherGoal, OtherPlan, OtherStep

_TOKEN = re.compile(r"[a-z0-9][a-z0-9'-]*")
_NUMBER = re.compile(
    r"(\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?)(?:/\d+)?\s*(?:(?:-|–|to|and|a|y)\s*(\d+(?:\.\d+)?)\s*)?([^\s\d.,;()]*)"
)
_DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d{1,2}(?!\d))")
"""`1,5` is one and a half; `1,500` is one and a half thousand."""
_PER_DAY = re.compile(r"/(d|day|dia|24h)$")
_SIGNS = {
    "≤": " at most ",
    "<=": " at most ",
    "<": " at most ",
    "≥": " at least ",
    ">=": " at least ",
    ">": " at least ",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class StepWords:
    """How a step of ours is called elsewhere."""

    does: str
    codes: tuple[str, ...]
    words: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class SubjectWords:
    """How a subject of advice is called elsewhere. `units`: what one of it is in the subject's unit."""

    subject: str
    codes: tuple[str, ...]
    words: tuple[str, ...]
    units: Mapping[str, Decimal]
    between: tuple[Decimal, Decimal] | None
    plain: str


@dataclass(frozen=True, kw_only=True)
class Recognition:
    """`content/planning/recognising.yaml`."""

    steps: tuple[StepWords, ...]
    subjects: tuple[SubjectWords, ...]
    directions: Mapping[str, Sequence[str]]
    choices: Mapping[str, Sequence[str]]


def does_of(known: Recognition, step: OtherStep) -> str:
    """The name of what is done, over all plans; empty where it is not recognised."""
    for code in step.codes:
        system, _, value = code.partition("|")
        if system == STEP_SYSTEM:
            return value.replace(".", "/", 1)
    by_code = next((one.does for one in known.steps if set(one.codes) & set(step.codes)), "")
    return by_code or next((one.does for one in known.steps if _is_named(one.words, step.title)), "")


def advice_of(known: Recognition, planning: Planning, other: OtherPlan) -> list[Advice]:
    """What the plan says on subjects of ours, from its goals and its steps."""
    found = [
        one
        for goal in other.goals
        for subject in known.subjects
        for one in _of_goal(known, planning, other, goal, subject)
    ]
    for step in other.steps:
        goal = f"{FROM}{step.goals[0]}" if step.goals else other.key
        found += _of_text(known, planning, other, step.title, goal)
    return list(dict.fromkeys(found))


def _of_goal(
    known: Recognition, planning: Planning, other: OtherPlan, goal: OtherGoal, subject: SubjectWords
) -> Iterable[Advice]:
    key = f"{FROM}{goal.id}"
    if goal.measure not in subject.codes or not (goal.low or goal.high):
        yield from _said(known, planning, other, goal.title, key, subject)
        return
    scale = subject.units.get(goal.unit.lower())
    if scale is not None:
        low = Decimal(goal.low) * scale if goal.low else None
        high = Decimal(goal.high) * scale if goal.high else None
        yield _advice(other, subject.subject, goal.title, key, low=low, high=high)


def _of_text(known: Recognition, planning: Planning, other: OtherPlan, text: str, goal: str) -> Iterable[Advice]:
    for subject in known.subjects:
        yield from _said(known, planning, other, text, goal, subject)


def _said(
    known: Recognition, planning: Planning, other: OtherPlan, text: str, goal: str, subject: SubjectWords
) -> Iterable[Advice]:
    if subject.subject not in planning.subjects or not _is_named(subject.words, text):
        return
    if planning.subjects[subject.subject].kind is SubjectKind.CHOICE:
        if choice := _choice(known, text) or subject.plain:
            yield _advice(other, subject.subject, text, goal, choose=choice)
        return
    if (limits := _limits(known, text, subject)) is not None:
        yield _advice(other, subject.subject, text, goal, low=limits[0], high=limits[1])


def _advice(
    other: OtherPlan,
    subject: str,
    says: str,
    goal: str,
    *,
    low: Decimal | None = None,
    high: Decimal | None = None,
    choose: str | None = None,
) -> Advice:
    return Advice(
        plan=other.key, subject=subject, says=says, patient=says, goal=goal, ref=other.ref, mark="",
        at_least=low, at_most=high, choose=choose,
    )  # fmt: skip


def _is_named(lines: Iterable[str], text: str) -> bool:
    spoken = set(_TOKEN.findall(_folded(text)))
    return any(spoken.issuperset(_TOKEN.findall(line)) for line in lines)


def _choice(known: Recognition, text: str) -> str:
    return next((choice for choice, phrases in known.choices.items() if _has_any(phrases, _folded(text))), "")


def _folded(text: str) -> str:
    """Small letters without accents, as the words of the content are written."""
    return "".join(one for one in normalize("NFD", text.lower()) if not combining(one))


def _has_any(phrases: Iterable[str], text: str) -> bool:
    return any(re.search(rf"(?<![\w-]){re.escape(one)}(?![\w-])", text) for one in phrases)


def _limits(known: Recognition, text: str, subject: SubjectWords) -> tuple[Decimal | None, Decimal | None] | None:
    """Least and most; None where no number fits or nothing says which of both it is."""
    plain = _DECIMAL_COMMA.sub(".", _folded(text))
    for sign, words in _SIGNS.items():
        plain = plain.replace(sign, words)
    for found in _NUMBER.finditer(plain):
        scale = subject.units.get(_PER_DAY.sub("", found[3]))
        if scale is None:
            continue
        first = Decimal(found[1].replace(",", "")) * scale
        if subject.between is not None and not subject.between[0] <= first <= subject.between[1]:
            continue
        if found[2]:
            return first, Decimal(found[2]) * scale
        direction = _direction(known, plain) or subject.plain
        if direction == "at-least":
            return first, None
        return (None, first) if direction == "at-most" else None
    return None


def _direction(known: Recognition, text: str) -> str:
    """The longest words are heard first: `no more than` is not `more than`. Empty where both ways are said."""
    phrases = [(one, way) for way, some in known.directions.items() for one in some]
    heard = set()
    for phrase, way in sorted(phrases, key=lambda one: -len(one[0])):
        cut = re.sub(rf"(?<![\w-]){re.escape(phrase)}(?![\w-])", " ", text)
        if cut != text:
            heard.add(way)
            text = cut
    return heard.pop() if len(heard) == 1 else ""
