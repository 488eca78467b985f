"""What the engine must know of a patient, taken from FHIR resources and frozen.

Instants are aware and in UTC. Codes are written `system|code`. References to proof are versioned
(`Communication/7/_history/2`); references to things are not (`Encounter/9`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import cached_property


class Contact(StrEnum):
    """What a message or call to the patient was (transitions.md TR-21 to TR-23)."""

    REACHED = "reached"
    """Two-way contact with the patient or somebody who cares for them."""
    ATTEMPT = "attempt"
    """A try that reached nobody, or a message without an answer."""


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One thing that a resource says happened, in the form that conditions ask about.

    It happened between `at` and `latest` (a date covers its day). `ties` are the references of `basedOn`, `partOf`,
    `encounter`, `context`, `about`, `focus` and whatever else says what it belongs to. `roles` are the performer's role
    codes, None where the record does not say. `decision_level` is the level of medical decision making of a visit
    (`low`, `moderate`, `high`).

    `keys` are named words that pathways ask about (`priority`, `finding`, `warning`); `dates` are instants it names
    (`due`: what was promised or planned for then). `changed` is when its present state came about, where the resource
    says so, else when this version was written. One resource may give several facts: a Task one for each state it has
    reached, an Appointment one for the booking (`Booking`) and one for the visit.
    """

    reference: str
    resource_type: str
    at: datetime
    latest: datetime
    status: str
    says: str
    categories: frozenset[str] = frozenset()
    codes: frozenset[str] = frozenset()
    encounter_class: str | None = None
    contact: Contact | None = None
    about_patient: bool = False
    has_practitioner: bool = False
    roles: frozenset[str] | None = None
    practitioners: frozenset[str] = frozenset()
    decision_level: str | None = None
    ties: frozenset[str] = frozenset()
    intent: str | None = None
    business_status: frozenset[str] = frozenset()
    reasons: frozenset[str] = frozenset()
    interpretation: frozenset[str] = frozenset()
    sender: str = ""
    keys: Mapping[str, str] = field(default_factory=dict, hash=False)
    dates: Mapping[str, datetime] = field(default_factory=dict, hash=False)
    changed: datetime | None = None

    @property
    def thing(self) -> str:
        """The reference without its version: `Type/id`."""
        return self.reference.split("/_history/")[0]


@dataclass(frozen=True, kw_only=True)
class ClassInterval:
    """The stay had this class (v3-ActCode) from `start` to `end`; None means unknown or not yet."""

    code: str
    start: datetime | None
    end: datetime | None


@dataclass(frozen=True, kw_only=True)
class Discharge:
    """A discharge that was reported, whether it still stands or was cancelled by A13.

    `key` is the instant of the event that first reported it and never changes; `at` may be corrected (TR-08).
    `disposition` is an NUBC patient discharge status, None where nobody said.
    """

    key: str
    at: datetime
    disposition: str | None = None
    cancelled: datetime | None = None
    recorded: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Stay:
    """One visit at a hospital or facility, from `Encounter` (TR-01, TR-02, TR-10).

    `start` is the first arrival, the emergency department included. `planned_start` is set while a stay is only
    planned, `was_planned` on one that was booked before it began. `diagnoses` are `system|code`, the principal one's
    codes in `principal`.
    """

    id: str
    reference: str
    status: str
    classes: tuple[ClassInterval, ...]
    start: datetime | None
    discharges: tuple[Discharge, ...] = ()
    admit_unknown: bool = False
    planned_start: datetime | None = None
    priority: str | None = None
    admit_source: str | None = None
    service: str | None = None
    site: str | None = None
    was_planned: bool = False
    practitioners: frozenset[str] = frozenset()
    diagnoses: frozenset[str] = frozenset()
    principal: frozenset[str] = frozenset()
    pending_discharge: datetime | None = None
    recorded: datetime | None = None
    reason: str = ""

    @property
    def thing(self) -> str:
        """`Encounter/id`."""
        return f"Encounter/{self.id}"

    @property
    def is_void(self) -> bool:
        """True when the visit never was: cancelled, or entered in error (A11, A38)."""
        return self.status in ("cancelled", "entered-in-error")

    @cached_property
    def discharge(self) -> Discharge | None:
        """The discharge that stands: the last one that nobody cancelled."""
        standing = [discharge for discharge in self.discharges if discharge.cancelled is None]
        return max(standing, key=lambda discharge: (discharge.at, discharge.key)) if standing else None

    @property
    def end(self) -> datetime | None:
        """When the patient left, None while the stay goes on."""
        return self.discharge.at if self.discharge else None

    @property
    def last_class(self) -> str | None:
        """The class at the end of the stay, or now."""
        return self.classes[-1].code if self.classes else None

    def started_as(self, codes: frozenset[str]) -> datetime | None:
        """When the stay first had one of the classes `codes`; None when never, or unknown."""
        starts = [part.start or self.start for part in self.classes if part.code in codes]
        return min((start for start in starts if start), default=None)

    def ever(self, codes: frozenset[str]) -> bool:
        """True when the stay had one of these classes at any time."""
        return any(part.code in codes for part in self.classes)


@dataclass(frozen=True, kw_only=True)
class Result:
    """A report, or a laboratory observation without a report. `expected` is when the result should be there."""

    reference: str
    status: str
    at: datetime | None
    issued: datetime | None
    encounter: str | None
    expected: datetime | None
    says: str

    @property
    def thing(self) -> str:
        """`DiagnosticReport/id` or `Observation/id`."""
        return self.reference.split("/_history/")[0]


@dataclass(frozen=True, kw_only=True)
class Lab:
    """One measured value. `value` is None where the result has no number."""

    reference: str
    codes: frozenset[str]
    value: Decimal | None
    unit: str | None
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A confirmed condition. `since` is the earliest instant at which it can be said to be known."""

    reference: str
    codes: frozenset[str]
    since: datetime | None
    encounter: str | None


@dataclass(frozen=True, kw_only=True)
class PatientFacts:
    """All that rules may know of one patient. Order and repetition of the resources read do not matter.

    `present` holds `Type/id` of every resource that stands; evidence that is no longer there is not here. `zone` is
    the patient's own zone where the record has one, else the tenant's. `deceased` without `death`: time unknown.
    """

    tenant_id: int
    patient_id: str
    zone: str
    stays: tuple[Stay, ...] = ()
    facts: tuple[Fact, ...] = ()
    results: tuple[Result, ...] = ()
    labs: tuple[Lab, ...] = ()
    problems: tuple[Problem, ...] = ()
    deceased: bool = False
    death: datetime | None = None
    present: frozenset[str] = frozenset()

    def stay(self, encounter_id: str) -> Stay | None:
        """The stay with this Encounter id."""
        return next((stay for stay in self.stays if stay.id == encounter_id), None)

    @cached_property
    def by_type(self) -> Mapping[str, "tuple[Fact, ...]"]:
        """The facts by resource type, in their order."""
        found: dict[str, list[Fact]] = {}
        for fact in self.facts:
            found.setdefault(fact.resource_type, []).append(fact)
        return {name: tuple(mine) for name, mine in found.items()}

    @cached_property
    def by_tie(self) -> Mapping[str, tuple[Fact, ...]]:
        """The facts that name a thing, by what they name."""
        found: dict[str, list[Fact]] = {}
        for fact in self.facts:
            for tie in fact.ties:
                found.setdefault(tie, []).append(fact)
        return {name: tuple(mine) for name, mine in found.items()}

    def belonging(self, focus: str) -> tuple[Fact, ...]:
        """What is about `focus`, in order of time: itself, what names it, and what names one of those."""
        things, waiting = {focus}, [focus]
        while waiting:
            for fact in self.by_tie.get(waiting.pop(), ()):
                if fact.thing not in things:
                    things.add(fact.thing)
                    waiting.append(fact.thing)
        found = [place for thing in things for place in self._places.get(thing, ())]
        return tuple(self.facts[place] for place in sorted(found))

    @cached_property
    def _places(self) -> Mapping[str, Sequence[int]]:
        """Where the facts of each thing stand in `facts`."""
        found: dict[str, list[int]] = {}
        for place, fact in enumerate(self.facts):
            found.setdefault(fact.thing, []).append(place)
        return found

    @cached_property
    def standing_stays(self) -> tuple[Stay, ...]:
        """Stays that were not cancelled, by start, unknown starts by their end."""
        return tuple(stay for stay in self.stays if not stay.is_void)
