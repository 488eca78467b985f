"""Values of the area: instruments, answers, scores, what follows from them; check-ins and what is known already."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One answer of a list. `score` is None for an answer that counts as no answer in the total."""

    code: str
    text: str
    score: Decimal | None


@dataclass(frozen=True, kw_only=True)
class In:
    """True where `item` was answered with one of `codes`. `counts`: the points that an item then has without being
    asked."""

    item: str
    codes: frozenset[str]
    counts: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class Item:
    """One question of an instrument. Without `text` its wording is not shipped: only its points can be entered."""

    id: str
    label: str
    loinc: str | None = None
    text: str = ""
    lead: str = ""
    choices: tuple[Choice, ...] = ()
    values: tuple[Decimal, ...] = ()
    least: Decimal | None = None
    most: Decimal | None = None
    unit: str = ""
    many: bool = False
    scored: bool = True
    reverse: bool = False
    weight: int = 1
    private: bool = False
    crisis: bool = False
    only: In | None = None
    unless: In | None = None


@dataclass(frozen=True, kw_only=True)
class When:
    """What an action waits for: all that is set must be so; of `any` one."""

    item: str | None = None
    above: Decimal = Decimal(0)
    unanswered: str | None = None
    positive: bool = False
    review: bool = False
    any: tuple["When", ...] = ()


class Does(StrEnum):
    """What an action asks for."""

    SAFETY = "safety"
    FOLLOW_UP = "follow-up"
    ASK = "ask"


@dataclass(frozen=True, kw_only=True)
class Action:
    """What somebody has to do, why, and by when (AS-04). `at_once` does not wait until the form is complete."""

    id: str
    does: Does
    rule: str
    says: str
    due: str
    when: When = field(default_factory=When)
    priority: str = "urgent"
    ask: str | None = None
    at_once: bool = False
    private: bool = False
    unless: str | None = None


@dataclass(frozen=True, kw_only=True)
class Band:
    """A word for totals from `low` to `high`, both included."""

    low: Decimal
    high: Decimal
    name: str


@dataclass(frozen=True, kw_only=True)
class Positive:
    """When a score is positive. `review_if_only`: all points from this item are looked at first, never positive by
    themselves."""

    at_least: Decimal | None = None
    at_most: Decimal | None = None
    by_sex: Mapping[str, Decimal] = field(default_factory=dict)
    review_if_only: str | None = None
    any: tuple[In, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Missing:
    """How a total is made though answers are missing: at most `most`, none of `never`; else there is no total."""

    most: int = 0
    never: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Rescreen:
    """When to ask again (AS-10): the first line whose words hold."""

    every: str
    rule: str
    says: str
    total_at_least: Decimal | None = None
    was_positive: bool | None = None


@dataclass(frozen=True, kw_only=True)
class ForVisit:
    """Whether a score counts for a visit (AS-11): so many days before it; a plan until so many days after it; people
    with one of `unless` (`system|code`) are not asked for."""

    days_before: int
    plan_days: int
    unless: tuple[str, ...]
    rule: str
    says: str


@dataclass(frozen=True, kw_only=True)
class Subscale:
    """The mean of some items."""

    id: str
    title: str
    items: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Instrument:
    """One instrument in one version, as content says."""

    id: str
    version: str
    title: str
    short: str
    about: str
    mark: str
    reviewed: bool
    ship: str
    notice: str
    panel: str | None
    total_code: str | None
    method: str
    better: str
    items: tuple[Item, ...]
    lead: str = ""
    script: str = ""
    note: str = ""
    minutes: int = 3
    unit: str = "{score}"
    range: tuple[Decimal, Decimal] | None = None
    missing: Missing = field(default_factory=Missing)
    subscales: tuple[Subscale, ...] = ()
    bands: tuple[Band, ...] = ()
    positive: Positive | None = None
    severe: tuple[Decimal, str] | None = None
    change: Mapping[str, Decimal] = field(default_factory=dict)
    actions: tuple[Action, ...] = ()
    rescreen: tuple[Rescreen, ...] = ()
    visit: ForVisit | None = None
    needs: bool = False
    fresh: str = "30 days"
    aliases: tuple[str, ...] = ()
    labels: tuple[Mapping[str, str], ...] = ()
    by: frozenset[str] = frozenset({"patient", "caregiver", "staff"})
    score_private: bool = False
    score_title: str = ""

    @property
    def url(self) -> str:
        """The canonical address of its Questionnaire."""
        return f"urn:careloop:questionnaire:{self.id}"

    @property
    def can_be_asked(self) -> bool:
        """True where every question has its wording."""
        return bool(self.items) and all(item.text for item in self.items)

    def item(self, item_id: str) -> Item | None:
        """The item of that id."""
        return next((item for item in self.items if item.id == item_id), None)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What was answered: codes of a list, a number, or words. An answer without any of them is none."""

    codes: tuple[str, ...] = ()
    number: Decimal | None = None
    text: str = ""

    @property
    def given(self) -> bool:
        """True where something was answered."""
        return bool(self.codes or self.text or self.number is not None)


@dataclass(frozen=True, kw_only=True)
class Score:
    """What answers come to. `total` is None where the rules give none; missing is never zero (AS-03)."""

    instrument: str
    version: str
    total: Decimal | None
    answered: int
    asked: int
    missing: tuple[str, ...]
    prorated: bool = False
    band: str | None = None
    positive: bool | None = None
    review: bool = False
    severe: str = ""
    subscales: tuple[tuple[str, str, Decimal | None], ...] = ()

    @property
    def state(self) -> str:
        """`complete`, `prorated`, or `incomplete`."""
        if self.prorated:
            return "prorated"
        return "complete" if not self.missing else "incomplete"


@dataclass(frozen=True, kw_only=True)
class Need:
    """A social need as content says (AS-08)."""

    id: str
    title: str
    task: str
    icd10: tuple[str, ...]
    due: str
    category: str | None = None
    snomed: str | None = None
    private: bool = False
    safety: bool = False
    answers: tuple[tuple[str, str, frozenset[str]], ...] = ()


@dataclass(frozen=True, kw_only=True)
class OwnItem:
    """One question of a check-in that is no instrument's."""

    id: str
    kind: str
    label: str
    text: str
    fresh: str
    hint: str = ""
    known: str | None = None
    becomes: str | None = None
    contradicted_by: frozenset[str] = frozenset()
    choices: tuple[Choice, ...] = ()
    unit: str = ""
    most: int | None = None


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of a check-in: own items, or one instrument."""

    id: str
    title: str
    by: frozenset[str]
    script: str = ""
    items: tuple[OwnItem, ...] = ()
    instrument: str | None = None
    every: str = ""
    unless_fresh: str | None = None
    from_age: int | None = None
    offers_help: bool = False
    then: tuple[str, Decimal] | None = None


@dataclass(frozen=True, kw_only=True)
class CheckIn:
    """A conversation made of sections."""

    id: str
    version: str
    title: str
    short: str
    welcome: str
    sections: tuple[Section, ...]
    reviewed: bool = False

    @property
    def url(self) -> str:
        """The canonical address of its Questionnaire."""
        return f"urn:careloop:questionnaire:{self.id}"


@dataclass(frozen=True, kw_only=True)
class Said:
    """An answer with who gave it, when, in which mode and language (AS-01)."""

    answer: Answer
    words: str
    by: str
    at: datetime
    mode: str = ""
    language: str = ""
    source: str = ""


@dataclass(frozen=True, kw_only=True)
class About:
    """What rules need to know of the patient."""

    sex: str = "other"
    born: date | None = None


@dataclass(frozen=True, kw_only=True)
class Content:
    """Everything that content says about assessments. `old` are earlier versions by `<id>@<version>`."""

    instruments: Mapping[str, Instrument]
    old: Mapping[str, Instrument]
    needs: tuple[Need, ...]
    checkins: Mapping[str, CheckIn]
    texts: Mapping[str, str]
    languages: tuple[tuple[str, str, bool], ...]
