"""Notifications over a real websocket to the server as it runs."""

import json
import socket
import threading
from contextlib import contextmanager
from dataclasses import replace

import pytest
from tests.integration.flows.hooks import (
    encounter,
    event_numbers,
    events,
    make_client,
    parameter,
    patient,
    subscription,
)
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect as open_socket

from careloop.access import clients
from careloop.access.tokens import issue_token
from careloop.cli.web import run_web
from careloop.flows import watching, writing
from careloop.record import Write

ADMIT = "urn:careloop:topic:patient-admit"


def socket_subscription():
    made = subscription(ADMIT, "x", channel="websocket", content="full-resource")
    del made["channel"]["endpoint"]
    return made


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def serving(app):
    """The web process's own server, in a thread."""
    here = replace(app, settings=replace(app.settings, port=free_port()))
    stop = threading.Event()
    runs = threading.Thread(target=run_web, args=(here, stop), daemon=True)
    runs.start()
    try:
        yield here.settings.port
    finally:
        stop.set()
        runs.join(15)


class Listener:
    """A client of a tenant with a websocket Subscription, and the worker's hands."""

    def __init__(self, app, tenant, port):
        self.app, self.tenant, self.port = app, tenant, port
        self.principal = make_client(app, tenant)

    def write(self, *resources):
        writes = [
            Write(method="update", resource_type=one["resourceType"], id=one["id"], resource=one) for one in resources
        ]
        self.app.database.run(self.tenant.id, lambda tx: writing.write(self.app, tx, self.principal, writes))
        for _ in range(4):
            while watching.watch(self.app, self.tenant):
                pass

    def pass_for(self, *ids):
        import httpx

        with self.app.database.transaction(self.tenant.id) as tx:
            token = issue_token(tx, self.principal.id, self.principal.scopes, self.app.clock.now())
        for _ in range(50):
            try:
                answer = httpx.get(
                    f"http://127.0.0.1:{self.port}/fhir/Subscription/$get-ws-binding-token?ids={','.join(ids)}",
                    headers={"Authorization": f"Bearer {token}"},
                )
                break
            except httpx.ConnectError:
                threading.Event().wait(0.1)
        found = {
            one["name"]: next(value for key, value in one.items() if key.startswith("value"))
            for one in answer.json()["parameter"]
        }
        return found["websocket-url"], found["token"]

    @contextmanager
    def bound(self, address, token):
        with open_socket(address, open_timeout=10) as line:
            line.send(f"bind-with-token: {token}")
            yield lambda: json.loads(line.recv(timeout=10))


@pytest.fixture
def listener(app, tenant):
    with serving(app) as port:
        one = Listener(app, tenant, port)
        one.write(patient(), socket_subscription())
        yield one


def test_a_socket_hears_the_handshake_and_each_event_and_goes_on_where_it_stopped(listener):
    address, token = listener.pass_for("sub-1")
    assert address == f"ws://127.0.0.1:{listener.port}/fhir/ws"
    with listener.bound(address, token) as take:
        assert parameter(take(), "type") == "handshake"
        listener.write(encounter("e1"))
        told = take()
        assert event_numbers(told) == ["1"] and events(told)[0]["focus"]["reference"].endswith("/fhir/Encounter/e1")
        assert told["entry"][1]["resource"]["id"] == "e1"
    listener.write(encounter("e2"), encounter("e3"))
    with listener.bound(*listener.pass_for("sub-1")) as take:
        take()
        numbers = [number for _ in range(2) for number in event_numbers(take())]
    assert numbers[-2:] == ["2", "3"]


def test_a_pass_is_good_once_and_a_wrong_one_never(listener):
    address, token = listener.pass_for("sub-1")
    with listener.bound(address, token) as take:
        take()
    for bad in (token, "clw_1.nothing", "x"):
        with listener.bound(address, bad) as take, pytest.raises(ConnectionClosed) as closed:
            take()
        assert closed.value.rcvd.code == 1008


def test_a_client_that_is_revoked_hears_no_more(listener):
    with listener.bound(*listener.pass_for("sub-1")) as take:
        take()
        with listener.app.database.transaction(listener.tenant.id) as tx:
            clients.revoke_client(tx, listener.principal.id, listener.app.clock.now())
        with pytest.raises(ConnectionClosed) as closed:
            take()
    assert closed.value.rcvd.code == 1008
