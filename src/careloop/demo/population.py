"""Made-up people, the same for the same seed: who they are, what they live with, what happened to them lately."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from careloop.demo import words
from careloop.demo.stories import STORIES, Story

STAGES = (
    ("none", 470), ("old-stay", 150), ("in-hospital", 45), ("just-home", 60), ("to-call", 40), ("late-call", 14),
    ("tried", 20), ("called", 45), ("visit-booked", 30), ("summary-missing", 20), ("all-done", 40), ("ed-new", 25),
    ("ed-late", 6), ("ed-done", 10), ("nursing-home", 8), ("readmitted", 6), ("discharge-cancelled", 4), ("planned", 4),
    ("died", 3),
)  # fmt: skip
"""Where people stand, and how many of a thousand."""


@dataclass(frozen=True, kw_only=True)
class Relative:
    """Somebody who may be spoken with."""

    name: tuple[str, str]
    relation: str
    words: str
    phone: str


@dataclass(frozen=True, kw_only=True)
class Person:
    """One made-up patient. `number` is unique within a population; everything else follows from seed and number."""

    number: int
    given: str
    middle: str
    family: str
    sex: str
    birth_date: date
    phone: str
    street: str
    town: tuple[str, str]
    language: tuple[str, str]
    interpreter: bool
    relative: Relative | None
    story: Story
    stage: str
    goal: str | None
    needs: tuple[tuple[str, str, str], ...]
    allergy: tuple[str, str, str] | None
    best_time: str
    hospital: tuple[str, str]

    @property
    def practice_number(self) -> str:
        """The record number that the practice gave."""
        return f"{100_000 + self.number}"

    @property
    def hospital_number(self) -> str:
        """The record number that the hospital gave."""
        return f"{7_000_000 + self.number * 7}"


def patients(seed: int, count: int, today: date = date(2026, 1, 1)) -> Iterator[Person]:
    """`count` people, each from a generator of its own: the hundredth is the same whether or not one asks for the
    ninety-nine before. Ages are as of `today`."""
    for number in range(count):
        yield person(seed, number, today)


def person(seed: int, number: int, today: date) -> Person:
    """One of them."""
    chance = Random(seed * 1_000_003 + number)  # noqa: S311
    sex = chance.choice(("female", "male"))
    story = chance.choices(STORIES, weights=[one.weight for one in STORIES])[0]
    family = chance.choice(words.FAMILY)
    language, spoken, _ = chance.choices(words.LANGUAGES, weights=[one[2] for one in words.LANGUAGES])[0]
    return Person(
        number=number,
        given=chance.choice(words.FEMALE if sex == "female" else words.MALE),
        middle=chance.choice("ABCDEFGHJKLMNPRSTW"),
        family=family,
        sex=sex,
        birth_date=_born(chance, story, today),
        phone=_phone(number),
        street=f"{chance.randint(1, 240)} {chance.choice(words.STREETS)}",
        town=chance.choice(words.TOWNS),
        language=(language, spoken),
        interpreter=language != "en" and chance.random() < 0.7,
        relative=_relative(chance, family, number),
        story=story,
        stage=_stage(number),
        goal=chance.choice(words.GOALS) if chance.random() < 0.7 else None,
        needs=tuple(chance.sample(words.NEEDS, chance.choices((0, 1, 2), weights=(60, 30, 10))[0])),
        allergy=chance.choice(words.ALLERGIES) if chance.random() < 0.35 else None,
        best_time=chance.choice(words.BEST_TIMES),
        hospital=words.HOSPITALS[number % len(words.HOSPITALS)],
    )


def _stage(number: int) -> str:
    """Spread evenly: any few hundred neighbours hold every stage in its share (golden-ratio sequence)."""
    place = (number * 0.6180339887498949) % 1.0 * sum(weight for _, weight in STAGES)
    for stage, weight in STAGES:
        if place < weight:
            return stage
        place -= weight
    return STAGES[0][0]


def _born(chance: Random, story: Story, today: date) -> date:
    youngest, oldest = story.ages
    return today - timedelta(days=chance.randint(youngest * 365 + 30, oldest * 365))


def _phone(number: int) -> str:
    """A number of the range that is kept free for fiction (555-0100 to 555-0199, NANPA)."""
    return f"+1 {words.AREA_CODES[number // 100 % len(words.AREA_CODES)]} 555 01{number % 100:02d}"


def _relative(chance: Random, family: str, number: int) -> Relative | None:
    if chance.random() < 0.35:
        return None
    relation, text, sex = chance.choice(words.RELATIONS)
    names = words.MALE if sex == "male" else words.FEMALE
    surname = family if relation in ("SON", "SPS", "BRO") else chance.choice(words.FAMILY)
    return Relative(name=(chance.choice(names), surname), relation=relation, words=text, phone=_phone(number + 500))
