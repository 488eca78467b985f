"""Interprets the mapping files of `content/mappings/hl7v2`: a closed list of words, no expressions.

A rule says: take `from` (a field, or the first of several that holds something), convert it `as`, put it `to`.
`each` takes every repetition, `table` names a code table, `into` wraps the value, `with` hands options to the
conversion, `unless` (fields) and `unless-code` keep a rule silent, `only` lets one result pass. The schema in
`content/schemas/hl7v2-mapping.json` is the list of all words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from careloop.errors import ContentError, Fault, Rejected
from careloop.intake import datatypes
from careloop.intake.datatypes import Context, Conversion, Json, Rule, Table
from careloop.intake.hl7v2 import Segment, Value
from careloop.intake.model import Effect

Segments = Mapping[str, Sequence[Segment]]

CONVERSIONS: dict[str, Conversion] = {
    "identifier": datatypes.identifier,
    "account-identifier": datatypes.account_identifier,
    "ssn": datatypes.ssn,
    "human-name": datatypes.human_name,
    "family-name": datatypes.family_name,
    "address": datatypes.address,
    "contact-point": datatypes.contact_point,
    "code": datatypes.code,
    "codeable-concept": datatypes.codeable_concept,
    "local-concept": datatypes.local_concept,
    "text-concept": datatypes.text_concept,
    "date": datatypes.date,
    "date-time": datatypes.date_time,
    "boolean": datatypes.boolean,
    "integer": datatypes.integer,
    "race": datatypes.race,
    "ethnicity": datatypes.ethnicity,
    "practitioner": datatypes.practitioner,
    "participant": datatypes.participant,
}
_GROUPED = {
    "race": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race",
    "ethnicity": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-ethnicity",
}
_CHECKED = frozenset({"PID-7", "PID-29"})
"""Dates that matter so much that a message with an impossible one is refused; others are left out with a note."""


@dataclass(frozen=True, kw_only=True)
class EventRule:
    """One line of `adt-events.yaml`."""

    effect: Effect
    names_person: bool


@dataclass(frozen=True, kw_only=True)
class SegmentMapping:
    """One mapping file: rules that fill one resource from segments."""

    id: str
    resource: str
    rules: tuple[Mapping[str, Any], ...]
    constants: Mapping[str, Any]
    skip_when: Mapping[str, Any] | None


@dataclass(frozen=True, kw_only=True)
class Mappings:
    """All HL7 v2 mapping content, ready for use."""

    events: Mapping[str, EventRule]
    tables: Mapping[str, Table]
    segments: Mapping[str, SegmentMapping]


def load_mappings(documents: Mapping[str, Mapping[str, Any]]) -> Mappings:
    """The mappings in `documents` (by id). `ContentError` names each word that the engine does not know."""
    events: dict[str, EventRule] = {}
    tables: dict[str, Table] = {}
    segments: dict[str, SegmentMapping] = {}
    for document in documents.values():
        if document["kind"] == "events":
            events |= {code: _event(line) for code, line in document["events"].items()}
        elif document["kind"] == "tables":
            tables |= {name: Table(**table) for name, table in document["tables"].items()}
        else:
            segments[document["resource"]] = _segment_mapping(document)
    faults = [fault for mapping in segments.values() for fault in _faults(mapping, tables)]
    if faults:
        raise ContentError(faults)
    return Mappings(events=events, tables=tables, segments=segments)


def fill(mapping: SegmentMapping, segments: Segments, context: Context) -> Json:
    """The elements that `mapping` finds in `segments`; None where the field holds the null `""`: to delete."""
    result: Json = {}
    if mapping.skip_when and _code_matches(mapping.skip_when, segments):
        return result
    for rule in mapping.rules:
        _apply(rule, segments, context, result)
    return result


def _apply(rule: Mapping[str, Any], segments: Segments, context: Context, result: Json) -> None:
    if any(_values(address, segments) for address in _list(rule.get("unless"))):
        return
    if "unless-code" in rule and _code_matches(rule["unless-code"], segments):
        return
    to = rule["to"]
    for address in _list(rule["from"]):
        if rule["as"] == "contact":
            found: list[Any] = _contacts(segments, context)
        else:
            values = _values(address, segments)
            if values and values[0].is_null:
                result.setdefault(to, None)
                return
            found = _converted(rule, address, values if rule.get("each") else values[:1], segments, context)
        if found:
            _put(rule, to, found, result)
            return


def _converted(
    rule: Mapping[str, Any], address: str, values: Sequence[Value], segments: Segments, context: Context
) -> list[Any]:
    convert = CONVERSIONS[rule["as"]]
    prepared = Rule(
        address=address,
        table=context.tables[rule["table"]] if "table" in rule else None,
        options=_options(rule, segments),
    )
    found = []
    for value in values:
        try:
            converted = convert(value, prepared, context)
        except Rejected as error:
            if address in _CHECKED:
                raise
            context.notes.append(f"{error.at}: left out, expected {error.expected}")
            continue
        if converted is not None and str(converted).lower() == str(rule.get("only", converted)).lower():
            found.append(converted)
    return found


def _options(rule: Mapping[str, Any], segments: Segments) -> Mapping[str, Any]:
    options = dict(rule.get("with", {}))
    for name in ("default-system", "default-text"):
        if name in rule:
            values = _values(rule[name], segments)
            options[name] = values[0].component(1).strip() if values else ""
    return options


def _put(rule: Mapping[str, Any], to: str, found: list[Any], result: Json) -> None:
    if rule["as"] in _GROUPED:
        found = [_grouped(_GROUPED[rule["as"]], found)]
    elif "into" in rule:
        found = [_wrapped(rule["into"], value) for value in found]
    if rule.get("each"):
        present = result.get(to) or []
        result[to] = present + [value for value in found if value not in present]
    else:
        result.setdefault(to, found[0])


def _grouped(url: str, categories: Sequence[Json]) -> Json:
    """The US Core extension for race or ethnicity: categories known to the OMB, and the words for all."""
    parts: list[Json] = []
    for category in categories:
        coded = {"url": "ombCategory", "valueCoding": category.get("coding")}
        if category.get("coding") and coded not in parts:
            parts.append(coded)
    words = ", ".join(dict.fromkeys(category["text"] for category in categories))
    return {"url": url, "extension": [*parts, {"url": "text", "valueString": words}]}


def _wrapped(pattern: Any, value: Any) -> Any:
    if pattern == "$value":
        return value
    if isinstance(pattern, dict):
        return {key: _wrapped(part, value) for key, part in pattern.items()}
    if isinstance(pattern, list):
        return [_wrapped(part, value) for part in pattern]
    return pattern


def _contacts(segments: Segments, context: Context) -> list[Json]:
    """NK1 as Patient.contact: name, relation, ways to reach; the first of each, as Patient.contact holds one."""
    contacts = []
    for segment in segments.get("NK1", ()):
        plain = Rule(address="NK1-2")
        name = [found for value in segment.values(2) if (found := datatypes.human_name(value, plain, context))]
        telecom = [
            found
            for field in (5, 6)
            for value in segment.values(field)
            if (found := datatypes.contact_point(value, Rule(address=f"NK1-{field}"), context))
        ]
        roles = [(3, "relationship"), (7, "contact-role")]
        relationship = [
            found
            for field, table in roles
            for value in segment.values(field)
            if (found := datatypes.codeable_concept(value, Rule(address="", table=context.tables[table]), context))
        ]
        addresses = [found for value in segment.values(4) if (found := datatypes.address(value, plain, context))]
        contact = {"relationship": relationship, "name": name[:1], "telecom": telecom, "address": addresses[:1]}
        if name or telecom:
            contacts.append(
                {key: part[0] if key in ("name", "address") else part for key, part in contact.items() if part}
            )
    return contacts


def _values(address: str, segments: Segments) -> list[Value]:
    name, field = _place(address)
    found = segments.get(name, ())
    return found[0].values(field) if found and field else []


@cache
def _place(address: str) -> tuple[str, int]:
    """`PID-5` as its segment and field; field 0 for a segment alone."""
    name, _, field = address.partition("-")
    return name, int(field or 0)


def _code_matches(test: Mapping[str, Any], segments: Segments) -> bool:
    return any(value.component(1).strip().upper() in test["in"] for value in _values(test["from"], segments))


def _list(value: Any) -> list[str]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)


def _event(line: Mapping[str, Any]) -> EventRule:
    return EventRule(effect=Effect(line["effect"]), names_person=line.get("person", True))


def _segment_mapping(document: Mapping[str, Any]) -> SegmentMapping:
    return SegmentMapping(
        id=document["id"],
        resource=document["resource"],
        rules=tuple(document["rules"]),
        constants=document.get("constants", {}),
        skip_when=document.get("skip-when"),
    )


def _faults(mapping: SegmentMapping, tables: Mapping[str, Table]) -> list[Fault]:
    faults = []
    for number, rule in enumerate(mapping.rules):
        place = f"{mapping.id} rules[{number}]"
        if rule["as"] not in CONVERSIONS and rule["as"] != "contact":
            faults.append(Fault(at=f"{place}.as", expected=f"one of {', '.join(sorted(CONVERSIONS))}"))
        if rule.get("table") is not None and rule["table"] not in tables:
            faults.append(Fault(at=f"{place}.table", expected="a table of tables.yaml"))
    return faults
