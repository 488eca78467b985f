"""Feeds while the server runs: ports open and close, settings hold from the next message on, through a real socket."""

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from litestar.testing import TestClient
from tests.messages import adt

from careloop.access import accounts, sessions
from careloop.access.accounts import NewAccount
from careloop.access.keys import open_keyring
from careloop.access.model import Role
from careloop.cli.asgi import create_asgi
from careloop.errors import Conflict, Rejected
from careloop.flows import feed_reports, feed_settings, feeds
from careloop.intake import Feed
from careloop.intake import feeds as store
from careloop.intake.hl7v2 import parse
from careloop.worker.frames import framed
from careloop.worker.main import process_batch
from careloop.worker.mllp import run_mllp

HOST = "http://localhost"


@pytest.fixture
def running(door) -> Iterator[None]:
    """The listener of the product in a thread."""
    stop = threading.Event()
    thread = threading.Thread(target=run_mllp, args=(door.app, stop))
    thread.start()
    yield
    stop.set()
    thread.join(timeout=20)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, *, is_open: bool) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if (probe.connect_ex(("127.0.0.1", port)) == 0) is is_open:
                return
        time.sleep(0.05)
    pytest.fail(f"the port is not {'open' if is_open else 'closed'} after 20 s")


def say(port: int, raw: bytes) -> str:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(framed(raw))
        answer = b""
        while b"\x1c" not in answer:
            answer += connection.recv(4096)
    return parse(answer.strip(b"\x0b\x1c\r").decode()).get("MSA-1")


def opened(door, **settings) -> Feed:
    feed = Feed(id=None, kind="hl7v2", zone="America/New_York", name="St. Mary", port=free_port(), **settings)
    return feeds.add_feed(door.app, door.principal, door.tenant, feed)


def process(door) -> None:
    while process_batch(door.app, door.tenant):
        pass


def test_a_feed_added_while_the_server_runs_listens_and_one_that_is_closed_does_not(door, running) -> None:
    feed = opened(door)
    assert feed.port is not None
    wait_for(feed.port, is_open=True)
    assert say(feed.port, adt("A01")) == "AA"
    closed = feed_settings.save(door.app, door.principal, replace(feed, enabled=False), base=1).feed
    wait_for(feed.port, is_open=False)
    feed_settings.save(door.app, door.principal, replace(closed, enabled=True), base=2)
    wait_for(feed.port, is_open=True)
    assert say(feed.port, adt("A08", control_id="C2")) == "AA"


def test_the_next_message_is_read_with_the_new_settings_on_the_same_connection(door, running) -> None:
    feed = opened(door)
    assert feed.port is not None
    wait_for(feed.port, is_open=True)
    strange = {"pid": "ANA^RIVERA||19510415|2", "disposition": "HOM"}
    assert say(feed.port, adt("A03", control_id="C1", mrn="100234", visit="V1", **strange)) == "AA"
    process(door)
    changed = replace(
        feed, quirks=frozenset(["swapped-names"]), codes={"sex": {"2": "F"}}, dispositions={"HOM": "06"},
        authorities={"STMARY": "urn:oid:2.16.840.1.113883.19.5"},
    )  # fmt: skip
    feed_settings.save(door.app, door.principal, changed, base=1)
    assert say(feed.port, adt("A03", control_id="C2", mrn="100235", visit="V2", **strange)) == "AA"
    process(door)
    before = door.patient("100234")
    assert before["name"][0]["family"] == "ANA" and before.get("gender") is None
    [after] = [one.resource for one in door.find("Patient", "urn:oid:2.16.840.1.113883.19.5", "100235")]
    assert after["name"][0]["family"] == "RIVERA" and after["gender"] == "female"
    [stay] = [one.resource for one in door.find("Encounter", "urn:careloop:visit:STMARY", "V2")]
    assert stay["hospitalization"]["dischargeDisposition"]["coding"][0]["code"] == "06"


def test_saving_tries_dead_letters_again_that_the_settings_mend(door) -> None:
    feed = replace(door.feed, name="St. Mary")
    bad = adt("A01", visit="V7", pid="RIVERA^ANA||04/15/1951|F")
    without = adt("A01", control_id="C9", visit="V8").replace(b"PID|1||100234^^^STMARY^MR", b"PID|1||")
    assert door.send(bad, without) == ["AE", "AE"]
    changed = replace(feed, quirks=frozenset(["american-dates"]))
    tried = feed_settings.mending(door.app, door.principal, changed)
    assert (tried.mended, tried.total) == (1, 2)
    done = feed_settings.save(door.app, door.principal, changed, base=1)
    assert (done.mending.mended, done.mending.total) == (1, 2)
    process(door)
    assert door.patient()["birthDate"] == "1951-04-15"
    assert len(door.dead()) == 1


def test_the_preview_shows_before_and_after_and_changes_nothing(door) -> None:
    door.send(adt("A03", disposition="HOM"))
    changed = replace(door.feed, dispositions={"HOM": "01"})
    with door.app.database.transaction(door.tenant.id) as tx:
        [message] = store.last_messages(tx, door.feed.id, limit=5)
    shown = feed_settings.try_out(door.app, door.principal, changed, None, message.id)
    assert shown is not None
    assert [(line.place, line.before, line.after) for line in shown.changed] == [
        ("Visit V900001.disposition", "", "01")
    ]
    assert any(line.place == "Patient.birthDate" and line.after == "1951-04-15" for line in shown.same)
    pasted = feed_settings.try_out(door.app, door.principal, changed, b"nonsense", None)
    assert pasted is not None and pasted.lines[0].after.startswith("AR, kept for a person. MSH")
    assert door.count("feed_version") == 0


def test_every_change_says_who_and_can_be_taken_back_unless_somebody_was_first(door) -> None:
    feed = opened(door)
    feed_settings.save(door.app, door.principal, replace(feed, zone="UTC"), base=1)
    with pytest.raises(Conflict):
        feed_settings.save(door.app, door.principal, replace(feed, zone="America/Chicago"), base=1)
    back = feed_settings.undo(door.app, door.principal, feed.id or 0, base=2, version=1)
    assert back.feed.zone == "America/New_York" and back.feed.version == 3
    found = feed_settings.page(door.app, door.principal, feed.id or 0)
    said = [(one.version, one.what, one.by) for one in found.versions]
    who = door.principal.reference
    assert said == [
        (3, "Back to version 1", who), (2, "Changed: time zone", who), (1, "Feed opened", who)
    ]  # fmt: skip
    with door.app.database.transaction(door.tenant.id) as tx:
        assert tx.value("select count(*) from audit_event where subtype = 'feed-changed'") == 2


def test_settings_that_cannot_be_are_refused_each_with_its_place(door) -> None:
    wrong = replace(
        door.feed, name="", zone="Atlantis", senders=frozenset(["X"]), authorities={"A": "no uri"},
        quirks=frozenset(["telepathy"]), codes={"sex": {"1": "Q"}},
    )  # fmt: skip
    with pytest.raises(Rejected) as refused:
        feed_settings.save(door.app, door.principal, wrong, base=1)
    assert [fault.at for fault in refused.value.faults] == ["zone", "name", "senders", "authorities", "habits", "codes"]


def test_a_feed_that_usually_speaks_and_does_not_is_missed(door) -> None:
    now = door.app.clock.now()
    door.send(*[adt("A01", control_id=f"S{number}") for number in range(26)], process=False)
    with door.app.database.transaction(door.tenant.id) as tx:
        # The last message came three hours ago; in the same three hours of the last five days came five each.
        for number, row in enumerate(tx.rows("select id from inbox order by id")):
            day, place = divmod(number, 5)
            at = now - timedelta(days=day + 1) - timedelta(hours=2, minutes=10 * place) if number else now
            at = at if number else now - timedelta(hours=3)
            tx.execute("update inbox set received = %(at)s where id = %(id)s", {"at": at, "id": row["id"]})
    [(_, status)] = feeds.status(door.app, door.tenant)
    assert status is not None and status.is_quiet and status.habit is not None
    assert min(status.habit.counts) >= 4
    assert status.last_type == "ADT^A01" and status.waiting == 26


def test_the_report_tells_what_to_ask_for(door) -> None:
    door.send(*[adt("A03", control_id=f"R{number}", visit=f"V{number}") for number in range(6)])
    found = feed_reports.report(door.app, door.principal, door.feed.id)
    assert found.sender == "ADT|STMARY" and found.messages == 6
    says = [finding.says for finding in found.judgement.findings]
    assert "This sender gives no discharge reason in PV1-36." in says
    assert "patient discharge status of the UB-04" in feed_reports.letter_text(found)
    table = feed_reports.as_csv(found)
    assert "RIVERA" not in table and "PV1-36" in table


@pytest.fixture
def manager(door) -> Iterator[TestClient]:
    """A manager in front of the pages."""
    now = door.app.clock.now()
    with door.app.database.transaction(door.tenant.id) as tx:
        accounts.create_account(
            tx, open_keyring(door.app.settings.data_dir), now,
            NewAccount(id="mia", username="mia", name="Mia Manager", practitioner_id="p-m", roles=[Role.MANAGER]),
        )  # fmt: skip
        token = sessions.open_session(tx, "mia", now, lasts=timedelta(hours=1))
    headers = {"Cookie": f"careloop_session={token}", "X-CSRF-Token": sessions.csrf_token(token), "Origin": HOST}
    with TestClient(create_asgi(door.app), base_url=HOST) as client:
        client.headers.update(headers)
        yield client


def test_the_pages_show_change_and_take_back(door, manager) -> None:
    door.send(*[adt("A03", control_id=f"R{number}", visit=f"V{number}", disposition="HOM") for number in range(6)])
    path = f"/feeds/{door.feed.id}"
    assert "ADT^A03" in manager.get("/feeds").text
    page = manager.get(path).text
    assert "came 6 times" in page and 'value="HOM"' in page
    form = {
        "name": "St. Mary", "zone": "America/New_York", "enabled": "yes", "base": "1", "senders": "ADT|STMARY",
        "code-dispositions": ["HOM", "", ""], "ours-dispositions": ["01", "", ""], "quirk": ["zero-dates"],
        "authority": ["STMARY", ""], "system": ["urn:oid:1.2.3", ""], "message": adt("A03", disposition="HOM").decode(),
    }  # fmt: skip
    shown = manager.post(path, data={**form, "do": "preview"})
    assert shown.status_code == 200 and "Visit V900001.disposition" in shown.text
    saved = manager.post(path, data={**form, "do": "save"}, follow_redirects=False)
    assert saved.status_code == 303
    page = manager.get(path).text
    assert (
        "Mia Manager" in page and "Changed: name, senders, authorities, codes of the discharge reason, habits" in page
    )
    refused = manager.post(path, data={**form, "zone": "Atlantis", "base": "2", "do": "save"})
    assert refused.status_code == 422 and "Not saved" in refused.text
    assert manager.post(f"{path}/undo", data={"base": "2", "version": "1"}, follow_redirects=False).status_code == 303
    assert "Back to version 1" in manager.get(path).text
    report = manager.get(f"{path}/report?sender=ADT|STMARY")
    assert "gives no time of discharge" in report.text
    assert "in PV1-45 of ADT^A03" in manager.get(f"{path}/letter").text
    assert manager.get(f"{path}/report.csv").headers["content-type"].startswith("text/csv")


def test_a_page_that_keeps_itself_up_to_date_keeps_nobody_signed_in(door, manager) -> None:
    def seen():
        with door.app.database.transaction(door.tenant.id) as tx:
            return tx.value("select seen from staff_session")

    with door.app.database.transaction(door.tenant.id) as tx:
        tx.execute("update staff_session set seen = seen - interval '10 minutes'")
    before = seen()
    assert manager.get("/feeds/lines").status_code == 200
    assert seen() == before
    assert manager.get("/feeds").status_code == 200
    assert seen() > before
