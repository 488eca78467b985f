"""FHIR answers: stored text as it is, ETag, Last-Modified, Location, OperationOutcome."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode

from litestar import Response
from litestar.exceptions import HTTPException
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

from careloop.access.browser import SESSION_COOKIE
from careloop.api.authentication import CHALLENGE
from careloop.api.fhir_requests import AnyRequest, FhirRequest, wanted_media
from careloop.errors import CareloopError, Fault, NotAuthenticated, Unavailable
from careloop.events import ChangeKind
from careloop.fhir.jsons import encode, indented
from careloop.flows.bundle_answers import etag_of, history_bundle, page_text
from careloop.flows.outcomes import outcome, outcome_of, status_of
from careloop.record import HistoryPage, SearchPage, Stored, Written
from careloop.record.charts import ChartPage

MEDIA_TYPE = "application/fhir+json; charset=utf-8"
_PRIVATE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_HTTP_CODES = {
    404: "not-found", 405: "not-supported", 406: "not-supported", 413: "too-long", 415: "not-supported",
}  # fmt: skip

_BODILESS = (204, 304)
_OPEN = ("/fhir/metadata", "/fhir/.well-known/")


class Answer(Response[bytes]):
    """JSON in the media type that the client wants, laid out for reading with `_pretty`, without its body for HEAD."""

    def to_asgi_response(self, app: Any, request: AnyRequest, **given: Any) -> ASGIResponse:
        """The bytes that leave; their length is told for HEAD too."""
        if self.media_type == MEDIA_TYPE:
            self.media_type = _media_type_of(request)
            if self.content and b"_pretty=true" in request.scope["query_string"]:
                self.content = indented(self.content)
        response = super().to_asgi_response(app, request, **given)
        if request.scope["method"] == "HEAD":
            response.body, response.is_head_response = b"", True
        return response


async def send(told: Response[Any], request: AnyRequest, scope: Scope, receive: Receive, send: Send) -> None:
    """An answer leaves without the framework. The same bytes as if its route had given it."""
    if not isinstance(told, Answer) or told.media_type != MEDIA_TYPE:
        await told.to_asgi_response(None, request)(scope, receive, send)
        return
    status: int = told.status_code or 200
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in told.headers.items()]
    if status not in _BODILESS:
        media_type = _media_type_of(request)
        headers.append((b"content-type", media_type.encode("latin-1")))
        headers.append((b"content-length", b"%d" % len(told.content)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": told.content, "more_body": False})


def answer(content: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Bytes of JSON, never to be cached."""
    return Answer(content, status_code=status, media_type=MEDIA_TYPE, headers={**_PRIVATE, **(headers or {})})


def of_stored(request: FhirRequest, stored: Stored, content: bytes | None = None) -> Answer:
    """A read: 304 where the client has this version already."""
    headers = version_headers(stored.version, stored.last_updated)
    if is_known(request, stored):
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
    return answer(page_text(page, request.base, links, texts))


def of_chart(request: FhirRequest, page: ChartPage, path: str, asked: Sequence[tuple[str, str]]) -> Answer:
    """A page of `$everything`, whose entries the database has put together."""
    rest = SearchPage(entries=(), included=page.included, total=page.total, next_cursor=page.next_cursor)
    content = of_page(request, rest, path, asked, {}).content
    if not page.entries:
        return answer(content)
    opening = b'"entry":['
    if page.included:
        return answer(content.replace(opening, opening + page.entries.encode() + b",", 1))
    return answer(content[:-1] + b"," + opening + page.entries.encode() + b"]}")


def of_history(request: FhirRequest, page: HistoryPage, path: str, asked: Sequence[tuple[str, str]]) -> Answer:
    """Part of a history with its links."""
    kept = [pair for pair in asked if pair[0] != "_cursor"]
    links = [("self", _link(request, path, asked))]
    if page.next_cursor is not None:
        links.append(("next", _link(request, path, [*kept, ("_cursor", page.next_cursor)])))
    return answer(encode(history_bundle(page, request.base, links)))


def is_known(request: FhirRequest, stored: Stored) -> bool:
    """True where the client has this version already, as `If-None-Match` or `If-Modified-Since` tells."""
    if (etags := request.if_none_match) is not None:
        return etag_of(stored.version) in [one.strip() for one in etags.split(",")] or etags.strip() == "*"
    since = request.if_modified_since
    return since is not None and stored.last_updated.replace(microsecond=0) <= since


def version_headers(version: int, last_updated: datetime) -> dict[str, str]:
    """ETag and Last-Modified of a version."""
    return {"ETag": etag_of(version), "Last-Modified": format_datetime(last_updated, usegmt=True)}


def failed(at: str, reason: str) -> Answer:
    """500 with the reason, which is in the product's own words."""
    return answer(encode(outcome([Fault(at=at, expected=reason, code="processing")])), 500)


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
    """What the web framework refused (no such route, too large a body) as an OperationOutcome. Whoever shows no
    credential learns nothing of which routes there are."""
    if error.status_code in (404, 405) and not _is_open(request) and not _has_credential(request):
        return refused(request, NotAuthenticated("a bearer token is expected"))
    code = _HTTP_CODES.get(error.status_code, "processing" if error.status_code < 500 else "exception")
    expected = error.detail if error.status_code < 500 else "a server without faults"
    fault = Fault(at="request", expected=expected, code=code)
    return answer(encode(outcome([fault])), error.status_code, dict(error.headers or {}))


def _is_open(request: AnyRequest) -> bool:
    path = request.url.path
    return any(path == one or (one.endswith("/") and path.startswith(one)) for one in _OPEN)


def _has_credential(request: AnyRequest) -> bool:
    return "authorization" in request.headers or SESSION_COOKIE in request.cookies


def _media_type_of(request: AnyRequest) -> str:
    """What the client wants; our own where it wants what we do not have, for it must be told so."""
    try:
        return wanted_media(request)
    except HTTPException:
        return MEDIA_TYPE


def _content(prefers: str, written: Written) -> bytes:
    if prefers == "minimal":
        return b""
    if prefers == "OperationOutcome":
        return encode(outcome(written.warnings))
    return written.text.encode() if written.text is not None else encode(written.resource)


def _link(request: FhirRequest, path: str, pairs: Sequence[tuple[str, str]]) -> str:
    query = urlencode(pairs, safe="|:,/$")
    return f"{request.base}/{path}{'?' if query else ''}{query}"
