"""One HTTP request to an allowed host, with its address checked and pinned."""

import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any
from urllib.parse import SplitResult, urlsplit

from careloop.errors import CareloopError, Unavailable

SECONDS = 10.0
MOST_BYTES = 1_000_000
_PORTS = {"https": 443, "http": 80}


class NotAllowed(CareloopError):
    """The address is not one that an administrator has allowed, or leads where no request may go."""


@dataclass(frozen=True)
class AllowList:
    """Hosts that may be asked: `host`, or `host:port`. `loopback` permits this machine, and plain http to it."""

    hosts: frozenset[str]
    loopback: bool = False

    def check(self, url: str) -> SplitResult:
        """The parts of an address that may be asked; `NotAllowed` says why not."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise NotAllowed("the address cannot be read") from error
        host = (parts.hostname or "").lower()
        if parts.scheme not in _PORTS or not host or parts.username or parts.password or parts.fragment:
            raise NotAllowed("the address is not a plain https address")
        if parts.scheme == "http" and not self._is_here(host):
            raise NotAllowed("only https addresses are asked")
        named = host if port in (None, 443) else f"{host}:{port}"
        if named not in self.hosts and host not in (self.hosts if self._is_here(host) else ()):
            raise NotAllowed("the host is not on the tenant's list")
        return parts

    def _is_here(self, host: str) -> bool:
        return self.loopback and host in ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def succeeded(self) -> bool:
        """True for 2xx."""
        return 200 <= self.status < 300


def fetch(
    method: str,
    url: str,
    allow: AllowList,
    *,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    seconds: float = SECONDS,
    most_bytes: int = MOST_BYTES,
) -> Answer:
    """The answer, whatever its status; redirects are not followed. `NotAllowed` before anything was sent, `Unavailable`
    where nobody answered properly in `seconds` or with at most `most_bytes`."""
    parts = allow.check(url)
    host, port = str(parts.hostname), parts.port or _PORTS[parts.scheme]
    address = _checked_address(host, port, allow)
    shown = f"[{address}]" if ":" in address else address
    pinned = parts._replace(netloc=f"{shown}:{port}").geturl()
    sent = {**(headers or {}), "Host": host if parts.port is None else f"{host}:{port}"}
    way: Any = import_module("careloop.outside.sending")  # 3 MB that a process which asks nobody never needs
    said = way.send(way.Sent(method=method, url=pinned, host=host, body=body, headers=sent), seconds, most_bytes)
    return Answer(*said)


def _checked_address(host: str, port: int, allow: AllowList) -> str:
    """One address of the host; refused when any of them is one that no request may go to."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Unavailable(f"{host} has no address") from error
    addresses = [str(one[4][0]) for one in found]
    for one in addresses:
        if not _may_be_asked(ipaddress.ip_address(one.partition("%")[0]), allow):
            raise NotAllowed("the host's address is not a public one")
    return addresses[0]


def _may_be_asked(address: ipaddress.IPv4Address | ipaddress.IPv6Address, allow: AllowList) -> bool:
    mapped = getattr(address, "ipv4_mapped", None)
    real = mapped or address
    if real.is_loopback:
        return allow.loopback
    return bool(real.is_global and not real.is_multicast and not real.is_reserved)
