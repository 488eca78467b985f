"""`careloop bench feed`: ADT messages over MLLP to committed loops, at growing numbers of patients."""

import json
import socket
import threading
import time
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from careloop.bench import crowd, made_up, population
from careloop.bench.fhir_rounds import PACE
from careloop.bench.figures import Figure, Figures, at_least, at_most, loops_per_second, percentile
from careloop.bench.filling import bare
from careloop.bench.installation import Place, cpu_seconds, installation, resident_megabytes, running_server
from careloop.db.limits import plain_commit_seconds
from careloop.loops import store
from careloop.worker import sweeping

RATE_AIM, ANSWER_AIM, WORKER_AIM, WEB_AIM, FLAT_AIM = 150.0, 250.0, 400.0, 200.0, 1.3
_SENDERS = 8
_SETTLE, _REST = 8.0, 5.0
_WARM_SECONDS = 8
"""So long messages come before those that are measured: plans, caches and the code are warm then."""


@dataclass(frozen=True, kw_only=True)
class _Pace:
    """So many messages a second, for so long."""

    seconds: int
    pace: int

    @property
    def count(self) -> int:
        return self.seconds * self.pace


@dataclass(frozen=True, kw_only=True)
class _Round:
    """What came of the messages of one round. `cpu` is of the server's processes and PostgreSQL, a message, without
    what they use at rest; `pace` how fast a core was beside it (loops a second, middle of before and after)."""

    size: int
    sent: float
    committed: float
    cpu: float
    pace: float
    answers: Sequence[float]
    memory: Mapping[str, float]
    turned: int
    """Loops that were there before and whose clocks turned in the measured time: their sweep is inside `cpu`."""

    @property
    def at_pace(self) -> float:
        """CPU of a message put to a core of `PACE`."""
        return self.cpu * self.pace / PACE

    @property
    def figures(self) -> list[Figure]:
        """The round as figures, each named by its number of patients."""
        label = f"{self.size:,} patients: "
        return [
            Figure(name=f"{label}sent", value=self.sent, unit="messages/s"),
            at_least(f"{label}to committed loops", self.committed, "messages/s", RATE_AIM),
            Figure(
                name=f"{label}CPU of server and database",
                value=self.cpu * 1000,
                unit=f"ms a message at {self.pace / 1e6:.0f} M",
            ),
            Figure(name=f"{label}the same at {PACE / 1e6:.0f} M", value=self.at_pace * 1000, unit="ms a message"),
            Figure(name=f"{label}clocks that turned beside", value=self.turned, unit="loops"),
            at_most(f"{label}answer p50", percentile(self.answers, 0.5) * 1000, "ms", ANSWER_AIM),
            at_most(f"{label}answer p99", percentile(self.answers, 0.99) * 1000, "ms", ANSWER_AIM),
            at_most(f"{label}worker memory", self.memory.get("worker", 0.0), "MB", WORKER_AIM),
            at_most(f"{label}web memory", self.memory.get("web", 0.0), "MB", WEB_AIM),
        ]


def run(sizes: Sequence[int], seconds: int, pace: int, command: str, kept: Sequence[Path] = ()) -> Figures:
    """For each number of patients, and then for each population that is `kept` in a folder (`bench worklist`):
    `seconds` of messages at `pace` a second, until all are processed. Where two are kept, the first is compared with
    the last: both have staff and loops, which the others have not."""
    rounds: list[_Round] = []
    wanted = _Pace(seconds=seconds, pace=pace)
    with installation() as place:
        present = 0
        for size in sizes:
            with bare(place):
                crowd.add(place, present, size)
            present = size
            rounds.append(_round(place, size, wanted))
        texts = [message.decode() for message in made_up.messages(1000, place.app.clock.now(), first=1)]
        limit = Figure(name="limit: bare durable commits", unit="messages/s",
                       value=len(texts) / plain_commit_seconds(place.urls.owner, texts))  # fmt: skip
    for folder in kept:
        with installation(folder) as place:
            # What became due since the practice was made is no cost of a message.
            sweeping.run(place.app, place.tenant)
            rounds.append(_round(place, population.patients_of(place), wanted))
    figures = [*(figure for one in rounds for figure in one.figures), limit]
    if len(rounds) > 1:
        first, last = rounds[-len(kept) if len(kept) > 1 else 0], rounds[-1]
        name = f"CPU at {last.size:,} against {first.size:,}, at one speed of a core"
        figures.append(at_most(name, last.at_pace / first.at_pace, "times", FLAT_AIM))
    return Figures(benchmark="feed", command=command, figures=figures)


def _round(place: Place, size: int, wanted: _Pace) -> _Round:
    """Messages about people whom nobody knows yet."""
    population.settle(place)
    first = 10_000_000 + 10 * population.patients_of(place)
    warm = _WARM_SECONDS * wanted.pace
    messages = list(made_up.messages(warm + wanted.count, place.app.clock.now(), first=first))
    with running_server(place) as facts:
        pid, url = int(facts["pid"]), str(facts["url"])
        time.sleep(_SETTLE)
        _send_all(place.mllp_port, messages[:warm], wanted.pace)
        _wait_until_processed(url)
        messages = messages[warm:]
        rest = _at_rest(place, pid)
        turned, speed = _due_within(place, wanted.seconds), loops_per_second()
        used, started = cpu_seconds(place, pid), time.perf_counter()
        answers = _send_all(place.mllp_port, messages, wanted.pace)
        sent = time.perf_counter() - started
        _wait_until_processed(url)
        seconds = time.perf_counter() - started
        used = cpu_seconds(place, pid) - used - rest * seconds
        speed = (speed + loops_per_second()) / 2
        memory = resident_megabytes(pid)
    return _Round(
        size=size,
        sent=len(messages) / sent,
        committed=len(messages) / seconds,
        cpu=used / len(messages),
        pace=speed,
        answers=answers,
        memory=memory,
        turned=turned,
    )


def _due_within(place: Place, seconds: int) -> int:
    with place.app.database.transaction(place.tenant.id) as tx:
        return store.due_count(tx, place.app.clock.now() + timedelta(seconds=seconds), 1_000_000)


def _at_rest(place: Place, pid: int) -> float:
    """Share of a core that the server uses without messages, once it has done what is behind those before."""
    time.sleep(_SETTLE)
    used, started = cpu_seconds(place, pid), time.perf_counter()
    time.sleep(_REST)
    return (cpu_seconds(place, pid) - used) / (time.perf_counter() - started)


def _send_all(port: int, messages: Sequence[bytes], pace: int) -> list[float]:
    """Seconds to the answer of each message. The two messages of a person go through one connection, in order."""
    answers: list[list[float]] = [[] for _ in range(_SENDERS)]
    started = time.perf_counter()
    lanes: list[list[tuple[float, bytes]]] = [[] for _ in range(_SENDERS)]
    for number, message in enumerate(messages):
        lanes[number // 2 % _SENDERS].append((started + number / pace, message))
    threads = [
        threading.Thread(target=_send, args=(port, lane, found)) for lane, found in zip(lanes, answers, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [one for found in answers for one in found]


def _send(port: int, lane: Sequence[tuple[float, bytes]], answers: list[float]) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
        for due, message in lane:
            time.sleep(max(due - time.perf_counter(), 0.0))
            started = time.perf_counter()
            line.sendall(b"\x0b" + message + b"\x1c\r")
            _read_answer(line)
            answers.append(time.perf_counter() - started)


def _read_answer(line: socket.socket) -> None:
    answer = b""
    while not answer.endswith(b"\x1c\r"):
        part = line.recv(65536)
        if not part:
            raise ConnectionError("the listener closed the connection")
        answer += part


def _wait_until_processed(url: str) -> None:
    while True:
        with urllib.request.urlopen(f"{url}/readyz", timeout=30) as answer:  # noqa: S310 - our own server
            if json.loads(answer.read())["pending"] == 0:
                return
        time.sleep(0.05)
