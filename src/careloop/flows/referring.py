"""A referral is made, sent, changed, given to another clinic, withdrawn. What the clinic says: `referral_answers`.

FHIR clients do the same by writing the ServiceRequest and its fulfilment Task: their facts are taken as they come. Only
our own screens refuse what the state table does not have.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from careloop.access.model import Principal
from careloop.db import Transaction
from careloop.errors import Conflict, Rejected
from careloop.fhir.ids import new_id
from careloop.flows import referral_rows
from careloop.flows.app import App
from careloop.flows.clinic_doors import sent_words
from careloop.flows.referral_desk import Desk, Receipt, moment_of, open_desk, require_text, require_work
from careloop.flows.referral_items import asked_of, patient_of, recorded
from careloop.flows.referral_resources import NewReferral, authorization, clinic, fulfilment_of, put, request_of
from careloop.flows.writing import write
from careloop.loops.model import Unknown
from careloop.loops.rules.calendar import after, local_date
from careloop.loops.rules.referrals import Tables, words
from careloop.loops.rules.referrals.clocks import (
    Authorization,
    add_span,
    authorization_problem,
    see_by,
    see_by_after_change,
)
from careloop.loops.rules.referrals.completeness import Request, require_complete, too_slow
from careloop.loops.rules.referrals.duplicates import Standing, duplicates
from careloop.loops.rules.referrals.states import ImpossibleMove, possible_moves
from careloop.loops.rules.referrals.story import services_of

Json = dict[str, Any]


class DuplicateReferral(Conflict):
    """The same service was asked for within 90 days and is open (RF-08): ask first. `standing` are those."""

    def __init__(self, standing: Sequence[Standing]) -> None:
        super().__init__("a referral for the same service is open already")
        self.standing = tuple(standing)


def make(
    app: App,
    tx: Transaction,
    principal: Principal,
    new: NewReferral,
    *,
    send_now: bool,
    despite_duplicates: bool = False,
    request_id: str | None = None,
) -> Receipt:
    """The referral is in the record, and sent where asked. `DuplicateReferral` (RF-08) unless it was answered,
    `Incomplete` where an item of RF-01 is missing for sending, `Rejected` for a red flag with too low a priority
    (RF-09). The same `request_id` again is the same referral."""
    require_work(principal)
    tables, moment = referral_rows.tables_of(app), moment_of(app, tx, principal)
    patient = patient_of(app, tx, new.patient_id)
    tx.lock(f"patient {new.patient_id}")
    if request_id is not None and (before := referral_rows.load(app, tx, [request_id]).get(request_id)):
        return Receipt(request_id=request_id, state=before.state.id, says="Saved before")
    require_text("service", new.service, "what you refer for")
    priority = tables.priorities.get(new.priority)
    if priority is None:
        raise Rejected(at="priority", expected=f"one of {', '.join(tables.priorities)}", code="code-invalid")
    _require_fast(tables, asked_of(new, patient), new.red_flag_reason)
    if send_now:
        require_complete(tables, asked_of(new, patient))
    today = moment.now.astimezone(moment.zone).date()
    request = request_of(new, request_id or new_id(), priority, see_by(today, priority), moment)
    if not despite_duplicates:
        _ask_duplicates(app, tx, tables, request, new.patient_id, today)
    task = fulfilment_of(request, new_id(), moment)
    write(app, tx, principal, [put(request), put(task)])
    if not send_now:
        return Receipt(request_id=request["id"], state="draft", says="Saved. It is not sent yet.")
    return send(app, tx, principal, request["id"])


def _require_fast(tables: Tables, asked: Request, why: str) -> None:
    slow = too_slow(tables, asked, why)
    if slow:
        says = " and ".join(flag.says for flag in slow)
        expected = f"at least {slow[0].lowest} for {says}, or the reason why it may wait"
        raise Rejected(at="priority", expected=expected, code="business-rule")


def _ask_duplicates(app: App, tx: Transaction, tables: Tables, request: Json, patient_id: str, today: date) -> None:
    found = same_service(app, tx, tables, request, patient_id, today)
    if found:
        raise DuplicateReferral(found)


def same_service(
    app: App, tx: Transaction, tables: Tables, request: Mapping[str, Any], patient_id: str, today: date
) -> tuple[Standing, ...]:
    """Open referrals of the patient for the same service (RF-08)."""
    others = app.record.of_patient(tx, patient_id, ("ServiceRequest",))
    ids = [one.id for one in others if words.is_referral(one.resource) and one.id != request["id"]]
    standing = [
        Standing(
            id=story.id,
            services=story.services,
            authored=story.authored.date(),
            is_open=story.is_open,
            clinic=story.clinic_name,
            says=story.state.says,
        )
        for story in referral_rows.load(app, tx, ids).values()
        if story.authored is not None
    ]
    return duplicates(tables, services_of(request), today, standing)


def send(app: App, tx: Transaction, principal: Principal, request_id: str) -> Receipt:
    """The referral is with the clinic, or with the payer where an approval must come first. `Incomplete` names what
    RF-01 still asks for; a warm hand-over and an approval that ends too early become work (RF-11)."""
    desk = open_desk(app, tx, principal, request_id)
    require_complete(desk.tables, recorded(app, tx, desk.request, desk.task))
    given = authorization_of(desk.request)
    if given and given.needed and not given.number and desk.state.id == "draft":
        desk.move("pending-authorization")
        return desk.save("Waiting for the payer's approval. It is not sent yet.")
    desk.move("sent")
    _hand_over_warmly(desk)
    _watch_approval(desk, given)
    return desk.save(sent_words(app, tx, desk.story))


def _hand_over_warmly(desk: Desk) -> None:
    priority = desk.story.priority
    if priority.warm_handoff != "required":
        return
    name = desk.story.clinic_name or "the clinic"
    due = add_span(desk.moment.now, priority.triage, str(desk.moment.zone), desk.calendar).due
    desk.work("warm-handoff", f"Call {name}: {desk.story.service}, {priority.id}", due)


def _watch_approval(desk: Desk, given: Authorization | None) -> None:
    if given is None or desk.story.see_by is None:
        return
    problem = authorization_problem(given, desk.story.see_by)
    if problem and not isinstance(problem, Unknown):
        span = desk.tables.authorization_task
        due = after(desk.moment.now, span, str(desk.moment.zone), desk.calendar).due
        desk.work("authorization", f"Ask the payer: {problem}", due)


def authorization_of(request: Mapping[str, Any]) -> Authorization | None:
    """The approval that the request tells of, None where nobody asked."""
    told = words.extension(request, words.AUTHORIZATION)
    if not told:
        return None
    parts = words.inner(told)
    expires = parts.get("expires")
    return Authorization(
        needed=bool(parts.get("needed", True)),
        number=str(parts.get("number", "")),
        expires=date.fromisoformat(str(expires)) if expires else None,
        visits=parts.get("visits"),
        visits_used=int(parts.get("used", 0)),
    )


def approve(app: App, tx: Transaction, principal: Principal, request_id: str, given: Authorization) -> Receipt:
    """The payer's answer is kept, and the referral is sent where it waited for it (RF-11)."""
    desk = open_desk(app, tx, principal, request_id)
    require_text("number", given.number, "the number of the approval")
    others = [one for one in desk.request.get("extension", ()) if one.get("url") != words.AUTHORIZATION]
    desk.request = {**desk.request, "extension": [*others, authorization(given)]}
    if desk.state.id != "pending-authorization":
        _watch_approval(desk, given)
        return desk.save("Approval saved.")
    desk.move("sent")
    _hand_over_warmly(desk)
    _watch_approval(desk, given)
    return desk.save(f"Approved. {sent_words(app, tx, desk.story)}")


def deny(app: App, tx: Transaction, principal: Principal, request_id: str, why: str) -> Receipt:
    """The payer said no: appeal, or another way; the clinician is asked."""
    desk = open_desk(app, tx, principal, request_id)
    desk.move("denied", require_text("why", why, "what the payer said"))
    _ask_clinician(desk, f"Approval denied: {desk.story.service}. Appeal, or another way?")
    return desk.save("Denied. The clinician is asked.")


def _ask_clinician(desk: Desk, says: str) -> None:
    due = after(desk.moment.now, desk.tables.no_show_decision, str(desk.moment.zone), desk.calendar).due
    desk.work("decide", says, due, role="physician")


def change_priority(
    app: App, tx: Transaction, principal: Principal, request_id: str, priority: str, why: str = ""
) -> Receipt:
    """The referral is as urgent as said now; its see-by date follows RF-02."""
    desk = open_desk(app, tx, principal, request_id)
    level = desk.tables.priorities.get(priority)
    if level is None or not desk.story.is_open:
        raise Rejected(at="priority", expected=f"one of {', '.join(desk.tables.priorities)}", code="code-invalid")
    asked = replace(recorded(app, tx, desk.request, desk.task), priority=priority)
    _require_fast(desk.tables, asked, why)
    today = local_date(desk.moment.now, str(desk.moment.zone))
    by = see_by_after_change(desk.story.see_by or today, desk.story.priority, level, today)
    others = [
        one for one in desk.request.get("extension", ()) if one.get("url") not in (words.PRIORITY, words.OVERRIDE)
    ]
    others += [{"url": words.OVERRIDE, "valueString": why}] if why else []
    period = {"occurrencePeriod": {**desk.request.get("occurrencePeriod", {}), "end": by.isoformat()}}
    own = [*others, {"url": words.PRIORITY, "valueCode": level.id}]
    desk.request = {**desk.request, **period, "extension": own, "priority": level.fhir}
    desk.task = {**desk.task, "priority": level.fhir, "restriction": {"period": period["occurrencePeriod"]}}
    return desk.save(f"{level.title}. To be seen by {by:%a} {by.day} {by:%b}.")


def redirect(
    app: App, tx: Transaction, principal: Principal, request_id: str, to: str, name: str, why: str = ""
) -> Receipt:
    """Another clinic has the referral; this one is over. The patient's clock goes on from where it began, and the
    see-by date stays (RF-07)."""
    desk = open_desk(app, tx, principal, request_id)
    require_text("clinic", to or name, "another clinic")
    if to and to == desk.story.clinic:
        raise Rejected(at="clinic", expected="another clinic than the one that has it", code="business-rule")
    for state in _way_out(desk):
        desk.move(state, why or "no answer" if state != "redirected" else f"now with {name or to}")
    fresh = _replacing(desk, to, name)
    task = fulfilment_of(fresh, new_id(), desk.moment)
    desk.also += [fresh, task]
    desk.output("replaced-by", {"valueReference": {"reference": f"ServiceRequest/{fresh['id']}"}})
    desk.save("")
    sent = send(app, tx, principal, fresh["id"])
    return replace(sent, says=f"{sent.says} The patient's clock goes on.")


def _way_out(desk: Desk) -> tuple[str, ...]:
    """The moves that lead to `redirected`: a clinic that is silent counts as not reached, or as one that said no."""
    possible = possible_moves(desk.tables, desk.state.id)
    if "redirected" in possible:
        return ("redirected",)
    first = next((one for one in ("undeliverable", "declined") if one in possible), None)
    if first is None:
        raise ImpossibleMove(desk.state, "redirected", possible)
    return (first, "redirected")


def _replacing(desk: Desk, to: str, name: str) -> Json:
    start = desk.story.clock_start
    kept = [one for one in desk.request.get("extension", ()) if one.get("url") != words.CLOCK_START]
    kept += [{"url": words.CLOCK_START, "valueDate": start.isoformat()}] if start else []
    fresh = {name: value for name, value in desk.request.items() if name not in ("meta", "identifier", "text")}
    by = desk.story.see_by
    period = {"occurrencePeriod": {"end": by.isoformat()}} if by else {}
    return {
        **fresh,
        **period,
        "id": new_id(),
        "extension": kept,
        "status": "draft",
        "authoredOn": desk.moment.stamp(),
        "replaces": [{"reference": f"ServiceRequest/{desk.story.id}"}],
        "performer": [clinic(to, name)],
    }


def cancel(app: App, tx: Transaction, principal: Principal, request_id: str, why: str) -> Receipt:
    """The referral is withdrawn."""
    desk = open_desk(app, tx, principal, request_id)
    desk.move("cancelled", require_text("why", why, "why it is withdrawn"))
    return desk.save("Withdrawn.")
