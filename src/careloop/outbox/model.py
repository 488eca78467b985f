"""Deliveries and what can become of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from careloop.outbox.rules import GIVE_UP_AFTER


class TargetKind(StrEnum):
    """By which way a target is reached."""

    REST_HOOK = "rest-hook"
    HL7V2 = "hl7v2"
    MAIL = "mail"


class DeliveryStatus(StrEnum):
    """Where a delivery is. `withdrawn`: its target is gone or does not want it any more."""

    WAITING = "waiting"
    DONE = "done"
    DEAD = "dead"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, kw_only=True)
class NewDelivery:
    """One thing to be sent. `subject` is what order is kept for; `idempotency` names it for the receiver, for ever.

    `body` are the bytes where they are made now; else the sender makes them of `payload`.
    After `patience` it is given up.
    """

    target: str
    kind: TargetKind
    subject: str
    about: str
    idempotency: str
    payload: Mapping[str, Any]
    body: bytes | None = None
    patience: timedelta = GIVE_UP_AFTER


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One row of the outbox."""

    id: int
    idempotency: str
    target: str
    subject: str
    about: str
    status: DeliveryStatus
    payload: Mapping[str, Any]
    body: bytes | None
    created: datetime
    gives_up: datetime
    due: datetime
    attempts: int
    tried: datetime | None
    finished: datetime | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class Held:
    """A target that belongs to this worker for a while, and what is to be sent to it, in order."""

    target: str
    kind: TargetKind
    lease: str
    failures: int
    deliveries: Sequence[Delivery]


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why a delivery did not arrive, without anything of its content.

    `is_final`: trying again is of no use. `is_everybodys`: nobody answered, so that nothing else for this target would
    arrive either. `ends_target`: the target itself is at its end.
    """

    reason: str
    is_final: bool = False
    is_everybodys: bool = False
    ends_target: bool = False
