"""A whole installation as people start it: ready, stopped, killed, started again. Nothing of it is ever left."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from careloop.db import is_running
from careloop.db.cluster import OWNER_ROLE, locate
from careloop.settings import Settings

ROOT = Path(__file__).parents[3]


class Server:
    """`careloop serve` on one data folder, in a process group of its own."""

    def __init__(self, data_dir: Path, *more: str) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.ready_file = data_dir / "ready.json"
        self.errors = data_dir / "errors.txt"
        command = [sys.executable, "-m", "careloop.cli.main", "serve", "--data-dir", str(data_dir)]
        command += ["--port", str(self.port), "--ready-file", str(self.ready_file), *more]
        with self.errors.open("a") as errors:
            self.process = subprocess.Popen(
                command, stderr=errors, start_new_session=True, env={**os.environ, "PYTHONPATH": str(ROOT / "src")}
            )

    def ready(self) -> dict[str, Any]:
        """What the ready file says, once it is there."""
        wait_until(lambda: self.facts().get("pid") == self.process.pid or self.process.poll() is not None, 90)
        assert self.facts(), self.errors.read_text()
        return self.facts()

    def facts(self) -> dict[str, Any]:
        """The content of the ready file; after a kill it may be an old one."""
        return json.loads(self.ready_file.read_text()) if self.ready_file.exists() else {}

    def children(self) -> dict[str, int]:
        """Process ids of the parts by their name."""
        found = {}
        for entry in Path("/proc").iterdir():
            words = command_of(entry)
            if "careloop.cli.children" in words and parent_of(entry) == self.process.pid:
                found[words[words.index("careloop.cli.children") + 1]] = int(entry.name)
        return found

    def is_gone(self) -> bool:
        """No process of the group and no database server is left."""
        return not group(self.process.pid) and not is_running(Settings(data_dir=self.data_dir))


def command_of(entry: Path) -> list[str]:
    try:
        return (entry / "cmdline").read_text().split("\0")
    except OSError:
        return []


def parent_of(entry: Path) -> int:
    try:
        return int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
    except OSError:
        return -1


def group(leader: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            state, _, pgid = (entry / "stat").read_text().rsplit(")", 1)[1].split()[:3]
        except OSError:
            continue
        if entry.name.isdigit() and int(pgid) == leader and state != "Z":
            found.append(int(entry.name))
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], bool], seconds: float = 40.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def readyz(server: Server) -> tuple[int, dict[str, Any]]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/readyz", timeout=15) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())
    except OSError:
        return 0, {}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One data folder for the tests of this file."""
    import shutil
    import tempfile

    made = Path(tempfile.mkdtemp(prefix="careloop-test-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    """A server that is ready; whatever a test does to it, nothing is left afterwards."""
    started = Server(folder)
    started.ready()
    yield started
    if group(started.process.pid):
        os.killpg(started.process.pid, signal.SIGKILL)
    started.process.wait()
    wait_until(started.is_gone)


def test_a_ready_server_answers_and_ctrl_c_leaves_nothing(server: Server) -> None:
    facts = server.ready()
    assert facts["url"] == f"http://127.0.0.1:{server.port}"
    assert facts["fhir"] == f"{facts['url']}/fhir"
    assert facts["mllp"] == []
    assert facts["pid"] == server.process.pid
    status, found = readyz(server)
    assert (status, found["ready"], found["pending"]) == (200, True, 0)
    os.killpg(server.process.pid, signal.SIGINT)
    assert server.process.wait(30) == 0
    assert server.is_gone()
    assert not server.ready_file.exists()


def test_a_part_that_was_killed_is_started_again(server: Server) -> None:
    before = server.children()
    assert set(before) == {"web", "worker", "mllp"}
    for name in ("web", "worker"):
        os.kill(before[name], signal.SIGKILL)
    wait_until(lambda: len(server.children()) == 3 and readyz(server)[0] == 200)
    after = server.children()
    assert after["mllp"] == before["mllp"]
    assert after["web"] != before["web"]


def test_when_the_supervisor_alone_is_killed_everything_ends(server: Server) -> None:
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()
    wait_until(server.is_gone)
    assert server.is_gone()


def test_after_a_kill_of_the_whole_group_the_next_start_works(server: Server, folder: Path) -> None:
    os.killpg(server.process.pid, signal.SIGKILL)
    server.process.wait()
    wait_until(server.is_gone)
    again = Server(folder)
    again.ready()
    again.process.terminate()
    assert again.process.wait(30) == 0
    assert again.is_gone()


def test_a_killed_database_gives_503_for_a_moment_and_then_works_again(server: Server, folder: Path) -> None:
    postmaster = json.loads((folder / "postgres.json").read_text())["postmaster_pid"]
    os.kill(postmaster, signal.SIGKILL)
    answers = []
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        answers.append(readyz(server)[0])
        if answers[-1] == 200:
            break
    assert answers[-1] == 200
    assert set(answers) <= {200, 503}


def test_a_killed_guardian_is_replaced_while_the_server_runs(server: Server, folder: Path) -> None:
    cluster = locate(folder)
    before = cluster.read_state()
    assert before is not None
    os.kill(before.guardian_pid, signal.SIGKILL)
    wait_until(lambda: (now := cluster.read_state()) is not None and now.guardian_pid != before.guardian_pid)
    wait_until(lambda: readyz(server)[0] == 200 and is_running(Settings(data_dir=folder)))


def test_a_second_server_on_the_same_port_is_refused(server: Server, folder: Path) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "careloop.cli.main", "serve", "--data-dir", str(folder), "--port", str(server.port)],
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT / "src")}, check=False, timeout=60,
    )  # fmt: skip
    assert second.returncode == 3
    assert "cannot be used" in second.stderr


def test_the_clock_may_be_moved_but_not_where_a_production_tenant_is(folder: Path) -> None:
    moved = Server(folder, "--clock", "2030-01-07T09:00:00-05:00", "--only", "worker")
    moved.ready()
    assert offset_years(folder) > 2
    moved.process.terminate()
    moved.process.wait(30)
    started = Server(folder, "--only", "worker")
    started.ready()
    assert offset_years(folder) == 0
    with connect(folder) as connection:
        connection.execute(
            "insert into tenant (slug, name, zone, production, created) values ('real', 'R', 'UTC', true, now())"
        )
    started.process.terminate()
    started.process.wait(30)
    refused = Server(folder, "--clock", "2030-01-07T09:00:00-05:00", "--only", "worker")
    assert refused.process.wait(60) == 2
    assert "production" in refused.errors.read_text()
    wait_until(refused.is_gone)


def connect(folder: Path) -> "psycopg.Connection[Any]":
    cluster = locate(folder)
    state = cluster.read_state()
    assert state is not None
    return psycopg.connect(cluster.url(OWNER_ROLE, state), autocommit=True)


def offset_years(folder: Path) -> float:
    with connect(folder) as connection:
        row = connection.execute("select round(clock_offset_seconds / 31557600) from instance").fetchone()
    return float(row[0])
