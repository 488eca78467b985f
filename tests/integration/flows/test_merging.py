"""Two patients become one and can be two again, on real PostgreSQL (TR-09; case 18 as messages is a journey)."""

import pytest

from careloop import identity
from careloop.access.model import Principal, Tenant, system_principal
from careloop.db import Transaction
from careloop.errors import Conflict, Rejected
from careloop.flows import merging, writing
from careloop.flows.app import App
from careloop.identity import Identifier, merges
from careloop.record import Write

MR = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]}
SYSTEM = "urn:careloop:authority:STMARY"


def number(value: str) -> Identifier:
    """A record number of St. Mary."""
    return Identifier(system=SYSTEM, value=value, type="MR")


def patient(patient_id: str, value: str) -> dict[str, object]:
    """A Patient with one record number."""
    return {
        "resourceType": "Patient",
        "id": patient_id,
        "identifier": [{"type": MR, "system": SYSTEM, "value": value}],
        "name": [{"family": f"Family{patient_id}", "given": ["Given"]}],
    }


def observation(key: str, patient_id: str, **more: object) -> dict[str, object]:
    """An Observation about a patient."""
    return {
        "resourceType": "Observation",
        "id": key,
        "status": "final",
        "code": {"text": "weight"},
        "subject": {"reference": f"Patient/{patient_id}"},
        **more,
    }


@pytest.fixture
def principal(tenant: Tenant) -> Principal:
    """The test as an actor."""
    return system_principal(tenant.id, "test")


def put(app: App, tx: Transaction, principal: Principal, *resources: dict[str, object]) -> None:
    """The resources are written through the one door."""
    writes = [
        Write(method="update", resource_type=str(one["resourceType"]), id=str(one["id"]), resource=one)
        for one in resources
    ]
    writing.write(app, tx, principal, writes)


def content(app: App, tx: Transaction, reference: str) -> dict[str, object]:
    """A resource as it stands, without its version."""
    resource = app.record.fetch(tx, [reference])[reference].resource
    return {key: value for key, value in resource.items() if key != "meta"}


def test_everything_of_the_prior_moves_and_its_number_finds_the_survivor(
    app: App, tenant: Tenant, principal: Principal
):
    with app.database.transaction(tenant.id) as tx:
        put(app, tx, principal, patient("a", "1"), patient("b", "2"), observation("o", "b"))
        done = merging.merge(app, tx, principal, "a", "b", "test")
        assert done is not None
        assert content(app, tx, "Observation/o")["subject"] == {"reference": "Patient/a"}
        found = identity.resolve(tx, app.record, app.clock.now(), [number("2")])
        assert (found.patient_id, found.named_prior) == ("a", "b")
        prior, survivor = content(app, tx, "Patient/b"), content(app, tx, "Patient/a")
        assert prior["active"] is False
        assert prior["link"] == [{"other": {"reference": "Patient/a"}, "type": "replaced-by"}]
        assert {"type": MR, "system": SYSTEM, "value": "2", "use": "old"} in survivor["identifier"]
        hits = app.record.search(tx, principal, "Patient", [("identifier", f"{SYSTEM}|2")], app.clock.now())
        assert "a" in [one.id for one in hits.entries]
        assert identity.survivor_of(tx, "b") == "a"


def test_unmerging_gives_each_its_own_back_also_what_was_written_to_it_since(
    app: App, tenant: Tenant, principal: Principal
):
    with app.database.transaction(tenant.id) as tx:
        put(app, tx, principal, patient("a", "1"), patient("b", "2"), observation("o", "b"), observation("own", "a"))
        before = {one: content(app, tx, one) for one in ("Patient/a", "Patient/b", "Observation/own")}
        done = merging.merge(app, tx, principal, "a", "b", "test")
        put(app, tx, principal, observation("o", "a", valueString="changed since"))
        merging.unmerge(app, tx, principal, done.id)
        assert content(app, tx, "Observation/o") == observation("o", "b", valueString="changed since")
        assert {one: content(app, tx, one) for one in before} == before
        found = identity.resolve(tx, app.record, app.clock.now(), [number("2")])
        assert (found.patient_id, found.named_prior) == ("b", None)
        with pytest.raises(Conflict):
            merging.unmerge(app, tx, principal, done.id)


def test_facts_that_came_by_the_priors_number_after_the_merge_go_back_with_it(
    app: App, tenant: Tenant, principal: Principal
):
    with app.database.transaction(tenant.id) as tx:
        put(app, tx, principal, patient("a", "1"), patient("b", "2"))
        done = merging.merge(app, tx, principal, "a", "b", "test")
        found = identity.resolve(tx, app.record, app.clock.now(), [number("2")])
        put(app, tx, principal, observation("later", found.patient_id))
        merging.note_later(app, tx, found, [("Observation", "later", 1)])
        merging.unmerge(app, tx, principal, done.id)
        assert content(app, tx, "Observation/later")["subject"] == {"reference": "Patient/b"}


def test_merging_again_changes_nothing_and_merging_back_makes_no_loop(app: App, tenant: Tenant, principal: Principal):
    with app.database.transaction(tenant.id) as tx:
        put(app, tx, principal, patient("a", "1"), patient("b", "2"))
        first = merging.merge(app, tx, principal, "a", "b", "test")
        again = merging.merge(app, tx, principal, "a", "b", "test")
        back = merging.merge(app, tx, principal, "b", "a", "test")
        assert again == first
        assert back is None
        assert identity.survivor_of(tx, "a") == "a"
        with pytest.raises(Rejected):
            merging.merge(app, tx, principal, "a", "a", "test")


@pytest.mark.parametrize("order", [("ab", "bc"), ("bc", "ab")])
def test_a_chain_of_merges_ends_at_one_person_in_any_order_and_parts_again(
    app: App, tenant: Tenant, principal: Principal, order: tuple[str, str]
):
    with app.database.transaction(tenant.id) as tx:
        put(app, tx, principal, *(patient(one, one) for one in "abc"), *(observation(f"o{one}", one) for one in "abc"))
        done = {pair: merging.merge(app, tx, principal, pair[0], pair[1], "test") for pair in order}
        assert {identity.survivor_of(tx, one) for one in "abc"} == {"a"}
        assert content(app, tx, "Observation/oc")["subject"] == {"reference": "Patient/a"}
        merging.unmerge(app, tx, principal, done["ab"].id)
        assert {one: identity.survivor_of(tx, one) for one in "abc"} == {"a": "a", "b": "b", "c": "b"}
        assert content(app, tx, "Observation/oc")["subject"] == {"reference": "Patient/b"}
        assert identity.resolve(tx, app.record, app.clock.now(), [number("c")]).patient_id == "b"
        merging.unmerge(app, tx, principal, done["bc"].id)
        assert content(app, tx, "Observation/oc")["subject"] == {"reference": "Patient/c"}
        assert content(app, tx, "Observation/oa")["subject"] == {"reference": "Patient/a"}


def test_a_merge_of_a_number_that_nobody_has_used_holds_for_what_comes_later(
    app: App, tenant: Tenant, principal: Principal
):
    with app.database.transaction(tenant.id) as tx:
        put(app, tx, principal, patient("a", "1"))
        merging.merge_numbers(app, tx, principal, "a", [number("9")], "test")
        waiting = merges.pending_merges(tx)
        found = identity.resolve(tx, app.record, app.clock.now(), [number("9")])
        merging.note_later(app, tx, found, [])
        assert [one.number.value for one in waiting] == ["9"]
        assert (found.patient_id, found.created) == ("a", False)
        assert merges.pending_merges(tx) == []


def test_a_patient_written_with_a_number_that_a_merge_waits_for_is_merged(
    app: App, tenant: Tenant, principal: Principal
):
    with app.database.transaction(tenant.id) as tx:
        put(app, tx, principal, patient("a", "1"))
        merging.merge_numbers(app, tx, principal, "a", [number("9")], "test")
        put(app, tx, principal, patient("x", "9"), observation("o", "x"))
        assert identity.survivor_of(tx, "x") == "a"


def test_a_resource_that_named_both_is_parted_right(app: App, tenant: Tenant, principal: Principal):
    with app.database.transaction(tenant.id) as tx:
        both = observation("o", "b", performer=[{"reference": "Patient/a"}])
        put(app, tx, principal, patient("a", "1"), patient("b", "2"), both)
        done = merging.merge(app, tx, principal, "a", "b", "test")
        merging.unmerge(app, tx, principal, done.id)
        assert content(app, tx, "Observation/o") == both
