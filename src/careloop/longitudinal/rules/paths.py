"""Looking into a resource by a dotted path; words of codes; instants and days of FHIR dates. Pure."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import Any

_NOT_WORDS = re.compile(r"[^a-z0-9.%/+]+")


def walk(value: Any, path: str) -> list[Any]:
    """Every value at `path` (`content.attachment.hash`); lists on the way are gone through. Not to be changed."""
    names = _steps(path)
    inside = value.get(names[0]) if isinstance(value, dict) else None
    if inside is None:
        return []
    found = inside if isinstance(inside, list) else [inside]
    for name in names[1:]:
        step: list[Any] = []
        for one in found:
            inside = one.get(name) if isinstance(one, dict) else None
            if isinstance(inside, list):
                step += inside
            elif inside is not None:
                step.append(inside)
        if not step:
            return step
        found = step
    return found


@lru_cache(maxsize=512)
def _steps(path: str) -> tuple[str, ...]:
    return tuple(path.split("."))


def first(resource: Mapping[str, Any], paths: Iterable[str]) -> Any:
    """The first value at the first path that has one; None when none has."""
    for path in paths:
        if _steps(path)[0] in resource and (found := walk(resource, path)):
            return found[0]
    return None


@lru_cache(maxsize=8192)
def folded(text: str) -> str:
    """The text without accents, case and punctuation that says nothing."""
    plain = unicodedata.normalize("NFKD", text.lower())
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return _NOT_WORDS.sub(" ", plain).strip()


def words_of(concept: Any) -> str:
    """What a CodeableConcept or a Coding says: its text, else a display, else the name of a vital sign, else a code."""
    if not isinstance(concept, Mapping):
        return str(concept or "")
    codings = [one for one in concept.get("coding", [concept]) if isinstance(one, Mapping)]
    shown = next((one["display"] for one in codings if one.get("display")), "")
    code = str(next((one.get("code", "") for one in codings), ""))
    return str(concept.get("text") or shown or _VITAL_SIGNS.get(code, code))


_VITAL_SIGNS: Mapping[str, str] = {
    "29463-7": "Weight", "3141-9": "Weight", "8302-2": "Height", "39156-5": "Body mass index",
    "8310-5": "Temperature", "8867-4": "Pulse", "9279-1": "Breaths a minute", "85354-9": "Blood pressure",
    "8480-6": "Upper blood pressure", "8462-4": "Lower blood pressure", "2708-6": "Oxygen", "59408-5": "Oxygen",
}  # fmt: skip
"""LOINC codes of vital signs that devices send without a name (US Core vital signs)."""


def codes_of(concept: Any) -> list[str]:
    """`system|code` of each coding of a CodeableConcept, or of a Coding."""
    if not isinstance(concept, Mapping):
        return []
    codings: Sequence[Any] = concept.get("coding", [concept])
    return [f"{one.get('system', '')}|{one['code']}" for one in codings if isinstance(one, Mapping) and "code" in one]


def code_of(resource: Mapping[str, Any], element: str) -> str:
    """The first code of a CodeableConcept element, or of a plain code."""
    value = resource.get(element)
    if isinstance(value, str):
        return value
    codings = (value or {}).get("coding") or [{}]
    return str(codings[0].get("code", ""))


def instant_of(text: Any) -> datetime | None:
    """When a FHIR date begins, in UTC; None for what is no date."""
    if not isinstance(text, str) or not text:
        return None
    try:
        if len(text) <= 10:
            parts = [int(part) for part in text.split("-")]
            return datetime.combine(date(*[*parts, 1, 1][:3]), time(), UTC)
        instant = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except (ValueError, TypeError):
        return None
    return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)
