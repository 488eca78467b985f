"""What people do with the shared care plan: choose plans, change and stop steps, settle conflicts, agree, note what was
done. Each act writes the plan whole, with what proves it, in one transaction; a plan that changed is looked at."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from careloop.access.model import Principal, Role
from careloop.access.policy import Action, require, require_action
from careloop.careplans.model import Activity, Agreement, Conflict, Interval, Party, Plan, PlanState, Settled
from careloop.careplans.resources import goal_from
from careloop.careplans.rules.lifecycle import agree as agreed_plan
from careloop.careplans.rules.taking import with_their_times
from careloop.db import Transaction
from careloop.errors import NotFound, NotPermitted, Rejected
from careloop.fhir.ids import derived_id, new_id
from careloop.flows import questions, writing
from careloop.flows.app import App
from careloop.flows.plan_desk import SAYS_CHANGED, PlanDesk, open_desk, opening, require_version, review_loop, save
from careloop.flows.referral_desk import require_text
from careloop.record import Write

STEP, RESULT = "urn:careloop:plan-step", "urn:careloop:plan-step-result"
HOWS: Mapping[str, str] = {"in-person": "In person", "phone": "By phone", "paper": "On paper"}
UNITS = ("day", "week", "month", "year")
_CLINICIANS = frozenset({Role.PHYSICIAN})
_REVIEWERS = frozenset({Role.PHYSICIAN, Role.NURSE, Role.COORDINATOR})
Json = dict[str, Any]


def choose(
    app: App, tx: Transaction, principal: Principal, *, patient_id: str, version: int, templates: Sequence[str]
) -> str:
    """The plan is made of these; what people changed in it stays. `Rejected` for a plan there is none of."""
    desk = opened(app, tx, principal, patient_id, version)
    for name in templates:
        if name not in desk.planning.templates:
            raise Rejected(at="plans", expected=f"one of {', '.join(desk.planning.templates)}", code="code-invalid")
    if not templates and not desk.plan.activities:
        raise Rejected(at="plans", expected="at least one plan", code="required")
    plan = desk.of(templates, desk.plan.settled)
    return changed(app, tx, principal, desk, _with_own_words(desk, plan), "Plan saved.")


def _with_own_words(desk: PlanDesk, plan: Plan) -> Plan:
    """What matters to the patient in their own words stands first among the goals (features 32)."""
    others = [one for one in plan.goals if not one.key.startswith("own/")]
    return replace(plan, goals=(*(goal_from(one) for one in desk.own_goals), *others))


def say_what_matters(app: App, tx: Transaction, principal: Principal, *, patient_id: str, words: str) -> str:
    """What matters to the patient is kept in their own words, before everything else that was said."""
    desk = opened(app, tx, principal, patient_id, None)
    goal = {
        "resourceType": "Goal",
        "id": new_id(),
        "lifecycleStatus": "active",
        "description": {"text": require_text("words", words, "what matters, in their own words")},
        "subject": {"reference": f"Patient/{patient_id}"},
        "startDate": desk.today.isoformat(),
        "expressedBy": {"reference": f"Patient/{patient_id}"},
    }
    writing.write(app, tx, principal, [_create(goal)])
    if desk.version:
        fresh = open_desk(app, tx, patient_id)
        changed(app, tx, principal, fresh, _with_own_words(fresh, fresh.plan), "")
    return "Saved in their own words."


def change_step(
    app: App,
    tx: Transaction,
    principal: Principal,
    *,
    patient_id: str,
    version: int,
    does: str,
    amount: int,
    unit: str,
    owner: str,
    why: str,
) -> str:
    """One step is done as often and by whom it is said here, for this patient; the reason is kept."""
    desk = opened(app, tx, principal, patient_id, version)
    every = _interval(amount, unit)
    if owner not in desk.planning.owners:
        raise Rejected(at="owner", expected=f"one of {', '.join(desk.planning.owners)}", code="code-invalid")
    reason = require_text("why", why, "why")
    _activity(desk, does)
    plan = _with_activity(desk.plan, does, every=every, owner=owner, changed=reason, stopped="")
    return changed(app, tx, principal, desk, plan, "Step changed.")


def stop_step(
    app: App, tx: Transaction, principal: Principal, *, patient_id: str, version: int, does: str, why: str
) -> str:
    """One step is no longer done; it stays readable with the reason."""
    desk = opened(app, tx, principal, patient_id, version)
    _activity(desk, does)
    plan = _with_activity(desk.plan, does, stopped=require_text("why", why, "why"))
    return changed(app, tx, principal, desk, plan, "Step stopped.")


def resume_step(app: App, tx: Transaction, principal: Principal, *, patient_id: str, version: int, does: str) -> str:
    """A stopped step is done again."""
    desk = opened(app, tx, principal, patient_id, version)
    _activity(desk, does)
    return changed(app, tx, principal, desk, _with_activity(desk.plan, does, stopped=""), "Step is done again.")


def add_step(
    app: App,
    tx: Transaction,
    principal: Principal,
    *,
    patient_id: str,
    version: int,
    title: str,
    goal: str,
    amount: int,
    unit: str,
    owner: str,
    minutes: int,
) -> str:
    """A step of this patient alone. It cites a goal of the plan, as every step does."""
    desk = opened(app, tx, principal, patient_id, version)
    if goal not in {one.key for one in desk.plan.goals}:
        raise Rejected(at="goal", expected="a goal of this plan", code="code-invalid")
    if owner not in desk.planning.owners:
        raise Rejected(at="owner", expected=f"one of {', '.join(desk.planning.owners)}", code="code-invalid")
    words = require_text("title", title, "what is done")
    fresh = Activity(
        does=f"own/{new_id()}",
        title=words,
        patient=words,
        every=_interval(amount, unit),
        minutes=max(minutes, 0),
        owner=owner,
        goals=(goal,),
    )
    plan = replace(desk.plan, activities=(*desk.plan.activities, fresh))
    return changed(app, tx, principal, desk, plan, "Step added.")


def settle(
    app: App,
    tx: Transaction,
    principal: Principal,
    *,
    patient_id: str,
    version: int,
    subject: str,
    holds: str,
    why: str,
) -> str:
    """A clinician decides which plan's advice holds where two cannot both. Only a physician may; others ask."""
    desk = opened(app, tx, principal, patient_id, version)
    if not _CLINICIANS & principal.roles:
        raise NotPermitted("which advice holds is a physician's decision; send the question instead")
    conflict = _conflict(desk, subject)
    if holds not in {side.plan for side in conflict.sides}:
        raise Rejected(at="holds", expected="one of the plans that disagree", code="code-invalid")
    word = Settled(
        subject=subject,
        plan=holds,
        by=principal.reference,
        on=desk.today.isoformat(),
        why=require_text("why", why, "why"),
    )
    settled = [*(one for one in desk.plan.settled if one.subject != subject), word]
    plan = replace(desk, plan=with_their_times(desk.plan, conflict, word)).of(desk.plan.templates, settled)
    return changed(app, tx, principal, desk, plan, "Decided.")


def ask(
    app: App, tx: Transaction, principal: Principal, *, patient_id: str, subject: str, to: str, key: str | None
) -> str:
    """The conflict is put to a physician as a yes-or-no question with both sources."""
    desk = open_desk(app, tx, patient_id)
    conflict, loop = _conflict(desk, subject), review_loop(tx, patient_id)
    if loop is None:
        raise Rejected(at="plan", expected="a plan that is being looked at; save it again", code="business-rule")
    first = conflict.sides[0]
    facts = [f"{desk.named(side.plan)}: {side.says} ({side.ref})" for side in conflict.sides][: questions.MOST_FACTS]
    who = desk.named(first.plan)
    source = f"the plan for {who.lower()}" if first.plan in desk.planning.templates else who
    text = f"{conflict.title}: does “{first.says}” hold, as {source} says?"
    questions.ask(app, tx, principal, loop_id=loop.id, to=to, text=text, facts=facts, key=key)
    return "Asked. The answer comes to your list."


def agree(
    app: App, tx: Transaction, principal: Principal, *, patient_id: str, version: int, party: str, how: str
) -> str:
    """One party's yes to the plan as it stands, dated, with who took it and how. A physician says the clinician's, a
    nurse, coordinator or physician the lead's; the patient's is taken by staff. What proves it goes to the review."""
    desk = opened(app, tx, principal, patient_id, version)
    try:
        who = Party(party)
    except ValueError as error:
        raise Rejected(at="party", expected="patient, clinician or lead", code="code-invalid") from error
    _require_party(principal, who)
    if who is Party.PATIENT and how not in HOWS:
        raise Rejected(at="how", expected=f"one of {', '.join(HOWS)}", code="code-invalid")
    by = f"Patient/{patient_id}" if who is Party.PATIENT else principal.reference
    name = f"taken by {principal.name}" if who is Party.PATIENT else principal.name
    yes = Agreement(
        party=who, by=by, name=name, on=desk.today, digest="", how=HOWS.get(how, "") if who is Party.PATIENT else ""
    )
    plan = agreed_plan(desk.plan, yes)
    loop = review_loop(tx, patient_id)
    focus = loop.state.focus if loop else f"CarePlan/{plan.id}"
    category = "plan-agreed" if who is Party.PATIENT else "plan-reviewed"
    state = save(app, tx, principal, desk, plan, [_note(app, principal, patient_id, focus, category, who, how)])
    return "Everybody agreed. The plan holds." if state is PlanState.CURRENT else "Agreement saved."


def _require_party(principal: Principal, party: Party) -> None:
    if party is Party.CLINICIAN and not _CLINICIANS & principal.roles:
        raise NotPermitted("a physician agrees for the clinicians")
    if party is Party.LEAD and not _REVIEWERS & principal.roles:
        raise NotPermitted("the lead coordinator, a nurse or a physician agrees for the lead")


_MEDIUM = {"phone": "PHONE", "in-person": "FACE", "paper": "WRITTEN"}


def _note(app: App, principal: Principal, patient_id: str, focus: str, category: str, party: Party, how: str) -> Json:
    medium = _MEDIUM.get(how) if party is Party.PATIENT else None
    note: Json = {
        "resourceType": "Communication",
        "id": new_id(),
        "status": "completed",
        "category": [{"coding": [{"system": "urn:careloop:communication", "code": category}]}],
        "subject": {"reference": f"Patient/{patient_id}"},
        "about": [{"reference": focus}],
        "sent": app.clock.now().isoformat(),
        "sender": {"reference": principal.reference},
        "recipient": [{"reference": f"Patient/{patient_id}"}] if party is Party.PATIENT else [],
        "payload": [{"contentString": f"The {party.value} agrees with the care plan"}],
    }
    if medium:
        system = "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode"
        note["medium"] = [{"coding": [{"system": system, "code": medium}]}]
    return {name: value for name, value in note.items() if value != []}


def note_step(
    app: App, tx: Transaction, principal: Principal, *, patient_id: str, does: str, on: str, result: str
) -> str:
    """One time that a step was done, or why not, is kept as an Observation about the plan."""
    desk = opened(app, tx, principal, patient_id, None)
    activity = _activity(desk, does)
    if result != "done" and result not in desk.planning.reasons:
        raise Rejected(at="result", expected="done, or a reason from the list", code="code-invalid")
    day = _day(desk, on)
    words = "Done" if result == "done" else desk.planning.reasons[result].title
    observation = {
        "resourceType": "Observation",
        "id": derived_id(tx.tenant_id, "plan step", desk.plan.id, does, day),
        "status": "final",
        "code": {"coding": [{"system": STEP, "code": does.replace("/", ".")}], "text": activity.title},
        "subject": {"reference": f"Patient/{patient_id}"},
        "focus": [{"reference": f"CarePlan/{desk.plan.id}"}],
        "effectiveDateTime": day,
        "performer": [{"reference": principal.reference}],
        "valueCodeableConcept": {"coding": [{"system": RESULT, "code": result}], "text": words},
    }
    writing.write(app, tx, principal, [_put(observation)])
    return f"{activity.title}: {words.lower()}."


def _day(desk: PlanDesk, on: str) -> str:
    try:
        day = date.fromisoformat(on) if on else desk.today
    except ValueError as error:
        raise Rejected(at="on", expected="a day", code="value") from error
    if day > desk.today:
        raise Rejected(at="on", expected="a day that is not ahead", code="value")
    return day.isoformat()


def end(app: App, tx: Transaction, principal: Principal, *, patient_id: str, version: int, why: str) -> str:
    """The plan is over; it stays readable."""
    desk = opened(app, tx, principal, patient_id, version)
    require_text("why", why, "why")
    save(app, tx, principal, desk, replace(desk.plan, ended=True, review_by=None))
    return "The plan has ended."


def opened(app: App, tx: Transaction, principal: Principal, patient_id: str, version: int | None) -> PlanDesk:
    """The desk, for someone who may work on plans; nobody else works on it until the end of the transaction."""
    require_action(principal, Action.LOOP_WORK)
    require(principal, "update", "CarePlan")
    if app.record.fetch(tx, [f"Patient/{patient_id}"]).get(f"Patient/{patient_id}") is None:
        raise NotFound("there is no such patient")
    tx.lock(f"patient {patient_id}")
    desk = open_desk(app, tx, patient_id)
    if version is not None:
        require_version(desk, version)
    return desk


def changed(
    app: App,
    tx: Transaction,
    principal: Principal,
    desk: PlanDesk,
    plan: Plan,
    says: str,
    also: Sequence[Json] = (),
) -> str:
    """The plan is saved with what else the act writes; where it needs a yes and nobody is at it, work is opened for
    that. What is changed is held against the plans of others anew."""
    plan = desk.held(plan, plan.settled)
    state = save(app, tx, principal, desk, plan, also)
    if state in (PlanState.DRAFT, PlanState.CHANGED) and review_loop(tx, plan.patient_id) is None:
        now = app.clock.now().isoformat()
        writing.write(app, tx, principal, [_create(opening(plan, now, principal.reference, SAYS_CHANGED))])
    undecided = len(plan.open_conflicts)
    return f"{says} {undecided} to decide by a clinician." if undecided else says


def _activity(desk: PlanDesk, does: str) -> Activity:
    found = next((one for one in desk.plan.activities if one.does == does), None)
    if found is None:
        raise NotFound("there is no such step in the plan")
    return found


def _conflict(desk: PlanDesk, subject: str) -> Conflict:
    found = next((one for one in desk.plan.conflicts if one.subject == subject), None)
    if found is None:
        raise NotFound("there is no such conflict in the plan")
    return found


def _with_activity(plan: Plan, does: str, **changes: Any) -> Plan:
    return replace(
        plan, activities=tuple(replace(one, **changes) if one.does == does else one for one in plan.activities)
    )


def _interval(amount: int, unit: str) -> Interval:
    if unit == "once":
        return Interval(0)
    if unit not in UNITS or not 1 <= amount <= 366:
        raise Rejected(at="every", expected="how often, such as every 2 weeks", code="value")
    return Interval(amount, unit)


def _put(resource: Json) -> Write:
    return Write(method="update", resource_type=resource["resourceType"], id=resource["id"], resource=resource)


def _create(resource: Json) -> Write:
    return Write(method="create", resource_type=resource["resourceType"], id=resource["id"], resource=resource)
