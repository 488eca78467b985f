"""Made-up people enter a practice by the product's own doors: charts as FHIR, hospital stays as HL7 v2 messages."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from careloop import intake
from careloop.access.model import Tenant, system_principal
from careloop.db import Transaction
from careloop.demo.chart import chart
from careloop.demo.population import patients
from careloop.demo.practice import Practice, Resource
from careloop.demo.stays import Message, doubles, lately
from careloop.errors import Unavailable
from careloop.flows import arrival, reception, writing
from careloop.flows.app import App
from careloop.intake import Feed
from careloop.record import Write

_PEOPLE_AT_ONCE = 25
_MESSAGES_AT_ONCE = 25
_DRAINING = 2
Item = TypeVar("Item")


def fill(
    app: App,
    tenant: Tenant,
    practice: Practice,
    door: Feed,
    population: tuple[int, int],
    progress: Callable[[int], object],
) -> None:
    """The practice has these people (seed, count), as of the product's clock. Doing it again changes nothing."""
    now = app.clock.now()
    seed, count = population
    messages: list[Message] = []
    for some in _batches(patients(seed, count, now.date()), _PEOPLE_AT_ONCE):
        resources: list[Resource] = []
        for person in some:
            told, evidence = lately(person, practice, now)
            messages += [*told, *doubles(person, practice, now)]
            resources += [*chart(person, practice, now), *evidence]
        write_charts(app, tenant, resources)
        progress(len(some))
    send(app, tenant, door, sorted(messages, key=lambda one: one.at))
    drain(app, tenant)


def write_charts(app: App, tenant: Tenant, resources: Sequence[Resource]) -> None:
    """The resources stand in the record; loops are reviewed when the stays arrive."""
    principal = system_principal(tenant.id, "demo")
    writes = [
        Write(method="update", resource_type=one["resourceType"], id=one["id"], resource=one) for one in resources
    ]
    told = writing.Told(review=False, dangling=False)

    def work(tx: Transaction) -> None:
        writing.write(app, tx, principal, writes, cause="demo", told=told)

    app.database.run(tenant.id, work, actor=principal.reference)


def send(app: App, tenant: Tenant, door: Feed, messages: Iterable[Message]) -> None:
    """Every message lies in the inbox, acknowledged. Messages that came before are duplicates and change nothing."""
    assert door.id is not None
    for some in _batches(iter(messages), _MESSAGES_AT_ONCE):
        incoming = [
            reception.Incoming(tenant_id=tenant.id, feed_id=door.id, source="demo", raw=one.text.encode())
            for one in some
        ]
        if any(b"MSA|AA|" not in answer for answer in reception.take_in(app, incoming)):
            raise Unavailable("a made-up message was not taken")


def drain(app: App, tenant: Tenant) -> None:
    """What lies in the tenant's inbox is processed, by two at a time: the database answers one while the other thinks.
    Lanes keep the messages of one person in order."""
    with ThreadPoolExecutor(_DRAINING) as pool:
        for done in [pool.submit(_drain, app, tenant) for _ in range(_DRAINING)]:
            done.result()
    _drain(app, tenant)


def _drain(app: App, tenant: Tenant) -> None:

    def work(tx: Transaction) -> int:
        claimed = intake.claim(tx, app.clock.now(), _MESSAGES_AT_ONCE)
        arrival.process_claimed(app, tx, tenant, claimed)
        return len(claimed)

    while app.database.run(tenant.id, work, actor="intake"):
        continue


def _batches(items: Iterator[Item], size: int) -> Iterator[list[Item]]:
    while some := list(islice(items, size)):
        yield some


