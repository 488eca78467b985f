"""The value side of a search parameter: commas, escapes, prefixes, and each type's own form."""

import re
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from decimal import Decimal

from careloop.errors import Rejected
from careloop.fhir import prefixes, tokens, ucum
from careloop.fhir.clauses import QuantityValue
from careloop.fhir.dates import parse
from careloop.fhir.model import SearchParameter
from careloop.fhir.prefixes import Alternatives

MAX_VALUES = 1000
MAX_VALUE_LENGTH = 4000

SYSTEMLESS = frozenset(("code", "boolean", "ContactPoint", "id", "string", "uri"))
"""FHIR types whose tokens carry no system: a system in the search value is implied by the element and left aside."""

ADDRESSES = frozenset(("canonical", "uri"))
"""FHIR types of references that are addresses: anything may stand there, a bare word too."""

_PREFIXED = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb|ap)?(.*)", re.DOTALL)
_NUMBER = re.compile(r"[+-]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})(?:[eE][+-]?\d{1,3})?", re.ASCII)
_ESCAPED = re.compile(r"\\([,$|\\])")


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """How texts of a request are read: `zone` for dates without an offset, `now` for `ap`, `base` of our own URLs."""

    zone: tzinfo
    now: datetime
    base: str | None = None


def split(text: str, separator: str) -> list[str]:
    """`text` cut at each `separator` that no backslash escapes; escapes stay in the parts."""
    parts, start, index = [], 0, 0
    while index < len(text):
        if text[index] == "\\":
            index += 2
            continue
        if text[index] == separator:
            parts.append(text[start:index])
            start = index + 1
        index += 1
    return [*parts, text[start:]]


def plain(text: str) -> str:
    """`text` without its escapes."""
    return _ESCAPED.sub(r"\1", text) if "\\" in text else text


def values(at: str, text: str) -> list[str]:
    """The alternatives of one search value, escapes still inside. `Rejected` for none, too many or too long ones."""
    found = split(text, ",")
    if len(found) > MAX_VALUES or len(text) > MAX_VALUES * MAX_VALUE_LENGTH:
        raise Rejected(at=at, expected=f"at most {MAX_VALUES} values", code="too-costly")
    if any(not one or len(one) > MAX_VALUE_LENGTH for one in found):
        raise Rejected(at=at, expected=f"values of 1 to {MAX_VALUE_LENGTH} characters", code="value")
    return found


def token_texts(at: str, text: str, parameter: SearchParameter) -> tuple[str, ...]:
    """The hash texts for one token value: `code`, `system|code`, `|code` or `system|`."""
    parts = [plain(part) for part in split(text, "|")]
    if len(parts) > 2 or not any(parts):
        raise Rejected(at=at, expected="a code, system|code, |code or system|", code="value")
    if len(parts) == 1:
        return tokens.contact_texts(parts[0]) if "ContactPoint" in parameter.kinds else (tokens.exact(parts[0]),)
    system, code = parts[0], tokens.exact(parts[1])
    whole = f"{system}|{code}"
    if not code or not parameter.kinds & SYSTEMLESS:
        return (whole,)
    return (whole, code) if parameter.kinds - SYSTEMLESS else (code,)


def of_type_texts(at: str, text: str) -> tuple[str, ...]:
    """The hash text of an identifier with its type: `system|type code|value`."""
    parts = [plain(part) for part in split(text, "|")]
    if len(parts) != 3 or not all(parts):
        raise Rejected(at=at, expected="type system|type code|identifier value", code="value")
    return (f"{parts[0]}|{parts[1]}|{tokens.exact(parts[2])}",)


def reference_texts(text: str, parameter: SearchParameter, named: str | None, reading: Reading) -> tuple[str, ...]:
    """The hash texts for one reference value: a bare id stands for every type that the parameter may refer to."""
    reference = plain(text)
    if reading.base is not None and reference.startswith(reading.base):
        reference = reference[len(reading.base) :].lstrip("/")
    if "/" in reference or ":" in reference:
        return (tokens.local_reference(reference) or reference,)
    typed = tuple(f"{target}/{reference}" for target in ((named,) if named else parameter.targets))
    return (reference, *typed) if parameter.kinds & ADDRESSES else typed


def string_text(at: str, text: str) -> str:
    """The folded text of one string value."""
    folded = tokens.normal(plain(text))
    if not folded:
        raise Rejected(at=at, expected="a text with letters or digits", code="value")
    return folded


def date_alternatives(at: str, text: str, reading: Reading) -> Alternatives[datetime]:
    """The comparisons for one date value with its prefix."""
    prefix, rest = _prefixed(text)
    try:
        low, high = parse(rest.replace(" ", "+")).interval(reading.zone)
    except Rejected as error:
        raise Rejected(at=at, expected=error.expected, code="value") from error
    if prefix == "ap":
        low, high = prefixes.approximate_dates((low, high), reading.now)
    return prefixes.comparisons(prefix, low, high)


def number_value(at: str, text: str) -> QuantityValue:
    """The comparisons for one number with its prefix."""
    return QuantityValue(alternatives=_number_alternatives(at, plain(text)))


def quantity_value(at: str, text: str) -> QuantityValue:
    """The comparisons for `[prefix]number`, `number|system|code` or `number||code`."""
    number, *unit = (plain(part) for part in split(text, "|"))
    alternatives = _number_alternatives(at, number)
    match unit:
        case []:
            return QuantityValue(alternatives=alternatives)
        case ["", code] if code:
            return QuantityValue(alternatives=alternatives, code=code)
        case [system, code] if system and code:
            return (
                _in_base_units(alternatives, code) if system == ucum.SYSTEM else _as_written(alternatives, system, code)
            )
    raise Rejected(at=at, expected="a number, number|system|code or number||code", code="value")


def _as_written(alternatives: Alternatives[Decimal], system: str, code: str) -> QuantityValue:
    return QuantityValue(alternatives=alternatives, unit=f"{system}|{code}")


def _in_base_units(alternatives: Alternatives[Decimal], code: str) -> QuantityValue:
    """The same comparisons on values in base units: pounds find kilograms. As written where the code is no unit."""
    converted, base = [], None
    for alternative in alternatives:
        inner = []
        for one in alternative:
            found = ucum.canonical(one.value, code)
            if found is None:
                return _as_written(alternatives, ucum.SYSTEM, code)
            base = found[1]
            inner.append(replace(one, value=found[0]))
        converted.append(tuple(inner))
    return QuantityValue(alternatives=tuple(converted), unit=f"{ucum.SYSTEM}|{code}", base=base)


def _number_alternatives(at: str, text: str) -> Alternatives[Decimal]:
    prefix, rest = _prefixed(text)
    if not _NUMBER.fullmatch(rest):
        raise Rejected(at=at, expected="a number", code="value")
    return prefixes.number_comparisons(prefix, rest)


def _prefixed(text: str) -> tuple[str, str]:
    match = _PREFIXED.fullmatch(text)
    return (match[1] or "eq", match[2]) if match else ("eq", text)
