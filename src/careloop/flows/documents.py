"""C-CDA documents come in and go out: read, their person found, written, kept as they came; made from the record.

One transaction for a document: its inbox row, the facts, the original and the Provenance are there together or not at
all. The same bytes again change nothing. What could not be used is named, one fault each.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from careloop import identity, intake
from careloop.access.model import Principal, Tenant
from careloop.access.policy import require, require_whole
from careloop.db import Transaction
from careloop.errors import CareloopError, Fault, Rejected, Unavailable
from careloop.events import ChangeKind
from careloop.fhir.dates import parse_instant
from careloop.flows import merging, writing
from careloop.flows.app import App
from careloop.flows.causes import Cause
from careloop.flows.ccda_export import ccd
from careloop.flows.document_content import content_of
from careloop.flows.document_facts import Facts, gather
from careloop.intake import ccda
from careloop.intake.ccda import CcdaResult
from careloop.intake.ccda.store import find_document, keep_document, note_document
from careloop.intake.inbox import Origin, keep_once
from careloop.record import Write, Written

__all__ = ["Imported", "ccd", "content_of", "import_document", "is_document", "require_import", "take"]

Json = dict[str, Any]

WRITTEN_TYPES = ("Patient", "Condition", "DocumentReference", "Binary")
"""Who may write these may bring a document."""


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What a document came to. `faults` name what was wrong with it; `repeated` when the same bytes were there."""

    inbox_id: int
    document: str
    patient_id: str
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    repeated: bool = False
    faults: tuple[Fault, ...] = field(default=())

    @property
    def resources(self) -> int:
        """Resources that were written or found to be so already."""
        return self.created + self.updated + self.unchanged


def require_import(principal: Principal) -> None:
    """Nothing happens when `principal` may bring documents; else `NotPermitted`."""
    require_whole(principal)
    for kind in WRITTEN_TYPES:
        require(principal, "create", kind)
        require(principal, "update", kind)


def is_document(raw: bytes) -> bool:
    """True for bytes that begin like XML."""
    return raw[:200].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").startswith(b"<")


def import_document(app: App, tenant: Tenant, principal: Principal, raw: bytes, source: str) -> Imported:
    """The document is in the record, whole or in part; `Rejected` when it cannot be used at all. Then it is a dead
    letter in the inbox, once, with the place and what was expected there."""
    require_import(principal)
    try:
        return app.database.run(
            tenant.id, lambda tx: take(app, tx, tenant, principal, raw, source), actor=principal.reference
        )
    except Unavailable:
        raise
    except CareloopError as error:
        _keep_refused(app, tenant, raw, source, error)
        raise


def take(app: App, tx: Transaction, tenant: Tenant, principal: Principal, raw: bytes, source: str) -> Imported:
    """The document is in the record when `tx` commits; `Rejected` when it cannot be used, and nothing is kept."""
    before = find_document(tx, raw)
    if before is not None:
        return _repeated(before["id"], before["result"] or {})
    result = ccda.read(raw, content_of(app), tenant.zone)
    now = app.clock.now()
    inbox_id = keep_document(tx, now, raw, source, result.sender)
    if inbox_id is None:
        found = find_document(tx, raw) or {"id": 0, "result": {}}
        return _repeated(found["id"], found["result"] or {})
    imported = _write(app, tx, tenant, principal, raw, result, inbox_id)
    note_document(tx, now, inbox_id, _outcome(imported))
    return imported


def _write(
    app: App, tx: Transaction, tenant: Tenant, principal: Principal, raw: bytes, result: CcdaResult, inbox_id: int
) -> Imported:
    now = app.clock.now()
    at = _moment(result.at, tenant, now)
    found, result = _person(app, tx, result, now)
    person = found.named_prior or found.patient_id
    settled = ccda.settle(result, tenant.id, person)
    facts = gather(app, tx, settled, raw=raw, at=at, tenant=tenant, patient_id=person)
    patient = _patient(app, tx, person, result.patient, at)
    writes = [*([_put(patient)] if patient else []), *(_put(one) for one in facts.writes)]
    cause = Cause(fact=f"document {result.title}"[:120])
    written = writing.write(app, tx, principal, writes, cause=cause) if writes else []
    if found.named_prior:
        merging.note_later(app, tx, found, [(one.resource_type, one.id, one.version) for one in written])
    _note_source(app, tx, principal, facts, written, now, inbox_id)
    counted = [one.change for one in written]
    return Imported(
        inbox_id=inbox_id,
        document=facts.document,
        patient_id=person,
        created=counted.count(ChangeKind.CREATED),
        updated=counted.count(ChangeKind.UPDATED),
        unchanged=counted.count(ChangeKind.UNCHANGED) + facts.unchanged,
        faults=(*result.faults, *facts.faults),
    )


def _person(app: App, tx: Transaction, result: CcdaResult, now: datetime) -> tuple[identity.Resolution, CcdaResult]:
    """Who the document is about. Where none of its numbers names anybody, a person of their own who is known by the
    document: nobody is joined, likeness goes to a person for review, and the fault is named. `Rejected` where neither
    the document nor the person can be told from another."""
    try:
        return identity.resolve(tx, app.record, now, [_number(one) for one in result.identifiers]), result
    except Rejected as error:
        own = result.set_identifier or result.identifier
        if not own or not result.patient.get("name") or not result.patient.get("birthDate"):
            raise Rejected(at=_PERSON, expected=_A_NUMBER, code=error.issue_code) from None
    known_by = {"use": "temp", "system": "urn:careloop:document", "value": own}
    patient = {**result.patient, "identifier": [*result.patient["identifier"], known_by]}
    fault = Fault(at=_PERSON, expected=f"{_A_NUMBER}; the person is known by this document alone", severity="warning")
    found = identity.resolve(tx, app.record, now, [_number(known_by)])
    return found, replace(result, patient=patient, faults=(*result.faults, fault))


_PERSON = "ClinicalDocument/recordTarget/patientRole/id"
_A_NUMBER = "an identifier that names one person (not a placeholder such as 000-00-0000)"


def _patient(app: App, tx: Transaction, patient_id: str, said: Json, at: datetime) -> Json | None:
    """The Patient after what the document says, element by element: newer words win, older ones never do."""
    standing = app.record.fetch(tx, [f"Patient/{patient_id}"]).get(f"Patient/{patient_id}")
    before = standing.resource if standing else None
    known = intake.told(tx, [patient_id]).get(patient_id, {})
    patient, when = intake.joined_patient(before, said, known, at, patient_id)
    if when != known:
        intake.put_told(tx, {patient_id: when})
    return patient if patient != before else None


def _note_source(
    app: App, tx: Transaction, principal: Principal, facts: Facts, written: Sequence[Written], now: datetime, row: int
) -> None:
    """One Provenance names the versions that the document wrote, its authors and the document itself."""
    changed = [one for one in written if one.change is not ChangeKind.UNCHANGED]
    if changed:
        resource = facts.provenance([one.versioned_reference for one in changed], now, row)
        app.record.write(tx, principal, now, [_put(resource)], validate=False, audit=False)


def _keep_refused(app: App, tenant: Tenant, raw: bytes, source: str, error: CareloopError) -> None:
    at = error.at if isinstance(error, Rejected) else "record"
    reason = f"expected {error.expected}" if isinstance(error, Rejected) else error.message
    origin = Origin(kind="file", source=source)
    app.database.run(
        tenant.id, lambda tx: keep_once(tx, app.clock.now(), raw, origin, at=at, reason=reason), actor="intake"
    )


def _outcome(imported: Imported) -> Json:
    notes = [f"{fault.at}: expected {fault.expected}" for fault in imported.faults]
    return {
        "created": imported.created,
        "updated": imported.updated,
        "unchanged": imported.unchanged,
        "document": imported.document,
        "patient": imported.patient_id,
        **({"notes": notes} if notes else {}),
    }


def _repeated(inbox_id: int, result: Json) -> Imported:
    counts = sum(int(result.get(word, 0)) for word in ("created", "updated", "unchanged"))
    return Imported(
        inbox_id=inbox_id,
        document=str(result.get("document", "")),
        patient_id=str(result.get("patient", "")),
        unchanged=counts,
        repeated=True,
    )


def _moment(text: str, tenant: Tenant, now: datetime) -> datetime:
    """When the document was written; a document from the future counts as written now."""
    if not text:
        return now
    return min(parse_instant(text, ZoneInfo(tenant.zone)), now)


def _number(one: Any) -> identity.Identifier:
    kind = "SS" if one["system"] == "http://hl7.org/fhir/sid/us-ssn" else None
    return identity.Identifier(system=one["system"], value=one["value"], type=kind)


def _put(resource: Json) -> Write:
    return Write(method="update", resource_type=resource["resourceType"], id=resource["id"], resource=resource)
