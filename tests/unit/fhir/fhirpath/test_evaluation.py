"""What a compiled expression gives, refuses, and never does."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from careloop.errors import Rejected
from careloop.fhir.fhirpath import compile_expression, compile_invariant

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
PATIENT: dict[str, Any] = {
    "resourceType": "Patient", "id": "p1", "active": True, "birthDate": "1974-12-25",
    "_birthDate": {"extension": [{"url": "urn:time", "valueDateTime": "1974-12-25T14:35:45-05:00"}]},
    "name": [
        {"use": "official", "family": "Chalmers", "given": ["Peter", "James"]},
        {"use": "usual", "given": ["Jim"]},
    ],
    "multipleBirthInteger": 2,
    "contained": [{"resourceType": "Organization", "id": "o1", "name": "Inside"}],
    "managingOrganization": {"reference": "#o1"},
    "generalPractitioner": [{"reference": "Practitioner/9"}],
}  # fmt: skip
OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation", "status": "final",
    "valueQuantity": {"value": Decimal("72.50"), "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
}  # fmt: skip


def evaluate(text: str, resource: dict[str, Any] = PATIENT, **more: Any) -> list[Any]:
    return compile_expression(text).evaluate(resource, now=NOW, **more)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name.where(use = 'official').given", ["Peter", "James"]),
        ("Patient.name.select(given.first() & ' ' & family)", ["Peter Chalmers", "Jim "]),
        ("multipleBirth", [2]),
        ("multipleBirth is integer", [True]),
        ("birthDate < today()", [True]),
        ("birthDate + 1 month", ["1975-01-25"]),
        ("birthDate.extension('urn:time').value", ["1974-12-25T14:35:45-05:00"]),
        ("managingOrganization.resolve().name", ["Inside"]),
        ("contained.ofType(Organization).name", ["Inside"]),
        ("name.given.aggregate($total & $this, '')", ["PeterJamesJim"]),
        ("name.defineVariable('n').given.select(%n.family & $this)", ["ChalmersPeter", "ChalmersJames", "ChalmersJim"]),
        ("iif(active, 'yes', nothing.here)", ["yes"]),
        ("nothing.at.all", []),
        ("{} and false", [False]),
        ("{} or false", []),
        ("1 | 2 | 2", [1, 2]),
        ("descendants().count() > 20", [True]),
    ],
)
def test_an_expression_gives_json_values(text: str, expected: list[Any]) -> None:
    assert evaluate(text) == expected


def test_a_quantity_comes_as_the_fhir_type_with_its_digits() -> None:
    assert evaluate("value", OBSERVATION) == [OBSERVATION["valueQuantity"]]
    assert str(evaluate("value.value", OBSERVATION)[0]) == "72.50"
    assert evaluate("value > 72 'kg' and value < 72600 'g'", OBSERVATION) == [True]
    (found,) = evaluate("4 'g' + 500 'mg'")
    assert found == {"value": 4500, "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"}


def test_variables_and_resolver_come_from_the_caller() -> None:
    assert evaluate("name.where(use = %use).family", variables={"use": "official"}) == ["Chalmers"]
    assert evaluate("%others.name", variables={"others": [{"name": "a"}, {"name": "b"}]}) == ["a", "b"]
    found = {"Practitioner/9": {"resourceType": "Practitioner", "active": True}}
    assert evaluate("generalPractitioner.resolve().active", resolve=found.get) == [True]
    assert evaluate("generalPractitioner.resolve().active") == []


def test_membership_asks_the_terminology_that_was_given() -> None:
    asked: list[Any] = []

    def member_of(url: str, system: str | None, code: str) -> bool | None:
        asked.append((url, system, code))
        return None if url == "urn:unknown" else code == "official"

    assert evaluate("name.use.where(memberOf('urn:vs'))", member_of=member_of) == ["official"]
    assert evaluate("name.first().use.memberOf('urn:unknown')", member_of=member_of) == []
    assert ("urn:vs", None, "official") in asked


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("1 + ", "expression:4"),
        ("name.frobnicate()", "expression:5"),
        ("name.where()", "expression:5"),
        ("name.first(1)", "expression:5"),
        ("'open", "expression:0"),
        ("@2026-02-30", "expression:0"),
        ("name is NoType", "expression:5"),
        ("a ** b", "expression:3"),
        ("((1)", "expression:4"),
    ],
)
def test_what_cannot_be_compiled_is_refused_with_its_place(text: str, at: str) -> None:
    with pytest.raises(Rejected) as error:
        compile_expression(text)
    assert error.value.at == at


@pytest.mark.parametrize(
    "text",
    [
        "name.given.single()",
        "%nobody",
        "name.given + 'x'",
        "'a' > 1",
        "name.given.as(string)",
        "(1 | 2) and true",
        "-'x'",
    ],
)
def test_what_cannot_be_worked_out_is_refused(text: str) -> None:
    with pytest.raises(Rejected):
        evaluate(text)


def test_an_error_never_tells_a_value() -> None:
    with pytest.raises(Rejected) as error:
        evaluate("name.family.toInteger() + name.family")
        evaluate("name.family + 1")
    assert "Chalmers" not in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 200 + "1" + ")" * 200,
        "-" * 500 + "1",
        "1" + "+1" * 2_000,
        "a" + ".a" * 2_000,
        "a[" * 100 + "0" + "]" * 100,
        "'" + "x" * 30_000 + "'",
        "repeat(children() | $this | descendants())" + ".descendants()" * 50,
        "(1|2|3|4|5|6|7|8|9|10).select(" * 30 + "1" + ")" * 30,
        "'x'" + ".replace('x', 'xxxxxxxxxxxxxxxx')" * 20,
        "name.given" + ".combine(name.given).combine($this)" * 40 + ".aggregate($total & $this, '')",
        "(1).repeatAll($this | 1)",
        "9" * 41,
    ],
)
def test_a_hostile_expression_ends_soon(text: str) -> None:
    try:
        evaluate(text)
    except Rejected as error:
        assert error.at.startswith("expression")


def test_one_expression_serves_many_threads() -> None:
    expression = compile_expression("name.select(%x & given.first()).where($index = %i)")

    def work(number: int) -> list[Any]:
        return expression.evaluate(PATIENT, variables={"x": str(number), "i": number % 2})

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(work, range(400)))
    assert found == [[f"{number}{'Jim' if number % 2 else 'Peter'}"] for number in range(400)]


def test_a_run_leaves_nothing_behind() -> None:
    expression = compile_expression("name.defineVariable('n', 'x').where($this.exists()).select(%n)")
    assert expression.evaluate(PATIENT) == expression.evaluate(PATIENT) == ["x", "x"]


@pytest.mark.parametrize(
    ("text", "kind", "kept", "broken"),
    [
        (
            "start.hasValue().not() or end.hasValue().not() or (start <= end)", "Period",
            {"start": "2020", "end": "2021-01-01"}, {"start": "2022-01-02", "end": "2021-01-01"},
        ),
        ("hasValue() or (children().count() > id.count())", "HumanName", {"id": "x", "family": "y"}, {"id": "x"}),
        (
            "name.exists() or telecom.exists() or address.exists() or organization.exists()", "Patient.contact",
            {"name": {"text": "x"}}, {"gender": "male"},
        ),
        ("code.exists() or display.exists()", "Coding", {"code": "x"}, {"system": "urn:x"}),
        (
            "descendants().as(canonical) = 'urn:a'", "Meta",
            {"profile": ["urn:a"], "source": "urn:b"}, {"profile": ["b"]},
        ),
    ],
)  # fmt: skip
def test_an_invariant_tells_what_is_kept_from_what_is_broken(text: str, kind: str, kept: Any, broken: Any) -> None:
    keeps = compile_invariant(text, kind)
    assert keeps(kept, PATIENT, PATIENT) is True
    assert keeps(broken, PATIENT, PATIENT) is False


def test_an_invariant_sees_its_resource_and_the_root() -> None:
    keeps = compile_invariant("reference = '#' + %rootResource.contained.id and %resource.active", "Reference")
    assert keeps({"reference": "#o1"}, PATIENT, PATIENT)
    assert not keeps({"reference": "#o2"}, PATIENT, PATIENT)
    with pytest.raises(Rejected):
        compile_invariant("true", "Nothing")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("%factory.Coding('urn:s', 'c', 'Words').display", ["Words"]),
        ("%factory.CodeableConcept(%factory.Coding('urn:s', 'c'), 'T') is CodeableConcept", [True]),
        ("%factory.withExtension(birthDate, 'urn:new', 1).extension.url", ["urn:time", "urn:new"]),
        ("%factory.Quantity('http://unitsofmeasure.org', 'g', '1.5', 'g') = 1500 'mg'", [True]),
        ("%factory.integer('7') + 1", [8]),
        ("%factory.create(HumanName).exists()", [True]),
    ],
)
def test_the_factory_makes_values_and_changes_none(text: str, expected: list[Any]) -> None:
    assert evaluate(text) == expected
    assert len(PATIENT["_birthDate"]["extension"]) == 1


@pytest.mark.parametrize(
    "text",
    ["%factory.code(' x ')", "%factory.nothing(1)", "%factory.Coding(1)", "%factory.create(Nothing)", "%factory"],
)
def test_the_factory_refuses_what_the_type_cannot_hold(text: str) -> None:
    with pytest.raises(Rejected):
        evaluate(text)
