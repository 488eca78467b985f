"""interface.md §1 and §2, sentence by sentence, as far as issue 2 has them: commands, reports, exit statuses."""

import itertools
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from tests.acceptance.messages import adt, new_control_id, patient
from tests.acceptance.product import ENVIRONMENT, Fhir, Product, free_port
from tests.acceptance.test_interface_hl7v2 import changed, when_open

_numbers = itertools.count(1)
NOW = "2026-03-06 12:00"
ROLES = {
    "coordinator", "nurse", "physician", "manager", "administrator", "community-health-worker", "biller",
}  # fmt: skip


def test_the_ready_file_holds_what_is_promised(product: Product) -> None:
    facts = product.facts
    assert {"url", "fhir", "mllp", "pid", "logins", "clients"} <= set(facts)
    assert {"tenant", "host", "port"} == set(facts["mllp"][0])
    assert {one["tenant"]: one["port"] for one in facts["mllp"]} == {
        "riverbend": product.mllp_port, "lakeside": product.mllp_port + 1,
    }  # fmt: skip
    assert all(set(one) == {"tenant", "role", "username", "password", "totp_secret"} for one in facts["logins"])
    assert {one["role"] for one in facts["logins"]} == ROLES
    assert all(set(one) == {"tenant", "name", "client_id", "client_secret", "scope"} for one in facts["clients"])
    assert {one["tenant"] for one in facts["clients"] if one["scope"] == "system/*.cruds"} == {"riverbend", "lakeside"}
    assert product.ready_file.stat().st_mode & 0o077 == 0


def test_an_empty_demo_has_no_patients_and_two_tenants(product: Product) -> None:
    listed = product.run("tenant", "list", "--json")
    assert {"riverbend", "lakeside"} <= {one["slug"] for one in listed.json()["tenants"]}
    assert "America/New_York" in listed.out
    assert product.client("lakeside").find("Patient") == []


@pytest.mark.parametrize("command", [
    "serve", "demo", "load", "inbox", "tenant", "user", "client", "feed", "deadlines", "content", "verify", "bench",
])  # fmt: skip
def test_help_shows_every_command_with_an_example(product: Product, command: str) -> None:
    overview = product_help()
    assert f"careloop {command}" in overview


def product_help() -> str:
    done = subprocess.run([sys.executable, "-m", "careloop.cli.main", "--help"], env=ENVIRONMENT, capture_output=True,
                          text=True, check=True, timeout=60)  # fmt: skip
    return done.stdout


def test_wrong_usage_is_2(product: Product) -> None:
    assert product.run("inbox", "discard", "1").status == 2
    assert product.run("deadlines", "run", "--at", "tomorrow").status == 2
    assert product.run("inbox", "list", "--tenant", "nowhere").status in (2, 3)


def test_a_client_is_added_listed_and_revoked(product: Product) -> None:
    name = f"client-{next(_numbers)}"
    added = product.run("client", "add", name, "--tenant", "riverbend", "--scope", "system/*.rs", "--json")
    assert {"client_id", "client_secret"} <= set(added.json())
    assert added.json()["client_secret"] not in product.run("client", "list", "--json").out
    fhir = product.client_of(added.json()["client_id"], added.json()["client_secret"])
    assert fhir.get("Patient").status_code == 200
    assert product.run("client", "revoke", name, "--json").status == 0
    within_five_seconds(lambda: fhir.get("Patient").status_code == 401)
    form = {"grant_type": "client_credentials"}
    login = (added.json()["client_id"], added.json()["client_secret"])
    assert httpx.post(f"{product.url}/oauth/token", data=form, auth=login, timeout=30).status_code == 401


def within_five_seconds(condition: Callable[[], bool]) -> None:
    """A revocation takes effect within 5 seconds (security.md §3)."""
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_tenant_with_a_feed_on_a_port_of_its_own(product: Product) -> None:
    slug = f"tenant{next(_numbers)}"
    assert (
        product.run("tenant", "add", slug, "--name", "New Practice", "--zone", "America/Denver", "--json").status == 0
    )
    port = free_port()
    feed = product.run("feed", "add", "--kind", "hl7v2", "--port", str(port), "--tenant", slug,
                       "--sender", "ADT|STMARY",
                       "--json")  # fmt: skip
    assert feed.status == 0, feed.errors
    client = product.run("client", "add", "x", "--tenant", slug, "--scope", "system/*.cruds", "--json").json()
    assert when_open(port, adt("A28", NOW, mrn="T1")).code == "AA"
    product.settle()
    fhir = product.client_of(client["client_id"], client["client_secret"])
    assert len(fhir.find("Patient")) == 1
    assert product.run("feed", "list", "--tenant", slug, "--json").json()["feeds"][0]["port"] == port


def test_a_user_is_added_listed_and_disabled(product: Product) -> None:
    name = f"nurse{next(_numbers)}"
    added = product.run(
        "user", "add", name, "--name", "Nell Example", "--role", "nurse", "--tenant", "riverbend", "--json"
    )
    assert added.status == 0, added.errors
    assert added.json()["username"] == f"{name}@riverbend"
    assert len(added.json()["password"]) >= 12
    assert f"{name}@riverbend" in product.run("user", "list", "--tenant", "riverbend", "--json").out
    disabled = product.run("user", "disable", name, "--tenant", "riverbend", "--json")
    assert disabled.status == 0, disabled.errors
    assert disabled.json()["active"] is False


def test_inbox_list_show_replay_and_discard(product: Product, fhir: Fhir) -> None:
    control = new_control_id()
    product.send(changed(adt("A28", NOW, mrn="x", control_id=control), "PID", 3, ""))
    listed = product.run("inbox", "list", "--json").json()["items"]
    [letter] = [one for one in listed if one["control_id"] == control]
    shown = product.run("inbox", "show", str(letter["id"]), "--json")
    assert control in shown.json()["message"]
    replayed = product.run("inbox", "replay", str(letter["id"]), "--json")
    assert replayed.status == 1
    assert product.run("inbox", "replay", "987654321", "--json").status == 1
    gone = product.run("inbox", "discard", str(letter["id"]), "--why", "sent by mistake", "--json")
    assert gone.status == 0
    assert gone.json()["status"] == "discarded"
    assert fhir.api(f"inbox?status=dead&control_id={control}")["items"] == []


def test_a_corrected_dead_letter_is_used(product: Product, fhir: Fhir) -> None:
    control, number = new_control_id(), f"CORR{next(_numbers)}"
    message = adt("A28", NOW, mrn=number, control_id=control)
    product.send(changed(message, "PID", 3, ""))
    [letter] = fhir.api(f"inbox?status=dead&control_id={control}")["items"]
    done = product.run(
        "inbox", "correct", str(letter["id"]), "--file", "-", "--json", stdin=message.replace("\r", "\n")
    )
    assert done.status == 0, done.errors + done.out
    assert fhir.patient_of(number)


def test_load_reports_and_loading_again_changes_nothing(product: Product, fhir: Fhir) -> None:
    made = patient(f"LOAD{next(_numbers)}")
    folder = product.folder / f"in-{next(_numbers)}"
    folder.mkdir()
    entry = {"fullUrl": f"urn:uuid:{made['id']}", "resource": made}
    (folder / "bundle.json").write_text(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": [entry]}))
    (folder / "message.hl7").write_text(adt("A28", NOW, mrn=f"LOADM{next(_numbers)}"), newline="")
    first = product.run("load", str(folder), "--json")
    assert first.status == 0, first.out + first.errors
    report = first.json()
    assert set(report) == {"files", "messages", "resources", "created", "updated", "unchanged", "seconds", "warnings",
                           "rejects"}  # fmt: skip
    assert (report["files"], report["messages"], report["rejects"]) == (2, 1, [])
    again = product.run("load", str(folder), "--json").json()
    assert (again["created"], again["updated"]) == (0, 0)
    assert fhir.find(f"Patient?identifier={made['identifier'][0]['value']}")


def test_verify_is_clean(product: Product) -> None:
    done = product.run("verify", "--json")
    assert done.status == 0, done.out
    assert done.json()["clean"] is True


def test_content_check_and_test(product: Product) -> None:
    checked = product.run("content", "check")
    assert checked.status == 0
    assert "Follow-up after hospital stay" in checked.out
    cases = Path(__file__).parents[1] / "content" / "pathways"
    tested = product.run("content", "test", str(cases), "--json")
    assert tested.status == 0, tested.out[-2000:]


def test_a_production_tenant_refuses_a_moved_time() -> None:
    made = Product.on_new_folder("2026-03-06T17:00:00-05:00")
    try:
        made.start()
        added = made.run("tenant", "add", "real", "--name", "Real", "--zone", "America/New_York", "--production")
        assert added.status == 0, added.errors
        refused = made.run("deadlines", "run", "--at", "2026-04-01T00:00:00-04:00", "--tenant", "real")
        assert refused.status == 2
        secrets = made.facts["clients"]
        assert made.stop() == 0
        assert not made.ready_file.exists(), "the ready file is removed at stop"
        made.spawn()
        assert made.process is not None
        assert made.process.wait(60) == 2
        assert "production" in made.log
        assert secrets
    finally:
        made.discard()


def test_logins_clients_and_tokens_stay_valid_over_a_restart() -> None:
    made = Product.on_new_folder("2026-03-06T17:00:00-05:00")
    try:
        made.start()
        fhir, before = made.client(), made.facts
        made.kill()
        made.start()
        assert made.facts["clients"] == before["clients"]
        assert made.facts["logins"] == before["logins"]
        assert fhir.get("Patient").status_code == 200
    finally:
        made.discard()
