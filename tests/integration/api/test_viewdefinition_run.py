"""`$viewdefinition-run` over HTTP."""

import pytest

VIEW = {
    "resourceType": "ViewDefinition", "name": "families", "status": "active", "resource": "Patient",
    "select": [{"column": [
        {"name": "id", "path": "getResourceKey()", "type": "id"},
        {"name": "family", "path": "name.family", "type": "string"},
    ]}],
}  # fmt: skip


def parameters(**values):
    found = []
    for name, value in values.items():
        kind = "resource" if isinstance(value, dict) else "valueBoolean" if isinstance(value, bool) else "valueString"
        found.append({"name": name.replace("format", "_format"), kind: value})
    return {"resourceType": "Parameters", "parameter": found}


@pytest.fixture
def families(client):
    for number, family in enumerate(["Quimby", "Okafor", "Ng"]):
        body = {"resourceType": "Patient", "id": f"v{number}", "name": [{"family": family}]}
        assert client("PUT", f"/Patient/v{number}", body).status_code == 201


def test_a_view_that_is_sent_gives_its_rows(client, families) -> None:
    answer = client("POST", "/$viewdefinition-run", parameters(viewResource=VIEW))
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/x-ndjson"
    assert answer.text.splitlines() == [
        '{"id":"v0","family":"Quimby"}', '{"id":"v1","family":"Okafor"}', '{"id":"v2","family":"Ng"}',
    ]  # fmt: skip


def test_each_format_holds_the_same_rows(client, families) -> None:
    text = client("POST", "/ViewDefinition/$viewdefinition-run", parameters(viewResource=VIEW, format="csv")).text
    assert text.splitlines() == ["id,family", "v0,Quimby", "v1,Okafor", "v2,Ng"]
    bare = client("POST", "/$viewdefinition-run", parameters(viewResource=VIEW, format="csv", header=False)).text
    assert bare.splitlines() == ["v0,Quimby", "v1,Okafor", "v2,Ng"]
    rows = client("POST", "/$viewdefinition-run", parameters(viewResource=VIEW, format="json")).json()
    assert [row["family"] for row in rows] == ["Quimby", "Okafor", "Ng"]
    parquet = client("POST", "/$viewdefinition-run", parameters(viewResource=VIEW, format="parquet"))
    assert parquet.headers["content-type"] == "application/vnd.apache.parquet" and parquet.content[:4] == b"PAR1"


def test_a_view_of_ours_is_named(client, families) -> None:
    body = parameters(viewReference="ViewDefinition/patient_demographics", patient="Patient/v1", format="json")
    (row,) = client("POST", "/$viewdefinition-run", body).json()
    assert row["family"] == "Okafor" and row["is_deceased"] is False
    assert client("POST", "/$viewdefinition-run", parameters(viewReference="nothing")).status_code == 404


def test_resources_that_are_sent_are_used_instead_of_the_record(client, families) -> None:
    sent = {"resourceType": "Patient", "id": "new", "name": [{"family": "Sent"}]}
    answer = client("POST", "/$viewdefinition-run", parameters(viewResource=VIEW, resource=sent))
    assert answer.text == '{"id":"new","family":"Sent"}\n'


@pytest.mark.parametrize(
    "wrong",
    [
        {"viewResource": {**VIEW, "resource": "Nothing"}},
        {"viewResource": {**VIEW, "select": [{"forEach": "@@", "column": []}]}},
        {"viewResource": VIEW, "format": "xlsx"},
        {"viewResource": VIEW, "viewReference": "loops"},
        {},
    ],
)
def test_what_cannot_be_run_is_refused(client, wrong) -> None:
    answer = client("POST", "/$viewdefinition-run", parameters(**wrong))
    assert answer.status_code in (400, 422)
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_a_client_without_the_type_gets_nothing(connect, tenant, families) -> None:
    stranger = connect(tenant, "system/Observation.rs")
    assert stranger("POST", "/$viewdefinition-run", parameters(viewResource=VIEW)).status_code == 403


def test_the_operation_stands_in_the_metadata(client) -> None:
    found = client("GET", "/metadata").json()["rest"][0]["operation"]
    assert "viewdefinition-run" in [one["name"] for one in found]
