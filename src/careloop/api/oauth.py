"""OAuth 2.0 for programs: SMART Backend Services 2.2, client_credentials with a signed assertion or a secret.

Only what works is offered and advertised: there is no authorization endpoint and no code flow yet.
"""

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, unquote_plus, urlsplit

from litestar import Request, Response, get, post
from litestar.exceptions import HTTPException
from litestar.params import RawBody

from careloop.api.authentication import address_of, app_of
from careloop.errors import CareloopError, NotAuthenticated, NotPermitted, Rejected, Unavailable
from careloop.flows import granting
from careloop.flows.granting import ClientProof

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_HEADERS: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_MOST_BYTES = 20_000
_AnyRequest = Request[Any, Any, Any]


@post("/oauth/token", sync_to_thread=True, status_code=200)
def token(request: _AnyRequest, body: RawBody) -> Response[dict[str, Any]]:
    """An access token of at most an hour (RFC 6749 §4.4, SMART Backend Services)."""
    form = _form(request, body)
    if form.get("grant_type") != "client_credentials":
        raise OAuthError("unsupported_grant_type", "client_credentials is the grant that this server has")
    try:
        granted = granting.grant(
            app_of(request), _proof(request, form), scope=form.get("scope"), address=address_of(request)
        )
    except NotPermitted as error:
        if isinstance(error, NotAuthenticated):
            raise
        raise OAuthError("invalid_scope", error.message) from error
    answer = {
        "access_token": granted.token,
        "token_type": "Bearer",
        "expires_in": granted.seconds,
        "scope": " ".join(granted.scopes),
    }
    return Response(answer, headers=_HEADERS)


@post("/oauth/introspect", sync_to_thread=True, status_code=200)
def introspect(request: _AnyRequest, body: RawBody) -> Response[dict[str, Any]]:
    """What a token may do (RFC 7662)."""
    form = _form(request, body)
    answer = granting.introspect(app_of(request), _proof(request, form), form.get("token", ""))
    return Response(dict(answer), headers=_HEADERS)


@post("/oauth/revoke", sync_to_thread=True, status_code=200)
def revoke(request: _AnyRequest, body: RawBody) -> Response[None]:
    """The token is dead (RFC 7009); the answer is the same for a token that never was."""
    form = _form(request, body)
    granting.revoke(app_of(request), _proof(request, form), form.get("token", ""))
    return Response(None, headers=_HEADERS)


@get("/fhir/.well-known/smart-configuration", sync_to_thread=False)
def smart_configuration(request: _AnyRequest) -> dict[str, Any]:
    """What a SMART client may use here (SMART App Launch 2.2, "Conformance")."""
    return smart_facts(_base_url(request))


def smart_facts(base: str) -> dict[str, Any]:
    """The SMART configuration of the server at this address; the CapabilityStatement says the same."""
    return {
        "token_endpoint": f"{base}/oauth/token",
        "introspection_endpoint": f"{base}/oauth/introspect",
        "revocation_endpoint": f"{base}/oauth/revoke",
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
        "scopes_supported": ["system/*.cruds", "system/*.rs"],
        "capabilities": ["client-confidential-asymmetric", "client-confidential-symmetric", "permission-v2"],
    }


class OAuthError(CareloopError):
    """An error in the words of RFC 6749 §5.2."""

    def __init__(self, error: str, says: str) -> None:
        super().__init__(says)
        self.error = error


def answer_error(request: _AnyRequest, error: CareloopError) -> Response[dict[str, Any]]:
    """The error as RFC 6749 §5.2 words it; 401 names the way to authenticate."""
    match error:
        case OAuthError():
            return _answer(400, error.error, error.message)
        case NotAuthenticated():
            challenge = {"WWW-Authenticate": 'Basic realm="careloop"'}
            return _answer(401, "invalid_client", error.message, challenge)
        case Unavailable():
            wait = {"Retry-After": str(error.retry_after_seconds)}
            return _answer(503, "temporarily_unavailable", error.message, wait)
        case _:
            return _answer(400, "invalid_request", error.message)


def answer_http_error(request: _AnyRequest, error: HTTPException) -> Response[dict[str, Any]]:
    """What the framework refused before a handler saw it."""
    return _answer(error.status_code, "invalid_request", "the request is not one that this endpoint takes")


def _answer(status: int, error: str, says: str, headers: Mapping[str, str] | None = None) -> Response[dict[str, Any]]:
    return Response(
        {"error": error, "error_description": says}, status_code=status, headers={**_HEADERS, **(headers or {})}
    )


def _form(request: _AnyRequest, body: bytes) -> dict[str, str]:
    """The form of the request; a name that stands twice is refused (RFC 6749 §3.2)."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/x-www-form-urlencoded" or len(body) > _MOST_BYTES:
        raise Rejected(at="body", expected="a form of at most 20,000 bytes (application/x-www-form-urlencoded)")
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=20)
    except ValueError as error:
        raise Rejected(at="body", expected="a form of at most 20 fields in UTF-8") from error
    form = dict(pairs)
    if len(form) != len(pairs):
        raise Rejected(at="body", expected="each field once")
    return form


def _proof(request: _AnyRequest, form: Mapping[str, str]) -> ClientProof:
    """The one way in which the request authenticates its client; more than one is refused (RFC 6749 §2.3)."""
    basic = request.headers.get("authorization", "")
    ways = [bool(basic), "client_secret" in form, "client_assertion" in form]
    if sum(ways) > 1:
        raise Rejected(at="client", expected="one way of authentication, not several")
    if basic:
        return _basic(basic)
    if "client_assertion" in form:
        if form.get("client_assertion_type") != _ASSERTION_TYPE:
            raise Rejected(at="client_assertion_type", expected=_ASSERTION_TYPE)
        audience = _audience(request)
        return ClientProof(client_id=form.get("client_id", ""), assertion=form["client_assertion"], audience=audience)
    return ClientProof(client_id=form.get("client_id", ""), secret=form.get("client_secret", ""))


def _basic(header: str) -> ClientProof:
    scheme, _, encoded = header.partition(" ")
    try:
        name, colon, secret = b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")
    except (Base64Error, UnicodeDecodeError, ValueError) as error:
        raise NotAuthenticated("the client could not be authenticated") from error
    if scheme.lower() != "basic" or not colon:
        raise NotAuthenticated("the client could not be authenticated")
    return ClientProof(client_id=unquote_plus(name), secret=unquote_plus(secret))


def _audience(request: _AnyRequest) -> str:
    """The address of the token endpoint that assertions must be made for.

    It never rests on the header Host alone: who caught an assertion for another server could name that server there.
    Without `public_url` only loopback and the address that we listen on count.
    """
    settings = app_of(request).settings
    if not settings.public_url:
        host = urlsplit(f"//{request.headers.get('host', '')}").hostname
        if host not in _LOOPBACK | {settings.host}:
            raise NotAuthenticated("signed assertions need the setting public_url on this server")
    return f"{_base_url(request)}/oauth/token"


def _base_url(request: _AnyRequest) -> str:
    public = app_of(request).settings.public_url
    if public:
        return public.rstrip("/")
    return f"{request.scope.get('scheme', 'http')}://{request.headers.get('host', '')}"


exception_handlers: Final[dict[Any, Any]] = {CareloopError: answer_error, HTTPException: answer_http_error}
routes: Final = [token, introspect, revoke, smart_configuration]
