"""What is decided about a request of a browser, whichever door it comes to. Pure; knows no web framework."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from careloop.access.sessions import csrf_matches
from careloop.errors import NotPermitted

SESSION_COOKIE: Final = "careloop_session"
"""HttpOnly, SameSite=Lax, path /, Secure wherever the browser came by https (`is_secure`)."""
CSRF_HEADER: Final = "x-csrf-token"
CSRF_FIELD: Final = "csrf"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, kw_only=True)
class BrowserRequest:
    """The parts of a request that count here. `scheme` is that of the connection, `host` the header of that name."""

    scheme: str
    host: str
    origin: str = ""
    referer: str = ""


def is_secure(request: BrowserRequest, public_url: str | None) -> bool:
    """True when the browser reached us by https, itself or through the proxy that `public_url` names."""
    return request.scheme == "https" or (public_url or "").startswith("https://")


def server_address(request: BrowserRequest, public_url: str | None) -> str:
    """The address under which we are reached, without a slash at its end: the public one where it is set."""
    return (public_url or f"{request.scheme}://{request.host}").rstrip("/")


def check_origin(request: BrowserRequest) -> None:
    """Nothing happens when the browser says that a page of this very host sent the request; else `NotPermitted`.

    Browsers send `Origin` with every request that changes anything; what sends none is not a page of ours.
    """
    sent_from = request.origin or request.referer
    if not sent_from or urlsplit(sent_from).netloc.lower() != request.host.lower():
        raise NotPermitted("the request did not come from a page of this server")


def check_csrf(token: str, offered: str) -> None:
    """Nothing happens when `offered` is the CSRF token of the session with that `token`; else `NotPermitted`."""
    if not csrf_matches(token, offered):
        raise NotPermitted("the form is too old; load the page again")
