"""The maps of outgoing messages, read once: compiled FHIRPath, tables of codes. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from careloop.errors import ContentError, Fault, Rejected
from careloop.fhir.fhirpath import Expression, compile_expression

FOLDER = "hl7v2-out"


@dataclass(frozen=True, kw_only=True)
class FieldMap:
    """One field of a segment: a fixed value, the segment's number, or what FHIRPath finds, written as a data type."""

    number: int
    value: str = ""
    is_number: bool = False
    source: Expression | None = None
    writer: str = ""
    table: Mapping[str, str] | None = None
    repeats: bool = False
    own_number: bool = False


@dataclass(frozen=True, kw_only=True)
class SegmentMap:
    """One segment for each item that `items` finds; where `needs` finds nothing, none. `notes` become NTE after it."""

    name: str
    items: Expression | None
    fields: Sequence[FieldMap]
    needs: Expression | None = None
    notes: Expression | None = None


@dataclass(frozen=True, kw_only=True)
class OutboundMap:
    """One kind of message. `triggers` are as in content; `events` are theirs, in the same order. Without `relay` only
    what was authored here is told."""

    id: str
    title: str
    relay: bool
    triggers: Sequence[Mapping[str, Any]]
    events: Sequence[str]
    names: Mapping[str, Expression] = field(default_factory=dict)
    segments: Sequence[SegmentMap] = ()

    @property
    def types(self) -> frozenset[str]:
        """The types whose changes it tells."""
        return frozenset(one["resource"] for one in self.triggers)


def read_maps(documents: Mapping[str, Mapping[str, Any]]) -> dict[str, OutboundMap]:
    """The active maps by name; `ContentError` holds every expression and table that is wrong."""
    tables = {
        name: table["codes"]
        for one in documents.values()
        if one["kind"] == "tables"
        for name, table in one["tables"].items()
    }
    found: dict[str, OutboundMap] = {}
    faults: list[Fault] = []
    for name, document in documents.items():
        if document["kind"] != "outbound" or document["status"] != "active":
            continue
        try:
            found[name] = _map(document, tables)
        except Rejected as error:
            faults.append(Fault(at=f"mappings/{FOLDER}/{name}.yaml: {error.at}", expected=error.expected))
    if faults:
        raise ContentError(faults)
    return found


def _map(document: Mapping[str, Any], tables: Mapping[str, Mapping[str, str]]) -> OutboundMap:
    return OutboundMap(
        id=document["id"],
        title=document["title"],
        relay=document.get("relay", False),
        triggers=document["triggers"],
        events=[one["event"] for one in document["triggers"]],
        names={name: compile_expression(text) for name, text in document.get("names", {}).items()},
        segments=[_segment(one, tables) for one in document["segments"]],
    )


def _segment(facts: Mapping[str, Any], tables: Mapping[str, Mapping[str, str]]) -> SegmentMap:
    items = facts.get("each") or facts.get("of")
    return SegmentMap(
        name=facts["segment"],
        items=compile_expression(items) if items else None,
        needs=compile_expression(facts["needs"]) if "needs" in facts else None,
        notes=compile_expression(facts["notes"]) if "notes" in facts else None,
        fields=[_field(facts["segment"], at, one, tables) for at, one in facts["fields"].items()],
    )


def _field(segment: str, at: str, facts: Mapping[str, Any], tables: Mapping[str, Mapping[str, str]]) -> FieldMap:
    name, _, number = at.partition("-")
    if name != segment:
        raise Rejected(at=at, expected=f"a field of {segment}")
    if facts.get("table") and facts["table"] not in tables:
        raise Rejected(at=at, expected="a table of hl7v2-out/tables.yaml")
    table = tables.get(facts["table"]) if "table" in facts else tables.get("coding-system", {})
    return FieldMap(
        number=int(number),
        value=facts.get("value", ""),
        is_number=facts.get("number", False),
        source=compile_expression(facts["from"]) if "from" in facts else None,
        writer=facts.get("as", ""),
        table=table if facts.get("as") == "code" else None,
        repeats=facts.get("all", False),
        own_number=facts.get("with") == "own-number",
    )
