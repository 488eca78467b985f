"""Views compile or are refused with their place; rows are products of what they iterate over."""

from typing import Any

import pytest

from careloop.errors import Rejected
from careloop.fhir.viewdefinition import compile_view

PATIENT: dict[str, Any] = {
    "resourceType": "Patient", "id": "p1", "active": True,
    "name": [{"family": "A", "given": ["x", "y"]}, {"family": "B"}],
    "telecom": [{"value": "1"}, {"value": "2"}],
}  # fmt: skip


def column(name: str, path: str, kind: str | None = "string", **more: Any) -> dict[str, Any]:
    return {"name": name, "path": path, **({"type": kind} if kind else {}), **more}


def view(*selects: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"resource": "Patient", "status": "active", "select": list(selects), **more}


def test_selects_side_by_side_make_every_combination() -> None:
    names = {"forEach": "name", "column": [column("family", "family")]}
    phones = {"forEach": "telecom", "column": [column("phone", "value")]}
    compiled = compile_view(view({"column": [column("id", "id", "id")]}, names, phones))
    assert [one.name for one in compiled.columns] == ["id", "family", "phone"]
    assert compiled.rows(PATIENT) == [("p1", "A", "1"), ("p1", "A", "2"), ("p1", "B", "1"), ("p1", "B", "2")]
    assert compiled.rows({"resourceType": "Patient", "id": "p2"}) == []
    assert compiled.rows({"resourceType": "Observation"}) == []


def test_or_null_keeps_a_row_where_there_is_nothing() -> None:
    phones = {"forEachOrNull": "telecom", "column": [column("phone", "value"), column("n", "%rowIndex", "integer")]}
    compiled = compile_view(view({"column": [column("id", "id", "id")]}, phones))
    assert compiled.rows({"resourceType": "Patient", "id": "p2"}) == [("p2", None, 0)]
    assert compiled.rows(PATIENT) == [("p1", "1", 0), ("p1", "2", 1)]


def test_where_and_constants_choose() -> None:
    constant = [{"name": "wanted", "valueBoolean": True}]
    compiled = compile_view(
        view({"column": [column("id", "id")]}, constant=constant, where=[{"path": "active = %wanted"}])
    )
    assert compiled.rows(PATIENT) == [("p1",)]
    assert compiled.rows({**PATIENT, "active": False}) == []


def test_several_values_need_a_collection() -> None:
    with pytest.raises(Rejected) as error:
        compile_view(view({"column": [column("given", "name.given")]})).rows(PATIENT)
    assert error.value.at == "ViewDefinition.select[0].column[0]"
    rows = compile_view(view({"column": [column("given", "name.given", collection=True)]})).rows(PATIENT)
    assert rows == [(["x", "y"],)]


def test_values_of_another_type_are_refused_without_telling_them() -> None:
    with pytest.raises(Rejected) as error:
        compile_view(view({"column": [column("n", "name.first().family", "integer")]})).rows(PATIENT)
    assert "column[0].type" in error.value.at and "'A'" not in error.value.message


@pytest.mark.parametrize(
    ("definition", "at"),
    [
        ({}, "ViewDefinition.resource"),
        (view(), "ViewDefinition.select"),
        (view({}), "ViewDefinition.select[0]"),
        ({**view({"column": [column("a", "id")]}), "resource": "Nothing"}, "ViewDefinition.resource"),
        (view({"column": [column("a b", "id")]}), "ViewDefinition.select[0].column[0].name"),
        (view({"column": [column("a", "id +")]}), "ViewDefinition.select[0].column[0].path"),
        (view({"column": [column("a", "%nobody")]}), "ViewDefinition.select[0].column[0].path"),
        (view({"column": [column("a", "id", "nothing")]}), "ViewDefinition.select[0].column[0].type"),
        (view({"column": [column("a", "id"), column("a", "id")]}), "ViewDefinition.select.column.name"),
        (view({"forEach": "name", "repeat": ["x"], "column": [column("a", "id")]}), "ViewDefinition.select[0]"),
        (view({"unionAll": [{"column": [column("a", "id")]}, {"column": [column("b", "id")]}]}),
         "ViewDefinition.select[0].unionAll"),
        (view({"column": [column("a", "id")]}, constant=[{"name": "x"}]), "ViewDefinition.constant[0]"),
        (view({"column": [column("a", "id")]}, where=[{"path": 1}]), "ViewDefinition.where[0].path"),
        (view({"column": [column("a", "id")]}, name="a;b"), "ViewDefinition.name"),
    ],
)  # fmt: skip
def test_a_faulty_view_is_refused_with_its_place(definition: dict[str, Any], at: str) -> None:
    with pytest.raises(Rejected) as error:
        compile_view(definition)
    assert error.value.at == at


def test_a_product_without_end_is_refused() -> None:
    many = {"resourceType": "Patient", "name": [{"family": "x"}] * 400}
    each = [{"forEach": "name", "column": [column(f"c{number}", "family")]} for number in range(3)]
    with pytest.raises(Rejected):
        compile_view(view(*each)).rows(many)
