"""The 18 worked cases of transitions.md §6 through the real server, read as FHIR; each in order, and with its messages
shuffled, doubled and sent again under new control ids."""

from collections.abc import Iterator
from datetime import datetime

import pytest
from tests.acceptance.messages import (
    LOINC,
    Json,
    adt,
    at,
    concept,
    iso,
    new_id,
    outreach,
    reconciliation,
    visit,
)  # fmt: skip
from tests.acceptance.product import Product
from tests.acceptance.telling import IN_ORDER, VARIANTS, Seen, Story, Teller, Year

pytestmark = pytest.mark.long

ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
CPT = "http://www.ama-assn.org/go/cpt"


def condition(person: str, code: str, since: str) -> Json:
    """A confirmed diagnosis on the problem list."""
    return {
        "resourceType": "Condition", "id": new_id(), "code": concept(ICD10, code),
        "subject": {"reference": f"Patient/{person}"}, "onsetDateTime": iso(since),
        "clinicalStatus": concept("http://terminology.hl7.org/CodeSystem/condition-clinical", "active"),
        "verificationStatus": concept("http://terminology.hl7.org/CodeSystem/condition-ver-status", "confirmed"),
    }  # fmt: skip


def laboratory(person: str, loinc: str, value: float, unit: str, when: str) -> Json:
    """A final laboratory value."""
    return {
        "resourceType": "Observation", "id": new_id(), "status": "final", "code": concept(LOINC, loinc),
        "category": [concept("http://terminology.hl7.org/CodeSystem/observation-category", "laboratory")],
        "subject": {"reference": f"Patient/{person}"}, "effectiveDateTime": iso(when),
        "valueQuantity": {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit},
    }  # fmt: skip


def case_1_weekend_discharge(teller: Teller) -> None:
    teller.stay("2026-03-02 08:00", "2026-03-06 16:30")
    teller.look("2026-03-06 17:00")


def case_2_thanksgiving(teller: Teller) -> None:
    teller.stay("2026-11-22 08:00", "2026-11-25 11:00")
    teller.look("2026-11-25 12:00")


def case_3_year_end(teller: Teller) -> None:
    teller.stay("2026-12-28 08:00", "2026-12-31 11:00")
    teller.look("2026-12-31 12:00")


def high_decision_making_on_day_9(teller: Teller, compared: str) -> None:
    teller.stay("2026-05-28 08:00", "2026-06-01 11:00")
    teller.writes("2026-06-02 10:00", outreach(teller.patient, "2026-06-02 10:00"))
    teller.writes("2026-06-10 10:00", visit(teller.patient, "2026-06-10 10:00", teller.physician, level="high"))
    teller.writes(compared, reconciliation(teller.patient, compared))
    teller.look("2026-06-11 12:00")


def case_4_high_decision_making_on_day_9(teller: Teller) -> None:
    high_decision_making_on_day_9(teller, "2026-06-10 10:30")


def case_5_medicines_compared_late(teller: Teller) -> None:
    high_decision_making_on_day_9(teller, "2026-06-11 10:30")


def unreached(teller: Teller, second: str) -> None:
    teller.stay("2026-11-16 08:00", "2026-11-20 11:00")
    teller.writes("2026-11-23 10:00", outreach(teller.patient, "2026-11-23 10:00", outcome="left-message"))
    teller.writes(second, outreach(teller.patient, second, outcome="no-answer"))
    teller.look("2026-11-25 16:00", "before contact")
    teller.writes("2026-11-26 10:00", outreach(teller.patient, "2026-11-26 10:00"))
    teller.writes("2026-12-02 10:00", visit(teller.patient, "2026-12-02 10:00", teller.physician, level="moderate"))
    teller.writes("2026-12-02 10:30", reconciliation(teller.patient, "2026-12-02 10:30"))
    teller.look("2026-12-03 09:00")


def case_6_unreached(teller: Teller) -> None:
    unreached(teller, "2026-11-24 15:00")


def case_7_one_attempt_only(teller: Teller) -> None:
    unreached(teller, "2026-11-25 15:00")


def case_8_death(teller: Teller) -> None:
    teller.stay("2026-04-27 08:00", "2026-05-01 11:00")
    teller.writes("2026-05-04 10:00", outreach(teller.patient, "2026-05-04 10:00"))
    teller.writes("2026-05-07 10:00", visit(teller.patient, "2026-05-07 10:00", teller.physician, level="high"))
    teller.writes("2026-05-07 10:30", reconciliation(teller.patient, "2026-05-07 10:30"))
    teller.writes("2026-05-20 12:00", {
        "resourceType": "Patient", "id": teller.patient, "gender": "female", "birthDate": "1951-04-15",
        "identifier": [{"system": "urn:careloop:authority:STMARY", "value": teller.number},
                       {"system": "urn:careloop:authority:EASTSIDE", "value": f"7{teller.number}"}],
        "name": [{"use": "official", "family": f"Story{teller.number}", "given": ["Ana"]}],
        "deceasedDateTime": iso("2026-05-20 06:00"),
    })  # fmt: skip
    teller.look("2026-05-20 13:00")


def case_9_cancelled_discharge(teller: Teller) -> None:
    teller.stay("2026-06-05 08:00", "2026-06-08 10:00")
    teller.writes("2026-06-08 15:00", outreach(teller.patient, "2026-06-08 15:00"))
    teller.hears("A13", "2026-06-08 18:00")
    teller.hears("A03", "2026-06-10 09:00", disposition="01")
    teller.look("2026-06-10 10:00")


def case_10_out_of_order(teller: Teller) -> None:
    teller.stay("2026-06-08 08:00", "2026-06-10 08:00")
    teller.look("2026-06-10 10:00", "before the late message")
    teller.hears("A02", "2026-06-09 09:00", arrives="2026-06-11 12:00", place="5E^501^B^STMARY")
    teller.look("2026-06-11 12:00")


def case_11_duplicate(teller: Teller) -> None:
    teller.hears("A01", "2026-03-06 15:00")
    teller.pending *= 3
    teller.look("2026-03-06 17:00")


def case_12_transfer_chain(teller: Teller) -> None:
    teller.stay("2026-04-01 08:00", "2026-04-03 11:00", "02", visit="X1")
    east = {"visit": "Y1", "facility": "EASTSIDE", "mrn": f"7{teller.number}"}
    teller.stay("2026-04-03 14:00", "2026-04-08 11:00", "01", **east)
    teller.look("2026-04-09 09:00", "after discharge")
    teller.hears("A01", "2026-05-08 09:00", "X2")
    teller.look("2026-05-09 09:00")


def case_13_planned_first(teller: Teller) -> None:
    teller.stay("2026-01-28 08:00", "2026-02-01 11:00")
    teller.stay("2026-02-10 06:00", "2026-02-14 11:00", visit="2", admission_type="C")
    teller.writes("2026-02-10 09:00", {
        "resourceType": "Procedure", "id": new_id(), "status": "completed", "code": concept(CPT, "27130"),
        "subject": {"reference": f"Patient/{teller.patient}"}, "performedDateTime": iso("2026-02-10 08:00"),
    })  # fmt: skip
    arthritis = "DG1|1||M16.11^Unilateral primary osteoarthritis, right hip^I10|||F|||||||||1"
    sepsis = "DG1|1||A41.9^Sepsis, unspecified organism^I10|||F|||||||||1"
    hears_diagnosis(teller, "2026-02-14 12:00", "2", arthritis, admission_type="C")
    teller.hears("A01", "2026-02-20 09:00", "3")
    hears_diagnosis(teller, "2026-02-20 12:00", "3", sepsis)
    teller.look("2026-02-21 09:00")


def hears_diagnosis(teller: Teller, when: str, short: str, line: str, **more: str) -> None:
    """An update that names the principal diagnosis."""
    raw = adt("A08", when, mrn=teller.number, visit=teller.visit_number(short), more=(line,), **more)  # type: ignore[arg-type]
    teller.pending.append((when, raw))


def case_14_observation(teller: Teller) -> None:
    teller.stay("2026-06-27 08:00", "2026-07-01 11:00")
    teller.hears("A01", "2026-07-05 08:00", "2", kind="O")
    teller.pending[-1] = (teller.pending[-1][0], as_observation(str(teller.pending[-1][1])))
    teller.hears("A03", "2026-07-06 11:00", "2", kind="O", disposition="01")
    teller.pending[-1] = (teller.pending[-1][0], as_observation(str(teller.pending[-1][1])))
    teller.look("2026-07-06 12:00")


def as_observation(message: str) -> str:
    """The message with patient type OBS (PV1-18, TR-02)."""
    lines = message.split("\r")
    index = next(i for i, line in enumerate(lines) if line.startswith("PV1"))
    fields = lines[index].split("|")
    fields[18] = "OBS"
    return "\r".join([*lines[:index], "|".join(fields), *lines[index + 1 :]])


def case_15_against_advice(teller: Teller) -> None:
    teller.stay("2026-06-28 08:00", "2026-07-01 11:00", "07")
    teller.look("2026-07-01 12:00", "after discharge")
    teller.hears("A01", "2026-07-04 09:00", "2")
    teller.look("2026-07-06 12:00")


def case_16_lace(teller: Teller) -> None:
    teller.writes("2025-06-01 09:00", condition(teller.patient, "I50.9", "2025-06-01 09:00"))
    teller.writes("2025-06-01 09:00", condition(teller.patient, "E11.9", "2025-06-01 09:00"))
    for short, day in (("e1", "2025-11-10"), ("e2", "2026-01-10")):
        teller.hears("A04", f"{day} 08:00", short, kind="E")
        teller.hears("A03", f"{day} 12:00", short, kind="E", disposition="01")
    teller.hears("A04", "2026-04-02 06:00", "1", kind="E")
    teller.hears("A06", "2026-04-02 11:00", "1")
    teller.hears("A03", "2026-04-07 11:00", "1", disposition="01")
    teller.look("2026-04-09 09:00")


def case_17_hospital(teller: Teller) -> None:
    for number, (admit, left) in enumerate((("2025-07-30", "2025-08-01"), ("2025-09-29", "2025-10-01"),
                                            ("2026-01-12", "2026-01-15"))):  # fmt: skip
        teller.stay(f"{admit} 08:00", f"{left} 11:00", visit=f"p{number}")
    teller.writes("2026-04-07 06:00", laboratory(teller.patient, "718-7", 10.9, "g/dL", "2026-04-07 06:00"))
    teller.writes("2026-04-07 06:00", laboratory(teller.patient, "2951-2", 138, "mmol/L", "2026-04-07 06:00"))
    teller.stay("2026-04-01 08:00", "2026-04-07 11:00")
    teller.look("2026-04-09 09:00")


STORIES: tuple[Story, ...] = (
    case_1_weekend_discharge, case_2_thanksgiving, case_3_year_end, case_4_high_decision_making_on_day_9,
    case_5_medicines_compared_late, case_6_unreached, case_7_one_attempt_only, case_8_death, case_9_cancelled_discharge,
    case_10_out_of_order, case_11_duplicate, case_12_transfer_chain, case_13_planned_first, case_14_observation,
    case_15_against_advice, case_16_lace, case_17_hospital,
)  # fmt: skip


@pytest.fixture(scope="module")
def year() -> Iterator[Year]:
    """All stories are told, on one installation whose clock goes from January to December."""
    product = Product.on_new_folder("2026-01-05T09:00:00-05:00")
    try:
        told = Year(product.start())
        told.prepare(STORIES)
        told.tell()
        yield told
    finally:
        product.discard()


@pytest.fixture(params=VARIANTS)
def variant(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def end_of(year: Year, story: Story, variant: str, name: str = "end") -> Seen:
    """What was seen of that story."""
    return year.tellers[story.__name__, variant].seen[name]


def due(task: Json) -> str:
    """The deadline as a New York wall clock reads it."""
    return str(task["restriction"]["period"]["end"])


def reason(task: Json) -> str:
    """The code of `statusReason`."""
    return str(task["statusReason"]["coding"][0]["code"])


def test_case_1_weekend_discharge(year: Year, variant: str) -> None:
    seen = end_of(year, case_1_weekend_discharge, variant)
    assert due(seen.step("contact")) == "2026-03-10T23:59:59-04:00"
    assert due(seen.step("visit")) == "2026-03-13T23:59:59-04:00"
    assert due(seen.loop) == "2026-04-04T23:59:59-04:00"
    assert due(seen.step("home-visit")) == "2026-03-09T17:30:00-04:00"
    assert seen.loop["businessStatus"]["coding"][0] == {"system": "urn:careloop:clock", "code": "on-time"}


def test_case_2_thanksgiving(year: Year, variant: str) -> None:
    assert due(end_of(year, case_2_thanksgiving, variant).step("contact")) == "2026-11-30T23:59:59-05:00"


def test_case_3_year_end(year: Year, variant: str) -> None:
    assert due(end_of(year, case_3_year_end, variant).step("contact")) == "2027-01-05T23:59:59-05:00"


def test_case_4_high_decision_making_on_day_9_is_99495(year: Year, variant: str) -> None:
    seen = end_of(year, case_4_high_decision_making_on_day_9, variant)
    tcm = seen.episodes["1"]["tcm"]
    assert tcm["code"] == "99495"
    assert "visit on day 9" in str(tcm)
    for step in ("contact", "medication-reconciliation", "visit"):
        assert seen.step(step)["status"] == "completed"
        [output] = seen.step(step)["output"]
        assert output["type"]["coding"][0]["system"] == "urn:careloop:evidence"
        assert "/_history/" in output["valueReference"]["reference"]


def test_case_5_medicines_compared_after_the_visit_bar_the_code(year: Year, variant: str) -> None:
    tcm = end_of(year, case_5_medicines_compared_late, variant).episodes["1"]["tcm"]
    assert tcm["code"] is None
    assert tcm["reasons"] == ["medication_reconciliation"]
    assert "medication reconciliation after the visit date" in str(tcm)


def test_case_6_two_attempts_meet_the_rule(year: Year, variant: str) -> None:
    seen = end_of(year, case_6_unreached, variant)
    assert seen.episodes["1"]["tcm"]["code"] == "99495"
    assert "met by 2 attempts" in str(seen.episodes["1"]["tcm"])
    assert seen.step("contact")["status"] == "completed"


def test_case_6_after_two_attempts_the_step_waits(year: Year) -> None:
    contact = end_of(year, case_6_unreached, IN_ORDER, "before contact").step("contact")
    assert contact["businessStatus"]["coding"][0]["code"] == "waiting"
    assert contact["status"] not in ("completed", "failed", "cancelled")


def test_case_7_one_attempt_in_time_is_not_enough(year: Year, variant: str) -> None:
    tcm = end_of(year, case_7_one_attempt_only, variant).episodes["1"]["tcm"]
    assert tcm["code"] is None
    assert tcm["reasons"] == ["contact"]
    assert "only 1 attempt within 2 business days" in str(tcm)


def test_case_8_death_closes_all_loops(year: Year, variant: str) -> None:
    seen = end_of(year, case_8_death, variant)
    tcm = seen.episodes["1"]["tcm"]
    assert tcm["code"] is None
    assert tcm["reasons"] == ["deceased"]
    assert "E/M" in str(tcm)
    assert reason(seen.loop) == "deceased"
    assert seen.step("visit")["status"] == "completed"
    assert all(step["status"] in ("completed", "cancelled") for step in seen.steps[-1].values())


def test_case_9_a_cancelled_discharge(year: Year, variant: str) -> None:
    seen = end_of(year, case_9_cancelled_discharge, variant)
    first, second = seen.loops
    assert first["status"] == "cancelled"
    assert reason(first) == "discharge-cancelled"
    assert second["status"] in ("accepted", "in-progress", "requested")
    assert seen.step("contact")["status"] not in ("completed", "cancelled")
    assert due(seen.step("contact")) == "2026-06-12T23:59:59-04:00"


def test_case_10_a_late_transfer_changes_places_only(year: Year, variant: str) -> None:
    seen = end_of(year, case_10_out_of_order, variant)
    stay = seen.stays["1"]
    assert stay["status"] == "finished"
    assert [row["period"]["start"] for row in stay["location"]] == [iso("2026-06-08 08:00"), iso("2026-06-09 09:00")]
    assert stay["period"] == {"start": iso("2026-06-08 08:00"), "end": iso("2026-06-10 08:00")}
    assert len(seen.loops) == 1
    if variant == IN_ORDER:
        before = end_of(year, case_10_out_of_order, variant, "before the late message")
        assert {name: due(step) for name, step in before.steps[0].items()} == {
            name: due(step) for name, step in seen.steps[0].items()
        }


def test_case_11_the_same_admission_many_times_is_one_stay(year: Year, variant: str) -> None:
    teller = year.tellers[case_11_duplicate.__name__, variant]
    assert set(teller.acks) == {"AA"}
    assert len(teller.acks) >= 3
    seen = teller.seen["end"]
    assert list(seen.stays) == ["1"]
    assert seen.stays["1"]["status"] == "in-progress"
    assert seen.loops == []


def test_case_12_a_chain_of_transfers_is_one_episode(year: Year) -> None:
    seen = end_of(year, case_12_transfer_chain, IN_ORDER, "after discharge")
    assert seen.loop["focus"]["reference"].startswith(f"Encounter/{seen.stays['Y1']['id']}")
    assert datetime.fromisoformat(seen.loop["executionPeriod"]["start"]) == at("2026-04-08 11:00")


def test_case_12_the_return_on_day_30_counts_for_the_last_hospital(year: Year, variant: str) -> None:
    seen = end_of(year, case_12_transfer_chain, variant)
    chain = [seen.stays["X1"]["id"], seen.stays["Y1"]["id"]]
    for short in ("X1", "Y1"):
        assert seen.episodes[short]["stay"] == chain
        assert seen.episodes[short]["readmission_cms"] is True
        assert seen.episodes[short]["index"] is True
    assert all(not loop["focus"]["reference"].startswith(f"Encounter/{chain[0]}") for loop in seen.loops)


def test_case_13_a_planned_first_return_counts_for_nobody(year: Year, variant: str) -> None:
    seen = end_of(year, case_13_planned_first, variant)
    assert seen.episodes["1"]["readmission_cms"] is False
    assert seen.episodes["1"]["planned"] is True
    assert seen.episodes["2"]["index"] is True
    assert seen.episodes["2"]["readmission_cms"] is True
    assert seen.episodes["2"]["planned"] is False


def test_case_14_an_observation_stay_counts_for_hedis_only(year: Year, variant: str) -> None:
    seen = end_of(year, case_14_observation, variant)
    assert seen.stays["2"]["class"]["code"] == "OBSENC"
    episode = seen.episodes["1"]
    assert (episode["readmission_cms"], episode["readmission_pcr"], episode["ed_revisit_hours"]) == (False, True, None)


def test_case_15_against_advice_is_no_index_but_work(year: Year, variant: str) -> None:
    seen = end_of(year, case_15_against_advice, variant)
    assert seen.episodes["1"]["index"] is False
    assert seen.episodes["1"]["readmission_cms"] is False
    assert reason(seen.loop) == "readmitted"


def test_case_15_the_call_exists_until_the_return(year: Year) -> None:
    seen = end_of(year, case_15_against_advice, IN_ORDER, "after discharge")
    assert seen.step("contact")["status"] not in ("completed", "cancelled")


def test_case_16_lace(year: Year, variant: str) -> None:
    seen = end_of(year, case_16_lace, variant)
    assert seen.episodes["1"]["lace"] == 12
    score = seen.score("lace", "1")
    assert score["valueInteger"] == 12
    sources = [one["valueReference"]["reference"] for one in score["extension"]]
    assert {source.split("/")[0] for source in sources} == {"Condition", "Encounter"}
    assert "home-visit" in seen.steps[-1]


def test_case_17_hospital(year: Year, variant: str) -> None:
    seen = end_of(year, case_17_hospital, variant)
    assert seen.episodes["1"]["hospital"] == 6
    score = seen.score("hospital", "1")
    assert score["valueInteger"] == 6
    assert len(score["derivedFrom"]) == 2, "R4 lets it name the two laboratory values"


def shape(seen: Seen) -> list[object]:
    """What must be the same whatever the order: states and deadlines, not ids, owners or versions."""

    def of(task: Json) -> tuple[object, ...]:
        return (
            task["code"]["coding"][0]["code"], task["status"], task["businessStatus"]["coding"][0]["code"], due(task),
            task.get("statusReason", {}).get("coding", [{}])[0].get("code"), len(task.get("output", [])),
            task.get("executionPeriod", {}).get("start"),
        )  # fmt: skip

    episodes = {
        short: {key: value for key, value in episode.items() if key != "stay"}
        for short, episode in seen.episodes.items()
    }
    return [
        sorted(map(str, map(of, seen.loops))),
        [sorted(map(str, (of(step)[:-1] for step in steps.values()))) for steps in seen.steps],
        {short: (stay["status"], stay["class"]["code"], stay.get("period")) for short, stay in seen.stays.items()},
        episodes,
    ]


OPENED_BEFORE_ITS_WINDOW_WAS_OVER = (case_12_transfer_chain,)
"""Told in order the loop opens and ends; told when the window is over no loop opens (interface.md §4, deadlines)."""


@pytest.mark.parametrize("disorder", VARIANTS[1:])
@pytest.mark.parametrize("story", [one for one in STORIES if one not in OPENED_BEFORE_ITS_WINDOW_WAS_OVER],
                         ids=lambda story: story.__name__)  # fmt: skip
def test_order_and_repetition_do_not_matter(year: Year, story: Story, disorder: str) -> None:
    assert shape(end_of(year, story, disorder)) == shape(end_of(year, story, IN_ORDER))


@pytest.fixture(scope="module")
def merged(year: Year) -> Json:
    """Case 18: A40 folds B, who has an open episode, into A, who has none."""
    product = year.product.restart("2027-03-06T17:00:00-05:00")
    fhir = product.client()
    people = {name: f"9{index}" for index, name in enumerate(("A", "B"))}
    for name, number in people.items():
        product.send(adt("A28", "2027-03-01 08:00", mrn=number, family=f"MERGE{name}"))
    product.send(adt("A01", "2027-03-02 08:00", mrn=people["B"], visit="V9", family="MERGEB"))
    product.send(adt("A03", "2027-03-06 16:30", mrn=people["B"], visit="V9", disposition="01", family="MERGEB"))
    a, b = (fhir.patient_of(number) for number in people.values())
    [before] = fhir.loops(b)
    steps = fhir.steps(before)
    product.send(adt("A40", "2027-03-06 16:50", mrn=people["A"], prior=people["B"], family="MERGEA"))
    return {"product": product, "a": a, "b": b, "before": before, "steps": steps, "number": people["B"]}


def test_case_18_the_episode_is_on_the_survivor_with_its_deadlines(merged: Json) -> None:
    fhir = merged["product"].client()
    [after] = fhir.loops(merged["a"])
    assert after["id"] == merged["before"]["id"]
    assert due(after) == due(merged["before"])
    assert {k: due(v) for k, v in fhir.steps(after).items()} == {k: due(v) for k, v in merged["steps"].items()}
    assert fhir.loops(merged["b"]) == []
    assert fhir.stay_of("V9")["subject"]["reference"] == f"Patient/{merged['a']}"


def test_case_18_the_old_number_finds_the_survivor(merged: Json) -> None:
    fhir = merged["product"].client()
    assert fhir.patient_of(merged["number"]) == merged["a"]
    old = fhir.read(f"Patient/{merged['b']}")
    assert old["active"] is False
    [link] = old["link"]
    assert link["type"] == "replaced-by"
    assert link["other"]["reference"] == f"Patient/{merged['a']}"
