"""The FHIR R4 interactions over HTTP. Each handler reads the request, calls one flow, and words the answer."""

from functools import partial

from litestar import delete, patch, post, put, route
from litestar.di import NamedDependency
from litestar.params import FromPath, RawBody

from careloop.access.model import Principal
from careloop.api import fhir_answers as answers
from careloop.api import fhir_requests as requests
from careloop.api.fhir_answers import Answer
from careloop.api.fhir_interactions import (
    answer_of_stored,
    asked_of,
    creates,
    deletes,
    reading_of,
    reads,
    refuse_unversioned,
    searched,
    searches,
    updates,
    writing_of,
)
from careloop.api.fhir_requests import AnyRequest, FhirRequest
from careloop.api.operations import OPERATIONS
from careloop.api.operations.in_bundles import operate_with
from careloop.fhir.jsons import encode
from careloop.flows import bundles
from careloop.flows.histories import read_asked

Path = FromPath[str]
Known = NamedDependency[Principal]

reading = partial(route, http_method=["GET", "HEAD"], status_code=200, sync_to_thread=True)
"""A route that reads: HEAD gets what GET gets, without the body (FHIR R4 http, section 3.1.0.1.13)."""

gathered = partial(route, http_method=["GET", "HEAD"], status_code=200)
"""The same for a route that is done with others that arrive now."""


@gathered("/{resource_type:str}/{resource_id:str}")
async def read(request: AnyRequest, principal: Known, resource_type: Path, resource_id: Path) -> Answer:
    """The current version of a resource."""
    return await reads(request, principal, resource_type, resource_id)


@reading("/{resource_type:str}/{resource_id:str}/_history/{version:str}")
def vread(request: AnyRequest, principal: Known, resource_type: Path, resource_id: Path, version: Path) -> Answer:
    """One version of a resource."""
    refuse_unversioned(resource_type)
    fhir = reading_of(request, principal, resource_type)
    number = requests.version_of(version, "address")
    return answer_of_stored(fhir, fhir.run(lambda door: door.vread(resource_type, resource_id, number)))


@gathered("/{resource_type:str}")
async def search(request: AnyRequest, principal: Known, resource_type: Path) -> Answer:
    """A page of the resources of a type that satisfy the parameters."""
    return await searches(request, principal, resource_type)


@post("/{resource_type:str}/_search", status_code=200)
async def search_by_form(request: AnyRequest, principal: Known, resource_type: Path, body: RawBody) -> Answer:
    """The same with the parameters in a form, so that they stay out of addresses and logs."""
    return await searched(asked_of(request, principal, resource_type), resource_type, requests.form_body(request, body))


@post("/{resource_type:str}")
async def create(request: AnyRequest, principal: Known, resource_type: Path, body: RawBody) -> Answer:
    """A new resource; with `If-None-Exist` only where the condition names none."""
    return await creates(request, principal, resource_type, body=body)


@put("/{resource_type:str}/{resource_id:str}")
async def update(
    request: AnyRequest, principal: Known, resource_type: Path, resource_id: Path, body: RawBody
) -> Answer:
    """The resource has this content; it is created where it did not exist."""
    return await updates(request, principal, resource_type, resource_id, body)


@put("/{resource_type:str}", sync_to_thread=True)
def conditional_update(request: AnyRequest, principal: Known, resource_type: Path, body: RawBody) -> Answer:
    """The one resource that the parameters name has this content."""
    fhir = writing_of(request, principal, resource_type)
    resource, if_match = requests.resource_body(request, body, resource_type), fhir.if_match
    written = fhir.run(lambda door: door.conditional_update(resource_type, fhir.query, resource, if_match=if_match))
    return answers.of_written(fhir, written)


@patch("/{resource_type:str}/{resource_id:str}", sync_to_thread=True)
def patch_one(request: AnyRequest, principal: Known, resource_type: Path, resource_id: Path, body: RawBody) -> Answer:
    """The resource as a JSON Patch leaves it."""
    fhir = writing_of(request, principal, resource_type)
    operations, if_match = requests.patch_body(request, body), fhir.if_match
    written = fhir.run(lambda door: door.patch(resource_type, resource_id, operations, if_match=if_match))
    return answers.of_written(fhir, written)


@patch("/{resource_type:str}", sync_to_thread=True)
def conditional_patch(request: AnyRequest, principal: Known, resource_type: Path, body: RawBody) -> Answer:
    """The one resource that the parameters name, as a JSON Patch leaves it."""
    fhir = writing_of(request, principal, resource_type)
    operations, if_match = requests.patch_body(request, body), fhir.if_match
    written = fhir.run(lambda door: door.conditional_patch(resource_type, fhir.query, operations, if_match=if_match))
    return answers.of_written(fhir, written)


@delete("/{resource_type:str}/{resource_id:str}", status_code=200)
async def delete_one(request: AnyRequest, principal: Known, resource_type: Path, resource_id: Path) -> Answer:
    """The resource is gone; its history stays."""
    return await deletes(request, principal, resource_type, resource_id)


@delete("/{resource_type:str}", sync_to_thread=True, status_code=200)
def conditional_delete(request: AnyRequest, principal: Known, resource_type: Path) -> Answer:
    """The one resource that the parameters name is gone."""
    fhir = writing_of(request, principal, resource_type)
    if_match = fhir.if_match
    return answers.of_deleted(
        fhir.run(lambda door: door.conditional_delete(resource_type, fhir.query, if_match=if_match))
    )


@reading("/{resource_type:str}/{resource_id:str}/_history")
def history_of_one(request: AnyRequest, principal: Known, resource_type: Path, resource_id: Path) -> Answer:
    """The versions of a resource, newest first."""
    refuse_unversioned(resource_type)
    fhir = asked_of(request, principal, resource_type)
    return _history(fhir, resource_type, resource_id, f"{resource_type}/{resource_id}/_history")


@reading("/{resource_type:str}/_history")
def history_of_type(request: AnyRequest, principal: Known, resource_type: Path) -> Answer:
    """The versions of all resources of a type, newest first."""
    refuse_unversioned(resource_type)
    return _history(asked_of(request, principal, resource_type), resource_type, None, f"{resource_type}/_history")


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


def _history(fhir: FhirRequest, resource_type: str | None, resource_id: str | None, path: str) -> Answer:
    pairs = fhir.parameters()
    asked = read_asked(pairs)
    page = fhir.run(lambda door: door.history(resource_type, resource_id, asked))
    return answers.of_history(fhir, page, path, pairs)


handlers = [
    read, vread, search, search_by_form, create, update, conditional_update, patch_one, conditional_patch, delete_one,
    conditional_delete, history_of_one, history_of_type, history_of_all, bundle,
]  # fmt: skip
