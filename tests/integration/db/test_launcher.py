"""The embedded server: shared by its users, stopped with the last of them, back after any kill."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from careloop.db import DatabaseUrls, ensure_database, is_running, release_database
from careloop.db.cluster import APP_ROLE, OWNER_ROLE, locate
from careloop.settings import Settings

_USER = """
import sys
from pathlib import Path
from careloop.db import ensure_database
from careloop.settings import Settings
urls = ensure_database(Settings(data_dir=Path(sys.argv[1])))
print(urls.owner, flush=True)
sys.stdin.read()
"""


class User:
    """Another process that uses the server of a data folder until it is told to end or killed."""

    def __init__(self, data_dir: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _USER, str(data_dir)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def url(self) -> str:
        """Waits until the process has its database."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self) -> None:
        self.process.communicate("")

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """One data folder for the tests of this file, so that PostgreSQL's own set-up is paid for once."""
    made = Path(tempfile.mkdtemp(prefix="careloop-test-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def settings(folder: Path) -> Iterator[Settings]:
    """An installation whose server nobody uses yet, and nobody any more after the test."""
    chosen = Settings(data_dir=folder)
    yield chosen
    release_database(chosen)
    wait_until(lambda: not is_running(chosen))


def wait_until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def state(settings: Settings) -> dict[str, int]:
    return json.loads((settings.data_dir / "postgres.json").read_text())


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def can_connect(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def note(urls: DatabaseUrls, word: str) -> None:
    with psycopg.connect(urls.owner) as connection:
        connection.execute("drop table if exists noted")
        connection.execute("create table noted (word text)")
        connection.execute("insert into noted values (%s)", (word,))


def noted(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute("select word from noted order by word")]


def test_the_server_stops_when_its_last_user_leaves(settings: Settings) -> None:
    ensure_database(settings)
    pids = state(settings)
    release_database(settings)
    assert not is_running(settings)
    assert not is_alive(pids["postmaster_pid"])


def test_a_second_start_finds_the_rows_of_the_first(settings: Settings) -> None:
    note(ensure_database(settings), "first")
    release_database(settings)
    assert noted(ensure_database(settings).owner) == ["first"]


def test_the_server_stops_itself_when_its_only_user_was_killed(settings: Settings) -> None:
    user = User(settings.data_dir)
    assert can_connect(user.url())
    pids = state(settings)
    user.kill()
    wait_until(lambda: not is_alive(pids["postmaster_pid"]) and not is_alive(pids["guardian_pid"]))
    ensure_database(settings)


def test_two_users_share_one_server_which_outlives_the_first(settings: Settings) -> None:
    first, second = User(settings.data_dir), User(settings.data_dir)
    assert first.url() == second.url()
    pids = state(settings)
    first.kill()
    assert ensure_database(settings).owner
    assert state(settings) == pids
    second.end()
    assert is_alive(pids["postmaster_pid"])


def test_a_killed_server_comes_back_on_its_port_with_every_committed_row(settings: Settings) -> None:
    urls = ensure_database(settings)
    note(urls, "committed")
    before = state(settings)
    os.kill(before["postmaster_pid"], signal.SIGKILL)
    wait_until(lambda: not is_alive(before["postmaster_pid"]) and can_connect(urls.owner))
    assert noted(urls.owner) == ["committed"]
    assert state(settings)["port"] == before["port"]
    assert state(settings)["guardian_pid"] == before["guardian_pid"]


def test_a_killed_guardian_takes_the_server_with_it_and_the_next_start_works(settings: Settings) -> None:
    urls = ensure_database(settings)
    note(urls, "committed")
    before = state(settings)
    os.kill(before["guardian_pid"], signal.SIGKILL)
    wait_until(lambda: not is_running(settings))
    again = ensure_database(settings)
    assert noted(again.owner) == ["committed"]
    assert state(settings)["port"] == before["port"]
    assert not is_alive(before["postmaster_pid"])


def test_after_everything_was_killed_the_next_start_leaves_one_server(settings: Settings) -> None:
    user = User(settings.data_dir)
    user.url()
    before = state(settings)
    for pid in (before["guardian_pid"], before["postmaster_pid"], user.process.pid):
        os.kill(pid, signal.SIGKILL)
    user.process.communicate()
    assert can_connect(ensure_database(settings).owner)
    cluster = locate(settings.data_dir)
    working = [entry for entry in Path("/proc").iterdir() if entry.name.isdigit() and _cwd(entry) == str(cluster.data)]
    parents = {_parent(entry) for entry in working} - {int(entry.name) for entry in working} - {None}
    assert parents == {state(settings)["guardian_pid"]}


def _cwd(entry: Path) -> str:
    try:
        return str((entry / "cwd").readlink())
    except OSError:
        return ""


def _parent(entry: Path) -> int | None:
    """None for a process that ended in between: the server starts and ends workers all the time."""
    try:
        return int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return None


def test_passwords_are_private_and_needed(settings: Settings) -> None:
    urls = ensure_database(settings)
    for path in settings.data_dir.glob("postgres.*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name
    cluster = locate(settings.data_dir)
    for role in (OWNER_ROLE, APP_ROLE):
        assert not can_connect(urls.owner.replace(cluster.password(OWNER_ROLE), "wrong").replace(OWNER_ROLE, role))
    rules = [line.split() for line in (cluster.data / "pg_hba.conf").read_text().splitlines()]
    assert {words[-1] for words in rules if words and not words[0].startswith("#")} == {"scram-sha-256"}


def test_the_server_does_not_run_as_root_and_listens_on_a_private_socket_only(settings: Settings) -> None:
    urls = ensure_database(settings)
    uid = Path(f"/proc/{state(settings)['postmaster_pid']}").stat().st_uid
    assert uid != 0
    with psycopg.connect(urls.owner) as connection:
        assert connection.execute("show listen_addresses").fetchone() == ("",)
        assert connection.execute("show data_checksums").fetchone() == ("on",)
    sockets = (locate(settings.data_dir).folder / "socket").stat()
    assert (sockets.st_uid, stat.S_IMODE(sockets.st_mode)) == (uid, 0o700)


def test_where_the_path_of_a_socket_would_be_too_long_the_server_listens_on_loopback(folder: Path) -> None:
    settings = Settings(data_dir=folder / ("long" * 25))
    assert not can_connect(_other_password(ensure_database(settings)))
    with psycopg.connect(ensure_database(settings).app) as connection:
        assert connection.execute("show listen_addresses").fetchone() == ("127.0.0.1",)
    release_database(settings)
    assert not is_running(settings)


def _other_password(urls: DatabaseUrls) -> str:
    return make_conninfo(urls.app, password="wrong")


def test_requests_run_as_a_role_that_owns_nothing(settings: Settings) -> None:
    with psycopg.connect(ensure_database(settings).app) as connection:
        row = connection.execute(
            "select rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb,"
            " (select count(*) from pg_class where relowner = pg_roles.oid) from pg_roles where rolname = current_user"
        ).fetchone()
    assert row == (APP_ROLE, False, False, False, False, 0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another user")
def test_below_a_private_folder_the_server_lives_elsewhere_and_no_mode_changes(data_dir: Path) -> None:
    private = data_dir / "home"
    private.mkdir(mode=0o700)
    cluster = locate(private / "deep" / "careloop")
    assert cluster.folder.parent == Path("/var/lib")
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    assert locate(private / "deep" / "careloop") == cluster
    cluster.folder.rmdir()


def test_an_interrupted_first_start_is_done_again(data_dir: Path) -> None:
    settings = Settings(data_dir=data_dir)
    cluster = locate(data_dir)
    (cluster.folder / "data.new").mkdir()
    (cluster.folder / "data.new" / "half").write_text("")
    assert can_connect(ensure_database(settings).owner)
    release_database(settings)
