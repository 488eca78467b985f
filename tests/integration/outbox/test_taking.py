"""Who takes a target of the outbox has exactly one, by whichever plan the server finds it."""

from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest
from tests.conftest import START, make_tenant

from careloop import outbox
from careloop.outbox import NewDelivery, TargetKind

TARGETS = 12


def enqueue(database, tenant, targets=TARGETS):
    """So many targets of the tenant, each with a letter that can leave now."""
    letters = [
        NewDelivery(
            target=f"Mail/Patient/{number}", kind=TargetKind.MAIL, subject=f"Patient/{number}", about="reminder",
            idempotency=str(uuid4()), payload={},
        )
        for number in range(targets)
    ]  # fmt: skip
    with database.transaction(tenant.id) as tx:
        outbox.enqueue(tx, START, letters)


@pytest.mark.parametrize("knows", ["nothing", "others", "all"])
def test_each_taking_holds_one_target_and_all_are_taken(database, database_urls, tenant, knows):
    """A server whose statistics know only small tenants expects one row here too, and looks for the free target once
    for each target there is. It took two and answered one; that letter stayed behind for 30 seconds (CI of
    23 November 2026, test_check_ins)."""
    for _ in range(TARGETS):
        enqueue(database, make_tenant(database), targets=1)
    statistics = psycopg.connect(database_urls.owner, autocommit=True)
    if knows == "others":
        statistics.execute("analyze delivery_target, delivery")
    enqueue(database, tenant)
    if knows == "all":
        statistics.execute("analyze delivery_target, delivery")
    statistics.close()
    now = START + timedelta(seconds=1)
    taken = []
    for _ in range(TARGETS):
        with database.transaction(tenant.id) as tx:
            taken.append(outbox.take(tx, now).target)
            leased = tx.one("select count(*) as count from delivery_target where lease is not null")
        assert leased["count"] == len(taken)
    assert sorted(taken) == sorted(f"Mail/Patient/{number}" for number in range(TARGETS))
    with database.transaction(tenant.id) as tx:
        assert outbox.take(tx, now) is None
