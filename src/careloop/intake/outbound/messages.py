"""One message from a resource, its map, and what it refers to. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from careloop.fhir.fhirpath import Expression
from careloop.intake.hl7v2 import escape
from careloop.intake.outbound.datatypes import WRITERS, Json, Writing, date_time, entity, identifier
from careloop.intake.outbound.maps import FieldMap, OutboundMap, SegmentMap

_ENCODING = "^~\\&"


@dataclass(frozen=True, kw_only=True)
class Occasion:
    """Why and to whom: the event (`ADT^A01^ADT_A01`), the control id, when the change was and the message is made."""

    event: str
    control_id: str
    changed: datetime
    now: datetime
    receiver: tuple[str, str]
    production: bool


def make_message(map_: OutboundMap, focus: Json, occasion: Occasion, writing: Writing) -> bytes:
    """The message in UTF-8, each segment ended by CR."""
    values: dict[str, Any] = {"focus": focus, "changed": occasion.changed.isoformat()}
    for name, expression in map_.names.items():
        found = _found(expression, focus, values, writing)
        values[name] = found[0] if len(found) == 1 else found
    lines = [_header(occasion, writing)]
    for segment in map_.segments:
        lines += _segments(segment, focus, values, writing)
    return "".join(f"{line}\r" for line in lines).encode()


def _header(occasion: Occasion, writing: Writing) -> str:
    fields = [
        "MSH", _ENCODING, "CARELOOP", escape(writing.authority), *map(escape, occasion.receiver),
        date_time(occasion.now, writing), "", occasion.event, occasion.control_id,
        "P" if occasion.production else "T", "2.5.1", "", "", "", "", "", "UNICODE UTF-8",
    ]  # fmt: skip
    return "|".join(fields)


def _segments(segment: SegmentMap, focus: Json, values: Mapping[str, Any], writing: Writing) -> list[str]:
    items = [focus] if segment.items is None else _found(segment.items, focus, values, writing)
    lines: list[str] = []
    for number, item in enumerate(items, start=1):
        if segment.needs is not None and not _found(segment.needs, item, values, writing):
            continue
        lines.append(_segment(segment, item, number, {**values, "item": item}, writing))
        if segment.notes is not None:
            notes = _found(segment.notes, item, values, writing)
            lines += [f"NTE|{place}||{escape(str(one))}" for place, one in enumerate(notes, start=1)]
    return lines


def _segment(segment: SegmentMap, item: Json, number: int, values: Mapping[str, Any], writing: Writing) -> str:
    fields = [""] * (1 + max(one.number for one in segment.fields))
    fields[0] = segment.name
    for one in segment.fields:
        fields[one.number] = _field(one, item, number, values, writing)
    return "|".join(fields).rstrip("|")


def _field(map_: FieldMap, item: Json, number: int, values: Mapping[str, Any], writing: Writing) -> str:
    if map_.is_number:
        return str(number)
    if map_.source is None:
        return map_.value
    found = _found(map_.source, item, values, writing)
    texts = [one for one in (_written(map_, value, writing) for value in found) if one]
    if map_.own_number and (map_.repeats or not texts):
        texts.append(_own_number(map_.writer, item, writing))
    return "~".join(dict.fromkeys(texts)) if map_.repeats else next(iter(texts), "")


def _written(map_: FieldMap, value: Any, writing: Writing) -> str:
    if map_.table is not None:
        return map_.table.get(str(value).lower() if isinstance(value, bool) else str(value), "")
    return WRITERS[map_.writer](value, writing)


def _own_number(writer: str, item: Json, writing: Writing) -> str:
    """The id by which we know it: the receiver can name it to us."""
    own = {"system": f"urn:careloop:authority:{writing.authority}", "value": item["id"]}
    if writer == "entity":
        return entity(own, writing)
    kind = {"type": {"coding": [{"code": "PI" if item["resourceType"] == "Patient" else "VN"}]}}
    return identifier({**own, **kind}, writing)


def _found(expression: Expression, item: Json, values: Mapping[str, Any], writing: Writing) -> Sequence[Any]:
    return expression.evaluate(item, variables=values, resolve=writing.resolve)
