"""Items fit, are in words a person can read, and count as understood only by a right answer."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from careloop.careplans.content import planning_of
from careloop.catalog import load_catalog
from careloop.engagement.education import Answer, fitting, items_of, standing_of, words_in
from careloop.engagement.reading import LIMIT, reading_of

CATALOG = load_catalog()
ITEMS = items_of(CATALOG)
WEIGHT = ITEMS["heart-failure-weight"]
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize("item", ITEMS.values(), ids=ITEMS)
def test_every_text_can_be_read_in_sixth_grade(item) -> None:
    for words in item.words:
        told = [*words.body, words.ask, *(one.text for one in words.choices)]
        said = [one.say for one in words.choices if one.say]
        for text in (" ".join(words.body), " ".join(told), " ".join(said)):
            grades = reading_of(text)
            assert grades is not None and grades.flesch_kincaid <= LIMIT and grades.smog <= LIMIT + 1, text


def test_every_item_serves_a_plan_that_there_is_and_every_problem_plan_has_one() -> None:
    plans = set(planning_of(CATALOG).templates)
    assert {plan for one in ITEMS.values() for plan in one.plans} <= plans
    served = {plan for one in ITEMS.values() for plan in one.plans}
    assert plans - served == {"advance-care-planning", "social-needs"}


def test_items_fit_by_problem_or_plan() -> None:
    found = fitting(ITEMS, ["http://hl7.org/fhir/sid/icd-10-cm|J44.1"], ["ckd"])
    assert [one.id for one in found] == ["inhaler-use", "kidney-safe-pain-pills"]
    assert fitting(ITEMS, [], []) == []


def test_a_translation_is_given_only_where_it_was_reviewed() -> None:
    english = WEIGHT.words[0]
    spanish = replace(english, language="es", title="Pésese cada día")
    draft = replace(WEIGHT, words=(english, spanish))
    assert words_in(draft, "es-US") == (english, False)
    good = replace(WEIGHT, words=(english, replace(spanish, reviewed="Ana Ruiz, 2026-10-01")))
    assert words_in(good, "es")[0].language == "es"
    assert words_in(WEIGHT, "en-US") == (english, True)


def test_the_last_answer_counts_and_old_misunderstandings_are_remembered() -> None:
    def answers(*chosen: str) -> list[Answer]:
        return [Answer(item=WEIGHT.id, choice=one, at=NOON + timedelta(days=day)) for day, one in enumerate(chosen)]

    assert standing_of(WEIGHT, [], [], []).understood is False
    wrong = standing_of(WEIGHT, [NOON], [NOON], answers("call", "wait"))
    assert (wrong.understood, wrong.last_wrong and wrong.last_wrong.id) == (False, "wait")
    right = standing_of(WEIGHT, [NOON], [], answers("wait", "eat-less", "call"))
    assert right.understood and right.last_wrong is None and [one.id for one in right.wrong] == ["eat-less", "wait"]
    other = [Answer(item="else", choice="call", at=NOON)]
    assert standing_of(WEIGHT, [], [], other).answered is None
