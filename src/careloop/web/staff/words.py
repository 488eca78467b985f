"""The fixed words of the staff screens: kinds of work, outcomes, reasons (ui.md §13: plain words, verb first)."""

from collections.abc import Mapping, Sequence

SCOPES: Sequence[tuple[str, str]] = (("mine", "Mine"), ("team", "My team"), ("queue", "Queue"))

KIND_NAMES: Mapping[str, str] = {
    "discharge-transition": "Hospital stays",
    "ed-visit": "Emergency visits",
    "discharge-planning": "Discharge planning",
    "pre-admission": "Planned stays",
    "post-acute-watch": "In a facility",
    "hospice-plan": "Hospice",
    "disposition-review": "Where did they go?",
    "referral": "Referrals",
    "referral-work": "Work for referrals",
    "referral-decision": "Referrals to decide",
    "test-result": "Test results",
    "medication-reconciliation": "Medicines to compare",
    "medicine-decision": "Medicines to decide",
    "medicine-safety": "Dangerous medicines",
    "refill-gap": "Missing refills",
    "assessment-follow-up": "Scores to follow up",
    "screening-due": "Assessments due",
    "teach-back": "To explain again",
    "care-gap": "Care gaps",
    "contact-repair": "Patients not reached",
    "patient-message": "Messages",
    "social-need": "Social needs",
    "symptom-alert": "Symptom alerts",
    "safety-concern": "Safety",
    "missed-appointment": "Missed visits",
    "expected-document": "Expected papers",
    "monthly-care": "Monthly care",
    "new-patient-intake": "New patients",
    "care-plan-review": "Care plans to review",
    "routine-follow-up": "Routine follow-up",
    "team-task": "Tasks",
    "person-match": "Same person?",
    "contradiction": "Sources disagree",
}

DUES: Sequence[tuple[str, str]] = (
    ("late", "Late"),
    ("today", "Due today, or late"),
    ("tomorrow", "Due by tomorrow"),
    ("week", "Due within 7 days"),
)

OUTCOMES: Sequence[tuple[int, str, str]] = (
    (1, "reached", "Reached"),
    (2, "left-message", "Left message"),
    (3, "no-answer", "No answer"),
    (4, "wrong-number", "Wrong number"),
)

PROOFS: Sequence[tuple[str, str]] = (
    ("done-elsewhere", "It was done elsewhere"),
    ("not-applicable", "It does not apply to this patient"),
    ("patient-declined", "The patient said no"),
    ("other", "Something else"),
)

REASONS: Sequence[tuple[str, str]] = (
    ("patient-declined", "The patient said no"),
    ("unable-to-reach", "Could not be reached"),
    ("done-elsewhere", "It was done elsewhere"),
    ("not-applicable", "It does not apply to this patient"),
    ("moved-away", "Moved away"),
    ("duplicate", "It is a duplicate"),
    ("entered-in-error", "It was opened by mistake"),
    ("other", "Something else"),
)

ICONS: Sequence[str] = (
    "pen-line",
    "circle-check",
    "circle-dashed",
    "clipboard-check",
    "file-text",
    "flask-conical",
    "house",
    "log-in",
    "log-out",
    "phone",
    "phone-missed",
    "pill",
    "stethoscope",
    "video",
)
"""The icons of the timeline (`careloop.flows.timeline`), for the sprite."""

ROLE_NAMES: Mapping[str, str] = {
    "physician": "a doctor",
    "nurse-practitioner": "a nurse practitioner",
    "physician-assistant": "a physician assistant",
    "clinical-nurse-specialist": "a clinical nurse specialist",
    "nurse-midwife": "a midwife",
    "nurse": "a nurse",
    "coordinator": "a coordinator",
    "community-health-worker": "a community health worker",
    "pharmacist": "a pharmacist",
    "social-worker": "a social worker",
}
"""Who does a step, in words."""

THING_NAMES: Mapping[str, str] = {
    "Appointment": "Booked visit",
    "CarePlan": "Care plan",
    "CareTeam": "Care team",
    "Communication": "Call or message",
    "Consent": "Consent",
    "DetectedIssue": "Finding",
    "DiagnosticReport": "Report",
    "DocumentReference": "Document",
    "Encounter": "Visit",
    "Observation": "Measurement",
    "Procedure": "Procedure",
    "QuestionnaireResponse": "Form",
    "ServiceRequest": "Order",
}
"""Kinds of resources in words."""
