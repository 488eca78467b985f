"""Reads a folder of documents with their expected bundles and compares both, fact by fact."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.conformance.facts import Dialect, Score, resources_of, score

from careloop.catalog import read_yaml
from careloop.intake.ccda import CcdaContent, read, settle

ZONE = "America/New_York"
EXCLUSIONS = Path("tests/conformance/ccda/exclusions.yaml")


@dataclass(kw_only=True)
class Report:
    """The scores of all documents of a folder."""

    scores: list[Score] = field(default_factory=list)

    @property
    def found(self) -> int:
        """Facts found in all documents."""
        return sum(one.found for one in self.scores)

    @property
    def total(self) -> int:
        """Facts expected in all documents."""
        return sum(one.total for one in self.scores)

    @property
    def share(self) -> float:
        """Found of total."""
        return self.found / self.total if self.total else 1.0


def dialect_of(content: CcdaContent, exclusions: Path = EXCLUSIONS) -> Dialect:
    """How the other converter writes things: the typed and explained list of `exclusions.yaml`."""
    raw: Mapping[str, Any] = read_yaml(exclusions.read_text(encoding="utf-8"))["msft"]
    systems = {f"urn:oid:{oid}": uri for oid, uri in content.systems.items()}
    return Dialect(
        systems=systems | {one["theirs"]: one["ours"] for one in raw.get("systems", ())},
        aliases={one["theirs"]: one["ours"] for one in raw.get("aliases", ())},
        left_out={one["path"]: one["reason"] for one in raw.get("left-out", ())},
        types={one["theirs"]: one["ours"] for one in raw.get("types", ())},
        values={(one["path"], one["theirs"]): one["ours"] for one in raw.get("values", ())},
    )


def resources_from(raw: bytes, content: CcdaContent) -> list[dict[str, Any]]:
    """All resources of one document as they would be stored, the Patient first."""
    result = read(raw, content, ZONE)
    patient = {"resourceType": "Patient", "id": "person", **result.patient}
    return [patient, *settle(result, 1, "person")]


def compare_folder(folder: Path, content: CcdaContent, dialect: Dialect) -> Report:
    """The documents of `folder` compared with the bundles in `folder/expected`, each named `<kind>__<document>`."""
    report = Report()
    for path in sorted((folder / "expected").glob("*.json")):
        stem = path.stem.removesuffix("-expected").partition("__")[2]
        document = next(one for one in sorted(folder.iterdir()) if one.stem == stem)
        expected = resources_of(json.loads(path.read_bytes(), parse_float=Decimal))
        ours = resources_from(document.read_bytes(), content)
        report.scores.append(score(document.name, _merged(expected), ours, dialect))
    return report


def _merged(resources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A MedicationX that refers to a Medication of the bundle says its code itself."""
    codes = {f"Medication/{one['id']}": one.get("code") for one in resources if one["resourceType"] == "Medication"}
    kept = []
    for one in resources:
        reference = one.get("medicationReference", {}).get("reference")
        if codes.get(reference):
            rest = {key: value for key, value in one.items() if key != "medicationReference"}
            one = {**rest, "medicationCodeableConcept": codes[reference]}
        if one["resourceType"] != "Medication":
            kept.append(one)
    return kept
