"""PL: where somebody lies. The deepest place named, with the chain of places that hold it (interface.md §5)."""

from careloop.fhir.ids import derived_id
from careloop.intake.datatypes import Context, Json, short_code, uri_part
from careloop.intake.hl7v2 import Value

_URI = "urn:ietf:rfc:3986"
_KIND = "http://terminology.hl7.org/CodeSystem/v2-0305"
_STATUS = "http://terminology.hl7.org/CodeSystem/v2-0116"
PHYSICAL = "http://terminology.hl7.org/CodeSystem/location-physical-type"
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
    numbers = {code: number for number, code, _ in _LEVELS}
    parent: str | None = None
    path: list[str] = []
    words: list[str] = []
    shown = ""
    for code, kind, name in named:
        path.append(f"{code}={name}")
        words = [*words, name] if code in _NAMED_TOGETHER else words
        shown = " ".join(words) if code in _NAMED_TOGETHER else name
        parent = _make(context, path, code, (kind, name), shown, parent)
        universal = value.component(numbers[code], 2).strip()
        if universal:
            known = {"system": _URI, "value": f"urn:oid:{uri_part(universal)}"}
            context.made[parent]["identifier"].append(known)
    _describe(context.made[parent or ""], value)
    return {"reference": parent, "display": shown}


def _describe(resource: Json, value: Value) -> None:
    """What the PL says of the place as a whole: its kind (6) and other words for it (9)."""
    kind, words = value.component(6).strip(), value.component(9).strip()
    if short_code(kind):
        resource["type"] = [{"coding": [{"system": _KIND, "code": short_code(kind)}]}]
    if words:
        resource["description"] = words
    number, namespace, universal = (value.component(10, part).strip() for part in (1, 2, 3))
    if number:
        system = f"urn:oid:{uri_part(universal)}" if universal else f"urn:careloop:authority:{uri_part(namespace)}"
        resource["identifier"].append({"system": system, "value": number})
    status = value.component(5).strip()
    if short_code(status):
        resource["operationalStatus"] = {"system": _STATUS, "code": short_code(status)}


def organization(context: Context) -> Json | None:
    """A reference to the Organization of the sending facility, made beside; None when the sender names none."""
    if not context.facility:
        return None
    made = facility(context.facility, context)
    context.made[f"Organization/{made['id']}"] = made
    return {"reference": f"Organization/{made['id']}", "display": made["name"]}


def facility(sent: str, context: Context) -> Json:
    """The Organization that a sender calls so, under the name that the settings of the feed give it. Its id follows
    from what was sent: a better name makes no second hospital."""
    name = context.feed.places.get(sent, sent)
    return {
        "resourceType": "Organization",
        "id": derived_id(context.tenant_id, "organization", sent),
        "identifier": [{"system": "urn:careloop:facility", "value": sent}],
        "name": name,
        **({"alias": [sent]} if name != sent else {}),
    }


def _make(context: Context, path: list[str], code: str, kind: tuple[str, str], shown: str, parent: str | None) -> str:
    own_id = derived_id(context.tenant_id, "location", *path)
    resource: Json = {
        "resourceType": "Location",
        "id": own_id,
        "identifier": [{"system": "urn:careloop:location", "value": "/".join(uri_part(part) for part in path)}],
        "name": shown,
        "physicalType": {"coding": [{"system": PHYSICAL, "code": code, "display": kind[0]}]},
        "mode": "instance",
        "status": "active",
    }
    if kind[1] != shown:
        resource["alias"] = [kind[1]]
    if parent:
        resource["partOf"] = {"reference": parent}
    context.made[f"Location/{own_id}"] = resource
    return f"Location/{own_id}"
