"""A shift is handed over, a person leaves, a morning begins: what the team's screens rest on."""

from datetime import date

import pytest
from tests.journeys.practice import at

from careloop.errors import Conflict, NotPermitted, Rejected
from careloop.flows import (
    acts,
    capacity,
    conferencing,
    deadlines,
    digests,
    leading,
    patient_team,
    patients,
    shift_hand_over,
    team_page,
    team_rounds,
)


@pytest.fixture
def two(practice):
    """Two people home from hospital since Friday; it is Monday."""
    practice.move_to("2026-06-08 09:00")
    found = [practice.patient(), practice.patient()]
    for patient in found:
        practice.stay(patient, start="2026-06-02 08:00", end="2026-06-05 16:30")
    return found


def ask(practice, who, flow, *more, **named):
    return practice.run(lambda tx: flow(practice.app, tx, practice.user(who), *more, **named))


def test_a_hand_over_writes_itself_and_is_accepted_item_by_item(practice, two):
    goal = {
        "resourceType": "Goal",
        "id": f"goal-{two[0]}",
        "lifecycleStatus": "active",
        "description": {"text": "Walk to church again"},
        "subject": {"reference": f"Patient/{two[0]}"},
    }
    visit = {
        "resourceType": "Appointment",
        "id": f"visit-{two[0]}",
        "status": "booked",
        "start": at("2026-06-11 10:00").isoformat(),
        "end": at("2026-06-11 10:30").isoformat(),
        "description": "Visit at the practice",
        "participant": [{"actor": {"reference": f"Patient/{two[0]}"}, "status": "accepted"}],
    }
    practice.write(goal, visit)
    practice.hire_as("eve", "coordinator")
    eve = practice.reference("eve")
    written = ask(practice, "dana", shift_hand_over.draft, to=eve)
    assert written.since is None
    assert len(written.lines) == 2
    line = next(one for one in written.lines if one.patient_id == two[0])
    assert line.matters == "Walk to church again"
    assert "Thu 11 Jun" in " ".join(line.promised)
    assert 1 <= len(line.next) <= 3
    assert [due for _, due in line.next] == sorted(due for _, due in line.next)

    loops = [one.loop_id for one in written.lines]
    assert ask(practice, "dana", shift_hand_over.send, to=eve, note="Off at noon", loop_ids=loops).offered == 2
    [given] = ask(practice, "eve", shift_hand_over.standing)
    assert [item.answer for item in given.items] == [None, None]
    ask(practice, "eve", acts.accept_offer, loop_id=loops[0])
    ask(practice, "eve", acts.decline_offer, loop_id=loops[1], why="Full day")
    [given] = ask(practice, "eve", shift_hand_over.standing)
    assert {item.loop_id: item.answer for item in given.items} == {loops[0]: "accepted", loops[1]: "declined"}
    owners = {practice.loop(patient).id: practice.loop(patient).owner for patient in two}
    assert owners == {loops[0]: eve, loops[1]: practice.reference("dana")}


def test_the_next_hand_over_tells_only_what_changed_since(practice, two):
    practice.hire_as("eve", "coordinator")
    eve = practice.reference("eve")
    loops = [one.loop_id for one in ask(practice, "dana", shift_hand_over.draft, to=eve).lines]
    ask(practice, "dana", shift_hand_over.send, to=eve, note="", loop_ids=loops)
    for loop_id in loops:
        ask(practice, "eve", acts.decline_offer, loop_id=loop_id, why="not today")
    practice.app.clock.move_by(minutes=30)
    assert not ask(practice, "dana", shift_hand_over.draft, to=eve).lines
    practice.call(two[1], sent="2026-06-08 09:20")
    written = ask(practice, "dana", shift_hand_over.draft, to=eve)
    assert [line.patient_id for line in written.lines] == [two[1]]
    assert [line.patient_id for line in written.unchanged] == [two[0]]


def test_nobody_hands_over_to_themselves(practice, two):
    with pytest.raises(Rejected):
        ask(practice, "dana", shift_hand_over.draft, to=practice.reference("dana"))


def test_the_digest_is_made_once_a_day_after_seven_and_says_what_is_stuck(practice, two):
    practice.hire_as("eve", "coordinator")
    ask(practice, "dana", leading.offer_lead, patient_id=two[0], to=practice.reference("eve"), why="New panel")
    practice.move_to("2026-06-12 06:00")
    team_rounds.go_on(practice.app, practice.tenant)
    assert ask(practice, "mo", digests.page).made == practice.app.clock.now()  # before the first: as it stands now
    assert practice.run(digests.days) == []
    assert ask(practice, "mo", digests.page, practice.app.clock.now().date()) is None
    practice.move_to("2026-06-12 07:01")
    team_rounds.go_on(practice.app, practice.tenant)
    found = ask(practice, "mo", digests.page)
    kinds = {line["kind"] for line in found.lines}
    assert {"late", "lead"} <= kinds
    assert {line["patient_id"] for line in found.lines if line["kind"] == "late"} == set(two)
    practice.move_to("2026-06-12 15:00")
    team_rounds.go_on(practice.app, practice.tenant)
    assert ask(practice, "mo", digests.page).made == found.made
    with pytest.raises(NotPermitted):
        ask(practice, "dana", digests.page)


def test_the_team_page_tells_load_in_minutes_and_who_leads(practice, two):
    page = ask(practice, "mo", team_page.page)
    dana = next(row for row in page.rows if row.member.username == "dana")
    minutes = capacity.minutes_table(practice.app.catalog)
    held = [
        step.step_id
        for patient in two
        for step in practice.loop(patient).state.steps
        if practice.loop(patient).steps[step.step_id].owner == practice.reference("dana")
        and step.status.is_open
        and step.clock.value != "waiting"
    ]
    assert dana.open == sum(minutes.of(step) for step in held) > 0
    assert (dana.loops, dana.leads) == (2, 2)
    assert "transitions competency" in page.not_kept


def test_a_few_more_patients_fit_and_many_slip(practice, two):
    few = ask(practice, "mo", capacity.what_if, pathway="discharge-transition", count=1)
    many = ask(practice, "mo", capacity.what_if, pathway="discharge-transition", count=200)
    assert few.slipping <= many.slipping
    assert many.slipping > 0
    assert few.minutes_each == sum(few.by_role.values())
    # Medicines are due by the visit, the visit after 14 days: work beyond two weeks slips as well.
    slipped = {one.member.username for one, _, slips in many.people if slips}
    assert slipped == {one.member.username for one, more, _ in many.people if one.due + more > 2 * one.can}
    assert "nia" in slipped
    with pytest.raises(Rejected):
        ask(practice, "mo", capacity.what_if, pathway="discharge-transition", count=0)


def test_pg_04b_a_course_on_record_is_valid_for_as_long_as_its_kind(practice, two):

    said = ask(
        practice,
        "mo",
        team_page.note_competency,
        person=practice.reference("nia"),
        kind="transitions",
        issued=date(2024, 2, 29),
    )
    assert "28 Feb 2026" in said
    page = ask(practice, "mo", team_page.page)
    [fit] = next(row.fit for row in page.rows if row.member.username == "nia")
    assert fit.ended
    with pytest.raises(NotPermitted):
        ask(
            practice,
            "nia",
            team_page.note_competency,
            person=practice.reference("nia"),
            kind="bls",
            issued=date(2026, 1, 1),
        )


def test_the_team_card_is_drawn_from_what_people_did(practice, two):
    role = {"coding": [{"system": "urn:careloop:role", "code": "nurse"}]}
    practice.write(
        {
            "resourceType": "CareTeam",
            "id": f"team-{two[0]}",
            "status": "active",
            "subject": {"reference": f"Patient/{two[0]}"},
            "participant": [{"role": [role], "member": {"reference": practice.reference("nia")}}],
        },
        {"resourceType": "Practitioner", "id": f"heart-{two[0]}", "name": [{"text": "Dr. Heart"}]},
        {
            "resourceType": "ServiceRequest",
            "id": f"order-{two[0]}",
            "status": "active",
            "intent": "order",
            "subject": {"reference": f"Patient/{two[0]}"},
            "requester": {"reference": f"Practitioner/heart-{two[0]}"},
            "authoredOn": at("2026-06-01 10:00").isoformat(),
        },
    )
    page = ask(practice, "dana", patient_team.page, two[0], None)
    states = {hand.name: hand.state for hand in page.hands}
    assert states["Nia Example"] == "silent"
    assert states["Dr. Heart"] == "outside"
    assert page.lead.reference == practice.reference("dana")
    assert page.then.lead.owner == practice.reference("dana")
    assert page.minutes > 0


def test_the_patient_page_names_the_lead(practice, two):
    page = ask(practice, "nia", patients.page, two[0])
    assert page.lead.name == "Dana Example"
    with pytest.raises(Conflict):
        ask(practice, "mo", leading.assign_lead, patient_id=two[0], to=practice.reference("nia"), why="x")


def test_a_conference_is_about_what_is_stuck_and_ends_with_owned_steps(practice, two):
    practice.hire_as("eve", "coordinator")
    dana, eve = practice.reference("dana"), practice.reference("eve")
    with pytest.raises(Conflict, match="the people of this call"):
        ask(practice, "dana", conferencing.begin, title="Too early", present=[eve], absent=[])
    practice.move_to("2026-06-12 09:00")
    deadlines.run(practice.app, practice.tenant)
    found = ask(practice, "dana", conferencing.begin, title="Friday", present=[eve], absent=[practice.reference("nia")])
    page = ask(practice, "eve", conferencing.page, found)
    assert {one.item.patient_id for one in page.items} == set(two)
    assert all("late" in one.item.asks for one in page.items)
    first, second = (one.item.loop_id for one in page.items)

    def decide(who, owner):
        return ask(
            practice,
            who,
            conferencing.decide,
            found,
            loop_id=first,
            decision="Ask the daughter to come along",
            owner=owner,
            due=at("2026-06-16 12:00"),
        )

    with pytest.raises(Rejected):
        decide("dana", practice.reference("nia"))
    with pytest.raises(NotPermitted):
        decide("nia", dana)
    with pytest.raises(Conflict):
        ask(practice, "dana", conferencing.end, found)
    decide("dana", eve)
    loop = next(practice.loop(patient) for patient in two if practice.loop(patient).id == first)
    [step] = [step for name, step in loop.steps.items() if name.startswith("extra-")]
    assert step.owner == eve
    ask(practice, "dana", conferencing.carry, found, loop_id=second, why="Waiting for the hospital")
    ask(practice, "dana", conferencing.end, found)
    ask(practice, "nia", conferencing.cast, found, loop_id=first, vote="agree", note="")
    with pytest.raises(NotPermitted):
        ask(practice, "eve", conferencing.cast, found, loop_id=first, vote="agree", note="")
    with pytest.raises(Conflict):
        decide("dana", eve)
    again = ask(practice, "dana", conferencing.begin, title="Monday", present=[], absent=[])
    assert ask(practice, "dana", conferencing.page, again).items[0].item.loop_id == second
