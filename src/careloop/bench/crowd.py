"""Very many made-up people: each a Patient with every row of the index, its numbers, looks and keys of likeness.

The rows are made by the code that makes them for any Patient, in two processes, and go by COPY into tables that stand
bare meanwhile (`filling`). Left out is what looks for people who are alike (made-up ones are not), and what is told to
whoever follows the record.
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from multiprocessing import get_context
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from careloop.bench import made_up
from careloop.bench.filling import Lines, plain, untriggered
from careloop.bench.installation import Place
from careloop.bench.telling import Stage
from careloop.db import Database, load_queries
from careloop.fhir.searchparameters import SearchDefinitions
from careloop.fhir.tokens import Word
from careloop.flows import placing
from careloop.identity.likeness import shipped_likeness
from careloop.identity.noting import plain_looks
from careloop.identity.rules import identifiers_of, skeleton, splits
from careloop.record.content import content_of, to_milliseconds
from careloop.record.indexing import Indexer
from careloop.record.store import WORDS, NewVersion

_SQL = load_queries("careloop.bench", "population.sql")
_SET = 5_000
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


@dataclass(frozen=True, kw_only=True)
class Practice:
    """What a process must know to write for the practice."""

    owner_url: str
    tenant_id: int
    zone: str
    now: datetime


@dataclass(frozen=True, kw_only=True)
class Hand:
    """What a process holds to write for the practice."""

    database: Database
    indexer: Indexer


@cache
def hand(practice: Practice) -> Hand:
    """Connected and ready; once in each process."""
    database = Database(practice.owner_url, max_size=1).open()
    return Hand(database=database, indexer=Indexer(SearchDefinitions.load()))


def practice_of(place: Place) -> Practice:
    """The practice of this installation, at this moment."""
    now = to_milliseconds(place.app.clock.now())
    return Practice(owner_url=place.urls.owner, tenant_id=place.tenant.id, zone=place.tenant.zone, now=now)


def two_processes() -> ProcessPoolExecutor:
    """As many as the machine of the aims has cores."""
    return ProcessPoolExecutor(2, mp_context=get_context("spawn"))


def reserve_keys(place: Place, count: int) -> int:
    """The first of so many keys of resources that nobody else has or will have."""
    with place.app.database.transaction(place.tenant.id, actor="bench") as tx:
        return int(tx.value(_SQL["reserve_keys"], {"count": count}))


def add(place: Place, low: int, high: int) -> None:
    """The people from `low` up to `high` are in the record, findable, and known to identity and to the worklist. The
    tables should stand bare."""
    practice, stage = practice_of(place), Stage("patients", high - low)
    first = reserve_keys(place, high - low)
    sets = [(start, min(start + _SET, high)) for start in range(low, high, _SET)]
    with two_processes() as workers:
        told = [workers.submit(_add_some, practice, start, end, first + start - low) for start, end in sets]
        for (start, end), one in zip(sets, told, strict=True):
            _keep_words(place, one.result())
            stage.advance(end - start)


def _add_some(practice: Practice, low: int, high: int, key: int) -> set[Word]:
    """Written by this process; the words that lead to tokens."""
    with_hand = hand(practice)
    lines, words = rows_of(practice, with_hand.indexer, [person(index) for index in range(low, high)], key)
    with with_hand.database.transaction(practice.tenant_id, actor="bench") as tx:
        untriggered(tx)
        lines.write(tx)
    return words


def _keep_words(place: Place, words: Iterable[Word]) -> None:
    with place.app.database.transaction(place.tenant.id, actor="bench") as tx:
        WORDS.keep(tx, words)


def rows_of(
    practice: Practice, indexer: Indexer, people: Sequence[dict[str, Any]], first: int
) -> tuple[Lines, set[Word]]:
    """Everything that stands about these people, with keys from `first` on, and the words that their codes have."""
    lines, words, zone = Lines(practice.tenant_id), set[Word](), ZoneInfo(practice.zone)
    for key, one in enumerate(people, first):
        content = content_of(one, "Patient", one["id"])
        index = indexer.rows(practice.tenant_id, zone, one)
        words.update(index.words)
        version = NewVersion(
            key=key, resource_type="Patient", id=one["id"], version=1, digest=content.digest,
            text=content.text(1, practice.now), index=index, change="created",
        )  # fmt: skip
        lines.add_resource(version, practice.now)
        _add_identity(lines, one, practice.now)
    return lines, words


def _add_identity(lines: Lines, one: Mapping[str, Any], now: datetime) -> None:
    """The numbers, looks, keys of likeness and traits of a Patient."""
    identity, looks = str(one["id"]), plain_looks(one)
    for number in splits(identifiers_of(one))[0]:
        lines.add(
            "patient_identifier", lines.tenant_id, plain(number.system), plain(number.value), identity,
            plain(skeleton(number.value)), "t", now,
        )  # fmt: skip
    lines.add("patient_features", lines.tenant_id, identity, plain(msgspec.json.encode(looks).decode()))
    for key in sorted(shipped_likeness().keys(looks)):
        lines.add("patient_key", lines.tenant_id, key, identity)
    for kind, value in placing.traits_of([one]):
        lines.add("patient_trait", lines.tenant_id, kind, plain(value), identity)
