"""`/fhir`: the FHIR R4 base. Everything but `metadata` needs a principal, from whose credential the tenant comes."""

from collections.abc import Mapping
from typing import Any

from litestar import Router, get
from litestar.exceptions import HTTPException

from careloop.api import bulk, fhir_answers, fhir_compartments, fhir_resources, fhir_socket
from careloop.api.authentication import AUTHENTICATED, app_of
from careloop.api.fhir_answers import Answer
from careloop.api.fhir_capabilities import capability_statement
from careloop.api.fhir_requests import AnyRequest, base_of, check_accept
from careloop.api.operations import OPERATIONS
from careloop.api.operations.routing import handlers_of
from careloop.errors import CareloopError
from careloop.fhir.jsons import encode
from careloop.flows.reindexing import offered_to_all
from careloop.flows.subscribing import topics_of

exception_handlers: Mapping[Any, Any] = {
    CareloopError: fhir_answers.refused,
    HTTPException: fhir_answers.refused_by_http,
}


@get("/metadata", sync_to_thread=True)
def metadata(request: AnyRequest) -> Answer:
    """What this server can do, generated from what it does."""
    check_accept(request)
    app = app_of(request)
    return fhir_answers.answer(
        encode(
            capability_statement(
                offered_to_all(app), base_of(request), app.clock.now(), OPERATIONS, sorted(topics_of(app))
            )
        )
    )


routes: list[Any] = [
    Router(
        path="/fhir",
        route_handlers=[metadata, fhir_socket.notifications],
        exception_handlers=dict(exception_handlers),
        include_in_schema=False,
    ),
    Router(
        path="/fhir",
        route_handlers=[
            *bulk.handlers,
            *handlers_of(OPERATIONS),
            *fhir_resources.handlers,
            *fhir_compartments.handlers,
        ],
        dependencies=AUTHENTICATED,
        exception_handlers=dict(exception_handlers),
        include_in_schema=False,
    ),
]
