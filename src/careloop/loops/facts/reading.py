"""From a patient's FHIR resources to the facts that rules work on. Pure; order and repetition do not matter."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from careloop.loops.facts.clinical import (
    is_done_near,
    is_visit_near,
    read_appointment,
    read_document,
    read_labs,
    read_problem,
    read_procedure,
    read_results,
    read_visit,
)
from careloop.loops.facts.contacts import read_communication, replies_in
from careloop.loops.facts.keys import KeyReader, no_keys
from careloop.loops.facts.matters import MATTERS
from careloop.loops.facts.model import Fact, PatientFacts
from careloop.loops.facts.parts import Reader, StoredResource, codes_of, extension_value, first_code, references, span
from careloop.loops.facts.relevance import Relevance, relevance_of
from careloop.loops.facts.stays import is_stay, read_stay

FACT_TYPES = (
    "Patient",
    "Encounter",
    "Communication",
    "Procedure",
    "DocumentReference",
    "DiagnosticReport",
    "Observation",
    "Condition",
    "Appointment",
    "ServiceRequest",
    "Task",
    "QuestionnaireResponse",
    "Consent",
    "CarePlan",
    "CareTeam",
    "DetectedIssue",
    "Flag",
    "Specimen",
    "ImagingStudy",
)
"""Resource types that can open, move or close a loop; the flow loads these and no others."""

_WITHDRAWN = frozenset({"entered-in-error"})
_ZONE_EXTENSIONS = (
    "http://hl7.org/fhir/StructureDefinition/timezone",
    "http://hl7.org/fhir/StructureDefinition/tz-code",
)
_NOBODY: Mapping[str, frozenset[str]] = {}


def read_facts(
    resources: Iterable[StoredResource],
    *,
    tenant_id: int,
    patient_id: str,
    zone: str,
    roles: Mapping[str, frozenset[str]] = _NOBODY,
    keys: KeyReader = no_keys,
    since: datetime | None = None,
) -> PatientFacts:
    """The facts in `resources`, all of one patient.

    `zone` is the tenant's; the patient's own is used where the record has one. `roles` gives role codes of
    practitioners by reference (`Practitioner/1`), as far as they are known. What was withdrawn (entered in error,
    deleted) is simply not there. `keys` finds the named words of a fact (`facts.keys`). Results and forms from before
    `since` are left out: no loop that opens or is open can be about them.
    """
    standing = _standing(resources)
    by_type = _by_type(standing)
    local = _zone_of(by_type["Patient"], patient_id, zone)
    reader = Reader(zone=ZoneInfo(local), roles=roles)
    conditions = {f"Condition/{item.id}": codes_of(item.resource.get("code")) for item in by_type["Condition"]}
    stays = [read_stay(item, conditions, reader) for item in by_type["Encounter"] if is_stay(item.resource)]
    matters = _matters(by_type, reader, since)
    near = relevance_of(stays, [fact.at for fact in matters])
    deceased, death = _death(by_type["Patient"], patient_id, reader)
    return PatientFacts(
        tenant_id=tenant_id,
        patient_id=patient_id,
        zone=local,
        stays=tuple(sorted(stays, key=lambda stay: (stay.start is None, str(stay.start), stay.id))),
        facts=_with_keys([*_facts(by_type, near, reader), *matters], by_type, patient_id, keys),
        results=read_results(by_type["DiagnosticReport"], by_type["Observation"], near, reader),
        labs=read_labs(by_type["Observation"], near, reader),
        problems=tuple(found for item in by_type["Condition"] if (found := read_problem(item, reader))),
        deceased=deceased,
        death=death,
        present=frozenset(f"{item.resource_type}/{item.id}" for item in standing),
    )


def resource_type_of(kind: str) -> str:
    """The FHIR resource type that facts of this kind come from."""
    return "Appointment" if kind == "Booking" else kind


def facts_of_one(
    stored: StoredResource, zone: str, keys: KeyReader, wanted: Callable[[Fact], bool] = lambda _: True
) -> list[Fact] | None:
    """What one resource says by itself; None where that takes others to tell (a stay). Words, which cost the most, are
    read of facts that are `wanted` by what else they say."""
    if stored.resource_type == "Encounter":
        return None
    if stored.deleted or _is_withdrawn(stored):
        return []
    reader = Reader(zone=ZoneInfo(zone), roles={})
    by_type: dict[str, list[StoredResource]] = {name: [] for name in FACT_TYPES} | {stored.resource_type: [stored]}
    facts = [*_facts(by_type, _ANY_TIME, reader), *_matters(by_type, reader, None)]
    return list(_with_keys([one for one in facts if wanted(one)], by_type, "", keys))


_ANY_TIME = Relevance(near=(("", "~"),), inside=())


def _standing(resources: Iterable[StoredResource]) -> list[StoredResource]:
    """The newest version of each resource that was not withdrawn, in a fixed order."""
    newest: dict[str, StoredResource] = {}
    for item in resources:
        name = f"{item.resource_type}/{item.id}"
        if name not in newest or item.version > newest[name].version:
            newest[name] = item
    return [item for _, item in sorted(newest.items()) if not item.deleted and not _is_withdrawn(item)]


def _is_withdrawn(item: StoredResource) -> bool:
    resource = item.resource
    if resource.get("status") in _WITHDRAWN:
        return True
    return first_code(resource.get("verificationStatus")) in _WITHDRAWN


def _by_type(standing: Sequence[StoredResource]) -> dict[str, list[StoredResource]]:
    found: dict[str, list[StoredResource]] = {name: [] for name in FACT_TYPES}
    for item in standing:
        if item.resource_type in found:
            found[item.resource_type].append(item)
    return found


def _facts(by_type: Mapping[str, Sequence[StoredResource]], near: Relevance, reader: Reader) -> list[Fact]:
    messages = by_type["Communication"]
    replies = replies_in(messages, reader)
    facts = [read_communication(item, replies, reader) for item in messages]
    facts += [read_visit(item, reader) for item in by_type["Encounter"] if is_visit_near(item.resource, near)]
    facts += [read_procedure(item, reader) for item in by_type["Procedure"] if is_done_near(item.resource, near)]
    facts += [read_document(item, reader) for item in by_type["DocumentReference"]]
    facts += [fact for item in by_type["Appointment"] if (fact := read_appointment(item, reader))]
    return facts


def _matters(by_type: Mapping[str, Sequence[StoredResource]], reader: Reader, since: datetime | None) -> list[Fact]:
    """What opens and moves matters beside stays. A measurement that a report holds speaks through the report."""
    early = "" if since is None else since.date().isoformat()
    recent = {
        kind: [item for item in by_type[kind] if kind not in _DATED or _date_of(item.resource) >= early]
        for kind in MATTERS
    }
    held = {tie for item in recent["DiagnosticReport"] for tie in references(item.resource.get("result", []))}
    recent["Observation"] = [item for item in recent["Observation"] if f"Observation/{item.id}" not in held]
    return [fact for kind, read in MATTERS.items() for item in recent[kind] for fact in read(item, reader)]


_DATED = frozenset({"DiagnosticReport", "Observation", "QuestionnaireResponse"})
"""Kinds of which there are thousands in a long history."""


def _date_of(resource: Mapping[str, Any]) -> str:
    """The date that is compared with what is too old; what has none is not too old."""
    for name in ("issued", "authored", "effectiveDateTime", "effectiveInstant"):
        if name in resource:
            return str(resource[name])
    return str((resource.get("effectivePeriod") or {}).get("start", "9999"))


def _with_keys(
    facts: list[Fact], by_type: Mapping[str, Sequence[StoredResource]], patient_id: str, keys: KeyReader
) -> tuple[Fact, ...]:
    """The facts with their named words, in order of time."""
    resources = {f"{item.resource_type}/{item.id}": item.resource for kind in by_type.values() for item in kind}
    patient = resources.get(f"Patient/{patient_id}", {})
    found = []
    for fact in facts:
        more = keys(resources[fact.thing], patient, resources)
        found.append(replace(fact, keys={**fact.keys, **more}) if more else fact)
    return tuple(sorted(found, key=lambda fact: (fact.at, fact.reference, fact.status)))


def _zone_of(patients: Sequence[StoredResource], patient_id: str, otherwise: str) -> str:
    for patient in patients:
        if patient.id == patient_id:
            places = [patient.resource, *patient.resource.get("address", ())]
            named = [extension_value(place, url) for place in places for url in _ZONE_EXTENSIONS]
            found = next((name for name in named if isinstance(name, str) and _is_zone(name)), None)
            if found is not None:
                return found
    return otherwise


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _death(patients: Sequence[StoredResource], patient_id: str, reader: Reader) -> tuple[bool, datetime | None]:
    """Whether and when the person died; without a time, when that was written down."""
    for patient in patients:
        if patient.id == patient_id:
            told = span(patient.resource.get("deceasedDateTime"), reader.zone)
            if told is not None:
                return True, told[0]
            if patient.resource.get("deceasedBoolean") is True:
                return True, patient.last_updated
    return False, None
