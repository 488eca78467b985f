"""`POST /oauth/register`: an app registers itself (RFC 7591), where the practice has switched that on."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, Response, post
from litestar.params import RawBody

from careloop.access.clients import Interactive, NewClient
from careloop.api.authentication import app_of
from careloop.api.oauth import OAuthError
from careloop.errors import NotAuthenticated, Rejected
from careloop.fhir.jsons import decode
from careloop.flows.registration import register_app

_AnyRequest = Request[Any, Any, Any]
_HEADERS: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_MOST_BYTES = 20_000
_METHODS = ("none", "client_secret_basic", "client_secret_post", "private_key_jwt")
_GRANTS = frozenset({"authorization_code", "refresh_token"})


@post("/oauth/register", sync_to_thread=True)
def register(request: _AnyRequest, body: RawBody) -> Response[dict[str, Any]]:
    """201 with the client id, and once its secret. The tenant follows from the initial access token alone."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise NotAuthenticated("registration needs the initial access token of the practice")
    if len(body) > _MOST_BYTES:
        raise OAuthError("invalid_client_metadata", f"at most {_MOST_BYTES} bytes are read")
    wanted = decode(body)
    try:
        method = _method(wanted)
        asked = Interactive(
            redirect_uris=_texts(wanted, "redirect_uris"),
            public=method == "none",
            launch_url=_text(wanted, "initiate_login_uri") or None,
            registered="dynamic",
        )
        keys = _keys(wanted) if method == "private_key_jwt" else None
        made = register_app(
            app_of(request), token.strip(), _text(wanted, "client_name"), _text(wanted, "scope"), keys, asked
        )
    except Rejected as error:
        kind = "invalid_redirect_uri" if error.at.startswith("redirect_uri") else "invalid_client_metadata"
        raise OAuthError(kind, error.message) from error
    return Response(_answer(made, method), status_code=201, headers=_HEADERS)


def _answer(made: NewClient, method: str) -> dict[str, Any]:
    client = made.client
    facts: dict[str, Any] = {
        "client_id": client.id,
        "client_id_issued_at": int(client.created.timestamp()),
        "client_name": client.name,
        "redirect_uris": list(client.redirect_uris),
        "grant_types": sorted(_GRANTS),
        "response_types": ["code"],
        "token_endpoint_auth_method": method,
        "scope": " ".join(client.scopes),
    }
    if client.jwks:
        facts["jwks"] = client.jwks
    return facts | ({"client_secret": made.secret, "client_secret_expires_at": 0} if made.secret else {})


def _method(wanted: Mapping[str, Any]) -> str:
    method = str(wanted.get("token_endpoint_auth_method", "client_secret_basic"))
    if method not in _METHODS:
        raise Rejected(at="token_endpoint_auth_method", expected=f"one of {', '.join(_METHODS)}")
    grants = set(_texts(wanted, "grant_types")) if "grant_types" in wanted else {"authorization_code"}
    if not grants <= _GRANTS:
        raise Rejected(at="grant_types", expected="authorization_code, refresh_token")
    return method


def _keys(wanted: Mapping[str, Any]) -> Mapping[str, Any]:
    """The key set itself; an address of keys is not fetched for somebody who is not known yet."""
    keys = wanted.get("jwks")
    if not isinstance(keys, Mapping):
        raise Rejected(at="jwks", expected="the key set itself (jwks_uri is not read)")
    return keys


def _text(wanted: Mapping[str, Any], name: str) -> str:
    value = wanted.get(name, "")
    if not isinstance(value, str) or len(value) > 4000:
        raise Rejected(at=name, expected="a text")
    if name == "client_name" and not 1 <= len(value.strip()) <= 100:
        raise Rejected(at=name, expected="1 to 100 letters")
    return value.strip()


def _texts(wanted: Mapping[str, Any], name: str) -> list[str]:
    value = wanted.get(name, [])
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value) or len(value) > 20:
        raise Rejected(at=name, expected="a list of at most 20 texts")
    return value


routes: Final = [register]
