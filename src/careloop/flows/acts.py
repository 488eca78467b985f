"""The shop window of what people may do to loops; each line says where it is done."""

from careloop.flows.acting import (
    ActReceipt,
    add_evidence,
    attest,
    close_without_proof,
    hold,
    release,
    restore,
    snooze,
    start,
)
from careloop.flows.calls import log_call
from careloop.flows.handing_over import accept_offer, decline_offer, hand_over, move_work
from careloop.flows.proving import prove, show
from careloop.flows.task_updates import task_update
from careloop.flows.undoing import undo

__all__ = [
    "ActReceipt",
    "accept_offer",
    "add_evidence",
    "attest",
    "close_without_proof",
    "decline_offer",
    "hand_over",
    "hold",
    "log_call",
    "move_work",
    "prove",
    "release",
    "restore",
    "show",
    "snooze",
    "start",
    "task_update",
    "undo",
]
