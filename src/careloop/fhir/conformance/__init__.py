"""Invariants, bindings and profiles: what FHIR asks of a resource beyond the structure of its type."""

from careloop.fhir.conformance.checking import Checker
from careloop.fhir.conformance.scope import Terms

__all__ = ["Checker", "Terms"]
