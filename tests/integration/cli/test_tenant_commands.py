"""`careloop tenant`, `user`, `client`, `feed`: what is made can be used, listed and ended."""

import io
import itertools
import json
import os
from collections.abc import Callable
from typing import Any

import pytest
from joserfc.jwk import ECKey

from careloop.cli.main import main
from careloop.errors import NotAuthenticated
from careloop.flows import granting
from careloop.flows.accounts import sign_in
from careloop.flows.granting import ClientProof

_numbers = itertools.count(1)
Command = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def careloop(database, settings, capsys, monkeypatch) -> Command:
    """Runs a command line on the session's installation: exit status and the JSON report."""
    if settings.database_url:
        monkeypatch.setenv("DATABASE_URL", settings.database_url)

    def run(*arguments: str) -> tuple[int, dict[str, Any]]:
        capsys.readouterr()
        status = main([*arguments, "--data-dir", str(settings.data_dir), "--json"])
        text = capsys.readouterr().out
        return status, json.loads(text) if text else {}

    return run


@pytest.fixture
def slug(careloop: Command) -> str:
    """A tenant made by the command."""
    slug = f"cli-{os.getpid()}-{next(_numbers)}"
    status, _ = careloop("tenant", "add", slug, "--name", "Hillside Practice", "--zone", "America/Chicago")
    assert status == 0
    return slug


def test_a_tenant_is_made_with_a_manager_who_can_sign_in(app, careloop):
    slug = f"cli-{os.getpid()}-{next(_numbers)}"
    status, made = careloop("tenant", "add", slug, "--name", "Hillside Practice", "--zone", "America/Chicago")
    assert status == 0
    assert sign_in(app, made["username"], made["password"], code=None, address="10.0.0.1").token
    _, listed = careloop("tenant", "list")
    assert {"slug": slug, "zone": "America/Chicago"}.items() <= next(
        one for one in listed["tenants"] if one["slug"] == slug
    ).items()


def test_a_tenant_with_a_wrong_zone_or_a_taken_slug_is_wrong_usage(careloop, slug):
    assert careloop("tenant", "add", f"{slug}-x", "--name", "X", "--zone", "Nowhere")[0] == 2
    assert careloop("tenant", "add", slug, "--name", "X", "--zone", "America/Chicago")[0] == 2
    assert careloop("tenant", "add", "Not A Slug", "--name", "X", "--zone", "America/Chicago")[0] == 2


def test_a_user_is_made_listed_and_disabled(app, careloop, slug):
    status, made = careloop("user", "add", f"dana@{slug}", "--name", "Dana Reyes", "--role", "coordinator")
    assert status == 0
    assert made["totp_secret"] is None
    assert sign_in(app, made["username"], made["password"], code=None, address="10.0.0.1").token
    _, listed = careloop("user", "list", "--tenant", slug)
    assert {one["username"]: one["active"] for one in listed["users"]} == {
        f"dana@{slug}": True, f"manager@{slug}": True
    }  # fmt: skip
    status, ended = careloop("user", "disable", "dana", "--tenant", slug)
    assert (status, ended["active"]) == (0, False)
    with pytest.raises(NotAuthenticated):
        sign_in(app, made["username"], made["password"], code=None, address="10.0.0.1")


def test_an_administrator_gets_a_second_factor(careloop, slug):
    _, made = careloop("user", "add", "ada", "--tenant", slug, "--name", "Ada", "--role", "administrator")
    assert made["totp_secret"]


def test_a_password_may_come_by_stdin_and_is_checked(careloop, slug, monkeypatch):
    add = ("user", "add", "--tenant", slug, "--name", "Dana", "--role", "nurse", "--password-stdin")
    monkeypatch.setattr("sys.stdin", io.StringIO("password1234\n"))
    assert careloop(*add, "dana")[0] == 2
    monkeypatch.setattr("sys.stdin", io.StringIO("velvet anchor 9 tundra\n"))
    status, made = careloop(*add, "dana")
    assert status == 0
    assert "password" not in made


def test_names_that_contradict_or_do_not_exist_are_wrong_usage(careloop, slug):
    assert careloop("user", "disable", "nobody", "--tenant", slug)[0] == 2
    assert careloop("user", "disable", f"dana@{slug}", "--tenant", "other")[0] == 2
    assert careloop("user", "list", "--tenant", "no-such-tenant")[0] == 2
    assert careloop("user", "add", "Not A Name!", "--tenant", slug, "--name", "X", "--role", "nurse")[0] == 2


def test_a_client_is_made_listed_and_revoked(app, careloop, slug):
    status, made = careloop("client", "add", "Bed board", "--tenant", slug, "--scope", "system/*.cruds")
    assert status == 0
    assert set(made) == {"client_id", "client_secret", "scope"}
    proof = ClientProof(client_id=made["client_id"], secret=made["client_secret"])
    assert granting.grant(app, proof, scope=None, address=None).scopes == ("system/*.cruds",)
    _, listed = careloop("client", "list", "--tenant", slug)
    assert [one["client_id"] for one in listed["clients"]] == [made["client_id"]]
    assert made["client_secret"] not in str(listed)
    assert careloop("client", "revoke", "Bed board", "--tenant", slug)[0] == 0
    with pytest.raises(NotAuthenticated):
        granting.grant(app, proof, scope=None, address=None)
    assert careloop("client", "revoke", "Bed board", "--tenant", slug)[0] == 2


def test_a_client_may_bring_its_keys_in_a_file(careloop, slug, tmp_path):
    path = tmp_path / "jwks.json"
    key = ECKey.generate_key("P-384", {"kid": "one"})
    path.write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
    add = ("client", "add", "--tenant", slug, "--scope", "system/*.rs", "--jwks")
    status, made = careloop(*add, str(path), "Signer")
    assert (status, set(made)) == (0, {"client_id", "scope"})
    path.write_text(json.dumps({"keys": [key.as_dict(private=True)]}))
    for wrong in (str(path), str(tmp_path / "missing"), "http://keys.example/jwks"):
        assert careloop(*add, wrong, "Signer 2")[0] == 2
    assert careloop(*add, "https://keys.example/jwks", "Signer 2")[0] == 3
    assert careloop("client", "add", "X", "--tenant", slug, "--scope", "patient/*.rs")[0] == 2


def test_a_feed_is_opened_listed_and_watched(careloop, slug):
    port = 21_000 + os.getpid() % 9_000 + next(_numbers)
    add = ("feed", "add", "--tenant", slug, "--port", str(port))
    status, made = careloop(*add, "--sender", "ADT1|GOOD HEALTH", "--authority", "MRN=urn:oid:2.16.840.1.113883.19.5")
    assert status == 0
    assert {
        "kind": "hl7v2",
        "port": port,
        "zone": "America/Chicago",
        "senders": ["ADT1|GOOD HEALTH"],
    }.items() <= made.items()
    assert careloop(*add)[0] == 2
    _, listed = careloop("feed", "list", "--tenant", slug)
    assert [one["port"] for one in listed["feeds"]] == [port]
    number = str(listed["feeds"][0]["id"])
    status, told = careloop("feed", "report", "--tenant", slug, "--feed", number)
    assert (status, told["messages"], told["findings"]) == (0, 0, [])
    assert careloop("feed", "report", "--tenant", slug, "--feed", "999999")[0] == 2
    _, watched = careloop("feed", "status", "--tenant", slug)
    assert [(one["received"], one["dead"], one["last_received"]) for one in watched["feeds"]] == [(0, 0, None)]
    for wrong in (("--zone", "Mars"), ("--sender", "no bar"), ("--authority", "=x"), ("--port", "0")):
        assert careloop("feed", "add", "--tenant", slug, "--port", "1", *wrong)[0] == 2


def test_an_administrator_changes_what_validation_does(app, careloop, slug):
    status, shown = careloop("tenant", "set", slug)
    assert (status, shown["settings"]["validation"]) == (0, "off")
    status, changed = careloop("tenant", "set", slug, "validation=warn", "idle_minutes=20", "hospital_version=2013")
    assert status == 0
    kept = app.tenant(slug).settings
    assert {"validation": "warn", "idle_minutes": 20, "hospital_version": "2013"}.items() <= kept.items()
    assert changed["settings"]["validation"] == "warn"
    assert careloop("tenant", "set", slug, "validation=sometimes")[0] == 2
    assert careloop("tenant", "set", slug, "validation")[0] == 2
    assert careloop("tenant", "set", f"{slug}-nobody", "validation=off")[0] != 0
    assert app.tenant(slug).settings["validation"] == "warn"
