"""`POST /api/documents`: a C-CDA document as it is; what became of it, each fault named."""

from typing import Any

from litestar import Request, Response, Router, post
from litestar.di import NamedDependency
from litestar.params import RawBody

from careloop.access.model import Principal
from careloop.api.authentication import AUTHENTICATED, app_of
from careloop.api.inbox import exception_handlers
from careloop.errors import Rejected
from careloop.flows import documents

_AnyRequest = Request[Any, Any, Any]
_Known = NamedDependency[Principal]
_XML = frozenset({"application/xml", "text/xml", "application/hl7-sda+xml", "application/cda+xml"})
_NO_STORE = {"Cache-Control": "no-store"}


@post("/documents", sync_to_thread=True)
def take_document(request: _AnyRequest, principal: _Known, body: RawBody) -> Response[dict[str, Any]]:
    """201 with what was written and every fault of a document that was taken in part; 200 when the same bytes were
    there; 400 with the place and what was expected there when it could not be used (it waits in the inbox then)."""
    documents.require_import(principal)
    kind = (request.headers.get("content-type") or "").partition(";")[0].strip().lower()
    if kind not in _XML:
        raise Rejected(at="Content-Type", expected=f"one of {', '.join(sorted(_XML))}", code="not-supported")
    app = app_of(request)
    done = documents.import_document(app, app.tenant(principal.tenant_id), principal, body, "POST /api/documents")
    facts = {
        "inbox_id": done.inbox_id,
        "document": done.document,
        "patient": f"Patient/{done.patient_id}",
        "created": done.created,
        "updated": done.updated,
        "unchanged": done.unchanged,
        "faults": [{"at": one.at, "expected": one.expected, "severity": one.severity} for one in done.faults],
    }
    return Response(facts, status_code=200 if done.repeated else 201, headers=_NO_STORE)


routes = [
    Router(
        path="/api",
        route_handlers=[take_document],
        dependencies=AUTHENTICATED,
        exception_handlers=dict(exception_handlers),
    )
]
