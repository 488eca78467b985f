"""A Subscription through the FHIR door: asked for, looked at with `$status`, missed events with `$events`."""

import pytest
from tests.integration.flows.hooks import encounter, event_numbers, events, listening, parameter, patient, subscription

from careloop import outbox
from careloop.flows import delivering, watching

ADMIT = "urn:careloop:topic:patient-admit"


@pytest.fixture
def hook(app, tenant):
    with listening() as hook:
        with app.database.transaction(tenant.id) as tx:
            outbox.allow_host(tx, app.clock.now(), "127.0.0.1", "test")
        yield hook


@pytest.fixture
def work(app, tenant):
    def everything():
        for _ in range(4):
            while watching.watch(app, tenant):
                pass
            while delivering.deliver_next(app, tenant):
                pass

    return everything


def put(client, *resources):
    for one in resources:
        assert client("PUT", f"/{one['resourceType']}/{one['id']}", one).status_code in (200, 201)


def test_the_status_and_the_events_of_a_subscription(client, hook, work):
    put(client, patient(), subscription(ADMIT, hook.url))
    work()
    put(client, encounter("e1"), encounter("e2"), encounter("e3"))
    work()
    found = client("GET", "/Subscription/sub-1/$status").json()
    assert found["type"] == "searchset" and found["entry"][0]["resource"]["resourceType"] == "Parameters"
    assert parameter(found, "status") == "active" and parameter(found, "events-since-subscription-start") == "3"
    assert parameter(found, "topic") == ADMIT
    again = client("GET", "/Subscription/sub-1/$events?eventsSinceNumber=2&content=full-resource").json()
    assert parameter(again, "type") == "query-event" and event_numbers(again) == ["2", "3"]
    assert [one["resource"]["id"] for one in again["entry"][1:] if one["resource"]["resourceType"] == "Encounter"] == [
        "e2",
        "e3",
    ]
    assert client("GET", "/Subscription/$status?id=sub-1&status=off").json()["total"] == 0
    assert client("GET", "/Subscription?status=active").json()["total"] == 1


def test_events_show_what_the_asker_may_see(client, connect, tenant, hook, work):
    put(client, patient(), subscription(ADMIT, hook.url))
    work()
    put(client, encounter("e1"))
    work()
    narrow = connect(tenant, "system/Subscription.rs")
    found = narrow("GET", "/Subscription/sub-1/$events?content=full-resource").json()
    assert "focus" not in events(found)[0] and len(found["entry"]) == 1
    assert connect(tenant, "system/Encounter.rs")("GET", "/Subscription/sub-1/$events").status_code == 403


def test_another_practice_knows_nothing_of_it(client, connect, other_tenant, hook, work):
    put(client, subscription(ADMIT, hook.url))
    work()
    other = connect(other_tenant)
    assert other("GET", "/Subscription/sub-1/$status").status_code == 404
    assert other("GET", "/Subscription/sub-1/$events").status_code == 404
    assert other("GET", "/Subscription/$status").json()["total"] == 0


def test_what_is_asked_wrongly_is_refused(client, hook, work):
    put(client, subscription(ADMIT, hook.url))
    assert client("GET", "/Subscription/sub-1/$events?content=everything").status_code == 400
    assert client("GET", "/Subscription/sub-1/$events?eventsSinceNumber=x").status_code == 400
    assert client("GET", "/Subscription/$status?status=sleeping").status_code == 400
    assert client("GET", "/Patient/sub-1/$status").status_code == 404


def test_the_capability_statement_names_the_topics(client):
    rest = client("GET", "/metadata").json()["rest"][0]
    [found] = [one for one in rest["resource"] if one["type"] == "Subscription"]
    assert ADMIT in [one["valueCanonical"] for one in found["extension"]]
    assert {"status", "events"} <= {one["name"] for one in found["operation"]}
