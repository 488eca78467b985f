"""Who is asking? A bearer token of a client or the session cookie of a person becomes a `Principal`.

Handlers take `principal: Principal` from the dependency (`AUTHENTICATED`); the tenant follows from it and from nothing
else. A request with a cookie that changes anything must also show the session's CSRF token and come from our own
pages. The running `App` is `application.state.careloop`.
"""

from typing import Any, Final

from litestar.concurrency import sync_to_thread
from litestar.connection import ASGIConnection, Request
from litestar.di import Provide
from litestar.types import Scope

from careloop.access import accounts
from careloop.access.browser import (
    CSRF_HEADER,
    SAFE_METHODS,
    SESSION_COOKIE,
    BrowserRequest,
    check_csrf,
    check_origin,
)
from careloop.access.model import Principal
from careloop.access.sessions import tenant_of
from careloop.access.tokens import TokenCache
from careloop.errors import NotAuthenticated, NotPermitted
from careloop.flows.accounts import current_session, record_denial
from careloop.flows.app import App

CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="careloop"'}
"""Goes with every 401 (RFC 6750 §3)."""

_tokens = TokenCache()


def app_of(connection: ASGIConnection[Any, Any, Any, Any]) -> App:
    """The running app of this process."""
    app: App = connection.app.state.careloop
    return app


def address_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str | None:
    """The network address that the request came from; never what a header claims."""
    return connection.client.host if connection.client else None


async def provide_principal(request: Request[Any, Any, Any]) -> Principal:
    """The authenticated actor: by bearer token, else by session cookie; `NotAuthenticated` without either."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        principal = await _principal_of_token(request, token.strip())
    elif scheme:
        raise NotAuthenticated("a bearer token is expected")
    else:
        principal = await _principal_of_cookie(request)
    request.scope["state"]["principal"] = principal
    return principal


async def note_denial(error: Exception, scope: Scope) -> None:
    """Hook `after_exception`: what was denied to a known principal is in the audit trail before the answer leaves."""
    principal = scope.get("state", {}).get("principal")
    if principal is not None:
        app: App = scope["litestar_app"].state.careloop
        resource_type = scope.get("path_params", {}).get("resource_type")
        await note_denied(app, principal, error, str(scope.get("method", "")), resource_type)


async def note_denied(app: App, principal: Principal, error: Exception, method: str, resource_type: str | None) -> None:
    """The same for a principal and a type that are known; nothing where the error is no denial."""
    if not isinstance(error, NotPermitted) or isinstance(error, NotAuthenticated):
        return
    await sync_to_thread(
        record_denial,
        app,
        principal,
        subtype=method.lower(),
        resource_type=str(resource_type) if resource_type else None,
        detail=error.message,
    )


def remembered(app: App, authorization: str, client: tuple[str, int] | None) -> Principal | None:
    """Who asks, where a bearer token says so that this process has just looked up; None: ask `provide_principal`."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        return None
    found = _tokens.recall(token.strip(), app.clock.now())
    return None if found is None else found.principal(client[0] if client else None)


async def _principal_of_token(request: Request[Any, Any, Any], token: str) -> Principal:
    app = app_of(request)
    now = app.clock.now()
    found = _tokens.recall(token, now)
    if found is None:
        found = await sync_to_thread(_tokens.look_up, app.database, token, now)
    principal = found.principal(address_of(request))
    if principal.sight is not None and not f"{request.url.path}/".startswith("/fhir/"):
        raise NotPermitted("an app that sees a part of the record only is for FHIR")
    return principal


async def _principal_of_cookie(request: Request[Any, Any, Any]) -> Principal:
    token = request.cookies.get(SESSION_COOKIE, "")
    session = await sync_to_thread(current_session, app_of(request), token)
    tenant_id = tenant_of(token)
    assert tenant_id is not None
    if request.method not in SAFE_METHODS:
        check_origin(_browser_request(request))
        check_csrf(token, request.headers.get(CSRF_HEADER, ""))
    return accounts.principal_of(tenant_id, session.account, address_of(request))


def _browser_request(request: Request[Any, Any, Any]) -> BrowserRequest:
    return BrowserRequest(
        scheme=str(request.scope.get("scheme", "http")),
        host=request.headers.get("host", ""),
        origin=request.headers.get("origin", ""),
        referer=request.headers.get("referer", ""),
    )


AUTHENTICATED: Final = {"principal": Provide(provide_principal)}
"""For a router: every handler below it may take `principal`."""
