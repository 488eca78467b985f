"""What arrived and could not be used: seen, corrected, replayed, discarded by a person; nothing is ever dropped."""

from datetime import datetime, timedelta

from careloop import intake
from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal, Tenant, system_principal
from careloop.access.policy import Action, require_action
from careloop.db import Transaction
from careloop.errors import Rejected
from careloop.fhir.jsons import encode
from careloop.flows import arrival, documents
from careloop.flows.app import App
from careloop.flows.bulk import import_bundles
from careloop.flows.bulk_documents import Document
from careloop.intake import feeds, inbox
from careloop.intake.hl7v2 import decode
from careloop.intake.inbox import InboxDetail, InboxPage
from careloop.intake.model import InboxItem, InboxStatus
from careloop.intake.store import SQL

_AT_ONCE = 32
PARKED = timedelta(hours=24)
"""So long an event waits for the one it acts on before a person is asked (TR-06)."""


def page(
    app: App,
    principal: Principal,
    *,
    status: str | None = None,
    control_id: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> InboxPage:
    """Inbox items newest first; `Rejected` for a status that does not exist."""
    require_action(principal, Action.INBOX_READ)
    if status is not None and status not in {one.value for one in InboxStatus}:
        raise Rejected(at="status", expected=f"one of {', '.join(InboxStatus)}", code="value")
    with app.database.transaction(principal.tenant_id, actor=principal.reference) as tx:
        return inbox.page(tx, status=status, control_id=control_id, before=before, limit=limit)


def show(app: App, principal: Principal, inbox_id: int) -> InboxDetail:
    """One item with its bytes; that somebody looked is in the audit trail."""
    require_action(principal, Action.INBOX_READ)
    with app.database.transaction(principal.tenant_id, actor=principal.reference) as tx:
        detail = inbox.get(tx, inbox_id)
        _note(tx, principal, "R", "inbox-shown", inbox_id)
        return detail


def text_of(detail: InboxDetail) -> str:
    """The message as a person reads and corrects it, one segment a line."""
    raw = detail.corrected if detail.corrected is not None else detail.raw
    return decode(raw)[0].replace("\r\n", "\n").replace("\r", "\n")


def replay(app: App, principal: Principal, inbox_id: int) -> InboxItem:
    """The dead letter goes through the checks and, when it passes, is processed at once. Again and again: once done,
    nothing more happens."""
    require_action(principal, Action.INBOX_REPAIR)
    tenant = app.tenant(principal.tenant_id)
    with app.database.transaction(tenant.id, actor=principal.reference) as tx:
        detail = inbox.get(tx, inbox_id)
        waits = detail.item.status is InboxStatus.RECEIVED
        is_dead = detail.item.status in (InboxStatus.DEAD, InboxStatus.DISCARDED)
        if is_dead:
            _note(tx, principal, "U", "inbox-replayed", inbox_id)
        if is_dead and detail.item.kind != "file":
            waits = _reopen(app, tx, tenant, detail)
    if is_dead and detail.item.kind == "file":
        _load_again(app, principal, tenant, detail)
    if waits:
        arrival.process(app, tenant, inbox_id)
    with app.database.transaction(tenant.id, actor=principal.reference) as tx:
        return inbox.get(tx, inbox_id).item


def correct(app: App, principal: Principal, inbox_id: int, text: str) -> InboxItem:
    """The corrected text stands beside the original and is replayed. Line ends become CR."""
    require_action(principal, Action.INBOX_REPAIR)
    with app.database.transaction(principal.tenant_id, actor=principal.reference) as tx:
        is_file = inbox.get(tx, inbox_id).item.kind == "file"
        raw = text if is_file else text.replace("\r\n", "\r").replace("\n", "\r")
        inbox.correct(tx, app.clock.now(), inbox_id, raw.encode(), principal.reference)
        _note(tx, principal, "U", "inbox-corrected", inbox_id)
    return replay(app, principal, inbox_id)


def discard(app: App, principal: Principal, inbox_id: int, why: str) -> InboxItem:
    """The dead letter is put aside with the reason; its bytes stay."""
    require_action(principal, Action.INBOX_REPAIR)
    if not why.strip():
        raise Rejected(at="why", expected="a reason in words", code="required")
    with app.database.transaction(principal.tenant_id, actor=principal.reference) as tx:
        inbox.discard(tx, app.clock.now(), inbox_id, why.strip())
        _note(tx, principal, "U", "inbox-discarded", inbox_id)
        return inbox.get(tx, inbox_id).item


def accept_sender(app: App, principal: Principal, inbox_id: int) -> list[InboxItem]:
    """The sender of this dead letter is accepted from now on, and what it sent so far is replayed."""
    require_action(principal, Action.INBOX_REPAIR)
    with app.database.transaction(principal.tenant_id, actor=principal.reference) as tx:
        detail = inbox.get(tx, inbox_id)
        if detail.feed_id is None:
            raise Rejected(at="id", expected="a message that came by a feed", code="business-rule")
        sender = tx.value(SQL["sender_of"], {"id": inbox_id})
        if tx.execute(SQL["accept_sender"], {"id": detail.feed_id, "sender": sender}):
            who = {"by": principal.reference, "by_name": principal.name}
            feeds.keep_version(tx, app.clock.now(), detail.feed_id, **who, what=f"Sender accepted: {sender}")
        waiting = [
            int(row["id"]) for row in tx.rows(SQL["dead_of_sender"], {"feed_id": detail.feed_id, "sender": sender})
        ]
        _note(tx, principal, "U", "sender-accepted", inbox_id)
    return [replay(app, principal, one) for one in waiting]


def upkeep(app: App, tenant: Tenant, now: datetime) -> None:
    """Messages whose time has come are processed; events that waited too long for another are shown to a person."""

    def work(tx: Transaction) -> None:
        tx.execute(SQL["ahead_that_are_due"], {"now": now})
        tx.execute(SQL["raise_unmatched"], {"now": now, "before": now - PARKED})

    app.database.run(tenant.id, work, actor="intake")


def process_due(app: App, tenant: Tenant) -> int:
    """Messages whose time has come by the app's clock are processed, in one transaction with their awakening, so that
    no worker that lives earlier takes them first; how many there were."""

    def work(tx: Transaction) -> int:
        now = app.clock.now()
        tx.execute(SQL["ahead_that_are_due"], {"now": now})
        taken = intake.claim(tx, now, _AT_ONCE)
        arrival.process_claimed(app, tx, tenant, taken)
        return len(taken)

    done = 0
    while found := app.database.run(tenant.id, work, actor="intake"):
        done += found
    return done


def _reopen(app: App, tx: Transaction, tenant: Tenant, detail: InboxDetail) -> bool:
    feed = arrival.feed_for(app, tx, tenant, detail.feed_id)
    raw = detail.corrected if detail.corrected is not None else detail.raw
    _, checked = intake.check(raw, feed, arrival.mappings_of(app))
    return inbox.reopen(tx, app.clock.now(), detail.item.id, checked)


def _load_again(app: App, principal: Principal, tenant: Tenant, detail: InboxDetail) -> None:
    """A refused document goes by its door once more: XML as C-CDA, anything else as bundles and resources."""
    raw = detail.corrected if detail.corrected is not None else detail.raw
    if documents.is_document(raw):
        _read_again(app, principal, tenant, detail, raw)
        return
    report = import_bundles(app, tenant, principal, [Document(label="replay", text=raw)])
    now, own_id = app.clock.now(), detail.item.id
    with app.database.transaction(tenant.id, actor=principal.reference) as tx:
        if report.rejects:
            first = report.rejects[0]
            tx.execute(SQL["document_refused"], {"id": own_id, "at": first.at, "reason": first.reason})
        else:
            counts = {"created": report.created, "updated": report.updated, "unchanged": report.unchanged}
            tx.execute(SQL["document_used"], {"id": own_id, "now": now, "result": encode(counts).decode()})


def _read_again(app: App, principal: Principal, tenant: Tenant, detail: InboxDetail, raw: bytes) -> None:
    now, own_id = app.clock.now(), detail.item.id
    try:
        done = documents.import_document(app, tenant, system_principal(tenant.id, "load"), raw, detail.origin)
    except Rejected as error:
        values = {"id": own_id, "at": error.at, "reason": f"expected {error.expected}"}
        with app.database.transaction(tenant.id, actor=principal.reference) as tx:
            tx.execute(SQL["document_refused"], values)
        return
    counts = {"created": done.created, "updated": done.updated, "unchanged": done.unchanged}
    with app.database.transaction(tenant.id, actor=principal.reference) as tx:
        tx.execute(SQL["document_used"], {"id": own_id, "now": now, "result": encode(counts).decode()})


def _note(tx: Transaction, principal: Principal, action: str, subtype: str, inbox_id: int) -> None:
    record_audit(tx, AuditEntry(principal=principal, action=action, subtype=subtype, detail=f"inbox item {inbox_id}"))
