"""One card for each stay or flare, whatever order messages come in, however often, and what is taken back."""

import itertools

import pytest
from tests.journeys.practice import at

from careloop.flows import acts, episode_cards, merging


def cards(practice, patient, who="dana"):
    return practice.run(lambda tx: episode_cards.of_patient(practice.app, tx, practice.user(who), patient))


def card(practice, patient):
    [one] = cards(practice, patient)
    return one


def story(practice, mrn):
    """In by the emergency room, moved, admitted, home, with a report of the stay."""
    visit = {"mrn": mrn, "visit": f"V{mrn}"}
    return [
        practice.message("A04", "2026-06-02 08:00", patient_class="E", **visit),
        practice.message("A06", "2026-06-02 11:00", patient_class="I", **visit),
        practice.message("A02", "2026-06-03 09:00", patient_class="I", **visit),
        practice.message("A08", "2026-06-04 09:00", patient_class="I", **visit),
        practice.message("A03", "2026-06-05 16:30", patient_class="I", **visit),
    ]


def test_all_messages_of_one_stay_are_one_card_in_any_order_and_any_number(practice):
    practice.move_to("2026-06-06 09:00")
    seen = set()
    for number, order in enumerate(itertools.islice(itertools.permutations(range(5)), 0, 120, 47)):
        patient = practice.known(f"E{number}")
        told = story(practice, f"E{number}")
        practice.send(*(told[place] for place in order))
        practice.send(told[order[0]])
        one = card(practice, patient)
        seen.add((one.kind, one.title, one.state, one.since, one.watch_until, one.watch_day, one.changed.says))
        assert {loop.loop_id for loop in one.loops} >= {
            loop.id for loop in practice.loops(patient, None) if loop.state.status.is_open
        }
        assert len(one.loops) == 1
    assert len(seen) == 1
    [(kind, _, state, since, until, day, changed)] = seen
    assert (kind, state, day, changed) == ("stay", "Home", 1, "Went home")
    assert since == at("2026-06-05 16:30")
    assert until.astimezone(practice.zone).date() == at("2026-07-04 00:00").date()


@pytest.mark.long
def test_while_the_patient_is_in_hospital_the_card_says_where_and_has_no_watch(practice):
    practice.move_to("2026-06-03 09:00")
    patient = practice.patient()
    practice.stay(
        patient, start="2026-06-02 08:00", serviceProvider={"display": "St. Mary"},
        location=[{"location": {"display": "Ward 4"}, "status": "active"}],
    )  # fmt: skip
    one = card(practice, patient)
    assert (one.state, one.place, one.watch_until, one.next) == ("In hospital", "St. Mary, Ward 4", None, None)
    assert one.is_current


def test_a_discharge_that_was_taken_back_leaves_one_card_in_hospital(practice):
    practice.move_to("2026-06-08 09:00")
    patient = practice.patient()
    stay = practice.stay(patient, start="2026-06-02 08:00", end="2026-06-05 16:30")
    assert card(practice, patient).state == "Home"
    practice.stay(patient, stay, start="2026-06-02 08:00", end="2026-06-05 16:30", cancelled="2026-06-05 18:00")
    one = card(practice, patient)
    assert (one.state, one.watch_until, one.next) == ("In hospital", None, None)
    assert [loop.is_open for loop in one.loops] == [False]
    practice.stay(patient, stay, start="2026-06-02 08:00", end="2026-06-08 08:00")
    again = card(practice, patient)
    assert (again.state, again.watch_day) == ("Home", 0)


@pytest.mark.long
def test_a_stay_that_never_was_has_no_card(practice):
    practice.move_to("2026-06-03 09:00")
    patient = practice.patient()
    stay = practice.stay(patient, start="2026-06-02 08:00")
    practice.stay(patient, stay, start="2026-06-02 08:00", status="cancelled")
    assert cards(practice, patient) == ()


def test_a_transfer_is_one_card_and_the_next_stay_another(practice):
    practice.move_to("2026-06-12 09:00")
    patient = practice.patient()
    practice.stay(patient, start="2026-06-01 08:00", end="2026-06-03 12:00", disposition="02")
    practice.stay(patient, start="2026-06-03 14:00", end="2026-06-08 10:00")
    one = card(practice, patient)
    assert one.since == at("2026-06-08 10:00")
    practice.stay(patient, start="2026-06-11 08:00")
    assert [each.state for each in cards(practice, patient)] == ["In hospital", "Home"]


def test_a_call_and_a_report_of_the_stay_are_on_its_card_and_the_watch_ends_after_29_days(practice):
    practice.move_to("2026-06-08 09:00")
    patient = practice.patient()
    stay = practice.stay(patient, start="2026-06-02 08:00", end="2026-06-05 16:30")
    practice.write(
        {
            "resourceType": "DocumentReference", "id": f"summary-{patient}", "status": "current",
            "type": {"coding": [{"system": "http://loinc.org", "code": "18842-5"}]},
            "subject": {"reference": f"Patient/{patient}"}, "date": at("2026-06-07 10:00").isoformat(),
            "context": {"encounter": [{"reference": f"Encounter/{stay}"}]},
            "content": [{"attachment": {"contentType": "text/plain", "data": "YQ=="}}],
        }
    )  # fmt: skip
    practice.run(
        lambda tx: acts.log_call(
            practice.app, tx, practice.user("dana"), loop_id=practice.loop(patient).id, outcome="reached", minutes=9
        )
    )
    one = card(practice, patient)
    assert one.changed.at == at("2026-06-08 09:00")
    assert len(cards(practice, patient)) == 1
    assert sum(one.loops[0].segments) >= 2
    practice.move_to("2026-07-04 23:00")
    assert card(practice, patient).watch_day == 29
    practice.move_to("2026-07-05 00:30")
    assert card(practice, patient).watch_day is None


def test_alerts_within_three_days_are_one_flare_and_the_stay_that_follows_takes_them(practice):
    practice.move_to("2026-06-02 12:00")
    patient = practice.patient()
    for number, when in enumerate(("2026-06-01T09:00:00-04:00", "2026-06-02T09:00:00-04:00")):
        practice.write(_alert(patient, number, when))
    one = card(practice, patient)
    assert (one.kind, len(one.loops)) == ("flare", 2)
    practice.move_to("2026-06-03 12:00")
    practice.stay(patient, start="2026-06-03 08:00")
    joined = card(practice, patient)
    assert (joined.kind, joined.state, len(joined.loops)) == ("stay", "In hospital", 2)


def _alert(patient, number, when):
    return {
        "resourceType": "Task", "id": f"alert-{number}-{patient}", "status": "requested", "intent": "order",
        "priority": "urgent", "code": {"coding": [{"system": "urn:careloop:open", "code": "symptom-alert"}]},
        "for": {"reference": f"Patient/{patient}"}, "authoredOn": when, "lastModified": when,
    }  # fmt: skip


def test_when_two_records_are_joined_their_cards_are_one_persons(practice):
    practice.move_to("2026-06-08 09:00")
    one, other = practice.patient(), practice.patient()
    practice.stay(other, start="2026-06-02 08:00", end="2026-06-05 16:30")
    practice.run(lambda tx: merging.merge(practice.app, tx, practice.system, one, other, "test"))
    assert card(practice, one).state == "Home"
    assert cards(practice, other) == ()


def test_the_page_shows_those_whom_one_leads_or_works_for(practice):
    practice.move_to("2026-06-08 09:00")
    patient = practice.patient()
    practice.stay(patient, start="2026-06-02 08:00", end="2026-06-05 16:30")
    inside = practice.patient()
    practice.stay(inside, start="2026-06-07 08:00")

    def page(who, scope):
        found = practice.run(lambda tx: episode_cards.page(practice.app, tx, practice.user(who), scope=scope))
        return {one.patient_id for one in found.cards}

    assert page("dana", "mine") == {patient}
    assert page("osei", "mine") == set()
    assert page("osei", "team") == {patient, inside}
