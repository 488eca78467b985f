"""Many requests over loopback at once: prepared bytes out, whole answers in, seconds of each."""

import random
import re
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

CONNECTIONS = 16
COUNT = "_summary=count"
"""What makes a search a count."""
_TOTAL = re.compile(rb'"total"\s*:\s*(\d+)')
_ENOUGH = 4_096
"""Bytes of an answer that are kept: a count fits."""


@dataclass(frozen=True)
class Request:
    """One HTTP request. `kind` is the class under which its time is counted."""

    kind: str
    method: str
    path: str
    body: bytes = b""


@dataclass
class Traffic:
    """What came of a run: by kind, seconds and sizes of the answers and what those counted that are a count; how long
    it took in all."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    sizes: dict[str, list[int]] = field(default_factory=dict)
    counted: dict[str, list[int]] = field(default_factory=dict)
    wall: float = 0.0

    def note(self, kind: str, seconds: float, size: int, counted: int | None = None) -> None:
        """One more answer."""
        self.seconds.setdefault(kind, []).append(seconds)
        self.sizes.setdefault(kind, []).append(size)
        if counted is not None:
            self.counted.setdefault(kind, []).append(counted)

    @property
    def all_seconds(self) -> list[float]:
        """The seconds of every answer."""
        return [one for found in self.seconds.values() for one in found]

    @property
    def count(self) -> int:
        """How many were answered."""
        return sum(map(len, self.seconds.values()))


class Lines:
    """So many connections to one server, open until the end of the block. What is asked goes through all of them at
    once."""

    def __init__(self, address: tuple[str, int], token: str, *, connections: int = CONNECTIONS) -> None:
        self._address, self._token = address, token
        self._lines = [socket.create_connection(address, timeout=60) for _ in range(connections)]
        for line in self._lines:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> "Lines":
        return self

    def __exit__(self, *_: object) -> None:
        for line in self._lines:
            line.close()

    def ask(self, requests: Sequence[Request]) -> Traffic:
        """Every request is answered with success; `ConnectionError` names one that is not."""
        lanes = [requests[start :: len(self._lines)] for start in range(len(self._lines))]
        packed = [[(one, _packed(one, self._address, self._token)) for one in lane] for lane in lanes]
        found = [Traffic() for _ in lanes]
        faults: list[ConnectionError] = []
        threads = [
            threading.Thread(target=_lane, args=(line, lane, traffic, faults))
            for line, lane, traffic in zip(self._lines, packed, found, strict=True)
        ]
        started = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if faults:
            raise faults[0]
        return joined(found, time.perf_counter() - started)


def shuffled(requests: Sequence[Request], seed: int) -> list[Request]:
    """The same requests in an order that is the same each time."""
    mixed = list(requests)
    random.Random(seed).shuffle(mixed)  # noqa: S311 - an order, not a secret
    return mixed


def _lane(
    line: socket.socket, lane: Sequence[tuple[Request, bytes]], traffic: Traffic, faults: list[ConnectionError]
) -> None:
    try:
        for request, packed in lane:
            started = time.perf_counter()
            line.sendall(packed)
            answer = _answer(line)
            seconds = time.perf_counter() - started
            if not 200 <= answer.status < 300:
                raise ConnectionError(f"{request.method} {request.path} was answered with {answer.status}")
            traffic.note(request.kind, seconds, answer.size, _counted(answer.start) if COUNT in request.path else None)
    except OSError as error:
        faults.append(error if isinstance(error, ConnectionError) else ConnectionError(str(error)))


def _packed(request: Request, address: tuple[str, int], token: str) -> bytes:
    head = (
        f"{request.method} {request.path} HTTP/1.1\r\nHost: {address[0]}:{address[1]}\r\n"
        f"Authorization: Bearer {token}\r\nAccept: application/fhir+json\r\n"
    )
    if request.body:
        head += f"Content-Type: application/fhir+json\r\nContent-Length: {len(request.body)}\r\n"
    return head.encode() + b"\r\n" + request.body


@dataclass(frozen=True)
class _Answer:
    """Status, number of bytes, and the first bytes of one answer."""

    status: int
    size: int
    start: bytes


def _answer(line: socket.socket) -> _Answer:
    """The next answer; all of it was read."""
    data = b""
    while (end := data.find(b"\r\n\r\n")) < 0:
        data += _more(line)
    head = data[:end].lower()
    status, at = int(head[9:12]), head.find(b"content-length:")
    length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
    left = end + 4 + length - len(data)
    while left > 0:
        more = _more(line)
        left -= len(more)
        data = data if len(data) > _ENOUGH else data + more
    return _Answer(status, length, data[end + 4 :])


def _counted(body: bytes) -> int:
    """The total of a Bundle that is a count."""
    total = _TOTAL.search(body)
    if total is None:
        raise ConnectionError(f"a count without a total: {body[:200]!r}")
    return int(total[1])


def _more(line: socket.socket) -> bytes:
    part = line.recv(262_144)
    if not part:
        raise ConnectionError("the server closed the connection")
    return part


def joined(found: Sequence[Traffic], wall: float) -> Traffic:
    """All of them as one that took `wall` seconds."""
    whole = Traffic(wall=wall)
    for one in found:
        for kind, seconds in one.seconds.items():
            for second, size in zip(seconds, one.sizes[kind], strict=True):
                whole.note(kind, second, size)
        for kind, counted in one.counted.items():
            whole.counted.setdefault(kind, []).extend(counted)
    return whole
