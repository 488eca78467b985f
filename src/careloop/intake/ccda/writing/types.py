"""FHIR data types as HL7 v3 data types, and the hand that writes them."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import UUID, uuid5

from careloop.fhir.xmls import Element, Writer
from careloop.intake.ccda.content import CcdaContent, template_root
from careloop.intake.ccda.model import Json

Resolve = Callable[[str], Json | None]
_SPACE = UUID("8c1f4c0e-2f0b-5f7e-9d56-7d1b6a2f3c11")
_PREFERRED = {
    "http://hl7.org/fhir/sid/icd-9-cm": "2.16.840.1.113883.6.103",
    "http://ncit.nci.nih.gov": "2.16.840.1.113883.3.26.1.1",
    "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl": "2.16.840.1.113883.3.26.1.1",
    "http://terminology.hl7.org/CodeSystem/v3-ObservationValue": "2.16.840.1.113883.5.1063",
    "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets": "2.16.840.1.113883.6.285",
    "urn:ietf:bcp:47": "2.16.840.1.113883.6.121",
    "https://www.nubc.org/patient-discharge": "2.16.840.1.113883.6.301.5",
    "https://nahdo.org/sopt": "2.16.840.1.113883.3.221.5",
}
_USES = {"home": "HP", "work": "WP", "mobile": "MC", "temp": "TMP", "old": "BAD"}
_NAME_USES = {"usual": "L", "official": "L", "nickname": "P", "anonymous": "A"}
_SCHEMES = {"phone": "tel", "fax": "fax", "email": "mailto", "sms": "sms"}


class Hand:
    """Writes into one document. `resolve` gives the resource that a reference leads to, None where it is not there."""

    def __init__(self, content: CcdaContent, resolve: Resolve) -> None:
        self.writer = Writer("ClinicalDocument")
        self.content = content
        self.resolve = resolve
        self._oids = {uri: oid for oid, uri in reversed(list(content.systems.items()))} | _PREFERRED

    @property
    def root(self) -> Element:
        """The document."""
        return self.writer.root

    def add(self, parent: Element, name: str, text: str = "", **attributes: Any) -> Element:
        """A child with attributes; `xsi_type` is `xsi:type`, others keep their name."""
        named = {"xsi.type" if key == "xsi_type" else key: value for key, value in attributes.items()}
        return self.writer.add(parent, name, named, text)

    def template(self, parent: Element, short: str) -> None:
        """The template id as R1.1 has it, and with the version of R2.1 that we claim (both, as R2.1 asks)."""
        version = self.content.versions.get(short)
        self.add(parent, "templateId", root=template_root(short))
        if version:
            self.add(parent, "templateId", root=template_root(short), extension=version)

    def oid(self, system: str | None) -> str | None:
        """The OID of a system, None where it has none."""
        if not system:
            return None
        if system.startswith("urn:oid:"):
            return system[8:]
        return self._oids.get(system)

    def ids(self, parent: Element, resource: Mapping[str, Any]) -> None:
        """The identifiers of a resource; its own id where it has none."""
        numbers = [one for one in _listed(resource.get("identifier")) if self._id(parent, one)]
        if not numbers:
            self.add(parent, "id", root=uuid_of(str(resource.get("id", ""))))

    def _id(self, parent: Element, one: Mapping[str, Any]) -> bool:
        system, value = str(one.get("system", "")), str(one.get("value", ""))
        if not value:
            return False
        if system == "urn:ietf:rfc:3986" or not system:
            bare = value.removeprefix("urn:uuid:").removeprefix("urn:oid:")
            if value.startswith("urn:"):
                self.add(parent, "id", root=bare)
                return True
            self.add(parent, "id", root=value)
            return True
        root = self.oid(system) or (system[9:] if system.startswith("urn:uuid:") else uuid_of(system))
        name = None if self.oid(system) or system.startswith("urn:uuid:") else system
        self.add(parent, "id", root=root, extension=value, assigningAuthorityName=name)
        return True

    def code(
        self,
        parent: Element,
        name: str,
        concept: Mapping[str, Any] | None,
        *,
        kind: str | None = None,
        null: str = "UNK",
    ) -> Element:
        """A CodeableConcept: its first coding with an OID, the others as translations, the words as original text."""
        codings = [(one, self.oid(one.get("system"))) for one in (concept or {}).get("coding", ()) if one.get("code")]
        known = [(one, oid) for one, oid in codings if oid]
        words = str((concept or {}).get("text", ""))
        if not known:
            words = words or next((str(one.get("display", one["code"])) for one, _ in codings), "")
            element = self.add(parent, name, xsi_type=kind, nullFlavor="OTH" if words else null)
        else:
            first, oid = known[0]
            shown = first.get("display")
            element = self.add(parent, name, xsi_type=kind, code=first["code"], codeSystem=oid, displayName=shown)
        if words:
            self.add(element, "originalText", words)
        for one, oid in known[1:]:
            self.add(element, "translation", code=one["code"], codeSystem=oid, displayName=one.get("display"))
        return element

    def period(
        self, parent: Element, name: str, low: str | None, high: str | None, *, kind: str | None = None,
        open_end: bool = False,
    ) -> Element:  # fmt: skip
        """An interval of time; an unknown beginning or (with `open_end`) end is a null flavor."""
        element = self.add(parent, name, xsi_type=kind)
        if low:
            self.add(element, "low", value=time_of(low))
        else:
            self.add(element, "low", nullFlavor="UNK")
        if high:
            self.add(element, "high", value=time_of(high))
        elif open_end:
            self.add(element, "high", nullFlavor="UNK")
        return element

    def when(self, parent: Element, name: str, resource: Mapping[str, Any], choice: str) -> Element:
        """`choice[x]` as a point or an interval of time."""
        if span := resource.get(f"{choice}Period"):
            return self.period(parent, name, span.get("start"), span.get("end"))
        at = resource.get(f"{choice}DateTime") or resource.get(f"{choice}Instant")
        if at:
            return self.add(parent, name, value=time_of(at))
        return self.add(parent, name, nullFlavor="UNK")

    def quantity(
        self, parent: Element, name: str, one: Mapping[str, Any] | None, *, kind: str | None = None
    ) -> Element:
        """A Quantity as PQ, or as an interval where it has a comparator."""
        if not one or "value" not in one:
            return self.add(parent, name, xsi_type=kind, nullFlavor="UNK")
        unit = one.get("code") or one.get("unit")
        if one.get("comparator") and kind == "PQ":
            element = self.add(parent, name, xsi_type="IVL_PQ")
            end = "low" if ">" in one["comparator"] else "high"
            self.add(
                element, end, value=one["value"], unit=_unit(unit), inclusive=str("=" in one["comparator"]).lower()
            )
            return element
        return self.add(parent, name, xsi_type=kind, value=one["value"], unit=_unit(unit))

    def value(self, parent: Element, resource: Mapping[str, Any]) -> None:
        """`value[x]` of an Observation."""
        if "valueQuantity" in resource:
            self.quantity(parent, "value", resource["valueQuantity"], kind="PQ")
        elif "valueCodeableConcept" in resource:
            self.code(parent, "value", resource["valueCodeableConcept"], kind="CD")
        elif "valueRange" in resource:
            self._range(self.add(parent, "value", xsi_type="IVL_PQ"), resource["valueRange"])
        elif "valueInteger" in resource:
            self.add(parent, "value", xsi_type="INT", value=resource["valueInteger"])
        elif "valueBoolean" in resource:
            self.add(parent, "value", xsi_type="BL", value=str(resource["valueBoolean"]).lower())
        elif "valueDateTime" in resource:
            self.add(parent, "value", xsi_type="TS", value=time_of(resource["valueDateTime"]))
        elif "valueString" in resource:
            self.add(parent, "value", resource["valueString"], xsi_type="ST")
        else:
            self.add(parent, "value", xsi_type="CD", nullFlavor="UNK")

    def _range(self, element: Element, said: Mapping[str, Any]) -> None:
        for end in ("low", "high"):
            if end in said:
                self.quantity(element, end, said[end])

    def reference_ranges(self, parent: Element, resource: Mapping[str, Any]) -> None:
        """`referenceRange` of an Observation."""
        for one in resource.get("referenceRange", ()):
            inner = self.add(self.add(parent, "referenceRange"), "observationRange")
            if "low" in one or "high" in one:
                self._range(self.add(inner, "value", xsi_type="IVL_PQ"), one)
            elif one.get("text"):
                self.add(inner, "value", one["text"], xsi_type="ST")

    def name(self, parent: Element, one: Mapping[str, Any] | None) -> None:
        """A HumanName."""
        if not one:
            self.add(parent, "name", nullFlavor="UNK")
            return
        element = self.add(parent, "name", use=_NAME_USES.get(one.get("use", "")))
        for prefix in one.get("prefix", ()):
            self.add(element, "prefix", prefix)
        given = list(one.get("given", ()))
        for number, part in enumerate(given):
            former = number == 0 and one.get("use") == "old"
            self.add(element, "given", part, qualifier="BR" if former else None)
        birth = "BR" if one.get("use") == "maiden" else None
        if one.get("family"):
            self.add(element, "family", one["family"], qualifier=birth)
        for suffix in one.get("suffix", ()):
            self.add(element, "suffix", suffix)
        if not given and not one.get("family"):
            element.text = str(one.get("text", "")) or None

    def contacts(self, parent: Element, resource: Mapping[str, Any], *, required: bool = True) -> None:
        """Addresses and ways to reach someone; null flavors where there are none and `required`."""
        self.addresses(parent, resource, required=required)
        self.telecoms(parent, resource, required=required)

    def addresses(self, parent: Element, resource: Mapping[str, Any], *, required: bool) -> None:
        """The addresses alone."""
        homes = _listed(resource.get("address"))
        for one in homes:
            self._address(parent, one)
        if not homes and required:
            self.add(parent, "addr", nullFlavor="UNK")

    def telecoms(self, parent: Element, resource: Mapping[str, Any], *, required: bool) -> None:
        """The phones and mail addresses alone."""
        numbers = [one for one in _listed(resource.get("telecom")) if one.get("value")]
        for one in numbers:
            scheme = _SCHEMES.get(one.get("system", ""))
            text = one["value"] if scheme is None else f"{scheme}:{one['value'].replace(' ', '')}"
            self.add(parent, "telecom", value=text, use=_USES.get(one.get("use", "")))
        if not numbers and required:
            self.add(parent, "telecom", nullFlavor="UNK")

    def _address(self, parent: Element, one: Mapping[str, Any]) -> None:
        element = self.add(parent, "addr", use=_USES.get(one.get("use", "")))
        for line in one.get("line", ()):
            self.add(element, "streetAddressLine", line)
        for key, tag in (
            ("city", "city"), ("district", "county"), ("state", "state"), ("postalCode", "postalCode"),
            ("country", "country"),
        ):  # fmt: skip
            if one.get(key):
                self.add(element, tag, one[key])

    def place(self, parent: Element, one: Mapping[str, Any]) -> None:
        """A single address as it stands."""
        self._address(parent, one)

    def person(
        self, parent: Element, name: str, who: Mapping[str, Any] | None, *, inner: str = "assignedPerson"
    ) -> Element:
        """An assigned entity for a Practitioner; null flavors where nothing is known."""
        element = self.add(parent, name)
        if who is None:
            self.add(element, "id", nullFlavor="UNK")
            return element
        self.ids(element, who)
        for one in who.get("qualification", ())[:1]:
            self.code(element, "code", one.get("code"))
        self.contacts(element, who)
        self.name(self.add(element, inner), next(iter(who.get("name", ())), None))
        return element

    def performed_by(self, parent: Element, link: str, references: Iterable[Mapping[str, Any] | None]) -> None:
        """One participation for each practitioner or organization that is there."""
        for one in references:
            who = self.resolve(one["reference"]) if one and "reference" in one else None
            if who is None:
                continue
            if who["resourceType"] == "Practitioner":
                self.person(self.add(parent, link), "assignedEntity", who)
            elif who["resourceType"] == "Organization":
                entity = self.add(self.add(parent, link), "assignedEntity")
                self.add(entity, "id", nullFlavor="NA")
                self.organization(self.add(entity, "representedOrganization"), who)

    def organization(self, element: Element, who: Mapping[str, Any]) -> None:
        """The parts of an organization."""
        self.ids(element, who)
        self.add(element, "name", str(who.get("name", "")), nullFlavor=None if who.get("name") else "UNK")
        self.telecoms(element, who, required=False)
        self.addresses(element, who, required=False)

    def author(self, parent: Element, at: str | None, who: Mapping[str, Any] | None) -> None:
        """Who recorded it and when, where either is known."""
        if at is None and who is None:
            return
        author = self.add(parent, "author")
        if at:
            self.add(author, "time", value=time_of(at))
        else:
            self.add(author, "time", nullFlavor="UNK")
        self.person(author, "assignedAuthor", who)

    def who(self, reference: Mapping[str, Any] | None) -> Json | None:
        """The Practitioner that a reference leads to."""
        found = self.resolve(reference["reference"]) if reference and "reference" in reference else None
        return found if found is not None and found["resourceType"] == "Practitioner" else None


def time_of(text: str) -> str:
    """A FHIR date, dateTime or instant as an HL7 v3 time, with its precision."""
    date, _, clock = str(text).partition("T")
    digits = date.replace("-", "")
    if not clock:
        return digits
    zone = "+0000" if clock.endswith("Z") else ""
    found = re.match(r"([\d:.]+)(?:([+-]\d\d):(\d\d))?", clock)
    if found is None:
        return digits
    if found[2]:
        zone = found[2] + found[3]
    return digits + found[1].replace(":", "") + zone


def uuid_of(text: str) -> str:
    """A UUID that stands for this text, itself where it is one."""
    try:
        return str(UUID(text))
    except ValueError:
        return str(uuid5(_SPACE, text))


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _unit(unit: str | None) -> str | None:
    return re.sub(r"\s+", "", unit) if unit else None
