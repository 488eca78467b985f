"""What a result says: its number with comparator and unit, its words, its flags; and numbers in another unit.

Readers never fail on what is missing. Units are UCUM; what feeds write instead is content (`units`). An amount becomes
a mass by the molar mass of its row, an equivalent a mole by its valence; UCUM alone cannot know either.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from careloop.fhir.ucum import convert, unit_of

Resource = Mapping[str, Any]

NORMAL_FLAGS = frozenset({"N", "NEG", "ND", "NR", "S"})
LOW_FLAGS = frozenset({"L", "LL", "LU", "<"})
HIGH_FLAGS = frozenset({"H", "HH", "HU", ">"})
POSITIVE_FLAGS = frozenset({"POS", "DET", "RR", "WR"})
ABNORMAL_FLAGS = frozenset({"A", "AA", "POS", "DET", "RR", "WR", "IND", "E", "HX", "LX", "R", "I", "NS"})
CRITICAL_FLAGS = frozenset({"LL", "HH", "AA"})

_NUMBER_TEXT = re.compile(r"\s*(<=|>=|<|>)?\s*(-?\d{1,12}(?:\.\d{1,12})?)\s*", re.ASCII)
_EQUIVALENT = re.compile(r"(?:^|[./(])[munpfdk]?eq(?![a-z])", re.ASCII)
_AMOUNT = re.compile(r"(?:^|[./(])[munpfdk]?mol(?![a-z])", re.ASCII)
_WITHOUT = frozenset({"1", "{INR}", "[pH]", "%"})


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One value. `number` is None where there is none; `comparator` is `<`, `<=`, `>`, `>=` or empty."""

    number: Decimal | None
    comparator: str
    unit: str
    text: str
    codes: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Unit:
    """The unit of a row, with what is needed to reach it from amounts and equivalents."""

    code: str
    molar_mass: Decimal | None = None
    valence: int | None = None


def measured(observation: Resource) -> Measured:
    """The value of an Observation; a text that is a number counts as one, without a unit."""
    quantity = observation.get("valueQuantity")
    if isinstance(quantity, Mapping):
        return _quantity(quantity)
    concept = observation.get("valueCodeableConcept")
    if isinstance(concept, Mapping):
        return Measured(number=None, comparator="", unit="", text=words_of(concept), codes=frozenset(codes_in(concept)))
    value = observation.get("valueString", observation.get("valueInteger", observation.get("valueBoolean")))
    text = "" if value is None else str(value)
    found = _NUMBER_TEXT.fullmatch(text)
    number = Decimal(found[2]) if found else None
    return Measured(number=number, comparator=(found[1] or "") if found else "", unit="", text=text, codes=frozenset())


def _quantity(quantity: Resource) -> Measured:
    number = decimal_of(quantity.get("value"))
    comparator = str(quantity.get("comparator", ""))
    unit = str(quantity.get("code") or quantity.get("unit") or "")
    text = "" if number is None else f"{comparator}{number}"
    return Measured(number=number, comparator=comparator, unit=unit, text=text, codes=frozenset())


def decimal_of(value: Any) -> Decimal | None:
    """A JSON number as it was written, None for anything else."""
    if value is None or isinstance(value, bool | Mapping | list):
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def codes_in(concepts: Any) -> Iterator[str]:
    """Every coding of a concept, or of a list of them, as `system|code`."""
    for concept in concepts if isinstance(concepts, list) else [concepts]:
        for coding in concept.get("coding", ()) if isinstance(concept, Mapping) else ():
            if "code" in coding:
                yield f"{coding.get('system', '')}|{coding['code']}"


def words_of(concept: Any) -> str:
    """Text and displays of a concept, or of a list of them, in one line."""
    found: list[str] = []
    for one in concept if isinstance(concept, list) else [concept]:
        if isinstance(one, Mapping):
            found += [str(one.get("text", "")), *(str(coding.get("display", "")) for coding in one.get("coding", ()))]
    return " / ".join(dict.fromkeys(text for text in found if text))


def flags_of(observation: Resource) -> frozenset[str]:
    """The interpretation codes, in capitals."""
    return frozenset(code.rpartition("|")[2].upper() for code in codes_in(observation.get("interpretation", [])))


def range_of(observation: Resource) -> tuple[Decimal | None, Decimal | None]:
    """Low and high of the normal reference range, as far as they are in the unit of the value."""
    unit = str((observation.get("valueQuantity") or {}).get("code") or "")
    for one in observation.get("referenceRange", ()):
        kinds = {code.rpartition("|")[2] for code in codes_in(one.get("type", {}))}
        if kinds and not kinds & {"normal", "recommended"}:
            continue
        return _limit(one.get("low"), unit), _limit(one.get("high"), unit)
    return None, None


def _limit(quantity: Any, unit: str) -> Decimal | None:
    if not isinstance(quantity, Mapping):
        return None
    value, stated = decimal_of(quantity.get("value")), str(quantity.get("code") or "")
    if value is None or not stated or not unit or stated == unit:
        return value
    return convert(value, stated, unit)


def in_unit(number: Decimal, unit: str, wanted: Unit, words: Mapping[str, str]) -> Decimal | None:
    """The number in the unit of a row (RC-03); None where nobody can say."""
    code = words.get(unit, unit)
    if code == wanted.code or (code in ("", "1") and wanted.code in _WITHOUT - {"%"}):
        return number
    if unit_of(code) is None or not code or "mol/mol" in code:
        return None
    if _EQUIVALENT.search(code):
        if wanted.valence is None:
            return None
        number = number / wanted.valence
        code = _EQUIVALENT.sub(lambda found: found[0][:-2] + "mol", code)
    return _by_mass(number, code, wanted)


def _by_mass(number: Decimal, code: str, wanted: Unit) -> Decimal | None:
    """Between amount and mass by the molar mass; else as UCUM converts."""
    given_amount, wanted_amount = bool(_AMOUNT.search(code)), bool(_AMOUNT.search(wanted.code))
    if given_amount == wanted_amount:
        return convert(number, code, wanted.code)
    if wanted.molar_mass is None:
        return None
    if given_amount:
        moles = convert(number, code, "mol/L")
        return None if moles is None else convert(moles * wanted.molar_mass, "g/L", wanted.code)
    grams = convert(number, code, "g/L")
    return None if grams is None else convert(grams / wanted.molar_mass, "mol/L", wanted.code)


def clauses(text: str) -> list[str]:
    """The text in small letters, cut where a sentence or a part of it ends."""
    return [part for part in (one.strip() for one in re.split(r"[.;,\n\r]+", text.lower())) if part]


def has_phrase(text: str, phrases: Sequence[str]) -> bool:
    """True when one of the phrases stands in the text as whole words."""
    return any(re.search(rf"(?<![\w-]){re.escape(phrase.lower())}(?![\w-])", text.lower()) for phrase in phrases)


_DENIED = re.compile(r"\b(?:no|not|non|negative for|without|denies|free of|none|never|rule out|ruled out)\b", re.ASCII)


def affirmed(text: str, phrases: Sequence[str]) -> bool:
    """True when a clause says one of the phrases and does not deny it before."""
    for clause in clauses(text):
        for phrase in phrases:
            found = re.search(rf"(?<![\w-]){re.escape(phrase.lower())}(?![\w-])", clause)
            if found and not _DENIED.search(clause[: found.start()]):
                return True
    return False
