"""A new number stands first, the one that does not work is old, and nothing else of the patient is lost."""

from careloop.flows.contact_numbers import with_number

DANA = {"reference": "Practitioner/dana", "display": "Dana Example"}
MARK = [{"url": "urn:careloop:contact-checked", "valueReference": DANA}]
PATIENT = {
    "resourceType": "Patient",
    "id": "p",
    "telecom": [
        {"system": "phone", "value": "+1 555 010 0001", "use": "home", "rank": 1, "period": {"start": "2020-01-01"}},
        {"system": "email", "value": "a@example.org", "rank": 2},
        {"system": "phone", "value": "555 010 0002"},
    ],
}


def test_a_new_number_is_first_and_the_wrong_one_is_kept_as_old():
    found = with_number(PATIENT, "(555) 010-0003", "+15550100001", "2026-11-23", DANA)["telecom"]
    assert found == [
        {"extension": MARK, "system": "phone", "value": "(555) 010-0003", "use": "mobile", "rank": 1,
         "period": {"start": "2026-11-23"}},
        {"extension": MARK, "system": "phone", "value": "+1 555 010 0001", "use": "old",
         "period": {"start": "2020-01-01", "end": "2026-11-23"}},
        {"system": "email", "value": "a@example.org", "rank": 2},
        {"system": "phone", "value": "555 010 0002"},
    ]  # fmt: skip


def test_a_number_that_is_there_already_moves_to_the_front_and_is_there_once():
    found = with_number(PATIENT, "5550100002", "", "2026-11-23", DANA)["telecom"]
    assert [one["value"] for one in found if one["system"] == "phone"] == ["5550100002", "+1 555 010 0001"]
    assert "old" not in [one.get("use") for one in found]
    assert [one.get("rank") for one in found if one["system"] == "phone"] == [1, None]
