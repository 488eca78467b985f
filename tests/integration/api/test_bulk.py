"""Bulk Data: what goes out is what came in, to whom it belongs and to nobody else."""

import gzip
import json

import duckdb
import pytest

from careloop.access.model import system_principal
from careloop.flows import bulk_jobs, writing
from careloop.record import Write

ASYNC = {"Prefer": "respond-async"}
NDJSON = "application/fhir+ndjson"


def patient(number: int) -> dict:
    family = ("Abernathy", "Borowski", "Castellano", "Dubois", "Eriksen")[number]
    return {
        "resourceType": "Patient",
        "id": f"p{number}",
        "name": [{"family": family, "given": [("Ada", "Bo", "Cleo", "Dag", "Elis")[number]]}],
        "birthDate": f"19{3 + number}{number}-0{1 + number}-1{number}",
    }


def weight(number: int) -> dict:
    return {
        "resourceType": "Observation",
        "id": f"o{number}",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
        "subject": {"reference": f"Patient/p{number}"},
        "valueQuantity": {"value": 70 + number, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
    }


@pytest.fixture
def filled(app, tenant):
    resources = [patient(number) for number in range(5)]
    resources += [weight(number) for number in range(5)]
    resources += [
        {"resourceType": "Organization", "id": "org", "name": "Org"},
        {
            "resourceType": "Group",
            "id": "g",
            "type": "person",
            "actual": True,
            "member": [
                {"entity": {"reference": "Patient/p1"}},
                {"entity": {"reference": "Patient/p2"}, "inactive": True},
            ],
        },
    ]
    writes = [
        Write(method="update", resource_type=one["resourceType"], id=one["id"], resource=one) for one in resources
    ]
    principal = system_principal(tenant.id, "test")
    with app.database.transaction(tenant.id) as tx:
        writing.write(app, tx, principal, writes)
    return resources


def finished(app, tenant, client, answer):
    """The manifest of a kicked-off job, which the worker's function does here."""
    assert answer.status_code == 202, answer.text
    path = answer.headers["content-location"].partition("/fhir")[2]
    assert client("GET", path).status_code == 202
    assert bulk_jobs.run_next(app, tenant)
    done = client("GET", path)
    assert done.status_code == 200, done.text
    return done.json()


def lines(client, manifest, part="output") -> dict[str, list[dict]]:
    found: dict[str, list[dict]] = {}
    for one in manifest[part]:
        answer = client("GET", one["url"].partition("/fhir")[2])
        assert answer.status_code == 200
        rows = [json.loads(line) for line in answer.text.splitlines()]
        assert len(rows) == one["count"]
        found.setdefault(one["type"], []).extend(rows)
    return found


def ids(found: dict[str, list[dict]]) -> dict[str, list[str]]:
    return {name: sorted(one["id"] for one in rows) for name, rows in found.items()}


def test_a_system_export_holds_everything_as_it_stands(app, tenant, client, filled):
    manifest = finished(app, tenant, client, client("GET", "/$export", **ASYNC))
    found = lines(client, manifest)
    assert manifest["requiresAccessToken"] is True
    assert ids(found)["Patient"] == [f"p{n}" for n in range(5)]
    stored = client("GET", "/Observation/o3").json()
    assert next(one for one in found["Observation"] if one["id"] == "o3") == stored
    assert {"Organization", "Group"} <= set(found)


def test_a_patient_export_holds_what_is_about_patients(app, tenant, client, filled):
    found = lines(client, finished(app, tenant, client, client("GET", "/Patient/$export", **ASYNC)))
    assert {"Patient", "Observation"} <= set(found)
    assert "Organization" not in found


def test_a_group_export_holds_its_active_members(app, tenant, client, filled):
    found = lines(client, finished(app, tenant, client, client("GET", "/Group/g/$export", **ASYNC)))
    assert ids(found)["Patient"] == ["p1"]
    assert ids(found)["Observation"] == ["o1"]


def test_types_and_filters_narrow_an_export(app, tenant, client, filled):
    query = "_type=Patient,Observation&_typeFilter=Patient%3Fname%3DDubois&_typeFilter=Patient%3Fname%3DEriksen"
    found = lines(client, finished(app, tenant, client, client("GET", f"/$export?{query}", **ASYNC)))
    assert ids(found) == {"Patient": ["p3", "p4"], "Observation": [f"o{n}" for n in range(5)]}


def test_since_gives_what_changed_and_what_was_deleted(app, tenant, client, clock, filled):
    clock.move_by(minutes=20)
    client("PUT", "/Patient/p0", {**patient(0), "gender": "male"})
    client("DELETE", "/Observation/o4")
    since = clock.now().isoformat().replace("+", "%2B")
    manifest = finished(app, tenant, client, client("GET", f"/$export?_since={since}", **ASYNC))
    assert ids(lines(client, manifest)) == {"Patient": ["p0"]}
    deletions = lines(client, manifest, "deleted")["Bundle"]
    assert [one["request"] for bundle in deletions for one in bundle["entry"]] == [
        {"method": "DELETE", "url": "Observation/o4"}
    ]


def test_parquet_has_a_row_for_each_resource(app, tenant, client, filled, tmp_path):
    answer = client("GET", "/$export?_type=Observation&_outputFormat=application/vnd.apache.parquet", **ASYNC)
    manifest = finished(app, tenant, client, answer)
    content = client("GET", manifest["output"][0]["url"].partition("/fhir")[2]).content
    (tmp_path / "o.parquet").write_bytes(content)
    rows = duckdb.sql(f"select id, version, resource from '{tmp_path}/o.parquet' order by id").fetchall()
    assert [(row[0], row[1]) for row in rows] == [(f"o{n}", 1) for n in range(5)]
    assert json.loads(rows[2][2]) == client("GET", "/Observation/o2").json()


def test_an_asker_gets_only_the_types_it_may_read(app, tenant, connect, filled):
    few = connect(tenant, "system/Patient.rs")
    assert few("GET", "/$export?_type=Observation", **ASYNC).status_code == 403
    assert set(lines(few, finished(app, tenant, few, few("GET", "/$export", **ASYNC)))) == {"Patient"}


def test_a_job_is_shown_to_its_asker_alone(app, tenant, client, connect, filled):
    answer = client("GET", "/$export?_type=Patient", **ASYNC)
    manifest = finished(app, tenant, client, answer)
    other = connect(tenant, "system/*.rs")
    assert other("GET", answer.headers["content-location"].partition("/fhir")[2]).status_code == 404
    assert other("GET", manifest["output"][0]["url"].partition("/fhir")[2]).status_code == 404


def test_a_cancelled_job_leaves_nothing(app, tenant, client, filled):
    answer = client("GET", "/$export?_type=Patient", **ASYNC)
    path = answer.headers["content-location"].partition("/fhir")[2]
    manifest = finished(app, tenant, client, answer)
    assert client("DELETE", path).status_code == 202
    assert client("GET", path).status_code == 404
    assert client("GET", manifest["output"][0]["url"].partition("/fhir")[2]).status_code == 404
    assert not bulk_jobs.folder_of(app, tenant.id, path.rpartition("/")[2]).exists()


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/$export", {}, 400),
        ("/$export?_type=Nonsense", ASYNC, 400),
        ("/$export?_since=yesterday", ASYNC, 400),
        ("/$export?_outputFormat=csv", ASYNC, 400),
        ("/$export?_typeFilter=Patient%3Fnonsense%3D1", ASYNC, 400),
        ("/$export?nonsense=1", ASYNC, 400),
        ("/Observation/$export", ASYNC, 404),
        ("/Group/none/$export", ASYNC, 404),
    ],
)
def test_what_cannot_be_exported_is_refused_at_once(client, path, headers, status):
    answer = client("GET", path, **headers)
    assert answer.status_code == status
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_an_export_of_a_lost_worker_is_begun_again(app, tenant, client, clock, filled):
    answer = client("GET", "/$export?_type=Patient", **ASYNC)
    with app.database.transaction(tenant.id) as tx:
        bulk_jobs.jobs.take(tx, clock.now())
    assert not bulk_jobs.run_next(app, tenant)
    clock.move_by(minutes=5)
    assert len(lines(client, finished(app, tenant, client, answer))["Patient"]) == 5


def test_an_import_loads_what_it_can_and_names_the_rest(app, tenant, client):
    rows = [json.dumps(patient(number)) for number in range(3)]
    rows.append(json.dumps({"resourceType": "Patient", "id": "bad", "nonsense": 1}))
    answer = client.http.request(
        "POST", "/fhir/$import", content="\n".join(rows).encode(), headers={**client.headers, "Content-Type": NDJSON}
    )
    manifest = finished(app, tenant, client, answer)
    assert manifest["extension"]["urn:careloop:import"] == {"created": 3, "updated": 0, "unchanged": 0}
    faults = lines(client, manifest, "error")["OperationOutcome"]
    assert "nonsense" in json.dumps(faults)
    assert client("GET", "/Patient/p2").status_code == 200
    assert client("GET", "/Patient/bad").status_code == 404


def test_an_export_imported_elsewhere_is_the_same(app, tenant, client, connect, other_tenant, filled):
    exported = lines(client, finished(app, tenant, client, client("GET", "/$export", **ASYNC)))
    rows = [json.dumps(one) for found in exported.values() for one in found]
    other = connect(other_tenant)
    headers = {**other.headers, "Content-Type": NDJSON, "Content-Encoding": "gzip"}
    sent = gzip.compress("\n".join(rows).encode())
    finished(app, other_tenant, other, other.http.request("POST", "/fhir/$import", content=sent, headers=headers))
    again = lines(other, finished(app, other_tenant, other, other("GET", "/$export", **ASYNC)))
    assert {name: by_id(found) for name, found in again.items()} == {
        name: by_id(found) for name, found in exported.items()
    }


def by_id(found: list[dict]) -> dict[str, dict]:
    """Resources without what the server adds."""
    own = {}
    for one in found:
        meta = {name: value for name, value in one.get("meta", {}).items() if name not in ("versionId", "lastUpdated")}
        own[one["id"]] = {**one, "meta": meta}
    return own
