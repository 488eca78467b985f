"""How a medicine is taken, from free text: best effort and pure. What no rule reads is `Unknown`, in words."""

import re
from decimal import Decimal

from careloop.medications.drugs import Words, phrase
from careloop.medications.model import Dosage, Dose, Takes, Unknown

_HOURS = re.compile(r"\b(?:every|q)\s*(\d+)(?:\s*(?:to)?\s*(\d+))?\s*(?:h|hr|hrs|hours?)\b")
_TIMES = re.compile(
    r"\b(\d+)(?:\s*(?:to)?\s*(\d+))?\s*(?:times|x)\s*(?:(?:a|per|each|every)\s*)?(day|daily|week|weekly|month)\b"
)
_EVERY = re.compile(r"\bevery\s*(\d+)\s*(day|week|month)s?\b")
_FRACTION = re.compile(r"\b(?:(\d+) )?(\d)/(\d)\b")
_MOMENTS = (
    "morning",
    "noon",
    "evening",
    "bedtime",
    "night",
    "breakfast",
    "lunch",
    "dinner",
    "supper",
    "qam",
    "qpm",
    "qhs",
)
_LENGTH = {"day": 1, "daily": 1, "week": 7, "weekly": 7, "month": 30}
_MOST = 500


def read_text(text: str, words: Words) -> Dosage:
    """What one line of free text says about dose and schedule."""
    folded = _numbers(phrase(_decimals(text[:_MOST])), words)
    return Dosage(
        dose=_dose(folded, words),
        takes=takes_of(folded, words),
        as_needed=is_as_needed(folded, words),
        text=text,
    )


def is_as_needed(folded: str, words: Words) -> bool:
    """True where the folded text says that it is taken only when needed."""
    return any(f" {one} " in f" {folded} " for one in words.as_needed)


def takes_of(folded: str, words: Words) -> Takes | Unknown:
    """How often, from a folded text."""
    if (weekly := _on_weekdays(folded, words)) is not None:
        return weekly
    for read in (_by_hours, _by_times, _by_every):
        if (found := read(folded)) is not None:
            return found
    told = _told_twice(folded, words)
    if len(told) > 1:
        return Unknown("two schedules in one line")
    return told[0] if told else Unknown("nothing is said about how often")


def _told_twice(folded: str, words: Words) -> list[Takes]:
    """Each schedule that a phrase tells; moments of one day are counted together."""
    rest, found, moments = f" {folded} ", [], Decimal(0)
    for wanted, takes in words.times:
        if f" {wanted} " not in rest:
            continue
        rest = rest.replace(f" {wanted} ", " . ")
        if any(one in wanted for one in _MOMENTS) and takes.high == 1:
            moments += 1
        elif takes not in found:
            found.append(takes)
    if found and moments and all(one == Takes(Decimal(1), Decimal(1)) for one in found):
        return [Takes(moments, moments)]
    if not found and moments:
        return [Takes(moments, moments)]
    return found


def _by_hours(folded: str) -> Takes | None:
    match = _HOURS.search(folded)
    if match is None or not int(match[1]):
        return None
    short, long = sorted((Decimal(match[1]), Decimal(match[2] or match[1])))
    if short > 24:
        return Takes(Decimal(1), Decimal(1), short / 24)
    return Takes(Decimal(24) / long, Decimal(24) / short)


def _by_times(folded: str) -> Takes | None:
    match = _TIMES.search(folded)
    if match is None:
        return None
    low, high = sorted((Decimal(match[1]), Decimal(match[2] or match[1])))
    return Takes(low, high, Decimal(_LENGTH[match[3]])) if high else None


def _by_every(folded: str) -> Takes | None:
    match = _EVERY.search(folded)
    if match is None or not int(match[1]):
        return None
    return Takes(Decimal(1), Decimal(1), Decimal(match[1]) * _LENGTH[match[2]])


def _on_weekdays(folded: str, words: Words) -> Takes | None:
    named = [words.weekdays[word] for word in folded.split() if word in words.weekdays]
    if not named:
        return None
    days = list(dict.fromkeys(named))
    order = list(dict.fromkeys(words.weekdays.values()))
    if re.search(r"\b(?:through|thru)\b", folded) and len(days) == 2:
        first, last = order.index(days[0]), order.index(days[1])
        days = [order[(first + step) % 7] for step in range((last - first) % 7 + 1)]
    if re.search(r"\bexcept\b", folded):
        days = [day for day in order if day not in days]
    return Takes(Decimal(len(days)), Decimal(len(days)), Decimal(7), tuple(days))


def _dose(folded: str, words: Words) -> Dose | Unknown:
    units = "|".join(sorted((re.escape(one) for one in words.units if one.isalpha()), key=len, reverse=True))
    found = re.findall(rf"(?<![\d./])(\d+(?:\.\d+)?)(?:\s*(?:to\s*)?(\d+(?:\.\d+)?))?\s*({units})(?![a-z])", folded)
    doses = [
        Dose(min(Decimal(low), Decimal(high or low)), max(Decimal(low), Decimal(high or low)), words.units[unit])
        for low, high, unit in found
        if words.units[unit] != "h"
    ]
    if not doses:
        return Unknown("no dose is stated")
    alike = [one for one in doses if one.unit == doses[0].unit]
    if len({(one.low, one.high) for one in alike}) > 1 and not re.search(r"\bmax", folded):
        return Unknown("two doses in one line")
    return doses[0]


def _decimals(text: str) -> str:
    """Fractions as decimal numbers, thousands without their comma, ranges with a `to`."""
    plain = re.sub(r"(?<=\d),(?=\d{3})", "", text)
    plain = re.sub(r"(?<=\d)\s*[-\u2013]\s*(?=\d)", " to ", plain)
    return _FRACTION.sub(_fraction, plain)


def _fraction(match: "re.Match[str]") -> str:
    whole, over, under = match.groups()
    value = Decimal(whole or 0) + (Decimal(over) / Decimal(under) if int(under) else Decimal(0))
    return f"{value:f}"


def _numbers(folded: str, words: Words) -> str:
    for word in sorted(words.numbers, key=len, reverse=True):
        folded = re.sub(rf"\b{word}\b", f"{words.numbers[word]:f}", folded)
    return re.sub(r"(\d)(?:\s+or\s+)(\d)", r"\1 to \2", folded)
