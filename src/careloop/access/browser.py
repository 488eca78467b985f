"""What is decided about a request of a browser, whichever door it comes to. Pure; knows no web framework."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from careloop.access.sessions import csrf_matches
from careloop.errors import NotPermitted
from careloop.settings import Settings

CSRF_HEADER: Final = "x-csrf-token"
CSRF_FIELD: Final = "_csrf"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
FORM_TYPES: Final = ("application/x-www-form-urlencoded", "multipart/form-data")
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, kw_only=True)
class BrowserRequest:
    """The parts of a request that count here. `scheme` is that of the connection, `host` the header of that name."""

    scheme: str
    host: str
    origin: str = ""
    referer: str = ""


def is_secure(request: BrowserRequest, settings: Settings) -> bool:
    """True when cookies must be `Secure`: always but for plain http on loopback, or where a trial switched it off."""
    if (settings.public_url or "").startswith("https://"):
        return True
    host = urlsplit(f"//{request.host}").hostname
    return not (settings.insecure_cookies or (request.scheme == "http" and host in _LOOPBACK))


def cookie_name(secure: bool) -> str:
    """The name of the session cookie. Over https it is bound to this very host (RFC 6265bis, `__Host-`)."""
    return "__Host-careloop" if secure else "careloop"


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
