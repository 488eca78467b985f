"""The values of identity: what names a person, how two descriptions compare, what a person is asked to decide."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


@dataclass(frozen=True, kw_only=True)
class Identifier:
    """A number that somebody gave a person: `value` means something only together with `system`.

    `type` is a code of HL7 table 0203 (`MR`, `SS`, ...), None when the sender did not say.
    """

    system: str
    value: str
    type: str | None = None


@dataclass(frozen=True, kw_only=True)
class Address:
    """The parts of an address that tell households apart."""

    line: str = ""
    city: str = ""
    postal_code: str = ""


@dataclass(frozen=True, kw_only=True)
class Demographics:
    """What a message or a `Patient` says about a person, as it was written. Empty means not known.

    `birth_date` keeps its precision (`1951`, `1951-04`, `1951-04-15`); `sex` is a code of administrative-gender;
    `former` are family names of before (a maiden name);
    `weak` are identifiers that count as evidence only (SSN, driver's licence); `birth_order` is the number of a twin.
    """

    family: str = ""
    former: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    suffix: str = ""
    birth_date: str = ""
    sex: str = ""
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    addresses: tuple[Address, ...] = ()
    weak: tuple[Identifier, ...] = ()
    is_twin: bool = False
    birth_order: int | None = None


class Verdict(StrEnum):
    """How one field of two descriptions compares."""

    AGREES = "agrees"
    SIMILAR = "similar"
    DIFFERS = "differs"
    UNKNOWN = "unknown"


class Grade(StrEnum):
    """FHIR `match-grade`."""

    CERTAIN = "certain"
    PROBABLE = "probable"
    POSSIBLE = "possible"
    CERTAINLY_NOT = "certainly-not"


@dataclass(frozen=True, kw_only=True)
class FieldEvidence:
    """One field side by side: what it says for or against one person, in points (log2 of the odds). `level` is the
    name of the level in the weights, `says` the same in plain words."""

    field: str
    verdict: Verdict
    points: Decimal
    left: str = ""
    right: str = ""
    level: str = ""
    says: str = ""


class Ceiling(StrEnum):
    """How far a rule lets a pair rise: not even to review, to a person at most, or as far as points go."""

    APART = "apart"
    ASK = "ask"
    NONE = "none"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two descriptions compared. `capped` says which rule limits the grade, if one does; `ceiling` how far."""

    points: Decimal
    grade: Grade
    fields: tuple[FieldEvidence, ...]
    capped: str | None = None
    ceiling: Ceiling = Ceiling.NONE


class Reason(StrEnum):
    """Why a pair stands in the review queue."""

    DEMOGRAPHICS = "demographics"
    IDENTIFIER = "identifier-conflict"
    LOOK_ALIKE = "look-alike"
    PRIOR_APPEARED = "prior-appeared"


class MatchState(StrEnum):
    """Where a pair stands. `asking`: nobody can tell yet, somebody finds out. `different` is asked again only when
    facts come that speak more strongly than those of the decision."""

    OPEN = "open"
    ASKING = "asking"
    SAME = "same"
    DIFFERENT = "different"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """Two patients that may be one. `left` < `right`, so that a pair has one name."""

    left: str
    right: str
    reason: Reason
    points: Decimal = Decimal(0)
    grade: Grade = Grade.POSSIBLE

    def __post_init__(self) -> None:
        if self.left >= self.right:
            raise ValueError("a pair is named in the order of its ids")


def pair(one: str, other: str, reason: Reason, comparison: Comparison | None = None) -> Candidate:
    """The pair of two different patients, in its one order."""
    left, right = sorted((one, other))
    if comparison is None:
        return Candidate(left=left, right=right, reason=reason)
    return Candidate(left=left, right=right, reason=reason, points=comparison.points, grade=comparison.grade)


@dataclass(frozen=True, kw_only=True)
class Resolution:
    """Which patient a message is about.

    `created` is true for exactly one of many that report a new person at once. `named_prior` is the merged-away
    patient whose number led here: facts that came by it go back to that patient when the merge is undone.
    """

    patient_id: str
    created: bool
    candidates: tuple[Candidate, ...] = ()
    named_prior: str | None = None


@dataclass(frozen=True, kw_only=True)
class MatchRow:
    """One pair of the review queue as it is stored; `id` is also the id of its loop Task."""

    id: str
    step_task_id: str
    left: str
    right: str
    reason: Reason
    points: Decimal
    grade: Grade
    state: MatchState
    opened: datetime
    due: datetime
    decided: datetime | None
    decided_by: str | None
    why: str | None
    merge_id: str | None
    announced: str | None
    asking: str | None

    @property
    def waits(self) -> bool:
        """True while nobody has decided."""
        return self.state in (MatchState.OPEN, MatchState.ASKING)


@dataclass(frozen=True, kw_only=True)
class Scored:
    """One answer of `$match`."""

    patient_id: str
    score: Decimal
    grade: Grade
