"""Every rule id of a domain page is named where it is tested: in a case file, or in a test of the whole product."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGES = {
    "assessments.md": "AS", "medications.md": "ME", "monitoring.md": "MO", "referrals.md": "RF", "results.md": "RE",
}  # fmt: skip


def words_of_tests() -> str:
    kinds = ("*.py", "*.yaml")
    return "\n".join(path.read_text() for kind in kinds for path in TESTS.rglob(kind) if path != Path(__file__))


CORE = Path(__file__).parents[2] / "docs" / "clinical-core.md"


def test_the_walk_of_the_clinical_core_names_each_rule_and_files_that_stand(shared: Path) -> None:
    told = CORE.read_text(encoding="utf-8")
    for page in ("assessments.md", "medications.md", "monitoring.md"):
        rules = re.findall(rf"^\| ({PAGES[page]}-\d+) \|", (shared / "domain" / page).read_text(), re.MULTILINE)
        assert [rule for rule in rules if rule not in told] == []
    known = {path.name for path in TESTS.rglob("*.*")}
    assert {name for name in re.findall(r"[\w-]+\.(?:py|yaml)\b", told) if name.startswith("test_")} - known == set()


@pytest.mark.parametrize("page", sorted(PAGES))
def test_each_rule_of_the_page_has_a_test_that_names_it(page: str, shared: Path) -> None:
    rules = set(re.findall(rf"^\| ({PAGES[page]}-\d+) \|", (shared / "domain" / page).read_text(), re.MULTILINE))
    assert len(rules) >= 10
    known = words_of_tests()
    assert sorted(rule for rule in rules if rule not in known) == []
