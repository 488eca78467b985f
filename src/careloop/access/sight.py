"""From scopes to what a principal sees of the record, and what it may write there. Pure.

The answer goes with the transaction into the database, which filters every row that is looked at by whatever way
(migration 0012): reads, searches, counts, chains, includes, histories, operations.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from careloop.access.model import Sight
from careloop.access.scopes import Scope, parse_scope
from careloop.fhir.tokens import token_hash

SHARED: Final = frozenset(
    {
        "ActivityDefinition", "CodeSystem", "ConceptMap", "Endpoint", "HealthcareService", "Library", "Location",
        "Measure", "Medication", "MedicationKnowledge", "NamingSystem", "Organization", "OrganizationAffiliation",
        "PlanDefinition", "Practitioner", "PractitionerRole", "Questionnaire", "SearchParameter",
        "StructureDefinition", "Substance", "ValueSet",
    }
)  # fmt: skip
"""Types that belong to no patient and say nothing of one; a scope of the level `patient` covers them whole."""

PRIVATE: Final = (
    ("http://terminology.hl7.org/CodeSystem/v3-ActCode", "SDV"),
    ("http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "V"),
)
"""Labels of what is never shown to proxies or in portal summaries: violence, and loops about safety (AS-09)."""
LABELLED: Final = (
    "CarePlan", "Communication", "CommunicationRequest", "Condition", "Consent", "DetectedIssue", "DocumentReference",
    "Encounter", "Flag", "Goal", "Observation", "Procedure", "Provenance", "QuestionnaireResponse", "RiskAssessment",
    "ServiceRequest", "Task",
)  # fmt: skip
"""Types on which the labels are looked for."""


@lru_cache(maxsize=4096)
def sight_of(tenant_id: int, scopes: tuple[str, ...], patient_id: str | None, letters: str = "rs") -> Sight | None:
    """What may be seen (or with other `letters`: done) by these scopes; None where types alone decide that."""
    parsed = [one for one in map(parse_scope, scopes) if one and set(one.letters) & set(letters)]
    whole = [one for one in parsed if one.level != "patient"]
    ofone = [one for one in parsed if one.level == "patient"]
    if not any(one.level == "patient" or one.category for one in map(parse_scope, scopes) if one):
        return None
    if any(one.resource_type == "*" for one in whole):
        return None
    return Sight(
        types=tuple(sorted(set(_types(whole)) | _shared(ofone))),
        tokens=_tokens(tenant_id, whole),
        patient_id=patient_id,
        patient_types=tuple(sorted(set(_types(ofone)))),
        patient_tokens=_tokens(tenant_id, ofone),
        hidden=_hidden(tenant_id) if ofone else (),
    )


def may_write(
    tenant_id: int,
    scopes: tuple[str, ...],
    patient_id: str | None,
    letter: str,
    content: tuple[str, str | None, set[int]],
) -> bool:
    """True when the scopes let the principal do `letter` to a resource of that type, about that patient, with those
    tokens."""
    sight = sight_of(tenant_id, scopes, patient_id, letter)
    return sight is None or sight.admits(*content)


@lru_cache(maxsize=1024)
def _hidden(tenant_id: int) -> tuple[int, ...]:
    """Tokens of what nobody sees who acts for one patient: a proxy may hold the phone (assessments.md AS-09)."""
    return tuple(
        sorted(
            token_hash(tenant_id, kind, "_security", f"{system}|{code}")
            for kind in LABELLED
            for system, code in PRIVATE
        )
    )


def _types(scopes: Iterable[Scope]) -> list[str]:
    return [one.resource_type for one in scopes if one.category is None]


def _shared(scopes: Sequence[Scope]) -> set[str]:
    return {kind for kind in SHARED for one in scopes if one.category is None and one.resource_type in ("*", kind)}


def _tokens(tenant_id: int, scopes: Iterable[Scope]) -> tuple[int, ...]:
    return tuple(
        sorted(token_hash(tenant_id, one.resource_type, "category", one.category) for one in scopes if one.category)
    )
