"""Made-up people enter a practice by the product's own doors: charts as FHIR, hospital stays as HL7 v2 messages."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from careloop import intake
from careloop.access.model import Tenant, system_principal
from careloop.db import Transaction
from careloop.demo.chart import chart
from careloop.demo.home import home
from careloop.demo.matters import clinics, matters
from careloop.demo.medicines import medicines
from careloop.demo.population import patients
from careloop.demo.practice import Practice, Resource
from careloop.demo.stays import Message, doubles, lately
from careloop.errors import Rejected, Unavailable
from careloop.fhir.jsons import encode
from careloop.flows import arrival, bulk, reception
from careloop.flows.app import App
from careloop.flows.bulk_documents import Document
from careloop.intake import Feed

_PEOPLE_AT_ONCE = 50
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
    write_charts(app, tenant, clinics(practice))
    for some in _batches(patients(seed, count, now.date()), _PEOPLE_AT_ONCE):
        resources: list[Resource] = []
        for person in some:
            told, evidence = lately(person, practice, now)
            messages += [*told, *doubles(person, practice, now)]
            resources += [
                *chart(person, practice, now),
                *evidence,
                *home(person, practice, now),
                *matters(person, practice, now),
            ]
            resources += medicines(person, practice, now)
        write_charts(app, tenant, resources)
        progress(len(some))
    send(app, tenant, door, sorted(messages, key=lambda one: one.at))
    drain(app, tenant)


def write_charts(app: App, tenant: Tenant, resources: Iterable[Resource]) -> None:
    """The resources stand in the record, loaded as history is."""
    documents = (Document(label=f"{one['resourceType']}/{one['id']}", text=encode(one)) for one in resources)
    report = bulk.import_bundles(app, tenant, system_principal(tenant.id, "demo"), documents)
    if report.rejects:
        raise Rejected(at=report.rejects[0].at, expected=report.rejects[0].reason)


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
