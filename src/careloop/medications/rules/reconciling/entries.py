"""A medicine as its resource states it, as an entry of a list that is held against others (ME-02, ME-03). Pure."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from careloop.medications.model import Dose, Medicine, Pattern, Release, Route, Status, Takes, Unknown, plain
from careloop.medications.rules.reconciling.values import Dosing, Entry, Period, Source, State

_STATES: Mapping[Status, State] = {
    Status.ACTIVE: State.ACTIVE,
    Status.INTENDED: State.ACTIVE,
    Status.ON_HOLD: State.ON_HOLD,
    Status.STOPPED: State.STOPPED,
    Status.COMPLETED: State.STOPPED,
    Status.NOT_TAKEN: State.NOT_TAKEN,
}
_UCUM: Mapping[str, str] = {"mcg": "ug", "unit": "[iU]", "mEq": "meq", "mL": "mL", "mg": "mg", "g": "g"}
_THINGS = frozenset({"piece", "puff", "drop", "patch", "spray", "application"})


def entry_of(medicine: Medicine, source: Source, version: int, today: date) -> Entry:
    """What the source says of this medicine. What the reader could not be sure of has no ingredients here, so that it
    is joined with nothing by itself (ME-12)."""
    known = medicine.key if medicine.is_matched else frozenset()
    return Entry(
        reference=medicine.reference,
        source=source,
        name=medicine.text,
        version=version,
        ingredients=known,
        release="" if medicine.release is Release.UNKNOWN else medicine.release.value,
        route="" if medicine.route is Route.UNKNOWN else medicine.route.value,
        strength=" / ".join(str(one) for one in medicine.strengths if one is not None),
        dosing=dosing_of(medicine),
        said=said_of(medicine),
        state=_state(medicine, source, today),
        stop_reason=medicine.stop_reason,
        reason=medicine.reason_text,
        told=medicine.recorded,
    )


def _state(medicine: Medicine, source: Source, today: date) -> State:
    """A fill is no longer on its way when it is completed: it was handed out."""
    if source is Source.PHARMACY:
        return State.ACTIVE if medicine.status in (Status.COMPLETED, Status.ACTIVE) else State.UNKNOWN
    state = _STATES.get(medicine.status, State.UNKNOWN)
    is_over = medicine.end is not None and medicine.end < today
    return State.STOPPED if state is State.ACTIVE and is_over else state


def dosing_of(medicine: Medicine) -> Dosing | None:
    """How much at a time, how often; None where either is not known, and where it is not the same each time. A range
    counts as its most (ME-03)."""
    dose, takes = medicine.dose, medicine.takes
    if isinstance(dose, Unknown) or isinstance(takes, Unknown):
        return None
    if len({one.dose for one in medicine.dosages if one.step == medicine.dosages[0].step}) > 1:
        return None
    amount, unit = _amount(medicine, dose)
    often, per = _often(takes)
    return Dosing(
        amount=amount,
        unit=unit,
        takes=often,
        per=per,
        as_needed=medicine.as_needed,
        when=_when(medicine, takes),
    )


def _when(medicine: Medicine, takes: Takes) -> tuple[str, ...]:
    return (*(f"on {_DAYS.get(day, day)}" for day in takes.weekdays), *medicine.moments)


def _amount(medicine: Medicine, dose: Dose) -> tuple[Decimal, str]:
    """In a mass where the strength of one piece is known, else in things that cannot be compared with a mass."""
    if dose.unit not in _THINGS:
        strength = medicine.strengths[0] if len(medicine.strengths) == 1 else None
        if strength is not None and strength.per is not None and strength.per.unit == dose.unit:
            return dose.high / strength.per.value * strength.amount.value, _code(strength.amount.unit)
        return dose.high, _code(dose.unit)
    strength = medicine.strengths[0] if len(medicine.strengths) == 1 else None
    if strength is None or strength.per is not None:
        product = " ".join(sorted(str(one) for one in medicine.strengths if one is not None))
        return dose.high, f"{{{dose.unit} {product}}}"
    return dose.high * strength.amount.value, _code(strength.amount.unit)


def _often(takes: Takes) -> tuple[Decimal, Period]:
    if takes.pattern is Pattern.WEEKLY:
        return (takes.high * 7 / takes.days).normalize(), Period.WEEK
    if takes.pattern is Pattern.MONTHLY:
        return (takes.high * 30 / takes.days).normalize(), Period.MONTH
    return takes.per_day, Period.DAY


def _code(unit: str) -> str:
    return _UCUM.get(unit, unit)


_TIMES = {1: "once a day", 2: "twice a day", 3: "3 times a day", 4: "4 times a day"}
_DAYS = {"mon": "Monday", "tue": "Tuesday", "wed": "Wednesday", "thu": "Thursday", "fri": "Friday", "sat": "Saturday",
         "sun": "Sunday"}  # fmt: skip
_SHOWN = {"ug": "mcg", "[iU]": "units", "meq": "mEq"}


def said_of(medicine: Medicine) -> str:
    """How it is taken, short and the same for the same thing; the words that were sent where they say more than that.

    `40 mg, twice a day`, `10 mg, once a day, at bedtime`."""
    dosing = dosing_of(medicine)
    if dosing is not None and not dosing.unit.startswith("{"):
        return words_of(dosing)
    dose = medicine.dose
    if dosing is None and medicine.as_needed and isinstance(dose, Dose):
        amount, unit = _amount(medicine, dose)
        if not unit.startswith("{"):
            return f"{plain(amount)} {_SHOWN.get(unit, unit)}, as needed"
    strength = " / ".join(str(one) for one in medicine.strengths if one is not None)
    text = medicine.dosage_text
    return text if strength and strength in text else ", ".join(part for part in (strength, text) if part)


def words_of(dosing: Dosing) -> str:
    """A dosing as a person reads it."""
    unit = _SHOWN.get(dosing.unit, dosing.unit)
    amount = f"{plain(dosing.amount)} {unit}"
    if dosing.per is not Period.DAY:
        often = "once" if dosing.takes == 1 else f"{plain(dosing.takes)} times"
        times = f"{often} a {dosing.per.value}"
    elif dosing.takes in _TIMES:
        times = _TIMES[int(dosing.takes)]
    elif dosing.takes < 1 and (1 / dosing.takes) == int(1 / dosing.takes):
        times = f"every {int(1 / dosing.takes)} days"
    else:
        times = f"{plain(dosing.takes)} times a day"
    if dosing.as_needed:
        return f"{amount}, as needed" + (f", at most {times}" if dosing.takes > 1 else "")
    return ", ".join([f"{amount}, {times}", *filter(None, [" and ".join(dosing.when)])])
