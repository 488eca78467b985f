"""What one element contributes to the index, by the type of the search parameter and the FHIR type of the element.

Every element that is there leaves the token that its parameter is present, whatever else can be read from it.
To index one more FHIR type: a maker here and a line in `MAKERS`.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any

from careloop.errors import Rejected
from careloop.fhir import tokens
from careloop.fhir.dates import Interval, interval, period_interval, timing_interval

_REMEMBERED = 1024
"""Concepts of one parameter of one type."""


class Collector:
    """Where the findings about one resource are put, and for which tenant and zone."""

    __slots__ = ("dates", "patients", "quantities", "references", "strings", "tenant_id", "tokens", "words", "zone")

    def __init__(self, tenant_id: int, zone: tzinfo) -> None:
        self.tenant_id = tenant_id
        self.zone = zone
        self.tokens: set[int] = set()
        self.dates: dict[tuple[str, datetime, datetime], None] = {}
        self.strings: dict[tuple[str, str], None] = {}
        self.quantities: dict[tuple[str, Decimal, str], None] = {}
        self.references: dict[str, None] = {}
        self.patients: dict[str, str] = {}
        self.words: set[tokens.Word] = set()
        """Few different ones for each code, whatever the number of resources."""

    def word(self, resource_type: str, parameter: str, text: str) -> None:
        """A coded value is found by this text too."""
        found = tokens.word(self.tenant_id, resource_type, parameter, text)
        if found[1]:
            self.tokens.add(found[2])
            self.words.add(found)


Emitter = Callable[[Collector, Any], None]
Maker = Callable[[str, str], Emitter]
"""Takes the resource type and the name of the parameter."""


def _coding(resource_type: str, parameter: str) -> Emitter:
    def emit(collector: Collector, coding: Any) -> None:
        found = tokens.coding_hashes(
            collector.tenant_id, resource_type, parameter, coding.get("system"), coding.get("code")
        )
        collector.tokens.update(found)
        if "display" in coding:
            collector.word(resource_type, parameter, coding["display"])

    return emit


def _codeable_concept(resource_type: str, parameter: str) -> Emitter:
    """The same few concepts come again and again: what one with a single coding leaves is remembered by its texts."""
    known: dict[tuple[Any, ...], tuple[frozenset[int], frozenset[tokens.Word]]] = {}

    def emit(collector: Collector, concept: Any) -> None:
        codings = concept.get("coding", ())
        if len(codings) != 1:
            walk(collector, concept)
            return
        get = codings[0].get
        key = (collector.tenant_id, get("system"), get("code"), get("display"), concept.get("text"))
        left = known.get(key)
        if left is None:
            aside = Collector(collector.tenant_id, collector.zone)
            walk(aside, concept)
            if len(known) >= _REMEMBERED:
                known.clear()
            left = known[key] = frozenset(aside.tokens), frozenset(aside.words)
        collector.tokens |= left[0]
        collector.words |= left[1]

    def walk(collector: Collector, concept: Any) -> None:
        tenant_id, found = collector.tenant_id, collector.tokens
        found.add(tokens.present_hash(tenant_id, resource_type, parameter))
        for coding in concept.get("coding", ()):
            get = coding.get
            found.update(tokens.coding_hashes(tenant_id, resource_type, parameter, get("system"), get("code")))
            if "display" in coding:
                collector.word(resource_type, parameter, coding["display"])
        if "text" in concept:
            collector.word(resource_type, parameter, concept["text"])

    return emit


def _identifier(resource_type: str, parameter: str) -> Emitter:
    of_type = parameter + tokens.OF_TYPE

    def emit(collector: Collector, identifier: Any) -> None:
        value = identifier.get("value")
        texts = tokens.coding_texts(identifier.get("system"), value)
        collector.tokens.update(tokens.hashes(collector.tenant_id, resource_type, parameter, *texts))
        if "type" in identifier and "text" in identifier["type"]:
            collector.word(resource_type, parameter, identifier["type"]["text"])
        if "type" in identifier and value is not None:
            for one in identifier["type"].get("coding", ()):
                text = f"{one.get('system', '')}|{one.get('code', '')}|{tokens.exact(value)}"
                collector.tokens.add(tokens.token_hash(collector.tenant_id, resource_type, of_type, text))

    return emit


def _contact_point(resource_type: str, parameter: str) -> Emitter:
    def emit(collector: Collector, contact: Any) -> None:
        value = contact.get("value")
        texts = () if value is None else tokens.contact_texts(value)
        collector.tokens.update(tokens.hashes(collector.tenant_id, resource_type, parameter, *texts))

    return emit


def _plain_token(resource_type: str, parameter: str) -> Emitter:
    def emit(collector: Collector, value: Any) -> None:
        text = value if type(value) is str else "true" if value else "false"
        collector.tokens.update(tokens.hashes(collector.tenant_id, resource_type, parameter, text))

    return emit


def _address(resource_type: str, parameter: str) -> Emitter:
    def emit(collector: Collector, url: str) -> None:
        texts = tokens.canonical_texts(url)
        found = tokens.hashes(collector.tenant_id, resource_type, parameter, *texts)
        collector.tokens.update(found)
        collector.words.add(tokens.address_word(collector.tenant_id, resource_type, parameter, texts[-1]))

    return emit


def _reference(resource_type: str, parameter: str) -> Emitter:
    by_identifier = parameter + tokens.IDENTIFIER

    def emit(collector: Collector, value: Any) -> None:
        reference = value.get("reference")
        if reference is not None and not reference.startswith("#"):
            local = tokens.local_reference(reference)
            found = tokens.hashes(collector.tenant_id, resource_type, parameter, local or reference)
            collector.tokens.update(found)
            if local is not None:
                collector.references[local] = None
                if local.startswith("Patient/"):
                    collector.patients.setdefault(parameter, local[8:])
        else:
            collector.tokens.add(tokens.present_hash(collector.tenant_id, resource_type, parameter))
        if "identifier" in value:
            one = value["identifier"]
            texts = tokens.coding_texts(one.get("system"), one.get("value"))
            collector.tokens.update(tokens.hashes(collector.tenant_id, resource_type, by_identifier, *texts))

    return emit


def _string(resource_type: str, parameter: str) -> Emitter:
    as_written = parameter + tokens.EXACT

    def emit(collector: Collector, text: str) -> None:
        collector.tokens.add(tokens.present_hash(collector.tenant_id, resource_type, parameter))
        collector.tokens.add(tokens.token_hash(collector.tenant_id, resource_type, as_written, text))
        plain = tokens.normal(text)
        if plain:
            collector.strings[parameter, plain[: tokens.MAX_STRING]] = None

    return emit


def _parts(names: tuple[str, ...]) -> Maker:
    """The texts inside a HumanName or an Address, each searchable as a string."""

    def make(resource_type: str, parameter: str) -> Emitter:
        emit_text = _string(resource_type, parameter)

        def emit(collector: Collector, value: Any) -> None:
            collector.tokens.add(tokens.present_hash(collector.tenant_id, resource_type, parameter))
            for name in names:
                part = value.get(name)
                for text in part if type(part) is list else (part,):
                    if text is not None:
                        emit_text(collector, text)

        return emit

    return make


def _date(read: Callable[[Any, tzinfo], Interval | None]) -> Maker:
    def make(resource_type: str, parameter: str) -> Emitter:
        def emit(collector: Collector, value: Any) -> None:
            collector.tokens.add(tokens.present_hash(collector.tenant_id, resource_type, parameter))
            try:
                found = read(value, collector.zone)
            except Rejected:
                return
            if found is not None:
                collector.dates[parameter, found[0], found[1]] = None

        return emit

    return make


def _measured(read: Callable[[Any], tuple[tuple[Any, str], ...]]) -> Maker:
    def make(resource_type: str, parameter: str) -> Emitter:
        def emit(collector: Collector, value: Any) -> None:
            collector.tokens.add(tokens.present_hash(collector.tenant_id, resource_type, parameter))
            for number, unit in read(value):
                if number is not None:
                    collector.quantities[parameter, Decimal(number), unit] = None

        return emit

    return make


def _number(value: Any) -> tuple[tuple[Any, str], ...]:
    return ((value, ""),)


def _quantity(value: Any) -> tuple[tuple[Any, str], ...]:
    code = value.get("code")
    unit = f"{value.get('system', '')}|{code}" if code is not None else f"|{value.get('unit', '')}"
    return ((value.get("value"), unit),)


def _money(value: Any) -> tuple[tuple[Any, str], ...]:
    return ((value.get("value"), f"urn:iso:std:iso:4217|{value.get('currency', '')}"),)


def _range(value: Any) -> tuple[tuple[Any, str], ...]:
    """Both ends: a range is found by a search that one of its ends satisfies."""
    return tuple(one for end in ("low", "high") if end in value for one in _quantity(value[end]))


MAKERS: Mapping[tuple[str, str], Maker] = {
    ("token", "CodeableConcept"): _codeable_concept,
    ("token", "Coding"): _coding,
    ("token", "ContactPoint"): _contact_point,
    ("token", "Identifier"): _identifier,
    ("token", "boolean"): _plain_token,
    ("token", "code"): _plain_token,
    ("token", "id"): _plain_token,
    ("token", "string"): _plain_token,
    ("token", "uri"): _plain_token,
    ("uri", "canonical"): _address,
    ("uri", "uri"): _address,
    ("uri", "url"): _address,
    ("reference", "Reference"): _reference,
    ("reference", "canonical"): _address,
    ("reference", "uri"): _address,
    ("string", "string"): _string,
    ("string", "markdown"): _string,
    ("string", "HumanName"): _parts(("text", "family", "given", "prefix", "suffix")),
    ("string", "Address"): _parts(("text", "line", "city", "district", "state", "postalCode", "country")),
    ("date", "date"): _date(interval),
    ("date", "dateTime"): _date(interval),
    ("date", "instant"): _date(interval),
    ("date", "Period"): _date(period_interval),
    ("date", "Timing"): _date(timing_interval),
    ("number", "decimal"): _measured(_number),
    ("number", "integer"): _measured(_number),
    ("number", "positiveInt"): _measured(_number),
    ("number", "unsignedInt"): _measured(_number),
    ("number", "Range"): _measured(_range),
    ("quantity", "Age"): _measured(_quantity),
    ("quantity", "Count"): _measured(_quantity),
    ("quantity", "Distance"): _measured(_quantity),
    ("quantity", "Duration"): _measured(_quantity),
    ("quantity", "Quantity"): _measured(_quantity),
    ("quantity", "Money"): _measured(_money),
    ("quantity", "Range"): _measured(_range),
}
"""By type of parameter and FHIR type. What is not here contributes nothing (Age for a date, SampledData)."""
