"""Results, orders, documents, bookings, shots, referrals and prescriptions become facts of one person, each once."""

import base64
from itertools import permutations

import pytest
from tests.messages import adt
from tests.messages.clinical import booking, document, every_kind, message, order, oru, prescription, referral, shot

from careloop.flows import inbox

LATER, LAST = "20261120100000-0500", "20261120120000-0500"


def of(door, *types):
    patient = door.patient()["id"]
    with door.app.database.transaction(door.tenant.id) as tx:
        return [one.resource for one in door.app.record.of_patient(tx, patient, list(types))]


def bare(resources):
    """Resources without what tells versions apart."""
    return sorted(
        ({key: part for key, part in one.items() if key != "meta"} for one in resources), key=lambda one: one["id"]
    )


def test_a_result_is_a_report_with_its_values_its_order_and_its_specimen(door):
    assert door.send(oru()) == ["AA"]
    [report] = of(door, "DiagnosticReport")
    glucose, esr = sorted(of(door, "Observation"), key=lambda one: one["code"]["coding"][0]["code"])
    [request], [specimen] = of(door, "ServiceRequest"), of(door, "Specimen")
    assert report["status"] == "final" and len(report["result"]) == 2
    assert report["basedOn"] == [{"reference": f"ServiceRequest/{request['id']}"}]
    assert glucose["valueQuantity"] == {
        "value": 182,
        "unit": "mg/dL",
        "system": "http://unitsofmeasure.org",
        "code": "mg/dL",
    }
    assert (glucose["referenceRange"][0]["low"]["value"], glucose["referenceRange"][0]["high"]["value"]) == (70, 105)
    assert glucose["interpretation"][0]["coding"][0]["code"] == "H"
    assert glucose["note"] == [{"text": "Fasting"}]
    assert glucose["effectiveDateTime"] == "2026-11-20T06:30:00-05:00"
    assert glucose["category"][0]["coding"][0]["code"] == "laboratory"
    assert esr["valueQuantity"]["comparator"] == ">"
    assert request["status"] == "completed" and request["requester"]["reference"].startswith("Practitioner/")
    assert specimen["type"]["coding"][0]["code"] == "119297000"


def test_the_same_result_again_and_a_correction_make_no_second_result(door):
    door.send(oru(status="P"))
    assert door.send(oru(status="P", control_id="R2"), oru("160", status="C", control_id="R3", at=LATER)) == [
        "AA",
        "AA",
    ]
    [report] = of(door, "DiagnosticReport")
    values = {one["code"]["coding"][0]["code"]: one for one in of(door, "Observation")}
    assert report["status"] == "corrected"
    assert len(values) == 2 and values["2345-7"]["valueQuantity"]["value"] == 160
    assert values["2345-7"]["status"] == "corrected"


def test_an_older_word_never_overwrites_a_newer_one_whatever_the_order_of_arrival(door):
    told = [oru("182", status="P"), oru("160", status="F", control_id="R2", at=LATER), order("NW", control_id="O1")]
    seen = []
    for number, some in enumerate(permutations(told)):
        mrn = f"20{number}"
        door.send(
            *(
                one.replace(b"100234", mrn.encode())
                .replace(b"P100", b"P" + mrn.encode())
                .replace(b"F200", b"F" + mrn.encode())
                .replace(b"|P|2.5.1", b"|P|2.5.1")
                .replace(b"|R2|", f"|R2-{number}|".encode())
                .replace(b"|R1|", f"|R1-{number}|".encode())
                .replace(b"|O1|", f"|O1-{number}|".encode())
                for one in some
            )
        )
        [person] = door.find("Patient", "urn:careloop:authority:STMARY", mrn)
        with door.app.database.transaction(door.tenant.id) as tx:
            found = door.app.record.of_patient(tx, person.id, ["Observation", "DiagnosticReport", "ServiceRequest"])
        values = sorted(
            (one.resource["resourceType"], one.resource["status"], one.resource.get("valueQuantity", {}).get("value"))
            for one in found
            if "esr" not in str(one.resource.get("code", {})).lower()
        )
        seen.append(values)
    assert seen[0] == [
        ("DiagnosticReport", "final", None),
        ("Observation", "final", 160),
        ("ServiceRequest", "completed", None),
    ]
    assert all(one == seen[0] for one in seen)


@pytest.mark.parametrize(
    ("control", "status"), [("NW", "active"), ("XO", "active"), ("CA", "revoked"), ("HD", "on-hold")]
)
def test_order_control_gives_the_order_its_status(door, control, status):
    door.send(order())
    door.send(order(control, control_id="O2", at=LATER))
    [request] = of(door, "ServiceRequest")
    assert request["status"] == status
    assert request["identifier"][0]["value"] == "P100"


def test_a_result_completes_the_order_that_was_placed_under_the_same_number(door):
    door.send(order(), oru(at=LATER))
    [request] = of(door, "ServiceRequest")
    assert request["status"] == "completed"
    assert request["note"][0]["text"] == "Please call the clinic"


def test_a_result_names_the_stay_by_its_visit_number_and_never_opens_one(door):
    door.send(adt("A01"), oru(visit="V900001", at=LATER))
    encounter = door.encounter()
    assert encounter["status"] == "in-progress" and encounter["class"]["code"] == "IMP"
    assert {one["encounter"]["reference"] for one in of(door, "Observation")} == {f"Encounter/{encounter['id']}"}
    door.send(oru(visit="V900009", control_id="R9"))
    assert door.encounter("V900009")["status"] == "unknown"


def test_a_booking_that_is_moved_cancelled_or_missed_stays_one_appointment(door):
    door.send(booking())
    [made] = of(door, "Appointment")
    assert (made["status"], made["start"], made["end"]) == (
        "booked",
        "2026-12-01T10:00:00-05:00",
        "2026-12-01T10:30:00-05:00",
    )
    assert made["minutesDuration"] == 30
    assert {one["actor"]["reference"].partition("/")[0] for one in made["participant"]} == {
        "Practitioner",
        "Location",
        "Patient",
    }
    door.send(booking("S13", "202612021000-0500", control_id="B2", at=LATER))
    [moved] = of(door, "Appointment")
    assert moved["start"] == "2026-12-02T10:00:00-05:00"
    door.send(booking("S15", "202612021000-0500", control_id="B3", at=LAST))
    [cancelled] = of(door, "Appointment")
    assert cancelled["status"] == "cancelled"
    door.send(booking("S26", "202612021000-0500", control_id="B4", at="20261202110000-0500"))
    assert of(door, "Appointment")[0]["status"] == "noshow"


def test_a_document_keeps_its_words_and_is_replaced_by_number(door):
    door.send(document())
    [made] = of(door, "DocumentReference")
    assert made["type"]["coding"][0] == {
        "system": "http://loinc.org",
        "code": "18842-5",
        "display": "Discharge summary",
    }
    assert (made["status"], made["docStatus"]) == ("current", "final")
    words = base64.b64decode(made["content"][0]["attachment"]["data"]).decode()
    assert words == "Ana is well.\nSee us in a week."
    door.send(document("T10", "D501", parent="D500^STMARY", control_id="M2", at=LATER))
    new = next(one for one in of(door, "DocumentReference") if one["id"] != made["id"])
    assert new["relatesTo"][0]["code"] == "replaces"
    assert new["relatesTo"][0]["target"]["identifier"]["value"] == "D500"


def test_an_edited_or_cancelled_document_is_the_same_document(door):
    door.send(document())
    door.send(document("T08", text="Ana is better.", control_id="M2", at=LATER))
    [edited] = of(door, "DocumentReference")
    assert base64.b64decode(edited["content"][0]["attachment"]["data"]).startswith(b"Ana is better.")
    door.send(document("T11", control_id="M3", at=LAST))
    [cancelled] = of(door, "DocumentReference")
    assert cancelled["status"] == "entered-in-error"


def test_a_shot_is_recorded_and_can_be_taken_back(door):
    door.send(shot())
    [given] = of(door, "Immunization")
    assert (given["status"], given["lotNumber"], given["occurrenceDateTime"]) == ("completed", "LOT9", "2026-11-01")
    assert given["vaccineCode"]["coding"][0] == {
        "system": "http://hl7.org/fhir/sid/cvx",
        "code": "141",
        "display": "Influenza",
    }
    assert given["primarySource"] is True
    door.send(shot("D", control_id="V2", at=LATER))
    assert [one["status"] for one in of(door, "Immunization")] == ["entered-in-error"]


def test_a_referral_has_both_providers_and_can_be_withdrawn(door):
    door.send(referral())
    [made] = of(door, "ServiceRequest")
    assert made["status"] == "active" and made["priority"] == "routine"
    [asked] = made["performer"]
    assert asked["reference"].startswith("PractitionerRole/")
    assert made["requester"]["reference"] not in (asked["reference"], "")
    door.send(referral("I15", control_id="F2", at=LATER))
    assert [one["status"] for one in of(door, "ServiceRequest")] == ["revoked"]


def test_a_prescription_is_a_medication_request_that_can_be_stopped(door):
    door.send(prescription())
    [made] = of(door, "MedicationRequest")
    assert made["medicationCodeableConcept"]["coding"][0]["code"] == "197361"
    assert made["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"]["value"] == 5
    assert made["dispenseRequest"]["numberOfRepeatsAllowed"] == 2
    door.send(prescription("DC", control_id="X2", at=LATER))
    assert [one["status"] for one in of(door, "MedicationRequest")] == ["stopped"]


def test_every_kind_is_tied_to_the_person_and_its_provenance(door):
    assert set(door.send(*every_kind().values())) == {"AA"}
    assert door.dead() == []
    [person] = door.find("Patient", "urn:careloop:authority:STMARY", "100234")
    made = of(door, "Observation", "ServiceRequest", "Appointment", "DocumentReference", "Immunization", "ChargeItem")
    assert {one["resourceType"] for one in made} == {
        "Observation", "ServiceRequest", "Appointment", "DocumentReference", "Immunization", "ChargeItem",
    }  # fmt: skip
    assert person.resource["name"][0]["family"] == "RIVERA"


def test_all_of_it_again_changes_nothing(door):
    door.send(*every_kind().values())
    before = bare(of(door, "Observation", "ServiceRequest", "Appointment", "DocumentReference", "MedicationRequest"))
    again = [one.replace(b"|P|2.5.1", b"-again|P|2.5.1") for one in every_kind().values()]
    assert set(door.send(*again)) == {"AA"}
    assert (
        bare(of(door, "Observation", "ServiceRequest", "Appointment", "DocumentReference", "MedicationRequest"))
        == before
    )


def test_unread_fields_and_site_segments_are_named(door):
    door.send(
        message("ORU^R01", "{pid}", "OBR|1||F1|1^A^L", "ZXT|1|something", "OBX|1|ST|1^A^L||ok||||||F", control_id="Z1")
    )
    [item] = inbox.page(door.app, door.principal, status="processed").items
    detail = inbox.show(door.app, door.principal, item.id)
    assert "ZXT" in detail.result["unmapped"]
    assert b"ZXT|1|something" in detail.raw


@pytest.mark.parametrize(
    ("accept", "application", "codes"),
    [("", "", ["AA"]), ("AL", "NE", ["CA"]), ("AL", "AL", ["CA", "AA"]), ("NE", "AL", ["AA"]), ("NE", "NE", []),
     ("ER", "SU", ["AA"])],
)  # fmt: skip
def test_a_sender_gets_the_acknowledgments_that_it_asks_for(door, accept, application, codes):
    raw = adt("A01").replace(b"|P|2.5.1", f"|P|2.5.1|||{accept}|{application}".encode(), 1)
    door.send(raw)
    told = [
        line.split("|")[1]
        for line in door.answers[-1].decode().replace("\x1c\r\x0b", "").split("\r")
        if line.startswith("MSA")
    ]
    assert told == codes
    assert door.encounter()["status"] == "in-progress"


def test_a_number_that_was_given_to_another_person_never_moves_that_persons_result(door):
    door.send(oru("182"), oru("99", mrn="700500", control_id="R2", at=LATER))
    values = {}
    for mrn in ("100234", "700500"):
        [person] = door.find("Patient", "urn:careloop:authority:STMARY", mrn)
        with door.app.database.transaction(door.tenant.id) as tx:
            found = door.app.record.of_patient(tx, person.id, ["Observation", "DiagnosticReport"])
        report = next(one.resource for one in found if one.resource["resourceType"] == "DiagnosticReport")
        results = {one.reference: one.resource for one in found}
        told = [results[one["reference"]] for one in report["result"]]
        values[mrn] = sorted(one["valueQuantity"]["value"] for one in told)
    assert values == {"100234": [100, 182], "700500": [99, 100]}
