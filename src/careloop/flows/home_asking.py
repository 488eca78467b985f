"""Patients are asked how they are, by their own way and rhythm; reminded; and somebody acts when no answer comes.

Each time is a CommunicationRequest with a link of its own. An e-mail leaves through the one contact budget
(`flows.outreach`); where no way is connected, a person asks by phone and finds it on the line list. What silence
leads to is in the content (`silence`), and becomes an alert like any other.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from careloop import community
from careloop.access.audit import AuditEntry, record_audit
from careloop.access.keys import open_keyring
from careloop.access.model import Principal, Tenant, system_principal
from careloop.access.policy import Action, require_action
from careloop.community import Codes, NewLink, Purpose
from careloop.db import Transaction
from careloop.errors import Conflict
from careloop.fhir.ids import derived_id
from careloop.flows import home_answers, home_enrolling, home_plans, home_rhythms, monitoring, people, writing
from careloop.flows.app import App
from careloop.flows.contact_reading import choice_of, is_outgoing, medium_of, outcome_of
from careloop.flows.mailing import CHECK_IN, email_of
from careloop.flows.timeline import instant_of
from careloop.monitoring import check_in_store, store
from careloop.monitoring.check_in_store import NO_WAY, Kept
from careloop.monitoring.content import Monitoring
from careloop.monitoring.model import Plan
from careloop.monitoring.rules.asking import Asking, asking_of, due
from careloop.record import Stored, Write

EVERY = timedelta(seconds=20)
BACK = timedelta(days=35)
BY_HAND = "WRITTEN"
"""The way of a link that a member of the staff hands over."""
_MODE = "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode"
_AT_ONCE = 200
Json = dict[str, Any]


def connected_ways(app: App) -> frozenset[str]:
    """Ways by which something leaves by itself here. No gateway for text messages is part of the product: one more way
    is a sender for its CommunicationRequests, and its code here."""
    return frozenset({"EMAILWRIT"} if app.settings.smtp_host else ())


def ways_words(app: App, content: Monitoring) -> str:
    """By which ways check-ins leave here, in words for the staff."""
    names = {"EMAILWRIT": "e-mail with a link", "SMSWRIT": "text"}
    ways = [names[one] for one in asking_of(content.check_ins).ways if one in connected_ways(app) and one in names]
    if not ways:
        return (
            "Nothing is sent by itself here: no mail server and no text gateway is connected. A person asks by phone."
        )
    rest = "" if "SMSWRIT" in connected_ways(app) else " No text gateway is connected."
    return f"Sent by {' or '.join(ways)}; who has no such address is asked by phone.{rest}"


def go_on(app: App, tenant: Tenant) -> int:
    """Everybody whose time has come was looked at; how many. For the worker; safe at any time."""

    def waiting(tx: Transaction) -> list[str]:
        rows = check_in_store.rows_of(tx, "due", now=app.clock.now(), limit=_AT_ONCE)
        return [row["patient_id"] for row in rows]

    found = app.database.run(tenant.id, waiting)
    for patient_id in found:
        app.database.run(tenant.id, partial(_advanced, app, patient_id), actor="check-ins")
    return len(found)


def _advanced(app: App, patient_id: str, tx: Transaction) -> None:
    advance(app, tx, patient_id)


def advance(app: App, tx: Transaction, patient_id: str) -> None:
    """What is due about the patient's check-ins is done, and it is known when to look again."""
    tx.lock(f"patient {patient_id}")
    row, now = home_enrolling.standing(tx, patient_id), app.clock.now()
    plan = None if row is None else home_plans.from_json(row["plan"])
    if row is not None and plan is not None and plan.resume is not None and plan.resume <= now:
        home_rhythms.resume(app, tx, patient_id)
        row = home_enrolling.standing(tx, patient_id)
        plan = None if row is None else home_plans.from_json(row["plan"])
    if row is None or plan is None or row["status"] == "finished" or plan.deceased:
        _withdraw(app, tx, patient_id)
        check_in_store.execute(tx, "sleep", patient_id=patient_id)
        return
    if row["status"] == "onhold":
        _withdraw(app, tx, patient_id)
    content = monitoring.content_of(app, tx)
    asking = asking_of(content.check_ins)
    kept = check_in_store.of_patients(tx, [patient_id], now - BACK)[patient_id]
    found = due(asking, plan, [one.value for one in kept], restarts_of(tx, [patient_id])[patient_id], now)
    by_id = {one.id: one for one in kept}
    observations = _left_half_way(app, tx, content, asking, kept, now)
    for one in found.close:
        observations += _close(app, tx, content, by_id[one])
    for one in found.remind:
        _remind(app, tx, by_id[one], now)
    if found.ask is not None:
        _ask(app, tx, content, asking, plan, row, found.ask)
    if observations or found.close:
        monitoring.review(app, tx, observations, [patient_id])
    wake = [at for at in (found.wake, *_halves(asking, kept, now), found.ask and found.ask[1]) if at]
    if wake:
        check_in_store.execute(tx, "set_wake", patient_id=patient_id, at=min(wake))
    else:
        check_in_store.execute(tx, "sleep", patient_id=patient_id)


def restarts_of(tx: Transaction, patients: Sequence[str]) -> dict[str, list[datetime]]:
    """When somebody acted on the silence of these patients: missed check-ins are counted anew from there."""
    found: dict[str, list[datetime]] = {one: [] for one in patients}
    for row in store.rows_of(tx, "alerts", patients=list(patients)):
        if row["alert"] == "unanswered" and row["state"] == "closed" and row["ended"] is not None:
            found[row["patient_id"]].append(row["ended"])
    return found


def by_hand(app: App, principal: Principal, patient_id: str) -> Codes:
    """The link of the check-in that is open now, or of a new one, to hand over; audited. `Conflict` for somebody who
    does not take part."""
    require_action(principal, Action.LOOP_WORK)

    def work(tx: Transaction) -> Codes:
        tx.lock(f"patient {patient_id}")
        kept = now_open(app, tx, principal, patient_id)
        for link in community.links_of_request(tx, f"CommunicationRequest/{kept.id}"):
            if link.is_good(app.clock.now()):
                _audit(tx, principal, kept.id, patient_id)
                return community.codes_of(open_keyring(app.settings.data_dir), link.id, link.sheet_number)
        return _link(app, tx, principal, kept)

    return app.database.run(principal.tenant_id, work, actor=principal.reference)


def now_open(app: App, tx: Transaction, principal: Principal, patient_id: str) -> Kept:
    """The check-in of the patient that is open now; one is opened where none is."""
    row, now = home_enrolling.standing(tx, patient_id), app.clock.now()
    if row is None or row["status"] == "finished":
        raise Conflict("enroll the patient first")
    standing = _standing(tx, patient_id, now)
    if standing is not None:
        return standing
    content = monitoring.content_of(app, tx)
    rhythm = asking_of(content.check_ins).rhythms.get(home_plans.from_json(row["plan"]).rhythm)
    closes = now + (rhythm.open_for if rhythm is not None else timedelta(hours=24))
    made = _open(app, tx, principal, content, row, now, closes, BY_HAND)
    check_in_store.execute(tx, "wake", patients=[patient_id], at=closes)
    return made


def open_or_new(app: App, tx: Transaction, patient_id: str) -> Kept:
    """The check-in that is open now; else one that is not begun and stands nowhere. `Conflict` for somebody who takes
    no part."""
    row, now = home_enrolling.standing(tx, patient_id), app.clock.now()
    if row is None or row["status"] == "finished":
        raise Conflict("enroll the patient first")
    return _standing(tx, patient_id, now) or Kept(
        id="", patient_id=patient_id, asked=now, closes=now, medium=BY_HAND, sent=False, reminded=None, answered=None,
        response=None, level=None, symptoms=(), said=(), complete=False, touched=None, state="open", read_by=None,
        read_at=None,
    )  # fmt: skip


def _standing(tx: Transaction, patient_id: str, now: datetime) -> Kept | None:
    kept = check_in_store.of_patients(tx, [patient_id], now - BACK)[patient_id]
    return next((one for one in reversed(kept) if one.state == "open" and one.closes > now), None)


def _ask(
    app: App,
    tx: Transaction,
    content: Monitoring,
    asking: Asking,
    plan: Plan,
    row: Json,
    when: tuple[datetime, datetime],
) -> None:
    patient_id = row["patient_id"]
    medium = way_of(app, tx, patient_id, asking)
    if medium is None:
        return
    _open(app, tx, system_principal(tx.tenant_id, "check-in"), content, row, when[0], when[1], medium)


def _open(
    app: App,
    tx: Transaction,
    principal: Principal,
    content: Monitoring,
    row: Json,
    asked: datetime,
    closes: datetime,
    medium: str,
) -> Kept:
    patient_id = row["patient_id"]
    own = derived_id(tx.tenant_id, "check-in", patient_id, asked.isoformat())
    request = request_of(own, patient_id, medium, asked, closes, people.zone_of(tx))
    request["about"] = [{"reference": f"EpisodeOfCare/{row['episode']}"}]
    request["payload"] = [{"contentString": content.check_ins["texts"]["mail_ask"]}]
    _put(app, tx, principal, request)
    given = {"id": own, "patient_id": patient_id, "asked": asked, "closes": closes, "medium": medium}
    check_in_store.execute(tx, "ask", **given, sent=medium in connected_ways(app))
    kept = check_in_store.one(tx, own)
    assert kept is not None
    if medium in connected_ways(app):
        _link(app, tx, principal, kept)
    return kept


def request_of(own: str, patient_id: str, medium: str, start: datetime, end: datetime, zone: Any) -> Json:
    """The CommunicationRequest of one check-in or of its reminder."""
    me = {"reference": f"Patient/{patient_id}"}
    return {
        "resourceType": "CommunicationRequest",
        "id": own,
        "status": "active",
        "category": [{"coding": [{"system": "urn:careloop:communication", "code": CHECK_IN}], "text": "Check-in"}],
        **_how(medium),
        "subject": me,
        "recipient": [me],
        "occurrencePeriod": {
            "start": start.astimezone(zone).isoformat(timespec="seconds"),
            "end": end.astimezone(zone).isoformat(timespec="seconds"),
        },
    }


def _how(medium: str) -> Json:
    """By which way; where there is none, that it is not to be done and why."""
    if medium == NO_WAY:
        return {"doNotPerform": True, "statusReason": {"text": "The patient refuses every way of asking"}}
    return {"medium": [{"coding": [{"system": _MODE, "code": medium}]}]}


def way_of(app: App, tx: Transaction, patient_id: str, asking: Asking) -> str | None:
    """By which way the patient is asked: the first of the content's, or what they like best, that is connected here,
    was not refused and did not fail; a person's call where none is; `NO_WAY` where they refuse that, too."""
    chart = app.record.of_patient(tx, patient_id, ["Patient", "Communication"])
    patient = next((one for one in chart if one.resource_type == "Patient" and one.id == patient_id), None)
    if patient is None:
        return None
    choice = choice_of(patient.resource)
    ways = sorted(asking.ways, key=lambda one: one != choice.preferred)
    for one in ways:
        if one in choice.refused or one == "PHONE":
            continue
        if one in connected_ways(app) and email_of(patient.resource) and not _failed(patient, chart, one):
            return one
    return NO_WAY if "PHONE" in choice.refused else "PHONE"


def _failed(patient: Stored, chart: Sequence[Stored], medium: str) -> bool:
    """The last thing that was sent by this way came back, and nobody changed the patient's addresses since."""
    sent = [
        (at, one.resource)
        for one in chart
        if one.resource_type == "Communication" and is_outgoing(one.resource) and medium_of(one.resource) == medium
        if (at := instant_of(one.resource.get("sent"))) is not None
    ]
    if not sent:
        return False
    at, last = max(sent, key=lambda one: one[0])
    return outcome_of(last) in ("bounced", "blocked", "undeliverable") and patient.last_updated <= at


def _remind(app: App, tx: Transaction, kept: Kept, now: datetime) -> None:
    """One more message with the same link, where the first one left."""
    check_in_store.execute(tx, "reminded", id=kept.id, at=now)
    request = app.record.fetch(tx, [f"CommunicationRequest/{kept.id}"]).get(f"CommunicationRequest/{kept.id}")
    if request is None or request.resource.get("status") != "completed" or kept.response is not None:
        return
    own = derived_id(tx.tenant_id, "check-in reminder", kept.id)
    again = request_of(own, kept.patient_id, kept.medium, now, kept.closes, people.zone_of(tx))
    again["basedOn"] = [{"reference": request.reference}]
    _put(app, tx, system_principal(tx.tenant_id, "check-in"), again)


def _close(app: App, tx: Transaction, content: Monitoring, kept: Kept) -> list[str]:
    """Its time is over: half of an answer counts as it is; what never left is no silence of the patient."""
    if kept.response is not None and kept.said:
        return home_answers.take_as_is(app, tx, content, kept, closing=True)
    request = app.record.fetch(tx, [f"CommunicationRequest/{kept.id}"]).get(f"CommunicationRequest/{kept.id}")
    status = None if request is None else request.resource.get("status")
    if kept.sent and status != "completed":
        check_in_store.execute(tx, "by_phone", id=kept.id)
    check_in_store.execute(tx, "close", id=kept.id)
    if request is not None and status in ("active", "on-hold"):
        _put(app, tx, system_principal(tx.tenant_id, "check-in"), {**request.resource, "status": "revoked"})
    return []


def _withdraw(app: App, tx: Transaction, patient_id: str) -> None:
    """Nothing is expected any more: what is open is taken back."""
    for row in check_in_store.rows_of(tx, "withdraw", patient_id=patient_id):
        name = f"CommunicationRequest/{row['id']}"
        request = app.record.fetch(tx, [name]).get(name)
        if request is not None and request.resource.get("status") == "active":
            _put(app, tx, system_principal(tx.tenant_id, "check-in"), {**request.resource, "status": "revoked"})


def _left_half_way(
    app: App, tx: Transaction, content: Monitoring, asking: Asking, kept: Sequence[Kept], now: datetime
) -> list[str]:
    """What was left half-way for long enough goes through the limits as it is; the patient may still go on."""
    found: list[str] = []
    for one in kept:
        if _is_half(one) and one.touched is not None and one.touched + asking.left <= now:
            found += home_answers.take_as_is(app, tx, content, one, closing=False)
    return found


def _halves(asking: Asking, kept: Sequence[Kept], now: datetime) -> list[datetime]:
    at = [one.touched + asking.left for one in kept if _is_half(one) and one.touched is not None]
    return [one for one in at if one > now]


def _is_half(one: Kept) -> bool:
    return one.state == "open" and one.response is not None and bool(one.said)


def _link(app: App, tx: Transaction, principal: Principal, kept: Kept) -> Codes:
    new = NewLink(
        purpose=Purpose.CHECK_IN,
        patient_id=kept.patient_id,
        request=f"CommunicationRequest/{kept.id}",
        partner="The patient",
    )
    _audit(tx, principal, kept.id, kept.patient_id)
    return community.add_link(
        tx,
        open_keyring(app.settings.data_dir),
        new,
        now=app.clock.now(),
        expires=kept.closes,
        created_by=principal.reference,
    )


def _audit(tx: Transaction, principal: Principal, request: str, patient_id: str) -> None:
    entry = AuditEntry(
        principal=principal,
        action="C",
        subtype="partner-link",
        resource_ids=[f"CommunicationRequest/{request}"],
        patient_ids=[patient_id],
        detail="a link for a check-in was made",
    )
    record_audit(tx, entry)


def _put(app: App, tx: Transaction, principal: Principal, resource: Json) -> None:
    write = Write(method="update", resource_type=resource["resourceType"], id=resource["id"], resource=resource)
    writing.write(app, tx, principal, [write])
