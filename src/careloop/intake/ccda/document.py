"""A C-CDA document read: header, sections, entries, and what was wrong. Pure."""

from collections.abc import Iterator, Sequence

from careloop.errors import Fault, Rejected
from careloop.fhir.xmls import Element, children, parse_xml, text_of
from careloop.intake.ccda import values
from careloop.intake.ccda.body import unstructured
from careloop.intake.ccda.checks import check_document, place_of
from careloop.intake.ccda.codes import check_codes
from careloop.intake.ccda.content import CcdaContent, Section, path
from careloop.intake.ccda.entries import STATEMENTS, Reading
from careloop.intake.ccda.labels import document_labels, labels_of
from careloop.intake.ccda.model import CcdaResult, Json, Made
from careloop.intake.ccda.narrative import narrative

_TYPE_ROOT, _TYPE_EXTENSION = "2.16.840.1.113883.1.3", "POCD_HD000040"
_UNKNOWN = {"coding": [{"system": "http://loinc.org", "code": "34133-9"}], "text": "Clinical document"}


def read(raw: bytes, content: CcdaContent, zone: str) -> CcdaResult:
    """What the document says. `Rejected` for what is no CDA document about one identified person; anything less is
    named among the faults and the rest is taken. Times without an offset are in `zone`."""
    root = parse_xml(raw)
    _require_cda(root)
    role = _require_person(root)
    wrong_codes = check_codes(root, content)
    reading = Reading(content, root, zone)
    reading.faults.extend(wrong_codes)
    patient = reading.fill(role, "patient")
    if not patient.get("identifier"):
        place = "ClinicalDocument/recordTarget/patientRole/id"
        raise Rejected(at=place, expected="an identifier of the person", code="required")
    sections = _sections(root, reading)
    composition = _header(root, reading, sections)
    reading.faults.extend(check_document(root, content))
    return _result(root, reading, patient, composition)


def _require_cda(root: Element) -> None:
    if root.tag != "ClinicalDocument":
        raise Rejected(at="document", expected="a ClinicalDocument of HL7 CDA R2", code="structure")
    kind = root.find("typeId")
    if kind is not None and (kind.get("root"), kind.get("extension")) != (_TYPE_ROOT, _TYPE_EXTENSION):
        expected = f"root {_TYPE_ROOT} and extension {_TYPE_EXTENSION}, as of any CDA R2 document (CONF:1198-5361)"
        raise Rejected(at="ClinicalDocument/typeId", expected=expected, code="value")


def _require_person(root: Element) -> Element:
    roles = root.findall("recordTarget/patientRole")
    if len(roles) != 1:
        place = "ClinicalDocument/recordTarget"
        raise Rejected(at=place, expected="exactly one person whom the document is about (CONF:1198-5266)")
    return roles[0]


def _result(root: Element, reading: Reading, patient: Json, composition: Made) -> CcdaResult:
    said = composition.resource
    custodian = root.find("custodian/assignedCustodian/representedCustodianOrganization/name")
    own = root.find("id")
    own_id = values.identifier(own, reading.context) if own is not None else None
    in_set = root.find("setId")
    set_id = values.identifier(in_set, reading.context) if in_set is not None else None
    version = root.find("versionNumber")
    return CcdaResult(
        identifier=_flat(own_id),
        set_identifier=_flat(set_id),
        version=(version.get("value") or "") if version is not None else "",
        type_code=(said["type"].get("coding") or [{"code": ""}])[0]["code"],
        title=said["title"],
        at=said.get("date", ""),
        sender=text_of(custodian) if custodian is not None else "",
        identifiers=[one for one in patient["identifier"] if "system" in one],
        patient=patient,
        made=list(reading.made),
        faults=tuple(reading.faults),
    )


def _flat(identifier: Json | None) -> str:
    return f"{identifier.get('system', '')}|{identifier['value']}" if identifier else ""


def _header(root: Element, reading: Reading, sections: list[Json]) -> Made:
    """Composition and DocumentReference of the document, and the people whom its header names."""
    composition = _made(root, reading, "composition")
    said = composition.resource
    said.setdefault("type", _UNKNOWN)
    said.setdefault("title", said["type"].get("text") or "Clinical document")
    said.setdefault("author", [{"display": "unknown author"}])
    if sections:
        said["section"] = sections
    document = _made(root, reading, "document").resource
    document.setdefault("masterIdentifier", {"value": "unknown"})
    attachments = unstructured(root, reading.context)
    if attachments:
        document["content"] = attachments
    labels = document_labels(root, reading.context)
    if labels:
        said["meta"] = {"security": labels}
        document["meta"] = {"security": labels}
        document["securityLabel"] = [{"coding": [one]} for one in labels]
    plan = reading.content.mappings["care-plan"]
    if plan.only is not None and plan.only(root):
        _made(root, reading, "care-plan")
    for name, people in _PEOPLE.items():
        for element in people(root):
            reading.make(element, reading.content.mappings[name])
    return composition


_PEOPLE = {
    "role": path(
        "//*[self::assignedAuthor or self::assignedEntity][assignedPerson/name[normalize-space()]]"
        "[representedOrganization[name[normalize-space()]]]"
    ),
    "related": path("participant[associatedEntity/associatedPerson]/associatedEntity[not(@classCode='PROV')]"),
    "guardian": path("recordTarget/patientRole/patient/guardian[guardianPerson]"),
    "informant": path("informant/relatedEntity[relatedPerson]"),
}


def _made(root: Element, reading: Reading, name: str) -> Made:
    made = reading.make(root, reading.content.mappings[name])
    if made is None:
        raise Rejected(at="ClinicalDocument", expected="a document that says something", code="structure")
    return made


def _sections(root: Element, reading: Reading) -> list[Json]:
    found = []
    for section in root.findall("component/structuredBody/component/section"):
        said = _section(section, reading, reading.content.sections)
        if said:
            found.append(said)
    return found


def _section(section: Element, reading: Reading, known: Sequence[Section]) -> Json | None:
    """The section of the Composition; its entries are made on the way."""
    kind = _kind_of(section, known)
    _note_mismatch(section, kind, reading)
    said: Json = {}
    title = section.find("title")
    if title is not None and text_of(title):
        said["title"] = text_of(title)
    elif kind is not None:
        said["title"] = kind.title
    code = section.find("code")
    coded = values.concept(code, reading.context) if code is not None else None
    if coded:
        said["code"] = coded
    text = narrative(section.find("text"))
    if text:
        said["text"] = text
    said["mode"] = "snapshot"
    entries = list(_entries(section, reading))
    if entries:
        said["entry"] = entries
    inner = [_section(one, reading, known) for one in section.findall("component/section")]
    if any(inner):
        said["section"] = [one for one in inner if one]
    labels = labels_of(section, reading.context)
    if labels and section.find("confidentialityCode") is not None:
        said["extension"] = [{"url": "urn:careloop:section-label", "valueCoding": one} for one in labels]
    if not ({"text", "entry", "section"} & said.keys()):
        empty = "nilknown" if section.get("nullFlavor") == "NI" else "unavailable"
        said["emptyReason"] = {"coding": [{"system": _EMPTY, "code": empty}]}
    return said


_EMPTY = "http://terminology.hl7.org/CodeSystem/list-empty-reason"


def _entries(section: Element, reading: Reading) -> Iterator[Json]:
    seen = set()
    for number, entry in enumerate(section.findall("entry"), start=1):
        for statement in children(entry, STATEMENTS):
            made = reading.read_statement(statement)
            if not made and not _is_expected_empty(statement, reading):
                place = f"{place_of(section)} entry {number} {statement.tag}"
                expected = "an entry that we know; only its text is kept"
                reading.faults.append(Fault(at=place, expected=expected, severity="warning", code="not-supported"))
            for one in made:
                if one.link not in seen and not one.shared:
                    seen.add(one.link)
                    yield {"reference": one.link}


def _is_expected_empty(statement: Element, reading: Reading) -> bool:
    """True where an entry says that there is nothing, or is one of those that only serve others."""
    roots = {one.get("root") for one in statement.findall("templateId")}
    return bool(roots & reading.content.helpers) or statement.get("nullFlavor") is not None


def _kind_of(section: Element, known: Sequence[Section]) -> Section | None:
    """What kind of section it is: by its templates, else by its code."""
    roots = {one.get("root") for one in section.findall("templateId")}
    code = section.find("code")
    own = code.get("code") if code is not None else None
    return next((one for one in known if roots & one.templates), None) or next(
        (one for one in known if own in one.codes), None
    )


def _note_mismatch(section: Element, kind: Section | None, reading: Reading) -> None:
    """A section whose code and template say different things is read by its template, and the fault is named."""
    code = section.find("code")
    own = code.get("code") if code is not None else None
    roots = {one.get("root") for one in section.findall("templateId")}
    place = place_of(section)
    if kind is None:
        expected = "a section template or code that C-CDA defines; its text is kept"
        _warn(reading, f"{place}/templateId", expected)
    elif own not in kind.codes:
        _warn(reading, f"{place}/code", f"the LOINC code {' or '.join(sorted(kind.codes))} for this section")
    elif kind.templates and not roots & kind.templates:
        _warn(reading, f"{place}/templateId", f"the template {' or '.join(sorted(kind.templates))} for this code")


def _warn(reading: Reading, at: str, expected: str) -> None:
    reading.faults.append(Fault(at=at, expected=expected, severity="warning", code="value"))
