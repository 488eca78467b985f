"""When what a form asks for is due: spans, the same day, before the next visit, two clocks of safety (AS-05)."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from careloop.db import Transaction
from careloop.flows import engine
from careloop.flows.assessing_form import Extraction
from careloop.loops.pathways import parse_span
from careloop.loops.rules.calendar import after, end_of, local_date
from careloop.scheduling.content import visits_of
from careloop.scheduling.model import WeekHours

_IN_HOURS, _OUT_OF_HOURS = timedelta(hours=1), timedelta(hours=2)
_NEXT_VISIT = timedelta(days=14)
"""Where no visit is booked, what is due before the next one is due then [P]."""


def zone_of(tx: Transaction) -> ZoneInfo:
    """The tenant's zone."""
    return ZoneInfo(engine.tenant_of(tx).zone)


def due_at(found: Extraction, due: str, *, is_safety: bool) -> datetime | None:
    """The instant by which it must be done, None where nothing says so. Safety of an hour or two begins within one
    hour in hours, within two otherwise (AS-05)."""
    at, zone = found.form.at, str(found.form.zone)
    if due == "none":
        return None
    if is_safety and due == "2 hours":
        return at + (_IN_HOURS if in_hours(found, at) else _OUT_OF_HOURS)
    if due == "same day":
        return end_of(local_date(at, zone), zone)
    if due == "before next visit":
        return next_visit(found) or end_of(local_date(at + _NEXT_VISIT, zone), zone)
    count, _, unit = due.partition(" ")
    words = f"{int(count) * 7} days" if unit == "weeks" else due
    deadline: datetime = after(at, parse_span(words), zone, engine.content_for(found.app, found.tx).calendar).due
    return deadline


def in_hours(found: Extraction, at: datetime) -> bool:
    """True while the practice is open: its weekly hours on business days."""
    local = at.astimezone(found.form.zone)
    calendar = engine.content_for(found.app, found.tx).calendar
    if not calendar.is_business_day(local.date()):
        return False
    hours = visits_of(found.app.catalog).practice_hours
    return any(_covers(one, local.weekday(), local.time()) for one in hours)


def _covers(line: WeekHours, weekday: int, moment: time) -> bool:
    return line.weekday == weekday and line.opens <= moment < line.closes


def next_visit(found: Extraction) -> datetime | None:
    """The start of the patient's next booked visit."""
    booked = found.app.record.of_patient(found.tx, found.form.patient.partition("/")[2], ("Appointment",))
    starts = [
        datetime.fromisoformat(one.resource["start"])
        for one in booked
        if one.resource.get("status") == "booked" and one.resource.get("start")
    ]
    return min((start for start in starts if start > found.form.at), default=None)
