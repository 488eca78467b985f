"""Every case of the safety tables and of adherence holds; every rule id of this side has one."""

import re
from pathlib import Path

import pytest

from careloop.catalog import load_catalog, read_yaml
from careloop.medications import cases, reconciliation_cases
from careloop.medications.adherence import rules_of
from careloop.medications.rules.reconciling.values import Difference
from careloop.medications.rules.singles import is_high_alert
from careloop.medications.safety_content import safety_of

FOLDER = Path(__file__).parent / "medications"
CASES = [
    case for path in sorted(FOLDER.glob("*.cases.yaml")) for case in read_yaml(path.read_text()) if cases.is_case(case)
]


LISTS = read_yaml((FOLDER / "reconciliation.cases.yaml").read_text())


@pytest.fixture(scope="module")
def safety():
    """The tables that ship."""
    return safety_of(load_catalog())


@pytest.fixture(scope="module")
def measure():
    """What a measure asks for, as it ships."""
    return rules_of(load_catalog()).measure


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"][:60])
def test_the_case_holds(case, safety, measure):
    assert [fault.expected for fault in cases.run_case(case, safety, measure)] == []


def test_every_rule_and_worked_case_of_this_side_has_a_case():
    told = " ".join(case["case"] for case in CASES)
    wanted = {"ME-03", "ME-08", "ME-09", "ME-10", "ME-11", "ME-12", "Section 3"}
    assert {one for one in wanted if one not in told} == set()
    numbers = {int(found[1]) for case in CASES if (found := re.match(r"(\d+)\. ", case["case"]))}
    assert numbers >= set(range(3, 17))


@pytest.mark.parametrize("table", ["beers", "renal", "pregnancy", "duplicates"])
def test_every_row_of_a_table_fires_in_a_case(table):
    fired = {rule for case in CASES for rule in case.get("finds", ())}
    rows = {row["id"] for row in load_catalog().documents("medications")[table]["rows"]}
    assert rows - fired <= {"B33"}, "B33 takes all others away: its case finds none"


def test_every_member_of_a_high_alert_group_is_known_as_one(safety):
    for row in load_catalog().documents("medications")["high-alert"]["rows"]:
        for side in row["members"].split("|"):
            masks = [safety.mask_of([name]) for name in safety.drugs.classes.get(side, [side])]
            assert masks and all(is_high_alert(safety, mask) for mask in masks), side
    assert not is_high_alert(safety, safety.mask_of(["amlodipine"]))


def test_a_wrong_case_is_told(safety, measure):
    wrong = {"case": "x", "takes": {"a": {"medicine": "Lisinopril 10 mg tablet"}}, "finds": {"SV01": "major"}}
    assert cases.run_case(wrong, safety, measure)
    assert cases.run_case({"case": "x", "takes": {"a": {}}, "finds": {}}, safety, measure)


@pytest.mark.parametrize("case", LISTS, ids=lambda case: case["case"][:60])
def test_the_lists_come_out_so(case, safety):
    assert [fault.expected for fault in reconciliation_cases.run_case(case, safety.drugs)] == []


def test_every_kind_of_difference_of_two_lists_has_a_case(safety):
    kinds = {kind for case in LISTS for row in case["rows"].values() for kind in row.get("kinds", ())}
    by_rules = {kind for case in CASES for kind in case.get("kinds", {}).values()}
    assert {one.value for one in Difference} - {"allergy"} <= kinds | by_rules
    assert any(rule.startswith("AL") for case in CASES for rule in case.get("finds", ()))
    wrong = {**LISTS[1], "rows": {"lisinopril": {"group": "same"}}}
    assert reconciliation_cases.run_case(wrong, safety.drugs)
