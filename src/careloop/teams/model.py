"""Values of the area: profiles, absences, competencies, memberships, leads and offers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True, kw_only=True)
class StateLicence:
    """A licence in these states (two letters each), from and through these dates; None is open."""

    states: tuple[str, ...]
    first: date | None = None
    last: date | None = None
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What the record says of one of our staff. `practitioner` is the bare id; `working` are minutes by weekday, Monday
    0; empty where nothing is said."""

    practitioner: str
    languages: tuple[str, ...] = ()
    licences: tuple[StateLicence, ...] = ()
    working: Mapping[int, int] = field(default_factory=dict)

    @property
    def states(self) -> tuple[str, ...]:
        """All states of all licences."""
        return tuple(sorted({state for licence in self.licences for state in licence.states}))


@dataclass(frozen=True, kw_only=True)
class Absence:
    """Somebody is away from `starts` to `ends`. References are bare ids of practitioners."""

    id: str
    practitioner: str
    starts: datetime
    ends: datetime
    cover: str | None
    why: str
    by: str
    noted: datetime
    begun: datetime | None = None
    over: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Competency:
    """What somebody has shown, valid through a date (PG-04b)."""

    practitioner: str
    kind: str
    issued: date
    valid_through: date
    by: str


@dataclass(frozen=True, kw_only=True)
class Member:
    """One role of one member of a patient's care team, as a CareTeam says; `practitioner` is the bare id."""

    patient_id: str
    team_id: str
    practitioner: str
    role: str
    ends: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Lead:
    """Who led a patient's care from `led_from` until `led_until` (None: still)."""

    patient_id: str
    lead: str
    led_from: datetime
    led_until: datetime | None
    by: str
    why: str


@dataclass(frozen=True, kw_only=True)
class LeadOffer:
    """Somebody is asked to lead. From `assignable` on a supervisor may assign (PG-01). `rule`: which shift asks."""

    id: str
    patient_id: str
    giver: str
    taker: str
    role: str
    rule: str | None
    why: str
    by: str
    offered: datetime
    assignable: datetime


@dataclass(frozen=True, kw_only=True)
class Item:
    """One loop of a hand-over with what was told of it; `answer` is None while it waits."""

    loop_id: str
    told: Mapping[str, Any]
    answer: str | None = None
    answer_why: str | None = None


@dataclass(frozen=True, kw_only=True)
class HandOver:
    """Work of one person offered to another, each item to be accepted for itself. `since`: the one before."""

    id: str
    giver: str
    taker: str
    note: str
    made: datetime
    since: datetime | None
    items: tuple[Item, ...]


@dataclass(frozen=True, kw_only=True)
class Digest:
    """What was stuck on a morning."""

    day: date
    made: datetime
    lines: list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class LeadShown:
    """Who leads a patient's care, since when and why, and who is asked to."""

    reference: str
    name: str
    since: datetime
    why: str
    offer: LeadOffer | None
    taker_name: str
