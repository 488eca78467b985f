"""A tenant with a feed, and a way to let messages arrive."""

from dataclasses import dataclass, field

import pytest

from careloop.access.model import Principal, Tenant, system_principal
from careloop.access.tenancy import change_settings
from careloop.flows.app import App
from careloop.flows.reception import Incoming, take_in
from careloop.intake import Feed, add_feed
from careloop.intake.hl7v2 import parse
from careloop.record import Stored
from careloop.worker.main import process_batch

ZONE = "America/New_York"


@dataclass
class Door:
    """A feed of one tenant, and what came of its messages."""

    app: App
    tenant: Tenant
    feed: Feed
    answers: list[bytes] = field(default_factory=list)

    @property
    def principal(self) -> Principal:
        return system_principal(self.tenant.id, "test")

    def send(self, *messages: bytes, process: bool = True) -> list[str]:
        """The codes of the answers (MSA-1); afterwards everything that waits is processed."""
        incoming = [
            Incoming(tenant_id=self.tenant.id, feed_id=self.feed.id or 0, source="test", raw=raw) for raw in messages
        ]
        answers = take_in(self.app, incoming)
        self.answers += answers
        while process and process_batch(self.app, self.tenant):
            pass
        return [parse(answer.decode()).get("MSA-1") for answer in answers if answer]

    def find(self, resource_type: str, system: str, value: str) -> list[Stored]:
        with self.app.database.transaction(self.tenant.id) as tx:
            return self.app.record.follow(tx, resource_type, [("identifier", f"{system}|{value}")])

    def patient(self, mrn: str = "100234") -> dict:
        [found] = self.find("Patient", "urn:careloop:authority:STMARY", mrn)
        return found.resource

    def encounter(self, visit: str = "V900001") -> dict:
        [found] = self.find("Encounter", "urn:careloop:visit:STMARY", visit)
        return found.resource

    def dead(self) -> list:
        from careloop.flows import inbox

        return list(inbox.page(self.app, self.principal, status="dead").items)

    def count(self, table: str) -> int:
        with self.app.database.transaction(self.tenant.id) as tx:
            return tx.value(f"select count(*) from {table}")


@pytest.fixture
def door(app: App, tenant: Tenant) -> Door:
    """A feed that takes any sender."""
    with app.database.directory() as tx:
        tenant = change_settings(tx, tenant, accept_any_sender=True)
    with app.database.transaction(tenant.id) as tx:
        feed = add_feed(
            tx, app.clock.now(), Feed(id=None, kind="hl7v2", zone=ZONE, port=20000 + tenant.id), any_sender=True
        )
    return Door(app, tenant, feed)
