"""A practice of any size: a few thousand loops come by the real path, the others are copies of them in sets.

A copy is the same facts about another person: stay, care team, calls, loop and steps, with ids that the rules give,
so that a review of a copy finds what it expects. Patients (`crowd`) and facts (`facts`) are whole, and so are the loops
that wake first (`live_copies`): their Tasks, Provenance and owners stand as they do for any loop. Left out: Tasks,
Provenance and the chain of owners of the other copies, whose clocks rest; steps and facts of ended loops. Everything is
written into tables that stand bare meanwhile (`filling`, decision 0239).
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from careloop.bench import crowd, facts, live_copies, made_up
from careloop.bench.filling import Lines, bare, plain, settle_tables, untriggered
from careloop.bench.installation import Place
from careloop.bench.telling import Stage, by_two, tell
from careloop.db import Database, Transaction, load_queries
from careloop.flows import deadlines, placing, team_rounds
from careloop.flows.bulk import import_bundles
from careloop.flows.bulk_documents import Document
from careloop.flows.routing import queue_reference
from careloop.loops.ids import loop_id, step_task_id
from careloop.record.cursors import Reader

TEMPLATES, QUEUE_EACH = 2_000, 100_000
_SQL = load_queries("careloop.bench", "population.sql")
_OPEN_SET, _FACT_SET, _CLOSED_SET = 10_000, 2_000, 50_000
_FACTS = ("Encounter", "CareTeam", "Communication")


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
    deadlines.run(place.app, place.tenant)
    team_rounds.go_on(place.app, place.tenant)
    _read_behind(place)
    work = facts.Work(
        templates=templates, owners=tuple(owners), queue=queue_reference(place.tenant.id), types=_FACTS,
        queue_each=QUEUE_EACH,
    )  # fmt: skip
    awake = live_copies.first_to_wake(place, templates, open_loops, live)
    with _templates(place), bare(place):
        crowd.add(place, templates, patients)
        _copy_facts(place, work, open_loops)
        _open(place, work, open_loops, awake)
        _closed(place, templates, patients, loops - open_loops)
    settle_tables(place)
    live_copies.add(place, templates, open_loops, awake)
    _read_behind(place)
    _renew_places(place)
    with place.app.database.transaction(place.tenant.id, actor="bench") as tx:
        tx.execute(_SQL["no_limit"])
        row = tx.rows(_SQL["counts"])[0]
    return Population(patients=row["patients"], loops=row["loops"], open=row["open"], templates=templates)


def _renew_places(place: Place) -> None:
    while placing.go_on(place.app, place.tenant):
        pass


def _read_behind(place: Place) -> None:
    """What is found behind the writes has been found for everything there is: nobody of them takes medicines, sends
    readings or is told of loops that were made."""
    with place.app.database.transaction(place.tenant.id, actor="bench") as tx:
        behind = [reader.value for reader in Reader if reader is not Reader.SUBSCRIPTIONS]
        tx.execute(_SQL["all_is_read"], {"readers": behind})
        tx.execute(_SQL["needs_are_known"])
        tx.execute(_SQL["nobody_is_told"])


@contextmanager
def _owner(place: Place) -> Iterator[Database]:
    """Connections of the owner of the tables, whom row-level security does not bind; two work at a time."""
    database = Database(place.urls.owner, max_size=2).open()
    try:
        yield database
    finally:
        database.close()


@contextmanager
def _templates(place: Place) -> Iterator[None]:
    """The loops of the real path lie apart meanwhile, where copies find them."""
    with _owner(place) as owner:
        with owner.directory() as tx:
            _in_turn(tx, "keep_templates")
        yield
        with owner.directory() as tx:
            _in_turn(tx, "drop_templates")


def _copy_facts(place: Place, work: facts.Work, open_loops: int) -> None:
    """The facts on which the open loops rest, about each of the people who have a copy of one, and their teams."""
    templates, practice = work.templates, crowd.practice_of(place)
    stage = Stage("facts", open_loops - templates)
    first = crowd.reserve_keys(place, (open_loops - templates) * len(_FACTS))
    sets = _sets(templates, open_loops, _FACT_SET)
    with crowd.two_processes() as workers:
        told = [
            workers.submit(facts.add, practice, work, low, high, first + (low - templates) * len(_FACTS))
            for low, high in sets
        ]
        for (low, high), one in zip(sets, told, strict=True):
            one.result()
            stage.advance(high - low)


def _open(place: Place, work: facts.Work, open_loops: int, awake: live_copies.Awake) -> None:
    """Loops that are open and whose clocks rest."""
    with place.app.database.transaction(place.tenant.id, actor="bench") as tx:
        found = tx.rows(_SQL["template_loops"])
    templates, stage = work.templates, Stage("open loops", open_loops - work.templates)

    def some(span: tuple[int, int]) -> int:
        low, high = span
        mapped = [one for one in _mapped(place.tenant.id, found, templates, low, high) if one[1] not in awake]
        with_owner = [(*one, work.owner_of(one[1])) for one in mapped]
        with owner.transaction(place.tenant.id, actor="bench") as tx:
            untriggered(tx)
            _copy_loops(tx, with_owner)
            tx.execute(_SQL["copy_responsibility"], {"low": low, "high": high, "templates": templates})
        return high - low

    with _owner(place) as owner:
        with owner.directory() as tx:
            _in_turn(tx, "places_follow")
        by_two(stage, some, _sets(templates, open_loops, _OPEN_SET))
        with owner.directory() as tx:
            _in_turn(tx, "places_as_before")


def _in_turn(tx: Transaction, name: str) -> None:
    """Several statements that stand under one name."""
    for statement in _SQL[name].split(";\n"):
        tx.execute(statement)


def _copy_loops(tx: Transaction, mapped: Sequence[tuple[str, int, str, list[str], str]]) -> None:
    _in_turn(tx, "make_maps")
    loops = Lines(
        tx.tenant_id, {"loop_map": "template number id owner", "step_map": "template id step_id task_id owner"}
    )
    for template, number, loop, names, owner in mapped:
        loops.add("loop_map", template, number, loop, owner)
        for step in names:
            loops.add("step_map", template, loop, plain(step), step_task_id(loop, step), owner)
    loops.write(tx)
    for name in ("look_at_maps", "copy_loops", "copy_steps"):
        tx.execute(_SQL[name])


def _sets(low: int, high: int, size: int) -> list[tuple[int, int]]:
    return [(start, min(start + size, high)) for start in range(low, high, size)]


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
    """Loops that ended. Nothing follows them: they have no place, and nobody's need changes."""
    stage = Stage("closed loops", count)

    def some(span: tuple[int, int]) -> int:
        low, high = span
        with owner.transaction(place.tenant.id, actor="bench") as tx:
            untriggered(tx)
            tx.execute(_SQL["copy_closed"], {"low": low, "high": high, "templates": templates, "patients": patients})
        return high - low

    with _owner(place) as owner:
        by_two(stage, some, _sets(0, count, _CLOSED_SET))


def settle(place: Place) -> None:
    """The planner knows the tables as they are now, and nobody has anything to catch up with: what copied loops and a
    sweep before would tell people counts as told, else the worker would be at it for minutes (100 events a second)."""
    settle_tables(place)
    _read_behind(place)
    with place.app.database.transaction(place.tenant.id, actor="bench") as tx:
        tx.execute(_SQL["leave_untold"])


def patients_of(place: Place) -> int:
    """How many patients there are."""
    with place.app.database.transaction(place.tenant.id, actor="bench") as tx:
        return int(tx.value(_SQL["count_patients"]))


def wake_of(tx: Transaction, count: int) -> datetime:
    """The instant by which so many loops have something to do."""
    found: datetime = tx.value(_SQL["nth_wake"], {"count": count})
    return found


def step_versions(tx: Transaction) -> int:
    """Versions of the Tasks of steps with clocks, all together."""
    return int(tx.value(_SQL["step_versions"]))


def read_due(tx: Transaction, at: datetime) -> None:
    """What a sweep at that instant reads lies in memory."""
    tx.execute(_SQL["no_limit"])
    tx.rows(_SQL["read_due"], {"now": at})


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
