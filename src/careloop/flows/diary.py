"""The diary follows the record: whatever Appointment or absence is written by any door takes its time in that same
transaction. What our own staff book over something else is refused; what comes from outside is kept and marked."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from careloop.access import accounts
from careloop.access.model import Principal, PrincipalKind
from careloop.db import Transaction
from careloop.errors import Conflict
from careloop.events import ChangeKind
from careloop.flows import diary_slots, people, waiting_list
from careloop.flows.app import App
from careloop.record import Written
from careloop.scheduling import store
from careloop.scheduling.content import visits_of
from careloop.scheduling.model import Taken, Window
from careloop.scheduling.rules.taking import taken_by_absence, taken_by_appointment

TYPES = frozenset({"Appointment", "Slot"})
_AT_ONCE = 500
_PEOPLE = ("Practitioner/", "PractitionerRole/")


def note(app: App, tx: Transaction, principal: Principal, written: Sequence[Written]) -> None:
    """These Appointments and absences take just the time that they say. `Conflict` where our own staff would book
    somebody twice. Freed time is offered to who waits; Slots say what is free."""
    changed = {
        one.reference: one
        for one in written
        if one.resource_type in TYPES and one.change is not ChangeKind.UNCHANGED and _matters(one)
    }
    if not changed:
        return
    ours = principal.kind is PrincipalKind.USER
    wanted = _canonical(app, tx, [taken for one in changed.values() for taken in _wanted(app, tx, one)])
    done = store.replace(tx, [one.id for one in changed.values()], wanted, yields=not ours)
    if ours:
        _refuse_doubles(app, tx, wanted, done)
    moved = [*done.released, *wanted]
    diary_slots.follow(app, tx, moved)
    for offer_id in done.withdrawn:
        waiting_list.withdraw(app, tx, offer_id)
    waiting_list.drop_offers(app, tx, [one.id for one in changed.values() if not _waits(one)])
    waiting_list.offer_freed(app, tx, principal, [one for one in done.released if one.kind == "visit"])


def verify(app: App, tx: Transaction) -> list[tuple[str, str]]:
    """What is wrong in the diaries: somebody booked twice, or time taken that no Appointment asks for; place and what
    should be true there."""
    found = [(f"{actor}, {one}", f"no other booking at that time: {other}") for actor, one, other in store.doubled(tx)]
    after = ""
    while rows := store.some_visits(tx, after, _AT_ONCE):
        after = rows[-1].holder
        stored = app.record.fetch(tx, sorted({f"Appointment/{one.holder}" for one in rows}))
        minutes = visits_of(app.catalog).assumed_minutes
        asked = [one for item in stored.values() for one in taken_by_appointment(item.resource, minutes)]
        spans = {(one.holder, one.window) for one in asked}
        found += [
            (f"Appointment/{one.holder}", "an Appointment that takes this time")
            for one in rows
            if (one.holder, one.window) not in spans
        ]
    return found


def _matters(one: Written) -> bool:
    """Slots that only say what is free follow from the diary; they do not make it."""
    if one.resource_type == "Appointment" or one.resource is None:
        return True
    return one.resource.get("status") == "busy-unavailable" or one.change is ChangeKind.UPDATED


def _waits(one: Written) -> bool:
    return one.resource is not None and one.resource.get("status") == "waitlist"


def _wanted(app: App, tx: Transaction, one: Written) -> list[Taken]:
    if one.resource is None:
        return []
    if one.resource_type == "Appointment":
        return taken_by_appointment(one.resource, visits_of(app.catalog).assumed_minutes)
    return taken_by_absence(one.resource, diary_slots.actors_of_schedule(app, tx, one.resource))


def _canonical(app: App, tx: Transaction, wanted: Sequence[Taken]) -> list[Taken]:
    """The same with one name for one person: the Practitioner behind a PractitionerRole, and our own staff behind a
    Practitioner of another system with the same identifier."""
    names = canonical_people(app, tx, {one.actor for one in wanted if one.actor.startswith(_PEOPLE)})
    found: dict[tuple[str, str], Taken] = {}
    for one in wanted:
        actor = names.get(one.actor, one.actor)
        known = found.get((one.holder, actor))
        window = _around(known.window, one.window) if known else one.window
        found[(one.holder, actor)] = Taken(
            holder=one.holder, actor=actor, kind=one.kind, status=one.status, window=window
        )
    return list(found.values())


def _around(one: Window, other: Window) -> Window:
    return Window(min(one.start, other.start), max(one.end, other.end))


def canonical_people(app: App, tx: Transaction, references: Iterable[str]) -> dict[str, str]:
    """By reference the Practitioner who is meant; those that stand for themselves are left out."""
    own = {member.reference for member in accounts.staff(tx)}
    strange = sorted(set(references) - own)
    found = app.record.fetch(tx, strange)
    names = {
        reference: str((stored.resource.get("practitioner") or {}).get("reference", ""))
        for reference, stored in found.items()
        if stored.resource_type == "PractitionerRole"
    }
    behind = app.record.fetch(tx, sorted({one for one in names.values() if one and one not in own}))
    for reference, stored in {**found, **behind}.items():
        if stored.resource_type != "Practitioner":
            continue
        tokens = [
            ("identifier", f"{one['system']}|{one['value']}")
            for one in stored.resource.get("identifier", ())
            if one.get("system") and one.get("value")
        ]
        same = [one.reference for one in app.record.follow(tx, "Practitioner", tokens)] if tokens else []
        twin = next((one for one in sorted(same) if one in own), "")
        if twin:
            names |= {name: twin for name, meant in names.items() if meant == reference} | {reference: twin}
    return {name: meant for name, meant in names.items() if meant}


def _refuse_doubles(app: App, tx: Transaction, wanted: Sequence[Taken], done: store.Change) -> None:
    """Nobody is booked twice by us. What clashed before and keeps its time may be worked on."""
    before = {(one.holder, one.actor, one.window) for one in done.released}
    for one in wanted:
        if one.kind != "visit" or (one.holder, one.actor, one.window) in before:
            continue
        beside = [other for other in store.taken_of(tx, [one.actor], one.window) if other.holder != one.holder]
        if beside:
            raise Conflict(_sentence(app, tx, one, beside[0]))


def _sentence(app: App, tx: Transaction, one: Taken, other: Taken) -> str:
    zone = people.zone_of(tx)
    start, end = other.window.start.astimezone(zone), other.window.end.astimezone(zone)
    who = "This patient" if one.actor.startswith("Patient/") else people.Names(tx).name(one.actor) or "This person"
    day, until = f"{start:%a} {start.day} {start:%b}", f"{end:%a} {end.day} {end:%b} "
    same_day = end.date() == start.date() or end - start <= timedelta(hours=24)
    what = {"away": "is away", "hold": "has time kept for somebody who waits"}.get(other.kind, "has another visit")
    times = f"{day} {_clock(start)} to {'' if same_day else until}{_clock(end)}"
    return f"Nothing was booked. {who} {what} then: {times}."


def _clock(at: object) -> str:
    return f"{at:%-I:%M %p}".replace("AM", "am").replace("PM", "pm")
