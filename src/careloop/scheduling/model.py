"""Values of the diary."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

VISIT_KIND = "urn:careloop:visit-kind"
MISSED_REASON = "urn:careloop:missed-visit"
HL7_REASON = "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason"
FIX = "urn:careloop:fix"

TAKES_TIME = frozenset({"pending", "booked", "arrived", "checked-in", "fulfilled"})
"""States of an Appointment in which it takes the time of those who take part (FHIR appointmentstatus)."""
OVER = frozenset({"cancelled", "noshow"})


@dataclass(frozen=True, order=True)
class Window:
    """From `start` until just before `end`."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return self.end - self.start

    def meets(self, other: "Window") -> bool:
        """True where both have a moment in common."""
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, order=True)
class WeekHours:
    """On this weekday (Monday is 0) somebody can be booked from `opens` to `closes`, by the clock on the wall."""

    weekday: int
    opens: time
    closes: time


@dataclass(frozen=True, kw_only=True)
class Taken:
    """Time of one actor that is taken. `holder` is the id of the Appointment, Slot or offer that takes it."""

    holder: str
    actor: str
    kind: str
    status: str
    window: Window
    clash: bool = False


@dataclass(frozen=True, kw_only=True)
class VisitKind:
    """A sort of visit that can be booked. `where` is office, home, video or phone; `roles` who usually holds it, empty
    for everybody."""

    id: str
    words: str
    minutes: int
    where: str
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why a visit was not kept, and what is done about it. `side` is patient, practice or nobody."""

    id: str
    words: str
    side: str
    hl7: str
    fix: str = ""
    role: str = ""


@dataclass(frozen=True, kw_only=True)
class Travel:
    """What is assumed about the way between two homes; minutes but for the factor and the speed."""

    road_factor: float
    miles_per_hour: float
    same_zip: int
    same_town: int
    other: int
    least: int


@dataclass(frozen=True, kw_only=True)
class Visits:
    """`content/scheduling/visits.yaml` as values."""

    kinds: Mapping[str, VisitKind]
    reasons: Mapping[str, Reason]
    notice: timedelta
    open_for: timedelta
    days_ahead: int
    slot_minutes: int
    assumed_minutes: int
    travel: Travel
    practice_hours: tuple[WeekHours, ...] = ()
    version: str = ""
    reviewed: bool = False


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """Somebody who waits for a visit. `need` is Appointment.priority: 1 is the most urgent, 9 the least, 0 not said."""

    id: str
    patient_id: str
    need: int
    minutes: int
    kind: str
    since: datetime
    wanted: Window | None = None
    actor: str | None = None
    latest: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A freed time that one waiting person may have; `freed_until` is the end of all that was freed."""

    id: str
    waiting_id: str
    patient_id: str
    actor: str
    window: Window
    freed_by: str
    freed_until: datetime
    owner: str
    why: str
    state: str
    offered: datetime
    expires: datetime
    answered: datetime | None = None
    answered_by: str | None = None


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a home is, as far as the record says."""

    latitude: float | None = None
    longitude: float | None = None
    postal_code: str = ""
    town: str = ""
    line: str = ""


@dataclass(frozen=True, kw_only=True)
class Stop:
    """A visit of the day. `within` is when the patient can be visited; `at` is what is booked now."""

    id: str
    place: Place
    minutes: int
    at: datetime
    within: Window


@dataclass(frozen=True, kw_only=True)
class Leg:
    """One stop in the order of the day: how long the way there takes, what was assumed, when it begins. `late` where
    its window cannot be kept."""

    stop: Stop
    minutes: int
    assumed: str
    arrives: datetime
    begins: datetime
    late: bool = False


@dataclass(frozen=True, kw_only=True)
class Route:
    """The day in its order. `travel` is all minutes on the way."""

    legs: tuple[Leg, ...] = field(default_factory=tuple)
    travel: int = 0

    @property
    def late(self) -> int:
        """How many windows cannot be kept."""
        return sum(leg.late for leg in self.legs)
