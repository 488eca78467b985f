"""The published tests of SQL on FHIR v2, in both places where they are kept."""

from pathlib import Path

import pytest
import yaml
from tests.conformance.sql_on_fhir import pack

pytestmark = pytest.mark.shared

EXCLUSIONS = yaml.safe_load(Path(__file__).with_name("exclusions.yaml").read_text())
TYPES = ("not-ours", "suite-fault", "not-yet", "other-dialect", "r5-only")


def test_every_exclusion_has_a_type_and_a_reason() -> None:
    for entry in EXCLUSIONS:
        assert entry["type"] in TYPES and len(entry["reason"]) > 20 and entry["tests"]


@pytest.mark.parametrize(("copy", "least"), [("v2", 134), ("cases", 100)])
def test_the_suite_passes_but_for_what_is_excluded(shared: Path, copy: str, least: int) -> None:
    excluded = {name for entry in EXCLUSIONS for name in entry["tests"] if name.startswith(f"{copy}/")}
    cases = [one for one in pack.cases(shared) if one.name.startswith(f"{copy}/")]
    differs = {one.name: found for one in cases if (found := pack.difference(one)) is not None}
    assert {name: found for name, found in differs.items() if name not in excluded} == {}
    assert excluded <= differs.keys(), "an excluded test passes now"
    assert len(cases) >= least
    assert (len(cases) - len(differs)) / len(cases) >= 0.95
