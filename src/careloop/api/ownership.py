"""`GET /api/ownership`: who owned what, when. Exactly one answer for every moment since a thing is known."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from careloop.access.model import Principal
from careloop.api.authentication import AUTHENTICATED, app_of
from careloop.errors import Rejected
from careloop.flows import owned

_HEADERS = {"Cache-Control": "no-store"}


@get("/api/ownership", sync_to_thread=True, dependencies=AUTHENTICATED)
def get_ownership(
    request: Request[Any, Any, Any],
    principal: NamedDependency[Principal],
    task: FromQuery[str | None] = None,
    patient: FromQuery[str | None] = None,
    at: FromQuery[str | None] = None,
) -> Response[dict[str, Any]]:
    """`?task=` one loop or step: its owner at that instant (now when left out). `?patient=`: lead and all owners."""
    app, moment = app_of(request), _instant(at)
    if (task is None) == (patient is None):
        raise Rejected(at="task", expected="either task or patient")
    with app.database.transaction(principal.tenant_id, actor=principal.reference) as tx:
        if task is not None:
            found = owned.of_task(app, tx, principal, task.removeprefix("Task/"), moment)
            return Response(asdict(found), headers=_HEADERS)
        then = owned.of_patient(app, tx, principal, (patient or "").removeprefix("Patient/"), moment)
        return Response(asdict(then), headers=_HEADERS)


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError as error:
        raise Rejected(at="at", expected="an instant such as 2026-11-23T10:00:00-05:00") from error
    if found.tzinfo is None:
        raise Rejected(at="at", expected="an instant with an offset")
    return found


routes = [get_ownership]
