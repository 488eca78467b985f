"""The one contact budget of a patient: asked by everything that sends, shown at the moment of contacting.

What was sent is read from the record, by whomever it was sent; what is planned are open steps that mean a contact, and
CommunicationRequests of any system. Decided in `engagement.contacts.rules` (content/engagement/contact-budget.yaml).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from careloop.access.model import Principal
from careloop.access.policy import Action, require, require_action
from careloop.db import Transaction
from careloop.engagement.contacts import rules
from careloop.engagement.contacts.content import budget_of
from careloop.engagement.contacts.model import Budget, Choice, Contact, Tried, Verdict, Wish
from careloop.errors import Rejected
from careloop.flows import acting, engine, people, writing
from careloop.flows.app import App
from careloop.flows.contact_reading import choice_of, contacts_of, with_choice
from careloop.flows.people import Names
from careloop.flows.timeline import instant_of
from careloop.loops import store
from careloop.loops.model import ActKind, StepState
from careloop.loops.rules.rank import next_step
from careloop.record import Stored, Write

_TIMEZONE = "http://hl7.org/fhir/StructureDefinition/timezone"
_TYPES = ("Communication", "CommunicationRequest", "Patient")


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A contact that somebody is about to make. `loop_id` is None for a request of another system."""

    title: str
    owner: str
    owner_name: str
    due: datetime | None
    loop_id: str | None


@dataclass(frozen=True, kw_only=True)
class Made:
    """A contact that was made, in words."""

    at: datetime
    way: str
    answered: bool
    failure: str


@dataclass(frozen=True, kw_only=True)
class Contacts:
    """What is shown before somebody contacts a patient. `joined`: what the others want in one sentence, else empty.
    `rule` and `because` say by which rule the verdict holds; `silent`: tries in a row without an answer, 0 below the
    number that counts."""

    patient_id: str
    patient_name: str
    given_name: str
    verdict: Verdict
    way: str
    because: str
    made: tuple[Made, ...]
    planned: tuple[Planned, ...]
    joined: str
    best: Tried | None
    tried: tuple[Tried, ...]
    silent: int
    choice: Choice
    zone: ZoneInfo
    titles: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class _Known:
    """What the record says of contacts with one patient."""

    patient: Stored | None
    contacts: Sequence[Contact]
    requests: Sequence[Stored]
    choice: Choice
    budget: Budget
    zone: ZoneInfo


def ask(app: App, tx: Transaction, patient_id: str, wish: Wish) -> Verdict:
    """What the budget says about a contact that is about to be made now."""
    known = _known(app, tx, patient_id)
    return rules.verdict(wish, known.contacts, known.choice, known.budget, app.clock.now(), known.zone)


def require_free(app: App, tx: Transaction, patient_id: str, wish: Wish, *, despite: str = "") -> None:
    """Nothing happens where the contact may be made now; else `Rejected`, with the rule and from when on. A person may
    send it all the same, with a reason (`despite`), but never by a way that the patient refused."""
    verdict = ask(app, tx, patient_id, wish)
    if verdict.medium != wish.medium:
        titles = budget_of(engine.catalog_for(app, tx)).titles
        expected = (
            f"another way, such as {titles[verdict.medium].lower()}: the patient refused this one ({rules.REFUSED})"
        )
        raise Rejected(at="way", expected=expected, code="business-rule")
    if not verdict.allowed and not despite.strip():
        raise Rejected(
            at="budget",
            expected=f"{says(verdict, _zone(app, tx, patient_id))}, or a reason to do it now",
            code="business-rule",
        )


def says(verdict: Verdict, zone: ZoneInfo) -> str:
    """Why a contact has to wait, and until when."""
    if verdict.not_before is None:
        return f"{verdict.spent} of {verdict.most} contacts in {verdict.days} days"
    here = verdict.not_before.astimezone(zone)
    when = f"{here:%a} {here.day} {here:%b} {here.strftime('%I:%M').lstrip('0')} {here:%p}".replace("AM", "am").replace(
        "PM", "pm"
    )
    if verdict.rule == rules.QUIET:
        return f"from {when} on: quiet hours ({verdict.rule})"
    return (
        f"from {when} on: {verdict.spent} of {verdict.most} contacts in {verdict.days} days are made ({verdict.rule})"
    )


def of_loop(app: App, tx: Transaction, principal: Principal, loop_id: str) -> Contacts:
    """What is shown beside the phone number of a loop. Audited by the pane that it stands in."""
    require_action(principal, Action.WORKLIST_READ)
    app = engine.at_practice(app, tx)
    loop = acting.find_loop(tx, loop_id)
    return _shown(app, tx, principal, loop.patient_id, wish_of(app, loop), without=loop.id)


def of_patient(app: App, tx: Transaction, principal: Principal, patient_id: str) -> Contacts:
    """The same for a page of its own, before any contact; `NotFound` where there is no such patient. Audited."""
    require_action(principal, Action.WORKLIST_READ)
    app = engine.at_practice(app, tx)
    app.record.read(tx, principal, "Patient", patient_id)
    return _shown(app, tx, principal, patient_id, Wish(medium="PHONE"), without=None)


def wish_of(app: App, loop: store.StoredLoop, medium: str = "PHONE") -> Wish:
    """A contact for this loop: what it is for cannot wait past its next deadline."""
    step = next_step(loop.state)
    return Wish(
        medium=medium,
        safety=loop.state.pathway in engine.rank_weights(app.catalog).safety,
        promised=loop.state.pathway in budget_of(app.catalog).promised_pathways,
        deadline=step.due if step else loop.state.deadline,
    )


def put_off(app: App, tx: Transaction, principal: Principal, loop_id: str) -> acting.ActReceipt:
    """The loop comes back when the budget has room again, by the rule that says so; never past its deadline (CB-06).
    `Rejected` where the contact may be made now: nothing is put off without a rule."""
    require_action(principal, Action.LOOP_WORK)
    app = engine.at_practice(app, tx)
    loop = acting.find_loop(tx, loop_id)
    verdict = ask(app, tx, loop.patient_id, wish_of(app, loop))
    if verdict.not_before is None:
        raise Rejected(at="budget", expected=f"a contact that has to wait: {verdict.rule}", code="business-rule")
    data = {"until": verdict.not_before.isoformat(), "reason": f"contact budget, {verdict.rule}", "rule": verdict.rule}
    words = says(verdict, _zone(app, tx, loop.patient_id))
    return acting.perform(app, tx, principal, loop_id, None, ActKind.SNOOZE, data, says=f"Put off: {words}.")


def choose(app: App, tx: Transaction, principal: Principal, patient_id: str, choice: Choice) -> str:
    """What the patient said about being contacted is in the record and binds every program; a sentence about it."""
    require(principal, "update", "Patient")
    stored = app.record.read(tx, principal, "Patient", patient_id)
    titles = budget_of(engine.catalog_for(app, tx)).titles
    wrong = [code for code in (*choice.refused, *filter(None, [choice.preferred])) if code not in titles]
    if wrong:
        raise Rejected(at="way", expected=f"one of {', '.join(titles)}", code="code-invalid")
    if choice.preferred in choice.refused and choice.preferred:
        raise Rejected(at="preferred", expected="a way that the patient does not refuse", code="business-rule")
    resource = with_choice(stored.resource, replace(choice, hours=choice.hours.strip()[:200]))
    write = Write(method="update", resource_type="Patient", id=patient_id, resource=resource, if_match=stored.version)
    writing.write(app, tx, principal, [write], cause="contact wishes of the patient")
    return "Saved. Every program keeps to it from now on."


def _shown(
    app: App, tx: Transaction, principal: Principal, patient_id: str, wish: Wish, *, without: str | None
) -> Contacts:
    known, now = _known(app, tx, patient_id), app.clock.now()
    verdict = rules.verdict(wish, known.contacts, known.choice, known.budget, now, known.zone)
    shown = people.patients_shown(app, tx, [patient_id], now, people.zone_of(tx))[patient_id]
    planned = _planned(app, tx, known, patient_id, without)
    tried = rules.tried(known.contacts, known.budget, now, known.zone)
    tries = rules.silent_tries(known.contacts, known.budget, now)
    given = _given_name(known.patient)
    return Contacts(
        patient_id=patient_id,
        patient_name=shown.name,
        given_name=given,
        verdict=verdict,
        way=known.budget.titles[verdict.medium],
        because=known.budget.rules[verdict.rule],
        made=tuple(
            Made(at=one.at, way=known.budget.titles[one.medium], answered=one.answered, failure=one.failure)
            for one in reversed(rules.spent_in(known.contacts, known.budget, now))
        ),
        planned=planned,
        joined=_joined(given, len(planned)) if without else "",
        best=rules.best(tried, known.budget),
        tried=tuple(tried),
        silent=tries if tries >= known.budget.silent_tries else 0,
        choice=known.choice,
        zone=known.zone,
        titles=dict(known.budget.titles),
    )


def _joined(given: str, others: int) -> str:
    if not others:
        return ""
    who = "1 other matter wants" if others == 1 else f"{others} other matters want"
    return f"{who} to reach {given}: do all in one call."


def _given_name(patient: Stored | None) -> str:
    names = patient.resource.get("name", ()) if patient else ()
    return next((str(given) for name in names for given in name.get("given", ())), "the patient")


def _known(app: App, tx: Transaction, patient_id: str) -> _Known:
    stored = app.record.of_patient(tx, patient_id, _TYPES)
    budget = budget_of(engine.catalog_for(app, tx))
    patient = next((one for one in stored if one.resource_type == "Patient" and one.id == patient_id), None)
    return _Known(
        patient=patient,
        contacts=contacts_of([one.resource for one in stored if one.resource_type == "Communication"], budget),
        requests=[one for one in stored if one.resource_type == "CommunicationRequest"],
        choice=choice_of(patient.resource) if patient else Choice(),
        budget=budget,
        zone=_zone_of(tx, patient),
    )


def _zone(app: App, tx: Transaction, patient_id: str) -> ZoneInfo:
    return _zone_of(tx, app.record.fetch(tx, [f"Patient/{patient_id}"]).get(f"Patient/{patient_id}"))


def _zone_of(tx: Transaction, patient: Stored | None) -> ZoneInfo:
    """Where the patient lives, as far as the record says; else where the practice is."""
    said = [
        str(one.get("valueCode", ""))
        for address in (patient.resource.get("address", ()) if patient else ())
        for one in address.get("extension", ())
        if one.get("url") == _TIMEZONE
    ]
    for name in said:
        try:
            return ZoneInfo(name)
        except (ValueError, OSError):
            continue
    return people.zone_of(tx)


def _planned(app: App, tx: Transaction, known: _Known, patient_id: str, without: str | None) -> tuple[Planned, ...]:
    """Contacts that others are about to make, the first due first; one a loop."""
    names = Names(tx)
    found = []
    for loop in store.load_loops(tx, patients=[patient_id]):
        step = _contact_step(loop, known.budget)
        if loop.id != without and step is not None:
            owner = loop.steps[step.step_id].owner
            title = engine.title(app.catalog, loop.state.pathway, step.step_id)
            found.append(
                Planned(
                    title=f"{title} (L-{loop.number})",
                    owner=owner,
                    owner_name=names.name(owner),
                    due=step.due,
                    loop_id=loop.id,
                )
            )
    found += [_requested(one) for one in known.requests if one.resource.get("status") == "active"]
    return tuple(sorted(found, key=lambda one: (one.due is None, str(one.due), one.title)))


def _contact_step(loop: store.StoredLoop, budget: Budget) -> StepState | None:
    if not loop.state.status.is_open:
        return None
    steps = [one for one in loop.state.steps if one.status.is_open and one.step_id in budget.planned_steps]
    return min(steps, key=lambda one: one.due, default=None)


def _requested(stored: Stored) -> Planned:
    request = stored.resource
    reasons = [str(one.get("text", "")) for name in ("reasonCode", "category") for one in request.get(name, ())]
    who = str((request.get("requester") or request.get("sender") or {}).get("display", ""))
    return Planned(
        title=next((one for one in reasons if one), "Message that was asked for"),
        owner="",
        owner_name=who,
        due=instant_of(request.get("occurrenceDateTime")),
        loop_id=None,
    )
