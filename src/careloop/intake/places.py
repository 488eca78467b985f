"""PL: where somebody lies. The deepest place named, with the chain of places that hold it (interface.md §5)."""

from careloop.fhir.ids import derived_id
from careloop.intake.datatypes import Context, Json, uri_part
from careloop.intake.hl7v2 import Value

_PHYSICAL = "http://terminology.hl7.org/CodeSystem/location-physical-type"
_LEVELS = (
    (4, "si", "Site"),
    (7, "bu", "Building"),
    (8, "lvl", "Level"),
    (1, "wa", "Ward"),
    (2, "ro", "Room"),
    (3, "bd", "Bed"),
)
"""PL components from the widest to the deepest, with the physical type (HL7 v2.5.1 2.A.53)."""
_NAMED_TOGETHER = ("wa", "ro", "bd")


def place(value: Value, context: Context) -> Json | None:
    """A reference to the deepest Location of a PL; every Location of the chain is made beside. None for an empty PL."""
    named = [(code, shown, value.component(number).strip()) for number, code, shown in _LEVELS]
    named = [level for level in named if level[2] and level[2] != '""']
    if not any(code not in ("si", "bu", "lvl") for code, _, _ in named) and len(named) < 1:
        return None
    if named[0][0] != "si" and context.facility:
        named.insert(0, ("si", "Site", context.facility))
    parent: str | None = None
    path: list[str] = []
    words: list[str] = []
    shown = ""
    for code, kind, name in named:
        path.append(f"{code}={name}")
        words = [*words, name] if code in _NAMED_TOGETHER else words
        shown = " ".join(words) if code in _NAMED_TOGETHER else name
        parent = _make(context, path, code, kind, shown, parent)
    return {"reference": parent, "display": shown}


def organization(context: Context) -> Json | None:
    """A reference to the Organization of the sending facility, made beside; None when the sender names none."""
    name = context.facility
    if not name:
        return None
    own_id = derived_id(context.tenant_id, "organization", name)
    context.made[f"Organization/{own_id}"] = {
        "resourceType": "Organization",
        "id": own_id,
        "identifier": [{"system": "urn:careloop:facility", "value": name}],
        "name": name,
    }
    return {"reference": f"Organization/{own_id}", "display": name}


def _make(context: Context, path: list[str], code: str, kind: str, shown: str, parent: str | None) -> str:
    own_id = derived_id(context.tenant_id, "location", *path)
    resource: Json = {
        "resourceType": "Location",
        "id": own_id,
        "identifier": [{"system": "urn:careloop:location", "value": "/".join(uri_part(part) for part in path)}],
        "name": shown,
        "physicalType": {"coding": [{"system": _PHYSICAL, "code": code, "display": kind}]},
    }
    if parent:
        resource["partOf"] = {"reference": parent}
    context.made[f"Location/{own_id}"] = resource
    return f"Location/{own_id}"
