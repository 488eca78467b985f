"""What the clinic and the patient say about a referral, told to us by phone, fax or message and put down here.

A visit is an Appointment that names the request; a report a DocumentReference or DiagnosticReport that does. The
fulfilment Task moves with them. Each function is one thing that can be said; what the table does not have is refused.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from careloop.access.model import Principal
from careloop.access.policy import require
from careloop.db import Transaction
from careloop.errors import Rejected
from careloop.fhir.ids import new_id
from careloop.flows import acting
from careloop.flows.app import App
from careloop.flows.referral_desk import Desk, Receipt, open_desk, require_text
from careloop.flows.referral_reading import require_clinician
from careloop.flows.referral_resources import appointment_of, clinic, message_of, note_of, put
from careloop.flows.writing import write
from careloop.loops.rules.calendar import after, words_of
from careloop.loops.rules.referrals import Tables, words
from careloop.loops.rules.referrals.clocks import add_span, is_late_scheduled
from careloop.loops.rules.referrals.content import Named
from careloop.loops.rules.referrals.reports import visit_date
from careloop.loops.rules.referrals.states import ImpossibleMove, phase, possible_moves
from careloop.loops.rules.referrals.visits import AfterNoShow, Attempt, after_no_show, unable_to_reach

Json = dict[str, Any]


def received(app: App, tx: Transaction, principal: Principal, request_id: str) -> Receipt:
    """The clinic says that it has the referral."""
    return _moved(app, tx, principal, request_id, "received", "", "The clinic has it.")


def accept(app: App, tx: Transaction, principal: Principal, request_id: str, visit: datetime | None = None) -> Receipt:
    """The clinic takes the patient; with a date the visit is booked too."""
    if visit is not None:
        return book(app, tx, principal, request_id, visit)
    return _moved(app, tx, principal, request_id, "accepted", "", "Accepted. The visit is not booked yet.")


def decline(app: App, tx: Transaction, principal: Principal, request_id: str, why: str) -> Receipt:
    """The clinic cannot take the patient. Another one is due within 2 business days; the patient's clock goes on."""
    reason = require_text("why", why, "why the clinic cannot take the patient")
    return _moved(app, tx, principal, request_id, "declined", reason, "Declined. Choose another clinic.")


def need_more(app: App, tx: Transaction, principal: Principal, request_id: str, what: str) -> Receipt:
    """The clinic asks for more before it decides; somebody of ours answers."""
    desk = open_desk(app, tx, principal, request_id)
    asked = require_text("what", what, "what the clinic needs")
    desk.move("more-info-needed", asked)
    clock = desk.state.clock
    assert clock is not None
    assert clock.within is not None
    due = add_span(desk.moment.now, clock.within, str(desk.moment.zone), desk.calendar).due
    desk.work("answer", f"Answer {desk.story.clinic_name or 'the clinic'}: {asked}", due)
    return desk.save("Saved. The answer is on the list.")


def give_more(app: App, tx: Transaction, principal: Principal, request_id: str, text: str) -> Receipt:
    """We answered; it is the clinic's turn again."""
    desk = open_desk(app, tx, principal, request_id)
    told = require_text("text", text, "what you told the clinic")
    desk.move("received")
    desk.also.append(_to_clinic(desk, "referral-answer", told))
    return desk.save("Answered. The clinic decides.")


def _to_clinic(desk: Desk, category: str, text: str, medium: str = "WRITTEN") -> Json:
    to = clinic(desk.story.clinic, desk.story.clinic_name) or {"display": "The clinic"}
    return message_of(desk.story, new_id(), category=category, medium=medium, to=to, text=text, moment=desk.moment)


def undeliverable(app: App, tx: Transaction, principal: Principal, request_id: str, why: str) -> Receipt:
    """It did not arrive; another way is due within 1 business day."""
    reason = require_text("why", why, "what went wrong")
    return _moved(app, tx, principal, request_id, "undeliverable", reason, "Not delivered. Find another way.")


def book(app: App, tx: Transaction, principal: Principal, request_id: str, visit: datetime) -> Receipt:
    """The visit is booked. One after the see-by date is said at once (RF-02)."""
    desk = open_desk(app, tx, principal, request_id)
    desk.move("scheduled")
    appointment = appointment_of(desk.story, new_id(), visit, "booked", desk.moment)
    desk.also.append(appointment)
    desk.output("appointment", {"valueReference": {"reference": f"Appointment/{appointment['id']}"}})
    day = visit.astimezone(desk.moment.zone).date()
    late = desk.story.see_by is not None and is_late_scheduled(desk.story.see_by, day)
    if late and desk.story.see_by is not None:
        due = after(desk.moment.now, desk.tables.recontact, str(desk.moment.zone), desk.calendar).due
        text = f"Booked {words_of(day)}, after the see-by date {words_of(desk.story.see_by)}: ask for an earlier one"
        desk.work("late-scheduled", text, due)
    return desk.save(f"Booked for {words_of(day)}.{' That is later than planned.' if late else ''}")


def call_off(app: App, tx: Transaction, principal: Principal, request_id: str, by: str, why: str) -> Receipt:
    """The visit does not take place: `by` office or patient. A new date is due."""
    if by not in ("office", "patient"):
        raise Rejected(at="by", expected="office or patient", code="code-invalid")
    desk = open_desk(app, tx, principal, request_id)
    desk.move(f"cancelled-by-{by}", require_text("why", why, "why the visit is called off"))
    _close_appointment(desk, "cancelled")
    return desk.save("Called off. A new date is needed.")


def _close_appointment(desk: Desk, status: str, start: datetime | None = None, *, why: str = "") -> None:
    """The appointment that stands has this status now, its true time where it was another, and the reason."""
    standing = desk.story.appointment
    if standing is None:
        return
    changed: Json = {**standing, "status": status}
    if why:
        changed["cancelationReason"] = {"coding": [{"system": "urn:careloop:missed-visit", "code": why}]}
    if start is not None:
        fresh = appointment_of(desk.story, str(standing["id"]), start, status, desk.moment)
        changed |= {"start": fresh["start"], "end": fresh["end"]}
    desk.also.append(changed)


def no_show(
    app: App, tx: Transaction, principal: Principal, request_id: str, barrier: str = "", note: str = ""
) -> Receipt:
    """The patient did not come (RF-04). What kept them away stands in the Appointment and becomes work; the call
    within 2 business days is the loop `missed-appointment` of that Appointment, or work of our own where there is none.
    From the second time on the clinician decides."""
    desk = open_desk(app, tx, principal, request_id)
    named = {item.id: item for item in desk.tables.barriers}
    if barrier and barrier not in named:
        raise Rejected(at="barrier", expected=f"one of {', '.join(named)}", code="code-invalid")
    desk.move("no-show", note.strip() or (named[barrier].title if barrier else ""))
    missed = desk.story.appointment
    _close_appointment(desk, "noshow", why=named[barrier].fix if barrier else "")
    number = desk.story.no_shows + 1
    follows = after_no_show(desk.tables, number, desk.moment.now, str(desk.moment.zone), desk.calendar)
    what = desk.story.service
    if follows.does is AfterNoShow.CLINICIAN:
        desk.work(
            "decide",
            f"Did not come {number} times: {what}. Decide what follows",
            follows.deadline.due,
            role="physician",
        )
    elif missed is None:
        desk.work("recontact", f"Call about the missed visit: {what}. Ask what kept them away", follows.deadline.due)
    if barrier:
        _remove_barrier(desk, named[barrier], missed, follows.deadline.due)
    return desk.save("Saved. The clinician decides." if number > 1 else "Saved. A call is on the list.")


def _remove_barrier(desk: Desk, barrier: Named, missed: Mapping[str, Any] | None, due: datetime) -> None:
    """What kept the patient away is work; it names the visit, so that the reason counts as asked (decision 0192)."""
    desk.work("barrier", f"{barrier.task}: {desk.story.service}", due)
    if missed is None or not barrier.fix:
        return
    task = desk.also[-1]
    task["code"]["coding"].append({"system": "urn:careloop:fix", "code": barrier.fix})
    task["focus"] = {"reference": f"Appointment/{missed['id']}"}


def seen(app: App, tx: Transaction, principal: Principal, request_id: str, day: datetime) -> Receipt:
    """The visit took place at this time; the report is awaited."""
    desk = open_desk(app, tx, principal, request_id)
    if day > desk.moment.now:
        raise Rejected(at="day", expected="a day that is not ahead", code="value")
    desk.move("seen")
    if desk.story.appointment is None:
        desk.also.append(appointment_of(desk.story, new_id(), day, "fulfilled", desk.moment))
    else:
        _close_appointment(desk, "fulfilled", day)
    return desk.save("Seen. The report is awaited.")


def report(
    app: App,
    tx: Transaction,
    principal: Principal,
    request_id: str,
    *,
    reference: str = "",
    text: str = "",
    visit: datetime | None = None,
) -> Receipt:
    """The report is here: a document of the patient (`reference`), or what was told in words. One that is older than
    the visit it is about is taken, and the date of the visit is asked about (worked case 4)."""
    desk = open_desk(app, tx, principal, request_id)
    if bool(reference) == bool(text.strip()):
        raise Rejected(at="report", expected="a document of the patient, or the report in words", code="required")
    desk.move("report-received")
    document = (
        _document(app, tx, desk, reference) if reference else note_of(desk.story, new_id(), text.strip(), desk.moment)
    )
    desk.also.append(document)
    desk.output("report", {"valueReference": {"reference": f"{document['resourceType']}/{document['id']}"}})
    ours = desk.tables.consultant_report
    desk.task = {**desk.task, "reasonCode": {"coding": [dict(ours)], "text": ours["display"]}}
    conflict = _settle_visit(desk, visit)
    if conflict:
        due = after(desk.moment.now, desk.tables.recontact, str(desk.moment.zone), desk.calendar).due
        desk.work("visit-date", f"Ask when the visit was: {desk.story.service}. The report is older", due)
    return desk.save("Report received." + (" The visit date cannot be right: it is asked about." if conflict else ""))


def _settle_visit(desk: Desk, corrected: datetime | None) -> str:
    """The visit that the report is about is done, on its true day; words where its recorded day cannot be right."""
    story, zone = desk.story, desk.moment.zone
    if story.appointment is None:
        if corrected is not None:
            desk.also.append(appointment_of(story, new_id(), corrected, "fulfilled", desk.moment))
        return ""
    recorded = story.visit_on.astimezone(zone).date() if story.visit_on else None
    day = corrected.astimezone(zone).date() if corrected else None
    found = visit_date(recorded, desk.moment.now.astimezone(zone).date(), day)
    if isinstance(found.day, date):
        _close_appointment(desk, "fulfilled", corrected)
    return found.conflict


def _document(app: App, tx: Transaction, desk: Desk, reference: str) -> Json:
    """The patient's document, tied to the request."""
    acting.evidence_reference(app, tx, desk.story.patient_id, reference)
    found = dict(app.record.fetch(tx, [reference])[reference].resource)
    if found["resourceType"] not in ("DocumentReference", "DiagnosticReport"):
        raise Rejected(at="report", expected="a document or a report", code="business-rule")
    require(desk.principal, "update", found["resourceType"])
    own = {"reference": f"ServiceRequest/{desk.story.id}"}
    if desk.story.id in words.requests_of(found):
        return found
    if found["resourceType"] == "DiagnosticReport":
        return {**found, "basedOn": [*found.get("basedOn", ()), own]}
    context = found.get("context", {})
    return {**found, "context": {**context, "related": [*context.get("related", ()), own]}}


def not_reached(
    app: App, tx: Transaction, principal: Principal, request_id: str, attempts: Sequence[Attempt]
) -> Receipt:
    """The clinic could not reach the patient. With three tries, two ways and ten days the clinician decides; before
    that it is `Rejected` with what is missing (worked case 8)."""
    desk = open_desk(app, tx, principal, request_id)
    found = unable_to_reach(desk.tables, attempts)
    if not found.is_unable:
        raise Rejected(at="attempts", expected="; ".join(found.missing), code="business-rule")
    desk.move("unable-to-reach", ", ".join(f"{words_of(one.day)} {one.channel}" for one in attempts))
    due = after(desk.moment.now, desk.tables.no_show_decision, str(desk.moment.zone), desk.calendar).due
    desk.work(
        "decide",
        f"The clinic cannot reach the patient: {desk.story.service}. Decide what follows",
        due,
        role="physician",
    )
    return desk.save("Saved. The clinician decides.")


_GIVEN_UP = {
    "closed-no-contact": "Closed: never reached.",
    "closed-no-show": "Closed: did not come.",
    "patient-declined": "Closed: the patient said no.",
}


def give_up(app: App, tx: Transaction, principal: Principal, request_id: str, state: str, why: str) -> Receipt:
    """A clinician ends the referral without its goal; nothing else does: not two missed visits either (RF-04)."""
    if state not in _GIVEN_UP:
        raise Rejected(at="state", expected=f"one of {', '.join(_GIVEN_UP)}", code="code-invalid")
    desk = open_desk(app, tx, principal, request_id)
    require_clinician(principal, desk.story)
    if state == "closed-no-show" and desk.story.no_shows < desk.tables.no_shows:
        raise ImpossibleMove(desk.state, state, ("scheduled",))
    desk.move(state, require_text("why", why, "why it ends"))
    return desk.save(_GIVEN_UP[state])


def correct_visit(app: App, tx: Transaction, principal: Principal, request_id: str, day: datetime) -> Receipt:
    """The visit was on this day: clocks use it from now on (worked case 4)."""
    desk = open_desk(app, tx, principal, request_id)
    if phase(desk.state.id) < phase("seen") or day > desk.moment.now:
        raise Rejected(at="day", expected="the day of a visit that took place", code="value")
    appointment = desk.story.visited or desk.story.appointment
    fresh = appointment_of(
        desk.story, str(appointment["id"]) if appointment else new_id(), day, "fulfilled", desk.moment
    )
    write(app, tx, principal, [put({**(appointment or {}), **fresh})])
    return Receipt(request_id=request_id, state=desk.state.id, says="Visit date corrected.")


def _moved(
    app: App, tx: Transaction, principal: Principal, request_id: str, state: str, why: str, says: str
) -> Receipt:
    desk = open_desk(app, tx, principal, request_id)
    desk.move(state, why)
    return desk.save(says)


def possible(tables: Tables, state: str) -> Mapping[str, bool]:
    """Which of the things that can be said go with a state."""
    there = frozenset(possible_moves(tables, state))
    return {name: goal in there for name, goal in _SAYS.items()}


_SAYS: Mapping[str, str] = {
    "send": "sent",
    "received": "received",
    "accept": "accepted",
    "decline": "declined",
    "need-more": "more-info-needed",
    "undeliverable": "undeliverable",
    "book": "scheduled",
    "call-off": "cancelled-by-office",
    "no-show": "no-show",
    "seen": "seen",
    "report": "report-received",
    "not-reached": "unable-to-reach",
    "cancel": "cancelled",
    "patient-declined": "patient-declined",
    "closed-no-show": "closed-no-show",
    "closed-no-contact": "closed-no-contact",
}
