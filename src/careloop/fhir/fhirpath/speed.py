"""`python -m careloop.fhir.fhirpath.speed`: evaluations a second on one core, beside a calibration loop."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from time import process_time
from typing import Any

from careloop.fhir.fhirpath import compile_expression, compile_invariant
from careloop.fhir.jsons import Resource

NOW = datetime(2026, 1, 1, tzinfo=UTC)
_COUNT = 5_000

PATIENT: Resource = {
    "resourceType": "Patient", "id": "p1", "active": True, "gender": "female", "birthDate": "1974-12-25",
    "name": [
        {"use": "official", "family": "Chalmers", "given": ["Peter", "James"]},
        {"use": "usual", "given": ["Jim"]},
    ],
    "telecom": [{"system": "phone", "value": "555", "use": "home"}, {"system": "email", "value": "a@b.org"}],
    "identifier": [{"system": "urn:mrn", "value": "1", "period": {"start": "2001-05-06", "end": "2020-01-01"}}],
    "contact": [{"name": {"family": "Du"}, "period": {"start": "2012"}}],
}  # fmt: skip
OBSERVATION: Resource = {
    "resourceType": "Observation", "status": "final", "effectiveDateTime": "2024-05-01T10:00:00Z",
    "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
    "valueQuantity": {"value": Decimal("72.5"), "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
}  # fmt: skip

EXPRESSIONS: tuple[tuple[str, Resource], ...] = (
    ("name.given", PATIENT),
    ("Patient.name.where(use = 'official').family", PATIENT),
    ("name.select(given.join(' ') & ' ' & family)", PATIENT),
    ("telecom.where(system = 'phone' and use = 'home').value.first()", PATIENT),
    ("birthDate < today()", PATIENT),
    ("identifier.period.all(start.empty() or end.empty() or (start <= end))", PATIENT),
    ("descendants().count()", PATIENT),
    ("code.coding.exists(system = 'http://loinc.org' and code = '29463-7')", OBSERVATION),
    ("value.ofType(Quantity).value > 70", OBSERVATION),
    ("value > 70000 'g'", OBSERVATION),
)
INVARIANTS: tuple[tuple[str, str, Any], ...] = (
    ("hasValue() or (children().count() > id.count())", "HumanName", {"family": "x", "given": ["y"]}),
    ("start.hasValue().not() or end.hasValue().not() or (start <= end)", "Period", {"start": "2001", "end": "2020"}),
    ("value.empty() or system.exists()", "ContactPoint", {"system": "phone", "value": "555"}),
    ("extension.exists() != value.exists()", "Extension", {"url": "urn:x", "valueString": "y"}),
    ("code.empty() or system.exists()", "Quantity", OBSERVATION["valueQuantity"]),
    ("dataAbsentReason.empty() or value.empty()", "Observation", OBSERVATION),
    ("contained.contained.empty()", "Patient", PATIENT),
)


def seconds_of(work: Callable[[], object]) -> float:
    """Seconds of processor time of one call, the best of three rounds."""
    best = float("inf")
    for _ in range(3):
        began = process_time()
        for _ in range(_COUNT):
            work()
        best = min(best, (process_time() - began) / _COUNT)
    return best


def calibration() -> float:
    """Seconds of a fixed loop, to compare machines and hours by."""
    return seconds_of(lambda: sum(range(1_000)))


def main() -> None:
    """A line for each expression and invariant: microseconds, and how many a second."""
    lines = [f"calibration: {calibration() * 1e6:.1f} us for sum(range(1000))"]
    for text, resource in EXPRESSIONS:
        expression = compile_expression(text)
        lines.append(_line(seconds_of(partial(expression.evaluate, resource, now=NOW)), text))
    for text, kind, element in INVARIANTS:
        keeps = compile_invariant(text, kind)
        lines.append(_line(seconds_of(partial(keeps, element, PATIENT, PATIENT)), f"{kind}: {text}"))
    sys.stdout.write("\n".join(lines) + "\n")


def _line(seconds: float, text: str) -> str:
    return f"{seconds * 1e6:7.2f} us {1 / seconds:10,.0f}/s  {text}"


if __name__ == "__main__":
    main()
