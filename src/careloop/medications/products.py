"""What a product is by the words of its name: ingredients, strengths, form, route, release. Best effort and pure; a
name that nobody knows is kept as one, never dropped (ME-12)."""

import re
from dataclasses import dataclass
from decimal import Decimal

from careloop.medications.drugs import Drugs, Words, holds, phrase, tokens
from careloop.medications.model import Amount, Ingredient, Release, Route, Strength

_NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)?"
_MASS = r"mcg|ug|mg|gm|g|ml|l|meq|mmol|unt|units?|iu|%|hr|h|actuat|day"
_STRENGTH = re.compile(
    rf"((?:{_NUMBER}\s*[/-]\s*)*{_NUMBER})\s*({_MASS})(?![a-z])"
    rf"(?:\s*(?:/|per)\s*({_NUMBER})?\s*(ml|l|mg|g|hr|h|actuat|puff|spray|tablet|tab|day)(?![a-z]))?"
)
_PACKAGE = frozenset({"ml", "l", "hr", "h", "actuat", "day"})
_MOST_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class Product:
    """What the words of a name say."""

    ingredients: tuple[Ingredient, ...] = ()
    strengths: tuple[Strength | None, ...] = ()
    form: str = ""
    route: Route = Route.UNKNOWN
    release: Release = Release.UNKNOWN


def product_of(text: str, drugs: Drugs) -> Product:
    """What this name says; looked for once for each name."""
    found: Product | None = drugs.read.get(text)
    if found is None:
        if len(drugs.read) >= _MOST_KEPT:
            drugs.read.clear()
        found = drugs.read[text] = _read(text[:400], drugs)
    return found


def _read(text: str, drugs: Drugs) -> Product:
    outside, brands = re.sub(r"\[[^\]]*\]", " ", text), " ".join(re.findall(r"\[([^\]]*)\]", text))
    product = _named(outside, drugs)
    beside = _named(brands, drugs) if brands else Product()
    if any(one.known for one in beside.ingredients) and not any(one.known for one in product.ingredients):
        strengths = (*product.strengths, *[None] * len(beside.ingredients))[: len(beside.ingredients)]
        product = Product(beside.ingredients, strengths,
                          product.form, product.route, product.release)  # fmt: skip
    release = product.release if product.release is not Release.UNKNOWN else beside.release
    return Product(product.ingredients, product.strengths, product.form, product.route, release)


def _named(text: str, drugs: Drugs) -> Product:
    folded = text.lower()
    parts = _parts(folded)
    found: dict[str, tuple[Ingredient, Strength | None]] = {}
    release = Release.UNKNOWN
    told = _strengths(folded, drugs.words)
    whole = tokens(_STRENGTH.sub(" ", folded).replace("/", " "))
    if (named := drugs.names.get(whole)) is not None:
        strengths = told if len(told) == len(named.ingredients) else [None] * len(named.ingredients)
        found = {one.key: (one, strength) for one, strength in zip(named.ingredients, strengths, strict=True)}
        release = named.release
    else:
        for part in parts:
            strengths = _strengths(part, drugs.words)
            ingredients, says = _ingredients(part, drugs)
            release = says if release is Release.UNKNOWN else release
            for place, one in enumerate(ingredients):
                alone = strengths[0] if strengths and (len(ingredients) == 1 or len(strengths) == 1) else None
                beside = strengths[place] if len(strengths) == len(ingredients) else alone
                found.setdefault(one.key, (one, beside if len(ingredients) == len(strengths) or place == 0 else None))
        if len(told) == len(found) > 1:
            found = {one.key: (one, each) for (one, _), each in zip(found.values(), told, strict=True)}
    form, route, stated = _form(phrase(text), drugs.words)
    return Product(
        ingredients=tuple(one for one, _ in found.values()),
        strengths=tuple(strength for _, strength in found.values()),
        form=form,
        route=route,
        release=stated if stated is not Release.UNKNOWN else release,
    )


def _parts(folded: str) -> list[str]:
    """The name cut at each slash or plus that is not part of a strength."""
    spans = [match.span() for match in _STRENGTH.finditer(folded)]
    cuts = [
        place
        for place, letter in enumerate(folded)
        if letter in "/+" and not any(start <= place < end for start, end in spans)
    ]
    ends = [*cuts, len(folded)]
    return [folded[start:end] for start, end in zip([0, *(cut + 1 for cut in cuts)], ends, strict=True)]


def _ingredients(part: str, drugs: Drugs) -> tuple[list[Ingredient], Release]:
    words = tokens(_STRENGTH.sub(" ", part))
    found: list[Ingredient] = []
    release, place = Release.UNKNOWN, 0
    left: list[str] = []
    while place < len(words):
        for length in range(min(drugs.longest, len(words) - place), 0, -1):
            named = drugs.names.get(words[place : place + length])
            if named is not None:
                found += [one for one in named.ingredients if one not in found]
                release = named.release if release is Release.UNKNOWN else release
                place += length
                break
        else:
            left.append(words[place])
            place += 1
    if not found and (name := _unknown_name(left, drugs)):
        return [Ingredient(name=name, rxcui=None, known=False)], release
    return found, release


def _unknown_name(left: list[str], drugs: Drugs) -> str:
    """What is left of a name when forms, salts and numbers are gone."""
    text = " ".join(left)
    for word, _ in drugs.words.forms:
        if holds(text, word):
            text = f" {text} ".replace(f" {word} ", " ").strip()
    kept = [word for word in text.split() if word.isalpha() and len(word) > 2 and word not in drugs.words.fillers]
    return " ".join(kept[:4])


def _strengths(text: str, words: Words) -> list[Strength]:
    found: list[Strength] = []
    for match in _STRENGTH.finditer(text):
        numbers, unit, per, per_unit = match.groups()
        if per_unit is None and unit in _PACKAGE:
            continue
        amounts = [Decimal(one.replace(",", "")) for one in re.split(r"\s*[/-]\s*", numbers)]
        beside = (
            Amount(Decimal((per or "1").replace(",", "")), words.units.get(per_unit, per_unit)) if per_unit else None
        )
        found += [Strength(Amount(amount, words.units.get(unit, unit)), beside) for amount in amounts]
    return found


def _form(text: str, words: Words) -> tuple[str, Route, Release]:
    form, route, release = "", Route.UNKNOWN, Release.UNKNOWN
    for word, says in words.forms:
        if not holds(text, word):
            continue
        form = form or says.form
        route = says.route if route is Route.UNKNOWN else route
        release = says.release if release is Release.UNKNOWN else release
    return form, route, release
