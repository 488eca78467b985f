"""The published tests of SQL on FHIR v2: read, run, and say what differs."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from careloop.errors import Rejected
from careloop.fhir.viewdefinition import compile_view

FOLDERS = {"v2": "sql-on-fhir-v2/tests", "cases": "fhir-test-cases/sql-on-fhir"}
_decoder = msgspec.json.Decoder(float_hook=Decimal)


@dataclass(frozen=True)
class Case:
    """A view over resources, and the rows that it should make, or that it should be refused."""

    name: str
    view: dict[str, Any]
    resources: list[dict[str, Any]]
    rows: list[dict[str, Any]] | None
    columns: list[str] | None
    is_error: bool


def cases(shared: Path) -> Iterator[Case]:
    """Every test of both copies of the suite."""
    for pack, folder in FOLDERS.items():
        for path in sorted((shared / "data/conformance" / folder).glob("*.json")):
            document = _decoder.decode(path.read_bytes())
            if not isinstance(document, dict):
                continue
            for test in document["tests"]:
                yield Case(
                    name=f"{pack}/{path.stem}/{test['title']}",
                    view=test["view"],
                    resources=document["resources"],
                    rows=test.get("expect"),
                    columns=test.get("expectColumns"),
                    is_error=bool(test.get("expectError")),
                )


def difference(case: Case) -> str | None:
    """What our runner does otherwise than the test asks; None where it does the same."""
    try:
        view = compile_view(case.view)
        names = [column.name for column in view.columns]
        rows = [dict(zip(names, row, strict=True)) for resource in case.resources for row in view.rows(resource)]
    except Rejected as error:
        return None if case.is_error else f"refused: {error.message}"
    if case.is_error:
        return f"not refused, gave {rows}"
    if case.columns is not None and names != case.columns:
        return f"columns {names}, not {case.columns}"
    return None if case.rows is None or _sorted(rows) == _sorted(case.rows) else f"gave {rows}, not {case.rows}"


def _sorted(rows: list[dict[str, Any]]) -> list[Any]:
    return sorted((sorted((name, _mark(value)) for name, value in row.items()) for row in rows), key=repr)


def _mark(value: Any) -> Any:
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return str(Decimal(value).normalize())
    return [_mark(one) for one in value] if isinstance(value, list) else value
