"""What has to reach somebody else: deliveries in order, kept until they arrived or a person was told."""

from careloop.outbox.model import Delivery, DeliveryStatus, Failure, Held, NewDelivery, TargetKind
from careloop.outbox.rules import GIVE_UP_AFTER, pause_after
from careloop.outbox.store import (
    enqueue,
    find,
    finish,
    give_back,
    hold_on,
    listed,
    put_off,
    repeat,
    sweep,
    take,
    waiting_count,
    withdraw,
)

__all__ = [
    "GIVE_UP_AFTER",
    "Delivery",
    "DeliveryStatus",
    "Failure",
    "Held",
    "NewDelivery",
    "TargetKind",
    "enqueue",
    "find",
    "finish",
    "give_back",
    "hold_on",
    "listed",
    "pause_after",
    "put_off",
    "repeat",
    "sweep",
    "take",
    "waiting_count",
    "withdraw",
]
