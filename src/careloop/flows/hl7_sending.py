"""HL7 v2 messages to other systems: one after the other, each with its own answer (HL7 v2.5.1, 2.9.2 and 2.9.3)."""

from collections.abc import Sequence

from careloop.access.model import Tenant
from careloop.errors import NotFound, Rejected, Unavailable
from careloop.flows.app import App
from careloop.intake.hl7v2 import Message, read
from careloop.outbox import Delivery, Failure, Held
from careloop.outbox.feeds import find_feed
from careloop.outside.mllp import exchange

_TAKEN = frozenset({"AA", "CA"})
_REFUSED = frozenset({"AE", "AR", "CE", "CR"})
_MOST_WORDS = 300
_PROCESS = "outbox"


def groups(app: App, tenant: Tenant, held: Held) -> Sequence[Sequence[Delivery]]:
    """Each message alone."""
    return [[one] for one in held.deliveries]


def send(app: App, tenant: Tenant, held: Held, deliveries: Sequence[Delivery]) -> Failure | None:
    """The message is sent as it was made. Only an answer to this very message (MSA-2) counts."""
    [delivery] = deliveries
    try:
        with app.database.transaction(tenant.id, actor=_PROCESS) as tx:
            feed = find_feed(tx, int(held.target.partition("/")[2]))
    except NotFound as error:
        return Failure(reason=error.message, is_final=True)
    try:
        answer = read(exchange(feed.host, feed.port, delivery.body or b""))
    except Unavailable as error:
        return Failure(reason=error.message, is_everybodys=True)
    except Rejected:
        return Failure(reason="the answer cannot be read as HL7", is_everybodys=True)
    return judge(answer, str(delivery.payload["control_id"]))


def judge(answer: Message, control_id: str) -> Failure | None:
    """None where the message was taken. A refusal is final: the same message would be refused again."""
    code = answer.get("MSA-1")
    if answer.get("MSA-2") != control_id:
        return Failure(reason="the answer is to another message (MSA-2)", is_everybodys=True)
    if code in _TAKEN:
        return None
    if code in _REFUSED:
        return Failure(reason=f"{code}: {_words(answer)}"[:_MOST_WORDS], is_final=True)
    return Failure(reason="the answer says neither yes nor no (MSA-1)", is_everybodys=True)


def _words(answer: Message) -> str:
    """What the receiver gives as its reason: where (ERR-2), which code (ERR-3), in words (ERR-7, ERR-8, MSA-3)."""
    parts = []
    for segment in answer.all("ERR"):
        where = "-".join(part for part in (segment.text(2, 1), segment.text(2, 3)) if part)
        code = segment.text(3, 2) or segment.text(3, 1)
        parts.append(" ".join(one for one in (where, code, segment.text(7), segment.text(8)) if one))
    told = "; ".join(one for one in (*parts, answer.get("MSA-3")) if one)
    return told or "without a reason"
