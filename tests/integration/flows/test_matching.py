"""Joins by the machine only where a tenant wants them and nothing speaks against it; questions are asked once."""

import pytest

from careloop.access.model import Principal, Tenant, system_principal
from careloop.access.tenancy import change_settings
from careloop.errors import Rejected
from careloop.flows import identifying, matching, merging, writing
from careloop.flows.app import App
from careloop.flows.merge_preview import preview
from careloop.identity import merges
from careloop.identity.model import MatchState
from careloop.record import Write

SSN = {"system": "http://hl7.org/fhir/sid/us-ssn", "value": "123-45-6780"}
ANA = {
    "name": [{"family": "Rivera", "given": ["Ana"]}],
    "birthDate": "1951-04-15",
    "gender": "female",
    "telecom": [{"system": "phone", "value": "413 555 0101"}],
    "address": [{"line": ["12 Elm Street"], "city": "Springfield", "postalCode": "01101"}],
}


@pytest.fixture
def principal(tenant: Tenant) -> Principal:
    """The test as an actor."""
    return system_principal(tenant.id, "test")


@pytest.fixture
def joining(app: App, tenant: Tenant) -> None:
    """The tenant wants joins without a person."""
    with app.database.transaction(tenant.id) as tx:
        change_settings(tx, tenant, match_join="certain", match_join_points=30)


def put(app: App, tenant: Tenant, principal: Principal, *resources: dict[str, object]) -> None:
    writes = [
        Write(method="update", resource_type=str(one["resourceType"]), id=str(one["id"]), resource=one)
        for one in resources
    ]
    with app.database.transaction(tenant.id) as tx:
        writing.write(app, tx, principal, writes)


def person(patient_id: str, **changes: object) -> dict[str, object]:
    known = {"resourceType": "Patient", "id": patient_id, **ANA, **changes}
    return {key: value for key, value in known.items() if value != []}


def joined(app: App, tenant: Tenant, patient_id: str) -> bool:
    with app.database.transaction(tenant.id) as tx:
        return merges.standing_merge(tx, patient_id) is not None


def queue(app: App, tenant: Tenant, principal: Principal) -> tuple[identifying.ReviewItem, ...]:
    with app.database.transaction(tenant.id) as tx:
        return identifying.review_queue(app, tx, principal).items


def test_by_default_nobody_is_joined_by_the_machine_however_alike(app: App, tenant: Tenant, principal: Principal):
    put(app, tenant, principal, person("a", identifier=[SSN]), person("b", identifier=[SSN]))
    assert len(queue(app, tenant, principal)) == 1
    assert not joined(app, tenant, "a")
    assert not joined(app, tenant, "b")


@pytest.mark.usefixtures("joining")
def test_a_tenant_that_wants_it_has_certain_pairs_joined_and_can_take_it_back(
    app: App, tenant: Tenant, principal: Principal
):
    put(app, tenant, principal, person("a"))
    put(app, tenant, principal, person("b"))
    assert not queue(app, tenant, principal)
    assert joined(app, tenant, "b")
    with app.database.transaction(tenant.id) as tx:
        done = merges.standing_merge(tx, "b")
        assert done is not None
        assert "joined by the machine" in done.source
        merging.unmerge(app, tx, principal, done.id, "they are sisters-in-law")
    assert not joined(app, tenant, "b")
    put(app, tenant, principal, person("b", maritalStatus={"text": "married"}))
    assert not joined(app, tenant, "b")


@pytest.mark.usefixtures("joining")
@pytest.mark.parametrize(
    "changes",
    [
        {"name": [{"family": "Rivera", "given": ["Luz"]}]},
        {"name": [{"family": "Rivera", "given": ["Anna"]}]},
        {"multipleBirthInteger": 2},
        {"name": [{"family": "Rivera", "given": ["Ana"], "suffix": ["Jr"]}]},
        {"birthDate": "1981-04-15"},
        {"birthDate": "1951-04-16"},
        {"name": [{"family": "Rivera", "given": ["А\u200bna"]}]},
        {"name": [{"family": "Riverа", "given": ["Ana"]}]},
        {"gender": "male"},
        {"identifier": [{**SSN, "value": "987-11-1234"}]},
    ],
    ids=["twin", "rhyming twin", "second born", "junior", "generation", "date", "zero width", "cyrillic", "sex", "ssn"],
)
def test_whom_a_rule_keeps_apart_is_never_joined_by_the_machine(
    app: App, tenant: Tenant, principal: Principal, changes: dict[str, object]
):
    first = {"name": [{"family": "Rivera", "given": ["Ana"], "suffix": ["Sr"]}], "multipleBirthInteger": 1}
    put(app, tenant, principal, person("a", identifier=[SSN], **(first if "identifier" not in changes else {})))
    put(app, tenant, principal, person("b", **{"identifier": [], **changes}))
    assert not joined(app, tenant, "a")
    assert not joined(app, tenant, "b")


@pytest.mark.usefixtures("joining")
def test_one_who_is_like_two_others_goes_to_a_person(app: App, tenant: Tenant, principal: Principal):
    put(app, tenant, principal, person("a"), person("b"), person("c"))
    assert len(queue(app, tenant, principal)) == 3
    assert not any(joined(app, tenant, one) for one in "abc")


@pytest.mark.usefixtures("joining")
def test_a_pair_that_a_person_kept_apart_is_not_joined_later(app: App, tenant: Tenant, principal: Principal):
    put(app, tenant, principal, person("a"), person("b", birthDate="1951-04-16"))
    (item,) = queue(app, tenant, principal)
    with app.database.transaction(tenant.id) as tx:
        identifying.decide(app, tx, principal, item.id, "different", "cousins")
    put(app, tenant, principal, person("b", birthDate="1951-04-16", maritalStatus={"text": "married"}))
    assert not queue(app, tenant, principal)
    assert not joined(app, tenant, "b")


def test_kept_apart_is_asked_again_only_when_facts_come_that_speak_more_strongly(
    app: App, tenant: Tenant, principal: Principal
):
    put(app, tenant, principal, person("a", identifier=[SSN]), person("b", birthDate="1951-04-16", telecom=[]))
    (item,) = queue(app, tenant, principal)
    with app.database.transaction(tenant.id) as tx:
        identifying.decide(app, tx, principal, item.id, "different", "cousins")
    put(app, tenant, principal, person("b", birthDate="1951-04-16", telecom=[], maritalStatus={"text": "married"}))
    assert not queue(app, tenant, principal)
    put(app, tenant, principal, person("b", birthDate="1951-04-16", telecom=[], identifier=[SSN]))
    assert [one.id for one in queue(app, tenant, principal)] == [item.id]


def test_nobody_can_tell_keeps_the_pair_open_with_what_is_to_be_asked(app: App, tenant: Tenant, principal: Principal):
    put(app, tenant, principal, person("a"), person("b", birthDate="1951-04-16"))
    (item,) = queue(app, tenant, principal)
    with app.database.transaction(tenant.id) as tx:
        with pytest.raises(Rejected):
            identifying.decide(app, tx, principal, item.id, "ask", " ")
        done = identifying.decide(app, tx, principal, item.id, "ask", "ask her for the second name")
        task = app.record.fetch(tx, [f"Task/{item.id}"])[f"Task/{item.id}"].resource
    assert done.state is MatchState.ASKING
    assert (task["status"], task["note"][0]["text"]) == ("on-hold", "ask her for the second name")
    (asked,) = queue(app, tenant, principal)
    assert asked.asking == "ask her for the second name"
    assert asked.due > item.due
    with app.database.transaction(tenant.id) as tx:
        identifying.decide(app, tx, principal, item.id, "same", "she has one name")
    assert not queue(app, tenant, principal)


def test_the_tenants_own_review_line_holds(app: App, tenant: Tenant, principal: Principal):
    with app.database.transaction(tenant.id) as tx:
        change_settings(tx, tenant, match_review_points=90)
    put(app, tenant, principal, person("a"), person("b"))
    assert not queue(app, tenant, principal)


def test_waiting_pairs_are_lines_of_the_worklist(app: App, tenant: Tenant, principal: Principal):
    put(app, tenant, principal, person("a"), person("b"))
    with app.database.transaction(tenant.id) as tx:
        waiting = identifying.waiting(app, tx, principal)
    assert (waiting.total, waiting.pairs[0].names) == (1, "Ana Rivera and Ana Rivera")


def test_the_preview_tells_every_consequence_and_changes_nothing(app: App, tenant: Tenant, principal: Principal):
    about = {"reference": "Patient/b"}
    scope = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]}
    minutes = {"url": "urn:careloop:minutes", "valueDecimal": 12}
    now = app.clock.now().isoformat(timespec="seconds")
    put(
        app, tenant, principal, person("a"), person("b", gender="male", birthDate="1951-04-16", identifier=[
            {"system": "urn:careloop:authority:X", "value": "9"}]),
        {"resourceType": "Communication", "id": "m", "status": "completed", "subject": about, "sent": now,
         "extension": [minutes]},
        {"resourceType": "Consent", "id": "c", "status": "active", "scope": scope, "patient": about,
         "category": [{"text": "sharing"}], "policyRule": {"text": "ours"}, "provision": {"type": "deny"}},
        {"resourceType": "Appointment", "id": "v", "status": "booked", "start": "2027-01-02T10:00:00Z",
         "end": "2027-01-02T10:20:00Z", "participant": [{"actor": about, "status": "accepted"}]},
        {"resourceType": "CareTeam", "id": "t", "status": "active", "subject": about,
         "participant": [{"member": {"reference": "Practitioner/d", "display": "Dr. Dee"}}]},
        {"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "weight"}, "subject": about},
    )  # fmt: skip
    with app.database.transaction(tenant.id) as tx:
        told = preview(app, tx, "a", "b")
    kinds = {one.kind: one for one in told.consequences}
    assert {"messages", "consents", "appointments", "care teams", "identifiers", "facts", "minutes"} <= kinds.keys()
    assert kinds["minutes"].count == 12
    assert kinds["care teams"].named == ("Dr. Dee",)
    assert kinds["facts"].named == ("1 Observation",)
    assert {(one.field, one.needs_look) for one in told.contradictions} == {("birth date", True), ("sex", True)}
    assert not joined(app, tenant, "b")


def test_after_unmerge_each_fact_is_with_the_person_it_was_reported_for(app: App, tenant: Tenant, principal: Principal):
    number = {"system": "urn:careloop:authority:X", "type": {"coding": [
        {"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]}}  # fmt: skip
    put(app, tenant, principal, person("a", identifier=[{**number, "value": "1"}]),
        person("b", identifier=[{**number, "value": "2"}]))  # fmt: skip
    put(app, tenant, principal, *(weight(f"before-{one}", one) for one in "ab"))
    with app.database.transaction(tenant.id) as tx:
        done = merging.merge(app, tx, principal, "a", "b", "test")
    assert done is not None
    put(app, tenant, principal, weight("after-a", "a"), weight("before-b", "a", note=[{"text": "corrected"}]))
    with app.database.transaction(tenant.id) as tx:
        merging.unmerge(app, tx, principal, done.id, "two people")
        found = app.record.fetch(tx, [f"Observation/{one}" for one in ("before-a", "before-b", "after-a")])
    owners = {reference: one.resource["subject"]["reference"] for reference, one in found.items()}
    assert owners == {
        "Observation/before-a": "Patient/a", "Observation/before-b": "Patient/b", "Observation/after-a": "Patient/a",
    }  # fmt: skip
    assert found["Observation/before-b"].resource["note"] == [{"text": "corrected"}]


def weight(key: str, patient_id: str, **more: object) -> dict[str, object]:
    return {
        "resourceType": "Observation", "id": key, "status": "final", "code": {"text": "weight"},
        "subject": {"reference": f"Patient/{patient_id}"}, **more,
    }  # fmt: skip


def test_a_batch_asks_about_duplicates_of_the_whole_record_once(app: App, tenant: Tenant, principal: Principal):
    strangers = [
        person(f"s{place}", name=[{"family": f"{first}{second}son", "given": [f"{second}{first}a"]}],
               birthDate=f"19{10 + place % 80}-0{1 + place % 9}-1{place % 10}", telecom=[],
               address=[{"line": [f"{place} {second}{first} Road"], "postalCode": f"0{2000 + place}"}])
        for place, (first, second) in enumerate((one, two) for one in "BCDFGHKLMN" for two in "abcdefghiklm")
    ]  # fmt: skip
    put(app, tenant, principal, *strangers, person("a"), person("b", birthDate="1951-04-16"))
    with app.database.transaction(tenant.id) as tx:
        tx.execute("delete from person_match")
    first, again = matching.batch(app, tenant), matching.batch(app, tenant)
    assert (first.people, first.asked, again.asked) == (122, first.likely, 0)
    assert ("a", "b") in {(one.left.patient_id, one.right.patient_id) for one in queue(app, tenant, principal)}
