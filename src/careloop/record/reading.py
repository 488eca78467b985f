"""Reading single resources, versions and histories."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from careloop.access.audit import AuditEntry, action_of, record_audit
from careloop.access.model import Principal
from careloop.db import Row, Transaction
from careloop.db.exchange import Statement
from careloop.errors import Gone, NotFound, Rejected
from careloop.events import ChangeKind
from careloop.record import store
from careloop.record.model import HistoryEntry, HistoryPage, Stored, Written

MAX_HISTORY = 1000


def read(tx: Transaction, principal: Principal, resource_type: str, resource_id: str) -> Stored:
    """The current version; `Gone` after a deletion, `NotFound` else. The read is audited."""
    row = tx.one(store.SQL["read_current"], {"type": resource_type, "id": resource_id})
    return _seen(tx, principal, "read", _standing(row))


def read_many(
    tx: Transaction, principal: Principal, wanted: Sequence[tuple[str, str]]
) -> list[Stored | NotFound | Gone]:
    """The current version of each, or what `read` would raise, in the order asked. Each read is audited for itself."""
    return read_many_later(tx, principal, wanted)()


def read_many_later(
    tx: Transaction, principal: Principal, wanted: Sequence[tuple[str, str]]
) -> Callable[[], list[Stored | NotFound | Gone]]:
    """The same, asked with what is asked next; audited when the answer is taken."""
    if len(wanted) == 1:
        asked = Statement(store.SQL["read_current"], {"type": wanted[0][0], "id": wanted[0][1]})
    else:
        asked = Statement(store.SQL["read_many"], store.pairs(wanted))
    found = tx.later([asked])

    def seen() -> list[Stored | NotFound | Gone]:
        rows = {(row["type"], row["id"]): row for row in found.rows[0]}
        return [_seen_or_not(tx, principal, rows.get(one)) for one in wanted]

    return seen


def _seen_or_not(tx: Transaction, principal: Principal, row: Row | None) -> Stored | NotFound | Gone:
    try:
        return _seen(tx, principal, "read", _standing(row))
    except (NotFound, Gone) as error:
        return error


def read_version(tx: Transaction, principal: Principal, resource_type: str, resource_id: str, version: int) -> Stored:
    """One version, current or not; `Gone` where that version is the deletion. The read is audited."""
    values = {"type": resource_type, "id": resource_id, "version": version}
    return _seen(tx, principal, "vread", _standing(tx.one(store.SQL["read_version"], values)))


@dataclass(frozen=True, kw_only=True)
class Window:
    """Which part of a history: how many versions, since when, current within which half-open time, after which page."""

    count: int = 50
    since: datetime | None = None
    at: tuple[datetime, datetime] | None = None
    cursor: str | None = None


def history(
    tx: Transaction, principal: Principal, resource_type: str | None, resource_id: str | None, window: Window
) -> HistoryPage:
    """Versions newest first: of one resource, one type, or everything. `NotFound` where the resource never was."""
    limit = max(0, min(window.count, MAX_HISTORY))
    low, high = window.at or (None, None)
    values = {
        "type": resource_type,
        "id": resource_id,
        "since": window.since,
        "low": low,
        "high": high,
        "before": _before(window.cursor),
        "limit": limit + 1,
    }
    rows = _history_rows(tx, values)
    if not rows and resource_id is not None and not store.existing(tx, [(str(resource_type), resource_id)]):
        raise NotFound("there is no such resource")
    page = [_history_entry(row) for row in rows[:limit]]
    _audit_many(tx, principal, "history", resource_type, [entry.stored for entry in page])
    more = str(rows[limit - 1]["seq"]) if len(rows) > limit > 0 else None
    return HistoryPage(entries=page, next_cursor=more)


def _history_rows(tx: Transaction, values: Mapping[str, Any]) -> list[Row]:
    """The versions asked for and one more. A history of types is planned for the type that is asked, not for any."""
    if values["id"] is not None:
        return tx.rows(store.SQL["history_of_one"], values)
    return tx.ask_all([Statement(store.SQL["history"], values, "force_custom_plan")])[0]


def audit_written(tx: Transaction, principal: Principal, written: Sequence[Written]) -> None:
    """One entry for a set of writes. Its letter is that of the one kind of change, E where there are several."""
    subtypes = {_SUBTYPES[one.change] for one in written}
    subtype = subtypes.pop() if len(subtypes) == 1 else "transaction"
    types = {one.resource_type for one in written}
    single = types.pop() if len(types) == 1 else None
    record_audit(
        tx,
        AuditEntry(
            principal=principal,
            action=action_of(subtype),
            subtype=subtype,
            resource_type=single,
            resource_ids=[one.id if single else one.reference for one in written],
            patient_ids=sorted({one.patient_id for one in written if one.patient_id}),
        ),
    )


_SUBTYPES = {
    ChangeKind.CREATED: "create",
    ChangeKind.UPDATED: "update",
    ChangeKind.UNCHANGED: "update",
    ChangeKind.DELETED: "delete",
}


def _standing(row: Row | None) -> Stored:
    if row is None:
        raise NotFound("there is no such resource")
    if row["deleted"]:
        raise Gone("the resource was deleted")
    return store.stored_of(row)


def _seen(tx: Transaction, principal: Principal, subtype: str, stored: Stored) -> Stored:
    record_audit(
        tx,
        AuditEntry(
            principal=principal,
            action=action_of(subtype),
            subtype=subtype,
            resource_type=stored.resource_type,
            resource_ids=(stored.id,),
            patient_ids=(stored.patient_id,) if stored.patient_id else (),
        ),
    )
    return stored


def _audit_many(
    tx: Transaction, principal: Principal, subtype: str, resource_type: str | None, seen: Sequence[Stored]
) -> None:
    references = {one.id if resource_type else one.reference for one in seen}
    record_audit(
        tx,
        AuditEntry(
            principal=principal,
            action=action_of(subtype),
            subtype=subtype,
            resource_type=resource_type,
            resource_ids=sorted(references),
            patient_ids=sorted({one.patient_id for one in seen if one.patient_id}),
        ),
    )


def _history_entry(row: Row) -> HistoryEntry:
    stored = Stored(
        resource_type=row["type"],
        id=row["id"],
        version=row["version"],
        last_updated=row["at"],
        deleted=row["deleted"],
        text=row["body"] or "",
        patient_id=row["patient_id"],
    )
    return HistoryEntry(stored=stored, change=ChangeKind(row["change"]))


def _before(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not cursor.isascii() or not cursor.isdecimal() or len(cursor) > 18:
        raise Rejected(at="_cursor", expected="the cursor of a next link", code="value")
    return int(cursor)
