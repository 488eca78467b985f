"""How often, read from words that somebody typed (`Weigh every morning`)."""

import re

from careloop.careplans.model import Interval

_UNITS = {
    "day": "day",
    "morning": "day",
    "evening": "day",
    "night": "day",
    "week": "week",
    "month": "month",
    "year": "year",
}
_NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "six": 6, "other": 2}
_EVERY = re.compile(
    r"\b(?:every|each)\s+(?:(\d{1,3}|one|two|three|four|six|other)\s+)?"
    r"(day|morning|evening|night|week|month|year)s?\b",
    re.IGNORECASE,
)
_WORDS = {
    "daily": Interval(1, "day"),
    "weekly": Interval(1, "week"),
    "monthly": Interval(1, "month"),
    "yearly": Interval(1, "year"),
    "once": Interval(0),
}


def interval_in(text: str) -> Interval | None:
    """How often the words say; None where they do not, or where they say more than one thing."""
    found = {Interval(_number(one[1]), _UNITS[one[2].lower()]) for one in _EVERY.finditer(text)}
    spoken = set(re.findall(r"[a-z]+", text.lower()))
    found |= {every for word, every in _WORDS.items() if word in spoken}
    return found.pop() if len(found) == 1 else None


def _number(said: str | None) -> int:
    if not said:
        return 1
    return int(said) if said.isdecimal() else _NUMBERS[said.lower()]
