"""The FHIR R4 interactions over HTTP. Each handler reads the request, calls one flow, and words the answer."""

from functools import partial
from typing import Any

from litestar import delete, patch, post, put, route
from litestar.concurrency import sync_to_thread
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException
from litestar.params import FromPath, RawBody

from careloop.access.model import Principal
from careloop.access.policy import may
from careloop.api import fhir_answers as answers
from careloop.api import fhir_binary as binaries
from careloop.api import fhir_requests as requests
from careloop.api.fhir_answers import Answer
from careloop.api.fhir_media import JSON_TYPES
from careloop.api.fhir_requests import AnyRequest, FhirRequest, Pairs
from careloop.api.fhir_shaping import shaped, texts_of
from careloop.api.operations import OPERATIONS
from careloop.api.operations.in_bundles import operate_with
from careloop.errors import Rejected
from careloop.fhir.jsons import encode
from careloop.flows import bundles
from careloop.flows.histories import read_asked
from careloop.flows.interactions import Interaction
from careloop.record import Stored, Write

Path = FromPath[str]
Known = NamedDependency[Principal]
Resource = dict[str, Any]

_READ_ONLY = frozenset({"AuditEvent"})
_LARGE = 100_000

reading = partial(route, http_method=["GET", "HEAD"], status_code=200, sync_to_thread=True)
"""A route that reads: HEAD gets what GET gets, without the body (FHIR R4 http, section 3.1.0.1.13)."""

gathered = partial(route, http_method=["GET", "HEAD"], status_code=200)
"""The same for a route that is done with others that arrive now."""


@gathered("/{resource_type:str}/{resource_id:str}")
async def read(request: AnyRequest, principal: Known, resource_type: Path, resource_id: Path) -> Answer:
    """The current version of a resource."""
    fhir = _reading(request, principal, resource_type)
    return _of_stored(fhir, await fhir.read(resource_type, resource_id))


@reading("/{resource_type:str}/{resource_id:str}/_history/{version:str}")
def vread(request: AnyRequest, principal: Known, resource_type: Path, resource_id: Path, version: Path) -> Answer:
    """One version of a resource."""
    _refuse_unversioned(resource_type)
    fhir = _reading(request, principal, resource_type)
    number = requests.version_of(version, "address")
    return _of_stored(fhir, fhir.run(lambda door: door.vread(resource_type, resource_id, number)))


@gathered("/{resource_type:str}")
async def search(request: AnyRequest, principal: Known, resource_type: Path) -> Answer:
    """A page of the resources of a type that satisfy the parameters."""
    return await _search(_asked(request, principal, resource_type), resource_type, None)


@post("/{resource_type:str}/_search", status_code=200)
async def search_by_form(request: AnyRequest, principal: Known, resource_type: Path, body: RawBody) -> Answer:
    """The same with the parameters in a form, so that they stay out of addresses and logs."""
    return await _search(_asked(request, principal, resource_type), resource_type, requests.form_body(request, body))


@post("/{resource_type:str}")
async def create(request: AnyRequest, principal: Known, resource_type: Path, body: RawBody) -> Answer:
    """A new resource; with `If-None-Exist` only where the condition names none."""
    fhir = _writing(request, principal, resource_type)
    resource = await _content(request, body, resource_type)
    if_none_exist = fhir.header("if-none-exist")
    if if_none_exist is None:
        written = await fhir.write(Write(method="create", resource_type=resource_type, resource=resource))
    else:
        written = await fhir.alone(lambda door: door.create(resource_type, resource, if_none_exist))
    return answers.of_written(fhir, written)


@put("/{resource_type:str}/{resource_id:str}")
async def update(
    request: AnyRequest, principal: Known, resource_type: Path, resource_id: Path, body: RawBody
) -> Answer:
    """The resource has this content; it is created where it did not exist."""
    fhir = _writing(request, principal, resource_type)
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


@put("/{resource_type:str}", sync_to_thread=True)
def conditional_update(request: AnyRequest, principal: Known, resource_type: Path, body: RawBody) -> Answer:
    """The one resource that the parameters name has this content."""
    fhir = _writing(request, principal, resource_type)
    resource, if_match = requests.resource_body(request, body, resource_type), fhir.if_match
    written = fhir.run(lambda door: door.conditional_update(resource_type, fhir.query, resource, if_match=if_match))
    return answers.of_written(fhir, written)


@patch("/{resource_type:str}/{resource_id:str}", sync_to_thread=True)
def patch_one(request: AnyRequest, principal: Known, resource_type: Path, resource_id: Path, body: RawBody) -> Answer:
    """The resource as a JSON Patch leaves it."""
    fhir = _writing(request, principal, resource_type)
    operations, if_match = requests.patch_body(request, body), fhir.if_match
    written = fhir.run(lambda door: door.patch(resource_type, resource_id, operations, if_match=if_match))
    return answers.of_written(fhir, written)


@patch("/{resource_type:str}", sync_to_thread=True)
def conditional_patch(request: AnyRequest, principal: Known, resource_type: Path, body: RawBody) -> Answer:
    """The one resource that the parameters name, as a JSON Patch leaves it."""
    fhir = _writing(request, principal, resource_type)
    operations, if_match = requests.patch_body(request, body), fhir.if_match
    written = fhir.run(lambda door: door.conditional_patch(resource_type, fhir.query, operations, if_match=if_match))
    return answers.of_written(fhir, written)


@delete("/{resource_type:str}/{resource_id:str}", status_code=200)
async def delete_one(request: AnyRequest, principal: Known, resource_type: Path, resource_id: Path) -> Answer:
    """The resource is gone; its history stays."""
    fhir = _writing(request, principal, resource_type)
    write = Write(method="delete", resource_type=resource_type, id=resource_id, if_match=fhir.if_match)
    return answers.of_deleted(await fhir.write(write))


@delete("/{resource_type:str}", sync_to_thread=True, status_code=200)
def conditional_delete(request: AnyRequest, principal: Known, resource_type: Path) -> Answer:
    """The one resource that the parameters name is gone."""
    fhir = _writing(request, principal, resource_type)
    if_match = fhir.if_match
    return answers.of_deleted(
        fhir.run(lambda door: door.conditional_delete(resource_type, fhir.query, if_match=if_match))
    )


@reading("/{resource_type:str}/{resource_id:str}/_history")
def history_of_one(request: AnyRequest, principal: Known, resource_type: Path, resource_id: Path) -> Answer:
    """The versions of a resource, newest first."""
    _refuse_unversioned(resource_type)
    fhir = _asked(request, principal, resource_type)
    return _history(fhir, resource_type, resource_id, f"{resource_type}/{resource_id}/_history")


@reading("/{resource_type:str}/_history")
def history_of_type(request: AnyRequest, principal: Known, resource_type: Path) -> Answer:
    """The versions of all resources of a type, newest first."""
    _refuse_unversioned(resource_type)
    return _history(_asked(request, principal, resource_type), resource_type, None, f"{resource_type}/_history")


@reading("/_history")
def history_of_all(request: AnyRequest, principal: Known) -> Answer:
    """Every version of everything, newest first."""
    requests.check_accept(request)
    return _history(FhirRequest(request, principal), None, None, "_history")


@post("/", sync_to_thread=True, status_code=200)
def bundle(request: AnyRequest, principal: Known, body: RawBody) -> Answer:
    """A batch or transaction bundle."""
    requests.check_accept(request)
    fhir = FhirRequest(request, principal)
    given = requests.resource_body(request, body, "Bundle")
    prefers, operate = fhir.preferred_return, operate_with(OPERATIONS, fhir)
    done = fhir.run(
        lambda door: bundles.execute(
            door.app, door.tx, principal, given, base=fhir.base, prefers=prefers, operate=operate
        )
    )
    return answers.answer(encode(done))


async def _search(fhir: FhirRequest, resource_type: str, form: bytes | None) -> Answer:
    asked = fhir.parameters(form)
    return await fhir.look(lambda door: _page(fhir, door, resource_type, asked))


def _page(fhir: FhirRequest, door: Interaction, resource_type: str, asked: Pairs) -> Answer:
    page = door.search(resource_type, asked, fhir.base, lenient=fhir.lenient)
    return answers.of_page(fhir, page, resource_type, asked, texts_of(list(page.entries), page.request))


def _history(fhir: FhirRequest, resource_type: str | None, resource_id: str | None, path: str) -> Answer:
    pairs = fhir.parameters()
    asked = read_asked(pairs)
    page = fhir.run(lambda door: door.history(resource_type, resource_id, asked))
    return answers.of_history(fhir, page, path, pairs)


def _of_stored(fhir: FhirRequest, stored: Stored) -> Answer:
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


def _asked(request: AnyRequest, principal: Principal, resource_type: str) -> FhirRequest:
    requests.check_accept(request)
    return _of_type(request, principal, resource_type)


def _reading(request: AnyRequest, principal: Principal, resource_type: str) -> FhirRequest:
    """A read. What a client accepts of a Binary depends on what the Binary holds."""
    if resource_type != "Binary":
        requests.check_accept(request)
    return _of_type(request, principal, resource_type)


def _of_type(request: AnyRequest, principal: Principal, resource_type: str) -> FhirRequest:
    fhir = FhirRequest(request, principal)
    if not fhir.app.record.definitions.of(resource_type):
        raise Rejected(at="address", expected="a FHIR R4 resource type", code="not-supported")
    return fhir


def _writing(request: AnyRequest, principal: Principal, resource_type: str) -> FhirRequest:
    fhir = _asked(request, principal, resource_type)
    _refuse_unversioned(resource_type)
    return fhir


def _refuse_unversioned(resource_type: str) -> None:
    if resource_type in _READ_ONLY:
        raise HTTPException(status_code=405, detail=f"{resource_type} can be read and searched only")


handlers = [
    read, vread, search, search_by_form, create, update, conditional_update, patch_one, conditional_patch, delete_one,
    conditional_delete, history_of_one, history_of_type, history_of_all, bundle,
]  # fmt: skip
