"""`/api/inbox`: what arrived and could not be used, and its replay (interface.md §3)."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException
from litestar.params import FromPath

from careloop.access.model import Principal
from careloop.api.authentication import AUTHENTICATED, CHALLENGE, app_of
from careloop.errors import (
    CareloopError,
    Conflict,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    PreconditionFailed,
    Rejected,
    Unavailable,
)
from careloop.flows import inbox
from careloop.intake.model import InboxItem

_AnyRequest = Request[Any, Any, Any]
_Known = NamedDependency[Principal]
_NO_STORE = {"Cache-Control": "no-store"}
_MOST = 200


@get("/inbox", sync_to_thread=True)
def list_items(request: _AnyRequest, principal: _Known) -> Response[dict[str, Any]]:
    """Items newest first; `next` is the address of the following page, null on the last."""
    given = request.query_params
    status, control_id = given.get("status") or None, given.get("control_id") or None
    limit = _number(given.get("_count"), 50)
    found = inbox.page(
        app_of(request),
        principal,
        status=status,
        control_id=control_id,
        before=_number(given.get("before"), None),
        limit=min(limit or 50, _MOST),
    )
    answer = {"items": [facts_of(item) for item in found.items], "total": found.total, "next": None}
    if found.next is not None:
        asked = {"status": status, "control_id": control_id, "before": found.next, "_count": limit}
        answer["next"] = "/api/inbox?" + urlencode({key: value for key, value in asked.items() if value is not None})
    return Response(answer, headers=_NO_STORE)


@post("/inbox/{inbox_id:int}/replay", sync_to_thread=True, status_code=200)
def replay(request: _AnyRequest, principal: _Known, inbox_id: FromPath[int]) -> Response[dict[str, Any]]:
    """The item as it stands after the replay. Replaying what is done already changes nothing."""
    return Response(facts_of(inbox.replay(app_of(request), principal, inbox_id)), headers=_NO_STORE)


def facts_of(item: InboxItem) -> dict[str, Any]:
    """One item as JSON: no content of the message."""
    return {
        "id": item.id,
        "kind": item.kind,
        "status": item.status.value,
        "control_id": item.control_id,
        "sender": item.sender,
        "received": item.received.isoformat(timespec="milliseconds"),
        "stage": item.stage,
        "at": item.at,
        "reason": item.reason,
    }


def _number(text: str | None, otherwise: int | None) -> int | None:
    if text is None or text == "":
        return otherwise
    if not text.isdigit() or len(text) > 15:
        raise Rejected(at="query", expected="a whole number", code="value")
    return int(text)


def answer_error(_request: _AnyRequest, error: CareloopError) -> Response[dict[str, Any]]:
    """The error as JSON: what was expected and where, never a value."""
    status = next(code for kind, code in _STATUS.items() if isinstance(error, kind))
    body: dict[str, Any] = {"error": error.message, "code": error.issue_code}
    if isinstance(error, Rejected):
        body["faults"] = [{"at": fault.at, "expected": fault.expected} for fault in error.faults]
    headers = dict(_NO_STORE)
    if isinstance(error, NotAuthenticated):
        headers |= CHALLENGE
    if isinstance(error, Unavailable):
        headers["Retry-After"] = str(error.retry_after_seconds)
    return Response(body, status_code=status, headers=headers)


def answer_http(_request: _AnyRequest, error: HTTPException) -> Response[dict[str, Any]]:
    """What the framework refused, in the same form."""
    return Response({"error": error.detail, "code": "processing"}, status_code=error.status_code, headers=_NO_STORE)


_STATUS: Mapping[type[CareloopError], int] = {
    Rejected: 400,
    NotAuthenticated: 401,
    NotPermitted: 403,
    NotFound: 404,
    PreconditionFailed: 412,
    Conflict: 409,
    Unavailable: 503,
    CareloopError: 500,
}
exception_handlers: Mapping[Any, Any] = {CareloopError: answer_error, HTTPException: answer_http}
routes = [Router(path="/api", route_handlers=[list_items, replay], dependencies=AUTHENTICATED)]
