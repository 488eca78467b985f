"""Profiles made for a test, and what is found by them."""

from typing import Any

from careloop.fhir import definitions as tables
from careloop.fhir.conformance.bindings import ValueSets
from careloop.fhir.conformance.plans import Plans
from careloop.fhir.conformance.profiles import Profiles
from careloop.fhir.conformance.scope import Problem, Scope, Terms


def profiles(version: str = "1.0", **rows: dict[str, Any]) -> dict[str, Any]:
    """A release with these profiles; `type` is that of the base where it is not said."""
    full = {
        name: {"url": f"http://x.org/{name}", "title": name, "type": row["base"], **row, "elements": row["elements"]}
        for name, row in rows.items()
    }
    return {"source": "test", "version": version, "profiles": full}


def judge(resource: Any, name: str, *releases: dict[str, Any], terms: Terms | None = None) -> list[Problem]:
    """What the profile finds in the resource."""
    definitions = tables.load()
    known = Profiles(definitions, releases)
    profile = known.find(f"http://x.org/{name}")
    assert profile is not None
    scope = Scope(resource=resource, root=resource, terms=terms).alone(resource)
    return list(Plans(definitions, known, ValueSets(definitions)).of(profile)(resource, scope) or ())


def places(problems: list[Problem], severity: str = "error") -> list[str]:
    """Where the problems of that severity are."""
    return [one[0] for one in problems if one[1] == severity]
