"""The inbox: everything that ever arrived, durable before it is answered; what could not be used waits for a person.

A message counts once: feeds by sender and control id, files by content. The same message again is answered as it was
and changes nothing; other bytes under a used control id are kept as a dead letter (TR-04).
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from careloop.db import Row, Transaction
from careloop.errors import Conflict, Fault, NotFound
from careloop.intake import store
from careloop.intake.model import Checked, InboxItem, InboxStatus, Receipt
from careloop.intake.store import SQL, NewMessage, item_of, lane_of

_REUSED = Fault(
    at="MSH-10",
    expected="a control id that this sender has not used; control id reused with other content",
    code="duplicate",
)


@dataclass(frozen=True, kw_only=True)
class Origin:
    """By which door: `feed` or `file`, the feed's id, and a word for people (peer address, file name)."""

    kind: str
    source: str = ""
    feed_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class Arrived:
    """The bytes of one message and what the checks said."""

    raw: bytes
    checked: Checked
    origin: Origin


@dataclass(frozen=True, kw_only=True)
class InboxPage:
    """Part of the inbox, newest first. `next` is where the following page begins, None on the last."""

    items: tuple[InboxItem, ...]
    total: int
    next: int | None


@dataclass(frozen=True, kw_only=True)
class InboxDetail:
    """One item with its bytes, as text for a screen; `corrected` stands beside the original, never in its place."""

    item: InboxItem
    raw: bytes
    corrected: bytes | None
    corrected_by: str | None
    corrected_at: datetime | None
    result: Mapping[str, object]
    feed_id: int | None
    origin: str


def receive(tx: Transaction, now: datetime, arrived: Sequence[Arrived]) -> list[Receipt]:
    """Every message is in the inbox when `tx` commits; the answers in the order of arrival."""
    messages = [_new_message(one) for one in arrived]
    rows = store.insert_messages(tx, messages, now) if messages else []
    made = {_row_key(row): int(row["id"]) for row in rows if row["counts"]}
    loose = {bytes(row["digest"]): int(row["id"]) for row in rows if not row["counts"]}
    repeated = [one for one in messages if one.counts and _key(one) not in made]
    standing = _standing(tx, repeated)
    receipts = []
    for one, message in zip(arrived, messages, strict=True):
        if not message.counts:
            receipts.append(_receipt(one, loose[message.digest]))
        elif _key(message) in made and _same_content(message, rows, made):
            receipts.append(_receipt(one, made[_key(message)]))
            standing[_key(message)] = _row_of(message, made.pop(_key(message)))
        else:
            receipts.append(_again(tx, now, one, message, standing))
    return receipts


def receive_broken(
    tx: Transaction, now: datetime, raw: bytes, origin: Origin, reason: str, *, kind: str = "frame"
) -> int:
    """Bytes that make no message are kept as a dead letter; its id."""
    return store.insert_other(
        tx, now, kind=kind, origin=origin.kind, source=origin.source, feed_id=origin.feed_id, raw=raw,
        stage="frame" if kind == "frame" else "read", at=kind, reason=reason,
    )  # fmt: skip


def keep_once(tx: Transaction, now: datetime, raw: bytes, origin: Origin, *, at: str, reason: str) -> None:
    """A document that was refused is a dead letter; the same bytes are kept once."""
    if tx.one(SQL["kept_already"], {"digest": hashlib.sha256(raw).digest()}) is None:
        store.insert_other(
            tx,
            now,
            kind="file",
            origin=origin.kind,
            source=origin.source,
            feed_id=origin.feed_id,
            raw=raw,
            stage="load",
            at=at,
            reason=reason,
        )


def pending(tx: Transaction) -> int:
    """Messages that are received and not processed yet."""
    return int(tx.value(SQL["pending"]))


def page(
    tx: Transaction,
    *,
    status: str | None = None,
    control_id: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> InboxPage:
    """Inbox items newest first."""
    wanted = {"status": status, "control_id": control_id}
    rows = tx.rows(SQL["list_items"], {**wanted, "before": before, "limit": limit + 1})
    total = int(tx.value(SQL["count_items"], wanted))
    items = tuple(item_of(row) for row in rows[:limit])
    return InboxPage(items=items, total=total, next=items[-1].id if len(rows) > limit else None)


def get(tx: Transaction, inbox_id: int) -> InboxDetail:
    """One item with its bytes; `NotFound` when there is none."""
    row = tx.one(SQL["get_item"], {"id": inbox_id})
    if row is None:
        raise NotFound("there is no such inbox item")
    corrected = row["corrected"]
    return InboxDetail(
        item=item_of(row),
        raw=bytes(row["raw"]),
        corrected=None if corrected is None else bytes(corrected),
        corrected_by=row["corrected_by"],
        corrected_at=row["corrected_at"],
        result=row["result"] or {},
        feed_id=row["feed_id"],
        origin=row["origin"],
    )


def reopen(tx: Transaction, now: datetime, inbox_id: int, checked: Checked) -> bool:
    """A dead letter that passes the checks now waits to be processed; one that does not says why. True when it waits.
    A message that is waiting or processed stays as it is."""
    envelope = checked.envelope
    if checked.code != "AA":
        fault = checked.faults[0]
        values = {"id": inbox_id, "stage": checked.stage, "at": fault.at, "reason": f"expected {fault.expected}"}
        tx.execute(SQL["refuse_again"], values)
        return False
    if not tx.execute(SQL["reopen"], {"id": inbox_id, "now": now}):
        return False
    tx.execute(
        SQL["envelope"],
        {
            "id": inbox_id,
            "application": envelope.application,
            "facility": envelope.facility,
            "control_id": envelope.control_id,
            "lane": lane_of(checked.order_key),
        },
    )
    return True


def discard(tx: Transaction, now: datetime, inbox_id: int, why: str) -> None:
    """The dead letter is put aside for good, with the reason; `Conflict` when it is no dead letter."""
    if not tx.execute(SQL["discard"], {"id": inbox_id, "why": why, "now": now}):
        get(tx, inbox_id)
        raise Conflict("only a dead letter can be discarded")


def correct(tx: Transaction, now: datetime, inbox_id: int, raw: bytes, by: str) -> None:
    """The dead letter has a corrected text beside the original; `Conflict` when it is no dead letter."""
    if not tx.execute(SQL["correct"], {"id": inbox_id, "raw": raw, "by": by, "now": now}):
        get(tx, inbox_id)
        raise Conflict("only a dead letter can be corrected")


def _new_message(one: Arrived) -> NewMessage:
    checked, envelope = one.checked, one.checked.envelope
    fault = checked.faults[0] if checked.faults else None
    return NewMessage(
        origin=one.origin.kind,
        source=one.origin.source,
        feed_id=one.origin.feed_id,
        application=envelope.application,
        facility=envelope.facility,
        control_id=envelope.control_id,
        raw=one.raw,
        order_key=checked.order_key,
        answer=checked.code,
        status="received" if checked.code == "AA" else "dead",
        counts=bool(envelope.control_id) or one.origin.kind == "file",
        stage=checked.stage,
        at=fault.at if fault else "",
        reason="; ".join(f"{each.at}: expected {each.expected}" for each in checked.faults[:5]),
    )


def _standing(tx: Transaction, repeated: Sequence[NewMessage]) -> dict[Any, Row]:
    feeds = [one.key for one in repeated if one.origin == "feed"]
    files = [one.digest for one in repeated if one.origin == "file"]
    found: dict[Any, Row] = {}
    if feeds:
        found.update(store.find_by_control_id(tx, feeds))
    if files:
        found.update(store.find_by_content(tx, files))
    return found


def _again(tx: Transaction, now: datetime, one: Arrived, message: NewMessage, standing: dict[Any, Row]) -> Receipt:
    """A message whose control id (feed) or content (file) is there already."""
    earlier = standing[_key(message)]
    if bytes(earlier["digest"]) != message.digest:
        refused = replace(
            message, counts=False, answer="AE", status="dead", stage="control-id", at="MSH-10", reason=_REUSED.expected
        )
        row = store.insert_messages(tx, [refused], now)[0]
        return Receipt(inbox_id=int(row["id"]), code="AE", control_id=message.control_id, faults=(_REUSED,))
    accepted = earlier["answer"] == "AA" or earlier["status"] == InboxStatus.PROCESSED
    fault = Fault(at=earlier["at"] or "MSH", expected=earlier["reason"].removeprefix("expected "))
    faults = one.checked.faults or (fault,)
    return Receipt(
        inbox_id=int(earlier["id"]),
        code="AA" if accepted else earlier["answer"],
        control_id=message.control_id,
        duplicate=True,
        faults=() if accepted else faults,
    )


def _receipt(one: Arrived, inbox_id: int) -> Receipt:
    checked = one.checked
    return Receipt(inbox_id=inbox_id, code=checked.code, control_id=checked.envelope.control_id, faults=checked.faults)


def _key(message: NewMessage) -> object:
    return message.digest if message.origin == "file" else message.key


def _row_key(row: Row) -> object:
    if row["origin"] == "file":
        return bytes(row["digest"])
    return row["sending_application"], row["sending_facility"], row["control_id"]


def _same_content(message: NewMessage, rows: Sequence[Row], made: Mapping[Any, int]) -> bool:
    """Of two messages under one control id in one batch, the row belongs to the one whose bytes it holds."""
    wanted = made[_key(message)]
    return any(int(row["id"]) == wanted and bytes(row["digest"]) == message.digest for row in rows)


def _row_of(message: NewMessage, inbox_id: int) -> Row:
    return {
        "id": inbox_id, "digest": message.digest, "answer": message.answer, "status": message.status,
        "stage": message.stage, "at": message.at, "reason": message.reason,
    }  # fmt: skip
