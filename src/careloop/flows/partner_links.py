"""Links by which partners without an account answer: made by staff, opened by a code and the patient's birth date.

Nothing of a patient is read before both are right. A code that is unknown, used, too old, withdrawn or guessed at too
often looks like any other. Who holds a link is a principal of its own (kind partner): sees one patient's request, may
write one answer. Every look, also one that was refused, is in the audit trail.
"""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from careloop import community, identity
from careloop.access.audit import AuditEntry, record_audit
from careloop.access.keys import Keyring, open_keyring
from careloop.access.model import Principal, PrincipalKind, Tenant
from careloop.access.policy import Action, require, require_action
from careloop.access.sight import sight_of
from careloop.access.tenancy import settings_of
from careloop.access.throttle import Bucket, charge, refund
from careloop.community import Codes, NewLink, PartnerLink
from careloop.db import Transaction
from careloop.errors import NotFound, Rejected
from careloop.flows.app import App
from careloop.flows.patient_reading import full_name
from careloop.flows.timeline import text_of
from careloop.longitudinal.rules.ages import typed_day

LIFE = timedelta(days=90)
"""So long a link can be answered: the longest clock of a referral is 90 days."""
PROOF_LIFE = timedelta(minutes=60)
"""So long a form stays good after the birth date was given."""
_FREE_TRIES = 20
_WRITTEN = ("DocumentReference", "Communication", "Binary", "Appointment", "Provenance")
_MEDICINES = ("MedicationRequest", "MedicationStatement", "MedicationDispense", "List", "RelatedPerson", "Encounter")
_SHARED = ("Organization", "Practitioner", "PractitionerRole", "HealthcareService")


@dataclass(frozen=True, kw_only=True)
class Door:
    """A link that is good now, its practice, and who stands there."""

    tenant: Tenant
    link: PartnerLink
    principal: Principal

    @property
    def phone(self) -> str:
        """How the practice is called (ui.md §8: at the same place on every page); empty where it named no number."""
        return settings_of(self.tenant).practice_phone or ""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a partner is asked, once the birth date was right. `proof` goes back with the answer."""

    patient: str
    born: str
    title: str
    question: str
    reasons: Sequence[str]
    urgency: str
    by: str
    asked_by: str
    proof: str


def make(app: App, tx: Transaction, principal: Principal, new: NewLink) -> Codes:
    """The link stands; its codes. `NotFound` for a request that is not there or is about somebody else."""
    require_action(principal, Action.LOOP_WORK)
    if not new.partner.strip():
        raise Rejected(at="partner", expected="who is asked", code="required")
    found = app.record.fetch(tx, [one for one in (new.request, new.task) if one])
    wanted = {new.request, new.task} - {None}
    if any(one not in found or found[one].deleted for one in wanted):
        raise NotFound("there is no such request")
    if any(one.patient_id != new.patient_id for one in found.values()):
        raise NotFound("there is no such request")
    now = app.clock.now()
    made = community.add_link(tx, _keys(app), new, now=now, expires=now + LIFE, created_by=principal.reference)
    _note(tx, principal, new.patient_id, [new.request], action="C", detail=f"a {new.purpose.value} link was made")
    return made


def codes_of(app: App, link: PartnerLink) -> Codes:
    """The codes of a link again, to print or to send."""
    return community.codes_of(_keys(app), link.id, link.sheet_number)


def withdraw(app: App, tx: Transaction, principal: Principal, link_id: str) -> bool:
    """The link opens nothing any more; False where it was answered before."""
    require_action(principal, Action.LOOP_WORK)
    link = community.link_by_id(tx, link_id)
    if link is None:
        raise NotFound("there is no such link")
    _note(tx, principal, link.patient_id, [link.request], action="U", detail="a link was withdrawn")
    return community.withdraw_link(tx, link_id, app.clock.now())


def open_door(app: App, code: str, address: str) -> Door | None:
    """Who stands at the door with this code; None for a code that opens nothing, for whatever reason. `Throttled`
    after too many codes from one address that opened nothing."""
    keys, now = _keys(app), app.clock.now()
    bucket = Bucket(key=keys.fingerprint("throttle partner", address), free=_FREE_TRIES)
    with app.database.directory() as directory:
        charge(directory, [bucket], now)
        plain = community.plain(code)
        tenant_id = community.tenant_of_code(directory, keys, plain) if plain else None
    if tenant_id is None or plain is None:
        return None
    with app.database.transaction(tenant_id) as tx:
        link = community.find_link(tx, keys, plain)
        survivor = identity.survivor_of(tx, link.patient_id) if link else ""
    if link is None or not link.is_good(now):
        return None
    with app.database.directory() as directory:
        refund(directory, bucket)
    return Door(tenant=app.tenant(tenant_id), link=link, principal=principal_of(link, tenant_id, survivor, address))


def principal_of(link: PartnerLink, tenant_id: int, patient_id: str, address: str | None) -> Principal:
    """Whoever holds the link: sees the request of this patient, may write an answer, nothing else."""
    reads = {"Patient", link.request.partition("/")[0], "Task"}
    form = {"QuestionnaireResponse"} if link.purpose is community.Purpose.ASSESSMENT else set()
    writes = {*_WRITTEN, *form, *({"Task"} if link.task else set())}
    if link.purpose is community.Purpose.MEDICINES:
        reads, writes = {"Patient", *_MEDICINES}, {"MedicationStatement", "List"}
    if link.purpose is community.Purpose.EDUCATION:
        reads, writes = {"Patient", "Communication"}, {"QuestionnaireResponse", "Communication"}
    if link.purpose is community.Purpose.CHECK_IN:
        reads, writes = {"Patient", "CommunicationRequest"}, {"QuestionnaireResponse", "Observation"}
    scopes = tuple(
        f"patient/{kind}.{'c' if kind in writes else ''}{'r' if kind in reads else ''}{'u' if kind in writes else ''}"
        for kind in sorted(reads | writes)
    )
    shared = tuple(f"system/{kind}.r" for kind in _SHARED)
    return Principal(
        tenant_id=tenant_id,
        kind=PrincipalKind.PARTNER,
        id=link.id,
        name=f"{link.partner}, by link",
        scopes=scopes,
        address=address,
        sight=sight_of(tenant_id, (*scopes, *shared), patient_id),
    )


def ask(app: App, door: Door, birth_date: str) -> Asked | None:
    """What is asked, for the right birth date; None for a wrong one, which is counted and audited."""
    sight = door.principal.narrowing
    with app.database.transaction(door.tenant.id, actor=door.principal.reference, sight=sight) as tx:
        if is_birth_date(app, tx, door, birth_date):
            return asked(app, tx, door)
    refuse(app, door)
    return None


def refuse(app: App, door: Door) -> None:
    """A wrong birth date is counted against the link and stands in the trail, in a transaction of its own."""
    with app.database.transaction(door.tenant.id, actor=door.principal.reference) as tx:
        community.note_attempt(tx, door.link.id)
        entry = AuditEntry(
            principal=door.principal,
            action="R",
            subtype="read",
            resource_type="Patient",
            patient_ids=[door.link.patient_id],
            outcome="8",
            detail="link refused: wrong birth date",
        )
        record_audit(tx, entry)


def is_birth_date(app: App, tx: Transaction, door: Door, birth_date: str) -> bool:
    """True where the patient's full birth date is known and is this one. Not a look: nothing is shown."""
    patient = app.record.fetch(tx, [_patient(door)]).get(_patient(door))
    known = "" if patient is None or patient.deleted else str(patient.resource.get("birthDate", ""))
    return len(known) == 10 and hmac.compare_digest(known.encode(), typed_day(birth_date).encode())


def asked(app: App, tx: Transaction, door: Door) -> Asked:
    """What is asked. Patient and request count as read by the link."""
    kind, _, request_id = door.link.request.partition("/")
    require(door.principal, "read", kind)
    patient = app.record.read(tx, door.principal, "Patient", _patient(door).partition("/")[2]).resource
    request = app.record.read(tx, door.principal, kind, request_id).resource
    requester = str((request.get("requester") or request.get("sender") or {}).get("reference", ""))
    names = app.record.fetch(tx, [requester]) if requester.count("/") == 1 else {}
    return Asked(
        patient=full_name(patient),
        born=str(patient.get("birthDate", "")),
        title=text_of(request.get("code")) or "A question",
        question=asked_in_words(request, door.link.asks),
        reasons=[text_of(one) for one in request.get("reasonCode", ()) if text_of(one)],
        urgency=str(request.get("priority", "routine")),
        by=_by(request),
        asked_by=_name(names.get(requester), request) or door.tenant.name,
        proof=proof_of(app, door.link.id, app.clock.now()),
    )


def question_of(request: Mapping[str, Any]) -> str:
    """The clinical question in words: the notes of a request, the text of a message."""
    notes = [str(one.get("text", "")) for one in request.get("note", ())]
    payload = [str(one.get("contentString", "")) for one in request.get("payload", ())]
    told = [str(request[name]) for name in ("patientInstruction", "description") if request.get(name)]
    return " ".join(text for text in (*notes, *payload, *told) if text).strip()


def asked_in_words(request: Mapping[str, Any], asks: str) -> str:
    """What the request asks, and behind it what was typed when the link was made: nothing that was typed is lost."""
    own, more = question_of(request), asks.strip()
    if not own or not more or more in own:
        return own or more
    return f"{own} {more}" if own[-1] in ".?!:" else f"{own}. {more}"


def proof_of(app: App, link_id: str, now: datetime) -> str:
    """Says that the birth date was given for this link, until `PROOF_LIFE` is over. No cookie is needed."""
    until = int((now + PROOF_LIFE).timestamp())
    return f"{until}.{_mark(_keys(app), link_id, until)}"


def is_proof(app: App, link_id: str, proof: str, now: datetime) -> bool:
    """True for a proof of this link that is not too old."""
    until, _, mark = proof.partition(".")
    if not (until.isascii() and until.isdecimal() and len(until) < 12):
        return False
    right = hmac.compare_digest(_mark(_keys(app), link_id, int(until)).encode(), mark.encode())
    return right and now < datetime.fromtimestamp(int(until), UTC)


def _mark(keys: Keyring, link_id: str, until: int) -> str:
    digest = keys.fingerprint("partner proof", f"{link_id}\x1f{until}")
    return urlsafe_b64encode(digest).decode().rstrip("=")


def _keys(app: App) -> Keyring:
    return open_keyring(app.settings.data_dir)


def _patient(door: Door) -> str:
    """The patient as the record has them now: a merge moves the link to the survivor."""
    sight = door.principal.sight
    return f"Patient/{sight.patient_id if sight else door.link.patient_id}"


def _by(request: Mapping[str, Any]) -> str:
    period = request.get("occurrencePeriod") or {}
    return str(request.get("occurrenceDateTime") or period.get("end") or "")[:10]


def _name(stored: Any, request: Mapping[str, Any]) -> str:
    if stored is not None:
        resource = stored.resource
        return str(resource["name"]) if isinstance(resource.get("name"), str) else full_name(resource)
    return str((request.get("requester") or {}).get("display", ""))


def _note(
    tx: Transaction, principal: Principal, patient_id: str, things: Sequence[str], *, action: str, detail: str
) -> None:
    entry = AuditEntry(
        principal=principal,
        action=action,
        subtype="partner-link",
        resource_ids=things,
        patient_ids=[patient_id],
        detail=detail,
    )
    record_audit(tx, entry)
