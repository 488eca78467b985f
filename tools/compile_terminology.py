"""Writes the terminology that ships with the product, from the official FHIR definitions.

    python -m tools.compile_terminology ../shared/data/fhir-definitions

Takes the code systems, value sets and concept maps of R4 core 4.0.1 and US Core, and keeps the facts a machine needs:
codes, words, hierarchy, properties, membership, maps. No definitions, narrative, comments or publisher. Of code systems
whose licence restricts copying only the bare codes stay that a value set of FHIR lists. One resource a line: its
canonical address with version, a tab, JSON.
"""

import gzip
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parent.parent / "src/careloop/content/terminology"
SOURCES = ("r4-4.0.1", "us-core-3.1.0", "us-core-current-differentials")
"""From the oldest to the newest: of one address the last one is meant where no version is asked for."""
UNVERSIONED = {"us-core-current-differentials": "current"}
"""The version of resources that state none: US Core source of 2026-04-23."""

CODES_ONLY = frozenset(
    (
        "http://snomed.info/sct",
        "http://loinc.org",
        "http://www.ama-assn.org/go/cpt",
        "http://nucc.org/provider-taxonomy",
        "http://www.ada.org/cdt",
        "http://hl7.org/fhir/sid/ndc",
        "urn:iso:std:iso:11073:10101",
        "urn:oid:2.16.840.1.113883.3.26.1.1",
    )
)
"""SNOMED CT, LOINC, CPT, NUCC, CDT, NDC names, ISO/IEEE 11073, NCI: codes as membership facts, never their words."""

FILES = {"CodeSystem": "codesystems.tsv", "ValueSet": "valuesets.tsv", "ConceptMap": "conceptmaps.tsv"}
Json = dict[str, Any]


def resources(folder: Path) -> Iterator[Json]:
    """The terminology resources of all sources, each with a version."""
    for source in SOURCES:
        with gzip.open(folder / f"{source}.ndjson.gz", "rt", encoding="utf-8") as lines:
            for line in lines:
                resource = json.loads(line)
                if resource["resourceType"] in FILES and resource.get("url"):
                    resource.setdefault("version", UNVERSIONED.get(source, source.rpartition("-")[2]))
                    yield resource


def compact(resource: Mapping[str, Any]) -> Json:
    """The facts of one resource."""
    match resource["resourceType"]:
        case "CodeSystem":
            return _code_system(resource)
        case "ValueSet":
            return _value_set(resource)
    return _concept_map(resource)


def _kept(resource: Mapping[str, Any], *names: str) -> Json:
    return {name: resource[name] for name in names if resource.get(name) not in (None, [], "")}


def _code_system(resource: Mapping[str, Any]) -> Json:
    kept = _kept(
        resource, "url", "version", "name", "title", "status", "caseSensitive", "valueSet", "hierarchyMeaning",
        "content", "supplements",
    )  # fmt: skip
    if resource.get("property"):
        kept["property"] = [_kept(one, "code", "type") for one in resource["property"]]
    if resource["url"] not in CODES_ONLY and resource.get("concept"):
        kept["concept"] = [_concept(one) for one in resource["concept"]]
    return kept


def _concept(concept: Mapping[str, Any]) -> Json:
    kept = _kept(concept, "code", "display")
    properties = [one for one in concept.get("property", ()) if one["code"] != "deprecationDate"]
    if properties:
        kept["property"] = properties
    if words := _designations(concept):
        kept["designation"] = words
    if concept.get("concept"):
        kept["concept"] = [_concept(one) for one in concept["concept"]]
    return kept


def _designations(concept: Mapping[str, Any]) -> list[Json]:
    found = [_kept(one, "language", "value") for one in concept.get("designation", ()) if one.get("language")]
    return [one for one in found if one["value"] != concept.get("display")]


def _value_set(resource: Mapping[str, Any]) -> Json:
    kept = _kept(resource, "url", "version", "name", "title", "status", "immutable")
    compose = resource.get("compose", {})
    kept["compose"] = _kept(compose, "lockedDate", "inactive")
    for part in ("include", "exclude"):
        if compose.get(part):
            kept["compose"][part] = [_include(one) for one in compose[part]]
    return kept


def _include(include: Mapping[str, Any]) -> Json:
    kept = _kept(include, "system", "version", "valueSet")
    if include.get("concept"):
        bare = include.get("system") in CODES_ONLY
        kept["concept"] = [_kept(one, *(("code",) if bare else ("code", "display"))) for one in include["concept"]]
    if include.get("filter"):
        kept["filter"] = [_kept(one, "property", "op", "value") for one in include["filter"]]
    return kept


def _concept_map(resource: Mapping[str, Any]) -> Json:
    kept = _kept(
        resource, "url", "version", "name", "title", "status", "sourceUri", "sourceCanonical", "targetUri",
        "targetCanonical",
    )  # fmt: skip
    kept["group"] = [
        {
            **_kept(group, "source", "sourceVersion", "target", "targetVersion", "unmapped"),
            "element": [_element(one) for one in group.get("element", ()) if "code" in one],
        }
        for group in resource.get("group", ())
    ]
    return kept


def _element(element: Mapping[str, Any]) -> Json:
    targets = [_kept(one, "code", "equivalence", "dependsOn", "product") for one in element.get("target", ())]
    return {"code": element["code"], "target": targets}


def texts(folder: Path) -> dict[str, str]:
    """The text of each file by its name."""
    lines: dict[str, dict[str, str]] = {kind: {} for kind in FILES}
    for resource in resources(folder):
        key = f"{resource['url']}|{resource['version']}"
        body = json.dumps(compact(resource), ensure_ascii=False, separators=(",", ":"))
        lines[resource["resourceType"]][key] = f"{key}\t{body}\n"
    return {FILES[kind]: "".join(found.values()) for kind, found in lines.items()}


def main(folder: Path) -> None:
    """The files are written anew."""
    TARGET.mkdir(parents=True, exist_ok=True)
    for name, text in texts(folder).items():
        (TARGET / name).write_text(text, encoding="utf-8")
        print(f"{name}: {len(text.splitlines()):,} resources, {len(text.encode()):,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
