"""Compiles the official FHIR R4 definitions into the compact tables of facts under `src/careloop/content`.

    python tools/compile_definitions.py ../shared/data/fhir-definitions/r4-4.0.1.ndjson.gz

The tables hold facts only (names, cardinalities, types, codes, expressions), no descriptions. Running it twice on one
input gives the same bytes. `careloop.fhir.definitions` reads the tables; each folder's README says what is in them.
"""

import argparse
import gzip
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

Definition = dict[str, Any]

SOURCE = "HL7 FHIR R4 core package hl7.fhir.core 4.0.1 (CC0)"
VERSION = "4.0.1"
CONTENT = Path(__file__).resolve().parent.parent / "src" / "careloop" / "content"
VALUE_SET_BASE = "http://hl7.org/fhir/ValueSet/"
STRUCTURE_BASE = "http://hl7.org/fhir/StructureDefinition/"
SEARCH_BASE = "http://hl7.org/fhir/SearchParameter/"
FHIR_TYPE_EXTENSION = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type"
ABSTRACT = ("Element", "BackboneElement", "Resource", "DomainResource")
INHERITED = tuple(f"{name}." for name in ABSTRACT)


def read_definitions(path: Path) -> dict[str, list[Definition]]:
    """Every definition in the file, by resource type."""
    found: dict[str, list[Definition]] = defaultdict(list)
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            definition = json.loads(line)
            found[definition["resourceType"]].append(definition)
    return found


def base_definitions(structures: list[Definition]) -> list[Definition]:
    """The resource types and data types themselves: no profiles, no logical models."""
    wanted = [
        one
        for one in structures
        if one["kind"] in ("resource", "complex-type", "primitive-type")
        and one.get("derivation") != "constraint"
        and "snapshot" in one
    ]
    return sorted(wanted, key=lambda one: one["type"])


class StructureTable:
    """Element facts of every type, in the one-line form that `careloop.fhir.definitions` reads."""

    def __init__(self, enumerable: dict[str, dict[str, list[str]]]) -> None:
        self.enumerable = enumerable

    def table(self, structures: list[Definition]) -> Definition:
        """The whole of `structures.json`."""
        types = base_definitions(structures)
        return {
            "source": SOURCE,
            "version": VERSION,
            "primitives": [one["type"] for one in types if one["kind"] == "primitive-type"],
            "resources": [one["type"] for one in types if one["kind"] == "resource" and not one["abstract"]],
            "nodes": {
                path: node for one in types if one["kind"] != "primitive-type" for path, node in self.nodes(one).items()
            },
        }

    def nodes(self, structure: Definition) -> Definition:
        """The type itself and each of its inner elements that has children."""
        elements = structure["snapshot"]["element"]
        nodes: Definition = {}
        for element in elements:
            parent, _, name = element["path"].rpartition(".")
            if not parent:
                nodes[element["path"]] = {"base": _last(structure.get("baseDefinition", "")), "elements": {}}
                continue
            if parent not in nodes:
                nodes[parent] = {"base": self.backbone(elements, parent), "elements": {}}
            if parent in ABSTRACT or not element.get("base", {}).get("path", "").startswith(INHERITED):
                nodes[parent]["elements"][name] = self.element(element, elements)
        return nodes

    def backbone(self, elements: list[Definition], path: str) -> str:
        """The base type of an inner element: `BackboneElement` or `Element`."""
        element = next(one for one in elements if one["path"] == path)
        return str(element["type"][0]["code"])

    def element(self, element: Definition, elements: list[Definition]) -> str:
        """`min..max types [=value set] [s]`, where `s` marks an element of the summary."""
        words = [f"{element['min']}..{element['max']}", self.types(element, elements)]
        if (binding := self.binding(element)) is not None:
            words.append(f"={binding}")
        if element.get("isSummary"):
            words.append("s")
        return " ".join(words)

    def types(self, element: Definition, elements: list[Definition]) -> str:
        """Type codes by comma; `@path` is an inner element; a Reference names its targets."""
        if "contentReference" in element:
            return "@" + element["contentReference"].removeprefix("#")
        if any(one["path"].startswith(element["path"] + ".") for one in elements):
            return "@" + element["path"]
        return ",".join(_type_word(one) for one in element.get("type", []))

    def binding(self, element: Definition) -> str | None:
        """The required value set, where its codes can be listed."""
        binding = element.get("binding", {})
        if binding.get("strength") != "required":
            return None
        url = binding.get("valueSet", "").split("|")[0]
        return url.removeprefix(VALUE_SET_BASE) if url in self.enumerable else None


def _type_word(kind: Definition) -> str:
    for extension in kind.get("extension", []):
        if extension["url"] == FHIR_TYPE_EXTENSION:
            return str(extension["valueUrl"])
    code = str(kind["code"])
    targets = [_last(target) for target in kind.get("targetProfile", [])]
    if code != "Reference" or not targets or "Resource" in targets:
        return code
    return f"Reference({'|'.join(targets)})"


def _last(url: str) -> str:
    return url.removeprefix(STRUCTURE_BASE)


def required_value_sets(structures: list[Definition]) -> set[str]:
    """The value sets that some element of a base type is required to take its codes from."""
    return {
        element["binding"]["valueSet"].split("|")[0]
        for one in base_definitions(structures)
        for element in one["snapshot"]["element"]
        if element.get("binding", {}).get("strength") == "required" and "valueSet" in element["binding"]
    }


def expand(url: str, value_sets: dict[str, Definition], systems: dict[str, Definition]) -> dict[str, list[str]] | None:
    """Codes by system, or None where the definition does not list them (UCUM, MIME types, currencies, LOINC)."""
    compose = value_sets.get(url, {}).get("compose")
    if compose is None or "exclude" in compose:
        return None
    found: dict[str, list[str]] = {}
    for include in compose["include"]:
        part = _included(include, value_sets, systems)
        if part is None:
            return None
        for system, codes in part.items():
            found[system] = sorted({*found.get(system, []), *codes})
    return found


def _included(
    include: Definition, value_sets: dict[str, Definition], systems: dict[str, Definition]
) -> dict[str, list[str]] | None:
    if "filter" in include or "valueSet" in include:
        return None
    if "concept" in include:
        return {include["system"]: [one["code"] for one in include["concept"]]}
    system = systems.get(include["system"], {})
    if system.get("content") != "complete":
        return None
    return {include["system"]: _codes(system.get("concept", []))}


def _codes(concepts: list[Definition]) -> list[str]:
    return [code for one in concepts for code in (one["code"], *_codes(one.get("concept", [])))]


def value_set_table(found: dict[str, list[Definition]]) -> dict[str, dict[str, list[str]]]:
    """Codes by value set and system, of every required value set that can be listed."""
    value_sets = {one["url"]: one for one in found["ValueSet"]}
    systems = {one["url"]: one for one in found["CodeSystem"]}
    wanted = sorted(required_value_sets(found["StructureDefinition"]))
    expanded = {url: expand(url, value_sets, systems) for url in wanted}
    return {url: codes for url, codes in expanded.items() if codes is not None}


def compartment_table(definitions: list[Definition]) -> Definition:
    """Search parameters that put a resource into a compartment, by compartment and resource type."""
    official = [one for one in definitions if one["id"] != "example"]
    return {
        one["code"]: {entry["code"]: entry["param"] for entry in one["resource"] if entry.get("param")}
        for one in sorted(official, key=lambda one: str(one["code"]))
    }


def search_parameter(definition: Definition) -> Definition:
    """The facts of one search parameter."""
    facts: Definition = {
        "id": definition["id"],
        "code": definition["code"],
        "type": definition["type"],
        "base": definition.get("base", []),
    }
    for key in ("expression", "target"):
        if key in definition:
            facts[key] = definition[key]
    if definition["type"] == "composite":
        facts["component"] = [
            {"definition": part["definition"].removeprefix(SEARCH_BASE), "expression": part["expression"]}
            for part in definition["component"]
        ]
    return facts


def write_table(path: Path, head: Definition, key: str, rows: dict[str, Any] | list[Any]) -> None:
    """One row a line, so that a change of one fact is a change of one line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(value, ensure_ascii=False) for value in (rows if isinstance(rows, list) else rows.values())]
    if isinstance(rows, dict):
        lines = [f"{json.dumps(name)}: {line}" for name, line in zip(rows, lines, strict=True)]
    opening, closing = ("[", "]") if isinstance(rows, list) else ("{", "}")
    prefix = json.dumps(head, ensure_ascii=False, indent=1)[:-2]
    body = ",\n".join(f"  {line}" for line in lines)
    path.write_text(f'{prefix},\n "{key}": {opening}\n{body}\n {closing}\n}}\n', encoding="utf-8")
    print(f"{path.name}: {len(rows)} rows, {path.stat().st_size / 1000:.0f} kB")


def compile_all(source: Path, content: Path) -> None:
    """Writes the four tables from the definitions in `source`."""
    found = read_definitions(source)
    head = {"source": SOURCE, "version": VERSION}
    codes = value_set_table(found)
    structures = StructureTable(codes).table(found["StructureDefinition"])
    nodes = structures.pop("nodes")
    write_table(content / "definitions" / "structures.json", structures, "nodes", nodes)
    write_table(
        content / "definitions" / "valuesets.json",
        head,
        "valuesets",
        {url.removeprefix(VALUE_SET_BASE): one for url, one in codes.items()},
    )
    write_table(
        content / "definitions" / "compartments.json",
        head,
        "compartments",
        compartment_table(found["CompartmentDefinition"]),
    )
    parameters = sorted((search_parameter(one) for one in found["SearchParameter"]), key=lambda one: str(one["id"]))
    write_table(content / "searchparameters" / "r4-core.json", head, "parameters", parameters)


def main() -> None:
    """Command line: the path of the definitions, and optionally another content folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("definitions", type=Path, help="r4-4.0.1.ndjson.gz")
    parser.add_argument("--content", type=Path, default=CONTENT)
    arguments = parser.parse_args()
    compile_all(arguments.definitions, arguments.content)


if __name__ == "__main__":
    main()
