"""A search request becomes typed clauses, or is refused by name."""

from datetime import UTC, datetime

import pytest

from careloop.errors import Rejected
from careloop.fhir.clauses import (
    ChainClause,
    Clause,
    DateClause,
    HasClause,
    IdClause,
    Include,
    KeyClause,
    MissingClause,
    QuantityClause,
    SearchRequest,
    StringClause,
    TerminologyClause,
)
from careloop.fhir.grammar import parse_search
from careloop.fhir.searchparameters import SearchDefinitions

DEFINITIONS = SearchDefinitions.load()


def request(resource_type: str, *parameters: tuple[str, str]) -> SearchRequest:
    return parse_search(resource_type, parameters, DEFINITIONS, now=datetime(2026, 1, 1, tzinfo=UTC))


def clause(resource_type: str, name: str, value: str) -> Clause:
    return request(resource_type, (name, value)).clauses[0]


@pytest.mark.parametrize(
    ("resource_type", "name", "value", "kind"),
    [
        ("Patient", "name", "eve", StringClause),
        ("Patient", "name:contains", "eve", StringClause),
        ("Patient", "name:exact", "Eve", KeyClause),
        ("Patient", "identifier", "urn:mrn|1", KeyClause),
        ("Patient", "birthdate", "ge1980", DateClause),
        ("Patient", "_lastUpdated", "gt2024", DateClause),
        ("Patient", "_id", "a,b", IdClause),
        ("Patient", "gender:missing", "true", MissingClause),
        ("Observation", "value-quantity", "lt5||mg", QuantityClause),
        ("RiskAssessment", "probability", "gt0.5", QuantityClause),
        ("Observation", "code:in", "http://x/vs", TerminologyClause),
        ("Observation", "code:below", "http://loinc.org|1", TerminologyClause),
        ("Observation", "subject", "Patient/1", KeyClause),
        ("Observation", "subject.name", "eve", ChainClause),
        ("Patient", "_has:Observation:patient:code", "1", HasClause),
        ("ValueSet", "url", "http://x", KeyClause),
        ("ValueSet", "url:below", "http://x", TerminologyClause),
    ],
)
def test_each_kind_of_parameter_makes_its_clause(resource_type: str, name: str, value: str, kind: type[Clause]) -> None:
    assert isinstance(clause(resource_type, name, value), kind)


def test_variants_of_a_parameter_look_under_their_own_name() -> None:
    found = [
        clause("Patient", "name:exact", "Eve"),
        clause("Patient", "identifier:of-type", "urn:t|MR|1"),
        clause("Observation", "subject:identifier", "urn:mrn|1"),
    ]
    assert [one.name for one in found if isinstance(one, KeyClause)] == [
        "name:exact", "identifier:of-type", "subject:identifier"]  # fmt: skip


def test_not_is_a_negated_clause() -> None:
    found = clause("Task", "status:not", "completed,cancelled")
    assert isinstance(found, KeyClause)
    assert (found.negated, found.any_of) == (True, ("completed", "cancelled"))


def test_a_chain_branches_over_every_type_that_knows_the_parameter() -> None:
    found = clause("Observation", "subject.identifier", "1")
    assert isinstance(found, ChainClause)
    assert [kind for kind, _ in found.branches] == ["Patient", "Group", "Device", "Location"]
    named = clause("Observation", "subject:Patient.organization.name", "x")
    assert isinstance(named, ChainClause)
    assert [kind for kind, _ in named.branches] == ["Patient"]
    assert isinstance(named.branches[0][1], ChainClause)


def test_a_reverse_chain_may_stand_in_another() -> None:
    found = clause("Patient", "_has:Observation:patient:_has:AuditEvent:entity:agent", "Practitioner/1")
    assert isinstance(found, HasClause)
    assert isinstance(found.clause, HasClause)


def test_result_parameters_are_told_apart_from_conditions() -> None:
    found = request(
        "Encounter", ("_sort", "-date,_id"), ("_count", "5000"), ("_summary", "count"), ("_total", "accurate"),
        ("_elements", "status,period"), ("_include", "Encounter:subject:Patient"),
        ("_revinclude:iterate", "Task:focus"), ("_include", "Encounter:*"), ("_format", "json"),
    )  # fmt: skip
    assert found.clauses == ()
    assert [(key.parameter.name, key.descending) for key in found.sort] == [("date", True), ("_id", False)]
    assert (found.count, found.summary, found.total) == (1000, "count", "accurate")
    assert found.elements == ("status", "period")
    assert found.includes == (
        Include(source="Encounter", parameter="subject", target="Patient", reverse=False, iterate=False),
        Include(source="Task", parameter="focus", target=None, reverse=True, iterate=True),
        Include(source="Encounter", parameter="*", target=None, reverse=False, iterate=False),
    )


REFUSED = [
    ("Patient", "nickname", "x", "nickname"),
    ("Patient", "gender:exact", "x", "gender:exact"),
    ("Patient", "name:", "x", "name:"),
    ("Patient", "birthdate:contains", "2024", "birthdate:contains"),
    ("Patient", "birthdate", "2024-02-30", "birthdate"),
    ("Patient", "gender:missing", "maybe", "gender:missing"),
    ("Patient", "name", "", "name"),
    ("Patient", "name", "\u0301", "name"),
    ("Patient", "identifier:of-type", "a|b", "identifier:of-type"),
    ("Observation", "subject:Task", "1", "subject:Task"),
    ("Observation", "subject.nickname", "x", "subject.nickname"),
    ("Observation", "code.name", "x", "code"),
    ("Observation", "value-quantity:not", "1", "value-quantity:not"),
    ("Observation", "value-quantity", "x", "value-quantity"),
    ("Observation", "code-value-quantity", "x", "code-value-quantity"),
    ("Patient", "_has:Observation:code:status", "x", "_has:Observation:code:status"),
    ("Patient", "_has:Nothing:patient:code", "x", "_has:Nothing:patient:code"),
    ("Patient", "_has:Observation:patient", "x", "_has:Observation:patient"),
    ("Patient", "_sort", "nickname", "_sort"),
    ("Patient", "_count", "-1", "_count"),
    ("Patient", "_summary", "all", "_summary"),
    ("Patient", "_total", "many", "_total"),
    ("Patient", "_elements", "a b", "_elements"),
    ("Patient", "_include", "Patient", "_include"),
    ("Patient", "_include", "Patient:gender", "_include"),
    ("Patient", "_include", "Patient:organization:Nothing", "_include"),
    ("Patient", "_include:once", "Patient:organization", "_include:once"),
    ("Patient", "Jane Doe'; drop table", "x", "(unreadable name)"),
    ("Nothing", "name", "x", "search"),
]


@pytest.mark.parametrize(("resource_type", "name", "value", "at"), REFUSED)
def test_what_is_not_understood_is_refused_by_name(resource_type: str, name: str, value: str, at: str) -> None:
    with pytest.raises(Rejected) as refused:
        request(resource_type, (name, value))
    assert refused.value.at == at


def test_searches_have_limits() -> None:
    with pytest.raises(Rejected, match="at most"):
        request("Patient", *[("name", "x")] * 61)
    with pytest.raises(Rejected, match="at most"):
        request("Patient", *[("_include", "Patient:organization")] * 21)
    with pytest.raises(Rejected, match="at most"):
        request("Task", ("part-of.part-of.part-of.part-of.part-of.part-of.status", "x"))
    with pytest.raises(Rejected, match="by naming the type"):
        request("Task", ("focus.focus.subject.subject.identifier", "x"))
