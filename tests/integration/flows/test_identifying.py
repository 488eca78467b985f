"""A person decides whether two patients are one, and may take it back."""

import pytest

from careloop import identity
from careloop.access.model import Principal, Tenant, system_principal
from careloop.errors import Conflict, NotFound, Rejected
from careloop.flows import identifying, writing
from careloop.flows.app import App
from careloop.identity.model import MatchState, Verdict
from careloop.record import Write

ANA = {
    "name": [{"family": "Rivera", "given": ["Ana"]}],
    "birthDate": "1951-04-15",
    "gender": "female",
    "telecom": [{"system": "phone", "value": "413 555 0101"}],
}


@pytest.fixture
def principal(tenant: Tenant) -> Principal:
    """The test as an actor."""
    return system_principal(tenant.id, "test")


@pytest.fixture
def pair(app: App, tenant: Tenant, principal: Principal) -> identifying.ReviewItem:
    """Two patients alike, as the review shows them."""
    people = [
        {"resourceType": "Patient", "id": "a", **ANA},
        {"resourceType": "Patient", "id": "b", **ANA, "telecom": [{"system": "phone", "value": "413 555 0102"}]},
    ]
    writes = [Write(method="update", resource_type="Patient", id=str(one["id"]), resource=one) for one in people]
    with app.database.transaction(tenant.id) as tx:
        writing.write(app, tx, principal, writes)
        (item,) = identifying.review_queue(app, tx, principal).items
    return item


def test_the_queue_shows_both_side_by_side_with_what_agrees_and_differs(pair: identifying.ReviewItem):
    verdicts = {line.field: line.verdict for line in pair.fields}
    assert (pair.left.name, pair.right.name) == ("Ana Rivera", "Ana Rivera")
    assert verdicts["birth date"] is Verdict.AGREES
    assert verdicts["phone"] is Verdict.SIMILAR


def test_a_possible_match_is_a_task_of_the_queue_with_its_step(
    app: App, tenant: Tenant, principal: Principal, pair: identifying.ReviewItem
):
    with app.database.transaction(tenant.id) as tx:
        hits = app.record.search(
            tx, principal, "Task", [("code", "urn:careloop:pathway|person-match")], app.clock.now()
        )
        steps = app.record.search(tx, principal, "Task", [("code", "urn:careloop:step|decided")], app.clock.now())
    (task,), (step,) = hits.entries, steps.entries
    assert task.id == pair.id
    assert task.resource["status"] == "accepted"
    assert task.resource["owner"]["reference"].startswith("CareTeam/")
    assert step.resource["partOf"] == [{"reference": f"Task/{pair.id}"}]


def test_the_tasks_are_valid_fhir(app: App, tenant: Tenant, pair: identifying.ReviewItem):
    with app.database.transaction(tenant.id) as tx:
        task = app.record.fetch(tx, [f"Task/{pair.id}"])[f"Task/{pair.id}"].resource
    assert [fault for fault in app.record.validator.validate(task) if fault.severity == "error"] == []


def test_same_joins_them_and_undo_makes_them_two_and_asks_again(
    app: App, tenant: Tenant, principal: Principal, pair: identifying.ReviewItem
):
    with app.database.transaction(tenant.id) as tx:
        done = identifying.decide(app, tx, principal, pair.id, "same", "I asked her")
        joined = identity.survivor_of(tx, "b") == identity.survivor_of(tx, "a")
        closed = app.record.fetch(tx, [f"Task/{pair.id}"])[f"Task/{pair.id}"].resource["status"]
        undone = identifying.undo(app, tx, principal, pair.id)
        parted = identity.survivor_of(tx, "b") != identity.survivor_of(tx, "a")
        again = app.record.fetch(tx, [f"Task/{pair.id}"])[f"Task/{pair.id}"].resource["status"]
        total = identifying.review_queue(app, tx, principal).total
    assert done.merge_id is not None
    assert (joined, closed) == (True, "completed")
    assert (undone.state, parted, again, total) == (MatchState.OPEN, True, "accepted", 1)


def test_different_is_never_asked_again(app: App, tenant: Tenant, principal: Principal, pair: identifying.ReviewItem):
    with app.database.transaction(tenant.id) as tx:
        identifying.decide(app, tx, principal, pair.id, "different", "Two sisters-in-law")
        changed = {"resourceType": "Patient", "id": "b", **ANA}
        writing.write(app, tx, principal, [Write(method="update", resource_type="Patient", id="b", resource=changed)])
        queue = identifying.review_queue(app, tx, principal)
        with pytest.raises(Conflict):
            identifying.decide(app, tx, principal, pair.id, "same", "Changed my mind")
    assert queue.items == ()


def test_a_decision_needs_a_sentence(app: App, tenant: Tenant, principal: Principal, pair: identifying.ReviewItem):
    with app.database.transaction(tenant.id) as tx, pytest.raises(Rejected):
        identifying.decide(app, tx, principal, pair.id, "same", "  ")


def test_a_client_that_completes_the_step_decides_and_must_say_what(
    app: App, tenant: Tenant, principal: Principal, pair: identifying.ReviewItem
):
    with app.database.transaction(tenant.id) as tx:
        steps = app.record.search(tx, principal, "Task", [("code", "urn:careloop:step|decided")], app.clock.now())
        step = {**steps.entries[0].resource, "status": "completed"}
        step.pop("meta")

        def put(**more: object) -> None:
            task = Write(method="update", resource_type="Task", id=step["id"], resource={**step, **more})
            writing.write(app, tx, principal, [task])

        with pytest.raises(Rejected):
            put()
        evidence = {"type": {"text": "evidence"}, "valueReference": {"reference": "Patient/b"}}
        put(output=[evidence], note=[{"text": "The same insurance card"}])
        assert identity.survivor_of(tx, "a") == "b"


def test_a_join_is_taken_back_from_the_record_that_was_joined(
    app: App, tenant: Tenant, principal: Principal, pair: identifying.ReviewItem
):
    with app.database.transaction(tenant.id) as tx:
        done = identifying.decide(app, tx, principal, pair.id, "same", "seen together")
        prior = next(side.patient_id for side in (pair.left, pair.right) if side.patient_id != done.survivor_id)
        with pytest.raises(Rejected):
            identifying.part(app, tx, principal, prior, " ")
        with pytest.raises(NotFound):
            identifying.part(app, tx, principal, str(done.survivor_id), "not this one")
        identifying.part(app, tx, principal, prior, "they are sisters")
        assert app.record.read(tx, principal, "Patient", prior).resource.get("active", True)
        with pytest.raises(NotFound):
            identifying.part(app, tx, principal, prior, "again")
