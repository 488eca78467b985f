"""A subscriber with a real door: what it was sent, and what it answers."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from careloop import outbox
from careloop.access import clients
from careloop.access.model import Principal, PrincipalKind, Tenant
from careloop.db import Transaction
from careloop.flows import delivering, watching, writing
from careloop.flows.app import App
from careloop.record import Write, Written

BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"


@dataclass
class Hook:
    """Requests in the order of their arrival. `answers` decides the status; 200 when it has nothing to say."""

    port: int
    requests: list[dict[str, Any]] = field(default_factory=list)
    answers: Callable[[dict[str, Any]], int] = lambda _: 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def bundles(self) -> list[dict[str, Any]]:
        return [one["body"] for one in self.requests if one["method"] == "POST" and one["body"]]

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        return [one for one in self.bundles if parameter(one, "type") == kind]

    def numbers(self) -> list[int]:
        return [int(number) for one in self.of_kind("event-notification") for number in event_numbers(one)]


def parameter(bundle: dict[str, Any], name: str) -> Any:
    for one in bundle["entry"][0]["resource"]["parameter"]:
        if one["name"] == name:
            return next(value for key, value in one.items() if key.startswith("value"))
    return None


def events(bundle: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for one in bundle["entry"][0]["resource"]["parameter"]:
        if one["name"] == "notification-event":
            found.append(
                {part["name"]: next(v for k, v in part.items() if k.startswith("value")) for part in one["part"]}
            )
    return found


def event_numbers(bundle: dict[str, Any]) -> list[str]:
    return [one["event-number"] for one in events(bundle)]


@contextmanager
def listening() -> Iterator[Hook]:
    class Handler(BaseHTTPRequestHandler):
        def _take(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length") or 0))
            seen = {
                "method": self.command,
                "path": self.path,
                "headers": {name.lower(): value for name, value in self.headers.items()},
                "body": json.loads(raw) if raw else None,
            }
            status = hook.answers(seen)
            hook.requests.append({**seen, "status": status})
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        do_POST = do_PUT = _take  # noqa: N815 - names that the library calls

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hook = Hook(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Subscriber:
    """A client of a tenant, and the worker's hands."""

    app: App
    tenant: Tenant
    hook: Hook
    principal: Principal

    def write(self, *resources: dict[str, Any], method: str = "update") -> list[Written]:
        def work(tx: Transaction) -> list[Written]:
            writes = [
                Write(method=method, resource_type=one["resourceType"], id=one["id"], resource=one)  # type: ignore[arg-type]
                for one in resources
            ]
            return writing.write(self.app, tx, self.principal, writes)

        return self.app.database.run(self.tenant.id, work)

    def delete(self, resource_type: str, resource_id: str) -> None:
        write = Write(method="delete", resource_type=resource_type, id=resource_id)
        self.app.database.run(self.tenant.id, lambda tx: writing.write(self.app, tx, self.principal, [write]))

    def subscribe(self, criteria: str, **more: Any) -> str:
        resource = subscription(criteria, self.hook.url, **more)
        self.write(resource)
        return str(resource["id"])

    def work(self) -> None:
        """Everything that can be done now is done: changes seen, deliveries sent."""
        for _ in range(4):
            while watching.watch(self.app, self.tenant):
                pass
            while delivering.deliver_next(self.app, self.tenant):
                pass

    def read(self, reference: str) -> dict[str, Any]:
        with self.app.database.transaction(self.tenant.id) as tx:
            return self.app.record.fetch(tx, [reference])[reference].resource

    def deliveries(self, **wanted: Any) -> list[Any]:
        with self.app.database.transaction(self.tenant.id) as tx:
            return list(outbox.listed(tx, **wanted).items)


def subscription(
    criteria: str,
    endpoint: str,
    *,
    own_id: str = "sub-1",
    filters: tuple[str, ...] = (),
    content: str | None = "id-only",
    channel: str = "rest-hook",
    payload: str | None = "application/fhir+json",
    numbers: dict[str, int] | None = None,
    header: tuple[str, ...] = (),
    **more: Any,
) -> dict[str, Any]:
    made: dict[str, Any] = {
        "resourceType": "Subscription",
        "id": own_id,
        "status": "requested",
        "reason": "test",
        "criteria": criteria,
        "channel": {"type": channel, "endpoint": endpoint},
        **more,
    }
    if payload:
        made["channel"]["payload"] = payload
    if filters:
        url = BACKPORT + "backport-filter-criteria"
        made["_criteria"] = {"extension": [{"url": url, "valueString": one} for one in filters]}
    if content:
        url = BACKPORT + "backport-payload-content"
        made["channel"]["_payload"] = {"extension": [{"url": url, "valueCode": content}]}
    if numbers:
        made["channel"]["extension"] = [
            {"url": BACKPORT + name, "valuePositiveInt" if "max" in name else "valueUnsignedInt": value}
            for name, value in numbers.items()
        ]
    if header:
        made["channel"]["header"] = list(header)
    return made


def make_client(app: App, tenant: Tenant, scope: str = "system/*.cruds", name: str = "subscriber") -> Principal:
    with app.database.transaction(tenant.id) as tx:
        made = clients.create_client(tx, app.clock.now(), name=name, scope=scope).client
    return Principal(
        tenant_id=tenant.id, kind=PrincipalKind.CLIENT, id=made.id, name=made.name, scopes=tuple(made.scopes)
    )


def patient(own_id: str = "p1", family: str = "Rivera", **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": own_id, "name": [{"family": family}], **more}


def encounter(own_id: str = "e1", status: str = "in-progress", of: str = "p1", code: str = "IMP") -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "id": own_id,
        "status": status,
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": code},
        "subject": {"reference": f"Patient/{of}"},
    }
