"""`GET /api/worklist`, `GET /api/episodes/{id}`: work and stays for programs (interface.md §3)."""

from dataclasses import asdict
from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter

from careloop.access.model import Principal
from careloop.api.authentication import AUTHENTICATED, app_of
from careloop.flows import episodes, worklist

_HEADERS = {"Cache-Control": "no-store"}
_MOST = 1000


@get("/api/worklist", sync_to_thread=True, dependencies=AUTHENTICATED)
def get_worklist(
    request: Request[Any, Any, Any],
    principal: NamedDependency[Principal],
    whose: Annotated[str, QueryParameter(name="scope")] = "mine",
    pathway: FromQuery[str | None] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=_MOST)] = 200,
) -> Response[dict[str, Any]]:
    """The worklist of the asker (a program sees everybody's), the team's or the queue's, in its order."""
    app = app_of(request)
    with app.database.transaction(principal.tenant_id, actor=principal.reference) as tx:
        page = worklist.page(app, tx, principal, scope=whose, pathway=pathway, limit=limit)
    return Response(asdict(page), headers=_HEADERS)


@get("/api/episodes/{encounter_id:str}", sync_to_thread=True, dependencies=AUTHENTICATED)
def get_episode(
    request: Request[Any, Any, Any], principal: NamedDependency[Principal], encounter_id: FromPath[str]
) -> Response[dict[str, Any]]:
    """What the stay around this Encounter was: index, readmission, TCM code, scores. What cannot be known says why."""
    app = app_of(request)
    with app.database.transaction(principal.tenant_id, actor=principal.reference) as tx:
        found = episodes.episode(app, tx, principal, encounter_id)
    return Response(found, headers=_HEADERS)


routes = [get_worklist, get_episode]
