"""Operators of conditions: each holds and fails where it should, has words, and is in the schema."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from careloop.catalog import CONTENT
from careloop.loops.facts import Contact, Fact
from careloop.loops.rules.conditions import OPERATORS, Matter, condition_schema, holds, in_words, resource_types

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
FACT = Fact(
    reference="Encounter/1/_history/1",
    resource_type="Encounter",
    at=NOON,
    latest=NOON,
    status="finished",
    says="visit",
    categories=frozenset({"a|b"}),
    codes=frozenset({"c|d"}),
    encounter_class="AMB",
    contact=Contact.REACHED,
    has_practitioner=True,
    roles=frozenset({"physician"}),
    intent="order",
    business_status=frozenset({"s|waiting"}),
    reasons=frozenset({"r|fear"}),
    interpretation=frozenset({"http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation|HH"}),
    sender="Patient/p",
    keys={"finding": "critical"},
)
EACH: list[tuple[str, Any, Any]] = [
    ("resource", "Encounter", "Procedure"),
    ("status", ["finished"], ["planned"]),
    ("category", ["a|b"], ["a|c"]),
    ("code", ["x|y", "c|d"], ["c|e"]),
    ("class", ["AMB", "HH"], ["HH"]),
    ("contact", "reached", "attempt"),
    ("performed_by", ["physician"], ["nurse"]),
    ("intent", ["plan", "order"], ["plan"]),
    ("business_status", ["s|waiting"], ["s|seen"]),
    ("reason", ["r|fear"], ["r|cost"]),
    ("interpretation", ["H", "HH"], ["L"]),
    ("from", ["Patient"], ["Practitioner"]),
    ("to_patient", False, True),
    ("by_staff", True, False),
    ("key", {"finding": ["critical"]}, {"finding": ["normal"]}),
]


@pytest.mark.parametrize(("name", "fits", "fails"), EACH)
def test_an_operator_holds_for_what_it_names_and_for_nothing_else(name: str, fits: Any, fails: Any) -> None:
    assert holds({name: fits}, FACT)
    assert not holds({name: fails}, FACT)
    assert in_words({name: fits})


def test_every_operator_is_tested_here() -> None:
    assert {name for name, _, _ in EACH} == set(OPERATORS)


def test_what_belongs_to_the_matter_names_it_and_the_matter_is_itself() -> None:
    matter = Matter(focus="ServiceRequest/1", things=frozenset({"ServiceRequest/1", "Encounter/1"}))
    assert holds({"belongs": True}, FACT, matter=matter)
    assert not holds({"itself": True}, FACT, matter=matter)
    assert not holds({"belongs": True}, replace(FACT, reference="Encounter/2/_history/1"), matter=matter)
    assert holds({"itself": True}, replace(FACT, reference="ServiceRequest/1/_history/4"), matter=matter)
    assert in_words({"belongs": True}) and in_words({"itself": True})


def test_a_key_that_the_fact_does_not_have_is_none_of_the_values() -> None:
    assert not holds({"key": {"urgency": ["high"]}}, FACT)


def test_the_kinds_of_fact_that_can_fit_are_those_a_condition_names() -> None:
    assert resource_types({"any": [{"resource": "Task"}, {"resource": "Flag"}], "status": ["active"]}) == {
        "Task",
        "Flag",
    }
    assert resource_types({"resource": "Task", "any": [{"resource": "Flag"}]}) == frozenset()
    assert "Encounter" in resource_types({"status": ["active"]})


def test_operators_of_one_condition_must_all_hold() -> None:
    assert holds({"resource": "Encounter", "class": ["AMB"]}, FACT)
    assert not holds({"resource": "Encounter", "class": ["HH"]}, FACT)


def test_any_all_and_not_join_conditions() -> None:
    assert holds({"any": [{"class": ["HH"]}, {"class": ["AMB"]}]}, FACT)
    assert not holds({"all": [{"class": ["HH"]}, {"class": ["AMB"]}]}, FACT)
    assert holds({"not": {"class": ["HH"]}}, FACT)


def test_a_practitioner_whose_role_nobody_recorded_counts_and_nobody_does_not() -> None:
    assert holds({"performed_by": ["nurse"]}, replace(FACT, roles=None))
    assert not holds({"performed_by": ["nurse"]}, replace(FACT, roles=None, has_practitioner=False))


def test_a_tie_to_the_step_waives_what_a_thing_is_called_and_not_what_it_is() -> None:
    assert holds({"resource": "Encounter", "code": ["x|y"]}, FACT, tied=True)
    assert not holds({"resource": "Procedure", "code": ["c|d"]}, FACT, tied=True)
    assert not holds({"status": ["planned"]}, FACT, tied=True)


def test_the_schema_in_content_is_the_one_made_from_the_operators() -> None:
    assert json.loads((CONTENT / "schemas" / "condition.json").read_text()) == condition_schema()
