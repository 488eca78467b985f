"""The FHIRPath tests of FHIR/fhir-test-cases: read, run, and say what differs."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from lxml import etree
from tests.conformance.fhirxml import read_file

from careloop.errors import Rejected
from careloop.fhir.fhirpath import compile_expression, environment_of
from careloop.fhir.fhirpath.functions.conversion import to_string
from careloop.fhir.fhirpath.runtime import system_value, truth
from careloop.fhir.fhirpath.types import system_name
from careloop.fhir.jsons import decode

SYSTEM_NAMES = {"Boolean": "boolean", "String": "string", "Integer": "integer", "Decimal": "decimal", "Date": "date",
                "DateTime": "dateTime", "Time": "time"}  # fmt: skip
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Case:
    """One test: an expression on an input, and what it should give."""

    name: str
    expression: str
    input_file: str | None
    invalid: str | None
    is_strict: bool
    is_predicate: bool
    outputs: tuple[tuple[str | None, str], ...]


def cases(shared: Path) -> list[Case]:
    """Every test of the pack; tests of one name are told apart by a number."""
    root = etree.parse(shared / "data/conformance/fhir-test-cases/r4/fhirpath/tests-fhir-r4.xml").getroot()
    seen: dict[str, int] = {}
    found = []
    for test in root.iter("test"):
        name = f"{test.getparent().get('name')}/{test.get('name')}"
        seen[name] = seen.get(name, 0) + 1
        found.append(_case(name if seen[name] == 1 else f"{name}#{seen[name]}", test))
    return found


def _case(name: str, test: Any) -> Case:
    expression = test.find("expression")
    invalid = expression.get("invalid")
    return Case(
        name=name,
        expression=expression.text,
        input_file=test.get("inputfile"),
        invalid=invalid,
        is_strict=invalid == "semantic" or "strict" in (test.get("mode"), expression.get("mode")),
        is_predicate=test.get("predicate") == "true",
        outputs=tuple((one.get("type"), one.text or "") for one in test.findall("output")),
    )


@cache
def read_input(folder: Path, name: str) -> dict[str, Any]:
    """The input of a test, from the pack's folder or its examples."""
    for place in (folder / name, folder / "examples" / name):
        for path in (place, place.with_suffix(".json")):
            if path.exists():
                return read_file(path) if path.suffix == ".xml" else decode(path.read_bytes())
    raise FileNotFoundError(name)


def difference(case: Case, shared: Path) -> str | None:
    """What our evaluator does otherwise than the test asks; None where it does the same."""
    folder = shared / "data/conformance/fhir-test-cases/r4"
    resource = read_input(folder, case.input_file) if case.input_file else {}
    try:
        environment = environment_of(resource)
        environment.now, environment.is_strict = NOW, case.is_strict
        items = compile_expression(case.expression).items(environment)
    except Rejected as error:
        return None if case.invalid else f"refused: {error.message}"
    if case.invalid:
        return f"not refused, gave {items}"
    if case.is_predicate:
        items = [truth(items) is not False and bool(items)]
    return _different(items, case)


def _different(items: list[Any], case: Case) -> str | None:
    kinds = [(system_name(item) or item[1], kind) for item, (kind, _) in zip(items, case.outputs, strict=False)]
    if any(kind not in (None, ours, SYSTEM_NAMES.get(ours or "")) for ours, kind in kinds):
        return f"gave types {[ours for ours, _ in kinds]}, not {[kind for _, kind in kinds]}"
    texts = [_text(item) for item in items]
    wanted = [_wanted(kind, text) for kind, text in case.outputs]
    return None if texts == wanted else f"gave {texts}, not {wanted}"


def _text(item: Any) -> Any:
    value = system_value(item)
    return _number(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else to_string(value)


def _number(value: Any) -> str:
    return format(Decimal(value), "f")


def _wanted(kind: str | None, text: str) -> Any:
    if kind in ("date", "dateTime", "time") or (kind is None and text.startswith("@")):
        return text.removeprefix("@").removeprefix("T")
    return _number(Decimal(text)) if kind in ("integer", "decimal") else text
