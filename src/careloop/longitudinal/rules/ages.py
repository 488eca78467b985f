"""How old a fact is: in words, as a date, and whether that is too old to rely on. Pure."""

import re
from datetime import date, datetime, tzinfo

from careloop.longitudinal.rules.paths import instant_of

_WEEKS_FROM, _MONTHS_FROM, _YEARS_FROM = 14, 61, 730
_MONTH_DAYS, _YEAR_DAYS = 30.44, 365.25


def age_words(text: str, now: datetime, zone: tzinfo) -> str:
    """`today`, `5 days ago`, `6 weeks ago`, `4 months ago`, `3 years ago`; nothing where there is no date. What lies
    ahead is `in 5 days`."""
    day = day_of(text, zone)
    if day is None:
        return ""
    days = (now.astimezone(zone).date() - day).days
    if len(text) == 4:
        years = now.astimezone(zone).year - day.year
        return _count(years, "year") if years > 0 else "this year"
    if days < 0:
        return "tomorrow" if days == -1 else f"in {-days} days"
    return _past(days)


def _past(days: int) -> str:
    if days < 2:
        return ("today", "yesterday")[days]
    if days < _WEEKS_FROM:
        return _count(days, "day")
    if days < _MONTHS_FROM:
        return _count(days // 7, "week")
    if days < _YEARS_FROM:
        return _count(int(days / _MONTH_DAYS), "month")
    return _count(int(days / _YEAR_DAYS), "year")


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'} ago"


def day_of(text: str, zone: tzinfo) -> date | None:
    """The day (in `zone`) on which a FHIR date begins; a date without time is that day everywhere."""
    instant = instant_of(text)
    if instant is None:
        return None
    return instant.date() if len(text) <= 10 else instant.astimezone(zone).date()


def date_words(text: str, zone: tzinfo) -> str:
    """`3 Nov 2026`, `Nov 2026`, `2026`: as much as is known, the month always a word."""
    day = day_of(text, zone)
    if day is None:
        return ""
    if len(text) == 4:
        return str(day.year)
    return f"{day:%b} {day.year}" if len(text) == 7 else f"{day.day} {day:%b} {day.year}"


_WAYS = ("%Y-%m-%d", "%m/%d/%Y", "%d %b %Y", "%b %d %Y")
"""A day as people type it: as a form sends it, in figures as in the US, with the month as a word in either order."""


def typed_day(text: str) -> str:
    """The day that somebody typed, as FHIR writes it: `14 Feb 1955`, `February 14, 1955`, `2/14/1955`, `1955-02-14`;
    empty for what is no full day."""
    short = re.sub(r"([A-Za-z]{3})[a-z]*\.?", r"\1", " ".join(text.replace(",", " ").split()))
    if not re.search(r"(?:^|\D)\d{4}(?:\D|$)", short):
        return ""
    for way in _WAYS:
        try:
            return datetime.strptime(short, way).date().isoformat()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    return ""


def months_old(text: str, now: datetime, zone: tzinfo) -> int:
    """Completed months since; 0 where there is no date or it lies ahead."""
    day = day_of(text, zone)
    if day is None:
        return 0
    today = now.astimezone(zone).date()
    months = (today.year - day.year) * 12 + today.month - day.month - (today.day < day.day)
    return max(months, 0)
