"""Where the embedded server listens: on a Unix socket, which costs less than loopback, in a folder that only its user
and root may enter. Where the path of the socket would be too long, on loopback."""

import os
import secrets
import socket
from pathlib import Path

from careloop.errors import Unavailable

LOOPBACK = "127.0.0.1"

_SOCKET_PORT = 5432
"""Names the file of the socket; there is one server in its folder."""
_LONGEST_PATH = 103
"""Bytes of a socket's path that every system takes (Linux: 107)."""
_PORTS = range(20000, 32000)
"""Below the ports that the kernel hands to outgoing connections, so that none is in the way after a restart."""


def host_of(folder: Path) -> str:
    """For a server whose files are in this folder: the folder of its socket, or the loopback address."""
    sockets = folder / "socket"
    return str(sockets) if len(os.fsencode(sockets / f".s.PGSQL.{_SOCKET_PORT}")) <= _LONGEST_PATH else LOOPBACK


def socket_folder(host: str) -> Path | None:
    """The folder of the socket; None on loopback."""
    return None if host == LOOPBACK else Path(host)


def settings_for(host: str) -> dict[str, str]:
    """The server's settings that say where it listens."""
    if host == LOOPBACK:
        return {"listen_addresses": LOOPBACK, "unix_socket_directories": ""}
    return {"listen_addresses": "", "unix_socket_directories": host, "unix_socket_permissions": "0700"}


def forget_socket(host: str) -> None:
    """What a killed server left of its socket is gone. Only for when no server listens there."""
    folder = socket_folder(host)
    for left in folder.glob(".s.PGSQL.*") if folder is not None else ():
        left.unlink(missing_ok=True)


def port_for(host: str, preferred: int = 0) -> int:
    """The port that goes with it: on loopback one that nobody listens on, `preferred` when it is free and not 0."""
    return _free_port(preferred) if host == LOOPBACK else _SOCKET_PORT


def _free_port(preferred: int) -> int:
    candidates = [preferred] if preferred else []
    candidates += [secrets.choice(_PORTS) for _ in range(200)]
    for port in candidates:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
    raise Unavailable("no free port for the database")


def session_name(pid: int) -> str:
    """The `application_name` of the connections of a process, by which the server's views tell whose they are."""
    return f"careloop-{pid}"


OWN_NAME = session_name(os.getpid())
