"""Messages become people, stays and dead letters."""

from datetime import UTC, datetime

from tests.messages import adt

from careloop.clock import clock_started_at
from careloop.flows.inbox import process_due


def extension(resource, url):
    return [one for one in resource.get("extension", []) if one["url"] == url]


def test_an_admit_makes_a_person_and_an_open_stay(door):
    assert door.send(adt("A01")) == ["AA"]
    assert door.patient()["name"][0]["family"] == "RIVERA"
    encounter = door.encounter()
    assert encounter["status"] == "in-progress"
    assert encounter["class"]["code"] == "IMP"
    assert encounter["period"] == {"start": "2026-11-20T08:00:00-05:00"}
    assert encounter["location"][0]["location"]["display"] == "4W 401 A"


def test_a_discharge_closes_the_stay_with_its_disposition(door):
    door.send(adt("A01"), adt("A03", control_id="C2", at="20261123093000-0500", disposition="01"))
    encounter = door.encounter()
    assert encounter["status"] == "finished"
    assert encounter["period"]["end"] == "2026-11-23T09:30:00-05:00"
    assert encounter["hospitalization"]["dischargeDisposition"]["coding"][0]["code"] == "01"
    [discharge] = extension(encounter, "urn:careloop:discharge")
    assert {"url": "key", "valueString": "2026-11-23T14:30:00Z"} in discharge["extension"]


def test_the_same_message_again_is_answered_again_and_changes_nothing(door):
    message = adt("A01")
    assert door.send(message) == ["AA"]
    version = door.encounter()["meta"]["versionId"]
    assert door.send(message, message) == ["AA", "AA"]
    assert door.encounter()["meta"]["versionId"] == version
    assert door.count("inbox") == 1


def test_the_same_content_under_a_new_control_id_changes_nothing(door):
    door.send(adt("A01"))
    before = door.encounter()
    door.send(adt("A01", control_id="C2"))
    assert door.encounter() == before


def test_a_control_id_with_other_content_is_refused_and_kept(door):
    door.send(adt("A01"))
    assert door.send(adt("A08", control_id="C1")) == ["AE"]
    [letter] = door.dead()
    assert letter.at == "MSH-10"
    assert "control id reused" in letter.reason


def test_a_cancelled_discharge_leaves_the_stay_open_and_stays_in_its_history(door):
    door.send(
        adt("A01"),
        adt("A03", control_id="C2", at="20261123080000-0500", disposition="01"),
        adt("A13", control_id="C3", at="20261123090000-0500"),
    )
    encounter = door.encounter()
    assert encounter["status"] == "in-progress"
    assert "end" not in encounter["period"]
    [discharge] = extension(encounter, "urn:careloop:discharge")
    assert {"url": "cancelled", "valueDateTime": "2026-11-23T09:00:00-05:00"} in discharge["extension"]


def test_a_merge_brings_the_prior_number_to_the_survivor(door):
    door.send(adt("A01", mrn="100999", visit="V9"), adt("A28", control_id="C2", mrn="100234"))
    door.send(adt("A40", control_id="C3", mrn="100234", prior="100999", at="20261122080000-0500"))
    survivor = door.patient("100234")
    assert door.encounter("V9")["subject"]["reference"] == f"Patient/{survivor['id']}"


def test_one_provenance_names_the_control_id_and_the_versions(door):
    door.send(adt("A01"))
    with door.app.database.transaction(door.tenant.id) as tx:
        [row] = tx.rows("select body::text as body from resource where type = 'Provenance'")
    assert '"C1"' in row["body"]
    assert "/_history/1" in row["body"]


def test_an_unreadable_message_is_refused_and_kept(door):
    assert door.send(b"this is not HL7") == ["AR"]
    [letter] = door.dead()
    assert letter.stage == "read"


def test_a_message_of_another_type_is_kept_and_refused_honestly(door):
    assert door.send(adt("A01").replace(b"ADT^A01", b"MFN^M02")) == ["AE"]
    [letter] = door.dead()
    assert "not supported" in letter.reason


def test_an_event_of_the_future_counts_when_its_time_is_asked_for(door, app, tenant, clock):
    door.send(adt("A01"))
    ahead = adt("A03", control_id="C2", at="20261120080000-0500", occurred="20261130110000-0500", disposition="01")
    door.send(ahead)
    assert door.encounter()["status"] == "in-progress"
    later = clock_started_at(datetime(2026, 11, 30, 17, tzinfo=UTC))
    assert process_due(app.with_clock(later), tenant) == 1
    assert door.encounter()["status"] == "finished"
    assert door.dead() == []
    assert process_due(app.with_clock(later), tenant) == 0


def test_an_answer_says_what_reading_had_to_assume(door):
    raw = adt("A01", pid="MUÑOZ^ANA||19510415|F").decode().encode("latin-1")
    assert door.send(raw) == ["AA"]
    assert b"ERR||MSH^1^18^1|" in door.answers[-1]
    assert b"|W|" in door.answers[-1]
