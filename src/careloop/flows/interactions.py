"""The FHIR interactions, each in the caller's transaction: permitted, done, told, audited. For REST and bundles."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from careloop.access.model import Principal
from careloop.access.policy import require
from careloop.db import Transaction
from careloop.db.pool import Contended
from careloop.errors import Conflict, NotFound, PreconditionFailed, Rejected
from careloop.events import ChangeKind
from careloop.fhir.ids import new_id
from careloop.flows import audit_trail, engine, writing
from careloop.flows.app import App
from careloop.flows.conditional import find_one
from careloop.flows.histories import HistoryAsked
from careloop.flows.json_patch import apply_patch, pruned
from careloop.flows.terminology import terminology_of
from careloop.record import HistoryPage, SearchPage, Stored, Write, Written
from careloop.record.search import Steps, Wide, one_of

Resource = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Interaction:
    """Who asks, in which process and transaction."""

    app: App
    tx: Transaction
    principal: Principal

    def read(self, resource_type: str, resource_id: str) -> Stored:
        """The current version."""
        require(self.principal, "read", resource_type)
        if resource_type == audit_trail.RESOURCE_TYPE:
            return audit_trail.read(self.tx, self.principal, resource_id)
        return self.app.record.read(self.tx, self.principal, resource_type, resource_id)

    def vread(self, resource_type: str, resource_id: str, version: int) -> Stored:
        """One version."""
        require(self.principal, "vread", resource_type)
        return self.app.record.read_version(self.tx, self.principal, resource_type, resource_id, version)

    def history(self, resource_type: str | None, resource_id: str | None, asked: HistoryAsked) -> HistoryPage:
        """Versions newest first, of one resource, one type, or everything."""
        require(self.principal, "history", resource_type or "*")
        at = asked.at.interval(ZoneInfo(engine.tenant_of(self.tx).zone)) if asked.at is not None else None
        return self.app.record.history(
            self.tx,
            self.principal,
            resource_type,
            resource_id,
            count=asked.count,
            since=asked.since,
            at=at,
            cursor=asked.cursor,
        )

    def search(
        self, resource_type: str, parameters: Sequence[tuple[str, str]], base: str | None, *, lenient: bool = False
    ) -> SearchPage:
        """One page of what satisfies the parameters; a `lenient` search leaves aside, and names, what is not known."""
        return one_of(self.tx, self.searching(resource_type, parameters, base, lenient=lenient))

    def searching(
        self, resource_type: str, parameters: Sequence[tuple[str, str]], base: str | None, *, lenient: bool = False
    ) -> Steps[SearchPage]:
        """The same in steps, so that the statements of several searches can leave together."""
        require(self.principal, "search", resource_type)
        if resource_type == audit_trail.RESOURCE_TYPE:
            return audit_trail.search(self.tx, self.principal, parameters)
        now = self.app.clock.now()
        return (
            yield from self.app.record.searching(
                self.tx,
                self.principal,
                Wide(resource_types=[resource_type]),
                parameters,
                now,
                base=base,
                lenient=lenient,
                terminology=lambda: terminology_of(self.app, self.tx),
            )
        )

    def create(self, resource_type: str, resource: Resource, if_none_exist: str | None = None) -> Written:
        """A new resource, or, where `if_none_exist` names one that exists, that one UNCHANGED."""
        require(self.principal, "create", resource_type)
        if if_none_exist is not None:
            found = find_one(self.app, self.tx, self.principal, resource_type, if_none_exist)
            if found is not None:
                return as_unchanged(found)
        return self._write(Write(method="create", resource_type=resource_type, resource=resource))

    def update(
        self,
        resource_type: str,
        resource_id: str,
        resource: Resource,
        *,
        if_match: int | None = None,
        if_none_match_any: bool = False,
    ) -> Written:
        """The resource has this content; it is created where it did not exist."""
        return self.updated(
            Write(
                method="update",
                resource_type=resource_type,
                id=resource_id,
                resource=resource,
                if_match=if_match,
                if_none_match_any=if_none_match_any,
            )
        )

    def updated(self, write: Write) -> Written:
        """The same for an update that was put together already."""
        require(self.principal, "update", write.resource_type)
        written = self._write(write)
        if written.change is ChangeKind.CREATED:
            require(self.principal, "create", write.resource_type)
        return written

    def conditional_update(
        self, resource_type: str, query: str, resource: Resource, *, if_match: int | None = None
    ) -> Written:
        """The one resource that the query names has this content; where there is none it is created."""
        require(self.principal, "update", resource_type)
        found = find_one(self.app, self.tx, self.principal, resource_type, query)
        given = resource.get("id")
        if found is not None and given not in (None, found.id):
            raise Rejected(at=f"{resource_type}.id", expected="the id of the resource that the condition names")
        if found is None and given is not None and self.app.record.fetch(self.tx, [f"{resource_type}/{given}"]):
            raise Conflict("the condition names no resource, but one with this id exists")
        identity = found.id if found is not None else given or new_id()
        return self.update(resource_type, identity, {**resource, "id": identity}, if_match=if_match)

    def patch(self, resource_type: str, resource_id: str, operations: Any, *, if_match: int | None = None) -> Written:
        """The resource as the JSON Patch leaves it; nobody else's change in between is lost."""
        require(self.principal, "patch", resource_type)
        stored = self.app.record.read(self.tx, self.principal, resource_type, resource_id)
        if if_match is not None and stored.version != if_match:
            raise PreconditionFailed("the resource is not at the version that If-Match names")
        patched = pruned(apply_patch(stored.resource, operations))
        if not isinstance(patched, dict) or patched.get("id") != resource_id:
            raise Rejected(at=f"{resource_type}.id", expected="the id of the address", code="value")
        write = Write(
            method="update", resource_type=resource_type, id=resource_id, resource=patched, if_match=stored.version
        )
        try:
            return self._write(write)
        except PreconditionFailed as error:
            if if_match is not None:
                raise
            raise Contended("somebody else changed the resource meanwhile", retry_after_seconds=1) from error

    def conditional_patch(
        self, resource_type: str, query: str, operations: Any, *, if_match: int | None = None
    ) -> Written:
        """`patch` of the one resource that the query names; `NotFound` where there is none."""
        require(self.principal, "patch", resource_type)
        found = find_one(self.app, self.tx, self.principal, resource_type, query)
        if found is None:
            raise NotFound("there is no such resource")
        return self.patch(resource_type, found.id, operations, if_match=if_match)

    def delete(self, resource_type: str, resource_id: str, *, if_match: int | None = None) -> Written:
        """The resource is gone; its history stays. Version 0 where there never was one."""
        require(self.principal, "delete", resource_type)
        return self._write(Write(method="delete", resource_type=resource_type, id=resource_id, if_match=if_match))

    def conditional_delete(self, resource_type: str, query: str, *, if_match: int | None = None) -> Written | None:
        """The one resource that the query names is gone; None where there was none."""
        require(self.principal, "delete", resource_type)
        found = find_one(self.app, self.tx, self.principal, resource_type, query)
        if found is None and if_match is not None:
            raise PreconditionFailed("there is no such resource at the version that If-Match names")
        return None if found is None else self.delete(resource_type, found.id, if_match=if_match)

    def _write(self, write: Write) -> Written:
        return writing.write(self.app, self.tx, self.principal, [write])[0]


def as_unchanged(stored: Stored) -> Written:
    """What stands already, as the answer to a write that changed nothing."""
    return Written(
        resource_type=stored.resource_type,
        id=stored.id,
        version=stored.version,
        change=ChangeKind.UNCHANGED,
        patient_id=stored.patient_id,
        last_updated=stored.last_updated,
        resource=stored.resource,
        text=stored.text,
    )
