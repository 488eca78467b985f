"""What each source said about the person, out of the versions of the Patient: birth date, sex, death, language, numbers
to call, and numbers that our own staff checked. Pure.

A Patient holds one value for each element; a source that says another one leaves a version. A value belongs to the
source of the version in which it first stood; a source that corrects itself does not contradict itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from careloop.longitudinal.model import NOT_STATED, Fact, Source
from careloop.longitudinal.rules.paths import walk

ELEMENTS = ("birthDate", "gender", "deceased", "language", "phone", "checked phone")
_CHECKED = "urn:careloop:contact-checked"
"""As `intake` keeps it on a number that a person of ours wrote down."""


def statements(versions: Sequence[Fact], told: Sequence[Source]) -> list[Fact]:
    """For each element and source the last value, as a Patient that has only that element. `versions`: oldest first;
    `told`: the sources of the Patient with the version that each wrote."""
    by_version: dict[int, list[Source]] = {}
    for source in told:
        by_version.setdefault(source.version or 0, []).append(source)
    last: dict[tuple[str, str], Fact] = {}
    before: dict[str, Any] = {}
    for version in versions:
        sources = tuple(by_version.get(version.version, ())) or (replace(NOT_STATED, at=version.recorded.isoformat()),)
        for element in ELEMENTS:
            said = element_of(version.resource, element)
            if "telecom" in said:
                said["meta"] = {"lastUpdated": version.recorded.isoformat()}
            if said and _plain(said) != _plain(before.get(element) or {}):
                fact = replace(version, resource={"resourceType": "Patient", "id": version.id, **said}, sources=sources)
                last[(element, sources[0].key)] = fact
            before[element] = said or before.get(element)
    return list(last.values())


def _plain(said: Mapping[str, Any]) -> dict[str, Any]:
    """Without when it was written."""
    return {name: value for name, value in said.items() if name != "meta"}


def element_of(patient: Any, element: str) -> dict[str, Any]:
    """The part of a Patient that says one thing; empty where it says nothing about it."""
    if element == "deceased":
        when = patient.get("deceasedDateTime")
        return (
            {"deceasedDateTime": when} if when else {"deceasedBoolean": True} if patient.get("deceasedBoolean") else {}
        )
    if element == "language":
        spoken = sorted(patient.get("communication", ()), key=lambda one: not one.get("preferred", False))
        codes = walk(spoken[0], "language") if spoken else []
        return {"communication": [{"language": codes[0]}]} if codes else {}
    if element in ("phone", "checked phone"):
        numbers = _numbers(patient, checked=element == "checked phone")
        return {"telecom": numbers} if numbers else {}
    return {element: patient[element]} if patient.get(element) else {}


def _numbers(patient: Any, *, checked: bool) -> list[dict[str, Any]]:
    """Numbers to call; of those that staff checked also the ones that they found wrong."""
    phones = [one for one in patient.get("telecom", ()) if one.get("system") == "phone" and one.get("value")]
    mine = [one for one in phones if any(mark.get("url") == _CHECKED for mark in one.get("extension", ()))]
    return mine if checked else [one for one in phones if one not in mine and one.get("use") != "old"]
