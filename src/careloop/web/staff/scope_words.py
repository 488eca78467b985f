"""What scopes mean, in the words of the person who is asked to allow them. Pure."""

import re
from collections.abc import Iterable

from careloop.access.scopes import parse_scope

_VERBS = {"c": "add", "r": "see", "u": "change", "d": "delete", "s": "see"}
_ORDER = "rscud"
_NAMES = {
    "AllergyIntolerance": "allergies",
    "Appointment": "appointments",
    "CarePlan": "care plans",
    "CareTeam": "care teams",
    "Communication": "calls and messages",
    "Condition": "problems and diagnoses",
    "Coverage": "insurance",
    "DiagnosticReport": "reports",
    "DocumentReference": "documents",
    "Encounter": "visits and stays",
    "Goal": "goals",
    "Immunization": "immunizations",
    "MedicationRequest": "prescriptions",
    "MedicationStatement": "medications taken",
    "Observation": "results, vital signs and other observations",
    "Organization": "practices and hospitals",
    "Patient": "name, birth date, address and phone",
    "Practitioner": "names of clinicians",
    "Procedure": "procedures",
    "QuestionnaireResponse": "answers to questionnaires",
    "ServiceRequest": "orders and referrals",
    "Task": "tasks and open loops",
}
_SAYS = {
    "openid": "Learn who you are",
    "fhirUser": "Learn your entry in the staff list",
    "offline_access": "Keep access when you have closed it, until you or your administrator end it",
}
_PART = re.compile(r"(?<=[a-z])(?=[A-Z])")


def sentences(scopes: Iterable[str]) -> list[str]:
    """One sentence for each scope that a person should know about, in the order given."""
    return [said for scope in scopes if (said := _sentence(scope))]


def _sentence(text: str) -> str:
    scope = parse_scope(text)
    if scope is None:
        return _SAYS.get(text, "")
    verbs = list(dict.fromkeys(_VERBS[letter] for letter in _ORDER if letter in scope.letters))
    what = "everything in the record" if scope.resource_type == "*" else _name(scope.resource_type)
    limit = f", only of the category {scope.category.rpartition('|')[2]}" if scope.category else ""
    whose = "of this one patient" if scope.level == "patient" else "of every patient you may see"
    return f"{_joined(verbs).capitalize()} {what} {whose}{limit}"


def _name(resource_type: str) -> str:
    return _NAMES.get(resource_type) or _PART.sub(" ", resource_type).lower() + " entries"


def _joined(verbs: list[str]) -> str:
    return verbs[0] if len(verbs) == 1 else f"{', '.join(verbs[:-1])} and {verbs[-1]}"
