"""A route for each operation and level. The parameters are read here, so that an operation only says what it does."""

from collections.abc import Sequence
from typing import Any

from litestar import get, post
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException
from litestar.params import FromPath, RawBody

from careloop.access.model import Principal
from careloop.api import fhir_answers as answers
from careloop.api import fhir_requests as requests
from careloop.api.fhir_answers import Answer
from careloop.api.fhir_requests import AnyRequest, FhirRequest
from careloop.api.operations.model import Operation, OperationCall, Parameters, read_parameters
from careloop.fhir.jsons import decode, encode

Path = FromPath[str]
Known = NamedDependency[Principal]

_GENERAL = ("_format", "_pretty")


def handlers_of(operations: Sequence[Operation]) -> list[Any]:
    """The route handlers of all operations."""
    return [handler for one in operations for handler in _handlers(one)]


def _handlers(operation: Operation) -> list[Any]:
    found: list[Any] = []
    if "system" in operation.levels:
        found += _system(operation)
    if "type" in operation.levels:
        found += _of_type(operation)
    if "instance" in operation.levels:
        found += _of_instance(operation)
    return found


def _system(operation: Operation) -> list[Any]:
    path = f"/${operation.name}"

    @get(path, sync_to_thread=True)
    def by_get(request: AnyRequest, principal: Known) -> Answer:
        return _called(operation, request, principal, None, None, b"")

    @post(path, sync_to_thread=True, status_code=200)
    def by_post(request: AnyRequest, principal: Known, body: RawBody) -> Answer:
        return _called(operation, request, principal, None, None, body)

    return [by_post] if operation.changes else [by_get, by_post]


def _of_type(operation: Operation) -> list[Any]:
    path = f"/{{resource_type:str}}/${operation.name}"

    @get(path, sync_to_thread=True)
    def by_get(request: AnyRequest, principal: Known, resource_type: Path) -> Answer:
        return _called(operation, request, principal, resource_type, None, b"")

    @post(path, sync_to_thread=True, status_code=200)
    def by_post(request: AnyRequest, principal: Known, resource_type: Path, body: RawBody) -> Answer:
        return _called(operation, request, principal, resource_type, None, body)

    return [by_post] if operation.changes else [by_get, by_post]


def _of_instance(operation: Operation) -> list[Any]:
    path = f"/{{resource_type:str}}/{{resource_id:str}}/${operation.name}"

    @get(path, sync_to_thread=True)
    def by_get(request: AnyRequest, principal: Known, resource_type: Path, resource_id: Path) -> Answer:
        return _called(operation, request, principal, resource_type, resource_id, b"")

    @post(path, sync_to_thread=True, status_code=200)
    def by_post(request: AnyRequest, principal: Known, resource_type: Path, resource_id: Path, body: RawBody) -> Answer:
        return _called(operation, request, principal, resource_type, resource_id, body)

    return [by_post] if operation.changes else [by_get, by_post]


def _called(
    operation: Operation,
    request: AnyRequest,
    principal: Principal,
    resource_type: str | None,
    resource_id: str | None,
    body: bytes,
) -> Answer:
    requests.check_accept(request)
    if not operation.serves(resource_type):
        raise HTTPException(status_code=404, detail=f"${operation.name} is not offered for {resource_type}")
    operation.refuse_narrowed(principal)
    fhir = FhirRequest(request, principal)
    pairs = [pair for pair in fhir.parameters() if pair[0] not in _GENERAL]
    result = operation.run(call_of(fhir, resource_type, resource_id, pairs, _body(request, body)))
    return result if not isinstance(result, dict) else answers.answer(encode(result))


def call_of(
    fhir: FhirRequest,
    resource_type: str | None,
    resource_id: str | None,
    pairs: Sequence[tuple[str, str]],
    resource: dict[str, Any] | None,
) -> OperationCall:
    """A call with the parameters of the address and of a `Parameters` resource; any other resource is its body."""
    if resource is not None and resource.get("resourceType") == "Parameters" and resource_type != "Parameters":
        given = Parameters((*pairs, *read_parameters(resource)))
        return OperationCall(fhir, resource_type, resource_id, given)
    return OperationCall(fhir, resource_type, resource_id, Parameters(tuple(pairs)), resource)


def _body(request: AnyRequest, body: bytes) -> dict[str, Any] | None:
    if not body.strip():
        return None
    requests.check_content(request, requests.JSON_TYPES)
    return decode(body)
