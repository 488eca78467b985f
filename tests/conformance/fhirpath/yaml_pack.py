"""The FHIRPath tests of fhirpath.js (and of Pathling) in YAML: read, run, and say what differs."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from careloop.errors import Rejected
from careloop.fhir.fhirpath import compile_expression, environment_of
from careloop.fhir.fhirpath.functions.conversion import to_string
from careloop.fhir.fhirpath.quantities import Quantity
from careloop.fhir.fhirpath.runtime import system_value
from careloop.fhir.fhirpath.temporal import Temporal
from careloop.fhir.jsons import decode, encode

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
FOLDERS = ("fhirpath-js", "fhirpath-ptl")


@dataclass(frozen=True)
class Case:
    """One test: an expression on a subject, and what it should give."""

    name: str
    expression: str
    subject: Any
    model: str | None
    context: str | None
    variables: dict[str, Any] = field(default_factory=dict)
    result: Any = None
    is_error: bool = False
    is_disabled: bool = False


class _Loader(yaml.SafeLoader):
    """YAML with dates left as text and decimals with their digits."""


_Loader.yaml_implicit_resolvers = {
    sign: [(tag, pattern) for tag, pattern in rules if tag != "tag:yaml.org,2002:timestamp"]
    for sign, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_constructor("tag:yaml.org,2002:float", lambda loader, node: Decimal(loader.construct_scalar(node)))


def cases(shared: Path) -> Iterator[Case]:
    """Every test of every file."""
    base = shared / "data/conformance/fhirpath-yaml"
    for folder in FOLDERS:
        for path in sorted((base / folder / "cases").glob("*.yaml")):
            document = yaml.load(path.read_text(), _Loader)
            resources = base / folder / "resources"
            for number, (test, group) in enumerate(_tests(document["tests"], {})):
                yield from _cases(
                    f"{folder}/{path.stem}:{number}", {**group, **test}, document.get("subject"), resources
                )


def _tests(entries: Any, group: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """The tests in groups within groups; a disabled group disables what is in it."""
    for entry in entries if isinstance(entries, list) else [entries]:
        inner = [key for key in entry if str(key).startswith("group")]
        if inner:
            own = {key: value for key, value in entry.items() if key in ("disable", "model", "inputfile")}
            for key in inner:
                yield from _tests(entry[key] or [], {**group, **own})
        elif "expression" in entry:
            yield entry, group


def _cases(name: str, test: dict[str, Any], subject: Any, resources: Path) -> Iterator[Case]:
    expressions = test["expression"] if isinstance(test["expression"], list) else [test["expression"]]
    if "inputfile" in test:
        subject = read_input(resources / test["inputfile"])
    for place, expression in enumerate(expressions):
        yield Case(
            name=name if len(expressions) == 1 else f"{name}.{place}",
            expression=expression["expression"] if isinstance(expression, dict) else str(expression),
            subject=subject,
            model=test.get("model"),
            context=expression["base"] if isinstance(expression, dict) else test.get("context"),
            variables=test.get("variables") or {},
            result=test.get("result"),
            is_error=bool(test.get("error")),
            is_disabled=bool(test.get("disable")),
        )


@cache
def read_input(path: Path) -> Any:
    """A resource that the tests of a folder share."""
    return decode(path.read_bytes())


def difference(case: Case) -> str | None:
    """What our evaluator does otherwise than the test asks; None where it does the same."""
    try:
        items = _evaluated(case)
        values = [_plain(item) for item in items]
    except Rejected as error:
        return None if case.is_error else f"refused: {error.message}"
    if case.is_error:
        return f"not refused, gave {values}"
    wanted = case.result if isinstance(case.result, list) else [] if case.result is None else [case.result]
    values = [value for value in values if value is not None]
    wanted = [value for value in wanted if value is not None]
    return None if _same(values, wanted) else f"gave {values}, not {wanted}"


def _evaluated(case: Case) -> list[Any]:
    subject = case.subject if isinstance(case.subject, dict) else {}
    environment = environment_of(subject)
    environment.now, environment.variables = NOW, case.variables
    environment.traces = []
    if case.context is not None:
        environment.context = environment.this = compile_expression(case.context).items(environment)
    return compile_expression(case.expression).items(environment)


def _plain(item: Any) -> Any:
    if type(item) is tuple and isinstance(item[0], dict):
        return item[0]
    value = system_value(item)
    if type(value) is tuple:
        return value[0]
    return to_string(value) if isinstance(value, Temporal | Quantity) else value


def _same(values: list[Any], wanted: list[Any]) -> bool:
    return len(values) == len(wanted) and all(map(_same_value, values, wanted))


def _same_value(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        return isinstance(value, dict) and decode(encode(value)) == decode(encode(wanted))
    if isinstance(wanted, str) and isinstance(value, str):
        return value == wanted.removeprefix("@").removeprefix("T") or value == wanted
    if isinstance(wanted, bool) or isinstance(value, bool):
        return value is wanted
    if isinstance(wanted, int | Decimal) and isinstance(value, int | Decimal):
        return abs(Decimal(value) - Decimal(wanted)) < Decimal("1e-9")
    return bool(value == wanted)
