"""A person may name any resource of the patient as proof, also of a kind that no rule asks about."""

from careloop.flows import acts
from careloop.loops.model import Status


def test_a_form_named_as_proof_closes_the_step(practice):
    practice.move_to("2026-03-06 17:00")
    patient = practice.patient()
    practice.stay(patient, end="2026-03-06 16:30")
    form = {
        "resourceType": "QuestionnaireResponse",
        "id": "medicines-form",
        "status": "completed",
        "subject": {"reference": f"Patient/{patient}"},
    }
    practice.write(form)
    loop = practice.loop(patient)
    practice.run(
        lambda tx: acts.add_evidence(
            practice.app,
            tx,
            practice.user("dana"),
            loop_id=loop.id,
            step_id="medication-reconciliation",
            reference="QuestionnaireResponse/medicines-form",
        )
    )
    step = practice.step(patient, "medication-reconciliation")
    assert step.status is Status.COMPLETED
    assert step.evidence[0].reference == "QuestionnaireResponse/medicines-form/_history/1"
    practice.delete("QuestionnaireResponse", "medicines-form")
    assert practice.step(patient, "medication-reconciliation").status.is_open
