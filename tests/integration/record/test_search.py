"""Searching: every kind of clause, paging, order, what comes along."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from careloop.access.model import Principal, PrincipalKind
from careloop.errors import Rejected
from careloop.record import Write

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


def patient(identity: str, family: str, given: str = "Amy", **more) -> dict:
    return {"resourceType": "Patient", "id": identity, "name": [{"family": family, "given": [given]}], **more}


def observation(identity: str, who: str, code: str, when: str, value: float | None = None, **more) -> dict:
    resource = {
        "resourceType": "Observation", "id": identity, "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": f"Patient/{who}"}, "effectiveDateTime": when, **more,
    }  # fmt: skip
    if value is not None:
        resource["valueQuantity"] = {
            "value": Decimal(str(value)),
            "unit": "mg/dL",
            "system": "http://unitsofmeasure.org",
            "code": "mg/dL",
        }
    return resource


@pytest.fixture
def people(chart):
    chart.put(
        patient("p1", "Müller", "Änne", birthDate="1950-03-04", gender="female",
                identifier=[{"system": "urn:mrn", "value": "77"}]),
        patient("p2", "Smith", "John", birthDate="1950", gender="male"),
        patient("p3", "Smithers", "Waylon", gender="male", active=False),
        observation("o1", "p1", "4548-4", "2024-05-01T10:00:00Z", 7.2),
        observation("o2", "p1", "4548-4", "2024-06-01T10:00:00Z", 8.1),
        observation("o3", "p2", "2345-7", "2024-05-15", 110, status="amended"),
        observation("o4", "p2", "4548-4", "2024-05", 6.0),
    )  # fmt: skip
    return chart


@pytest.mark.parametrize(
    ("kind", "query", "expected"),
    [
        ("Patient", "name=smith", ["p2", "p3"]),
        ("Patient", "name:exact=Smith", ["p2"]),
        ("Patient", "name:contains=MITH", ["p2", "p3"]),
        ("Patient", "family=muller&given=anne", ["p1"]),
        ("Patient", "identifier=urn:mrn|77", ["p1"]),
        ("Patient", "identifier=77", ["p1"]),
        ("Patient", "identifier=urn:other|77", []),
        ("Patient", "gender=male,female", ["p1", "p2", "p3"]),
        ("Patient", "gender:not=male", ["p1"]),
        ("Patient", "birthdate=1950", ["p1", "p2"]),
        ("Patient", "birthdate=1950-03-04", ["p1"]),
        ("Patient", "birthdate=ge1950-03-04&birthdate=lt1950-03-05", ["p1", "p2"]),
        ("Patient", "birthdate:missing=true", ["p3"]),
        ("Patient", "birthdate:missing=false", ["p1", "p2"]),
        ("Patient", "active=false", ["p3"]),
        ("Patient", "_id=p3,p1", ["p1", "p3"]),
        ("Patient", "_lastUpdated=ge2026-11-23", ["p1", "p2", "p3"]),
        ("Patient", "_lastUpdated=gt2026-11-23", []),
        ("Patient", "", ["p1", "p2", "p3"]),
        ("Observation", "patient=p1", ["o1", "o2"]),
        ("Observation", "subject=Patient/p1&code=4548-4", ["o1", "o2"]),
        ("Observation", "code=http://loinc.org|4548-4&date=ge2024-05-20", ["o2", "o4"]),
        ("Observation", "date=2024-05", ["o1", "o3", "o4"]),
        ("Observation", "date=ge2024-05-10&date=lt2024-06-01", ["o3", "o4"]),
        ("Observation", "date=lt2024-05-10", ["o1", "o4"]),
        ("Observation", "date=sa2024-05-15", ["o2"]),
        ("Observation", "value-quantity=gt7", ["o1", "o2", "o3"]),
        ("Observation", "value-quantity=7.2|http://unitsofmeasure.org|mg/dL", ["o1"]),
        ("Observation", "value-quantity=lt8||mg/dL", ["o1", "o4"]),
        ("Observation", "value-quantity=7.2||mmol/L", []),
        ("Observation", "status:not=final", ["o3"]),
        ("Observation", "patient.name=smith", ["o3", "o4"]),
        ("Observation", "subject:Patient.identifier=urn:mrn|77", ["o1", "o2"]),
        ("Patient", "_has:Observation:patient:code=2345-7", ["p2"]),
        ("Patient", "_has:Observation:patient:code=none", []),
    ],
)
def test_a_search_finds_what_it_asks_for(people, kind: str, query: str, expected: list[str]) -> None:
    assert people.ids(kind, query) == expected


def test_conditions_on_several_dates_may_be_met_by_different_ones(chart) -> None:
    plan = {
        "resourceType": "CarePlan", "id": "c", "status": "active", "intent": "plan",
        "subject": {"reference": "Patient/p"},
        "activity": [
            {"detail": {"status": "scheduled", "scheduledPeriod": {"start": day, "end": day}}}
            for day in ("2024-01-05", "2024-09-05")
        ],
    }  # fmt: skip
    chart.put(plan)
    assert chart.ids("CarePlan", "activity-date=ge2024-09-01&activity-date=lt2024-02-01") == ["c"]
    assert chart.ids("CarePlan", "activity-date=ge2024-10-01&activity-date=lt2024-02-01") == []


def test_a_stay_of_half_a_year_is_in_a_window_in_its_middle(chart) -> None:
    chart.put(
        {"resourceType": "Encounter", "id": "e", "status": "finished", "class": {"code": "IMP"},
         "period": {"start": "2024-01-01", "end": "2024-06-30"}},
        {"resourceType": "Encounter", "id": "f", "status": "in-progress", "class": {"code": "IMP"},
         "period": {"start": "2024-02-01"}},
    )  # fmt: skip
    assert chart.ids("Encounter", "date=ge2024-03-01&date=lt2024-03-02") == ["e", "f"]
    assert chart.ids("Encounter", "date=ge2024-08-01&date=lt2024-09-01") == ["f"]


def test_pages_hold_each_resource_once_while_others_are_written(chart) -> None:
    chart.put(*[patient(f"p{number:02}", "Smith") for number in range(25)])
    first = chart.page("Patient", "name=smith&_count=10")
    assert (len(first.entries), first.total) == (10, 25)
    chart.put(patient("p99", "Smith"), patient("p00", "Smith", "Changed"))
    second = chart.page("Patient", f"name=smith&_count=10&_cursor={first.next_cursor}")
    third = chart.page("Patient", f"name=smith&_count=10&_cursor={second.next_cursor}")
    seen = [stored.id for page in (first, second, third) for stored in page.entries]
    assert len(seen) == len(set(seen)) == 26
    assert third.next_cursor is None


def test_a_cursor_of_something_else_is_refused(people) -> None:
    with pytest.raises(Rejected):
        people.page("Patient", "_cursor=abc")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("_sort=date", ["o4", "o1", "o3", "o2"]),
        ("_sort=-date", ["o2", "o3", "o1", "o4"]),
        ("_sort=-_id", ["o4", "o3", "o2", "o1"]),
        ("_sort=-date&_count=1", ["o2"]),
        ("_sort=-value-quantity", ["o3", "o2", "o1", "o4"]),
        ("_sort=-_lastUpdated,-date", ["o2", "o3", "o1", "o4"]),
    ],
)
def test_results_come_in_the_order_asked(people, query: str, expected: list[str]) -> None:
    assert people.ids("Observation", query) == expected


def test_sorted_pages_continue_where_the_last_ended_and_missing_values_come_last(chart) -> None:
    dates = ["1970-01-01", None, "1980-01-01", "1960-01-01", None, "1970-01-01"]
    chart.put(*[patient(f"p{i}", "X", **({"birthDate": day} if day else {})) for i, day in enumerate(dates)])
    for direction, expected in (("", "p3 p0 p5 p2 p1 p4"), ("-", "p2 p0 p5 p3 p1 p4")):
        seen, cursor = [], ""
        while True:
            page = chart.page("Patient", f"_sort={direction}birthdate&_count=2{cursor}")
            seen += [stored.id for stored in page.entries]
            if page.next_cursor is None:
                break
            cursor = f"&_cursor={page.next_cursor}"
        assert " ".join(seen) == expected


def test_a_resource_with_several_of_the_codes_counts_once(chart) -> None:
    """Patient?phone=555-186-2275&_summary=count counted each of the two texts of a number."""
    chart.put({"resourceType": "Patient", "id": "p", "telecom": [{"system": "phone", "value": "555-186-2275"}]})
    assert chart.page("Patient", "phone=555-186-2275&_summary=count").total == 1
    assert chart.page("Patient", "phone=555-186-2275,5551862275&_total=accurate&_count=1").total == 1


def test_counts(people) -> None:
    assert people.page("Observation", "code=4548-4&_summary=count").total == 3
    assert people.page("Observation", "code=4548-4&patient=p1&_summary=count").total == 2
    assert people.page("Observation", "date=2024-05&_count=0").total == 3
    assert people.page("Observation", "_count=2&_total=none").total is None
    assert people.page("Observation", "_count=2&_total=accurate").total == 4


def test_what_a_result_refers_to_and_what_refers_to_it_comes_along(people) -> None:
    page = people.page("Observation", "_id=o1&_include=Observation:patient")
    assert [one.reference for one in page.included] == ["Patient/p1"]
    page = people.page("Patient", "_id=p1&_revinclude=Observation:patient&_revinclude=Encounter:patient")
    assert [one.reference for one in page.included] == ["Observation/o1", "Observation/o2"]
    page = people.page("Observation", "_id=o1&_include=Observation:*&_revinclude:iterate=Observation:patient")
    assert {one.reference for one in page.included} == {"Patient/p1", "Observation/o2"}


def test_a_chain_over_what_may_not_be_searched_never_matches(people) -> None:
    client = Principal(
        tenant_id=people.tenant.id, kind=PrincipalKind.CLIENT, id="c", name="c", scopes=("system/Observation.rs",)
    )
    assert people.page("Observation", "patient.name=smith", client).entries == []
    assert people.page("Observation", "_id=o1&_include=Observation:patient", client).included == []


def test_deleted_resources_are_not_found(people) -> None:
    with people.database.transaction(people.tenant.id) as tx:
        people.record.write(tx, people.principal, NOW, [Write(method="delete", resource_type="Observation", id="o1")])
    assert people.ids("Observation", "patient=p1") == ["o2"]
    assert people.page("Observation", "patient=p1&_summary=count").total == 1
    assert people.ids("Observation", "value-quantity=7.2") == []


def test_an_update_is_found_by_its_new_values_only(people) -> None:
    people.put(observation("o1", "p2", "4548-4", "2020-01-01", 5), at=NOW + timedelta(minutes=1))
    assert people.ids("Observation", "patient=p1") == ["o2"]
    assert people.ids("Observation", "patient=p2") == ["o1", "o3", "o4"]
    assert people.ids("Observation", "date=2020") == ["o1"]
    with people.database.transaction(people.tenant.id) as tx:
        assert people.record.verify(tx) == []


@pytest.mark.parametrize("query", ["nonsense=1", "name:above=x", "birthdate=yesterday", "_sort=name:x", "code:in=x"])
def test_what_cannot_be_answered_is_named_not_ignored(people, query: str) -> None:
    with pytest.raises(Rejected):
        people.page("Observation" if query.startswith("code") else "Patient", query)


def test_values_are_never_part_of_the_statement(people) -> None:
    for value in ("'; drop table resource; --", "%", "_", "\\", "😀", "a" * 300):
        people.page("Patient", f"name={value}")
        people.page("Patient", f"name:contains={value}")
        people.page("Patient", f"identifier={value}")
    assert people.ids("Patient", "name:contains=%") == []
    for value in ("a\x00b", "\ud800"):
        with pytest.raises(Rejected):
            people.page("Patient", f"name={value}")


def test_every_search_is_audited_with_its_query_and_patients(people) -> None:
    people.page("Observation", "code=2345-7")
    with people.database.transaction(people.tenant.id) as tx:
        [row] = tx.rows("select query, patient_ids, action from audit_event where subtype = 'search'")
    assert (row["query"], row["patient_ids"], row["action"]) == ("code=2345-7", ["p2"], "E")


def test_a_search_that_finds_nothing_about_a_patient_names_that_patient_in_the_audit_trail(people) -> None:
    """Condition?patient=p1 told of nobody where p1 had no conditions."""
    people.page("Condition", "patient=p1&asserter=Practitioner/dr")
    with people.database.transaction(people.tenant.id) as tx:
        assert tx.value("select patient_ids from audit_event where subtype = 'search'") == ["p1"]
