"""What others read: Slots over FHIR, calendar feeds, ways into video visits; and bookings that come by HL7 v2."""

from datetime import timedelta

import pytest
from icalendar import Calendar
from litestar.testing import TestClient

from careloop.access.tenancy import change_settings
from careloop.cli.asgi import create_asgi
from careloop.errors import NotFound, NotPermitted
from careloop.flows import booking, calendar_feeds, diary_hours, diary_slots, video_visits
from careloop.flows.reception import Incoming, take_in
from careloop.intake import Feed, add_feed
from careloop.scheduling import store
from careloop.scheduling.model import Window
from careloop.worker.main import process_batch

WEEK = dict.fromkeys(range(5), "8:00-12:00, 13:00-17:00")


def set_hours(office, lines=WEEK, who="nurse"):
    office.run(lambda tx: diary_hours.set_hours(office.app, tx, office.staff["coordinator"], office.actor(who), lines))


def slots(office, status):
    asked = [("schedule.actor", office.actor()), ("status", status), ("_count", "500")]
    page = office.run(
        lambda tx: office.app.record.search(tx, office.staff["nurse"], "Slot", asked, office.app.clock.now())
    )
    return {one.resource["start"]: one.resource for one in page.entries}


def test_slots_say_what_is_free_and_follow_every_booking(office):
    set_hours(office)
    free = slots(office, "free")
    assert "2026-11-24T09:00:00-05:00" in free and "2026-11-24T12:00:00-05:00" not in free
    assert not [start for start in free if start.startswith("2026-11-26")]
    visit = office.book(office.at(24, 9))
    assert set(slots(office, "busy")) == {"2026-11-24T09:00:00-05:00"}
    office.run(lambda tx: booking.move(office.app, tx, office.staff["nurse"], visit, office.at(24, 9, 15)))
    assert set(slots(office, "busy")) == {"2026-11-24T09:00:00-05:00", "2026-11-24T09:30:00-05:00"}
    office.run(lambda tx: booking.cancel(office.app, tx, office.staff["nurse"], visit, "practice"))
    assert slots(office, "busy") == {} and set(slots(office, "free")) == set(free)


def test_other_hours_take_old_slots_away_and_the_worker_writes_the_days_to_come_once(office):
    set_hours(office)
    set_hours(office, {0: "9:00-10:00"})
    assert {start[11:16] for start in slots(office, "free")} == {"09:00", "09:30"}
    assert diary_slots.extend(office.app, office.tenant) == 0
    office.app.clock.move_by(days=7)
    assert diary_slots.extend(office.app, office.tenant) == 2
    assert diary_slots.extend(office.app, office.tenant) == 0


def test_who_is_away_is_not_booked_and_visits_in_it_are_named(office):
    visit = office.book(office.at(24, 9))
    away = Window(office.at(24, 0), office.at(25, 0))
    inside = office.run(
        lambda tx: diary_hours.add_absence(office.app, tx, office.staff["nurse"], office.actor(), away, "leave")
    )
    assert [one.holder for one in inside] == [visit]
    with pytest.raises(Exception, match="Nurse Reyes is away then"):
        office.book(office.at(24, 14), patient=1)
    assert {start[:10] for start in slots(office, "busy-unavailable")} == {"2026-11-24"}
    (slot,) = [one for one in slots(office, "busy-unavailable").values() if one.get("comment")]
    office.run(lambda tx: diary_hours.end_absence(office.app, tx, office.staff["nurse"], slot["id"]))
    office.book(office.at(24, 14), patient=1)
    with pytest.raises(NotPermitted):
        office.run(
            lambda tx: diary_hours.set_hours(office.app, tx, office.staff["physician"], office.actor("nurse"), WEEK)
        )


def open_feed(office):
    return office.run(lambda tx: calendar_feeds.open_feed(office.app, tx, office.staff["nurse"], office.actor()))


def test_the_calendar_tells_initials_and_kind_and_nothing_else_and_can_be_closed(office):
    visit = office.book(office.at(24, 9), kind="home")
    office.put({**office.outside(office.at(24, 11), patient=1), "description": "Oncology review",
                "serviceType": [{"text": "Chemotherapy"}], "reasonCode": [{"text": "Breast cancer"}]})  # fmt: skip
    address = open_feed(office)
    with TestClient(create_asgi(office.app), base_url="http://localhost") as web:
        answer = web.get(address + ".ics")
        assert answer.status_code == 200 and answer.headers["content-type"] == "text/calendar; charset=utf-8"
        assert "REFRESH-INTERVAL;VALUE=DURATION:PT15M" in answer.text
        events = Calendar.from_ical(answer.content).walk("VEVENT")
        assert [str(one["summary"]) for one in events] == ["M. L., Home visit", "J. K., Visit"]
        for word in ("Maria", "Lopez", "Oncology", "Chemo", "cancer", "Elm", "Troy", visit, office.patients[0]):
            assert word not in answer.text
        known = {"If-None-Match": answer.headers["etag"]}
        assert web.get(address, headers=known).status_code == 304
        with office.app.database.directory() as tx:
            change_settings(tx, office.app.tenant(office.tenant.id), calendar_place="town")
        again = web.get(address, headers=known)
        assert again.status_code == 200 and "LOCATION:Troy" in again.text and "Elm" not in again.text
        second = open_feed(office)
        assert web.get(address).status_code == 404 and web.get(second).status_code == 200
        office.run(lambda tx: calendar_feeds.close_feed(office.app, tx, office.staff["nurse"], office.actor()))
        closed, never = web.get(second), web.get(f"/calendar/clf_{office.tenant.id}.never")
        assert (closed.status_code, closed.content) == (never.status_code, never.content) == (404, b"")
        assert web.get("/calendar/rubbish").status_code == 404


def test_nobody_opens_the_calendar_of_a_colleague(office):
    with pytest.raises(NotPermitted):
        office.run(
            lambda tx: calendar_feeds.open_feed(office.app, tx, office.staff["physician"], office.actor("nurse"))
        )


def test_a_video_visit_has_a_room_nobody_can_guess_and_a_way_for_each(office):
    with office.app.database.directory() as tx:
        change_settings(tx, office.tenant, video_base_url="https://meet.example.org/")
    visit = office.book(office.at(24, 9), kind="video")
    me = office.staff["coordinator"]
    for party, name in (("interpreter", "Ana"), ("family", "Daughter Rosa")):
        office.run(lambda tx, party=party, name=name: video_visits.add_party(office.app, tx, me, visit, party, name))
    links = video_visits.links_shown(office.get(f"Appointment/{visit}"))
    assert [(party, name) for party, name, _ in links] == [
        ("Patient", ""), ("Care team", "Nurse Reyes"), ("Interpreter", "Ana"), ("Family", "Daughter Rosa"),
    ]  # fmt: skip
    secrets = [link.rpartition("/")[2] for _, _, link in links]
    assert len(set(secrets)) == 4
    assert video_visits.door(office.app, secrets[3]).state == "early"
    office.app.clock.move_to(office.at(24, 8, 50))
    doors = [video_visits.door(office.app, secret) for secret in secrets]
    assert {door.state for door in doors} == {"open"}
    assert len({door.room.partition("#")[0] for door in doors}) == 1
    room = doors[0].room.partition("#")[0]
    assert room.startswith("https://meet.example.org/careloop-") and len(room.partition("careloop-")[2]) >= 20
    assert "Rosa" not in doors[3].room and visit not in room
    with TestClient(create_asgi(office.app), base_url="http://localhost") as web:
        page = web.get(f"/join/{secrets[0]}")
        assert page.status_code == 200 and room in page.text and "Lopez" not in page.text
        assert web.get(f"/join/{secrets[0][:-2]}xx").status_code == 404
    office.run(lambda tx: booking.cancel(office.app, tx, me, visit, "practice"))
    assert video_visits.door(office.app, secrets[0]).room == ""
    with pytest.raises(NotFound):
        video_visits.door(office.app, f"clj_{office.tenant.id}.nothing")


def test_without_a_video_service_a_video_visit_has_no_link(office):
    assert video_visits.links_shown(office.get(f"Appointment/{office.book(office.at(24, 9), kind='video')}")) == []


def test_a_booking_by_hl7v2_over_ours_is_kept_and_marked(office):
    number = {"system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893"}
    office.put({**office.get(office.actor()), "identifier": [number]})
    ours = office.book(office.at(24, 9))
    message = "\r".join((
        "MSH|^~\\&|EHR|WEST|CARELOOP|RB|20261123100000||SIU^S12^SIU_S12|S1|P|2.5.1",
        "SCH|P9|F9|||||CHECKUP^Checkup|||30|min^min|^^30^20261124091500^20261124094500|||||C1^Clerk^Ann|||||E1^Enter^Ed|||||BOOKED",
        "PID|1||777^^^WEST^MR||Doe^Jane||19600101|F",
        "RGS|1|A",
        "AIP|1|A|1234567893^Reyes^Nurse^^^^^^NPI^^^^NPI|^PCP||20261124091500|||30|min",
    ))  # fmt: skip
    deliver(office, message.encode())
    found = office.run(lambda tx: store.clashes(tx, office.app.clock.now()))
    assert [one.actor for one in found] == [office.actor()]
    kept = office.get(f"Appointment/{found[0].holder}")
    assert kept["status"] == "booked"
    window = Window(office.at(24, 9), office.at(24, 9) + timedelta(minutes=1))
    mine = office.run(lambda tx: store.taken_of(tx, [office.actor()], window))
    assert [one.holder for one in mine] == [ours]
    assert office.run(store.doubled) == []


def deliver(office, raw):
    """The message arrives over MLLP and is processed."""
    with office.app.database.directory() as tx:
        change_settings(tx, office.tenant, accept_any_sender=True)
    with office.app.database.transaction(office.tenant.id) as tx:
        door = Feed(id=None, kind="hl7v2", zone="America/New_York", port=21000 + office.tenant.id)
        feed = add_feed(tx, office.app.clock.now(), door, any_sender=True)
    incoming = Incoming(tenant_id=office.tenant.id, feed_id=feed.id or 0, source="test", raw=raw)
    take_in(office.app, [incoming])
    while process_batch(office.app, office.tenant):
        pass
