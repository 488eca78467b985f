"""To whom a paper may belong: codes on its pages, and what its text says of people. Pure.

A code names the matter for certain. All else is a suggestion with its reasons; a person decides.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from careloop import community
from careloop.engagement.paper.model import Looked, Page
from careloop.fhir.tokens import normal
from careloop.flows.patient_reading import birth_date_of, full_name, record_number

MOST_DATES, MOST_NUMBERS = 12, 40
_MONTHS = {name: number for number, name in enumerate(
    ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
)}  # fmt: skip
_ISO = re.compile(r"\b(19\d\d|20\d\d)-(\d{1,2})-(\d{1,2})\b")
_US = re.compile(r"\b(\d{1,2})[/-](\d{1,2})[/-](19\d\d|20\d\d)\b")
_DAY_FIRST = re.compile(r"\b(\d{1,2})\.? ([A-Za-z]{3,9})\.?,? (19\d\d|20\d\d)\b")
_MONTH_FIRST = re.compile(r"\b([A-Za-z]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)?,? (19\d\d|20\d\d)\b")
_NUMBER = re.compile(r"(?<![\w/-])(?=[\w-]*\d)[A-Za-z0-9][A-Za-z0-9-]{3,24}(?![\w/-])")
_WORD = re.compile(r"[^\W\d_][\w'-]+")


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """A person whom a paper may be about, and why."""

    patient_id: str
    name: str
    born: date | None
    record_number: str
    reasons: tuple[str, ...]
    points: int


def pages_of(looked: Sequence[Looked]) -> tuple[Page, ...]:
    """The pages as they are to be shown: each with the sheet codes of its squares and of its text, all turned as the
    first one that has a square."""
    turn = next((one.turn for one in looked if one.codes), 0)
    return tuple(Page(page=place, turn=turn, codes=_codes_of(one)) for place, one in enumerate(looked))


def _codes_of(looked: Looked) -> tuple[str, ...]:
    texts = (*looked.codes, looked.text)
    return tuple(dict.fromkeys(code for text in texts for code in community.in_text(text.upper())))


def dates_in(text: str) -> list[date]:
    """Dates that are written out in full, each once."""
    found: list[tuple[int, int, int]] = [(int(y), int(m), int(d)) for y, m, d in _ISO.findall(text)]
    found += [(int(y), int(m), int(d)) for m, d, y in _US.findall(text)]
    found += [(int(y), _MONTHS.get(m[:3].lower(), 0), int(d)) for d, m, y in _DAY_FIRST.findall(text)]
    found += [(int(y), _MONTHS.get(m[:3].lower(), 0), int(d)) for m, d, y in _MONTH_FIRST.findall(text)]
    days = (_day(*one) for one in found)
    return list(dict.fromkeys(day for day in days if day is not None))[:MOST_DATES]


def numbers_in(text: str) -> list[str]:
    """Words with a digit that could be the number of a person: not dates, not telephone numbers with brackets."""
    found = (one for one in _NUMBER.findall(text) if not _ISO.fullmatch(one) and not _US.fullmatch(one))
    return list(dict.fromkeys(found))[:MOST_NUMBERS]


def suggest(text: str, people: Iterable[Mapping[str, Any]]) -> list[Suggestion]:
    """Those of some patients whom the text names, the likeliest first. A birth date alone or a name alone is nobody."""
    pages = text.split("\f")
    found = (_suggestion(pages, patient) for patient in people)
    return sorted((one for one in found if one is not None), key=lambda one: (-one.points, one.name))


def _suggestion(pages: Sequence[str], patient: Mapping[str, Any]) -> Suggestion | None:
    born = birth_date_of(patient)
    reasons, points = [], 0
    name_on = _page_where(pages, lambda page: _names(page, patient))
    birth_on = _page_where(pages, lambda page: born is not None and born in dates_in(page))
    number = record_number(patient)
    number_on = _page_where(pages, lambda page: bool(number) and number in numbers_in(page))
    if name_on and birth_on:
        reasons.append(f"name on page {name_on} and birth date on page {birth_on}" if name_on != birth_on else
                       f"name and birth date on page {name_on}")  # fmt: skip
        points += 2
    if number_on:
        reasons.append(f"record number on page {number_on}" + (", with the name" if name_on else ""))
        points += 2 if name_on else 1
    if not reasons:
        return None
    return Suggestion(
        patient_id=str(patient["id"]),
        name=full_name(patient),
        born=born,
        record_number=number,
        reasons=tuple(reasons),
        points=points,
    )


def _page_where(pages: Sequence[str], holds: Any) -> int:
    """The first page of which this holds, counted from 1; 0 where it holds of none."""
    return next((number for number, page in enumerate(pages, start=1) if holds(page)), 0)


def _names(text: str, patient: Mapping[str, Any]) -> bool:
    """True where a family name and one of the given names stand in the text as words."""
    words = {normal(word) for word in _WORD.findall(text)}
    for name in patient.get("name", ()):
        family = [normal(part) for part in _WORD.findall(str(name.get("family", "")))]
        given = [normal(part) for one in name.get("given", ()) for part in _WORD.findall(str(one))]
        if family and words.issuperset(family) and any(one in words for one in given):
            return True
    return False


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
