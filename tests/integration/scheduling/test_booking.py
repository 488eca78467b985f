"""Visits from the wish to the end, and what a cancelled or missed one leaves behind."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from careloop.clock import Clock
from careloop.errors import Conflict, Rejected
from careloop.flows import booking, diary_pages, diary_slots, home_visits, missed_visits, offers, waiting_list
from careloop.flows.verifying import verify_tenant
from careloop.loops.store import load_loops
from careloop.scheduling import store
from careloop.scheduling.content import visits_of


def act(office, work, *arguments, who="coordinator"):
    return office.run(lambda tx: work(office.app, tx, office.staff[who], *arguments))


def fixes(office, patient=0):
    found = office.run(lambda tx: office.app.record.of_patient(tx, office.patients[patient], ["Task"]))
    return [one.resource for one in found if booking.is_fix(one.resource)]


def test_booked_confirmed_moved_and_here(office):
    visit = office.book(office.at(24, 9))
    act(office, booking.confirm, visit)
    assert office.get(f"Appointment/{visit}")["participant"][0]["status"] == "accepted"
    act(office, booking.move, visit, office.at(25, 13), office.actor("physician"))
    moved = office.get(f"Appointment/{visit}")
    assert moved["start"] == "2026-11-25T13:00:00-05:00" and moved["participant"][0]["status"] == "needs-action"
    assert moved["participant"][-1]["actor"]["reference"] == office.actor("physician")
    act(office, booking.arrive, visit)
    with pytest.raises(Conflict):
        act(office, booking.move, visit, office.at(25, 14))


def test_what_was_changed_meanwhile_is_a_conflict_and_the_past_cannot_be_booked(office):
    visit = office.book(office.at(24, 9))
    act(office, booking.cancel, visit, "practice")
    with pytest.raises(Conflict):
        act(office, booking.confirm, visit)
    with pytest.raises(Rejected):
        office.book(office.at(20, 9))
    with pytest.raises(Rejected):
        office.book(office.at(24, 9), kind="nonsense")


def test_cancelled_for_a_reason_leaves_an_owned_fix_and_names_who_waits(office):
    visit = office.book(office.at(24, 9))
    wish = office.wish(office.at(23, 10), patient=1, who="")
    act(office, lambda app, tx, me: booking.wait(app, tx, me, wish, need=3))
    running = Clock(offset=office.app.clock.now() - Clock().now())
    said = office.run(
        lambda tx: booking.cancel(
            office.app.with_clock(running), tx, office.staff["coordinator"], visit, "ride", "no car"
        )
    )
    assert "Book a ride for the next visit" in said and "Jo Kim waits for this time" in said
    (task,) = fixes(office)
    assert task["owner"]["reference"] and task["restriction"]["period"]["end"].startswith("2026-11-25")
    cancelled = office.get(f"Appointment/{visit}")
    assert [one["code"] for one in cancelled["cancelationReason"]["coding"]] == ["ride", "pat-lt"]


def test_booked_by_mistake_leaves_nothing_to_fix(office):
    act(office, booking.cancel, office.book(office.at(24, 9)), "mistake")
    assert fixes(office) == []


def test_missed_then_asked_why_then_mended_and_measured(office):
    visit = office.book(office.at(23, 11))
    with pytest.raises(Rejected):
        act(office, booking.did_not_come, visit)
    office.app.clock.move_to(office.at(23, 12))
    act(office, booking.did_not_come, visit)
    page = act(office, missed_visits.missed_page)
    assert [one.id for one in page.unasked] == [visit]
    act(office, booking.give_reason, visit, "ride")
    again = office.book(office.at(30, 9), instead_of=visit)
    (task,) = fixes(office)
    act(office, lambda app, tx, me: booking.finish_fix(app, tx, me, task["id"], done=True))
    office.app.clock.move_to(office.at(30, 9))
    act(office, booking.arrive, again)
    (row,) = act(office, missed_visits.missed_page).rows
    assert (row.words, row.times, row.fixed, row.came_after_fix, row.next_after_fix) == ("Needs a ride", 1, 1, 1, 1)
    assert act(office, diary_pages.visit, visit).instead == again


def test_a_second_missed_visit_is_a_clinicians_decision(office):
    for day in (23, 24):
        visit = office.book(office.at(day, 11))
        office.app.clock.move_to(office.at(day, 12))
        act(office, booking.did_not_come, visit)
        act(office, booking.give_reason, visit, "forgot")
    owners = {task["owner"]["reference"]: task["code"]["text"] for task in fixes(office)}
    assert "Decide what comes next" in owners[office.actor("physician")]


def waits(office, patient, need, **more):
    wish = office.wish(office.at(23, 10), patient=patient, who="", **more)
    return act(office, lambda app, tx, me: booking.wait(app, tx, me, wish, need=need))


def open_offers(office):
    return office.run(store.open_offers)


def test_a_freed_time_goes_to_one_at_a_time_in_order_of_need_until_somebody_takes_it(office):
    visit = office.book(office.at(24, 9))
    waits(office, 1, 5)
    urgent = waits(office, 2, 1)
    act(office, booking.cancel, visit, "practice")
    (offer,) = open_offers(office)
    assert offer.waiting_id == urgent and offer.owner == office.actor("coordinator")
    with pytest.raises(Conflict, match="kept for somebody"):
        office.book(office.at(24, 9), patient=3)
    said = act(office, offers.answer, offer.id, "declined")
    assert said.endswith("offered to the next.")
    (second,) = open_offers(office)
    assert second.patient_id == office.patients[1]
    act(office, offers.answer, second.id, "accepted")
    booked = office.get(f"Appointment/{second.waiting_id}")
    assert (booked["status"], booked["start"]) == ("booked", "2026-11-24T09:00:00-05:00")
    assert open_offers(office) == [] and office.get(f"Appointment/{urgent}")["status"] == "waitlist"
    with pytest.raises(Conflict):
        act(office, offers.answer, second.id, "accepted")


def test_an_offer_that_nobody_answers_goes_on_and_in_the_end_the_time_is_free(office):
    visit = office.book(office.at(24, 9))
    waits(office, 1, 5)
    act(office, booking.cancel, visit, "practice")
    assert waiting_list.expire(office.app, office.tenant) == 0
    office.app.clock.move_by(hours=3)
    assert waiting_list.expire(office.app, office.tenant) == 1
    assert open_offers(office) == []
    office.book(office.at(24, 9), patient=3)


def test_an_offer_of_the_night_stands_until_somebody_could_make_it(office):
    visit = office.book(office.at(24, 14))
    waits(office, 1, 5)
    night = office.at(23, 22) - office.app.clock.now()
    office.app.clock.move_by(hours=night.total_seconds() / 3600)
    act(office, booking.cancel, visit, "practice")
    (offer,) = open_offers(office)
    assert offer.expires == office.at(24, 10)


def test_what_comes_from_outside_takes_a_kept_time_and_withdraws_the_offer(office):
    visit = office.book(office.at(24, 9))
    waits(office, 1, 5)
    act(office, booking.cancel, visit, "practice")
    theirs = office.outside(office.at(24, 9), patient=3)
    office.put(theirs)
    assert open_offers(office) == [] and office.run(lambda tx: store.clashes(tx, office.at(1, 0))) == []


def test_who_is_elsewhere_then_is_not_asked_and_who_stops_waiting_gives_the_time_on(office):
    visit = office.book(office.at(24, 9))
    office.book(office.at(24, 9), patient=2, who="physician")
    waits(office, 2, 1)
    first, second = waits(office, 1, 3), waits(office, 3, 5)
    act(office, booking.cancel, visit, "practice")
    assert [one.waiting_id for one in open_offers(office)] == [first]
    act(office, booking.cancel, first, "better")
    assert [one.waiting_id for one in open_offers(office)] == [second]


def test_the_diary_of_a_cancelled_visit_by_hl7_or_fhir_is_offered_too(office):
    theirs = office.outside(office.at(24, 9))
    office.put(theirs)
    waits(office, 1, 5)
    office.put({**theirs, "status": "cancelled"})
    (offer,) = open_offers(office)
    assert offer.owner == office.actor("nurse")


def test_two_homes_in_the_wrong_order_change_places_and_the_packet_says_what_is_assumed(office):
    for patient, latitude in ((0, 42.70), (1, 42.80), (2, 42.71)):
        found = office.get(f"Patient/{office.patients[patient]}")
        spot = [
            {"url": "latitude", "valueDecimal": Decimal(str(latitude))},
            {"url": "longitude", "valueDecimal": Decimal("-73.7")},
        ]
        found["address"][0]["extension"] = [{"url": home_visits.GEOLOCATION, "extension": spot}]
        office.put(found)
    from careloop.scheduling.model import Window

    whole = Window(office.at(24, 9), office.at(24, 17))
    visits = [
        office.book(office.at(24, 9 + 2 * patient), patient=patient, kind="home", within=whole) for patient in range(3)
    ]
    day = date(2026, 11, 24)
    found = act(office, home_visits.home_day, office.actor(), day)
    assert found.saves > 0 and found.differs and found.assumed == 0
    versions = {one.line.id: one.line.version for one in found.stops}
    with pytest.raises(Conflict):
        act(office, home_visits.use_order, office.actor(), day, {**versions, visits[0]: 7})
    act(office, home_visits.use_order, office.actor(), day, versions)
    after = act(office, home_visits.home_day, office.actor(), day)
    assert not after.differs and after.booked.travel == found.best.travel
    _, sheets = act(office, home_visits.packet, office.actor(), day)
    assert [one.stop.line.id for one in sheets] == [one.line.id for one in after.stops]


def test_free_times_are_those_of_the_hours_without_holidays_visits_and_the_patients_own(office):
    office.book(office.at(25, 9))
    office.book(office.at(27, 8), who="physician")
    kind, actor = visits_of(office.app.catalog).kinds["office"], office.actor()
    found = office.run(
        lambda tx: diary_slots.free_times(
            office.app, tx, [actor], kind, date(2026, 11, 25), 5, f"Patient/{office.patients[0]}"
        )
    )[actor]
    starts = [one.start for one in found]
    assert office.at(25, 8) in starts and office.at(25, 9) not in starts and office.at(25, 12) not in starts
    assert not [one for one in starts if one.astimezone(office.at(1, 0).tzinfo).date() == date(2026, 11, 26)]
    assert office.at(27, 8) not in starts and office.at(27, 8, 30) in starts
    assert all(one.end - one.start == timedelta(minutes=30) for one in found)


def loop_of(office, visit):
    loops = office.run(lambda tx: load_loops(tx, patients=office.patients))
    about = ("missed-appointment", f"Appointment/{visit}")
    return next(one.state for one in loops if (one.state.pathway, one.state.focus) == about)


def test_a_missed_visit_is_a_loop_with_an_owner_until_the_reason_and_the_new_date_are_there(office):
    visit = office.book(office.at(23, 11))
    office.app.clock.move_to(office.at(23, 12))
    act(office, booking.did_not_come, visit)
    state = loop_of(office, visit)
    assert {step.step_id for step in state.steps if step.status.is_open} == {"reason", "rebooked"}
    tasks = office.run(lambda tx: office.app.record.of_patient(tx, office.patients[0], ["Task"]))
    assert all(one.resource["owner"]["reference"] for one in tasks)
    act(office, booking.give_reason, visit, "ride")
    assert {step.step_id for step in loop_of(office, visit).steps if step.status.is_open} == {"rebooked"}
    office.book(office.at(30, 9), instead_of=visit)
    assert not loop_of(office, visit).status.is_open
    assert verify_tenant(office.app, office.tenant) == []


def test_cancelled_by_another_system_is_somebodys_work_too(office):
    theirs = office.outside(office.at(24, 9))
    office.put(theirs)
    office.put({**theirs, "status": "cancelled"})
    assert loop_of(office, theirs["id"]).status.is_open


def test_a_person_of_the_staff_books_nobody_twice_over_fhir_either(office):
    office.book(office.at(24, 9))
    with pytest.raises(Conflict):
        office.put(office.outside(office.at(24, 9), patient=1), office.staff["nurse"])


def test_time_taken_without_an_appointment_is_found(office):
    visit = office.book(office.at(24, 9))
    assert verify_tenant(office.app, office.tenant) == []
    office.run(lambda tx: tx.execute("update booking set ends = ends + interval '1 hour' where holder = %s", (visit,)))
    assert [one.part for one in verify_tenant(office.app, office.tenant)] == ["diary", "diary"]
