"""One part of a command, read at one place: a choice, minutes, who, a day, a word, a text, a measured value. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation

from careloop.engagement.capture.grammar import Grammar
from careloop.engagement.capture.model import Measure, Reading, Taken, Unit, Value, Who, Wrong

MOST_MINUTES = 600
_AHEAD = 400
"""Days ahead at most: a task for later than that was mistyped."""

_MINUTES = re.compile(
    r"(?:(\d{1,2})\s*(?:h|hr|hrs|hour|hours)\b)?\s*(?:(\d{1,4})\s*(?:min|mins|minute|minutes|m)\b)?", re.I
)
_QUOTED = re.compile(r"[\"“”]([^\"“”]*)[\"“”]")
_NAME = re.compile(r"[^\W\d_][\w'-]*")
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?!\w)")
_IN_DAYS = re.compile(r"in\s+(\d{1,3})\s*(day|days|week|weeks)\b", re.I)
_SLASHED = re.compile(r"\d{1,2}[/.]\d{1,2}(?:[/.]\d{2,4})?(?!\w)")
_NUMBER = r"\d{1,7}(?:\.\d{1,6})?"
_READING = re.compile(rf"({_NUMBER})(?:\s*/\s*({_NUMBER}))?(?![\d.,]*\d)")
_TO = re.compile(r"to\s+", re.I)
_BY = re.compile(r"(?:by|on|due|until)\s+", re.I)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What reading needs to know beside the text."""

    grammar: Grammar
    today: date
    people: Mapping[str, str]
    me: str


@dataclass(frozen=True, kw_only=True)
class Found:
    """A value and where the text goes on."""

    value: Value
    end: int


def read_part(text: str, at: int, taken: Taken, setting: Setting) -> Found | Wrong | None:
    """The part at this place; None where something else stands there, `Wrong` where it was meant and is not right."""
    match taken.kind:
        case "choice":
            return _choice(text, at, taken)
        case "minutes":
            return _minutes(text, at)
        case "who":
            return _who(text, at, setting)
        case "to":
            return _to(text, at, setting)
        case "day":
            return _day(text, at, setting)
        case "word":
            return _plain(text, at)
        case _:
            return _text(text, at)


def _choice(text: str, at: int, taken: Taken) -> Found | None:
    said = sorted(
        ((words, code) for code, many in taken.choices.items() for words in many), key=lambda one: -len(one[0])
    )
    for words, code in said:
        end = _says(text, at, words)
        if end is not None:
            return Found(value=code, end=end)
    return None


def _says(text: str, at: int, words: str) -> int | None:
    """Where these words end, if they stand here."""
    pattern = r"\s+".join(re.escape(word) for word in words.split()) + r"(?![\w-])"
    found = re.compile(pattern, re.I).match(text, at)
    return found.end() if found else None


def _minutes(text: str, at: int) -> Found | Wrong | None:
    found = _MINUTES.match(text, at)
    if found is None or not (found[1] or found[2]):
        return None
    total = 60 * int(found[1] or 0) + int(found[2] or 0)
    if not 1 <= total <= MOST_MINUTES:
        return Wrong(at=at, what=found[0].strip(), expected=f"1 to {MOST_MINUTES} minutes")
    return Found(value=Decimal(total), end=found.end())


def _who(text: str, at: int, setting: Setting) -> Found | None:
    """A role or a person by name; a word that is neither is left for another part."""
    names = {**{said: ("", role) for said, role in setting.grammar.roles.items()}}
    names |= {said: (reference, "") for said, reference in setting.people.items()}
    names |= {"me": (setting.me, ""), "myself": (setting.me, "")} if setting.me else {}
    for said in sorted(names, key=len, reverse=True):
        end = _says(text, at, said)
        if end is not None:
            reference, role = names[said]
            return Found(value=Who(role=role, reference=reference, says=text[at:end]), end=end)
    return None


def _to(text: str, at: int, setting: Setting) -> Found | None:
    """`to` and who: words for a patient may begin with a name, so a name alone addresses nobody."""
    found = _TO.match(text, at)
    return _who(text, found.end(), setting) if found else None


def _day(text: str, at: int, setting: Setting) -> Found | Wrong | None:
    by = _BY.match(text, at)
    start = by.end() if by else at
    found = _date(text, start, setting)
    if found is None:
        what = re.compile(r"\S+").match(text, start)
        return Wrong(at=start, what=what[0] if what else "", expected=_DAYS) if by else None
    if isinstance(found, Wrong):
        return found
    day = found.value
    if isinstance(day, date) and not 0 <= (day - setting.today).days <= _AHEAD:
        return Wrong(at=start, what=text[start : found.end], expected=f"a day from today to {_AHEAD} days ahead")
    return found


_DAYS = "a day as Fri, tomorrow, 4 Dec, 2026-12-04 or in 3 days"


def _date(text: str, at: int, setting: Setting) -> Found | Wrong | None:
    grammar, today = setting.grammar, setting.today
    if found := _ISO.match(text, at):
        return _dated(found[0], found.end(), at, *(int(part) for part in found.groups()))
    if found := _SLASHED.match(text, at):
        return Wrong(at=at, what=found[0], expected=_DAYS)
    if found := _IN_DAYS.match(text, at):
        days = int(found[1]) * (7 if found[2].lower().startswith("week") else 1)
        return Found(value=today + timedelta(days=days), end=found.end())
    if named := _named(text, at, grammar.days):
        return Found(value=today + timedelta(days=named[0]), end=named[1])
    if named := _named(text, at, grammar.weekdays):
        return Found(value=today + timedelta(days=(named[0] - today.isoweekday()) % 7), end=named[1])
    return _month_day(text, at, setting)


def _month_day(text: str, at: int, setting: Setting) -> Found | Wrong | None:
    """`4 Dec` or `Dec 4`: the next one from today on."""
    number = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?\s+", re.I).match(text, at)
    if number and (month := _named(text, number.end(), setting.grammar.months)):
        return _coming(text, at, month[1], month[0], int(number[1]), setting.today)
    if month := _named(text, at, setting.grammar.months):
        number = re.compile(r"\s+(\d{1,2})(?:st|nd|rd|th)?(?!\w)", re.I).match(text, month[1])
        if number:
            return _coming(text, at, number.end(), month[0], int(number[1]), setting.today)
    return None


def _coming(text: str, at: int, end: int, month: int, day: int, today: date) -> Found | Wrong:
    found = _dated(text[at:end], end, at, today.year, month, day)
    if isinstance(found, Found) and isinstance(found.value, date) and found.value < today:
        return _dated(text[at:end], end, at, today.year + 1, month, day)
    return found


def _dated(what: str, end: int, at: int, year: int, month: int, day: int) -> Found | Wrong:
    try:
        return Found(value=date(year, month, day), end=end)
    except ValueError:
        return Wrong(at=at, what=what, expected="a day that the calendar has")


def _named(text: str, at: int, names: Mapping[str, int]) -> tuple[int, int] | None:
    word = _NAME.match(text, at)
    if word is None or word[0].lower() not in names:
        return None
    return names[word[0].lower()], word.end()


def _plain(text: str, at: int) -> Found | None:
    """Words up to a quote: a specialty has one or several. A quoted text is none."""
    found = re.compile(r"[^\s\"“”][^\"“”\n]*").match(text, at)
    return Found(value=" ".join(found[0].split()), end=found.end()) if found else None


def _text(text: str, at: int) -> Found | Wrong | None:
    found = _QUOTED.match(text, at)
    if found is None:
        return None
    said = " ".join(found[1].split())
    return (
        Found(value=said, end=found.end()) if said else Wrong(at=at, what=found[0], expected="words between the quotes")
    )


def read_reading(text: str, at: int, measure: Measure) -> Found | Wrong:
    """A number, or two of a pair, with its unit."""
    found = _READING.match(text, at)
    rest = text[at:].split(maxsplit=1)
    what = rest[0] if rest else ""
    if found is None:
        return Wrong(at=at, what=what, expected=f"a number, as {measure.example}")
    if bool(found[2]) != bool(measure.parts):
        expected = "two numbers" if measure.parts else "one number"
        return Wrong(at=at, what=found[0], expected=f"{expected}, as {measure.example}")
    try:
        values = tuple(Decimal(part) for part in found.groups() if part)
    except InvalidOperation:
        return Wrong(at=at, what=found[0], expected=f"a number, as {measure.example}")
    unit = _unit(text, found.end(), measure)
    if isinstance(unit, Wrong):
        return unit
    return Found(value=Reading(measure=measure, values=values, unit=unit[0]), end=unit[1])


def _unit(text: str, at: int, measure: Measure) -> tuple[Unit, int] | Wrong:
    start = at + len(text[at:]) - len(text[at:].lstrip(" \t"))
    said = sorted(((words, unit) for unit in measure.units for words in unit.words), key=lambda one: -len(one[0]))
    for words, unit in said:
        end = _says(text, start, words)
        if end is not None:
            return unit, end
    known = next((unit for unit in measure.units if unit.code == measure.default), None)
    if known is not None:
        return known, at
    names = " or ".join(unit.unit for unit in measure.units)
    rest = text[start:].split(maxsplit=1)
    return Wrong(at=start, what=rest[0] if rest else "", expected=f"the unit: {names}")
