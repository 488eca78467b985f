"""A hospital's messages, a C-CDA document and a FHIR client tell of one person: one record that keeps every source."""

import pytest
from tests.integration.intake.conftest import Door, door  # noqa: F401
from tests.messages import adt
from tests.messages.clinical import oru
from tests.unit.intake.ccda.document import PENICILLIN, allergy, document, problem, section

from careloop.access.model import system_principal
from careloop.db import Transaction
from careloop.flows import contradictions, documents, merging, patient_record, patients, writing
from careloop.record import Write

HOSPITAL = adt("A01") + b"AL1|1|DA|7982^Penicillin G^RXNORM|SV|Rash\rDG1|1||I10^Essential hypertension^I10|||A\r"
HYPERTENSION = (
    '<value xsi:type="CD" code="38341003" codeSystem="2.16.840.1.113883.6.96" displayName="High blood pressure"/>'
)
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
FACTS = ("Condition", "AllergyIntolerance", "Observation", "DiagnosticReport", "DocumentReference")


class Person:
    """The patient of the messages, with whom the patient of the document is joined."""

    def __init__(self, door: Door) -> None:  # noqa: F811
        self.door, self.app, self.tenant = door, door.app, door.tenant
        self.principal = system_principal(door.tenant.id, "test")
        door.send(HOSPITAL, oru())
        self.id = door.patient()["id"]
        raw = document(
            section("11450-4", problem(HYPERTENSION), template="22.2.5.1"),
            section("48765-2", allergy(agent=PENICILLIN), template="22.2.6.1"),
        )
        self.document = documents.import_document(self.app, self.tenant, self.principal, raw, "test.xml")
        self.other_id = self.document.patient_id
        self.put(
            resourceType="Condition",
            id="c1",
            code={"text": "Gout"},
            subject={"reference": f"Patient/{self.id}"},
            clinicalStatus={"coding": [{"system": CLINICAL, "code": "active"}]},
            recorder={"display": "Dr. Lee"},
        )

    def put(self, **resource) -> None:
        write = Write(method="update", resource_type=resource["resourceType"], id=resource["id"], resource=resource)
        self.run(lambda tx: writing.write(self.app, tx, self.principal, [write]))

    def run(self, work):
        return self.app.database.run(self.tenant.id, work)

    def join(self):
        return self.run(
            lambda tx: merging.merge(self.app, tx, self.principal, self.id, self.other_id, "the same address")
        )

    def page(self, patient_id="", **asked):
        return self.run(
            lambda tx: patient_record.record_page(self.app, tx, self.principal, patient_id or self.id, **asked)
        )

    def rows(self, section, patient_id="", **asked):
        [found] = [one for one in self.page(patient_id, **asked).sections if one.key == section]
        return found.rows


@pytest.fixture
def person(door):  # noqa: F811
    return Person(door)


def names(row):
    return [source.name for source in row.sources]


def test_each_fact_names_the_feed_the_document_or_the_person_who_told_it(person):
    person.join()
    problems = {row.name: row for row in person.rows("problems")}
    assert names(problems["Gout"]) == ["Dr. Lee"]
    [result] = [row for row in person.rows("results") if row.name == "Glucose"]
    assert names(result) == ["STMARY, messages"]
    assert result.sources[0].detail == "ORU^R01^ORU_R01"


def test_the_same_problem_of_two_sources_is_one_line_that_names_both(person):
    person.join()
    problems = person.rows("problems")
    assert len(problems) == 2
    both = next(row for row in problems if row.name != "Gout")
    assert {source.name.split(",")[0] for source in both.sources} == {"STMARY", "Summary"}
    assert both.facts == 2
    [told] = [source for source in both.sources if source.document_id]
    assert f"DocumentReference/{told.document_id}" == person.document.document
    [penicillin] = person.rows("allergies")
    assert len(penicillin.sources) == 2
    assert len(person.page().header.allergies) == 1


def test_no_resource_is_changed_by_folding(person):
    person.join()

    def versions():
        found = person.run(lambda tx: person.app.record.of_patient(tx, person.id, FACTS))
        return sorted(one.versioned_reference for one in found)

    before = versions()
    person.page()
    assert versions() == before


def test_a_filter_by_source_keeps_only_what_it_told(person):
    person.join()
    chip = next(one for one in person.page().sources if one.name.startswith("Summary"))
    shown = {row.name for section in person.page(source=chip.key).sections for row in section.rows}
    assert "Gout" not in shown and len(shown) >= 2


def test_after_a_join_is_taken_back_each_fact_is_with_its_person_and_keeps_its_source(person):
    done = person.join()
    person.run(lambda tx: merging.unmerge(person.app, tx, person.principal, done.id))
    mine, other = person.rows("problems"), person.rows("problems", person.other_id)
    assert all("Summary" not in name for row in mine for name in names(row))
    [told] = other
    assert names(told)[0].startswith("Summary") and told.sources[0].document_id


def test_a_new_result_says_that_nobody_is_known_to_have_read_it(person):
    [result] = [row for row in person.rows("results") if row.name == "Glucose"]
    assert [one.words for one in result.knows] == ["No record that anyone here has read this"]


def test_who_still_has_to_know_is_the_owner_of_an_open_task(person):
    [stored] = [
        one
        for one in person.run(lambda tx: person.app.record.of_patient(tx, person.id, ["Observation"]))
        if one.resource["code"]["coding"][0]["code"] == "2345-7"
    ]
    task = {
        "resourceType": "Task", "id": "t1", "status": "requested", "intent": "order",
        "for": {"reference": f"Patient/{person.id}"}, "focus": {"reference": stored.reference},
        "owner": {"display": "Dr. Lee"}, "code": {"text": "Read the glucose"},
    }  # fmt: skip
    person.put(**task)
    [row] = [row for row in person.rows("results") if row.name == "Glucose"]
    assert [one.words for one in row.knows] == ["Dr. Lee still has to read the glucose"]
    person.put(**{**task, "status": "completed"})
    [row] = [row for row in person.rows("results") if row.name == "Glucose"]
    assert [one.words for one in row.knows] == ["No record that anyone here has read this"]


def test_the_history_of_a_fact_shows_each_source_and_version(person):
    person.join()
    row = next(row for row in person.rows("problems") if row.name != "Gout")
    page = person.run(
        lambda tx: patient_record.fact_page(person.app, tx, person.principal, person.id, row.type, row.id)
    )
    assert len(page.told) == 2
    assert {line.source.split(",")[0] for told in page.told for line in told.versions} >= {"STMARY", "Summary"}


def test_another_birth_date_of_another_source_is_a_contradiction(person):
    birth = {"resourceType": "Patient", "id": person.id, "birthDate": "1951-04-17"}
    before = person.run(lambda tx: person.app.record.fetch(tx, [f"Patient/{person.id}"]))
    person.put(**{**before[f"Patient/{person.id}"].resource, **birth})
    person.run(lambda tx: contradictions.review(person.app, tx, [person.id]))
    [found] = person.run(lambda tx: contradictions.of_patient(person.app, tx, person.id))
    assert found.title == "Two birth dates"
    assert {side.words for side in (*found.left, *found.right)} == {"Born 15 Apr 1951", "Born 17 Apr 1951"}


def test_the_overview_asks_the_database_the_same_number_of_times_whatever_the_size(person, monkeypatch):
    person.join()

    asked = []
    rows, one = Transaction.rows, Transaction.one
    monkeypatch.setattr(Transaction, "rows", lambda tx, *given: asked.append(given[0]) or rows(tx, *given))
    monkeypatch.setattr(Transaction, "one", lambda tx, *given: asked.append(given[0]) or one(tx, *given))

    def statements():
        asked.clear()
        person.run(lambda tx: patients.page(person.app, tx, person.principal, person.id))
        return len(asked)

    before = statements()
    for number in range(30):
        person.put(
            resourceType="Observation", id=f"o{number}", status="final", code={"text": f"Test {number}"},
            subject={"reference": f"Patient/{person.id}"}, valueInteger=number,
            effectiveDateTime=f"2026-01-{number % 28 + 1:02d}",
        )  # fmt: skip
    assert statements() == before
