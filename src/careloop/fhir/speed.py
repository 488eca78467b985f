"""How fast validation and extraction are, on one core, over bundles of made-up people.

"With invariants" and "with US Core" are whole checks: structure and required codes are in them.

python -m careloop.fhir.speed ../shared/data/synthea-r4-617/bundles.ndjson.gz
"""

import gzip
import sys
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from time import process_time
from typing import Any, TypeVar

from careloop.fhir.jsons import decode
from careloop.fhir.searchparameters import SearchDefinitions
from careloop.fhir.validation import Validator

Item = TypeVar("Item")

BUNDLES = 40

US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
PROFILES = {
    "AllergyIntolerance": "allergyintolerance",
    "CarePlan": "careplan",
    "Condition": "condition-encounter-diagnosis",
    "DiagnosticReport": "diagnosticreport-lab",
    "Encounter": "encounter",
    "Goal": "goal",
    "Immunization": "immunization",
    "MedicationRequest": "medicationrequest",
    "Organization": "organization",
    "Patient": "patient",
    "Practitioner": "practitioner",
    "Procedure": "procedure",
}
"""The US Core profile that each type is judged by; an Observation's goes by its category."""
OBSERVATIONS = {"vital-signs": "vital-signs", "laboratory": "observation-lab"}


def read_resources(path: str, bundles: int = BUNDLES) -> list[dict[str, Any]]:
    """The resources of the first bundles of an NDJSON file."""
    with gzip.open(path) as lines:
        return [entry["resource"] for line in islice(lines, bundles) for entry in decode(line)["entry"]]


def us_core_profiles(resource: Mapping[str, Any]) -> tuple[str, ...]:
    """The US Core profiles that a resource of these bundles is judged by."""
    kind = resource["resourceType"]
    if kind == "Observation":
        code = resource["category"][0]["coding"][0]["code"]
        return (US_CORE + OBSERVATIONS.get(code, "simple-observation"),)
    return (US_CORE + PROFILES[kind],) if kind in PROFILES else ()


def per_second(work: Callable[[Item], object], resources: Iterable[Item]) -> float:
    """How many resources a second of processor time `work` gets through: the best of three runs."""
    every = list(resources)
    return max(len(every) / _seconds(lambda: [work(one) for one in every]) for _ in range(3))


def calibration() -> float:
    """Seconds of processor time for two million additions: how fast this core is just now."""
    return _seconds(lambda: sum(range(2_000_000)))


def _seconds(work: Callable[[], object]) -> float:
    started = process_time()
    work()
    return process_time() - started


def report(path: str) -> str:
    """The figures, one a line."""
    load = _seconds(Validator.load) + _seconds(SearchDefinitions.load)
    resources = read_resources(path)
    validator, definitions = Validator.load(), SearchDefinitions.load()
    profiled = [(one, us_core_profiles(one)) for one in resources]
    return "\n".join(
        (
            f"load                {load:8.3f} s",
            f"validation          {per_second(validator.validate, resources):8,.0f} resources/s",
            f"with invariants     {per_second(validator.check, resources):8,.0f} resources/s",
            f"with US Core        {per_second(lambda one: validator.check(one[0], profiles=one[1]), profiled):8,.0f}"
            " resources/s",
            f"extraction          {per_second(lambda one: definitions.extract(one, 1), resources):8,.0f} resources/s",
            f"calibration         {calibration():8.3f} s for 2,000,000 additions",
        )
    )


if __name__ == "__main__":
    sys.stdout.write(report(sys.argv[1]) + "\n")
