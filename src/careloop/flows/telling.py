"""Who is told of what changed, behind the writes: events become notices, notices leave as e-mail at the right time.

An e-mail says that there is something, never what: it holds a link and no name (security.md §6).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from careloop import outbox
from careloop.access import accounts
from careloop.access.accounts import StaffMember
from careloop.access.model import Principal, Tenant
from careloop.access.policy import Action, may, may_act
from careloop.db import Transaction
from careloop.engagement.notices import rules, store
from careloop.engagement.notices.content import rules_of
from careloop.engagement.notices.model import Concerned, Event, Kind, NoticeRules, Person
from careloop.fhir.ids import new_id
from careloop.flows import engine, episode_cards, people, routing
from careloop.flows.app import App
from careloop.loops import outlook
from careloop.loops.outlook import Outlook
from careloop.loops.rules.cards import card_for
from careloop.outbox import NewDelivery, TargetKind
from careloop.teams import store as teams

EVERY = timedelta(seconds=1)
MAIL_PATIENCE = timedelta(hours=24)
"""An e-mail that could not leave for a day says nothing new any more."""
_ROUNDS = 20
_QUESTIONS = frozenset({"question", "question-now"})


def go_on(app: App, tenant: Tenant) -> None:
    """Everything that changed is told, and what is due by e-mail is handed to the outbox. A round."""
    for _ in range(_ROUNDS):
        if not app.database.run(tenant.id, lambda tx: tell(app, tx), actor="notices"):
            break
    app.database.run(tenant.id, lambda tx: write_mail(app, tx, tenant), actor="notices")


def tell(app: App, tx: Transaction) -> int:
    """Some events become notices of whom they concern; how many events were looked at."""
    events = store.new_events(tx)
    if not events:
        return 0
    app, now = engine.at_practice(app, tx), app.clock.now()
    kinds = rules_of(app.catalog).kinds
    known = outlook.outlooks(tx, [(str(one.loop_id), one.step_id) for one in events if one.loop_id])
    full = [_with_loop(one, known) for one in events if one.kind in kinds]
    office = _Office(app, tx, now)
    who = [(event, kinds[event.kind], office.told(kinds[event.kind], event)) for event in full]
    chosen = store.choices(tx, sorted({person for _, _, persons in who for person in persons}))
    patients = sorted({event.patient_id for event, _, persons in who if persons})
    cards = episode_cards.cards_by_patient(app, tx, patients)
    for event, kind, persons in who:
        card = card_for(cards.get(event.patient_id, ()), loop_id=event.loop_id, thing=event.thing)
        keys = card.keys if card else (event.focus or event.thing,)
        for person in persons:
            way = rules.way_of(kind, chosen.get((person, kind.id)))
            store.fold(tx, event, kind, person=person, cards=keys, way=way)
    store.mark_told(tx, [one.id for one in events], now)
    return len(events)


def _with_loop(event: Event, known: Mapping[tuple[str, str], Outlook]) -> Event:
    """The event with its loop as it stands now: the patient it is about (records are joined), owner, pathway."""
    found = known.get((str(event.loop_id), event.step_id))
    if found is None:
        return event
    return Event(
        **{
            **vars(event),
            "pathway": found.pathway,
            "focus": found.focus,
            "owner": found.owner,
            "patient_id": found.patient_id,
        }
    )


class _Office:
    """Who is there now: read once for a set of events."""

    def __init__(self, app: App, tx: Transaction, now: datetime) -> None:
        self._tx, self._now = tx, now
        members = [one for one in accounts.staff(tx) if one.active]
        self._may_see = frozenset(one.reference for one in members if may_be_told(_principal(tx, one)))
        absent = teams.absences_now(tx, [one.practitioner_id for one in members], now)
        self._queue = routing.queue_reference(tx.tenant_id)
        self._queue_lead = _queue_lead(app, tx, self._queue)
        self._cover = {
            f"Practitioner/{person}": f"Practitioner/{absence.cover}" if absence.cover else self._queue_lead
            for person, absence in absent.items()
        }
        self._on_call = tuple(one for one in store.on_call_at(tx, now) if one in self._may_see)
        self._leads: dict[str, str] = {}

    def told(self, kind: Kind, event: Event) -> tuple[str, ...]:
        """Everybody who is told of the event."""
        if event.patient_id not in self._leads:
            self._leads |= {event.patient_id: "", **teams.leads(self._tx, [event.patient_id])}
        concerned = Concerned(
            lead=self._leads[event.patient_id],
            on_call=self._on_call,
            queue=self._queue,
            queue_lead=self._queue_lead,
            cover=self._cover,
            may_see=self._may_see,
        )
        return rules.told(kind, event, concerned)


def may_be_told(principal: Principal) -> bool:
    """True for who may see patients and their work: asked when something is told, mailed and shown."""
    return may_act(principal, Action.WORKLIST_READ) and may(principal, "read", "Patient")


def _principal(tx: Transaction, member: StaffMember) -> Principal:
    return accounts.principal_of(tx.tenant_id, member, None)


def _queue_lead(app: App, tx: Transaction, queue: str) -> str:
    stored = app.record.fetch(tx, [queue]).get(queue)
    people_of_queue = (stored.resource if stored else {}).get("participant", ())
    first: Mapping[str, Any] = next(iter(people_of_queue), {})
    return str((first.get("member") or {}).get("reference", ""))


def write_mail(app: App, tx: Transaction, tenant: Tenant) -> int:
    """E-mails that are due are in the outbox, one a person however much there is; how many. Where the installation
    sends no mail none is written."""
    if not app.settings.smtp_host:
        return 0
    waiting = store.waiting_for_mail(tx)
    if not waiting:
        return 0
    now, zone = app.clock.now(), people.zone_of(tx)
    known = rules_of(engine.at_practice(app, tx).catalog)
    by_person = {person: list(mine) for person, mine in groupby(waiting, key=lambda one: one.person)}
    persons = store.people(tx, sorted(by_person))
    there = {one.reference for one in accounts.members(tx, sorted(by_person)) if _is_told(tx, one)}
    sent = 0
    for person, mine in by_person.items():
        who = persons[person]
        if person not in there or who.failed:
            continue
        at_once = rules.mail_now(who, mine, known.mail_pause, now, zone)
        if not at_once and not rules.digest_now(who, mine, now, zone):
            continue
        about = [one for one in mine if at_once or one.way == "digest"]
        _enqueue(app, tx, who, now, {one.kind for one in about})
        store.mark_mailed(tx, [one.id for one in about], now)
        store.note_mail(tx, person, now, digest=None if at_once else now.astimezone(zone).date())
        sent += 1
    return sent


def _is_told(tx: Transaction, member: StaffMember) -> bool:
    return member.active and may_be_told(_principal(tx, member))


def _enqueue(app: App, tx: Transaction, who: Person, now: datetime, kinds: set[str]) -> None:
    """An e-mail about nothing but questions opens the card that waits longest (ui.md §7.14)."""
    link = {"link": "/questions/next"} if kinds <= _QUESTIONS else {}
    delivery = NewDelivery(
        target=f"Mail/{who.person}",
        kind=TargetKind.MAIL,
        subject=who.person,
        about="notice",
        idempotency=new_id(),
        payload={"to": who.person, **link},
        patience=MAIL_PATIENCE,
    )
    outbox.enqueue(tx, now, [delivery])


def rules_shown(app: App, tx: Transaction) -> NoticeRules:
    """Kinds and rules as they hold at the practice."""
    return rules_of(engine.at_practice(app, tx).catalog)
