"""A live HL7 v2 feed at a human pace: hospitals that tell the demo practice who came and who went home."""

import socket
import threading
from collections.abc import Iterator
from datetime import datetime
from random import Random
from zoneinfo import ZoneInfo

import structlog

from careloop.clock import Clock
from careloop.demo.population import Person, person
from careloop.demo.practice import Practice
from careloop.demo.stays import History, Message, Stay, adt
from careloop.settings import Settings

_START, _END = b"\x0b", b"\x1c\r"
_ANSWER_SECONDS = 30.0
_ZONE = ZoneInfo("America/New_York")
_log = structlog.get_logger()


def run_feed(
    settings: Settings,
    host: str,
    port: int,
    stop: threading.Event,
    *,
    clock: Clock | None = None,
    patients: int = 500,
    seed: int = 2026,
    slug: str = "riverbend",
    pause_seconds: tuple[float, float] = (20.0, 40.0),
) -> int:
    """One message every 20 to 40 seconds over MLLP until `stop`; answers how many were acknowledged.

    A practice that does not answer is tried again; a message is sent until it was acknowledged, as hospitals do.
    """
    chance, sent = Random(port), 0  # noqa: S311
    clock = clock or Clock()
    events = live(slug, seed, max(patients, 1), clock, chance)
    while not stop.wait(chance.uniform(*pause_seconds)):
        message = next(events)
        while not stop.is_set():
            try:
                sent += deliver(host, port, message.text.encode())
                break
            except OSError:
                _log.warning("feed has no connection", port=port)
                stop.wait(5.0)
    return sent


def deliver(host: str, port: int, raw: bytes) -> bool:
    """True when the message was acknowledged with AA; `OSError` when nobody answers."""
    with socket.create_connection((host, port), timeout=_ANSWER_SECONDS) as line:
        return b"MSA|AA|" in exchange(line, raw)


def exchange(line: socket.socket, raw: bytes) -> bytes:
    """The answer to one message on an open connection; `ConnectionError` when it ends before."""
    line.sendall(_START + raw + _END)
    answer = b""
    while not answer.endswith(_END):
        part = line.recv(65536)
        if not part:
            raise ConnectionError("the connection ended before the answer")
        answer += part
    return answer


def live(slug: str, seed: int, patients: int, clock: Clock, chance: Random) -> Iterator[Message]:
    """What happens now: people come to the emergency room, are admitted, moved, and go home, without end."""
    waiting: list[tuple[Person, Stay]] = []
    number = 0
    while True:
        now = clock.now().astimezone(_ZONE).replace(microsecond=0)
        number += 1
        if waiting and (len(waiting) > 12 or chance.random() < 0.5):
            somebody, stay = waiting.pop(0)
            yield _home(slug, somebody, stay, now, chance)
        else:
            somebody = person(seed, chance.randrange(patients), now.date())
            stay = Stay(key=f"L{now:%y%m%d%H%M%S}{number % 10}", admitted=now, kind=chance.choice("IIE"), ward="MED2")
            waiting.append((somebody, stay))
            yield adt(_history(slug, somebody, now), "A01" if stay.kind == "I" else "A04", stay, now)


def _home(slug: str, somebody: Person, stay: Stay, now: datetime, chance: Random) -> Message:
    ended = Stay(
        key=stay.key, admitted=stay.admitted, kind=stay.kind, ward=stay.ward, discharged=now,
        disposition=chance.choice(("01", "01", "01", "06", "03")),
    )  # fmt: skip
    return adt(_history(slug, somebody, now), "A03", ended, now)


def _history(slug: str, somebody: Person, now: datetime) -> History:
    practice = Practice(tenant_id=0, slug=slug, zone=_ZONE, staff={})
    return History(person=somebody, practice=practice, now=now, chance=Random(0))  # noqa: S311
