"""`careloop outbox`, `tenant allow-host`, `feed add --kind hl7v2-out`: what leaves, from a terminal."""

from tests.integration.cli.test_tenant_commands import Command, careloop, slug

from careloop import outbox
from careloop.fhir.ids import new_id
from careloop.outbox import NewDelivery, TargetKind

__all__ = ["Command", "careloop", "slug"]


def test_hosts_are_allowed_shown_and_forbidden(careloop, slug):
    assert careloop("tenant", "allow-host", slug, "Hooks.example.org:8443") == (
        0,
        {"tenant": slug, "hosts": ["hooks.example.org:8443"]},
    )
    assert careloop("tenant", "allow-host", slug)[1]["hosts"] == ["hooks.example.org:8443"]
    assert careloop("tenant", "allow-host", slug, "https://example.org/x")[0] == 2
    assert careloop("tenant", "forbid-host", slug, "hooks.example.org:8443")[1]["hosts"] == []
    assert careloop("tenant", "forbid-host", slug, "hooks.example.org:8443")[0] == 2


def test_an_outbound_feed_is_added_listed_stopped_and_started(careloop, slug):
    add = ("feed", "add", "--tenant", slug, "--kind", "hl7v2-out", "--port", "2599")
    status, made = careloop(*add, "--types", "adt,oru", "--receiver", "EPIC|MERCY")
    assert (status, made["types"], made["receiver"], made["enabled"]) == (0, ["adt", "oru"], "EPIC|MERCY", True)
    assert careloop(*add)[0] == 2 and careloop(*add, "--types", "mdm")[0] == 2
    assert careloop(*add, "--types", "adt", "--receiver", "EPIC")[0] == 2
    [listed] = careloop("feed", "list", "--tenant", slug)[1]["outbound"]
    assert listed == made
    assert careloop("feed", "stop", str(made["id"]), "--tenant", slug)[1]["outbound"][0]["enabled"] is False
    assert careloop("feed", "start", str(made["id"]), "--tenant", slug)[1]["outbound"][0]["enabled"] is True
    assert careloop("feed", "stop", "999999", "--tenant", slug)[0] == 2


def test_deliveries_are_listed_shown_and_sent_again(app, careloop, slug):
    tenant = app.tenant(slug)
    message = NewDelivery(
        target="Feed/1", kind=TargetKind.HL7V2, subject="Patient/1", about="ADT^A31", idempotency=new_id(),
        payload={"control_id": "1"}, body=b"MSH|^~\\&|A\rPID|1\r",
    )  # fmt: skip
    with app.database.transaction(tenant.id) as tx:
        outbox.enqueue(tx, app.clock.now(), [message])
        outbox.withdraw(tx, app.clock.now(), "Feed/1", "for the test")
    page = careloop("outbox", "list", "--tenant", slug)[1]
    assert page["counts"] == {"withdrawn": 1}
    own = str(page["items"][0]["id"])
    assert careloop("outbox", "show", own, "--tenant", slug)[1]["message"] == "MSH|^~\\&|A\nPID|1\n"
    assert careloop("outbox", "retry", own, "--tenant", slug) == (0, {"again": 1, "rejects": []})
    assert careloop("outbox", "list", "--status", "waiting", "--tenant", slug)[1]["counts"] == {"waiting": 1}
    status, told = careloop("outbox", "retry", "999999999", "--tenant", slug)
    assert status == 1 and told["rejects"][0]["reason"] == "there is no such delivery"
