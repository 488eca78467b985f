"""Referrals to community organisations (RF-10): help counts when the patient says that it came and the need is met."""

from dataclasses import dataclass
from enum import StrEnum


class Need(StrEnum):
    """What became of the need, in the patient's words (programme.md §4)."""

    MET = "met"
    PARTLY = "partly"
    NOT_MET = "not-met"
    UNKNOWN = "unknown"


class CommunityState(StrEnum):
    """Where a community referral is."""

    SENT = "sent"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    DELIVERED = "delivered"
    """The organisation says so; the patient has not been asked."""
    RECEIVED = "received"
    """The patient got the service, the need is not settled."""
    REOPENED = "reopened"
    """The patient says that it did not come, or that the need is not met."""
    CLOSED = "closed"


@dataclass(frozen=True, kw_only=True)
class Community:
    """What the organisation and the patient said. None: nobody said. `attempts` to ask the patient."""

    accepted: bool | None = None
    delivered: bool | None = None
    patient_received: bool | None = None
    need: Need | None = None
    attempts: int = 0


_ENOUGH_ATTEMPTS = 3
"""Closed needs a patient answer or three attempts (programme.md §4)."""


def community_state(given: Community) -> CommunityState:
    """The state that follows (RF-10). "Sent" or "completed" alone is never closed."""
    if given.patient_received is False or given.need in (Need.NOT_MET, Need.PARTLY):
        return CommunityState.REOPENED
    if given.need is Need.MET:
        return CommunityState.CLOSED
    if given.patient_received:
        return CommunityState.RECEIVED
    if given.delivered and given.attempts >= _ENOUGH_ATTEMPTS:
        return CommunityState.CLOSED
    if given.delivered:
        return CommunityState.DELIVERED
    if given.accepted is False:
        return CommunityState.REJECTED
    return CommunityState.ACCEPTED if given.accepted else CommunityState.SENT


def need_of(given: Community) -> Need:
    """Whether the need is met, by the patient's word alone (RF-10): what was not received did not meet it."""
    if given.patient_received is False:
        return Need.NOT_MET
    return given.need or Need.UNKNOWN
