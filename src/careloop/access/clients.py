"""Other programs: registered by an administrator, each with one way to prove who it is.

A client id names its tenant (`<tenant id>-<random>`). A secret is random (256 bits) and kept as a hash; a client with
public keys signs an assertion for each token (SMART Backend Services: RS384 or ES384, one algorithm for each key).
"""

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlsplit

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from careloop.access.scopes import check_registered, parse_scope
from careloop.db import Row, Transaction, load_queries
from careloop.errors import Conflict, NotAuthenticated, NotFound, Rejected
from careloop.fhir.jsons import encode

_SQL = load_queries("careloop.access", "clients.sql")
_CLIENT_ID = re.compile(r"([1-9][0-9]{0,8})-[0-9a-f]{16}")
_ALGORITHMS = {"RSA": "RS384", "EC": "ES384"}
"""SMART App Launch 2.2, "Client Authentication: Asymmetric": a server supports RS384 and ES384."""
ASSERTION_LIFE = timedelta(minutes=5)
"""`exp` may lie at most five minutes ahead (SMART App Launch 2.2, same section)."""
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_PRIVATE_USE = re.compile(r"[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+:/[A-Za-z0-9/._~-]{0,200}")
_LONGEST = 1000
_SKEW = timedelta(seconds=30)
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


@dataclass(frozen=True, kw_only=True)
class Client:
    """A registered program. `redirect_uris` and `launch_url` are of apps that act for people; a `public` one cannot
    keep a secret and rests on PKCE alone."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created: datetime
    revoked: datetime | None
    jwks: Mapping[str, Any] | None
    secret_hash: bytes | None = None
    public: bool = False
    redirect_uris: tuple[str, ...] = ()
    launch_url: str | None = None
    registered: str = "administrator"


@dataclass(frozen=True, kw_only=True)
class NewClient:
    """A client that was just made. `secret` is shown once; None for a client with keys."""

    client: Client
    secret: str | None


def tenant_of_client(client_id: str) -> int | None:
    """The tenant that a client id names, or None for a text that cannot be one."""
    match = _CLIENT_ID.fullmatch(client_id)
    return int(match[1]) if match else None


@dataclass(frozen=True, kw_only=True)
class Interactive:
    """What makes a program an app that acts for people: where codes go, where it is opened from a patient's page."""

    redirect_uris: Sequence[str]
    public: bool = False
    launch_url: str | None = None
    registered: Literal["administrator", "dynamic"] = "administrator"


_PROGRAM = Interactive(redirect_uris=())


def create_client(
    tx: Transaction,
    now: datetime,
    *,
    name: str,
    scope: str,
    jwks: Mapping[str, Any] | None = None,
    interactive: Interactive = _PROGRAM,
) -> NewClient:
    """The client exists; its secret, if it has one, is known to nobody but the caller."""
    scopes = list(check_registered(scope))
    _check_interactive(interactive, scopes, has_keys=jwks is not None)
    secret = None if jwks or interactive.public else secrets.token_urlsafe(32)
    row = tx.one(
        _SQL["insert_client"],
        {
            "id": f"{tx.tenant_id}-{secrets.token_hex(8)}",
            "name": name,
            "scopes": scopes,
            "now": now,
            "secret_hash": _digest(secret) if secret else None,
            "jwks": encode(check_jwks(jwks)).decode() if jwks else None,
            "public": interactive.public,
            "redirect_uris": [check_redirect(one) for one in interactive.redirect_uris],
            "launch_url": check_address(interactive.launch_url, "launch_url") if interactive.launch_url else None,
            "registered": interactive.registered,
        },
    )
    if row is None:
        raise Conflict("a client of that name exists already")
    return NewClient(client=_client(row), secret=secret)


def _check_interactive(interactive: Interactive, scopes: Sequence[str], *, has_keys: bool) -> None:
    levels = {parsed.level for parsed in map(parse_scope, scopes) if parsed}
    if interactive.public and (has_keys or not interactive.redirect_uris):
        raise Rejected(at="public", expected="a redirect address, and no keys: a public client keeps no secret")
    if "system" in levels and (interactive.public or interactive.registered == "dynamic"):
        raise Rejected(at="scope", expected="scopes of patient/ and user/ for this kind of client")
    if not interactive.redirect_uris and levels != {"system"}:
        raise Rejected(at="redirect_uri", expected="an address for codes: scopes of patient/ and user/ need a person")


def check_redirect(uri: str) -> str:
    """The address where codes may go: https, http on this machine, or a private scheme of an app on a device (RFC
    8252); compared letter by letter later on. Else `Rejected`."""
    if _PRIVATE_USE.fullmatch(uri):
        return uri
    return check_address(uri, "redirect_uri")


def check_address(url: str, at: str) -> str:
    """An https address, or http on this machine, without fragment and credentials; else `Rejected`."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError as error:
        raise Rejected(at=at, expected="a readable address") from error
    safe = parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)
    plain = url.isascii() and url.isprintable() and not (set(url) & set(" \"'<>\\"))
    if not (safe and host and plain) or parts.fragment or parts.username or len(url) > _LONGEST:
        raise Rejected(at=at, expected="an https address (http on this machine only) without a fragment")
    return url


def find_client(tx: Transaction, client_id: str) -> Client | None:
    """The client of that id that is not revoked; nothing is proved by it."""
    return _find(tx, client_id)


def launchable_clients(tx: Transaction) -> list[Client]:
    """The apps that can be opened from a patient's page, by name."""
    return [_client(row) for row in tx.rows(_SQL["list_launchable"])]


def list_clients(tx: Transaction) -> list[Client]:
    """All clients of the tenant, by name, revoked ones too."""
    return [_client(row) for row in tx.rows(_SQL["list_clients"])]


def revoke_client(tx: Transaction, name_or_id: str, now: datetime) -> Client:
    """The client gets no token any more, and those it has are dead. `NotFound` when no client in use is called so."""
    row = tx.one(_SQL["revoke_client"], {"name_or_id": name_or_id, "now": now})
    if row is None:
        raise NotFound("there is no such client")
    client = _client(row)
    tx.execute(_SQL["revoke_tokens_of_client"], {"client_id": client.id, "now": now})
    tx.execute(_SQL["revoke_grants_of_client"], {"client_id": client.id, "now": now})
    return client


def authenticate_secret(tx: Transaction, client_id: str, secret: str) -> Client:
    """The client of that id and secret, else `NotAuthenticated`; unknown ids take the same path."""
    client = _find(tx, client_id)
    expected = client.secret_hash if client and client.secret_hash else _digest("")
    if not hmac.compare_digest(bytes(expected), _digest(secret)) or client is None or not secret:
        raise NotAuthenticated("the client could not be authenticated")
    return client


def authenticate_assertion(tx: Transaction, assertion: str, *, audience: str, now: datetime) -> Client:
    """The client that signed the assertion for this token endpoint just now; its `jti` cannot be used again.

    RFC 7523 §3 and SMART App Launch 2.2: `iss` = `sub` = client id, `aud` the token endpoint, `exp` at most five
    minutes ahead, `kid` one of the client's keys, and the algorithm that belongs to that key. Keys or addresses of
    keys inside the assertion are never looked at.
    """
    header, claims = read_unverified(assertion)
    client_id = str(claims.get("sub", ""))
    client = _find(tx, client_id)
    if client is None or client.jwks is None or claims.get("iss") != client_id:
        raise _refused()
    verify_signature(assertion, header, client.jwks)
    check_claims(claims, audience, now)
    used = tx.execute(
        _SQL["use_assertion"],
        {"client_id": client_id, "jti": claims["jti"], "expires": datetime.fromtimestamp(claims["exp"], UTC)},
    )
    if used != 1:
        raise _refused()
    return client


def client_id_of_assertion(assertion: str) -> str:
    """The client id that an assertion claims; nothing is verified yet."""
    return str(read_unverified(assertion)[1].get("sub", ""))


def check_jwks(jwks: Mapping[str, Any]) -> dict[str, Any]:
    """The set of public keys, each with `kid` and its one algorithm; `Rejected` names the key that will not do."""
    keys = jwks.get("keys")
    if not isinstance(keys, Sequence) or isinstance(keys, str) or not keys:
        raise Rejected(at="jwks.keys", expected="at least one public key")
    checked = [_checked_key(key, f"jwks.keys[{index}]") for index, key in enumerate(keys)]
    if len({key["kid"] for key in checked}) != len(checked):
        raise Rejected(at="jwks.keys", expected="another kid for each key")
    return {"keys": checked}


def _checked_key(key: Any, at: str) -> dict[str, Any]:
    if not isinstance(key, Mapping) or key.get("kty") not in _ALGORITHMS:
        raise Rejected(at=at, expected="an RSA or EC key")
    if _PRIVATE & set(key):
        raise Rejected(at=at, expected="a public key, without its private part")
    algorithm = _ALGORITHMS[key["kty"]]
    if not isinstance(key.get("kid"), str) or key.get("alg", algorithm) != algorithm:
        raise Rejected(at=at, expected=f"a kid, and alg {algorithm} or none")
    _check_strength(_import(dict(key), at), at)
    return {**key, "alg": algorithm}


def _check_strength(imported: RSAKey | ECKey, at: str) -> None:
    if isinstance(imported, ECKey) and imported.curve_name != "P-384":
        raise Rejected(at=at, expected="the curve P-384")
    if isinstance(imported, RSAKey) and imported.raw_value.key_size < 2048:
        raise Rejected(at=at, expected="at least 2048 bits")


def _import(key: dict[str, Any], at: str) -> RSAKey | ECKey:
    try:
        return RSAKey.import_key(key) if key["kty"] == "RSA" else ECKey.import_key(key)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise Rejected(at=at, expected="a readable public key") from error


def read_unverified(assertion: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a signed text, of which nothing is verified yet; `NotAuthenticated` for another text."""
    try:
        parts = jws.extract_compact(assertion.encode())
        header, claims = dict(parts.headers()), json.loads(parts.payload)
    except (JoseError, ValueError, RecursionError) as error:
        raise _refused() from error
    if not isinstance(claims, dict):
        raise _refused()
    return header, claims


def verify_signature(assertion: str, header: Mapping[str, Any], jwks: Mapping[str, Any]) -> None:
    """Nothing happens where the key that the header names, one of the set, signed it by its one algorithm; else
    `NotAuthenticated`."""
    key = next((key for key in jwks["keys"] if key["kid"] == header.get("kid")), None)
    if key is None or header.get("alg") != key["alg"]:
        raise _refused()
    try:
        jwt.decode(assertion, _import(dict(key), "jwks"), algorithms=[key["alg"]])
    except (JoseError, ValueError) as error:
        raise _refused() from error


def check_claims(claims: Mapping[str, Any], audience: str, now: datetime) -> None:
    """Nothing happens where the claims are for this audience and for now, with an id; else `NotAuthenticated`."""
    audiences = claims.get("aud")
    expires, jti = claims.get("exp"), claims.get("jti")
    in_time = isinstance(expires, int) and now - _SKEW < _instant(expires) <= now + ASSERTION_LIFE + _SKEW
    not_before = claims.get("nbf", 0)
    started = isinstance(not_before, int) and _instant(not_before) <= now + _SKEW
    named = audience in (audiences if isinstance(audiences, list) else [audiences])
    if not (in_time and started and named and isinstance(jti, str) and 1 <= len(jti) <= 256):
        raise _refused()


def _instant(seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return datetime.max.replace(tzinfo=UTC)


def _refused() -> NotAuthenticated:
    return NotAuthenticated("the client could not be authenticated")


def _find(tx: Transaction, client_id: str) -> Client | None:
    row = tx.one(_SQL["find_client"], {"id": client_id})
    return _client(row) if row else None


def _digest(secret: str) -> bytes:
    """SHA-256 is enough for a secret of 256 random bits: there is nothing to guess faster."""
    return hashlib.sha256(secret.encode()).digest()


def _client(row: Row) -> Client:
    return Client(**{**row, "scopes": tuple(row["scopes"]), "redirect_uris": tuple(row["redirect_uris"])})
