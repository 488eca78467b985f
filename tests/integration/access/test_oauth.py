"""Programs get tokens by a secret or a signed assertion; forged, replayed and revoked ones open nothing."""

import hmac
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from litestar import Litestar, get
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.testing import TestClient

from careloop.access import clients
from careloop.access.model import Principal
from careloop.api import oauth
from careloop.api.authentication import AUTHENTICATED, note_denial
from careloop.errors import NotAuthenticated, Rejected

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
AUDIENCE = "http://localhost/oauth/token"
RSA = RSAKey.generate_key(2048, {"kid": "one"})
EC = ECKey.generate_key("P-384", {"kid": "two"})
JWKS = {"keys": [RSA.as_dict(private=False), EC.as_dict(private=False)]}


@get("/who", dependencies=AUTHENTICATED, sync_to_thread=False)
def who(principal: NamedDependency[Principal]) -> dict[str, Any]:
    return {"id": principal.id, "tenant": principal.tenant_id, "scopes": list(principal.scopes)}


@pytest.fixture
def web(app) -> Iterator[TestClient]:
    asgi = Litestar(
        [*oauth.routes, who],
        state=State({"careloop": app}),
        after_exception=[note_denial],
        exception_handlers={**oauth.exception_handlers, NotAuthenticated: oauth.answer_error},
    )
    with TestClient(asgi, base_url="http://localhost") as client:
        yield client


@pytest.fixture
def add(app, database, tenant) -> Callable[..., clients.NewClient]:
    def make(scope: str = "system/*.cruds", **more: Any) -> clients.NewClient:
        with database.transaction(tenant.id) as tx:
            return clients.create_client(tx, app.clock.now(), name=f"Program {scope}", scope=scope, **more)

    return make


def ask(web: TestClient, made: clients.NewClient, **more: str) -> Any:
    form = {"grant_type": "client_credentials", "client_id": made.client.id, "client_secret": made.secret or "", **more}
    return web.post("/oauth/token", data=form)


def claims_of(made: clients.NewClient, now, **changes: Any) -> dict[str, Any]:
    claims = {
        "iss": made.client.id,
        "sub": made.client.id,
        "aud": AUDIENCE,
        "jti": "jti-1",
        "exp": int((now + timedelta(minutes=4)).timestamp()),
    }
    return {name: value for name, value in {**claims, **changes}.items() if value is not None}


def signed(claims: dict[str, Any], key: Any = EC, header: dict[str, Any] | None = None, **more: Any) -> str:
    algorithm = {"EC": "ES384", "RSA": "RS384"}.get(key.key_type, "HS256")
    full = {"alg": algorithm, "kid": key.kid, "typ": "JWT", **(header or {})}
    return jwt.encode(full, claims, key, algorithms=[full["alg"]], **more)


def with_public_key_as_secret(claims: dict[str, Any]) -> str:
    """The classic confusion: HS256 with the text of the public RSA key as the shared secret."""

    def part(content: bytes) -> str:
        return urlsafe_b64encode(content).decode().rstrip("=")

    header = part(b'{"alg":"HS256","kid":"one"}')
    text = f"{header}.{part(json.dumps(claims).encode())}"
    return f"{text}.{part(hmac.digest(RSA.as_pem(private=False), text.encode(), 'sha256'))}"


def assert_with(web: TestClient, assertion: str, **more: str) -> Any:
    form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION, "client_assertion": assertion}
    return web.post("/oauth/token", data={**form, **more})


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_secret_in_the_body_gets_a_token_that_works(web, add, tenant):
    made = add()
    answer = ask(web, made)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert body["token_type"] == "Bearer" and body["scope"] == "system/*.cruds" and body["expires_in"] <= 3600
    seen = web.get("/who", headers=bearer(body["access_token"])).json()
    assert seen == {"id": made.client.id, "tenant": tenant.id, "scopes": ["system/*.cruds"]}


def test_a_secret_in_the_header_gets_a_token(web, add):
    made = add()
    credentials = b64encode(f"{made.client.id}:{made.secret}".encode()).decode()
    answer = web.post(
        "/oauth/token", data={"grant_type": "client_credentials"}, headers={"Authorization": f"Basic {credentials}"}
    )
    assert answer.status_code == 200


def test_less_may_be_asked_for_and_more_is_not_given(web, add):
    made = add("system/*.rs")
    assert ask(web, made, scope="system/Patient.r").json()["scope"] == "system/Patient.r"
    assert ask(web, made, scope="system/*.cruds").json()["scope"] == "system/*.rs"
    answer = ask(web, made, scope="patient/*.rs")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


@pytest.mark.parametrize(
    "form",
    [
        {"client_secret": "wrong"},
        {"client_secret": ""},
        {"client_id": "1-0123456789abcdef"},
        {"client_id": "x"},
        {"client_id": "999999-0123456789abcdef"},
        {"client_id": ""},
    ],
)
def test_a_wrong_client_is_refused_with_one_answer(web, add, form):
    answer = ask(web, add(), **form)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic")
    assert answer.json()["error_description"] == "the client could not be authenticated"


@pytest.mark.parametrize("grant", ["password", "implicit", "urn:ietf:params:oauth:grant-type:device_code", ""])
def test_other_grants_are_refused(web, add, grant):
    answer = ask(web, add(), grant_type=grant)
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (b"{}", {"Content-Type": "application/json"}),
        (b"a=1&a=2&grant_type=client_credentials", FORM),
        (b"\xff=1", FORM),
        (b"&".join(b"a%d=1" % n for n in range(30)), FORM),
        (b"a=" + b"x" * 30_000, FORM),
    ],
)
def test_a_body_that_is_no_plain_form_is_refused(web, content, headers):
    assert web.post("/oauth/token", content=content, headers=headers).status_code == 400


def test_two_ways_of_authentication_at_once_are_refused(web, add):
    made = add()
    credentials = b64encode(f"{made.client.id}:{made.secret}".encode()).decode()
    answer = web.post(
        "/oauth/token",
        headers={"Authorization": f"Basic {credentials}"},
        data={"grant_type": "client_credentials", "client_id": made.client.id, "client_secret": made.secret},
    )
    assert answer.status_code == 400


@pytest.mark.parametrize("key", [RSA, EC], ids=["RS384", "ES384"])
def test_a_signed_assertion_gets_a_token(web, add, clock, key):
    made = add(jwks=JWKS)
    assert made.secret is None
    answer = assert_with(web, signed(claims_of(made, clock.now()), key), scope="system/*.rs")
    assert answer.status_code == 200
    assert answer.json()["scope"] == "system/*.rs"


def test_an_assertion_works_once(web, add, clock):
    made = add(jwks=JWKS)
    assertion = signed(claims_of(made, clock.now()))
    assert assert_with(web, assertion).status_code == 200
    assert assert_with(web, assertion).status_code == 401
    assert assert_with(web, signed(claims_of(made, clock.now()))).status_code == 401
    assert assert_with(web, signed(claims_of(made, clock.now(), jti="jti-2"))).status_code == 200


def test_assertions_that_do_not_hold_are_refused(web, add, clock):
    made, now = add(jwks=JWKS), clock.now()
    other = ECKey.generate_key("P-384", {"kid": "two"})
    weak = ECKey.generate_key("P-256", {"kid": "two"})

    def at(**parts: float) -> int:
        return int((now + timedelta(**parts)).timestamp())

    wrong = {
        "another key": signed(claims_of(made, now), other),
        "an unknown kid": signed(claims_of(made, now), header={"kid": "three"}),
        "no kid": signed(claims_of(made, now), header={"kid": ""}),
        "another audience": signed(claims_of(made, now, aud="https://evil.example/oauth/token")),
        "no audience": signed(claims_of(made, now, aud=None)),
        "over": signed(claims_of(made, now, exp=at(minutes=-1))),
        "too long": signed(claims_of(made, now, exp=at(minutes=6))),
        "no end": signed(claims_of(made, now, exp=None)),
        "an end in words": signed(claims_of(made, now, exp="tomorrow")),
        "not yet": signed(claims_of(made, now, nbf=at(minutes=3))),
        "no id": signed(claims_of(made, now, jti=None)),
        "another issuer": signed(claims_of(made, now, iss="1-0123456789abcdef")),
        "another subject": signed(claims_of(made, now, sub="1-0123456789abcdef")),
        "the key of one algorithm under another": signed(claims_of(made, now), weak, header={"alg": "ES256"}),
        "a public key as secret": with_public_key_as_secret(claims_of(made, now)),
        "a key of its own": signed(claims_of(made, now), other, header={"jwk": other.as_dict(private=False)}),
        "not a token": "a.b.c",
        "empty": "",
    }
    unsigned = signed(claims_of(made, now)).split(".")
    wrong["alg none"] = b64encode(b'{"alg":"none","kid":"two"}').decode().rstrip("=") + f".{unsigned[1]}."
    wrong["a cut signature"] = ".".join([*unsigned[:2], unsigned[2][:-8]])
    for name, assertion in wrong.items():
        answer = assert_with(web, assertion)
        assert answer.status_code == 401, name
        assert answer.json()["error_description"] == "the client could not be authenticated", name
    assert assert_with(web, signed(claims_of(made, now))).status_code == 200


def test_an_assertion_for_the_host_that_the_request_merely_names_is_refused(web, add, clock):
    made = add(jwks=JWKS)
    assertion = signed(claims_of(made, clock.now(), aud="http://evil.example/oauth/token"))
    form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION, "client_assertion": assertion}
    answer = web.post("/oauth/token", data=form, headers={"Host": "evil.example"})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "jwks",
    [
        {},
        {"keys": []},
        {"keys": [{"kty": "oct", "k": "AAAA", "kid": "x"}]},
        {"keys": [RSA.as_dict(private=True)]},
        {"keys": [EC.as_dict(private=False), EC.as_dict(private=False)]},
        {"keys": [{**EC.as_dict(private=False), "alg": "ES256"}]},
        {"keys": [{"kty": "RSA", "kid": "x", "n": "AQ", "e": "AQAB"}]},
        {"keys": [ECKey.generate_key("P-256", {"kid": "x"}).as_dict(private=False)]},
        {"keys": [RSAKey.generate_key(1024, {"kid": "x"}).as_dict(private=False)]},
        {"keys": ["x"]},
        {"keys": "x"},
    ],
)
def test_key_sets_that_will_not_do_are_refused_at_registration(jwks):
    with pytest.raises(Rejected):
        clients.check_jwks(jwks)


def test_a_revoked_client_is_out_within_five_seconds(app, web, add, database, tenant, clock):
    made = add()
    token = ask(web, made).json()["access_token"]
    assert web.get("/who", headers=bearer(token)).status_code == 200
    with database.transaction(tenant.id) as tx:
        clients.revoke_client(tx, made.client.id, clock.now())
    clock.move_by(seconds=5)
    assert web.get("/who", headers=bearer(token)).status_code == 401
    assert ask(web, made).status_code == 401


def test_a_token_ends_by_itself(web, add, clock):
    token = ask(web, add()).json()["access_token"]
    clock.move_by(minutes=59, seconds=59)
    assert web.get("/who", headers=bearer(token)).status_code == 200
    clock.move_by(seconds=1)
    assert web.get("/who", headers=bearer(token)).status_code == 401


def test_a_program_takes_its_own_token_back(web, add, clock):
    made, other = add(), add("system/*.rs")
    token = ask(web, made).json()["access_token"]
    proof = {"client_id": made.client.id, "client_secret": made.secret, "token": token}
    stranger = {"client_id": other.client.id, "client_secret": other.secret, "token": token}
    assert web.post("/oauth/revoke", data=stranger).status_code == 200
    assert web.post("/oauth/introspect", data=proof).json()["active"] is True
    assert web.post("/oauth/revoke", data=proof).status_code == 200
    assert web.post("/oauth/introspect", data=proof).json() == {"active": False}
    clock.move_by(seconds=5)
    assert web.get("/who", headers=bearer(token)).status_code == 401
    assert web.post("/oauth/revoke", data={**proof, "token": "unknown"}).status_code == 200


def test_introspection_needs_a_client(web, add):
    token = ask(web, add()).json()["access_token"]
    assert web.post("/oauth/introspect", data={"token": token}).status_code == 401


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer x", "Basic eDp5", "Digest x", "Bearer clt_1." + "a" * 43]
)
def test_what_is_no_token_of_ours_is_refused(web, header):
    assert web.get("/who", headers={"Authorization": header}).status_code == 401


def test_a_token_moved_to_another_tenant_opens_nothing(web, add, other_tenant):
    token = ask(web, add()).json()["access_token"]
    moved = f"clt_{other_tenant.id}.{token.partition('.')[2]}"
    assert web.get("/who", headers=bearer(moved)).status_code == 401


def test_neither_secrets_nor_tokens_are_in_the_database(web, add, database, tenant):
    made = add()
    token = ask(web, made).json()["access_token"]
    with database.transaction(tenant.id) as tx:
        rows = [row for table in ("client", "access_token", "audit_event") for row in tx.rows(f"select * from {table}")]
    assert made.secret not in repr(rows)
    assert token.partition(".")[2] not in repr(rows)
