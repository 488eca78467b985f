"""The request itself, to an address that `fetching` has checked; loaded with the first one."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import httpx

from careloop.errors import Unavailable


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A request. `url` names an address, `host` who is there: TLS is spoken with the host."""

    method: str
    url: str
    host: str
    body: bytes
    headers: Mapping[str, str]


def send(request: Sent, seconds: float, most_bytes: int) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer. `Unavailable` where nobody answered properly."""
    try:
        with (
            httpx.Client(follow_redirects=False, trust_env=False, timeout=seconds, verify=_trusted()) as client,
            client.stream(
                request.method,
                request.url,
                content=request.body or None,
                headers=dict(request.headers),
                extensions={"sni_hostname": request.host},
            ) as answer,
        ):
            return answer.status_code, dict(answer.headers), _limited(answer, most_bytes)
    except httpx.HTTPError as error:
        raise Unavailable(f"{request.host} did not answer properly ({type(error).__name__})") from error


@cache
def _trusted() -> ssl.SSLContext:
    """Whom we believe over TLS; reading the list anew for each request would cost more than the request."""
    return httpx.create_ssl_context(trust_env=False)


def _limited(answer: httpx.Response, most: int) -> bytes:
    found = bytearray()
    for part in answer.iter_bytes():
        found += part
        if len(found) > most:
            raise Unavailable(f"the answer is larger than {most} bytes")
    return bytes(found)
