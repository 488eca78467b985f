"""Operations as entries of a batch: each runs in the batch's own transaction and has parameters, but no headers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec

from careloop.api.fhir_requests import FhirRequest
from careloop.api.operations.model import Level, Operation
from careloop.api.operations.routing import call_of
from careloop.flows.bundle_entries import Entry, refusal
from careloop.flows.bundles import Operate
from careloop.flows.interactions import Interaction
from careloop.flows.outcomes import status_line

Result = TypeVar("Result")


@dataclass(frozen=True)
class EntryRequest(FhirRequest):
    """The request that an entry makes, in the transaction of its bundle."""

    door: Interaction
    asked: str

    def run(self, work: Callable[[Interaction], Result]) -> Result:
        """`work` in the transaction of the bundle."""
        return work(self.door)

    def header(self, name: str) -> str | None:
        """None: an entry has no headers of its own, and those of the bundle are not meant for it."""
        return None

    @property
    def query(self) -> str:
        """The query of the entry's address."""
        return self.asked


def operate_with(operations: Sequence[Operation], fhir: FhirRequest) -> Operate:
    """What carries out the entries of this bundle that call an operation."""

    def operate(door: Interaction, entry: Entry) -> dict[str, Any]:
        resource_type, resource_id, operation = _found(operations, entry)
        operation.refuse_narrowed(fhir.principal)
        request = EntryRequest(fhir.request, fhir.principal, door, entry.query or "")
        pairs = parse_qsl(entry.query or "", keep_blank_values=True)
        resource = dict(entry.resource) if entry.resource is not None else None
        result = operation.run(call_of(request, resource_type, resource_id, pairs, resource))
        if isinstance(result, dict):
            return {"resource": result, "response": {"status": status_line(200)}}
        if not isinstance(result.content, bytes):
            raise refusal(entry, "request.url", "an operation that answers with a resource", "not-supported")
        said = {"status": status_line(result.status_code or 200)}
        return {"resource": msgspec.Raw(result.content), "response": said} if result.content else {"response": said}

    return operate


def _found(operations: Sequence[Operation], entry: Entry) -> tuple[str | None, str | None, Operation]:
    *place, last = entry.path
    resource_type, resource_id = (*place, None, None)[:2]
    level: Level = "instance" if resource_id else "type" if resource_type else "system"
    for one in operations:
        if last == f"${one.name}" and level in one.levels and one.serves(resource_type) and len(place) < 3:
            if entry.method != "POST" and (entry.method != "GET" or one.changes):
                raise refusal(entry, "request.method", "POST, or GET where nothing changes", "not-supported")
            return resource_type, resource_id, one
    raise refusal(entry, "request.url", "an operation that is offered there", "not-supported")
