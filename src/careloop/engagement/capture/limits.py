"""Is a typed value believable? MO-03: beyond the limits it is asked for again, never saved silently. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from careloop.engagement.capture.model import Limits, Measure, Reading
from careloop.fhir.ucum import convert

_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """Why a value is asked for again."""

    key: str
    says: str
    rule: str


def canonical_of(reading: Reading) -> tuple[Decimal, ...]:
    """The numbers in the canonical unit, exactly (MO-07)."""
    return tuple(_canonical(value, reading) for value in reading.values)


def _canonical(value: Decimal, reading: Reading) -> Decimal:
    if reading.unit.times is not None:
        return value * reading.unit.times
    found = convert(value, reading.unit.code, reading.measure.canonical)
    if found is None:
        raise ValueError(f"{reading.unit.code} does not measure what {reading.measure.canonical} does")
    return found


def doubts(reading: Reading, last: tuple[Decimal, datetime] | None, now: datetime) -> tuple[Doubt, ...]:
    """What is hard to believe about the reading. `last` is the latest value of the record, in the canonical unit."""
    return tuple(_doubts(reading, last, now))


def _doubts(reading: Reading, last: tuple[Decimal, datetime] | None, now: datetime) -> Iterator[Doubt]:
    measure = reading.measure
    numbers = canonical_of(reading)
    bounds: list[tuple[str, Limits | None]] = [(one.title, one.limits) for one in measure.parts]
    bounds = bounds or [(measure.title, measure.limits)]
    for typed, number, (title, limits) in zip(reading.values, numbers, bounds, strict=True):
        if limits is not None and not limits.low <= number <= limits.high:
            yield _beyond(measure.word, title, f"{typed} {reading.unit.unit}", limits, _name(measure))
    if len(numbers) == 2 and numbers[0] <= numbers[1]:
        yield Doubt(key=f"{measure.word}-order", says="The upper number is not above the lower one", rule="[P]")
    if last is not None and measure.most_change is not None:
        days = max(1, (now - last[1]) // _DAY)
        change = numbers[0] - last[0]
        if abs(change) > measure.most_change * days:
            way = "more" if change > 0 else "less"
            says = (
                f"{abs(change):.1f} {measure.canonical} {way} than {last[1]:%-d %b}. The right person, the right unit?"
            )
            yield Doubt(key=f"{measure.word}-change", says=says, rule=measure.change_rule)


def _name(measure: Measure) -> str:
    """The canonical unit as people say it."""
    return next((one.unit for one in measure.units if one.code == measure.canonical), measure.canonical)


def _beyond(word: str, title: str, typed: str, limits: Limits, unit: str) -> Doubt:
    says = f"{title} {typed} is outside {limits.low} to {limits.high} {unit}"
    return Doubt(key=f"{word}-{title.lower().replace(' ', '-')}", says=says, rule=limits.rule)
