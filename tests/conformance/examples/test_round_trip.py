"""Every published example is written over HTTP and read again unchanged: every element, every digit, every order.

The server adds meta.versionId and meta.lastUpdated and nothing else (interface.md section 3). AuditEvent can only be
read and searched here, so its examples are validated.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from litestar import Litestar
from litestar.datastructures import State
from litestar.testing import TestClient
from tests.conformance.examples.pack import FOLDERS, examples

from careloop.access.clients import create_client
from careloop.access.tokens import issue_token
from careloop.api import fhir
from careloop.fhir.jsons import decode
from careloop.fhir.validation import Validator

pytestmark = pytest.mark.shared

EXCLUSIONS = yaml.safe_load(Path(__file__).with_name("exclusions.yaml").read_text())["round-trip"]
EXCLUDED = {entry["example"] for entry in EXCLUSIONS}
LEAST = {
    "r4-official": 370, "us-core": 118, "davinci-deqm": 64, "davinci-ra-gaps": 40, "davinci-cdex": 34,
    "davinci-pcde": 5, "davinci-alerts": 6, "mcc-ecareplan": 36,
}  # fmt: skip
"""How many examples a folder holds at least, so that a reader that finds none is noticed."""


@pytest.fixture
def client(app, tenant) -> Iterator[TestClient[Any]]:
    """A client that may do everything, in a practice of its own."""
    now = app.clock.now()
    with app.database.transaction(tenant.id) as tx:
        made = create_client(tx, now, name="round trip", scope="system/*.cruds")
        token = issue_token(tx, made.client.id, made.client.scopes, now)
    litestar = Litestar(route_handlers=fhir.routes, state=State({"careloop": app}), logging_config=None)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/fhir+json"}
    with TestClient(litestar) as http:
        http.headers.update(headers)
        yield http


def exact(text: bytes | str) -> Any:
    """JSON whose numbers are the texts that they were written as."""
    return json.loads(text, parse_float=lambda digits: ("number", digits), parse_int=lambda digits: ("number", digits))


def without_server_elements(resource: dict[str, Any]) -> dict[str, Any]:
    meta = {name: value for name, value in resource.get("meta", {}).items() if name not in ("versionId", "lastUpdated")}
    rest = {name: value for name, value in resource.items() if name != "meta"}
    return {**rest, "meta": meta} if meta else rest


def came_back(client: TestClient[Any], text: bytes) -> str | None:
    """What went wrong on the round trip, None where nothing did."""
    resource = exact(text)
    kind, identity = resource["resourceType"], resource.get("id")
    if identity is None:
        written = client.post(f"/fhir/{kind}", content=text)
    else:
        written = client.put(f"/fhir/{kind}/{identity}", content=text)
    if written.status_code not in (200, 201):
        return f"{written.status_code} {written.text[:300]}"
    read = client.get(f"/fhir/{kind}/{identity or written.json()['id']}")
    ours = exact(read.content)
    if not {"versionId", "lastUpdated"} <= ours["meta"].keys():
        return "no versionId or lastUpdated"
    theirs = {**resource, "id": ours["id"]}
    return None if without_server_elements(ours) == without_server_elements(theirs) else "changed"


def test_every_exclusion_has_a_type_and_a_reason() -> None:
    for entry in EXCLUSIONS:
        assert entry["type"] in ("not-ours", "suite-fault", "not-yet", "other-dialect", "r5-only")
        assert entry["example"] and len(entry["reason"]) > 20


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_example_comes_back_unchanged(client: TestClient[Any], shared: Path, folder: str) -> None:
    failed: dict[str, str] = {}
    count = 0
    for name, text in examples(shared, folder):
        count += 1
        if exact(text)["resourceType"] == "AuditEvent":
            assert Validator.load().validate(decode(text)) == [], name
            continue
        if (reason := came_back(client, text)) is not None:
            failed[name] = reason
    assert count >= LEAST[folder]
    assert {name: reason for name, reason in failed.items() if name not in EXCLUDED} == {}
    expected = {name for name in EXCLUDED if name.startswith(f"{folder}/")}
    assert expected <= failed.keys(), "an excluded example passes now"
