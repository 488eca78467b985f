"""Nobody is booked twice: ours are refused, those from outside are kept and marked."""

import threading
from datetime import timedelta

import pytest

from careloop.errors import Conflict
from careloop.flows import booking
from careloop.scheduling import store
from careloop.scheduling.model import Window


def clashes(office):
    return {one.holder for one in office.run(lambda tx: store.clashes(tx, office.app.clock.now()))}


def taken(office, actor):
    window = Window(office.at(1, 0), office.at(30, 0))
    return [(one.holder, one.clash) for one in office.run(lambda tx: store.taken_of(tx, [actor], window))]


def test_our_own_double_booking_is_refused_and_leaves_nothing(office):
    first = office.book(office.at(24, 9))
    with pytest.raises(Conflict, match="Nurse Reyes has another visit then: Tue 24 Nov 9:00 am to 9:30 am"):
        office.book(office.at(24, 9, 15), patient=1)
    with pytest.raises(Conflict, match="This patient has another visit"):
        office.book(office.at(24, 9, 15), who="physician")
    assert taken(office, office.actor()) == [(first, False)]
    office.book(office.at(24, 9, 30), patient=1)


def test_a_visit_from_outside_over_ours_is_kept_and_marked_until_the_other_goes(office):
    ours = office.book(office.at(24, 9))
    theirs = office.outside(office.at(24, 9, 15), patient=1)
    office.put(theirs)
    assert clashes(office) == {theirs["id"]}
    with pytest.raises(Conflict):
        office.book(office.at(24, 9, 30), patient=2)
    office.run(lambda tx: booking.cancel(office.app, tx, office.staff["coordinator"], ours, "practice"))
    assert clashes(office) == set()
    assert taken(office, office.actor()) == [(theirs["id"], False)]


def test_of_two_from_outside_over_a_third_one_stays_marked_when_the_third_goes(office):
    ours = office.book(office.at(24, 9), kind="long-office")
    pair = [office.outside(office.at(24, 9), patient=1, minutes=40), office.outside(office.at(24, 9, 20), patient=2)]
    for one in pair:
        office.put(one)
    assert clashes(office) == {one["id"] for one in pair}
    office.run(lambda tx: booking.cancel(office.app, tx, office.staff["coordinator"], ours, "practice"))
    assert len(clashes(office)) == 1
    assert office.run(store.doubled) == []


def test_a_visit_of_a_colleague_known_elsewhere_by_the_same_number_takes_the_time_of_our_own(office):
    number = {"system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893"}
    own = office.get(office.actor())
    office.put({**own, "identifier": [number]})
    office.put({"resourceType": "Practitioner", "id": "theirs", "identifier": [number]})
    office.put({"resourceType": "PractitionerRole", "id": "r", "practitioner": {"reference": "Practitioner/theirs"}})
    office.put(office.outside(office.at(24, 9), actor="PractitionerRole/r"))
    with pytest.raises(Conflict):
        office.book(office.at(24, 9), patient=1)


def test_cancelled_declined_and_proposed_take_no_time(office):
    office.put(office.outside(office.at(24, 9), status="cancelled"))
    office.put(office.outside(office.at(24, 9), status="proposed"))
    declined = office.outside(office.at(24, 9), patient=1)
    declined["participant"][1]["status"] = "declined"
    office.put(declined)
    office.book(office.at(24, 9))
    assert clashes(office) == set()


def test_a_visit_that_clashes_can_be_worked_on_but_not_moved_onto_another(office):
    office.book(office.at(24, 9))
    office.book(office.at(24, 11), patient=2)
    theirs = office.outside(office.at(24, 9), patient=1)
    office.put(theirs)
    me = office.staff["coordinator"]
    office.run(lambda tx: booking.confirm(office.app, tx, me, theirs["id"]))
    with pytest.raises(Conflict):
        office.run(lambda tx: booking.move(office.app, tx, me, theirs["id"], office.at(24, 11)))
    office.run(lambda tx: booking.move(office.app, tx, me, theirs["id"], office.at(24, 13)))
    assert clashes(office) == set()


def test_two_visits_can_change_places_in_one_act(office):
    one, other = office.book(office.at(24, 9)), office.book(office.at(24, 10), patient=1)
    swapped = {one: (office.at(24, 10), 1), other: (office.at(24, 9), 1)}
    office.run(lambda tx: booking.set_times(office.app, tx, office.staff["coordinator"], swapped))
    assert [holder for holder, _ in taken(office, office.actor())] == [other, one]


def test_of_two_who_book_the_same_time_at_once_one_is_refused(office):
    answers: list[str] = []

    def book(patient: int) -> None:
        try:
            answers.append(office.book(office.at(24, 9), patient=patient))
        except Conflict:
            answers.append("refused")

    threads = [threading.Thread(target=book, args=(patient,)) for patient in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count("refused") == 3
    assert len(taken(office, office.actor())) == 1


def test_the_database_itself_refuses_an_overlap(office):
    """Whatever code writes it: the constraint stands by itself."""
    from careloop.db import ExclusionViolation

    office.book(office.at(24, 9))
    with pytest.raises(ExclusionViolation, match="nobody_twice"):
        office.run(
            lambda tx: tx.execute(
                "insert into booking (holder, actor, number, kind, status, starts, ends, clash)"
                " select 'x', actor, number, kind, status, starts + interval '9 minutes', ends, false"
                " from booking where kind = 'visit'"
            )
        )


def test_a_patient_of_another_practice_is_never_in_the_way(office, other_tenant):
    office.book(office.at(24, 9))
    assert (
        office.app.database.run(
            other_tenant.id, lambda tx: store.clashes(tx, office.at(1, 0) - timedelta(9)), actor="x"
        )
        == []
    )
    assert office.app.database.run(other_tenant.id, lambda tx: tx.value("select count(*) from booking"), actor="x") == 0
