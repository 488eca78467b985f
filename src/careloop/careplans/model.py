"""Values of care planning: plans for one problem, and what several of them become for one person."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

DAYS_OF_MONTH = Decimal("30.4375")
_DAYS = {"day": Decimal(1), "week": Decimal(7), "month": DAYS_OF_MONTH, "year": Decimal("365.25")}


@dataclass(frozen=True, order=True, slots=True)
class Interval:
    """How often something is done. `amount` 0 is once."""

    amount: int
    unit: str = "day"

    @staticmethod
    def of(words: str) -> "Interval":
        """From `3 months` or `once`."""
        if words == "once":
            return Interval(0)
        amount, unit = words.split()
        return Interval(int(amount), unit.removesuffix("s"))

    @property
    def once(self) -> bool:
        """It is done one time."""
        return self.amount == 0

    @property
    def days(self) -> Decimal:
        """Days between one time and the next; a month is 30.4375."""
        return self.amount * _DAYS[self.unit]

    @property
    def words(self) -> str:
        """`every 3 months`, `each day`, `once`."""
        if self.once:
            return "once"
        return f"each {self.unit}" if self.amount == 1 else f"every {self.amount} {self.unit}s"

    @property
    def text(self) -> str:
        """As content writes it."""
        return "once" if self.once else f"{self.amount} {self.unit}{'' if self.amount == 1 else 's'}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Goal:
    """What a plan aims at. `key` is `<plan>/<goal>`."""

    key: str
    title: str
    patient: str
    within_days: int
    safety: bool = False
    loinc: str | None = None
    unit: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Intervention:
    """One thing that a plan has somebody do. `does` names what it is over all plans (`lab/a1c`)."""

    key: str
    title: str
    patient: str
    does: str
    every: Interval
    minutes: int
    owner: str
    goal: str
    effect: str
    evidence: str
    mark: str
    review_days: int
    loinc: str | None = None
    encounter: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Advice:
    """What one plan says about a subject: limits in the subject's unit, or a choice."""

    plan: str
    subject: str
    says: str
    patient: str
    goal: str
    ref: str
    mark: str
    at_least: Decimal | None = None
    at_most: Decimal | None = None
    choose: str | None = None


@dataclass(frozen=True, kw_only=True)
class Template:
    """A plan for one problem. `applies` are codes (`system|code`) of the problem; ICD codes are prefixes (RK-01)."""

    id: str
    title: str
    patient_title: str
    patient_says: str
    applies: tuple[str, ...]
    goals: tuple[Goal, ...]
    interventions: tuple[Intervention, ...]
    advice: tuple[Advice, ...]
    version: str
    reviewed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A kind of doing. `word`: home, phone or place (somebody has to go there). `together`: what joins several."""

    id: str
    title: str
    word: str
    together: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Together:
    """What several activities of one kind share, such as one blood draw."""

    id: str
    title: str
    patient: str
    minutes: int


class SubjectKind(StrEnum):
    """How two pieces of advice about one subject are held against each other."""

    TARGET = "target"
    LIMIT = "limit"
    CHOICE = "choice"


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """Something that plans give advice on."""

    id: str
    title: str
    kind: SubjectKind
    unit: str = ""


class Whose(StrEnum):
    """Who could not, when a step of a plan was not done (features 20)."""

    PATIENT = "patient"
    PRACTICE = "practice"
    SYSTEM = "system"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reason:
    """Why a step of the plan was not done, and whose matter that is."""

    id: str
    title: str
    whose: Whose


@dataclass(frozen=True, kw_only=True)
class Planning:
    """How plans become one, and all plans there are."""

    templates: Mapping[str, Template]
    kinds: Mapping[str, Kind]
    together: Mapping[str, Together]
    subjects: Mapping[str, Subject]
    reasons: Mapping[str, Reason]
    owners: tuple[str, ...]
    travel_minutes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Activity:
    """One thing to do in the plan of a person: the same thing of several plans once, as often as the one that needs it
    most. `goals` and `sources` are keys; `added_by` says that a person put it in by hand."""

    does: str
    title: str
    patient: str
    every: Interval
    minutes: int
    owner: str
    goals: tuple[str, ...]
    sources: tuple[str, ...] = ()
    loinc: str | None = None
    encounter: str | None = None
    review_days: int = 90
    changed: str = ""
    stopped: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Activities that are done in one go, as often as the one that needs it most; `each` says at which of these the
    others take part: 2 is every second time."""

    id: str
    title: str
    patient: str
    every: Interval
    minutes: int
    each: tuple[tuple[str, int], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Settled:
    """A clinician's word on a conflict: which plan's advice holds."""

    subject: str
    plan: str
    by: str
    on: str
    why: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Conflict:
    """Advice on one subject that cannot all hold, each with its plan. `settled` when a clinician has decided."""

    subject: str
    title: str
    sides: tuple[Advice, ...]
    settled: Settled | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """Advice that holds: what is asked of the patient on one subject, from which plans."""

    subject: str
    title: str
    says: str
    patient: str
    plans: tuple[str, ...]
    goals: tuple[str, ...]
    at_least: Decimal | None = None
    at_most: Decimal | None = None
    choose: str | None = None


@dataclass(frozen=True, kw_only=True)
class Merged:
    """Several plans as one."""

    templates: tuple[str, ...]
    goals: tuple[Goal, ...]
    activities: tuple[Activity, ...]
    batches: tuple[Batch, ...]
    advice: tuple[Kept, ...]
    conflicts: tuple[Conflict, ...]

    @property
    def open_conflicts(self) -> tuple[Conflict, ...]:
        """Those that no clinician has decided."""
        return tuple(one for one in self.conflicts if one.settled is None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """What one activity or batch costs the patient: times and minutes a month, ways included."""

    title: str
    times: Decimal
    minutes: Decimal
    trips: Decimal


@dataclass(frozen=True, kw_only=True)
class Burden:
    """What the plan asks of the patient: hours and trips a month, the heaviest first; `once_minutes` for what is done
    one time."""

    hours: Decimal
    trips: Decimal
    once_minutes: int
    parts: tuple[Work, ...] = field(default=())


class Party(StrEnum):
    """Who agrees to a plan."""

    PATIENT = "patient"
    CLINICIAN = "clinician"
    LEAD = "lead"


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreement:
    """One party's yes to one wording of the plan."""

    party: Party
    by: str
    name: str
    on: date
    digest: str
    how: str = ""


class PlanState(StrEnum):
    """Where a plan stands. `CURRENT` is the mark that a stale or changed plan loses."""

    DRAFT = "draft"
    CURRENT = "current"
    CHANGED = "changed"
    STALE = "stale"
    ENDED = "ended"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The one shared plan of a person. `conflicts` holds those of its plans, settled or not; `review_by` is None until
    all three parties agreed; `ended` says that it was closed."""

    id: str
    patient_id: str
    templates: tuple[str, ...] = ()
    goals: tuple[Goal, ...] = ()
    activities: tuple[Activity, ...] = ()
    advice: tuple[Kept, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    agreements: tuple[Agreement, ...] = ()
    review_by: date | None = None
    began: date | None = None
    ended: bool = False

    @property
    def running(self) -> tuple[Activity, ...]:
        """What is to be done now."""
        return tuple(one for one in self.activities if not one.stopped)

    @property
    def open_conflicts(self) -> tuple[Conflict, ...]:
        """Those that no clinician has decided."""
        return tuple(one for one in self.conflicts if one.settled is None)

    @property
    def settled(self) -> tuple[Settled, ...]:
        """What clinicians have decided."""
        return tuple(one.settled for one in self.conflicts if one.settled is not None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One difference between two wordings of a plan. `what`: added, stopped, changed or gone."""

    what: str
    says: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """One time that a step of the plan was done, or was not: then `reason` says why."""

    does: str
    on: date
    reason: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Adherence:
    """How far one activity was kept to in some days. `expected` is 0 for what is not repeated; `known` is False where
    nothing would show it. `reasons` counts why not."""

    does: str
    title: str
    expected: int
    done: int
    known: bool
    reasons: tuple[tuple[str, int], ...] = ()

    @property
    def rate(self) -> Decimal | None:
        """Share of the times, at most 1; None where it cannot be known."""
        if not self.known or self.expected == 0:
            return None
        return min(Decimal(self.done) / self.expected, Decimal(1))
