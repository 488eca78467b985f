"""A message becomes facts: understood, its person found, its stay folded, the record written, the loops told.

Everything a message does happens in one transaction; doing it again changes nothing. What cannot be used becomes a
dead letter with its reason; nothing is dropped.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from careloop import intake
from careloop.access.model import Tenant, system_principal
from careloop.access.tenancy import settings_of
from careloop.db import Transaction
from careloop.errors import CareloopError, Rejected, Unavailable
from careloop.flows.app import App
from careloop.flows.arriving import Arrival, Crossed, Work, sets_of
from careloop.intake import Claimed, Done, Feed, Mappings
from careloop.intake.amending import load_amending
from careloop.record import Write

LIMIT_OF_ATTEMPTS = 8
_FIRST_PAUSE = timedelta(seconds=1)


def mappings_of(app: App) -> Mappings:
    """The HL7 v2 mapping content of this process, interpreted once."""
    known = _MAPPINGS.get(id(app.catalog))
    if known is None:
        loaded = intake.load_mappings(app.catalog.mapping("hl7v2"), app.catalog.mapping("hl7v2-tables"))
        known = replace(loaded, amending=load_amending(app.catalog.documents("feeds")))
        _MAPPINGS[id(app.catalog)] = known
    return known


_MAPPINGS: dict[int, Mappings] = {}


def process(app: App, tenant: Tenant, inbox_id: int) -> Done:
    """The inbox row is processed, or a dead letter with its reason. A row that is not waiting stays as it is."""

    def work(tx: Transaction) -> Done:
        claimed, status = intake.get_for_processing(tx, inbox_id)
        if status != "received":
            return Done(id=inbox_id, status=status, next_attempt=claimed.received)
        return process_claimed(app, tx, tenant, [claimed])[0]

    return app.database.run(tenant.id, work, actor="intake")


def process_claimed(app: App, tx: Transaction, tenant: Tenant, claimed: Sequence[Claimed]) -> list[Done]:
    """These rows in their order, in this one transaction; the failure of one undoes only what that one did."""
    if not claimed:
        return []
    now = app.clock.now()
    feeds: dict[int | None, Feed] = {}
    works: list[Work] = []
    done: dict[int, Done] = {}
    for row in claimed:
        try:
            works.append(_understood(app, tx, tenant, row, feeds))
        except CareloopError as error:
            done[row.id] = failed(row, error, now)
    arrival = Arrival(app, tx, tenant, system_principal(tenant.id, "intake"), mappings_of(app))
    for some in sets_of(works):
        done |= _carry_out(app, tx, arrival, some)
    _write_provenance(app, tx, tenant, works)
    intake.finish(tx, now, [done[row.id] for row in claimed])
    return [done[row.id] for row in claimed]


def feed_for(app: App, tx: Transaction, tenant: Tenant, feed_id: int | None) -> Feed:
    """The feed of a message. Files come by a door that takes any sender and maps what the tenant's feeds map."""
    any_sender = settings_of(tenant).accept_any_sender
    if feed_id is not None:
        return intake.get_feed(tx, feed_id, any_sender=any_sender)
    authorities: dict[str, str] = {}
    dispositions: dict[str, str] = {}
    places: dict[str, str] = {}
    for feed in intake.list_feeds(tx, any_sender=any_sender):
        authorities |= feed.authorities
        dispositions |= feed.dispositions
        places |= feed.places
    return Feed(
        id=None, kind="hl7v2", zone=tenant.zone, authorities=authorities, dispositions=dispositions, places=places,
        any_sender=True,
    )  # fmt: skip


def failed(claimed: Claimed, error: CareloopError, now: datetime) -> Done:
    """What becomes of a row whose processing failed: tried again with growing pauses, or a dead letter."""
    if isinstance(error, Rejected):
        reason = f"expected {error.expected}"
        return Done(id=claimed.id, status="dead", next_attempt=now, stage="process", at=error.at, reason=reason)
    if claimed.attempts + 1 >= LIMIT_OF_ATTEMPTS or not isinstance(error, Unavailable):
        return Done(id=claimed.id, status="dead", next_attempt=now, stage="process", at="record", reason=error.message)
    pause = _FIRST_PAUSE * 2**claimed.attempts
    return Done(id=claimed.id, status="received", next_attempt=now + pause, stage="process", reason=error.message)


def _understood(app: App, tx: Transaction, tenant: Tenant, row: Claimed, feeds: dict[int | None, Feed]) -> Work:
    if row.feed_id not in feeds:
        feeds[row.feed_id] = feed_for(app, tx, tenant, row.feed_id)
    feed = feeds[row.feed_id]
    mappings = mappings_of(app)
    message = intake.understand(mappings.amending.read(row.raw, feed), mappings, feed, tenant.id, row.received)
    return Work(claimed=row, message=message, feed=feed)


def _carry_out(app: App, tx: Transaction, arrival: Arrival, works: Sequence[Work]) -> dict[int, Done]:
    """A set as one; where that fails, its messages one after the other."""
    now = app.clock.now()
    try:
        with tx.savepoint():
            arrival.carry_out(works)
    except (CareloopError, Crossed) as error:
        for work in works:
            work.written.clear()
        if len(works) > 1:
            return {key: value for work in works for key, value in _carry_out(app, tx, arrival, [work]).items()}
        if isinstance(error, CareloopError):
            return {works[0].claimed.id: failed(works[0].claimed, error, now)}
        raise
    arrival.remember()
    return {work.claimed.id: _done(work, now) for work in works}


def _done(work: Work, now: datetime) -> Done:
    if work.ahead:
        until = work.message.at.instant - intake.AHEAD
        reason = "expected an event time not more than 24 hours ahead; kept, and counts from its time"
        return Done(id=work.claimed.id, status="dead", next_attempt=until, stage="ahead", at="EVN-6", reason=reason)
    return Done(id=work.claimed.id, status="processed", next_attempt=now, result=_result(work))


def _write_provenance(app: App, tx: Transaction, tenant: Tenant, works: Sequence[Work]) -> None:
    """One Provenance for each message names the versions it wrote and the control id it came under."""
    now = app.clock.now()
    writes = []
    for work in works:
        if work.written:
            targets = [one.versioned_reference for one in work.written]
            resource = intake.provenance(work.message, tenant.id, work.claimed.id, targets, now)
            writes.append(Write(method="update", resource_type="Provenance", id=resource["id"], resource=resource))
    app.record.write(tx, system_principal(tenant.id, "intake"), now, writes, validate=False, audit=False)


def _result(work: Work) -> dict[str, Any]:
    counted: dict[str, Any] = {}
    for one in work.written:
        counted[one.change.value] = counted.get(one.change.value, 0) + 1
    notes, unmapped = list(work.message.notes[:20]), list(work.message.unread[:60])
    return {**counted, **({"notes": notes} if notes else {}), **({"unmapped": unmapped} if unmapped else {})}
