"""The kinds of test a row can make: each says whether a reading is past its number, and on which readings that rests.

Pure. To add a kind: a function here, its line in `KINDS`, its shape in `content/schemas/monitoring.json`, its words in
`content/monitoring/README.md`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from careloop.monitoring.content import Test, Windows
from careloop.monitoring.rules.series import Series

Numbers = Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Hit:
    """Past the number: what is compared with later ones (worse when `higher` or lower), and what it rests on."""

    measure: Decimal
    higher: bool
    places: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a test looks at: the series, the reading's place, the patient's own number, symptoms told near it."""

    series: Series
    place: int
    usual: Decimal | None
    symptoms: frozenset[str]
    windows: Windows

    @property
    def value(self) -> Decimal:
        """The reading's value."""
        return self.series.values[self.place]


def past(numbers: Numbers, value: Decimal) -> bool | None:
    """True past one of the numbers, and in which direction: True higher, False lower, None not past any."""
    if "at_least" in numbers and value >= numbers["at_least"]:
        return True
    if "above" in numbers and value > numbers["above"]:
        return True
    if "at_most" in numbers and value <= numbers["at_most"]:
        return False
    if "below" in numbers and value < numbers["below"]:
        return False
    return None


def _limit(test: Test, numbers: Numbers, asked: Asked) -> Hit | None:
    """One reading is past the number; with `with`, and one of these symptoms was told near it."""
    wanted = test.words.get("with")
    if wanted is not None and not asked.symptoms.intersection(wanted):
        return None
    return _hit(numbers, asked, (asked.place,))


def _twice(test: Test, numbers: Numbers, asked: Asked) -> Hit | None:
    """The reading before it, not longer ago than so, is past the number too."""
    hit = _hit(numbers, asked, (asked.place,))
    before = next(asked.series.back(asked.place, timedelta(minutes=test.words["minutes"])), None)
    if hit is None or before is None or past(numbers, asked.series.values[before]) is not hit.higher:
        return None
    return Hit(hit.measure, hit.higher, (before, asked.place))


def _apart(test: Test, numbers: Numbers, asked: Asked) -> Hit | None:
    """A reading at least so long before is past the number too, and none between is not."""
    hit = _hit(numbers, asked, (asked.place,))
    if hit is None:
        return None
    least = timedelta(minutes=test.words["minutes"])
    for before in asked.series.back(asked.place, timedelta(hours=test.words["most_hours"])):
        if past(numbers, asked.series.values[before]) is not hit.higher:
            return None
        if asked.series.readings[asked.place].moment - asked.series.readings[before].moment >= least:
            return Hit(hit.measure, hit.higher, (before, asked.place))
    return None


def _average(test: Test, numbers: Numbers, asked: Asked) -> Hit | None:
    """The mean of so many days to this reading is past the number, with enough readings to say so."""
    places = [asked.place, *asked.series.back(asked.place, timedelta(days=test.words["days"]))]
    if len(places) < test.words["readings"]:
        return None
    mean = sum((asked.series.values[at] for at in places), Decimal(0)) / len(places)
    side = past(numbers, mean)
    return None if side is None else Hit(mean, side, tuple(places))


def _gain(test: Test, numbers: Numbers, asked: Asked) -> Hit | None:
    """MO-06, MO-07: the day's first reading against the day before, or the lowest of the days before. Pounds become
    kilograms without rounding. One day compares readings of the same part of the day."""
    series, place = asked.series, asked.place
    if not series.stands_for_day(place):
        return None
    places = list(series.days_before(series.days[place], test.words["days"]))
    if test.words["from"] == "day-before":
        morning = series.by_day[series.days[place]].morning
        places = [at for at in places if series.by_day[series.days[at]].morning is morning]
    if not places:
        return None
    low = min(places, key=lambda at: series.values[at])
    gain = asked.value - series.values[low]
    return Hit(gain, True, (low, place)) if gain >= numbers["pounds"] * asked.windows.kg_per_lb else None


def _loss(test: Test, numbers: Numbers, asked: Asked) -> Hit | None:
    """So many percent below the highest of the days before."""
    series, place = asked.series, asked.place
    if not series.stands_for_day(place):
        return None
    places = list(series.days_before(series.days[place], test.words["days"]))
    if not places:
        return None
    high = max(places, key=lambda at: series.values[at])
    lost = (series.values[high] - asked.value) * 100 / series.values[high]
    return Hit(lost, True, (high, place)) if lost >= numbers["percent"] else None


def _below_usual(test: Test, numbers: Numbers, asked: Asked) -> Hit | None:
    """So much below the patient's own number, twice in a row where two are asked for. Unknown usual: no test."""
    return None if asked.usual is None else _against(test, asked, lambda value: _usual(asked) - value, numbers["by"])


def _above_usual(test: Test, numbers: Numbers, asked: Asked) -> Hit | None:
    """So much above the patient's own number, else above the reading before it."""
    if asked.usual is None:
        if asked.place == 0:
            return None
        by = asked.value - asked.series.values[asked.place - 1]
        return Hit(by, True, (asked.place - 1, asked.place)) if by >= numbers["by"] else None
    return _against(test, asked, lambda value: value - _usual(asked), numbers["by"])


def _share_of_best(test: Test, numbers: Numbers, asked: Asked) -> Hit | None:
    """Below so many percent of the personal best. Unknown best: no test, and the patient's page says so."""
    if asked.usual is None:
        return None
    share = asked.value * 100 / asked.usual
    places = _with_one_before(test, asked)
    if places is None or any(asked.series.values[at] * 100 / asked.usual >= numbers["below"] for at in places):
        return None
    return Hit(share, False, places)


def _rise(test: Test, numbers: Numbers, asked: Asked) -> Hit | None:
    """Up by so much from the lowest of the days before."""
    places = list(asked.series.back(asked.place, timedelta(days=test.words["days"])))
    if not places:
        return None
    low = min(places, key=lambda at: asked.series.values[at])
    rise = asked.value - asked.series.values[low]
    return Hit(rise, True, (low, asked.place)) if rise >= numbers["by"] else None


def _days_of(test: Test, numbers: Numbers, asked: Asked) -> Hit | None:
    """On so many of the last local days, today among them, a reading (taken fasting where that is asked) is past it."""
    series, fasting = asked.series, bool(test.words.get("fasting"))
    today = series.days[asked.place]
    hits: dict[object, int] = {}
    for at in (asked.place, *series.back(asked.place, timedelta(days=test.words["days"]))):
        day, one = series.days[at], series.readings[at].reading
        counts = (one.fasting or not fasting) and past(numbers, series.values[at]) is not None
        if counts and (today - day).days < test.words["days"]:
            hits.setdefault(day, at)
    if today not in hits or len(hits) < test.words["needs"]:
        return None
    return _hit(numbers, asked, tuple(hits.values()))


def _hit(numbers: Numbers, asked: Asked, places: Sequence[int]) -> Hit | None:
    side = past(numbers, asked.value)
    return None if side is None else Hit(asked.value, side, tuple(places))


def _usual(asked: Asked) -> Decimal:
    assert asked.usual is not None
    return asked.usual


def _with_one_before(test: Test, asked: Asked) -> tuple[int, ...] | None:
    """The reading, and the one before it within a day where two are asked for; None where that is not there."""
    if test.words.get("readings", 1) < 2:
        return (asked.place,)
    before = next(asked.series.back(asked.place, timedelta(days=1)), None)
    return None if before is None else (before, asked.place)


def _against(test: Test, asked: Asked, far: Callable[[Decimal], Decimal], by: Decimal) -> Hit | None:
    places = _with_one_before(test, asked)
    if places is None or any(far(asked.series.values[at]) < by for at in places):
        return None
    return Hit(far(asked.value), True, places)


KINDS: Mapping[str, Callable[[Test, Numbers, Asked], Hit | None]] = {
    "limit": _limit,
    "twice": _twice,
    "apart": _apart,
    "average": _average,
    "gain": _gain,
    "loss": _loss,
    "below-usual": _below_usual,
    "above-usual": _above_usual,
    "share-of-best": _share_of_best,
    "rise": _rise,
    "days-of": _days_of,
}
"""Tests of readings. `missing`, `device-error` and `odd` are not about a value: `rules.silence`, `rules.breaches`."""

WINDOWS = frozenset(KINDS) - {"limit", "share-of-best"}
"""Kinds that look at times: what a wrong clock measured is not alerted on by them (MO-01)."""
