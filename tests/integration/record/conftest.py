"""A tenant's record as tests of search write and ask it."""

from datetime import UTC, datetime

import pytest

from careloop.access.model import system_principal
from careloop.record import Record, Write

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


class Chart:
    """A tenant's record as tests write and ask it."""

    def __init__(self, database, record, tenant) -> None:
        self.database, self.record, self.tenant = database, record, tenant
        self.terminology = None
        self.principal = system_principal(tenant.id, "test")

    def put(self, *resources: dict, at: datetime = NOW) -> None:
        writes = [
            Write(method="update", resource_type=one["resourceType"], id=one["id"], resource=one) for one in resources
        ]
        self.database.run(self.tenant.id, lambda tx: self.record.write(tx, self.principal, at, writes))

    def page(self, kind: str, query: str = "", principal=None, **how):
        pairs = [tuple(part.split("=", 1)) for part in query.split("&") if part]
        with self.database.transaction(self.tenant.id) as tx:
            return self.record.search(
                tx, principal or self.principal, kind, pairs, NOW, terminology=self.terminology, **how
            )

    def wide(self, wide, query: str = ""):
        pairs = [tuple(part.split("=", 1)) for part in query.split("&") if part]
        with self.database.transaction(self.tenant.id) as tx:
            return self.record.search_wide(tx, self.principal, wide, pairs, NOW)

    def ids(self, kind: str, query: str = "") -> list[str]:
        return [stored.id for stored in self.page(kind, query).entries]

    def findings(self) -> list:
        """What `careloop verify` says of the tenant's record."""
        with self.database.transaction(self.tenant.id) as tx:
            return self.record.verify(tx)

    def every_id(self, kind: str, query: str) -> list[str]:
        """The ids of all pages, one after the other."""
        seen, cursor = [], ""
        while True:
            page = self.page(kind, query + cursor)
            seen += [stored.id for stored in page.entries]
            if page.next_cursor is None:
                return seen
            cursor = f"&_cursor={page.next_cursor}"


@pytest.fixture(scope="module")
def record() -> Record:
    return Record.load()


@pytest.fixture
def chart(database, record, tenant) -> Chart:
    return Chart(database, record, tenant)
