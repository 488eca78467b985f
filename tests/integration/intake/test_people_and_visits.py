"""Who a message is about, what it changes of them, and what it must never do."""

from dataclasses import replace

from tests.messages import adt

from careloop.flows import feed_settings


def nk1(*fields):
    return "NK1|" + "|".join(fields)


def test_an_older_message_that_comes_late_never_overwrites_newer_words(door):
    door.send(adt("A31", control_id="C2", at="20261121080000-0500", pid="RIVERA^ANNA||19510415|F"))
    door.send(
        adt("A31", control_id="C1", at="20261120080000-0500", pid="RIVERA^ANA||19510415|F|||1 OLD ST^^LYNN^MA^01901")
    )
    patient = door.patient()
    assert patient["name"][0]["given"] == ["ANNA"]
    assert patient["address"][0]["line"] == ["1 OLD ST"]


def test_a_null_deletes_an_element_and_silence_does_not(door):
    door.send(adt("A01"), adt("A31", control_id="C2", at="20261121080000-0500", pid='RIVERA^ANA||19510415|F|||""'))
    patient = door.patient()
    assert "address" not in patient
    assert patient["gender"] == "female"


def test_a_deletion_of_person_information_deletes_nobody(door):
    door.send(adt("A01"), adt("A29", control_id="C2", at="20261121080000-0500"))
    assert door.patient()["active"] is True
    assert door.encounter()["status"] == "in-progress"


def test_death_is_noted_with_its_time(door):
    pid = adt("A01").split(b"\r")[2].decode().split("|") + [""] * 22
    pid[29], pid[30] = "20261121030000-0500", "Y"
    door.send(adt("A08").replace(adt("A08").split(b"\r")[2], "|".join(pid[:31]).encode()))
    assert door.patient()["deceasedDateTime"] == "2026-11-21T03:00:00-05:00"


def test_a_visit_moved_to_another_person_takes_its_record_along(door):
    door.send(adt("A01", mrn="111"), adt("A28", control_id="C2", mrn="222", pid="SILVA^JOSE||19440101|M"))
    door.send(
        adt("A45", control_id="C3", mrn="222", prior="111", at="20261121080000-0500", pid="SILVA^JOSE||19440101|M")
    )
    assert door.encounter()["subject"]["reference"] == f"Patient/{door.patient('222')['id']}"
    assert door.encounter()["status"] == "in-progress"
    door.send(
        adt("A03", control_id="C4", mrn="222", at="20261122080000-0500", pid="SILVA^JOSE||19440101|M", disposition="01")
    )
    assert door.encounter()["status"] == "finished"


def test_a_late_merge_settles_events_that_waited_for_it(door):
    door.send(adt("A01", mrn="111"))
    door.send(adt("A03", control_id="C2", mrn="222", at="20261122080000-0500", disposition="01"))
    assert door.encounter()["status"] == "in-progress"
    door.send(adt("A40", control_id="C3", mrn="111", prior="222", at="20261122090000-0500"))
    assert door.encounter()["status"] == "finished"
    assert door.encounter()["subject"]["reference"] == f"Patient/{door.patient('111')['id']}"


def test_relatives_allergies_and_diagnoses_are_kept_once(door):
    extra = (
        nk1("1", "RIVERA^LUIS", "SPO", "", "^PRN^PH^^^413^5550102"),
        "AL1|1|DA|^PENICILLIN|SV|RASH",
        "DG1|1||I50.9^Heart failure^I10|||A|||||||||1",
    )
    door.send(adt("A01", extra=extra), adt("A08", control_id="C2", at="20261120090000-0500", extra=extra))
    patient = door.patient()
    assert patient["contact"][0]["name"]["family"] == "RIVERA"
    with door.app.database.transaction(door.tenant.id) as tx:
        types = ["RelatedPerson", "AllergyIntolerance", "Condition"]
        found = {one.resource_type: one for one in door.app.record.of_patient(tx, patient["id"], types)}
        assert len(door.app.record.of_patient(tx, patient["id"], types)) == 3
    assert found["AllergyIntolerance"].resource["criticality"] == "high"
    assert found["Condition"].resource["code"]["coding"][0]["system"] == "http://hl7.org/fhir/sid/icd-10-cm"
    [diagnosis] = door.encounter()["diagnosis"]
    assert (diagnosis["rank"], diagnosis["use"]["coding"][0]["code"]) == (1, "AD")


def test_a_message_with_two_people_tells_of_both(door):
    first, second = adt("A24", mrn="1"), adt("A24", mrn="2", pid="SILVA^JOSE||19440101|M")
    both = first.rstrip(b"\r") + b"\r" + second.split(b"\r")[2] + b"\r"
    door.send(both)
    assert door.patient("1")["name"][0]["family"] == "RIVERA"
    assert door.patient("2")["name"][0]["family"] == "SILVA"


def test_an_account_number_stands_for_the_visit_where_no_visit_number_is(door):
    raw = adt("A01", visit="").replace(b"SPRINGFIELD^MA^01101", b"SPRINGFIELD^MA^01101|||||||AC77001")
    door.send(raw)
    assert door.encounter("AC77001")["status"] == "in-progress"


def test_one_poisonous_message_does_not_stop_the_others_of_its_batch(door, monkeypatch):
    from careloop.flows.arriving import Arrival

    original = Arrival.carry_out

    def poisoned(self, works):
        if any(work.message.envelope.control_id == "BAD" for work in works):
            raise ZeroDivisionError
        original(self, works)

    monkeypatch.setattr(Arrival, "carry_out", poisoned)
    door.send(
        adt("A01", control_id="G1", mrn="1", visit="V1"),
        adt("A01", control_id="BAD", mrn="2", visit="V2"),
        adt("A01", control_id="G2", mrn="3", visit="V3"),
    )
    assert door.encounter("V1")["status"] == door.encounter("V3")["status"] == "in-progress"
    with door.app.database.transaction(door.tenant.id) as tx:
        row = tx.one("select status, attempts, reason from inbox where control_id = 'BAD'")
    assert (row["status"], row["attempts"]) == ("received", 1)


def test_a_hospital_has_the_name_that_the_feed_gives_it_and_stays_one(door):
    door.send(adt("A01"))
    [before] = door.find("Organization", "urn:careloop:facility", "STMARY")
    assert before.resource["name"] == "STMARY"
    named = replace(door.feed, name="Hospital", places={"STMARY": "St. Mary Riverbend"})
    feed_settings.save(door.app, door.principal, named, base=door.feed.version)
    door.send(adt("A08", control_id="C2", at="20261121080000-0500"))
    [after] = door.find("Organization", "urn:careloop:facility", "STMARY")
    assert (after.id, after.resource["name"], after.resource["alias"]) == (before.id, "St. Mary Riverbend", ["STMARY"])
    assert door.encounter()["serviceProvider"]["display"] == "St. Mary Riverbend"
    feed_settings.undo(door.app, door.principal, door.feed.id, base=door.feed.version + 1, version=door.feed.version)
    door.send(adt("A08", control_id="C3", at="20261121090000-0500"))
    assert door.encounter()["serviceProvider"]["display"] == "STMARY"
