"""Read, search, create, update and delete, from the request to the answer: for the routes and for the short way in
(`fhir_door`). Each reads the request, has one flow done with others that arrive now, and words the answer."""

from typing import Any

from litestar.concurrency import sync_to_thread
from litestar.exceptions import HTTPException

from careloop.access.model import Principal
from careloop.access.policy import may
from careloop.api import fhir_answers as answers
from careloop.api import fhir_binary as binaries
from careloop.api import fhir_requests as requests
from careloop.api.fhir_answers import Answer
from careloop.api.fhir_media import JSON_TYPES
from careloop.api.fhir_requests import AnyRequest, FhirRequest, Pairs
from careloop.api.fhir_shaping import shaped, texts_of
from careloop.errors import Rejected
from careloop.flows.interactions import Interaction
from careloop.record import Stored, Write
from careloop.record.search import Steps

Resource = dict[str, Any]

_READ_ONLY = frozenset({"AuditEvent"})
_LARGE = 100_000


async def reads(
    request: AnyRequest, principal: Principal, resource_type: str, resource_id: str = "", body: bytes = b""
) -> Answer:
    """The current version of a resource."""
    fhir = reading_of(request, principal, resource_type)
    return answer_of_stored(fhir, await fhir.read(resource_type, resource_id))


async def searches(
    request: AnyRequest, principal: Principal, resource_type: str, resource_id: str = "", body: bytes = b""
) -> Answer:
    """A page of the resources of a type that satisfy the parameters of the address."""
    return await searched(asked_of(request, principal, resource_type), resource_type, None)


async def creates(
    request: AnyRequest, principal: Principal, resource_type: str, resource_id: str = "", body: bytes = b""
) -> Answer:
    """A new resource; with `If-None-Exist` only where the condition names none."""
    fhir = writing_of(request, principal, resource_type)
    resource = await _content(request, body, resource_type)
    if_none_exist = fhir.header("if-none-exist")
    if if_none_exist is None:
        written = await fhir.write(Write(method="create", resource_type=resource_type, resource=resource))
    else:
        written = await fhir.alone(lambda door: door.create(resource_type, resource, if_none_exist))
    return answers.of_written(fhir, written)


async def updates(
    request: AnyRequest, principal: Principal, resource_type: str, resource_id: str = "", body: bytes = b""
) -> Answer:
    """The resource has this content; it is created where it did not exist."""
    fhir = writing_of(request, principal, resource_type)
    resource = await _content(request, body, resource_type)
    if resource.get("id", resource_id) != resource_id:
        raise Rejected(at=f"{resource_type}.id", expected="the id of the address", code="value")
    write = Write(
        method="update",
        resource_type=resource_type,
        id=resource_id,
        resource=resource,
        if_match=fhir.if_match,
        if_none_match_any=fhir.if_none_match == "*",
    )
    if may(principal, "create", resource_type):
        return answers.of_written(fhir, await fhir.write(write))
    return answers.of_written(fhir, await fhir.alone(lambda door: door.updated(write)))


async def deletes(
    request: AnyRequest, principal: Principal, resource_type: str, resource_id: str = "", body: bytes = b""
) -> Answer:
    """The resource is gone; its history stays."""
    fhir = writing_of(request, principal, resource_type)
    write = Write(method="delete", resource_type=resource_type, id=resource_id, if_match=fhir.if_match)
    return answers.of_deleted(await fhir.write(write))


async def searched(fhir: FhirRequest, resource_type: str, form: bytes | None) -> Answer:
    """A page of what satisfies the parameters of the address and of a form."""
    asked = fhir.parameters(form)
    return await fhir.search(lambda door: _page(fhir, door, resource_type, asked))


def _page(fhir: FhirRequest, door: Interaction, resource_type: str, asked: Pairs) -> Steps[Answer]:
    page = yield from door.searching(resource_type, asked, fhir.base, lenient=fhir.lenient)
    return answers.of_page(fhir, page, resource_type, asked, texts_of(list(page.entries), page.request))


def answer_of_stored(fhir: FhirRequest, stored: Stored) -> Answer:
    """A read or a version read, the part of it that was asked for."""
    if stored.resource_type == "Binary":
        raw = binaries.raw_answer(fhir, stored)
        if raw is not None:
            return raw
        requests.check_accept(fhir.request)
    if not fhir.query:
        return answers.of_stored(fhir, stored)
    pairs = fhir.parameters()
    elements = tuple(filter(None, (requests.take(pairs, "_elements") or "").split(",")))
    return answers.of_stored(fhir, stored, shaped(stored, requests.take(pairs, "_summary"), elements))


async def _content(request: AnyRequest, body: bytes, resource_type: str) -> Resource:
    """The resource to be written. A large body is read in a thread, so that others need not wait for it."""
    if len(body) > _LARGE:
        return await sync_to_thread(_content_now, request, body, resource_type)
    return _content_now(request, body, resource_type)


def _content_now(request: AnyRequest, body: bytes, resource_type: str) -> Resource:
    """The resource in a body; for a Binary also its content as it is."""
    if resource_type == "Binary" and requests.content_type(request) not in ("", *JSON_TYPES):
        return binaries.binary_of(request, body)
    return requests.resource_body(request, body, resource_type)


def asked_of(request: AnyRequest, principal: Principal, resource_type: str) -> FhirRequest:
    """A request about a type of FHIR R4 by a client that takes JSON."""
    requests.check_accept(request)
    return _of_type(request, principal, resource_type)


def reading_of(request: AnyRequest, principal: Principal, resource_type: str) -> FhirRequest:
    """A read. What a client accepts of a Binary depends on what the Binary holds."""
    if resource_type != "Binary":
        requests.check_accept(request)
    return _of_type(request, principal, resource_type)


def _of_type(request: AnyRequest, principal: Principal, resource_type: str) -> FhirRequest:
    fhir = FhirRequest(request, principal)
    if not fhir.app.record.definitions.of(resource_type):
        raise Rejected(at="address", expected="a FHIR R4 resource type", code="not-supported")
    return fhir


def writing_of(request: AnyRequest, principal: Principal, resource_type: str) -> FhirRequest:
    """The same about a type that can be written."""
    fhir = asked_of(request, principal, resource_type)
    refuse_unversioned(resource_type)
    return fhir


def refuse_unversioned(resource_type: str) -> None:
    """405 for what nobody can write and what has no versions."""
    if resource_type in _READ_ONLY:
        raise HTTPException(status_code=405, detail=f"{resource_type} can be read and searched only")
