"""Changes that may need somebody are written down with the change itself; who is told is found behind the writes.

Kinds are those of `content/engagement/notices.yaml`. A loop gives events where its state needs a person now; a stay
where the patient went in, out, or never was there. What began long before it became known is history (NT-10).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from careloop.db import Transaction
from careloop.engagement.notices import store
from careloop.engagement.notices.content import rules_of
from careloop.engagement.notices.model import NewEvent, NoticeRules
from careloop.events import ChangeKind
from careloop.flows import engine
from careloop.flows.app import App
from careloop.flows.timeline import instant_of
from careloop.loops import ids
from careloop.loops.model import ClockState, StepState
from careloop.loops.plans import LoopPlan
from careloop.loops.rules.rank import is_waiting, next_step
from careloop.record import Written

_INSIDE = frozenset({"arrived", "triaged", "in-progress", "onleave"})
_WHERE: Mapping[str, str] = {
    "IMP": "Went into hospital",
    "ACUTE": "Went into hospital",
    "NONAC": "Went into hospital",
    "OBSENC": "In hospital for observation",
    "EMER": "Came to the emergency room",
}
"""What is said when a stay of that class (v3-ActCode) began."""
_TEAM_TASK = "team-task"
_ANSWERED: Mapping[str, str] = {"completed": "Answered", "rejected": "They said no", "failed": "Could not be done"}
_LONGEST_ANSWER = 200
_BACK = "Going home was taken back: still in hospital"


def note_loops(
    app: App,
    tx: Transaction,
    plans: Sequence[LoopPlan],
    escalations: Sequence[Mapping[str, Any]],
    *,
    by: str | None,
    now: datetime,
) -> None:
    """What changed on these loops and needs somebody waits to be told. One insert; none where nothing does. `by` is
    whose act changed them."""
    rules = rules_of(app.catalog)
    found = [
        event if event.by else replace(event, by=by or "")
        for plan in plans
        for event in events_of(app, plan, rules, now)
    ]
    by_loop = {plan.change.new.id: plan for plan in plans}
    found += [_escalated(app, by_loop[one["loop_id"]], one, now) for one in escalations]
    store.add_events(tx, found)


def events_of(app: App, plan: LoopPlan, rules: NoticeRules, now: datetime) -> list[NewEvent]:
    """What one changed loop gives: new, your turn, late, open again, given."""
    if not plan.change.new.status.is_open:
        return []
    if plan.change.old is None:
        return _begun(app, plan, rules, now)
    if plan.only_clocks:
        return [_event(app, plan, "late", step, now) for step in _became_late(plan)]
    return [*_given(app, plan, now), *_moved(app, plan, now)]


def _begun(app: App, plan: LoopPlan, rules: NoticeRules, now: datetime) -> list[NewEvent]:
    """A new loop, for everybody with a step in it: safety, else late from the beginning, else new; nothing where it is
    history and not safety."""
    state = plan.change.new
    if state.pathway in engine.rank_weights(app.catalog).safety:
        return [_event(app, plan, "safety", next_step(state), now)]
    if now - state.opened > rules.history:
        return []
    return [
        _event(app, plan, "late" if step.clock == ClockState.OVERDUE else "opened", step, now)
        for step in _first_of_each(plan)
    ]


def _first_of_each(plan: LoopPlan) -> list[StepState]:
    """The step that each owner has to do first; what waits for others needs nobody yet."""
    found: dict[str, StepState] = {}
    steps = [one for one in plan.change.new.steps if one.status.is_open and not is_waiting(one)]
    for step in sorted(steps, key=lambda one: one.due):
        found.setdefault(plan.owners[step.step_id], step)
    return list(found.values())


def _moved(app: App, plan: LoopPlan, now: datetime) -> list[NewEvent]:
    """A step that was done is open again; another step is next; a step became late."""
    assert plan.change.old is not None
    old, new = plan.change.old.state, plan.change.new
    before = {step.step_id: step for step in old.steps}
    again = [one for one in new.steps if one.status.is_open and _was_done(before.get(one.step_id))]
    late = _became_late(plan)
    found = [_event(app, plan, "reopened", step, now) for step in again]
    found += [_event(app, plan, "late", step, now) for step in late]
    was, step = next_step(old), next_step(new)
    touched = {one.step_id for one in (*again, *late)}
    moved = step is not None and (was is None or was.step_id != step.step_id or not old.status.is_open)
    if moved and step is not None and step.step_id not in touched and step.clock != ClockState.WAITING:
        found.append(_event(app, plan, "your-turn", step, now))
    return found


def _became_late(plan: LoopPlan) -> list[StepState]:
    assert plan.change.old is not None
    late = [one for one in plan.change.new.steps if one.clock is ClockState.OVERDUE and one.status.is_open]
    if not late:
        return []
    before = {step.step_id: step.clock for step in plan.change.old.state.steps}
    return [one for one in late if before.get(one.step_id, ClockState.OVERDUE) is not ClockState.OVERDUE]


def _was_done(step: StepState | None) -> bool:
    return step is not None and not step.status.is_open and bool(step.evidence)


def _given(app: App, plan: LoopPlan, now: datetime) -> list[NewEvent]:
    """Work that changed hands, once for each new owner: steps that go along with their loop are not told apart."""
    found: dict[str, NewEvent] = {}
    steps = {step.step_id: step for step in plan.change.new.steps}
    for change in plan.owner_changes:
        step = steps.get(change.step_id)
        if change.first or (step is not None and not step.status.is_open) or change.owner in found:
            continue
        says = f"{_matter(app, plan)}: yours now, {change.why}"
        found[change.owner] = _event(app, plan, "given", step, now, whom=change.owner, by=change.by, says=says)
    return list(found.values())


def _escalated(app: App, plan: LoopPlan, fired: Mapping[str, Any], now: datetime) -> NewEvent:
    step = next(one for one in plan.change.new.steps if one.step_id == fired["step_id"])
    says = f"{_title(app, plan, step)} was due and is not done: now also with you"
    return _event(
        app, plan, "escalated", step, now, whom=fired["to_owner"], says=says, state=f"escalated:{fired['key']}"
    )


def _event(
    app: App,
    plan: LoopPlan,
    kind: str,
    step: StepState | None,
    now: datetime,
    *,
    whom: str = "",
    by: str = "",
    says: str = "",
    state: str = "",
) -> NewEvent:
    loop, step_id = plan.change.new, step.step_id if step else ""
    return NewEvent(
        at=now,
        kind=kind,
        patient_id=loop.patient_id,
        thing=f"Loop/{loop.id}/{step_id}",
        state=state or f"{kind}:{plan.versions[step_id]}",
        says=says or _words(app, plan, kind, step),
        loop_id=loop.id,
        step_id=step_id,
        whom=whom or plan.owners.get(step_id, plan.owners[""]),
        by=by,
    )


def _words(app: App, plan: LoopPlan, kind: str, step: StepState | None) -> str:
    title = _title(app, plan, step)
    match kind:
        case "reopened":
            return f"{title} is open again: its proof was withdrawn"
        case "late":
            return f"{title} is late"
        case "your-turn":
            return f"{_matter(app, plan)}: next is {title[:1].lower()}{title[1:]}"
        case _:
            about = plan.change.new.about
            return f"{_matter(app, plan)}{f', {about[:1].lower()}{about[1:]}' if about else ''}: {title}"


def _matter(app: App, plan: LoopPlan) -> str:
    return engine.title(app.catalog, plan.change.new.pathway, "")


def _title(app: App, plan: LoopPlan, step: StepState | None) -> str:
    if step is None:
        return _matter(app, plan)
    return step.title or engine.title(app.catalog, plan.change.new.pathway, step.step_id)


def note_stays(app: App, tx: Transaction, written: Sequence[Written]) -> None:
    """Stays that are in another state than the one that was told last, and answers to what somebody asked of the team
    (NT-15). Costs nothing where neither was written."""
    now = app.clock.now()
    limit = rules_of(app.catalog).history
    found = [
        replace(event, at=now)
        for one in written
        if one.resource_type == "Encounter" and one.change is not ChangeKind.UNCHANGED and one.patient_id
        if (event := _stay_event(one, now)) is not None and now - event.at <= limit
    ]
    found += [
        event
        for one in written
        if one.resource_type == "Task" and one.change is ChangeKind.UPDATED and one.patient_id
        if (event := _answer(tx, one, now)) is not None
    ]
    store.add_events(tx, found)


def _answer(tx: Transaction, one: Written, now: datetime) -> NewEvent | None:
    """A task or message to the team that somebody else did or said no to, for who asked: with what they said."""
    task = one.resource or {}
    said = _ANSWERED.get(str(task.get("status", "")))
    codes = {str(coding.get("code", "")) for coding in (task.get("code") or {}).get("coding", ())}
    asked_by = str((task.get("requester") or {}).get("reference", ""))
    if said is None or _TEAM_TASK not in codes or not asked_by.startswith("Practitioner/"):
        return None
    note: Mapping[str, Any] = next(iter(reversed(task.get("note", ()))), {})
    by = str((note.get("authorReference") or {}).get("reference", ""))
    if by == asked_by:
        return None
    matter = str((task.get("code") or {}).get("text") or "Task for the team")
    words = str(note.get("text", "")).strip()
    focus = f"Task/{one.id}"
    return NewEvent(
        at=now,
        kind="answered",
        patient_id=str(one.patient_id),
        thing=f"{focus}/answer",
        state=f"answered:{task['status']}:{len(task.get('note', ()))}",
        says=f"{said}: {matter}" + (f". “{words[:_LONGEST_ANSWER]}”" if words else ""),
        loop_id=ids.loop_id(tx.tenant_id, _TEAM_TASK, focus, ""),
        whom=asked_by,
        by=by,
    )


def _stay_event(one: Written, now: datetime) -> NewEvent | None:
    resource = one.resource or {"status": "entered-in-error"}
    code = str((resource.get("class") or {}).get("code", ""))
    period = resource.get("period") or {}
    state, says, at = _stay_state(str(resource.get("status", "")), code, period, now)
    if not state or at > now or (one.resource is not None and code not in _WHERE):
        return None
    return NewEvent(
        at=at,
        kind="stay",
        patient_id=str(one.patient_id),
        thing=f"Encounter/{one.id}",
        state=state,
        says=says,
        again=_BACK if state.startswith("in:") else "",
    )


def _stay_state(status: str, code: str, period: Mapping[str, Any], now: datetime) -> tuple[str, str, datetime]:
    """What the stay is now, in a word and a sentence, since when. An empty word: nothing to tell."""
    began, left = instant_of(period.get("start")), instant_of(period.get("end"))
    if status in ("cancelled", "entered-in-error"):
        return "never", "The hospital took its notice back: the stay never was", now
    if status == "finished":
        where = "Left the emergency room" if code == "EMER" else "Went home from hospital"
        return "out", where, left or began or now
    if status in _INSIDE:
        return f"in:{code}", _WHERE.get(code, "Went into hospital"), began or now
    return "", "", now


def note_offer(
    app: App, tx: Transaction, *, offer_id: str, patient_id: str, loop_id: str | None, to: str, by: str, says: str
) -> None:
    """Somebody is asked to take work, and the asker waits for the answer (NT-03)."""
    event = NewEvent(
        at=app.clock.now(),
        kind="offered",
        patient_id=patient_id,
        thing=f"Offer/{offer_id}",
        state="offered",
        says=says,
        loop_id=loop_id,
        whom=to,
        by=by,
    )
    store.add_events(tx, [event])
