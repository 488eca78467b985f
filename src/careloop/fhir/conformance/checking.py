"""The whole check of a resource beyond its structure: R4's own rules, and the profiles that it or the caller names."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from careloop.errors import Fault
from careloop.fhir import definitions as tables
from careloop.fhir.conformance import profiles as profile_tables
from careloop.fhir.conformance.base import BaseRules
from careloop.fhir.conformance.bindings import ValueSets
from careloop.fhir.conformance.plans import Plans
from careloop.fhir.conformance.profiles import Profile
from careloop.fhir.conformance.scope import Problem, Problems, Rule, Scope, Terms
from careloop.fhir.definitions import Definitions, read_table

MAX_FAULTS = 200

_RANK = {"fatal": 0, "error": 1, "warning": 2, "information": 3}


class Checker:
    """Judges resources whose structure is right. May be shared between threads."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._profiles = profile_tables.load(definitions)
        sets = ValueSets(definitions)
        self._plans = Plans(definitions, self._profiles, sets)
        rules = read_table("definitions", "rules.json")["rules"]
        self._base = BaseRules(definitions, rules, sets, self._conforms, self._alone, self._contained)
        self._by_address: dict[str, Rule] = {}

    @classmethod
    def load(cls) -> "Checker":
        """The checker for the tables that ship with the product."""
        return _shared()

    def knows(self, canonical: str) -> bool:
        """True where the profile of that address is one of ours."""
        return self._profiles.find(canonical) is not None

    def offered(self, resource_type: str) -> list[str]:
        """Address and version of the implementation guides' profiles of a type that resources can be judged by."""
        return sorted(f"{one.url}|{one.version}" for one in self._profiles if one.type == resource_type and one.release)

    def check(
        self, resource: Mapping[str, Any], profiles: Sequence[str], *, invariants: bool, terms: Terms | None
    ) -> list[Fault]:
        """Everything found, errors first, at most `MAX_FAULTS`."""
        bare = Scope(resource=resource, root=resource, terms=terms, invariants=invariants)
        scope = bare.alone(resource)
        kind = resource["resourceType"]
        found = self._whole(resource, scope) or []
        for canonical in profiles:
            found += self._profile(canonical, "", resource, scope)
        told = sorted(dict.fromkeys(found), key=lambda one: _RANK[one[1]])[:MAX_FAULTS]
        return [Fault(at=kind + at, expected=words, severity=how, code=code) for at, how, words, code in told]

    def _conforms(self, canonical: str) -> Rule | None:
        """The rule of a profile. Only addresses that are ours are kept: others come from outside, without end."""
        known = self._by_address.get(canonical)
        if known is None and (found := self._profiles.find(canonical)) is not None:
            known = self._by_address[canonical] = self._plans.of(found)
        return known

    def _alone(self, resource: Any, scope: Scope) -> Problems:
        """The rule for a resource that stands for itself inside another."""
        return self._whole(resource, scope.alone(resource))

    def _contained(self, resource: Any, scope: Scope) -> Problems:
        return self._whole(resource, scope.within(resource))

    def _whole(self, resource: Mapping[str, Any], scope: Scope) -> list[Problem] | None:
        """R4's rules of the resource's type, and the profiles that it declares."""
        found = [*(self._base.of(resource["resourceType"])(resource, scope) or ())]
        found += self._declared(resource, scope)
        return found or None

    def _declared(self, resource: Mapping[str, Any], scope: Scope) -> Iterator[Problem]:
        """What the profiles say that the resource claims to follow."""
        meta = resource.get("meta")
        if meta is None or "profile" not in meta:
            return
        for index, canonical in enumerate(meta["profile"]):
            if canonical is not None:
                yield from self._profile(canonical, f".meta.profile[{index}]", resource, scope)

    def _profile(self, canonical: str, at: str, resource: Mapping[str, Any], scope: Scope) -> Sequence[Problem]:
        profile = self._profiles.find(canonical)
        if profile is None:
            return [(at, "warning", f"a profile that is known here: {_shown(canonical)} is not", "not-found")]
        if profile.type != resource["resourceType"]:
            return [(at, "error", f"a profile of {resource['resourceType']}: {_label(profile)}", "structure")]
        return self._plans.of(profile)(resource, scope) or ()


def _label(profile: Profile) -> str:
    return f"{profile.label} is for {profile.type}"


def _shown(canonical: str) -> str:
    return canonical if len(canonical) <= 200 and canonical.isascii() else "this address"


@cache
def _shared() -> Checker:
    return Checker(tables.load())
