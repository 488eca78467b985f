"""Documents in the record: finding a patient's (`$docref` of US Core), and putting one together (`$document`)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from careloop.access.audit import AuditEntry, action_of, record_audit
from careloop.access.policy import require
from careloop.errors import Rejected
from careloop.fhir.ids import derived_id
from careloop.fhir.jsons import decode, encode
from careloop.fhir.references import references
from careloop.flows.bundle_answers import Resource
from careloop.flows.interactions import Interaction
from careloop.record import SearchPage, Stored
from careloop.record.content import instant

PAGE = 1000


@dataclass(frozen=True, kw_only=True)
class DocumentsAsked:
    """Whose documents, of which types (`system|code`), of care between two dates as text."""

    patient: str
    types: Sequence[str] = ()
    start: str | None = None
    end: str | None = None


def find_documents(door: Interaction, asked: DocumentsAsked, base: str | None) -> SearchPage:
    """The patient's current documents of care in that time, newest first; without dates the latest of each type."""
    pairs = [("patient", asked.patient), ("status", "current"), ("_sort", "-date"), ("_count", str(PAGE))]
    if asked.types:
        pairs.append(("type", ",".join(asked.types)))
    if asked.start is not None:
        pairs.append(("period", f"ge{asked.start}"))
    if asked.end is not None:
        pairs.append(("period", f"le{asked.end}"))
    page = door.search("DocumentReference", pairs, base)
    if asked.start is None and asked.end is None:
        return SearchPage(entries=_latest_of_each_type(page.entries))
    return page


def _latest_of_each_type(newest_first: Iterable[Stored]) -> list[Stored]:
    found: dict[str, Stored] = {}
    for stored in newest_first:
        found.setdefault(_type_of(stored.resource), stored)
    return list(found.values())


def _type_of(document: Resource) -> str:
    kind = document.get("type") or {}
    codes = [f"{one.get('system', '')}|{one.get('code', '')}" for one in kind.get("coding", ())]
    return codes[0] if codes else str(kind.get("text", ""))


def document_of(door: Interaction, composition_id: str, base: str) -> Resource:
    """The document Bundle of a Composition: the Composition first, then all that it refers to, each once.

    `Rejected` where something that it refers to is not here: a document is whole.
    """
    composition = door.read("Composition", composition_id)
    wanted = _referred(composition.resource, base)
    for reference in wanted:
        require(door.principal, "read", reference.partition("/")[0])
    found = door.app.record.fetch(door.tx, wanted)
    missing = [reference for reference in wanted if reference not in found]
    if missing:
        expected = f"all that the Composition refers to: {len(missing)} of {len(wanted)} are not here"
        raise Rejected(at="Composition", expected=expected, code="not-found")
    parts = [composition, *(found[reference] for reference in wanted)]
    _audit(door, parts)
    value = derived_id(door.tx.tenant_id, "document", *(part.versioned_reference for part in parts))
    return {
        "resourceType": "Bundle",
        "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{value}"},
        "type": "document",
        "timestamp": instant(door.app.clock.now()),
        "entry": [{"fullUrl": f"{base}/{part.reference}", "resource": _raw(part)} for part in parts],
    }


def keep(door: Interaction, document: Resource) -> Resource:
    """The document is in the record as a Bundle."""
    written = door.create("Bundle", decode(encode(document)))
    return {"resourceType": "Bundle", "id": written.id, **document}


def _audit(door: Interaction, seen: Sequence[Stored]) -> None:
    record_audit(
        door.tx,
        AuditEntry(
            principal=door.principal,
            action=action_of("read"),
            subtype="document",
            resource_type="Composition",
            resource_ids=[one.reference for one in seen],
            patient_ids=sorted({one.patient_id for one in seen if one.patient_id}),
        ),
    )


def _raw(part: Stored) -> msgspec.Raw:
    return msgspec.Raw(part.text.encode())


def _referred(composition: Resource, base: str) -> list[str]:
    """What a Composition refers to outside itself, in document order, without versions."""
    inside = composition.get("contained", ())
    rest = {name: value for name, value in composition.items() if name != "contained"}
    named = [*references(rest), *references(inside)]
    local = (one.removeprefix(base + "/").split("/_history/")[0] for one in named)
    return list(dict.fromkeys(one for one in local if one.count("/") == 1 and not one.startswith(("#", "urn:"))))
