"""`careloop bench match`: who may this be, asked at arrival among very many people; and the whole record in a batch."""

import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from careloop import identity
from careloop.bench.figures import Figure, Figures, at_most, percentile
from careloop.bench.filling import settle_tables
from careloop.bench.installation import Place, installation
from careloop.db import Transaction
from careloop.db.cluster import locate
from careloop.db.limits import server_cpu_seconds
from careloop.flows import matching
from careloop.flows.bulk import import_bundles
from careloop.flows.bulk_documents import Document
from careloop.identity.likeness import likeness_of

LOOKUP_AIM = 20.0
"""Milliseconds that a lookup may take at arrival (p95)."""
_LOOKUPS, _WARM = 500, 50
_SOUNDS = ("ba", "re", "li", "mo", "ta", "ne", "ki", "so", "du", "ve", "ga", "pho", "sha", "win", "ber", "ton", "ley")
_STREETS = ("Oak", "Elm", "Main", "Cedar", "Lake", "Hill", "Park", "Pine", "River", "Church", "Mill", "Second")


@dataclass(frozen=True, kw_only=True)
class _Timed:
    """What some lookups took: seconds each, CPU seconds of both processes in all, how many found their person."""

    seconds: Sequence[float]
    cpu: float
    found: int = 0


def run(sizes: Sequence[int], command: str) -> Figures:
    """One installation grows to each size; the same questions are asked each time."""
    figures: list[Figure] = []
    with installation() as place:
        done = 0
        for size in sorted(sizes):
            import_bundles(place.app, place.tenant, place.principal, _documents(done, size))
            settle_tables(place)
            done = size
            figures += _measured(place, size)
    return Figures(benchmark="match", command=command, figures=figures)


def _measured(place: Place, size: int) -> Iterator[Figure]:
    chosen = random.Random(size).sample(range(size), _LOOKUPS + _WARM)  # noqa: S311 - made-up people
    likeness = likeness_of(place.app.catalog)

    def look_up(tx: Transaction, index: int) -> bool:
        asked = identity.demographics_of(_mistyped(index))
        return any(one.patient_id == f"m{index}" for one in identity.match(tx, asked, [], likeness=likeness))

    def read(tx: Transaction, index: int) -> bool:
        return f"Patient/m{index}" in place.app.record.fetch(tx, [f"Patient/m{index}"])

    reads, lookups = _timed(place, chosen, read), _timed(place, chosen, look_up)
    name = f"{size:,} people: "
    yield Figure(name=name + "lookup p50", value=percentile(lookups.seconds, 0.5) * 1000, unit="ms")
    yield at_most(name + "lookup p95", percentile(lookups.seconds, 0.95) * 1000, "ms", LOOKUP_AIM)
    yield Figure(name=name + "CPU a lookup (database too)", value=lookups.cpu / _LOOKUPS * 1000, unit="ms")
    yield Figure(name=name + "limit: one row read p50", value=percentile(reads.seconds, 0.5) * 1000, unit="ms")
    ratio = percentile(lookups.seconds, 0.5) / percentile(reads.seconds, 0.5)
    yield Figure(name=name + "lookup against the limit", value=ratio, unit="times")
    yield Figure(name=name + "mistyped people found", value=lookups.found / _LOOKUPS * 100, unit="%")
    started = time.perf_counter()
    found = matching.batch(place.app, place.tenant)
    took = time.perf_counter() - started
    yield Figure(name=name + "batch over the whole record", value=found.people / took, unit="people/s")


def _timed(place: Place, chosen: Sequence[int], ask: Callable[[Transaction, int], bool]) -> _Timed:
    seconds: list[float] = []
    found = 0
    with place.app.database.transaction(place.tenant.id, actor="bench") as tx:
        for index in chosen[:_WARM]:
            ask(tx, index)
        began = time.process_time() + server_cpu_seconds(locate(place.app.settings.data_dir))
        for index in chosen[_WARM:]:
            started = time.perf_counter()
            found += ask(tx, index)
            seconds.append(time.perf_counter() - started)
        ended = time.process_time() + server_cpu_seconds(locate(place.app.settings.data_dir))
    return _Timed(seconds=seconds, cpu=ended - began, found=found)


def _documents(first: int, end: int) -> Iterator[Document]:
    for index in range(first, end):
        yield Document(label=f"m{index}", text=json.dumps(_person(index)).encode())


def _person(index: int) -> dict[str, Any]:
    """A made-up person: the same for an index every time, names as unevenly spread as real ones."""
    chance = random.Random(index)  # noqa: S311 - made-up people
    family = _name(chance, int(40_000 * chance.random() ** 2.4))
    given = _name(chance, int(4_000 * chance.random() ** 2.2))
    line = f"{chance.randrange(1, 2000)} {chance.choice(_STREETS)} Street"
    return {
        "resourceType": "Patient",
        "id": f"m{index}",
        "identifier": [{"system": "urn:careloop:authority:BENCH", "value": f"M{index:08d}"},
                       {"system": "http://hl7.org/fhir/sid/us-ssn", "value": f"{chance.randrange(10**8, 9 * 10**8)}"}],
        "name": [{"family": family, "given": [given]}],
        "birthDate": f"{chance.randrange(1930, 2020)}-{chance.randrange(1, 13):02d}-{chance.randrange(1, 29):02d}",
        "gender": chance.choice(("female", "male")),
        "telecom": [{"system": "phone", "value": f"413{chance.randrange(2_000_000, 9_999_999)}"}],
        "address": [{"line": [line], "city": "Springfield", "postalCode": f"{chance.randrange(1000, 1400):05d}"}],
    }  # fmt: skip


def _name(chance: random.Random, rank: int) -> str:
    """The name of this rank; low ranks are common."""
    name, left = "", rank + len(_SOUNDS)
    while left:
        left, place = divmod(left, len(_SOUNDS))
        name += _SOUNDS[place]
    return name.title()


def _mistyped(index: int) -> dict[str, Any]:
    """The person as another desk wrote them down: no number, and one slip in name, date or phone."""
    person = _person(index)
    del person["identifier"]
    name = person["name"][0]
    match index % 4:
        case 0:
            name["family"] = name["family"][:-1] + "x"
        case 1:
            name["given"] = [name["given"][0][:1] + name["given"][0]]
        case 2:
            person["birthDate"] = person["birthDate"][:-1] + str((int(person["birthDate"][-1]) + 1) % 9)
        case _:
            person["telecom"] = []
    return person
