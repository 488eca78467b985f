"""What the patient page shows, as values."""

from dataclasses import dataclass
from datetime import date, datetime

from careloop.flows.timeline import Event, Thread
from careloop.loops.model import ClockState


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
class PatientPage:
    """The whole page. `older` counts the events that were left out."""

    header: Header
    goals: tuple[Line, ...]
    problems: tuple[Line, ...]
    medicines: tuple[Line, ...]
    needs: tuple[Line, ...]
    team: tuple[Line, ...]
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
