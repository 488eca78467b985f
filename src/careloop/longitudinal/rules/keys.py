"""What identifies the matter of a fact: business keys by the parts that content names. Pure."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from itertools import product
from typing import Any

from careloop.fhir.ucum import canonical
from careloop.longitudinal.content import Folding, Part
from careloop.longitudinal.model import Resource
from careloop.longitudinal.rules.paths import codes_of, first, folded, instant_of, walk, words_of

_STRENGTH = re.compile(
    r"(\d+(?:\.\d+)?)\s*(mcg|ug|mg|g|ml|meq|unt|unit|units|iu|%)(?![a-z])(?:\s*/\s*(\d*\.?\d*)\s*(ml|mg|g|hr|h|actuat|l)(?![a-z]))?"
)
_UNITS = {"ug": "mcg", "unt": "unit", "units": "unit", "iu": "unit", "h": "hr"}
_MOST_KEYS = 64


def keys_of(resource: Resource, parts: tuple[Part, ...], folding: Folding) -> frozenset[str]:
    """Every combination of what the parts find; none when one of them finds nothing. At most 64, so that a resource
    with hundreds of codes costs no more than another."""
    found = []
    for part in parts:
        values = part_values(resource, part, folding)
        if not values:
            return frozenset()
        found.append(sorted(values))
    combinations = product(*found)
    return frozenset("&".join(one) for one, _ in zip(combinations, range(_MOST_KEYS), strict=False))


def part_values(resource: Resource, part: Part, folding: Folding) -> frozenset[str]:
    """What one part finds in the resource."""
    return frozenset(_TAKERS[part.take](resource, part, folding))


def _codes(resource: Resource, part: Part, folding: Folding) -> set[str]:
    """Codes, each as the one that stands for all of its meaning; the words where no code stands or content asks."""
    concepts = [concept for path in part.paths for concept in walk(resource, path)]
    found = {folding.equivalents.get(code, code) for concept in concepts for code in codes_of(concept)}
    if part.words or not found:
        found |= {f"words|{folded(words)}" for concept in concepts if (words := words_of(concept))}
    return found


def _medicine(resource: Resource, part: Part, folding: Folding) -> set[str]:
    """Codes, and ingredient with strength by name: a name without a strength is no medicine like one with it."""
    concepts = [concept for path in part.paths for concept in walk(resource, path)]
    found = {folding.equivalents.get(code, code) for concept in concepts for code in codes_of(concept)}
    for concept in concepts:
        ingredient, strength = medicine_words(words_of(concept), folding)
        if ingredient and strength:
            found.add(f"medicine|{ingredient}|{strength}")
        elif ingredient and not codes_of(concept):
            found.add(f"medicine|{ingredient}|")
    return found


def _ingredient(resource: Resource, part: Part, folding: Folding) -> set[str]:
    concepts = [concept for path in part.paths for concept in walk(resource, path)]
    named = {medicine_words(words_of(concept), folding)[0] for concept in concepts}
    return {f"ingredient|{one}" for one in named if one}


def medicine_words(text: str, folding: Folding) -> tuple[str, str]:
    """`('furosemide', '40 mg')` of `Furosemide 40 MG Oral Tablet [Lasix]`; forms, routes and salts are left out."""
    plain = folded(re.sub(r"\[[^\]]*\]|\([^)]*\)", " ", text))
    strengths = sorted({_strength(match) for match in _STRENGTH.finditer(plain)})
    name = _STRENGTH.sub(" ", plain)
    ingredients = [word for word in re.split(r"[\s/]+", name) if word.isalpha() and word not in folding.left_out]
    return " ".join(sorted(set(ingredients))), " ".join(strengths)


def _strength(match: "re.Match[str]") -> str:
    amount, unit, per, per_unit = match.groups()
    whole = f"{Decimal(amount).normalize():f} {_UNITS.get(unit, unit)}"
    if per_unit is None:
        return whole
    return f"{whole}/{_plain_number(per) or '1'} {_UNITS.get(per_unit, per_unit)}"


def _plain_number(text: str) -> str:
    try:
        return f"{Decimal(text).normalize():f}" if text else ""
    except InvalidOperation:
        return text


def _date(length: int) -> Callable[[Resource, Part, Folding], set[str]]:
    def take(resource: Resource, part: Part, _: Folding) -> set[str]:
        text = first(resource, part.paths)
        if not isinstance(text, str) or (len(text) < length and length > 4):
            return set()
        if length <= 10:
            return {text[:length]}
        instant = instant_of(text)
        return {f"{instant:%Y-%m-%dT%H:%M}"} if instant else set()

    return take


def _value(resource: Resource, part: Part, _: Folding) -> set[str]:
    for name in ("valueQuantity", "valueCodeableConcept", "valueString", "valueInteger", "valueBoolean", "valueRange"):
        if name in resource:
            return {value_key(resource[name])}
    parts = [value_key(one["valueQuantity"]) for one in walk(resource, "component") if "valueQuantity" in one]
    return {" ".join(parts)} if parts else {"no value"}


def value_key(value: Any) -> str:
    """The same for the same value, in whatever unit or spelling it was sent."""
    if isinstance(value, Mapping) and "value" in value:
        unit = str(value.get("code") or value.get("unit") or "")
        return _measured(str(value["value"]), unit, value.get("system") == "http://unitsofmeasure.org")
    if isinstance(value, Mapping):
        return min(codes_of(value), default="") or folded(words_of(value)) or str(value)
    return folded(str(value))


@lru_cache(maxsize=8192)
def _measured(number: str, unit: str, is_ucum: bool) -> str:
    base = canonical(Decimal(number), unit) if is_ucum else None
    amount, unit = base if base is not None else (Decimal(number), unit)
    return f"{amount.normalize():f} {unit}"


def _identifiers(resource: Resource, part: Part, _: Folding) -> set[str]:
    found = [one for path in part.paths for one in walk(resource, path)]
    return {f"{one.get('system', '')}|{one['value']}" for one in found if isinstance(one, Mapping) and "value" in one}


def _texts(resource: Resource, part: Part, _: Folding) -> set[str]:
    return {folded(str(one)) for path in part.paths for one in walk(resource, path)[:8] if str(one)}


_TAKERS: Mapping[str, Callable[[Resource, Part, Folding], set[str]]] = {
    "code": _codes,
    "medicine": _medicine,
    "ingredient": _ingredient,
    "year": _date(4),
    "day": _date(10),
    "minute": _date(16),
    "value": _value,
    "identifier": _identifiers,
    "text": _texts,
}
TAKES = frozenset(_TAKERS)
"""What a part may take."""
