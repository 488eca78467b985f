"""Every pathway of the content has both journeys: one to its end and one that goes wrong; where they stand."""

import ast
from pathlib import Path

from tests.conftest import REPOSITORY

JOURNEYS = {
    "assessment-follow-up": (
        "test_answers",
        "test_a_high_score_is_looked_at_and_decided_about",
        "test_a_high_score_that_the_wrong_person_may_not_decide_about_and_a_decision_withdrawn",
    ),
    "contact-repair": (
        "test_answers",
        "test_a_wrong_number_is_replaced_and_the_patient_is_reached",
        "test_a_new_number_that_is_no_number_and_one_that_nobody_answers",
    ),
    "medicine-decision": (
        "test_drugs",
        "test_a_medicine_is_decided_about_by_a_doctor_and_the_patient_is_told",
        "test_a_decision_that_the_patient_cannot_be_told_and_that_is_withdrawn",
    ),
    "medicine-safety": (
        "test_drugs",
        "test_dangerous_medicines_are_seen_and_one_is_stopped",
        "test_dangerous_medicines_that_a_nurse_may_not_allow_and_a_reason_taken_back",
    ),
    "refill-gap": (
        "test_drugs",
        "test_a_missing_refill_is_asked_about",
        "test_a_missing_refill_nobody_answers_about_and_that_was_filled_after_all",
    ),
    "screening-due": (
        "test_answers",
        "test_an_assessment_that_is_due_is_asked_from_the_list",
        "test_an_assessment_nobody_answers_and_a_score_that_was_withdrawn",
    ),
    "teach-back": (
        "test_teaching",
        "test_what_was_misunderstood_by_the_link_is_explained_until_it_is_clear",
        "test_what_is_misunderstood_again_stays_open_and_a_wrong_birth_date_shows_nothing",
    ),
    "team-task": (
        "test_answers",
        "test_a_task_typed_on_the_patients_page_is_done",
        "test_a_task_done_for_somebody_else_and_one_that_is_called_off",
    ),
    "care-gap": (
        "test_care",
        "test_a_care_gap_is_called_booked_and_proven",
        "test_a_care_gap_nobody_answers_and_a_report_that_was_wrong",
    ),
    "care-plan-review": (
        "test_care",
        "test_a_care_plan_is_reviewed_by_a_nurse_and_agreed",
        "test_a_review_that_was_withdrawn_must_be_agreed_again",
    ),
    "discharge-planning": (
        "test_stays",
        "test_a_discharge_is_planned_point_by_point",
        "test_a_planned_discharge_is_called_off",
    ),
    "discharge-transition": (
        "test_stays",
        "test_a_hospital_stay_is_followed_to_the_last_proof",
        "test_a_hospital_stay_nobody_answers_and_whose_discharge_is_taken_back",
    ),
    "disposition-review": (
        "test_stays",
        "test_where_somebody_went_is_decided",
        "test_a_decision_about_the_wrong_person_is_withdrawn",
    ),
    "ed-visit": (
        "test_stays",
        "test_an_emergency_visit_is_called_and_decided",
        "test_an_emergency_visit_of_the_wrong_number_and_a_decision_taken_back",
    ),
    "expected-document": (
        "test_concerns",
        "test_a_promised_paper_arrives_and_is_filed",
        "test_a_promised_paper_is_chased_and_was_of_somebody_else",
    ),
    "hospice-plan": (
        "test_stays",
        "test_a_family_is_called_after_discharge_to_hospice",
        "test_a_family_that_wants_no_call",
    ),
    "medication-reconciliation": (
        "test_care",
        "test_medicines_are_compared_signed_and_told",
        "test_a_comparison_of_the_wrong_list_is_withdrawn_and_must_be_signed_again",
    ),
    "missed-appointment": (
        "test_care",
        "test_a_missed_visit_has_a_reason_a_fix_and_a_new_date",
        "test_a_missed_visit_nobody_can_ask_about",
    ),
    "monthly-care": (
        "test_care",
        "test_a_month_of_care_is_spoken_reviewed_and_counted",
        "test_a_month_of_care_with_no_answer_ends_with_the_patients_no",
    ),
    "new-patient-intake": (
        "test_care",
        "test_a_new_patient_agrees_is_asked_planned_for_and_has_a_team",
        "test_a_new_patient_who_does_not_agree",
    ),
    "patient-message": (
        "test_concerns",
        "test_a_message_is_read_answered_and_seen_by_the_patient",
        "test_a_message_whose_answer_went_to_the_wrong_person_is_answered_again",
    ),
    "post-acute-watch": (
        "test_stays",
        "test_somebody_in_a_facility_is_watched_until_they_leave",
        "test_a_date_of_leaving_that_was_of_somebody_else",
    ),
    "pre-admission": ("test_stays", "test_a_planned_stay_is_prepared", "test_a_planned_stay_is_called_off"),
    "referral": (
        "test_orders",
        "test_a_referral_is_accepted_booked_seen_read_and_told",
        "test_a_referral_is_declined_and_asked_elsewhere",
    ),
    "referral-decision": (
        "test_orders",
        "test_work_and_decisions_about_a_referral_are_done_and_say_so",
        "test_work_and_decisions_about_the_wrong_patient_are_undone",
    ),
    "referral-work": (
        "test_orders",
        "test_work_and_decisions_about_a_referral_are_done_and_say_so",
        "test_work_and_decisions_about_the_wrong_patient_are_undone",
    ),
    "routine-follow-up": (
        "test_care",
        "test_a_follow_up_visit_is_booked_and_takes_place",
        "test_a_follow_up_visit_is_cancelled_by_the_patient_missed_and_booked_again",
    ),
    "safety-concern": (
        "test_concerns",
        "test_somebody_in_danger_is_spoken_with_and_assessed",
        "test_somebody_in_danger_who_does_not_answer_and_whom_a_coordinator_reached",
    ),
    "social-need": (
        "test_concerns",
        "test_help_counts_when_the_patient_says_that_it_came",
        "test_help_that_is_declined_asked_elsewhere_and_does_not_come",
    ),
    "symptom-alert": (
        "test_concerns",
        "test_a_symptom_is_judged_spoken_about_and_settled",
        "test_a_symptom_that_the_wrong_person_may_not_judge_and_nobody_answers",
    ),
    "test-result": (
        "test_orders",
        "test_a_result_is_read_told_and_followed",
        "test_a_result_nobody_answers_about_is_corrected_and_read_again",
    ),
}
"""`person-match` is a review and no content pathway: `tests/browser/test_matches.py` holds both its ways."""


def test_every_pathway_has_a_journey_to_its_end_and_one_that_goes_wrong() -> None:
    known = {one.stem for one in (REPOSITORY / "src/careloop/content/pathways").glob("*.yaml")}
    assert known == set(JOURNEYS)
    written: dict[str, set[str]] = {}
    for one in Path(__file__).parent.glob("test_*.py"):
        tree = ast.parse(one.read_text())
        written[one.stem] = {part.name for part in tree.body if isinstance(part, ast.FunctionDef)}
    missing = [name for module, *names in JOURNEYS.values() for name in names if name not in written[module]]
    assert missing == []
