"""What two records of one person say differently: settled by a person before or after a merge."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from careloop.identity.rules.folding import fold_name
from careloop.identity.rules.patient import demographics_of

Resource = Mapping[str, Any]


def contradictions(survivor: Resource, prior: Resource) -> Iterator[tuple[str, str, str, bool]]:
    """Field, what the survivor says, what the prior says, and whether a person should look before joining. Only fields
    that both know."""
    for field, of, needs_look in _FIELDS:
        one, two = of(survivor), of(prior)
        if one and two and fold_name(one) != fold_name(two):
            yield field, one, two, needs_look


def _name(patient: Resource) -> str:
    person = demographics_of(patient)
    return " ".join([*person.given, person.family, person.suffix]).strip()


def _home(patient: Resource) -> str:
    homes = demographics_of(patient).addresses
    return " ".join(part for part in (homes[0].line, homes[0].city, homes[0].postal_code) if part) if homes else ""


def _language(patient: Resource) -> str:
    for one in patient.get("communication") or ():
        for coding in one.get("language", {}).get("coding") or ():
            return str(coding.get("code", ""))
    return ""


def _deceased(patient: Resource) -> str:
    """Alive is said by nobody: one who died and one of whom nothing is said contradict each other."""
    if not patient:
        return ""
    return "died" if patient.get("deceasedDateTime") or patient.get("deceasedBoolean") is True else "alive"


def _birth_order(patient: Resource) -> str:
    return str(patient.get("multipleBirthInteger") or "")


def _text(name: str) -> Callable[[Resource], str]:
    return lambda patient: str(patient.get(name) or "")


_FIELDS: tuple[tuple[str, Callable[[Resource], str], bool], ...] = (
    ("name", _name, False),
    ("birth date", _text("birthDate"), True),
    ("sex", _text("gender"), True),
    ("place in a multiple birth", _birth_order, True),
    ("death", _deceased, True),
    ("address", _home, False),
    ("language", _language, False),
)
