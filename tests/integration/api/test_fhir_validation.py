"""`$validate`, and what the tenant's `validation` makes of invariants and profiles on writes, over HTTP."""

from careloop.access.tenancy import change_settings

US_CORE_PATIENT = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient"
GOOD = {
    "resourceType": "Patient",
    "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">Anna Shaw</div>'},
    "identifier": [{"system": "urn:mrn", "value": "1"}],
    "name": [{"family": "Shaw"}],
    "gender": "female",
}
BROKEN = {**GOOD, "telecom": [{"value": "555"}]}


def issues(answer):
    assert answer.status_code == 200, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"
    return answer.json()["issue"]


def errors(answer):
    return [one["expression"][0] for one in issues(answer) if one["severity"] == "error"]


def test_a_good_resource_is_all_ok(client):
    found = issues(client("POST", "/Patient/$validate", GOOD))
    assert [(one["severity"], one["diagnostics"]) for one in found] == [("information", "All OK")]


def test_every_fault_is_told_with_its_path_and_nothing_is_written(client):
    assert errors(client("POST", "/Patient/$validate", BROKEN)) == ["Patient.telecom[0]"]
    assert errors(client("POST", "/Patient/$validate", {**GOOD, "birthDate": "someday"})) == ["Patient.birthDate"]
    assert client("GET", "/Patient?name=Shaw").json().get("entry", []) == []


def test_a_profile_is_asked_for_by_address_or_by_parameter(client):
    poor = {key: value for key, value in GOOD.items() if key != "identifier"}
    assert errors(client("POST", "/Patient/$validate", poor)) == []
    assert errors(client("POST", f"/Patient/$validate?profile={US_CORE_PATIENT}", poor)) == ["Patient.identifier"]
    parameters = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "resource", "resource": poor},
            {"name": "profile", "valueUri": f"{US_CORE_PATIENT}|3.1.0"},
        ],
    }
    assert errors(client("POST", "/Patient/$validate", parameters)) == ["Patient.identifier"]


def test_an_unknown_profile_is_a_warning_that_names_it(client):
    [found] = issues(client("POST", "/Patient/$validate?profile=http://example.org/unheard-of", GOOD))
    assert (found["severity"], found["code"]) == ("warning", "not-found")
    assert "http://example.org/unheard-of" in found["diagnostics"]


def test_must_support_that_is_missing_is_information_beside_all_ok(client):
    found = issues(client("POST", f"/Patient/$validate?profile={US_CORE_PATIENT}", GOOD))
    assert found[0]["diagnostics"] == "All OK"
    assert "Patient.birthDate" in [one["expression"][0] for one in found[1:]]
    assert {one["severity"] for one in found} == {"information"}


def test_an_instance_is_judged_as_it_is_stored_or_as_it_is_sent(client):
    client("PUT", "/Patient/p", BROKEN)
    assert errors(client("GET", "/Patient/p/$validate")) == ["Patient.telecom[0]"]
    assert errors(client("POST", "/Patient/p/$validate", {**GOOD, "id": "p"})) == []
    assert errors(client("POST", "/Patient/p/$validate", {**GOOD, "id": "q"})) == ["Patient.id"]
    assert client("GET", "/Patient/nobody/$validate").status_code == 404


def test_modes_ask_whether_it_would_be_taken(client, connect, tenant):
    client("PUT", "/Patient/p", GOOD)
    assert errors(client("POST", "/Patient/$validate?mode=update", GOOD)) == ["Patient.id"]
    assert errors(client("POST", "/Patient/$validate?mode=create", GOOD)) == []
    assert errors(client("GET", "/Patient/p/$validate?mode=delete")) == []
    assert errors(client("GET", "/Patient/nobody/$validate?mode=delete")) == ["Patient"]
    reader = connect(tenant, "system/*.rs")
    assert errors(reader("POST", "/Patient/$validate?mode=create", GOOD)) == ["Patient"]
    assert connect(tenant, "system/Observation.rs")("POST", "/Patient/$validate", GOOD).status_code == 403


def test_another_type_than_the_address_and_no_resource_at_all_are_faults(client):
    assert errors(client("POST", "/Observation/$validate", GOOD)) == ["resourceType"]
    assert errors(client("POST", "/Patient/$validate")) == ["resource"]
    assert client("POST", "/Patient/$validate?mode=wrong", GOOD).status_code == 422


def test_contained_resources_and_entries_are_judged_where_they_stand(client):
    inner = {"resourceType": "Organization", "id": "o"}
    patient = {**GOOD, "contained": [inner], "managingOrganization": {"reference": "#o"}}
    assert errors(client("POST", "/Patient/$validate", patient)) == ["Patient.contained[0]"]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"fullUrl": "urn:uuid:a", "resource": BROKEN}]}
    assert errors(client("POST", "/Bundle/$validate", bundle)) == ["Bundle.entry[0].resource.telecom[0]"]


def test_a_tenant_that_warns_tells_whoever_prefers_an_outcome(app, tenant, client):
    assert client("POST", "/Patient", BROKEN).status_code == 201
    with app.database.directory() as tx:
        change_settings(tx, tenant, validation="warn")
    answer = client("POST", "/Patient", BROKEN, prefer="return=OperationOutcome")
    assert answer.status_code == 201
    told = [(one["severity"], one["expression"][0]) for one in answer.json()["issue"]]
    assert ("warning", "Patient.telecom[0]") in told


def test_a_tenant_that_refuses_answers_422_with_the_path(app, tenant, client):
    with app.database.directory() as tx:
        change_settings(tx, tenant, validation="refuse")
    answer = client("POST", "/Patient", BROKEN)
    assert answer.status_code == 422
    assert [one["expression"][0] for one in answer.json()["issue"]] == ["Patient.telecom[0]"]
    claimed = {**GOOD, "identifier": [], "meta": {"profile": [US_CORE_PATIENT]}}
    del claimed["identifier"]
    answer = client("PUT", "/Patient/p", claimed)
    assert (answer.status_code, answer.json()["issue"][0]["expression"]) == (422, ["Patient.identifier"])
    entry = {"request": {"method": "POST", "url": "Patient"}, "resource": BROKEN}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    answer = client("POST", "", bundle)
    assert answer.status_code == 422
    assert answer.json()["issue"][0]["expression"] == ["Bundle.entry[0].resource.telecom[0]"]
    assert client("POST", "/Patient", GOOD).status_code == 201


def test_metadata_names_the_profiles_that_resources_are_judged_by(http):
    resources = {one["type"]: one for one in http.get("/fhir/metadata").json()["rest"][0]["resource"]}
    assert {f"{US_CORE_PATIENT}|3.1.0", f"{US_CORE_PATIENT}|9.0.0"} <= set(resources["Patient"]["supportedProfile"])
    assert "supportedProfile" not in resources["Basic"]
