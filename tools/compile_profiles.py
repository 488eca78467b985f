"""Compiles invariants, bindings and profiles of R4 and US Core into the tables of facts under `content/definitions`.

    python -m tools.compile_profiles ../shared/data/fhir-definitions

Facts only, taken from differentials: a profile's table says what it adds to its base, and the reader joins the chain.
Facts that only repeat the base type are dropped. Running it twice on one input gives the same bytes.
"""

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.compile_definitions import (
    CONTENT,
    FHIR_TYPE_EXTENSION,
    STRUCTURE_BASE,
    VALUE_SET_BASE,
    Definition,
    base_definitions,
    read_definitions,
    required_value_sets,
    write_table,
)
from tools.compile_definitions import expand as expand_of_r4

BEST_PRACTICE = "http://hl7.org/fhir/StructureDefinition/elementdefinition-bestpractice"
MAX_VALUE_SET = "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet"
USCDI = "http://hl7.org/fhir/us/core/StructureDefinition/uscdi-requirement"
"""Marks what US Core since 6.0 asks of certified systems without the flag; told like must-support."""
MOST_CODES = 1500
"""A required value set with more codes than this is left to the terminology."""

EVERYWHERE = ("ele-1", "ext-1")
"""Stated on every element: kept only where they are defined (`Extension`); `ele-1` is what the structure check does."""

CORRECTIONS: Mapping[tuple[str, str, str], tuple[str | None, str]] = {
    ("us-core-3.1.0", "us-core-condition", "us-core-1"): (
        None,
        "compares a concept with the address of a value set as text: never true; the binding says the same",
    ),
    ("us-core-3.1.0", "us-core-immunization", "us-core-1"): (
        None,
        "its text asks for an NDC code and its expression for none",
    ),
    ("us-core-3.1.0", "us-core-provenance", "provenance-1"): (
        None,
        "no FHIRPath ('is Practitioner or Device'), and asked of the element that it wants to be there",
    ),
    ("us-core-3.1.0", "us-core-observation-lab", "us-core-3"): (
        "$this is Quantity implies (system.empty() or system = 'http://unitsofmeasure.org')",
        "stands on value[x] but asks for a child valueQuantity",
    ),
    ("us-core-3.1.0", "us-core-observation-lab", "us-core-4"): (
        "$this is CodeableConcept implies (coding.system.empty() or coding.system contains 'http://snomed.info/sct')",
        "stands on value[x] but asks for a child valueCodeableConcept; several codings are allowed",
    ),
    ("us-core-3.1.0", "us-core-practitionerrole", "pd-1"): (
        "telecom.exists() or endpoint.exists()",
        "'or' between lists; later releases say exists()",
    ),
    ("us-core-3.1.0", "us-core-observation-lab", "us-core-2"): (
        "(component.empty() and hasMember.empty()) implies (dataAbsentReason.exists() or value.exists())",
        "'related' is an element of STU3; later releases say hasMember",
    ),
    ("r4", "", "que-7"): (
        "operator = 'exists' implies (answer is boolean)",
        "asks for System.Boolean; an answer is a FHIR boolean",
    ),
    ("r4", "allergyintolerance-substanceExposureRisk", "inv-1"): (
        None,
        "asks an Extension for elements of AllergyIntolerance.reaction: never true",
    ),
    ("us-core-9.0.0", "us-core-observation-clinical-result", "us-core-3"): (
        "$this is Quantity implies (system.empty() or system = 'http://unitsofmeasure.org')",
        "ofType() on the value itself; said so that it holds for one value",
    ),
}
"""Published invariants that cannot hold as they are written: what is compiled instead (None: nothing), and why."""


@dataclass(frozen=True, kw_only=True)
class Release:
    """One package of definitions. `version` where its definitions do not say it."""

    name: str
    file: str
    source: str
    version: str | None = None


RELEASES = (
    Release(name="r4", file="r4-4.0.1.ndjson.gz", source="HL7 FHIR R4 core package hl7.fhir.core 4.0.1 (CC0)"),
    Release(name="us-core-3.1.0", file="us-core-3.1.0.ndjson.gz", source="HL7 US Core 3.1.0 (CC0)"),
    Release(
        name="us-core-9.0.0",
        file="us-core-current-differentials.ndjson.gz",
        source="HL7 US Core, source of 2026-04-23 (CC0); its examples call it 9.0.0",
        version="9.0.0",
    ),
)

Found = Mapping[str, list[Definition]]


def constraints(element: Definition, release: str, owner: str) -> list[list[str]]:
    """Key, severity, expression and words of each invariant; advice that names a best practice is `information`."""
    kept = []
    for one in element.get("constraint", []):
        if one["key"] in EVERYWHERE or "expression" not in one:
            continue
        expression, _ = CORRECTIONS.get((release, owner, one["key"]), (one["expression"], ""))
        if expression is not None:
            advice = any(extension["url"] == BEST_PRACTICE for extension in one.get("extension", []))
            kept.append([one["key"], "information" if advice else one["severity"], expression, one["human"]])
    return kept


def binding(element: Definition) -> list[str] | None:
    """Strength and value set of a binding that binds: `required`, `extensible`, or `max` (its widest value set)."""
    found = element.get("binding", {})
    for extension in found.get("extension", []):
        if extension["url"] == MAX_VALUE_SET and found["strength"] in ("preferred", "example"):
            return ["max", extension.get("valueCanonical", extension.get("valueUri")).split("|")[0]]
    if found.get("strength") not in ("required", "extensible") or "valueSet" not in found:
        return None
    return [found["strength"], found["valueSet"].split("|")[0]]


class BaseRules:
    """What R4's own types say beyond structure: invariants, bindings that are not listed, profiles of data types."""

    def __init__(self, found: Found, listed: frozenset[str]) -> None:
        self._types = base_definitions(found["StructureDefinition"])
        self._listed = listed
        self._inherited = {one["url"]: one for one in self._types}

    def table(self) -> dict[str, Definition]:
        """Rules by path, of every path that has some."""
        rows = {}
        for one in self._types:
            if one["kind"] == "primitive-type":
                continue
            known = set(self._keys(one.get("baseDefinition")))
            for element in one["snapshot"]["element"]:
                if self._is_inherited(one, element):
                    continue
                row = self._row(element, known if "." not in element["path"] else set())
                if row:
                    rows[element["path"]] = row
        return rows

    def _keys(self, base: str | None) -> Iterator[str]:
        while base in self._inherited:
            structure = self._inherited[base]
            yield from (one["key"] for one in structure["snapshot"]["element"][0].get("constraint", []))
            base = structure.get("baseDefinition")

    def _is_inherited(self, structure: Definition, element: Definition) -> bool:
        came_from = element.get("base", {}).get("path", element["path"]).partition(".")[0]
        return "." in element["path"] and came_from != structure["type"]

    def _row(self, element: Definition, known: set[str]) -> Definition:
        row: Definition = {}
        if rules := [one for one in constraints(element, "r4", "") if one[0] not in known]:
            row["constraint"] = rules
        if element["path"] == "Extension":
            row["constraint"] = [["ext-1", "error", "extension.exists() != value.exists()",
                                  "Must have either extensions or value[x], not both"]]  # fmt: skip
        bound = binding(element)
        if bound is not None and not (bound[0] == "required" and bound[1] in self._listed):
            row["binding"] = bound
        profiled = {one["code"]: one["profile"] for one in element.get("type", []) if "profile" in one}
        if profiled:
            row["profile"] = profiled
        return row


class ProfileTable:
    """The profiles of one release, one row each."""

    def __init__(self, release: Release, types: Mapping[str, Mapping[str, Definition]]) -> None:
        self._release = release
        self._types = types

    def row(self, structure: Definition) -> Definition:
        """Address, type, base and facts by element id, without the type's name in front."""
        kind = structure["type"]
        facts = {}
        for element in structure["differential"]["element"]:
            place = element["id"].partition(".")[2]
            fact = self._facts(element, structure)
            if fact:
                facts[place] = fact
        return {
            "url": structure["url"],
            "title": structure.get("title") or structure["name"],
            "type": kind,
            "base": structure["baseDefinition"].removeprefix(STRUCTURE_BASE),
            "elements": facts,
        }

    def _facts(self, element: Definition, structure: Definition) -> Definition:
        plain = self._types.get(structure["type"], {}).get(element["path"], {})
        facts: Definition = {}
        sliced = "sliceName" in element
        if element.get("min", 0) > (0 if sliced else plain.get("min", 0)) and "." in element["path"]:
            facts["min"] = element["min"]
        if element.get("max", "*") != "*" and (sliced or element["max"] != plain.get("max")) and "." in element["path"]:
            facts["max"] = int(element["max"])
        kinds = [_kind(one) for one in element.get("type", [])]
        if kinds and (sliced or kinds != [_kind(one) for one in plain.get("type", [])]):
            facts["types"] = kinds
        facts |= self._values(element)
        if (bound := binding(element)) is not None and bound != binding(plain):
            facts["binding"] = bound
        if rules := constraints(element, self._release.name, structure["id"]):
            facts["constraint"] = rules
        if "slicing" in element:
            facts["slicing"] = _slicing(element["slicing"])
        if element.get("mustSupport") or any(one["url"] == USCDI for one in element.get("extension", [])):
            facts["support"] = True
        return facts

    def _values(self, element: Definition) -> Definition:
        facts = {}
        for key, value in element.items():
            for prefix in ("fixed", "pattern", "minValue", "maxValue", "maxLength"):
                if key.startswith(prefix) and (key == "maxLength" or key[len(prefix) :][:1].isupper()):
                    facts[prefix] = value
        return facts


def _kind(one: Definition) -> Definition:
    """A type with the profiles that its value, or the target of its reference, must meet."""
    extensions = {extension["url"]: extension for extension in one.get("extension", [])}
    code = extensions[FHIR_TYPE_EXTENSION]["valueUrl"] if FHIR_TYPE_EXTENSION in extensions else one["code"]
    kind: Definition = {"code": code.removeprefix("http://hl7.org/fhirpath/System.").replace("String", "string")}
    if "profile" in one:
        kind["profile"] = one["profile"]
    if "targetProfile" in one:
        kind["target"] = [target.removeprefix(STRUCTURE_BASE) for target in one["targetProfile"]]
    return kind


def _slicing(slicing: Definition) -> Definition:
    return {
        "by": [[one["type"], one["path"]] for one in slicing.get("discriminator", [])],
        "rules": slicing.get("rules", "open"),
        "ordered": slicing.get("ordered", False),
    }


def profiles_of(found: Found) -> list[Definition]:
    """Every constraint on a resource or data type, by id; extensions too."""
    wanted = [one for one in found["StructureDefinition"] if one.get("derivation") == "constraint"]
    return sorted((one for one in wanted if one["kind"] != "logical"), key=lambda one: str(one["id"]))


class Codes:
    """Lists value sets from the code systems of all releases, where they can be listed."""

    def __init__(self, releases: Mapping[str, Found]) -> None:
        self._value_sets = {one["url"]: one for found in releases.values() for one in found["ValueSet"]}
        self._systems = {one["url"]: one for found in releases.values() for one in found["CodeSystem"]}

    def listed(self, url: str) -> dict[str, list[str]] | None:
        """Codes by system, None where they cannot be listed or are too many."""
        codes = self._expanded(url, ())
        return codes if codes is not None and 0 < sum(map(len, codes.values())) <= MOST_CODES else None

    def _expanded(self, url: str, above: tuple[str, ...]) -> dict[str, list[str]] | None:
        compose = self._value_sets.get(url, {}).get("compose")
        if compose is None or "exclude" in compose or url in above:
            return None
        codes: dict[str, list[str]] = {}
        for include in compose["include"]:
            for part in self._parts(url, include, (*above, url)):
                if part is None:
                    return None
                for system, more in part.items():
                    codes[system] = sorted({*codes.get(system, []), *more})
        return codes

    def _parts(self, url: str, include: Definition, above: tuple[str, ...]) -> list[dict[str, list[str]] | None]:
        if "valueSet" not in include:
            only = {url: {"compose": {"include": [include]}}}
            return [expand_of_r4(url, only, self._systems)]
        if "system" in include or len(include["valueSet"]) > 1:
            return [None]
        return [self._expanded(include["valueSet"][0].split("|")[0], above)]


def bound_value_sets(rows: Mapping[str, Any]) -> set[str]:
    """The value sets that some profile requires."""
    return {
        fact["binding"][1]
        for row in rows.values()
        for fact in row["elements"].values()
        if fact.get("binding", ["", ""])[0] in ("required", "max")
    }


def compile_all(folder: Path, content: Path) -> None:
    """Writes the tables of rules, of the profiles of each release and of the value sets they require."""
    found = {one.name: read_definitions(folder / one.file) for one in RELEASES}
    core = found["r4"]
    types = {
        one["type"]: {element["path"]: element for element in one["snapshot"]["element"]}
        for one in base_definitions(core["StructureDefinition"])
    }
    codes = Codes(found)
    listed = {url for url in required_value_sets(core["StructureDefinition"]) if codes.listed(url) is not None}
    target = content / "definitions"
    write_table(
        target / "rules.json", {"source": RELEASES[0].source}, "rules", BaseRules(core, frozenset(listed)).table()
    )
    wanted: set[str] = set()
    for release in RELEASES:
        table = ProfileTable(release, types)
        rows = {one["id"]: table.row(one) for one in profiles_of(found[release.name])}
        version = release.version or profiles_of(found[release.name])[0]["version"]
        write_table(
            target / f"profiles-{release.name}.json", {"source": release.source, "version": version}, "profiles", rows
        )
        wanted |= bound_value_sets(rows)
    lists = {url.removeprefix(VALUE_SET_BASE): codes.listed(url) for url in sorted(wanted - listed)}
    write_table(
        target / "profile-valuesets.json",
        {"source": "the value sets that profiles require, where their codes can be listed"},
        "valuesets",
        {name: one for name, one in lists.items() if one is not None},
    )


def main() -> None:
    """Command line: the folder of the definitions, and optionally another content folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("definitions", type=Path, help="folder of the packages as NDJSON")
    parser.add_argument("--content", type=Path, default=CONTENT)
    arguments = parser.parse_args()
    compile_all(arguments.definitions, arguments.content)


if __name__ == "__main__":
    main()
