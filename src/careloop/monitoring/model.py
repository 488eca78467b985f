"""Values of the area: readings, what was judged of them, what they breach, the alerts that follow, a patient's plan."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum


class Tier(StrEnum):
    """How soon somebody must act (MO-09)."""

    GREY = "grey"
    YELLOW = "yellow"
    RED = "red"

    @property
    def rank(self) -> int:
        """Larger is worse."""
        return ("grey", "yellow", "red").index(self.value)


class State(StrEnum):
    """What a reading is good for."""

    VALID = "valid"
    DUPLICATE = "duplicate"
    QUARANTINED = "quarantined"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One value as it came (MO-01), in the unit that rules compare in. `given` is what the device said, with its unit;
    `live`: the device sends at once; `automatic`: no hand typed it (MO-13); `value` None: the device tells of an error.
    `symptoms` are codes told with a check-in."""

    id: str
    metric: str
    value: Decimal | None
    measured: datetime
    received: datetime
    device: str = ""
    live: bool = False
    fasting: bool = False
    automatic: bool = True
    given: str = ""
    symptoms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One row that one reading breaches. `at`: when this could be known; `measure` is what is compared with later
    breaches of the row (MO-08), worse when `higher` or lower."""

    row: str
    alert: str
    tier: Tier
    at: datetime
    measured: datetime
    reading: str
    measure: Decimal
    higher: bool
    late: bool
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A reading with its state, its flags and what it breaches. `waits_until`: a repeat is awaited (MO-05)."""

    reading: Reading
    state: State
    clock: bool = False
    late: bool = False
    why: str = ""
    findings: tuple[Finding, ...] = ()
    waits_until: datetime | None = None

    @property
    def moment(self) -> datetime:
        """When it counts as measured: by our clock where the device's is wrong (MO-01)."""
        return self.reading.received if self.clock else self.reading.measured


@dataclass(frozen=True, kw_only=True)
class SignedLimits:
    """A patient's own numbers by row, as a clinician signed them; None turns the row off. They hold from `at` on."""

    at: datetime
    by: str
    values: Mapping[str, Decimal | None]
    id: str = ""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is watched of a patient: since when, for which conditions, with which limits and own numbers (`usual`), and
    how often they are asked (`rhythm`, since when, at which time of day). `resume`: a pause ends by itself then;
    `admitted`: they are in a hospital now."""

    zone: str
    since: datetime
    conditions: frozenset[str] = frozenset()
    until: datetime | None = None
    limits: tuple[SignedLimits, ...] = ()
    usual: Mapping[str, Decimal] = field(default_factory=dict)
    discharged: date | None = None
    holds: tuple[tuple[datetime, datetime | None], ...] = ()
    live: frozenset[str] = frozenset()
    rhythm: str = ""
    rhythm_since: datetime | None = None
    ask_at: str = ""
    resume: datetime | None = None
    admitted: bool = False
    deceased: bool = False

    def watched(self, at: datetime) -> bool:
        """True while the patient takes part."""
        return self.since <= at and (self.until is None or at <= self.until)

    def held(self, at: datetime) -> bool:
        """True while no reading is expected."""
        return any(start <= at and (end is None or at < end) for start, end in self.holds)


@dataclass(frozen=True, kw_only=True)
class Act:
    """What became of an alert by hand: when it was seen, when and how it was closed."""

    seen: datetime | None = None
    closed: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One matter of one patient (MO-08). `number` counts its alerts from 0; `since` is when its tier was reached."""

    alert: str
    number: int
    tier: Tier
    opened: datetime
    since: datetime
    findings: tuple[Finding, ...]
    closed: datetime | None = None
    settled: bool = False

    @property
    def key(self) -> str:
        """Its name among those of the patient."""
        return f"{self.alert}-{self.number}"

    @property
    def late(self) -> bool:
        """MO-02: a red that came late is phoned, not sent to the emergency pathway."""
        reds = [one for one in self.findings if one.tier is Tier.RED]
        return bool(reds) and all(one.late for one in reds)

    @property
    def readings(self) -> tuple[str, ...]:
        """The readings that it rests on, oldest first."""
        ordered = sorted(self.findings, key=lambda one: (one.measured, one.reading))
        return tuple(dict.fromkeys(one.reading for one in ordered))

    @property
    def worst(self) -> Finding:
        """The breach that decides its tier, the newest of them."""
        return max(self.findings, key=lambda one: (one.tier.rank, one.measured, one.row))
