"""Visits from the wish to the end: booked, confirmed, moved, cancelled with a reason, come to or missed.

Every change is one write of the Appointment through the one write door; the diary (`flows.diary`) follows in the same
transaction. What is cancelled or missed always leaves something that somebody owns: the loop `missed-appointment`, and
where the reason is known, the Task that fixes it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from careloop.access.model import Principal, Role
from careloop.access.policy import require
from careloop.db import Transaction
from careloop.errors import Conflict, NotFound, Rejected
from careloop.fhir.ids import new_id
from careloop.flows import engine, people, routing, video_visits, waiting_list, writing
from careloop.flows.app import App
from careloop.loops.rules.calendar import add_business_days, end_of
from careloop.record import Stored, Write
from careloop.scheduling.content import visits_of
from careloop.scheduling.model import FIX, HL7_REASON, MISSED_REASON, VISIT_KIND, Reason, VisitKind, Window
from careloop.scheduling.rules.taking import actors_of, window_of

FIX_BUSINESS_DAYS = 2
"""RF-04: again in touch within 2 business days."""
_NEEDS = frozenset(range(1, 10))


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A visit that is wanted. `instead_of` is the id of a visit that was missed or cancelled. `within` is when the
    patient can be visited, where that is longer than the visit."""

    patient_id: str
    actor: str
    kind: str
    start: datetime
    minutes: int = 0
    within: Window | None = None
    instead_of: str = ""
    based_on: Sequence[str] = ()
    about: str = ""
    """The matter that the visit is for (`Type/id`), where a loop asked for it."""


def kind_named(app: App, kind: str) -> VisitKind:
    """The kind of visit with this id; `Rejected` for one that cannot be booked."""
    found = visits_of(app.catalog).kinds.get(kind)
    if found is None:
        raise Rejected(at="kind", expected=f"one of {', '.join(visits_of(app.catalog).kinds)}")
    return found


def book(app: App, tx: Transaction, principal: Principal, wish: Wish) -> str:
    """The visit is booked; the id of its Appointment. `Conflict` where somebody has another visit then."""
    require(principal, "create", "Appointment")
    kind, zone = kind_named(app, wish.kind), people.zone_of(tx)
    if wish.start <= app.clock.now():
        raise Rejected(at="start", expected="a time that has not come yet")
    own_id, minutes = new_id(), wish.minutes or kind.minutes
    resource: dict[str, Any] = {
        "resourceType": "Appointment",
        "id": own_id,
        "status": "booked",
        "serviceType": [coded(kind)],
        "created": _instant(app.clock.now(), zone),
        **_times(wish.start, minutes, zone),
        "participant": _participants(app, tx, wish.patient_id, wish.actor, confirmed=False),
    }
    if wish.within is not None:
        resource["requestedPeriod"] = [_period(wish.within, zone)]
    if wish.based_on:
        resource["basedOn"] = [{"reference": one} for one in wish.based_on]
    if wish.instead_of:
        resource |= _instead(app, tx, wish, resource)
    if wish.about:
        resource |= _about(app, tx, wish, resource)
    if kind.where == "video":
        resource = video_visits.with_room(app, tx, resource)
    _write(app, tx, principal, [Write(method="update", resource_type="Appointment", id=own_id, resource=resource)])
    return own_id


def _instead(app: App, tx: Transaction, wish: Wish, resource: Mapping[str, Any]) -> dict[str, Any]:
    """The new visit names the one it stands for, and what that was based on."""
    old = find(app, tx, wish.instead_of)
    if f"Patient/{wish.patient_id}" not in actors_of(old.resource, "Patient"):
        raise Rejected(at="instead_of", expected="a visit of the same patient")
    based = [*resource.get("basedOn", ()), *old.resource.get("basedOn", ())]
    return {
        "supportingInformation": [{"reference": old.reference}],
        **({"basedOn": based} if based else {}),
    }


def _about(app: App, tx: Transaction, wish: Wish, resource: Mapping[str, Any]) -> dict[str, Any]:
    """The visit names the matter that it is for. `Rejected` for a matter of somebody else."""
    found = app.record.fetch(tx, [wish.about]).get(wish.about)
    if found is None or found.deleted or found.patient_id != wish.patient_id:
        raise Rejected(at="about", expected="something of the same patient")
    named = {"reference": wish.about}
    if wish.about.startswith("ServiceRequest/"):
        return {"basedOn": [*resource.get("basedOn", ()), named]}
    return {"supportingInformation": [*resource.get("supportingInformation", ()), named]}


def wait(
    app: App, tx: Transaction, principal: Principal, wish: Wish, *, need: int, until: datetime | None = None
) -> str:
    """The patient waits for such a visit, from `wish.start` on; the id of the Appointment that waits. `wish.actor` may
    be empty: anybody will do."""
    require(principal, "create", "Appointment")
    kind, zone = kind_named(app, wish.kind), people.zone_of(tx)
    if need not in _NEEDS:
        raise Rejected(at="need", expected="1 (most urgent) to 9")
    last = until or wish.start + timedelta(days=90)
    if last <= max(wish.start, app.clock.now()):
        raise Rejected(at="until", expected="a day that has not passed")
    own_id = new_id()
    resource = {
        "resourceType": "Appointment",
        "id": own_id,
        "status": "waitlist",
        "serviceType": [coded(kind)],
        "priority": need,
        "minutesDuration": wish.minutes or kind.minutes,
        "created": _instant(app.clock.now(), zone),
        "requestedPeriod": [_period(Window(wish.start, last), zone)],
        "participant": _participants(app, tx, wish.patient_id, wish.actor, confirmed=False),
    }
    _write(app, tx, principal, [Write(method="update", resource_type="Appointment", id=own_id, resource=resource)])
    return own_id


def confirm(app: App, tx: Transaction, principal: Principal, appointment_id: str) -> None:
    """The patient said that they come."""
    found = _standing(app, tx, appointment_id, ("booked", "pending"))
    parts = [
        {**part, "status": "accepted"} if _is_patient(part) else part for part in found.resource.get("participant", ())
    ]
    _change(app, tx, principal, found, {"status": "booked", "participant": parts})


def move(
    app: App, tx: Transaction, principal: Principal, appointment_id: str, start: datetime, actor: str = ""
) -> None:
    """The same visit at another time, and with somebody else where `actor` names one. `Conflict` as for `book`."""
    found = _standing(app, tx, appointment_id, ("booked", "pending", "proposed"))
    if start <= app.clock.now():
        raise Rejected(at="start", expected="a time that has not come yet")
    zone, minutes = people.zone_of(tx), minutes_of(found.resource, visits_of(app.catalog).assumed_minutes)
    parts = [
        {name: value for name, value in part.items() if name != "period"}
        | ({"status": "needs-action"} if _is_patient(part) else {})
        for part in found.resource.get("participant", ())
    ]
    if actor:
        parts = [part for part in parts if not _is_practitioner(part)] + [_practitioner(tx, actor)]
    changes = {**_times(start, minutes, zone), "participant": parts, "status": "booked"}
    if actor and video_visits.has_room(found.resource):
        changes = video_visits.with_room(app, tx, {**found.resource, **changes})
    _change(app, tx, principal, found, changes)


def set_times(app: App, tx: Transaction, principal: Principal, times: Mapping[str, tuple[datetime, int]]) -> None:
    """Several visits at new times at once, so that two may change places: id to start and version seen."""
    zone, writes = people.zone_of(tx), []
    for appointment_id, (start, version) in times.items():
        found = _standing(app, tx, appointment_id, ("booked", "pending"))
        minutes = minutes_of(found.resource, visits_of(app.catalog).assumed_minutes)
        resource = {**found.resource, **_times(start, minutes, zone)}
        writes.append(
            Write(method="update", resource_type="Appointment", id=found.id, resource=resource, if_match=version)
        )
    _write(app, tx, principal, writes)


def arrive(app: App, tx: Transaction, principal: Principal, appointment_id: str) -> None:
    """The patient is here, or the visit has begun."""
    found = _standing(app, tx, appointment_id, ("booked", "pending", "checked-in"))
    _change(app, tx, principal, found, {"status": "arrived"})


def cancel(app: App, tx: Transaction, principal: Principal, appointment_id: str, reason_id: str, said: str = "") -> str:
    """The visit is cancelled for this reason; what follows from it, in words: who owns what, who waits for the time."""
    found = _standing(app, tx, appointment_id, ("booked", "pending", "proposed", "waitlist", "arrived", "checked-in"))
    reason = _reason(app, reason_id)
    changes: dict[str, Any] = {"status": "cancelled", "cancelationReason": reason_concept(reason, said)}
    _change(app, tx, principal, found, changes)
    fix = _fix(app, tx, principal, found, reason) if found.resource.get("status") != "waitlist" else ""
    offer = waiting_list.who_waits_for(tx, appointment_id)
    waits = f" {_name(app, tx, offer.patient_id)} waits for this time: ask today." if offer else ""
    return f"The visit is cancelled.{fix}{waits}"


def did_not_come(app: App, tx: Transaction, principal: Principal, appointment_id: str) -> None:
    """The patient did not come. The reason is asked next (RF-04)."""
    found = _standing(app, tx, appointment_id, ("booked", "pending", "arrived", "checked-in"))
    start = window_of(found.resource.get("start"), None, 1)
    if start is None or start.start > app.clock.now():
        raise Rejected(at="status", expected="a visit whose time has come")
    parts = [
        {**part, "status": "declined"} if _is_patient(part) else part for part in found.resource.get("participant", ())
    ]
    _change(app, tx, principal, found, {"status": "noshow", "participant": parts})


def give_reason(
    app: App, tx: Transaction, principal: Principal, appointment_id: str, reason_id: str, said: str = ""
) -> str:
    """Why the visit was missed is known, and somebody owns the fix; in words."""
    found = _standing(app, tx, appointment_id, ("noshow", "cancelled"))
    reason = _reason(app, reason_id)
    _change(app, tx, principal, found, {"cancelationReason": reason_concept(reason, said)})
    return "The reason is kept." + _fix(app, tx, principal, found, reason)


def finish_fix(app: App, tx: Transaction, principal: Principal, task_id: str, *, done: bool) -> None:
    """The fix was done, or could not be."""
    require(principal, "update", "Task")
    found = app.record.fetch(tx, [f"Task/{task_id}"]).get(f"Task/{task_id}")
    if found is None or not is_fix(found.resource):
        raise NotFound("there is no such task")
    if found.resource.get("status") not in ("requested", "in-progress"):
        raise Conflict("This was answered already.")
    resource = {
        **found.resource,
        "status": "completed" if done else "failed",
        "lastModified": _instant(app.clock.now(), people.zone_of(tx)),
    }
    write = Write(method="update", resource_type="Task", id=task_id, resource=resource, if_match=found.version)
    _write(app, tx, principal, [write])


def is_fix(task: Mapping[str, Any]) -> bool:
    """True for the Task that fixes why a visit was missed."""
    return any(one.get("system") == FIX for one in (task.get("code") or {}).get("coding", ()))


def find(app: App, tx: Transaction, appointment_id: str) -> Stored:
    """The Appointment as it stands; `NotFound` where there is none."""
    found = app.record.fetch(tx, [f"Appointment/{appointment_id}"]).get(f"Appointment/{appointment_id}")
    if found is None:
        raise NotFound("there is no such visit")
    return found


def minutes_of(appointment: Mapping[str, Any], assumed: int) -> int:
    """How long it is."""
    window = window_of(appointment.get("start"), appointment.get("end"), assumed)
    said = appointment.get("minutesDuration")
    return int(window.length / timedelta(minutes=1)) if window else said if isinstance(said, int) else assumed


def coded(kind: VisitKind) -> dict[str, Any]:
    """The kind as a concept of an Appointment."""
    return {"coding": [{"system": VISIT_KIND, "code": kind.id, "display": kind.words}], "text": kind.words}


def reason_concept(reason: Reason, said: str) -> dict[str, Any]:
    """Our reason and the code that other systems know."""
    codings = [{"system": MISSED_REASON, "code": reason.id}, {"system": HL7_REASON, "code": reason.hl7}]
    return {"coding": codings, "text": said or reason.words}


def _reason(app: App, reason_id: str) -> Reason:
    found = visits_of(app.catalog).reasons.get(reason_id)
    if found is None:
        raise Rejected(at="reason", expected="one of the reasons on the page")
    return found


def _fix(app: App, tx: Transaction, principal: Principal, missed: Stored, reason: Reason) -> str:
    """The Task that fixes it, owned; on a second missed visit a clinician decides what comes next (RF-04)."""
    patient_id = missed.patient_id or ""
    if not reason.fix or not patient_id:
        return ""
    role, words = reason.role, reason.fix
    if missed.resource.get("status") == "noshow" and _missed_before(app, tx, missed):
        role, words = Role.PHYSICIAN.value, f"Decide what comes next after a second missed visit. {reason.fix}"
    team = app.record.of_patient(tx, patient_id, ["CareTeam"])
    owner = routing.route(app, tx, patient_id, role, team, "")
    now, zone = app.clock.now(), people.zone_of(tx)
    calendar = engine.content_for(app, tx).calendar
    due = end_of(add_business_days(now.astimezone(zone).date(), FIX_BUSINESS_DAYS, calendar)[0], str(zone))
    task: dict[str, Any] = {
        "resourceType": "Task",
        "id": new_id(),
        "status": "requested",
        "intent": "order",
        "code": {"coding": [{"system": FIX, "code": reason.id}], "text": words},
        "description": f"{reason.words}: {words}",
        "focus": {"reference": missed.reference},
        "for": {"reference": f"Patient/{patient_id}"},
        "authoredOn": _instant(now, zone),
        "lastModified": _instant(now, zone),
        "requester": {"reference": principal.reference},
        "owner": {"reference": owner.owner, "display": people.Names(tx).name(owner.owner)},
        "restriction": {"period": {"end": due.isoformat(timespec="seconds")}},
    }
    _write(app, tx, principal, [Write(method="update", resource_type="Task", id=task["id"], resource=task)])
    return f" {words}: {people.Names(tx).name(owner.owner)}, by {due:%a} {due.day} {due:%b}."


def _missed_before(app: App, tx: Transaction, missed: Stored) -> bool:
    mine = app.record.of_patient(tx, missed.patient_id or "", ["Appointment"])
    since = str(missed.resource.get("start", ""))
    return any(
        one.id != missed.id and one.resource.get("status") == "noshow" and str(one.resource.get("start", "")) < since
        for one in mine
    )


def _standing(app: App, tx: Transaction, appointment_id: str, states: Sequence[str]) -> Stored:
    found = find(app, tx, appointment_id)
    if found.resource.get("status") not in states:
        raise Conflict("Somebody changed this visit meanwhile. Look at it again.")
    return found


def _change(app: App, tx: Transaction, principal: Principal, found: Stored, changes: Mapping[str, Any]) -> None:
    require(principal, "update", "Appointment")
    resource = {**found.resource, **changes}
    write = Write(method="update", resource_type="Appointment", id=found.id, resource=resource, if_match=found.version)
    _write(app, tx, principal, [write])


def _write(app: App, tx: Transaction, principal: Principal, writes: Sequence[Write]) -> None:
    writing.write(app, tx, principal, writes)


def _participants(app: App, tx: Transaction, patient_id: str, actor: str, *, confirmed: bool) -> list[dict[str, Any]]:
    found = app.record.fetch(tx, [f"Patient/{patient_id}"])
    if f"Patient/{patient_id}" not in found:
        raise NotFound("there is no such patient")
    patient = {
        "actor": {"reference": f"Patient/{patient_id}"},
        "required": "required",
        "status": "accepted" if confirmed else "needs-action",
    }
    return [patient, *([_practitioner(tx, actor)] if actor else [])]


def _practitioner(tx: Transaction, actor: str) -> dict[str, Any]:
    name = people.Names(tx).name(actor)
    return {"actor": {"reference": actor, "display": name}, "required": "required", "status": "accepted"}


def _is_patient(part: Mapping[str, Any]) -> bool:
    return str((part.get("actor") or {}).get("reference", "")).startswith("Patient/")


def _is_practitioner(part: Mapping[str, Any]) -> bool:
    return str((part.get("actor") or {}).get("reference", "")).startswith(("Practitioner/", "PractitionerRole/"))


def _name(app: App, tx: Transaction, patient_id: str) -> str:
    return people.patients_shown(app, tx, [patient_id], app.clock.now(), people.zone_of(tx))[patient_id].name


def _times(start: datetime, minutes: int, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "start": _instant(start, zone),
        "end": _instant(start + timedelta(minutes=minutes), zone),
        "minutesDuration": minutes,
    }


def _period(window: Window, zone: ZoneInfo) -> dict[str, str]:
    return {"start": _instant(window.start, zone), "end": _instant(window.end, zone)}


def _instant(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).isoformat(timespec="seconds")
