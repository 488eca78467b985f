"""`careloop bench feed`: ADT messages over MLLP to committed loops, at growing numbers of patients."""

import json
import socket
import threading
import time
import urllib.request
from collections.abc import Sequence

from careloop.bench import made_up
from careloop.bench.figures import Figure, Figures, at_least, at_most, percentile
from careloop.bench.installation import Place, installation, resident_megabytes, running_server
from careloop.db.limits import plain_commit_seconds
from careloop.flows.bulk import import_bundles

RATE_AIM, ANSWER_AIM, WORKER_AIM, WEB_AIM, FLAT_AIM = 150.0, 250.0, 400.0, 200.0, 1.3
_SENDERS = 8


def run(sizes: Sequence[int], seconds: int, pace: int, command: str) -> Figures:
    """For each number of patients: `seconds` of messages at `pace` a second, until all are processed."""
    figures: list[Figure] = []
    rates: list[float] = []
    with installation() as place:
        present = 0
        for round_number, size in enumerate(sizes):
            import_bundles(place.app, place.tenant, place.principal, list(made_up.patients(size))[present:])
            present = size
            figures += _round(place, size, 10_000_000 * (round_number + 1), seconds, pace, rates)
        texts = [message.decode() for message in made_up.messages(1000, place.app.clock.now(), first=1)]
        figures.append(
            Figure(name="limit: bare durable commits", unit="messages/s",
                   value=len(texts) / plain_commit_seconds(place.urls.owner, texts))
        )  # fmt: skip
    if len(rates) > 1:
        figures.append(at_most(f"cost at {sizes[-1]:,} against {sizes[0]:,}", rates[0] / rates[-1], "times", FLAT_AIM))
    return Figures(benchmark="feed", command=command, figures=figures)


def _round(place: Place, size: int, first: int, seconds: int, pace: int, rates: list[float]) -> list[Figure]:
    wanted = list(made_up.messages(seconds * pace, place.app.clock.now(), first=first))
    with running_server(place) as facts:
        started = time.perf_counter()
        answers = _send_all(place.mllp_port, wanted, pace)
        sent = time.perf_counter() - started
        _wait_until_processed(str(facts["url"]))
        rates.append(len(wanted) / (time.perf_counter() - started))
        memory = resident_megabytes(int(facts["pid"]))
    label = f"{size:,} patients: "
    return [
        Figure(name=f"{label}sent", value=len(wanted) / sent, unit="messages/s"),
        at_least(f"{label}to committed loops", rates[-1], "messages/s", RATE_AIM),
        at_most(f"{label}answer p50", percentile(answers, 0.5) * 1000, "ms", ANSWER_AIM),
        at_most(f"{label}answer p99", percentile(answers, 0.99) * 1000, "ms", ANSWER_AIM),
        at_most(f"{label}worker memory", memory.get("worker", 0.0), "MB", WORKER_AIM),
        at_most(f"{label}web memory", memory.get("web", 0.0), "MB", WEB_AIM),
    ]


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
