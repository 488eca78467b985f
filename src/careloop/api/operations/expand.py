"""`$expand`: the codes of a value set (FHIR R4 ValueSet-expand). Flat: headings come as codes marked abstract."""

from typing import Any

from careloop.api.operations.coded import canonical_of, given_resource, instance_of, known_to
from careloop.api.operations.model import Operation, OperationCall, Parameters, Resource
from careloop.errors import Rejected
from careloop.fhir.ids import new_id
from careloop.flows.interactions import Interaction
from careloop.terminology import Expansion, Wanted
from careloop.terminology.model import Member

NAMES = (
    "url", "valueSet", "valueSetVersion", "filter", "offset", "count", "includeDesignations", "activeOnly",
    "excludeNested", "excludeNotForUI", "excludePostCoordinated", "displayLanguage", "exclude-system",
    "includeDefinition",
)  # fmt: skip
DEFINITION = "http://hl7.org/fhir/OperationDefinition/ValueSet-expand"
MOST = 1_000_000
FACTS = ("id", "url", "version", "name", "title", "status")


def run(call: OperationCall) -> Resource:
    """The value set with its expansion, or a page of it."""
    given = call.given.only(*NAMES)
    if given.flag("includeDefinition"):
        raise Rejected(at="includeDefinition", expected="false", code="not-supported")
    return call.fhir.run(lambda door: _expanded(door, call, given))


def _expanded(door: Interaction, call: OperationCall, given: Parameters) -> Resource:
    known = known_to(door, "ValueSet")
    url = canonical_of(given, "url", "valueSetVersion")
    resource = instance_of(door, call) or given_resource(call, "valueSet", "ValueSet")
    asked = resource if resource is not None else url
    if asked is None:
        raise Rejected(at="url", expected="url or valueSet", code="required")
    wanted = _wanted(given)
    found = known.expand(asked, wanted)
    stands = known.value_set(asked) if isinstance(asked, str) else None
    facts = _facts(resource or {name: getattr(stands, name, None) for name in FACTS})
    now = door.app.clock.now().isoformat().replace("+00:00", "Z")
    return {"resourceType": "ValueSet", **facts, "expansion": _expansion(found, wanted, given, now)}


def _wanted(given: Parameters) -> Wanted:
    return Wanted(
        text=given.text("filter"),
        offset=given.number("offset", most=MOST) or 0,
        count=given.number("count", most=MOST),
        active_only=given.flag("activeOnly") or False,
        for_choosing=given.flag("excludeNotForUI") or False,
        language=given.text("displayLanguage"),
        without_systems=tuple(one.partition("|")[0] for one in given.texts("exclude-system")),
    )


def _facts(resource: dict[str, Any]) -> Resource:
    return {"status": "active", **{name: resource[name] for name in FACTS if resource.get(name)}}


def _expansion(found: Expansion, wanted: Wanted, given: Parameters, now: str) -> Resource:
    designations = given.flag("includeDesignations") or False
    return {
        "identifier": f"urn:uuid:{new_id()}",
        "timestamp": now,
        "total": found.total,
        "offset": wanted.offset,
        "parameter": [*_said(given), *_versions(found)],
        "contains": [_member(one, wanted.language, designations) for one in found.members],
    }


def _said(given: Parameters) -> list[Resource]:
    """The parameters that shaped the expansion, as they were given."""
    names: dict[str, str] = {
        "filter": "String", "displayLanguage": "Code", "activeOnly": "Boolean", "excludeNotForUI": "Boolean",
        "includeDesignations": "Boolean", "count": "Integer", "offset": "Integer",
    }  # fmt: skip
    found = []
    for name, kind in names.items():
        value = given.one(name)
        if value is not None:
            read: Any = given.flag(name) if kind == "Boolean" else int(value) if kind == "Integer" else value
            found.append({"name": name, f"value{kind}": read})
    return found


def _versions(found: Expansion) -> list[Resource]:
    used = sorted({f"{one.system}|{one.version}" for one in found.members if one.version})
    return [{"name": "version", "valueUri": one} for one in used]


def _member(member: Member, language: str | None, designations: bool) -> Resource:
    shown = member.display_in(language)
    return {
        "system": member.system,
        **({"abstract": True} if member.abstract else {}),
        **({"inactive": True} if member.inactive else {}),
        "code": member.code,
        **({"display": shown} if shown else {}),
        **(
            {"designation": [one.as_json() for one in member.designations]}
            if designations and member.designations
            else {}
        ),
    }


OPERATION = Operation(
    name="expand",
    definition=DEFINITION,
    levels=frozenset({"type", "instance"}),
    types=("ValueSet",),
    run=run,
)
