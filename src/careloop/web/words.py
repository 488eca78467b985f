"""Times and people in the words of the screen (ui.md §13): who, when, how long, never 04/05."""

from datetime import date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from careloop.longitudinal.rules.ages import date_words
from careloop.loops.model import ClockState

__all__ = [
    "born_words",
    "clock_time",
    "date_words",
    "day_name",
    "due_words",
    "initials",
    "left_words",
    "moment_words",
    "span_words",
    "zone_of",
]

_MINUTE = 60
_HOUR = 3600


def clock_time(instant: datetime, zone: tzinfo) -> str:
    """`5:00 pm` in the zone."""
    local = instant.astimezone(zone)
    hour = local.hour % 12 or 12
    return f"{hour}:{local.minute:02d} {'am' if local.hour < 12 else 'pm'}"


def day_name(day: date, today: date) -> str:
    """`today`, `tomorrow`, `Fri 27 Nov`, with the year when it is another one."""
    if day == today:
        return "today"
    if day == today + timedelta(days=1):
        return "tomorrow"
    text = f"{day:%a} {day.day} {day:%b}"
    return text if day.year == today.year else f"{text} {day.year}"


def due_words(due: datetime, now: datetime, zone: tzinfo) -> str:
    """The clock time of a deadline: `today 5:00 pm`, `Fri 27 Nov`. The end of a day is the day alone."""
    local, today = due.astimezone(zone), now.astimezone(zone).date()
    name = day_name(local.date(), today)
    if local.hour == 23 and local.minute == 59:
        return f"end of {name}" if name in ("today", "tomorrow") else name
    return f"{name} {clock_time(due, zone)}"


def moment_words(instant: datetime, now: datetime, zone: tzinfo) -> str:
    """When something happened: `today 9:20 am`, `Fri 20 Nov 4:10 pm`."""
    return f"{day_name(instant.astimezone(zone).date(), now.astimezone(zone).date())} {clock_time(instant, zone)}"


def span_words(span: timedelta, *, hours_until: timedelta = timedelta(hours=24)) -> str:
    """`32 min`, `6 h 18 min`, `17 h`, `3 days`. Days from `hours_until` on."""
    seconds = int(span.total_seconds())
    if seconds < _HOUR:
        return f"{max(seconds // _MINUTE, 1)} min"
    if seconds < 10 * _HOUR:
        minutes = seconds % _HOUR // _MINUTE
        return f"{seconds // _HOUR} h {minutes} min" if minutes else f"{seconds // _HOUR} h"
    if span < hours_until:
        return f"{seconds // _HOUR} h"
    days = max(seconds // 86400, 1)
    return "1 day" if days == 1 else f"{days} days"


def left_words(
    due: datetime, state: ClockState, now: datetime, zone: tzinfo, *, hours_until: timedelta = timedelta(hours=24)
) -> str:
    """How a clock stands: `Late by 32 min`, `6 h 18 min left`, `Check tomorrow`."""
    if state is ClockState.WAITING:
        return f"Check {_check_words(due, now, zone)}"
    if due <= now:
        return f"Late by {span_words(now - due, hours_until=hours_until)}"
    return f"{span_words(due - now, hours_until=hours_until)} left"


def _check_words(due: datetime, now: datetime, zone: tzinfo) -> str:
    days = (due.astimezone(zone).date() - now.astimezone(zone).date()).days
    if days <= 0:
        return "today"
    return "tomorrow" if days == 1 else f"in {days} days"


def born_words(birth_date: date) -> str:
    """`14 Feb 1955`: the month is always a word."""
    return f"{birth_date.day} {birth_date:%b} {birth_date.year}"


def initials(name: str) -> str:
    """`DW` for Dana Whitfield, RN."""
    words = [word for word in name.split(",")[0].split() if word[:1].isalpha()]
    return "".join(word[0].upper() for word in (words[:1] + words[-1:] if len(words) > 1 else words))


def zone_of(name: str) -> ZoneInfo:
    """The zone by its IANA name."""
    return ZoneInfo(name)
