"""A stay is what its events say together, whatever the order in which they came (transitions.md TR-01 to TR-10)."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from careloop.intake.encounters import encounter
from careloop.intake.mapping import Table
from careloop.intake.model import Effect, StayEvent
from careloop.intake.stays import fold
from careloop.intake.timestamps import instant_text

ZONE = "America/New_York"
T0 = datetime(2026, 3, 2, 13, 0, tzinfo=UTC)
NOW = T0 + timedelta(days=30)
TABLES = {"encounter-class-display": Table(codes={})}
EFFECTS = {
    "A01": Effect.ADMIT,
    "A02": Effect.TRANSFER,
    "A03": Effect.DISCHARGE,
    "A04": Effect.REGISTER,
    "A05": Effect.PREADMIT,
    "A06": Effect.TO_INPATIENT,
    "A07": Effect.TO_OUTPATIENT,
    "A08": Effect.UPDATE,
    "A11": Effect.CANCEL_ADMIT,
    "A12": Effect.CANCEL_TRANSFER,
    "A13": Effect.CANCEL_DISCHARGE,
    "A16": Effect.PENDING_DISCHARGE,
    "A21": Effect.LEAVE,
    "A22": Effect.RETURN,
    "A25": Effect.CANCEL_PENDING_DISCHARGE,
    "A38": Effect.CANCEL_PREADMIT,
    "A45": Effect.MOVE_VISIT,
}


def event(code, hours, number=0, *, patient="p1", prior=None, recorded=None, **content):
    at = T0 + timedelta(hours=hours)
    return StayEvent(
        id=number or int(hours * 10) + 1,
        code=code,
        effect=EFFECTS[code],
        at=at,
        recorded=at if recorded is None else T0 + timedelta(hours=recorded),
        patient_id=patient,
        prior_patient_id=prior,
        content={"at": instant_text(at), **{key.rstrip("_"): value for key, value in content.items()}},
    )


def stay(*events, now=NOW):
    return fold(events, now, ZONE)


def classes(found):
    return [row.what for row in found.classes]


def places(found):
    return [row.what for row in found.locations]


def test_an_admit_opens_and_a_discharge_closes():
    found = stay(event("A01", 0, class_="IMP"), event("A03", 100, disposition="01"))
    assert (found.status, found.start.instant, found.end.instant) == ("finished", T0, T0 + timedelta(hours=100))
    assert classes(found) == ["IMP"]


def test_an_emergency_visit_that_becomes_inpatient_keeps_its_arrival_time():
    found = stay(event("A04", 0, class_="EMER"), event("A06", 5, class_="IMP"))
    assert found.start.instant == T0
    assert [(row.what, row.start.instant) for row in found.classes] == [("EMER", T0), ("IMP", T0 + timedelta(hours=5))]


def test_an_admit_on_an_open_emergency_stay_acts_as_a_change_to_inpatient():
    found = stay(event("A04", 0, class_="EMER"), event("A01", 5, class_="IMP"))
    assert classes(found) == ["EMER", "IMP"]
    assert found.start.instant == T0


def test_a_change_to_observation_removes_the_inpatient_interval():
    found = stay(event("A04", 0, class_="EMER"), event("A06", 5, class_="IMP"), event("A07", 9, class_="OBSENC"))
    assert classes(found) == ["EMER", "OBSENC"]
    assert found.classes[1].start.instant == T0 + timedelta(hours=5)


def test_a_late_transfer_adds_its_row_in_its_place_and_leaves_the_stay_closed():
    found = stay(
        event("A01", 0, location="4W"), event("A03", 40, disposition="01"), event("A02", 9, number=900, location="ICU")
    )
    assert (found.status, places(found)) == ("finished", ["4W", "ICU"])
    assert found.locations[0].end.instant == T0 + timedelta(hours=9)


def test_a_cancelled_transfer_takes_its_row_away():
    found = stay(event("A01", 0, location="4W"), event("A02", 5, location="ICU"), event("A12", 6))
    assert places(found) == ["4W"]


def test_a_cancelled_admit_voids_the_stay_and_a_new_admit_opens_it_again():
    assert stay(event("A01", 0), event("A11", 1)).status == "entered-in-error"
    again = stay(event("A01", 0), event("A11", 1), event("A01", 5))
    assert (again.status, again.start.instant) == ("in-progress", T0 + timedelta(hours=5))


def test_a_cancel_with_the_time_of_the_event_it_cancels_comes_after_it():
    found = stay(event("A13", 10, number=1, recorded=18), event("A01", 0, number=2), event("A03", 10, number=3))
    assert found.status == "in-progress"
    assert found.discharges[0].cancelled is not None


def test_a_cancel_takes_the_latest_event_that_stands():
    found = stay(event("A01", 0), event("A03", 10), event("A13", 12), event("A03", 20), event("A13", 22))
    assert found.status == "in-progress"
    assert len([one for one in found.discharges if one.cancelled]) == 2


def test_a_cancel_without_a_target_is_parked_and_matched_when_the_target_comes():
    assert stay(event("A01", 0), event("A13", 12, number=77)).unmatched == (77,)
    assert stay(event("A01", 0), event("A13", 12, number=77), event("A03", 10)).unmatched == ()


def test_a_discharge_without_an_admit_closes_a_stay_with_unknown_admit_time():
    found = stay(event("A03", 10, class_="IMP", disposition="01"))
    assert (found.status, found.admit_unknown, found.start) == ("finished", True, None)
    assert classes(found) == ["IMP"]


def test_a_stated_admit_time_is_a_known_admit_time():
    found = stay(event("A03", 10, class_="IMP", admit=instant_text(T0)))
    assert (found.admit_unknown, found.start.instant) == (False, T0)


def test_an_update_never_opens_and_never_closes():
    assert stay(event("A08", 0, class_="IMP", discharge=instant_text(T0))).status == "unknown"
    found = stay(event("A01", 0), event("A08", 5, discharge=instant_text(T0 + timedelta(hours=4)), disposition="01"))
    assert (found.status, found.end) == ("in-progress", None)


def test_an_update_corrects_the_discharge_and_its_key_stays():
    corrected = instant_text(T0 + timedelta(hours=8))
    found = stay(
        event("A01", 0),
        event("A03", 10, disposition="01", discharge=instant_text(T0 + timedelta(hours=10))),
        event("A08", 12, discharge=corrected, disposition="03"),
    )
    [discharge] = found.discharges
    assert discharge.key == T0 + timedelta(hours=10)
    assert (discharge.at.instant, discharge.disposition) == (T0 + timedelta(hours=8), "03")
    assert found.end.instant == T0 + timedelta(hours=8)


def test_an_update_that_repeats_the_discharge_time_corrects_nothing():
    stated = instant_text(T0 + timedelta(hours=9))
    found = stay(event("A01", 0), event("A03", 10, discharge=stated), event("A08", 12, discharge=stated))
    assert found.end.instant == T0 + timedelta(hours=10)


def test_a_leave_is_no_discharge():
    away = stay(event("A01", 0), event("A21", 5))
    assert (away.status, away.end) == ("onleave", None)
    back = stay(event("A01", 0), event("A21", 5), event("A22", 8))
    assert back.status == "in-progress"
    assert back.leaves[0].end.instant == T0 + timedelta(hours=8)


def test_a_planned_stay_opens_when_the_patient_comes_and_is_cancelled_by_its_cancel():
    assert stay(event("A05", 0)).status == "planned"
    assert stay(event("A05", 0), event("A38", 1)).status == "cancelled"
    assert stay(event("A05", 0), event("A01", 5)).status == "in-progress"


def test_a_pending_discharge_is_a_mark_that_its_cancel_takes_away():
    assert stay(event("A01", 0), event("A16", 5)).pending_discharge
    assert not stay(event("A01", 0), event("A16", 5), event("A25", 6)).pending_discharge


def test_a_moved_visit_belongs_to_the_other_person_from_then_on():
    found = stay(event("A01", 0, patient="x"), event("A45", 5, patient="y", prior="x"), event("A03", 9, patient="y"))
    assert (found.patient_id, found.status, found.unmatched) == ("y", "finished", ())


def test_an_event_of_a_stranger_waits_until_somebody_says_who_is_who():
    found = stay(event("A01", 0, patient="x"), event("A03", 9, number=55, patient="y"))
    assert (found.patient_id, found.status, found.unmatched) == ("x", "in-progress", (55,))


def test_an_event_more_than_a_day_ahead_does_nothing_until_its_time():
    admit = event("A01", 0)
    assert stay(admit, now=T0 - timedelta(hours=25)) is None
    assert stay(admit, now=T0 - timedelta(hours=23)).status == "in-progress"


CODES = st.sampled_from([code for code in EFFECTS if code != "A45"])


@st.composite
def histories(draw):
    hours = draw(st.lists(st.integers(0, 200), min_size=1, max_size=9, unique=True))
    return [
        event(
            draw(CODES),
            hour,
            number=index + 1,
            class_=draw(st.sampled_from(["IMP", "EMER", "AMB", "OBSENC"])),
            location=draw(st.sampled_from(["4W", "ICU", "ER"])),
            disposition=draw(st.sampled_from(["01", "03"])),
            discharge=instant_text(T0 + timedelta(hours=draw(st.integers(0, 200)))),
            admit=instant_text(T0 + timedelta(hours=draw(st.integers(0, 5)))),
            fields={"serviceType": {"text": draw(st.sampled_from(["MED", "SUR"]))}},
        )
        for index, hour in enumerate(hours)
    ]


@given(histories(), st.randoms(use_true_random=False))
@settings(max_examples=400, deadline=None)
def test_any_order_and_any_repetition_of_a_history_gives_the_same_encounter(history, random):
    told = history + [one for one in history if random.random() < 0.4]
    random.shuffle(told)
    renumbered = [one.__class__(**{**vars_of(one), "id": index + 1}) for index, one in enumerate(told)]
    expected = encounter(fold(history, NOW, ZONE), "e1", TABLES)
    assert encounter(fold(renumbered, NOW, ZONE), "e1", TABLES) == expected


def vars_of(one):
    return {name: getattr(one, name) for name in StayEvent.__dataclass_fields__}


@given(histories())
@settings(max_examples=300, deadline=None)
def test_a_history_told_event_by_event_never_has_a_period_that_ends_before_a_leave_or_keeps_two_open_places(history):
    for count in range(1, len(history) + 1):
        found = fold(history[:count], NOW, ZONE)
        assert len([row for row in found.locations if row.end is None]) <= 1
        assert len([row for row in found.classes if row.end is None]) <= 1
        assert (found.end is not None) == (found.status == "finished")
