"""Values of a comparison. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum


class Source(StrEnum):
    """Who told a list (ME-01)."""

    HOSPITAL = "hospital"
    CLINIC = "clinic"
    PHARMACY = "pharmacy"
    PATIENT = "patient"
    CAREGIVER = "caregiver"


class Side(StrEnum):
    """Columns of the screen. What patient, caregiver and pharmacy tell is what is at home."""

    HOSPITAL = "hospital"
    CLINIC = "clinic"
    HOME = "home"


SIDE_OF: Mapping[Source, Side] = {
    Source.HOSPITAL: Side.HOSPITAL,
    Source.CLINIC: Side.CLINIC,
    Source.PHARMACY: Side.HOME,
    Source.PATIENT: Side.HOME,
    Source.CAREGIVER: Side.HOME,
}


class State(StrEnum):
    """Whether the source says that the medicine is taken. What is not said is `UNKNOWN`, never active."""

    ACTIVE = "active"
    ON_HOLD = "on-hold"
    STOPPED = "stopped"
    NOT_TAKEN = "not-taken"
    UNKNOWN = "unknown"

    @property
    def is_taken(self) -> bool:
        """True where somebody says that it is taken."""
        return self is State.ACTIVE

    @property
    def is_resting(self) -> bool:
        """True where somebody says that it is not taken now."""
        return self in (State.ON_HOLD, State.STOPPED, State.NOT_TAKEN)


class Period(StrEnum):
    """What takes are counted in. Weekly and monthly schedules are kept as such (ME-03)."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, kw_only=True)
class Dosing:
    """`takes` times in each `per`, `amount` of `unit` (UCUM) each time. Of a range and of "as needed" it is the most
    (ME-03)."""

    amount: Decimal
    unit: str
    takes: Decimal
    per: Period = Period.DAY
    as_needed: bool = False
    when: tuple[str, ...] = ()
    """When in the day, or on which days of the week, in words; empty where nobody said."""

    @property
    def total(self) -> Decimal:
        """What one period adds up to, in `unit`."""
        return self.amount * self.takes


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What one source says of one medicine. `reference` is the FHIR resource, `version` its version.

    `ingredients` are their names without salts, empty where the product is not known (ME-12). `release` is `immediate`,
    `extended`, `delayed` or empty where nobody said; `route` likewise. `said` is how it is taken, as the source says;
    `reason` what it is for; `also` are other resources of the same source that say the very same.
    """

    reference: str
    source: Source
    name: str
    version: int = 1
    ingredients: frozenset[str] = frozenset()
    release: str = ""
    route: str = ""
    strength: str = ""
    dosing: Dosing | None = None
    said: str = ""
    state: State = State.ACTIVE
    stop_reason: str = ""
    reason: str = ""
    told: date | None = None
    also: tuple[str, ...] = ()

    @property
    def side(self) -> Side:
        """The column it stands in."""
        return SIDE_OF[self.source]

    @property
    def is_known(self) -> bool:
        """True where the ingredients are known."""
        return bool(self.ingredients)


@dataclass(frozen=True, kw_only=True)
class MedicineList:
    """One list: source, date and who told it (ME-01)."""

    source: Source
    who: str
    told: date | None
    entries: tuple[Entry, ...]

    @property
    def side(self) -> Side:
        """The column it stands in."""
        return SIDE_OF[self.source]


class Difference(StrEnum):
    """Kinds of discrepancy (ME-04), and `cannot_compare` (ME-03)."""

    OMISSION = "omission"
    COMMISSION = "commission"
    DOSE = "dose"
    FREQUENCY = "frequency"
    ROUTE = "route"
    FORMULATION = "formulation"
    DUPLICATE = "duplicate"
    INTERACTION = "interaction"
    ALLERGY = "allergy"
    CONDITION = "condition_contraindication"
    RENAL = "renal"
    AGE = "age"
    PREGNANCY = "pregnancy"
    STOPPED_BUT_TAKING = "stopped_but_taking"
    NOT_TAKING = "not_taking"
    NO_INDICATION = "no_indication"
    UNKNOWN_PRODUCT = "unknown_product"
    CANNOT_COMPARE = "cannot_compare"


class Group(StrEnum):
    """Where a row stands on the screen, in this order (ui.md §7.3)."""

    DIFFERENT = "different"
    ONLY_LEFT = "only-left"
    ONLY_RIGHT = "only-right"
    SAME = "same"


class Tier(StrEnum):
    """How loud a warning is (ME-09)."""

    CONTRAINDICATED = "contraindicated"
    MAJOR = "major"
    MODERATE = "moderate"


@dataclass(frozen=True, kw_only=True)
class Warned:
    """A warning of the safety rules about entries, in words. `decided`: somebody gave a reason for it before."""

    rule: str
    tier: Tier
    kind: Difference
    says: str
    do: str
    references: frozenset[str]
    source: str = ""
    decided: bool = False


@dataclass(frozen=True, kw_only=True)
class Row:
    """Entries that are one medicine; with `maybe` two that look alike, which a person must judge first."""

    id: str
    group: Group
    name: str
    entries: tuple[Entry, ...]
    kinds: frozenset[Difference] = frozenset()
    maybe: bool = False
    look_at: str = ""
    """What is looked at each time with a high-alert medicine; empty for any other."""
    warnings: tuple[Warned, ...] = ()

    def of(self, side: Side) -> tuple[Entry, ...]:
        """What this side says."""
        return tuple(one for one in self.entries if one.side is side)

    @property
    def sides(self) -> frozenset[Side]:
        """The sides that name it."""
        return frozenset(one.side for one in self.entries)

    @property
    def loudest(self) -> Tier | None:
        """The highest tier of its warnings that nobody decided on."""
        tiers = {one.tier for one in self.warnings if not one.decided}
        return next((tier for tier in Tier if tier in tiers), None)

    @property
    def is_high_alert(self) -> bool:
        """True for a medicine of a high-alert group."""
        return bool(self.look_at)

    @property
    def needs_decision(self) -> bool:
        """True for a row that no click for all of them settles."""
        return self.group is not Group.SAME

    def warned(self, warnings: tuple[Warned, ...], *, look_at: str = "") -> "Row":
        """The row with what the safety rules say. What is not safe is no longer the same on both (ME-04, ME-09)."""
        loud = {one.kind for one in warnings if one.tier is not Tier.MODERATE and not one.decided}
        group = Group.DIFFERENT if self.group is Group.SAME and loud else self.group
        return replace(self, group=group, kinds=self.kinds | loud, warnings=warnings, look_at=look_at)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """All lists side by side. `left` is the list that the others are held against."""

    lists: tuple[MedicineList, ...]
    sides: tuple[Side, ...]
    rows: tuple[Row, ...]

    @property
    def left(self) -> Side | None:
        """The hospital's list where there is one, else ours."""
        return self.sides[0] if self.sides else None

    @property
    def is_unverified(self) -> bool:
        """True where one source alone told it (ME-01)."""
        return len({one.source for one in self.lists}) < 2

    def group(self, group: Group) -> tuple[Row, ...]:
        """The rows of a group, in their order."""
        return tuple(row for row in self.rows if row.group is group)

    @property
    def differing(self) -> tuple[Row, ...]:
        """What must be settled one by one."""
        return tuple(row for row in self.rows if row.needs_decision)


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What was said of pairs that look alike: pairs that are one medicine, and pairs that are two."""

    same: frozenset[str] = frozenset()
    two: frozenset[str] = frozenset()
