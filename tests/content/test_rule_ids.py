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


@pytest.mark.parametrize("page", sorted(PAGES))
def test_each_rule_of_the_page_has_a_test_that_names_it(page: str, shared: Path) -> None:
    rules = set(re.findall(rf"^\| ({PAGES[page]}-\d+) \|", (shared / "domain" / page).read_text(), re.MULTILINE))
    assert len(rules) >= 10
    known = words_of_tests()
    assert sorted(rule for rule in rules if rule not in known) == []
