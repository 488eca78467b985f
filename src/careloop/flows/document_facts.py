"""What a document brings to the record: its facts compared with those that stand, and the document itself.

Older documents never overwrite newer facts; a fact that stands as it is told is not written again; people, places and
visits that other doors know too only gain what they lack.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from careloop.access.model import Tenant
from careloop.db import Transaction
from careloop.errors import Fault
from careloop.fhir.ids import derived_id
from careloop.flows.app import App
from careloop.intake.ccda.settling import joined
from careloop.record import Stored

Json = dict[str, Any]

SOURCE = "urn:careloop:document:"
"""`meta.source` of what a document told: this and the id of its DocumentReference."""

AT = "urn:careloop:document-time"
"""Extension of `meta`: when that document was written."""

_PEOPLE_AND_PLACES = frozenset({"Practitioner", "PractitionerRole", "Organization", "Location"})
_WRAPPERS = frozenset({"Composition", "DocumentReference"})
_PARTICIPANT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"


@dataclass(kw_only=True)
class Facts:
    """What is to be written. `document` is the reference of the DocumentReference; `unchanged` counts what stands."""

    document: str
    writes: list[Json] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    unchanged: int = 0
    authors: Sequence[Mapping[str, Any]] = ()
    custodian: Mapping[str, Any] | None = None
    at: str = ""
    tenant_id: int = 0

    def provenance(self, targets: Sequence[str], recorded: datetime, inbox_id: int) -> Json:
        """Where these versions come from: the document, its authors, its custodian."""
        agents = [_agent("author", one) for one in self.authors] or [_agent("author", {"display": "unknown author"})]
        if self.custodian:
            agents.append(_agent("custodian", self.custodian))
        return {
            "resourceType": "Provenance",
            "id": derived_id(self.tenant_id, "provenance", inbox_id),
            "target": [{"reference": one} for one in dict.fromkeys(targets)],
            **({"occurredDateTime": self.at} if self.at else {}),
            "recorded": recorded.isoformat(timespec="milliseconds"),
            "activity": {"text": "C-CDA document import"},
            "agent": agents,
            "entity": [{"role": "source", "what": {"reference": self.document}}],
        }


def gather(
    app: App, tx: Transaction, settled: Sequence[Json], *, raw: bytes, at: datetime, tenant: Tenant, patient_id: str
) -> Facts:
    """What of `settled` is to be written, with the original document (`raw`) beside it."""
    composition = next(one for one in settled if one["resourceType"] == "Composition")
    document = next(one for one in settled if one["resourceType"] == "DocumentReference" and "masterIdentifier" in one)
    composition.setdefault("date", at.isoformat(timespec="seconds"))
    own = f"DocumentReference/{document['id']}"
    facts = Facts(
        document=own,
        authors=[one for one in composition.get("author", ()) if "reference" in one],
        custodian=composition.get("custodian"),
        at=composition.get("date", ""),
        tenant_id=tenant.id,
    )
    binary = _keep_original(document, raw, tenant.id)
    _replace_parents(app, tx, document, facts)
    standing = app.record.fetch(tx, [f"{one['resourceType']}/{one['id']}" for one in settled])
    left_out: set[str] = set()
    for one in settled:
        _decide(app, one, standing.get(f"{one['resourceType']}/{one['id']}"), at, facts, left_out)
    facts.writes.append(binary)
    if left_out:
        _unlink(composition.get("section", []), left_out)
    return facts


def _decide(app: App, one: Json, stored: Stored | None, at: datetime, facts: Facts, left_out: set[str]) -> None:
    own = f"{one['resourceType']}/{one['id']}"
    faults = [fault for fault in app.record.validator.validate(one) if fault.severity in ("error", "fatal")]
    if faults and one["resourceType"] not in _WRAPPERS:
        left_out.add(own)
        expected = f"{faults[0].expected}; this fact is left out, its text is kept"
        facts.faults.append(Fault(at=faults[0].at, expected=expected, severity="error", code=faults[0].code))
        return
    new = _with_source(one, facts.document, at) if one["resourceType"] not in _PEOPLE_AND_PLACES else one
    if stored is None:
        facts.writes.append(new)
        return
    before = stored.resource
    if one["resourceType"] in _PEOPLE_AND_PLACES or _is_of_another_door(before):
        new = joined(_bare(before), _bare(new))
        new = {**new, **({"meta": before["meta"]} if "meta" in before else {})}
    elif _told_after(before, at):
        facts.unchanged += 1
        return
    if _bare(new) == _bare(before):
        facts.unchanged += 1
    else:
        facts.writes.append(new)


def _is_of_another_door(resource: Json) -> bool:
    """True for what no document told (a stay of an ADT feed, a fact that a client wrote): it is never overwritten."""
    return not str(resource.get("meta", {}).get("source", "")).startswith(SOURCE)


def _told_after(resource: Json, at: datetime) -> bool:
    """True where a document that was written later told this."""
    extensions = resource.get("meta", {}).get("extension", ())
    told = next((one["valueDateTime"] for one in extensions if one.get("url") == AT), None)
    return told is not None and datetime.fromisoformat(told) > at


def _with_source(one: Json, document: str, at: datetime) -> Json:
    extension = {"url": AT, "valueDateTime": at.isoformat()}
    meta = {**one.get("meta", {}), "source": f"{SOURCE}{document.partition('/')[2]}", "extension": [extension]}
    return {**one, "meta": meta}


def _bare(resource: Json) -> Json:
    """The resource without what says where it came from; security labels stay."""
    rest = {key: value for key, value in resource.items() if key != "meta"}
    labels = resource.get("meta", {}).get("security")
    return {**rest, "meta": {"security": labels}} if labels else rest


def _keep_original(document: Json, raw: bytes, tenant_id: int) -> Json:
    """The bytes as they came, in a Binary that the document's first attachment leads to."""
    digest = hashlib.sha256(raw).hexdigest()
    own_id = derived_id(tenant_id, "ccda-original", digest)
    sha1 = base64.b64encode(hashlib.sha1(raw, usedforsecurity=False).digest()).decode()
    attachment: Json = {"contentType": "text/xml", "url": f"Binary/{own_id}", "size": len(raw), "hash": sha1}
    if document.get("description"):
        attachment["title"] = document["description"]
    if "date" in document:
        attachment["creation"] = document["date"]
    form = {"system": "urn:oid:1.3.6.1.4.1.19376.1.2.3", "code": "urn:hl7-org:sdwg:ccda-structuredBody:2.1"}
    document["content"] = [{"attachment": attachment, "format": form}, *document.get("content", ())]
    return {
        "resourceType": "Binary",
        "id": own_id,
        "contentType": "text/xml",
        "securityContext": {"reference": f"DocumentReference/{document['id']}"},
        "data": base64.b64encode(raw).decode(),
    }


def _replace_parents(app: App, tx: Transaction, document: Json, facts: Facts) -> None:
    """Documents that this one replaces are superseded, and it names them."""
    for one in document.get("relatesTo", ()):
        parent = one.get("target", {}).get("identifier", {})
        token = f"{parent.get('system', '')}|{parent.get('value', '')}"
        for stored in app.record.follow(tx, "DocumentReference", [("identifier", token)]):
            if stored.id == document["id"]:
                continue
            one["target"] = {**one["target"], "reference": stored.reference}
            before = stored.resource
            if one.get("code") == "replaces" and before.get("status") == "current":
                facts.writes.append({**before, "status": "superseded"})


def _unlink(sections: list[Json], left_out: set[str]) -> None:
    """Sections name no entry that is not there."""
    for section in sections:
        kept = [one for one in section.get("entry", ()) if one.get("reference") not in left_out]
        if "entry" in section:
            section["entry"] = kept
            if not kept:
                del section["entry"]
        _unlink(section.get("section", []), left_out)


def _agent(kind: str, who: Mapping[str, Any]) -> Json:
    return {"type": {"coding": [{"system": _PARTICIPANT, "code": kind}]}, "who": dict(who)}
