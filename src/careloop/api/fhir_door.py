"""The short way in for the five interactions that make up nearly all traffic: read, search, create, update, delete.

A request that is plain (a known type, a bearer token that this process has just looked up, a body of known size) goes
straight to what its route would call (`fhir_interactions`), past routing, dependencies and response objects of the web
framework, which cost more than the work itself. Everything else takes the route. Both give the same answer, and both
are counted alike.
"""

import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from litestar import Litestar, Request
from litestar.connection.base import empty_send
from litestar.exceptions import HTTPException
from litestar.types import Receive, Scope, Send

from careloop.access.model import Principal
from careloop.api import fhir_answers as answers
from careloop.api import fhir_interactions as interactions
from careloop.api.authentication import note_denied, remembered
from careloop.api.fhir_answers import Answer
from careloop.api.fhir_requests import AnyRequest
from careloop.api.metrics import count
from careloop.errors import CareloopError
from careloop.flows.app import App

Interaction = Callable[[AnyRequest, Principal, str, str, bytes], Awaitable[Answer]]

_TYPE, _ONE = "/fhir/{resource_type}", "/fhir/{resource_type}/{resource_id}"
_WAYS: Mapping[tuple[str, bool], tuple[Interaction, str]] = {
    ("GET", True): (interactions.reads, _ONE),
    ("GET", False): (interactions.searches, _TYPE),
    ("POST", False): (interactions.creates, _TYPE),
    ("PUT", True): (interactions.updates, _ONE),
    ("DELETE", True): (interactions.deletes, _ONE),
}
"""By method and whether the address names one resource: what is done, and the route under which it is counted."""

_PATH = re.compile(r"/fhir/([A-Z][A-Za-z]+)(?:/([A-Za-z0-9][A-Za-z0-9.-]*))?")
_HOST = re.compile(r"[0-9A-Za-z.:\[\]-]+")
_OTHERWISE = (b"_format", b"_pretty")
"""Parameters that say how an answer is written."""
_OWN_WAYS = ("Binary", "AuditEvent")
_BODIES = ("POST", "PUT")


class Plain(Request[Any, Any, Any]):
    """A request whose headers are read once, by lower-case names."""

    def __init__(self, scope: Scope, receive: Receive, headers: Mapping[str, str]) -> None:
        super().__init__(scope, receive, empty_send)
        self._plain = headers

    @property
    def headers(self) -> Any:
        """The headers by their names in lower case."""
        return self._plain


@dataclass(frozen=True, slots=True)
class Way:
    """A request that takes the short way: who asks what, and of which size the body is."""

    interaction: Interaction
    route: str
    resource_type: str
    resource_id: str
    principal: Principal
    headers: Mapping[str, str]
    size: int


@dataclass(frozen=True)
class Door:
    """The short way into one process. `unexpected` words what should not have happened."""

    app: App
    framework: Litestar
    unexpected: Callable[[AnyRequest, Exception], Any]

    def way_of(self, scope: Any) -> Way | None:
        """How the request goes in by the short way; None where it must take its route."""
        found = _PATH.fullmatch(scope["path"])
        if found is None:
            return None
        method: str = str(scope.get("method"))
        kind, identity = found[1], found[2]
        known = _WAYS.get((method, identity is not None))
        if known is None or kind in _OWN_WAYS or kind not in self.app.record.definitions.types:
            return None
        if scope.get("root_path"):
            return None
        query: bytes = scope["query_string"]
        if query and any(one in query for one in _OTHERWISE):
            return None
        headers = _headers(scope["headers"])
        size = _size(headers) if method in _BODIES else 0
        if size is None or size > self.app.settings.max_body_bytes or not _HOST.fullmatch(headers.get("host", "")):
            return None
        principal = remembered(self.app, headers.get("authorization", ""), scope.get("client"))
        if principal is None:
            return None
        return Way(known[0], known[1], kind, identity or "", principal, headers, size)

    async def answer(self, way: Way, scope: Scope, receive: Receive, send: Send) -> None:
        """The request is answered, whatever comes of it."""
        started = time.perf_counter()
        scope["app"] = scope["litestar_app"] = self.framework
        request = Plain(scope, receive, way.headers)
        body = await _body(receive) if way.size else b""
        if body is None:
            return
        try:
            told: Any = await way.interaction(request, way.principal, way.resource_type, way.resource_id, body)
        except CareloopError as error:
            await note_denied(self.app, way.principal, error, request.method, way.resource_type)
            told = answers.refused(request, error)
        except HTTPException as error:
            told = answers.refused_by_http(request, error)
        except Exception as error:  # noqa: BLE001 - the outermost edge: nothing of the error leaves but its id
            told = self.unexpected(request, error)
        try:
            await answers.send(told, request, scope, receive, send)
        finally:
            count(str(request.method), way.route, str(told.status_code), time.perf_counter() - started)


def _headers(raw: Any) -> Mapping[str, str]:
    """By lower-case names; none where one comes twice, of which the route makes what it makes."""
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in raw}
    return headers if len(headers) == len(raw) else {}


def _size(headers: Mapping[str, str]) -> int | None:
    """What Content-Length says; None where it says nothing that can be relied on."""
    text = headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 12 else None


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None where the client went away."""
    parts: list[bytes] = []
    while True:
        message: Any = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return parts[0] if len(parts) == 1 else b"".join(parts)
