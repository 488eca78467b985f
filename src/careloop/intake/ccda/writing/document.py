"""A C-CDA document: header, sections in the order of content, and nothing that is not in the record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from careloop.errors import Rejected
from careloop.fhir.xmls import Element
from careloop.intake.ccda.content import CcdaContent
from careloop.intake.ccda.model import Json
from careloop.intake.ccda.writing.sections import Part, parts_of, write_section
from careloop.intake.ccda.writing.types import Hand, Resolve, time_of, uuid_of

_GENDERS = {"male": ("M", "Male"), "female": ("F", "Female"), "other": ("UN", "Undifferentiated")}
_US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
_RELIGION = "http://hl7.org/fhir/StructureDefinition/patient-religion"
_BIRTHPLACE = "http://hl7.org/fhir/StructureDefinition/patient-birthPlace"
_RACES = "2.16.840.1.113883.6.238"
_RANK = ("N", "R", "V")


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is to be written. `record` are the patient's resources by type, `organization` who answers for it, `others`
    what references lead to; `reason` and `assessment` are texts for people; `lead` is who leads the plan."""

    kind: str
    patient: Json
    organization: Json
    record: Mapping[str, Sequence[Json]]
    at: datetime
    resolve: Resolve
    recipient: Json | None = None
    stay: Json | None = None
    reason: str = ""
    assessment: str = ""
    labels: Sequence[str] = field(default=())
    lead: Json | None = None


def write_document(request: Request, content: CcdaContent) -> bytes:
    """The document in UTF-8; `Rejected` for a kind that we do not write."""
    plan = content.writing.get(request.kind)
    if plan is None:
        raise Rejected(at="kind", expected=f"one of {', '.join(sorted(content.writing))}", code="value")
    if request.kind == "discharge-summary" and request.stay is None:
        raise Rejected(at="kind", expected="a patient with a stay, for a discharge summary", code="business-rule")
    hand = Hand(content, request.resolve)
    _header(hand, request, content)
    body = hand.add(hand.add(hand.root, "component"), "structuredBody")
    parts = parts_of(request.record, request.patient, request.reason, request.assessment)
    for name in plan["required"]:
        write_section(hand, body, name, parts[name])
    for name in plan["optional"]:
        part = parts[name]
        if isinstance(part, Part) and part.entries:
            write_section(hand, body, name, part)
    return hand.writer.to_bytes()


def _header(hand: Hand, request: Request, content: CcdaContent) -> None:
    root, kind = hand.root, content.kinds[request.kind]
    hand.add(root, "realmCode", code="US")
    hand.add(root, "typeId", root="2.16.840.1.113883.1.3", extension="POCD_HD000040")
    for short in ("22.1.1", str(kind["template"])):
        hand.template(root, short)
    moment = request.at.isoformat(timespec="seconds")
    own_id = uuid_of(f"{request.kind} {request.patient['id']} {moment}")
    hand.add(root, "id", root=own_id)
    hand.add(root, "code", code=kind["code"], codeSystem="2.16.840.1.113883.6.1", displayName=kind["title"])
    hand.add(root, "title", f"{kind['title']}, {request.organization.get('name', 'Careloop')}")
    hand.add(root, "effectiveTime", value=time_of(moment))
    highest = max((one for one in request.labels if one in _RANK), key=_RANK.index, default="N")
    hand.add(root, "confidentialityCode", code=highest, codeSystem="2.16.840.1.113883.5.25")
    hand.add(root, "languageCode", code="en-US")
    hand.add(root, "setId", root=uuid_of(f"{request.kind} {request.patient['id']}"))
    hand.add(root, "versionNumber", value=1)
    _patient(hand, request.patient)
    _author(hand, request, moment)
    custodian = hand.add(hand.add(root, "custodian"), "assignedCustodian")
    _custodian(hand, hand.add(custodian, "representedCustodianOrganization"), request.organization)
    if request.recipient is not None or request.kind == "referral-note":
        recipient = hand.add(hand.add(root, "informationRecipient"), "intendedRecipient")
        named = next(iter((request.recipient or {}).get("name", ())), None)
        hand.name(hand.add(recipient, "informationRecipient"), named)
    event = hand.add(hand.add(root, "documentationOf"), "serviceEvent", classCode="PCPR")
    hand.period(event, "effectiveTime", request.patient.get("birthDate"), moment)
    performer = hand.add(hand.add(event, "performer", typeCode="PRF"), "assignedEntity")
    if request.lead is not None:
        hand.ids(performer, request.lead)
    else:
        hand.add(performer, "id", nullFlavor="NI")
    if request.kind == "care-plan":
        named = next(iter((request.lead or {}).get("name", ())), None)
        hand.name(hand.add(performer, "assignedPerson"), named)
    hand.organization(hand.add(performer, "representedOrganization"), request.organization)
    if request.stay is not None:
        _stay(hand, request.stay)


def _patient(hand: Hand, patient: Json) -> None:
    role = hand.add(hand.add(hand.root, "recordTarget"), "patientRole")
    hand.ids(role, patient)
    hand.contacts(role, patient)
    person = hand.add(role, "patient")
    for one in patient.get("name", ()) or [None]:
        hand.name(person, one)
    code, shown = _GENDERS.get(str(patient.get("gender")), (None, None))
    system = "2.16.840.1.113883.5.1" if code else None
    hand.add(
        person, "administrativeGenderCode", code=code, codeSystem=system, displayName=shown,
        nullFlavor=None if code else "UNK",
    )  # fmt: skip
    born = patient.get("birthDate")
    hand.add(person, "birthTime", value=time_of(born) if born else None, nullFlavor=None if born else "UNK")
    if "deceasedBoolean" in patient or "deceasedDateTime" in patient:
        dead = "deceasedDateTime" in patient or patient.get("deceasedBoolean")
        hand.add(person, "sdtc.deceasedInd", value=str(bool(dead)).lower())
    if patient.get("deceasedDateTime"):
        hand.add(person, "sdtc.deceasedTime", value=time_of(patient["deceasedDateTime"]))
    if patient.get("maritalStatus"):
        hand.code(person, "maritalStatusCode", patient["maritalStatus"])
    for concept in _extensions(patient, _RELIGION, "valueCodeableConcept"):
        hand.code(person, "religiousAffiliationCode", concept)
    _groups(hand, person, patient, "race", "raceCode")
    _groups(hand, person, patient, "ethnicity", "ethnicGroupCode")
    for home in _extensions(patient, _BIRTHPLACE, "valueAddress"):
        hand.place(hand.add(hand.add(person, "birthplace"), "place"), home)
    for one in patient.get("communication", ()):
        spoken = hand.add(person, "languageCommunication")
        code = next((coding.get("code") for coding in one.get("language", {}).get("coding", ())), None)
        hand.add(spoken, "languageCode", code=code, nullFlavor=None if code else "UNK")
        if "preferred" in one:
            hand.add(spoken, "preferenceInd", value=str(one["preferred"]).lower())


def _extensions(patient: Json, url: str, element: str) -> list[Any]:
    return [one[element] for one in patient.get("extension", ()) if one.get("url") == url and element in one]


def _groups(hand: Hand, person: Element, patient: Json, kind: str, name: str) -> None:
    """Race or ethnicity: the first code, the others in the extension; unknown where there is none."""
    codings = [
        part["valueCoding"]
        for one in patient.get("extension", ())
        if one.get("url") == f"{_US_CORE}{kind}"
        for part in one.get("extension", ())
        if part.get("valueCoding", {}).get("code")
    ]
    if not codings:
        hand.add(person, name, nullFlavor="UNK")
    for number, coding in enumerate(codings):
        tag = name if number == 0 else f"sdtc.{name}"
        hand.add(person, tag, code=coding["code"], codeSystem=_RACES, displayName=coding.get("display"))


def _author(hand: Hand, request: Request, moment: str) -> None:
    author = hand.add(hand.root, "author")
    hand.add(author, "time", value=time_of(moment))
    assigned = hand.add(author, "assignedAuthor")
    hand.add(assigned, "id", root=uuid_of("Careloop"))
    hand.contacts(assigned, request.organization)
    device = hand.add(assigned, "assignedAuthoringDevice")
    hand.add(device, "manufacturerModelName", "Careloop")
    hand.add(device, "softwareName", "Careloop")
    hand.organization(hand.add(assigned, "representedOrganization"), request.organization)


def _custodian(hand: Hand, element: Element, organization: Json) -> None:
    """A custodian has exactly one telecom and one address."""
    one = {
        **organization,
        "telecom": organization.get("telecom", [])[:1],
        "address": organization.get("address", [])[:1],
    }
    hand.ids(element, one)
    hand.add(element, "name", str(one.get("name", "")), nullFlavor=None if one.get("name") else "UNK")
    hand.telecoms(element, one, required=True)
    hand.addresses(element, one, required=True)


def _stay(hand: Hand, stay: Json) -> None:
    """The stay that a summary is about."""
    inner = hand.add(hand.add(hand.root, "componentOf"), "encompassingEncounter")
    hand.ids(inner, stay)
    if stay.get("class", {}).get("code") not in (None, "UNK"):
        hand.code(inner, "code", {"coding": [stay["class"]]})
    span = stay.get("period", {})
    hand.period(inner, "effectiveTime", span.get("start"), span.get("end"), open_end=True)
    hand.code(inner, "dischargeDispositionCode", stay.get("hospitalization", {}).get("dischargeDisposition"))
