"""Which plans fit the problems that a person has."""

from collections.abc import Iterable, Sequence

from careloop.careplans.model import Planning

ICD = "http://hl7.org/fhir/sid/icd-10-cm"


def fitting(planning: Planning, codes: Sequence[str], chosen: Iterable[str]) -> tuple[str, ...]:
    """Plans for these problems (`system|code`) that are not chosen yet, by title. ICD-10-CM codes match by prefix
    without the dot (RK-01), all others as they are."""
    known = set(chosen)
    found = [
        one
        for one in planning.templates.values()
        if one.id not in known and any(_matches(code, wanted) for code in codes for wanted in one.applies)
    ]
    return tuple(one.id for one in sorted(found, key=lambda one: one.title))


def _matches(code: str, wanted: str) -> bool:
    if not wanted.startswith(f"{ICD}|"):
        return code == wanted
    return code.startswith(f"{ICD}|") and _plain(code).startswith(_plain(wanted))


def _plain(code: str) -> str:
    return code.split("|", 1)[1].replace(".", "").upper()
