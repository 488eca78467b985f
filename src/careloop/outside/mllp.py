"""One HL7 v2 message over MLLP to a system that an administrator has named, and its answer."""

import socket
import time

from careloop.errors import Unavailable

SECONDS = 15.0
MOST_BYTES = 1_000_000
_START, _END = b"\x0b", b"\x1c"
_TRAILER = b"\x1c\r"


def exchange(host: str, port: int, message: bytes, *, seconds: float = SECONDS, most_bytes: int = MOST_BYTES) -> bytes:
    """The answer to `message`, without its frame. `Unavailable` where no whole answer came within `seconds`: whether
    the message arrived is not known then."""
    ends = time.monotonic() + seconds
    try:
        with socket.create_connection((host, port), timeout=seconds) as connection:
            connection.sendall(_START + message + _TRAILER)
            return _answer(connection, ends, most_bytes)
    except OSError as error:
        raise Unavailable(f"nobody answered at port {port} ({type(error).__name__})") from error


def _answer(connection: socket.socket, ends: float, most_bytes: int) -> bytes:
    found = bytearray()
    while _END not in found:
        left = ends - time.monotonic()
        if left <= 0:
            raise Unavailable("there was no answer in time")
        connection.settimeout(left)
        part = connection.recv(65536)
        if not part:
            raise Unavailable("the connection was closed without an answer")
        found += part
        if len(found) > most_bytes:
            raise Unavailable(f"the answer is larger than {most_bytes} bytes")
    start = found.find(_START)
    return bytes(found[start + 1 : found.index(_END)])
