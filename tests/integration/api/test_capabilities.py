"""What the CapabilityStatement claims is done here, one claim after the other."""

import pytest
from litestar.testing import TestClient

from careloop.cli.asgi import create_asgi

SAMPLES = {
    "string": "x", "token": "urn:x|y", "date": "2026-01-01", "reference": "Patient/1", "quantity": "1|urn:u|kg",
    "number": "1", "uri": "urn:x",
}  # fmt: skip
PATCH = {"content_type": "application/json-patch+json"}
UNKNOWN = "a profile that is known here"
JSON_PATCH = '[{"op":"add","path":"/language","value":"en"}]'


@pytest.fixture
def statement(http):
    return http.get("/fhir/metadata").json()


@pytest.fixture
def served(statement):
    return statement["rest"][0]


def interactions(resource) -> set[str]:
    return {one["code"] for one in resource["interaction"]}


def missing(answer) -> bool:
    """True where the answer says that there is no such operation, rather than no such resource."""
    told = ("not offered", "Not Found")
    return answer.status_code == 405 or (answer.status_code == 404 and any(one in answer.text for one in told))


def test_it_is_a_valid_resource(statement, app):
    assert app.record.validator.validate(statement) == []


def test_each_type_is_served_as_claimed(client, served):
    for resource in served["resource"]:
        kind = resource["type"]
        answers = {
            "search-type": client("GET", f"/{kind}?_count=1"),
            "history-type": client("GET", f"/{kind}/_history?_count=1"),
            "read": client("GET", f"/{kind}/nobody"),
            "vread": client("GET", f"/{kind}/nobody/_history/1"),
            "history-instance": client("GET", f"/{kind}/nobody/_history"),
            "create": client("POST", f"/{kind}", {"resourceType": kind}),
            "update": client("PUT", f"/{kind}/one", {"resourceType": kind, "id": "one"}),
            "patch": client("PATCH", f"/{kind}/nobody", JSON_PATCH, **PATCH),
            "delete": client("DELETE", f"/{kind}/nobody"),
        }
        fine = {
            "search-type": {200},
            "history-type": {200},
            "delete": {204},
            "create": {201, 422},
            "update": {201, 422},
        }
        expected = {name: fine.get(name, {404}) for name in interactions(resource)}
        told = {name: answers[name].status_code for name in expected}
        assert all(told[name] in expected[name] for name in expected), (kind, told)
        refused = {name for name, answer in answers.items() if answer.status_code == 405}
        assert refused == answers.keys() - expected.keys(), kind


def test_each_search_parameter_is_understood(client, served):
    count = 0
    for resource in served["resource"]:
        for parameter in resource["searchParam"]:
            if parameter["type"] not in SAMPLES or parameter["name"].startswith("_"):
                continue
            path = f"/{resource['type']}?{parameter['name']}={SAMPLES[parameter['type']]}&_count=1"
            answer = client("GET", path)
            assert answer.status_code == 200, (path, answer.text)
            count += 1
        assert client("GET", f"/{resource['type']}?nonsense=1").status_code == 400
    assert count > 1200
    for parameter in served["searchParam"]:
        sample = {"_lastUpdated": "ge2026-01-01"}.get(parameter["name"], "urn:x")
        assert client("GET", f"/Patient?{parameter['name']}={sample}").status_code == 200, parameter


def test_each_include_is_understood(client, served):
    for resource in served["resource"]:
        for name, key in (("_include", "searchInclude"), ("_revinclude", "searchRevInclude")):
            claimed = resource.get(key, [])
            for some in (claimed[start : start + 20] for start in range(0, len(claimed), 20)):
                path = f"/{resource['type']}?_id=x&" + "&".join(f"{name}={one}" for one in some)
                answer = client("GET", path)
                assert answer.status_code == 200, (path, answer.text)


def test_each_operation_is_there_and_no_other(client, served):
    offered = {(None, one["name"]) for one in served.get("operation", ())}
    offered |= {(one["type"], each["name"]) for one in served["resource"] for each in one.get("operation", ())}
    names = {name for _, name in offered}
    assert {"everything", "lastn", "docref", "document", "apply", "meta", "validate", "expand"} <= names
    for kind in ("Patient", "Observation", "Composition", "PlanDefinition", "ValueSet", "Basic"):
        for name in names:
            paths = [f"/{kind}/nobody/${name}", f"/{kind}/${name}"]
            answers = [client("POST", path, {}) for path in paths]
            there = not all(missing(answer) for answer in answers)
            assert there is ((kind, name) in offered), (kind, name, [answer.text for answer in answers])


def test_each_profile_is_one_that_resources_are_judged_by(client, served):
    def told(kind: str, profile: str) -> str:
        return client("POST", f"/{kind}/$validate?profile={profile}", {"resourceType": kind}).text

    assert UNKNOWN in told("Patient", "http://nowhere.example/profile")
    claimed = [(one["type"], profile) for one in served["resource"] for profile in one.get("supportedProfile", ())]
    assert len(claimed) > 60
    assert [pair for pair in claimed if UNKNOWN in told(*pair)] == []


def test_the_system_is_served_as_claimed(client, served):
    read = {"request": {"method": "GET", "url": "Patient?_count=1"}}
    answers = {
        "transaction": client("POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": [read]}),
        "batch": client("POST", "", {"resourceType": "Bundle", "type": "batch", "entry": [read]}),
        "history-system": client("GET", "/_history?_count=1"),
        "search-system": client("GET", "?_type=Patient,Basic&_count=1"),
    }
    assert {one["code"] for one in served["interaction"]} == answers.keys()
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(answers, 200)


def test_each_compartment_is_there(client, served):
    for canonical in served["compartment"]:
        name = canonical.rsplit("/", 1)[1]
        kind = name[0].upper() + name[1:]
        assert client("GET", f"/{kind}/x/*?_count=1").status_code == 200, kind


def test_conditional_forms_work_as_claimed(client, served):
    patient = next(one for one in served["resource"] if one["type"] == "Patient")
    body = {"resourceType": "Patient", "identifier": [{"system": "urn:x", "value": "1"}]}
    query = "identifier=urn:x|1"
    assert patient["conditionalCreate"] is True
    assert [client("POST", "/Patient", body, if_none_exist=query).status_code for _ in range(2)] == [201, 200]
    assert patient["conditionalUpdate"] is True
    assert client("PUT", f"/Patient?{query}", {**body, "active": True}).headers["etag"] == 'W/"2"'
    assert patient["conditionalRead"] == "full-support"
    [entry] = client("GET", f"/Patient?{query}").json()["entry"]
    path = "/Patient/" + entry["resource"]["id"]
    assert client("GET", path, if_none_match='W/"2"').status_code == 304
    assert client("GET", path, if_modified_since=client("GET", path).headers["last-modified"]).status_code == 304
    assert patient["updateCreate"] is True
    assert client("PUT", "/Patient/mine", {**body, "id": "mine"}).status_code == 201
    assert patient["conditionalDelete"] == "single"
    assert client("DELETE", f"/Patient?{query}").status_code == 412
    assert client("DELETE", "/Patient/mine").status_code == 204
    assert client("DELETE", f"/Patient?{query}").status_code == 204
    assert client("GET", path).status_code == 410
    assert patient["versioning"] == "versioned-update"
    assert patient["readHistory"] is True
    assert client("GET", f"{path}/_history/1").status_code == 200


def test_formats_are_those_claimed(client, statement):
    client("PUT", "/Patient/p", {"resourceType": "Patient", "id": "p"})
    for name in statement["format"]:
        assert client("GET", f"/Patient/p?_format={name.replace('+', '%2B')}").status_code == 200, name
    assert client("GET", "/Patient/p?_format=xml").status_code == 406
    for name in statement["patchFormat"]:
        assert client("PATCH", "/Patient/p", JSON_PATCH, content_type=name).status_code == 200, name
    xml = "<diff/>"
    assert client("PATCH", "/Patient/p", xml, content_type="application/xml-patch+xml").status_code == 415


def test_security_is_told_as_the_smart_configuration_tells_it(app, served):
    with TestClient(create_asgi(app)) as web:
        facts = web.get("/fhir/.well-known/smart-configuration").json()
        security = web.get("/fhir/metadata").json()["rest"][0]["security"]
        [uris] = [one for one in security["extension"] if one["url"].endswith("oauth-uris")]
        for endpoint in uris["extension"]:
            assert endpoint["valueUri"] in facts.values()
            assert web.post(endpoint["valueUri"]).status_code not in (404, 405), endpoint
        told = [one["valueCode"] for one in security["extension"] if one["url"].endswith("capabilities")]
    assert told == facts["capabilities"]
