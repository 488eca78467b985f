"""A one-use link by which a patient says what they take at home, without an account (ui.md §8, ME-01).

The link opens with the birth date, like that of any partner. It shows the medicines that we know of and nothing else;
the answer is the list from home, told by the patient.
"""

from dataclasses import dataclass

from careloop import community
from careloop.access.model import Principal
from careloop.access.policy import Action, require, require_action
from careloop.community import Codes, NewLink, Purpose
from careloop.db import Transaction
from careloop.fhir.ids import new_id
from careloop.flows import home_lists, medicine_resources, partner_links, writing
from careloop.flows.app import App
from careloop.flows.home_lists import Asked, Told
from careloop.flows.partner_links import Door
from careloop.flows.patient_reading import full_name

ASKS = "Which medicines do you take at home?"


@dataclass(frozen=True, kw_only=True)
class Question:
    """What the page shows once the birth date was right."""

    name: str
    asked: tuple[Asked, ...]
    proof: str


def make(app: App, tx: Transaction, principal: Principal, patient_id: str) -> Codes:
    """The patient is asked, by a link that is theirs alone; its codes, to be sent or printed."""
    require_action(principal, Action.LOOP_WORK)
    require(principal, "create", "Communication")
    patient = app.record.read(tx, principal, "Patient", patient_id).resource
    asked = medicine_resources.message(
        new_id(), patient_id, principal, app.clock.now(), codes=["medicines-asked"], text=ASKS, about=[]
    )
    del asked["about"]
    asked |= {"status": "in-progress", "recipient": [{"reference": f"Patient/{patient_id}"}]}
    writing.write(app, tx, principal, [medicine_resources.put(asked)])
    new = NewLink(
        purpose=Purpose.MEDICINES,
        patient_id=patient_id,
        request=f"Communication/{asked['id']}",
        partner=full_name(patient) or "The patient",
        asks=ASKS,
    )
    return partner_links.make(app, tx, principal, new)


def open_question(app: App, door: Door, birth_date: str) -> Question | None:
    """The question, for the right birth date; None for a wrong one, which is counted and audited."""
    with app.database.transaction(door.tenant.id, actor=door.principal.reference, sight=door.principal.narrowing) as tx:
        if partner_links.is_birth_date(app, tx, door, birth_date):
            return question(app, tx, door)
    partner_links.refuse(app, door)
    return None


def again(app: App, door: Door) -> Question:
    """The question once more, for a form whose proof was good and that could not be saved."""
    with app.database.transaction(door.tenant.id, actor=door.principal.reference, sight=door.principal.narrowing) as tx:
        return question(app, tx, door)


def question(app: App, tx: Transaction, door: Door) -> Question:
    """What we know of, and ask about. The patient counts as read by the link."""
    patient_id = _patient_id(door)
    patient = app.record.read(tx, door.principal, "Patient", patient_id).resource
    return Question(
        name=full_name(patient),
        asked=home_lists.asked_about(app, tx, patient_id),
        proof=partner_links.proof_of(app, door.link.id, app.clock.now()),
    )


def save(app: App, door: Door, proof: str, told: Told) -> str | None:
    """The list from home is in the record and the link is used; None where somebody answered first or too much time
    went by. `Rejected` for a form that lacks something."""
    now = app.clock.now()
    if not partner_links.is_proof(app, door.link.id, proof, now):
        return None
    patient_id = _patient_id(door)

    def work(tx: Transaction) -> str | None:
        with tx.widened():
            link = community.lock_link(tx, door.link.id)
            if link is None or not link.is_good(now) or not community.use_link(tx, link.id, "told", now):
                return None
        return home_lists.save(app, tx, door.principal, patient_id, f"Patient/{patient_id}", told)

    return app.database.run(door.tenant.id, work, actor=door.principal.reference, sight=door.principal.narrowing)


def _patient_id(door: Door) -> str:
    sight = door.principal.sight
    return (sight.patient_id if sight else None) or door.link.patient_id
