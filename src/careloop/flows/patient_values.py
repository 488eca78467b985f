"""What the patient page shows, as values."""

from dataclasses import dataclass
from datetime import date, datetime

from careloop.flows.contradiction_values import Waiting
from careloop.flows.timeline import Event, Thread
from careloop.longitudinal import Knowing
from careloop.longitudinal.rules.series import Series
from careloop.loops.model import ClockState
from careloop.teams.model import LeadShown


@dataclass(frozen=True, kw_only=True)
class Line:
    """A name with one line of detail."""

    name: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Header:
    """The identity of a patient on every page about them. `allergies`: None when nobody asked.
    `survivor_id`: the record that is used instead of this one; `joined_ids`: records that were joined into this one."""

    patient_id: str
    name: str
    birth_date: date | None
    age: int | None
    sex: str
    record_number: str
    allergies: tuple[str, ...] | None
    language: str
    interpreter: bool
    phone: str
    best_time: str
    risk: str
    risk_why: str
    programmes: tuple[str, ...]
    deceased: bool
    active: bool
    survivor_id: str | None
    joined_ids: tuple[str, ...]
    made_up: bool


@dataclass(frozen=True, kw_only=True)
class LoopCard:
    """One open or closed loop of the patient. `segments`: for each step, whether its proof is in hand."""

    loop_id: str
    pathway: str
    title: str
    next_step: str
    clock: ClockState
    due: datetime
    owner: str
    owner_name: str
    segments: tuple[bool, ...]
    thread: int | None
    is_open: bool
    closed_why: str = ""


@dataclass(frozen=True, kw_only=True)
class SourceLine:
    """One source as the page shows it. `key` names no person, so that it may stand in an address."""

    key: str
    name: str
    said: str
    detail: str
    document_id: str


@dataclass(frozen=True, kw_only=True)
class FactRow:
    """One matter. `dated`, `age`: of the fact itself; `stale` says why it is too old to rely on, or nothing. `differs`:
    its sources do not say the same status. `trend`: `up`, `down` or `same` against `before`."""

    type: str
    id: str
    name: str
    detail: str
    status: str
    dated: str
    age: str
    stale: str
    sources: tuple[SourceLine, ...]
    knows: tuple[Knowing, ...]
    facts: int
    is_current: bool = True
    differs: bool = False
    trend: str = ""
    before: str = ""
    document_id: str = ""
    order: str = ""


@dataclass(frozen=True, kw_only=True)
class Section:
    """One part of the whole person. `past`: what is over or was replaced by something newer."""

    key: str
    title: str
    empty: str
    rows: tuple[FactRow, ...]
    past: tuple[FactRow, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Trend:
    """One series with a key that names no test, so that it may stand in an address."""

    key: str
    series: Series


@dataclass(frozen=True, kw_only=True)
class SourceChip:
    """A source to filter by, and how many lines name it."""

    key: str
    name: str
    count: int


@dataclass(frozen=True, kw_only=True)
class PatientPage:
    """The whole page. `older` counts the events that were left out; `sources` are those of all sections."""

    header: Header
    goals: tuple[Line, ...]
    sections: tuple[Section, ...]
    trends: tuple[Trend, ...]
    sources: tuple[SourceChip, ...]
    contradictions: tuple[Waiting, ...]
    team: tuple[Line, ...]
    lead: LeadShown | None
    events: tuple[Event, ...]
    older: int
    threads: tuple[Thread, ...]
    open_loops: tuple[LoopCard, ...]
    closed_loops: tuple[LoopCard, ...]
    minutes_this_month: int


@dataclass(frozen=True, kw_only=True)
class PatientHit:
    """One patient found by a search. The birth date is always there, so that the wrong one is not picked."""

    patient_id: str
    name: str
    birth_date: date | None
    age: int | None
    sex: str
    record_number: str
    active: bool
