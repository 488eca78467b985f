"""Home readings: every case holds, every rule of the domain has one, and the limits are those of its table."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from careloop.catalog import CONTENT, load_catalog, read_yaml
from careloop.engagement.reading import LIMIT, reading_of
from careloop.flows.home_words import words_for
from careloop.monitoring.cases import run_case
from careloop.monitoring.content import monitoring_of
from careloop.monitoring.rules.check_ins import form_faults, forms_for, next_question, outcome, usual_rhythm

HERE = Path(__file__).parent / "monitoring"
FILES = ("thresholds", "edges", "check-ins")
CASES = [case for name in FILES for case in read_yaml((HERE / f"{name}.cases.yaml").read_text())]
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


def alerts_of(case):
    """Each alert of a case with what is said of it."""
    for then in case["then"] if isinstance(case.get("then"), list) else [case.get("then") or {}]:
        yield from then.get("alerts", {}).items()


def test_every_limit_fires_in_a_case(content):
    told = [one for case in CASES for one in alerts_of(case)]
    fired = {row for _, facts in told if isinstance(facts, dict) for row in facts.get("rows", ())}
    alone = {row.id for row in content.all_rows if [one.alert for one in content.all_rows].count(row.alert) == 1}
    by_name = {row.id for row in content.all_rows if row.id in alone and row.alert in {name for name, _ in told}}
    spoken = {"unanswered", "unanswered-again"}
    assert all(
        any(name == "unanswered" and words in str(facts) for name, facts in told)
        for words in ("in a row: 2", "Phone somebody")
    )
    assert {row.id for row in content.all_rows} - fired - by_name - spoken == set()


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
        asked = next_question([form], answers)
        if asked is None:
            found = outcome([form], answers, CHECK_INS["levels"])
            assert found.says
            assert ("911" in found.says) == (found.level >= 2)
            continue
        open_ways += [{**answers, asked.place: answer["id"]} for answer in asked.question["answers"]]


def test_everybody_has_a_form_and_every_form_a_rhythm_that_is_known():
    assert [one["id"] for one in forms_for(CHECK_INS, {"copd", "heart-failure"})] == ["heart-failure", "copd"]
    assert [one["id"] for one in forms_for(CHECK_INS, {"malnutrition-or-older"})] == ["general"]
    rhythms = {one["id"] for one in CHECK_INS["rhythms"]}
    assert {one["rhythm"] for one in CHECK_INS["forms"]} <= rhythms
    assert {one["then"] for one in CHECK_INS["rhythms"] if "then" in one} <= rhythms
    assert usual_rhythm(CHECK_INS, {"diabetes"}, after_discharge=False) == "weekly"
    assert usual_rhythm(CHECK_INS, {"diabetes"}, after_discharge=True) == "after-hospital"


def test_the_ladder_of_silence_leads_to_rows_that_stand(content):
    for rung in CHECK_INS["silence"]:
        assert rung["does"] != "alert" or content.row(rung["row"]) is not None
    for pause in CHECK_INS["pauses"]:
        assert "tells" not in pause or pause["tells"] in content.metrics


def english_of(check_ins):
    """Every text of a check-in that a patient reads."""
    yield from (one["says"] for one in check_ins["levels"])
    yield from (one["plain"] for one in check_ins["rhythms"])
    for one in check_ins["pauses"]:
        yield from (one["says"], one["then"])
    yield from check_ins["texts"].values()
    for form in check_ins["forms"]:
        yield form["title"]
        for question in form["questions"]:
            yield question["asks"]
            yield from (answer["says"] for answer in question["answers"])


def _sentence(text):
    return text if text[-1] in ".?!:" else f"{text}."


@pytest.mark.parametrize("form", CHECK_INS["forms"], ids=lambda form: form["id"])
def test_the_questions_of_a_form_are_easy_to_read(form):
    texts = [
        words
        for question in form["questions"]
        for words in (question["asks"], *(one["says"] for one in question["answers"]))
    ]
    found = reading_of(" ".join(_sentence(text) for text in texts))
    assert found.flesch_kincaid <= LIMIT
    for question in form["questions"]:
        assert len(question["asks"].split()) <= 15


def test_what_happens_and_every_letter_is_easy_to_read():
    texts, letters = CHECK_INS["texts"], ("mail_ask", "mail_remind")
    others = [value for name, value in texts.items() if not name.startswith("mail_")]
    pauses = [words for one in CHECK_INS["pauses"] for words in (one["says"], one["then"])]
    wholes = [" ".join([texts[one], texts["mail_foot"]]) for one in letters]
    wholes += [" ".join(map(_sentence, others)), " ".join(map(_sentence, pauses))]
    wholes += [" ".join(one["says"] for one in CHECK_INS["levels"])]
    for whole in wholes:
        found = reading_of(whole)
        assert found.gated
        assert not found.is_hard, (found.flesch_kincaid, whole)


def test_the_spanish_words_are_all_there_and_nobody_sees_them_before_they_are_reviewed(content):
    spanish = content.languages["es"]
    assert set(english_of(CHECK_INS)) - spanish.words.keys() == set()
    assert spanish.reviewed == ""
    unread = words_for(content, "es-US")
    assert (unread.language, unread.say("Yes"), unread.interpreter[:8]) == ("en", "Yes", "Podemos ")
    read = replace(content, languages={"es": replace(spanish, reviewed="translator, 2026-03-01")})
    assert words_for(read, "es").say("Yes") == "S\u00ed"
    assert words_for(read, "es").next == "Siguiente"
    assert words_for(content, "vi").interpreter == CHECK_INS["texts"]["interpreter"]
    assert words_for(content, "en").interpreter == ""
