"""What can be searched for, by resource type, and the index entries of a resource.

Search parameters are content: `content/searchparameters/r4-core.json` holds the facts of all R4 parameters, and every
other JSON file in that folder, or in a site's folder, is one FHIR `SearchParameter`. A parameter that this version
cannot answer is not offered; `SearchDefinitions.left_out` says which and why.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from datetime import UTC, tzinfo
from functools import cache
from hashlib import blake2b
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from careloop.errors import ContentError, Fault, Rejected
from careloop.fhir import definitions as tables
from careloop.fhir.composites import togethers
from careloop.fhir.definitions import Definitions
from careloop.fhir.emitters import MAKERS, Collector
from careloop.fhir.extraction import Extract, compile_extract
from careloop.fhir.model import Extracted, SearchParameter
from careloop.fhir.paths import Walk, walks
from careloop.fhir.tokens import present_hash, token_hash

__all__ = ["Extracted", "SearchDefinitions", "SearchParameter", "present_hash", "token_hash"]

Facts = Mapping[str, Any]

ABOUT = ("patient", "subject", "beneficiary", "individual", "actor")
"""Parameters that name whom a resource is about; they come before those that name who did something."""

ABOUT_MANY = frozenset(("Group",))
"""Types that are in patients' compartments but belong to no single one of them."""

_EVERY = ("Resource", "DomainResource")
"""What each type inherits its parameters from."""

BY_COLUMN = frozenset(("_id", "_lastUpdated"))
"""Answered from columns of the record, not from the index."""


class SearchDefinitions:
    """The search parameters of every resource type, and the index entries they make. Safe to share."""

    def __init__(self, definitions: Definitions, facts: Iterable[Facts]) -> None:
        self._definitions = definitions
        self._parameters: dict[str, dict[str, SearchParameter]] = {}
        self._passes: dict[str, Extract] = {}
        self._abouts: dict[str, tuple[str, ...]] = {}
        self.left_out: dict[str, str] = {}
        """Why a parameter of the files is not offered, by its id."""
        self._facts = self._by_base(facts)

    @classmethod
    def load(cls, folders: Sequence[Path] = ()) -> "SearchDefinitions":
        """The parameters that ship with the product, and those in `folders` of a site (which win over ours).

        All faults of all files come in one ContentError.
        """
        return _shared() if not folders else _checked(cls(tables.load(), _read((_own_folder(), *folders))))

    def of(self, resource_type: str) -> Mapping[str, SearchParameter]:
        """The parameters that can be used on `resource_type`, by name. Empty for an unknown type."""
        known = self._parameters.get(resource_type)
        if known is None and resource_type in self._definitions.resources:
            known = self._parameters[resource_type] = self._resolve(resource_type)
        return known or {}

    def fingerprints(self) -> dict[str, str]:
        """A short hash of each parameter by `Base.code`: another one means that resources must be indexed anew."""
        every = ((base, one) for base, rows in self._facts.items() for one in rows)
        return {f"{base}.{one['code']}": fingerprint(one) for base, one in every}

    def without(self, hidden: frozenset[str]) -> "SearchDefinitions":
        """The same, but for the parameters `Base.code` among `hidden`: those cannot be searched for yet."""
        if not hidden:
            return self
        other = copy(self)
        other._parameters, other._passes = {}, {}
        other._facts = {
            base: [one for one in rows if f"{base}.{one['code']}" not in hidden] for base, rows in self._facts.items()
        }
        return other

    def compartment(self, code: str, resource_type: str) -> tuple[str, ...]:
        """The parameters that put a resource into the compartment of a `code` (`Patient`); none where they cannot.

        A type that R4 leaves out but that belongs to a patient here (Task) is in that patient's compartment.
        """
        known = self._definitions.compartments.get(code, {})
        default = ["patient"] if code == "Patient" and resource_type not in ABOUT_MANY else []
        return tuple(name for name in known.get(resource_type, default) if name in self.of(resource_type))

    @property
    def types(self) -> frozenset[str]:
        """Every resource type."""
        return self._definitions.resources

    @property
    def compartments(self) -> frozenset[str]:
        """The types that have a compartment."""
        return frozenset(self._definitions.compartments)

    def extract(self, resource: dict[str, Any], tenant_id: int = 0, zone: tzinfo = UTC) -> Extracted:
        """The index entries of a valid resource; dates without an offset are read in `zone`.

        `Rejected` where an element that is searched has a shape that R4 does not know.
        """
        resource_type = _type_of(resource)
        collector = _collect(self._pass(resource_type), resource, tenant_id, zone)
        return Extracted(
            list(collector.tokens),
            list(collector.dates),
            list(collector.strings),
            list(collector.quantities),
            list(collector.references),
            self._patient(resource_type, resource, collector.patients),
            list(collector.words),
        )

    def reading(self, resource_type: str, elements: frozenset[str]) -> "SearchDefinitions | None":
        """The same, but only with the parameters of `resource_type` that read these elements; None where one of them
        reads others too, so that what it finds cannot be said without these."""
        own = {name: one for name, one in self.of(resource_type).items() if name not in BY_COLUMN}
        reads = {name: {walk.steps[0] if walk.steps else None for walk in one.walks} for name, one in own.items()}
        touched = {
            name for name, steps in reads.items() if any(step is not None and step.name in elements for step in steps)
        }
        whole = all(step is not None and step.name in elements for name in touched for step in reads[name])
        if not whole or (touched and any(one.together for one in own.values())):
            return None
        other = copy(self)
        other._parameters, other._passes = {resource_type: {name: own[name] for name in touched}}, {}
        return other

    def elements(self, resource_type: str) -> frozenset[str]:
        """The elements of `resource_type` with which the paths of its parameters begin."""
        every = (one.walks for name, one in self.of(resource_type).items() if name not in BY_COLUMN)
        return frozenset(walk.steps[0].name for walks_of in every for walk in walks_of if walk.steps)

    def targets(self, resource: dict[str, Any], parameter: str) -> list[str]:
        """The references `Type/id` that one parameter finds in a resource, for `_include`. Empty for an unknown one."""
        resource_type = _type_of(resource)
        found = self.of(resource_type).get(parameter)
        if found is None or found.type != "reference":
            return []
        key = f"{resource_type}:{parameter}"
        extract = self._passes.get(key)
        if extract is None:
            extract = self._passes[key] = compile_extract(resource_type, (found,))
        return list(_collect(extract, resource, 0, UTC).references)

    def _pass(self, resource_type: str) -> Extract:
        known = self._passes.get(resource_type)
        if known is not None:
            return known
        if resource_type not in self._definitions.resources:
            raise Rejected(at="resourceType", expected="the name of an R4 resource type", code="not-supported")
        parameters = [one for one in self.of(resource_type).values() if one.name not in BY_COLUMN]
        found = self._passes[resource_type] = compile_extract(resource_type, parameters)
        return found

    def _patient(self, resource_type: str, resource: Mapping[str, Any], found: Mapping[str, str]) -> str | None:
        if resource_type == "Patient":
            return resource.get("id")
        if not found:
            return None
        about = self._abouts.get(resource_type)
        if about is None:
            about = self._abouts[resource_type] = self._about(resource_type)
        return next((found[name] for name in about if name in found), None)

    def _about(self, resource_type: str) -> tuple[str, ...]:
        """The parameters of the patient compartment, those that say whom it is about first.

        R4 leaves Task, Device and a few more out of the compartment although they have a `patient` parameter
        (docs/clarifications/fhir.md): they belong to that patient here.
        """
        if resource_type in ABOUT_MANY:
            return ()
        compartment = self._definitions.compartments["Patient"].get(resource_type, ["patient"])
        return tuple(sorted(compartment, key=lambda name: ABOUT.index(name) if name in ABOUT else len(ABOUT)))

    def _by_base(self, facts: Iterable[Facts]) -> dict[str, list[Facts]]:
        found: dict[str, list[Facts]] = {}
        for one in facts:
            reason = _why_not(one)
            if reason is not None:
                self.left_out[one["id"]] = reason
                continue
            for base in one["base"]:
                found.setdefault(base, []).append(one)
        return found

    def _resolve(self, resource_type: str) -> dict[str, SearchParameter]:
        every = [facts for base in (*_EVERY, resource_type) for facts in self._facts.get(base, ())]
        found = {one["code"]: self._parameter(one, resource_type) for one in every if one["type"] != "composite"}
        by_definition = {one.definition: one for one in found.values()}
        for facts in every:
            if facts["type"] == "composite":
                found[facts["code"]] = self._composite(facts, resource_type, by_definition)
        return {name: one for name, one in sorted(found.items()) if one.kinds}

    def _composite(self, facts: Facts, resource_type: str, known: Mapping[str, SearchParameter]) -> SearchParameter:
        """A composite; without kinds, so not offered, where its form is not covered."""
        try:
            together = togethers(facts, resource_type, self._definitions, known)
        except Rejected as error:
            self.left_out[facts["id"]] = f"expected {error.expected}"
            return SearchParameter(name=facts["code"], type="composite", definition=facts["id"])
        kinds = frozenset(kind for one in together for part in one.parts for kind in part.kinds)
        return SearchParameter(
            name=facts["code"], type="composite", kinds=kinds, definition=facts["id"], together=together
        )

    def _parameter(self, facts: Facts, resource_type: str) -> SearchParameter:
        every = walks(facts["expression"], resource_type, self._definitions)
        found = tuple(walk for walk in every if (facts["type"], walk.leaf) in MAKERS)
        return SearchParameter(
            name=facts["code"],
            type=facts["type"],
            targets=_targets(facts.get("target", ()), found),
            kinds=frozenset(walk.leaf for walk in found),
            definition=facts["id"],
            walks=found,
        )

    def faults(self) -> list[Fault]:
        """Every parameter that is offered but whose expression cannot be walked."""
        found = []
        for base, every in self._facts.items():
            known = base if base in self._definitions.resources else "Basic"
            for facts in every:
                if base not in self._definitions.resources and base not in self._definitions.nodes:
                    found.append(_fault(facts, f"a base that is an R4 type, not {base}"))
                    continue
                try:
                    walks(facts["expression"], known, self._definitions)
                except Rejected as error:
                    found.append(_fault(facts, error.expected))
        return found


def fingerprint(facts: Facts) -> str:
    """A short hash of what a parameter indexes."""
    told = {key: facts.get(key) for key in ("type", "expression", "component")}
    return blake2b(json.dumps(told, sort_keys=True).encode(), digest_size=6).hexdigest()


def check(folders: Sequence[Path] = ()) -> list[Fault]:
    """Everything wrong in the parameter files, ours and those in `folders` of a site. For `careloop content check`."""
    try:
        return SearchDefinitions.load(folders).faults()
    except ContentError as error:
        return list(error.faults)


def _targets(stated: Sequence[str], found: Sequence[Walk]) -> tuple[str, ...]:
    """The types a parameter may refer to: those its elements allow, else those that the parameter states."""
    if not found or any(not walk.targets for walk in found):
        return tuple(stated)
    return tuple(dict.fromkeys(target for walk in found for target in walk.targets))


def _type_of(resource: Mapping[str, Any]) -> str:
    found = resource.get("resourceType")
    return found if isinstance(found, str) else ""


def _collect(extract: Extract, resource: dict[str, Any], tenant_id: int, zone: tzinfo) -> Collector:
    collector = Collector(tenant_id, zone)
    try:
        extract(resource, collector)
    except (AttributeError, TypeError, KeyError, ValueError, ArithmeticError) as error:
        at = str(resource.get("resourceType"))
        raise Rejected(at=at, expected="R4 types in every element that is searched") from error
    return collector


def _why_not(facts: Facts) -> str | None:
    """Why this version does not offer a parameter, or None where it does."""
    if facts["id"].startswith("example"):
        return "an example of the specification"
    if facts["type"] == "special":
        return "needs a way of its own"
    if not facts.get("base"):
        return "names no resource type"
    if not facts.get("expression"):
        return "has no expression"
    if facts["expression"].endswith("entry[0].resource"):
        return "looks at a resource inside another, not at a reference"
    return "needs a phonetic form of names" if facts["code"] == "phonetic" else None


def _fault(facts: Facts, expected: str) -> Fault:
    return Fault(at=f"content/searchparameters:{facts['id']}", expected=expected)


def _own_folder() -> Traversable:
    return files("careloop").joinpath("content", "searchparameters")


def _read(folders: Iterable[Traversable | Path]) -> list[Facts]:
    """The facts of every parameter in the folders, ours first, in the order of file names."""
    found: list[Facts] = []
    for folder in folders:
        for path in sorted(folder.iterdir(), key=lambda one: (one.name != "r4-core.json", one.name)):
            if path.name.endswith(".json"):
                found += _file(path.name, path.read_text(encoding="utf-8"))
    return found


def _file(name: str, text: str) -> list[Facts]:
    """The parameters of one file: our table, or one FHIR SearchParameter."""
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise ContentError([Fault(at=f"content/searchparameters/{name}", expected="JSON")]) from error
    if "parameters" in content:
        rows: list[Facts] = content["parameters"]
        return rows
    missing = [key for key in ("code", "type", "base", "expression") if not content.get(key)]
    if content.get("resourceType") != "SearchParameter" or missing:
        expected = "a FHIR SearchParameter with code, type, base and expression"
        raise ContentError([Fault(at=f"content/searchparameters/{name}", expected=expected)])
    return [{"id": name.removesuffix(".json"), **content}]


@cache
def _shared() -> SearchDefinitions:
    return SearchDefinitions(tables.load(), _read((_own_folder(),)))


def _checked(definitions: SearchDefinitions) -> SearchDefinitions:
    faults = definitions.faults()
    if faults:
        raise ContentError(faults)
    return definitions
