"""Which comorbidity groups a patient's diagnosis codes fall into (risk.md RK-01, RK-02).

ICD-10 codes are compared without the dot, the longest prefix winning; SNOMED CT codes are compared whole.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ICD10 = frozenset({"http://hl7.org/fhir/sid/icd-10-cm", "http://hl7.org/fhir/sid/icd-10"})
SNOMED = "http://snomed.info/sct"


@dataclass(frozen=True, kw_only=True)
class Group:
    """A group that was found, its points in one model, and the resources that show it."""

    id: str
    label: str
    points: int
    sources: tuple[str, ...]


def groups_found(
    groups: Sequence[Mapping[str, Any]], problems: Iterable[tuple[str, frozenset[str]]], *, weight: str
) -> tuple[Group, ...]:
    """The groups that `problems` (reference, codes) fall into, without those that a found group replaces."""
    found: dict[str, set[str]] = {}
    for reference, codes in problems:
        for group_id in _groups_of(groups, codes):
            found.setdefault(group_id, set()).add(reference)
    dropped = {name for group in groups if group["id"] in found for name in group.get("replaces", ())}
    return tuple(
        Group(id=group["id"], label=group["label"], points=group[weight], sources=tuple(sorted(found[group["id"]])))
        for group in groups
        if group["id"] in found and group["id"] not in dropped
    )


def _groups_of(groups: Sequence[Mapping[str, Any]], codes: frozenset[str]) -> set[str]:
    found: set[str] = set()
    for code in codes:
        system, _, value = code.rpartition("|")
        if system in ICD10:
            found |= longest_prefix(groups, value.replace(".", "").upper())
        elif system == SNOMED:
            found |= {group["id"] for group in groups if value in group.get("snomed", ())}
    return found


def longest_prefix(groups: Sequence[Mapping[str, Any]], code: str) -> set[str]:
    """The group whose longest ICD-10 prefix fits `code`; empty when none does."""
    best, chosen = 0, ""
    for group in groups:
        for prefix in group.get("icd10", ()):
            if len(prefix) > best and code.startswith(prefix):
                best, chosen = len(prefix), group["id"]
    return {chosen} if chosen else set()
