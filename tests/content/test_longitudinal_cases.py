"""The cases of folding and contradictions hold, and every contradiction rule has one that finds it."""

from pathlib import Path
from typing import Any

import pytest

from careloop.catalog import load_catalog, read_yaml
from careloop.longitudinal import cases
from careloop.longitudinal.content import Longitudinal, longitudinal_of

HERE = Path(__file__).parent
CASES = [
    case
    for name in ("folding/folding", "contradictions/contradictions")
    for case in read_yaml((HERE / f"{name}.cases.yaml").read_text(encoding="utf-8"))
]


@pytest.fixture(scope="module")
def content() -> Longitudinal:
    return longitudinal_of(load_catalog())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_a_case_is_so_in_whatever_order_the_facts_came(case: dict[str, Any], content: Longitudinal) -> None:
    assert [fault.expected for fault in cases.run_case(case, content)] == []


def test_every_rule_is_found_by_a_case(content: Longitudinal) -> None:
    found = {rule for case in CASES for rule in case.get("finds", ())}
    assert set(content.contradictions) == found


def test_a_case_that_is_not_so_is_reported(content: Longitudinal) -> None:
    facts = {"a": {"allergy": "Latex"}, "b": {"allergy": "Latex"}}
    [fault] = cases.run_case({"case": "wrong", "facts": facts, "together": []}, content)
    assert fault.expected == "together [], it is [['a', 'b']]"
