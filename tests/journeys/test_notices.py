"""Who is told of what changed: one notice for each card and change, only to whom it concerns, each by their own way."""

from random import Random

import pytest
from tests.journeys.practice import at

from careloop.engagement.notices import store
from careloop.engagement.notices.model import NewEvent
from careloop.errors import NotFound, Rejected
from careloop.flows import absences, acts, bulk_acts, deadlines, leading, notices, telling
from careloop.flows.absences import Leave
from careloop.loops.rules.rank import is_waiting


@pytest.fixture
def home(practice):
    """Somebody went home from hospital on Friday; it is Monday 9:00, and everything until then was told and seen."""
    practice.move_to("2026-06-05 17:00")
    patient = practice.patient()
    practice.stay(patient, id_=f"stay-{patient}", start="2026-06-02 08:00", end="2026-06-05 16:30")
    practice.move_to("2026-06-08 09:00")
    return patient


def tell(practice):
    telling.go_on(practice.app, practice.tenant)


def ask(practice, who, flow, *more, **named):
    return practice.run(lambda tx: flow(practice.app, tx, practice.user(who), *more, **named))


def kinds(practice, who):
    return [one.kind for one in ask(practice, who, notices.page).waiting if one.fresh]


def unread(practice, who):
    return practice.run(lambda tx: notices.unread(tx, practice.user(who)))


def test_a_new_matter_is_told_to_whoever_owns_its_first_step_and_to_nobody_else(practice, home):
    tell(practice)
    loop = practice.loop(home)
    owners = {
        loop.steps[step.step_id].owner for step in loop.state.steps if step.status.is_open and not is_waiting(step)
    }
    told = {practice.reference(who): kinds(practice, who) for who in practice.staff}
    assert {who for who, mine in told.items() if mine == ["opened"]} == owners
    assert {who for who, mine in told.items() if mine == []} == set(told) - owners


def test_many_messages_about_one_stay_are_one_notice_while_nobody_has_seen_it(practice):
    practice.move_to("2026-06-05 17:00")
    patient = practice.known("N1")
    ask(practice, "mo", leading.offer_lead, patient_id=patient, to=practice.reference("dana"), why="yours")
    practice.run(lambda tx: leading.accept_lead(practice.app, tx, practice.user("dana"), patient_id=patient))
    visit = {"mrn": "N1", "visit": "VN1"}
    admitted = practice.message("A01", "2026-06-05 10:00", **visit)
    practice.send(admitted, admitted, admitted)
    practice.send(
        practice.message("A08", "2026-06-05 10:30", **visit), practice.message("A02", "2026-06-05 11:00", **visit)
    )
    tell(practice)
    [stay] = [one for one in ask(practice, "dana", notices.page).waiting if one.kind == "stay"]
    assert stay.says == ["Went into hospital"]
    practice.move_to("2026-06-06 12:30")
    practice.send(practice.message("A03", "2026-06-06 12:00", **visit))
    practice.send(practice.message("A02", "2026-06-06 09:00", **visit))
    practice.send(practice.message("A13", "2026-06-06 12:20", **visit))
    tell(practice)
    [told] = [one for one in ask(practice, "dana", notices.page).waiting if one.fresh]
    assert told.kind == "opened"
    assert list(told.says[:2]) == ["Going home was taken back: still in hospital", "Went home from hospital"]
    assert told.changes == 3
    assert told.over is not None


def test_what_was_seen_is_told_anew_when_it_changes_again(practice, home):
    tell(practice)
    who = _owner(practice, home)
    before = ask(practice, who, notices.page)
    assert [one.fresh for one in before.waiting] == [True]
    assert unread(practice, who) == (0, 0)
    assert [one.fresh for one in ask(practice, who, notices.page).waiting] == [False]
    practice.move_to("2026-06-09 23:59")
    practice.move_to("2026-06-10 09:00")
    deadlines.run(practice.app, practice.tenant)
    tell(practice)
    assert "late" in kinds(practice, who)


def _owner(practice, patient):
    owner = practice.loop(patient).steps["contact"].owner
    return next(who for who in practice.staff if practice.reference(who) == owner)


def test_an_offer_is_told_to_who_is_asked_and_never_to_who_asks(practice, home):
    practice.hire_as("eve", "coordinator")
    giver = _owner(practice, home)
    tell(practice)
    ask(practice, giver, notices.page)
    loop = practice.loop(home).id
    ask(practice, giver, acts.hand_over, loop_id=loop, to=practice.reference("eve"), why=bulk_acts.ASKED)
    tell(practice)
    assert kinds(practice, "eve") == ["offered"]
    assert kinds(practice, giver) == []
    ask(practice, "eve", acts.accept_offer, loop_id=loop)
    tell(practice)
    assert kinds(practice, "eve") == []


def test_who_may_not_see_patients_is_told_nothing(practice, home):
    practice.hire_as("bill", "biller")
    practice.run(
        lambda tx: (
            practice.app.database  # the biller leads on paper only
            and tx.execute(
                "update lead set lead = %(lead)s where patient_id = %(patient)s and led_until is null",
                {"lead": practice.reference("bill"), "patient": home},
            )
        )
    )
    practice.stay(home, start="2026-06-08 08:00")
    tell(practice)
    assert (
        practice.run(
            lambda tx: tx.value("select count(*) from notice where person = %(p)s", {"p": practice.reference("bill")})
        )
        == 0
    )
    assert unread(practice, "bill") == (0, 0)


def test_safety_goes_to_the_owner_and_who_is_on_call_and_cannot_be_turned_down(practice):
    practice.hire_as("eve", "nurse")
    practice.move_to("2026-06-08 09:00")
    ask(
        practice, "mo", notices.put_on_call,
        person=practice.reference("eve"), starts=at("2026-06-08 08:00"), ends=at("2026-06-09 08:00"),
    )  # fmt: skip
    with pytest.raises(Rejected, match="cannot be turned down"):
        ask(practice, "eve", notices.choose, "safety", "off")
    patient = practice.patient()
    practice.write(_alert(patient, "2026-06-08T08:59:00-04:00", "safety-concern"))
    tell(practice)
    [told] = ask(practice, "eve", notices.page).waiting
    assert told.safety
    owner = practice.loop(patient, "safety-concern").steps["contact"].owner
    name = next(who for who in practice.staff if practice.reference(who) == owner)
    assert any(one.safety for one in ask(practice, name, notices.page).waiting) or name == "eve"


def _alert(patient, when, pathway):
    return {
        "resourceType": "Task",
        "id": f"alert-{patient}",
        "status": "requested",
        "intent": "order",
        "priority": "stat",
        "code": {"coding": [{"system": "urn:careloop:open", "code": pathway}]},
        "for": {"reference": f"Patient/{patient}"},
        "authoredOn": when,
        "lastModified": when,
    }


@pytest.mark.long
def test_work_that_leave_moves_is_told_to_the_cover(practice, home):
    practice.hire_as("eve", "coordinator")
    tell(practice)
    giver = _owner(practice, home)
    ask(practice, giver, notices.page)
    leave = Leave(
        person=practice.reference(giver), starts=at("2026-06-08 09:00"), ends=at("2026-06-12 17:00"),
        cover=practice.reference("eve"), why="holiday",
    )  # fmt: skip
    ask(practice, giver, absences.add, leave)
    tell(practice)
    assert "given" in kinds(practice, "eve")


def test_history_is_not_news(practice):
    practice.move_to("2026-06-20 09:00")
    patient = practice.patient()
    practice.stay(patient, start="2026-06-02 08:00", end="2026-06-05 16:30")
    tell(practice)
    assert practice.loops(patient)
    assert practice.run(lambda tx: tx.value("select count(*) from notice_event where kind in ('opened', 'stay')")) == 0


def test_what_was_never_opened_is_shown_with_what_became_of_it(practice, home):
    tell(practice)
    who = _owner(practice, home)
    ask(practice, who, notices.page)
    practice.call(home, sent="2026-06-08 10:00")
    practice.move_to("2026-06-09 12:00")
    week = ask(practice, who, notices.ignored)
    [opened] = [one for one in week.kinds if one.kind.id == "opened"]
    assert (opened.sent, opened.ignored, opened.missed) == (1, 1, 0)
    assert [fate.says for fate in opened.fates] == ["closed by proof in time"]
    assert ask(practice, who, notices.choose, "opened", "off").startswith("Turned down")
    again = practice.patient()
    practice.stay(again, start="2026-06-07 08:00", end="2026-06-09 11:00")
    tell(practice)
    if _owner(practice, again) == who:
        assert "opened" not in kinds(practice, who)
        week = ask(practice, who, notices.ignored)
        assert [one.ignored for one in week.kinds if one.kind.id == "opened"] == [2]
    assert [kind.id for kind in week.down] in (["opened"], [])
    ask(practice, who, notices.choose, "opened", "")
    assert ask(practice, who, notices.ignored).down == []


@pytest.mark.long
def test_a_late_matter_that_was_ignored_is_not_called_missed_nothing(practice, home):
    tell(practice)
    who = _owner(practice, home)
    ask(practice, who, notices.page)
    practice.move_to("2026-06-11 09:00")
    week = ask(practice, who, notices.ignored)
    assert week.missed == 1
    assert [fate.became for one in week.kinds for fate in one.fates if one.kind.id == "opened"] == ["open-late"]


def test_opening_leads_to_the_matter_and_another_persons_notice_is_not_there(practice, home):
    tell(practice)
    who = _owner(practice, home)
    [one] = ask(practice, who, notices.page).waiting
    other = next(name for name in ("nia", "osei") if name != who)
    with pytest.raises(NotFound):
        ask(practice, other, notices.open_one, one.id)
    assert ask(practice, who, notices.open_one, one.id) == f"/worklist?scope=all&loop={practice.loop(home).id}"
    assert ask(practice, who, notices.page).waiting == []


def test_folding_loses_no_change_and_two_unseen_notices_of_a_card_and_kind_never_stand(practice):
    """Any changes in any order, seen and turned down at any moment: each told once to each whom it concerns."""
    practice.move_to("2026-06-08 09:00")
    chance = Random(20261123)
    who, me = practice.user("dana"), practice.reference("dana")
    patients = [practice.patient() for _ in range(3)]
    for number in range(40):
        event = NewEvent(
            at=practice.app.clock.now(), kind=chance.choice(["given", "late", "your-turn", "offered", "safety"]),
            patient_id=chance.choice(patients), thing=f"Loop/{chance.randrange(4)}/x", state=str(number),
            says=f"change {number}", whom=me, by="",
        )  # fmt: skip
        practice.run(lambda tx, event=event: store.add_events(tx, [event]))
        practice.app.clock.move_by(minutes=7)
        if chance.random() < 0.6:
            tell(practice)
        if chance.random() < 0.2:
            practice.run(lambda tx: notices.page(practice.app, tx, who))
        if chance.random() < 0.15:
            way = chance.choice(["off", "", "product"])
            practice.run(lambda tx, way=way: notices.choose(practice.app, tx, who, "late", way))
        doubled = practice.run(
            lambda tx: tx.value(
                "select count(*) from (select 1 from notice where seen is null and person = %(me)s"
                " group by card, kind having count(*) > 1) as twice",
                {"me": me},
            )
        )
        assert doubled == 0
    tell(practice)
    told = practice.run(
        lambda tx: tx.rows(
            "select e.says, count(*) as times from notice_event as e join notice_change as c on c.event_id = e.id"
            " join notice as n on n.id = c.notice_id where n.person = %(me)s and e.says like 'change %%' group by 1",
            {"me": me},
        )
    )
    assert {row["says"]: row["times"] for row in told} == {f"change {number}": 1 for number in range(40)}
