"""Dead letters: seen, corrected, replayed, discarded; replay again and again does nothing more."""

from datetime import timedelta

import pytest
from tests.integration.intake.conftest import Door
from tests.messages import adt

from careloop.access.tenancy import change_settings
from careloop.errors import Conflict, NotFound, Rejected
from careloop.flows import inbox

BAD_DATE = adt("A01", pid="RIVERA^ANA^M||19510431|F")


def test_a_corrected_message_is_replayed_and_the_original_stays(door):
    assert door.send(BAD_DATE) == ["AE"]
    [letter] = door.dead()
    text = inbox.text_of(inbox.show(door.app, door.principal, letter.id))
    item = inbox.correct(door.app, door.principal, letter.id, text.replace("19510431", "19510430"))
    assert item.status == "processed"
    assert door.patient()["birthDate"] == "1951-04-30"
    detail = inbox.show(door.app, door.principal, letter.id)
    assert b"19510431" in detail.raw
    assert detail.corrected_by


def test_a_replay_of_what_is_done_changes_nothing(door):
    door.send(BAD_DATE)
    [letter] = door.dead()
    inbox.correct(door.app, door.principal, letter.id, BAD_DATE.decode().replace("19510431", "19510430"))
    before = door.encounter()
    assert inbox.replay(door.app, door.principal, letter.id).status == "processed"
    assert door.encounter() == before


def test_a_replay_without_correction_says_the_reason_again(door):
    door.send(BAD_DATE)
    [letter] = door.dead()
    item = inbox.replay(door.app, door.principal, letter.id)
    assert (item.status, item.at) == ("dead", "PID-7")


def test_a_discard_needs_a_reason_and_a_dead_letter(door):
    door.send(BAD_DATE, adt("A01", control_id="C2"))
    [letter] = door.dead()
    with pytest.raises(Rejected):
        inbox.discard(door.app, door.principal, letter.id, " ")
    assert inbox.discard(door.app, door.principal, letter.id, "sent twice").status == "discarded"
    with pytest.raises(Conflict):
        inbox.discard(door.app, door.principal, letter.id, "again")
    with pytest.raises(NotFound):
        inbox.show(door.app, door.principal, 999_999_999)


def test_one_action_accepts_an_unknown_sender_and_replays_what_it_sent(door):
    with door.app.database.directory() as tx:
        strict = change_settings(tx, door.tenant, accept_any_sender=False)
    door = Door(door.app, strict, door.feed)
    assert door.send(adt("A01"), adt("A02", control_id="C2", at="20261121080000-0500")) == ["AE", "AE"]
    letters = door.dead()
    assert {one.stage for one in letters} == {"sender"}
    items = inbox.accept_sender(door.app, door.principal, letters[0].id)
    assert [one.status for one in items] == ["processed", "processed"]
    assert door.send(adt("A08", control_id="C3")) == ["AA"]


def test_a_refused_message_sent_again_is_refused_again_until_it_was_repaired(door):
    assert door.send(BAD_DATE) == ["AE"]
    assert door.send(BAD_DATE) == ["AE"]
    [letter] = door.dead()
    inbox.correct(door.app, door.principal, letter.id, BAD_DATE.decode().replace("19510431", "19510430"))
    assert door.send(BAD_DATE) == ["AA"]


def test_an_event_far_ahead_is_shown_and_counts_from_its_time(door, clock):
    door.send(adt("A01", at="20261123090000-0500", occurred="20261201080000-0500"))
    [letter] = door.dead()
    assert letter.stage == "ahead"
    assert door.find("Encounter", "urn:careloop:visit:STMARY", "V900001") == []
    assert door.patient()["birthDate"] == "1951-04-15"
    clock.move_by(days=8)
    inbox.upkeep(door.app, door.tenant, clock.now())
    door.send()
    assert door.encounter()["status"] == "in-progress"
    assert door.dead() == []


def test_a_cancel_without_target_is_raised_after_a_day(door, clock):
    door.send(adt("A01"), adt("A13", control_id="C2", at="20261122080000-0500"))
    inbox.upkeep(door.app, door.tenant, clock.now() + timedelta(hours=23))
    assert door.dead() == []
    inbox.upkeep(door.app, door.tenant, clock.now() + timedelta(hours=25))
    [letter] = door.dead()
    assert (letter.control_id, letter.stage) == ("C2", "stay")


def test_a_late_target_settles_a_parked_cancel(door, clock):
    door.send(adt("A01"), adt("A13", control_id="C2", at="20261122080000-0500"))
    door.send(adt("A03", control_id="C3", at="20261122070000-0500", disposition="01"))
    inbox.upkeep(door.app, door.tenant, clock.now() + timedelta(hours=25))
    assert door.dead() == []
    assert door.encounter()["status"] == "in-progress"


def test_pages_go_newest_first_and_filter_by_control_id(door):
    door.send(*[adt("A01", control_id=f"C{n}", pid="X^Y||19510431|F") for n in range(5)])
    first = inbox.page(door.app, door.principal, status="dead", limit=2)
    second = inbox.page(door.app, door.principal, status="dead", before=first.next, limit=2)
    assert [item.control_id for item in (*first.items, *second.items)] == ["C4", "C3", "C2", "C1"]
    assert inbox.page(door.app, door.principal, control_id="C3").total == 1
