"""FHIR answers: stored text as it is, ETag, Last-Modified, Location, OperationOutcome."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode

from litestar import Response
from litestar.exceptions import HTTPException

from careloop.api.authentication import CHALLENGE
from careloop.api.fhir_requests import AnyRequest, FhirRequest
from careloop.errors import CareloopError, Fault, NotAuthenticated, Unavailable
from careloop.events import ChangeKind
from careloop.fhir.jsons import encode
from careloop.flows.bundle_answers import etag_of, history_bundle, page_bundle
from careloop.flows.outcomes import outcome, outcome_of, status_of
from careloop.record import HistoryPage, SearchPage, Stored, Written

MEDIA_TYPE = "application/fhir+json; charset=utf-8"
_PRIVATE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_HTTP_CODES = {
    404: "not-found", 405: "not-supported", 406: "not-supported", 413: "too-long", 415: "not-supported",
}  # fmt: skip

Answer = Response[bytes]


def answer(content: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Bytes of JSON, never to be cached."""
    return Response(content, status_code=status, media_type=MEDIA_TYPE, headers={**_PRIVATE, **(headers or {})})


def of_stored(request: FhirRequest, stored: Stored, content: bytes | None = None) -> Answer:
    """A read: 304 where the client has this version already."""
    headers = version_headers(stored.version, stored.last_updated)
    if _is_known(request, stored):
        return answer(b"", 304, headers)
    return answer(content or stored.text.encode(), 200, headers)


def of_written(request: FhirRequest, written: Written) -> Answer:
    """A create, update or patch, in the form that the client prefers."""
    created = written.change is ChangeKind.CREATED
    headers = version_headers(written.version, written.last_updated)
    if created or written.change is ChangeKind.UNCHANGED:
        headers["Location"] = f"{request.base}/{written.versioned_reference}"
    return answer(_content(request.prefers, written), 201 if created else 200, headers)


def of_deleted(written: Written | None) -> Answer:
    """A delete. Deleting what is not there is done already."""
    version = written.version if written is not None else 0
    return answer(b"", 204, {"ETag": etag_of(version)} if version else {})


def of_page(
    request: FhirRequest, page: SearchPage, path: str, asked: Sequence[tuple[str, str]], texts: dict[str, bytes]
) -> Answer:
    """A page of a search with its links."""
    kept = [pair for pair in asked if pair[0] != "_cursor"]
    links = [("self", _link(request, path, asked))]
    if page.next_cursor is not None:
        links.append(("next", _link(request, path, [*kept, ("_cursor", page.next_cursor)])))
    return answer(encode(page_bundle(page, request.base, links, texts)))


def of_history(request: FhirRequest, page: HistoryPage, path: str, asked: Sequence[tuple[str, str]]) -> Answer:
    """Part of a history with its links."""
    kept = [pair for pair in asked if pair[0] != "_cursor"]
    links = [("self", _link(request, path, asked))]
    if page.next_cursor is not None:
        links.append(("next", _link(request, path, [*kept, ("_cursor", page.next_cursor)])))
    return answer(encode(history_bundle(page, request.base, links)))


def version_headers(version: int, last_updated: datetime) -> dict[str, str]:
    """ETag and Last-Modified of a version."""
    return {"ETag": etag_of(version), "Last-Modified": format_datetime(last_updated, usegmt=True)}


def refused(request: AnyRequest, error: CareloopError) -> Response[Any]:
    """The error as an OperationOutcome."""
    status = status_of(error, writing=str(request.method) not in ("GET", "HEAD"))
    headers: dict[str, str] = {}
    if isinstance(error, NotAuthenticated):
        headers |= CHALLENGE
    if isinstance(error, Unavailable):
        headers["Retry-After"] = str(error.retry_after_seconds)
    return answer(encode(outcome_of(error)), status, headers)


def refused_by_http(request: AnyRequest, error: HTTPException) -> Response[Any]:
    """What the web framework refused (no such route, too large a body) as an OperationOutcome."""
    code = _HTTP_CODES.get(error.status_code, "processing" if error.status_code < 500 else "exception")
    expected = error.detail if error.status_code < 500 else "a server without faults"
    fault = Fault(at="request", expected=expected, code=code)
    return answer(encode(outcome([fault])), error.status_code, dict(error.headers or {}))


def _content(prefers: str, written: Written) -> bytes:
    if prefers == "minimal":
        return b""
    if prefers == "OperationOutcome":
        return encode(outcome(written.warnings))
    return written.text.encode() if written.text is not None else encode(written.resource)


def _is_known(request: FhirRequest, stored: Stored) -> bool:
    if (etags := request.if_none_match) is not None:
        return etag_of(stored.version) in [one.strip() for one in etags.split(",")] or etags.strip() == "*"
    since = request.if_modified_since
    return since is not None and stored.last_updated.replace(microsecond=0) <= since


def _link(request: FhirRequest, path: str, pairs: Sequence[tuple[str, str]]) -> str:
    query = urlencode(pairs, safe="|:,/$")
    return f"{request.base}/{path}{'?' if query else ''}{query}"
