"""The resources that a message's groups make: filled by their maps, named so that a resend or a correction finds them
again, and tied to each other. Pure; whose record they belong to is not known yet (`PATIENT` stands for that).
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from careloop.fhir.ids import derived_id
from careloop.intake.addresses import values_at
from careloop.intake.conversions import CONVERSIONS
from careloop.intake.datatypes import Context, Json, Rule
from careloop.intake.hl7v2 import Message, Segment
from careloop.intake.identifiers import entity_system
from careloop.intake.mapping import Mappings, fill, nested, wrapped
from careloop.intake.structures import Group, ResourceRule, Structure, group_segments

PATIENT = "Patient/?"
"""The person of the message, before it is known who that is."""
_NESTED = (dict, list)


@dataclass(frozen=True, kw_only=True)
class Place:
    """What facts of one person refer to: `number` names the person to keys, `encounter_id` the visit, if any."""

    number: str
    encounter_id: str | None


@dataclass(kw_only=True)
class Made:
    """What a message made: resources by the place of their person in the message, and the fields that nothing read."""

    resources: dict[int, list[Json]] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)


def make(structure: Structure, message: Message, people: Sequence[Place], mappings: Mappings, context: Context) -> Made:
    """Every resource that this structure makes of the message."""
    root = group_segments(structure, message.segments)
    making = _Making(structure, people, mappings, context, root)
    making.fill_all()
    making.tie_all()
    return Made(resources=making.by_person(), unread=_unread(structure, mappings, message))


def of_patient(resource: Any, patient_id: str) -> Any:
    """The resource with the person it belongs to in place of `PATIENT`."""
    if isinstance(resource, dict):
        if resource.get("reference") == PATIENT:
            return {**resource, "reference": f"Patient/{patient_id}"}
        return {
            key: of_patient(value, patient_id) if isinstance(value, _NESTED) else value
            for key, value in resource.items()
        }
    if isinstance(resource, list):
        return [of_patient(one, patient_id) if isinstance(one, _NESTED) else one for one in resource]
    return resource


def renamed(resource: Any, names: Mapping[str, str]) -> Any:
    """The resource with these references in place of others, its own id too."""
    if isinstance(resource, dict):
        found = {key: renamed(value, names) for key, value in resource.items()}
        if resource.get("reference") in names:
            found["reference"] = names[resource["reference"]]
        own = names.get(f"{resource.get('resourceType')}/{resource.get('id')}")
        return {**found, "id": own.partition("/")[2]} if own else found
    if isinstance(resource, list):
        return [renamed(one, names) for one in resource]
    return resource


class _Making:
    """Fills resources group by group, then ties them together."""

    def __init__(
        self, structure: Structure, people: Sequence[Place], mappings: Mappings, context: Context, root: Group
    ) -> None:
        self._structure = structure
        self._people = people
        self._mappings = mappings
        self._context = context
        self._root = root
        self._made: dict[tuple[str, int], Json] = {}
        self._by_reference: dict[str, tuple[Json, Group]] = {}
        self._order: list[tuple[ResourceRule, Group, Json]] = []
        self._ids: set[str] = set()
        self._person = _people_of(root)

    def fill_all(self) -> None:
        groups: dict[str, list[Group]] = {}
        for group in (self._root, *self._root.below()):
            groups.setdefault(group.name, []).append(group)
        for rule in self._structure.resources:
            for group in groups.get(rule.group, ()):
                resource = self._fill(rule, group)
                if resource is not None:
                    self._made[rule.name, id(group)] = resource
                    self._by_reference[f"{rule.resource}/{resource['id']}"] = (resource, group)
                    self._order.append((rule, group, resource))

    def tie_all(self) -> None:
        for rule, group, resource in self._order:
            for path, target in rule.refer.items():
                self._tie(resource, path, target.names, target.into, group)

    def by_person(self) -> dict[int, list[Json]]:
        found: dict[int, list[Json]] = {}
        for _, group, resource in self._order:
            found.setdefault(self._person_of(group), []).append(resource)
        return found

    def _person_of(self, group: Group) -> int:
        walk: Group | None = group
        while walk is not None:
            if id(walk) in self._person:
                return self._person[id(walk)]
            walk = walk.parent
        return 0

    def _place(self, group: Group) -> Place:
        number = self._person_of(group)
        return self._people[number] if number < len(self._people) else Place(number="", encounter_id=None)

    def _fill(self, rule: ResourceRule, group: Group) -> Json | None:
        view = group.view
        if rule.collect:
            view = {**view, **_below(group, rule.collect)}
        if rule.tests and any(not test.holds(view) for test in rule.tests):
            return None
        flat: Json = {}
        for name in rule.maps:
            fill(self._mappings.segments[name], view, self._context, flat)
        if any(flat.get(path) is None for path in rule.needs):
            return None
        if rule.wants and all(flat.get(path) is None for path in rule.wants):
            return None
        resource = nested(flat)
        for name in rule.maps:
            for element, value in self._mappings.segments[name].constants.items():
                resource.setdefault(element, value)
        for element, value in rule.constants.items():
            resource.setdefault(element, value)
        return {"resourceType": rule.resource, "id": self._id(rule, group, view), **resource}

    def _id(self, rule: ResourceRule, group: Group, view: Mapping[str, Sequence[Segment]]) -> str:
        parts = self._key(rule, group, view)
        tenant = self._context.tenant_id
        own_id = derived_id(tenant, rule.resource, *parts)
        if own_id in self._ids and rule.distinct:
            told = [_text_at(address, view) for address in rule.distinct]
            own_id = derived_id(tenant, rule.resource, *parts, *told)
        number = 2
        while own_id in self._ids:
            own_id = derived_id(tenant, rule.resource, *parts, f"#{number}")
            number += 1
        self._ids.add(own_id)
        return own_id

    def _key(self, rule: ResourceRule, group: Group, view: Mapping[str, Sequence[Segment]]) -> list[str]:
        scope = [self._place(group).number] if rule.scope == "patient" else []
        for alternative in rule.key:
            parts = [self._part(one, group, view) for one in alternative]
            if all(parts):
                told = any(one.startswith("@") or "." not in one for one in alternative)
                return [*scope, *([] if told or scope else [self._context.facility]), *parts]
        words = "\r".join("|".join(segment.fields[2:]) for segment in group.segments)
        return [self._place(group).number, hashlib.sha256(words.encode()).hexdigest()]

    def _part(self, one: str, group: Group, view: Mapping[str, Sequence[Segment]]) -> str:
        if one.startswith("@"):
            found = self._named(one[1:], group)
            return str(found[0]["id"]) if found else ""
        if one.startswith("?"):
            return _text_at(one[1:], view) or "-"
        if "." in one:
            return _text_at(one, view)
        for value in values_at(one, view)[:1]:
            number = value.component(1).strip()
            if number and number != '""':
                return f"{entity_system(value, self._context)}|{number}"
        return ""

    def _tie(self, resource: Json, path: str, names: Sequence[str], into: Any, group: Group) -> None:
        tied = False
        for name in names:
            found = self._references(name.removeprefix("and "), group) if not tied or name.startswith("and ") else []
            if not found:
                continue
            values = [self._wrapped(into, one) if into is not None else one for one in found]
            _merge(resource, nested({path: values if path.endswith("[]") else values[0]}))
            tied = True

    def _wrapped(self, pattern: Any, reference: Json) -> Any:
        """The reference in its pattern; what the pattern takes from the resource, or from the segments that made it,
        stands beside."""
        made = self._by_reference.get(reference["reference"])
        found = wrapped(pattern, reference)
        if made is None or not isinstance(found, dict):
            return found
        resource, group = made
        told = {key: self._taken(part, resource, group) for key, part in found.items()}
        return {key: part for key, part in told.items() if part is not None}

    def _taken(self, part: Any, resource: Mapping[str, Any], group: Group) -> Any:
        if not isinstance(part, str) or not part.startswith("$"):
            return part
        address, *words = part[1:].split()
        if not words:
            return resource.get(address)
        values = values_at(address, group.view)
        rule = Rule(address=address, table=self._context.tables[words[1]] if len(words) > 1 else None)
        return CONVERSIONS[words[0]](values[0], rule, self._context) if values else None

    def _references(self, name: str, group: Group) -> list[Json]:
        if name == "patient":
            return [{"reference": PATIENT}]
        if name == "diagnosis":
            return self._diagnoses(group)
        if name == "encounter":
            own_id = self._place(group).encounter_id
            return [{"reference": f"Encounter/{own_id}"}] if own_id else []
        return [{"reference": f"{one['resourceType']}/{one['id']}"} for one in self._named(name, group)]

    def _diagnoses(self, group: Group) -> list[Json]:
        """The Conditions of the DG1 that stand in this group, where the message names a visit that they belong to."""
        encounter_id = self._place(group).encounter_id
        mapping = self._mappings.segments["condition"]
        found = {}
        for segment in group.segments if encounter_id else ():
            told = fill(mapping, {"DG1": [segment]}, self._context) if segment.name == "DG1" else {}
            if told.get("code"):
                reference = f"Condition/{condition_id(self._context.tenant_id, str(encounter_id), told)}"
                self._by_reference[reference] = (told, Group(rule=None, segments=[segment]))
                found[reference] = {"reference": reference}
        return list(found.values())

    def _named(self, name: str, group: Group) -> list[Json]:
        """The resource of that name around this group, else those below it; `near x` also looks below its parent."""
        near = name.startswith("near ")
        name = name.removeprefix("near ")
        walk: Group | None = group
        while walk is not None:
            if (name, id(walk)) in self._made:
                return [self._made[name, id(walk)]]
            walk = walk.parent
        start = group.parent if near and group.parent else group
        return [self._made[name, id(one)] for one in start.below() if (name, id(one)) in self._made]


def condition_id(tenant_id: int, scope: str, condition: Mapping[str, Any]) -> str:
    """The id of a diagnosis: the same code within the same stay (or person) is the same Condition."""
    code = condition["code"]
    first = next(iter(code.get("coding", ())), None)
    key = f"{first.get('system', '')}|{first.get('code', '')}" if first else str(code.get("text", ""))
    return derived_id(tenant_id, "condition", scope, key)


def _merge(whole: Json, added: Mapping[str, Any]) -> None:
    for name, value in added.items():
        present = whole.get(name)
        if present is None:
            whole[name] = value
        elif isinstance(present, dict) and isinstance(value, dict) and "reference" not in value:
            _merge(present, value)
        elif isinstance(present, list) and isinstance(value, list):
            present += [one for one in value if one not in present]


def _people_of(root: Group) -> dict[int, int]:
    """The groups that hold a PID, by the order of their person in the message."""
    holders = [group for group in (root, *root.below()) for segment in group.segments if segment.name == "PID"]
    return {id(group): number for number, group in enumerate(holders)} if len(holders) > 1 else {}


def _below(group: Group, names: Sequence[str]) -> dict[str, list[Segment]]:
    found: dict[str, list[Segment]] = {}
    for one in (group, *group.below()):
        for segment in one.segments:
            if segment.name in names:
                found.setdefault(segment.name, []).append(segment)
    return found


def _text_at(address: str, view: Mapping[str, Sequence[Segment]]) -> str:
    values = values_at(address, view)
    return values[0].component(1).strip() if values else ""


def _unread(structure: Structure, mappings: Mappings, message: Message) -> list[str]:
    """Segments, and fields of known segments, that hold something and that no map of this message looks at."""
    read = read_fields(structure, mappings)
    known = {address.partition("-")[0] for address in read}
    found: dict[str, None] = {}
    for segment in message.segments:
        if segment.name not in known:
            found[segment.name] = None
            continue
        for number, raw in enumerate(segment.fields):
            if number and raw and f"{segment.name}-{number}" not in read:
                found[f"{segment.name}-{number}"] = None
    return list(found)


_READ: dict[tuple[int, str], frozenset[str]] = {}
_ALWAYS = ("PID", "PD1", "NK1", "PV1", "PV2", "AL1", "DG1", "EVN", "MRG")
_ADT_MAPS = ("patient", "encounter", "related-person", "allergy-intolerance", "condition")
_BY_CODE = frozenset(
    [f"MSH-{number}" for number in range(1, 26)]
    + ["PV1-1", "PV1-2", "PV1-3", "PV1-18", "PV1-19", "PV1-36", "PV1-44", "PV1-45", "PID-1", "PID-18", "EVN-1", "EVN-2"]
    + ["PV2-8"]
    + ["EVN-6", "MRG-1", "MRG-4", "MRG-5", "DG1-1", "DG1-6", "DG1-15", "DG1-21", "AL1-1", "NK1-1", "NK1-2", "NK1-3"]
    + [f"{name}-1" for name in ("OBX", "OBR", "NTE", "IN1", "GT1", "PR1", "SPM", "TQ1", "RGS", "AIS", "AIG", "AIL")]
)


def read_fields(structure: Structure, mappings: Mappings) -> frozenset[str]:
    """The fields that reading a message of this structure looks at."""
    key = (id(mappings), structure.id)
    if key not in _READ:
        names = {*(name for one in structure.resources for name in one.maps), *_ADT_MAPS}
        keys = {part.partition(".")[0] for one in structure.resources for some in one.key for part in some}
        read = {address for name in names if name in mappings.segments for address in mappings.segments[name].read}
        _READ[key] = frozenset(read | keys | _BY_CODE)
    return _READ[key]
