"""`%name`: what the caller gave, what the path defined, and the names that FHIR fixes."""

from collections.abc import Mapping
from typing import Any

from careloop.fhir.fhirpath.errors import wrong
from careloop.fhir.fhirpath.navigation import untyped
from careloop.fhir.fhirpath.runtime import Closure, Environment, Items

_FIXED = {"ucum": "http://unitsofmeasure.org", "sct": "http://snomed.info/sct", "loinc": "http://loinc.org"}
_PREFIXES = {"vs-": "http://hl7.org/fhir/ValueSet/", "ext-": "http://hl7.org/fhir/StructureDefinition/"}


def variable(name: str, position: int) -> Closure:
    """A closure that gives the value of a variable; `Rejected` when it runs and there is none."""
    fixed = _fixed(name)
    if fixed is not None:
        constant: Items = [fixed]
        return lambda focus, environment: constant
    if name == "context":
        return lambda focus, environment: environment.context
    if name == "resource":
        return lambda focus, environment: environment.resource
    if name == "rootResource":
        return lambda focus, environment: environment.root

    def closure(focus: Items, environment: Environment) -> Items:
        if name in environment.defined:
            return environment.defined[name]
        if name in environment.variables:
            return items_of(environment.variables[name])
        raise wrong("a variable that is defined", position)

    return closure


def _fixed(name: str) -> str | None:
    if name in _FIXED:
        return _FIXED[name]
    return next((base + name[len(prefix) :] for prefix, base in _PREFIXES.items() if name.startswith(prefix)), None)


def items_of(value: Any) -> Items:
    """A value that came from outside as items: a list as several, None as none, JSON objects as nodes."""
    if value is None:
        return []
    if isinstance(value, list):
        return [one for part in value for one in items_of(part)]
    return [untyped(value, None, None) if isinstance(value, Mapping) else value]
