"""Subscriptions from the wish to the notification, with a real subscriber."""

import json
from datetime import timedelta

import pytest
from tests.integration.flows.hooks import (
    Subscriber,
    encounter,
    event_numbers,
    events,
    listening,
    make_client,
    parameter,
    patient,
)

from careloop import outbox
from careloop.access import clients
from careloop.subscriptions import store

ADMIT = "urn:careloop:topic:patient-admit"
ANY = "urn:careloop:topic:resource-changed"


@pytest.fixture
def subscriber(app, tenant):
    with listening() as hook:
        principal = make_client(app, tenant)
        with app.database.transaction(tenant.id) as tx:
            outbox.allow_host(tx, app.clock.now(), "127.0.0.1", "test")
        yield Subscriber(app, tenant, hook, principal)


def test_a_handshake_makes_a_subscription_active_and_an_admission_is_told(subscriber):
    subscriber.write(patient())
    subscriber.subscribe(ADMIT, header=("Authorization: Bearer secret",))
    assert subscriber.read("Subscription/sub-1")["status"] == "requested"
    subscriber.work()
    [handshake] = subscriber.hook.bundles
    assert parameter(handshake, "type") == "handshake"
    assert subscriber.read("Subscription/sub-1")["status"] == "active"
    subscriber.write(encounter())
    subscriber.work()
    [told] = subscriber.hook.of_kind("event-notification")
    assert told["type"] == "history" and parameter(told, "topic") == ADMIT
    assert parameter(told, "events-since-subscription-start") == "1"
    assert events(told)[0]["focus"]["reference"].endswith("/fhir/Encounter/e1")
    assert "resource" not in told["entry"][1] and told["entry"][1]["request"]["method"] == "POST"
    assert subscriber.hook.requests[-1]["headers"]["authorization"] == "Bearer secret"
    assert subscriber.hook.requests[-1]["headers"]["content-type"] == "application/fhir+json"


def test_only_the_change_into_the_state_is_an_event(subscriber):
    subscriber.write(patient(), encounter("planned", "planned"))
    subscriber.subscribe(ADMIT)
    subscriber.work()
    subscriber.write(encounter("planned", "in-progress"))
    subscriber.write({**encounter("planned", "in-progress"), "priority": {"text": "urgent"}})
    subscriber.write(encounter("planned", "finished"))
    subscriber.work()
    assert subscriber.hook.numbers() == [1]


def test_a_filter_lets_pass_what_satisfies_it(subscriber):
    subscriber.write(patient("p1"), patient("p2"))
    subscriber.subscribe(ADMIT, filters=("Encounter?patient=Patient/p2&class=IMP,EMER",))
    subscriber.work()
    subscriber.write(encounter("a", of="p1"))
    subscriber.write(encounter("b", of="p2"))
    subscriber.write(encounter("c", of="p2", code="AMB"))
    subscriber.work()
    assert [events(one)[0]["focus"]["reference"][-1] for one in subscriber.hook.of_kind("event-notification")] == ["b"]


def test_the_full_resource_is_the_version_of_the_event_with_its_context(subscriber):
    subscriber.write(patient())
    subscriber.subscribe(ADMIT, content="full-resource")
    subscriber.work()
    subscriber.write(encounter())
    subscriber.write(encounter(status="onleave"))
    subscriber.work()
    [told] = subscriber.hook.of_kind("event-notification")
    shown = [entry["resource"] for entry in told["entry"][1:]]
    assert [(one["resourceType"], one.get("status")) for one in shown] == [
        ("Encounter", "in-progress"),
        ("Patient", None),
    ]
    assert shown[0]["meta"]["versionId"] == "1"


def test_an_empty_notification_names_nothing(subscriber):
    subscriber.write(patient())
    subscriber.subscribe(ADMIT, content="empty")
    subscriber.work()
    subscriber.write(encounter())
    subscriber.work()
    [told] = subscriber.hook.of_kind("event-notification")
    assert len(told["entry"]) == 1 and event_numbers(told) == ["1"]
    assert "Encounter" not in json.dumps(told)


def test_a_deletion_is_told_by_a_topic_of_everything(subscriber):
    subscriber.write(patient("gone"))
    subscriber.subscribe(ANY, filters=("Patient?name=rivera",))
    subscriber.work()
    subscriber.delete("Patient", "gone")
    subscriber.work()
    [told] = subscriber.hook.of_kind("event-notification")
    assert told["entry"][1]["request"] == {"method": "DELETE", "url": "Patient/gone"}


def test_a_plain_criterion_sends_the_resource_as_an_update(subscriber):
    subscriber.subscribe("Patient?name=rivera", content=None)
    subscriber.work()
    assert subscriber.hook.requests == []
    assert subscriber.read("Subscription/sub-1")["status"] == "active"
    subscriber.write(patient("p7"), patient("p8", "Other"))
    subscriber.work()
    [sent] = subscriber.hook.requests
    assert (sent["method"], sent["path"], sent["body"]["id"]) == ("PUT", "/hook/Patient/p7", "p7")


def test_a_plain_criterion_without_a_payload_sends_an_empty_post(subscriber):
    subscriber.subscribe("Patient?name=rivera", content=None, payload=None)
    subscriber.work()
    subscriber.write(patient("p7"))
    subscriber.work()
    assert [(one["method"], one["body"]) for one in subscriber.hook.requests] == [("POST", None)]


@pytest.mark.parametrize(
    ("criteria", "more", "says"),
    [
        ("urn:careloop:topic:nobody", {}, "a topic of this server"),
        (ADMIT, {"filters": ("Encounter?patient.name=x",)}, "chain"),
        (ADMIT, {"filters": ("Encounter?status=finished",)}, "filters by"),
        (ANY, {}, "a filter"),
        (ADMIT, {"header": ("Host: elsewhere",)}, "not ours to set"),
        ("Observation?_has:X:y:z=1", {}, "Observation"),
    ],
)
def test_what_cannot_be_served_is_in_error_and_says_why(subscriber, criteria, more, says):
    subscriber.subscribe(criteria, **more)
    subscriber.work()
    found = subscriber.read("Subscription/sub-1")
    assert found["status"] == "error" and (says in found["error"] or says == "Observation")
    assert subscriber.hook.requests == []


def test_a_host_that_is_not_allowed_is_never_asked(subscriber):
    with subscriber.app.database.transaction(subscriber.tenant.id) as tx:
        assert outbox.forbid_host(tx, "127.0.0.1")
    subscriber.subscribe(ADMIT)
    subscriber.work()
    assert subscriber.read("Subscription/sub-1")["status"] == "error"
    assert "not on the tenant's list" in subscriber.read("Subscription/sub-1")["error"]
    assert subscriber.hook.requests == []


def test_rights_are_those_of_the_moment_of_sending(subscriber, app, tenant):
    narrow = make_client(app, tenant, "system/Subscription.cruds system/Encounter.rs", name="narrow")
    subscriber.write(patient())
    wide, subscriber.principal = subscriber.principal, narrow
    subscriber.subscribe(ADMIT, content="full-resource")
    subscriber.principal = wide
    subscriber.work()
    subscriber.write(encounter())
    subscriber.work()
    [told] = subscriber.hook.of_kind("event-notification")
    assert [entry["resource"]["resourceType"] for entry in told["entry"][1:]] == ["Encounter"]
    with app.database.transaction(tenant.id) as tx:
        clients.revoke_client(tx, narrow.id, app.clock.now())
    subscriber.write(encounter("e2"))
    subscriber.work()
    assert len(subscriber.hook.of_kind("event-notification")) == 1
    assert subscriber.read("Subscription/sub-1")["status"] == "error"


def test_what_a_client_may_not_read_is_counted_and_not_named(subscriber, app, tenant):
    blind = make_client(app, tenant, "system/Subscription.cruds", name="blind")
    subscriber.write(patient())
    wide, subscriber.principal = subscriber.principal, blind
    subscriber.subscribe(ADMIT, content="full-resource")
    subscriber.principal = wide
    subscriber.work()
    subscriber.write(encounter())
    subscriber.work()
    [told] = subscriber.hook.of_kind("event-notification")
    assert len(told["entry"]) == 1 and event_numbers(told) == ["1"] and "Encounter/e1" not in json.dumps(told)


def test_every_notification_with_a_resource_is_in_the_audit_trail(subscriber, app, tenant):
    subscriber.write(patient())
    subscriber.subscribe(ADMIT)
    subscriber.work()
    subscriber.write(encounter())
    subscriber.work()
    with app.database.transaction(tenant.id) as tx:
        rows = tx.rows("select * from audit_event where subtype = 'notification'")
    assert [(row["agent_id"], row["patient_ids"]) for row in rows] == [(subscriber.principal.id, ["p1"])]


def test_a_silent_subscriber_is_tried_again_and_gets_everything_in_order(subscriber, clock):
    subscriber.write(patient("p1"), patient("p2"))
    subscriber.subscribe(ADMIT)
    subscriber.work()
    subscriber.hook.answers = lambda _: 503
    for number in range(3):
        subscriber.write(encounter(f"e{number}"))
    subscriber.work()
    assert subscriber.hook.numbers() == [1]
    subscriber.hook.answers = lambda _: 200
    clock.move_by(minutes=5)
    subscriber.work()
    assert subscriber.hook.numbers() == [1, 1, 2, 3]
    keys = [one["headers"]["idempotency-key"] for one in subscriber.hook.requests[1:]]
    assert keys[0] == keys[1] and len(set(keys)) == 3


def test_one_that_is_refused_holds_back_its_own_subject_alone(subscriber, clock):
    subscriber.write(patient("p1"), patient("p2"))
    subscriber.subscribe(ADMIT)
    subscriber.work()
    subscriber.hook.answers = lambda seen: 500 if "Encounter/bad" in json.dumps(seen["body"]) else 200
    for name, of in (("bad", "p1"), ("after", "p1"), ("other", "p2")):
        subscriber.write(encounter(name, of=of))
    subscriber.work()
    arrived = [one for one in subscriber.hook.requests if one["status"] == 200]
    assert [events(one["body"])[0]["focus"]["reference"].rpartition("/")[2] for one in arrived[1:]] == ["other"]
    subscriber.hook.answers = lambda _: 200
    clock.move_by(minutes=5)
    subscriber.work()
    assert subscriber.hook.numbers()[-2:] == [1, 2]


def test_after_72_hours_a_delivery_is_dead_shown_and_repeatable(subscriber, clock):
    subscriber.write(patient())
    subscriber.subscribe(ADMIT)
    subscriber.work()
    subscriber.hook.answers = lambda _: 500
    subscriber.write(encounter())
    subscriber.work()
    clock.move_by(hours=71)
    subscriber.work()
    assert [one.status for one in subscriber.deliveries(status="waiting")] == ["waiting"]
    clock.move_by(hours=2)
    subscriber.work()
    [dead] = subscriber.deliveries(status="dead")
    assert dead.reason == "answered with status 500"
    subscriber.hook.answers = lambda _: 200
    with subscriber.app.database.transaction(subscriber.tenant.id) as tx:
        outbox.repeat(tx, clock.now(), dead.id)
    subscriber.work()
    assert subscriber.deliveries(status="dead") == []
    assert subscriber.hook.requests[-1]["headers"]["idempotency-key"] == dead.idempotency


def test_whoever_is_gone_is_not_sent_to_again(subscriber):
    subscriber.write(patient())
    subscriber.subscribe(ADMIT)
    subscriber.work()
    subscriber.hook.answers = lambda _: 410
    subscriber.write(encounter("e1"))
    subscriber.write(encounter("e2"))
    subscriber.work()
    assert len(subscriber.hook.of_kind("event-notification")) == 1
    assert subscriber.read("Subscription/sub-1")["status"] == "off"


def test_events_are_taken_together_up_to_the_count_that_was_asked_for(subscriber):
    subscriber.write(patient())
    subscriber.subscribe(ADMIT, numbers={"backport-max-count": 3})
    subscriber.work()
    for number in range(7):
        subscriber.write(encounter(f"e{number}"))
    subscriber.work()
    assert [event_numbers(one) for one in subscriber.hook.of_kind("event-notification")] == [
        ["1", "2", "3"],
        ["4", "5", "6"],
        ["7"],
    ]


def test_who_hears_nothing_gets_a_heartbeat(subscriber, clock):
    subscriber.subscribe(ADMIT, numbers={"backport-heartbeat-period": 60})
    subscriber.work()
    clock.move_by(seconds=59)
    subscriber.work()
    assert subscriber.hook.of_kind("heartbeat") == []
    clock.move_by(seconds=2)
    subscriber.work()
    assert len(subscriber.hook.of_kind("heartbeat")) == 1


def test_off_and_deletion_end_it_and_what_waits_is_withdrawn(subscriber, app, tenant):
    subscriber.write(patient())
    subscriber.subscribe(ADMIT)
    subscriber.work()
    subscriber.hook.answers = lambda _: 503
    subscriber.write(encounter())
    subscriber.work()
    subscriber.write({**subscriber.read("Subscription/sub-1"), "status": "off"})
    assert next(one.status for one in subscriber.deliveries()) == "withdrawn"
    subscriber.write(encounter("e2"))
    subscriber.work()
    assert subscriber.hook.numbers() == [1]
    subscriber.delete("Subscription", "sub-1")
    with app.database.transaction(tenant.id) as tx:
        assert store.find(tx, "sub-1") is None


def test_a_subscription_ends_at_its_end(subscriber, clock):
    from careloop.flows.subscribing import end_those_over

    subscriber.subscribe(ADMIT, end=(clock.now() + timedelta(hours=1)).isoformat())
    subscriber.work()
    assert subscriber.read("Subscription/sub-1")["status"] == "active"
    clock.move_by(hours=2)
    end_those_over(subscriber.app, subscriber.tenant)
    assert subscriber.read("Subscription/sub-1")["status"] == "off"


def test_what_a_tenant_does_nobody_else_is_told(subscriber, app, other_tenant):
    subscriber.subscribe(ANY, filters=("Patient?name=rivera",))
    subscriber.work()
    other = Subscriber(app, other_tenant, subscriber.hook, make_client(app, other_tenant))
    other.write(patient("elsewhere"))
    subscriber.work()
    other.work()
    assert subscriber.hook.numbers() == []
