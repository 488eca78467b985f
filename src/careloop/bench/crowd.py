"""Very many made-up people: each a Patient with every row of the index, its numbers, looks and keys of likeness.

The rows are made by the code that makes them for any Patient. Left out is what looks for people who are alike (made-up
ones are not), and what is told to whoever follows the record.
"""

from collections.abc import Sequence
from typing import Any

from careloop.access.model import system_principal
from careloop.bench import made_up
from careloop.bench.installation import Place
from careloop.bench.telling import Stage, by_two
from careloop.db import Transaction
from careloop.flows import placing
from careloop.identity import store
from careloop.identity.likeness import likeness_of
from careloop.identity.noting import plain_looks
from careloop.identity.rules import Likeness, identifiers_of, splits
from careloop.loops import places
from careloop.record import Write

_SET = 2_000
_LANGUAGES = (("es", "Spanish"), ("vi", "Vietnamese"), ("ar", "Arabic"))


def person(index: int) -> dict[str, Any]:
    """The Patient with this index; one in five prefers another language than English, one in five hundred Arabic."""
    return {**made_up.patient(index), "id": f"P{index:08d}", **_language(index)}


def _language(index: int) -> dict[str, Any]:
    if index % 5:
        return {}
    code, name = _LANGUAGES[2 if index % 500 == 0 else index % 2]
    return {
        "communication": [
            {"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": code}], "text": name}, "preferred": True}
        ]
    }


def add(place: Place, low: int, high: int) -> None:
    """The people from `low` up to `high` are in the record, findable, and known to identity and to the worklist."""
    likeness = likeness_of(place.app.catalog)

    def some(start: int) -> int:
        people = [person(index) for index in range(start, min(start + _SET, high))]
        with place.app.database.transaction(place.tenant.id, actor="bench") as tx:
            _write(place, tx, people, likeness)
        return len(people)

    by_two(Stage("patients", high - low), some, range(low, high, _SET))


def _write(place: Place, tx: Transaction, people: Sequence[dict[str, Any]], likeness: Likeness) -> None:
    now = place.app.clock.now()
    writes = [Write(method="update", resource_type="Patient", id=one["id"], resource=one) for one in people]
    place.app.record.write(tx, system_principal(place.tenant.id, "bench"), now, writes, validate=False, audit=False)
    claims = [(one["id"], number) for one in people for number in splits(identifiers_of(one))[0]]
    store.claim(tx, now, claims, on_resource=True)
    looks = {one["id"]: plain_looks(one) for one in people}
    store.put_looks(tx, looks, {one: likeness.keys(seen) for one, seen in looks.items()}, {})
    places.set_traits(tx, {one["id"]: placing.traits_of([one]) for one in people})
