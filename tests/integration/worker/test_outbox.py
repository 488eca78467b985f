"""The worker's part of what leaves: soon, at least once, in order, whatever dies."""

import os
import signal
import subprocess
import sys
import threading

import pytest
from tests.conftest import REPOSITORY
from tests.integration.flows.hooks import Subscriber, listening, make_client, patient

from careloop import outbox
from careloop.flows import watching, writing
from careloop.flows.delivering import deliver_next
from careloop.record import Write
from careloop.worker import outbox as worker

PATIENTS = "urn:careloop:topic:resource-changed"
FILTER = ("Patient?name=rivera",)

_WORKER = """
import sys
from pathlib import Path
from careloop.flows.app import build_app
from careloop.flows.delivering import deliver_next
from careloop.settings import Settings
from careloop.clock import clock_started_at
from datetime import datetime
app = build_app(Settings(data_dir=Path(sys.argv[1]), database_url=sys.argv[3] or None))
app = app.with_clock(clock_started_at(datetime.fromisoformat(sys.argv[4])))
tenant = app.tenant(int(sys.argv[2]))
print("ready", flush=True)
while deliver_next(app, tenant):
    pass
"""


def _with_source():
    return {**os.environ, "PYTHONPATH": str(REPOSITORY / "src")}


@pytest.fixture
def subscriber(app, tenant):
    with listening() as hook:
        with app.database.transaction(tenant.id) as tx:
            outbox.allow_host(tx, app.clock.now(), "127.0.0.1", "test")
        one = Subscriber(app, tenant, hook, make_client(app, tenant))
        one.subscribe(PATIENTS, filters=FILTER)
        one.work()
        yield one


def seen(subscriber):
    while watching.watch(subscriber.app, subscriber.tenant):
        pass
    watching.watch(subscriber.app, subscriber.tenant)


def test_a_change_is_told_by_the_worker_that_runs_beside(subscriber):
    arrived, stop = threading.Event(), threading.Event()
    subscriber.hook.answers = lambda seen: arrived.set() or 200
    runs = threading.Thread(target=worker.run, args=(subscriber.app, stop), daemon=True)
    runs.start()
    try:
        subscriber.write(patient("soon"))
        assert arrived.wait(60.0)
    finally:
        stop.set()
        runs.join(10)


def test_a_worker_killed_between_sending_and_marking_sends_again_and_loses_nothing(subscriber):
    for name in ("a", "b", "c"):
        subscriber.write(patient(name))
    seen(subscriber)
    settings = subscriber.app.settings
    arguments = [
        str(settings.data_dir), str(subscriber.tenant.id), settings.database_url or "",
        subscriber.app.clock.now().isoformat(),
    ]  # fmt: skip
    process = subprocess.Popen([sys.executable, "-c", _WORKER, *arguments], stdout=subprocess.PIPE, env=_with_source())

    def kill(_):
        process.send_signal(signal.SIGKILL)
        process.wait()
        return 200

    subscriber.hook.answers = kill
    process.wait(60)
    assert process.returncode == -signal.SIGKILL
    assert subscriber.hook.numbers() == [1]
    subscriber.hook.answers = lambda _: 200
    assert not deliver_next(subscriber.app, subscriber.tenant), "the dead worker's lease still holds"
    with subscriber.app.database.transaction(subscriber.tenant.id) as tx:
        tx.execute("update delivery_target set leased_until = clock_timestamp() - interval '1 second'")
    while deliver_next(subscriber.app, subscriber.tenant):
        pass
    assert subscriber.hook.numbers() == [1, 1, 2, 3]
    keys = [one["headers"]["idempotency-key"] for one in subscriber.hook.requests[1:]]
    assert keys[0] == keys[1] and len(set(keys)) == 3
    assert {one.status for one in subscriber.deliveries()} == {"done"}


def test_a_change_that_is_committed_late_is_not_passed_over(subscriber, app, tenant):
    """The later number is visible first; nothing is told until the earlier one is decided, and then both are."""
    early = Write(method="update", resource_type="Patient", id="early", resource=patient("early"))
    with app.database.transaction(tenant.id) as tx:
        app.record.write(tx, subscriber.principal, app.clock.now(), [early])
        late = Write(method="update", resource_type="Patient", id="late", resource=patient("late"))
        app.database.run(
            tenant.id, lambda other: app.record.write(other, subscriber.principal, app.clock.now(), [late])
        )
        subscriber.work()
        assert subscriber.hook.numbers() == []
    subscriber.work()
    assert subscriber.hook.numbers() == [1, 2]


def test_two_workers_never_have_one_target_at_a_time(subscriber):
    for number in range(12):
        subscriber.write(patient(f"p{number}"))
    seen(subscriber)
    at_once, most, lock = [0], [0], threading.Lock()

    def answer(_):
        with lock:
            at_once[0] += 1
            most[0] = max(most[0], at_once[0])
        with lock:
            at_once[0] -= 1
        return 200

    subscriber.hook.answers = answer

    def work():
        for _ in range(6):
            deliver_next(subscriber.app, subscriber.tenant)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    subscriber.work()
    assert subscriber.hook.numbers() == list(range(1, 13)) and most[0] == 1


def test_a_write_writes_nothing_more_for_a_subscription(subscriber, app, tenant):
    """What is told is found beside the write: the write's own transaction leaves no event and no delivery."""
    write = Write(method="update", resource_type="Patient", id="x", resource=patient("x"))
    app.database.run(tenant.id, lambda tx: writing.write(app, tx, subscriber.principal, [write]))
    with app.database.transaction(tenant.id) as tx:
        assert tx.value("select count(*) from subscription_event") == 0
        assert tx.value("select count(*) from delivery where status = 'waiting'") == 0


def test_without_anybody_who_wants_to_know_nothing_is_kept(app, tenant):
    watching.watch(app, tenant)
    with app.database.transaction(tenant.id) as tx:
        assert tx.value("select count(*) from feed_cursor") == 0
