"""The pane of one loop: whom to call, what closes it, why it is where it is, what happened. Audited as a read."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal, PrincipalKind
from careloop.access.policy import Action, require_action
from careloop.db import Row, Transaction
from careloop.errors import NotFound
from careloop.flows import engine, people, proof_ways, routing
from careloop.flows.app import App
from careloop.flows.people import Names
from careloop.flows.worklist_rows import CALL_STEPS, RowMaker, step_of
from careloop.flows.worklist_values import HistoryLine, LoopDetail, OfferShown, Phone, StepLine
from careloop.loops import store
from careloop.loops import worklist as lists
from careloop.loops.model import LoopState, Status, StepState
from careloop.loops.rules.rank import (
    RankPart,
    is_outside,
    is_waiting,
    lasting_parts,
    next_step,
    rank_days,
    timed_parts,
)


def detail(
    app: App, tx: Transaction, principal: Principal, loop_id: str, own: Sequence[lists.Placed] | None = None
) -> LoopDetail:
    """Everything about one loop; `NotFound` when it is not there. `own`: the asker's own list, where it is at hand."""
    require_action(principal, Action.WORKLIST_READ)
    app = engine.at_practice(app, tx)
    now, zone = app.clock.now(), people.zone_of(tx)
    loop = lists.shown(tx, [loop_id]).get(loop_id) if store.is_loop_id(loop_id) else None
    if loop is None:
        raise NotFound("there is no such loop")
    maker = RowMaker(app, tx, now, zone)
    position, place = _place(app, tx, principal, loop, now, zone, own)
    row = maker.rows([place])[0]
    patient = people.patients_shown(app, tx, [loop.patient_id], now, zone)[loop.patient_id]
    step = step_of(loop.state, place.step_id)
    record_audit(
        tx,
        AuditEntry(
            principal=principal,
            action="R",
            subtype="read",
            resource_type="Task",
            resource_ids=[loop_id],
            patient_ids=[loop.patient_id],
        ),
    )
    return LoopDetail(
        row=row,
        phones=tuple(
            Phone(dial="".join(each for each in text if each.isdigit() or each == "+"), text=text)
            for text in patient.phones
        ),
        best_time=patient.best_time,
        may_hear=patient.may_hear,
        interpreter=patient.interpreter,
        can_call=loop.state.status.is_open,
        try_words=_try_words(_tried(loop.state, step)),
        steps=tuple(_step_line(app, loop.state, each, zone) for each in loop.state.steps),
        proven=sum(row.segments),
        rank=_rank(app, loop.state, place, now, zone),
        position=position,
        history=_history(app, tx, loop, maker.names),
        also=_also(app, tx, loop),
        offer=_offer(tx, loop_id, maker.names),
        waiting_until=loop.hold_until or loop.snoozed_until,
        evidence=tuple(proof.reference for each in loop.state.steps for proof in each.evidence),
        focus=loop.state.focus.split("/_history/")[0],
        proof=proof_ways.offered(app, tx, principal, loop, place.step_id),
    )


def _place(
    app: App,
    tx: Transaction,
    principal: Principal,
    loop: lists.Shown,
    now: datetime,
    zone: ZoneInfo,
    own: Sequence[lists.Placed] | None,
) -> tuple[int | None, lists.Placed]:
    """Number on the asker's own list (none for a loop further down than is read), and the place; off the list the
    loop's own next step."""
    found = own
    if found is None:
        found = _own_list(app, tx, principal, now, zone) if _may_be_listed(tx, principal, loop.id) else ()
    for number, place in enumerate(found, start=1):
        if place.loop_id == loop.id:
            return number, place
    return None, _own_place(app, loop, now, zone)


def _may_be_listed(tx: Transaction, principal: Principal, loop_id: str) -> bool:
    return principal.kind != PrincipalKind.USER or lists.holds_any_of(tx, principal.reference, loop_id)


def _own_list(app: App, tx: Transaction, principal: Principal, now: datetime, zone: ZoneInfo) -> Sequence[lists.Placed]:
    """The list of whoever asks; a program's is everybody's."""
    owners = [principal.reference] if principal.kind == PrincipalKind.USER else None
    asked = lists.Asked(
        owners=owners,
        pathway=None,
        snoozed=False,
        days=rank_days(now, zone),
        weights=engine.rank_weights(app.catalog),
        limit=lists.OWN_MOST,
        zone=zone.key,
    )
    return lists.page(tx, asked)


def _own_place(app: App, loop: lists.Shown, now: datetime, zone: ZoneInfo) -> lists.Placed:
    step = next_step(loop.state)
    place = lists.Placed(
        loop_id=loop.id,
        step_id=step.step_id if step else None,
        due=step.due if step else loop.state.deadline,
        waiting=step is not None and is_waiting(step),
        points=0,
        section=3,
    )
    points = sum(part.points for part in _rank(app, loop.state, place, now, zone))
    return lists.Placed(**{**vars(place), "points": points})


def _rank(app: App, state: LoopState, place: lists.Placed, now: datetime, zone: ZoneInfo) -> tuple[RankPart, ...]:
    """The parts whose sum is the loop's points; none for a closed loop."""
    if not state.status.is_open:
        return ()
    weights = engine.rank_weights(app.catalog)
    timed = timed_parts(
        outside=is_outside(weights, state.pathway, place.step_id or ""),
        due=place.due,
        opened=state.opened,
        waiting=place.waiting,
        days=rank_days(now, zone),
        weights=weights,
    )
    return tuple(sorted((*timed, *lasting_parts(state, weights)), key=lambda part: -part.points))


def _step_line(app: App, state: LoopState, step: StepState, zone: ZoneInfo) -> StepLine:
    return StepLine(
        step_id=step.step_id,
        title=step.title or engine.title(app.catalog, state.pathway, step.step_id),
        state=step.status.value,
        detail=_step_words(step, zone),
        done=step.status == Status.COMPLETED,
        open=step.status.is_open,
    )


def _step_words(step: StepState, zone: ZoneInfo) -> str:
    if step.evidence:
        return f"{step.evidence[-1].says}, {_day(step.evidence[-1].at, zone)}"
    if step.closure:
        return step.closure.note or step.closure.reason.replace("-", " ")
    return f"due {_day(step.due, zone)}"


def _day(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b}"


def _tried(state: LoopState, step: StepState | None) -> StepState | None:
    """The next step where it was tried, else the first open one that was: after enough tries another step is next."""
    if step is not None and step.attempts:
        return step
    return next((each for each in state.steps if each.status.is_open and each.attempts), step)


def _try_words(step: StepState | None) -> str:
    """After a try: what comes next (ui.md §7.1); after the third, the letter."""
    if step is None or not step.attempts:
        return ""
    tries = len(step.attempts)
    onward = "Send the letter next." if tries >= 3 else "Try again at another time of day."
    return f"{tries} {'try' if tries == 1 else 'tries'} so far. {onward}"


def _history(app: App, tx: Transaction, loop: lists.Shown, names: Names) -> tuple[HistoryLine, ...]:
    """Why it opened, every decision, every act and every owner, newest first."""
    decided = [HistoryLine(at=line.at, text=line.text, who="") for line in loop.state.explanations]
    acts = [
        HistoryLine(at=act["at"], text=_act_words(app, loop, act), who=names.name(act["by"]))
        for act in lists.acts_of(tx, loop.id)
    ]
    owned = [
        HistoryLine(
            at=row["owned_from"], text=f"Owner: {names.name(row['owner'])}, {row['why']}", who=names.name(row["by"])
        )
        for row in lists.owned_history(tx, loop.id)
        if row["step_id"] == ""
    ]
    raised = [
        HistoryLine(at=row["at"], text=f"Now also with {row['to_role']}{', late' if row['late'] else ''}", who="")
        for row in lists.standing_escalations(tx, [loop.id])
    ]
    return tuple(sorted((*decided, *acts, *owned, *raised), key=lambda line: line.at, reverse=True))


def _act_words(app: App, loop: lists.Shown, act: Row) -> str:
    title = f" {engine.title(app.catalog, loop.pathway, act['step_id'])}" if act["step_id"] else ""
    said = act["data"].get("note") or act["data"].get("reason") or ""
    return f"{act['kind'].capitalize()}{title}{': ' + said if said else ''}"


def _also(app: App, tx: Transaction, loop: lists.Shown) -> tuple[tuple[str, str | None, str], ...]:
    """Other open loops of the patient with a call of their own to make: one call can cover them."""
    others = [other for other in store.load_loops(tx, patients=[loop.patient_id]) if other.id != loop.id]
    found: list[tuple[str, str | None, str]] = []
    for other in others:
        step = _first(other.state.steps)
        if other.state.status.is_open and step is not None:
            pathway = engine.title(app.catalog, other.state.pathway, "")
            found.append((other.id, step.step_id, f"{pathway} (L-{other.number})"))
    return tuple(found)


def _first(steps: Sequence[StepState]) -> StepState | None:
    return next((step for step in steps if step.step_id in CALL_STEPS and step.status.is_open), None)


def _offer(tx: Transaction, loop_id: str, names: Names) -> OfferShown | None:
    offer = store.open_offer(tx, loop_id)
    if offer is None:
        return None
    return OfferShown(
        id=offer.id,
        giver=offer.giver,
        from_name=names.name(offer.giver),
        to=offer.taker,
        to_name=names.name(offer.taker),
        to_queue=offer.taker == routing.queue_reference(tx.tenant_id),
        why=offer.why,
        offered=offer.offered,
    )
