"""The words by which pathways know results, among all resources of a patient."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from careloop.catalog import CONTENT, read_yaml
from careloop.loops.facts import Fact
from careloop.loops.rules.calendar import Span, span_said
from careloop.loops.rules.conditions import Matter, holds, in_words
from careloop.loops.rules.result_keys import keys_of, spans_of
from careloop.loops.rules.result_tables import parse_tables

TABLES = parse_tables({path.stem: read_yaml(path.read_text()) for path in (CONTENT / "results").glob("*.yaml")})
PATIENT = {"resourceType": "Patient", "id": "p", "birthDate": "1960-05-01"}
LABORATORY = [
    {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}]}
]


def code(loinc: str) -> dict[str, Any]:
    return {"coding": [{"system": "http://loinc.org", "code": loinc}]}


def observation(name: str, loinc: str, value: float, unit: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": name,
        "status": "final",
        "category": LABORATORY,
        "code": code(loinc),
        "issued": "2026-06-05T12:00:00-04:00",
        "valueQuantity": {"value": value, "code": unit},
        **more,
    }


def report(name: str, *parts: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "DiagnosticReport",
        "id": name,
        "status": "final",
        "code": code("51990-0"),
        "issued": "2026-06-05T12:00:00-04:00",
        "result": [{"reference": f"Observation/{part}"} for part in parts],
        **more,
    }


def order(name: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "ServiceRequest", "id": name, "status": "active", "code": code("51990-0"), **more}


def message(name: str, category: str, about: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Communication",
        "id": name,
        "status": "completed",
        "category": [{"coding": [{"system": "urn:careloop:communication", "code": category}]}],
        "about": [{"reference": about}],
        "sent": "2026-06-05T12:30:00-04:00",
        **more,
    }


def words(asked: dict[str, Any], *others: dict[str, Any]) -> dict[str, str]:
    known = {f"{one['resourceType']}/{one['id']}": one for one in (asked, *others, PATIENT)}
    return dict(keys_of(asked, PATIENT, known, TABLES))


def test_a_report_says_the_worst_of_what_it_holds() -> None:
    sodium, potassium = observation("na", "2951-2", 140, "mmol/L"), observation("k", "2823-3", 6.4, "mmol/L")
    found = words(report("r", "na", "k"), sodium, potassium)
    assert (found["finding"], found["page"], found["review-within"]) == ("critical", "yes", "60-minutes")
    assert (found["critical-row"], found["opens"], found["whole"]) == ("potassium", "yes", "yes")


def test_the_strictest_minutes_of_several_critical_values_count() -> None:
    creatinine, acid = observation("c", "2160-0", 9, "mg/dL"), observation("ph", "2744-1", 7.1, "[pH]")
    assert words(report("r", "c", "ph"), creatinine, acid)["review-within"] == "30-minutes"


def test_a_measurement_inside_a_report_opens_nothing_of_its_own() -> None:
    potassium = observation("k", "2823-3", 4.0, "mmol/L")
    assert words(potassium)["opens"] == "yes"
    assert words(potassium, report("r", "k"))["opens"] == "no"
    assert words(observation("w", "29463-7", 80, "kg", category=[]))["opens"] == "no"


def test_the_order_says_how_urgent_its_result_is() -> None:
    of = {"basedOn": [{"reference": "ServiceRequest/o"}]}
    potassium = observation("k", "2823-3", 5.6, "mmol/L", **of, interpretation=[{"coding": [{"code": "H"}]}])
    assert words(potassium, order("o", priority="stat"))["review-within"] == "244-minutes"
    assert words(potassium, order("o"))["review-within"] == "1-business-days"


def test_only_the_newest_result_of_an_order_is_whole_and_only_when_all_are_final() -> None:
    of = {"basedOn": [{"reference": "ServiceRequest/o"}]}
    first, second = report("a", **of), report("b", **of, issued="2026-06-06T12:00:00-04:00")
    assert [words(one, first, second, order("o"))["whole"] for one in (first, second)] == ["no", "yes"]
    waiting = second | {"status": "preliminary"}
    assert [words(one, first, waiting, order("o"))["whole"] for one in (first, waiting)] == ["no", "no"]
    dropped = second | {"status": "cancelled"}
    assert words(first, dropped, order("o"))["whole"] == "yes"


def test_an_order_that_follows_another_attaches_to_it() -> None:
    first, reflex = order("o"), order("o2", basedOn=[{"reference": "ServiceRequest/o"}])
    assert [words(one, first, reflex)["opens"] for one in (first, reflex)] == ["yes", "no"]
    assert words(reflex)["opens"] == "yes"
    late = report("r", basedOn=[{"reference": "ServiceRequest/o2"}])
    assert words(late, first, reflex)["opens"] == "no"


def test_orders_in_a_circle_end() -> None:
    one = order("a", basedOn=[{"reference": "ServiceRequest/b"}])
    two = order("b", basedOn=[{"reference": "ServiceRequest/a"}])
    assert words(report("r", basedOn=[{"reference": "ServiceRequest/a"}]), one, two)["whole"] == "yes"


def test_a_repeat_pages_nobody_and_a_worse_one_does() -> None:
    before = observation("k1", "2823-3", 6.4, "mmol/L")
    heard = message("m", "result-acknowledged", "Observation/k1")
    for value, page in ((6.5, "no"), (7.8, "yes")):
        again = observation("k2", "2823-3", value, "mmol/L", issued="2026-06-05T16:00:00-04:00")
        assert words(again, before, heard)["page"] == page
    assert words(before, heard)["page"] == "yes"


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"medium": [{"coding": [{"code": "PHONE"}]}]}, "yes"),
        ({"medium": [{"coding": [{"code": "MAILWRIT"}]}]}, "yes"),
        ({"medium": [{"coding": [{"code": "ONLINEWRIT"}]}]}, "no"),
        ({"medium": [{"coding": [{"code": "ONLINEWRIT"}]}], "received": "2026-06-05T13:00:00-04:00"}, "yes"),
        ({"medium": [{"coding": [{"code": "PHONE"}]}], "status": "not-done"}, "no"),
        ({"medium": [{"coding": [{"code": "PHONE"}]}], "recipient": [{"reference": "Practitioner/x"}]}, "no"),
        ({}, "no"),
    ],
)
def test_telling_is_an_act(more: dict[str, Any], told: str) -> None:
    potassium = observation("k", "2823-3", 4.1, "mmol/L")
    said = message("m", "outreach", "Observation/k", **({"recipient": [{"reference": "Patient/p"}]} | more))
    assert words(said, potassium)["told"] == told
    assert words(said, potassium | {"status": "preliminary"})["told"] == "no"


def test_a_portal_message_that_the_patient_answered_has_told() -> None:
    portal = [{"coding": [{"code": "ONLINEWRIT"}]}]
    said = message("m", "outreach", "Observation/k", recipient=[{"reference": "Patient/p"}], medium=portal)
    thanks = message("t", "outreach", "Observation/k") | {
        "sender": {"reference": "Patient/p"},
        "inResponseTo": [{"reference": "Communication/m"}],
    }
    assert words(said, observation("k", "2823-3", 4.1, "mmol/L"), thanks)["told"] == "yes"


def test_a_malignant_biopsy_is_told_only_in_person() -> None:
    biopsy = report("r", code=code("60567-5"), conclusion="Invasive carcinoma")
    for medium, told in (("MAILWRIT", "no"), ("PHONE", "yes")):
        coded = [{"coding": [{"code": medium}]}]
        said = message("m", "outreach", "DiagnosticReport/r", recipient=[{"reference": "Patient/p"}], medium=coded)
        assert words(said, biopsy)["told"] == told


def test_the_review_of_the_named_follow_up_does_what_is_needed() -> None:
    done = {
        "resourceType": "Procedure",
        "id": "c",
        "status": "completed",
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "73761001"}]},
        "performedDateTime": "2026-06-04T09:00:00-04:00",
        "report": [{"reference": "DiagnosticReport/path"}],
    }
    stool = observation("fit", "29771-3", 1, "1", issued="2026-01-15T09:00:00-05:00", valueString="Positive")
    del stool["valueQuantity"]
    pathology, read = report("path", code=code("60567-5")), message("m", "result-reviewed", "DiagnosticReport/path")
    assert "does" not in words(done, pathology)
    assert words(read, pathology, done, stool)["settles"] == "Observation/fit"
    assert words(message("m", "result-reviewed", "Procedure/c"), done, stool)["settles"] == "Observation/fit"
    assert "settles" not in words(read, pathology, stool)
    later = {**stool, "issued": "2026-06-06T09:00:00-04:00"}
    assert "settles" not in words(read, pathology, done, later)
    referral = order("o", code={"coding": [{"system": "http://snomed.info/sct", "code": "416790000"}]})
    assert words(referral)["does"] == "cancer-referral"


def test_what_came_after_the_stay_has_the_clocks_of_pending_results() -> None:
    stay = {
        "resourceType": "Encounter",
        "id": "v",
        "class": {"code": "IMP"},
        "period": {"start": "2026-06-01T08:00:00-04:00", "end": "2026-06-05T09:00:00-04:00"},
    }
    normal = observation(
        "k",
        "2823-3",
        4.1,
        "mmol/L",
        encounter={"reference": "Encounter/v"},
        interpretation=[{"coding": [{"code": "N"}]}],
    )
    assert (words(normal, stay)["review-within"], words(normal, stay)["tell-within"]) == ("1-business-days", "7-days")
    assert words(normal)["review-within"] == "3-business-days"


def test_every_span_of_the_tables_is_one_that_the_engine_understands() -> None:
    spans = [span for group in TABLES.windows.groups for span in spans_of(group.clocks)]
    assert spans and all(span_said(span) is not None for span in spans)
    assert span_said("3-business-days") == Span(amount=3, unit="business-days")
    assert [span_said(word) for word in ("", "soon", "3 days", "-1-days", "3-weeks")] == [None] * 5


def test_a_fact_does_what_the_matter_needs_or_it_does_not_hold() -> None:
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    fact = Fact(
        reference="Procedure/1/_history/1",
        resource_type="Procedure",
        at=noon,
        latest=noon,
        status="completed",
        says="done",
        keys={"does": "breast-biopsy breast-imaging"},
    )
    same = {"same_key": {"does": "needs"}}
    needs = Matter(focus="x", things=frozenset(), keys={"needs": "breast-imaging"})
    assert holds(same, fact, matter=needs)
    assert not holds(same, fact, matter=replace(needs, keys={"needs": "breast"}))
    assert not holds(same, fact, matter=replace(needs, keys={}))
    assert not holds(same, replace(fact, keys={}), matter=needs)
    assert in_words(same) == "that does what this matter needs"
