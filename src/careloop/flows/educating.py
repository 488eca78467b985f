"""Education: something is sent or taught, opened, said back; what is misunderstood becomes work (features 5, 16).

How it stands in the record: `flows.education_record`. A wrong answer opens the loop `teach-back` with the
misunderstanding in its line; a right one is what closes it, by whichever door it comes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from careloop import community
from careloop.access.keys import open_keyring
from careloop.access.model import Principal, system_principal
from careloop.access.policy import Action, require, require_action
from careloop.community import Codes, NewLink, Purpose
from careloop.db import Transaction
from careloop.engagement.education import (
    Choice,
    Item,
    Standing,
    Words,
    fitting,
    items_of,
    words_in,
)
from careloop.errors import NotFound, Rejected
from careloop.flows import engine, partner_links, writing
from careloop.flows import patient_reading as reading
from careloop.flows.app import App
from careloop.flows.contradiction_values import Waiting
from careloop.flows.education_record import (
    PATHWAY,
    History,
    communication_of,
    history_of,
    items_named,
    language_of,
    plans_of,
    problem_codes,
    response_of,
    sent_items,
    sent_of,
    standing_in,
    task_of,
)
from careloop.flows.partner_links import Door
from careloop.flows.patient_facts import FACT_TYPES, chart_of
from careloop.flows.patient_values import Header
from careloop.flows.people import zone_of
from careloop.loops.store import load_loops
from careloop.record import Write

WAYS: Mapping[str, str] = {"phone": "By phone", "in-person": "In person", "video": "By video"}
_MEDIUM = {"phone": "PHONE", "in-person": "FACE", "video": "VIDEOCONF"}
_TYPES = tuple(dict.fromkeys((*FACT_TYPES, "Task", "Communication")))
Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One item on the page: how it stands, its words for this reader, and the link that waits to be opened."""

    standing: Standing
    words: Words
    in_their_language: bool
    codes: Codes | None


@dataclass(frozen=True, kw_only=True)
class EducationPage:
    """What was taught and what fits; `others` are all further items."""

    header: Header
    contradictions: tuple[Waiting, ...]
    rows: tuple[Row, ...]
    others: tuple[Item, ...]


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """What a link or the counselling page shows. `before` is the misunderstanding of last time."""

    name: str
    words: Words
    in_their_language: bool
    before: Choice | None
    item: Item
    proof: str = ""


@dataclass(frozen=True, kw_only=True)
class Told:
    """What came of an answer."""

    choice: Choice
    says: str


def page(app: App, tx: Transaction, principal: Principal, patient_id: str) -> EducationPage:
    """Everything taught or fitting for the patient. One audited read."""
    patient = app.record.read(tx, principal, "Patient", patient_id).resource
    items, found = _items(app, tx), history_of(app, tx, patient_id)
    chart = chart_of(app, tx, patient_id, _TYPES, app.clock.now())
    shown = {one.id: one for one in fitting(items, problem_codes(found), plans_of(found))}
    shown |= {one: items[one] for one in sent_items(found) if one in items}
    language = language_of(patient)
    keys = open_keyring(app.settings.data_dir)
    rows = []
    for item in shown.values():
        words, theirs = words_in(item, language)
        codes = _waiting_link(app, tx, found, item, keys)
        rows.append(Row(standing=standing_in(item, found), words=words, in_their_language=theirs, codes=codes))
    rows.sort(key=lambda one: (one.standing.understood, one.standing.last_wrong is None, one.standing.item.title))
    return EducationPage(
        header=reading.header_of(patient, chart.for_header, app.clock.now().astimezone(zone_of(tx)).date()),
        contradictions=(),
        rows=tuple(rows),
        others=tuple(sorted((one for one in items.values() if one.id not in shown), key=lambda one: one.title)),
    )


def lesson(app: App, tx: Transaction, principal: Principal, patient_id: str, item_id: str) -> Lesson:
    """The script for a talk about one item: it starts from what was misunderstood last time."""
    patient = app.record.read(tx, principal, "Patient", patient_id).resource
    item = _item(app, tx, item_id)
    words, theirs = words_in(item, language_of(patient))
    before = standing_in(item, history_of(app, tx, patient_id)).last_wrong
    return Lesson(name=reading.full_name(patient), words=words, in_their_language=theirs, before=before, item=item)


def item_of_request(app: App, tx: Transaction, principal: Principal, patient_id: str, task_id: str) -> str | None:
    """The item that a request to explain again is about; None where it names none of ours. Its page audits the read."""
    require(principal, "read", "Task")
    stored = app.record.fetch(tx, [f"Task/{task_id}"]).get(f"Task/{task_id}")
    if stored is None or stored.deleted or stored.patient_id != patient_id:
        return None
    known = _items(app, tx)
    return next((one for one in items_named(stored.resource.get("reasonCode")) if one in known), None)


def send(app: App, tx: Transaction, principal: Principal, *, patient_id: str, item_id: str) -> Codes:
    """The item waits behind a link that is the patient's alone; its codes, to be sent or printed."""
    _require(principal)
    patient = app.record.read(tx, principal, "Patient", patient_id).resource
    item = _item(app, tx, item_id)
    words, _ = words_in(item, language_of(patient))
    sent = communication_of(app, principal, patient_id, item, words, "education", medium="WRITTEN")
    writing.write(app, tx, principal, [_create(sent)])
    new = NewLink(
        purpose=Purpose.EDUCATION,
        patient_id=patient_id,
        request=f"Communication/{sent['id']}",
        partner=reading.full_name(patient) or "The patient",
        asks=words.title,
    )
    return partner_links.make(app, tx, principal, new)


def teach(
    app: App, tx: Transaction, principal: Principal, *, patient_id: str, item_id: str, choice_id: str, way: str
) -> Told:
    """It was talked through and the patient said it back; what they answered is kept. Without an answer it was taught
    only, and is not understood."""
    _require(principal)
    item = _item(app, tx, item_id)
    if way not in WAYS:
        raise Rejected(at="way", expected=f"one of {', '.join(WAYS)}", code="code-invalid")
    patient = app.record.read(tx, principal, "Patient", patient_id).resource
    words, _ = words_in(item, language_of(patient))
    choice = _choice(words, choice_id)
    tx.lock(f"patient {patient_id}")
    taught = communication_of(app, principal, patient_id, item, words, "education", medium=_MEDIUM[way])
    taught["received"] = taught["sent"]
    writing.write(app, tx, principal, [_create(taught)])
    return _answered(app, tx, principal, patient_id, item, words, choice, _MEDIUM[way])


def open_lesson(app: App, door: Door, birth_date: str) -> Lesson | None:
    """The item behind a link, for the right birth date; it counts as opened. None for a wrong one, which is counted."""
    sight = door.principal.narrowing

    def work(tx: Transaction) -> Lesson | None:
        if not partner_links.is_birth_date(app, tx, door, birth_date):
            return None
        shown = _behind(app, tx, door)
        with tx.widened():
            _note_opened(app, tx, door)
        return shown

    found = app.database.run(door.tenant.id, work, actor=door.principal.reference, sight=sight)
    if found is None:
        partner_links.refuse(app, door)
    return found


def again(app: App, door: Door) -> Lesson:
    """The item once more, for a form whose proof was good and that named no answer."""
    sight = door.principal.narrowing
    with app.database.transaction(door.tenant.id, actor=door.principal.reference, sight=sight) as tx:
        return _behind(app, tx, door)


def say_back(app: App, door: Door, proof: str, choice_id: str) -> Told | None:
    """The patient's answer is kept and the link is used; None where it was used before or too much time went by."""
    now = app.clock.now()
    if not partner_links.is_proof(app, door.link.id, proof, now):
        return None
    patient_id = _patient_id(door)

    def work(tx: Transaction) -> Told | None:
        item, words = _of_link(app, tx, door)
        choice = _choice(words, choice_id)
        with tx.widened():
            link = community.lock_link(tx, door.link.id)
            if link is None or not link.is_good(now) or not community.use_link(tx, link.id, "answered", now):
                return None
            tx.lock(f"patient {patient_id}")
            return _answered(app, tx, door.principal, patient_id, item, words, choice, "ONLINEWRIT")

    return app.database.run(door.tenant.id, work, actor=door.principal.reference, sight=door.principal.narrowing)


def _answered(
    app: App,
    tx: Transaction,
    principal: Principal,
    patient_id: str,
    item: Item,
    words: Words,
    choice: Choice,
    medium: str,
) -> Told:
    now = app.clock.now()
    author = system_principal(tx.tenant_id, "education") if principal.practitioner_id is None else principal
    response = response_of(principal, patient_id, item, words, choice, now)
    writing.write(app, tx, author, [_create(response)])
    open_task = _open_task(app, tx, patient_id, item)
    if not choice.right:
        if open_task is None:
            writing.write(app, tx, author, [_create(task_of(patient_id, item, choice, response, now))])
        return Told(choice=choice, says=f"Kept. It is explained again: {choice.thinks}.")
    said = communication_of(app, principal, patient_id, item, words, "understood", medium=medium)
    said["about"] = [{"reference": open_task or f"QuestionnaireResponse/{response['id']}"}]
    writing.write(app, tx, author, [_create(said)])
    return Told(choice=choice, says="Understood.")


def _open_task(app: App, tx: Transaction, patient_id: str, item: Item) -> str | None:
    """The request behind the open loop about this item."""
    loops = [one for one in load_loops(tx, patients=[patient_id]) if one.state.pathway == PATHWAY]
    focuses = [one.state.focus for one in loops if one.state.status.is_open]
    for reference, stored in app.record.fetch(tx, focuses).items():
        if item.id in items_named(stored.resource.get("reasonCode")):
            return reference
    return None


def _waiting_link(app: App, tx: Transaction, found: History, item: Item, keys: Any) -> Codes | None:
    now = app.clock.now()
    for sent in sent_of(found, item.id):
        for link in community.links_of_request(tx, f"Communication/{sent['id']}"):
            if link.is_good(now):
                return community.codes_of(keys, link.id, link.sheet_number)
    return None


def _behind(app: App, tx: Transaction, door: Door) -> Lesson:
    patient = app.record.read(tx, door.principal, "Patient", _patient_id(door)).resource
    item, words = _of_link(app, tx, door)
    return Lesson(
        name=reading.full_name(patient),
        words=words,
        in_their_language=words.language.split("-")[0] == language_of(patient).split("-")[0],
        before=None,
        item=item,
        proof=partner_links.proof_of(app, door.link.id, app.clock.now()),
    )


def _of_link(app: App, tx: Transaction, door: Door) -> tuple[Item, Words]:
    """The item that was sent by the Communication of this link, in the language in which it was sent."""
    with tx.widened():
        sent = app.record.fetch(tx, [door.link.request]).get(door.link.request)
        names = [
            code for reason in (sent.resource.get("reasonCode", ()) if sent else ()) for code in items_named(reason)
        ]
        items = _items(app, tx)
    if sent is None or not names or names[0] not in items:
        raise NotFound("there is nothing behind this link any more")
    item = items[names[0]]
    return item, words_in(item, str(sent.resource.get("language", "en")))[0]


def _note_opened(app: App, tx: Transaction, door: Door) -> None:
    sent = app.record.fetch(tx, [door.link.request])[door.link.request]
    if sent.resource.get("received"):
        return
    opened = {**sent.resource, "received": app.clock.now().isoformat()}
    author = system_principal(tx.tenant_id, "education")
    write = Write(method="update", resource_type="Communication", id=sent.id, resource=opened)
    writing.write(app, tx, author, [write])


def _patient_id(door: Door) -> str:
    sight = door.principal.sight
    return (sight.patient_id if sight else None) or door.link.patient_id


def _items(app: App, tx: Transaction) -> dict[str, Item]:
    return items_of(engine.catalog_for(app, tx))


def _item(app: App, tx: Transaction, item_id: str) -> Item:
    found = _items(app, tx).get(item_id)
    if found is None:
        raise NotFound("there is no such item")
    return found


def _choice(words: Words, choice_id: str) -> Choice:
    found = words.choice(choice_id)
    if found is None:
        raise Rejected(at="choice", expected="one of the answers", code="required")
    return found


def _require(principal: Principal) -> None:
    require_action(principal, Action.LOOP_WORK)
    require(principal, "create", "Communication")
    require(principal, "create", "QuestionnaireResponse")


def _create(resource: Json) -> Write:
    return Write(method="create", resource_type=resource["resourceType"], id=resource["id"], resource=resource)
