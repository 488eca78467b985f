"""The ONC certification documents: each one taken, taken in part or refused, for the reason that its name says."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tools.ccda_facts.comparing import ZONE

from careloop.catalog import read_yaml
from careloop.errors import Rejected
from careloop.intake.ccda import CcdaContent, read, settle

pytestmark = pytest.mark.shared

EXPECTED: dict[str, Any] = read_yaml(Path(__file__).with_name("onc.yaml").read_text(encoding="utf-8"))["documents"]


@pytest.fixture(scope="module")
def documents(shared: Path) -> list[Path]:
    return sorted((shared / "data" / "interchange" / "ccda" / "onc").rglob("*.xml"))


def test_every_document_is_taken_or_refused_for_its_own_reason(documents: list[Path], content: CcdaContent) -> None:
    assert len(documents) == 44
    refused = [path.name for path in documents if not taken_as_it_should_be(path, content)]
    assert refused == ["NT_Bad_DocTypeId_r11_v2.xml"]


def test_every_document_with_a_deliberate_fault_is_listed(documents: list[Path]) -> None:
    named = {path.name for path in documents if path.name.startswith("NT_")}
    assert named == set(EXPECTED)


def test_documents_without_deliberate_faults_are_taken_whole(documents: list[Path], content: CcdaContent) -> None:
    """Their remaining faults are in codes only: no section and no entry of theirs is left out."""
    for path in documents:
        if path.name in EXPECTED:
            continue
        result = read(path.read_bytes(), content, ZONE)
        strange = [one for one in result.faults if "templateId" in one.at or "an entry that we know" in one.expected]
        assert [one.at for one in strange if "Privacy" not in one.at] == [], path.name


def test_the_main_sections_of_every_document_become_resources(documents: list[Path], content: CcdaContent) -> None:
    for path in documents:
        if path.name in ("NT_Bad_DocTypeId_r11_v2.xml", "NT_CP_Sample3_r21_v4.xml"):
            continue
        kinds = Counter(one["resourceType"] for one in settle(read(path.read_bytes(), content, ZONE), 1, "p"))
        assert kinds["Condition"] and kinds["Composition"] == 1, path.name
        assert kinds["MedicationStatement"] + kinds["MedicationRequest"], path.name


def test_segmented_documents_keep_their_labels(documents: list[Path], content: CcdaContent) -> None:
    path = next(one for one in documents if one.name == "170.315_b8_ds4p_inp_sample1_v7.xml")
    for resource in settle(read(path.read_bytes(), content, ZONE), 1, "p"):
        if resource["resourceType"] in ("Condition", "MedicationStatement", "DocumentReference", "Composition"):
            codes = {one["code"] for one in resource["meta"]["security"]}
            assert "R" in codes, resource["resourceType"]


def taken_as_it_should_be(path: Path, content: CcdaContent) -> bool:
    wanted = EXPECTED.get(path.name, {})
    try:
        result = read(path.read_bytes(), content, ZONE)
    except Rejected as error:
        assert error.at == wanted["refused"]["at"], path.name
        assert wanted["refused"]["says"] in error.expected
        return False
    assert "refused" not in wanted, path.name
    for one in wanted.get("faults", ()):
        named = [fault for fault in result.faults if one["at"] in fault.at and one["says"] in fault.expected]
        assert named, (path.name, one, [(fault.at, fault.expected) for fault in result.faults])
    return True
