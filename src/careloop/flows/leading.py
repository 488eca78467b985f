"""One lead coordinator for each patient (PG-01): offered, accepted, or after two business days assigned.

The lead is the coordinator who is accountable for the patient. Whoever leads stays so until somebody else accepts; then
the coordinator's work for the patient and the place in the CareTeam go along, so that every door says the same.
"""

from collections.abc import Mapping
from typing import Any

from careloop.access import accounts
from careloop.access.accounts import StaffMember
from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal
from careloop.access.policy import Action, require_action
from careloop.db import Transaction
from careloop.errors import Conflict, NotFound, NotPermitted, Rejected
from careloop.fhir.ids import derived_id, new_id
from careloop.flows import engine, handing_over, leaving, noticing, people, routing, writing
from careloop.flows.acting import require_text
from careloop.flows.app import App
from careloop.loops.ownership import LEAD, ROLE
from careloop.loops.rules.calendar import Span, after
from careloop.record import Write
from careloop.teams import store
from careloop.teams.model import LeadOffer, LeadShown

ASSIGNABLE_AFTER = Span(amount=2, unit="business-days")
"""PG-01: after so long without acceptance a supervisor may assign."""


def lead_shown(tx: Transaction, patient_id: str) -> LeadShown | None:
    """The lead as pages show it; None while nobody leads. For the portal as well as for staff."""
    history = store.lead_history(tx, patient_id)
    if not history:
        return None
    offer, names = store.open_offer(tx, patient_id), people.Names(tx)
    return LeadShown(
        reference=history[0].lead,
        name=names.name(history[0].lead),
        since=history[0].led_from,
        why=history[0].why,
        offer=offer,
        taker_name=names.name(offer.taker) if offer else "",
    )


def offer_lead(
    app: App,
    tx: Transaction,
    principal: Principal,
    *,
    patient_id: str,
    to: str,
    why: str,
    role: str = LEAD,
    rule: str | None = None,
) -> str:
    """`to` is asked to lead; whoever leads now stays accountable until they accept. Answers with a sentence. Where
    nobody leads yet the queue does, and gives."""
    require_action(principal, Action.LOOP_WORK)
    require_text("why", why)
    tx.lock(f"patient {patient_id}")
    _require_patient(app, tx, patient_id)
    member = _taker(app, tx, to)
    now, queue = app.clock.now(), routing.queue_reference(tx.tenant_id)
    store.first_leads(tx, {patient_id: queue}, at=now, by=principal.reference, why="nobody led before the first offer")
    giver = store.leads(tx, [patient_id])[patient_id]
    if giver == member.reference:
        raise Rejected(at="to", expected="somebody else than the lead", code="business-rule")
    if store.open_offer(tx, patient_id):
        raise Conflict("the lead is on offer already")
    assignable = after(now, ASSIGNABLE_AFTER, engine.tenant_of(tx).zone, engine.content_of(app.catalog).calendar).due
    offer = LeadOffer(
        id=new_id(),
        patient_id=patient_id,
        giver=giver,
        taker=member.reference,
        role=role,
        rule=rule,
        why=why,
        by=principal.reference,
        offered=now,
        assignable=assignable,
    )
    store.add_offer(tx, offer)
    noticing.note_offer(
        app,
        tx,
        offer_id=offer.id,
        patient_id=patient_id,
        loop_id=None,
        to=member.reference,
        by=principal.reference,
        says=f"You are asked to lead the care: {why}",
    )
    _audit(tx, principal, patient_id, "lead-offered")
    return f"Offered to {member.name}. The lead does not change until it is accepted."


def accept_lead(app: App, tx: Transaction, principal: Principal, *, patient_id: str) -> str:
    """The asker leads from now on."""
    offer = _answerable(tx, principal, patient_id)
    _take(app, tx, principal, offer, answer="accepted", why=None)
    return "Accepted. You are the lead coordinator now."


def decline_lead(app: App, tx: Transaction, principal: Principal, *, patient_id: str, why: str) -> str:
    """The lead stays; the giver reads why."""
    require_text("why", why)
    offer = _answerable(tx, principal, patient_id)
    store.answer_offer(tx, offer.id, "declined", by=principal.reference, why=why, at=app.clock.now())
    _audit(tx, principal, patient_id, "lead-declined")
    return "Declined. The lead stays."


def assign_lead(app: App, tx: Transaction, principal: Principal, *, patient_id: str, to: str, why: str) -> str:
    """A supervisor decides, when an offer was not answered for two business days (PG-01); `Conflict` before that."""
    require_action(principal, Action.TEAM_SUPERVISE)
    require_text("why", why)
    tx.lock(f"patient {patient_id}")
    offer = store.open_offer(tx, patient_id)
    if offer is None:
        raise Conflict("there is no offer that waits; offer the lead first")
    if app.clock.now() < offer.assignable:
        raise Conflict("the offer may still be answered; a supervisor assigns after 2 business days (PG-01)")
    member = _taker(app, tx, to)
    if member.reference == offer.giver:
        store.answer_offer(tx, offer.id, "withdrawn", by=principal.reference, why=why, at=app.clock.now())
        return f"{member.name} stays the lead coordinator."
    _take(app, tx, principal, offer, answer="assigned", why=why, to=member.reference)
    return f"{member.name} is the lead coordinator now."


def _take(
    app: App,
    tx: Transaction,
    principal: Principal,
    offer: LeadOffer,
    *,
    answer: str,
    why: str | None,
    to: str | None = None,
) -> None:
    """The lead, the coordinator's work and the place in the team go over together."""
    now, taker = app.clock.now(), to or offer.taker
    [member] = accounts.members(tx, [taker])
    store.answer_offer(tx, offer.id, answer, by=principal.reference, why=why, at=now)
    store.change_lead(
        tx, offer.patient_id, taker, at=now, by=principal.reference, why=f"lead {answer}: {why or offer.why}"
    )
    handing_over.move_work(
        app,
        tx,
        principal,
        from_=offer.giver,
        to=taker,
        patients=[offer.patient_id],
        role=LEAD,
        why=f"is the lead coordinator now: {offer.why}",
    )
    _say_in_team(app, tx, principal, offer, member)
    _audit(tx, principal, offer.patient_id, f"lead-{answer}")


def _say_in_team(app: App, tx: Transaction, principal: Principal, offer: LeadOffer, member: StaffMember) -> None:
    """The patient's CareTeam names the lead as its coordinator."""
    teams = leaving.patient_team(app, tx, offer.patient_id)
    now = app.clock.now()
    team = teams[0].resource if teams else _new_team(tx, offer.patient_id)
    changed = leaving.passed_on(team, offer.giver, None, now, roles=[LEAD])
    named = {
        "role": [{"coding": [{"system": ROLE, "code": LEAD}]}],
        "member": {"reference": member.reference, "display": member.name},
        "period": {"start": now.isoformat(timespec="seconds")},
    }
    resource = {**changed, "participant": [named, *changed["participant"]]}
    write = Write(method="update", resource_type="CareTeam", id=team["id"], resource=resource)
    writing.write(app, tx, principal, [write], cause="the lead coordinator changed", validate=False)


def _new_team(tx: Transaction, patient_id: str) -> dict[str, Any]:
    return {
        "resourceType": "CareTeam",
        "id": derived_id(tx.tenant_id, "care-team", patient_id),
        "status": "active",
        "name": "Care team",
        "subject": {"reference": f"Patient/{patient_id}"},
        "participant": [],
    }


def _taker(app: App, tx: Transaction, to: str) -> StaffMember:
    """Somebody who is active and here."""
    found = routing.Office(app, tx).people([to])
    if not found or found[0].away is not None:
        raise Rejected(at="to", expected="an active member of the staff who is not away", code="business-rule")
    return accounts.members(tx, [to])[0]


def _answerable(tx: Transaction, principal: Principal, patient_id: str) -> LeadOffer:
    require_action(principal, Action.LOOP_WORK)
    tx.lock(f"patient {patient_id}")
    offer = store.open_offer(tx, patient_id)
    if offer is None:
        raise NotFound("there is no offer to answer")
    if offer.taker != principal.reference:
        raise NotPermitted("this offer is for somebody else")
    return offer


def _require_patient(app: App, tx: Transaction, patient_id: str) -> Mapping[str, Any]:
    found = app.record.fetch(tx, [f"Patient/{patient_id}"]).get(f"Patient/{patient_id}")
    if found is None or found.deleted:
        raise NotFound("there is no such patient")
    return found.resource


def _audit(tx: Transaction, principal: Principal, patient_id: str, what: str) -> None:
    entry = AuditEntry(
        principal=principal,
        action="U",
        subtype=what,
        resource_type="CareTeam",
        patient_ids=[patient_id],
    )
    record_audit(tx, entry)
