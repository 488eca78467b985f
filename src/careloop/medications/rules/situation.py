"""A list of medicines on one day, ready for the tables: who counts as taken when, kidneys, and what a row may ask.

Conditions answer true, false, or None where a fact is missing; who asks decides what that means. Nothing missing is
ever taken as harmless.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from careloop.medications.model import LOCAL, Medicine, Release, Route, Status, Takes, Unknown, plain
from careloop.medications.person import Person
from careloop.medications.rules.doses import daily_dose
from careloop.medications.rules.kidneys import Kidneys

_NOT_TAKEN = frozenset({Status.ENTERED_IN_ERROR, Status.NOT_TAKEN, Status.ON_HOLD})
_OVER = frozenset({Status.STOPPED, Status.COMPLETED})


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One medicine of the list: its ingredients as bits, the days it counts for, whether it is taken today or later."""

    medicine: Medicine
    mask: int
    start: date
    end: date
    current: bool
    local: bool
    ophthalmic: bool


def entry_of(medicine: Medicine, mask: int, today: date) -> Entry | None:
    """The medicine as an entry; None where it is not taken, or was noted in error."""
    if medicine.status in _NOT_TAKEN:
        return None
    end = medicine.end or (medicine.recorded or today if medicine.status in _OVER else date.max)
    if medicine.status in _OVER and medicine.end is None:
        end = min(end, today - timedelta(days=1))
    return Entry(
        medicine=medicine,
        mask=mask,
        start=medicine.start or date.min,
        end=end,
        current=end >= today,
        local=medicine.route in LOCAL,
        ophthalmic=medicine.route is Route.OPHTHALMIC,
    )


@dataclass(slots=True)
class Situation:
    """What a row is asked about: the person, all that is taken, and the medicines that the row speaks of. `notes` and
    `facts` gather what was not known and which values were looked at."""

    person: Person
    kidneys: Kidneys
    taken: int
    entries: Sequence[Entry]
    involved: tuple[Entry, ...] = ()
    notes: list[str] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)

    def about(self, *involved: Entry) -> "Situation":
        """The same situation, asked about these medicines; notes begin anew."""
        return Situation(self.person, self.kidneys, self.taken, self.entries, involved)


Condition = Callable[[Situation], bool | None]
Sides = Callable[[Any], int]


def compile_condition(document: Mapping[str, Any], sides: Sides) -> Condition:
    """The condition of a row as a function. Operators are those of `content/schemas/medications.json`."""
    ((name, value),) = document.items()
    return _OPERATORS[name](value, sides)


def _all(value: Any, sides: Sides) -> Condition:
    parts = [compile_condition(one, sides) for one in value]

    def ask(at: Situation) -> bool | None:
        answers = [part(at) for part in parts]
        return False if False in answers else None if None in answers else True

    return ask


def _any(value: Any, sides: Sides) -> Condition:
    parts = [compile_condition(one, sides) for one in value]

    def ask(at: Situation) -> bool | None:
        answers = [part(at) for part in parts]
        return True if True in answers else None if None in answers else False

    return ask


def _condition(value: Any, _: Sides) -> Condition:
    wanted = frozenset(value)
    return lambda at: not wanted.isdisjoint(at.person.conditions)


def _lab(value: Any, _: Sides) -> Condition:
    test, days = value["test"], value.get("within_days")
    below, least = (Decimal(value[name]) if name in value else None for name in ("below", "from"))

    def ask(at: Situation) -> bool | None:
        found = at.kidneys.value(test, days) if test in ("egfr", "crcl") else at.person.lab(test, days)
        if found is None:
            at.notes.append(f"{_TESTS.get(test, test)} unknown" if not days else _missing(test, days))
            return None
        at.facts.append(f"{test} {plain(found.value)} {found.day.isoformat()}")
        return (below is None or found.value < below) and (least is None or found.value >= least)

    return ask


_TESTS = {"egfr": "eGFR", "crcl": "creatinine clearance"}


def _missing(test: str, days: int) -> str:
    span = "12 months" if days == 365 else f"{days} days"
    return f"no {_TESTS.get(test, test)} within {span}"


def _taking(value: Any, sides: Sides) -> Condition:
    mask = sides(value)
    return lambda at: bool(at.taken & mask)


def _not_taking(value: Any, sides: Sides) -> Condition:
    mask = sides(value)
    return lambda at: not at.taken & mask


def _among(value: Any, sides: Sides) -> Condition:
    mask = sides(value)
    return lambda at: any(one.mask & mask for one in at.involved)


def _dose_at_most(value: Any, sides: Sides) -> Condition:
    mask, most, name = sides([value["of"]]), Decimal(value["mg_per_day"]), value["of"].removeprefix("ingredient:")

    def ask(at: Situation) -> bool | None:
        doses = [daily_dose(one.medicine, name) for one in at.involved if one.mask & mask]
        if not doses:
            return False
        known = [one for one in doses if not isinstance(one, Unknown) and one.unit == "mg"]
        if len(known) < len(doses):
            at.notes.append("dose unknown")
            return None
        at.facts.extend(f"{name} {one} a day" for one in known)
        return all(one.value <= most for one in known)

    return ask


def _pattern(value: Any, sides: Sides) -> Condition:
    mask, wanted = sides([value["of"]]), value["is"]

    def ask(at: Situation) -> bool | None:
        takes = next((one.medicine.takes for one in at.involved if one.mask & mask), Unknown(""))
        if not isinstance(takes, Takes):
            at.notes.append("how often it is taken is unknown")
            return None
        return bool(takes.pattern.value == wanted)

    return ask


def _age_from(value: Any, _: Sides) -> Condition:
    return lambda at: None if at.person.age is None else at.person.age >= int(value)


def _bridge(_: Any, __: Sides) -> Condition:
    def ask(at: Situation) -> bool:
        today = at.person.today
        told = [one for one in at.involved if "bridg" in words_about(one.medicine)]
        return any(today <= one.end < date.max for one in told)

    return ask


def words_about(medicine: Medicine) -> str:
    """Everything that is written about how and why it is taken."""
    return " ".join((medicine.reason_text, medicine.notes, medicine.dosage_text)).lower()


def _longer_than_days(value: Any, _: Sides) -> Condition:
    def ask(at: Situation) -> bool | None:
        if any(one.medicine.start is None for one in at.involved):
            at.notes.append("how long it is taken is unknown")
            return None
        return any((at.person.today - one.start).days > int(value) for one in at.involved)

    return ask


def _started_within_days(value: Any, _: Sides) -> Condition:
    def ask(at: Situation) -> bool | None:
        if any(one.medicine.start is None for one in at.involved):
            at.notes.append("when it was started is unknown")
            return None
        return any((at.person.today - one.start).days <= int(value) for one in at.involved)

    return ask


def _as_needed(_: Any, __: Sides) -> Condition:
    return lambda at: any(one.medicine.as_needed for one in at.involved)


def _not_as_needed(_: Any, __: Sides) -> Condition:
    return lambda at: not all(one.medicine.as_needed for one in at.involved)


def _release(value: Any, _: Sides) -> Condition:
    wanted = Release(value)

    def ask(at: Situation) -> bool | None:
        found = {one.medicine.release for one in at.involved}
        if wanted in found:
            return True
        if Release.UNKNOWN in found:
            at.notes.append("immediate or extended release is not stated")
            return None
        return False

    return ask


def _route(value: Any, _: Sides) -> Condition:
    wanted = frozenset(map(Route, value))
    return lambda at: any(one.medicine.route in wanted for one in at.involved)


def _text(value: Any, _: Sides) -> Condition:
    return lambda at: any(word in words_about(one.medicine) for one in at.involved for word in value)


def _ends_within_days(value: Any, _: Sides) -> Condition:
    def ask(at: Situation) -> bool:
        today = at.person.today
        return any(today <= one.end <= today + timedelta(days=int(value)) for one in at.involved)

    return ask


def _long_and_short(_: Any, __: Sides) -> Condition:
    def ask(at: Situation) -> bool:
        medicines = [one.medicine for one in at.involved]
        lasting = [one for one in medicines if is_long_acting(one) and not one.as_needed]
        short = [one for one in medicines if one.as_needed and not is_long_acting(one)]
        return len(medicines) == 2 and len(lasting) == 1 and len(short) == 1

    return ask


def is_long_acting(medicine: Medicine) -> bool:
    """Extended release, a patch, or methadone and buprenorphine, which act long whatever their form."""
    lasting = {"methadone", "buprenorphine"}
    return medicine.release is Release.EXTENDED or medicine.route is Route.TRANSDERMAL or bool(lasting & medicine.key)


def _always(_: Any, __: Sides) -> Condition:
    return lambda _at: True


_OPERATORS: Mapping[str, Callable[[Any, Sides], Condition]] = {
    "all": _all,
    "any": _any,
    "always": _always,
    "condition": _condition,
    "lab": _lab,
    "taking": _taking,
    "not_taking": _not_taking,
    "among": _among,
    "pair": _among,
    "dose_at_most": _dose_at_most,
    "pattern": _pattern,
    "age_from": _age_from,
    "bridge": _bridge,
    "longer_than_days": _longer_than_days,
    "started_within_days": _started_within_days,
    "as_needed": _as_needed,
    "not_as_needed": _not_as_needed,
    "release": _release,
    "route": _route,
    "text": _text,
    "ends_within_days": _ends_within_days,
    "long_and_short": _long_and_short,
}
OPERATORS = frozenset(_OPERATORS)
"""What a row may ask."""
