"""Names, classes and words of `content/medications` as values: compiled once, when a process first needs them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from careloop.catalog import Catalog
from careloop.medications.model import Ingredient, Release, Route, Takes

Document = Mapping[str, Any]
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
_WORD = re.compile(r"[a-z0-9.'\[\]{}%]+")


@dataclass(frozen=True, slots=True)
class Named:
    """What a name stands for, and what it says about the release."""

    ingredients: tuple[Ingredient, ...]
    release: Release = Release.UNKNOWN


@dataclass(frozen=True, slots=True)
class FormWord:
    """What a word of a product name says."""

    form: str
    route: Route
    release: Release


@dataclass(frozen=True, kw_only=True)
class Moment:
    """When in a day: what it is called, its phrases (the longest first), its FHIR codes. `counts`: a moment of the day,
    and not only what it is taken with."""

    says: str
    words: tuple[str, ...]
    codes: frozenset[str]
    counts: bool


@dataclass(frozen=True, kw_only=True)
class Words:
    """How forms, routes, units and schedules are written. Phrases are the longest first."""

    forms: Sequence[tuple[str, FormWord]]
    routes: Sequence[tuple[str, Route]]
    route_codes: Mapping[str, Route]
    units: Mapping[str, str]
    times: Sequence[tuple[str, Takes]]
    moments: Sequence["Moment"]
    weekdays: Mapping[str, str]
    timing_codes: Mapping[str, str]
    numbers: Mapping[str, Decimal]
    as_needed: tuple[str, ...]
    fillers: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Drugs:
    """What is known of ingredients. `names`: the words of a name to what it stands for; `products`: RxCUIs of clinical
    and branded drugs to their RxNorm name; `classes` and `classes_of` by class id and ingredient name."""

    by_rxcui: Mapping[str, Ingredient]
    names: Mapping[tuple[str, ...], Named]
    longest: int
    products: Mapping[str, str]
    classes: Mapping[str, frozenset[str]]
    classes_of: Mapping[str, frozenset[str]]
    words: Words
    read: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    def named(self, name: str) -> Named | None:
        """What stands under this name alone."""
        return self.names.get(tokens(name))

    def in_class(self, ingredient: Ingredient, *class_ids: str) -> bool:
        """True where the ingredient stands in one of the classes."""
        return not self.classes_of.get(ingredient.key, frozenset()).isdisjoint(class_ids)


def tokens(text: str) -> tuple[str, ...]:
    """The words of a name: `St. John's wort` is `st`, `john's`, `wort`."""
    found = _WORD.findall(text.lower())
    return tuple(word for one in found if (word := one.strip(".'[]{}")))


_COMPILED: dict[int, tuple[Catalog, Drugs]] = {}
_MOST_CATALOGS = 64


def drugs_of(catalog: Catalog) -> Drugs:
    """What this catalog says, compiled once. The catalog is kept beside it, so that its number is not given again."""
    known = _COMPILED.get(id(catalog))
    if known is None or known[0] is not catalog:
        if len(_COMPILED) >= _MOST_CATALOGS:
            _COMPILED.clear()
        known = _COMPILED[id(catalog)] = (catalog, compile_drugs(catalog.documents("medications")))
    return known[1]


def compile_drugs(documents: Mapping[str, Document]) -> Drugs:
    """The documents `classes`, `names`, `products` and `words` as one value."""
    rows = _rows(documents)
    ingredients: dict[str, Ingredient] = {}
    for row in rows:
        key = row["name"].lower()
        before = ingredients.get(key)
        rxcui = row["rxcui"] or (before.rxcui if before else None)
        ingredients[key] = Ingredient(name=key, rxcui=rxcui)
    names = {tokens(name): Named((one,)) for name, one in ingredients.items()}
    for row in documents["names"]["names"]:
        parts = tuple(ingredients[name.lower()] for name in row["of"])
        names[tokens(row["name"])] = Named(parts, Release(row.get("release", "unknown")))
    classes = {
        name: frozenset(row["name"].lower() for row in members)
        for name, members in documents["classes"]["classes"].items()
    }
    of: dict[str, set[str]] = {}
    for name, members in classes.items():
        for member in members:
            of.setdefault(member, set()).add(name)
    return Drugs(
        by_rxcui={one.rxcui: one for one in ingredients.values() if one.rxcui},
        names=names,
        longest=max(map(len, names)),
        products={row["rxcui"]: row["name"] for row in documents.get("products", {}).get("products", ())},
        classes=classes,
        classes_of={name: frozenset(found) for name, found in of.items()},
        words=compile_words(documents["words"]),
    )


def _rows(documents: Mapping[str, Document]) -> list[Document]:
    members: Iterable[Sequence[Document]] = documents["classes"]["classes"].values()
    return [*(row for some in members for row in some), *documents["names"]["ingredients"]]


def compile_words(document: Document) -> Words:
    """The words, ready to be looked for: phrases folded, the longest first."""
    forms = [
        (phrase(row["word"]), FormWord(row.get("form", ""), Route(row.get("route", "unknown")), _release(row)))
        for row in document["forms"]
    ]
    routes = [(phrase(word), Route(row["route"])) for row in document["routes"] for word in row["words"]]
    times = [
        (phrase(word), Takes(Decimal(row["takes"]), Decimal(row["takes"]), Decimal(row.get("days", "1"))))
        for row in document["times"]
        for word in row["words"]
    ]
    return Words(
        forms=sorted(forms, key=_by_length),
        routes=sorted(routes, key=_by_length),
        route_codes={code.upper(): Route(row["route"]) for row in document["routes"] for code in row["codes"]},
        units={word.lower(): row["unit"] for row in document["units"] for word in row["words"]},
        times=sorted(times, key=_by_length),
        moments=tuple(_moment(row) for row in document["moments"]),
        weekdays={word: row["day"] for row in document["weekdays"] for word in row["words"]},
        timing_codes=document["timing_codes"],
        numbers={phrase(word): Decimal(value) for word, value in document["numbers"].items()},
        as_needed=tuple(map(phrase, document["as_needed"])),
        fillers=frozenset(document["fillers"]),
    )


def _moment(row: Document) -> Moment:
    words = tuple(sorted(map(phrase, row["words"]), key=len, reverse=True))
    return Moment(says=row["says"], words=words, codes=frozenset(row["codes"]), counts=row.get("count", True))


def _release(row: Document) -> Release:
    return Release(row.get("release", "unknown"))


def _by_length(pair: tuple[str, Any]) -> tuple[int, str]:
    return -len(pair[0]), pair[0]


def phrase(text: str) -> str:
    """The text as it is compared: lower case, hyphens and commas as blanks, one blank between words."""
    plain = re.sub(r"[,;:()\-]+", " ", text.lower())
    return " ".join(re.sub(r"(?<=[a-z])\.|\.(?=\s|$)", " ", plain).split())


def holds(text: str, wanted: str) -> bool:
    """True where the phrase stands in the folded text between blanks or its ends."""
    return f" {wanted} " in f" {text} "
