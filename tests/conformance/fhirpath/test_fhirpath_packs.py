"""The two published FHIRPath packs: what we pass, and each test that we do not, with its reason."""

from pathlib import Path

import pytest
import yaml
from tests.conformance.fhirpath import r4_pack, yaml_pack

pytestmark = pytest.mark.shared

EXCLUSIONS = yaml.safe_load(Path(__file__).with_name("exclusions.yaml").read_text())
TYPES = ("not-ours", "suite-fault", "not-yet", "other-dialect", "r5-only")


def excluded(pack: str) -> dict[str, str]:
    return {name: entry["type"] for entry in EXCLUSIONS[pack] for name in entry["tests"]}


def is_for_r4(case: yaml_pack.Case) -> bool:
    return case.model in (None, "r4") and not case.is_disabled


def test_every_exclusion_has_a_type_and_a_reason() -> None:
    for pack in ("r4", "yaml"):
        for entry in EXCLUSIONS[pack]:
            assert entry["type"] in TYPES and len(entry["reason"]) > 20 and entry["tests"]


def test_the_r4_pack_passes_but_for_what_is_excluded(shared: Path) -> None:
    cases = r4_pack.cases(shared)
    differs = {one.name: found for one in cases if (found := r4_pack.difference(one, shared)) is not None}
    unexplained = {name: found for name, found in differs.items() if name not in excluded("r4")}
    assert unexplained == {}
    assert excluded("r4").keys() <= differs.keys(), "an excluded test passes now"
    assert len(cases) == 935
    assert (len(cases) - len(differs)) / len(cases) >= 0.97


def test_the_yaml_pack_passes_but_for_what_is_excluded(shared: Path) -> None:
    cases = list(yaml_pack.cases(shared))
    named = excluded("yaml")
    differs = {one.name for one in cases if not is_for_r4(one) or yaml_pack.difference(one) is not None}
    assert differs - named.keys() == set()
    assert named.keys() <= differs, "an excluded test passes now"
    assert len(cases) > 3_000
    ours = [one for one in cases if named.get(one.name) not in ("not-ours", "r5-only", "suite-fault")]
    assert sum(one.name not in differs for one in ours) / len(ours) >= 0.95


def test_names_of_cases_are_unique(shared: Path) -> None:
    for cases in (r4_pack.cases(shared), list(yaml_pack.cases(shared))):
        assert len({one.name for one in cases}) == len(cases)
