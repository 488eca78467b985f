"""A FHIR client of one tenant over HTTP, with a real token."""

import json

import pytest
from litestar.testing import TestClient

from careloop.access.clients import create_client
from careloop.access.tokens import issue_token

JSON = {"content-type": "application/fhir+json"}


class Fhir:
    """A client of one tenant."""

    def __init__(self, http: TestClient, token: str) -> None:
        self.http = http
        self.headers = {"Authorization": f"Bearer {token}"}

    def __call__(self, method: str, path: str, body: object = None, **headers: str):
        kind = {} if body is None else JSON
        content = None if body is None else body if isinstance(body, str | bytes) else json.dumps(body)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.request(method, f"/fhir{path}", content=content, headers={**self.headers, **kind, **given})


@pytest.fixture
def http(app, asgi):
    """The web application in this process."""
    with TestClient(asgi, raise_server_exceptions=True) as client:
        yield client


@pytest.fixture
def connect(app, http):
    """Makes a client of a tenant with some scopes."""
    return lambda tenant, scope="system/*.cruds": _connect(app, http, tenant, scope)


def _connect(app, http, tenant, scope) -> Fhir:
    now = app.clock.now()
    with app.database.transaction(tenant.id) as tx:
        made = create_client(tx, now, name=f"test {scope}", scope=scope)
        return Fhir(http, issue_token(tx, made.client.id, made.client.scopes, now))


@pytest.fixture
def client(connect, tenant) -> Fhir:
    """A client that may do everything."""
    return connect(tenant)
