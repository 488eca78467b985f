"""Contradictions between sources become work items, go away with their facts, and stay settled."""

import pytest

from careloop.access.model import Principal, PrincipalKind, Role, system_principal
from careloop.errors import Conflict, Rejected
from careloop.flows import contradictions, writing
from careloop.record import Write

ACTIVE = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "code": "active"}]}
PERSON = {"reference": "Patient/p"}
PATIENT = {"resourceType": "Patient", "name": [{"family": "Shaw"}], "birthDate": "1950-04-03"}
PENICILLIN = {
    "resourceType": "AllergyIntolerance",
    "patient": PERSON,
    "clinicalStatus": ACTIVE,
    "code": {"text": "Penicillin"},
    "recorder": {"display": "Dr. Lee"},
}
NONE = {
    **PENICILLIN,
    "code": {"coding": [{"system": "http://snomed.info/sct", "code": "716186003"}]},
    "meta": {"source": "https://ehr.mercy.example/fhir"},
}
NURSE = Principal(tenant_id=0, kind=PrincipalKind.USER, id="nurse", name="Nora", roles=frozenset({Role.NURSE}))


class Practice:
    """A tenant whose writes are followed by the reader of the change feed."""

    def __init__(self, app, tenant):
        self.app, self.tenant = app, tenant

    def write(self, **resources):
        writes = []
        for own_id, resource in resources.items():
            kind = "AllergyIntolerance" if resource is None else resource["resourceType"]
            method = "delete" if resource is None else "update"
            writes.append(Write(method=method, resource_type=kind, id=own_id, resource=resource))
        principal = system_principal(self.tenant.id, "test")
        self.app.database.run(self.tenant.id, lambda tx: writing.write(self.app, tx, principal, writes))
        return self.read()

    def read(self):
        """The feed is read until it has nothing new; the first round only notes how far it went."""
        return sum(contradictions.go_on(self.app, self.tenant) for _ in range(3))

    def run(self, work):
        return self.app.database.run(self.tenant.id, work)

    def rows(self, sql):
        with self.app.database.transaction(self.tenant.id) as tx:
            return [tuple(row.values()) for row in tx.rows(sql)]

    def states(self):
        return self.rows("select rule, state from contradiction order by rule")

    def only(self):
        [found] = self.run(lambda tx: contradictions.of_patient(self.app, tx, "p"))
        return found

    def task(self):
        [stored] = self.run(lambda tx: self.app.record.of_patient(tx, "p", ["Task"]))
        return stored.resource

    def decide(self, decision="left", why="Asked the patient"):
        nurse = Principal(tenant_id=self.tenant.id, kind=NURSE.kind, id=NURSE.id, name=NURSE.name, roles=NURSE.roles)
        own_id = self.only().id
        return self.run(lambda tx: contradictions.decide(self.app, tx, nurse, own_id, decision, why))


@pytest.fixture
def practice(app, tenant):
    return Practice(app, tenant)


def test_an_allergy_and_none_known_become_one_task_with_both_sources(practice):
    practice.write(p=PATIENT, a=PENICILLIN, b=NONE)
    assert practice.states() == [("allergy-and-none", "open")]
    task = practice.task()
    assert task["code"]["coding"][0] == {"system": "urn:careloop:work", "code": "contradiction"}
    assert (task["status"], task["priority"]) == ("requested", "urgent")
    assert "Penicillin (Dr. Lee)" in task["description"]
    assert "No known allergies (ehr.mercy.example)" in task["description"]
    assert {one["valueReference"]["reference"] for one in task["input"]} == {
        "AllergyIntolerance/a", "AllergyIntolerance/b",
    }  # fmt: skip


def test_nothing_is_looked_at_twice(practice):
    assert practice.write(p=PATIENT, a=PENICILLIN, b=NONE) > 0
    assert practice.read() == 0
    before = practice.task()["meta"]["versionId"]
    practice.run(lambda tx: contradictions.review(practice.app, tx, ["p"]))
    assert practice.task()["meta"]["versionId"] == before


def test_types_without_a_rule_are_not_looked_at(practice):
    practice.write(p=PATIENT)
    goal = {
        "resourceType": "Goal", "lifecycleStatus": "active", "description": {"text": "Walk"}, "subject": PERSON,
    }  # fmt: skip
    assert practice.write(g=goal) == 0


def test_a_contradiction_goes_away_with_its_fact(practice):
    practice.write(p=PATIENT, a=PENICILLIN, b=NONE)
    practice.write(b=None)
    assert practice.states() == [("allergy-and-none", "withdrawn")]
    assert practice.task()["status"] == "cancelled"


def test_a_settled_one_stays_settled_until_a_fact_changes(practice):
    practice.write(p=PATIENT, a=PENICILLIN, b=NONE)
    practice.decide()
    task = practice.task()
    assert (task["status"], task["statusReason"]["text"]) == ("completed", "The first is right")
    assert task["note"][0]["text"] == "Asked the patient"
    practice.write(c={**PATIENT, "birthDate": "1951-01-01"}, p={**PATIENT, "active": True})
    assert practice.states() == [("allergy-and-none", "settled")]
    practice.write(a={**PENICILLIN, "criticality": "high"})
    assert practice.states() == [("allergy-and-none", "open")]
    assert practice.only().why == ""


def test_a_decision_needs_an_answer_and_a_sentence_and_is_made_once(practice):
    practice.write(p=PATIENT, a=PENICILLIN, b=NONE)
    with pytest.raises(Rejected):
        practice.decide(why=" ")
    with pytest.raises(Rejected):
        practice.decide(decision="maybe")
    practice.decide()
    with pytest.raises(Conflict):
        practice.decide()


def test_an_entry_of_a_transaction_that_commits_late_is_read_all_the_same(practice):
    practice.write(p=PATIENT, a=PENICILLIN)
    principal = system_principal(practice.tenant.id, "test")
    late = Write(method="update", resource_type="AllergyIntolerance", id="b", resource=NONE)
    with practice.app.database.transaction(practice.tenant.id) as slow:
        writing.write(practice.app, slow, principal, [late])
        practice.write(q={**PATIENT, "birthDate": "1960-01-01"})
        practice.read()
    practice.read()
    assert practice.states() == [("allergy-and-none", "open")]


def test_a_client_settles_it_by_completing_the_task(practice):
    practice.write(p=PATIENT, a=PENICILLIN, b=NONE)
    task = practice.task()
    practice.write(**{task["id"]: {**task, "description": "something else"}})
    assert practice.task()["description"] == task["description"]
    answer = {"coding": [{"system": "urn:careloop:contradiction-answer", "code": "right"}]}
    done = {**task, "status": "completed", "note": [{"text": "Asked"}]}
    with pytest.raises(Rejected):
        practice.write(**{task["id"]: done})
    practice.write(**{task["id"]: {**done, "statusReason": answer}})
    assert practice.only().decided == "The second is right"
    assert practice.task()["statusReason"]["coding"] == answer["coding"]
