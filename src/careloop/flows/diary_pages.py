"""What the pages of the diary show: a day or a week by person, one visit, who waits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from careloop.access import accounts
from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal
from careloop.access.policy import require
from careloop.db import Transaction
from careloop.errors import NotFound
from careloop.flows import booking, diary_slots, people, video_visits, waiting_list
from careloop.flows.app import App
from careloop.flows.people import PatientShown
from careloop.record import Stored
from careloop.scheduling import store
from careloop.scheduling.content import visits_of
from careloop.scheduling.model import MISSED_REASON, Offer, Reason, Taken, Window
from careloop.scheduling.rules import availability
from careloop.scheduling.rules.taking import actors_of, window_of
from careloop.scheduling.rules.waiting import kind_of

_STATES = {
    "booked": "Booked",
    "pending": "Not confirmed by all",
    "proposed": "Proposed",
    "arrived": "Is here",
    "checked-in": "Is here",
    "fulfilled": "Took place",
    "cancelled": "Cancelled",
    "noshow": "Did not come",
    "waitlist": "Waits",
    "entered-in-error": "Entered by mistake",
}


@dataclass(frozen=True, kw_only=True)
class VisitLine:
    """One visit of a list. `clash` where it stands over another; `where` is office, home, video, phone or empty."""

    id: str
    version: int
    patient_id: str
    patient: PatientShown
    words: str
    where: str
    window: Window
    status: str
    status_words: str
    confirmed: bool
    clash: bool
    actors: tuple[str, ...]
    place: str = ""


@dataclass(frozen=True, kw_only=True)
class PersonDay:
    """One person's day: visits, absences, kept times, what is free; `note` names a holiday or that no hours are set."""

    actor: str
    name: str
    day: date
    visits: tuple[VisitLine, ...]
    away: tuple[Taken, ...]
    holds: tuple[Taken, ...]
    free: tuple[Window, ...]
    note: str = ""


def staff_shown(tx: Transaction) -> list[accounts.StaffMember]:
    """Whom one can book: active staff who see patients or work with them, by name."""
    wanted = {"coordinator", "nurse", "physician", "community-health-worker", "manager"}
    return [one for one in accounts.staff(tx) if one.active and wanted & {role.value for role in one.roles}]


def days(
    app: App, tx: Transaction, principal: Principal, actors: Sequence[str], first: date, count: int
) -> list[PersonDay]:
    """The days of these people, by person and day. One audit entry for all."""
    require(principal, "search", "Appointment")
    zone, names = people.zone_of(tx), people.Names(tx)
    taken = store.taken_of(tx, actors, diary_slots.day_window(first, count, zone))
    lines = lines_of(app, tx, [one.holder for one in taken if one.kind == "visit"], zone)
    note_search(tx, principal, lines.values(), f"diary from {first.isoformat()}, {count} days")
    clashing = {(one.holder, one.actor) for one in taken if one.clash}
    own = diary_slots.diaries(app, tx, actors)
    closed = diary_slots.holidays(app)
    found = []
    for actor in actors:
        for number in range(count):
            day = first + timedelta(days=number)
            window = diary_slots.day_window(day, 1, zone)
            mine = [one for one in taken if one.actor == actor and one.window.meets(window)]
            open_now = diary_slots.open_windows(app, own[actor], [day], zone)
            free = availability.without(open_now, [one.window for one in mine])
            found.append(
                PersonDay(
                    actor=actor,
                    name=names.name(actor),
                    day=day,
                    visits=tuple(
                        _marked(lines[one.holder], (one.holder, actor) in clashing)
                        for one in mine
                        if one.holder in lines
                    ),
                    away=tuple(one for one in mine if one.kind == "away"),
                    holds=tuple(one for one in mine if one.kind == "hold"),
                    free=tuple(free),
                    note=_note(own[actor], closed.get(day, ""), bool(open_now)),
                )
            )
    return found


def _note(diary: diary_slots.Diary, holiday: str, is_open: bool) -> str:
    if holiday:
        return f"Holiday: {holiday}."
    if not is_open:
        return "No hours on this day."
    return "" if diary.own else "Hours of the practice; none of their own are set."


def _marked(line: VisitLine, clash: bool) -> VisitLine:
    return VisitLine(**{**vars(line), "clash": clash})


def lines_of(app: App, tx: Transaction, appointment_ids: Sequence[str], zone: ZoneInfo) -> dict[str, VisitLine]:
    """These visits as lines, by id. Not audited."""
    wanted = [f"Appointment/{one}" for one in dict.fromkeys(appointment_ids)]
    found = app.record.fetch(tx, wanted)
    patients = people.patients_shown(app, tx, [_patient_of(one) for one in found.values()], app.clock.now(), zone)
    return {one.id: line_of(app, one, patients[_patient_of(one)]) for one in found.values()}


def _patient_of(stored: Stored) -> str:
    return next(actors_of(stored.resource, "Patient"), "/").partition("/")[2]


def line_of(app: App, stored: Stored, patient: PatientShown) -> VisitLine:
    """One visit as a line."""
    visits, appointment = visits_of(app.catalog), stored.resource
    kind = visits.kinds.get(kind_of(appointment))
    window = window_of(appointment.get("start"), appointment.get("end"), visits.assumed_minutes)
    status = str(appointment.get("status", ""))
    said = [part.get("status") for part in appointment.get("participant", ()) if _is_patient(part)]
    return VisitLine(
        id=stored.id,
        version=stored.version,
        patient_id=_patient_of(stored),
        patient=patient,
        words=kind.words if kind else _said(appointment),
        where=kind.where if kind else "",
        window=window or Window(stored.last_updated, stored.last_updated + timedelta(minutes=1)),
        status=status,
        status_words=_STATES.get(status, status),
        confirmed="accepted" in said,
        clash=False,
        actors=tuple(actors_of(appointment, "Practitioner")),
    )


def _is_patient(part: Mapping[str, Any]) -> bool:
    return str((part.get("actor") or {}).get("reference", "")).startswith("Patient/")


def _said(appointment: Mapping[str, Any]) -> str:
    concepts = [*appointment.get("serviceType", ()), *([appointment.get("appointmentType")])]
    texts = [str(one.get("text") or "") for one in concepts if one]
    return next((text for text in [*texts, str(appointment.get("description", ""))] if text), "Visit")


def note_search(tx: Transaction, principal: Principal, lines: Any, query: str) -> None:
    """One audit entry for what a page shows."""
    shown = list(lines)
    record_audit(
        tx,
        AuditEntry(
            principal=principal,
            action="E",
            subtype="search",
            resource_type="Appointment",
            resource_ids=[one.id for one in shown],
            patient_ids=sorted({one.patient_id for one in shown if one.patient_id}),
            query=query,
        ),
    )


def clashes(app: App, tx: Transaction, principal: Principal) -> list[VisitLine]:
    """Visits from outside that stand over another, the first first."""
    require(principal, "search", "Appointment")
    found = [one for one in store.clashes(tx, app.clock.now()) if one.kind == "visit"]
    lines = lines_of(app, tx, [one.holder for one in found], people.zone_of(tx))
    note_search(tx, principal, lines.values(), "clashes")
    return sorted((_marked(one, True) for one in lines.values()), key=lambda one: (one.window, one.id))


@dataclass(frozen=True, kw_only=True)
class VisitPage:
    """One visit with everything that can be done about it."""

    line: VisitLine
    names: tuple[str, ...]
    reason: str
    reason_known: bool
    beside: tuple[str, ...]
    links: tuple[tuple[str, str, str], ...]
    has_room: bool
    parties: tuple[tuple[str, str], ...]
    fixes: tuple["FixLine", ...]
    instead: str
    address: str
    phones: tuple[str, ...]
    within: Window | None
    offer: Offer | None = None


def visit(app: App, tx: Transaction, principal: Principal, appointment_id: str) -> VisitPage:
    """One visit. Audited as read."""
    require(principal, "read", "Appointment")
    stored = app.record.read(tx, principal, "Appointment", appointment_id)
    zone = people.zone_of(tx)
    line = lines_of(app, tx, [appointment_id], zone)[appointment_id]
    mine = store.taken_by(tx, [appointment_id])
    names = people.Names(tx)
    beside = [
        other.holder
        for one in mine
        for other in store.taken_of(tx, [one.actor], one.window)
        if other.holder != appointment_id and (one.clash or other.clash)
    ]
    reason = reason_of(app, stored)
    later = app.record.of_patient(tx, line.patient_id, ["Appointment"]) if line.patient_id else []
    periods = stored.resource.get("requestedPeriod", ())
    return VisitPage(
        line=_marked(line, any(one.clash for one in mine)),
        names=tuple(names.name(actor) or _display(stored, actor) for actor in line.actors),
        reason=str((stored.resource.get("cancelationReason") or {}).get("text", "")),
        reason_known=reason is not None,
        beside=tuple(dict.fromkeys(beside)),
        links=tuple(video_visits.links_shown(stored.resource)),
        has_room=video_visits.has_room(stored.resource),
        parties=tuple((key, words) for key, words in video_visits.PARTIES.items() if key not in ("patient", "staff")),
        fixes=tuple(_fixes(app, tx, line.patient_id, stored.reference)),
        instead=next((one.id for one in later if _stands_for(one, stored.reference)), ""),
        address=_address(app, tx, line.patient_id),
        phones=line.patient.phones,
        within=window_of(periods[0].get("start"), periods[0].get("end"), 0) if periods else None,
        offer=next((one for one in store.open_offers(tx) if one.waiting_id == appointment_id), None),
    )


def _stands_for(one: Stored, reference: str) -> bool:
    return any(item.get("reference") == reference for item in one.resource.get("supportingInformation", ()))


def _display(stored: Stored, actor: str) -> str:
    for part in stored.resource.get("participant", ()):
        if (part.get("actor") or {}).get("reference") == actor:
            return str(part["actor"].get("display", "Somebody"))
    return "Somebody"


def reason_of(app: App, stored: Stored) -> Reason | None:
    """Why the visit was missed or cancelled, in our own words; None where nobody said."""
    concept = stored.resource.get("cancelationReason") or {}
    for coding in concept.get("coding", ()):
        if coding.get("system") == MISSED_REASON:
            return visits_of(app.catalog).reasons.get(str(coding.get("code")))
    return None


def _address(app: App, tx: Transaction, patient_id: str) -> str:
    found = app.record.fetch(tx, [f"Patient/{patient_id}"]).get(f"Patient/{patient_id}")
    return address_words(found.resource) if found else ""


def address_words(patient: Mapping[str, Any]) -> str:
    """Where the patient lives, in one line."""
    address = home_address(patient)
    parts = [", ".join(address.get("line", ())), str(address.get("city", "")), str(address.get("postalCode", ""))]
    return ", ".join(part for part in parts if part)


def home_address(patient: Mapping[str, Any]) -> Mapping[str, Any]:
    """The address at which a visit would be: home before others, none that is old."""
    standing = [one for one in patient.get("address", ()) if one.get("use") != "old"]
    standing.sort(key=lambda one: {"home": 0, "temp": 1}.get(one.get("use", ""), 2))
    found: Mapping[str, Any] = standing[0] if standing else {}
    return found


@dataclass(frozen=True, kw_only=True)
class FixLine:
    """What is done about a missed visit, by whom, until when."""

    task_id: str
    patient_id: str
    words: str
    owner: str
    owner_name: str
    due: datetime | None
    status: str


def _fixes(app: App, tx: Transaction, patient_id: str, focus: str = "") -> list[FixLine]:
    tasks = app.record.of_patient(tx, patient_id, ["Task"]) if patient_id else []
    names = people.Names(tx)
    return [
        fix_line(one, names)
        for one in tasks
        if booking.is_fix(one.resource) and (not focus or one.resource.get("focus", {}).get("reference") == focus)
    ]


def fix_line(stored: Stored, names: people.Names) -> FixLine:
    """The Task as a line."""
    task = stored.resource
    owner = str((task.get("owner") or {}).get("reference", ""))
    end = ((task.get("restriction") or {}).get("period") or {}).get("end")
    due = window_of(end, None, 1)
    return FixLine(
        task_id=stored.id,
        patient_id=stored.patient_id or "",
        words=str(task.get("description", "")),
        owner=owner,
        owner_name=names.name(owner),
        due=due.start if due else None,
        status=str(task.get("status", "")),
    )


@dataclass(frozen=True, kw_only=True)
class WaitingPage:
    """Who waits, in the order of need, and which offers are open."""

    lines: tuple[waiting_list.Line, ...]
    offers: tuple[tuple[Offer, str, str, str], ...]
    """Each with the patient's name, the phone and with whom."""


def waiting(app: App, tx: Transaction, principal: Principal) -> WaitingPage:
    """The waiting list. One audit entry."""
    require(principal, "search", "Appointment")
    zone, names = people.zone_of(tx), people.Names(tx)
    line, offers = waiting_list.waiting(app, tx), store.open_offers(tx)
    ids = [one.patient_id for one in line] + [one.patient_id for one in offers]
    patients = people.patients_shown(app, tx, ids, app.clock.now(), zone)
    kinds = visits_of(app.catalog).kinds
    shown_ids: list[Any] = [*line, *offers]
    note_search(tx, principal, shown_ids, "waiting list")
    shown = tuple(
        waiting_list.Line(
            waiting=one,
            patient_name=patients[one.patient_id].name,
            phone=next(iter(patients[one.patient_id].phones), ""),
            language=patients[one.patient_id].language,
            kind_words=kinds[one.kind].words if one.kind in kinds else "Visit",
            with_name=names.name(one.actor) if one.actor else "Anybody",
        )
        for one in line
    )
    return WaitingPage(
        lines=shown,
        offers=tuple(
            (
                one,
                patients[one.patient_id].name,
                next(iter(patients[one.patient_id].phones), ""),
                names.name(one.actor),
            )
            for one in offers
        ),
    )


def patient_named(app: App, tx: Transaction, principal: Principal, patient_id: str) -> PatientShown:
    """The patient whom a visit is booked for. Audited as read."""
    require(principal, "read", "Patient")
    app.record.read(tx, principal, "Patient", patient_id)
    return people.patients_shown(app, tx, [patient_id], app.clock.now(), people.zone_of(tx))[patient_id]


def require_staff(tx: Transaction, actor: str) -> accounts.StaffMember:
    """The person of the staff with this reference; `NotFound` for any other."""
    found = next((one for one in staff_shown(tx) if one.reference == actor), None)
    if found is None:
        raise NotFound("there is no such person on the staff")
    return found
