"""Home readings: every case holds, every rule of the domain has one, and the limits are those of its table."""

import csv
from pathlib import Path

import pytest

from careloop.catalog import CONTENT, load_catalog, read_yaml
from careloop.monitoring.cases import run_case
from careloop.monitoring.content import monitoring_of
from careloop.monitoring.rules.check_ins import form_faults, form_for, next_question, outcome

CASES = read_yaml((Path(__file__).parent / "monitoring" / "thresholds.cases.yaml").read_text())
THRESHOLDS = read_yaml((CONTENT / "monitoring" / "thresholds.yaml").read_text())
CHECK_INS = read_yaml((CONTENT / "monitoring" / "check-ins.yaml").read_text())


@pytest.fixture(scope="module")
def content():
    return monitoring_of(load_catalog())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_the_case_holds(case, content):
    assert [fault.expected for fault in run_case(case, content)] == []


def test_a_case_that_is_not_true_is_reported(content):
    wrong = {**CASES[0], "then": {**CASES[0]["then"], "alerts": {"weight-gain": {"tier": "red"}}}}
    assert run_case(wrong, content)[0].expected.startswith("at ")


def test_every_worked_case_and_rule_of_the_domain_has_a_case():
    told = " ".join(case["case"] for case in CASES)
    missing = [f"MO-{number:02}" for number in range(1, 15) if f"MO-{number:02}" not in told]
    assert missing == []
    assert [number for number in range(1, 14) if f"{number}: " not in told] == []


def test_the_limits_are_those_of_the_domain_row_by_row(shared):
    with (shared / "domain" / "monitoring-thresholds.csv").open(encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    ours = [row for row in THRESHOLDS["rows"] if "domain" in row]
    assert len(ours) == len(table)
    for row, told in zip(ours, table, strict=True):
        domain = row["domain"]
        for name in ("metric", "condition", "threshold", "window", "confirm", "notes", "mark"):
            assert domain.get(name, "") == told[name], (row["id"], name)
        assert row["tier"] == told["tier"]


def test_metrics_have_the_codes_and_units_of_the_domain(shared, content):
    with (shared / "domain" / "monitoring-thresholds.csv").open(encoding="utf-8") as file:
        table = [row for row in csv.DictReader(file) if row["loinc"]]
    by_name = {row["domain"]["metric"]: row["metric"] for row in THRESHOLDS["rows"] if "domain" in row}
    for row in table:
        metric = content.metrics[by_name[row["metric"]]]
        assert f"http://loinc.org|{row['loinc']}" in metric.codes
        assert metric.unit == row["unit_ucum"] or row["unit_ucum"] == "points"


def test_nothing_is_reviewed_until_a_clinician_signs(content):
    assert [row.id for row in content.all_rows if row.reviewed] == []


@pytest.mark.parametrize("form", CHECK_INS["forms"], ids=lambda form: form["id"])
def test_every_way_through_a_check_in_ends_and_says_what_happens(form):
    assert form_faults(form) == []
    open_ways = [{}]
    while open_ways:
        answers = open_ways.pop()
        question = next_question(form, answers)
        if question is None:
            found = outcome(form, answers, CHECK_INS["levels"])
            assert found.says
            assert ("911" in found.says) == (found.level >= 2)
            continue
        open_ways += [{**answers, question["id"]: answer["id"]} for answer in question["answers"]]


def test_a_form_is_chosen_by_what_the_patient_lives_with():
    assert form_for(CHECK_INS, {"copd"})["id"] == "copd"
    assert form_for(CHECK_INS, {"hypertension"})["id"] == "general"
