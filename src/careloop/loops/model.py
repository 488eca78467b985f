"""The values of the loop engine: what was found in the record, what people did, what follows from both.

The engine folds facts and acts to the state that a patient's loops must be in. The same facts and acts in any order
of arrival, any number of times, give the same state (engine.md §1.4).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple, TypeVar

Value = TypeVar("Value")

BEGINNING, END = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
"""Instants before and after everything."""


class Status(StrEnum):
    """`Task.status` of a loop or a step."""

    REQUESTED = "requested"
    ACCEPTED = "accepted"
    IN_PROGRESS = "in-progress"
    ON_HOLD = "on-hold"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"
    ENTERED_IN_ERROR = "entered-in-error"

    @property
    def is_open(self) -> bool:
        """True while somebody still has to do something."""
        return self in _OPEN


_OPEN = frozenset({Status.REQUESTED, Status.ACCEPTED, Status.IN_PROGRESS, Status.ON_HOLD})


class ClockState(StrEnum):
    """`Task.businessStatus`, system `urn:careloop:clock`."""

    ON_TIME = "on-time"
    DUE_SOON = "due-soon"
    OVERDUE = "overdue"
    WAITING = "waiting"


class Tier(StrEnum):
    """Intensity of follow-up (TR-31)."""

    HIGH = "high"
    STANDARD = "standard"


@dataclass(frozen=True, kw_only=True)
class Unknown:
    """A value that cannot be known, and why. Never false, never zero."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """A versioned resource that proves something. `reference` is `Type/id/_history/version`."""

    reference: str
    at: datetime
    says: str

    @property
    def thing(self) -> str:
        """`Type/id`, of whatever version."""
        return self.reference.partition("/_history/")[0]


@dataclass(frozen=True, kw_only=True)
class Closure:
    """Why something ended without proof. `reason` is a code of `urn:careloop:reason`."""

    reason: str
    at: datetime
    by: str | None = None
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class Escalation:
    """A deadline passed and somebody else must look. Fires once; `late` when the clock had jumped over it."""

    key: str
    at: datetime
    to_role: str


class Turn(NamedTuple):
    """What time alone does to a step at `at`: `word` is its clock's next word, or, with `to_role`, the key of the
    escalation that fires then."""

    at: datetime
    word: str
    to_role: str = ""


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """One sentence of a loop's history: what was decided, under which rule, from which fact."""

    at: datetime
    text: str
    rule: str
    source: str | None = None


class ActKind(StrEnum):
    """What a person may do to a loop or a step, besides writing evidence into the record."""

    ATTEST = "attest"
    """The step is complete without a resource: `reason` (code), `note`."""
    EVIDENCE = "evidence"
    """This resource proves this step: `reference` (versioned)."""
    CANCEL = "cancel"
    """The loop or step is closed without proof: `reason`, `note`."""
    HOLD = "hold"
    """Waiting: `reason`, `until` (instant)."""
    RELEASE = "release"
    """No longer on hold."""
    START = "start"
    """Somebody is working on it."""
    SNOOZE = "snooze"
    """Off the list until `until`, never past the deadline."""
    DEADLINE = "deadline"
    """This patient's step has a clock of its own: `due` (instant), `reason`, `note`."""
    EXTRA = "extra"
    """This patient's loop has one more step: `step` (its id, `extra-<n>`), `title`, `role`, `due`, `reason`, `note`."""
    RESTORE = "restore"
    """A loop or step that a person closed is open again: `note`."""


@dataclass(frozen=True, kw_only=True)
class Act:
    """What a person did, kept for ever. Ownership acts (offer, accept, decline) live beside, in `ownership`."""

    id: str
    loop_id: str
    step_id: str | None
    kind: ActKind
    at: datetime
    by: str
    data: Mapping[str, Any] = field(default_factory=dict)
    undone: bool = False


def changed(value: Value, **changes: Any) -> Value:
    """What `dataclasses.replace` gives of a value of this module, in a fifth of the time: a state has thirty fields,
    and a frozen dataclass sets them one by one. None of them checks anything when it is made."""
    made = object.__new__(type(value))
    made.__dict__.update(value.__dict__, **changes)
    return made


@dataclass(frozen=True, kw_only=True)
class StepState:
    """What a step must be now.

    `target` is an aim inside the deadline (48 h of a 72 h home visit, the inclusive visit date). `attempts` are tries
    that reached nobody. `rule_met` says in words which outside rule holds already ("met by 2 attempts").
    """

    step_id: str
    status: Status
    clock: ClockState
    owner_role: str
    due: datetime
    due_because: str
    target: datetime | None = None
    started: datetime | None = None
    ended: datetime | None = None
    evidence: tuple[Evidence, ...] = ()
    attempts: tuple[Evidence, ...] = ()
    rule_met: str | None = None
    closure: Closure | None = None
    escalations: tuple[Escalation, ...] = ()
    title: str | None = None
    """Words of a step that only this loop has; the others have theirs from the pathway."""
    ahead: tuple[Turn, ...] = ()
    """Everything that time alone will do to it before `LoopState.holds_until`, in order."""


@dataclass(frozen=True, kw_only=True)
class LoopState:
    """What a loop must be now.

    `id` is derived from tenant, pathway, focus and `matter`; `matter` tells two matters on one focus apart (the key
    of the discharge that opened it). `watch_until` keeps the episode card under "Day 30 watch". `next_change` is the
    next instant at which time alone changes this state (due soon, overdue, escalation, hold ends, window over), so
    that clocks cost nothing until then. `board` names the column of the transitions board.
    """

    id: str
    pathway: str
    version: str
    patient_id: str
    focus: str
    matter: str
    status: Status
    clock: ClockState
    opened: datetime
    deadline: datetime
    deadline_because: str
    tier: Tier
    tier_because: str
    steps: tuple[StepState, ...]
    closed: datetime | None = None
    closure: Closure | None = None
    watch_until: datetime | None = None
    next_change: datetime | None = None
    board: str | None = None
    explanations: tuple[Explanation, ...] = ()
    about: str = ""
    """The opening fact in a few words, for lists: `Home since Fri 20 Nov, heart failure`."""
    zone: str = ""
    """Where the patient's days begin and end."""
    holds_until: datetime = BEGINNING
    """Before this instant time alone changes nothing but what the steps have `ahead`, so that no fact need be read."""

    @property
    def proof(self) -> frozenset[str]:
        """What its completed steps rest on, as `Type/id`."""
        done = [step for step in self.steps if step.status is Status.COMPLETED]
        return frozenset(proof.thing for step in done for proof in step.evidence)


@dataclass(frozen=True, kw_only=True)
class ExistingLoop:
    """What the engine must know of a loop that stands in the store already. `proof` is what its completed steps rest
    on, as `Type/id`."""

    id: str
    pathway: str
    version: str
    focus: str
    matter: str
    status: Status
    as_of: datetime
    proof: frozenset[str] = frozenset()

    @classmethod
    def of(cls, state: LoopState, as_of: datetime) -> "ExistingLoop":
        """What stands in the store as `state`, decided at that instant."""
        return cls(
            id=state.id,
            pathway=state.pathway,
            version=state.version,
            focus=state.focus,
            matter=state.matter,
            status=state.status,
            as_of=as_of,
            proof=state.proof,
        )


@dataclass(frozen=True, kw_only=True)
class LoopSettings:
    """The tenant's choices that rules depend on.

    `tcm_day_count`: `elapsed` or `inclusive` (TR-25). `hospital_version`: `2016` or `2013`.
    `same_day_contact`: a contact on the discharge date after the discharge counts (TR-24).
    """

    zone: str
    tcm_day_count: str = "elapsed"
    hospital_version: str = "2016"
    same_day_contact: bool = True
    recovery: timedelta = timedelta(hours=24)


@dataclass(frozen=True, kw_only=True)
class ScorePart:
    """One item of a score. `low` and `high` differ where the record cannot tell; `says` gives the fact or the gap."""

    item: str
    low: int
    high: int
    says: str
    sources: tuple[str, ...] = ()

    @property
    def is_known(self) -> bool:
        """True when the points are certain."""
        return self.low == self.high


@dataclass(frozen=True, kw_only=True)
class Score:
    """A risk score at a discharge. `value` is None while a part is unknown; it then lies in `low` to `high`.

    `band` is the model's own word (`low`, `moderate`, `intermediate`, `high`), None while it cannot be known.
    `sources` are the versioned resources it was derived from.
    """

    model: str
    version: str
    value: int | None
    low: int
    high: int
    high_from: int
    band: str | None
    parts: tuple[ScorePart, ...]

    @property
    def unknown(self) -> str | None:
        """Why there is no value, with the range; None when there is one."""
        if self.value is not None:
            return None
        missing = ", ".join(part.says for part in self.parts if not part.is_known)
        return f"not computable, range {self.low}-{self.high}: {missing}"

    @property
    def sources(self) -> tuple[str, ...]:
        """What the score was derived from, each once, in a fixed order."""
        return tuple(sorted({source for part in self.parts for source in part.sources}))


@dataclass(frozen=True, kw_only=True)
class StayScore:
    """The scores of one stay that opened a loop, for the `Observation`s of interface.md §4."""

    focus: str
    at: datetime
    scores: tuple[Score, ...]


@dataclass(frozen=True, kw_only=True)
class Unsupported:
    """A stored loop that no fact calls for any more: it ends with `closure` if it has not ended otherwise, its open
    steps with it. What it rests on and is in `lost` proves nothing any more."""

    loop_id: str
    closure: Closure
    lost: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Derivation:
    """What follows from a patient's facts and acts at one instant.

    `next_change` is the earliest instant at which time alone changes anything here, loops that will open included;
    `next_opening` the earliest at which it changes which loops there are.
    """

    loops: tuple[LoopState, ...]
    notes: tuple[Explanation, ...] = ()
    unsupported: tuple[Unsupported, ...] = ()
    scores: tuple[StayScore, ...] = ()
    next_change: datetime | None = None
    next_opening: datetime | None = None
