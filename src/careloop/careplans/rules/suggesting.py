"""Which plans fit the problems that a person has."""

from collections.abc import Iterable, Sequence

from careloop.careplans.model import Planning
from careloop.fhir.codes import falls_under


def fitting(planning: Planning, codes: Sequence[str], chosen: Iterable[str]) -> tuple[str, ...]:
    """Plans for these problems (`system|code`) that are not chosen yet, by title; ICD-10-CM codes by their beginning
    (RK-01)."""
    known = set(chosen)
    found = [
        one
        for one in planning.templates.values()
        if one.id not in known and any(falls_under(code, wanted) for code in codes for wanted in one.applies)
    ]
    return tuple(one.id for one in sorted(found, key=lambda one: one.title))
