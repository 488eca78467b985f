"""Topics, what a Subscription wants, changes, events."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from careloop.fhir.clauses import Clause

Change = Literal["created", "updated", "deleted"]
Content = Literal["empty", "id-only", "full-resource"]
Channel = Literal["rest-hook", "websocket"]

EVERY_TYPE = "Resource"
"""The resource of a trigger that is about all types."""


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """Changes of one type. The clauses are those of `previous` and `current`; None where nothing is asked.

    `on_create` is what the version before comes to where there is none, `on_delete` the version after. With `both`
    both must satisfy, else one of those that are asked for.
    """

    resource_type: str
    on: frozenset[Change]
    previous: tuple[Clause, ...] | None = None
    current: tuple[Clause, ...] | None = None
    on_create: bool = False
    on_delete: bool = False
    both: bool = False


@dataclass(frozen=True, kw_only=True)
class Topic:
    """One topic. `filter_by` are the parameters that may narrow it, by type; empty for a topic of every type."""

    id: str
    url: str
    title: str
    triggers: tuple[Trigger, ...]
    filter_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    shape: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Filter:
    """A resource of the type must satisfy these."""

    resource_type: str
    clauses: tuple[Clause, ...]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What one Subscription asks for. `topic` is None for a plain R4 criterion, which is a trigger of its own.

    `content` None: plain R4, the resource itself or nothing at all, as `mime` says.
    """

    topic: str | None
    triggers: tuple[Trigger, ...]
    filters: tuple[Filter, ...]
    channel: Channel
    endpoint: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    content: Content | None = "empty"
    mime: str | None = None
    heartbeat_seconds: int | None = None
    timeout_seconds: int | None = None
    max_count: int = 1
    ends: datetime | None = None

    @property
    def types(self) -> frozenset[str]:
        """The types whose changes are of interest; `Resource` for all."""
        return frozenset(one.resource_type for one in self.triggers)


@dataclass(frozen=True, kw_only=True)
class Version:
    """A change as the feed tells it, with the resource after and before it."""

    seq: int
    at: datetime
    resource_type: str
    id: str
    version: int
    change: Change
    patient_id: str | None
    current: Mapping[str, Any] | None
    previous: Mapping[str, Any] | None

    @property
    def reference(self) -> str:
        """`Type/id`."""
        return f"{self.resource_type}/{self.id}"


@dataclass(frozen=True, kw_only=True)
class Served:
    """A Subscription that is served here. `owner` is a client; `scopes` are those it had when it asked."""

    id: str
    status: str
    version: int
    owner: str
    owner_name: str
    scopes: tuple[str, ...]
    fingerprint: str
    after_seq: int
    events: int
    sent: int
    heartbeat_due: datetime | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class Event:
    """One change that a Subscription wanted."""

    number: int
    at: datetime
    resource_type: str
    id: str
    version: int
    change: Change

    @property
    def reference(self) -> str:
        """`Type/id`."""
        return f"{self.resource_type}/{self.id}"
