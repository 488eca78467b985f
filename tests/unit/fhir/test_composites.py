"""Composite parameters: which need no index, what an entry of a list leaves, how a search is read."""

from datetime import UTC
from decimal import Decimal

import pytest

from careloop.errors import Rejected
from careloop.fhir.clauses import AnyClause, HasClause, KeyClause, QuantityClause
from careloop.fhir.grammar import parse_search
from careloop.fhir.searchparameters import SearchDefinitions

LOINC = "http://loinc.org"
KEY = "Observation.component$code$value.as(Quantity):quantity"


@pytest.fixture(scope="module")
def definitions() -> SearchDefinitions:
    return SearchDefinitions.load()


def clause(definitions: SearchDefinitions, query: str, kind: str = "Observation"):
    [found] = parse_search(kind, [tuple(query.split("=", 1))], definitions).clauses
    return found


def test_parts_of_the_resource_are_two_conditions_and_no_index(definitions: SearchDefinitions) -> None:
    found = clause(definitions, "code-value-quantity=8480-6$gt140")
    assert isinstance(found, AnyClause)
    [[code, value]] = found.alternatives
    assert isinstance(code, KeyClause) and (code.name, code.any_of) == ("code", ("8480-6",))
    assert isinstance(value, QuantityClause) and value.parameter.name == "value-quantity"
    assert all(one.key is None for one in definitions.of("Observation")["code-value-quantity"].together)


def test_parts_of_an_entry_are_one_condition_under_the_name_of_the_first(definitions: SearchDefinitions) -> None:
    found = clause(definitions, f"component-code-value-quantity={LOINC}|8480-6$gt140")
    [[value]] = found.alternatives
    assert value.parameter.name == f"{KEY}${LOINC}|8480-6"


def test_an_entry_leaves_its_second_part_under_each_text_of_the_first(definitions: SearchDefinitions) -> None:
    component = {"code": {"coding": [{"system": LOINC, "code": "8480-6"}]}, "valueQuantity": {"value": Decimal(120)}}
    bare = {"code": {"text": "no code"}, "valueQuantity": {"value": Decimal(1)}}
    resource = {"resourceType": "Observation", "status": "final", "code": {}, "component": [component, bare]}
    found = definitions.extract(resource, 1, UTC)
    hidden = {name for name, *_ in found.quantities if name.startswith(KEY)}
    assert hidden == {f"{KEY}${LOINC}|8480-6", f"{KEY}$8480-6"}


def test_names_that_r4_has_the_wrong_way_round_are_understood(definitions: SearchDefinitions) -> None:
    [together] = definitions.of("DocumentReference")["relationship"].together
    assert [part.type for part in together.parts] == ["token", "reference"]


def test_what_is_not_covered_is_left_out_by_name(definitions: SearchDefinitions) -> None:
    assert "chromosome-window-coordinate" in definitions.of("MolecularSequence")
    assert "chromosome-variant-coordinate" not in definitions.of("MolecularSequence")
    assert "MolecularSequence-chromosome-variant-coordinate" in definitions.left_out


@pytest.mark.parametrize("value", ["8480-6", "a$b$c", "$1", "8480-6$", f"{LOINC}|$1", "8480-6$high"])
def test_an_ill_formed_value_is_refused(definitions: SearchDefinitions, value: str) -> None:
    with pytest.raises(Rejected):
        clause(definitions, f"component-code-value-quantity={value}")


def test_a_list_is_what_its_entries_name(definitions: SearchDefinitions) -> None:
    found = clause(definitions, "_list=42,43", "Patient")
    assert isinstance(found, HasClause) and found.clause.any_of == ("42", "43")


def test_a_lenient_reading_names_what_it_left_aside(definitions: SearchDefinitions) -> None:
    asked = [("nonsense", "1"), ("gender:funny", "x"), ("gender", "male")]
    request = parse_search("Patient", asked, definitions, lenient=True)
    assert (len(request.clauses), request.ignored) == (1, ("nonsense", "gender:funny"))
    with pytest.raises(Rejected):
        parse_search("Patient", asked, definitions)


def test_definitions_without_a_parameter_do_not_offer_it(definitions: SearchDefinitions) -> None:
    less = definitions.without(frozenset(["Patient.gender", "individual.none"]))
    known = {name for name in definitions.fingerprints() if name.endswith(".gender")}
    assert "gender" not in definitions.without(frozenset(known)).of("Patient")
    assert "name" in less.of("Patient") and "gender" in definitions.of("Patient")
