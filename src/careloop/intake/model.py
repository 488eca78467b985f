"""Values of intake: what arrived, who sent it, what was answered, and the events of a stay."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from careloop.errors import Fault


class InboxStatus(StrEnum):
    """Where an inbox row stands."""

    RECEIVED = "received"
    PROCESSED = "processed"
    DEAD = "dead"
    DISCARDED = "discarded"


class Effect(StrEnum):
    """What an ADT event does to a stay; `content/mappings/hl7v2/adt-events.yaml` gives one to each event code."""

    ADMIT = "admit"
    REGISTER = "register"
    PREADMIT = "preadmit"
    TRANSFER = "transfer"
    DISCHARGE = "discharge"
    TO_INPATIENT = "to-inpatient"
    TO_OUTPATIENT = "to-outpatient"
    UPDATE = "update"
    CANCEL_ADMIT = "cancel-admit"
    CANCEL_TRANSFER = "cancel-transfer"
    CANCEL_DISCHARGE = "cancel-discharge"
    LEAVE = "leave"
    RETURN = "return"
    PENDING_DISCHARGE = "pending-discharge"
    CANCEL_PENDING_DISCHARGE = "cancel-pending-discharge"
    CANCEL_PREADMIT = "cancel-preadmit"
    MERGE = "merge"
    MOVE_VISIT = "move-visit"
    FIELDS = "fields"


@dataclass(frozen=True, kw_only=True)
class Feed:
    """A door that a sender speaks to. `authorities` maps an assigning authority (PID-3.4, PV1-19.4) to a FHIR system;
    `classes`, `patient_types` (PV1-18) and `dispositions` (PV1-36) map site codes, `codes` those of other coded fields
    by the field's id in `content/feeds`; `quirks` are habits of the sender that are set right; `places` are the names
    of the facilities that it abbreviates (MSH-4); `senders` are the accepted pairs `application|facility`, empty when
    none was accepted yet."""

    id: int | None
    kind: str
    zone: str
    name: str = ""
    host: str = "127.0.0.1"
    port: int | None = None
    authorities: Mapping[str, str] = field(default_factory=dict)
    classes: Mapping[str, str] = field(default_factory=dict)
    patient_types: Mapping[str, str] = field(default_factory=dict)
    dispositions: Mapping[str, str] = field(default_factory=dict)
    senders: frozenset[str] = frozenset()
    any_sender: bool = False
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    quirks: frozenset[str] = frozenset()
    places: Mapping[str, str] = field(default_factory=dict)
    enabled: bool = True
    version: int = 1


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """What can be said of a message before its meaning is known."""

    application: str
    facility: str
    control_id: str
    message_type: str
    event: str

    @property
    def sender(self) -> str:
        """The pair that a feed accepts or not."""
        return f"{self.application}|{self.facility}"


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What the checks before the commit said: AA, AE or AR in `code`. `order_key` names the person for the lane."""

    code: str
    envelope: Envelope
    order_key: str = ""
    stage: str = ""
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """A message is durable: its inbox row and the answer. `duplicate` when the very same message was there already."""

    inbox_id: int
    code: str
    control_id: str
    duplicate: bool = False
    faults: tuple[Fault, ...] = ()
    own_id: str = ""


@dataclass(frozen=True, kw_only=True)
class InboxItem:
    """One row of the inbox as a person sees it: no message content."""

    id: int
    kind: str
    status: InboxStatus
    control_id: str
    sender: str
    received: datetime
    stage: str
    at: str
    reason: str
    attempts: int = 0
    origin: str = ""


@dataclass(frozen=True, kw_only=True)
class StayEvent:
    """One event of one stay. `at` is the event time (TR-03), `recorded` when the sender wrote it down.

    `content` holds what the event says of the visit: `at` (FHIR dateTime), `class`, `admit`, `discharge`,
    `disposition`, `location`, `fields` (Encounter elements by name).
    """

    id: int
    code: str
    effect: Effect
    at: datetime
    recorded: datetime
    patient_id: str
    prior_patient_id: str | None
    content: Mapping[str, Any]
