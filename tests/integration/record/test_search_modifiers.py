"""Searching: modifiers, composites, hierarchies, chains inside SQL, orders, compartments, several types at once."""

from decimal import Decimal

import pytest

from careloop.access.model import Principal, PrincipalKind
from careloop.errors import Rejected
from careloop.record.search import Wide

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
UCUM = "http://unitsofmeasure.org"


class Codes:
    """A terminology that knows two value sets and one hierarchy."""

    def members(self, url):
        known = {"http://x/diabetes": ["44054006", "46635009"], "http://own/colds": ["82272006"]}.get(url)
        return None if known is None else frozenset((SNOMED, code) for code in known)

    def below(self, system, code):
        return frozenset(["73211009", "44054006", "46635009"]) if code == "73211009" else frozenset([code])

    def above(self, system, code):
        return frozenset(["73211009", code])


@pytest.fixture
def coded(chart):
    chart.terminology = Codes
    return chart


def coding(system, code, display=None):
    return {"coding": [{"system": system, "code": code, **({"display": display} if display else {})}]}


def condition(identity, code, display=None, text=None, who="p1"):
    concept = coding(SNOMED, code, display)
    if text:
        concept["text"] = text
    return {"resourceType": "Condition", "id": identity, "subject": {"reference": f"Patient/{who}"}, "code": concept}


def quantity(value, unit="mm[Hg]"):
    return {"value": Decimal(str(value)), "unit": unit, "system": UCUM, "code": unit}


def pressure(identity, systolic, diastolic):
    return {
        "resourceType": "Observation", "id": identity, "status": "final", "code": coding(LOINC, "85354-9"),
        "subject": {"reference": "Patient/p1"},
        "component": [
            {"code": coding(LOINC, "8480-6"), "valueQuantity": quantity(systolic)},
            {"code": coding(LOINC, "8462-4"), "valueQuantity": quantity(diastolic)},
        ],
    }  # fmt: skip


@pytest.fixture
def conditions(coded):
    coded.put(
        condition("type2", "44054006", "Diabetes mellitus type 2", "Sugar disease"),
        condition("type1", "46635009", "Diabetes mellitus type 1"),
        condition("parent", "73211009", "Diabetes mellitus"),
        condition("cold", "82272006", "Common cold", who="p2"),
        {"resourceType": "Condition", "id": "bare", "subject": {"reference": "Patient/p1"},
         "code": {"text": "Cóld feet"}},
    )  # fmt: skip
    return coded


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("code:in=http://x/diabetes", ["type2", "type1"]),
        ("code:not-in=http://x/diabetes", ["parent", "cold", "bare"]),
        (f"code:below={SNOMED}|73211009", ["type2", "type1", "parent"]),
        (f"code:above={SNOMED}|44054006", ["type2", "parent"]),
        ("code:text=diabetes", ["type2", "type1", "parent"]),
        ("code:text=DIABETES MELLITUS TYPE 1", ["type1"]),
        ("code:text=sugar,common", ["type2", "cold"]),
        ("code:text=cold", ["bare"]),
        ("code:text=mellitus", []),
        ("code:text=common&patient=p1", []),
    ],
)
def test_codes_are_found_by_value_set_hierarchy_and_words(conditions, query, expected) -> None:
    assert sorted(conditions.ids("Condition", query)) == sorted(expected)


def test_a_value_set_of_the_tenant_itself_is_known_by_address_and_by_id(conditions) -> None:
    conditions.put(
        {"resourceType": "ValueSet", "id": "own", "url": "http://own/colds", "status": "active",
         "compose": {"include": [{"system": SNOMED, "concept": [{"code": "82272006"}]}]}},
    )  # fmt: skip
    assert conditions.ids("Condition", "code:in=http://own/colds") == ["cold"]
    assert conditions.ids("Condition", "code:in=ValueSet/own") == ["cold"]
    assert conditions.ids("Patient", "_has:Condition:patient:code:in=http://own/colds") == []
    conditions.put({"resourceType": "Patient", "id": "p2"})
    assert conditions.ids("Patient", "_has:Condition:patient:code:in=http://own/colds") == ["p2"]


@pytest.mark.parametrize(
    "query", ["code:in=http://nobody/knows", "code:below=73211009", "code:in=ValueSet/none", "code:below=|x"]
)
def test_what_terminology_does_not_know_is_refused_by_name(conditions, query) -> None:
    with pytest.raises(Rejected, match="code:"):
        conditions.ids("Condition", query)


def test_the_words_of_a_resource_go_when_they_change(conditions) -> None:
    conditions.put(condition("cold", "82272006", "Viral rhinitis"))
    assert conditions.ids("Condition", "code:text=common") == []
    assert conditions.ids("Condition", "code:text=viral") == ["cold"]
    with conditions.database.transaction(conditions.tenant.id) as tx:
        assert conditions.record.verify(tx) == []


@pytest.fixture
def pressures(chart):
    chart.put(
        pressure("high", 150, 80),
        pressure("low", 110, 70),
        pressure("odd", 80, 145),
        {"resourceType": "Observation", "id": "sugar", "status": "final", "code": coding(LOINC, "2345-7"),
         "valueQuantity": quantity(145, "mg/dL")},
        {"resourceType": "Observation", "id": "smoking", "status": "final", "code": coding(LOINC, "72166-2"),
         "valueCodeableConcept": coding(SNOMED, "8517006"), "component": [
             {"code": coding(LOINC, "1-1"), "valueCodeableConcept": coding(SNOMED, "266919005")}]},
    )  # fmt: skip
    return chart


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("component-code-value-quantity=8480-6$gt140", ["high"]),
        (f"component-code-value-quantity={LOINC}|8480-6$gt140|{UCUM}|mm[Hg]", ["high"]),
        ("component-code-value-quantity=8480-6$gt140||mg", []),
        ("component-code-value-quantity=8462-4$gt140", ["odd"]),
        ("component-code-value-quantity=8480-6$gt140,8462-4$gt140", ["high", "odd"]),
        ("component-code-value-quantity=|8480-6$gt140", []),
        ("component-code-value-quantity=8480-6$lt200&component-code-value-quantity=8462-4$lt75", ["low"]),
        ("combo-code-value-quantity=8480-6$gt140", ["high"]),
        ("combo-code-value-quantity=2345-7$gt140", ["sugar"]),
        ("combo-code-value-quantity=2345-7$gt140,8480-6$gt140", ["high", "sugar"]),
        ("code-value-quantity=2345-7$145", ["sugar"]),
        ("code-value-quantity=2345-7$146", []),
        ("code-value-quantity=8480-6$gt1", []),
        (f"code-value-concept=72166-2${SNOMED}|8517006", ["smoking"]),
        ("code-value-concept=72166-2$266919005", []),
        ("combo-code-value-concept=1-1$266919005", ["smoking"]),
        ("combo-code-value-concept=72166-2$266919005", []),
        ("component-code-value-concept=1-1$8517006", []),
    ],
)
def test_the_parts_of_a_composite_are_met_together(pressures, query, expected) -> None:
    assert pressures.ids("Observation", query) == expected


@pytest.mark.parametrize("query", ["code-value-quantity=2345-7", "component-code-value-quantity=http://loinc.org|$gt1",
                                   "code-value-quantity:exact=1$2", "code-value-quantity=1$2$3"])  # fmt: skip
def test_a_composite_that_is_ill_formed_is_refused(pressures, query) -> None:
    with pytest.raises(Rejected):
        pressures.ids("Observation", query)


def test_a_document_is_found_by_what_it_does_to_another(chart) -> None:
    document = {"resourceType": "DocumentReference", "id": "d", "status": "current",
                "content": [{"attachment": {"url": "http://x"}}], "relatesTo": [
                    {"code": "replaces", "target": {"reference": "DocumentReference/a"}},
                    {"code": "appends", "target": {"reference": "DocumentReference/b"}}]}  # fmt: skip
    chart.put(document)
    assert chart.ids("DocumentReference", "relationship=replaces$DocumentReference/a") == ["d"]
    assert chart.ids("DocumentReference", "relationship=appends$DocumentReference/a") == []


@pytest.fixture
def places(chart):
    def place(identity, within=None):
        part = {"partOf": {"reference": f"Location/{within}"}} if within else {}
        return {"resourceType": "Location", "id": identity, **part}

    def stay(identity, where):
        return {"resourceType": "Encounter", "id": identity, "status": "finished", "class": {"code": "IMP"},
                "location": [{"location": {"reference": f"Location/{where}"}}]}  # fmt: skip

    chart.put(place("house"), place("ward", "house"), place("bed", "ward"), place("garden"),
              stay("in-bed", "bed"), stay("on-ward", "ward"), stay("outside", "garden"))  # fmt: skip
    return chart


def test_a_place_stands_for_all_inside_it(places) -> None:
    assert places.ids("Encounter", "location:below=Location/house") == ["in-bed", "on-ward"]
    assert places.ids("Encounter", "location:below=bed") == ["in-bed"]
    assert places.ids("Encounter", "location:above=Location/bed") == ["in-bed", "on-ward"]
    assert places.ids("Location", "partof:below=Location/house") == ["bed", "ward"]


def test_addresses_are_found_above_and_below(chart) -> None:
    for number, url in enumerate(
        ("http://a.org/fhir/ValueSet/1", "http://a.org/fhir", "http://a.org/fhirx", "urn:b:c")
    ):
        chart.put({"resourceType": "ValueSet", "id": f"v{number}", "status": "active", "url": url})
    assert chart.ids("ValueSet", "url:below=http://a.org/fhir") == ["v0", "v1"]
    assert chart.ids("ValueSet", "url:below=http://a.org/fhir/") == ["v0"]
    assert chart.ids("ValueSet", "url:above=http://a.org/fhir/ValueSet/1/_history/5") == ["v0", "v1"]
    assert chart.ids("ValueSet", "url=urn:b:c") == ["v3"]


@pytest.fixture
def linked(chart):
    chart.put(
        {"resourceType": "Organization", "id": "org", "name": "Riverbend"},
        {"resourceType": "Practitioner", "id": "doc", "name": [{"family": "Lee"}]},
        {"resourceType": "Patient", "id": "a", "name": [{"family": "Ames"}],
         "managingOrganization": {"reference": "Organization/org"},
         "generalPractitioner": [{"reference": "Practitioner/doc"}]},
        {"resourceType": "Patient", "id": "b", "name": [{"family": "Bell"}]},
        {"resourceType": "Encounter", "id": "ea", "status": "finished", "class": {"code": "AMB"},
         "subject": {"reference": "Patient/a"}, "participant": [{"individual": {"reference": "Practitioner/doc"}}]},
        {"resourceType": "Observation", "id": "oa", "status": "final", "code": coding(LOINC, "1-1"),
         "subject": {"reference": "Patient/a"}, "encounter": {"reference": "Encounter/ea/_history/1"}},
        {"resourceType": "Observation", "id": "ob", "status": "final", "code": coding(LOINC, "1-1"),
         "subject": {"reference": "Patient/b"}, "performer": [{"reference": "Patient/a"}]},
        {"resourceType": "List", "id": "problems", "status": "current", "mode": "working",
         "entry": [{"item": {"reference": "Observation/ob"}}, {"item": {"reference": "Patient/a"}}]},
    )  # fmt: skip
    return chart


@pytest.mark.parametrize(
    ("kind", "query", "expected"),
    [
        ("Observation", "patient.organization.name=river", ["oa"]),
        ("Observation", "encounter.participant:Practitioner.family=lee", ["oa"]),
        ("Observation", "subject:Patient.general-practitioner:Practitioner.name=lee", ["oa"]),
        ("Observation", "patient._has:Encounter:patient:participant.family=lee", ["oa"]),
        ("Patient", "_has:Observation:patient:code=1-1", ["a", "b"]),
        ("Patient", "_has:Observation:performer:code=1-1", ["a"]),
        ("Patient", "_has:Observation:patient:performer=Patient/a", ["b"]),
        ("Patient", "_has:Encounter:patient:_has:Observation:encounter:code=1-1", ["a"]),
        ("Patient", "_id=a,b&_has:Encounter:patient:status=finished", ["a"]),
        ("Patient", "family=bell&_has:Encounter:patient:status=finished", []),
        ("Practitioner", "_has:Encounter:participant:patient.family=ames", ["doc"]),
        ("Observation", "_list=problems", ["ob"]),
        ("Patient", "_list=problems", ["a"]),
        ("Patient", "_list=none", []),
    ],
)
def test_links_are_followed_in_both_directions(linked, kind, query, expected) -> None:
    assert linked.ids(kind, query) == expected


def test_what_may_not_be_searched_never_matches_by_a_link(linked) -> None:
    client = Principal(tenant_id=linked.tenant.id, kind=PrincipalKind.CLIENT, id="c", name="c",
                       scopes=("system/Patient.rs",))  # fmt: skip
    for query in ("_has:Observation:patient:code=1-1", "_id=a&_has:Encounter:patient:status=finished", "_list=problems",
                  "organization.name=river"):  # fmt: skip
        assert linked.page("Patient", query, client).entries == []


def test_everything_that_a_page_refers_to_comes_along(linked) -> None:
    page = linked.page("Observation", "_id=oa&_include=*&_include:iterate=Patient:organization")
    assert {one.reference for one in page.included} == {"Patient/a", "Encounter/ea", "Organization/org"}
    page = linked.page("Observation", "_id=ob&_include=Observation:performer:Patient")
    assert {one.reference for one in page.included} == {"Patient/a"}
    page = linked.page("Observation", "_id=ob&_include=Observation:patient")
    assert {one.reference for one in page.included} == {"Patient/b"}
    page = linked.page("Organization", "_revinclude=Patient:organization&_revinclude:iterate=Encounter:patient")
    assert {one.reference for one in page.included} == {"Patient/a", "Encounter/ea"}


@pytest.fixture
def tasks(chart):
    def task(identity, status, day, owner=None, **more):
        owned = {"owner": {"reference": f"Practitioner/{owner}"}} if owner else {}
        return {"resourceType": "Task", "id": identity, "status": status, "intent": "order",
                "authoredOn": f"2026-01-{day:02}", **owned, **more}  # fmt: skip

    chart.put(task("t1", "ready", 3, "b"), task("t2", "draft", 1, "a"), task("t3", "ready", 2, "a"),
              task("t4", "completed", 2),
              {"resourceType": "Task", "id": "t5", "status": "ready", "intent": "order"})  # fmt: skip
    return chart


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("_sort=status,authored-on", "t4 t2 t3 t1 t5"),
        ("_sort=-status,-authored-on", "t1 t3 t5 t2 t4"),
        ("_sort=owner,-_id", "t3 t2 t1 t5 t4"),
        ("_sort=authored-on,status", "t2 t4 t3 t1 t5"),
        ("_sort=-authored-on,-status", "t1 t3 t4 t2 t5"),
        ("_sort=-authored-on,-_lastUpdated,_id", "t1 t3 t4 t2 t5"),
        ("_sort=-authored-on&status=ready", "t1 t3 t5"),
        ("_sort=authored-on&owner=Practitioner/a", "t2 t3"),
        ("_sort=_id", "t1 t2 t3 t4 t5"),
    ],
)
@pytest.mark.parametrize("count", [1, 2, 50])
def test_several_sort_keys_and_pages_agree(tasks, query, expected, count) -> None:
    assert " ".join(tasks.every_id("Task", f"{query}&_count={count}")) == expected


def test_a_date_among_several_sorts_by_its_first_or_last(chart) -> None:
    def plan(identity, *days):
        return {"resourceType": "CarePlan", "id": identity, "status": "active", "intent": "plan",
                "subject": {"reference": "Patient/p"}, "activity": [
                    {"detail": {"status": "scheduled", "scheduledPeriod": {"start": day, "end": day}}}
                    for day in days]}  # fmt: skip

    chart.put(plan("a", "2024-01-01", "2024-12-01"), plan("b", "2024-03-01"), plan("c", "2023-01-01", "2024-02-01"),
              plan("d", "2020"))  # fmt: skip
    assert chart.every_id("CarePlan", "_sort=activity-date&_count=2") == ["d", "c", "a", "b"]
    assert chart.every_id("CarePlan", "_sort=-activity-date&_count=1") == ["a", "b", "c", "d"]


def test_a_lenient_search_says_what_it_left_aside(tasks) -> None:
    page = tasks.page("Task", "nonsense=1&status=draft&owner:funny=x", lenient=True)
    assert [one.id for one in page.entries] == ["t2"]
    assert [fault.at for fault in page.warnings] == ["nonsense", "owner:funny"]
    with pytest.raises(Rejected):
        tasks.page("Task", "status:missing=perhaps", lenient=True)


def test_a_compartment_holds_what_refers_to_its_patient_by_any_way(linked) -> None:
    def inside(types, query=""):
        wide = Wide(resource_types=types, compartment="Patient/a", every_type=len(types) > 1)
        return sorted(one.reference for one in linked.wide(wide, query).entries)

    assert inside(["Observation"]) == ["Observation/oa", "Observation/ob"]
    assert inside(["Observation"], "patient=b") == ["Observation/ob"]
    every = sorted(linked.record.definitions.types)
    assert inside(every) == ["Encounter/ea", "Observation/oa", "Observation/ob", "Patient/a"]
    assert inside(every, "code=1-1") == ["Observation/oa", "Observation/ob"]
    with pytest.raises(Rejected):
        inside(["Practitioner"])


def test_several_types_are_searched_at_once_in_pages(linked) -> None:
    wide = Wide(resource_types=["Patient", "Observation"])
    seen, cursor = [], ""
    while True:
        page = linked.wide(wide, f"_count=1{cursor}")
        seen += [one.reference for one in page.entries]
        if page.next_cursor is None:
            break
        cursor = f"&_cursor={page.next_cursor}"
    assert sorted(seen) == ["Observation/oa", "Observation/ob", "Patient/a", "Patient/b"]
    assert [one.id for one in linked.wide(wide, "_sort=-_id").entries] == ["ob", "oa", "b", "a"]
    assert linked.wide(wide, "_summary=count").total == 4
    with pytest.raises(Rejected):
        linked.wide(wide, "family=ames")
