"""Sources, ages, keys, who knows, what was said of a person: decisions of the longitudinal record."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from careloop.fhir.fhirpath import compile_expression
from careloop.longitudinal.content import Folding
from careloop.longitudinal.model import Fact, Knows, Source, SourceKind
from careloop.longitudinal.rules.ages import age_words, date_words, months_old, typed_day
from careloop.longitudinal.rules.holding import holds
from careloop.longitudinal.rules.keys import medicine_words, value_key
from careloop.longitudinal.rules.knowing import Ledger
from careloop.longitudinal.rules.paths import folded, instant_of, walk, words_of
from careloop.longitudinal.rules.saying import value_of
from careloop.longitudinal.rules.sources import People, sources_of, told_by
from careloop.longitudinal.rules.statements import statements

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
ZONE = ZoneInfo("America/New_York")
RECORDED = "2026-11-22T12:00:00+00:00"
MESSAGE = {
    "resourceType": "Provenance",
    "target": [{"reference": "Condition/c/_history/2"}],
    "occurredDateTime": "2026-11-20T08:00:00-05:00",
    "activity": {"text": "ADT^A01"},
    "agent": [{"who": {"display": "STMARY"}}],
    "entity": [{"role": "source", "what": {"identifier": {"system": "urn:careloop:control-id:STMARY", "value": "M1"}}}],
}
DOCUMENT = {
    "resourceType": "Provenance",
    "target": [{"reference": "Condition/c/_history/1"}],
    "occurredDateTime": "2026-10-01",
    "agent": [
        {"type": {"coding": [{"code": "author"}]}, "who": {"reference": "Practitioner/a"}},
        {"type": {"coding": [{"code": "custodian"}]}, "who": {"display": "Mercy"}},
    ],
    "entity": [{"role": "source", "what": {"reference": "DocumentReference/d"}}],
}
PEOPLE = People(
    names={"Practitioner/a": "Dr. Lee", "Practitioner/s": "Nora Begum"},
    staff=frozenset({"Practitioner/s"}),
    documents={"d": "Discharge summary"},
)


def condition(**more):
    return {"resourceType": "Condition", "id": "c", "code": {"text": "Asthma"}, **more}


def stated(resource):
    return sources_of(resource, (), PEOPLE, RECORDED)[0]


def test_each_provenance_of_a_fact_is_a_source_the_newest_first():
    told = told_by([DOCUMENT, MESSAGE], PEOPLE)["Condition/c"]
    found = sources_of(condition(), told, PEOPLE, RECORDED)
    assert [one.name for one in found] == ["STMARY, messages", "Discharge summary, Mercy"]
    assert [(one.kind, one.version) for one in found] == [(SourceKind.FEED, 2), (SourceKind.DOCUMENT, 1)]
    assert found[1].document_id == "d"


@pytest.mark.parametrize(
    "left_aside",
    [
        {"activity": {"coding": [{"system": "urn:careloop:activity", "code": "merge"}]}},
        {"agent": [{"who": {"display": "Careloop loop engine"}}], "entity": []},
        {"agent": [{"who": {"reference": "Device/identity"}}], "entity": []},
    ],
)
def test_what_we_did_ourselves_is_no_source(left_aside):
    assert told_by([{**MESSAGE, **left_aside}], PEOPLE) == {}


def test_without_a_provenance_the_resource_says_who_told_it():
    assert stated(condition(asserter={"reference": "Patient/p"})).name == "Patient said"
    assert stated(condition(recorder={"reference": "Practitioner/s"})).name == "Nora Begum, our staff"
    assert stated(condition(recorder={"reference": "Practitioner/a"})).kind is SourceKind.CLINICIAN
    assert stated(condition(meta={"source": "https://ehr.mercy.example/fhir#7"})).name == "ehr.mercy.example"
    assert stated(condition(meta={"source": "urn:careloop:document:d"})).document_id == "d"


def test_a_source_is_never_guessed():
    assert stated(condition()).kind is SourceKind.UNKNOWN
    assert stated(condition(recorder={"reference": "Practitioner/nobody"})).kind is SourceKind.UNKNOWN


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2026-11-23", "today"),
        ("2026-11-23T03:00:00Z", "yesterday"),
        ("2026-11-10", "13 days ago"),
        ("2026-10-12", "6 weeks ago"),
        ("2026-05-01", "6 months ago"),
        ("2021-05", "5 years ago"),
        ("2026", "this year"),
        ("2019", "7 years ago"),
        ("2026-11-25", "in 2 days"),
        ("soon", ""),
        ("", ""),
    ],
)
def test_the_age_of_a_fact_in_words(text, words):
    assert age_words(text, NOW, ZONE) == words


def test_a_date_says_as_much_as_is_known():
    assert [date_words(text, ZONE) for text in ("2026-11-03", "2026-11", "2026", "x")] == [
        "3 Nov 2026", "Nov 2026", "2026", "",
    ]  # fmt: skip
    assert date_words("2026-11-04T02:00:00Z", ZONE) == "3 Nov 2026"


def test_months_are_completed_months():
    assert [months_old(text, NOW, ZONE) for text in ("2025-11-23", "2025-11-24", "2027-01-01", "")] == [12, 11, 0, 0]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Furosemide 40 MG Oral Tablet [Lasix]", ("furosemide", "40 mg")),
        ("0.5 ML insulin glargine 100 UNT/ML Pen", ("glargine insulin pen", "0.5 ml 100 unit/1 ml")),
        ("Hydrochlorothiazide 12.5 MG / Lisinopril 20 MG", ("hydrochlorothiazide lisinopril", "12.5 mg 20 mg")),
        ("levothyroxine 50 mcg", ("levothyroxine", "50 mcg")),
        ("levothyroxine 50 ug", ("levothyroxine", "50 mcg")),
        ("Aspirin", ("aspirin", "")),
        ("", ("", "")),
    ],
)
def test_a_medicine_is_its_ingredients_and_strengths(name, words):
    folding = Folding(rules={}, left_out=frozenset({"oral", "tablet"}))
    assert medicine_words(name, folding) == words


def test_a_value_is_the_same_in_another_unit_and_another_spelling():
    def quantity(value, code):
        return {"value": value, "code": code, "unit": code, "system": "http://unitsofmeasure.org"}

    assert value_key(quantity("1.50", "g")) == value_key(quantity(1500, "mg"))
    assert value_key(quantity(1, "g")) != value_key(quantity(1, "mg"))
    assert value_key({"value": 1, "unit": "tablets"}) == "1 tablets"


def test_a_value_in_words():
    assert value_of({"valueQuantity": {"comparator": ">", "value": 100, "unit": "mm/h"}}) == ">100 mm/h"
    assert value_of({"valueBoolean": False}) == "no"
    parts = [{"valueQuantity": {"value": value, "unit": "mmHg"}} for value in (142, 84)]
    assert value_of({"component": parts}) == "142 / 84"
    assert value_of({}) == ""


def test_words_without_what_says_nothing():
    assert folded("  Café, 12.5 MG/mL ") == "cafe 12.5 mg/ml"
    assert walk({"a": [{"b": 1}, {"b": [2, 3]}, 4]}, "a.b") == [1, 2, 3]
    assert [instant_of(text) for text in (None, "no date", 5, "2026-13-01")] == [None] * 4


def fact(kind="Observation", told="2026-11-20", **resource):
    laboratory = [{"coding": [{"code": "laboratory"}]}]
    source = Source(kind=SourceKind.FEED, name="LAB, messages", at=told)
    return Fact(
        type=kind, id="o", version=1, recorded=NOW, sources=(source,),
        resource={"resourceType": kind, "id": "o", "category": laboratory, **resource},
    )  # fmt: skip


def task(**more):
    base = {"resourceType": "Task", "id": "t", "status": "requested", "focus": {"reference": "Observation/o"}}
    return {**base, "owner": {"reference": "Practitioner/s"}, "code": {"text": "Read it"}, **more}


def told(*resources, of=None):
    return [one.words for one in Ledger(resources, PEOPLE, NOW).of([of or fact()])]


def test_the_owner_of_an_open_task_still_has_to_know():
    period = {"period": {"end": "2026-11-25T17:00:00Z"}}
    [found] = Ledger([task(restriction=period)], PEOPLE, NOW).of([fact()])
    assert (found.state, found.words) == (Knows.WAITS, "Nora Begum still has to read it")
    assert found.due == datetime(2026, 11, 25, 17, tzinfo=UTC)
    assert told(task(status="completed")) == ["No record that anyone here has read this"]


def test_of_a_loop_its_open_steps_are_told_the_first_due_first():
    def step(name, day):
        return task(
            id=name, focus=None, partOf=[{"reference": "Task/t"}], code={"text": name},
            restriction={"period": {"end": f"2026-11-{day}"}},
        )  # fmt: skip

    later, sooner = step("Visit", 29), step("Call", 25)
    for one in (later, sooner):
        del one["focus"]
    assert told(task(), later, sooner) == ["Nora Begum still has to call", "Nora Begum still has to visit"]


def test_who_was_told_and_has_not_read_it_and_who_has():
    notice = {
        "resourceType": "Communication", "id": "n", "status": "in-progress", "about": [{"reference": "Observation/o"}],
        "recipient": [{"reference": "Practitioner/a"}],
    }  # fmt: skip
    assert told(notice) == ["Dr. Lee was told and has not read it yet"]
    assert told({**notice, "status": "completed", "received": "2026-11-21T10:00:00Z"}) == ["Dr. Lee has read it"]
    reviewed = {"category": [{"coding": [{"code": "result-reviewed"}]}], "sender": {"reference": "Practitioner/s"}}
    assert told({**notice, **reviewed, "status": "completed"}) == ["Nora Begum has read it"]


def test_nothing_is_said_of_what_is_old_or_what_nobody_has_to_read():
    assert told(of=fact(told="2026-09-01")) == []
    assert told(of=fact(kind="Immunization")) == []
    assert told(of=fact(category=[{"coding": [{"code": "vital-signs"}]}])) == []
    assert told() == ["No record that anyone here has read this"]


def version(number, **person):
    recorded = NOW + timedelta(days=number)
    resource = {"resourceType": "Patient", "id": "p", **person}
    return Fact(type="Patient", id="p", version=number, recorded=recorded, resource=resource)


def test_a_value_of_a_person_belongs_to_the_source_of_the_version_in_which_it_first_stood():
    versions = [
        version(1, birthDate="1950-01-01"),
        version(2, birthDate="1950-01-01", gender="female"),
        version(3, birthDate="1950-01-02", gender="female"),
    ]
    sources = [Source(kind=SourceKind.FEED, name=f"F{number}", version=number) for number in (1, 2, 3)]
    found = statements(versions, sources)
    said = {(one.sources[0].name, *sorted(one.resource.keys() - {"resourceType", "id"})) for one in found}
    assert said == {("F1", "birthDate"), ("F2", "gender"), ("F3", "birthDate")}
    assert {one.resource["birthDate"] for one in found if "birthDate" in one.resource} == {"1950-01-01", "1950-01-02"}


def test_a_source_that_corrects_itself_has_said_only_the_last():
    versions = [version(1, birthDate="1950-01-01"), version(2, birthDate="1950-01-02")]
    sources = [Source(kind=SourceKind.FEED, name="F", version=number) for number in (1, 2)]
    assert [one.resource["birthDate"] for one in statements(versions, sources)] == ["1950-01-02"]


@pytest.mark.parametrize(
    "typed", ["1955-02-14", "14 Feb 1955", "February 14, 1955", " 14 february  1955 ", "Feb. 14 1955", "2/14/1955"]
)
def test_a_birth_date_is_understood_as_people_type_it(typed: str) -> None:
    assert typed_day(typed) == "1955-02-14"


@pytest.mark.parametrize(
    "typed", ["", "Delgado", "1955", "Feb 1955", "14 Feb", "14/2/1955", "5550100142", "30 Feb 1955"]
)
def test_what_is_no_full_day_is_none(typed: str) -> None:
    assert typed_day(typed) == ""


def test_a_vital_sign_that_a_device_sends_without_a_name_has_one() -> None:
    weight = {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]}
    assert words_of(weight) == "Weight"
    assert words_of({**weight, "text": "Body weight"}) == "Body weight"
    assert words_of({"coding": [{"code": "12345-6"}]}) == "12345-6"


def test_parts_that_are_no_numbers_are_named() -> None:
    parts = [{"code": {"text": name}, "valueBoolean": value} for name, value in (("Oncology", False), ("Urgent", True))]
    assert value_of({"component": parts}) == "Oncology: no; Urgent: yes"
    pressure = [{"valueQuantity": {"value": value, "unit": "mmHg"}} for value in (142, 84)]
    assert value_of({"component": pressure}) == "142 / 84"


@pytest.mark.parametrize(
    ("where", "first", "then"),
    [
        ("value.exists()", {"status": "final"}, {"status": "final", "valueQuantity": {"value": Decimal("1.0")}}),
        ("value = 1", {"valueInteger": 1}, {"valueInteger": 2}),
        ("value = '1'", {"valueString": "1"}, {"valueInteger": 1}),
        ("birthDate.extension.exists()", {}, {"_birthDate": {"extension": [{"url": "x"}]}}),
        ("children().count() = 2", {"status": "final"}, {"status": "final", "note": [{"text": "x"}]}),
        ("Observation.status = 'final'", {"status": "final"}, {"resourceType": "Patient", "status": "final"}),
        ("%resource.note.exists()", {"note": [{"text": "x"}]}, {}),
        ("code.text.startsWith('a')", {"code": {"text": "ab"}}, {"code": {"text": "ba"}}),
    ],
)  # fmt: skip
def test_what_an_expression_says_is_kept_for_what_it_asks_about_only(where, first, then):
    expression = compile_expression(where)
    for _ in range(2):
        for said in (first, then):
            resource = {"resourceType": "Observation", **said}
            assert holds(expression, resource) == (expression.evaluate(resource) == [True])
