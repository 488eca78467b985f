"""What lists and pages show of contradictions, as values."""

from dataclasses import dataclass
from datetime import datetime

from careloop.longitudinal import Side
from careloop.loops.model import ClockState


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """One contradiction as lists and the patient page show it. `left` and `right` are what the sides say."""

    id: str
    patient_id: str
    patient_name: str
    title: str
    ask: str
    severity: str
    says: str
    left: tuple[Side, ...]
    right: tuple[Side, ...]
    opened: datetime
    due: datetime
    clock: ClockState
    owner: str
    owner_name: str
    state: str
    decided: str = ""
    decided_by: str = ""
    why: str = ""
    ended: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class WaitingList:
    """Those that are due first, and how many wait in all."""

    items: tuple[Waiting, ...]
    total: int
