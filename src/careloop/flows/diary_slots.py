"""Hours and free times of staff; Slots in the record that say what is free, for any FHIR client."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from careloop.access import accounts
from careloop.access.model import Tenant, system_principal
from careloop.db import Transaction
from careloop.fhir.ids import derived_id
from careloop.flows import people
from careloop.flows.app import App
from careloop.record import Write
from careloop.scheduling import store
from careloop.scheduling.content import visits_of
from careloop.scheduling.model import Taken, VisitKind, WeekHours, Window
from careloop.scheduling.rules import availability, hours

CALENDAR = "us-federal"


@dataclass(frozen=True, kw_only=True)
class Diary:
    """Hours of one person; `own` is False where they are those of the practice because nobody set any."""

    actor: str
    hours: tuple[WeekHours, ...]
    own: bool


def schedule_id(tenant_id: int, actor: str) -> str:
    """The id of the Schedule of a person."""
    return derived_id(tenant_id, "schedule", actor)


def diaries(app: App, tx: Transaction, actors: Sequence[str]) -> dict[str, Diary]:
    """Hours of these people."""
    wanted = {f"Schedule/{schedule_id(tx.tenant_id, actor)}": actor for actor in actors}
    found = app.record.fetch(tx, list(wanted))
    own = {wanted[reference]: hours.read_hours(stored.resource) for reference, stored in found.items()}
    practice = visits_of(app.catalog).practice_hours
    return {actor: Diary(actor=actor, hours=own.get(actor, practice), own=actor in own) for actor in actors}


def holidays(app: App) -> Mapping[date, str]:
    """Days without hours, with their names."""
    found = app.catalog.calendar(CALENDAR)["holidays"]
    return {date.fromisoformat(one["observed"]): str(one["name"]) for one in found}


def open_windows(app: App, diary: Diary, days: Sequence[date], zone: ZoneInfo) -> list[Window]:
    """When the person holds hours on these days."""
    free = holidays(app)
    return [window for day in days for window in availability.windows_of(day, diary.hours, zone, free)]


def day_window(first: date, days: int, zone: ZoneInfo) -> Window:
    """From the first moment of a day to the first of the day so many later."""
    return Window(
        datetime.combine(first, time(), tzinfo=zone),
        datetime.combine(first + timedelta(days=days), time(), tzinfo=zone),
    )


def free_times(
    app: App, tx: Transaction, actors: Sequence[str], kind: VisitKind, first: date, days: int, patient: str = ""
) -> dict[str, list[Window]]:
    """When each of these people can be booked for a visit of that kind; not while the patient is elsewhere."""
    zone, visits = people.zone_of(tx), visits_of(app.catalog)
    span = day_window(first, days, zone)
    taken = store.taken_of(tx, [*actors, *([patient] if patient else [])], span)
    elsewhere = [one.window for one in taken if one.actor == patient]
    found = {}
    for actor, diary in diaries(app, tx, actors).items():
        windows = open_windows(app, diary, [first + timedelta(days=count) for count in range(days)], zone)
        mine = [one.window for one in taken if one.actor == actor]
        free = availability.without(windows, [*mine, *elsewhere])
        found[actor] = availability.bookable(free, kind.minutes, visits.slot_minutes, app.clock.now())
    return found


def actors_of_schedule(app: App, tx: Transaction, slot: Mapping[str, Any]) -> tuple[str, ...]:
    """Whose Schedule a Slot is of."""
    reference = str((slot.get("schedule") or {}).get("reference", ""))
    found = app.record.fetch(tx, [reference]).get(reference) if reference.startswith("Schedule/") else None
    actors = found.resource.get("actor", ()) if found else ()
    return tuple(str(one.get("reference", "")) for one in actors)


def follow(app: App, tx: Transaction, moved: Sequence[Taken]) -> None:
    """Slots around what was taken or let go say what is free now; only of people whose own hours are set."""
    staff = sorted({one.actor for one in moved if one.actor.startswith("Practitioner/")})
    if not staff:
        return
    now, zone = app.clock.now(), people.zone_of(tx)
    today = now.astimezone(zone).date()
    last = today + timedelta(days=visits_of(app.catalog).days_ahead)
    for actor, diary in diaries(app, tx, staff).items():
        if not diary.own:
            continue
        days: set[date] = set()
        for one in moved:
            first, until = (at.astimezone(zone).date() for at in (one.window.start, one.window.end))
            if one.actor == actor and first < last and until >= today:
                first, until = max(first, today), min(until, last)
                days |= {first + timedelta(days=count) for count in range((until - first).days + 1)}
        for day in sorted(days):
            refresh(app, tx, actor, day, 1)


def refresh(app: App, tx: Transaction, actor: str, first: date, days: int, *, all_of_them: bool = False) -> int:
    """The Slots of these days say what is free; how many changed. With `all_of_them`, Slots ahead that no hours give
    any more are gone."""
    zone, visits = people.zone_of(tx), visits_of(app.catalog)
    diary = diaries(app, tx, [actor])[actor]
    windows = open_windows(app, diary, [first + timedelta(days=count) for count in range(days)], zone)
    taken = [(one.kind, one.window) for one in store.taken_of(tx, [actor], day_window(first, days, zone))]
    schedule = f"Schedule/{schedule_id(tx.tenant_id, actor)}"
    slots = {}
    for window in availability.pieces(windows, visits.slot_minutes):
        own_id = derived_id(tx.tenant_id, "slot", actor, window.start.isoformat())
        slots[own_id] = hours.slot_of(own_id, schedule, window, hours.slot_status(window, taken), zone)
    return _write_slots(app, tx, schedule, slots, day_window(first, days, zone) if all_of_them else None)


def _write_slots(
    app: App, tx: Transaction, schedule: str, slots: Mapping[str, Mapping[str, Any]], gone_in: Window | None
) -> int:
    standing = {one.id: one.resource for one in app.record.fetch(tx, [f"Slot/{own_id}" for own_id in slots]).values()}
    writes = [
        Write(method="update", resource_type="Slot", id=own_id, resource=slot)
        for own_id, slot in slots.items()
        if _told(standing.get(own_id)) != _told(slot)
    ]
    if gone_in is not None:
        writes += [
            Write(method="delete", resource_type="Slot", id=one.id)
            for one in app.record.follow(tx, "Slot", [("schedule", schedule)])
            if one.id not in slots and _is_published(one.resource, gone_in)
        ]
    if writes:
        product = system_principal(tx.tenant_id, "diary")
        app.record.write(tx, product, app.clock.now(), writes, validate=False, audit=False)
    return len(writes)


def _told(slot: Mapping[str, Any] | None) -> tuple[Any, ...] | None:
    return None if slot is None else tuple(slot.get(name) for name in ("status", "start", "end"))


def _is_published(slot: Mapping[str, Any], window: Window) -> bool:
    """A Slot of ours that lies ahead; an absence is a person's word and stays."""
    return slot.get("status") in ("free", "busy", "busy-tentative") and slot["start"] >= window.start.isoformat()


def extend(app: App, tenant: Tenant) -> int:
    """Every person with hours of their own has Slots for the days ahead; how many were written."""

    def work(tx: Transaction) -> int:
        staff = [one.reference for one in accounts.staff(tx) if one.active]
        today = app.clock.now().astimezone(people.zone_of(tx)).date()
        own = [actor for actor, diary in diaries(app, tx, staff).items() if diary.own]
        return sum(refresh(app, tx, actor, today, visits_of(app.catalog).days_ahead) for actor in own)

    return app.database.run(tenant.id, work, actor="diary")
