"""Results by their content: critical values (RC-01 to RC-07), further steps, windows (RE-01 to RE-10), nodules."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careloop.catalog import load_catalog
from careloop.loops.pathways import read_calendar
from careloop.loops.rules.abnormal import clock_of, closes, kinds_of, row_for, satisfies
from careloop.loops.rules.calendar import after
from careloop.loops.rules.critical import (
    Acknowledged,
    Judged,
    Verdict,
    answer,
    in_age_group,
    judge,
    missing_in_report,
    needs_page,
)
from careloop.loops.rules.findings import SEVERITY, findings, worst
from careloop.loops.rules.nodules import Nodule, advise, size_of
from careloop.loops.rules.result_tables import parse_tables, tables_of
from careloop.loops.rules.result_windows import (
    group_of,
    is_test,
    matches,
    review_span,
    tell_span,
)

CATALOG = load_catalog()
DOCUMENTS = CATALOG.documents("results")
TABLES = parse_tables(DOCUMENTS)
CALENDAR = read_calendar(CATALOG)
ZONE = "America/New_York"
NEW_YORK = ZoneInfo(ZONE)
LOINC = "http://loinc.org"
GROWN = date(1960, 5, 1)


def lab(code: str, value: Any, unit: str = "", *, comparator: str = "", **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": code}]},
        "effectiveDateTime": "2026-06-05T18:40:00-04:00",
        "issued": "2026-06-05T19:10:00-04:00",
        **more,
    }
    if isinstance(value, int | float | Decimal):
        found["valueQuantity"] = {"value": value} | ({"code": unit} if unit else {})
        found["valueQuantity"] |= {"comparator": comparator} if comparator else {}
    elif value is not None:
        found["valueString"] = value
    return found


def judged(*args: Any, born: date | None = GROWN, **more: Any) -> Judged:
    return judge(lab(*args, **more), TABLES.critical, born)


def flag(code: str) -> list[dict[str, Any]]:
    return [
        {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", "code": code}]}
    ]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


class TestLimits:
    """RC-03: strict limits, in any unit."""

    @pytest.mark.parametrize(
        ("code", "unit", "inside_low", "outside_low", "inside_high", "outside_high"),
        [
            ("2823-3", "mmol/L", 2.8, 2.79, 6.2, 6.21),
            ("2951-2", "mmol/L", 120, 119.9, 160, 160.1),
            ("2345-7", "mg/dL", 50, 49.9, 500, 500.1),
            ("17861-6", "mg/dL", 6.5, 6.49, 13.0, 13.01),
            ("19123-9", "mg/dL", 1.0, 0.99, 4.9, 4.91),
            ("2777-1", "mg/dL", 1.0, 0.99, None, None),
            ("2028-9", "mmol/L", 10, 9.9, 40, 40.1),
            ("3094-0", "mg/dL", None, None, 100, 100.1),
            ("2160-0", "mg/dL", None, None, 7.4, 7.41),
            ("718-7", "g/dL", 7.0, 6.99, 20, 20.1),
            ("4544-3", "%", 20, 19.9, 60, 60.1),
            ("777-3", "10*3/uL", 20, 19.9, 1000, 1000.1),
            ("6690-2", "10*3/uL", 1.0, 0.99, 50, 50.1),
            ("751-8", "10*3/uL", 0.5, 0.49, None, None),
            ("6301-6", "{INR}", None, None, 5.0, 5.01),
            ("5902-2", "s", None, None, 50, 50.1),
            ("14979-9", "s", None, None, 100, 100.1),
            ("10535-3", "ng/mL", None, None, 2.0, 2.01),
            ("14334-7", "mmol/L", None, None, 1.5, 1.51),
            ("4049-3", "ug/mL", None, None, 20, 20.1),
            ("3968-5", "ug/mL", None, None, 30, 30.1),
            ("2744-1", "[pH]", 7.20, 7.19, 7.60, 7.61),
            ("2019-8", "mm[Hg]", 20, 19.9, 70, 70.1),
            ("2703-7", "mm[Hg]", 45, 44.9, None, None),
            ("2524-7", "mmol/L", None, None, 4.0, 4.01),
        ],
    )
    def test_a_limit_itself_is_not_critical_and_what_lies_beyond_is(
        self, code, unit, inside_low, outside_low, inside_high, outside_high
    ):
        for value in (inside_low, inside_high):
            if value is not None:
                assert judged(code, value, unit).verdict is Verdict.NOT_CRITICAL
        for value, direction in ((outside_low, "low"), (outside_high, "high")):
            if value is not None:
                found = judged(code, value, unit)
                assert (found.verdict, found.direction) == (Verdict.CRITICAL, direction)

    def test_every_row_of_the_table_has_a_test_here_or_below(self):
        rows = {row["loinc"] for row in DOCUMENTS["critical-values"]["rows"]}
        marks = TestLimits.test_a_limit_itself_is_not_critical_and_what_lies_beyond_is.pytestmark
        limits = {one[0] for mark in marks for one in mark.args[1]}
        assert rows - limits == {"6598-7", "600-7", "606-4", "1975-2"}

    @pytest.mark.parametrize(
        ("code", "value", "unit", "critical"),
        [
            ("2345-7", 28, "mmol/L", True),
            ("2345-7", 2.6, "mmol/L", True),
            ("2345-7", 5.0, "mmol/L", False),
            ("14749-6", 2.6, "mmol/L", True),
            ("2823-3", 6.4, "mEq/L", True),
            ("2823-3", 4.4, "meq/L", False),
            ("17861-6", 6.0, "meq/L", False),
            ("17861-6", 3.0, "meq/L", True),
            ("2160-0", 700, "umol/L", True),
            ("2160-0", 90, "umol/L", False),
            ("777-3", 15, "K/uL", True),
            ("777-3", 15000, "/uL", True),
            ("777-3", 150, "10*9/L", False),
            ("4544-3", 0.18, "L/L", True),
            ("718-7", 65, "g/L", True),
            ("6301-6", 5.4, "1", True),
            ("2019-8", 10, "kPa", True),
        ],
    )
    def test_units_are_converted(self, code, value, unit, critical):
        assert (judged(code, value, unit).verdict is Verdict.CRITICAL) is critical

    def test_case_3_glucose_in_millimoles_is_low_at_46_8(self):
        found = judged("2345-7", 2.6, "mmol/L")
        assert (found.verdict, found.direction) == (Verdict.CRITICAL, "low")
        assert found.value is not None
        assert round(found.value, 1) == Decimal("46.8")

    def test_a_unit_that_nobody_can_convert_cannot_be_decided(self):
        found = judged("2823-3", 4.1, "bottles")
        assert (found.verdict, found.flag, found.pages) == (Verdict.CANNOT_DECIDE, "unit", True)

    def test_without_a_unit_only_a_number_that_would_be_critical_pages(self):
        assert judged("2823-3", 6.9).flag == "unit"
        assert judged("2823-3", 4.1).verdict is Verdict.NOT_CRITICAL

    def test_a_text_in_place_of_a_number_cannot_be_decided_but_one_still_to_come_pages_nobody(self):
        assert judged("2823-3", "see comment").flag == "text"
        assert judged("2823-3", "specimen hemolyzed").verdict is Verdict.NOT_CRITICAL
        assert judged("2823-3", None).verdict is Verdict.NOT_CRITICAL

    def test_a_number_written_as_text_counts(self):
        assert judged("6301-6", ">5.5").verdict is Verdict.CRITICAL
        assert judged("6301-6", "2.1").verdict is Verdict.NOT_CRITICAL

    def test_a_test_that_is_in_no_row_is_not_judged(self):
        assert judged("9999-9", 5, "mg/dL").verdict is Verdict.NO_ROW


class TestComparators:
    """RC-03: `<x` with x at or under the low limit is critical, `>x` with x at or over the high one; else undecided."""

    @pytest.mark.parametrize(
        ("comparator", "value", "verdict"),
        [
            ("<", 1.0, Verdict.CRITICAL),
            ("<", 0.8, Verdict.CRITICAL),
            ("<", 1.1, Verdict.CANNOT_DECIDE),
            ("<=", 1.0, Verdict.CANNOT_DECIDE),
            ("<=", 0.9, Verdict.CRITICAL),
            (">", 4.9, Verdict.CRITICAL),
            (">", 5.5, Verdict.CRITICAL),
            (">", 4.8, Verdict.CANNOT_DECIDE),
            (">=", 4.9, Verdict.CANNOT_DECIDE),
            (">=", 5.0, Verdict.CRITICAL),
            (">", 0.5, Verdict.CANNOT_DECIDE),
        ],
    )
    def test_of_magnesium(self, comparator, value, verdict):
        assert judged("19123-9", value, "mg/dL", comparator=comparator).verdict is verdict

    def test_a_side_without_a_limit_cannot_be_critical(self):
        assert judged("10535-3", 0.2, "ng/mL", comparator="<").verdict is Verdict.NOT_CRITICAL
        assert judged("2777-1", 9, "mg/dL", comparator=">").verdict is Verdict.NOT_CRITICAL

    def test_case_14_above_6_0_with_a_limit_of_6_2_cannot_be_decided_and_pages(self):
        found = judged("2823-3", 6.0, "mmol/L", comparator=">")
        assert (found.verdict, found.flag, found.pages) == (Verdict.CANNOT_DECIDE, "comparator", True)
        words = findings(lab("2823-3", 6.0, "mmol/L", comparator=">"), birth_date=GROWN, tables=DOCUMENTS)
        assert (words["finding"], words["flag"]) == ("cannot-decide", "comparator")

    @given(value=st.decimals("0.01", "20", places=2))
    def test_a_comparator_never_makes_a_value_less_urgent_than_what_it_surely_is(self, value):
        """`<x` lies below x: where x is critically low it is; where every smaller value is harmless it is not."""
        for code, unit in (("19123-9", "mg/dL"), ("2823-3", "mmol/L"), ("10535-3", "ng/mL")):
            plain, less = judged(code, value, unit), judged(code, value, unit, comparator="<")
            more = judged(code, value, unit, comparator=">")
            assert less.pages or plain.direction != "low"
            assert more.pages or plain.direction != "high"


class TestAges:
    """RC-07."""

    def test_a_child_is_not_measured_by_an_adult_row(self):
        found = judged("2823-3", 6.9, "mmol/L", born=date(2020, 1, 1))
        assert (found.verdict, found.flag, found.pages) == (Verdict.NO_RANGE_FOR_AGE, "age", False)

    def test_the_day_of_the_eighteenth_birthday_is_adult(self):
        assert judged("2823-3", 6.9, "mmol/L", born=date(2008, 6, 5)).pages
        assert not judged("2823-3", 6.9, "mmol/L", born=date(2008, 6, 6)).pages

    def test_bilirubin_is_for_the_first_28_days(self):
        assert judged("1975-2", 18.1, "mg/dL", born=date(2026, 5, 9)).pages
        assert not judged("1975-2", 18.0, "mg/dL", born=date(2026, 6, 1)).pages
        assert judged("1975-2", 18.1, "mg/dL", born=date(2026, 5, 8)).verdict is Verdict.NO_RANGE_FOR_AGE

    def test_without_a_birth_date_the_row_is_used_and_says_so(self):
        found = judged("2823-3", 6.9, "mmol/L", born=None)
        assert (found.pages, found.flag) == (True, "age")

    def test_a_culture_has_no_age(self):
        assert judged("600-7", "Growth of S. aureus", born=date(2026, 6, 1)).verdict is Verdict.CRITICAL

    def test_the_laboratory_s_own_word_counts_where_no_row_does(self):
        found = judged("2823-3", 6.9, "mmol/L", born=date(2020, 1, 1), interpretation=flag("HH"))
        assert (found.verdict, found.minutes, found.flag) == (Verdict.CRITICAL, 60, "age")
        other = judged("9999-9", 6.9, "mmol/L", interpretation=flag("LL"))
        assert (other.verdict, other.direction, other.flag) == (Verdict.CRITICAL, "low", "laboratory")

    @given(born=st.dates(date(1930, 1, 1), date(2026, 6, 5)), day=st.dates(date(2026, 6, 5), date(2030, 1, 1)))
    def test_everybody_is_in_exactly_one_of_neonate_child_and_adult(self, born, day):
        ages = [row.age for rows in TABLES.critical.rows.values() for row in rows if row.age.id != "any"]
        named = {age.id: age for age in ages}
        child = {"from_days": 28, "below_years": 18}
        assert DOCUMENTS["critical-values"]["age_groups"][1] == {"id": "child", **child, "mark": "P"}
        is_child = (day - born).days >= 28 and not in_age_group(named["adult"], born, day)
        assert [in_age_group(named["neonate"], born, day), is_child, in_age_group(named["adult"], born, day)].count(
            True
        ) == 1


class TestCultures:
    @pytest.mark.parametrize(
        ("text", "verdict"),
        [
            ("No growth after 5 days", Verdict.NOT_CRITICAL),
            ("Positive for Staphylococcus aureus", Verdict.CRITICAL),
            ("Gram negative rods", Verdict.CRITICAL),
            ("Coagulase negative staphylococcus isolated", Verdict.CRITICAL),
            ("Gram positive cocci in clusters; no yeast seen", Verdict.CRITICAL),
            ("Culture in progress", Verdict.NOT_CRITICAL),
            ("No organisms seen", Verdict.NOT_CRITICAL),
            ("Escherichia coli", Verdict.CANNOT_DECIDE),
            ("", Verdict.NOT_CRITICAL),
        ],
    )
    def test_in_words(self, text, verdict):
        assert judged("600-7", text).verdict is verdict

    def test_codes_and_flags_speak_before_words(self):
        coded = lab("606-4", None) | {
            "valueCodeableConcept": {"coding": [{"system": "http://snomed.info/sct", "code": "10828004"}]}
        }
        assert judge(coded, TABLES.critical, GROWN).verdict is Verdict.CRITICAL
        coded["valueCodeableConcept"]["coding"][0]["code"] = "260385009"
        assert judge(coded, TABLES.critical, GROWN).verdict is Verdict.NOT_CRITICAL
        assert judged("600-7", "see report", interpretation=flag("POS")).verdict is Verdict.CRITICAL

    def test_troponin_above_the_range_of_the_laboratory_has_30_minutes(self):
        high = [{"high": {"value": 0.014, "code": "ng/mL"}}]
        found = judged("6598-7", 0.05, "ng/mL", referenceRange=high)
        assert (found.verdict, found.tier, found.minutes) == (Verdict.CRITICAL, "red", 30)
        assert judged("6598-7", 0.014, "ng/mL", referenceRange=high).verdict is Verdict.NOT_CRITICAL
        assert judged("6598-7", 0.01, "ng/mL", comparator="<", referenceRange=high).verdict is Verdict.NOT_CRITICAL
        assert judged("6598-7", 0.05, "ng/mL").flag == "range"
        assert judged("6598-7", 0.05, "ng/mL", interpretation=flag("H")).verdict is Verdict.CRITICAL
        assert judged("6598-7", 0.05, "ng/mL", interpretation=flag("N")).verdict is Verdict.NOT_CRITICAL


class TestClock:
    """RC-01, RC-02, RC-05, RC-06."""

    def test_case_1_a_friday_evening_with_the_clinic_closed(self):
        available, now = at("2026-06-05T19:10"), at("2026-06-06T08:00")
        found = judged("2823-3", 6.4, "mmol/L")
        assert found.minutes == 60
        told = answer(available, found.minutes, at("2026-06-05T19:55"), now, TABLES.critical)
        assert (told.due, told.met, told.minutes) == (at("2026-06-05T20:10"), True, 45)
        assert [(page.at, page.who) for page in told.paged] == [(at("2026-06-05T19:40"), "backup")]
        assert missing_in_report(told_by="Lab", told_to="Dr. Osei", at=now, verbal=True, read_back=True) == []

    def test_not_acknowledged_pages_the_backup_then_the_one_on_call_then_the_patient(self):
        available = at("2026-06-06T23:30")
        late = answer(available, 60, None, at("2026-06-07T02:00"), TABLES.critical)
        assert [(page.at - available, page.who) for page in late.paged] == [
            (timedelta(minutes=30), "backup"),
            (timedelta(minutes=60), "on-call"),
            (timedelta(minutes=90), "patient"),
        ]
        assert (late.met, late.minutes) == (False, None)

    def test_the_clock_runs_until_it_is_met_or_over(self):
        available = at("2026-06-07T03:00")
        assert answer(available, 30, None, at("2026-06-07T03:10"), TABLES.critical).met is None
        assert answer(available, 30, None, at("2026-06-07T03:30"), TABLES.critical).met is None
        assert answer(available, 30, at("2026-06-07T03:30"), at("2026-06-07T04:00"), TABLES.critical).met is True
        assert answer(available, 30, at("2026-06-07T03:31"), at("2026-06-07T04:00"), TABLES.critical).met is False

    def test_tiers_and_their_minutes(self):
        assert TABLES.critical.tiers == {"red": 60, "orange": 480, "yellow": 4320}
        assert judged("3094-0", 120, "mg/dL").minutes == 480
        words = findings(lab("3094-0", 120, "mg/dL"), birth_date=GROWN, tables=DOCUMENTS)
        assert words["finding"] == "critical-orange"

    def test_a_spoken_report_without_read_back_or_names_is_not_whole(self):
        now = at("2026-06-05T19:55")
        assert missing_in_report(told_by="", told_to="Dr. Osei", at=None, verbal=True, read_back=False) == [
            "who told it",
            "the time",
            "the read-back",
        ]
        assert missing_in_report(told_by="Lab", told_to="Dr. Osei", at=now, verbal=False, read_back=False) == []

    @given(minutes=st.integers(1, 5000), waited=st.integers(0, 20000))
    def test_who_is_paged_never_shrinks_with_time(self, minutes, waited):
        start = at("2026-06-05T19:10")
        earlier = answer(start, minutes, None, start + timedelta(minutes=waited), TABLES.critical)
        later = answer(start, minutes, None, start + timedelta(minutes=waited + 1), TABLES.critical)
        assert earlier.paged == later.paged[: len(earlier.paged)]


class TestRepeats:
    """RC-04."""

    def acknowledged(self, value: str = "6.4", direction: str = "high", when: str = "2026-06-05T19:55") -> Acknowledged:
        return Acknowledged(row_id="potassium", direction=direction, value=Decimal(value), at=at(when))

    def test_case_2_the_same_again_pages_nobody_a_fifth_worse_does(self):
        before = [self.acknowledged()]
        four_hours_later = at("2026-06-05T23:10")
        assert not needs_page(judged("2823-3", 6.5, "mmol/L"), four_hours_later, before, TABLES.critical)
        assert needs_page(judged("2823-3", 7.8, "mmol/L"), four_hours_later, before, TABLES.critical)

    def test_a_fifth_exactly_is_worse(self):
        before = [self.acknowledged("6.5")]
        assert needs_page(judged("2823-3", 7.8, "mmol/L"), at("2026-06-05T23:10"), before, TABLES.critical)
        assert not needs_page(judged("2823-3", 7.79, "mmol/L"), at("2026-06-05T23:10"), before, TABLES.critical)

    def test_low_is_worse_when_it_falls(self):
        before = [self.acknowledged("2.5", "low")]
        assert needs_page(judged("2823-3", 2.0, "mmol/L"), at("2026-06-05T23:10"), before, TABLES.critical)
        assert not needs_page(judged("2823-3", 2.1, "mmol/L"), at("2026-06-05T23:10"), before, TABLES.critical)

    def test_the_other_direction_pages(self):
        assert needs_page(
            judged("2823-3", 2.5, "mmol/L"), at("2026-06-05T23:10"), [self.acknowledged()], TABLES.critical
        )

    def test_only_within_24_hours_of_the_acknowledgment(self):
        again = judged("2823-3", 6.5, "mmol/L")
        assert not needs_page(again, at("2026-06-06T19:55"), [self.acknowledged()], TABLES.critical)
        assert needs_page(again, at("2026-06-06T19:56"), [self.acknowledged()], TABLES.critical)

    def test_the_last_acknowledged_value_is_compared(self):
        before = [self.acknowledged("6.4"), self.acknowledged("7.9", when="2026-06-05T22:00")]
        assert not needs_page(judged("2823-3", 8.0, "mmol/L"), at("2026-06-05T23:10"), before, TABLES.critical)

    def test_what_cannot_be_compared_pages(self):
        undecided = judged("2823-3", 6.0, "mmol/L", comparator=">")
        assert needs_page(undecided, at("2026-06-05T23:10"), [self.acknowledged()], TABLES.critical)

    def test_another_positive_bottle_of_the_same_culture_pages_nobody(self):
        before = [Acknowledged(row_id="blood-culture", direction="positive", value=None, at=at("2026-06-05T19:55"))]
        assert not needs_page(judged("600-7", "Positive"), at("2026-06-05T23:10"), before, TABLES.critical)

    def test_what_is_not_critical_never_pages(self):
        assert not needs_page(judged("2823-3", 4.0, "mmol/L"), at("2026-06-05T23:10"), [], TABLES.critical)


class TestFurtherSteps:
    @pytest.mark.parametrize(
        ("resource", "row"),
        [
            (lab("29771-3", None, interpretation=flag("POS")), "fit-positive"),
            (lab("77353-1", "Positive"), "fit-positive"),
            (lab("29771-3", "Negative"), None),
            (lab("24606-6", "BI-RADS category 0: need additional imaging"), "bi-rads-0"),
            (lab("24606-6", "ACR BI-RADS 3"), "bi-rads-3"),
            (lab("24606-6", "Assessment: BI-RADS 4A, suspicious"), "bi-rads-4-5"),
            (lab("24606-6", "BIRADS 5"), "bi-rads-4-5"),
            (lab("24606-6", "BI-RADS 6"), "bi-rads-6"),
            (lab("24606-6", "BI-RADS 2, benign"), None),
            (lab("33717-0", "High-grade squamous intraepithelial lesion"), "pap-hsil"),
            (lab("33717-0", "ASC-H"), "pap-hsil"),
            (lab("33717-0", "Negative for HSIL"), None),
            (lab("33717-0", "LSIL"), "pap-low-grade"),
            (lab("33717-0", "ASC-US. HPV high risk positive"), "pap-low-grade"),
            (lab("33717-0", "ASC-US"), None),
            (lab("33717-0", "Unsatisfactory for evaluation"), "pap-unsatisfactory"),
            (lab("59263-4", "Detected"), "hpv-16-18"),
            (lab("59264-2", "Not detected"), None),
            (lab("2857-1", 6.1, "ng/mL", interpretation=flag("H")), "psa-high"),
            (lab("2857-1", 1.1, "ng/mL"), None),
            (lab("79086-5", "Lung-RADS 3"), "lung-rads-3"),
            (lab("79086-5", "Lung-RADS category 4A"), "lung-rads-4a"),
            (lab("79086-5", "LungRADS: 4X"), "lung-rads-4b-4x"),
            (lab("79086-5", "Lung-RADS 2"), None),
            (lab("18009-1", 3.0, "cm"), "aorta-3-0"),
            (lab("18009-1", 3.99, "cm"), "aorta-3-0"),
            (lab("18009-1", 40, "mm"), "aorta-4-0"),
            (lab("18009-1", 5.0, "cm"), "aorta-5-0"),
            (lab("18009-1", 5.5, "cm"), "aorta-5-5"),
            (lab("18009-1", 2.9, "cm"), None),
            (lab("60567-5", "Invasive ductal carcinoma"), "biopsy-malignant"),
            (lab("60567-5", "No evidence of malignancy"), None),
            (lab("16128-1", "Reactive"), "hepatitis-c"),
            (lab("75622-1", "Non-reactive"), None),
            (lab("75622-1", "Reactive"), "hiv-reactive"),
            (lab("4548-4", 9.0, "%"), "a1c-high"),
            (lab("4548-4", 8.9, "%"), None),
            (lab("4548-4", 75, "mmol/mol"), None),
            (lab("3016-3", 8.2, "m[IU]/L", referenceRange=[{"high": {"value": 4.5}}]), "tsh-out-of-range"),
            (lab("3016-3", 2.2, "m[IU]/L", referenceRange=[{"high": {"value": 4.5}}]), None),
        ],
    )
    def test_findings(self, resource, row):
        found = row_for(resource, TABLES)
        assert (found.id if found else None) == row

    def test_every_row_is_found_by_a_case_above(self):
        marks = TestFurtherSteps.test_findings.pytestmark
        found = {row for mark in marks for _, row in mark.args[1]}
        assert {row["id"] for row in DOCUMENTS["abnormal-followup"]["rows"]} - found == set()

    def test_case_6_only_a_colonoscopy_closes_a_positive_fit(self):
        row = row_for(lab("29771-3", "Positive"), TABLES)
        assert row is not None and row.needs == "colonoscopy"
        clock = clock_of(row, date(2026, 1, 15))
        assert clock is not None
        assert (clock.target, clock.limit) == (date(2026, 4, 15), date(2026, 7, 14))
        assert [clock.state(day) for day in (clock.target, date(2026, 4, 16), clock.limit, date(2026, 7, 15))] == [
            "on-time",
            "outreach",
            "outreach",
            "overdue",
        ]
        repeat = kinds_of(lab("29771-3", "Negative"), TABLES.follow_ups)
        done = kinds_of(procedure("http://snomed.info/sct", "73761001"), TABLES.follow_ups)
        assert not satisfies(repeat, "colonoscopy", TABLES.follow_ups)
        assert satisfies(done, "colonoscopy", TABLES.follow_ups)

    def test_case_7_bi_rads_4_is_overdue_after_60_days_whatever_is_booked(self):
        row = row_for(lab("24606-6", "BI-RADS 4"), TABLES)
        assert row is not None
        clock = clock_of(row, date(2026, 3, 2))
        assert clock is not None
        assert (clock.target, clock.limit) == (date(2026, 3, 16), date(2026, 5, 1))
        assert clock.state(date(2026, 5, 20)) == "overdue"

    def test_further_imaging_counts_only_with_a_decision(self):
        def diagnostic(words: str) -> frozenset[str]:
            return kinds_of(lab("26346-7", words), TABLES.follow_ups)

        assert satisfies(diagnostic("BI-RADS 2"), "breast-imaging", TABLES.follow_ups)
        assert not satisfies(diagnostic("BI-RADS 4"), "breast-imaging", TABLES.follow_ups)
        biopsy = kinds_of(procedure("http://www.ama-assn.org/go/cpt", "19083"), TABLES.follow_ups)
        assert closes(biopsy, TABLES.follow_ups) == {"breast-biopsy", "breast-imaging"}

    def test_bi_rads_6_opens_nothing(self):
        row = row_for(lab("24606-6", "BI-RADS 6"), TABLES)
        assert row is not None and clock_of(row, date(2026, 3, 2)) is None
        assert findings(lab("24606-6", "BI-RADS 6"), birth_date=GROWN, tables=DOCUMENTS)["follow-up"] == "none"

    def test_a_malignant_biopsy_is_told_by_a_clinician(self):
        assert [row.id for row in TABLES.follow_ups.rows if row.by_clinician] == ["biopsy-malignant"]


def procedure(system: str, code: str) -> dict[str, Any]:
    return {"resourceType": "Procedure", "status": "completed", "code": {"coding": [{"system": system, "code": code}]}}


class TestFindings:
    @pytest.mark.parametrize(
        ("resource", "finding", "follow_up"),
        [
            (lab("2823-3", 6.4, "mmol/L"), "critical", "decide"),
            (lab("2823-3", 5.6, "mmol/L", interpretation=flag("H")), "abnormal", "decide"),
            (lab("2823-3", 4.0, "mmol/L", interpretation=flag("N")), "normal", "none"),
            (lab("2823-3", 5.6, "mmol/L", referenceRange=[{"high": {"value": 5.1}}]), "abnormal", "decide"),
            (lab("2823-3", 4.0, "mmol/L", referenceRange=[{"low": {"value": 3.5}}]), "normal", "none"),
            (lab("2823-3", 4.0, "mmol/L"), "unknown", "decide"),
            (lab("29771-3", "Positive"), "abnormal", "named"),
            (lab("29771-3", "Negative"), "normal", "none"),
            (lab("630-4", "No growth after 2 days"), "normal", "none"),
            (lab("30746-2", "No acute findings."), "unknown", "decide"),
            (lab("630-4", "10,000 CFU of E. coli"), "unknown", "decide"),
            (lab("3016-3", 0.1, "m[IU]/L", interpretation=flag("L")), "abnormal", "named"),
        ],
    )
    def test_of_one_result(self, resource, finding, follow_up):
        words = findings(resource, birth_date=GROWN, tables=DOCUMENTS)
        assert (words["finding"], words["follow-up"]) == (finding, follow_up)

    def test_the_worst_of_several_is_the_report_s(self):
        assert worst(["normal", "abnormal", "critical-orange"]) == "critical-orange"
        assert worst(["normal", "unknown"]) == "unknown"
        assert worst([]) == "unknown"
        assert SEVERITY[0] == "critical"

    def test_tables_are_read_once(self):
        assert tables_of(DOCUMENTS) is tables_of(DOCUMENTS)

    @given(
        value=st.one_of(st.none(), st.text(max_size=40), st.decimals(allow_nan=False, allow_infinity=False, places=2)),
        unit=st.sampled_from(["", "mg/dL", "mmol/L", "K/uL", "%", "x y"]),
        code=st.sampled_from(["2823-3", "2345-7", "600-7", "29771-3", "6598-7", "24606-6", "1-8"]),
    )
    def test_whatever_a_feed_writes_every_result_has_a_finding(self, value, unit, code):
        words = findings(lab(code, value, unit), birth_date=GROWN, tables=DOCUMENTS)
        assert words["finding"] in SEVERITY
        assert words["follow-up"] in ("named", "decide", "none")


class TestGroups:
    @pytest.mark.parametrize(
        ("resource", "group"),
        [
            ({"code": {"coding": [{"system": LOINC, "code": "58410-2"}]}}, "routine_blood"),
            ({"priority": "stat", "code": {"text": "CBC"}}, "stat_blood"),
            ({"priority": "stat", "code": {"text": "Blood culture"}}, "microbiology_culture"),
            ({"code": {"coding": [{"system": LOINC, "code": "29771-3"}]}}, "fit_stool"),
            ({"code": {"text": "CT chest without contrast"}}, "imaging_ct_mri"),
            ({"code": {"text": "MRI knee"}}, "imaging_ct_mri"),
            ({"code": {"text": "XR wrist"}}, "imaging_xray"),
            ({"code": {"text": "Screening mammogram bilateral"}}, "mammogram_screening"),
            ({"code": {"text": "Surgical pathology"}}, "pathology_biopsy"),
            ({"code": {"text": "Pap smear"}}, "cytology_pap"),
            ({"code": {"text": "BRCA gene panel"}}, "genetic"),
            ({"code": {"text": "Polysomnography"}}, "sleep_or_cardiac_study"),
            (
                {
                    "code": {"text": "Glucose"},
                    "category": [
                        {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "MB"}]}
                    ],
                },
                "microbiology_culture",
            ),
        ],
    )
    def test_of_orders(self, resource, group):
        assert group_of(resource, TABLES.windows).id == group

    def test_a_referral_is_no_test_and_a_code_of_loinc_is_one(self):
        referral = {"category": [{"coding": [{"system": "http://snomed.info/sct", "code": "3457005"}]}]}
        assert not is_test(referral | {"code": {"coding": [{"system": LOINC, "code": "11488-4"}]}}, TABLES.windows)
        assert is_test({"code": {"coding": [{"system": LOINC, "code": "58410-2"}]}}, TABLES.windows)
        assert not is_test({"code": {"text": "home health aide"}}, TABLES.windows)

    def test_fractions_of_a_day_are_minutes(self):
        urgent = TABLES.windows.group("stat_blood").clocks
        assert urgent.result is not None
        spans = [urgent.collect, urgent.result, urgent.review["normal"], urgent.review["abnormal"]]
        assert [span.words for span in spans] == ["0 days", "288 minutes", "720 minutes", "244 minutes"]

    def test_every_group_reads_an_abnormal_result_no_later_than_a_normal_one(self):
        now = at("2026-06-05T12:00")
        for group in TABLES.windows.groups:
            for spans in (group.clocks.review, group.clocks.tell):
                due = {name: after(now, span, ZONE, CALENDAR).due for name, span in spans.items()}
                assert due["abnormal"] <= due["normal"]

    def test_open_at_discharge_is_read_within_one_business_day(self):
        pending = TABLES.windows.pending
        assert {review_span(pending, finding).words for finding in SEVERITY} == {"1 business day"}
        assert (tell_span(pending, "normal").words, tell_span(pending, "abnormal").words) == ("7 days", "3 days")


class TestMatches:
    """RE-08."""

    def order(self, number: str, name: str = "o1", code: str = "58410-2") -> dict[str, Any]:
        return {
            "resourceType": "ServiceRequest",
            "id": name,
            "identifier": [{"type": {"coding": [{"code": "PLAC"}]}, "system": "urn:x", "value": number}],
            "code": {"coding": [{"system": LOINC, "code": code}]},
        }

    def test_case_12_an_order_20_hours_earlier_is_suggested_and_nothing_more(self):
        taken = at("2026-06-05T10:00")
        found = matches(lab("58410-2", 1), taken, [(self.order("1"), taken - timedelta(hours=20))], TABLES.windows)
        assert [(match.order, match.sure, match.hours_apart) for match in found] == [("ServiceRequest/o1", False, 20)]

    def test_24_hours_either_way_and_the_same_test(self):
        taken = at("2026-06-05T10:00")

        def found(hours: float, code: str = "58410-2") -> int:
            orders = [(self.order("1", code=code), taken + timedelta(hours=hours))]
            return len(matches(lab("58410-2", 1), taken, orders, TABLES.windows))

        assert [found(24), found(-24), found(24.1), found(1, code="2823-3")] == [1, 1, 0, 0]

    def test_the_number_of_the_order_decides(self):
        result = lab("2823-3", 1) | {"identifier": self.order("77")["identifier"]}
        found = matches(result, None, [(self.order("77"), None), (self.order("78", "o2"), None)], TABLES.windows)
        assert [(match.order, match.sure) for match in found] == [("ServiceRequest/o1", True)]


class TestNodules:
    def nodule(self, long: str = "6", short: str = "5", **other: Any) -> Nodule:
        values: dict[str, Any] = {
            "type": "solid",
            "count": "single",
            "high_risk": True,
            "birth_date": date(1976, 1, 1),
            "scanned": date(2026, 2, 10),
        }
        return Nodule(long_mm=Decimal(long), short_mm=Decimal(short), **(values | other))

    def test_case_10_six_by_five_in_a_smoker_of_50(self):
        found = advise(self.nodule(), TABLES.nodules)
        assert found.size_mm == 6
        assert found.row is not None and (found.row.says, found.row.later) == ("CT then CT", "18-24")
        assert (found.first, found.last, found.overdue_from) == (
            date(2026, 8, 10),
            date(2027, 2, 10),
            date(2027, 3, 13),
        )

    def test_case_11_under_35_a_specialist_decides(self):
        found = advise(self.nodule(birth_date=date(1996, 1, 1)), TABLES.nodules)
        assert found.row is None
        assert "under 35" in found.because and "specialist" in found.because

    @pytest.mark.parametrize("reason", ["known-cancer", "immunosuppressed", "lung-cancer-screening", "not-incidental"])
    def test_it_is_not_for_everybody(self, reason):
        assert advise(self.nodule(excluded=frozenset({reason})), TABLES.nodules).row is None

    def test_the_35th_birthday(self):
        assert advise(self.nodule(birth_date=date(1991, 2, 10)), TABLES.nodules).row is not None
        assert advise(self.nodule(birth_date=date(1991, 2, 11)), TABLES.nodules).row is None

    @pytest.mark.parametrize(
        ("long", "short", "size"), [("6", "5", 6), ("5", "5.9", 5), ("5", "6", 6), ("8", "8.8", 8)]
    )
    def test_size_is_the_average_to_the_nearest_millimetre(self, long, short, size):
        assert size_of(Decimal(long), Decimal(short)) == size

    @pytest.mark.parametrize(
        ("kind", "count", "size", "high", "first", "last"),
        [
            ("solid", "single", "5", False, None, None),
            ("solid", "single", "5", True, 12, 12),
            ("solid", "single", "6", False, 6, 12),
            ("solid", "single", "8", True, 6, 12),
            ("solid", "single", "9", False, 3, 3),
            ("solid", "single", "29", True, 3, 3),
            ("solid", "multiple", "5", False, None, None),
            ("solid", "multiple", "5", True, 12, 12),
            ("solid", "multiple", "6", False, 3, 6),
            ("solid", "multiple", "20", True, 3, 6),
            ("ground_glass", "single", "5", True, None, None),
            ("ground_glass", "single", "6", True, 6, 12),
            ("part_solid", "single", "5", False, None, None),
            ("part_solid", "single", "6", False, 3, 6),
            ("ground_glass", "multiple", "5", False, 3, 6),
            ("part_solid", "multiple", "6", True, 3, 6),
        ],
    )
    def test_every_line(self, kind, count, size, high, first, last):
        found = advise(self.nodule(size, size, type=kind, count=count, high_risk=high), TABLES.nodules)
        assert found.row is not None
        assert (found.row.first, found.row.last) == (first, last)

    def test_30_mm_is_no_nodule(self):
        assert advise(self.nodule("30", "30"), TABLES.nodules).row is None

    @given(size=st.integers(0, 29), kind=st.sampled_from(["solid", "ground_glass", "part_solid"]), high=st.booleans())
    def test_there_is_exactly_one_line_for_every_nodule(self, size, kind, high):
        for count in ("single", "multiple"):
            group = "subsolid" if count == "multiple" and kind != "solid" else kind
            fitting = [
                row
                for row in TABLES.nodules.rows
                if (row.type, row.count) == (group, count)
                and row.risk in ("any", "high" if high else "low")
                and row.low <= size < row.below
            ]
            assert len(fitting) == 1
