"""A hand-over that writes itself: open loops, what was promised, what matters to the person, the next three things.

Only what changed since the last hand-over between the same two is told again; the rest is counted. Each item is an
offer: the giver owns it until the taker accepts it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from careloop.access import accounts
from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal
from careloop.access.policy import Action, require_action
from careloop.db import Transaction
from careloop.errors import CareloopError, Rejected
from careloop.fhir.ids import new_id
from careloop.flows import engine, handing_over, people
from careloop.flows.app import App
from careloop.flows.timeline import text_of
from careloop.loops import owning
from careloop.loops import store as loops
from careloop.loops.ids import step_task_id
from careloop.loops.model import ActKind, Status
from careloop.record import Stored
from careloop.teams import store
from careloop.teams.model import HandOver, Item

MOST = 200
NEXT = 3
RECENT = timedelta(days=2)
_GOALS = frozenset({"proposed", "planned", "accepted", "active"})
_BOOKED = frozenset({"booked", "pending", "arrived"})


@dataclass(frozen=True, kw_only=True)
class Line:
    """One loop as a hand-over tells it. `next` are (what, due); `promised` are sentences."""

    loop_id: str
    patient_id: str
    patient_name: str
    number: int
    title: str
    next: tuple[tuple[str, datetime], ...]
    promised: tuple[str, ...]
    matters: str
    wrong: str
    due: datetime
    is_new: bool


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What would be handed over: the loops that changed since the last time (`since`), how many did not, and which are
    on offer already."""

    giver: str
    taker: str
    since: datetime | None
    lines: tuple[Line, ...]
    unchanged: tuple[Line, ...]
    on_offer: int


@dataclass(frozen=True, kw_only=True)
class Sent:
    """How many loops were offered, and which could not be, with the reason."""

    offered: int
    refused: tuple[tuple[str, str], ...]


def draft(app: App, tx: Transaction, principal: Principal, *, to: str) -> Draft:
    """The hand-over of the asker's work to `to`, written. Audited as a search."""
    require_action(principal, Action.LOOP_WORK)
    giver = principal.reference
    if to == giver or not accounts.members(tx, [to]):
        raise Rejected(at="to", expected="somebody else of the staff", code="business-rule")
    since = store.last_hand_over(tx, giver, to)
    held = _held(tx, giver)
    waiting = {row["loop_id"] for row in owning.open_offers(tx)}
    lines = _lines(app, tx, [loop for loop in held if loop.id not in waiting], giver)
    changed = _changed(app, tx, held, since)
    _audit(tx, principal, lines)
    return Draft(
        giver=giver,
        taker=to,
        since=since,
        lines=tuple(line for line in lines if line.loop_id in changed),
        unchanged=tuple(line for line in lines if line.loop_id not in changed),
        on_offer=len(held) - len(lines),
    )


def send(app: App, tx: Transaction, principal: Principal, *, to: str, note: str, loop_ids: Sequence[str]) -> Sent:
    """Each of these loops is offered to `to`, with what is told of it kept. What may not be offered stays, named."""
    written = draft(app, tx, principal, to=to)
    chosen = [line for line in (*written.lines, *written.unchanged) if line.loop_id in set(loop_ids)]
    if not chosen:
        raise Rejected(at="loop", expected="at least one loop", code="required")
    offers: dict[str, str] = {}
    refused: list[tuple[str, str]] = []
    for line in chosen:
        try:
            with tx.savepoint():
                receipt = handing_over.hand_over(
                    app, tx, principal, loop_id=line.loop_id, to=to, why=note or "hand-over of a shift"
                )
            offers[line.loop_id] = receipt.act_id
        except CareloopError as error:
            refused.append((f"L-{line.number}", error.message))
    if offers:
        items = tuple(Item(loop_id=line.loop_id, told=told(line)) for line in chosen if line.loop_id in offers)
        given = HandOver(
            id=new_id(),
            giver=written.giver,
            taker=to,
            note=note,
            made=app.clock.now(),
            since=written.since,
            items=items,
        )
        store.add_hand_over(tx, given, offers)
    return Sent(offered=len(offers), refused=tuple(refused))


def standing(app: App, tx: Transaction, principal: Principal) -> list[HandOver]:
    """To and from the asker: what waits for an answer, and what was handed over lately."""
    require_action(principal, Action.LOOP_WORK)
    found = store.hand_overs_of(tx, principal.reference, app.clock.now() - RECENT)
    patients = sorted({str(item.told["patient_id"]) for one in found for item in one.items})
    _audit_patients(tx, principal, patients, [item.loop_id for one in found for item in one.items])
    return found


def told(line: Line) -> dict[str, Any]:
    """The line as it is kept."""
    return {
        "patient_id": line.patient_id,
        "patient": line.patient_name,
        "number": line.number,
        "title": line.title,
        "next": [{"what": what, "due": due.isoformat()} for what, due in line.next],
        "promised": list(line.promised),
        "matters": line.matters,
        "wrong": line.wrong,
    }


def _held(tx: Transaction, giver: str) -> list[loops.StoredLoop]:
    """Open loops of which the giver holds something, the first due first."""
    ids = sorted({row["loop_id"] for row in owning.work_of(tx, giver)})[: MOST * 5]
    held = [loop for loop in loops.load_loops(tx, ids=ids) if loop.state.status.is_open] if ids else []
    return sorted(held, key=lambda loop: (_first_due(loop), loop.number))[:MOST]


def _first_due(loop: loops.StoredLoop) -> datetime:
    dues = [step.due for step in loop.state.steps if step.status.is_open]
    return min(dues, default=loop.state.deadline)


def _changed(app: App, tx: Transaction, held: Sequence[loops.StoredLoop], since: datetime | None) -> frozenset[str]:
    """Loops of which the loop or a step reads differently since then; all where there was no hand-over before."""
    if since is None:
        return frozenset(loop.id for loop in held)
    tasks = {f"Task/{loop.id}": loop.id for loop in held}
    tasks |= {f"Task/{step_task_id(loop.id, step_id)}": loop.id for loop in held for step_id in loop.steps}
    found = app.record.fetch(tx, sorted(tasks))
    return frozenset(tasks[name] for name, task in found.items() if task.last_updated > since)


def _lines(app: App, tx: Transaction, held: Sequence[loops.StoredLoop], giver: str) -> list[Line]:
    now, zone = app.clock.now(), people.zone_of(tx)
    patients = sorted({loop.patient_id for loop in held})
    shown = people.patients_shown(app, tx, patients, now, zone)
    about = app.record.of_patients(tx, patients, ("Goal", "Appointment")) if patients else {}
    return [_line(app, loop, giver, shown[loop.patient_id].name, about[loop.patient_id], now) for loop in held]


def _line(app: App, loop: loops.StoredLoop, giver: str, name: str, about: Sequence[Stored], now: datetime) -> Line:
    pathway = loop.state.pathway
    open_steps = sorted((step for step in loop.state.steps if step.status.is_open), key=lambda step: step.due)
    late = [step for step in open_steps if step.due < now]
    return Line(
        loop_id=loop.id,
        patient_id=loop.patient_id,
        patient_name=name,
        number=loop.number,
        title=engine.title(app.catalog, pathway, ""),
        next=tuple((engine.title(app.catalog, pathway, step.step_id), step.due) for step in open_steps[:NEXT]),
        promised=tuple(_promises(loop, about, now)),
        matters=_matters(about),
        wrong=_wrong(app, loop, [step.step_id for step in late]),
        due=_first_due(loop),
        is_new=loop.owner == giver and loop.state.opened > now - RECENT,
    )


def _promises(loop: loops.StoredLoop, about: Sequence[Stored], now: datetime) -> list[str]:
    """Visits that are booked, and when we said that we look again."""
    said = []
    for one in about:
        if one.resource_type == "Appointment" and one.resource.get("status") in _BOOKED:
            start = str(one.resource.get("start", ""))
            if start and datetime.fromisoformat(start.replace("Z", "+00:00")) > now:
                what = text_of((one.resource.get("serviceType") or [None])[0]) or one.resource.get("description")
                said.append(
                    f"{what or 'Visit'} booked for {_day(datetime.fromisoformat(start.replace('Z', '+00:00')))}"
                )
    held = {step.step_id for step in loop.state.steps if step.status == Status.ON_HOLD}
    for act in loop.acts:
        if act.kind == ActKind.HOLD and not act.undone and (act.step_id or "") in ({""} | held):
            until = datetime.fromisoformat(str(act.data["until"]))
            if until > now:
                said.append(f"We look again on {_day(until)}: {act.data['reason']}")
    return sorted(said)[:NEXT]


def _matters(about: Sequence[Stored]) -> str:
    """The newest goal of the person, in their words."""
    goals = [
        one.resource for one in about if one.resource_type == "Goal" and one.resource.get("lifecycleStatus") in _GOALS
    ]
    goals.sort(key=lambda goal: str(goal.get("startDate", "")), reverse=True)
    return text_of(goals[0].get("description")) if goals else ""


def _wrong(app: App, loop: loops.StoredLoop, late: Sequence[str]) -> str:
    """What can go wrong next."""
    if late:
        titles = ", ".join(engine.title(app.catalog, loop.state.pathway, step) for step in late[:2])
        return f"Late: {titles}."
    return ""


def _day(at: datetime) -> str:
    return f"{at:%a} {at.day} {at:%b}"


def _audit(tx: Transaction, principal: Principal, lines: Sequence[Line]) -> None:
    _audit_patients(tx, principal, sorted({line.patient_id for line in lines}), [line.loop_id for line in lines])


def _audit_patients(
    tx: Transaction, principal: Principal, patients: Sequence[str], resource_ids: Sequence[str]
) -> None:
    entry = AuditEntry(
        principal=principal,
        action="E",
        subtype="search",
        resource_type="Task",
        resource_ids=list(resource_ids),
        patient_ids=list(patients),
        query="hand-over",
    )
    record_audit(tx, entry)
