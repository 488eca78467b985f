"""Every rule and worked case of referrals.md that needs no engine: both sides of each boundary, and laws."""

import csv
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careloop.catalog import load_catalog
from careloop.errors import Rejected
from careloop.loops.model import Unknown
from careloop.loops.pathways import read_calendar
from careloop.loops.rules.referrals.clocks import (
    Authorization,
    authorization_problem,
    is_late_scheduled,
    months_later,
    see_by,
    see_by_after_change,
    state_deadline,
)
from careloop.loops.rules.referrals.cms50 import Fulfilment, Referral, cms50
from careloop.loops.rules.referrals.completeness import (
    Incomplete,
    Request,
    missing_items,
    red_flags,
    require_complete,
    too_slow,
)
from careloop.loops.rules.referrals.content import Tables, read_tables
from careloop.loops.rules.referrals.duplicates import Standing, duplicates
from careloop.loops.rules.referrals.reports import (
    Reading,
    Recommendation,
    can_close,
    missing_parts,
    pending_words,
    require_settled,
    visit_date,
)
from careloop.loops.rules.referrals.states import ImpossibleMove, move, possible_moves, state_of
from careloop.loops.rules.referrals.timing import Wait, interval, percentile, waits
from careloop.loops.rules.referrals.visits import AfterNoShow, Attempt, after_no_show, unable_to_reach

ZONE = "America/New_York"
CATALOG = load_catalog()
TABLES: Tables = read_tables(CATALOG)
CALENDAR = read_calendar(CATALOG)
DAYS = st.dates(date(2026, 1, 1), date(2027, 12, 31))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE))


# --- states (IHE 360X) --------------------


@pytest.mark.shared
def test_the_states_are_those_of_the_domain(shared: Path) -> None:
    rows = list(csv.DictReader((shared / "domain" / "referral-states.csv").read_text().splitlines()))
    assert {row["state"] for row in rows} == set(TABLES.states)
    for row in rows:
        state = TABLES.states[row["state"]]
        assert state.task_status == row["fhir_task_status"], state.id
        assert state.request_status == row["fhir_servicerequest_status"], state.id
        assert state.moved_by == row["who_moves_it"], state.id
        domain = set(filter(None, row["next_allowed"].split("|")))
        assert set(state.next) - domain == ({"pending-authorization"} if state.id == "draft" else set()), state.id
        assert domain <= set(state.next), state.id


@pytest.mark.shared
def test_the_priorities_are_those_of_the_domain(shared: Path) -> None:
    rows = list(csv.DictReader((shared / "domain" / "referral-priorities.csv").read_text().splitlines()))
    assert [row["priority"] for row in rows] == list(TABLES.priorities)
    for row in rows:
        ours = TABLES.priorities[row["priority"]]
        assert (ours.fhir, ours.see_by_days) == (row["fhir_priority"], int(row["see_by_days"]))
        assert ours.warm_handoff == row["warm_handoff"]
        assert row["triage_due"] in ("immediate by phone", ours.triage.words)
        assert ours.by_phone is (row["triage_due"] == "immediate by phone")


def test_every_state_that_a_move_names_exists_and_every_state_can_be_left_or_is_over() -> None:
    for state in TABLES.states.values():
        assert set(state.next) <= set(TABLES.states)
        assert state.ended is not bool(state.next), state.id


def test_a_fax_that_says_accepted_and_booked_passes_through_received_and_accepted() -> None:
    assert [state.id for state in move(TABLES, "sent", "scheduled")] == ["received", "accepted", "scheduled"]
    assert [state.id for state in move(TABLES, "sent", "declined")] == ["received", "declined"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("draft", "accepted"), ("declined", "accepted"), ("declined", "scheduled"), ("report-received", "closed"),
        ("seen", "closed"), ("no-show", "closed"), ("closed", "sent"), ("unable-to-reach", "cancelled"),
        ("more-info-needed", "undeliverable"), ("undeliverable", "seen"), ("cancelled", "draft"),
    ],
)  # fmt: skip
def test_what_the_table_does_not_have_is_refused_with_what_there_is(before: str, after: str) -> None:
    with pytest.raises(ImpossibleMove) as refused:
        move(TABLES, before, after)
    assert refused.value.possible == possible_moves(TABLES, before)
    assert refused.value.issue_code == "business-rule"


@given(st.sampled_from(sorted(TABLES.states)), st.sampled_from(sorted(TABLES.states)))
def test_a_move_goes_only_along_the_table_and_through_states_that_the_next_one_proves(before: str, after: str) -> None:
    if after not in possible_moves(TABLES, before):
        with pytest.raises(ImpossibleMove):
            move(TABLES, before, after)
        return
    passed = [state.id for state in move(TABLES, before, after)]
    for one, following in pairwise([before, *passed]):
        assert following in TABLES.states[one].next
    assert passed[-1] == after
    assert all(then in TABLES.states[name].implied_by for name, then in pairwise(passed))


def said(status: str, word: str, system: str = "urn:careloop:referral-state") -> dict[str, object]:
    return {"status": status, "businessStatus": {"coding": [{"system": system, "code": word}]}}


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        (None, "draft"),
        ({"status": "requested"}, "sent"),
        ({"status": "rejected"}, "declined"),
        ({"status": "completed"}, "report-received"),
        (said("on-hold", "unable-to-reach"), "unable-to-reach"),
        (said("accepted", "no-show"), "no-show"),
        (said("rejected", "accepted"), "declined"),
        (said("completed", "closed"), "closed"),
        (said("accepted", "no-show", "http://other"), "accepted"),
    ],
)
def test_a_task_of_anybody_says_a_state(task: dict[str, object] | None, expected: str) -> None:
    assert state_of(TABLES, task) == expected


# --- RF-01 and RF-09 --------------------

WHOLE = Request(
    question="Is a heart monitor needed?", reason="Palpitations", priority="routine", language="English",
    contact="413-555-0101", results=(), medications=("Diltiazem 180 mg",), allergies=(), role="consult",
    insurance="Medicare, no approval needed",
)  # fmt: skip


def test_rf01_a_whole_referral_may_be_sent() -> None:
    assert missing_items(TABLES, WHOLE) == ()
    require_complete(TABLES, WHOLE)


@pytest.mark.parametrize("item", [item.id for item in TABLES.items])
def test_rf01_each_missing_item_blocks_sending(item: str) -> None:
    nothing = None if item in ("results", "medications", "allergies") else " " if item != "priority" else "soon"
    short = Request(**{**WHOLE.__dict__, item: nothing})
    with pytest.raises(Incomplete) as refused:
        require_complete(TABLES, short)
    assert [one.id for one in refused.value.missing] == [item]
    assert refused.value.faults[0].at == item


def test_rf01_nothing_known_is_not_the_same_as_not_asked() -> None:
    assert not missing_items(TABLES, Request(**{**WHOLE.__dict__, "allergies": ()}))
    assert [one.id for one in missing_items(TABLES, Request(**{**WHOLE.__dict__, "allergies": None}))] == ["allergies"]


def test_rf01_a_code_is_a_reason() -> None:
    assert not missing_items(TABLES, Request(**{**WHOLE.__dict__, "reason": "", "reason_codes": ("x|R00.2",)}))


@pytest.mark.parametrize(
    ("reason", "codes", "flags"),
    [
        ("suspected cancer of the colon", (), ["suspected-cancer"]),
        ("New TIA last night", (), ["tia"]),
        ("initial visit", (), []),
        ("essential hypertension", ("http://hl7.org/fhir/sid/icd-10-cm|I10",), []),
        ("weakness", ("http://hl7.org/fhir/sid/icd-10-cm|G45.9",), ["tia"]),
        ("weakness", ("http://snomed.info/sct|G45",), []),
        ("headache", ("urn:oid:2.16.840.1.113883.6.90|M31.6",), []),
    ],
)
def test_rf09_red_flags_are_found_by_whole_words_and_by_icd10(
    reason: str, codes: tuple[str, ...], flags: list[str]
) -> None:
    asked = Request(**{**WHOLE.__dict__, "reason": reason, "reason_codes": codes})
    assert [flag.id for flag in red_flags(TABLES, asked)] == flags


@pytest.mark.parametrize(
    ("priority", "blocked"),
    [("emergent", False), ("urgent", False), ("expedited", False), ("routine", True), ("elective", True)],
)
def test_rf09_a_red_flag_is_not_below_expedited_without_a_reason(priority: str, blocked: bool) -> None:
    asked = Request(**{**WHOLE.__dict__, "reason": "suspected cancer", "priority": priority})
    assert bool(too_slow(TABLES, asked)) is blocked
    assert not too_slow(TABLES, asked, why="Known and followed by oncology since May")
    assert bool(too_slow(TABLES, asked, why="  ")) is blocked


# --- RF-02, RF-07, RF-11, clocks --------------------


def test_case_1_routine_referral_is_late_scheduled_at_booking_and_counts_44_days() -> None:
    authored = date(2026, 4, 6)
    by = see_by(authored, TABLES.priorities["routine"])
    assert by == date(2026, 5, 6)
    assert is_late_scheduled(by, date(2026, 5, 20))
    assert not is_late_scheduled(by, date(2026, 5, 6))
    assert is_late_scheduled(by, date(2026, 5, 7))
    seen = Wait(authored=authored, see_by=by, seen=date(2026, 5, 20), reported=date(2026, 5, 26))
    assert seen.days == 44
    assert interval(seen.seen, seen.reported) == 6
    reading = Reading(answered=frozenset(part.id for part in TABLES.report_parts))
    assert can_close(TABLES, received=True, reviewed_by_asker=True, reading=reading) == ()


def test_case_9_urgent_referral_before_memorial_day() -> None:
    urgent, sent = TABLES.priorities["urgent"], at("2026-05-22 16:00")
    by = see_by(sent.date(), urgent)
    assert by == date(2026, 5, 29)
    triage = state_deadline(TABLES, TABLES.states["received"], sent, urgent, by, ZONE, CALENDAR)
    assert triage is not None
    assert triage.due == at("2026-05-26 23:59:59")
    assert "Memorial Day skipped" in triage.because


@pytest.mark.parametrize(
    ("state", "priority", "due"),
    [
        ("sent", "routine", "2026-05-27 23:59:59"),
        ("received", "emergent", "2026-05-22 17:00:00"),
        ("received", "elective", "2026-06-08 23:59:59"),
        ("accepted", "routine", "2026-06-08 23:59:59"),
        ("scheduled", "routine", "2026-06-21 23:59:59"),
        ("seen", "routine", "2026-05-29 23:59:59"),
        ("seen", "urgent", "2026-05-26 23:59:59"),
        ("report-received", "routine", "2026-05-28 23:59:59"),
        ("pending-authorization", "routine", "2026-05-29 23:59:59"),
        ("pending-authorization", "expedited", "2026-05-25 16:00:00"),
        ("co-management", "routine", "2027-05-22 23:59:59"),
        ("more-info-needed", "routine", "2026-05-27 23:59:59"),
        ("undeliverable", "routine", "2026-05-26 23:59:59"),
        ("cancelled-by-patient", "routine", "2026-06-01 23:59:59"),
        ("report-incomplete", "routine", "2026-05-29 23:59:59"),
    ],
)
def test_how_long_each_state_may_last(state: str, priority: str, due: str) -> None:
    level = TABLES.priorities[priority]
    since = at("2026-05-22 16:00")
    found = state_deadline(TABLES, TABLES.states[state], since, level, see_by(since.date(), level), ZONE, CALENDAR)
    assert found is not None
    assert found.due == at(due)
    assert found.because


def test_rf02_a_raised_priority_never_moves_the_date_later_and_a_lowered_one_starts_again() -> None:
    levels = TABLES.priorities
    before, changed = date(2026, 5, 6), date(2026, 4, 20)
    assert see_by_after_change(before, levels["routine"], levels["urgent"], changed) == date(2026, 4, 27)
    assert see_by_after_change(before, levels["routine"], levels["expedited"], date(2026, 5, 1)) == before
    assert see_by_after_change(before, levels["routine"], levels["elective"], changed) == date(2026, 7, 19)
    assert see_by_after_change(before, levels["routine"], levels["routine"], changed) == before


@given(DAYS, DAYS, st.sampled_from(sorted(TABLES.priorities)), st.sampled_from(sorted(TABLES.priorities)))
def test_rf02_laws_of_a_change(before: date, changed: date, old: str, new: str) -> None:
    first, second = TABLES.priorities[old], TABLES.priorities[new]
    after = see_by_after_change(before, first, second, changed)
    if second.rank < first.rank:
        assert after <= before
    if second.rank > first.rank:
        assert after == changed + timedelta(days=second.see_by_days)


@given(st.sampled_from(sorted(TABLES.priorities)), st.sampled_from(sorted(TABLES.priorities)), DAYS)
def test_more_urgent_is_never_later(one: str, other: str, authored: date) -> None:
    a, b = TABLES.priorities[one], TABLES.priorities[other]
    if a.rank < b.rank:
        assert see_by(authored, a) < see_by(authored, b)


def test_case_5_a_declined_referral_can_go_elsewhere() -> None:
    assert [state.id for state in move(TABLES, "declined", "redirected")] == ["redirected"]


@pytest.mark.parametrize(
    ("given_", "problem"),
    [
        (Authorization(needed=False), ""),
        (Authorization(number="A1", expires=date(2026, 5, 6)), ""),
        (Authorization(number="A1", expires=date(2026, 5, 5)), "approval ends Tue 5 May, before Wed 6 May"),
        (Authorization(number="A1"), ""),
        (Authorization(), "approval not there yet"),
        (Authorization(number="A1", visits=2, visits_used=1), ""),
        (Authorization(number="A1", visits=2, visits_used=2), "all approved visits are used"),
    ],
)
def test_rf11_an_approval_that_ends_too_early(given_: Authorization, problem: str) -> None:
    assert authorization_problem(given_, date(2026, 5, 6)) == problem


def test_rf11_not_asked_is_unknown_and_a_booked_day_counts_before_the_see_by_date() -> None:
    assert isinstance(authorization_problem(None, date(2026, 5, 6)), Unknown)
    approval = Authorization(number="A1", expires=date(2026, 5, 10))
    assert authorization_problem(approval, date(2026, 5, 6)) == ""
    assert authorization_problem(approval, date(2026, 5, 6), booked=date(2026, 5, 11))


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2027, 12, 31), 2, date(2028, 2, 29)),
        (date(2026, 12, 5), 12, date(2027, 12, 5)),
        (date(2026, 11, 30), 1, date(2026, 12, 30)),
    ],
)
def test_months_keep_the_day_or_take_the_last(day: date, months: int, later: date) -> None:
    assert months_later(day, months) == later


# --- RF-03 --------------------


def test_rf03_case_12_median_percentile_share_and_who_still_waits() -> None:
    today = date(2026, 6, 30)

    def over(days: int) -> Wait:
        start = date(2026, 4, 1)
        return Wait(authored=start, see_by=start + timedelta(days=30), seen=start + timedelta(days=days))

    open_since = today - timedelta(days=75)
    found = waits(
        [over(10), over(20), over(60), Wait(authored=open_since, see_by=open_since + timedelta(days=30))], today
    )
    assert (found.median, found.p90, found.longest) == (20, 60, 60)
    assert found.waiting_words == "1 waiting, 75 days"
    assert (found.within, found.due, found.share) == (2, 4, 0.5)


def test_rf03_a_referral_is_due_the_day_after_its_window() -> None:
    one = Wait(authored=date(2026, 4, 6), see_by=date(2026, 5, 6))
    assert waits([one], date(2026, 5, 6)).due == 0
    assert waits([one], date(2026, 5, 7)).due == 1
    assert waits([one], date(2026, 5, 7)).share == 0.0


def test_rf03_nothing_over_gives_no_figure_and_an_ended_one_waits_no_more() -> None:
    ended = Wait(authored=date(2026, 4, 6), see_by=date(2026, 5, 6), ended=date(2026, 4, 8))
    found = waits([ended], date(2026, 6, 1))
    assert (found.median, found.p90, found.share, found.waiting_words) == (None, None, None, "nobody waiting")
    assert found.ended == 1


def test_case_6_a_missed_date_does_not_end_the_clock() -> None:
    authored = date(2026, 5, 10)
    one = Wait(authored=authored, see_by=see_by(authored, TABLES.priorities["routine"]), seen=date(2026, 6, 20))
    assert one.days == 41


_WAITS = st.builds(
    lambda start, seen, ended: Wait(
        authored=start,
        see_by=start + timedelta(days=30),
        seen=start + timedelta(days=seen) if seen is not None else None,
        ended=start + timedelta(days=3) if ended and seen is None else None,
    ),
    DAYS, st.none() | st.integers(0, 400), st.booleans(),
)  # fmt: skip


@given(st.lists(_WAITS, max_size=30))
def test_rf03_every_referral_is_counted_once_and_figures_are_in_order(some: list[Wait]) -> None:
    found = waits(some, date(2028, 12, 31))
    assert found.completed + len(found.waiting) + found.ended == len(some)
    assert found.within <= found.due <= len(some)
    if found.median is not None and found.p90 is not None and found.longest is not None:
        assert found.median <= found.p90 <= found.longest or len(some) < 3
        assert found.p90 <= found.longest
    assert waits(list(reversed(some)), date(2028, 12, 31)) == found


def test_the_90th_percentile_is_the_nearest_rank() -> None:
    assert percentile(list(range(1, 11)), 90) == 9
    assert percentile(list(range(1, 12)), 90) == 10
    assert percentile([7], 90) == 7


# --- RF-04, unable to reach --------------------


def test_rf04_case_6_first_no_show_recontact_within_two_business_days() -> None:
    found = after_no_show(TABLES, 1, at("2026-06-01 10:00"), ZONE, CALENDAR)
    assert found.does is AfterNoShow.RECONTACT
    assert found.deadline.due == at("2026-06-03 23:59:59")
    barriers = {barrier.id: barrier.task for barrier in TABLES.barriers}
    assert barriers["transport"] == "Arrange a ride"
    assert {"transport", "cost", "language", "fear"} <= set(barriers)


def test_rf04_case_7_after_two_no_shows_a_clinician_decides_and_nothing_closes_by_itself() -> None:
    found = after_no_show(TABLES, 2, at("2026-06-10 10:00"), ZONE, CALENDAR)
    assert found.does is AfterNoShow.CLINICIAN
    assert TABLES.states["no-show"].next == ("scheduled", "closed-no-show")
    assert TABLES.states["closed-no-show"].moved_by == "referring clinician"


@given(st.integers(2, 50))
def test_rf04_no_number_of_no_shows_closes(number: int) -> None:
    assert after_no_show(TABLES, number, at("2026-06-10 10:00"), ZONE, CALENDAR).does is AfterNoShow.CLINICIAN


@pytest.mark.parametrize(
    ("attempts", "unable"),
    [
        ([("2026-06-01", "phone"), ("2026-06-04", "letter"), ("2026-06-07", "phone")], False),
        ([("2026-06-01", "phone"), ("2026-06-04", "letter"), ("2026-06-11", "phone")], True),
        ([("2026-06-01", "phone"), ("2026-06-04", "letter"), ("2026-06-10", "phone")], False),
        ([("2026-06-01", "phone"), ("2026-06-04", "phone"), ("2026-06-20", "phone")], False),
        ([("2026-06-01", "phone"), ("2026-06-20", "letter")], False),
        ([], False),
    ],
)
def test_case_8_unable_to_reach_needs_three_tries_two_ways_ten_days(
    attempts: list[tuple[str, str]], unable: bool
) -> None:
    found = unable_to_reach(TABLES, [Attempt(day=date.fromisoformat(day), channel=way) for day, way in attempts])
    assert found.is_unable is unable
    assert bool(found.missing) is not unable


@given(st.lists(st.tuples(DAYS, st.sampled_from(["phone", "letter", "text"])), max_size=8))
def test_another_try_never_undoes_that_nobody_is_reached(tries: list[tuple[date, str]]) -> None:
    some = [Attempt(day=day, channel=way) for day, way in tries]
    if unable_to_reach(TABLES, some).is_unable:
        assert unable_to_reach(TABLES, [*some, Attempt(day=date(2027, 1, 1), channel="phone")]).is_unable


# --- RF-05, RF-06 --------------------

ALL_PARTS = frozenset(part.id for part in TABLES.report_parts)


def test_rf05_closing_needs_a_report_that_the_asking_clinician_read() -> None:
    whole = Reading(answered=ALL_PARTS)
    assert can_close(TABLES, received=False, reviewed_by_asker=True, reading=whole) == ("no report yet",)
    assert can_close(TABLES, received=True, reviewed_by_asker=False, reading=whole)
    assert can_close(TABLES, received=True, reviewed_by_asker=True, reading=None)
    assert not can_close(TABLES, received=True, reviewed_by_asker=True, reading=whole)


@pytest.mark.parametrize(
    ("recommendation", "settled"),
    [
        (Recommendation(text="Holter", outcome="order"), True),
        (Recommendation(text="Stop diltiazem", outcome="task"), True),
        (Recommendation(text="Echo", outcome="not-accepted", because="done in May"), True),
        (Recommendation(text="Echo", outcome="not-accepted"), False),
        (Recommendation(text="Echo", outcome="not-accepted", because=" "), False),
        (Recommendation(text="Echo"), False),
    ],
)
def test_rf05_each_recommendation_becomes_something(recommendation: Recommendation, settled: bool) -> None:
    reading = Reading(answered=ALL_PARTS, recommendations=(recommendation,))
    assert (not can_close(TABLES, received=True, reviewed_by_asker=True, reading=reading)) is settled
    if settled:
        require_settled([recommendation])
    else:
        with pytest.raises(Rejected):
            require_settled([recommendation])


@pytest.mark.parametrize("part", sorted(ALL_PARTS))
def test_rf06_case_10_a_report_with_a_part_missing_keeps_the_loop_open(part: str) -> None:
    reading = Reading(answered=ALL_PARTS - {part})
    assert [one.id for one in missing_parts(TABLES, reading.answered)] == [part]
    against = can_close(TABLES, received=True, reviewed_by_asker=True, reading=reading)
    assert len(against) == 1
    assert against[0].startswith("report incomplete")
    assert "report-incomplete" in TABLES.states["report-received"].next


def test_case_10_a_report_that_says_of_itself_that_more_follows() -> None:
    assert pending_words("Labs pending, plan to follow.")
    assert not pending_words("No medication changes. Follow up in 6 months.")


def test_case_4_a_report_before_the_recorded_visit_is_a_date_conflict_until_somebody_corrects_it() -> None:
    conflict = visit_date(date(2026, 5, 20), date(2026, 5, 18))
    assert isinstance(conflict.day, Unknown)
    assert conflict.conflict
    assert visit_date(date(2026, 5, 20), date(2026, 5, 18), corrected=date(2026, 5, 15)).day == date(2026, 5, 15)
    assert visit_date(date(2026, 5, 20), date(2026, 5, 20)).day == date(2026, 5, 20)
    assert [state.id for state in move(TABLES, "scheduled", "report-received")] == ["seen", "report-received"]


# --- RF-08 --------------------


@pytest.mark.parametrize(
    ("days", "is_open", "service", "found"),
    [
        (0, True, "cardiology", True), (90, True, "cardiology", True), (91, True, "cardiology", False),
        (30, False, "cardiology", False), (30, True, "podiatry", False), (-1, True, "cardiology", False),
    ],
)  # fmt: skip
def test_rf08_same_service_open_within_90_days(days: int, is_open: bool, service: str, found: bool) -> None:
    today = date(2026, 6, 30)
    standing = Standing(id="1", services=frozenset({service}), authored=today - timedelta(days=days), is_open=is_open)
    assert bool(duplicates(TABLES, ["cardiology"], today, [standing])) is found


# --- CMS50 --------------------

VISIT = [date(2026, 3, 3)]


def report(referral: str, ended: date | None, status: str = "completed", is_report: bool = True) -> Fulfilment:
    return Fulfilment(referral=referral, status=status, ended=ended, is_consultant_report=is_report)


def test_case_2_only_the_first_referral_counts() -> None:
    referrals = [Referral(id="first", authored=date(2026, 2, 10)), Referral(id="second", authored=date(2026, 3, 1))]
    found = cms50(2026, VISIT, referrals, [report("second", date(2026, 4, 1))])
    assert (found.initial_population, found.numerator, found.referral) == (True, False, "first")
    assert cms50(2026, VISIT, referrals, [report("first", date(2026, 4, 1))]).numerator


@pytest.mark.parametrize(
    ("authored", "counts"),
    [(date(2026, 11, 3), False), (date(2026, 10, 31), True), (date(2026, 11, 1), False), (date(2026, 1, 1), True),
     (date(2025, 12, 31), False)],
)  # fmt: skip
def test_case_3_referrals_from_january_to_october(authored: date, counts: bool) -> None:
    assert cms50(2026, VISIT, [Referral(id="1", authored=authored)], []).initial_population is counts


@pytest.mark.parametrize(
    ("ended", "status", "is_report", "met"),
    [
        (date(2027, 1, 4), "completed", True, False), (date(2026, 12, 31), "completed", True, True),
        (date(2026, 12, 31), "in-progress", True, False), (date(2026, 12, 31), "completed", False, False),
        (date(2026, 10, 31), "completed", True, False), (date(2026, 11, 1), "completed", True, True),
        (None, "completed", True, False),
    ],
)  # fmt: skip
def test_case_3_the_report_comes_after_the_referral_and_within_the_year(
    ended: date | None, status: str, is_report: bool, met: bool
) -> None:
    referral = Referral(id="1", authored=date(2026, 10, 31))
    assert cms50(2026, VISIT, [referral], [report("1", ended, status, is_report)]).numerator is met


def test_cms50_instants_of_one_day_are_compared_as_instants() -> None:
    referral = Referral(id="1", authored=datetime(2026, 5, 4, 9))
    assert cms50(2026, VISIT, [referral], [report("1", datetime(2026, 5, 4, 10))]).numerator
    assert not cms50(2026, VISIT, [referral], [report("1", datetime(2026, 5, 4, 9))]).numerator


def test_cms50_needs_a_visit_in_the_year_and_a_standing_order() -> None:
    referral = Referral(id="1", authored=date(2026, 5, 4))
    assert not cms50(2026, [date(2025, 12, 31)], [referral], []).initial_population
    revoked = Referral(id="0", authored=date(2026, 5, 1), status="revoked")
    plan = Referral(id="2", authored=date(2026, 5, 2), intent="plan")
    assert cms50(2026, VISIT, [revoked, plan, referral], []).referral == "1"
