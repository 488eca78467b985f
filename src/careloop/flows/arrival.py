"""A message becomes facts: understood, its person found, its stay folded, the record written, the loops told.

Everything a message does happens in one transaction; doing it again changes nothing. What cannot be used becomes a
dead letter with its reason; nothing is dropped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from careloop import identity, intake
from careloop.access.model import Principal, Tenant, system_principal
from careloop.access.tenancy import settings_of
from careloop.db import Transaction
from careloop.errors import CareloopError, Rejected, Unavailable
from careloop.fhir.ids import derived_id
from careloop.flows import merging, writing
from careloop.flows.app import App
from careloop.intake import AdtMessage, Claimed, Done, Effect, Feed, Mappings, Person, StayEvent, Visit
from careloop.record import Stored, Write, Written

Json = dict[str, Any]

LIMIT_OF_ATTEMPTS = 8
_FIRST_PAUSE = timedelta(seconds=1)


@dataclass(kw_only=True)
class _Work:
    """One message on its way through one transaction."""

    app: App
    tx: Transaction
    tenant: Tenant
    principal: Principal
    claimed: Claimed
    message: AdtMessage
    feed: Feed
    written: list[Written] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    ahead: bool = False


def mappings_of(app: App) -> Mappings:
    """The HL7 v2 mapping content of this process, interpreted once."""
    known = _MAPPINGS.get(id(app.catalog))
    if known is None:
        known = _MAPPINGS[id(app.catalog)] = intake.load_mappings(app.catalog.mapping("hl7v2"))
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
    """Each of these rows in turn, in this one transaction; the failure of one undoes only what that one did."""
    principal = system_principal(tenant.id, "intake")
    feeds: dict[int | None, Feed] = {}
    done, told = [], []
    for row in claimed:
        outcome, work = _one(app, tx, tenant, principal, row, feeds)
        done.append(outcome)
        if work is not None:
            told.append(work)
    _write_provenance(app, tx, principal, told)
    intake.finish(tx, app.clock.now(), done)
    return done


def feed_for(app: App, tx: Transaction, tenant: Tenant, feed_id: int | None) -> Feed:
    """The feed of a message; files come by a door that takes any sender and maps nothing but what feeds map."""
    any_sender = settings_of(tenant).accept_any_sender
    if feed_id is not None:
        return intake.get_feed(tx, feed_id, any_sender=any_sender)
    authorities: dict[str, str] = {}
    dispositions: dict[str, str] = {}
    for feed in intake.list_feeds(tx, any_sender=any_sender):
        authorities |= feed.authorities
        dispositions |= feed.dispositions
    return Feed(
        id=None, kind="hl7v2", zone=tenant.zone, authorities=authorities, dispositions=dispositions, any_sender=True
    )


def failed(claimed: Claimed, error: CareloopError, now: datetime) -> Done:
    """What becomes of a row whose processing failed: tried again with growing pauses, or a dead letter."""
    if isinstance(error, Rejected):
        return Done(
            id=claimed.id,
            status="dead",
            next_attempt=now,
            stage="process",
            at=error.at,
            reason=f"expected {error.expected}",
        )
    if claimed.attempts + 1 >= LIMIT_OF_ATTEMPTS or not isinstance(error, Unavailable):
        return Done(id=claimed.id, status="dead", next_attempt=now, stage="process", at="record", reason=error.message)
    pause = _FIRST_PAUSE * 2**claimed.attempts
    return Done(id=claimed.id, status="received", next_attempt=now + pause, stage="process", reason=error.message)


def _one(
    app: App, tx: Transaction, tenant: Tenant, principal: Principal, row: Claimed, feeds: dict[int | None, Feed]
) -> tuple[Done, _Work | None]:
    now = app.clock.now()
    try:
        with tx.savepoint():
            if row.feed_id not in feeds:
                feeds[row.feed_id] = feed_for(app, tx, tenant, row.feed_id)
            work = _understood(app, tx, tenant, principal, row, feeds[row.feed_id])
            _carry_out(work)
    except CareloopError as error:
        return failed(row, error, now), None
    if work.ahead:
        until = work.message.at.instant - intake.AHEAD
        reason = "expected an event time not more than 24 hours ahead; kept, and counts from its time"
        return Done(id=row.id, status="dead", next_attempt=until, stage="ahead", at="EVN-6", reason=reason), work
    return Done(id=row.id, status="processed", next_attempt=now, result=_result(work)), work


def _understood(app: App, tx: Transaction, tenant: Tenant, principal: Principal, row: Claimed, feed: Feed) -> _Work:
    mappings = mappings_of(app)
    message = intake.read(row.raw)
    facts = intake.understand(message, mappings, feed, tenant.id, row.received)
    return _Work(app=app, tx=tx, tenant=tenant, principal=principal, claimed=row, message=facts, feed=feed)


def _carry_out(work: _Work) -> None:
    """Persons first, then merges, then stays: a stay may need to know who is who."""
    writes = [_put(resource) for resource in _new_neighbours(work)]
    for person in work.message.people:
        _carry_out_person(work, person, writes)
        writes = []
    if writes:
        _write(work, writes)


def _carry_out_person(work: _Work, person: Person, writes: list[Write]) -> None:
    intake.require_identifiers(person)
    now = work.app.clock.now()
    numbers = [_number(one) for one in person.identifiers]
    found = identity.resolve(work.tx, work.app.record, now, numbers)
    patient_id = found.patient_id
    if work.message.effect is Effect.MERGE and person.prior_identifiers:
        _write(work, [*writes, *_person_writes(work, person, patient_id, patient_id, {})])
        _merge(work, person, patient_id)
        _refold(work, patient_id)
        return
    encounters = [derived_id(work.tenant.id, "encounter", visit.system, visit.value) for visit in person.visits]
    stays = [
        stay
        for visit, key in zip(person.visits, encounters, strict=True)
        if (stay := _stay(work, visit, key, patient_id))
    ]
    wanted = [f"Patient/{patient_id}", *(f"Encounter/{key}" for key in encounters)]
    standing = work.app.record.fetch(work.tx, wanted)
    stay_writes = [_encounter_write(work, person, key, stay, standing) for key, stay in stays]
    clinical = intake.clinical(person, work.tenant.id, patient_id, stays[0][0] if stays else None)
    described = found.named_prior or patient_id
    told = _person_writes(work, person, described, patient_id, standing)
    written = _write(work, [*writes, *told, *stay_writes, *map(_put, clinical)])
    if found.named_prior:
        merging.note_later(work.app, work.tx, found, [(one.resource_type, one.id, one.version) for one in written])


def _person_writes(
    work: _Work, person: Person, described: str, patient_id: str, standing: Mapping[str, Stored]
) -> list[Write]:
    """The Patient whom the words describe, and relatives. What comes under the number of a merged-away patient
    describes that one: the order of a merge and of late facts does not matter, and the survivor is never renamed."""
    reference = f"Patient/{described}"
    found = standing.get(reference) or work.app.record.fetch(work.tx, [reference]).get(reference)
    before = found.resource if found else None
    told = intake.told(work.tx, described)
    patient, when = intake.joined_patient(before, person.patient, told, work.message.at.instant, described)
    if when != told:
        intake.put_told(work.tx, described, when)
    relatives = [_put(one) for one in intake.relatives(person, work.tenant.id, patient_id)]
    return [_put(patient), *relatives] if patient != before else relatives


def _merge(work: _Work, person: Person, survivor_id: str) -> None:
    numbers = [_number(one) for one in person.prior_identifiers]
    merging.merge_numbers(
        work.app, work.tx, work.principal, survivor_id, numbers, f"message {work.message.envelope.control_id}"
    )


def _stay(work: _Work, visit: Visit, encounter_id: str, patient_id: str) -> "tuple[str, intake.Stay] | None":
    """The event joins its stay; the stay as all its events make it, None while they lie in the future."""
    prior = None
    if visit.prior_identifiers:
        numbers = [_number(one) for one in visit.prior_identifiers]
        prior = identity.resolve(work.tx, work.app.record, work.app.clock.now(), numbers).patient_id
    event = StayEvent(
        id=0,
        code=work.message.envelope.event,
        effect=work.message.effect,
        at=work.message.at.instant,
        recorded=work.message.recorded,
        patient_id=patient_id,
        prior_patient_id=prior,
        content=visit.content,
    )
    work.tx.lock(f"stay {encounter_id}")
    rows = intake.add_stay_event(work.tx, event, encounter_id, work.claimed.received, work.claimed.id)
    return _folded(work, encounter_id, rows)


def _folded(work: _Work, encounter_id: str, rows: Sequence[Any]) -> "tuple[str, intake.Stay] | None":
    events = _of_survivors(work, intake.stay_events(rows))
    stay = intake.fold(events, work.app.clock.now(), work.feed.zone)
    if work.message.at.instant > work.app.clock.now() + intake.AHEAD:
        work.ahead = True
    if stay is None:
        return None
    intake.mark_unmatched(work.tx, encounter_id, stay.unmatched, rows)
    return encounter_id, stay


def _of_survivors(work: _Work, events: Sequence[StayEvent]) -> list[StayEvent]:
    """Events name the person of their time; merged people are one."""
    people = {one for event in events for one in (event.patient_id, event.prior_patient_id) if one}
    if len(people) < 2:
        return list(events)
    now = {one: identity.survivor_of(work.tx, one) for one in people}
    return [intake.with_people(event, now) for event in events]


def _refold(work: _Work, patient_id: str) -> None:
    """After a merge, stays in which an event waited for its person are folded again."""
    for encounter_id in intake.unsettled_stays(work.tx, [patient_id]):
        folded = _folded(work, encounter_id, intake.rows_of_stay(work.tx, encounter_id))
        if folded:
            standing = work.app.record.fetch(work.tx, [f"Encounter/{encounter_id}"])
            _write(work, [_encounter_write(work, None, encounter_id, folded[1], standing)])


def _encounter_write(
    work: _Work, person: Person | None, encounter_id: str, stay: "intake.Stay", standing: Mapping[str, Stored]
) -> Write:
    resource = intake.encounter(stay, encounter_id, mappings_of(work.app).tables)
    before = standing.get(f"Encounter/{encounter_id}")
    told = before.resource.get("diagnosis", []) if before else []
    diagnoses = intake.diagnoses(told, person, work.tenant.id, encounter_id)
    if diagnoses:
        resource["diagnosis"] = diagnoses
    return _put(intake.merged_extensions(resource, before.resource) if before else resource)


def _new_neighbours(work: _Work) -> list[Json]:
    """Practitioners, places and organizations that this process has not written yet as they are."""
    fresh = []
    for reference, resource in work.message.made.items():
        key = (work.tenant.id, reference)
        if _WRITTEN.get(key) != resource:
            fresh.append(resource)
            work.tx.after_commit.append(lambda key=key, resource=resource: _remember(key, resource))  # type: ignore[misc]
    return fresh


_WRITTEN: dict[tuple[int, str], Json] = {}
_MOST_REMEMBERED = 50_000


def _remember(key: tuple[int, str], resource: Json) -> None:
    if len(_WRITTEN) >= _MOST_REMEMBERED:
        _WRITTEN.clear()
    _WRITTEN[key] = resource


def _write(work: _Work, writes: Sequence[Write]) -> list[Written]:
    if not writes:
        return []
    cause = f"message {work.message.envelope.control_id}"
    written = writing.write(work.app, work.tx, work.principal, writes, cause=cause)
    work.written += written
    return written


def _write_provenance(app: App, tx: Transaction, principal: Principal, told: Sequence[_Work]) -> None:
    """One Provenance for each message names the versions it wrote and the control id it came under."""
    now = app.clock.now()
    writes = [
        _put(
            intake.provenance(
                work.message, work.tenant.id, work.claimed.id, [one.versioned_reference for one in work.written], now
            )
        )
        for work in told
        if work.written
    ]
    if writes:
        app.record.write(tx, principal, now, writes, validate=False, audit=False)


def _result(work: _Work) -> Json:
    counted: Json = {}
    for one in work.written:
        counted[one.change.value] = counted.get(one.change.value, 0) + 1
    notes = [*work.message.notes, *work.notes]
    return {**counted, **({"notes": notes[:20]} if notes else {})}


def _number(one: Mapping[str, Any]) -> identity.Identifier:
    codings = one.get("type", {}).get("coding", [])
    return identity.Identifier(
        system=one["system"], value=one["value"], type=codings[0].get("code") if codings else None
    )


def _put(resource: Json) -> Write:
    return Write(method="update", resource_type=resource["resourceType"], id=resource["id"], resource=resource)
