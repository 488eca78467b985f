"""HL7 v2 that leaves: which changes make which messages, what the receiver answers, and that we read what we write."""

import pytest
from tests.integration.flows.hooks import Subscriber, make_client
from tests.integration.flows.receivers import receiving
from tests.integration.intake.conftest import Door, door
from tests.messages.clinical import oru

from careloop.access.model import system_principal
from careloop.errors import Rejected
from careloop.flows import outbound_feeds
from careloop.outbox.feeds import OutboundFeed

__all__ = ["Door", "door"]

NPI = "http://hl7.org/fhir/sid/us-npi"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
LOINC = "http://loinc.org"

PATIENT = {
    "resourceType": "Patient",
    "id": "ana",
    "identifier": [
        {"system": "urn:oid:2.16.840.1.113883.19.5", "value": "A|1^2", "type": {"coding": [{"code": "MR"}]}},
        {"system": "https://example.org/numbers", "value": "77"},
    ],
    "name": [{"use": "official", "family": "O'Hara & Rivera", "given": ["Ana", "Maria"], "suffix": ["Jr"]}],
    "birthDate": "1951-04-15",
    "gender": "female",
    "address": [{"use": "home", "line": ["12 Elm St", "Apt 4"], "city": "Troy", "state": "NY", "postalCode": "12180"}],
    "telecom": [
        {"system": "phone", "value": "518-555-0101", "use": "home"},
        {"system": "phone", "value": "518-555-0102", "use": "mobile"},
        {"system": "email", "value": "ana@example.org"},
        {"system": "phone", "value": "518-555-0103", "use": "work"},
    ],
    "communication": [{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "es"}]}, "preferred": True}],
}
WARD = {"resourceType": "Location", "id": "ward", "name": "4 West", "physicalType": {"coding": [{"code": "wa"}]}}
BED = {
    "resourceType": "Location",
    "id": "bed",
    "name": "B",
    "physicalType": {"coding": [{"code": "bd"}]},
    "partOf": {"reference": "Location/ward"},
}
DOCTOR = {
    "resourceType": "Practitioner",
    "id": "doc",
    "identifier": [{"system": NPI, "value": "1234567893"}],
    "name": [{"family": "Wong", "given": ["Li"], "prefix": ["Dr"]}],
}


def stay(status="in-progress", **more):
    return {
        "resourceType": "Encounter",
        "id": "stay",
        "identifier": [{"system": "urn:oid:2.16.840.1.113883.19.6", "value": "V1"}],
        "status": status,
        "class": {"system": ACT, "code": "IMP"},
        "subject": {"reference": "Patient/ana"},
        "period": {"start": "2026-11-22T08:00:00-05:00"},
        "location": [{"location": {"reference": "Location/bed"}, "status": "active"}],
        "participant": [{"type": [{"coding": [{"code": "ATND"}]}], "individual": {"reference": "Practitioner/doc"}}],
        **more,
    }


def glucose(own_id="glucose", status="final", **more):
    return {
        "resourceType": "Observation",
        "id": own_id,
        "status": status,
        "code": {"coding": [{"system": LOINC, "code": "2345-7", "display": "Glucose"}]},
        "subject": {"reference": "Patient/ana"},
        "effectiveDateTime": "2026-11-23T06:30:00-05:00",
        "valueQuantity": {"value": 182, "unit": "mg/dL", "system": "http://unitsofmeasure.org", "code": "mg/dL"},
        "interpretation": [{"coding": [{"code": "H"}]}],
        "referenceRange": [{"low": {"value": 70}, "high": {"value": 105}}],
        "note": [{"text": "Fasting | nothing else"}],
        **more,
    }


def report(status="final"):
    return {
        "resourceType": "DiagnosticReport",
        "id": "panel",
        "status": status,
        "code": {"coding": [{"system": LOINC, "code": "24323-8", "display": "Metabolic"}]},
        "subject": {"reference": "Patient/ana"},
        "effectiveDateTime": "2026-11-23T06:30:00-05:00",
        "issued": "2026-11-23T09:00:00-05:00",
        "result": [{"reference": "Observation/glucose"}, {"reference": "Observation/culture"}],
    }


def referral(status="active"):
    return {
        "resourceType": "ServiceRequest",
        "id": "ref",
        "identifier": [{"system": "urn:oid:2.16.840.1.113883.19.7", "value": "R9"}],
        "status": status,
        "intent": "order",
        "priority": "urgent",
        "category": [{"coding": [{"system": "http://snomed.info/sct", "code": "3457005"}]}],
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "183524004", "display": "Cardiology"}]},
        "subject": {"reference": "Patient/ana"},
        "authoredOn": "2026-11-23T09:00:00-05:00",
        "requester": {"reference": "Practitioner/doc"},
        "reasonCode": [{"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "I50.9"}]}],
    }


@pytest.fixture
def sender(app, tenant):
    """A tenant whose changes go to a receiver with a socket."""
    with receiving() as receiver:
        feed = OutboundFeed(id=0, name="hospital", host="127.0.0.1", port=receiver.port, messages=("adt", "oru", "ref"))
        outbound_feeds.add(app, system_principal(tenant.id, "test"), tenant, feed)
        one = Subscriber(app, tenant, None, make_client(app, tenant))
        one.receiver = receiver
        one.work()
        yield one


def test_each_change_makes_the_event_that_it_is(sender):
    sender.write(PATIENT, WARD, BED, DOCTOR)
    sender.write({**PATIENT, "birthDate": "1951-04-16"})
    sender.write(stay())
    sender.write(stay(serviceType={"text": "MED"}))
    sender.write(stay("finished", period={"start": "2026-11-22T08:00:00-05:00", "end": "2026-11-23T09:00:00-05:00"}))
    sender.write(glucose(), glucose("culture"), report())
    sender.write(referral())
    sender.write(referral("revoked"))
    sender.work()
    assert sender.receiver.events() == ["A28", "A31", "A01", "A08", "A03", "R01", "I12", "I14"]
    assert {one.status for one in sender.deliveries()} == {"done"}
    admit = sender.receiver.got[2]
    assert admit.get("PID-5") == "O'Hara & Rivera" and admit.get("PID-3") == "A|1^2"
    assert admit.get("PV1-3") == "4 West" and admit.get("PV1-3.3") == "B"
    assert admit.get("PV1-7") == "1234567893" and admit.get("PV1-44") == "20261122080000-0500"
    assert [one.get("MSH-11") for one in sender.receiver.got] == ["T"] * 8


def facts(resource, *names):
    return {name: resource.get(name) for name in names}


def plain_identifiers(resource):
    return {(one["system"], one["value"]) for one in resource["identifier"]}


def test_our_own_reading_gives_the_same_person_and_stay_back(sender, door, other_tenant):
    sender.write(PATIENT, WARD, BED, DOCTOR)
    end = {"start": "2026-11-22T08:00:00-05:00", "end": "2026-11-23T09:00:00-05:00"}
    disposition = {"coding": [{"system": "https://www.nubc.org/patient-discharge", "code": "03"}]}
    sender.write(stay())
    sender.write(stay("finished", period=end, hospitalization={"dischargeDisposition": disposition}))
    sender.work()
    elsewhere = read_back(sender, door, other_tenant)
    [ana] = elsewhere.find("Patient", "urn:oid:2.16.840.1.113883.19.5", "A|1^2")
    assert plain_identifiers(PATIENT) <= plain_identifiers(ana.resource)
    assert facts(ana.resource, "name", "birthDate", "gender") == facts(PATIENT, "name", "birthDate", "gender")
    told = {(one["system"], one["value"], one.get("use")) for one in ana.resource["telecom"]}
    assert told == {
        ("phone", "518-555-0101", "home"), ("phone", "518-555-0102", "mobile"),
        ("email", "ana@example.org", "home"), ("phone", "518-555-0103", "work"),
    }  # fmt: skip
    assert facts(ana.resource["address"][0], "use", "line", "city", "state", "postalCode") == PATIENT["address"][0]
    [found] = elsewhere.find("Encounter", "urn:oid:2.16.840.1.113883.19.6", "V1")
    assert facts(found.resource, "status", "period") == {"status": "finished", "period": end}
    assert found.resource["class"]["code"] == "IMP"
    assert found.resource["hospitalization"]["dischargeDisposition"]["coding"][0]["code"] == "03"
    assert found.resource["participant"][0]["individual"]["display"] == "Dr Li Wong"


def test_our_own_reading_gives_the_same_result_back(sender, door, other_tenant):
    culture = {
        **glucose("culture"),
        "code": {"coding": [{"system": LOINC, "code": "600-7", "display": "Culture"}]},
        "interpretation": [], "referenceRange": [], "note": [],
        "valueCodeableConcept": {"coding": [{"system": "http://snomed.info/sct", "code": "3092008"}], "text": "Staph"},
    }  # fmt: skip
    culture = {name: value for name, value in culture.items() if value and name != "valueQuantity"}
    sender.write(PATIENT, glucose(), culture, report())
    sender.work()
    elsewhere = read_back(sender, door, other_tenant)
    with elsewhere.app.database.transaction(elsewhere.tenant.id) as tx:
        found = {
            one.resource["code"]["coding"][0]["code"]: one.resource
            for one in elsewhere.app.record.follow(tx, "Observation", [("code", "2345-7"), ("code", "600-7")])
        }
        [panel] = elsewhere.app.record.follow(tx, "DiagnosticReport", [("code", f"{LOINC}|24323-8")])
    assert facts(found["2345-7"], "status", "valueQuantity", "effectiveDateTime") == facts(
        glucose(), "status", "valueQuantity", "effectiveDateTime"
    )
    assert found["2345-7"]["note"][0]["text"] == "Fasting | nothing else"
    assert found["2345-7"]["interpretation"][0]["coding"][0]["code"] == "H"
    assert found["2345-7"]["referenceRange"][0]["low"]["value"] == 70
    assert found["600-7"]["valueCodeableConcept"]["coding"][0]["code"] == "3092008"
    assert facts(panel.resource, "status", "issued") == {"status": "final", "issued": "2026-11-23T09:00:00-05:00"}
    assert len(panel.resource["result"]) == 2


def test_our_own_reading_gives_the_same_referral_back(sender, door, other_tenant):
    sender.write(PATIENT, DOCTOR, referral())
    sender.work()
    elsewhere = read_back(sender, door, other_tenant)
    found = elsewhere.find("ServiceRequest", "urn:oid:2.16.840.1.113883.19.7", "R9")
    merged = {name: value for one in found for name, value in one.resource.items()}
    assert facts(merged, "status", "intent", "priority") == facts(referral(), "status", "intent", "priority")
    assert "I50.9" in str(merged["reasonCode"])
    assert "183524004" in str([one.resource.get("code") for one in found])


def read_back(sender, door, other_tenant):
    """Everything that was received is sent to our own door of another practice."""
    elsewhere = Door(sender.app, *other_door(sender.app, other_tenant))
    assert set(elsewhere.send(*[one.write().encode() for one in sender.receiver.got])) == {"AA"}
    assert elsewhere.dead() == []
    return elsewhere


def other_door(app, tenant):
    from careloop.access.tenancy import change_settings
    from careloop.intake import Feed, add_feed

    with app.database.directory() as tx:
        tenant = change_settings(tx, tenant, accept_any_sender=True)
    with app.database.transaction(tenant.id) as tx:
        feed = Feed(id=None, kind="hl7v2", zone="America/New_York", port=20000 + tenant.id)
        return tenant, add_feed(tx, app.clock.now(), feed, any_sender=True)


def test_a_refusal_is_dead_with_the_words_of_the_receiver(sender):
    sender.receiver.answers = lambda message: (
        f"MSA|AE|{message.get('MSH-10')}\rERR||PID^1^5|101^Required field missing^HL70357|E||||no name known here\r"
    )
    sender.write(PATIENT)
    sender.work()
    [dead] = sender.deliveries(status="dead")
    assert dead.reason == "AE: PID-5 Required field missing no name known here"


def test_silence_or_an_answer_to_another_message_is_tried_again_in_order(sender, clock):
    sender.receiver.answers = lambda message: None
    sender.write(PATIENT)
    sender.write({**PATIENT, "birthDate": "1951-04-16"})
    sender.work()
    assert sender.receiver.events() == ["A28"]
    sender.receiver.answers = lambda message: "MSA|AA|something-else\r"
    clock.move_by(minutes=2)
    sender.work()
    assert sender.receiver.events() == ["A28", "A28"]
    sender.receiver.answers = lambda message: f"MSA|AA|{message.get('MSH-10')}\r"
    clock.move_by(minutes=2)
    sender.work()
    assert sender.receiver.events() == ["A28", "A28", "A28", "A31"]
    assert len({one.get("MSH-10") for one in sender.receiver.got}) == 2
    assert sender.receiver.got[0].write() == sender.receiver.got[2].write()


def test_a_result_that_came_in_by_a_message_is_not_told_on(app, door):
    with receiving() as receiver:
        feed = OutboundFeed(id=0, name="x", host="127.0.0.1", port=receiver.port, messages=("oru",))
        outbound_feeds.add(app, system_principal(door.tenant.id, "test"), door.tenant, feed)
        one = Subscriber(app, door.tenant, None, make_client(app, door.tenant))
        one.work()
        assert door.send(oru()) == ["AA"]
        one.work()
        assert receiver.got == []


def test_a_kind_of_message_without_a_map_is_refused(app, tenant):
    feed = OutboundFeed(id=0, name="x", host="127.0.0.1", port=2575, messages=("mdm",))
    with pytest.raises(Rejected, match="adt, oru, ref"):
        outbound_feeds.add(app, system_principal(tenant.id, "test"), tenant, feed)
