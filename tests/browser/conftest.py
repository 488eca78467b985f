"""A real demo in processes of its own, and a real browser in front of it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from tests.conftest import REPOSITORY, new_data_dir

from careloop.clock import Clock

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Site:
    """A running demo: where it is, who may sign in, and its HL7v2 door."""

    url: str
    mllp_port: int
    logins: tuple[dict[str, Any], ...]
    clients: tuple[dict[str, Any], ...] = ()

    def login(self, role: str) -> dict[str, Any]:
        """The first sign-in of that role at the first practice."""
        return next(login for login in self.logins if login["role"] == role and login["tenant"] == "riverbend")


def free_port() -> int:
    """A loopback port that nobody uses now."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


@pytest.fixture(scope="package")
def site() -> Iterator[Site]:
    """`careloop demo` with 40 made-up patients, stopped and gone at the end; with `CARELOOP_SITE` the demo that runs
    already and wrote that ready file, which is left as the tests leave it."""
    if running := os.environ.get("CARELOOP_SITE"):
        yield _site_of(json.loads(Path(running).read_text()))
        return
    folder = new_data_dir()
    ready = folder / "ready.json"
    command = [
        sys.executable, "-m", "careloop.cli.main", "demo", "--port", str(free_port()), "--mllp-port", str(free_port()),
        "--data-dir", str(folder / "data"), "--patients", "40", "--no-feed", "--ready-file", str(ready),
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "src")}
    log = (folder / "log").open("wb")
    process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        yield _site(ready, process, folder / "log")
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
        log.close()
        shutil.rmtree(folder, ignore_errors=True)


def _site(ready: Path, process: "subprocess.Popen[bytes]", log: Path) -> Site:
    deadline = time.monotonic() + 180
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"the demo did not start: {log.read_text()[-2000:]}")
        time.sleep(0.2)
    return _site_of(json.loads(ready.read_text()))


def _site_of(facts: dict[str, Any]) -> Site:
    port = next(feed["port"] for feed in facts["mllp"] if feed["tenant"] == "riverbend")
    return Site(
        url=facts["url"].rstrip("/"),
        mllp_port=port,
        logins=tuple(facts["logins"]),
        clients=tuple(one for one in facts["clients"] if one["tenant"] == "riverbend"),
    )


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium of the machine; without one the tests are skipped, with CI=true they fail."""
    path = os.environ.get("CARELOOP_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no chromium on this machine")
        pytest.skip("no chromium on this machine")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def open_context(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Makes browser contexts and closes them afterwards."""
    opened: list[BrowserContext] = []

    def make(**options: Any) -> BrowserContext:
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
        context.set_default_timeout(15_000)
        opened.append(context)
        return context

    yield make
    for context in opened:
        context.close()


def sign_in(page: Page, site: Site, role: str = "coordinator") -> None:
    """On the first page of that role."""
    login = site.login(role)
    page.goto(f"{site.url}/sign-in")
    page.fill("#username", login["username"])
    page.fill("#password", login["password"])
    page.click("button.primary")
    page.wait_for_url(lambda url: "/sign-in" not in url)


def send_hl7(site: Site, message: str) -> str:
    """The acknowledgment code of one message sent through the real MLLP port."""
    body = message.replace("\n", "\r").encode()
    with socket.create_connection(("127.0.0.1", site.mllp_port), timeout=20) as connection:
        connection.sendall(b"\x0b" + body + b"\x1c\r")
        answer = b""
        while b"\x1c" not in answer:
            answer += connection.recv(4096)
    acknowledgment = next(line for line in answer.strip(b"\x0b\x1c\r").split(b"\r") if line.startswith(b"MSA"))
    return acknowledgment.split(b"|")[1].decode()


def wait_until_read(site: Site) -> None:
    """Everything that was acknowledged can be read now."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with urllib.request.urlopen(f"{site.url}/readyz", timeout=5) as answer:
            if json.loads(answer.read())["pending"] == 0:
                return
        time.sleep(0.1)
    pytest.fail("messages are still waiting after 30 s")


def emergency_visit(site: Site, *, family: str, number: str) -> None:
    """Somebody came to the emergency room and left it two hours ago; the message came through the real door."""
    left = Clock().now() - timedelta(hours=2)
    came = left - timedelta(hours=3)
    for event, at in (("A04", came), ("A03", left)):
        instant = f"{at:%Y%m%d%H%M%S}+0000"
        message = "\n".join(
            [
                f"MSH|^~\\&|ADT|STANNE|CARELOOP|PRACTICE|{instant}||ADT^{event}|{event}-{number}|P|2.5.1",
                f"EVN|{event}|{instant}||||{instant}",
                f"PID|1||{number}^^^STANNE^MR||{family}^{family[::-1]}||1960{number[-2:]}12|F"
                f"|||{number} ELM ST^^ALPHA^MA^0{number}"
                f"||^PRN^PH^^^555^555{number}",
                f"PV1|1|E|ED^1^A^STANNE||||||||||||||||V{number}|||||||||||||||||"
                + (f"01||||||||{came:%Y%m%d%H%M%S}+0000|{instant}" if event == "A03" else f"||||||||{instant}"),
            ]
        )
        assert send_hl7(site, message) == "AA"
    wait_until_read(site)
