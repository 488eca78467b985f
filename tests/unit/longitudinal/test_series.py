"""Results of one test as series: units that measure the same are one line, others never."""

from datetime import UTC, datetime
from typing import Any

from careloop.longitudinal import Fact, Matter
from careloop.longitudinal.rules.series import Series, series_of


def result(day: str, value: str = "", unit: str = "mg/dL", **more: Any) -> Matter:
    quantity = {"valueQuantity": {"value": value, "unit": unit, "code": unit}} if value else {}
    resource = {
        "resourceType": "Observation",
        "id": f"at-{day}",
        "code": {"coding": [{"system": "http://loinc.org", "code": "2345-7"}], "text": "Glucose"},
        "effectiveDateTime": day,
        **quantity,
        **more,
    }
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Matter(shown=Fact(type="Observation", id=resource["id"], version=1, recorded=at, resource=resource))


def drawn(series: Series) -> list[str]:
    return [str(one.value) for one in series.drawn]


def test_units_of_one_measure_are_one_series_in_the_unit_of_the_newest() -> None:
    [one] = series_of([result("2026-01-01", "0.9", "g/L"), result("2026-03-01", "110"), result("2026-02-01", "95")])
    assert one.unit == "mg/dL"
    assert [float(each) for each in drawn(one)] == [90.0, 95.0, 110.0]
    assert [each.told for each in one.points] == ["0.9 g/L", "95 mg/dL", "110 mg/dL"]


def test_mass_and_amount_are_never_one_line() -> None:
    newest, other = series_of([result("2026-01-01", "90"), result("2026-02-01", "5.5", "mmol/L")])
    assert (newest.unit, other.unit) == ("mmol/L", "mg/dL")
    assert newest.key != other.key


def test_a_unit_that_is_none_stays_as_written() -> None:
    units = {one.unit for one in series_of([result("2026-01-01", "3", "plus"), result("2026-02-01", "4", "crosses")])}
    assert units == {"plus", "crosses"}


def test_a_limit_is_told_and_not_drawn() -> None:
    less = {"valueQuantity": {"value": "40", "comparator": "<", "unit": "mg/dL", "code": "mg/dL"}}
    [one] = series_of([result("2026-01-01", "90"), result("2026-02-01", **less)])
    assert drawn(one) == ["90"]
    assert one.newest.told == "<40 mg/dL"


def test_each_part_of_a_blood_pressure_is_a_series() -> None:
    parts = [
        {"code": {"coding": [{"code": code}], "text": name}, "valueQuantity": {"value": value, "code": "mm[Hg]"}}
        for code, name, value in (("8480-6", "Systolic", "150"), ("8462-4", "Diastolic", "85"))
    ]
    found = {one.name: drawn(one) for one in series_of([result("2026-01-01", component=parts)])}
    assert found == {"Systolic": ["150"], "Diastolic": ["85"]}


def test_the_laboratory_speaks_first_then_the_range_in_whatever_unit() -> None:
    usual = [{"low": {"value": "0.7", "code": "g/L"}, "high": {"value": "1.0", "code": "g/L"}}]
    by_range = series_of([result("2026-01-01", "130", referenceRange=usual)])[0].newest
    assert (by_range.flag, float(by_range.low or 0), float(by_range.high or 0)) == ("high", 70.0, 100.0)
    called = [{"coding": [{"code": "N"}]}]
    said = series_of([result("2026-01-01", "130", referenceRange=usual, interpretation=called)])[0].newest
    assert said.flag == ""
    for code, flag in (("HH", "critical"), ("L", "low"), ("A", "abnormal")):
        called = [{"coding": [{"code": code}]}]
        assert series_of([result("2026-01-01", "90", interpretation=called)])[0].newest.flag == flag


def test_words_are_a_series_without_a_line_and_the_order_of_arrival_does_not_matter() -> None:
    told = [result("2026-01-01", valueString="trace"), result("2026-02-01", valueString="none")]
    [one] = series_of(told)
    assert (one.unit, drawn(one), [each.told for each in one.points]) == ("", [], ["trace", "none"])
    assert series_of(told[::-1]) == [one]
    assert series_of([]) == []
