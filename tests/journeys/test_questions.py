"""Questions for physicians: asked once, answered once by whom they were put to, open until somebody acted on them."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.conftest import StandingClock
from tests.journeys.practice import Practice

from careloop.engagement.notices import store as notices
from careloop.engagement.notices.model import Person
from careloop.errors import Conflict, NotFound, NotPermitted, Rejected
from careloop.flows import questions as flow
from careloop.flows import telling
from careloop.loops import store


@pytest.fixture(scope="module")
def practice(_app):
    opened = Practice.open(_app.with_clock(StandingClock()))
    opened.move_to("2026-04-06 09:00")
    return opened


@pytest.fixture
def loop_id(practice: Practice) -> str:
    patient = practice.patient()
    practice.write({
        "resourceType": "Task", "id": f"need-{patient}", "status": "requested", "intent": "order",
        "code": {"coding": [{"system": "urn:careloop:open", "code": "medication-reconciliation"}]},
        "for": {"reference": f"Patient/{patient}"}, "authoredOn": practice.app.clock.now().isoformat(),
    })  # fmt: skip
    return practice.run(lambda tx: store.load_loops(tx, patients=[patient])[0].id)


def ask(practice: Practice, loop_id: str, text: str = "May she stop the water pill?", **more):
    given = {"to": practice.reference("osei"), "text": text, "facts": ["Pressure 98 over 60"]} | more
    return practice.run(lambda tx: flow.ask(practice.app, tx, practice.user("dana"), loop_id=loop_id, **given))


def seen(practice: Practice, who: str) -> flow.Questions:
    return practice.run(lambda tx: flow.of_person(practice.app, tx, practice.user(who)))


def waiting(practice: Practice, loop_id: str, who: str = "osei") -> flow.Question:
    return next(one for one in seen(practice, who).waiting if one.loop_id == loop_id)


def say(practice: Practice, question: flow.Question, said: str, who: str = "osei", **more) -> str:
    return practice.run(
        lambda tx: flow.answer(
            practice.app, tx, practice.user(who), question.id, version=question.version, said=said, **more
        )
    )


@pytest.mark.parametrize(
    ("said", "note", "shown"), [("yes", "", "Yes"), ("no", "", "No"), ("other", "Half", "Other: Half")]
)
def test_a_question_goes_to_its_physician_and_its_answer_back(practice, loop_id, said, note, shown):
    ask(practice, loop_id)
    card = waiting(practice, loop_id)
    assert (card.asked_by, card.facts, card.due.isoformat()) == (
        "Dana Example", ["Pressure 98 over 60"], "2026-04-07T23:59:59-04:00",
    )  # fmt: skip
    say(practice, card, said, note=note)
    assert loop_id not in {one.loop_id for one in seen(practice, "osei").waiting}
    (back,) = [one for one in seen(practice, "dana").answered if one.loop_id == loop_id]
    assert (back.answer, back.note) == (said, shown)
    practice.run(lambda tx: flow.acted_on(practice.app, tx, practice.user("dana"), back.id))
    assert loop_id not in {one.loop_id for one in seen(practice, "dana").answered}


def test_a_press_twice_asks_once(practice, loop_id):
    assert ask(practice, loop_id, key="k1") == ask(practice, loop_id, key="k1")
    assert len([one for one in seen(practice, "osei").waiting if one.loop_id == loop_id]) == 1


def test_two_answers_are_one_and_a_conflict(practice, loop_id):
    ask(practice, loop_id)
    card = waiting(practice, loop_id)
    say(practice, card, "yes")
    with pytest.raises(Conflict):
        say(practice, card, "no")


def test_only_whom_it_was_put_to_answers_and_only_who_asked_puts_it_away(practice, loop_id):
    ask(practice, loop_id)
    card = waiting(practice, loop_id)
    with pytest.raises(NotPermitted):
        say(practice, card, "yes", who="nia")
    with pytest.raises(Conflict):
        practice.run(lambda tx: flow.acted_on(practice.app, tx, practice.user("dana"), card.id))
    say(practice, card, "yes")
    with pytest.raises(NotFound):
        practice.run(lambda tx: flow.acted_on(practice.app, tx, practice.user("nia"), card.id))


@pytest.mark.parametrize(
    "more",
    [
        {"text": "Stop the pill."}, {"text": " "}, {"text": "x" * 300 + "?"}, {"to": "Practitioner/nobody"},
        {"facts": ["a", "b", "c", "d"]},
    ],
)  # fmt: skip
def test_what_is_no_question_for_a_physician_is_refused(practice, loop_id, more):
    with pytest.raises(Rejected):
        ask(practice, loop_id, **more)


def test_other_needs_words(practice, loop_id):
    ask(practice, loop_id)
    with pytest.raises(Rejected):
        say(practice, waiting(practice, loop_id), "other")


def events(practice: Practice) -> list[tuple[str, str]]:
    found = practice.run(lambda tx: tx.rows("select kind, whom from notice_event where thing like 'Question/%'"))
    return [(row["kind"], row["whom"]) for row in found]


def told(practice: Practice) -> list[str]:
    def work(tx):
        while telling.tell(practice.app, tx):
            pass
        mine = notices.notices_of(tx, practice.reference("osei"), since=practice.app.clock.now() - timedelta(days=1))
        return [one.way for one in mine if one.kind.startswith("question") and one.seen is None]

    return practice.run(work)


def test_whom_it_is_put_to_is_told_once_and_looking_ends_the_notice(practice, loop_id):
    ask(practice, loop_id, text="May she drive?")
    assert ("question", practice.reference("osei")) in events(practice)
    assert "digest" in told(practice)
    practice.run(lambda tx: flow.seen(practice.app, tx, practice.user("osei")))
    assert told(practice) == []


def test_a_question_about_safety_is_told_at_once(practice):
    patient = practice.patient()
    practice.write({
        "resourceType": "Task", "id": f"safe-{patient}", "status": "requested", "intent": "order",
        "code": {"coding": [{"system": "urn:careloop:open", "code": "safety-concern"}]},
        "for": {"reference": f"Patient/{patient}"}, "authoredOn": practice.app.clock.now().isoformat(),
    })  # fmt: skip
    loop = practice.run(lambda tx: store.load_loops(tx, patients=[patient])[0].id)
    ask(practice, loop, text="Is she safe at home?")
    assert "now" in told(practice)


def test_an_e_mail_about_nothing_but_questions_opens_the_card(practice, loop_id):
    ask(practice, loop_id, text="May she fly?")
    person = Person(person=practice.reference("osei"), address="osei@example.org")
    app = replace(practice.app, settings=replace(practice.app.settings, smtp_host="localhost"))

    def work(tx):
        notices.save_person(tx, person)
        while telling.tell(app, tx):
            pass
        return [telling.write_mail(app, tx, practice.tenant), telling.write_mail(app, tx, practice.tenant)]

    assert practice.run(work) == [1, 0]
    sent = practice.run(lambda tx: tx.rows("select payload from delivery where about = 'notice'"))
    assert [row["payload"]["link"] for row in sent] == ["/questions/next"]
