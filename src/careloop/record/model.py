"""What goes into the record and what comes out of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

from careloop.errors import Fault
from careloop.events import ChangeKind
from careloop.fhir.clauses import SearchRequest
from careloop.fhir.jsons import decode

Resource = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Write:
    """One thing to be done to one resource.

    `create` without an id gets a fresh one; with an id it is refused where that id is taken. `update` of an id that
    does not exist creates it, unless `if_match` names a version. `if_match` is the version that the writer saw.
    """

    method: Literal["create", "update", "delete"]
    resource_type: str
    id: str | None = None
    resource: Mapping[str, Any] | None = None
    if_match: int | None = None
    if_none_match_any: bool = False


@dataclass(frozen=True, kw_only=True)
class Amendment:
    """Some elements of a resource that stands read so from now on; everything else in it stays as it is."""

    resource_type: str
    id: str
    elements: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Written:
    """What a write came to. `resource` is the new content with its meta, None after a delete.

    `version` is 0 where a delete found nothing. `references` are the `Type/id` that the new content names.
    `former_patient_id` is whose it was before this write. `warnings` did not stop the write.
    """

    resource_type: str
    id: str
    version: int
    change: ChangeKind
    patient_id: str | None
    last_updated: datetime
    resource: Resource | None
    text: str | None = None
    references: tuple[str, ...] = ()
    former_patient_id: str | None = None
    warnings: tuple[Fault, ...] = ()

    @property
    def patient_ids(self) -> frozenset[str]:
        """Whose it is and whose it was."""
        return frozenset(one for one in (self.patient_id, self.former_patient_id) if one)

    @property
    def reference(self) -> str:
        """`Type/id`."""
        return f"{self.resource_type}/{self.id}"

    @property
    def versioned_reference(self) -> str:
        """`Type/id/_history/version`."""
        return f"{self.reference}/_history/{self.version}"


@dataclass(frozen=True, kw_only=True)
class Stored:
    """One version of one resource as it stands in the record. `text` is the exact JSON, empty when deleted."""

    resource_type: str
    id: str
    version: int
    last_updated: datetime
    deleted: bool
    text: str
    patient_id: str | None

    @cached_property
    def resource(self) -> Resource:
        """The decoded content, decimals exact. Not to be changed in place."""
        return decode(self.text)

    @property
    def reference(self) -> str:
        """`Type/id`."""
        return f"{self.resource_type}/{self.id}"

    @property
    def versioned_reference(self) -> str:
        """`Type/id/_history/version`."""
        return f"{self.reference}/_history/{self.version}"


@dataclass(frozen=True, kw_only=True)
class SearchPage:
    """One page of a search. `total` is None where it was not asked for; `next_cursor` is None on the last page.

    `warnings` name what was cut off; `request` is the search as it was understood.
    """

    entries: Sequence[Stored]
    included: Sequence[Stored] = ()
    total: int | None = None
    next_cursor: str | None = None
    warnings: tuple[Fault, ...] = ()
    request: SearchRequest | None = None


@dataclass(frozen=True, kw_only=True)
class HistoryEntry:
    """One version in a history, newest first."""

    stored: Stored
    change: ChangeKind


@dataclass(frozen=True, kw_only=True)
class HistoryPage:
    """Part of a history, newest first. `next_cursor` is None at its end."""

    entries: Sequence[HistoryEntry]
    total: int | None = None
    next_cursor: str | None = None


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that `careloop verify` found to be wrong: where, and what should be true."""

    at: str
    expected: str
