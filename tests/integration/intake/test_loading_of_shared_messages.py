"""Other people's messages: each gets an honest answer, each ADT yields its person and its stay."""

import pytest

from careloop import intake
from careloop.flows.arrival import feed_for, mappings_of
from careloop.flows.loading import Loaded, load_messages
from careloop.intake.hl7v2 import decode
from careloop.record import Stored

pytestmark = pytest.mark.shared


def messages_of(path):
    return [one.encode() for one in intake.split_file(decode(path.read_bytes())[0])]


def test_every_message_gets_an_answer_and_every_adt_its_person_and_its_stay(door, shared):
    files = sorted((shared / "data/interchange/hl7v2").rglob("*.hl7"))
    assert len(files) == 237
    loaded = Loaded()
    for file in files:
        load_messages(door.app, door.tenant, file.name, file.read_bytes(), loaded)
    assert loaded.messages == sum(len(messages_of(file)) for file in files)
    assert {one.reason for one in loaded.rejects if "ADT" not in one.reason} == set()
    for file in files:
        for raw in messages_of(file):
            check_facts(door, file.name, raw, {one.file for one in loaded.rejects})


def check_facts(door, name, raw, rejected):
    with door.app.database.transaction(door.tenant.id) as tx:
        feed = feed_for(door.app, tx, door.tenant, None)
    message, checked = intake.check(raw, feed, mappings_of(door.app))
    if checked.envelope.message_type != "ADT":
        assert name in rejected
        return
    assert name not in rejected
    facts = intake.understand(message, mappings_of(door.app), feed, door.tenant.id, door.app.clock.now())
    for person in facts.people:
        number = person.identifiers[0]
        [patient] = door.find("Patient", number["system"], number["value"])
        check_person(patient, person)
        for visit in person.visits:
            [encounter] = door.find("Encounter", visit.system, visit.value)
            assert encounter.resource["subject"]["reference"].startswith("Patient/")


def check_person(patient: Stored, person) -> None:
    families = {name.get("family") for name in patient.resource.get("name", [])}
    assert families & {name.get("family") for name in person.patient.get("name", [])}
    assert patient.resource["birthDate"]


def test_loading_the_same_files_again_changes_nothing(door, shared):
    file = shared / "data/interchange/hl7v2/msft/ADT01-23.hl7"
    first, second = Loaded(), Loaded()
    load_messages(door.app, door.tenant, file.name, file.read_bytes(), first)
    load_messages(door.app, door.tenant, file.name, file.read_bytes(), second)
    assert first.created > 0
    assert (second.created, second.updated) == (0, 0)
    assert second.unchanged == first.resources
