"""One medicine of one person as its resource states it. What is not stated stays unknown, with its reason."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

Resource = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Unknown:
    """Not stated, or not to be understood; why, in words for a person."""

    reason: str


class Route(StrEnum):
    """By which way it gets into the body. `UNKNOWN` is treated as one that reaches the whole body."""

    ORAL = "oral"
    INJECTED = "injected"
    INHALED = "inhaled"
    NASAL = "nasal"
    TRANSDERMAL = "transdermal"
    RECTAL = "rectal"
    VAGINAL = "vaginal"
    TOPICAL = "topical"
    OPHTHALMIC = "ophthalmic"
    OTIC = "otic"
    IMPLANT = "implant"
    UNKNOWN = "unknown"


LOCAL = frozenset({Route.TOPICAL, Route.OPHTHALMIC, Route.OTIC})
"""Routes that interactions leave out (domain, medications.md section 2)."""


class Release(StrEnum):
    """How fast the form gives its ingredient off."""

    IMMEDIATE = "immediate"
    EXTENDED = "extended"
    DELAYED = "delayed"
    UNKNOWN = "unknown"


class Status(StrEnum):
    """Where the medicine stands. `INTENDED`: ordered for later. `UNKNOWN` is never read as stopped."""

    ACTIVE = "active"
    INTENDED = "intended"
    ON_HOLD = "on-hold"
    STOPPED = "stopped"
    COMPLETED = "completed"
    NOT_TAKEN = "not-taken"
    ENTERED_IN_ERROR = "entered-in-error"
    UNKNOWN = "unknown"


class Origin(StrEnum):
    """What kind of list it stands on."""

    ORDER = "order"
    STATEMENT = "statement"
    PATIENT = "patient"
    CAREGIVER = "caregiver"
    FILL = "fill"


@dataclass(frozen=True, slots=True)
class Ingredient:
    """What acts, in lower case and without its salt. `rxcui` is None where nobody has looked it up. `known`: it stands
    in `content/medications`; of any other only the name is known, and no table speaks of it."""

    name: str
    rxcui: str | None = None
    known: bool = True

    @property
    def key(self) -> str:
        """The same for the same ingredient, however it was named."""
        return self.name


@dataclass(frozen=True, slots=True)
class Amount:
    """A number with its unit: `mg`, `mL`, `unit`, `mEq`, or a piece of the product: `piece`, `puff`, `drop`."""

    value: Decimal
    unit: str

    def __str__(self) -> str:
        return f"{plain(self.value)} {self.unit}"


@dataclass(frozen=True, slots=True)
class Strength:
    """How much of an ingredient is in one piece of the product; with `per` (`1 mL`), in that much of it."""

    amount: Amount
    per: Amount | None = None

    def __str__(self) -> str:
        return f"{self.amount}/{self.per}" if self.per else str(self.amount)


class Pattern(StrEnum):
    """The rhythm. A weekly or monthly one is never turned into a daily one (ME-03)."""

    DAILY = "daily"
    EVERY_FEW_DAYS = "every few days"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


_STILL_WEEKLY = 3
"""More often than that in a week is no weekly schedule: a split weekly dose is at most three, 12 hours apart."""


@dataclass(frozen=True, slots=True)
class Takes:
    """`low` to `high` times in every `days` days; on the named days of the week where `weekdays` says so."""

    low: Decimal
    high: Decimal
    days: Decimal = Decimal(1)
    weekdays: tuple[str, ...] = ()

    @property
    def per_day(self) -> Decimal:
        """At most so many a day on average (a range counts as its maximum, ME-03)."""
        return self.high / self.days

    @property
    def pattern(self) -> Pattern:
        """The rhythm of the schedule."""
        if self.days >= 28:
            return Pattern.MONTHLY
        if self.days >= 7:
            return Pattern.WEEKLY if self.high <= _STILL_WEEKLY else Pattern.EVERY_FEW_DAYS
        return Pattern.EVERY_FEW_DAYS if self.days > 1 else Pattern.DAILY


@dataclass(frozen=True, slots=True)
class Dose:
    """`low` to `high` at one time, in one unit."""

    low: Decimal
    high: Decimal
    unit: str

    def __str__(self) -> str:
        span = plain(self.high) if self.low == self.high else f"{plain(self.low)}-{plain(self.high)}"
        return f"{span} {self.unit}"


@dataclass(frozen=True, slots=True)
class Dosage:
    """One line of how to take it. `step`: lines of one step are taken side by side, steps follow each other.
    `most_per_day`: a stated maximum for a day, in the unit of the dose or of the ingredient."""

    dose: Dose | Unknown
    takes: Takes | Unknown
    as_needed: bool = False
    step: int = 1
    text: str = ""
    most_per_day: Amount | None = None
    moments: tuple[str, ...] = ()
    """When in a day it is taken, in words, where that was said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Medicine:
    """One line of a list of medicines. `strengths` stand beside `ingredients`, None where not stated. `doubt` says why
    a person should look before the match is believed. `end` is the last day."""

    reference: str
    text: str
    codes: frozenset[str] = frozenset()
    ingredients: tuple[Ingredient, ...] = ()
    strengths: tuple[Strength | None, ...] = ()
    dosages: tuple[Dosage, ...] = ()
    route: Route = Route.UNKNOWN
    form: str = ""
    release: Release = Release.UNKNOWN
    status: Status = Status.UNKNOWN
    start: date | None = None
    end: date | None = None
    origin: Origin = Origin.ORDER
    source: str = ""
    recorded: date | None = None
    days_supply: int | None = None
    reasons: frozenset[str] = frozenset()
    reason_text: str = ""
    stop_reason: str = ""
    doubt: str = ""
    notes: str = ""

    @property
    def is_matched(self) -> bool:
        """Every ingredient is one that our tables know, and nothing speaks against it (ME-12)."""
        return bool(self.ingredients) and all(one.known for one in self.ingredients) and not self.doubt

    @property
    def as_needed(self) -> bool:
        """Taken only when needed, by every line of its dosage."""
        return bool(self.dosages) and all(one.as_needed for one in self.dosages)

    @property
    def takes(self) -> Takes | Unknown:
        """How often, over all lines that are taken side by side."""
        return _takes(self.dosages)

    @property
    def dose(self) -> Dose | Unknown:
        """How much at one time: the largest where lines differ."""
        doses = [one.dose for one in self.dosages]
        known = [one for one in doses if isinstance(one, Dose)]
        if not doses or len(known) < len(doses):
            return next((one for one in doses if isinstance(one, Unknown)), Unknown("no dose is stated"))
        if len({one.unit for one in known}) > 1:
            return Unknown("doses in different units")
        return max(known, key=lambda one: one.high)

    @property
    def moments(self) -> tuple[str, ...]:
        """When in a day it is taken, over all lines that are taken side by side; empty where a line does not say."""
        beside = [one.moments for one in self.dosages if one.step == self.dosages[0].step]
        return tuple(dict.fromkeys(word for one in beside for word in one)) if all(beside) else ()

    @property
    def dosage_text(self) -> str:
        """How to take it, in the words that were sent."""
        return "; ".join(one.text for one in self.dosages if one.text)

    @property
    def key(self) -> frozenset[str]:
        """The same for products with the same ingredients (ME-02)."""
        return frozenset(one.key for one in self.ingredients)

    def may_be_taken_on(self, day: date) -> bool:
        """It is on the list of that day: not ended before, not stopped, not noted in error. What is not known counts
        as taken."""
        if self.status in (Status.ENTERED_IN_ERROR, Status.NOT_TAKEN, Status.ON_HOLD):
            return False
        if self.end is not None and self.end < day:
            return False
        if self.start is not None and self.start > day:
            return False
        return self.status not in (Status.STOPPED, Status.COMPLETED) or (self.end is not None and self.end >= day)


def _takes(dosages: tuple[Dosage, ...]) -> Takes | Unknown:
    if not dosages:
        return Unknown("nothing is said about how often")
    first = dosages[0].takes
    beside = [one.takes for one in dosages if one.step == dosages[0].step]
    if len(beside) == 1 or isinstance(first, Unknown):
        return first
    known = [one for one in beside if isinstance(one, Takes)]
    if len(known) < len(beside) or len({one.days for one in known}) > 1:
        return Unknown("lines with different rhythms")
    days = tuple(dict.fromkeys(day for one in known for day in one.weekdays))
    return Takes(sum((one.low for one in known), Decimal(0)), sum((one.high for one in known), Decimal(0)),
                 first.days, days)  # fmt: skip


def plain(value: Decimal) -> str:
    """The number without zeros that say nothing: `2.50` is `2.5`, `1E+1` is `10`."""
    whole = value.normalize()
    return f"{whole:f}"
