"""The product as a stranger meets it: a process group, a web address, an HL7v2 port, commands. Nothing of `careloop`
is imported here."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

REPOSITORY = Path(__file__).parents[2]
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("CARELOOP_")},
    "PYTHONPATH": str(REPOSITORY / "src"),
}
FHIR_JSON = "application/fhir+json"
Json = dict[str, Any]


def free_port() -> int:
    """A loopback port that nobody uses now, and whose neighbour is free too."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            try:
                second.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a command said: its exit status and both streams."""

    status: int
    out: str
    errors: str

    def json(self) -> Any:
        """The report of `--json`."""
        return json.loads(self.out)


@dataclass(kw_only=True)
class Product:
    """`careloop demo --patients 0` on a data folder of its own; it can be stopped, killed and started again."""

    folder: Path
    clock: str
    command: str = "demo"
    environment: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    mllp_port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None
    facts: Json = field(default_factory=dict)

    @classmethod
    def on_new_folder(cls, clock: str, **more: Any) -> "Product":
        """Not started yet. The folder can be reached by the database's user also when the tests run as root."""
        folder = Path(tempfile.mkdtemp(prefix="careloop-acceptance-"))
        folder.chmod(0o711)
        return cls(folder=folder, clock=clock, **more)

    @property
    def data_dir(self) -> Path:
        return self.folder / "data"

    @property
    def ready_file(self) -> Path:
        return self.folder / "ready.json"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    @property
    def url(self) -> str:
        return str(self.facts["url"]).rstrip("/")

    def start(self, clock: str | None = None) -> "Product":
        """It runs and says that it is ready."""
        self.spawn(clock)
        self.wait_ready()
        return self

    def spawn(self, clock: str | None = None) -> None:
        """Its processes are being started, in a group of their own."""
        self.clock = clock or self.clock
        self.ready_file.unlink(missing_ok=True)
        command = [
            sys.executable, "-m", "careloop.cli.main", self.command, "--port", str(self.port),
            "--data-dir", str(self.data_dir), "--clock", self.clock, "--ready-file", str(self.ready_file),
        ]  # fmt: skip
        if self.command == "demo":
            command += ["--patients", "0", "--no-feed", "--mllp-port", str(self.mllp_port)]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command, env={**ENVIRONMENT, **self.environment}, stdout=log, stderr=log, start_new_session=True
            )

    def wait_ready(self, seconds: float = 120) -> None:
        """The ready file is there and is of this run."""
        assert self.process is not None
        deadline = time.monotonic() + seconds
        while not self.ready_file.exists():
            assert self.process.poll() is None, f"it did not start: {self.log[-2000:]}"
            assert time.monotonic() < deadline, f"it is not ready after {seconds} s: {self.log[-2000:]}"
            time.sleep(0.05)
        self.facts = json.loads(self.ready_file.read_text())

    def stop(self) -> int:
        """Ctrl-C; its exit status."""
        assert self.process is not None
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(timeout=60)

    def kill(self) -> None:
        """SIGKILL for the whole process group."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=30)

    def restart(self, clock: str) -> "Product":
        """The same data at another time."""
        self.stop()
        return self.start(clock)

    def discard(self) -> None:
        """Nothing of it is left."""
        if self.process is not None and self.process.poll() is None:
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, *words: str, stdin: str | None = None) -> Outcome:
        """`careloop ...` on this installation."""
        done = subprocess.run(
            [sys.executable, "-m", "careloop.cli.main", *words, "--data-dir", str(self.data_dir)],
            env={**ENVIRONMENT, **self.environment}, capture_output=True, text=True, input=stdin, timeout=180,
            check=False,
        )  # fmt: skip
        return Outcome(status=done.returncode, out=done.stdout, errors=done.stderr)

    def deadlines(self, at: str) -> Json:
        """Everything due by that instant is carried out."""
        done = self.run("deadlines", "run", "--at", at, "--json")
        assert done.status == 0, done.errors
        return done.json()

    def settle(self, seconds: float = 60) -> None:
        """Everything acknowledged can be read (interface.md §2)."""
        deadline = time.monotonic() + seconds
        while True:
            answer = httpx.get(f"{self.url}/readyz", timeout=20)
            if answer.status_code == 200 and answer.json()["pending"] == 0:
                return
            assert time.monotonic() < deadline, f"still waiting: {answer.text} {self._waiting()} {self.log[-3000:]}"
            time.sleep(0.05)

    def _waiting(self) -> str:
        """What is not done yet, for the message of a failed test."""
        listed = self.run("inbox", "list", "--all", "--limit", "20", "--json").out
        return str([one for one in json.loads(listed)["items"] if one["status"] == "received"]) if listed else ""

    def client(self, tenant: str = "riverbend", scope: str | None = None) -> "Fhir":
        """The tenant's own client, with a fresh token."""
        mine = next(one for one in self.facts["clients"] if one["tenant"] == tenant)
        return self.client_of(mine["client_id"], mine["client_secret"], scope)

    def client_of(self, client_id: str, client_secret: str, scope: str | None = None) -> "Fhir":
        """A client with these credentials, with a fresh token."""
        form = {"grant_type": "client_credentials"} | ({"scope": scope} if scope else {})
        answer = httpx.post(f"{self.url}/oauth/token", data=form, auth=(client_id, client_secret), timeout=20)
        assert answer.status_code == 200, answer.text
        return Fhir(url=self.url, token=answer.json()["access_token"])

    def door(self, tenant: str = "riverbend") -> int:
        """The tenant's HL7v2 port."""
        return int(next(one["port"] for one in self.facts["mllp"] if one["tenant"] == tenant))

    def send(self, *messages: str | bytes, tenant: str = "riverbend") -> list["Ack"]:
        """The answers to the messages, sent one after the other on one connection; then all of it can be read."""
        with Mllp(self.door(tenant)) as connection:
            answers = [connection.exchange(message) for message in messages]
        self.settle()
        return answers


@dataclass(frozen=True, kw_only=True)
class Ack:
    """An acknowledgment: MSA-1, MSA-2, and the whole text."""

    code: str
    control_id: str
    text: str

    @property
    def says(self) -> str:
        """The ERR segment, empty when there is none."""
        return next((line for line in self.text.split("\r") if line.startswith("ERR")), "")


class Mllp:
    """One connection to an HL7v2 port."""

    def __init__(self, port: int, timeout: float = 30) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self._held = b""

    def __enter__(self) -> "Mllp":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def raw(self, content: bytes) -> None:
        """Bytes as they are."""
        self._socket.sendall(content)

    def frame(self, message: str | bytes) -> None:
        """One whole message."""
        content = message.encode() if isinstance(message, str) else message
        self._socket.sendall(b"\x0b" + content + b"\x1c\r")

    def answer(self) -> Ack:
        """The next acknowledgment."""
        while b"\x1c\r" not in self._held:
            received = self._socket.recv(65536)
            if not received:
                raise ConnectionError("closed before an answer came")
            self._held += received
        frame, self._held = self._held.split(b"\x1c\r", 1)
        text = frame.lstrip(b"\x0b").decode()
        fields = next(line for line in text.split("\r") if line.startswith("MSA")).split("|")
        return Ack(code=fields[1], control_id=fields[2] if len(fields) > 2 else "", text=text)

    def exchange(self, message: str | bytes) -> Ack:
        """Sent and answered."""
        self.frame(message)
        return self.answer()


@dataclass(kw_only=True)
class Fhir:
    """A FHIR client with a bearer token. Methods without `expect` give the httpx answer as it came."""

    url: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "Accept": FHIR_JSON}

    def request(self, method: str, path: str, *, body: Any = None, **more: Any) -> httpx.Response:
        """Any request; `path` is below the root of the server, `body` is JSON or bytes."""
        headers = self.headers | more.pop("headers", {})
        if body is not None:
            headers.setdefault("Content-Type", FHIR_JSON)
            more["content"] = body if isinstance(body, (bytes, str)) else json.dumps(body)
        return httpx.request(method, f"{self.url}{path}", headers=headers, timeout=more.pop("timeout", 60), **more)

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.request("GET", f"/fhir/{path}", **more)

    def put(self, resource: Json, **more: Any) -> httpx.Response:
        return self.request("PUT", f"/fhir/{resource['resourceType']}/{resource['id']}", body=resource, **more)

    def post(self, path: str, body: Any, **more: Any) -> httpx.Response:
        return self.request("POST", f"/fhir/{path}".rstrip("/"), body=body, **more)

    def delete(self, path: str, **more: Any) -> httpx.Response:
        return self.request("DELETE", f"/fhir/{path}", **more)

    def write(self, *resources: Json) -> None:
        """Each is stored under its own id."""
        for resource in resources:
            answer = self.put(resource)
            assert answer.status_code in (200, 201), answer.text

    def read(self, reference: str) -> Json:
        """The resource; it must be there."""
        answer = self.get(reference)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def find(self, query: str) -> list[Json]:
        """Every match of a search, over all pages."""
        found: list[Json] = []
        address: str | None = f"/fhir/{query}"
        while address:
            answer = self.request("GET", address)
            assert answer.status_code == 200, answer.text
            bundle = answer.json()
            found += [e["resource"] for e in bundle.get("entry", []) if e.get("search", {}).get("mode") != "include"]
            after = next((link["url"] for link in bundle.get("link", []) if link["relation"] == "next"), None)
            address = after.removeprefix(self.url) if after else None
        return found

    def api(self, path: str) -> Any:
        """`GET /api/...`."""
        answer = self.request("GET", f"/api/{path}", headers={"Accept": "application/json"})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def patient_of(self, number: str, facility: str = "STMARY") -> str:
        """The id of the person whom that hospital calls by this number."""
        [patient] = self.find(f"Patient?identifier=urn:careloop:authority:{facility}|{number}")
        return str(patient["id"])

    def stay_of(self, visit: str) -> Json:
        """The Encounter of that visit number."""
        [stay] = self.find(f"Encounter?identifier={visit}")
        return stay

    def loops(self, patient: str, pathway: str = "discharge-transition") -> list[Json]:
        """The patient's loops on that pathway, oldest first."""
        found = self.find(f"Task?patient=Patient/{patient}&code=urn:careloop:pathway|{pathway}")
        return sorted(found, key=lambda task: str(task["executionPeriod"]["start"]))

    def steps(self, loop: Json) -> dict[str, Json]:
        """The loop's steps by their id."""
        found = self.find(f"Task?part-of=Task/{loop['id']}")
        return {task["code"]["coding"][0]["code"]: task for task in found}

    def episode(self, stay: str) -> Json:
        """`/api/episodes/{id}`."""
        return dict(self.api(f"episodes/{stay}"))
