"""OAuth 2.0 tokens: for programs by themselves (SMART Backend Services 2.2) and for apps that a person has allowed.

The second is SMART App Launch 2.2; the consent itself is a page (`web/staff/consent.py`).
"""

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, unquote_plus, urlsplit

from litestar import Request, Response, post
from litestar.exceptions import HTTPException
from litestar.params import RawBody

from careloop.access import id_tokens
from careloop.access.apps import AppGrant
from careloop.api.authentication import address_of, app_of
from careloop.errors import CareloopError, NotAuthenticated, NotPermitted, Rejected, Unavailable
from careloop.flows import granting
from careloop.flows.app import App
from careloop.flows.granting import ClientProof, Granted, InvalidGrant

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_HEADERS: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_MOST_BYTES = 20_000
_AnyRequest = Request[Any, Any, Any]


@post("/oauth/token", sync_to_thread=True, status_code=200)
def token(request: _AnyRequest, body: RawBody) -> Response[dict[str, Any]]:
    """An access token of at most an hour (RFC 6749 §4.1.3, §4.4, §6)."""
    form = form_of(request, body)
    grants = {"client_credentials": _by_itself, "authorization_code": _by_code, "refresh_token": _by_refresh}
    grant = grants.get(form.get("grant_type", ""))
    if grant is None:
        raise OAuthError("unsupported_grant_type", f"the grants of this server are {', '.join(grants)}")
    try:
        granted = grant(request, form)
    except InvalidGrant as error:
        raise OAuthError("invalid_grant", error.message) from error
    except NotPermitted as error:
        if isinstance(error, NotAuthenticated):
            raise
        raise OAuthError("invalid_scope", error.message) from error
    return Response(token_answer(granted, app_of(request), base_url(request)), headers=_HEADERS)


def _by_itself(request: _AnyRequest, form: Mapping[str, str]) -> Granted:
    proof = _proof(request, form)
    return granting.grant(app_of(request), proof, scope=form.get("scope"), address=address_of(request))


def _by_code(request: _AnyRequest, form: Mapping[str, str]) -> Granted:
    return granting.redeem_code(
        app_of(request),
        _proof(request, form),
        code=form.get("code", ""),
        redirect_uri=form.get("redirect_uri", ""),
        verifier=form.get("code_verifier", ""),
        address=address_of(request),
    )


def _by_refresh(request: _AnyRequest, form: Mapping[str, str]) -> Granted:
    return granting.refresh(
        app_of(request),
        _proof(request, form),
        form.get("refresh_token", ""),
        scope=form.get("scope"),
        address=address_of(request),
    )


def token_answer(granted: Granted, app: App, base: str) -> dict[str, Any]:
    """The token response, with the launch context and the id token of SMART where they were allowed."""
    answer: dict[str, Any] = {
        "access_token": granted.token,
        "token_type": "Bearer",
        "expires_in": granted.seconds,
        "scope": " ".join(granted.scopes),
    }
    if granted.refresh:
        answer["refresh_token"] = granted.refresh
    if granted.patient_id:
        answer |= {"patient": granted.patient_id, "need_patient_banner": "launch" not in granted.scopes}
    if granted.of_person and "openid" in granted.scopes:
        answer["id_token"] = _id_token(granted, granted.of_person, app, base)
    return answer


def _id_token(granted: Granted, of_person: AppGrant, app: App, base: str) -> str:
    """Who the person is (OpenID Connect Core 1.0 §2). `fhirUser` is told where it was asked for."""
    now = int(app.clock.now().timestamp())
    claims: dict[str, Any] = {"iss": base, "sub": of_person.account_id, "aud": of_person.client_id}
    claims |= {"iat": now, "exp": now + granted.seconds}
    if of_person.nonce:
        claims["nonce"] = of_person.nonce
    if "fhirUser" in granted.scopes:
        claims["fhirUser"] = f"{base}/fhir/Practitioner/{of_person.practitioner_id}"
    return id_tokens.sign(app.settings.data_dir, claims)


@post("/oauth/introspect", sync_to_thread=True, status_code=200)
def introspect(request: _AnyRequest, body: RawBody) -> Response[dict[str, Any]]:
    """What a token may do (RFC 7662)."""
    form = form_of(request, body)
    answer = granting.introspect(app_of(request), _proof(request, form), form.get("token", ""), base=base_url(request))
    return Response(dict(answer), headers=_HEADERS)


@post("/oauth/revoke", sync_to_thread=True, status_code=200)
def revoke(request: _AnyRequest, body: RawBody) -> Response[None]:
    """The token is dead (RFC 7009); the answer is the same for a token that never was."""
    form = form_of(request, body)
    granting.revoke(app_of(request), _proof(request, form), form.get("token", ""))
    return Response(None, headers=_HEADERS)


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


def form_of(request: _AnyRequest, body: bytes) -> dict[str, str]:
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
    """The address of the token endpoint that assertions must be made for."""
    return f"{trusted_base(request)}/oauth/token"


def trusted_base(request: _AnyRequest) -> str:
    """Our own address, where something signed must be made for it.

    It never rests on the header Host alone: who caught an assertion for another server could name that server there.
    Without `public_url` only loopback and the address that we listen on count.
    """
    settings = app_of(request).settings
    if not settings.public_url:
        host = urlsplit(f"//{request.headers.get('host', '')}").hostname
        if host not in _LOOPBACK | {settings.host}:
            raise NotAuthenticated("signed assertions need the setting public_url on this server")
    return base_url(request)


def base_url(request: _AnyRequest) -> str:
    """The address under which the client reaches us, without a slash at its end."""
    public = app_of(request).settings.public_url
    if public:
        return public.rstrip("/")
    return f"{request.scope.get('scheme', 'http')}://{request.headers.get('host', '')}"


exception_handlers: Final[dict[Any, Any]] = {CareloopError: answer_error, HTTPException: answer_http_error}
routes: Final = [token, introspect, revoke]
