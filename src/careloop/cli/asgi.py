"""The web application: every route of every edge, behind one door with its limits."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import structlog
from litestar import Litestar, Request, Response
from litestar.datastructures import State
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.types import Receive, Scope, Send
from litestar.types.asgi_types import LifeSpanReceive, LifeSpanScope, LifeSpanSend

from careloop.api import cds, documents, fhir, health, inbox, oauth, oauth_facts, oauth_register, ownership, worklist
from careloop.api.authentication import note_denial
from careloop.api.fhir_door import Door
from careloop.api.metrics import count_requests
from careloop.errors import CareloopError
from careloop.flows.app import App
from careloop.web.partners import pages as partners
from careloop.web.staff import problems
from careloop.web.staff import routes as staff

_log = structlog.get_logger()

EDGES: Mapping[str, Mapping[Any, Any]] = {
    "/fhir": fhir.exception_handlers,
    "/oauth": oauth.exception_handlers,
    "/cds-services": cds.exception_handlers,
    "/api": inbox.exception_handlers,
}
"""Who words an error for a path that no route took: the edge that the path belongs to, else the pages."""


class WebApplication(Litestar):
    """All routes, and before them the short way in of plain FHIR interactions (`api.fhir_door`)."""

    door: Door | None = None

    def serve_from(self, app: App, *, short_way: bool = True) -> None:
        """From now on every answer comes from this app, whose settings are those it was made with."""
        self.state = State({"careloop": app})
        self.door = Door(app, self, answer_unexpected) if short_way else None

    async def __call__(
        self, scope: Scope | LifeSpanScope, receive: Receive | LifeSpanReceive, send: Send | LifeSpanSend
    ) -> None:
        """The entry point of the server."""
        way = self.door.way_of(scope) if self.door is not None and scope["type"] == ScopeType.HTTP else None
        if self.door is not None and way is not None:
            await self.door.answer(way, scope, receive, send)  # type: ignore[arg-type]
        else:
            await super().__call__(scope, receive, send)


def create_asgi(app: App, *, short_way: bool = True) -> WebApplication:
    """All routes over this app. Nothing larger than `max_body_bytes` is read. Without the `short_way` every request
    takes its route; the answers are the same."""
    made = WebApplication(
        route_handlers=[
            *health.routes,
            *fhir.routes,
            *oauth.routes,
            *oauth_facts.routes,
            *cds.routes,
            *oauth_register.routes,
            *inbox.routes,
            *documents.routes,
            *worklist.routes,
            *ownership.routes,
            *partners.routes,
            *staff.routes,
        ],
        request_max_body_size=app.settings.max_body_bytes,
        after_exception=[note_denial],
        middleware=[count_requests],
        exception_handlers={CareloopError: answer_error, HTTPException: answer_error, Exception: answer_unexpected},
        openapi_config=OpenAPIConfig(
            title="Careloop", version="1", path="/api/docs", render_plugins=[JsonRenderPlugin(path="/openapi.json")]
        ),
        logging_config=None,
    )
    made.serve_from(app, short_way=short_way)
    return made


def answer_error(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """The error in the words of the edge that the path belongs to."""
    handlers = handlers_for(request.url.path)
    for kind in type(error).__mro__:
        if kind in handlers:
            answer: Response[Any] = handlers[kind](request, error)
            return answer
    return answer_unexpected(request, error)


def answer_unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """500 with an id that is also in the log; nothing else of the error leaves."""
    error_id = uuid4().hex[:12]
    _log.error("request failed", error_id=error_id, method=str(request.method), exc_info=error)
    return Response({"error": "something went wrong here", "id": error_id}, status_code=500)


def handlers_for(path: str) -> Mapping[Any, Any]:
    """The wording of errors under this path."""
    for prefix, handlers in EDGES.items():
        if path == prefix or path.startswith(f"{prefix}/"):
            return handlers
    return problems.exception_handlers
