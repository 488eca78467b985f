"""What messages beside admissions and results become: pharmacy, charges, bookings, death, guarantors; one at a time."""

from datetime import UTC, datetime

import pytest
from tests.messages.clinical import message

from careloop import intake
from careloop.errors import ContentError
from careloop.intake.structures import structure_faults, structure_of

RECEIVED = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)


@pytest.fixture
def facts(mappings, feed):
    """What the lines of one message make: resources of a type."""

    def made(kind, *lines, pid="{pid}"):
        raw = message(kind, pid, *lines, control_id="X1")
        told = intake.understand(intake.read(raw), mappings, feed, 1, RECEIVED)
        every = [*told.people[0].facts, *told.made.values()]
        return lambda name: [one for one in every if one["resourceType"] == name]

    return made


def coded(resource, element="code"):
    return resource[element]["coding"][0]["code"]


ORDERED = ("ORC|NW|P7^CLINIC", "RXO|1^Ampicillin^NDC|2||caps^capsule|||^Twice daily", "RXR|PO^Oral")
ENCODED = ("RXE||2^Ampicillin 250^NDC|1||caps^capsule|TAB^Tablet^L", "RXR|IV^Intravenous", "RXC|A|3^Saline^NDC|100|mL")


def test_what_the_pharmacy_made_of_an_order_is_based_on_the_words_it_was_asked_in(facts):
    made = facts("RDE^O11", *ORDERED, *ENCODED)
    asked, encoded = sorted(made("MedicationRequest"), key=lambda one: one["intent"], reverse=True)
    assert (asked["intent"], encoded["intent"]) == ("original-order", "filler-order")
    assert encoded["basedOn"] == [{"reference": f"MedicationRequest/{asked['id']}"}]
    assert coded(asked["dosageInstruction"][0], "route") != coded(encoded["dosageInstruction"][0], "route")
    assert asked["dosageInstruction"][0]["patientInstruction"] == "Twice daily"


def test_an_encoded_order_is_the_same_therapy_with_and_without_the_words_it_was_asked_in(facts):
    alone = facts("RDE^O11", "ORC|NW|P7^CLINIC", *ENCODED)("MedicationRequest")
    beside = facts("RDE^O11", *ORDERED, *ENCODED)("MedicationRequest")
    assert [one["id"] for one in alone] == [one["id"] for one in beside if one["intent"] == "filler-order"]


def test_form_and_ingredients_of_a_mixture_stand_in_a_medication_beside(facts):
    made = facts("RDE^O11", *ORDERED, *ENCODED)
    [mixture] = [one for one in made("Medication") if "ingredient" in one]
    [saline] = [one for one in made("Medication") if "amount" in one]
    assert coded(mixture, "form") == "TAB" and coded(saline) == "3"
    assert mixture["ingredient"][0]["itemReference"] == {"reference": f"Medication/{saline['id']}"}
    assert saline["amount"]["numerator"]["value"] == 100


def test_a_charge_brings_the_procedure_the_medicine_and_the_device_it_is_for(facts):
    charge = (
        "FT1|1|T1||20261120|20261120|CG|71045^X-ray^C4|||1"
        + "|" * 15
        + "71045^X-ray^C4||||NDC1^Aspirin^NDC"
        + ("|" * 5 + "ITEM9^^L|M5" + "|" * 8 + "5")
    )
    made = facts("DFT^P03", charge)
    [item], [procedure], [dispense], [device] = map(made, ("ChargeItem", "Procedure", "MedicationDispense", "Device"))
    assert procedure["status"] == "completed" and coded(procedure) == "71045"
    assert {one["reference"] for one in item["service"]} == {
        f"Procedure/{procedure['id']}",
        f"MedicationDispense/{dispense['id']}",
    }
    assert item["productReference"] == {"reference": f"Device/{device['id']}"} and device["modelNumber"] == "M5"


def test_a_procedure_told_beside_its_charge_is_not_told_twice(facts):
    charge = "FT1|1|T1||20261120|20261120|CG|71045^X-ray^C4" + "|" * 18 + "71045^X-ray^C4"
    made = facts("DFT^P03", charge, "PR1|1||71045^X-ray^C4||20261120")
    assert len(made("Procedure")) == 1


BOOKED = ("SCH|A77^CLINIC|B88^CLINIC", "RGS|1", "AIS|1||58410-2^CBC^LN|202612011000-0500", "AIG|1||123^Counter^L")


@pytest.mark.parametrize(("event", "status"), [("S12", "active"), ("S15", "revoked"), ("S17", "entered-in-error")])
def test_a_booked_service_is_a_request_with_the_state_of_the_booking(facts, event, status):
    made = facts(f"SIU^{event}", *BOOKED)
    [service], [appointment] = made("ServiceRequest"), made("Appointment")
    assert service["status"] == status and service["performer"][0]["reference"].startswith("Device/")
    assert appointment["basedOn"] == [{"reference": f"ServiceRequest/{service['id']}"}]


def test_a_booking_of_a_known_order_makes_no_request_of_its_own(facts):
    ordered = "SCH|A77^CLINIC|B88^CLINIC" + "|" * 24 + "P100^CLINIC"
    assert facts("SIU^S12", ordered, *BOOKED[1:])("ServiceRequest") == []


def test_death_and_autopsy_are_told(facts):
    pda = "PDA|I21^Infarction^I10|ICU^1^2^H|Y|20261119|7^Doe^Ann|Y|20261119^20261120|8^Roe^Bob|N"
    made = facts("ADT^A03", pda)
    assert coded(made("Condition")[0]) == "I21"
    assert {coded(one): coded(one, "valueCodeableConcept") for one in made("Observation")} == {
        "death-certificate": "Y",
        "autopsy": "Y",
        "coroner": "N",
    }
    assert {coded(one) for one in made("Procedure")} == {"death-certification", "autopsy-performed"}
    assert facts("ADT^A03", "PDA|||N")("Procedure") == []


def test_a_guarantor_is_on_the_account_with_the_time_and_hold_of_its_segment(facts):
    guarantor = "GT1|1|15^^^M|RADIANT^LUCY" + "|" * 10 + "20260101|20261231" + "|" * 8 + "Y"
    pid = "PID|1||100234^^^STMARY^MR||RIVERA^ANA||19510415|F" + "|" * 10 + "AC1^^^STMARY^AN"
    [account] = facts("ADT^A01", guarantor, pid=pid)("Account")
    [told] = account["guarantor"]
    assert told["party"]["reference"].startswith("RelatedPerson/")
    assert told["onHold"] is True and told["period"] == {"start": "2026-01-01", "end": "2026-12-31"}


def test_the_offset_of_a_dose_is_in_minutes(facts):
    timing = "TQ1|1||P^^^^12^h^^ACM^120^s"
    [request] = facts("RDE^O11", "ORC|NW|P7^CLINIC", ENCODED[0], timing)("MedicationRequest")
    assert request["dosageInstruction"][0]["timing"]["repeat"]["offset"] == 2


def test_a_part_or_a_resource_that_does_not_exist_is_named(mappings):
    document = {"id": "x", "events": {"ADT": ["A01"]}, "include": ["nobody"]}
    with pytest.raises(ContentError, match="nobody"):
        structure_of(document, {})
    document = {
        "id": "x",
        "events": {"ADT": ["A01"]},
        "groups": {"patient": {"starts": ["PID"]}},
        "resources": [
            {"name": "a", "group": "patient", "resource": "Account", "maps": ["pid-account"], "refer": {"b": "near no"}}
        ],
    }
    [fault] = structure_faults(structure_of(document, {}), mappings.segments, {"a"})
    assert fault.at == "x resources a.refer" and "no" in fault.expected
