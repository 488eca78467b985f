"""The link of a check-in: the patient answers question by question, gives numbers, says how often, or that they cannot.

Each answer is saved when it is given, so that the link can be left and opened again until it closes. A warning goes
through the limits at once, though questions are still open. With the numbers the link is used.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from careloop import community
from careloop.access.model import system_principal
from careloop.db import Transaction
from careloop.errors import NotFound, Rejected
from careloop.flows import (
    home_answers,
    home_enrolling,
    home_entering,
    home_plans,
    home_rhythms,
    monitoring,
    partner_links,
    people,
    writing,
)
from careloop.flows.app import App
from careloop.flows.education_record import language_of
from careloop.flows.home_answers import Response
from careloop.flows.home_entering import Typed
from careloop.flows.home_readings import TAG
from careloop.flows.home_words import Words, words_for
from careloop.flows.mailing import message_id
from careloop.flows.partner_links import Door
from careloop.monitoring import check_in_store
from careloop.monitoring.check_in_store import Kept
from careloop.monitoring.content import Monitoring
from careloop.monitoring.model import Plan
from careloop.monitoring.rules import check_ins
from careloop.monitoring.rules.asking import Rhythm, asking_of
from careloop.monitoring.rules.check_ins import Asked, Outcome
from careloop.record import Stored, Write

BACK, ANSWER = "back", "answer"


@dataclass(frozen=True, kw_only=True)
class Today:
    """Where a check-in stands: what is asked next (None: all is said), what the answers come to, the words for this
    reader. `proof` goes back with the form."""

    name: str
    patient_id: str
    plan: Plan
    content: Monitoring
    kept: Kept
    response: Response
    asked: Asked | None
    number: int
    outcome: Outcome | None
    words: Words
    proof: str

    @property
    def metrics(self) -> list[str]:
        """What they measure, by their programmes."""
        known = self.content.programmes
        some = [known[one].metrics for one in sorted(self.plan.conditions) if one in known]
        return list(dict.fromkeys(metric for metrics in some for metric in metrics))

    @property
    def pauses(self) -> Sequence[Mapping[str, Any]]:
        """What they may say in place of an answer."""
        found: Sequence[Mapping[str, Any]] = self.content.check_ins["pauses"]
        return found

    @property
    def rhythms(self) -> list[Rhythm]:
        """How often they may choose to be asked."""
        return [one for one in asking_of(self.content.check_ins).rhythms.values() if one.patient_may]


def opened(app: App, door: Door, birth_date: str) -> Today | None:
    """Where the check-in stands, for the right birth date; None for a wrong one, which is counted."""
    sight = door.principal.narrowing
    with app.database.transaction(door.tenant.id, actor=door.principal.reference, sight=sight) as tx:
        if partner_links.is_birth_date(app, tx, door, birth_date):
            return _of_door(app, tx, door)
    partner_links.refuse(app, door)
    return None


def again(app: App, door: Door) -> Today:
    """Where it stands, for a form whose proof was good and that could not be used."""
    sight = door.principal.narrowing
    with app.database.transaction(door.tenant.id, actor=door.principal.reference, sight=sight) as tx:
        return _of_door(app, tx, door)


def answer(app: App, door: Door, place: str, choice: str) -> Today:
    """The answer is saved and the next question comes. `Rejected` for none of the answers."""
    return _run(app, door, lambda tx, today: said(app, tx, today, place, choice, ANSWER))


def back(app: App, door: Door) -> Today:
    """The last answer is taken back."""
    return _run(app, door, lambda tx, today: said(app, tx, today, "", "", BACK))


def numbers(app: App, door: Door, typed: Sequence[Typed]) -> Today:
    """The values stand in the record and the link is used. `Rejected` while a question is open."""

    def work(tx: Transaction, today: Today) -> Today:
        _save_numbers(app, tx, today, typed)
        community.use_link(tx, door.link.id, "answered", app.clock.now())
        return today

    return _run(app, door, work)


def pause(app: App, door: Door, pause_id: str) -> Today:
    """Nothing is expected for a while; the link is used."""

    def work(tx: Transaction, today: Today) -> Today:
        found = next((one for one in today.pauses if one["id"] == pause_id), None)
        if found is None:
            raise Rejected(at="choice", expected="one of the answers", code="required")
        home_rhythms.pause_by_patient(app, tx, today.patient_id, found)
        community.use_link(tx, door.link.id, f"pause {pause_id}", app.clock.now())
        return today

    return _run(app, door, work)


def choose_rhythm(app: App, door: Door, rhythm: str) -> Today:
    """They are asked in this rhythm from now on; the link stays good for the answer."""

    def work(tx: Transaction, today: Today) -> Today:
        home_rhythms.rhythm_by_patient(app, tx, today.patient_id, rhythm)
        return today

    return _run(app, door, work)


def by_staff(app: App, tx: Transaction, patient: Stored, kept: Kept, author: str) -> Today:
    """Where the check-in stands for somebody who asks it on the phone."""
    return _today(app, tx, patient, kept, author=author, proof="")


def said(app: App, tx: Transaction, today: Today, place: str, choice: str, do: str) -> Today:
    """One answer is kept (or the last one taken back); where the check-in stands then."""
    response = today.response
    forms = response.forms
    known = {one.place: one.answer["id"] for one in check_ins.said_so_far(forms, response.answers)}
    if response.complete:
        return today
    if do == BACK:
        answers = dict(list(known.items())[:-1])
    elif today.asked is None or today.asked.place != place:
        return today
    elif choice not in {one["id"] for one in today.asked.question["answers"]}:
        raise Rejected(at="answer", expected="one of the answers", code="required")
    else:
        answers = {**known, place: choice}
    at = app.clock.now().astimezone(people.zone_of(tx)).isoformat(timespec="seconds")
    asked = check_ins.next_question(forms, answers)
    changed = replace(response, answers=answers, complete=asked is None, at=at, language=today.words.language)
    found = home_answers.keep(app, tx, today.content, changed)
    _note_received(app, tx, today.kept)
    check_in_store.execute(tx, "wake", patients=[today.patient_id], at=app.clock.now())
    if found is not None and (changed.complete or found.level >= _WARNING):
        ids = [one["id"] for one in home_answers.observations(app, tx, today.content, changed, found)]
        monitoring.review(app, tx, ids, [today.patient_id])
    number = len(check_ins.said_so_far(forms, answers)) + 1
    return replace(today, response=changed, asked=asked, outcome=found, number=number)


_WARNING = 3


def _run(app: App, door: Door, work: Any) -> Today:
    def inside(tx: Transaction) -> Today:
        patient_id = _patient_id(door)
        with tx.widened():
            tx.lock(f"patient {patient_id}")
            link = community.lock_link(tx, door.link.id)
            if link is None or not link.is_good(app.clock.now()):
                raise NotFound("this link is over")
        today = _of_door(app, tx, door)
        with tx.widened():
            found: Today = work(tx, today)
            return found

    return app.database.run(door.tenant.id, inside, actor=door.principal.reference, sight=door.principal.narrowing)


def _of_door(app: App, tx: Transaction, door: Door) -> Today:
    patient = app.record.read(tx, door.principal, "Patient", _patient_id(door))
    with tx.widened():
        kept = check_in_store.one(tx, door.link.request.partition("/")[2])
        if kept is None or kept.state == "withdrawn":
            raise NotFound("there is nothing behind this link any more")
        proof = partner_links.proof_of(app, door.link.id, app.clock.now())
        return _today(app, tx, patient, kept, author=f"Patient/{patient.id}", proof=proof)


def _today(app: App, tx: Transaction, patient: Stored, kept: Kept, *, author: str, proof: str) -> Today:
    row = home_enrolling.standing(tx, patient.id)
    if row is None or row["status"] == "finished":
        raise NotFound("there is nothing behind this link any more")
    plan, content = home_plans.from_json(row["plan"]), monitoring.content_of(app, tx)
    own = home_answers.response_id(tx.tenant_id, kept.id)
    stored = app.record.fetch(tx, [f"QuestionnaireResponse/{own}"]).get(f"QuestionnaireResponse/{own}")
    response = Response(
        id=own,
        patient_id=patient.id,
        request=kept.id,
        forms=check_ins.forms_for(content.check_ins, plan.conditions),
        answers={},
        at="",
        author=author,
        complete=False,
    )
    if stored is not None and not stored.deleted:
        known = home_answers.of_resource(content, stored, kept.id)
        response = replace(known, author=author if not known.complete else known.author)
    names = [name for one in patient.resource.get("name", ()) for name in one.get("given", ())]
    return Today(
        name=str(names[0]) if names else "",
        patient_id=patient.id,
        plan=plan,
        content=content,
        kept=kept,
        response=response,
        asked=None if response.complete else check_ins.next_question(response.forms, response.answers),
        number=len(check_ins.said_so_far(response.forms, response.answers)) + 1,
        outcome=home_answers.outcome_of(content, response),
        words=words_for(content, language_of(patient.resource)),
        proof=proof,
    )


def _save_numbers(app: App, tx: Transaction, today: Today, typed: Sequence[Typed]) -> None:
    if today.asked is not None:
        raise Rejected(at="answer", expected="an answer to each question", code="required")
    save_typed(app, tx, today, typed)


def save_typed(app: App, tx: Transaction, today: Today, typed: Sequence[Typed]) -> None:
    """What was measured stands in the record, told by the patient."""
    if not typed:
        return
    me = {"reference": f"Patient/{today.patient_id}"}
    author = system_principal(tx.tenant_id, "check-in")
    made = []
    for number, one in enumerate(
        home_entering.observations(today.content, typed, today.patient_id, people.zone_of(tx))
    ):
        own = home_answers.value_id(tx.tenant_id, today.kept.id, number)
        made.append({**one, "id": own, "performer": [me], "meta": {"tag": [{"system": TAG, "code": "typed"}]}})
    writes = [Write(method="update", resource_type="Observation", id=one["id"], resource=one) for one in made]
    writing.write(app, tx, author, writes, each=True)
    monitoring.review(app, tx, [one["id"] for one in made], [today.patient_id])


def _note_received(app: App, tx: Transaction, kept: Kept) -> None:
    """The message that asked was answered: the budget learns when somebody answers."""
    request = app.record.fetch(tx, [f"CommunicationRequest/{kept.id}"]).get(f"CommunicationRequest/{kept.id}")
    if request is None:
        return
    name = f"Communication/{message_id(tx, request)}"
    sent = app.record.fetch(tx, [name]).get(name)
    if sent is None or sent.resource.get("received") or sent.resource.get("status") != "completed":
        return
    received = {**sent.resource, "received": app.clock.now().isoformat()}
    write = Write(method="update", resource_type="Communication", id=sent.id, resource=received)
    writing.write(app, tx, system_principal(tx.tenant_id, "check-in"), [write])


def _patient_id(door: Door) -> str:
    sight = door.principal.sight
    return (sight.patient_id if sight else None) or door.link.patient_id
