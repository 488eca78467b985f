"""The requests of `careloop bench fhir`, made from what really stands in the record, the same ones every time."""

import itertools
import json
import random
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from careloop.bench import made_up
from careloop.bench.traffic import Request
from careloop.flows.bulk_documents import Document

OWNERS = 20
"""Made-up coordinators among whom the made-up Tasks are spread for each hundred patients."""
_STATUSES = ("requested", "accepted", "in-progress", "completed")


@dataclass(frozen=True)
class Sample:
    """Facts of the record that requests ask for: all of the same patients, so that answers are not empty."""

    patients: Sequence[dict[str, Any]]
    observations: Sequence[dict[str, Any]]
    conditions: Sequence[dict[str, Any]]
    encounters: Sequence[dict[str, Any]]
    owners: int


def tasks(patients: Sequence[str]) -> Iterator[Document]:
    """Four Tasks for each patient, of which each owner has about twenty."""
    owners = owners_of(len(patients))
    for number, (patient, status) in enumerate(itertools.product(patients, _STATUSES)):
        label = f"bench-task-{number}"
        resource = {
            "resourceType": "Task",
            "id": label,
            "status": status,
            "intent": "order",
            "code": {"coding": [{"system": "urn:bench:task", "code": "call"}]},
            "for": {"reference": f"Patient/{patient}"},
            "owner": {"reference": f"Practitioner/bench-owner-{number % owners}"},
            "authoredOn": f"2026-{1 + number % 10:02d}-{1 + number % 28:02d}T12:00:00Z",
        }
        yield Document(label=label, text=json.dumps(resource).encode())


def owners_of(patients: int) -> int:
    """How many owners there are for so many patients."""
    return max(patients * OWNERS // 100, 1)


def search(sample: Sample, name: str, count: int, seed: int) -> list[Request]:
    """So many requests of one class of the blend, other ones for each seed."""
    chance, make = random.Random(f"{name} {seed}"), dict(BLEND)[name]  # noqa: S311 - a choice, not a secret
    return [Request(name, "GET", f"/fhir/{make(sample, chance)}") for _ in range(count)]


def _patient(sample: Sample, chance: random.Random) -> str:
    return str(chance.choice(sample.patients)["id"])


def _name(sample: Sample, chance: random.Random) -> str:
    return f"Patient?name={quote(chance.choice(sample.patients)['name'][0]['family'])}"


def _family_and_birth_date(sample: Sample, chance: random.Random) -> str:
    one = chance.choice(sample.patients)
    return f"Patient?family={quote(one['name'][0]['family'])}&birthdate={one['birthDate']}"


def _identifier(sample: Sample, chance: random.Random) -> str:
    one = chance.choice(sample.patients)["identifier"][0]
    return f"Patient?identifier={quote(one.get('system', ''), safe='')}|{quote(one['value'])}"


def _code(resource: dict[str, Any]) -> str:
    coding = resource["code"]["coding"][0]
    return f"{quote(coding['system'], safe='')}|{coding['code']}"


def _observations_since(sample: Sample, chance: random.Random) -> str:
    one = chance.choice(sample.observations)
    return f"Observation?patient={_subject(one)}&code={_code(one)}&date=ge2015-01-01"


def _latest_observation(sample: Sample, chance: random.Random) -> str:
    one = chance.choice(sample.observations)
    return f"Observation?patient={_subject(one)}&code={_code(one)}&_sort=-date&_count=1"


def _count_of_code(sample: Sample, chance: random.Random) -> str:
    return f"Observation?code={_code(chance.choice(sample.observations))}&_summary=count"


def _cohort(sample: Sample, chance: random.Random) -> str:
    return f"Condition?code={_code(chance.choice(sample.conditions))}"


def _owner_list(sample: Sample, chance: random.Random) -> str:
    owner = f"Practitioner/bench-owner-{chance.randrange(sample.owners)}"
    return f"Task?owner={owner}&status=requested,accepted&_sort=-authored-on"


def _with_revincludes(sample: Sample, chance: random.Random) -> str:
    one = _patient(sample, chance)
    return f"Patient?_id={one}&_revinclude=Condition:patient&_revinclude=MedicationRequest:patient"


def _stays_with_places(sample: Sample, chance: random.Random) -> str:
    return f"Encounter?patient={_patient(sample, chance)}&_sort=-date&_include=Encounter:service-provider"


def _stays_between(sample: Sample, chance: random.Random) -> str:
    start = chance.choice(sample.encounters)["period"]["start"][:10]
    return f"Encounter?date=ge{start}&date=lt{start[:8]}28T23:59:59Z&_count=50"


def _subject(resource: dict[str, Any]) -> str:
    return str(resource["subject"]["reference"]).rpartition("/")[2]


def _of_patient(form: str) -> Callable[[Sample, random.Random], str]:
    return lambda sample, chance: form.format(_patient(sample, chance))


BLEND: Sequence[tuple[str, Callable[[Sample, random.Random], str]]] = (
    ("Patient?name", _name),
    ("Patient?family&birthdate", _family_and_birth_date),
    ("Patient?identifier", _identifier),
    ("Observation?patient&code&date=ge", _observations_since),
    ("Observation?patient&code&_sort=-date&_count=1", _latest_observation),
    ("Observation?code&_summary=count", _count_of_code),
    ("Condition?patient", _of_patient("Condition?patient={}")),
    ("Condition?code", _cohort),
    ("MedicationRequest?patient&status", _of_patient("MedicationRequest?patient={}&status=active")),
    ("CarePlan?patient", _of_patient("CarePlan?patient={}")),
    ("Task?owner&status&_sort=-authored-on", _owner_list),
    ("Task?patient", _of_patient("Task?patient={}")),
    ("Patient?_id&_revinclude&_revinclude", _with_revincludes),
    ("Encounter?patient&_sort=-date&_include", _stays_with_places),
    ("Encounter?date=ge&date=lt", _stays_between),
)
"""The search classes of issue 3, in equal shares."""


def reads(sample: Sample, count: int, seed: int = 11) -> list[Request]:
    """Reads of patients, observations, conditions and stays in turn."""
    sources = itertools.cycle([sample.patients, sample.observations, sample.conditions, sample.encounters])
    chance = random.Random(seed)  # noqa: S311 - a choice, not a secret
    chosen = (chance.choice(next(sources)) for _ in range(count))
    return [Request("read", "GET", f"/fhir/{one['resourceType']}/{one['id']}") for one in chosen]


WAVE = 160
"""Operations of one wave of the mix."""


def mix_wave(sample: Sample, number: int, label: str) -> list[Request]:
    """20 % create, 50 % read, 20 % update, 10 % delete of Patients and Observations. What the wave before has made is
    read, changed and (half of it, one wave later) deleted, each resource by one of these: waves go out one after the
    other, so that nothing is asked for before it is there. The first one only creates, the second deletes nothing."""
    made = WAVE // 5
    creates = [_put(sample, f"{label}-{number}", place, "create") for place in range(made)]
    if number == 0:
        return creates
    before = f"{label}-{number - 1}"
    updates = [_put(sample, before, place, "update", changed=True) for place in range(made)]
    earlier = f"{label}-{number - 2}"
    deletes = (
        [Request("delete", "DELETE", _address(earlier, place)) for place in range(made // 2)] if number > 1 else []
    )
    seen = [Request("read", "GET", _address(before, place % made)) for place in range(WAVE // 2)]
    return [*creates, *updates, *seen, *deletes]


def _address(label: str, place: int) -> str:
    return f"/fhir/{('Patient', 'Observation')[place % 2]}/{label}-{place}"


def _put(sample: Sample, label: str, place: int, kind: str, *, changed: bool = False) -> Request:
    sources = (sample.patients, sample.observations)[place % 2]
    resource = {**sources[place % len(sources)], "id": f"{label}-{place}"}
    resource.pop("meta", None)
    if resource["resourceType"] == "Patient":
        resource |= _person(f"{label}-{place}", changed=changed)
    else:
        resource["status"] = "amended" if changed else "final"
    return Request(kind, "PUT", _address(label, place), json.dumps(resource).encode())


def _person(label: str, *, changed: bool) -> dict[str, Any]:
    """Somebody who looks like nobody else: people who are alike cost the comparison of people, which is not measured
    here."""
    index = zlib.crc32(label.encode())
    street = f"{index % 9999} {made_up.family(index + 1)} Street"
    return {
        "identifier": [{"system": "urn:bench:crud", "value": label}],
        "name": [{"family": made_up.family(index), "given": [made_up.family(index + 2)]}],
        "birthDate": made_up.birth_date(index),
        "telecom": [{"system": "phone", "value": f"{index:010d}", "use": "home"}],
        "address": [{"line": [street], "city": made_up.family(index + 3), "postalCode": f"{index % 99999:05d}"}],
        "gender": "female" if changed else "male",
    }
