"""A patient's facts with their sources, folded into matters: five queries, whatever the size of the chart."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from careloop.access import accounts
from careloop.db import Transaction
from careloop.flows.app import App
from careloop.flows.patient_reading import full_name
from careloop.flows.routing import queue_reference
from careloop.longitudinal import Fact, Ledger, Matter, People, fold, longitudinal_of, named_in, sources_of, told_by
from careloop.longitudinal.rules.paths import walk, words_of
from careloop.longitudinal.rules.saying import status_of
from careloop.record import Stored

Resource = Mapping[str, Any]

FACT_TYPES = (
    "Condition", "MedicationRequest", "MedicationStatement", "AllergyIntolerance", "Observation", "DiagnosticReport",
    "Immunization", "Procedure", "Encounter", "DocumentReference", "Goal", "CareTeam", "Consent",
)  # fmt: skip
"""Types whose resources are facts with a source."""

_CITED = (
    "owner", "sender", "requester", "recipient", "serviceProvider", "author", "custodian", "authenticator",
    "resultsInterpreter", "participant.member", "performer", "performer.actor", "agent.who", "agent.onBehalfOf",
)  # fmt: skip
_MOST_NAMES = 400


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Everything about one patient that the page needs. `matters`: the facts, folded. `ledger`: who knows what."""

    by_type: Mapping[str, Sequence[Resource]]
    matters: Sequence[Matter]
    people: People
    ledger: Ledger
    now: datetime

    @property
    def for_header(self) -> Mapping[str, Sequence[Resource]]:
        """The resources by type, each allergy once, whoever tells of it; active where one source says so."""
        allergies = [_active_first(one) for one in self.matters if one.shown.type == "AllergyIntolerance"]
        return {**self.by_type, "AllergyIntolerance": allergies}


def _active_first(matter: Matter) -> Resource:
    """What a source says that calls it active, the newest of these; else what was told last."""
    active = (one.resource for one in matter.facts if status_of(one.resource) in ("active", ""))
    return next(active, matter.shown.resource)


def read_chart(app: App, tx: Transaction, stored: Sequence[Stored], now: datetime) -> Chart:
    """The chart that these resources make. Not audited: the patient was read, and that is."""
    by_type: dict[str, list[Resource]] = {}
    for one in stored:
        by_type.setdefault(one.resource_type, []).append(one.resource)
    facts_stored = [one for one in stored if one.resource_type in FACT_TYPES]
    provenances = provenances_of(app, tx, [one.reference for one in facts_stored])
    resources = [one.resource for one in stored]
    people = people_of(app, tx, [*resources, *provenances], by_type.get("DocumentReference", ()))
    facts = with_sources(facts_stored, provenances, people)
    standing = [fact for fact in facts if not _is_mistake(fact.resource)]
    return Chart(
        by_type=by_type,
        matters=fold(standing, longitudinal_of(app.catalog).folding),
        people=people,
        ledger=Ledger([*by_type.get("Task", ()), *by_type.get("Communication", ())], people, now),
        now=now,
    )


def provenances_of(app: App, tx: Transaction, references: Sequence[str]) -> list[Resource]:
    """Every Provenance that names one of these, in the order in which they came."""
    if not references:
        return []
    found = app.record.follow(tx, "Provenance", [("target", reference) for reference in references])
    return [one.resource for one in found]


def with_sources(stored: Iterable[Stored], provenances: Sequence[Resource], people: People) -> list[Fact]:
    """The facts with everybody who told them."""
    told = told_by(provenances, people)
    return [
        Fact(
            type=one.resource_type,
            id=one.id,
            version=one.version,
            recorded=one.last_updated,
            resource=one.resource,
            sources=sources_of(one.resource, told.get(one.reference, ()), people, one.last_updated.isoformat()),
        )
        for one in stored
    ]


def people_of(app: App, tx: Transaction, resources: Iterable[Resource], documents: Iterable[Resource]) -> People:
    """Names of everybody and everything that these resources cite, in one fetch; who of them is our own staff."""
    wanted = {reference for resource in resources for reference in _references(resource)}
    plain = sorted(reference for reference in wanted if reference.count("/") == 1 and "#" not in reference)
    stored = app.record.fetch(tx, plain[:_MOST_NAMES]) if plain else {}
    names = {reference: display(item.resource) for reference, item in stored.items()}
    names[queue_reference(tx.tenant_id)] = "The queue"
    practitioners = [reference for reference in names if reference.startswith("Practitioner/")]
    staff = frozenset(member.reference for member in accounts.members(tx, practitioners))
    return People(names=names, staff=staff, documents={one["id"]: document_title(one) for one in documents})


def _references(resource: Resource) -> list[str]:
    cited = [one for path in _CITED for one in walk(resource, path)]
    found = [str(one["reference"]) for one in cited if isinstance(one, Mapping) and "reference" in one]
    return [*found, *named_in(resource)]


def display(resource: Resource) -> str:
    """The name of a person, a place, an organization or a team."""
    name = resource.get("name")
    return str(name) if isinstance(name, str) else full_name(resource)


def document_title(document: Resource) -> str:
    """What a document calls itself."""
    return str(document.get("description") or words_of(document.get("type")) or "Document")


def _is_mistake(resource: Resource) -> bool:
    return resource.get("status") == "entered-in-error" or "entered-in-error" in walk(
        resource, "verificationStatus.coding.code"
    )
