"""Acknowledged means durable (security.md §1): the process group, or the database, is killed again and again while a
hospital sends. Nothing that was acknowledged is lost, nothing is there twice, and no process is left."""

import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest
from tests.acceptance.messages import adt
from tests.acceptance.product import Ack, Fhir, Mllp, Product

pytestmark = pytest.mark.long

KILLS = 20
PEOPLE = 120
"""Each is admitted, moved, and sent home: 360 messages, of which 120 open a loop."""
SEED = 2026
NOW = "2026-03-06T17:00:00-05:00"


def history() -> list[str]:
    """A feed of a few hundred messages, in the order in which they occurred; each has a control id of its own."""
    told = []
    for number in range(PEOPLE):
        more = {"mrn": f"K{number}", "visit": f"VK{number}", "family": f"KILL{number}"}
        minute = f"{number % 60:02}"
        told.append(adt("A01", f"2026-03-02 08:{minute}", control_id=f"K{number}-1", **more))
        told.append(adt("A02", f"2026-03-03 09:{minute}", control_id=f"K{number}-2", place="5E^501^B^STMARY", **more))
        told.append(adt("A03", f"2026-03-06 11:{minute}", control_id=f"K{number}-3", disposition="01", **more))
    return told


class Sender(threading.Thread):
    """Sends one message after the other; what was not acknowledged is sent again, as a hospital does."""

    def __init__(self, port: Callable[[], int], messages: list[str]) -> None:
        super().__init__(daemon=True)
        self.acks: dict[str, Ack] = {}
        self.sent = 0
        self.resent = 0
        self._port, self._messages = port, messages
        self.pace = 0.0
        self.give_up = threading.Event()

    @property
    def is_done(self) -> bool:
        return len(self.acks) == len(self._messages)

    def has_sent(self, count: float) -> bool:
        """So many messages are acknowledged, or all."""
        return self.sent >= count or self.is_done

    def run(self) -> None:
        for message in self._messages:
            control = message.split("|")[9]
            tries = 0
            while control not in self.acks and not self.give_up.is_set():
                tries += 1
                self._try(message, control)
            self.sent += 1
            self.resent += tries - 1
            time.sleep(self.pace)

    def _try(self, message: str, control: str) -> None:
        try:
            with Mllp(self._port(), timeout=10) as connection:
                ack = connection.exchange(message)
        except OSError:
            time.sleep(0.05)
            return
        if ack.code == "AA" and ack.control_id == control:
            self.acks[control] = ack
        else:
            time.sleep(0.1)


@pytest.fixture
def product() -> Iterator[Product]:
    """An installation of its own."""
    made = Product.on_new_folder(NOW)
    try:
        yield made.start()
    finally:
        made.discard()


def processes_of(folder: Path) -> list[str]:
    """Command lines of running processes that have to do with the installation in `folder`, by arguments,
    environment or working folder; the database too."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            words = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            here = os.readlink(entry / "cwd")
        except OSError:
            continue
        if str(folder).encode() in words or here.startswith(str(folder)):
            found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()[:120])
    return found


def report(name: str, figures: dict[str, object]) -> None:
    """The figures as one line for `docs/reliability.md`."""
    line = json.dumps({"test": name, **figures})
    print(line)
    target = os.environ.get("CARELOOP_FIGURES")
    if target:
        with Path(target).open("a") as file:
            file.write(line + "\n")


def check_nothing_lost_nothing_doubled(product: Product, sender: Sender, messages: list[str]) -> dict[str, int]:
    """Counts inbox, people, stays and loops against what was acknowledged."""
    product.settle(120)
    fhir = product.client()
    assert sender.is_done
    statuses = statuses_by_control_id(fhir)
    lost = [control for control in sender.acks if control not in statuses]
    doubled = [control for control, found in statuses.items() if len(found) > 1]
    unused = [control for control, found in statuses.items() if found != ["done"] and found != ["processed"]]
    stays = fhir.find("Encounter?_count=200")
    people = fhir.find("Patient?_count=200")
    loops = fhir.find("Task?code=urn:careloop:pathway|discharge-transition&_count=200")
    assert (lost, doubled, unused) == ([], [], [])
    assert len(stays) == len({stay["identifier"][0]["value"] for stay in stays}) == PEOPLE
    assert len(people) == len({one["identifier"][0]["value"] for one in people}) == PEOPLE
    assert len(loops) == len({loop["focus"]["reference"] for loop in loops}) == PEOPLE
    assert {stay["status"] for stay in stays} == {"finished"}
    assert {len(stay["location"]) for stay in stays} == {2}
    return {"messages": len(messages), "acknowledged": len(sender.acks), "lost": 0, "doubled": 0, "loops": len(loops)}


def statuses_by_control_id(fhir: Fhir) -> dict[str, list[str]]:
    """Of everything in the inbox."""
    found: dict[str, list[str]] = {}
    address = "inbox?_count=200"
    while address:
        page = fhir.api(address)
        for item in page["items"]:
            found.setdefault(item["control_id"], []).append(item["status"])
        address = (page["next"] or "").removeprefix("/api/")
    return found


def verify_is_clean(product: Product) -> None:
    verified = product.run("verify", "--json")
    assert verified.status == 0, verified.out[:3000]


def test_twenty_kills_of_the_process_group_lose_and_double_nothing(product: Product) -> None:
    chance, messages = random.Random(SEED), history()
    sender = Sender(lambda: product.mllp_port, messages)
    sender.start()
    began, ready, kills = time.monotonic(), [], 0
    step = len(messages) / (KILLS + 1)
    while kills < KILLS:
        wait_until(partial(sender.has_sent, step * (kills + chance.random() * 0.8)), 120)
        time.sleep(chance.random() * 0.05)
        product.kill()
        kills += 1
        down = time.monotonic()
        product.start()
        ready.append(time.monotonic() - down)
    wait_until(lambda: sender.is_done, 120)
    figures = check_nothing_lost_nothing_doubled(product, sender, messages)
    verify_is_clean(product)
    assert product.stop() == 0
    wait_until(lambda: processes_of(product.folder) == [], 20)
    report("kill -9 of the process group", {
        "kills": kills, **figures, "resent": sender.resent, "restart_seconds_median": median(ready),
        "restart_seconds_longest": round(max(ready), 1), "seconds": round(time.monotonic() - began),
    })  # fmt: skip


def test_twenty_kills_of_the_database_lose_and_double_nothing(product: Product) -> None:
    chance, messages = random.Random(SEED + 1), history()
    sender = Sender(lambda: product.mllp_port, messages)
    sender.start()
    began, away, kills = time.monotonic(), [], 0
    step = len(messages) / (KILLS + 1)
    while kills < KILLS:
        wait_until(partial(sender.has_sent, step * (kills + chance.random() * 0.8)), 120)
        os.kill(postmaster(product), signal.SIGKILL)
        kills += 1
        down = time.monotonic()
        wait_until(lambda: product_is_ready(product), 60)
        away.append(time.monotonic() - down)
        wait_until(partial(sender.has_sent, sender.sent + 1), 60)
    wait_until(lambda: sender.is_done, 120)
    figures = check_nothing_lost_nothing_doubled(product, sender, messages)
    verify_is_clean(product)
    assert product.stop() == 0
    wait_until(lambda: processes_of(product.folder) == [], 20)
    report("kill -9 of the database", {
        "kills": kills, **figures, "resent": sender.resent, "away_seconds_median": median(away),
        "away_seconds_longest": round(max(away), 1), "seconds": round(time.monotonic() - began),
    })  # fmt: skip


def median(seconds: list[float]) -> float:
    return round(sorted(seconds)[len(seconds) // 2], 1)


def postmaster(product: Product) -> int:
    """The process id in the first line of the server's own lock file."""
    found = next(product.data_dir.rglob("postmaster.pid"))
    return int(found.read_text().splitlines()[0])


def product_is_ready(product: Product) -> bool:
    try:
        return httpx.get(f"{product.url}/readyz", timeout=20).status_code == 200
    except httpx.HTTPError:
        return False


def wait_until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
