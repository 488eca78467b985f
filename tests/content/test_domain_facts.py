"""Our content against the domain's own tables and worked cases, read from `../shared`."""

import csv
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from careloop.catalog import Catalog, load_catalog, read_yaml
from careloop.loops.model import LoopSettings
from careloop.loops.pathways import read_calendar, read_pathways
from careloop.loops.rules.calendar import Calendar, Span, add_business_days, after, start_of
from careloop.loops.rules.episodes import days_between
from careloop.loops.rules.scores import hospital_points, lace_points
from careloop.loops.rules.tcm import TcmFacts, tcm_code

pytestmark = pytest.mark.shared
ZONE = "America/New_York"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


@pytest.fixture(scope="module")
def calendar(catalog: Catalog) -> Calendar:
    return read_calendar(catalog)


@pytest.fixture
def worked(shared: Path) -> Any:
    return read_yaml((shared / "domain" / "cases.yaml").read_text())


def rows(shared: Path, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((shared / "domain" / name).read_text().splitlines()))


def test_the_calendar_has_every_federal_holiday_of_the_domain(shared: Path, calendar: Calendar) -> None:
    domain = {date.fromisoformat(row["observed_date"]): row["holiday"] for row in rows(shared, "federal-holidays.csv")}
    assert calendar.holidays == domain


def test_discharge_statuses_are_those_of_the_domain(shared: Path, catalog: Catalog) -> None:
    words = {"yes": "transition", "no": "none"}
    index = {"eligible": "yes", "not-eligible": "no", "review": "review"}
    known = read_pathways(catalog).dispositions
    for row in rows(shared, "discharge-status.csv"):
        found = known[row["code"]]
        opens = row["opens_transition_episode"]
        assert (found.meaning, found.group) == (row["meaning"], row["group"])
        assert found.follow_up == words.get(opens, opens)
        assert found.chains is (row["chains_stay"] == "yes")
        assert index[found.index] == row["readmission_index_eligible"]


def test_charlson_groups_hold_the_prefixes_and_weights_of_the_domain(shared: Path, catalog: Catalog) -> None:
    ours = {
        (group["id"], prefix, group["weight_1987"], group["weight_2011"])
        for group in catalog.document("risk", "charlson")["groups"]
        for prefix in group["icd10"]
    }
    domain = {
        (row["group"], row["icd10_prefix_no_dot"], int(row["weight_charlson_1987"]), int(row["weight_quan_2011"]))
        for row in rows(shared, "charlson-icd10.csv")
    }
    assert ours == domain


def test_lace_weights_and_bands_are_those_of_the_domain(shared: Path, catalog: Catalog) -> None:
    model = catalog.document("risk", "lace")
    table = rows(shared, "lace.csv")
    weights = sorted(int(row["points"]) for row in table if row["component"].startswith("CW_"))
    assert sorted(group["points"] for group in model["comorbidity_groups"]) == weights
    names = {"L_": "length_of_stay", "C_": "comorbidity", "E_": "emergency_visits"}
    for prefix, name in names.items():
        domain = [(row["lower"], row["upper"], row["points"]) for row in table if row["component"].startswith(prefix)]
        ours = [(str(b["from"]), str(b.get("to", "")), str(b["points"])) for b in model[name]]
        assert ours == domain


def test_contact_is_due_as_worked_out(worked: Any, calendar: Calendar) -> None:
    for case in worked["contact_due"]:
        day, _ = add_business_days(date.fromisoformat(case["discharge_date"]), 2, calendar)
        assert day == date.fromisoformat(case["due_date"]), case


def test_lace_is_as_worked_out(worked: Any, catalog: Catalog) -> None:
    for case in worked["lace"]:
        found = lace_points(
            catalog.document("risk", "lace"),
            midnights=case["midnights"],
            acute=case["acute"],
            comorbidity=case["charlson_lace_sum"],
            ed_visits=case["ed_6m"],
        )
        assert found == case["total"], case


@pytest.mark.parametrize("version", ["2016", "2013"])
def test_hospital_is_as_worked_out(worked: Any, catalog: Catalog, version: str) -> None:
    for case in worked["hospital_score"]:
        flags = {
            "hemoglobin_below": case["hemoglobin"] < 12,
            "sodium_below": case["sodium"] < 135,
            "oncology_service": case["oncology"],
            "procedure": case["procedure"],
            "non_elective": case["urgent"],
        }
        table = catalog.document("risk", f"hospital-{version}")
        found = hospital_points(table, admissions=case["admissions_12m"], los=case["los"], flags=flags)
        assert found == case[f"v{version}"], case


def test_readmission_days_are_as_worked_out(worked: Any) -> None:
    for case in worked["readmission_day"]:
        left = start_of(date.fromisoformat(case["index_discharge"]), ZONE)
        back = start_of(date.fromisoformat(case["readmit"]), ZONE)
        assert days_between(left, back, ZONE) == case["days"]
        assert (days_between(left, back, ZONE) <= 30) is case["within_30"]


def test_tcm_codes_are_as_worked_out(worked: Any, calendar: Calendar) -> None:
    for case in worked["tcm_code"]:
        discharge, contact = (date.fromisoformat(case[name]) for name in ("discharge", "contact"))
        due, _ = add_business_days(discharge, 2, calendar)
        found = tcm_code(
            TcmFacts(
                discharge=discharge,
                contact_met="contact" if contact <= due else None,
                medication_reconciliation=date.fromisoformat(case["medication_reconciliation"]),
                visit=date.fromisoformat(case["visit"]),
                decision_level=case["mdm"],
            ),
            LoopSettings(zone=ZONE).tcm_day_count,
        )
        assert (found.code, list(found.reasons)) == (case["expected"]["code"], case["expected"]["reasons"]), case


def test_home_visits_are_as_worked_out(worked: Any, calendar: Calendar) -> None:
    for case in worked["home_visit"]:
        start = start_of(date.fromisoformat(str(case["discharge"])[:10]), case["zone"])
        hour, minute = map(int, str(case["discharge"])[11:].split(":"))
        start = start.replace(hour=hour, minute=minute)
        for name, hours in (("target", 48), ("limit", 72)):
            due = after(start, Span(amount=hours, unit="hours"), case["zone"], calendar).due
            assert due.isoformat() == case[name]


def test_federal_holidays_follow_the_rule_of_the_law(calendar: Calendar) -> None:
    """5 USC 6103: eleven days a year; on a Saturday observed the Friday before, on a Sunday the Monday after."""
    derived = {_observed(day) for year in range(2025, 2032) for day in _legal_days(year)}
    assert {day for day in derived if calendar.first <= day <= calendar.last} == set(calendar.holidays)


def _observed(day: date) -> date:
    return day + timedelta(days={5: -1, 6: 1}.get(day.weekday(), 0))


def _nth(year: int, month: int, weekday: int, number: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (number - 1))


def _legal_days(year: int) -> list[date]:
    fixed = [date(year, month, day) for month, day in ((1, 1), (6, 19), (7, 4), (11, 11), (12, 25))]
    mondays = [_nth(year, 1, 0, 3), _nth(year, 2, 0, 3), _nth(year, 9, 0, 1), _nth(year, 10, 0, 2)]
    memorial = date(year, 5, 31) - timedelta(days=date(year, 5, 31).weekday())
    return [*fixed, *mondays, memorial, _nth(year, 11, 3, 4)]
