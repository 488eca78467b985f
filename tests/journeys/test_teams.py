"""People come, are away, hand over and leave; a patient always has one lead, and every piece of work one owner."""

import random
from contextlib import suppress
from datetime import date

import pytest
from tests.journeys import slow_lists
from tests.journeys.practice import at

from careloop.access.model import Principal, PrincipalKind
from careloop.errors import CareloopError, Conflict, NotPermitted, Rejected
from careloop.flows import (
    absences,
    acts,
    deadlines,
    leading,
    leaving,
    owned,
    routing,
    shifting,
    staffing,
    team_rounds,
    verifying,
)
from careloop.flows.absences import Leave
from careloop.loops import owning
from careloop.loops import store as loops
from careloop.loops.ids import step_task_id
from careloop.teams import store as teams
from careloop.teams.model import Competency
from careloop.teams.rules import QUALIFICATION

ROLE = "urn:careloop:role"


@pytest.fixture
def patient(practice):
    """Somebody who came home from hospital on Friday."""
    practice.move_to("2026-06-08 09:00")
    found = practice.patient()
    practice.stay(found, start="2026-06-02 08:00", end="2026-06-05 16:30")
    return found


def care_team(practice, patient, *members, id_="team-1", **more):
    """The patient's team as a FHIR client writes it; members are (username, role) or (username, role, end)."""
    participants = [
        {
            "role": [{"coding": [{"system": ROLE, "code": role}]}],
            "member": {"reference": practice.reference(name)},
            **({"period": {"end": at(end[0]).isoformat()}} if end else {}),
        }
        for name, role, *end in members
    ]
    return {
        "resourceType": "CareTeam",
        "id": f"{id_}-{patient}",
        "status": "active",
        "subject": {"reference": f"Patient/{patient}"},
        "participant": participants,
        **more,
    }


def owners(practice, patient):
    """Owners of the loop ('') and its steps."""
    loop = practice.loop(patient)
    return {"": loop.owner, **{step_id: step.owner for step_id, step in loop.steps.items()}}


def lead(practice, patient):
    return practice.run(lambda tx: teams.leads(tx, [patient])).get(patient)


def leave(practice, who, *, cover=None, starts="2026-06-09 00:00", ends="2026-06-12 23:00", by=None):
    asked = Leave(
        person=practice.reference(who),
        starts=at(starts),
        ends=at(ends),
        cover=cover and practice.reference(cover),
        why="Vacation",
    )
    return practice.run(lambda tx: absences.add(practice.app, tx, practice.user(by or who), asked))


def rounds(practice, when):
    practice.move_to(when)
    team_rounds.go_on(practice.app, practice.tenant)


def offer(practice, patient, *, by="dana", to="eve", why="I have a new panel"):
    """An offer of the lead."""
    work = lambda tx: leading.offer_lead(  # noqa: E731
        practice.app, tx, practice.user(by), patient_id=patient, to=practice.reference(to), why=why
    )
    return practice.run(work)


def answer(practice, patient, who, do=leading.accept_lead, **more):
    return practice.run(lambda tx: do(practice.app, tx, practice.user(who), patient_id=patient, **more))


def healthy(practice):
    return [
        found for found in verifying.verify_tenant(practice.app, practice.tenant) if found.part in ("loops", "teams")
    ]


def test_whoever_owns_the_first_loop_leads(practice, patient):
    assert lead(practice, patient) == practice.loop(patient).owner == practice.reference("dana")


def test_the_coordinator_of_a_care_team_leads_from_the_start(practice):
    found = practice.patient()
    practice.hire_as("eve", "coordinator")
    practice.write(care_team(practice, found, ("nia", "nurse"), ("eve", "coordinator")))
    assert lead(practice, found) == practice.reference("eve")


def test_two_leads_cannot_be_written(practice, patient):
    with pytest.raises(Exception, match="unique"):
        practice.run(
            lambda tx: tx.execute(
                "insert into lead (patient_id, lead, led_from, by, why) values (%s, %s, %s, 'me', 'also')",
                (patient, practice.reference("nia"), practice.app.clock.now()),
            )
        )


def test_the_lead_changes_by_offer_and_acceptance_and_takes_the_coordinators_work_along(practice, patient):
    practice.hire_as("eve", "coordinator")
    offer(practice, patient)
    assert lead(practice, patient) == practice.reference("dana")
    with pytest.raises(NotPermitted):
        answer(practice, patient, "nia")
    answer(practice, patient, "eve")
    assert lead(practice, patient) == practice.reference("eve")
    found = owners(practice, patient)
    assert (found[""], found["contact"]) == (practice.reference("eve"), practice.reference("eve"))
    assert found["medication-reconciliation"] == practice.reference("nia")
    [team] = practice.run(lambda tx: leaving.patient_team(practice.app, tx, patient))
    named = [one["member"]["reference"] for one in team.resource["participant"] if "end" not in one.get("period", {})]
    assert named == [practice.reference("eve")]
    assert not healthy(practice)


def test_a_supervisor_assigns_only_after_two_business_days(practice, patient):
    practice.hire_as("eve", "coordinator")
    practice.move_to("2026-06-11 10:00")  # a Thursday: Friday and Monday are the two business days
    offer(practice, patient)
    assigned = {"do": leading.assign_lead, "to": practice.reference("eve"), "why": "Dana is out"}
    with pytest.raises(NotPermitted):
        answer(practice, patient, "nia", **assigned)
    practice.move_to("2026-06-15 23:00")
    with pytest.raises(Conflict):
        answer(practice, patient, "mo", **assigned)
    practice.move_to("2026-06-16 08:00")
    answer(practice, patient, "mo", **assigned)
    assert lead(practice, patient) == practice.reference("eve")


def test_a_declined_lead_stays_and_only_one_offer_stands(practice, patient):
    practice.hire_as("eve", "coordinator")
    offer(practice, patient)
    with pytest.raises(Conflict):
        offer(practice, patient, to="mo")
    answer(practice, patient, "eve", leading.decline_lead, why="Full panel")
    assert lead(practice, patient) == practice.reference("dana")
    offer(practice, patient, to="mo")


def test_work_goes_to_the_cover_while_somebody_is_away_and_comes_back(practice, patient):
    practice.hire_as("eve", "coordinator")
    leave(practice, "dana", cover="eve")
    assert owners(practice, patient)["contact"] == practice.reference("dana")
    rounds(practice, "2026-06-09 00:01")
    assert owners(practice, patient)["contact"] == practice.reference("eve")
    other = practice.patient()
    practice.write(care_team(practice, other, ("dana", "coordinator"), ("nia", "nurse")))
    practice.stay(other, start="2026-06-06 08:00", end="2026-06-08 16:30")
    assert owners(practice, other)["contact"] == practice.reference("eve")
    assert lead(practice, patient) == practice.reference("dana")
    rounds(practice, "2026-06-13 08:00")
    assert owners(practice, patient)["contact"] == practice.reference("dana")
    assert owners(practice, other)["contact"] == practice.reference("dana")
    assert not healthy(practice)


def test_without_a_cover_routing_chooses_and_the_work_still_comes_back(practice, patient):
    practice.hire_as("eve", "coordinator")
    leave(practice, "dana")
    rounds(practice, "2026-06-09 00:01")
    assert owners(practice, patient)["contact"] == practice.reference("eve")
    rounds(practice, "2026-06-13 08:00")
    assert owners(practice, patient)["contact"] == practice.reference("dana")


def test_what_the_cover_gave_on_by_hand_does_not_come_back(practice, patient):
    practice.hire_as("eve", "coordinator")
    leave(practice, "dana", cover="eve")
    rounds(practice, "2026-06-09 00:01")
    loop = practice.loop(patient)
    give = {"loop_id": loop.id}
    practice.run(
        lambda tx: acts.hand_over(
            practice.app, tx, practice.user("eve"), to=practice.reference("mo"), why="knows them", **give
        )
    )
    practice.run(lambda tx: acts.accept_offer(practice.app, tx, practice.user("mo"), **give))
    rounds(practice, "2026-06-13 08:00")
    assert owners(practice, patient)["contact"] == practice.reference("mo")


def test_who_has_done_their_part_of_a_loop_offers_its_owners_part(practice, patient):
    """A nurse whose steps were done offered the loop in her own name; the offer stood for nothing (found by
    `bench simulate --patients 10000 --seed 1`, night of 3 March)."""
    practice.hire_as("eve", "coordinator")
    loop = practice.loop(patient)
    nurse = practice.reference("nia")
    for step_id in [step_id for step_id, step in loop.steps.items() if step.owner == nurse]:
        why = {"loop_id": loop.id, "step_id": step_id, "reason": "not-applicable", "note": "seen by the home nurse"}
        practice.run(lambda tx, why=why: acts.close_without_proof(practice.app, tx, practice.user("nia"), **why))
    give = {"loop_id": loop.id, "to": practice.reference("eve"), "why": "cover"}
    practice.run(lambda tx: acts.hand_over(practice.app, tx, practice.user("nia"), **give))
    offered = practice.run(lambda tx: loops.open_offer(tx, loop.id))
    assert offered.giver == loop.owner != nurse
    assert healthy(practice) == []


def test_leave_said_by_a_fhir_client_counts(practice, patient):
    practice.hire_as("eve", "coordinator")
    [role] = practice.run(
        lambda tx: practice.app.record.follow(tx, "PractitionerRole", [("practitioner", practice.reference("dana"))])
    )
    during = {"start": at("2026-06-09 00:00").isoformat(), "end": at("2026-06-10 00:00").isoformat()}
    practice.write({**role.resource, "notAvailable": [{"description": "Course", "during": during}]})
    rounds(practice, "2026-06-09 00:01")
    assert owners(practice, patient)["contact"] == practice.reference("eve")


def test_leave_is_told_to_fhir_clients_and_nobody_covers_who_is_away(practice):
    practice.move_to("2026-06-08 09:00")
    practice.hire_as("eve", "coordinator")
    leave(practice, "eve")
    with pytest.raises(Rejected):
        leave(practice, "dana", cover="eve")
    with pytest.raises(NotPermitted):
        leave(practice, "dana", by="nia")
    [role] = practice.run(
        lambda tx: practice.app.record.follow(tx, "PractitionerRole", [("practitioner", practice.reference("eve"))])
    )
    assert role.resource["notAvailable"][0]["during"]["start"].startswith("2026-06-09T00:00:00")


def test_a_fhir_write_cannot_switch_off_somebody_who_has_an_account(practice, patient):
    person = practice.run(lambda tx: practice.app.record.fetch(tx, [practice.reference("dana")]))
    resource = person[practice.reference("dana")].resource
    with pytest.raises(Conflict):
        practice.write({**resource, "active": False})
    with pytest.raises(Conflict):
        practice.delete("Practitioner", resource["id"])
    assert owners(practice, patient)["contact"] == practice.reference("dana")


def test_who_is_taken_out_of_a_care_team_passes_that_patients_work_on(practice):
    practice.move_to("2026-06-08 09:00")
    practice.hire_as("noor", "nurse")
    found = practice.patient()
    practice.write(care_team(practice, found, ("dana", "coordinator"), ("nia", "nurse")))
    practice.stay(found, start="2026-06-02 08:00", end="2026-06-05 16:30")
    assert owners(practice, found)["medication-reconciliation"] == practice.reference("nia")
    practice.write(care_team(practice, found, ("dana", "coordinator"), ("noor", "nurse")))
    assert owners(practice, found)["medication-reconciliation"] == practice.reference("noor")
    practice.write(
        care_team(practice, found, ("dana", "coordinator"), ("noor", "nurse", "2026-06-10 12:00"), ("nia", "nurse"))
    )
    assert owners(practice, found)["medication-reconciliation"] == practice.reference("noor")
    rounds(practice, "2026-06-10 12:01")
    assert owners(practice, found)["medication-reconciliation"] == practice.reference("nia")


def test_the_lead_is_not_dropped_from_a_team_unless_it_names_another_coordinator(practice):
    practice.hire_as("eve", "coordinator")
    found = practice.patient()
    practice.write(care_team(practice, found, ("dana", "coordinator"), ("nia", "nurse")))
    with pytest.raises(Conflict):
        practice.write(care_team(practice, found, ("nia", "nurse")))
    with pytest.raises(Conflict):
        practice.write(care_team(practice, found, ("eve", "coordinator")), by=practice.user("nia"))
    practice.write(care_team(practice, found, ("eve", "coordinator")), by=practice.user("mo"))
    assert lead(practice, found) == practice.reference("eve")


def test_the_queue_cannot_lose_its_lead_by_a_write(practice):
    queue = staffing.queue_id(practice.tenant.id)
    with pytest.raises(Conflict):
        practice.write({"resourceType": "CareTeam", "id": queue, "status": "active", "name": "Queue"})


def test_before_somebody_leaves_everything_that_they_hold_has_moved(practice, patient):
    practice.hire_as("eve", "coordinator")
    practice.write(care_team(practice, patient, ("dana", "coordinator"), ("nia", "nurse")))
    practice.write(
        {
            "resourceType": "Task",
            "id": f"question-{patient}",
            "status": "requested",
            "intent": "order",
            "code": {"text": "Ask the daughter"},
            "for": {"reference": f"Patient/{patient}"},
            "owner": {"reference": practice.reference("dana")},
        }
    )
    leave(practice, "nia", cover="dana", by="mo")
    staffing.disable(practice.app, practice.system, practice.tenant, "dana", to="eve")
    eve = practice.reference("eve")
    assert practice.run(lambda tx: leaving.held_by(practice.app, tx, practice.reference("dana"))).nothing
    assert (owners(practice, patient)["contact"], lead(practice, patient)) == (eve, eve)
    assert practice.task(f"question-{patient}")["owner"]["reference"] == eve
    assert [one.cover for one in practice.run(lambda tx: teams.absences_ahead(tx))] == [
        practice.staff["eve"].practitioner_id
    ]
    assert not healthy(practice)


def test_programme_case_2_work_is_not_given_to_who_is_not_fit_on_its_due_date(practice, patient):
    practice.hire_as("noor", "nurse")
    loop = practice.loop(patient)
    due = next(step.due for step in loop.state.steps if step.step_id == "medication-reconciliation").date()

    def fit(who, through):
        kind = Competency(
            practitioner=practice.staff[who].practitioner_id,
            kind="medication-reconciliation",
            issued=date(2024, 6, 1),
            valid_through=through,
            by="test",
        )
        practice.run(lambda tx: teams.save_competency(tx, kind, practice.app.clock.now()))

    def give():
        return practice.run(
            lambda tx: acts.hand_over(
                practice.app, tx, practice.user("nia"), loop_id=loop.id, to=practice.reference("noor"), why="leave"
            )
        )

    fit("noor", date(due.year, due.month, due.day - 1))
    with pytest.raises(Rejected) as refused:
        give()
    assert "PG-04" in refused.value.message
    fit("noor", due)
    give()


def test_for_every_past_moment_there_is_exactly_one_owner(practice, patient):
    loop = practice.loop(patient)
    practice.hire_as("eve", "coordinator")
    leave(practice, "dana", cover="eve")
    rounds(practice, "2026-06-09 00:01")
    task = step_task_id(loop.id, "contact")

    def owner(when):
        return practice.run(
            lambda tx: owned.of_task(practice.app, tx, practice.user("dana"), task, when and at(when))
        ).owner

    assert owner("2026-06-08 12:00") == practice.reference("dana")
    assert owner(None) == practice.reference("eve")
    with pytest.raises(CareloopError):
        owner("2026-06-07 12:00")
    then = practice.run(
        lambda tx: owned.of_patient(practice.app, tx, practice.user("nia"), patient, at("2026-06-08 12:00"))
    )
    assert then.lead.owner == practice.reference("dana")
    assert len({(one.loop_id, one.step_id) for one in then.loops}) == len(then.loops) == len(loop.steps) + 1


def test_pg_02_a_patient_who_becomes_high_risk_is_offered_to_a_nurse(practice, patient):
    shift = next(one for one in shifting.shifts_of(practice.app.catalog) if one.id == "risk-up")
    assert practice.run(lambda tx: shifting.propose(practice.app, tx, patient, shift))
    waiting = practice.run(lambda tx: teams.open_offer(tx, patient))
    assert (waiting.taker, waiting.rule, lead(practice, patient)) == (
        practice.reference("nia"),
        "risk-up",
        practice.reference("dana"),
    )
    answer(practice, patient, "nia")
    assert lead(practice, patient) == practice.reference("nia")


def test_a_shift_is_seen_once_and_only_when_something_changed(practice, patient):
    shifts = shifting.shifts_of(practice.app.catalog)
    calm = shifting.need_of(False, frozenset(), None)
    risky = shifting.need_of(True, frozenset({"post-acute-watch"}), calm)
    assert shifting.shift_for(shifts, None, risky) is None
    assert shifting.shift_for(shifts, calm, risky).id == "facility"
    assert shifting.shift_for(shifts, risky, risky) is None
    rounds(practice, "2026-06-08 10:00")
    assert practice.run(lambda tx: shifting.look(practice.app, tx)) == 0
    assert practice.run(lambda tx: teams.known_facts(tx, [patient]))[patient]["setting"] == "home"


@pytest.mark.parametrize("seed", [1, 2])
def test_whoever_leaves_is_away_or_hands_over_nothing_is_ever_ownerless(practice, seed):
    chance = random.Random(seed)
    practice.move_to("2026-06-08 09:00")
    names = ["dana", "nia", "osei", "eve", "noor"]
    practice.hire_as("eve", "coordinator")
    practice.hire_as("noor", "nurse")
    patients = [practice.patient() for _ in range(3)]
    for patient in patients[:2]:
        practice.write(care_team(practice, patient, ("dana", "coordinator"), ("nia", "nurse")))
    for patient in patients:
        practice.stay(patient, start="2026-06-02 08:00", end="2026-06-05 16:30")
    for _ in range(14):
        practice.app.clock.move_by(hours=chance.randint(1, 30))
        now = practice.app.clock.now()
        who, other, patient = chance.choice(names), chance.choice(names), chance.choice(patients)
        with suppress(CareloopError):
            what = chance.randint(0, 4)
            if what == 0:
                asked = Leave(
                    person=practice.reference(who), starts=now, ends=now.replace(year=2027), cover=None, why="x"
                )
                practice.run(lambda tx, asked=asked: absences.add(practice.app, tx, practice.user("mo"), asked))
            elif what == 1:
                practice.write(care_team(practice, patient, (who, "coordinator"), (other, "nurse")))
            elif what == 2:
                offer(practice, patient, by=who, to=other)
                answer(practice, patient, other)
            elif what == 3 and chance.random() < 0.5:
                staffing.disable(practice.app, practice.system, practice.tenant, who)
            else:
                team_rounds.go_on(practice.app, practice.tenant)
        for one in patients:
            rows = practice.run(lambda tx, one=one: owning.owned_at(tx, one, practice.app.clock.now()))
            assert len({(row["loop_id"], row["step_id"]) for row in rows}) == len(rows) > 0
            assert lead(practice, one) is not None
        assert slow_lists.check(practice)
    deadlines.run(practice.app, practice.tenant)
    assert not healthy(practice)


def test_a_program_may_not_hand_work_to_who_is_away(practice, patient):
    practice.hire_as("eve", "coordinator")
    leave(practice, "eve", starts="2026-06-08 08:00")
    task = practice.task(practice.loop(patient).id)
    client = Principal(
        tenant_id=practice.tenant.id, kind=PrincipalKind.CLIENT, id="ehr", name="EHR", scopes=("system/*.cruds",)
    )
    with pytest.raises(Rejected):
        practice.write({**task, "owner": {"reference": practice.reference("eve")}}, by=client)


def test_licence_and_language_of_the_record_decide_with_their_reason(practice):
    practice.move_to("2026-06-08 09:00")
    names = ["noor", "nell"]
    for name in names:
        practice.hire_as(name, "nurse")
    for name, state, language in (("nia", "NH", "en"), ("noor", "MA", "en"), ("nell", "MA", "es")):
        person = practice.run(lambda tx, name=name: practice.app.record.fetch(tx, [practice.reference(name)]))
        practice.write(licensed(person[practice.reference(name)].resource, state, language))
    spanish = [{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "es"}]}, "preferred": True}]
    found = practice.patient(address=[{"use": "home", "state": "MA"}], communication=spanish)
    practice.stay(found, start="2026-06-02 08:00", end="2026-06-05 16:30")
    assert owners(practice, found)["medication-reconciliation"] == practice.reference("nell")
    then = practice.run(lambda tx: owned.of_patient(practice.app, tx, practice.user("nia"), found, None))
    why = next(one.why for one in then.loops if one.step_id == "medication-reconciliation")
    assert "speaks es" in why
    assert "licensed in MA" in why


def licensed(practitioner, state, language):
    """The same person with a nurse's licence in a state, speaking a language."""
    valid = {"url": "whereValid", "valueCodeableConcept": {"coding": [{"code": state}]}}
    return {
        **practitioner,
        "communication": [{"coding": [{"system": "urn:ietf:bcp:47", "code": language}]}],
        "qualification": [{"code": {"text": "RN"}, "extension": [{"url": QUALIFICATION, "extension": [valid]}]}],
    }


def test_a_choice_looks_at_a_few_however_many_there_are_and_work_still_spreads(practice):
    practice.move_to("2026-06-08 09:00")
    for number in range(24):
        practice.hire_as(f"nurse{number}", "nurse")
    patients = [practice.patient() for _ in range(12)]

    def nurses(tx):
        office = routing.Office(practice.app, tx)
        desk = routing.Desk(office, patients[0], ())
        return office.pool("nurse", "", "", desk.patient_id)

    assert len(practice.run(nurses)) == routing.COMPARED
    for patient in patients:
        practice.stay(patient, start="2026-06-02 08:00", end="2026-06-05 16:30")
    taken = {owners(practice, patient)["medication-reconciliation"] for patient in patients}
    assert len(taken) >= 9
