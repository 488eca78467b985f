"""The tables of the outbox: hand in, take, mark, show, send again."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from careloop.db import Row, Transaction, load_queries
from careloop.errors import NotFound
from careloop.fhir.jsons import encode
from careloop.outbox.model import Delivery, DeliveryStatus, Failure, Held, NewDelivery, TargetKind
from careloop.outbox.rules import GIVE_UP_AFTER, pause_after

SQL = load_queries("careloop.outbox")

LEASE = timedelta(seconds=30)
"""A worker that gave no sign of life for so long is dead; longer than any one request may take."""
AT_ONCE = 20
KEPT = timedelta(days=30)
"""For so long a person can see what was delivered."""


@dataclass(frozen=True, kw_only=True)
class Listed:
    """Deliveries newest first, and how many there are of each status."""

    items: Sequence[Delivery]
    counts: dict[str, int]
    next: int | None


def enqueue(tx: Transaction, now: datetime, deliveries: Sequence[NewDelivery]) -> int:
    """The deliveries wait, in their order, and leave when `tx` is committed; how many were new."""
    for target, kind in dict.fromkeys((one.target, one.kind) for one in deliveries):
        tx.execute(SQL["add_target"], {"id": target, "kind": kind.value, "now": now})
    if not deliveries:
        return 0
    items = encode([{**_item(one, now), "place": place} for place, one in enumerate(deliveries)]).decode()
    return tx.execute(SQL["add_deliveries"], {"items": items, "now": now})


def take(tx: Transaction, now: datetime, *, lasts: timedelta = LEASE) -> Held | None:
    """A target with what can be sent to it now; nobody else has it while the lease lasts."""
    lease = str(uuid4())
    row = tx.one(SQL["take_target"], {"now": now, "lease": lease, "lasts": lasts})
    if row is None:
        return None
    ready = tx.rows(SQL["ready_deliveries"], {"target": row["id"], "now": now, "limit": AT_ONCE})
    return Held(
        target=row["id"],
        kind=TargetKind(row["kind"]),
        lease=lease,
        failures=row["failures"],
        deliveries=[_delivery(one) for one in ready],
    )


def hold_on(tx: Transaction, held: Held, *, lasts: timedelta = LEASE) -> bool:
    """The heartbeat. False where another worker has the target now: stop."""
    return tx.execute(SQL["hold_on"], {"target": held.target, "lease": held.lease, "lasts": lasts}) == 1


def give_back(tx: Transaction, held: Held) -> None:
    """Anybody may take the target."""
    tx.execute(SQL["give_back"], {"target": held.target, "lease": held.lease})


def finish(tx: Transaction, now: datetime, held: Held, deliveries: Sequence[Delivery]) -> None:
    """They arrived."""
    _finish(tx, now, deliveries, DeliveryStatus.DONE, "")
    tx.execute(SQL["target_answered"], {"target": held.target, "now": now})


def put_off(
    tx: Transaction, now: datetime, held: Held, deliveries: Sequence[Delivery], failure: Failure, chance: float
) -> DeliveryStatus:
    """They did not arrive: they wait for another try, or are dead. Answers which."""
    first = deliveries[0]
    if failure.is_everybodys:
        pause = pause_after(held.failures + 1, chance)
        tx.execute(SQL["target_silent"], {"target": held.target, "until": now + pause})
    if failure.is_final or now >= first.gives_up:
        _finish(tx, now, deliveries, DeliveryStatus.DEAD, failure.reason)
        return DeliveryStatus.DEAD
    due = now if failure.is_everybodys else now + pause_after(first.attempts + 1, chance)
    values = {"ids": [one.id for one in deliveries], "now": now, "due": due, "reason": failure.reason}
    tx.execute(SQL["put_off"], values)
    return DeliveryStatus.WAITING


def withdraw(tx: Transaction, now: datetime, target: str, reason: str) -> int:
    """Nothing that waits for the target will be sent; how many that were."""
    return tx.execute(SQL["withdraw"], {"target": target, "now": now, "reason": reason})


def repeat(tx: Transaction, now: datetime, delivery_id: int) -> None:
    """The delivery is sent once more, at once, and tried for another 72 hours. `NotFound` where there is none."""
    row = tx.one(SQL["repeat"], {"id": delivery_id, "now": now, "gives_up": now + GIVE_UP_AFTER})
    if row is None:
        raise NotFound("there is no such delivery")
    tx.execute(SQL["hurry_subject"], {"target": row["target"], "subject": row["subject"], "now": now})
    tx.execute(SQL["wake_target"], {"target": row["target"], "now": now})


def find(tx: Transaction, delivery_id: int) -> Delivery:
    """One delivery; `NotFound` where there is none."""
    row = tx.one(SQL["find_delivery"], {"id": delivery_id})
    if row is None:
        raise NotFound("there is no such delivery")
    return _delivery(row)


def listed(
    tx: Transaction,
    *,
    status: str | None = None,
    target: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> Listed:
    """Deliveries newest first, without their bytes."""
    values = {"status": status, "target": target, "before": before, "limit": limit + 1}
    rows = tx.rows(SQL["list_deliveries"], values)
    counts = {row["status"]: row["count"] for row in tx.rows(SQL["count_deliveries"], {"target": target})}
    more = rows[limit - 1]["id"] if len(rows) > limit else None
    return Listed(items=[_delivery(row) for row in rows[:limit]], counts=counts, next=more)


def waiting_count(tx: Transaction, target: str) -> int:
    """How many deliveries wait for the target."""
    rows = tx.rows(SQL["count_deliveries"], {"target": target})
    return sum(row["count"] for row in rows if row["status"] == DeliveryStatus.WAITING)


def sweep(tx: Transaction, now: datetime) -> int:
    """Deliveries that arrived long ago are gone."""
    return tx.execute(SQL["sweep"], {"before": now - KEPT})


def _finish(
    tx: Transaction, now: datetime, deliveries: Sequence[Delivery], status: DeliveryStatus, reason: str
) -> None:
    ids = [one.id for one in deliveries]
    tx.execute(SQL["finish_deliveries"], {"ids": ids, "now": now, "status": status.value, "reason": reason})


def _item(delivery: NewDelivery, now: datetime) -> dict[str, object]:
    return {
        "idempotency": delivery.idempotency,
        "target": delivery.target,
        "subject": delivery.subject,
        "about": delivery.about,
        "gives_up": (now + delivery.patience).isoformat(),
        "payload": dict(delivery.payload),
        "body": None if delivery.body is None else base64.b64encode(delivery.body).decode(),
    }


def _delivery(row: Row) -> Delivery:
    body = row["body"]
    return Delivery(**{**row, "status": DeliveryStatus(row["status"]), "body": None if body is None else bytes(body)})


def allow_host(tx: Transaction, now: datetime, host: str, who: str) -> None:
    """Requests of this tenant may go to the host from now on."""
    tx.execute(SQL["allow_host"], {"host": host, "now": now, "who": who})


def forbid_host(tx: Transaction, host: str) -> bool:
    """They may not any more. True where they could before."""
    return tx.execute(SQL["forbid_host"], {"host": host}) == 1


def allowed_hosts(tx: Transaction) -> list[str]:
    """The hosts that an administrator has named."""
    return [row["host"] for row in tx.rows(SQL["allowed_hosts"])]
