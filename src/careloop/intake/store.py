"""The tables of intake: feeds, the inbox, events of stays, what was told of a person when."""

import hashlib
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from careloop.db import Row, Transaction, load_queries
from careloop.errors import Conflict, NotFound
from careloop.fhir.jsons import encode
from careloop.intake.model import Effect, Feed, InboxItem, InboxStatus, StayEvent

SQL = load_queries("careloop.intake")
LANES = 64
_LANE_LOCKS = 0x1A4E
"""First half of the advisory lock of a lane; the second half is tenant and lane."""


@dataclass(frozen=True, kw_only=True)
class NewMessage:
    """One message about to become durable, with the answer that it will get."""

    origin: str
    source: str
    feed_id: int | None
    application: str
    facility: str
    control_id: str
    raw: bytes
    order_key: str
    answer: str
    status: str
    counts: bool = True
    stage: str = ""
    at: str = ""
    reason: str = ""

    @property
    def digest(self) -> bytes:
        """SHA-256 of the bytes as they came."""
        return hashlib.sha256(self.raw).digest()

    @property
    def key(self) -> tuple[str, str, str]:
        """What a control id is unique under."""
        return self.application, self.facility, self.control_id


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """An inbox row in the hands of one worker; `raw` is the corrected message where a person corrected it."""

    id: int
    origin: str
    source: str
    feed_id: int | None
    sending_application: str
    sending_facility: str
    control_id: str
    raw: bytes
    received: datetime
    attempts: int


@dataclass(frozen=True, kw_only=True)
class Done:
    """What became of a claimed row."""

    id: int
    status: str
    next_attempt: datetime
    stage: str = ""
    at: str = ""
    reason: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)


def lane_of(order_key: str) -> int:
    """The lane of a sender's patient."""
    return zlib.crc32(order_key.encode()) % LANES


def insert_messages(tx: Transaction, messages: Sequence[NewMessage], received: datetime) -> list[Row]:
    """Rows for those messages that are new. A used control id (feed) or content (file) gives none."""
    return tx.rows(
        SQL["insert_messages"],
        {
            "origin": [one.origin for one in messages],
            "source": [one.source for one in messages],
            "feed_id": [one.feed_id for one in messages],
            "sending_application": [one.application for one in messages],
            "sending_facility": [one.facility for one in messages],
            "control_id": [one.control_id for one in messages],
            "digest": [one.digest for one in messages],
            "raw": [one.raw for one in messages],
            "received": [received for _ in messages],
            "lane": [lane_of(one.order_key) for one in messages],
            "counts": [one.counts for one in messages],
            "answer": [one.answer for one in messages],
            "status": [one.status for one in messages],
            "stage": [one.stage for one in messages],
            "at": [one.at for one in messages],
            "reason": [one.reason for one in messages],
        },
    )


def find_by_control_id(tx: Transaction, keys: Sequence[tuple[str, str, str]]) -> dict[tuple[str, str, str], Row]:
    """The rows that hold these control ids."""
    rows = tx.rows(
        SQL["find_by_control_id"],
        {
            "sending_application": [key[0] for key in keys],
            "sending_facility": [key[1] for key in keys],
            "control_id": [key[2] for key in keys],
        },
    )
    return {(row["sending_application"], row["sending_facility"], row["control_id"]): row for row in rows}


def find_by_content(tx: Transaction, digests: Sequence[bytes]) -> dict[bytes, Row]:
    """The rows of files with this content."""
    rows = tx.rows(SQL["find_by_content"], {"digest": list(digests)})
    return {bytes(row["digest"]): row for row in rows}


def insert_other(
    tx: Transaction, now: datetime, *, kind: str, origin: str, source: str, feed_id: int | None, raw: bytes,
    stage: str, at: str, reason: str,
) -> int:  # fmt: skip
    """A dead letter for something that is no message; its id."""
    values = {
        "kind": kind, "origin": origin, "source": source, "feed_id": feed_id, "raw": raw, "stage": stage, "at": at,
        "reason": reason, "received": now, "digest": hashlib.sha256(raw).digest(),
    }  # fmt: skip
    return int(tx.value(SQL["insert_other"], values))


def claim(tx: Transaction, now: datetime, batch: int) -> list[Claimed]:
    """Up to `batch` rows that this transaction alone may process, oldest first."""
    lock = _LANE_LOCKS * 65536 + tx.tenant_id % 65536
    return [Claimed(**row) for row in tx.rows(SQL["claim"], {"now": now, "batch": batch, "lock": lock})]


def get_for_processing(tx: Transaction, inbox_id: int) -> tuple[Claimed, str]:
    """The row, locked, and its status. `NotFound` when there is none."""
    row = tx.one(SQL["get_for_processing"], {"id": inbox_id})
    if row is None:
        raise NotFound("there is no such inbox item")
    status = row.pop("status")
    return Claimed(**row), status


def finish(tx: Transaction, now: datetime, done: Sequence[Done]) -> None:
    """The rows say what became of them."""
    if not done:
        return
    tx.execute(
        SQL["finish"],
        {
            "now": now,
            "id": [one.id for one in done],
            "status": [one.status for one in done],
            "stage": [one.stage for one in done],
            "at": [one.at for one in done],
            "reason": [one.reason for one in done],
            "next_attempt": [one.next_attempt for one in done],
            "result": encode([one.result for one in done]).decode(),
        },
    )


def item_of(row: Row) -> InboxItem:
    """A row as a person sees it."""
    return InboxItem(
        id=row["id"],
        kind=row["kind"],
        status=InboxStatus(row["status"]),
        control_id=row["control_id"],
        sender=f"{row['sending_application']}|{row['sending_facility']}".strip("|"),
        received=row["received"],
        stage=row["stage"],
        at=row["at"],
        reason=row["reason"],
        attempts=row["attempts"],
        origin=row["source"],
    )


@dataclass(frozen=True, kw_only=True)
class NewStayEvent:
    """An event about to join its stay. `received` and `inbox_id` are of the message that told it."""

    encounter_id: str
    event: StayEvent
    received: datetime
    inbox_id: int

    @property
    def digest(self) -> bytes:
        """What makes it the same event: its words and its person, not when the sender wrote it down."""
        said = {key: value for key, value in self.event.content.items() if key != "recorded"}
        return hashlib.sha256(encode([said, self.event.patient_id])).digest()


def add_stay_events(tx: Transaction, news: Sequence[NewStayEvent]) -> dict[str, list[Row]]:
    """The events are kept (each once), and their stays are this transaction's alone until it ends; all events of these
    stays by stay."""
    keys = sorted({new.encounter_id for new in news})
    tx.execute(SQL["lock_stays"], {"names": [f"stay {key}" for key in keys], "tenant_id": tx.tenant_id})
    rows = tx.rows(
        SQL["add_stay_events"],
        {
            "encounter_id": [new.encounter_id for new in news],
            "code": [new.event.code for new in news],
            "effect": [new.event.effect.value for new in news],
            "event_time": [new.event.at for new in news],
            "recorded": [new.event.recorded for new in news],
            "received": [new.received for new in news],
            "patient_id": [new.event.patient_id for new in news],
            "prior_patient_id": [new.event.prior_patient_id for new in news],
            "content": encode([new.event.content for new in news]).decode(),
            "digest": [new.digest for new in news],
            "inbox_id": [new.inbox_id for new in news],
        },
    )
    found: dict[str, list[Row]] = {key: [] for key in keys}
    for row in rows:
        found[row["encounter_id"]].append(row)
    return found


def stay_events(rows: Iterable[Row]) -> list[StayEvent]:
    """Rows of `stay_event` as values."""
    return [
        StayEvent(
            id=row["id"],
            code=row["code"],
            effect=Effect(row["effect"]),
            at=row["event_time"],
            recorded=row["recorded"],
            patient_id=row["patient_id"],
            prior_patient_id=row["prior_patient_id"],
            content=row["content"],
        )
        for row in rows
    ]


def mark_unmatched(tx: Transaction, encounter_id: str, unmatched: Sequence[int], rows: Sequence[Row]) -> None:
    """The events of this stay that found nothing to act on are marked, the others not."""
    before = {row["id"] for row in rows if row["unmatched"]}
    if before != set(unmatched):
        tx.execute(SQL["mark_unmatched"], {"encounter_id": encounter_id, "unmatched": list(unmatched)})


def told(tx: Transaction, patients: Sequence[str]) -> dict[str, dict[str, str]]:
    """When each element of these people was last said, as ISO instants in UTC, by patient."""
    return {row["patient_id"]: dict(row["told"]) for row in tx.rows(SQL["told"], {"patients": list(patients)})}


def put_told(tx: Transaction, told: Mapping[str, Mapping[str, str]]) -> None:
    """Remember it."""
    if told:
        patients = sorted(told)
        words = encode([told[one] for one in patients]).decode()
        tx.execute(SQL["put_told"], {"patients": patients, "told": words})


def feed_of(row: Row, *, any_sender: bool) -> Feed:
    """A row of `feed` as a value."""
    maps = row["maps"]
    return Feed(
        id=row["id"],
        kind=row["kind"],
        name=row["name"],
        host=row["host"],
        port=row["port"],
        zone=row["zone"],
        authorities=maps.get("authorities", {}),
        classes=maps.get("classes", {}),
        patient_types=maps.get("patient_types", {}),
        dispositions=maps.get("dispositions", {}),
        senders=frozenset(row["senders"]),
        any_sender=any_sender,
        codes=maps.get("codes", {}),
        quirks=frozenset(maps.get("quirks", ())),
        places=maps.get("places", {}),
        enabled=row["enabled"],
        version=row["version"],
    )


def list_feeds(tx: Transaction, *, any_sender: bool) -> list[Feed]:
    """The tenant's feeds by port. `any_sender` is the tenant's setting `accept_any_sender`."""
    return [feed_of(row, any_sender=any_sender) for row in tx.rows(SQL["list_feeds"])]


def get_feed(tx: Transaction, feed_id: int, *, any_sender: bool) -> Feed:
    """One feed; `NotFound` when the tenant has none of that id."""
    row = tx.one(SQL["get_feed"], {"id": feed_id})
    if row is None:
        raise NotFound("there is no such feed")
    return feed_of(row, any_sender=any_sender)


def add_feed(tx: Transaction, now: datetime, feed: Feed, *, any_sender: bool) -> Feed:
    """The feed is stored. `Conflict` when its port is taken, by whichever tenant."""
    maps = {
        "authorities": dict(feed.authorities), "classes": dict(feed.classes),
        "patient_types": dict(feed.patient_types), "dispositions": dict(feed.dispositions),
        "codes": {name: dict(codes) for name, codes in feed.codes.items()}, "quirks": sorted(feed.quirks),
        "places": dict(feed.places),
    }  # fmt: skip
    row = tx.one(
        SQL["add_feed"],
        {
            "kind": feed.kind, "name": feed.name, "host": feed.host, "port": feed.port, "zone": feed.zone,
            "maps": encode(maps).decode(), "senders": sorted(feed.senders), "now": now,
        },
    )  # fmt: skip
    if row is None:
        raise Conflict("that port belongs to another feed")
    return feed_of(row, any_sender=any_sender)


def unsettled_stays(tx: Transaction, patient_id: str) -> list[str]:
    """Stays of this patient in which some event found nothing to act on."""
    return [row["encounter_id"] for row in tx.rows(SQL["unsettled_stays"], {"patient_id": patient_id})]


def rows_of_stay(tx: Transaction, encounter_id: str) -> list[Row]:
    """All events of a stay as rows."""
    return tx.rows(SQL["stay_events"], {"encounter_id": encounter_id})


def with_people(event: StayEvent, now: Mapping[str, str]) -> StayEvent:
    """The event with its people as they are called now."""
    prior = now.get(event.prior_patient_id or "", event.prior_patient_id)
    return replace(event, patient_id=now.get(event.patient_id, event.patient_id), prior_patient_id=prior)
