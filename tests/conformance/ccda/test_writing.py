"""Documents that we write: the rules are kept, and reading them back gives the same facts."""

import os
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.conformance.facts import Dialect, score
from tools.ccda_facts.comparing import ZONE
from tools.ccda_schematron import load

from careloop.errors import Rejected
from careloop.fhir.xmls import parse_xml
from careloop.intake.ccda import CcdaContent, check_document, read, settle
from careloop.intake.ccda.writing import Request, write_document

pytestmark = pytest.mark.shared

KINDS = ("ccd", "referral-note", "transfer-summary", "discharge-summary")
TOLD = (
    "Patient", "AllergyIntolerance", "Condition", "MedicationStatement", "Procedure", "DiagnosticReport",
    "Immunization", "Goal", "Coverage",
)  # fmt: skip
CATEGORIES = {"laboratory", "vital-signs", "social-history"}
SCHEMATRON = os.environ.get("CARELOOP_CCDA_SCHEMATRON")


@pytest.fixture(scope="module")
def people(shared: Path, content: CcdaContent) -> list[tuple[str, dict[str, Any], list[dict[str, Any]]]]:
    """What some twenty documents say: name, patient, resources."""
    folder = shared / "data" / "interchange" / "ccda"
    paths = [*sorted((folder / "msft").glob("*.ccda")), *sorted((folder / "onc" / "cures").rglob("*oC*/*.xml"))]
    found = []
    for path in paths:
        result = read(path.read_bytes(), content, ZONE)
        found.append(
            (path.name, {"resourceType": "Patient", "id": "p", **result.patient}, settle(result, 1, "p"))
        )  # fmt: skip
    return found


def written(kind: str, patient: dict[str, Any], resources: list[dict[str, Any]], content: CcdaContent) -> bytes:
    record: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in resources:
        record[one["resourceType"]].append(one)
    others = {f"{one['resourceType']}/{one['id']}": one for one in resources}
    return write_document(
        Request(
            kind=kind,
            patient=patient,
            organization={"resourceType": "Organization", "id": "o", "name": "Riverbend"},
            record=record,
            at=datetime(2026, 11, 22, tzinfo=UTC),
            resolve=others.get,
            recipient={"name": [{"family": "Doe", "given": ["Jo"]}]},
            stay=next((one for one in record["Encounter"] if "period" in one), None),
            reason="Please see.",
            assessment="Stable.",
        ),
        content,
    )


def is_told(one: dict[str, Any]) -> bool:
    codes = {
        coding.get("code")
        for part in one.get("category", [])
        if isinstance(part, dict)
        for coding in part.get("coding", [])
    }
    return one["resourceType"] in TOLD or (one["resourceType"] == "Observation" and bool(codes & CATEGORIES))


def test_reading_what_we_wrote_gives_the_same_facts(people: list[Any], content: CcdaContent) -> None:
    found = total = 0
    for name, patient, resources in people:
        result = read(written("ccd", patient, resources, content), content, ZONE)
        again = [{"resourceType": "Patient", "id": "p", **result.patient}, *settle(result, 1, "p")]
        one = score(name, [patient, *filter(is_told, resources)], again, Dialect())
        found, total = found + one.found, total + one.total
        assert one.share >= 0.98, one.lines()
    assert found / total >= 0.995, f"{found} of {total}"


@pytest.mark.parametrize("kind", KINDS)
def test_what_we_write_keeps_the_constraints(people: list[Any], content: CcdaContent, kind: str) -> None:
    """Faults that came in with a document (a nameless family, a problem type of another system) go out with it."""
    for name, patient, resources in people:
        if kind == "discharge-summary" and not any("period" in one for one in resources if is_visit(one)):
            continue
        raw = written(kind, patient, resources, content)
        faults = [one for one in check_document(parse_xml(raw), content) if one.severity == "error"]
        assert [(one.at, one.expected) for one in faults] == [], name


def is_visit(one: dict[str, Any]) -> bool:
    return bool(one["resourceType"] == "Encounter")


def test_a_discharge_summary_needs_a_stay(people: list[Any], content: CcdaContent) -> None:
    _, patient, resources = people[0]
    with pytest.raises(Rejected):
        written("discharge-summary", patient, [one for one in resources if not is_visit(one)], content)


@pytest.mark.skipif(
    SCHEMATRON is None, reason="CARELOOP_CCDA_SCHEMATRON names no schematron (docs/conformance/ccda.md)"
)
@pytest.mark.parametrize("kind", KINDS)
def test_the_schematron_of_hl7_accepts_what_we_write(people: list[Any], content: CcdaContent, kind: str) -> None:
    rules = load(Path(str(SCHEMATRON)))
    for name, patient, resources in people:
        if kind == "discharge-summary" and not any("period" in one for one in resources if is_visit(one)):
            continue
        broken = list(rules.broken(written(kind, patient, resources, content)))
        assert broken == [], (name, broken[:3])
