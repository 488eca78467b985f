"""`$everything`: a chart is whole, nobody else's, cut as asked, in pages that follow one another."""

import pytest

from careloop.access.model import Tenant

PATIENT = {"resourceType": "Patient", "id": "p", "name": [{"family": "Shaw"}]}


def observation(identity: str, day: str, patient: str = "p", **more: object) -> dict[str, object]:
    return {
        "resourceType": "Observation", "id": identity, "status": "final", "code": {"text": "weight"},
        "subject": {"reference": f"Patient/{patient}"}, "effectiveDateTime": day, **more,
    }  # fmt: skip


@pytest.fixture
def chart(client):
    """A patient with an encounter, observations on three days, a doctor, and a mother's observation that names her."""
    doctor = {"resourceType": "Practitioner", "id": "dr"}
    visit = {
        "resourceType": "Encounter", "id": "e", "status": "finished", "subject": {"reference": "Patient/p"},
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "period": {"start": "2026-03-01", "end": "2026-03-02"},
    }  # fmt: skip
    dr, e = [{"reference": "Practitioner/dr"}], {"reference": "Encounter/e"}
    for body in (
        observation("o1", "2026-01-05", performer=dr), observation("o2", "2026-03-01", encounter=e, performer=dr),
        observation("o3", "2026-06-01"), observation("other", "2026-03-01", patient="q"),
        observation("named", "2026-03-01", patient="q", performer=[{"reference": "Patient/p"}]),
        PATIENT, {**PATIENT, "id": "q"}, visit, doctor,
    ):  # fmt: skip
        assert client("PUT", f"/{body['resourceType']}/{body['id']}", body).status_code == 201
    return client


def ids(answer) -> set[str]:
    assert answer.status_code == 200, answer.text
    return {entry["fullUrl"].rsplit("/fhir/", 1)[1] for entry in answer.json().get("entry", ())}


WHOLE = {
    "Patient/p", "Encounter/e", "Observation/o1", "Observation/o2", "Observation/o3", "Observation/named",
    "Practitioner/dr",
}  # fmt: skip


def test_a_chart_is_what_is_about_the_patient_and_what_that_refers_to(chart):
    answer = chart("GET", "/Patient/p/$everything")
    assert ids(answer) == WHOLE
    assert answer.json()["type"] == "searchset"
    assert answer.json()["entry"][0]["resource"]["resourceType"] == "Patient"
    modes = {entry["fullUrl"].rsplit("/fhir/", 1)[1]: entry["search"]["mode"] for entry in answer.json()["entry"]}
    assert modes["Practitioner/dr"] == "include"
    assert modes["Observation/o1"] == "match"


def test_post_with_parameters_is_the_same(chart):
    body = {"resourceType": "Parameters", "parameter": [{"name": "_type", "valueCode": "Encounter"}]}
    assert ids(chart("POST", "/Patient/p/$everything", body)) == {"Encounter/e"}


def test_care_dates_types_and_changes_cut_the_chart(chart, app, clock):
    assert ids(chart("GET", "/Patient/p/$everything?start=2026-02-01&end=2026-03-31")) == WHOLE - {
        "Observation/o1", "Observation/o3",
    }  # fmt: skip
    assert ids(chart("GET", "/Patient/p/$everything?end=2026-01-05&_type=Observation")) == {"Observation/o1"}
    assert ids(chart("GET", "/Patient/p/$everything?_type=Observation,Patient")) == {
        one for one in WHOLE if one.startswith(("Observation", "Patient"))
    }
    clock.move_by(minutes=10)
    chart("PUT", "/Observation/o1", observation("o1", "2026-01-06"))
    since = clock.now().isoformat().replace("+00:00", "Z")
    assert ids(chart("GET", f"/Patient/p/$everything?_since={since}")) == {"Observation/o1"}


@pytest.mark.parametrize("count", [1, 2, 3, 6])
def test_pages_follow_one_another_and_hold_everything_once(chart, count):
    assert every_page(chart, f"/Patient/p/$everything?_count={count}", count) == sorted(WHOLE)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_pages_of_an_encounter_hold_everything_once(chart, count):
    """Encounter/1/$everything?_count=5 brought Encounter, Patient and Practitioner again on each page."""
    dr, e = [{"reference": "Practitioner/dr"}], {"reference": "Encounter/e"}
    report = {"resourceType": "DiagnosticReport", "id": "r", "status": "final", "code": {"text": "x"}, "encounter": e}
    refers = {
        **report,
        "result": [{"reference": "Observation/o4"}],
        "performer": dr,
        "subject": {"reference": "Patient/p"},
    }
    chart("PUT", "/DiagnosticReport/r", refers)
    chart("PUT", "/Observation/o4", observation("o4", "2026-03-01", encounter=e, performer=dr))
    assert every_page(chart, f"/Encounter/e/$everything?_count={count}", count) == [
        "DiagnosticReport/r", "Encounter/e", "Observation/o2", "Observation/o4", "Patient/p", "Practitioner/dr",
    ]  # fmt: skip


def test_what_only_a_part_that_was_cut_away_refers_to_on_an_earlier_page_is_brought_along(chart):
    """o1 (January) is cut away by its date; the doctor whom it names too is named by o2."""
    path = "/Patient/p/$everything?start=2026-02-01&_count=1"
    assert "Practitioner/dr" in every_page(chart, path, 1)


def every_page(chart, path: str, count: int) -> list[str]:
    seen: list[str] = []
    while path:
        answer = chart("GET", path).json()
        seen += [entry["fullUrl"].rsplit("/fhir/", 1)[1] for entry in answer.get("entry", ())]
        assert len([entry for entry in answer["entry"] if entry["search"]["mode"] == "match"]) <= count
        path = next((one["url"].split("/fhir", 1)[1] for one in answer["link"] if one["relation"] == "next"), "")
    return sorted(seen)


def test_an_encounter_has_a_chart_too(chart):
    assert ids(chart("GET", "/Encounter/e/$everything")) == {
        "Encounter/e", "Observation/o2", "Practitioner/dr", "Patient/p",
    }  # fmt: skip


def test_all_charts_come_at_type_level(chart):
    assert ids(chart("GET", "/Patient/$everything")) == WHOLE | {"Patient/q", "Observation/other"}


def test_a_deleted_resource_is_in_no_chart(chart):
    chart("DELETE", "/Observation/o2")
    assert "Observation/o2" not in ids(chart("GET", "/Patient/p/$everything"))


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/Patient/nobody/$everything", 404),
        ("/Patient/p/$everything?nonsense=1", 400),
        ("/Patient/p/$everything?_type=Nonsense", 400),
        ("/Patient/p/$everything?start=yesterday", 400),
        ("/Patient/p/$everything?_count=0", 400),
        ("/Patient/p/$everything?_cursor=x", 400),
        ("/Practitioner/dr/$everything", 404),
        ("/Encounter/$everything", 404),
    ],
)
def test_what_cannot_be_answered_is_refused(chart, path, status):
    assert chart("GET", path).status_code == status


def test_a_deleted_patient_is_gone(chart):
    chart("DELETE", "/Patient/p")
    assert chart("GET", "/Patient/p/$everything").status_code == 410


def test_a_client_gets_only_the_types_it_may_read(chart, connect, tenant: Tenant):
    some = connect(tenant, "system/Patient.rs system/Encounter.rs")
    assert ids(some("GET", "/Patient/p/$everything")) == {"Patient/p", "Encounter/e"}
    none = connect(tenant, "system/Observation.rs")
    assert none("GET", "/Patient/p/$everything").status_code == 403


def test_another_practice_has_no_such_chart(chart, connect, other_tenant: Tenant):
    other = connect(other_tenant)
    assert other("GET", "/Patient/p/$everything").status_code == 404
    assert ids(other("GET", "/Patient/$everything")) == set()


def test_whoever_reads_a_chart_is_in_the_audit_trail(chart, app, tenant: Tenant):
    chart("GET", "/Patient/p/$everything")
    with app.database.transaction(tenant.id) as tx:
        row = tx.one("select * from audit_event where subtype = 'everything' order by id desc limit 1")
    assert row is not None
    assert set(row["patient_ids"]) >= {"p"}
    assert (row["resource_type"], row["resource_ids"]) == ("Patient", ["p"])
    assert row["detail"] == f"{len(WHOLE)} resources"
