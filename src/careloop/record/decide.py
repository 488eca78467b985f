"""What a write comes to, given what stands in the record. Pure: values in, values out."""

import re
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from careloop.errors import Conflict, PreconditionFailed, Rejected
from careloop.events import ChangeKind
from careloop.fhir.ids import new_id
from careloop.record.content import Content, content_of
from careloop.record.indexing import IndexRows
from careloop.record.model import Write

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}", re.ASCII)

READ_ONLY_TYPES = frozenset({"AuditEvent"})
"""Nobody writes these through the record: the audit trail writes itself (interface.md §3)."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A write whose place is known and whose content is encoded. `chosen` is True where the caller named the id.

    `index` is given where its index rows were made ahead, with dates read in `zone`.
    """

    write: Write
    id: str
    chosen: bool
    content: Content | None
    index: IndexRows | None = None
    zone: tzinfo | None = None

    @property
    def key(self) -> tuple[str, str]:
        """(type, id)."""
        return self.write.resource_type, self.id


@dataclass(frozen=True, slots=True)
class Current:
    """What stands in the record under an id."""

    key: int
    version: int
    deleted: bool
    digest: int
    last_updated: datetime
    patient_id: str | None
    tokens: frozenset[int]


@dataclass(frozen=True, slots=True)
class Decision:
    """The change that a prepared write makes. `current` is None for the first version."""

    prepared: Prepared
    change: ChangeKind
    version: int
    current: Current | None

    @property
    def writes(self) -> bool:
        """True when there is a new version to be stored."""
        return self.change is not ChangeKind.UNCHANGED


def prepare(write: Write) -> Prepared:
    """The write with its id and encoded content; `Rejected` where type, id and content do not fit together."""
    kind = write.resource_type
    if kind in READ_ONLY_TYPES:
        raise Rejected(at=kind, expected="a type that can be written", code="not-supported")
    body_id = write.resource.get("id") if write.resource is not None else None
    chosen = write.id or (body_id if write.method == "update" else None)
    identity = chosen or new_id()
    if not isinstance(identity, str) or not _ID.fullmatch(identity):
        raise Rejected(at=f"{kind}.id", expected="1 to 64 letters, digits, '-' or '.'", code="value")
    return Prepared(write, identity, chosen is not None, _content(write, identity, body_id))


def _content(write: Write, identity: str, body_id: Any) -> Content | None:
    if write.method == "delete":
        return None
    kind, resource = write.resource_type, write.resource
    if resource is None or resource.get("resourceType") != kind:
        raise Rejected(at="resourceType", expected=f"a {kind}", code="structure")
    if write.method == "update" and body_id is not None and body_id != identity:
        raise Rejected(at=f"{kind}.id", expected="the id of the address", code="value")
    return content_of(resource, kind, identity)


def decide(prepared: Prepared, current: Current | None) -> Decision:
    """What becomes of the write. Raises `PreconditionFailed` or `Conflict` where the writer's premise is wrong."""
    write = prepared.write
    _check_premise(write, current)
    if current is None:
        if write.method == "delete":
            return Decision(prepared, ChangeKind.UNCHANGED, 0, None)
        return Decision(prepared, ChangeKind.CREATED, 1, None)
    following = current.version + 1
    if write.method == "delete":
        if current.deleted:
            return Decision(prepared, ChangeKind.UNCHANGED, current.version, current)
        return Decision(prepared, ChangeKind.DELETED, following, current)
    if current.deleted:
        return Decision(prepared, ChangeKind.CREATED, following, current)
    if prepared.content is not None and prepared.content.digest == current.digest:
        return Decision(prepared, ChangeKind.UNCHANGED, current.version, current)
    return Decision(prepared, ChangeKind.UPDATED, following, current)


def _check_premise(write: Write, current: Current | None) -> None:
    stands = current is not None and not current.deleted
    if write.if_match is not None and (current is None or current.deleted or current.version != write.if_match):
        raise PreconditionFailed("the resource is not at the version that If-Match names")
    if stands and write.if_none_match_any:
        raise PreconditionFailed("the resource exists already")
    if stands and write.method == "create":
        raise Conflict("a resource with this id exists already")
