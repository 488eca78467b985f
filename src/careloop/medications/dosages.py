"""FHIR `Dosage` as lines of how to take a medicine; the free text fills what the structure leaves out. Pure."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from careloop.medications.dosing import is_as_needed, read_text, takes_of
from careloop.medications.drugs import Words, holds, phrase
from careloop.medications.model import Amount, Dosage, Dose, Resource, Route, Takes, Unknown
from careloop.medications.moments import moments_of
from careloop.medications.quantities import amount_of, number

_HOURS = {"s": Decimal(1) / 3600, "min": Decimal(1) / 60, "h": Decimal(1), "d": Decimal(24), "wk": Decimal(168),
          "mo": Decimal(720), "a": Decimal(8760)}  # fmt: skip
_ALL_WEEK = 7


def dosages_of(lines: Sequence[Resource], words: Words) -> tuple[Dosage, ...]:
    """Each line, in order; empty where nothing is said."""
    return tuple(_dosage(line, words) for line in lines)


def route_of(line: Resource, words: Words) -> Route:
    """The route that a line states, by code, by its words, else by its free text."""
    concept = _mapping(line.get("route"))
    for coding in _listed(concept.get("coding")):
        if (route := words.route_codes.get(str(coding.get("code", "")).upper())) is not None:
            return route
    told = [str(concept.get("text") or ""), *(str(one.get("display") or "") for one in _listed(concept.get("coding")))]
    told += [str(line.get("text") or ""), str(line.get("patientInstruction") or "")]
    for text in filter(None, told):
        folded = phrase(text)
        found = next((route for word, route in words.routes if holds(folded, word)), None)
        if found is not None:
            return found
    return Route.UNKNOWN


def _dosage(line: Resource, words: Words) -> Dosage:
    text = str(line.get("text") or line.get("patientInstruction") or "")
    spoken = read_text(text, words) if text else None
    timing = _mapping(line.get("timing"))
    takes = _timed(timing, words)
    if isinstance(takes, Unknown) and spoken is not None:
        takes = spoken.takes
    dose = _dose(line, words)
    if isinstance(dose, Unknown) and spoken is not None:
        dose = spoken.dose
    concept = line.get("asNeededCodeableConcept")
    said = _mapping(timing.get("code")).get("text") or ""
    needed = line.get("asNeededBoolean") is True or bool(concept) or is_as_needed(phrase(str(said)), words)
    return Dosage(
        dose=dose,
        takes=takes,
        as_needed=needed or (spoken is not None and spoken.as_needed),
        step=int(line["sequence"]) if isinstance(line.get("sequence"), int) else 1,
        text=text,
        most_per_day=_most(line, words),
        moments=moments_of(timing, [*_timing_texts(timing, words), text], takes, words),
    )


def _dose(line: Resource, words: Words) -> Dose | Unknown:
    for one in _listed(line.get("doseAndRate")):
        if (amount := amount_of(one.get("doseQuantity"), words)) is not None:
            return Dose(amount.value, amount.value, amount.unit)
        span = _mapping(one.get("doseRange"))
        low, high = amount_of(span.get("low"), words), amount_of(span.get("high"), words)
        if high is not None or low is not None:
            most = high or low
            least = low or high
            assert most is not None
            assert least is not None
            return Dose(least.value if least.unit == most.unit else most.value, most.value, most.unit)
    return Unknown("no dose is stated")


def _timed(timing: Resource, words: Words) -> Takes | Unknown:
    repeat = _mapping(timing.get("repeat"))
    takes = _repeated(repeat)
    if takes is not None:
        return takes
    for text in _timing_texts(timing, words):
        found = takes_of(phrase(text), words)
        if isinstance(found, Takes):
            return found
    return Unknown("nothing is said about how often")


def _timing_texts(timing: Resource, words: Words) -> list[str]:
    """What the code of a timing says: its text, what its codes mean to us, its displays."""
    concept = _mapping(timing.get("code"))
    codes = [words.timing_codes.get(str(one.get("code", "")).upper()) for one in _listed(concept.get("coding"))]
    said = [concept.get("text"), *codes, *(one.get("display") for one in _listed(concept.get("coding")))]
    return [str(one) for one in said if one]


def _repeated(repeat: Resource) -> Takes | None:
    """`Timing.repeat` as takes. Without a frequency it is once in each period (FHIR R4, Timing)."""
    weekdays = tuple(_texts(repeat.get("dayOfWeek")))
    times = len(_texts(repeat.get("timeOfDay"))) or len(_texts(repeat.get("when")))
    period, unit = number(repeat.get("period", 1)), str(repeat.get("periodUnit") or "")
    frequency = number(repeat.get("frequency", times or 1))
    if frequency is None or period is None or frequency <= 0 or period <= 0:
        return None
    if weekdays:
        each = frequency if unit in ("", "d") or not times else Decimal(times)
        total = each * len(weekdays) if unit != "wk" or frequency < len(weekdays) else frequency
        return Takes(total, total, Decimal(_ALL_WEEK), weekdays) if len(weekdays) < _ALL_WEEK else Takes(each, each)
    if unit not in _HOURS:
        return Takes(Decimal(times), Decimal(times)) if times else None
    most = number(repeat.get("frequencyMax")) or frequency
    longest = max(number(repeat.get("periodMax")) or period, period)
    return _over(frequency, max(most, frequency), period * _HOURS[unit], longest * _HOURS[unit])


def _over(low: Decimal, high: Decimal, short: Decimal, long: Decimal) -> Takes:
    """`low` in `long` hours to `high` in `short` hours, as takes in days: within a day counted for the day."""
    day = Decimal(24)
    if short <= day:
        return Takes(low * day / long, high * day / short)
    return Takes(low * short / long, high, short / day)


def _most(line: Resource, words: Words) -> Amount | None:
    limit = _mapping(line.get("maxDosePerPeriod"))
    over, under = amount_of(limit.get("numerator"), words), _mapping(limit.get("denominator"))
    hours = _HOURS.get(str(under.get("code") or under.get("unit") or ""))
    span = number(under.get("value", 1))
    if over is None or hours is None or not span:
        return None
    return Amount(over.value * 24 / (hours * span), over.unit)


def _mapping(value: Any) -> Resource:
    return value if isinstance(value, Mapping) else {}


def _listed(value: Any) -> list[Resource]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _texts(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
