"""Other people's messages: each gets an honest answer, each that names a person yields that person and the visit."""

import pytest

from careloop import intake
from careloop.flows.arrival import feed_for, mappings_of
from careloop.flows.loading import Loaded, load_messages
from careloop.intake.hl7v2 import decode
from careloop.record import Stored

pytestmark = pytest.mark.shared


def messages_of(path):
    return [one.encode() for one in intake.split_file(decode(path.read_bytes())[0])]


NOBODY = ("PID: expected a PID segment", "PID-3: expected an identifier of the person (PID-3, else PID-2, 4 or 18)")
"""Samples that exercise one segment often name no person at all; a fact of nobody is a dead letter."""


def test_every_message_gets_an_answer_and_every_person_and_visit_is_there(door, shared):
    files = sorted((shared / "data/interchange/hl7v2").rglob("*.hl7"))
    assert len(files) == 237
    loaded = Loaded()
    for file in files:
        load_messages(door.app, door.tenant, file.name, file.read_bytes(), loaded)
    assert loaded.messages == sum(len(messages_of(file)) for file in files)
    assert {one.reason for one in loaded.rejects} == set(NOBODY)
    for file in files:
        for raw in messages_of(file):
            check_facts(door, raw, file.name in {one.file for one in loaded.rejects})


def check_facts(door, raw, rejected):
    with door.app.database.transaction(door.tenant.id) as tx:
        feed = feed_for(door.app, tx, door.tenant, None)
    _, checked = intake.check(raw, feed, mappings_of(door.app))
    assert (checked.code != "AA") is rejected
    if rejected:
        return
    message = intake.read(raw)
    facts = intake.understand(message, mappings_of(door.app), feed, door.tenant.id, door.app.clock.now())
    for person in facts.people:
        number = person.identifiers[0]
        [patient] = door.find("Patient", number["system"], number["value"])
        check_person(patient, person)
        for visit in person.visits:
            [encounter] = door.find("Encounter", visit.system, visit.value)
            assert encounter.resource["subject"]["reference"].startswith("Patient/")
        check_written(door, person)


def check_written(door, person):
    references = [f"{one['resourceType']}/{one['id']}" for one in person.facts]
    with door.app.database.transaction(door.tenant.id) as tx:
        assert set(door.app.record.fetch(tx, references)) == set(references)


def check_person(patient: Stored, person) -> None:
    families = {name.get("family") for name in patient.resource.get("name", [])}
    told = {name.get("family") for name in person.patient.get("name") or []}
    assert families & told or not told
    assert "birthDate" in patient.resource or "birthDate" not in person.patient


def test_loading_the_same_files_again_changes_nothing(door, shared):
    file = shared / "data/interchange/hl7v2/msft/ADT01-23.hl7"
    first, second = Loaded(), Loaded()
    load_messages(door.app, door.tenant, file.name, file.read_bytes(), first)
    load_messages(door.app, door.tenant, file.name, file.read_bytes(), second)
    assert first.created > 0
    assert (second.created, second.updated) == (0, 0)
    assert second.unchanged == first.resources
