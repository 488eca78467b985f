"""Who told a fact: from the Provenance of its versions, from `meta.source`, from who is named in it. Pure.

A Provenance of a message names the sender and its control id; that of a document names the DocumentReference; those of
merges and of the loop engine tell nothing about where a fact comes from and are left aside. Where nothing says it, the
source is not stated: it is never guessed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from careloop.longitudinal.model import NOT_STATED, Resource, Source, SourceKind
from careloop.longitudinal.rules.paths import instant_of, walk

CONTROL_ID = "urn:careloop:control-id"
DOCUMENT = "urn:careloop:document:"
_OUR_ACTS = "urn:careloop:activity"
_SCORE = "urn:careloop:score"
_ENGINE = "Careloop loop engine"

_NAMED: Mapping[str, tuple[str, ...]] = {
    "Condition": ("asserter", "recorder"),
    "AllergyIntolerance": ("asserter", "recorder"),
    "MedicationRequest": ("reportedReference", "requester", "recorder"),
    "MedicationStatement": ("informationSource",),
    "Observation": ("performer",),
    "DiagnosticReport": ("performer", "resultsInterpreter"),
    "Immunization": ("performer.actor",),
    "Procedure": ("asserter", "recorder", "performer.actor"),
    "Encounter": ("serviceProvider", "participant.individual"),
    "DocumentReference": ("custodian", "author"),
    "Goal": ("expressedBy",),
    "CareTeam": ("managingOrganization",),
    "Consent": ("organization", "performer"),
}
_SAYS_THEMSELVES = ("Patient/", "RelatedPerson/")


@dataclass(frozen=True, kw_only=True)
class People:
    """Names that sources show: by `Type/id` everybody cited, the references of our own staff, document titles."""

    names: Mapping[str, str] = field(default_factory=dict)
    staff: frozenset[str] = frozenset()
    documents: Mapping[str, str] = field(default_factory=dict)

    def name(self, reference: Mapping[str, Any]) -> str:
        """The display of a Reference; empty where nobody knows it."""
        own = str(reference.get("reference", "")).split("/_history/")[0]
        return str(self.names.get(own) or reference.get("display") or "")


def named_in(resource: Resource) -> list[str]:
    """References of those who may be the source of a resource."""
    found = [one for path in _NAMED.get(resource["resourceType"], ()) for one in walk(resource, path)]
    return [one["reference"] for one in found if isinstance(one, Mapping) and "reference" in one]


def told_by(provenances: Iterable[Resource], people: People) -> dict[str, list[Source]]:
    """By `Type/id` the sources that Provenance names, as they came."""
    found: dict[str, list[Source]] = {}
    for one in provenances:
        source = _source_of(one, people)
        if source is None:
            continue
        for target in one.get("target", ()):
            reference, _, version = str(target.get("reference", "")).partition("/_history/")
            at_version = replace(source, version=int(version)) if version.isdecimal() else source
            found.setdefault(reference, []).append(at_version)
    return found


def _source_of(provenance: Resource, people: People) -> Source | None:
    """The source that one Provenance names; None for acts of our own that bring no fact."""
    activity = provenance.get("activity", {})
    agents: Sequence[Mapping[str, Any]] = provenance.get("agent") or [{}]
    if any(one.get("system") == _OUR_ACTS for one in activity.get("coding", ())):
        return None
    who = agents[0].get("who", {})
    if who.get("display") == _ENGINE or str(who.get("reference", "")).startswith("Device/identity"):
        return None
    at = str(provenance.get("occurredDateTime") or provenance.get("recorded", ""))
    for entity in provenance.get("entity", ()):
        what = entity.get("what", {})
        if str(what.get("identifier", {}).get("system", "")).startswith(CONTROL_ID):
            sender, detail = str(who.get("display") or "unknown sender"), str(activity.get("text", ""))
            return Source(kind=SourceKind.FEED, name=f"{sender}, messages", at=at, detail=detail)
        if str(what.get("reference", "")).startswith("DocumentReference/"):
            return _document(str(what["reference"]), at, people, agents)
    behalf = people.name(agents[0].get("onBehalfOf", {}))
    return _person(who, people, at, behalf)


def _document(reference: str, at: str, people: People, agents: Sequence[Mapping[str, Any]] = ()) -> Source:
    own = reference.split("/_history/")[0].partition("/")[2]
    keepers = [one for one in agents if _agent_type(one) == "custodian"]
    who = next((name for one in (*keepers, *agents) if (name := people.name(one.get("who", {})))), "")
    title = people.documents.get(own, "Document")
    name = f"{title}, {who}" if who and who != "unknown author" else title
    return Source(kind=SourceKind.DOCUMENT, name=name, at=at, document_id=own)


def _agent_type(agent: Mapping[str, Any]) -> str:
    return str((agent.get("type", {}).get("coding") or [{}])[0].get("code", ""))


def _person(who: Mapping[str, Any], people: People, at: str, behalf: str = "") -> Source | None:
    reference, name = str(who.get("reference", "")), people.name(who)
    if reference.startswith("Patient/"):
        return Source(kind=SourceKind.PATIENT, name="Patient said", at=at)
    if reference.startswith("RelatedPerson/"):
        return Source(kind=SourceKind.PATIENT, name=f"{name or 'Family'} said", at=at)
    if not name and not behalf:
        return None
    if reference in people.staff:
        return Source(kind=SourceKind.STAFF, name=f"{name}, our staff", at=at)
    if reference.startswith(("Practitioner/", "PractitionerRole/")):
        return Source(kind=SourceKind.CLINICIAN, name=f"{name}, {behalf}" if name and behalf else name or behalf, at=at)
    return Source(kind=SourceKind.SYSTEM, name=behalf or name, at=at)


def sources_of(resource: Resource, told: Sequence[Source], people: People, recorded: str) -> tuple[Source, ...]:
    """Every source of a fact once, who said it last first; never empty. `told`: what Provenance names."""
    if not told:
        return (_stated(resource, people, recorded),)
    found: dict[str, Source] = {}
    for source in sorted(told, key=_when, reverse=True):
        found.setdefault(source.key, source)
    return tuple(found.values())


def _when(source: Source) -> tuple[float, int]:
    instant = instant_of(source.at)
    return (instant.timestamp() if instant else 0.0, source.version or 0)


def _stated(resource: Resource, people: People, recorded: str) -> Source:
    """Without a Provenance: what the resource itself says."""
    if any(one.get("system") == _SCORE for one in walk(resource, "code.coding")):
        return Source(kind=SourceKind.CARELOOP, name="Worked out by Careloop", at=recorded)
    references = [one for path in _NAMED.get(resource["resourceType"], ()) for one in walk(resource, path)]
    people_first = sorted(references, key=lambda one: not str(one.get("reference", "")).startswith(_SAYS_THEMSELVES))
    named = next((found for one in people_first if (found := _person(one, people, recorded))), None)
    if named is not None and named.kind is SourceKind.PATIENT:
        return named
    origin = str(resource.get("meta", {}).get("source", "")).partition("#")[0]
    if origin.startswith(DOCUMENT):
        return _document(f"DocumentReference/{origin.removeprefix(DOCUMENT)}", recorded, people)
    if origin:
        return Source(kind=SourceKind.SYSTEM, name=urlsplit(origin).hostname or origin, at=recorded)
    return named or Source(kind=NOT_STATED.kind, name=NOT_STATED.name, at=recorded)
