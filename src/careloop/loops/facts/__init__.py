"""What happened to a patient, read from FHIR resources into frozen values."""

from careloop.loops.facts.model import (
    ClassInterval,
    Contact,
    Discharge,
    Fact,
    Lab,
    PatientFacts,
    Problem,
    Result,
    Stay,
)
from careloop.loops.facts.parts import Known, StoredResource
from careloop.loops.facts.reading import FACT_TYPES, read_facts

__all__ = [
    "FACT_TYPES",
    "ClassInterval",
    "Contact",
    "Discharge",
    "Fact",
    "Known",
    "Lab",
    "PatientFacts",
    "Problem",
    "Result",
    "Stay",
    "StoredResource",
    "read_facts",
]
