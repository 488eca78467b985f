"""People as rows for Splink: each folded by the rules of arrival."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from careloop.identity.model import Demographics
from careloop.identity.rules.folded import Folded, Home
from careloop.identity.rules.folding import sound
from careloop.identity.rules.scoring import Likeness

COLUMNS: Mapping[str, str] = {
    "unique_id": "varchar",
    "family": "varchar",
    "given": "varchar",
    "middle": "varchar",
    "suffix": "varchar",
    "forms": "varchar[]",
    "former": "varchar[]",
    "born": "varchar",
    "sex": "varchar",
    "phones": "varchar[]",
    "emails": "varchar[]",
    "street": "varchar",
    "words": "varchar[]",
    "house": "varchar",
    "postal": "varchar",
    "city": "varchar",
    "number_kind": "varchar",
    "number": "varchar",
    "family_sound": "varchar",
    "given_sound": "varchar",
    "phone": "varchar",
    "email": "varchar",
}
"""Every column and its DuckDB type; what is not known is null."""

_NOWHERE = Home(line="", house="", postal="", city="")


def rows_of(people: Iterable[tuple[str, Demographics]], likeness: Likeness) -> Iterator[tuple[Any, ...]]:
    """A row for each person, in the order of `COLUMNS`."""
    for patient_id, person in people:
        row = _row(patient_id, likeness.fold(person))
        yield tuple(row[name] or None for name in COLUMNS)


def _row(patient_id: str, one: Folded) -> dict[str, Any]:
    home = one.homes[0] if one.homes else _NOWHERE
    kind, number = one.numbers[0] if one.numbers else ("", "")
    return {
        "unique_id": patient_id,
        "family": one.family,
        "given": one.given,
        "middle": one.middle,
        "suffix": one.suffix,
        "forms": sorted(one.forms),
        "former": sorted(one.former),
        "born": one.born,
        "sex": one.sex,
        "phones": sorted(one.phones),
        "emails": sorted(one.emails),
        "street": home.line,
        "words": sorted(set(home.line.split())),
        "house": home.house,
        "postal": home.postal,
        "city": home.city,
        "number_kind": kind,
        "number": number,
        "family_sound": sound(one.family),
        "given_sound": sound(one.given),
        "phone": min(one.phones, default=""),
        "email": min(one.emails, default=""),
    }
