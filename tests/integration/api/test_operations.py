"""`$lastn`, `$docref`, `$document`, `$apply` and `$meta` as a client meets them."""

import pytest

from careloop.access.model import Tenant
from careloop.flows import publishing

LOINC = "http://loinc.org"


def references(answer) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [entry["fullUrl"].rsplit("/fhir/", 1)[1] for entry in answer.json().get("entry", ())]


def observation(identity: str, day: str, *codes: str, patient: str = "p", **more: object) -> dict[str, object]:
    code = {"coding": [{"system": LOINC, "code": one} for one in codes]} if codes else {"text": "mood"}
    return {
        "resourceType": "Observation", "id": identity, "status": "final", "code": code,
        "category": [{"coding": [{"system": "urn:category", "code": "vital-signs"}]}],
        "subject": {"reference": f"Patient/{patient}"}, "effectiveDateTime": day, **more,
    }  # fmt: skip


def put(client, *bodies: dict[str, object]) -> None:
    for body in bodies:
        answer = client("PUT", f"/{body['resourceType']}/{body['id']}", body)
        assert answer.status_code in (200, 201), answer.text


@pytest.fixture
def patient(client):
    put(client, {"resourceType": "Patient", "id": "p", "gender": "female"}, {"resourceType": "Patient", "id": "q"})
    return client


@pytest.fixture
def measured(patient):
    put(
        patient,
        observation("w1", "2026-01-01", "29463-7"), observation("w3", "2026-03-01", "29463-7", "3141-9"),
        observation("w2", "2026-02-01", "3141-9"), observation("h1", "2026-01-15", "8302-2"),
        observation("m1", "2026-01-01"), observation("m2", "2026-01-02"),
        observation("other", "2026-09-01", "29463-7", patient="q"),
        observation("wrong", "2026-08-01", "29463-7", status="entered-in-error"),
    )  # fmt: skip
    return patient


def test_lastn_gives_the_latest_of_each_kind(measured):
    assert references(measured("GET", "/Observation/$lastn?patient=p")) == [
        "Observation/w3", "Observation/h1", "Observation/m2",
    ]  # fmt: skip
    assert references(measured("GET", "/Observation/$lastn?patient=p&max=2")) == [
        "Observation/w3", "Observation/w2", "Observation/h1", "Observation/m2", "Observation/m1",
    ]  # fmt: skip
    asked = "/Observation/$lastn?subject=Patient/p&max=9&code=http://loinc.org|29463-7&category=vital-signs"
    assert references(measured("GET", asked)) == ["Observation/w3", "Observation/w1"]
    assert references(measured("GET", "/Observation/$lastn?patient=p&status=entered-in-error")) == ["Observation/wrong"]


@pytest.mark.parametrize("query", ["", "code=x", "patient=p&max=0", "patient=p&max=x", "patient=p&nonsense=1"])
def test_lastn_refuses_what_it_cannot_answer(measured, query):
    assert measured("GET", f"/Observation/$lastn?{query}").status_code == 400


def test_lastn_needs_permission_and_stays_in_its_practice(measured, connect, tenant: Tenant, other_tenant: Tenant):
    assert connect(tenant, "system/Patient.rs")("GET", "/Observation/$lastn?patient=p").status_code == 403
    assert references(connect(other_tenant)("GET", "/Observation/$lastn?patient=p")) == []


def document(identity: str, date: str, code: str, start: str, **more: object) -> dict[str, object]:
    return {
        "resourceType": "DocumentReference", "id": identity, "status": "current", "date": f"{date}T10:00:00Z",
        "type": {"coding": [{"system": LOINC, "code": code}]}, "subject": {"reference": "Patient/p"},
        "context": {"period": {"start": start, "end": start}},
        "content": [{"attachment": {"url": "Binary/x", "contentType": "text/plain"}}], **more,
    }  # fmt: skip


def test_docref_finds_the_latest_of_each_type_or_those_of_a_time(patient):
    put(
        patient,
        document("d1", "2026-01-01", "34133-9", "2025-12-01"), document("d2", "2026-02-01", "34133-9", "2026-01-15"),
        document("d3", "2026-01-15", "18842-5", "2026-01-10"),
        document("d4", "2026-05-01", "18842-5", "2026-04-10", status="superseded"),
    )  # fmt: skip
    path = "/DocumentReference/$docref?patient=p"
    assert references(patient("GET", path)) == ["DocumentReference/d2", "DocumentReference/d3"]
    assert references(patient("GET", f"{path}&type={LOINC}|18842-5")) == ["DocumentReference/d3"]
    assert references(patient("GET", f"{path}&start=2026-01-01&end=2026-01-31")) == [
        "DocumentReference/d2", "DocumentReference/d3",
    ]  # fmt: skip
    assert references(patient("GET", f"{path}&end=2025-12-31")) == ["DocumentReference/d1"]
    assert references(patient("GET", f"{path}&on-demand=true")) == []
    body = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "patient", "valueId": "p"},
            {"name": "type", "valueCodeableConcept": {"coding": [{"system": LOINC, "code": "34133-9"}]}},
        ],
    }
    assert references(patient("POST", "/DocumentReference/$docref", body)) == ["DocumentReference/d2"]
    assert patient("GET", "/DocumentReference/$docref").status_code == 400
    assert patient("GET", f"{path}&colour=red").status_code == 400


def test_a_document_is_its_composition_and_all_that_it_names(patient):
    put(
        patient, {"resourceType": "Practitioner", "id": "dr"},
        observation("o", "2026-01-01", "29463-7", valueQuantity={"value": 1, "unit": "kg"}),
        {
            "resourceType": "Composition", "id": "c", "status": "final", "date": "2026-01-01", "title": "Summary",
            "type": {"text": "Summary"}, "subject": {"reference": "Patient/p"},
            "author": [{"reference": "Practitioner/dr"}],
            "section": [{"title": "Results", "entry": [{"reference": "Observation/o"}, {"reference": "Patient/p"}]}],
        },
    )  # fmt: skip
    made = patient("GET", "/Composition/c/$document")
    bundle = made.json()
    assert references(made) == ["Composition/c", "Patient/p", "Practitioner/dr", "Observation/o"]
    assert bundle["type"] == "document"
    assert bundle["identifier"]["value"].startswith("urn:uuid:")
    assert bundle["timestamp"]
    assert references(patient("GET", "/Composition/$document?id=c")) == references(made)
    assert patient("GET", "/Composition/c/$document?persist=true").status_code == 400
    kept = patient("POST", "/Composition/c/$document?persist=true").json()
    stored = patient("GET", f"/Bundle/{kept['id']}").json()
    assert [entry["resource"] for entry in stored["entry"]] == [entry["resource"] for entry in bundle["entry"]]
    patient("DELETE", "/Observation/o")
    assert patient("GET", "/Composition/c/$document").status_code == 400
    assert patient("GET", "/Composition/nobody/$document").status_code == 404


def test_a_document_needs_permission_for_each_part(patient, connect, tenant: Tenant):
    put(patient, {
        "resourceType": "Composition", "id": "c", "status": "final", "date": "2026-01-01", "title": "Summary",
        "type": {"text": "Summary"}, "subject": {"reference": "Patient/p"}, "author": [{"display": "somebody"}],
    })  # fmt: skip
    assert connect(tenant, "system/Composition.rs")("GET", "/Composition/c/$document").status_code == 403
    assert (
        connect(tenant, "system/Composition.rs system/Patient.rs")("GET", "/Composition/c/$document").status_code == 200
    )


def test_a_pathway_applied_is_a_plan_with_tasks_and_deadlines_and_writes_nothing(patient, app, tenant: Tenant):
    publishing.publish_pathways(app, tenant)
    before = patient("GET", "/_history?_count=1").json()["entry"][0]["fullUrl"]
    answer = patient("GET", "/PlanDefinition/discharge-transition/$apply?subject=Patient/p")
    assert answer.status_code == 200, answer.text
    plan = answer.json()
    assert (plan["resourceType"], plan["status"], plan["intent"]) == ("CarePlan", "draft", "proposal")
    assert plan["instantiatesCanonical"][0].startswith("urn:careloop:pathway:discharge-transition|")
    tasks = {task["id"]: task for task in plan["contained"]}
    assert {"contact", "visit", "medication-reconciliation", "discharge-summary"} <= tasks.keys()
    assert [one["reference"]["reference"] for one in plan["activity"]] == [f"#{name}" for name in tasks]
    # Monday 23 November 2026 and two business days, of which Thanksgiving is not yet one.
    assert tasks["contact"]["restriction"]["period"]["end"] == "2026-11-25T23:59:59-05:00"
    assert tasks["contact"]["for"] == {"reference": "Patient/p"}
    assert tasks["contact"]["code"]["coding"][0] == {"system": "urn:careloop:step", "code": "contact"}
    assert tasks["medication-reconciliation"]["restriction"] == tasks["visit"]["restriction"]
    assert "restriction" not in tasks["pending-results"]
    assert patient("GET", "/_history?_count=1").json()["entry"][0]["fullUrl"] == before
    checked = patient("POST", "/CarePlan/$validate", plan).json()
    assert not [issue for issue in checked["issue"] if issue["severity"] in ("error", "fatal")], checked


def test_actions_that_do_not_apply_are_left_out_and_doubts_are_told(patient):
    def action(identity: str, text: str, language: str = "text/fhirpath", **more: object) -> dict[str, object]:
        expression = {"language": language, "expression": text}
        return {
            "id": identity,
            "title": identity,
            "condition": [{"kind": "applicability", "expression": expression}],
            **more,
        }

    put(patient, {
        "resourceType": "PlanDefinition", "id": "plan", "status": "active", "title": "Screening",
        "action": [
            action("women", "%patient.gender = 'female'"), action("men", "gender = 'male'"),
            action("cql", "In Population", "text/cql"),
            {"title": "both", "action": [{"id": "inner", "title": "inner"}]},
        ],
    })  # fmt: skip
    plan = patient("GET", "/PlanDefinition/plan/$apply?subject=Patient/p").json()
    assert [task["description"] for task in plan["contained"]] == ["women", "cql", "both", "inner"]
    assert [note["text"] for note in plan["note"]] == ["Whether cql applies could not be worked out."]
    assert plan["instantiatesCanonical"] == ["PlanDefinition/plan"]


@pytest.mark.parametrize(
    ("query", "status"),
    [("", 400), ("subject=p", 400), ("subject=Patient/nobody", 404), ("subject=Group/g", 400),
     ("subject=Patient/p&practitioner=Practitioner/nobody", 400), ("subject=Patient/p&setting=x", 400),
     ("subject=Patient/p&colour=x", 400)],
)  # fmt: skip
def test_a_plan_is_not_applied_to_what_is_not_there(patient, query, status):
    put(patient, {"resourceType": "PlanDefinition", "id": "plan", "status": "active"})
    assert patient("GET", f"/PlanDefinition/plan/$apply?{query}").status_code == status


def test_labels_are_read_added_and_taken_away(patient):
    def call(name: str, **meta: object):
        body = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": meta}]}
        answer = patient("POST", f"/Patient/p/${name}", body)
        assert answer.status_code == 200, answer.text
        return answer.json()["parameter"][0]["valueMeta"]

    tag, other = {"system": "urn:t", "code": "a"}, {"system": "urn:t", "code": "b", "display": "B"}
    assert call("meta-add", tag=[tag], profile=["urn:profile"])["tag"] == [tag]
    added = call("meta-add", tag=[other, {**tag, "display": "again"}])
    assert (added["tag"], added["versionId"]) == ([tag, other], "3")
    assert call("meta-add", tag=[other])["versionId"] == "3"
    assert patient("GET", "/Patient/p/$meta").json()["parameter"][0]["valueMeta"]["profile"] == ["urn:profile"]
    left = call("meta-delete", tag=[{"system": "urn:t", "code": "b"}], profile=["urn:profile"])
    assert left["tag"] == [tag]
    assert "profile" not in left
    assert patient("GET", "/Patient?_tag=urn:t|a").json()["total"] == 1
    wrong = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {"versionId": "9"}}]}
    assert patient("POST", "/Patient/p/$meta-add", wrong).status_code == 422
    assert patient("GET", "/Patient/nobody/$meta").status_code == 404
    assert patient("GET", "/Patient/p/$meta-add").status_code == 405
