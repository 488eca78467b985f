"""From what a document tells to resources with ids: the same thing in another document of the same person is the same
resource; two things under one identifier stay two. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from careloop.fhir.ids import derived_id
from careloop.fhir.references import rewrite
from careloop.intake.ccda.entries import finer_key
from careloop.intake.ccda.model import PATIENT, CcdaResult, Json, Made

_ALONE = {"Practitioner": "practitioner", "Organization": "organization", "Encounter": "encounter"}
"""Types whose ids other doors derive in the same way (intake/datatypes.py, flows/arriving.py): a practitioner by system
and number, a visit by system and visit number."""


def settle(result: CcdaResult, tenant_id: int, patient_id: str) -> list[Json]:
    """All resources of the document with ids and references that lead to them, in the order they were met."""
    own: dict[str, str] = {PATIENT: f"Patient/{patient_id}"}
    kept: dict[str, Json] = {}
    seen: dict[tuple[str, str], str] = {}
    for one in result.made:
        finer = "" if _is_joined(one) else finer_key(_without_links(one.resource))
        base = _identity(one, tenant_id, patient_id)
        place = (one.resource["resourceType"], base)
        own_id = base
        if place in seen and seen[place] != finer:
            own_id = derived_id(base, finer)
        seen.setdefault(place, finer)
        reference = f"{one.resource['resourceType']}/{own_id}"
        own[one.link] = reference
        kept[reference] = joined(kept.get(reference), {**one.resource, "id": own_id})
    for resource in kept.values():
        rewrite(resource, own)
    return list(kept.values())


def _is_joined(made: Made) -> bool:
    """True for what several places of a document mention: people, places, a visit with its number."""
    return made.shared or (made.resource["resourceType"] == "Encounter" and "identifier" in made.resource)


def _identity(made: Made, tenant_id: int, patient_id: str) -> str:
    kind = made.resource["resourceType"]
    said = _first_identifier(made.resource) if kind in _ALONE else None
    if said:
        return derived_id(tenant_id, _ALONE[kind], said[0], said[1])
    if kind == "Organization" and made.resource.get("name"):
        return derived_id(tenant_id, "organization", made.resource["name"])
    if made.shared:
        return derived_id(tenant_id, "ccda", *made.key)
    return derived_id(tenant_id, "ccda", patient_id, *made.key)


def _first_identifier(resource: Mapping[str, Any]) -> tuple[str, str] | None:
    """The number that names a person, a place or a visit: an NPI before others."""
    numbers = [(one["system"], one["value"]) for one in resource.get("identifier", ()) if "system" in one]
    return next((one for one in numbers if one[0].endswith("us-npi")), numbers[0] if numbers else None)


def joined(standing: Json | None, said: Json) -> Json:
    """Two mentions of one thing: what one leaves out or does not know the other may say; lists hold each value once."""
    if standing is None:
        return said
    for key, value in said.items():
        before = standing.get(key)
        if before is None or (_is_unknown(before) and not _is_unknown(value)):
            standing[key] = value
        elif isinstance(value, dict) and isinstance(before, dict) and key == "period":
            standing[key] = {**value, **before}
        elif isinstance(value, list) and isinstance(before, list) and value and isinstance(value[0], dict):
            standing[key] = before + [one for one in value if one not in before]
    return standing


def _is_unknown(value: Any) -> bool:
    return value == "unknown" or (isinstance(value, dict) and value.get("code") == "UNK")


def _without_links(resource: Json) -> Json:
    """The resource without references into this document, whose numbers say nothing."""
    return {key: _plain(value) for key, value in resource.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items() if key != "reference"}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(one) for one in value]
    return value
