"""The finite day, many loops at once, named lists, and a place in the order that somebody thinks is wrong."""

from datetime import timedelta

import pytest
from tests.journeys.practice import at

from careloop.errors import NotFound, NotPermitted, Rejected
from careloop.flows import absences, acts, bulk_acts, day, list_views, placing, rank_reports, worklist
from careloop.flows.worklist_values import Narrowed
from careloop.loops import worklist as lists


@pytest.fixture
def patients(practice):
    """Four people who went home on Friday; it is Tuesday morning, the last day for the calls."""
    practice.move_to("2026-03-06 17:00")
    found = [practice.patient() for _ in range(4)]
    for patient in found:
        practice.stay(patient, start="2026-03-01 08:00", end="2026-03-06 16:30")
    practice.move_to("2026-03-10 09:00")
    return found


def ask(practice, flow, *arguments, who="dana", **more):
    return practice.run(lambda tx: flow(practice.app, tx, practice.user(who), *arguments, **more))


def shown(practice, name="dana"):
    return ask(practice, day.shown, who=name)


def loops_of(practice, patients):
    return [practice.loop(patient).id for patient in patients]


def page(practice, name="dana", **more):
    return ask(practice, worklist.page, who=name, **more)


def ids(page):
    return [row.loop_id for group in page.groups for row in group.rows]


def test_forty_minutes_are_two_calls_and_the_others_slip_to_somebody_with_minutes(practice, patients):
    practice.hire_as("jo", "coordinator")
    practice.run(lambda tx: day.set_today(practice.app, tx, practice.user("dana"), 40, "clinic in the afternoon"))
    found = shown(practice)
    assert (found.today.minutes, found.today.because) == (40, "clinic in the afternoon")
    assert [line.planned.item.minutes for line in found.fits] == [20, 20]
    assert [line.offer.name for line in found.slips if line.offer] == ["Jo Example", "Jo Example"]
    assert {line.row.loop_id for line in (*found.fits, *found.slips, *found.later)} == set(ids(page(practice)))
    note = ask(practice, day.note)
    assert (note.fits, note.slips, note.minutes) == (2, 2, 40)


def test_minutes_are_those_of_the_weekday_unless_today_is_different_or_one_is_away(practice, patients):
    practice.run(lambda tx: day.set_minutes(tx, practice.user("dana"), {1: 100, 2: 50}))
    assert shown(practice).today.minutes == 100
    practice.run(lambda tx: day.set_today(practice.app, tx, practice.user("dana"), None, ""))
    assert shown(practice).today.minutes == 100
    practice.move_to("2026-03-11 09:00")
    assert shown(practice).today.minutes == 50
    leave = absences.Leave(
        person=practice.reference("dana"), starts=at("2026-03-11 08:00"), ends=at("2026-03-12 08:00"), cover=None,
        why="sick",
    )  # fmt: skip
    ask(practice, absences.add, leave)
    assert (shown(practice).today.minutes, shown(practice).today.because) == (0, "away: sick")
    with pytest.raises(Rejected):
        practice.run(lambda tx: day.set_minutes(tx, practice.user("dana"), {1: 1441}))


def test_many_loops_are_offered_at_once_and_what_cannot_be_is_named(practice, patients):
    chosen = loops_of(practice, patients)
    ask(practice, acts.hand_over, loop_id=chosen[0], to=practice.reference("nia"), why="first")
    receipt = ask(practice, bulk_acts.hand_over, loops=[*chosen, chosen[1]], to=practice.reference("nia"))
    assert receipt.done == 3
    assert receipt.left == ((chosen[0], "this loop is on offer already"),)
    assert receipt.says("Offered") == "Offered: 3. Not done: 1 (this loop is on offer already)."
    details = [ask(practice, worklist.detail, loop) for loop in chosen]
    assert {detail.offer.to for detail in details} == {practice.reference("nia")}
    with pytest.raises(Rejected):
        ask(practice, bulk_acts.hand_over, loops=[], to=practice.reference("nia"))


def test_many_loops_are_put_off_each_no_further_than_its_own_deadline(practice, patients):
    practice.move_to("2026-03-06 18:00")
    chosen = loops_of(practice, patients)
    receipt = ask(practice, bulk_acts.snooze, loops=chosen[:2], until=at("2026-03-13 12:00"))
    assert (receipt.done, receipt.left) == (2, ())
    assert not set(chosen[:2]) & set(ids(page(practice)))
    assert set(ids(page(practice, snoozed=True))) == set(chosen[:2])
    for loop in chosen[:2]:
        stands = practice.run(lambda tx, loop=loop: lists.shown(tx, [loop])[loop])
        assert stands.snoozed_until == min(step.due for step in stands.state.steps if step.status.is_open)


def test_a_name_is_enough_to_say_who(practice, patients):
    named = lambda text: practice.run(lambda tx: bulk_acts.owner_named(tx, text))  # noqa: E731
    assert named("Dana Example") == named("dana") == practice.reference("dana")
    assert named(practice.reference("nia")) == practice.reference("nia")
    assert named("queue").startswith("CareTeam/")
    for wrong in ("", "Example", "Nobody"):
        with pytest.raises(Rejected):
            named(wrong)


def test_filters_narrow_the_list_and_never_its_counts(practice, patients):
    spanish = practice.patient(
        communication=[{"language": {"text": "Spanish"}, "preferred": True}],
    )
    practice.stay(spanish, start="2026-03-08 08:00", end="2026-03-10 08:30")
    placing.go_on(practice.app, practice.tenant)
    placing.go_on(practice.app, practice.tenant)
    assert practice.run(worklist.known_filters)["language"] == ["Spanish"]
    found = page(practice, scope="team", narrowed=Narrowed(language="Spanish"))
    assert ids(found) == [practice.loop(spanish).id]
    assert (found.shown_total, found.open_total) == (1, 5)
    assert len(ids(page(practice, scope="team", narrowed=Narrowed(due="today")))) == 4
    assert ids(page(practice, scope="team", narrowed=Narrowed(owner=practice.reference("osei")))) == ids(
        page(practice, "osei")
    )
    with pytest.raises(Rejected):
        page(practice, narrowed=Narrowed(due="someday"))


def test_a_named_list_is_for_its_person_unless_it_is_shared(practice, patients):
    save = lambda **more: ask(practice, list_views.save, **more)  # noqa: E731
    mine = save(name="Late today", query="scope=team&due=late&loop=1&most=500", shared=False)
    ours = save(name="Ours", query="scope=team", shared=True)
    opened = lambda view, name: practice.run(lambda tx: list_views.opened(tx, practice.user(name), view))  # noqa: E731
    assert opened(mine, "dana").query == "scope=team&due=late"
    assert opened(ours, "nia").name == "Ours"
    for view, name in ((mine, "nia"), ("no-such-view", "dana")):
        with pytest.raises(NotFound):
            opened(view, name)
    assert save(name="Ours", query="scope=queue", shared=True) == ours
    with pytest.raises(NotFound):
        practice.run(lambda tx: list_views.remove(tx, practice.user("nia"), ours))
    practice.run(lambda tx: list_views.remove(tx, practice.user("dana"), ours))
    assert [view.name for view in practice.run(lambda tx: list_views.all_of(tx, practice.user("dana")))] == [
        "Late today"
    ]


def test_a_wrong_place_goes_to_the_owner_of_the_rules_and_is_counted(practice, patients):
    before = page(practice)
    loop = ids(before)[2]
    report = ask(practice, rank_reports.say_wrong, loop_id=loop, says="She is well", should="Last, she has a nurse")
    [one] = ask(practice, rank_reports.waiting, who="mo")
    assert (one.loop_id, one.position, one.points) == (loop, 3, sum(part["points"] for part in one.parts))
    assert practice.run(lambda tx: rank_reports.counts(practice.app, tx)) == (1, 1)
    assert ids(page(practice)) == ids(before), "the order is as it was"
    for flow, more in ((rank_reports.waiting, {}), (rank_reports.answer, {"report_id": report, "text": "no"})):
        with pytest.raises(NotPermitted):
            ask(practice, flow, **more)
    ask(practice, rank_reports.answer, who="mo", report_id=report, text="The weight is looked at")
    assert practice.run(lambda tx: rank_reports.counts(practice.app, tx)) == (1, 0)
    with pytest.raises(NotFound):
        ask(practice, rank_reports.answer, who="mo", report_id=report, text="again")


def test_the_list_of_everybody_is_the_same_before_and_after_the_worker_came_round(practice, patients):
    before = ids(page(practice, scope="team"))
    placing.go_on(practice.app, practice.tenant)
    assert ids(page(practice, scope="team")) == before
    practice.app.clock.now()
    practice.move_to("2026-03-12 09:00")
    later = ids(page(practice, scope="team"))
    placing.go_on(practice.app, practice.tenant)
    assert ids(page(practice, scope="team")) == later
    assert practice.app.clock.now() - at("2026-03-12 09:00") < timedelta(hours=1)
