"""A step proven by hand: what is written is evidence with Provenance, and what may not prove is refused."""

from dataclasses import replace

import pytest

from careloop.access import accounts
from careloop.errors import Conflict, NotPermitted, Rejected
from careloop.flows import acting, acts, proof_ways
from careloop.flows.proof_resources import Said
from careloop.loops.model import Status


def _opened(practice, pathway: str) -> str:
    practice.move_to("2026-03-06 10:00")
    patient = practice.patient()
    task = {
        "resourceType": "Task",
        "id": f"open-{pathway}",
        "status": "requested",
        "intent": "order",
        "code": {"coding": [{"system": "urn:careloop:open", "code": pathway}]},
        "for": {"reference": f"Patient/{patient}"},
        "authoredOn": "2026-03-06T09:00:00-05:00",
    }
    practice.write(task)
    return patient


def _prove(practice, who: str, patient: str, pathway: str, step: str, said: Said, way: str = "0") -> acting.ActReceipt:
    loop = practice.loop(patient, pathway)
    return practice.run(
        lambda tx: acts.prove(
            practice.app, tx, practice.user(who), loop_id=loop.id, step_id=step, way=way, said=said
        )
    )  # fmt: skip


def test_a_note_of_a_nurse_proves_with_provenance_and_undo_opens_again(practice):
    patient = _opened(practice, "care-plan-review")
    receipt = _prove(practice, "nia", patient, "care-plan-review", "reviewed", Said(text="All stays."))
    step = practice.step(patient, "reviewed", "care-plan-review")
    assert step.status is Status.COMPLETED
    written = step.evidence[0].reference
    told = practice.run(lambda tx: practice.app.record.fetch(tx, [f"Provenance/{receipt.act_id}"]))
    provenance = told[f"Provenance/{receipt.act_id}"].resource
    assert [one["reference"] for one in provenance["target"]] == [written]
    assert provenance["agent"][0]["who"]["reference"] == practice.reference("nia")
    practice.run(lambda tx: acts.undo(practice.app, tx, practice.user("nia"), act_id=receipt.act_id))
    assert practice.step(patient, "reviewed", "care-plan-review").status.is_open


def test_the_wrong_person_an_empty_sentence_and_the_wrong_order_are_refused(practice):
    patient = _opened(practice, "care-plan-review")
    with pytest.raises(NotPermitted):
        _prove(practice, "dana", patient, "care-plan-review", "reviewed", Said(text="All stays."))
    with pytest.raises(Rejected):
        _prove(practice, "nia", patient, "care-plan-review", "reviewed", Said(text=" "))
    with pytest.raises(Conflict, match="Review the care plan"):
        _prove(practice, "nia", patient, "care-plan-review", "agreed", Said(text="Yes."))
    assert practice.step(patient, "reviewed", "care-plan-review").status.is_open


def test_a_no_to_consent_is_kept_and_closes_nothing(practice):
    patient = _opened(practice, "new-patient-intake")
    _prove(practice, "dana", patient, "new-patient-intake", "consent", Said(text="Not now.", choice="no"))
    assert practice.step(patient, "consent", "new-patient-intake").status.is_open
    _prove(practice, "dana", patient, "new-patient-intake", "consent", Said(text="Care with us.", choice="yes"))
    assert practice.step(patient, "consent", "new-patient-intake").status is Status.COMPLETED


def test_an_old_visit_cannot_be_shown_as_the_visit_after_a_stay(practice):
    practice.move_to("2026-03-06 17:00")
    patient = practice.patient()
    for number, day in (("old", "2026-01-05"), ("new", "2026-03-06")):
        practice.write(
            {
                "resourceType": "Encounter",
                "id": f"visit-{number}",
                "status": "finished",
                "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
                "subject": {"reference": f"Patient/{patient}"},
                "period": {"start": f"{day}T16:50:00-05:00"},
            }
        )
    practice.stay(patient, end="2026-03-06 16:30")
    loop = practice.loop(patient)

    def show(reference: str) -> None:
        practice.run(
            lambda tx: acts.show(
                practice.app, tx, practice.user("dana"), loop_id=loop.id, step_id="visit", reference=reference
            )
        )

    with pytest.raises(Rejected):
        show("Encounter/visit-old")
    show("Encounter/visit-new")
    assert practice.step(patient, "visit").status is Status.COMPLETED


def test_of_a_large_staff_the_first_are_offered_and_the_others_are_typed(practice, monkeypatch):
    monkeypatch.setattr(proof_ways, "_MOST_NAMED", 1)
    practice.hire_as("anders", "physician")
    patient = practice.patient()
    practice.move_to("2026-03-06 17:00")
    practice.stay(patient, end="2026-03-06 16:30")
    practice.move_to("2026-03-09 17:00")
    loop = practice.loop(patient)
    proof = practice.run(
        lambda tx: proof_ways.offered(practice.app, tx, practice.user("dana"), acting.find_loop(tx, loop.id), "visit")
    )
    way = next(one for one in proof.ways if one.kind == "visit")
    assert len(way.people) == 1
    assert way.others >= 1
    said = Said(text="Seen at the clinic.", how="AMB", when=practice.app.clock.now())
    for typed in ("Nobody here", "a"):
        with pytest.raises(Rejected):
            _prove(practice, "dana", patient, "discharge-transition", "visit", replace(said, who=typed), way.key)
    name = practice.run(lambda tx: accounts.members(tx, [practice.reference("anders")])[0].name)
    _prove(practice, "dana", patient, "discharge-transition", "visit", replace(said, who=name.lower()), way.key)
    seen = practice.step(patient, "visit").evidence[0].reference.split("/_history")[0]
    encounter = practice.run(lambda tx: practice.app.record.fetch(tx, [seen]))[seen].resource
    assert practice.reference("anders") in str(encounter["participant"])
