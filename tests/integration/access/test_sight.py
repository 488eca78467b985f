"""An app for one patient sees that patient and nobody else, by whatever way it looks (security.md §3).

The same data stand about Ann and Bob; everything of Bob carries his mark. Each way of looking is first shown to find
the mark for somebody who may see it, so that the test can fail.
"""

import json
from collections.abc import Iterator

import pytest
from litestar.testing import TestClient
from tests.conftest import StandingClock, make_tenant

from careloop.access.clients import create_client
from careloop.access.sight import sight_of
from careloop.access.tokens import issue_token
from careloop.cli.asgi import create_asgi
from careloop.errors import NotPermitted

from .conftest import HOST, Smart, make_smart

CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
JSON = {"content-type": "application/fhir+json"}
LABORATORY = f"patient/Observation.rs?category={CATEGORY}|laboratory"


@pytest.fixture(scope="module")
def reading(_app, database) -> Iterator[Smart]:
    """One practice for all tests that only read."""
    app = _app.with_clock(StandingClock())
    with TestClient(create_asgi(app), base_url=HOST) as http:
        yield make_smart(app, make_tenant(database), http)


@pytest.fixture(scope="module")
def tokens(reading: Smart) -> tuple[str, str]:
    """Two tokens in the practice for reading: of an app for Ann, and of a program that sees everything."""
    return anns_app(reading), control(reading)


@pytest.fixture
def anns(smart: Smart) -> str:
    """A token of an app that is allowed to read everything of Ann."""
    return anns_app(smart)


@pytest.fixture
def everything(smart: Smart) -> str:
    """The control: a token of a program that sees the whole record."""
    return control(smart)


def anns_app(smart: Smart) -> str:
    """A token of an app that a nurse has allowed to read everything of Ann."""
    return str(smart.allowed(smart.register("patient/*.rs launch/patient"))["access_token"])


def control(smart: Smart) -> str:
    """A token of a program."""
    now = smart.app.clock.now()
    with smart.app.database.transaction(smart.tenant.id) as tx:
        made = create_client(tx, now, name="control", scope="system/*.cruds")
        return issue_token(tx, made.client.id, made.client.scopes, now)


FINDS_BOB = [
    "/Patient?_id={bob}",
    "/Patient?family=Bobmark",
    "/Patient?name=bob",
    "/Patient?family:exact=Bobmark",
    "/Patient?family:contains=obmar",
    "/Patient?identifier=urn:test:mrn|MRN-{bob}",
    "/Patient?birthdate=1955-02-14",
    "/Patient?birthdate=lt1956",
    "/Patient?_lastUpdated=gt2020-01-01",
    "/Patient?_sort=family",
    "/Patient?_sort=-birthdate&_count=2",
    "/Patient?gender:missing=true",
    "/Patient?_has:Observation:patient:code=2345-7",
    "/Patient?_has:Condition:subject:_id=c-{bob}",
    "/Patient?family=Bobmark&_revinclude=Observation:patient",
    "/Patient?family=Bobmark&_revinclude=Provenance:target",
    "/Patient?family=Bobmark&_elements=name",
    "/Observation?patient={bob}",
    "/Observation?subject=Patient/{bob}",
    "/Observation?subject:Patient.family=Bobmark",
    "/Observation?patient.name=bobmark",
    "/Observation?patient.identifier=urn:test:mrn|MRN-{bob}",
    "/Observation?code=2345-7",
    "/Observation?code:text=bobmark",
    "/Observation?code:not=1-1",
    "/Observation?category=laboratory",
    "/Observation?date=ge2026-11-20",
    "/Observation?value-quantity=5.4",
    "/Observation?code-value-quantity=http://loinc.org|2345-7$gt5",
    "/Observation?encounter=Encounter/e-{bob}",
    "/Observation?performer=Practitioner/nora&_sort=-date",
    "/Observation?patient={bob}&_include=Observation:patient",
    "/Observation?_lastUpdated=gt2020-01-01&_include=*",
    "/Condition?patient={bob}",
    "/Condition?code:text=bobmark",
    "/Encounter?date=ge2026-11-20&_include=Encounter:patient",
    "/Encounter?class=AMB&_revinclude=Observation:encounter",
    "/Practitioner?_id=nora&_revinclude=Observation:performer",
    "/Practitioner?_id=nora&_revinclude:iterate=Observation:performer&_revinclude:iterate=Provenance:target",
    "/Provenance?target=Patient/{bob}",
    "/?_type=Patient,Observation&_lastUpdated=gt2020-01-01",
    "/Patient/{bob}/Observation",
    "/Patient/{bob}/*",
    "/Encounter/e-{bob}/Observation",
    "/Patient/{bob}",
    "/Patient/{bob}/_history",
    "/Patient/{bob}/_history/1",
    "/Observation/laboratory-{bob}",
    "/Observation/laboratory-{bob}/_history",
    "/Patient/_history",
    "/Observation/_history",
    "/_history",
    "/Patient/{bob}/$everything",
    "/Patient/$everything",
    "/Encounter/e-{bob}/$everything",
    "/Observation/$lastn?patient={bob}&category=laboratory",
    "/Observation/$lastn?subject=Patient/{bob}&code=2345-7",
]


@pytest.mark.parametrize("path", FINDS_BOB)
def test_no_way_of_looking_leads_to_another_patient(reading: Smart, tokens, path: str):
    anns, everything = tokens
    asked = path.format(**reading.patients)
    known = reading.fhir(everything, asked)
    assert known.status_code == 200, known.text
    assert "Bobmark" in shown(known) and reading.patients["bob"] in shown(known)
    answer = reading.fhir(anns, asked)
    assert "Bobmark" not in shown(answer) and reading.patients["bob"] not in shown(answer)
    if answer.status_code != 200:
        nobody = reading.fhir(anns, path.format(ann=reading.patients["ann"], bob="nobody-at-all"))
        assert answer.status_code == 404
        assert (answer.status_code, answer.json()) == (nobody.status_code, nobody.json())


def shown(answer) -> str:
    """What an answer tells, without the links of a bundle, which repeat what was asked."""
    return json.dumps({name: value for name, value in answer.json().items() if name != "link"})


COUNTS = [
    "/Patient?_summary=count",
    "/Patient?_has:Observation:patient:code=2345-7&_summary=count",
    "/Observation?code=2345-7&_summary=count",
    "/Observation?category=laboratory&_summary=count",
    "/Observation?patient.family=Bobmark&_summary=count",
    "/Condition?code:text=bobmark&_summary=count",
    "/Encounter?class=AMB&_summary=count",
    "/Observation?code=2345-7,8867-4&_total=accurate&_count=1",
    "/Patient?family:contains=mark&_total=accurate&_count=1",
    "/Practitioner?_has:Observation:performer:patient=Patient/{bob}&_summary=count",
    "/Practitioner?_has:Observation:performer:subject.family=Bobmark&_summary=count",
    "/Practitioner?_has:Observation:performer:_has:Provenance:target:agent=Practitioner/nora&_summary=count",
]


@pytest.mark.parametrize("path", COUNTS)
def test_totals_count_only_what_is_seen(reading: Smart, tokens, path: str):
    smart, (anns, everything) = reading, tokens
    asked = path.format(**smart.patients)
    seen, whole = (smart.fhir(token, asked).json()["total"] for token in (anns, everything))
    own = path.replace("{bob}", "{ann}").replace("Bobmark", "Annmark").replace("bobmark", "annmark")
    assert whole > 0
    if own == path:
        assert 0 <= seen < whole or "Practitioner" in path
    else:
        assert seen == 0
        assert smart.fhir(anns, own.format(**smart.patients)).json()["total"] > 0


def test_pages_hold_only_what_is_seen(reading: Smart, tokens):
    smart, anns = reading, tokens[0]
    seen, path = [], "/Observation?_count=1"
    while path:
        bundle = smart.fhir(anns, path).json()
        seen += [one["resource"]["id"] for one in bundle.get("entry", [])]
        following = [link["url"] for link in bundle["link"] if link["relation"] == "next"]
        path = following[0].partition("/fhir")[2] if following else ""
    assert sorted(seen) == sorted(f"{kind}-{smart.patients['ann']}" for kind in ("laboratory", "vital-signs"))


def test_everything_that_is_anns_is_seen(reading: Smart, tokens):
    smart, anns = reading, tokens[0]
    ann = smart.patients["ann"]
    for path, many in ((f"/Observation?patient={ann}", 2), (f"/Patient?_id={ann}&_revinclude=Provenance:target", 2),
                       (f"/Patient/{ann}/$everything", 13), ("/Practitioner?_id=nora", 1)):  # fmt: skip
        bundle = smart.fhir(anns, path).json()
        assert len(bundle["entry"]) == many, path
    assert len(smart.fhir(anns, f"/Observation/laboratory-{ann}/_history").json()["entry"]) == 1


def test_a_batch_sees_no_more_than_its_requests(reading: Smart, tokens):
    smart, (anns, everything) = reading, tokens
    asked = [path.format(**smart.patients)[1:] for path in FINDS_BOB[:40]]
    bundle = {"resourceType": "Bundle", "type": "batch",
              "entry": [{"request": {"method": "GET", "url": one}} for one in asked]}  # fmt: skip
    control, answer = (
        smart.fhir(token, "/", "POST", content=json.dumps(bundle), headers=JSON) for token in (everything, anns)
    )
    seen, known = (
        [shown_entry for one in each.json()["entry"] for shown_entry in one.get("resource", {}).get("entry", [])]
        for each in (answer, control)
    )
    assert json.dumps(known).count("Bobmark") > 40
    assert answer.status_code == 200 and len(seen) > 10 and "Bobmark" not in json.dumps(seen)


def test_post_searches_are_narrowed_too(reading: Smart, tokens):
    smart, anns = reading, tokens[0]
    answer = smart.fhir(anns, "/Observation/_search", "POST", data={"code": "2345-7"})
    assert answer.json()["total"] == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/$export"), ("GET", "/Patient/$export"), ("POST", "/Patient/$match"), ("POST", "/Patient/$merge"),
        ("GET", "/AuditEvent"), ("GET", "/Subscription/$status"), ("POST", "/$import"),
        ("GET", "/Observation/laboratory-{ann}/$meta"), ("POST", "/PlanDefinition/x/$apply"),
    ],
)  # fmt: skip
def test_what_is_not_narrowed_is_refused(reading: Smart, tokens, method: str, path: str):
    smart, anns = reading, tokens[0]
    more = {"content": "{}", "headers": JSON} if method == "POST" else {}
    answer = smart.fhir(anns, path.format(**smart.patients), method, **more)
    assert answer.status_code in (403, 404)
    assert "mark" not in answer.text


@pytest.mark.parametrize("path", ["/api/worklist", "/api/inbox", "/api/episodes/e-{ann}"])
def test_other_doors_are_closed_to_an_app_for_one_patient(reading: Smart, tokens, path: str):
    smart, anns = reading, tokens[0]
    answer = smart.http.get(path.format(**smart.patients), headers={"Authorization": f"Bearer {anns}"})
    assert answer.status_code == 403


def test_an_app_without_a_scope_for_a_type_does_not_get_it_by_the_way(smart: Smart):
    given = smart.allowed(smart.register("patient/Observation.rs launch/patient"))["access_token"]
    ann = smart.patients["ann"]
    found = smart.fhir(given, f"/Observation?patient={ann}&_include=Observation:patient&_include=Observation:encounter")
    assert {one["resource"]["resourceType"] for one in found.json()["entry"]} == {"Observation"}
    assert smart.fhir(given, "/Observation?patient.family=Annmark").json().get("total", 0) == 0
    assert smart.fhir(given, f"/Patient/{ann}").status_code == 403


def test_a_scope_for_a_category_is_for_that_category(smart: Smart):
    given = smart.allowed(smart.register(f"{LABORATORY} launch/patient"))
    assert given["scope"].startswith(LABORATORY)
    ann, token = smart.patients["ann"], given["access_token"]
    found = smart.fhir(token, f"/Observation?patient={ann}").json()
    assert [one["resource"]["id"] for one in found["entry"]] == [f"laboratory-{ann}"]
    assert smart.fhir(token, f"/Observation/laboratory-{ann}").status_code == 200
    for path in (f"/Observation/vital-signs-{ann}", f"/Observation/vital-signs-{ann}/_history",
                 f"/Observation/laboratory-{smart.patients['bob']}"):  # fmt: skip
        assert smart.fhir(token, path).status_code == 404
    assert smart.fhir(token, "/Observation?_summary=count").json()["total"] == 1
    assert smart.fhir(token, "/Observation?code=8867-4&_summary=count").json()["total"] == 0


def test_a_category_of_every_patient_is_for_a_program_too(smart: Smart):
    scope, now = f"system/Observation.rs?category={CATEGORY}|laboratory", smart.app.clock.now()
    with smart.app.database.transaction(smart.tenant.id) as tx:
        made = create_client(tx, now, name="laboratory only", scope=scope)
        token = issue_token(tx, made.client.id, made.client.scopes, now)
    found = smart.fhir(token, "/Observation").json()
    assert {one["resource"]["id"] for one in found["entry"]} == {
        f"laboratory-{patient}" for patient in smart.patients.values()
    }


def test_what_was_about_somebody_else_before_is_not_seen(smart: Smart, anns: str, everything: str):
    ann, bob = smart.patients["ann"], smart.patients["bob"]
    moved = smart.fhir(everything, f"/Condition/c-{bob}").json()
    moved |= {"subject": {"reference": f"Patient/{ann}"}, "code": {"text": "corrected"}}
    answer = smart.fhir(everything, f"/Condition/c-{bob}", "PUT", content=json.dumps(moved), headers=JSON)
    assert answer.status_code == 200
    assert smart.fhir(anns, f"/Condition/c-{bob}").status_code == 200
    assert "Bobmark" in smart.fhir(everything, f"/Condition/c-{bob}/_history").text
    for path in (f"/Condition/c-{bob}/_history", f"/Condition/c-{bob}/_history/1", "/_history"):
        assert "Bobmark" not in smart.fhir(anns, path).text


WRITES = "patient/*.cruds launch/patient"


def note(patient_id: str, **more) -> str:
    return json.dumps(
        {
            "resourceType": "Communication",
            "status": "completed",
            "subject": {"reference": f"Patient/{patient_id}"},
            **more,
        }
    )


def test_an_app_writes_about_its_patient_and_nobody_else(smart: Smart, everything: str):
    token = smart.allowed(smart.register(WRITES))["access_token"]
    ann, bob = smart.patients["ann"], smart.patients["bob"]
    made = smart.fhir(token, "/Communication", "POST", content=note(ann), headers=JSON)
    assert made.status_code == 201, made.text
    own = made.json()["id"]
    changed = note(ann, id=own, note=[{"text": "more"}])
    assert smart.fhir(token, f"/Communication/{own}", "PUT", content=changed, headers=JSON).status_code == 200
    assert smart.fhir(token, "/Communication", "POST", content=note(bob), headers=JSON).status_code == 403
    moved = note(bob, id=own)
    assert smart.fhir(token, f"/Communication/{own}", "PUT", content=moved, headers=JSON).status_code == 403
    linked = note(ann, about=[{"reference": f"Observation/laboratory-{bob}"}])
    missing = note(ann, about=[{"reference": "Observation/nobodys"}])
    refused = [smart.fhir(token, "/Communication", "POST", content=one, headers=JSON) for one in (linked, missing)]
    assert [one.status_code for one in refused] == [422, 422] and refused[0].json() == refused[1].json()
    assert smart.fhir(everything, "/Communication?_summary=count").json()["total"] == 1


def test_a_foreign_id_and_a_missing_one_are_alike_to_a_writer(smart: Smart, everything: str):
    token = smart.allowed(smart.register(WRITES))["access_token"]
    ann = smart.patients["ann"]
    theirs = smart.fhir(everything, "/Communication", "POST", content=note(smart.patients["bob"]), headers=JSON).json()
    answers = []
    for identity in (theirs["id"], "nobodys"):
        body = note(ann, id=identity)
        patch = json.dumps([{"op": "replace", "path": "/status", "value": "in-progress"}])
        kind = {"content-type": "application/json-patch+json"}
        answers.append(
            [
                (one.status_code, one.text)
                for one in (
                    smart.fhir(token, f"/Communication/{identity}", "PUT", content=body, headers=JSON),
                    smart.fhir(token, f"/Communication/{identity}", "PATCH", content=patch, headers=kind),
                    smart.fhir(token, f"/Communication/{identity}", "GET"),
                )
            ]
        )
    assert answers[0] == answers[1]
    assert [status for status, _ in answers[0]] == [404, 404, 404]
    assert smart.fhir(everything, f"/Communication/{theirs['id']}").json()["meta"]["versionId"] == "1"


def test_a_transaction_of_an_app_is_held_to_its_patient(smart: Smart, everything: str):
    token = smart.allowed(smart.register(WRITES))["access_token"]

    def send(patient: str):
        entries = [
            {"fullUrl": "urn:uuid:0b7c4f0e-0000-4000-8000-000000000001", "request": {"method": "POST",
            "url": "Communication"},
             "resource": json.loads(note(smart.patients["ann"]))},
            {"request": {"method": "POST", "url": "Communication"}, "resource": json.loads(
                note(smart.patients[patient],
                partOf=[{"reference": "urn:uuid:0b7c4f0e-0000-4000-8000-000000000001"}]))},
        ]  # fmt: skip
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        return smart.fhir(token, "/", "POST", content=json.dumps(bundle), headers=JSON)

    assert send("bob").status_code == 403
    assert smart.fhir(everything, "/Communication?_summary=count").json()["total"] == 0
    sent = send("ann")
    assert sent.status_code == 200, sent.text
    assert smart.fhir(everything, "/Communication?_summary=count").json()["total"] == 2


def test_what_an_app_does_is_in_the_trail_with_person_and_app(smart: Smart, anns: str, everything: str):
    smart.fhir(anns, f"/Patient/{smart.patients['ann']}")
    trail = smart.fhir(everything, f"/AuditEvent?patient=Patient/{smart.patients['ann']}").text
    assert "Nora nurse through Growth chart" in trail and "Practitioner/nora" in trail


def test_the_database_refuses_what_a_door_forgets(smart: Smart):
    """Row-level security itself, without any of our own checks above it."""
    sight = sight_of(smart.tenant.id, ("patient/*.rs",), smart.patients["ann"])
    assert sight is not None
    with smart.app.database.transaction(smart.tenant.id, sight=sight.settings) as tx:
        for table in ("resource", "resource_history", "change_feed"):
            rows = tx.rows(f"select distinct patient_id from {table} where patient_id is not null")
            assert {row["patient_id"] for row in rows} <= {smart.patients["ann"]}
        assert tx.value("select count(*) from resource_string") < 10
    with smart.app.database.transaction(smart.tenant.id, sight=("",) * len(sight.settings)) as tx:
        assert tx.value("select count(*) from resource") == 0
    for statement in ("delete from resource", "select * from account", "update tenant set name = 'x'"):
        with (
            pytest.raises(NotPermitted),
            smart.app.database.transaction(smart.tenant.id, sight=sight.settings) as tx,
        ):
            tx.execute(statement)
