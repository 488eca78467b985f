"""`/healthz`, `/readyz`: for the machine that watches over the server. They tell counts, never anything of a person."""

from dataclasses import asdict
from typing import Any

from litestar import Request, Response, get

from careloop.api.authentication import app_of
from careloop.flows.readiness import readiness

_NO_STORE = {"Cache-Control": "no-store"}
_RETRY_SECONDS = "5"


@get("/healthz", sync_to_thread=False, include_in_schema=False)
def healthz() -> Response[dict[str, str]]:
    """This process answers."""
    return Response({"status": "alive"}, headers=_NO_STORE)


@get("/readyz", sync_to_thread=True, include_in_schema=False)
def readyz(request: Request[Any, Any, Any]) -> Response[dict[str, Any]]:
    """200 when requests can be served, else 503 with `Retry-After`; `pending` counts messages not yet processed."""
    found = readiness(app_of(request))
    if found.ready:
        return Response(asdict(found), headers=_NO_STORE)
    return Response(asdict(found), status_code=503, headers={**_NO_STORE, "Retry-After": _RETRY_SECONDS})


routes = [healthz, readyz]
