"""An app, a person who is asked to allow it, and a server for both: the pieces that tests of SMART launches share."""

import hashlib
import itertools
import re
import shutil
import socket
import threading
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from litestar.testing import TestClient
from tests.conftest import new_data_dir

from careloop.access import accounts, clients, sessions
from careloop.access.accounts import NewAccount
from careloop.access.browser import SESSION_COOKIE
from careloop.access.clients import Interactive, NewClient
from careloop.access.keys import open_keyring
from careloop.access.model import Role, Tenant, system_principal
from careloop.cli.web import run_web
from careloop.flows import writing
from careloop.flows.app import App
from careloop.record import Write

HOST = "http://localhost"
CALLBACK = "https://app.example/callback"
VERIFIER = "a-verifier-of-at-least-forty-three-letters-000"
CHALLENGE = urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
SCOPE = "openid fhirUser offline_access launch/patient patient/*.rs user/Practitioner.rs"
_numbers = itertools.count(1)


@dataclass
class Smart:
    """One practice with a signed-in nurse, apps, and a browser-like client without a cookie jar of its own."""

    app: App
    tenant: Tenant
    http: TestClient
    session: str
    patients: dict[str, str] = field(default_factory=dict)

    def register(self, scope: str = SCOPE, *, public: bool = False, launch: bool = False) -> NewClient:
        """An app with one redirect address."""
        asked = Interactive(
            redirect_uris=[CALLBACK], public=public, launch_url="https://app.example/launch" if launch else None
        )
        with self.app.database.transaction(self.tenant.id) as tx:
            name = f"Growth chart {next(_numbers)}"
            return clients.create_client(tx, self.app.clock.now(), name=name, scope=scope, interactive=asked)

    def asked(self, made: NewClient, **changes: str | None) -> dict[str, str]:
        """A right authorization request, changed here and there; None leaves a parameter out."""
        asked = {
            "response_type": "code",
            "client_id": made.client.id,
            "redirect_uri": CALLBACK,
            "scope": " ".join(made.client.scopes),
            "state": "state-of-the-app",
            "aud": f"{HOST}/fhir",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            "nonce": "n-1",
            **changes,
        }
        return {name: value for name, value in asked.items() if value is not None}

    def page(self, asked: dict[str, str]) -> Any:
        """The consent page, or where the browser is sent instead."""
        return self.http.get("/oauth/authorize", params=asked, headers=self.browser, follow_redirects=False)

    def decide(self, asked: dict[str, str], decision: str = "allow", **more: str) -> Any:
        """The person's answer."""
        form = {**asked, "csrf": sessions.csrf_token(self.session), "decision": decision, **more}
        return self.http.post("/oauth/authorize", data=form, headers=self.browser, follow_redirects=False)

    def code(self, made: NewClient, *, patient: str = "ann", **changes: str | None) -> str:
        """A code that the nurse has allowed."""
        answer = self.decide(self.asked(made, **changes), patient=self.patients[patient])
        assert answer.status_code == 303, unescape(re.sub("<[^>]*>", " ", answer.text))[:400]
        sent = parse_qs(urlsplit(answer.headers["location"]).query)
        assert sent["state"] == ["state-of-the-app"]
        return sent["code"][0]

    def redeem(self, made: NewClient, code: str, **changes: str) -> Any:
        """The answer of the token endpoint to a code."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        return self.token(made, {**form, **changes})

    def refresh(self, made: NewClient, token: str, **changes: str) -> Any:
        """The answer of the token endpoint to a refresh token."""
        return self.token(made, {"grant_type": "refresh_token", "refresh_token": token, **changes})

    def token(self, made: NewClient, form: dict[str, str]) -> Any:
        """The answer of the token endpoint."""
        proof = {"client_id": made.client.id} | ({"client_secret": made.secret} if made.secret else {})
        return self.http.post("/oauth/token", data={**proof, **form})

    def token_answer_of(self, path: str, made: NewClient, token: str) -> Any:
        """What introspection or revocation answers to the app about a token."""
        proof = {"client_id": made.client.id} | ({"client_secret": made.secret} if made.secret else {})
        return self.http.post(path, data={**proof, "token": token})

    def allowed(self, made: NewClient, **changes: Any) -> dict[str, Any]:
        """The whole way: what the app holds afterwards."""
        answer = self.redeem(made, self.code(made, **changes))
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def fhir(self, token: str, path: str, method: str = "GET", **more: Any) -> Any:
        """A FHIR request with a token."""
        headers = {"Authorization": f"Bearer {token}", **more.pop("headers", {})}
        return self.http.request(method, f"/fhir{path}", headers=headers, **more)

    @property
    def browser(self) -> dict[str, str]:
        """What the nurse's browser sends from our own pages."""
        return {"Cookie": f"{SESSION_COOKIE}={self.session}", "Origin": HOST}


@contextmanager
def serve(app: App, **changes: Any) -> Iterator[tuple[App, str]]:
    """A second instance of the product: a port and a data folder (so keys) of its own; the app and its address."""
    folder = new_data_dir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = replace(app.settings, data_dir=folder, port=port, metrics_port=None)
    other = replace(app, settings=settings, **changes)
    stop, url = threading.Event(), f"http://127.0.0.1:{port}"
    server = threading.Thread(target=run_web, args=(other, stop), daemon=True)
    server.start()
    with httpx.Client(transport=httpx.HTTPTransport(retries=10)) as client:
        assert client.get(f"{url}/healthz").status_code == 200
    yield other, url
    stop.set()
    server.join(timeout=10)
    shutil.rmtree(folder, ignore_errors=True)


def make_smart(app: App, tenant: Tenant, http: TestClient) -> Smart:
    """A practice with a nurse and two patients, Ann and Bob, each with the same kinds of data."""
    who = system_principal(tenant.id, "test")
    now = app.clock.now()
    with app.database.transaction(tenant.id) as tx:
        for name, stands_for, role in (("nurse", "nora", Role.NURSE), ("lead", "lea", Role.MANAGER)):
            account = NewAccount(id=name, username=name, name=f"Nora {name}", practitioner_id=stands_for, roles=[role])
            accounts.create_account(tx, open_keyring(app.settings.data_dir), now, account)
        session = sessions.open_session(tx, "nurse", now, lasts=timedelta(hours=10))
        practitioner = {"resourceType": "Practitioner", "id": "nora", "name": [{"family": "Nurse"}]}
        writing.write(app, tx, who, [Write(method="update", resource_type="Practitioner", id="nora",
                                           resource=practitioner)])  # fmt: skip
    smart = Smart(app, tenant, http, session)
    for name in ("ann", "bob"):
        smart.patients[name] = f"{name}-{tenant.id}"
        with app.database.transaction(tenant.id) as tx:
            writes = [_write(resource) for resource in chart_of(name, smart.patients[name])]
            writing.write(app, tx, who, writes)
    return smart


def chart_of(name: str, patient_id: str) -> list[dict[str, Any]]:
    """A little of everything about one person; the family name marks whose it is."""
    mark = f"{name.capitalize()}mark"
    subject = {"reference": f"Patient/{patient_id}"}
    kinds = "http://terminology.hl7.org/CodeSystem/observation-category"
    observations = [
        {
            "resourceType": "Observation", "id": f"{kind}-{patient_id}", "status": "final", "subject": subject,
            "code": {"text": mark, "coding": [{"system": "http://loinc.org", "code": code}]},
            "category": [{"coding": [{"system": kinds, "code": kind}]}],
            "performer": [{"reference": "Practitioner/nora"}],
            "effectiveDateTime": "2026-11-20T10:00:00Z", "valueQuantity": {"value": Decimal("5.4"), "unit": "mmol/L"},
            "encounter": {"reference": f"Encounter/e-{patient_id}"},
        }
        for kind, code in (("laboratory", "2345-7"), ("vital-signs", "8867-4"))
    ]  # fmt: skip
    return [
        {"resourceType": "Patient", "id": patient_id, "name": [{"family": mark}], "birthDate": "1955-02-14",
         "identifier": [{"system": "urn:test:mrn", "value": f"MRN-{patient_id}"}]},
        {"resourceType": "Encounter", "id": f"e-{patient_id}", "status": "finished", "subject": subject,
         "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB", "display": mark},
         "period": {"start": "2026-11-20T09:00:00Z", "end": "2026-11-20T11:00:00Z"}},
        {"resourceType": "Condition", "id": f"c-{patient_id}", "subject": subject, "code": {"text": mark}},
        *observations,
        {"resourceType": "Provenance", "id": f"p-{patient_id}", "recorded": "2026-11-20T10:00:00Z",
         "target": [subject, {"reference": f"Observation/laboratory-{patient_id}"}],
         "agent": [{"who": {"reference": "Practitioner/nora", "display": mark}}]},
    ]  # fmt: skip


def _write(resource: dict[str, Any]) -> Write:
    return Write(method="update", resource_type=resource["resourceType"], id=resource["id"], resource=resource)


@pytest.fixture
def smart(app, tenant, asgi) -> Iterator[Smart]:
    """The whole server in this process, and one practice."""
    with TestClient(asgi, base_url=HOST) as http:
        yield make_smart(app, tenant, http)
