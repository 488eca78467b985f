"""The operations on codes over HTTP: with the product's terminology and with what a tenant puts on top of it."""

from urllib.parse import urlencode

import pytest

GENDER = "http://hl7.org/fhir/ValueSet/administrative-gender"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
COLOURS = {
    "resourceType": "CodeSystem", "id": "colours", "url": "urn:colours", "version": "1", "name": "Colours",
    "status": "active", "content": "complete", "caseSensitive": False, "hierarchyMeaning": "is-a",
    "valueSet": "urn:colours:all", "property": [{"code": "warm", "type": "boolean"}],
    "concept": [
        {
            "code": "red", "display": "Red", "definition": "as blood",
            "property": [{"code": "warm", "valueBoolean": True}],
            "designation": [{"language": "de", "value": "Rot"}],
            "concept": [{"code": "crimson", "display": "Crimson red"}, {"code": "scarlet", "display": "Scarlet"}],
        },
        {"code": "blue", "display": "Blue"},
        {"code": "mauve", "display": "Mauve", "property": [{"code": "status", "valueCode": "retired"}]},
    ],
}  # fmt: skip
REDS = {
    "resourceType": "ValueSet", "id": "reds", "url": "urn:reds", "version": "2", "status": "active",
    "compose": {
        "include": [{"system": "urn:colours", "filter": [{"property": "concept", "op": "is-a", "value": "red"}]}],
    },
}  # fmt: skip
TO_PAINT = {
    "resourceType": "ConceptMap", "id": "paint", "url": "urn:paint", "status": "active",
    "group": [{
        "source": "urn:colours", "target": "urn:ral",
        "element": [
            {"code": "red", "target": [{"code": "3020", "equivalence": "wider"}]},
            {"code": "blue", "target": [{"equivalence": "unmatched"}]},
        ],
    }],
}  # fmt: skip


def ask(client, operation: str, **given) -> dict:
    path = f"/{operation}?{urlencode(given)}" if given else f"/{operation}"
    answer = client("GET", path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refusal(answer, status: int) -> dict:
    assert answer.status_code == status, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"
    return answer.json()["issue"][0]


def value(parameters: dict, name: str):
    found = [one for one in parameters["parameter"] if one["name"] == name]
    return next((one[key] for one in found for key in one if key.startswith("value")), None)


def codes(expanded: dict) -> list[str]:
    return [one["code"] for one in expanded["expansion"].get("contains", ())]


@pytest.fixture
def own(client):
    """The tenant has a code system, a value set and a map of its own."""
    for one in (COLOURS, REDS, TO_PAINT):
        assert client("PUT", f"/{one['resourceType']}/{one['id']}", one).status_code == 201
    return client


def test_a_value_set_of_fhir_is_expanded(client):
    found = ask(client, "ValueSet/$expand", url=GENDER)
    assert codes(found) == ["male", "female", "other", "unknown"]
    assert found["url"] == GENDER and found["expansion"]["total"] == 4
    assert found["expansion"]["contains"][0] == {
        "system": "http://hl7.org/fhir/administrative-gender", "code": "male", "display": "Male",
    }  # fmt: skip


def test_pages_filters_and_languages_shape_an_expansion(own):
    url = "urn:colours:all"
    assert codes(ask(own, "ValueSet/$expand", url=url)) == ["red", "crimson", "scarlet", "blue", "mauve"]
    page = ask(own, "ValueSet/$expand", url=url, offset=1, count=2)
    assert (codes(page), page["expansion"]["total"], page["expansion"]["offset"]) == (["crimson", "scarlet"], 5, 1)
    assert codes(ask(own, "ValueSet/$expand", url=url, count=0)) == []
    assert codes(ask(own, "ValueSet/$expand", url=url, filter="RED")) == ["red", "crimson"]
    active = ask(own, "ValueSet/$expand", url=url, activeOnly="true")
    assert codes(active) == ["red", "crimson", "scarlet", "blue"]
    german = ask(own, "ValueSet/$expand", url="urn:reds", displayLanguage="de-CH", includeDesignations="true")
    assert german["expansion"]["contains"][0]["display"] == "Rot"
    assert german["expansion"]["contains"][0]["designation"] == [{"language": "de", "value": "Rot"}]
    assert ask(own, "ValueSet/$expand", url=url)["expansion"]["contains"][-1]["inactive"] is True


def test_an_instance_and_a_value_set_sent_along_are_expanded(own):
    assert codes(ask(own, "ValueSet/reds/$expand")) == ["red", "crimson", "scarlet"]
    sent = {
        "resourceType": "ValueSet",
        "status": "draft",
        "compose": {
            "include": [{"valueSet": ["urn:reds"]}],
            "exclude": [{"system": "urn:colours", "concept": [{"code": "red"}]}],
        },
    }
    assert codes(own("POST", "/ValueSet/$expand", sent).json()) == ["crimson", "scarlet"]
    body = {"resourceType": "Parameters", "parameter": [{"name": "valueSet", "resource": sent}]}
    assert codes(own("POST", "/ValueSet/$expand", body).json()) == ["crimson", "scarlet"]


def test_what_cannot_be_listed_is_refused_with_the_reason(client):
    assert refusal(client("GET", "/ValueSet/$expand?url=urn:nobody"), 404)["code"] == "not-found"
    missing = refusal(client("GET", "/ValueSet/$expand?url=http://loinc.org/vs"), 400)
    assert missing["code"] == "not-found" and "http://loinc.org" in missing["diagnostics"]
    endless = refusal(client("GET", "/ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/ucum-units"), 400)
    assert endless["code"] == "too-costly"
    snomed = refusal(client("GET", "/ValueSet/$expand?url=http://snomed.info/sct?fhir_vs=isa/73211009"), 400)
    assert "snomed" in snomed["diagnostics"]
    assert refusal(client("GET", "/ValueSet/$expand"), 400)["code"] == "required"
    assert refusal(client("GET", f"/ValueSet/$expand?url={GENDER}&contextDirection=incoming"), 400)
    assert client("GET", "/Patient/$expand").status_code == 404


@pytest.mark.parametrize(
    ("given", "result"),
    [
        ({"code": "male", "system": "http://hl7.org/fhir/administrative-gender"}, True),
        ({"code": "male"}, True),
        ({"code": "males", "system": "http://hl7.org/fhir/administrative-gender"}, False),
        ({"code": "male", "system": "http://hl7.org/fhir/administrative-gender", "display": "MALE"}, True),
        ({"code": "male", "system": "http://hl7.org/fhir/administrative-gender", "display": "Female"}, False),
        ({"code": "M", "system": "http://terminology.hl7.org/CodeSystem/v3-AdministrativeGender"}, False),
    ],
)
def test_a_code_is_judged_in_a_value_set(client, given, result):
    found = ask(client, "ValueSet/$validate-code", url=GENDER, **given)
    assert value(found, "result") is result
    if not result:
        assert value(found, "message")
    if given.get("display") == "Female":
        assert value(found, "display") == "Male"


def test_a_concept_is_valid_when_one_of_its_codings_is(own):
    concept = {"coding": [{"system": "urn:colours", "code": "blue"}, {"system": "urn:colours", "code": "crimson"}]}
    body = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "url", "valueUri": "urn:reds"},
            {"name": "codeableConcept", "valueCodeableConcept": concept},
        ],
    }
    assert value(own("POST", "/ValueSet/$validate-code", body).json(), "result") is True
    concept["coding"].pop()
    assert value(own("POST", "/ValueSet/$validate-code", body).json(), "result") is False


def test_a_code_whose_system_is_not_loaded_is_not_called_wrong(client):
    query = urlencode(
        {"url": "http://hl7.org/fhir/ValueSet/condition-code", "code": "1", "system": "http://snomed.info/sct"}
    )
    issue = refusal(client("GET", f"/ValueSet/$validate-code?{query}"), 400)
    assert issue["code"] == "not-found" and "http://snomed.info/sct is not loaded here" in issue["diagnostics"]
    query = urlencode({"url": "http://loinc.org", "code": "4548-4"})
    assert refusal(client("GET", f"/CodeSystem/$validate-code?{query}"), 400)["code"] == "not-found"


def test_a_code_is_judged_in_its_code_system(own):
    assert value(ask(own, "CodeSystem/$validate-code", url="urn:colours", code="CRIMSON"), "result") is True
    assert value(ask(own, "CodeSystem/$validate-code", url="urn:colours", code="green"), "result") is False
    assert value(ask(own, "CodeSystem/colours/$validate-code", code="red", display="Rot"), "result") is True
    assert value(ask(own, "CodeSystem/$validate-code", url="http://unitsofmeasure.org", code="mg/dL"), "result") is True
    assert value(ask(own, "CodeSystem/$validate-code", url="http://unitsofmeasure.org", code="mgs"), "result") is False
    heading = ask(own, "CodeSystem/$validate-code", url=ACT_CODE, code="_ActEncounterCode", abstract="false")
    assert value(heading, "result") is False


def test_a_code_is_looked_up(own):
    found = ask(own, "CodeSystem/$lookup", system="urn:colours", code="red")
    assert (value(found, "name"), value(found, "version"), value(found, "display")) == ("Colours", "1", "Red")
    properties = {
        one["part"][0]["valueCode"]: next(v for k, v in one["part"][1].items() if k.startswith("value"))
        for one in found["parameter"] if one["name"] == "property"
    }  # fmt: skip
    assert properties == {"definition": "as blood", "warm": True, "inactive": False, "child": "scarlet"}
    only = ask(own, "CodeSystem/$lookup", system="urn:colours", code="red", property="child")
    assert [one["name"] for one in only["parameter"]] == ["name", "version", "display", "property", "property"]
    assert value(ask(own, "CodeSystem/$lookup", system=ACT_CODE, code="IMP"), "display") == "inpatient encounter"
    assert refusal(own("GET", "/CodeSystem/$lookup?system=urn:colours&code=green"), 404)["code"] == "not-found"
    assert refusal(own("GET", "/CodeSystem/$lookup?system=http://loinc.org&code=4548-4"), 404)["code"] == "not-found"
    assert refusal(own("GET", "/CodeSystem/$lookup?code=green"), 400)["code"] == "required"


@pytest.mark.parametrize(
    ("first", "second", "outcome"),
    [("red", "crimson", "subsumes"), ("scarlet", "red", "subsumed-by"), ("red", "RED", "equivalent"),
     ("red", "blue", "not-subsumed")],
)  # fmt: skip
def test_two_codes_are_compared(own, first, second, outcome):
    asked = {"system": "urn:colours", "codeA": first, "codeB": second}
    assert value(ask(own, "CodeSystem/$subsumes", **asked), "outcome") == outcome
    asked.pop("system")
    assert value(ask(own, "CodeSystem/colours/$subsumes", **asked), "outcome") == outcome
    assert refusal(own("GET", "/CodeSystem/$subsumes?system=urn:colours&codeA=red&codeB=green"), 404)


def test_codes_are_translated_in_both_directions(own):
    found = ask(own, "ConceptMap/$translate", code="red", system="urn:colours", targetsystem="urn:ral")
    assert value(found, "result") is True
    match = next(one for one in found["parameter"] if one["name"] == "match")["part"]
    assert match == [
        {"name": "equivalence", "valueCode": "wider"},
        {"name": "concept", "valueCoding": {"system": "urn:ral", "code": "3020"}},
        {"name": "source", "valueUri": "urn:paint"},
    ]
    back = ask(own, "ConceptMap/paint/$translate", code="3020", system="urn:ral", reverse="true")
    assert [part for one in back["parameter"] if one["name"] == "match" for part in one["part"]][:2] == [
        {"name": "equivalence", "valueCode": "narrower"},
        {"name": "concept", "valueCoding": {"system": "urn:colours", "code": "red"}},
    ]
    assert (
        value(ask(own, "ConceptMap/$translate", url="urn:paint", code="blue", system="urn:colours"), "result") is False
    )
    unknown = ask(own, "ConceptMap/$translate", code="puce", system="urn:colours")
    assert value(unknown, "result") is False and value(unknown, "message")
    assert refusal(own("GET", "/ConceptMap/$translate?url=urn:no-map&code=a"), 404)["code"] == "not-found"
    home = ask(
        own,
        "ConceptMap/$translate",
        code="home",
        system="http://hl7.org/fhir/address-use",
        targetsystem="http://terminology.hl7.org/CodeSystem/v2-0190",
    )
    assert value(home, "result") is True


def test_a_change_of_the_tenants_own_terminology_counts_at_once(own):
    changed = {**REDS, "compose": {"include": [{"system": "urn:colours", "concept": [{"code": "blue"}]}]}}
    assert own("PUT", "/ValueSet/reds", changed).status_code == 200
    assert codes(ask(own, "ValueSet/$expand", url="urn:reds")) == ["blue"]
    assert own("DELETE", "/ValueSet/reds").status_code == 204
    assert own("GET", "/ValueSet/$expand?url=urn:reds").status_code == 404


def test_nobody_sees_the_terminology_of_another_tenant(own, connect, other_tenant):
    stranger = connect(other_tenant)
    assert stranger("GET", "/ValueSet/$expand?url=urn:reds").status_code == 404
    assert stranger("GET", "/CodeSystem/$lookup?system=urn:colours&code=red").status_code == 404


def test_who_may_not_read_value_sets_may_not_ask_about_them(connect, tenant):
    narrow = connect(tenant, "system/Observation.rs")
    assert narrow("GET", f"/ValueSet/$expand?url={GENDER}").status_code == 403
    assert narrow("GET", f"/CodeSystem/$lookup?system={ACT_CODE}&code=IMP").status_code == 403
    assert narrow("GET", "/ConceptMap/$translate?code=home").status_code == 403
    allowed = connect(tenant, "system/ValueSet.rs")
    assert allowed("GET", f"/ValueSet/$expand?url={GENDER}").status_code == 200


def test_the_operations_stand_in_the_metadata(client):
    rest = client("GET", "/metadata").json()["rest"][0]
    offered = {one["type"]: {op["name"] for op in one.get("operation", ())} for one in rest["resource"]}
    assert {"expand", "validate-code"} <= offered["ValueSet"]
    assert {"lookup", "subsumes", "validate-code"} <= offered["CodeSystem"]
    assert "translate" in offered["ConceptMap"]


@pytest.mark.parametrize(
    "compose",
    [
        {"include": [{"system": "urn:colours", "concept": [{"display": "no code"}]}]},
        {"include": "everything"},
        {"include": [{"system": 7}]},
        {"include": [{"valueSet": "urn:reds"}]},
        {"include": [{"system": "urn:colours", "filter": [{"property": "code", "op": "regex", "value": "("}]}]},
        {"include": [{"system": "urn:colours", "filter": [{"property": "code", "op": "like", "value": "r"}]}]},
    ],
)
def test_a_value_set_that_is_none_is_refused_and_not_an_error_of_ours(own, compose):
    sent = {"resourceType": "ValueSet", "status": "draft", "compose": compose}
    body = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "valueSet", "resource": sent},
            {"name": "code", "valueCode": "red"},
            {"name": "system", "valueUri": "urn:colours"},
        ],
    }
    for answer in (own("POST", "/ValueSet/$expand", sent), own("POST", "/ValueSet/$validate-code", body)):
        assert 400 <= answer.status_code < 500, answer.text
        assert answer.json()["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize(
    "parameter",
    [
        {"name": "coding", "valueCoding": {"system": "urn:colours"}},
        {"name": "coding", "valueString": "red"},
        {"name": "coding", "valueCoding": {"system": "urn:colours", "code": 5}},
        {"name": "codeableConcept", "valueCodeableConcept": {"text": "red"}},
        {"name": "codeableConcept", "valueCodeableConcept": {"coding": ["red"]}},
        {"name": "codeableConcept", "valueCodeableConcept": {"coding": "red"}},
        {"name": "abstract", "valueString": "perhaps"},
    ],
)
def test_a_code_that_is_none_is_refused_and_not_an_error_of_ours(own, parameter):
    for path in ("/ValueSet/$validate-code", "/CodeSystem/$lookup", "/ConceptMap/$translate"):
        url = [{"name": "url", "valueUri": "urn:reds"}] if "ValueSet" in path else []
        body = {"resourceType": "Parameters", "parameter": [*url, parameter]}
        answer = own("POST", path, body)
        assert 400 <= answer.status_code < 500, (path, answer.text)
