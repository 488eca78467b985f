"""Contacts, wishes, verdicts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time


@dataclass(frozen=True, kw_only=True)
class Contact:
    """One thing that went out. `medium` is a code of v3-ParticipationMode; `answered`: somebody was reached or
    answered; `failure`: the code of a way that does not work, else empty; `agreed`: in a rhythm that the patient agreed
    to."""

    reference: str
    at: datetime
    medium: str
    answered: bool
    failure: str = ""
    agreed: bool = False


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What the patient wants. `refused`: ways not to be used; `preferred`: the way they like best, else empty;
    `hours`: their own words on when."""

    refused: frozenset[str] = frozenset()
    preferred: str = ""
    hours: str = ""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A contact about to be made. `deadline`: of what it is for; None where there is none. `agreed`: in a rhythm that
    the patient agreed to."""

    medium: str
    safety: bool = False
    promised: bool = False
    agreed: bool = False
    deadline: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the budget says. `medium`: the way to use. `rule`: by which rule; `not_before`: from when on, None for now.

    `spent` of `most` contacts were made in the window.
    """

    allowed: bool
    medium: str
    rule: str
    not_before: datetime | None
    spent: int
    most: int
    days: int


@dataclass(frozen=True, kw_only=True)
class Band:
    """Some hours of the day."""

    id: str
    title: str
    starts: time
    ends: time


@dataclass(frozen=True, kw_only=True)
class Tried:
    """How often somebody answered in a band by one way."""

    band: str
    title: str
    medium: str
    reached: int
    tries: int


@dataclass(frozen=True, kw_only=True)
class Budget:
    """`content/engagement/contact-budget.yaml` as values. `rules` are sentences by id."""

    most: int
    days: int
    quiet_from: time
    quiet_until: time
    quiet_media: frozenset[str]
    silent_tries: int
    silent_days: int
    silent_media: frozenset[str]
    failures: frozenset[str]
    learn_least: int
    learn_days: int
    bands: tuple[Band, ...]
    titles: Mapping[str, str]
    instead: Mapping[str, tuple[str, ...]]
    planned_steps: frozenset[str]
    promised_pathways: frozenset[str]
    agreed_categories: frozenset[str]
    rules: Mapping[str, str]
