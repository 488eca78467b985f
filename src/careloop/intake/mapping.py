"""Interprets the mapping files of `content/mappings/hl7v2`: a closed list of words, no expressions.

A line says: take `from` (a field or part of it, or the first of several that holds something), convert it `as`, put it
`to` an element. `content/mappings/hl7v2/README.md` explains every word; the schema `content/schemas/mappings.json` is
the list of them. A line without `from` puts a `value`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from careloop.errors import ContentError, Fault, Rejected
from careloop.intake.addresses import Segments, Test, tests_of, values_at, views_of
from careloop.intake.amending import Amending
from careloop.intake.contacts import contacts
from careloop.intake.conversions import CONVERSIONS
from careloop.intake.datatypes import Context, Json, Rule, Table
from careloop.intake.hl7v2 import Value
from careloop.intake.model import Effect
from careloop.intake.structures import Structure, structure_faults, structure_of
from careloop.intake.tables import CodeMaps
from careloop.intake.values import text_data

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One line of a segment map, ready to run."""

    to: str
    sources: tuple[str, ...]
    word: str
    each: bool
    adds: bool
    join: str | None
    tests: tuple[Test, ...]
    unless: tuple[str, ...]
    unless_made: tuple[str, ...]
    only: str | None
    into: Any
    value: Any
    table: Table | None
    options: Mapping[str, Any]
    beside: Mapping[str, str]
    defaults: Mapping[str, str]
    places: tuple[tuple[str, int], ...]
    """Segment and field of each source; field 0 is the whole segment."""


@dataclass(frozen=True, kw_only=True)
class SegmentMapping:
    """One mapping file: lines that fill one resource from segments. `read` are the fields that it looks at."""

    id: str
    resource: str
    lines: tuple[Line, ...]
    constants: Mapping[str, Any]
    skip_when: Mapping[str, Any] | None
    read: frozenset[str]
    _by_names: dict[frozenset[str], tuple[Line, ...]] = field(default_factory=dict, repr=False, compare=False)

    def lines_for(self, segments: Segments) -> tuple[Line, ...]:
        """The lines that may find anything where these segments stand."""
        names = frozenset(segments)
        found = self._by_names.get(names)
        if found is None:
            found = tuple(line for line in self.lines if not line.sources or _names_of(line.sources) & names)
            self._by_names[names] = found
        return found


@dataclass(frozen=True, kw_only=True)
class Mappings:
    """All HL7 v2 mapping content, ready for use."""

    events: Mapping[str, EventRule]
    tables: Mapping[str, Table]
    segments: Mapping[str, SegmentMapping]
    structures: Mapping[tuple[str, str], Structure] = field(default_factory=dict)
    amending: Amending = field(default_factory=Amending)

    def structure(self, message_type: str, event: str) -> Structure | None:
        """How a message of this type and event is built; None when we do not take it. A type without an event is
        taken where one structure of that type says so."""
        return self.structures.get((message_type, event)) or self.structures.get((message_type, "*"))

    def effect(self, message_type: str, event: str) -> Effect:
        """What the event does to a stay: only ADT opens and closes, other messages add to it."""
        return self.events[event].effect if message_type == "ADT" else Effect.FIELDS

    def names_person(self, message_type: str, event: str) -> bool:
        """False for the events that are about no person at all."""
        return self.events[event].names_person if message_type == "ADT" else True

    @property
    def known_types(self) -> frozenset[str]:
        """The message types that are taken."""
        return frozenset(kind for kind, _ in self.structures)


def load_mappings(
    documents: Mapping[str, Mapping[str, Any]], code_maps: Mapping[str, Mapping[str, Any]] | None = None
) -> Mappings:
    """The mappings in `documents`, with the official `code_maps` as tables by their own names. `ContentError` names
    each word that the engine does not know."""
    events: dict[str, EventRule] = {}
    tables = _official(code_maps or {})
    for document in documents.values():
        if document["kind"] == "events":
            events |= {code: _event(line) for code, line in document["events"].items()}
        elif document["kind"] == "tables":
            tables |= {name: Table(**table) for name, table in document["tables"].items()}
    maps = [document for document in documents.values() if document["kind"] == "segments"]
    faults = [fault for document in maps for fault in _faults(document, tables)]
    if faults:
        raise ContentError(faults)
    segments = {document["id"]: _segment_mapping(document, tables) for document in maps}
    parts = {document["id"]: document for document in documents.values() if document["kind"] == "parts"}
    structures = [structure_of(document, parts) for document in documents.values() if document["kind"] == "messages"]
    names = {resource.name for one in structures for resource in one.resources}
    faults = [fault for one in structures for fault in structure_faults(one, segments, names)]
    if faults:
        raise ContentError(faults)
    by_event = {event: one for one in structures for event in one.events}
    return Mappings(events=events, tables=tables, segments=segments, structures=by_event)


def fill(mapping: SegmentMapping, segments: Segments, context: Context, result: Json | None = None) -> Json:
    """The elements that `mapping` finds in `segments`, by their path, joined to `result`; None where the field holds
    the null `""`: to delete."""
    found: Json = {} if result is None else result
    if mapping.skip_when and _code_matches(mapping.skip_when, segments):
        return found
    for line in mapping.lines_for(segments):
        _apply(line, segments, context, found)
    return found


def _names_of(addresses: Sequence[str]) -> frozenset[str]:
    return frozenset(address.partition("-")[0] for address in addresses)


def _is_silent(line: Line, segments: Segments) -> bool:
    """True when none of its fields holds anything: most lines, for most messages."""
    for name, number in line.places:
        for segment in segments.get(name, ()):
            if not number or segment.raw(number):
                return False
    return True


def _apply(line: Line, segments: Segments, context: Context, result: Json) -> None:
    to = line.to
    if (line.sources and _is_silent(line, segments)) or (not line.adds and result.get(to) is not None):
        return
    if line.unless_made and any(result.get(path) is not None for path in line.unless_made):
        return
    if line.tests and any(not test.holds(segments) for test in line.tests):
        return
    if line.unless and any(values_at(address, segments) for address in line.unless):
        return
    if not line.sources:
        _put(line, [line.value], result)
        return
    every = line.each or line.join is not None
    for address in line.sources:
        if line.word == "contact":
            found: list[Any] = contacts(segments, context)
        else:
            found = []
            for view in views_of(address, segments) if every and line.beside else (segments,):
                values = values_at(address, view, every=every)
                if values and values[0].is_null:
                    result.setdefault(to, None)
                    return
                found += _converted(line, address, values if every else values[:1], view, context)
        if found:
            _put(line, found if line.join is None else [line.join.join(found)], result)
            return


def _converted(line: Line, address: str, values: Sequence[Value], segments: Segments, context: Context) -> list[Any]:
    if not values:
        return []
    convert = CONVERSIONS[line.word]
    prepared = Rule(address=address, table=line.table, options=_options(line, segments))
    found = []
    for value in values:
        try:
            converted = convert(value, prepared, context)
        except Rejected as error:
            if address in _CHECKED:
                raise
            context.notes.append(f"{error.at}: left out, expected {error.expected}")
            continue
        if converted is not None and (line.only is None or str(converted).lower() == line.only):
            found.append(converted)
    return found


def _options(line: Line, segments: Segments) -> Mapping[str, Any]:
    if not line.beside and not line.defaults:
        return line.options
    options = dict(line.options)
    for name, address in line.beside.items():
        options[name] = values_at(address, segments)
    for name, address in line.defaults.items():
        values = values_at(address, segments)
        options[name] = values[0].component(1).strip() if values else ""
    return options


def _put(line: Line, found: list[Any], result: Json) -> None:
    if line.word in _GROUPED:
        found = [_grouped(_GROUPED[line.word], found)]
    elif line.into is not None:
        found = [wrapped(line.into, value) for value in found]
    if line.adds:
        present = result.get(line.to) or []
        result[line.to] = present + [value for value in found if value not in present]
    elif result.get(line.to) is None:
        result[line.to] = found[0]


def nested(flat: Mapping[str, Any]) -> Json:
    """Elements by path as one object: `a.b[].c` is `c` in the first entry of the list `b`; nulls are left out."""
    whole: Json = {}
    for path, value in flat.items():
        if value is None:
            continue
        holder: Any = whole
        *before, last = _steps(path)
        for name, is_list in before:
            if is_list:
                entries = holder.setdefault(name, [{}])
                holder = entries[0]
            else:
                holder = holder.setdefault(name, {})
        name, is_list = last
        if is_list:
            holder.setdefault(name, []).extend(value if isinstance(value, list) else [value])
        elif isinstance(holder.get(name), dict) and isinstance(value, dict):
            holder[name] = {**value, **holder[name]}
        else:
            holder[name] = value
    return whole


@cache
def _steps(path: str) -> tuple[tuple[str, bool], ...]:
    return tuple((step.removesuffix("[]"), step.endswith("[]")) for step in path.split("."))


def _grouped(url: str, categories: Sequence[Json]) -> Json:
    """The US Core extension for race or ethnicity: categories known to the OMB, and the words for all."""
    parts: list[Json] = []
    for category in categories:
        coded = {"url": "ombCategory", "valueCoding": category.get("coding")}
        if category.get("coding") and coded not in parts:
            parts.append(coded)
    words = ", ".join(dict.fromkeys(category["text"] for category in categories))
    return {"url": url, "extension": [*parts, {"url": "text", "valueString": words}]}


def wrapped(pattern: Any, value: Any) -> Any:
    """`value` inside `pattern`, in the place of `$value`; `$attachment` is the value as a text attachment."""
    if pattern == "$value":
        return value
    if pattern == "$attachment":
        return text_data(value)
    if isinstance(pattern, dict):
        return {key: wrapped(part, value) for key, part in pattern.items()}
    if isinstance(pattern, list):
        return [wrapped(part, value) for part in pattern]
    return pattern


def _code_matches(test: Mapping[str, Any], segments: Segments) -> bool:
    return any(value.component(1).strip().upper() in test["in"] for value in values_at(test["from"], segments))


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def _event(line: Mapping[str, Any]) -> EventRule:
    return EventRule(effect=Effect(line["effect"]), names_person=line.get("person", True))


def _official(documents: Mapping[str, Mapping[str, Any]]) -> dict[str, Table]:
    tables = {}
    for name, found in CodeMaps.of(documents).by_name.items():
        systems = {target.code: target.system for target in found.targets.values() if target.system}
        tables[name] = Table(
            codes={code: target.code for code, target in found.targets.items()},
            system=next(iter(systems.values()), None),
            systems=systems,
            display={target.code: target.display for target in found.targets.values() if target.display},
        )
    return tables


def _segment_mapping(document: Mapping[str, Any], tables: Mapping[str, Table]) -> SegmentMapping:
    return SegmentMapping(
        id=document["id"],
        resource=document["resource"],
        lines=tuple(_line(rule, tables) for rule in document["rules"]),
        constants=document.get("constants", {}),
        skip_when=document.get("skip-when"),
        read=frozenset(address.partition(".")[0] for rule in document["rules"] for address in _list(rule.get("from"))),
    )


def _line(rule: Mapping[str, Any], tables: Mapping[str, Table]) -> Line:
    unless_code = [{"from": one["from"], "not-in": one["in"]} for one in _list(rule.get("unless-code"))]
    return Line(
        to=rule["to"],
        sources=tuple(_list(rule.get("from"))),
        word=rule.get("as", ""),
        each=bool(rule.get("each")),
        adds=bool(rule.get("each")) or rule["to"].endswith("[]"),
        join=rule.get("join"),
        tests=tests_of([*_list(rule.get("when")), *unless_code]),
        unless=tuple(_list(rule.get("unless"))),
        unless_made=tuple(_list(rule.get("unless-made"))),
        only=str(rule["only"]).lower() if "only" in rule else None,
        into=rule.get("into"),
        value=rule.get("value"),
        table=tables[rule["table"]] if "table" in rule else None,
        options=rule.get("with", {}),
        beside=rule.get("beside", {}),
        places=tuple(_place(address) for address in _list(rule.get("from"))),
        defaults={name: rule[name] for name in ("default-system", "default-text") if name in rule},
    )


def _place(address: str) -> tuple[str, int]:
    name, _, rest = address.partition("-")
    return name, int(rest.partition(".")[0] or 0)


def _faults(document: Mapping[str, Any], tables: Mapping[str, Table]) -> list[Fault]:
    faults = []
    for number, rule in enumerate(document["rules"]):
        place = f"{document['id']} rules[{number}]"
        if "from" in rule and rule.get("as") not in CONVERSIONS and rule.get("as") != "contact":
            faults.append(Fault(at=f"{place}.as", expected=f"one of {', '.join(sorted(CONVERSIONS))}"))
        if rule.get("table") is not None and rule["table"] not in tables:
            faults.append(Fault(at=f"{place}.table", expected="a table of tables.yaml or an official code map"))
    return faults
