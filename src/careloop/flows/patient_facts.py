"""A patient's facts with their sources, folded into matters: five queries, whatever the size of the chart."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar, cast

from careloop.access import accounts
from careloop.db import Transaction
from careloop.flows.app import App
from careloop.flows.kept_charts import KeptChart
from careloop.flows.patient_reading import full_name
from careloop.flows.routing import queue_reference
from careloop.flows.timeline import EVENT_TYPES
from careloop.longitudinal import Fact, Ledger, Matter, People, fold, longitudinal_of, named_in, sources_of, told_by
from careloop.longitudinal.rules.paths import walk, words_of
from careloop.longitudinal.rules.saying import status_of
from careloop.record import Stored

Resource = Mapping[str, Any]
Made = TypeVar("Made")

FACT_TYPES = (
    "Condition", "MedicationRequest", "MedicationStatement", "AllergyIntolerance", "Observation", "DiagnosticReport",
    "Immunization", "Procedure", "Encounter", "DocumentReference", "Goal", "CareTeam", "Consent",
)  # fmt: skip
"""Types whose resources are facts with a source."""

CHART_TYPES = tuple(dict.fromkeys((*EVENT_TYPES, *FACT_TYPES)))
"""What pages about a whole person read: one kept chart serves them all."""

_CITED = (
    "owner", "sender", "requester", "recipient", "serviceProvider", "author", "custodian", "authenticator",
    "resultsInterpreter", "participant.member", "performer", "performer.actor", "agent.who", "agent.onBehalfOf",
)  # fmt: skip
_HEADS = tuple((path.partition(".")[0], path) for path in _CITED)
_MOST_NAMES = 400


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Everything about one patient that the page needs. `matters`: the facts, folded. `ledger`: who knows what. `memo`
    is what was worked out from facts and names alone: the clock has no part in it (`flows.kept_charts`)."""

    by_type: Mapping[str, Sequence[Resource]]
    matters: Sequence[Matter]
    people: People
    ledger: Ledger
    now: datetime
    memo: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def once(self, name: str, make: Callable[[], Made]) -> Made:
        """What `make` gives, worked out once for these facts."""
        if name not in self.memo:
            self.memo[name] = make()
        return cast(Made, self.memo[name])

    @property
    def for_header(self) -> Mapping[str, Sequence[Resource]]:
        """The resources by type, each allergy once, whoever tells of it; active where one source says so."""
        allergies = [_active_first(one) for one in self.matters if one.shown.type == "AllergyIntolerance"]
        return {**self.by_type, "AllergyIntolerance": allergies}


def _active_first(matter: Matter) -> Resource:
    """What a source says that calls it active, the newest of these; else what was told last."""
    active = (one.resource for one in matter.facts if status_of(one.resource) in ("active", ""))
    return next(active, matter.shown.resource)


def chart_of(app: App, tx: Transaction, patient_id: str, types: Sequence[str], now: datetime) -> Chart:
    """The chart of a patient: everything of these types. Folded anew only where something that it rests on has changed
    since this process folded it last. Not audited: the patient was read, and that is."""
    key = (tx.tenant_id, patient_id, tuple(types))
    mark = app.record.mark_of_patient(tx, patient_id, types)
    kept = app.charts.get(key)
    if kept is None or not _still_stands(app, tx, kept, mark):
        kept = _fold(app, tx, app.record.of_patient(tx, patient_id, types), mark)
        if mark == app.record.mark_of_patient(tx, patient_id, types):
            app.charts.put(key, kept)
    news = [*kept.by_type.get("Task", ()), *kept.by_type.get("Communication", ())]
    return Chart(
        by_type=kept.by_type,
        matters=kept.matters,
        people=kept.people,
        ledger=Ledger(news, kept.people, now),
        now=now,
        memo=kept.memo,
    )


def _still_stands(app: App, tx: Transaction, kept: KeptChart, mark: str) -> bool:
    """True where facts, their Provenance and the names of those cited are what they were."""
    return (
        kept.facts == mark
        and kept.provenances == _mark_of_provenances(app, tx, kept.told)
        and kept.people == _people(app, tx, kept.cited, kept.by_type.get("DocumentReference", ()))
    )


def _mark_of_provenances(app: App, tx: Transaction, tokens: str) -> str:
    return app.record.mark_of_followers(tx, "Provenance", tokens)


def _fold(app: App, tx: Transaction, stored: Sequence[Stored], mark: str) -> KeptChart:
    by_type: dict[str, list[Resource]] = {}
    for one in stored:
        by_type.setdefault(one.resource_type, []).append(one.resource)
    facts_stored = [one for one in stored if one.resource_type in FACT_TYPES]
    references = [one.reference for one in facts_stored]
    told = app.record.tokens_of(tx, "Provenance", [("target", one) for one in references])
    told_mark = _mark_of_provenances(app, tx, told)
    provenances = provenances_of(app, tx, references)
    cited = cited_by([*(one.resource for one in stored), *provenances])
    people = _people(app, tx, cited, by_type.get("DocumentReference", ()))
    facts = with_sources(facts_stored, provenances, people)
    standing = [fact for fact in facts if not _is_mistake(fact.resource)]
    return KeptChart(
        facts=mark,
        provenances=told_mark,
        told=told,
        cited=cited,
        by_type=by_type,
        matters=fold(standing, longitudinal_of(app.catalog).folding),
        people=people,
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
    return _people(app, tx, cited_by(resources), documents)


def cited_by(resources: Iterable[Resource]) -> tuple[str, ...]:
    """The references whose names are shown beside these resources, at most so many."""
    wanted = {reference for resource in resources for reference in _references(resource)}
    return tuple(sorted(one for one in wanted if one.count("/") == 1 and "#" not in one)[:_MOST_NAMES])


def _people(app: App, tx: Transaction, cited: Sequence[str], documents: Iterable[Resource]) -> People:
    stored = app.record.fetch(tx, cited) if cited else {}
    names = {reference: display(item.resource) for reference, item in stored.items()}
    names[queue_reference(tx.tenant_id)] = "The queue"
    practitioners = [reference for reference in names if reference.startswith("Practitioner/")]
    staff = frozenset(member.reference for member in accounts.members(tx, practitioners))
    return People(names=names, staff=staff, documents={one["id"]: document_title(one) for one in documents})


def _references(resource: Resource) -> list[str]:
    cited = [one for head, path in _HEADS if head in resource for one in walk(resource, path)]
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
    if resource.get("status") == "entered-in-error":
        return True
    return "verificationStatus" in resource and "entered-in-error" in walk(resource, "verificationStatus.coding.code")
