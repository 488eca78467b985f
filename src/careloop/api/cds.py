"""`/cds-services`: CDS Hooks 2.0. Discovery is open; a service answers an EHR that signed its request (JWT) only."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.exceptions import HTTPException
from litestar.params import FromPath, RawBody

from careloop.access.model import Principal
from careloop.api.authentication import address_of, app_of
from careloop.api.oauth import trusted_base
from careloop.errors import CareloopError, NotAuthenticated, NotFound, NotPermitted, Rejected, Unavailable
from careloop.fhir.jsons import decode_value, encode
from careloop.flows import cds

_AnyRequest = Request[Any, Any, Any]
_MOST_BYTES = 2_000_000
_NO_STORE: Final = {"Cache-Control": "no-store"}


@get("/cds-services", sync_to_thread=False)
def discovery() -> Response[dict[str, Any]]:
    """The services that there are."""
    return Response({"services": list(cds.SERVICES)})


@post("/cds-services/{service:str}", sync_to_thread=True, status_code=200)
def call(request: _AnyRequest, service: FromPath[str], body: RawBody) -> Response[bytes]:
    """The cards of a service for one patient."""
    principal = _principal(request)
    base = trusted_base(request)
    cards = cds.answer(app_of(request), principal, service, _object(body), base)
    return Response(encode({"cards": cards}), media_type="application/json", headers=_NO_STORE)


@post("/cds-services/{service:str}/feedback", sync_to_thread=True, status_code=200)
def feedback(request: _AnyRequest, service: FromPath[str], body: RawBody) -> Response[dict[str, Any]]:
    """What clinicians did with cards is stored."""
    principal = _principal(request)
    cds.keep_feedback(app_of(request), principal, service, _object(body))
    return Response({}, headers=_NO_STORE)


def _principal(request: _AnyRequest) -> Principal:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise NotAuthenticated("a signed request is expected")
    audience = f"{trusted_base(request)}{request.url.path}"
    principal = cds.authenticate(app_of(request), token.strip(), audience, address_of(request))
    request.scope["state"]["principal"] = principal
    return principal


def _object(body: bytes) -> Mapping[str, Any]:
    if len(body) > _MOST_BYTES:
        raise Rejected(at="body", expected=f"at most {_MOST_BYTES} bytes", code="too-long")
    found = decode_value(body)
    if not isinstance(found, Mapping):
        raise Rejected(at="body", expected="a JSON object", code="structure")
    return found


def answer_error(request: _AnyRequest, error: CareloopError) -> Response[dict[str, Any]]:
    """The error with its status; nothing of what came in is repeated."""
    match error:
        case NotAuthenticated():
            return Response({"error": error.message}, status_code=401, headers={"WWW-Authenticate": "Bearer"})
        case NotPermitted():
            return Response({"error": error.message}, status_code=403)
        case NotFound():
            return Response({"error": error.message}, status_code=404)
        case Unavailable():
            wait = {"Retry-After": str(error.retry_after_seconds)}
            return Response({"error": error.message}, status_code=503, headers=wait)
        case _:
            return Response({"error": error.message}, status_code=400)


def answer_http_error(request: _AnyRequest, error: HTTPException) -> Response[dict[str, Any]]:
    """What the framework refused before a handler saw it."""
    return Response({"error": "the request is not one that this service takes"}, status_code=error.status_code)


exception_handlers: Final[dict[Any, Any]] = {CareloopError: answer_error, HTTPException: answer_http_error}
routes: Final = [discovery, call, feedback]
