"""A practice of any size: a few thousand loops come by the real path, the others are copies of them in sets.

A copy is the same facts about another person: stay, care team, calls, loop and steps, with ids that the rules give,
so that a review of a copy finds what it expects. Patients are whole (`crowd`), and so are the loops that wake first
(`live_copies`): their Tasks, Provenance and owners stand as they do for any loop. Left out: Tasks of the other copies,
whose clocks rest; the steps of closed loops; the index of copied facts for searches other than by type, id and patient.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from careloop.bench import crowd, live_copies, made_up
from careloop.bench.installation import Place
from careloop.bench.telling import Stage, tell
from careloop.db import Database, Transaction, load_queries
from careloop.flows import placing
from careloop.flows.bulk import import_bundles
from careloop.flows.bulk_documents import Document
from careloop.flows.routing import queue_reference
from careloop.loops.ids import loop_id, step_task_id

TEMPLATES = 2_000
_SQL = load_queries("careloop.bench", "population.sql")
_OPEN_SET, _CLOSED_SET = 20_000, 100_000
_QUEUE_EACH = 100_000
"""2,000 of so many people have loops that nobody took yet."""


@dataclass(frozen=True, kw_only=True)
class Population:
    """What stands."""

    patients: int
    loops: int
    open: int
    templates: int


def fill(
    place: Place, *, patients: int, loops: int, open_loops: int, owners: Sequence[str], live: int = 0
) -> Population:
    """The practice has so many patients and loops; the owners hold the open ones evenly, the queue some. Of the open
    ones about `live` are whole and have clocks that go."""
    templates = min(TEMPLATES, patients, open_loops)
    now = place.app.clock.now()
    documents = [one for index in range(templates) for one in _case(index, owners[index % len(owners)], now)]
    tell(f"{templates:,} cases by the real path")
    import_bundles(place.app, place.tenant, place.principal, documents)
    _renew_places(place)
    with _as_owner(place) as tx:
        tx.execute(_SQL["take_statistics"])
        _read_behind(place)
    awake = live_copies.first_to_wake(place, templates, open_loops, live)
    with _without_indexes(place):
        crowd.add(place, templates, patients)
        _open(place, templates, open_loops, owners, awake)
        _closed(place, templates, patients, loops - open_loops)
    with _as_owner(place) as tx:
        tx.execute(_SQL["take_statistics"])
    live_copies.add(place, templates, open_loops, awake)
    _read_behind(place)
    _renew_places(place)
    with place.app.database.transaction(place.tenant.id, actor="bench") as tx:
        row = tx.rows(_SQL["counts"])[0]
    return Population(patients=row["patients"], loops=row["loops"], open=row["open"], templates=templates)


def _renew_places(place: Place) -> None:
    while placing.go_on(place.app, place.tenant):
        pass


def _read_behind(place: Place) -> None:
    """What is found behind the writes has been found for everything there is: nobody of them takes medicines, sends
    readings or is told of loops that were made."""
    with place.app.database.transaction(place.tenant.id, actor="bench") as tx:
        for name in ("traits_are_read", "contradictions_are_read", "medicines_are_read", "readings_are_read"):
            tx.execute(_SQL[name])
        tx.execute(_SQL["nobody_is_told"])


class _without_indexes:  # noqa: N801 - used like a function
    """Secondary indexes are away inside and made again at the end: a load of millions takes minutes, not hours."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._again: list[str] = []

    def __enter__(self) -> None:
        with _as_owner(self._place) as tx:
            for row in tx.rows(_SQL["secondary_indexes"]):
                self._again.append(row["again"])
                tx.execute(row["away"])

    def __exit__(self, *_: object) -> None:
        with _as_owner(self._place) as tx:
            tx.execute(_SQL["more_memory"])
            stage = Stage("indexes", len(self._again))
            for statement in self._again:
                tx.execute(statement)
                stage.advance(1)


@contextmanager
def _as_owner(place: Place) -> Iterator[Transaction]:
    """One transaction of the owner of the tables."""
    owner = Database(place.urls.owner, max_size=1).open()
    try:
        with owner.directory() as tx:
            tx.execute(_SQL["no_limit"])
            yield tx
    finally:
        owner.close()


def _copy_resources(tx: Transaction, templates: int, low: int, high: int, kinds: dict[str, str]) -> None:
    first = tx.value(_SQL["reserve_keys"], {"count": (high - low) * len(kinds)})
    tx.execute(
        _SQL["copy_resources"],
        {
            "first": first, "low": low, "high": high, "templates": templates, "types": list(kinds),
            "letters": list(kinds.values()),
        },
    )  # fmt: skip


def _open(place: Place, templates: int, open_loops: int, owners: Sequence[str], awake: live_copies.Awake) -> None:
    """Loops that are open and whose clocks rest, and the facts that all open ones rest on."""
    facts = {"Encounter": "S", "CareTeam": "C", "Communication": "K"}
    with place.app.database.transaction(place.tenant.id, actor="bench") as tx:
        found = tx.rows(_SQL["template_loops"])
    stage = Stage("open loops", open_loops - templates)
    for low in range(templates, open_loops, _OPEN_SET):
        high = min(low + _OPEN_SET, open_loops)
        with place.app.database.transaction(place.tenant.id, actor="bench") as tx:
            tx.execute(_SQL["no_limit"])
            _copy_resources(tx, templates, low, high, facts)
            mapped = [one for one in _mapped(place.tenant.id, found, templates, low, high) if one[1] not in awake]
            tx.execute(_SQL["make_map"])
            tx.execute(_SQL["make_step_map"])
            tx.copy_in("loop_map", ["template", "number", "id"], [one[:3] for one in mapped])
            steps = [
                (template, loop, step, step_task_id(loop, step))
                for template, _, loop, names in mapped
                for step in names
            ]
            tx.copy_in("step_map", ["template", "id", "step_id", "task_id"], steps)
            tx.execute(_SQL["index_maps"])
            values = {"queue": queue_reference(place.tenant.id), "queue_each": _QUEUE_EACH, "owners": list(owners)}
            tx.execute(_SQL["copy_loops"], {**values, "owner_count": len(owners), "templates": templates})
            tx.execute(_SQL["copy_steps"])
        stage.advance(high - low)


def _mapped(
    tenant_id: int, found: Sequence[dict[str, Any]], templates: int, low: int, high: int
) -> Iterator[tuple[str, int, str, list[str]]]:
    """Template loop, number of the person, id of their loop, steps."""
    of_template = {row["template"]: row for row in found}
    for number in range(low, high):
        row = of_template.get(number % templates)
        if row is None:
            continue
        old, new = f"{number % templates:08d}", f"{number:08d}"
        focus, matter = row["focus"].replace(old, new), row["matter"].replace(old, new)
        yield row["id"], number, loop_id(tenant_id, row["pathway"], focus, matter), row["steps"]


def _closed(place: Place, templates: int, patients: int, count: int) -> None:
    """Loops that ended. Their places are nobody's question, so the trigger that keeps places is off meanwhile."""
    with place.app.database.transaction(place.tenant.id, actor="bench") as tx:
        newest = int(tx.value(_SQL["newest_number"]))
    with _as_owner(place) as tx:
        tx.execute(_SQL["places_rest"])
    stage = Stage("closed loops", count)
    for low in range(0, count, _CLOSED_SET):
        with place.app.database.transaction(place.tenant.id, actor="bench") as tx:
            tx.execute(_SQL["no_limit"])
            high = min(low + _CLOSED_SET, count)
            values = {"low": low, "high": high, "templates": templates, "patients": patients, "newest": newest}
            tx.execute(_SQL["copy_closed"], values)
        stage.advance(high - low)
    with _as_owner(place) as tx:
        tx.execute(_SQL["places_go_on"])


def settle(place: Place) -> None:
    """The planner knows the tables as they are now, and nobody has anything to catch up with."""
    with _as_owner(place) as tx:
        tx.execute(load_queries("careloop.bench")["take_statistics"])
    _read_behind(place)


def patients_of(place: Place) -> int:
    """How many patients there are."""
    with place.app.database.transaction(place.tenant.id, actor="bench") as tx:
        return int(tx.value(_SQL["count_patients"]))


def wake_of(tx: Transaction, count: int) -> datetime:
    """The instant by which so many loops have something to do."""
    found: datetime = tx.value(_SQL["nth_wake"], {"count": count})
    return found


def _case(index: int, owner: str, now: datetime) -> Iterator[Document]:
    """A person, a stay that ended within the last twelve days, a care team, and mostly a call two days later."""
    digits, age = f"{index:08d}", timedelta(minutes=index * 7_919 % (12 * 1_440) + 30)
    left, patient = now - age, {"reference": f"Patient/P{digits}"}
    yield _document(crowd.person(index))
    stay = {
        "resourceType": "Encounter", "id": f"S{digits}", "status": "finished", "subject": patient,
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
        "priority": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActPriority", "code": "EM"}]},
        "period": {"start": (left - timedelta(days=16 if index % 4 == 0 else 2)).isoformat(), "end": left.isoformat()},
        "hospitalization": {
            "dischargeDisposition": {"coding": [{"system": "https://www.nubc.org/patient-discharge", "code": "01"}]}
        },
    }  # fmt: skip
    yield _document(stay)
    role = {"coding": [{"system": "urn:careloop:role", "code": "coordinator"}]}
    team = {"resourceType": "CareTeam", "id": f"C{digits}", "status": "active", "subject": patient}
    yield _document({**team, "participant": [{"role": [role], "member": {"reference": owner}}]})
    called = left + timedelta(hours=30)
    if called < now and index % 8:
        yield _document(_call(digits, owner, called))


def _call(digits: str, owner: str, at: datetime) -> dict[str, Any]:
    """Somebody reached the person, as the worklist writes it."""
    patient = {"reference": f"Patient/P{digits}"}
    medium = {"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode", "code": "PHONE"}
    return {
        "resourceType": "Communication",
        "id": f"K{digits}",
        "status": "completed",
        "extension": [
            {"url": "urn:careloop:minutes", "valueDecimal": 6},
            {"url": "urn:careloop:spoke-with", "valueCode": "patient"},
        ],
        "category": [{"coding": [{"system": "urn:careloop:communication", "code": "outreach"}]}],
        "medium": [{"coding": [medium]}],
        "subject": patient,
        "recipient": [patient],
        "sender": {"reference": owner},
        "sent": at.replace(microsecond=0).isoformat(),
    }


def busy_patient(now: datetime, owner: str, events: int, loops: int) -> list[Document]:
    """One person with so many events and open loops."""
    patient = {"reference": "Patient/busy"}
    team = {"resourceType": "CareTeam", "id": "busy-team", "status": "active", "subject": patient}
    role = {"coding": [{"system": "urn:careloop:role", "code": "coordinator"}]}
    found = [
        {**made_up.patient(90_000_001), "id": "busy"},
        {**team, "participant": [{"role": [role], "member": {"reference": owner}}]},
    ]
    emergency = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "EMER"}
    for number in range(loops):
        left = now - timedelta(hours=1, minutes=80 * number)
        found.append(
            {
                "resourceType": "Encounter", "id": f"busy-visit-{number}", "status": "finished", "class": emergency,
                "subject": patient,
                "period": {"start": (left - timedelta(minutes=20)).isoformat(), "end": left.isoformat()},
            }
        )  # fmt: skip
    for number in range(events - loops):
        at = now - timedelta(hours=9 * number + 100)
        found.append(
            {
                "resourceType": "Observation", "id": f"busy-fact-{number}", "status": "final", "subject": patient,
                "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}], "text": "Weight"},
                "effectiveDateTime": at.isoformat(),
                "valueQuantity": {
                    "value": 70 + number % 9, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg",
                },
            }
        )  # fmt: skip
    return [_document(one) for one in found]


def _document(resource: dict[str, Any]) -> Document:
    return Document(label=str(resource["id"]), text=json.dumps(resource).encode())
