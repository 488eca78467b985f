"""What a person says about their own diary: weekly hours, and when they are away."""

from collections.abc import Mapping
from datetime import timedelta

from careloop.access import accounts
from careloop.access.model import Principal, Role
from careloop.access.policy import require
from careloop.db import Transaction
from careloop.errors import NotFound, NotPermitted, Rejected
from careloop.fhir.ids import new_id
from careloop.flows import diary_slots, people, writing
from careloop.flows.app import App
from careloop.flows.diary_slots import diaries, schedule_id
from careloop.record import Write
from careloop.scheduling import store
from careloop.scheduling.content import visits_of
from careloop.scheduling.model import Taken, Window
from careloop.scheduling.rules import hours

_LONGEST_ABSENCE = timedelta(days=400)


def set_hours(app: App, tx: Transaction, principal: Principal, actor: str, lines: Mapping[int, str]) -> None:
    """The person has these hours: a Schedule says so, and Slots for the days ahead. `Rejected` names a day that cannot
    be read."""
    member = _member(tx, actor)
    may_change(principal, actor)
    require(principal, "update", "Schedule")
    parsed = hours.parse_hours(lines)
    own_id, now, zone = schedule_id(tx.tenant_id, actor), app.clock.now(), people.zone_of(tx)
    schedule = {
        "resourceType": "Schedule",
        "id": own_id,
        "active": member.active,
        "actor": [{"reference": actor, "display": member.name}],
        "extension": hours.hours_extensions(parsed),
    }
    if not schedule["extension"]:
        del schedule["extension"]
    write = Write(method="update", resource_type="Schedule", id=own_id, resource=schedule)
    writing.write(app, tx, principal, [write], cause="hours")
    today = now.astimezone(zone).date()
    diary_slots.refresh(app, tx, actor, today, visits_of(app.catalog).days_ahead, all_of_them=True)


def add_absence(app: App, tx: Transaction, principal: Principal, actor: str, window: Window, why: str) -> list[Taken]:
    """The person cannot be booked then; the visits that stand in it, to be moved."""
    require(principal, "create", "Slot")
    may_change(principal, actor)
    _member(tx, actor)
    if window.start >= window.end or window.length > _LONGEST_ABSENCE:
        raise Rejected(at="until", expected="a time after the first one, at most 400 days later")
    if not diaries(app, tx, [actor])[actor].own:
        set_hours(app, tx, principal, actor, _practice_lines(app))
    zone = people.zone_of(tx)
    slot = hours.slot_of(new_id(), f"Schedule/{schedule_id(tx.tenant_id, actor)}", window, "busy-unavailable", zone) | {
        "overbooked": False,
        "comment": why or "Away",
    }
    writing.write(
        app,
        tx,
        principal,
        [Write(method="update", resource_type="Slot", id=slot["id"], resource=slot)],
        cause="absence",
    )
    return [one for one in store.taken_of(tx, [actor], window) if one.kind == "visit"]


def end_absence(app: App, tx: Transaction, principal: Principal, slot_id: str) -> None:
    """The person can be booked again."""
    found = app.record.fetch(tx, [f"Slot/{slot_id}"]).get(f"Slot/{slot_id}")
    if found is None or found.resource.get("status") != "busy-unavailable":
        raise NotFound("there is no such absence")
    require(principal, "update", "Slot")
    for actor in diary_slots.actors_of_schedule(app, tx, found.resource):
        may_change(principal, actor)
    resource = {**found.resource, "status": "entered-in-error"}
    write = Write(method="update", resource_type="Slot", id=slot_id, resource=resource, if_match=found.version)
    writing.write(app, tx, principal, [write], cause="absence")


def may_change(principal: Principal, actor: str) -> None:
    """Nothing happens for the person and for managers and coordinators; else `NotPermitted`."""
    if principal.reference != actor and not principal.roles & {Role.MANAGER, Role.COORDINATOR}:
        raise NotPermitted("only the person, a coordinator or a manager changes these hours")


def _practice_lines(app: App) -> dict[int, str]:
    practice = visits_of(app.catalog).practice_hours
    return {day: hours.hours_text(practice, day) for day in range(7)}


def _member(tx: Transaction, actor: str) -> accounts.StaffMember:
    found = accounts.members(tx, [actor])
    if not found or not found[0].active:
        raise NotFound("there is no such person on the staff")
    return found[0]
