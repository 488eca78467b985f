"""Messages of a feed become durable, several in one commit, before any of them is answered (security.md §1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from careloop import intake
from careloop.access.model import Tenant
from careloop.access.tenancy import get_tenant, settings_of
from careloop.db import Transaction
from careloop.errors import CareloopError, Fault
from careloop.fhir.ids import new_id
from careloop.flows.app import App
from careloop.flows.arrival import mappings_of
from careloop.intake import Feed
from careloop.intake.acknowledgment import acknowledgment
from careloop.intake.acknowledgment import answers as answers_to
from careloop.intake.hl7v2 import Message
from careloop.intake.inbox import Arrived, Origin, receive, receive_broken

_TRY_LATER = Fault(at="MSH", expected="another try later: the message could not be stored", code="transient")


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """One frame of one feed. `broken` says why it is no message; it is kept all the same. `is_junk`: nobody waits for
    an answer to it."""

    tenant_id: int
    feed_id: int
    source: str
    raw: bytes
    broken: str = ""
    is_junk: bool = False


@dataclass(frozen=True, kw_only=True)
class Listening:
    """A feed that wants a listener, and its tenant."""

    tenant: Tenant
    feed: Feed


def listening(app: App) -> list[Listening]:
    """The feeds of all tenants that have a port."""
    found = []
    for tenant in app.tenants():
        with app.database.transaction(tenant.id) as tx:
            any_sender = settings_of(tenant).accept_any_sender
            found += [Listening(tenant=tenant, feed=feed) for feed in intake.list_feeds(tx, any_sender=any_sender)]
    return found


def take_in(app: App, incoming: Sequence[Incoming]) -> list[bytes]:
    """The answers to these frames, in their order, given after the commit that holds them. Empty where nobody waits for
    one, two in one text where a sender asked for both kinds. A frame that could not be stored gets AE; one that was no
    message at all gets AR."""
    answers: list[bytes] = [b""] * len(incoming)
    by_tenant: dict[int, list[int]] = {}
    for place, one in enumerate(incoming):
        by_tenant.setdefault(one.tenant_id, []).append(place)
    for tenant_id, places in by_tenant.items():
        mine = [incoming[place] for place in places]
        for place, answer in zip(places, _take_in_of(app, tenant_id, mine), strict=True):
            answers[place] = answer
    return answers


def _take_in_of(app: App, tenant_id: int, incoming: Sequence[Incoming]) -> list[bytes]:
    now = app.clock.now()
    try:
        return app.database.run(tenant_id, lambda tx: _commit(app, tx, incoming, now), actor="intake")
    except CareloopError:
        return [b"" if one.is_junk else _apology(app, one, now) for one in incoming]


def _commit(app: App, tx: Transaction, incoming: Sequence[Incoming], now: datetime) -> list[bytes]:
    """Runs inside the transaction; the answers leave only after it has committed."""
    any_sender = settings_of(get_tenant(tx, tx.tenant_id)).accept_any_sender
    feeds: dict[int, Feed] = {}
    arrived: list[Arrived] = []
    messages: list[Message | None] = []
    whole = [one for one in incoming if not one.broken]
    for one in whole:
        feed = feeds.get(one.feed_id) or intake.get_feed(tx, one.feed_id, any_sender=any_sender)
        feeds[one.feed_id] = feed
        message, checked = intake.check(one.raw, feed, mappings_of(app))
        messages.append(message)
        arrived.append(Arrived(raw=one.raw, checked=checked, origin=_origin(one)))
    receipts = iter(zip(receive(tx, now, arrived), messages, strict=True))
    answers = []
    for one in incoming:
        if one.broken:
            receive_broken(tx, now, one.raw, _origin(one), one.broken)
            answers.append(b"" if one.is_junk else _refusal(one.broken, now))
        else:
            receipt, message = next(receipts)
            answers.append(
                answers_to(
                    receipt.code,
                    message,
                    control_id=receipt.control_id,
                    now=now,
                    own_ids=(new_id()[:20], new_id()[:20]),
                    faults=receipt.faults or _remarks(message),
                )
            )
    return answers


def _remarks(message: Message | None) -> tuple[Fault, ...]:
    """What reading the message had to assume, as warnings in an answer that is AA."""
    notes = [note.partition(": expected ") for note in message.notes] if message else []
    return tuple(Fault(at=at, expected=expected, severity="warning") for at, _, expected in notes)


def _origin(one: Incoming) -> Origin:
    return Origin(kind="feed", source=one.source, feed_id=one.feed_id)


def _refusal(reason: str, now: datetime) -> bytes:
    fault = Fault(at="MSH", expected=f"one whole HL7 message in a frame; {reason}", code="structure")
    return acknowledgment("AR", None, control_id="", now=now, own_id=new_id()[:20], faults=(fault,))


def _apology(app: App, one: Incoming, now: datetime) -> bytes:
    feed = Feed(id=None, kind="hl7v2", zone="UTC", any_sender=True)
    message, checked = intake.check(one.raw, feed, mappings_of(app))
    code = "AR" if message is None else "AE"
    control_id = checked.envelope.control_id
    return acknowledgment(code, message, control_id=control_id, now=now, own_id=new_id()[:20], faults=(_TRY_LATER,))
