"""One entry carried out: each item becomes its resources, all are one act, and what became of loops is told."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property, partial

from careloop.access.model import Principal
from careloop.access.policy import require
from careloop.db import Transaction
from careloop.engagement.capture import Doubt, Item, Reading, Who, Wrong, doubts
from careloop.engagement.reading import LIMIT
from careloop.engagement.reading import reading_of as grade_of
from careloop.errors import Conflict, NotPermitted, Rejected
from careloop.flows import capture_writes as writes
from careloop.flows import handing_over, one_act, people, referring, routing
from careloop.flows.app import App
from careloop.flows.calls import Call, checked, contact, says_of, tasks_of
from careloop.flows.capture_known import Latest, called_lately, latest_of
from careloop.flows.capture_writes import Json
from careloop.flows.plan_typing import Said, TypedPlan
from careloop.flows.referral_resources import NewReferral
from careloop.flows.worklist_rows import CALL_STEPS
from careloop.loops import store
from careloop.record import Stored

AGAIN = "referral-again"


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be carried out: the items, the note beside them, a call that was not typed as one with the
    loops that it is about."""

    text: str
    note: str
    items: Sequence[Item]
    call: Call | None = None
    loops: Sequence[str] = ()


@dataclass(kw_only=True)
class Carried:
    """What came of it: lines of kind and words, questions, faults, what was known already."""

    act_id: str
    lines: list[tuple[str, str]] = field(default_factory=list)
    asks: list[Doubt] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    faults: list[Wrong] = field(default_factory=list)


@dataclass(kw_only=True)
class _Work:
    """An entry on its way. `sure` are the questions that were answered with yes, None in a rehearsal."""

    app: App
    tx: Transaction
    principal: Principal
    desk: writes.Desk
    order: Order
    sure: Sequence[str] | None
    done: Carried
    resources: list[Json] = field(default_factory=list)
    also: list[str] = field(default_factory=list)
    owners: list[tuple[str, str, str]] = field(default_factory=list)

    @cached_property
    def plan(self) -> TypedPlan:
        """The care plan, read when a word first asks for it."""
        return TypedPlan(self.app, self.tx, self.principal, self.desk.patient_id)

    def wrote(self, says: str, *resources: Json) -> None:
        """These resources will be written, and the line says so."""
        for one in resources:
            require(self.principal, "create", one["resourceType"])
        self.resources += resources
        self.done.lines.append(("wrote", says))

    def ask(self, doubt: Doubt) -> None:
        """It is asked again before it is saved."""
        self.done.asks.append(doubt)

    def is_sure(self, key: str) -> bool:
        """Go on: in a rehearsal always, else where it was answered."""
        return self.sure is None or key in self.sure


def carry_out(
    app: App,
    tx: Transaction,
    principal: Principal,
    patient_id: str,
    order: Order,
    sure: Sequence[str] | None,
    *,
    act_id: str,
) -> Carried:
    """Everything of the order is in the record as one act. Where a fault or an open question is found nothing is
    written but what other flows wrote before: the caller rolls back."""
    by = principal.reference if principal.practitioner_id else ""
    desk = writes.Desk(
        patient_id=patient_id, by=by, now=app.clock.now().replace(microsecond=0), zone=people.zone_of(tx)
    )
    work = _Work(app=app, tx=tx, principal=principal, desk=desk, order=order, sure=sure, done=Carried(act_id=act_id))
    before = store.load_loops(tx, patients=[patient_id])
    _tried(work, 0, "", lambda: _contact(work))
    for item in order.items:
        _tried(work, item.at, f"/{item.word}", partial(_WRITERS[item.writes], work, item))
    if work.done.faults or any(not work.is_sure(one.key) for one in work.done.asks):
        return work.done
    work.resources += work.plan.resources() if "plan" in vars(work) else ()
    one_act.write(app, tx, principal, work.resources, act_id=act_id, also=work.also, typed=order.text)
    _give(work)
    changes = one_act.changes_of(app, before, store.load_loops(tx, patients=[patient_id]))
    says = one_act.lines(changes)
    work.done.lines += [(kind, words) for (kind, _), words in zip(changes, says, strict=True)]
    return work.done


def _tried(work: _Work, at: int, what: str, write: Callable[[], None]) -> None:
    """What a flow refuses, or this person may not write, is a fault at its place."""
    try:
        write()
    except Rejected as error:
        work.done.faults.append(Wrong(at=at, what="", expected=str(error.expected)))
    except NotPermitted:
        says = "what your role may write" if what else "a word that your role may write, as /call or /task"
        work.done.faults.append(Wrong(at=at, what=what or work.order.note[:20], expected=says))


def _covered(tx: Transaction, patient_id: str) -> list[store.StoredLoop]:
    """Open loops of the patient that have a call to make: one call covers them all."""
    return [
        loop
        for loop in store.load_loops(tx, patients=[patient_id])
        if loop.state.status.is_open
        and any(step.step_id in CALL_STEPS and step.status.is_open for step in loop.state.steps)
    ]


def _contact(work: _Work) -> None:
    """The call, with the note and the loops that it covers; a note without a call is a document."""
    calls = [item for item in work.order.items if item.writes == "contact"]
    if len(calls) > 1:
        work.done.faults.append(Wrong(at=calls[1].at, what="/call", expected="one call in one entry"))
        return
    if work.order.call is None and not calls:
        if work.order.note:
            work.wrote(f"Note: {_short(work.order.note)}", writes.note_of(work.desk, work.order.note))
        return
    call = work.order.call or _call(calls[0], work.order.note)
    loops = _covered(work.tx, work.desk.patient_id)
    if work.order.call is not None:
        loops = store.load_loops(work.tx, ids=list(work.order.loops))
    lately = called_lately(work.app, work.tx, work.principal, work.desk.patient_id)
    if lately:
        work.done.known.append(lately)
    require(work.principal, "create", "Communication")
    tasks = [task for loop in loops for task in tasks_of(work.app, work.tx, loop, call.outcome)]
    resource = contact(work.app, work.principal, call, work.desk.patient_id, tasks, work.done.act_id)
    work.resources.append(resource)
    work.done.lines += [("wrote", says) for says in says_of(call)]


def _call(item: Item, note: str) -> Call:
    minutes = item.values.get("minutes")
    said = " ".join(part for part in (item.text("note"), note) if part)
    call = Call(
        outcome=item.text("outcome"),
        minutes=minutes if isinstance(minutes, Decimal) else Decimal(0),
        note=said or None,
        medium="PHONE",
        spoke_with=item.text("spoke_with") or "patient",
    )
    return checked(call)


def _note(work: _Work, item: Item) -> None:
    text = item.text("text")
    work.wrote(f"Note: {_short(text)}", writes.note_of(work.desk, text))


def _minutes(work: _Work, item: Item) -> None:
    minutes = item.values["minutes"]
    if isinstance(minutes, Decimal):
        says = f"{minutes:f} minutes: {_short(item.text('note'))}"
        work.wrote(says, writes.minutes_of(work.desk, minutes, item.text("note")))


def _measure(work: _Work, item: Item) -> None:
    reading = item.values["reading"]
    if not isinstance(reading, Reading):
        return
    latest = latest_of(work.app, work.tx, work.principal, work.desk.patient_id, reading.measure)
    found = list(doubts(reading, (latest.value, latest.at) if latest else None, work.desk.now))
    if latest is not None and latest.at > work.desk.now - timedelta(hours=reading.measure.fresh_hours):
        work.done.known.append(_held(work, latest))
        if latest.is_same(reading):
            says = f"The record holds this {reading.measure.title.lower()} already. Save it a second time?"
            found.append(Doubt(key=f"{reading.measure.word}-known", says=says, rule="ui.md §1.3"))
    for doubt in found:
        work.ask(doubt)
    resource = writes.reading_of(work.desk, reading, [one for one in found if one.rule != "ui.md §1.3"])
    work.wrote(f"{reading.measure.title}: {_reading_words(reading, resource)}", resource)


def _held(work: _Work, latest: Latest) -> str:
    at = latest.at.astimezone(work.desk.zone)
    return f"The record has {latest.says} from {latest.source}, {at:%a} {at.day} {at:%b}, {at:%-I:%M} {at:%p}"


def _reading_words(reading: Reading, resource: Json) -> str:
    typed = "/".join(f"{value:f}" for value in reading.values)
    quantity = resource.get("valueQuantity", {})
    canonical = next((one["valueQuantity"] for one in quantity.get("extension", ())), None)
    beside = f" ({canonical['value']:.2f} {canonical['unit']})" if canonical else ""
    return f"{typed} {reading.unit.unit}{beside}"


def _task(work: _Work, item: Item) -> None:
    who, day, text = item.values.get("who"), item.values.get("day"), item.text("text")
    due = writes.end_of(day, work.desk.zone) if not isinstance(day, str | Decimal | Who | Reading) and day else None
    owner = _owner(work, who, due) if isinstance(who, Who) else ""
    task = writes.task_of(work.desk, text, due, owner)
    named = f" for {people.Names(work.tx).name(owner)}" if owner else ""
    by = f" by {due:%a} {due.day} {due:%b}" if due else ""
    work.wrote(f"Task{named}{by}: {_short(text)}", task)
    if owner and isinstance(who, Who):
        work.owners.append((f"Task/{task['id']}", owner, f"asked of {who.says}"))


def _owner(work: _Work, who: Who, due: datetime | None) -> str:
    if who.reference:
        return who.reference
    found: Sequence[Stored] = work.app.record.of_patient(work.tx, work.desk.patient_id, ("CareTeam", "Patient"))
    day = due.date() if due else None
    routed = routing.route(
        work.app, work.tx, work.desk.patient_id, who.role, found, "", pathway=writes.TEAM_TASK, step_id="done", due=day
    )
    return routed.owner


def _give(work: _Work) -> None:
    """Tasks that name somebody belong to them from the start."""
    for focus, owner, why in work.owners:
        loop = next(
            (one for one in store.load_loops(work.tx, patients=[work.desk.patient_id]) if one.state.focus == focus),
            None,
        )
        if loop is not None and loop.owner != owner:
            handing_over.assign(work.app, work.tx, loop, "", owner, by=work.principal.reference, why=why)


def _referral(work: _Work, item: Item) -> None:
    new = NewReferral(
        patient_id=work.desk.patient_id,
        service=item.text("service"),
        question=item.text("question"),
        priority=item.text("priority") or "routine",
    )
    try:
        made = referring.make(work.app, work.tx, work.principal, new, send_now=False)
    except referring.DuplicateReferral as error:
        one = error.standing[0]
        says = f"{new.service} was asked for on {one.authored:%-d %b} ({one.says}). Ask again?"
        work.ask(Doubt(key=AGAIN, says=says, rule="RF-08"))
        if not work.is_sure(AGAIN):
            return
        made = referring.make(work.app, work.tx, work.principal, new, send_now=False, despite_duplicates=True)
    except Conflict as error:
        work.done.faults.append(Wrong(at=item.at, what=item.text("service"), expected=error.message))
        return
    request = f"ServiceRequest/{made.request_id}"
    tasks = work.app.record.follow(work.tx, "Task", [("based-on", request)])
    stored = [*work.app.record.fetch(work.tx, [request]).values(), *tasks]
    work.also += [one.versioned_reference for one in stored]
    work.done.lines.append(("wrote", f"Referral, not sent yet: {new.service}, {new.priority}: {_short(new.question)}"))


def _team_message(work: _Work, item: Item, who: Who) -> None:
    """A message to the team stays open, with whom it is for, until they have said what they did."""
    text, owner = item.text("text"), _owner(work, who, None)
    task = writes.task_of(work.desk, text, None, owner)
    task["code"]["text"] = f"Message: {_short(text)}"
    says = f"Message to {people.Names(work.tx).name(owner)}: {_short(text)}"
    work.wrote(says, task, writes.team_message_of(work.desk, text, task, owner))
    work.owners.append((f"Task/{task['id']}", owner, f"a message to {who.says}"))


def _message(work: _Work, item: Item) -> None:
    who, text = item.values.get("who"), item.text("text")
    if isinstance(who, Who):
        _team_message(work, item, who)
        return
    work.wrote(f"Message to the patient: {_short(text)}", writes.message_of(work.desk, text))
    shown = people.patients_shown(work.app, work.tx, [work.desk.patient_id], work.desk.now, work.desk.zone)[
        work.desk.patient_id
    ]
    if shown.language and shown.language != "English":
        work.done.known.append(f"The patient reads {shown.language}. The message is sent as it is typed.")
    grade = grade_of(text)
    if grade and grade.flesch_kincaid > LIMIT:
        work.done.known.append(
            f"The message reads at grade {grade.flesch_kincaid:.0f}; grade {LIMIT} or lower is better."
        )


def _goal(work: _Work, item: Item) -> None:
    goal = writes.goal_of(work.desk, item.text("text"))
    work.wrote(f"Goal: {_short(item.text('text'))}", goal)
    work.plan.with_goal(goal)


def _plan(work: _Work, item: Item) -> None:
    """The shared plan is changed; where there is none yet, making one becomes work."""
    if not work.plan.stands:
        _matter(work, item)
        return
    said = {name: item.text(name) for name in ("text", "change", "every", "owner", "why")}
    work.wrote(work.plan.say(Said(**said)))


def _matter(work: _Work, item: Item) -> None:
    says = f"{item.title}: {_short(item.text('text'))}"
    work.wrote(says, writes.matter_of(work.desk, item.opens, item.text("text")))


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 120 else line[:117] + "…"


_WRITERS: Mapping[str, Callable[[_Work, Item], None]] = {
    "contact": lambda work, item: None,
    "note": _note,
    "minutes": _minutes,
    "measure": _measure,
    "task": _task,
    "referral": _referral,
    "message": _message,
    "goal": _goal,
    "plan": _plan,
    "matter": _matter,
}
