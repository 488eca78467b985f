"""How far steps of a plan are kept to, and whose matter it is (features 20); which plans fit."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from careloop.careplans.content import planning_of
from careloop.careplans.model import Done, Interval, Whose
from careloop.careplans.rules.adherence import adherence, by_whose
from careloop.careplans.rules.merging import merge
from careloop.careplans.rules.suggesting import fitting
from careloop.catalog import load_catalog

PLANNING = planning_of(load_catalog())
[WEIGHT] = [one for one in merge(PLANNING, ["heart-failure"]).activities if one.does == "monitor/weight"]
SINCE, UNTIL = date(2026, 11, 1), date(2026, 11, 30)


def done(*days: int) -> list[Done]:
    return [Done(does=WEIGHT.does, on=date(2026, 11, day)) for day in days]


def test_a_day_counts_once_and_only_within() -> None:
    found = adherence(WEIGHT, SINCE, UNTIL, [*done(1, 1, 2, 3), Done(does=WEIGHT.does, on=SINCE - timedelta(days=1))])
    assert (found.expected, found.done, found.rate) == (29, 3, Decimal(3) / 29)


def test_nothing_told_is_nothing_done_only_where_something_would_show_it() -> None:
    assert adherence(WEIGHT, SINCE, UNTIL, []).rate == 0
    unseen = replace(WEIGHT, loinc=None)
    assert adherence(unseen, SINCE, UNTIL, []).rate is None
    assert adherence(replace(WEIGHT, every=Interval(2, "month")), SINCE, UNTIL, []).rate is None


def test_reasons_are_counted_by_whose_matter_they_are() -> None:
    told = [
        Done(does=WEIGHT.does, on=SINCE, reason="forgot"),
        Done(does=WEIGHT.does, on=UNTIL, reason="forgot"),
        Done(does=WEIGHT.does, on=date(2026, 11, 5), reason="no-device"),
        Done(does=WEIGHT.does, on=date(2026, 11, 6), reason="not-called"),
    ]
    found = adherence(WEIGHT, SINCE, UNTIL, told)
    assert by_whose(PLANNING, [found]) == {Whose.PATIENT: 2, Whose.PRACTICE: 1, Whose.SYSTEM: 1}


def test_plans_fit_by_code_and_icd_by_prefix() -> None:
    icd = "http://hl7.org/fhir/sid/icd-10-cm|"
    assert fitting(PLANNING, [f"{icd}I50.22", f"{icd}E11.9"], []) == ("diabetes", "heart-failure")
    assert fitting(PLANNING, [f"{icd}I50.22"], ["heart-failure"]) == ()
    assert fitting(PLANNING, ["http://snomed.info/sct|44054006"], []) == ("diabetes",)
    assert fitting(PLANNING, ["http://snomed.info/sct|440540067"], []) == ()
