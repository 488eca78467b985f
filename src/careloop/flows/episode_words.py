"""A card in the words of the screen: where, since when, what changed last, who acts next."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from careloop.db import Transaction
from careloop.flows import engine
from careloop.flows.app import App
from careloop.flows.people import Names, PatientShown
from careloop.flows.worklist_rows import segments_of
from careloop.loops import store
from careloop.loops.model import ClockState, LoopState, StepState, Tier
from careloop.loops.rules.cards import Card
from careloop.loops.rules.rank import is_waiting, next_step
from careloop.record import Stored


@dataclass(frozen=True, kw_only=True)
class LoopOnCard:
    """One loop of a card with its ring. `owner` has the next step, of a closed loop the loop. `ended`: why it ended,
    empty while it is open or ended by proof."""

    loop_id: str
    code: str
    title: str
    next_title: str
    due: datetime | None
    clock: ClockState
    owner: str
    owner_name: str
    segments: tuple[bool, ...]
    is_open: bool
    ended: str


@dataclass(frozen=True, kw_only=True)
class Next:
    """Who acts next: what, until when. `waiting`: the move is somebody else's."""

    title: str
    owner: str
    owner_name: str
    due: datetime
    clock: ClockState
    waiting: bool
    loop_id: str


@dataclass(frozen=True, kw_only=True)
class Change:
    """What changed last, in words."""

    at: datetime
    says: str


@dataclass(frozen=True, kw_only=True)
class CardShown:
    """One card. `place` is where the patient is or was; `state` says it in words (`In hospital`, `Home`)."""

    kind: str
    key: str
    keys: tuple[str, ...]
    patient_id: str
    patient_name: str
    language: str
    title: str
    place: str
    state: str
    since: datetime | None
    changed: Change | None
    next: Next | None
    loops: tuple[LoopOnCard, ...]
    watch_until: datetime | None
    watch_day: int | None
    high_risk: bool
    is_current: bool
    events: int


@dataclass
class Told:
    """What cards of one patient are told with."""

    app: App
    tx: Transaction
    names: Names
    patient: PatientShown
    patient_id: str
    now: datetime
    stored: Mapping[str, store.StoredLoop]
    encounters: Mapping[str, Stored]


def card_shown(told: Told, card: Card, zone: ZoneInfo) -> CardShown:
    """The card in words."""
    loops = tuple(_loop(told, loop) for loop in card.loops if not is_correction(loop))
    return CardShown(
        kind=card.kind,
        key=card.key,
        keys=card.keys,
        patient_id=told.patient_id,
        patient_name=told.patient.name,
        language=told.patient.language,
        title=_title(told, card),
        place=_place(told, card),
        state=_state(card, told.now),
        since=_since(card),
        changed=_changed(told, card),
        next=_next(told, card),
        loops=loops,
        watch_until=card.watch_until,
        watch_day=_watch_day(card, told.now, zone),
        high_risk=any(loop.tier == Tier.HIGH for loop in card.open_loops),
        is_current=card.is_current(told.now),
        events=len(card.facts) + (len(card.chain.ids) if card.chain else 0),
    )


def _title(told: Told, card: Card) -> str:
    if card.kind == "stay" and card.chain is not None:
        classes = {part.code for stay in (*card.chain.before, *card.chain.stays) for part in stay.classes}
        name = _STAY_NAMES[
            next((one for one in ("inside", "watched", "emergency") if classes & _CLASSES[one]), "other")
        ]
        reason = next((stay.reason for stay in reversed(card.chain.stays) if stay.reason), "")
        return f"{name}: {reason}" if reason else name
    title = engine.title(told.app.catalog, card.loops[0].pathway, "")
    return f"{title}, {len(card.loops)} alerts" if card.kind == "flare" and len(card.loops) > 1 else title


_CLASSES = {
    "inside": {"IMP", "ACUTE", "NONAC"},
    "watched": {"OBSENC"},
    "emergency": {"EMER"},
}
_STAY_NAMES = {
    "inside": "Hospital stay",
    "watched": "Hospital stay for observation",
    "emergency": "Emergency visit",
    "other": "Planned stay",
}


def _place(told: Told, card: Card) -> str:
    """Where the patient is or was last: the ward while they are there, then the hospital."""
    if card.chain is None:
        return ""
    stored = told.encounters.get(card.chain.last.thing)
    resource = stored.resource if stored else {}
    hospital = str((resource.get("serviceProvider") or {}).get("display", ""))
    wards = [str((one.get("location") or {}).get("display", "")) for one in resource.get("location") or []]
    ward = next((one for one in reversed(wards) if one), "")
    if card.chain.left is None:
        return ", ".join(one for one in (hospital, ward) if one) or "Place not known"
    return hospital or ward or "Place not known"


def _state(card: Card, now: datetime) -> str:
    if card.chain is None:
        return "Open" if card.open_loops else "Closed"
    if card.chain.left is None:
        planned = card.chain.first.planned_start
        return "Planned" if planned is not None and card.chain.arrived is None else "In hospital"
    return "Home" if card.is_current(now) else "Watch is over"


def _since(card: Card) -> datetime | None:
    """Since when it is as it is: in hospital, at home, open."""
    if card.chain is None:
        return card.began
    if card.chain.left is not None:
        return card.chain.left
    return card.chain.arrived or card.chain.first.planned_start


def _watch_day(card: Card, now: datetime, zone: ZoneInfo) -> int | None:
    """Which day at home it is (0 on the day of going home), while it is watched."""
    if card.chain is None or card.chain.left is None or card.watch_until is None or now > card.watch_until:
        return None
    return (now.astimezone(zone).date() - card.chain.left.astimezone(zone).date()).days


def _changed(told: Told, card: Card) -> Change | None:
    """The newest thing that happened, by its own time, whenever it became known."""
    found = [*_stay_changes(told, card), *_loop_changes(told, card)]
    found += [Change(at=fact.at, says=_said(fact.says)) for fact in card.facts if fact.says and fact.at <= told.now]
    return max(found, key=lambda one: (one.at, one.says), default=None)


def _said(text: str) -> str:
    return text[:1].upper() + text[1:]


def _stay_changes(told: Told, card: Card) -> list[Change]:
    if card.chain is None:
        return []
    found = []
    for stay in (*card.chain.before, *card.chain.stays):
        if stay.start is not None:
            came = "Came to the emergency room" if stay.last_class == "EMER" else "Went into hospital"
            found.append(Change(at=stay.start, says=came))
        found += [Change(at=one.at, says="Went home") for one in stay.discharges if one.cancelled is None]
        found += [
            Change(at=one.cancelled, says="Going home was taken back") for one in stay.discharges if one.cancelled
        ]
    return [one for one in found if one.at <= told.now]


_CORRECTED = frozenset({"not-applicable", "superseded", "merged", "entered-in-error"})


def is_correction(loop: LoopState) -> bool:
    """True for a loop that ended by itself because its fact was not so: it depends on the order in which messages came,
    and says nothing of what happened to the patient (TR-05)."""
    closure = loop.closure
    return closure is not None and closure.by is None and closure.reason in _CORRECTED


def _loop_changes(told: Told, card: Card) -> list[Change]:
    found = []
    for loop in card.loops:
        if is_correction(loop):
            continue
        title = engine.title(told.app.catalog, loop.pathway, "")
        if loop.closed is not None:
            why = f": {loop.closure.reason.replace('-', ' ')}" if loop.closure else " by proof"
            found.append(Change(at=loop.closed, says=f"{title} closed{why}"))
        for step in loop.steps:
            found += [
                Change(at=proof.at, says=f"{_step_title(told, loop, step)}: {proof.says}") for proof in step.evidence
            ]
            found += [Change(at=one.at, says=f"{_step_title(told, loop, step)}: {one.says}") for one in step.attempts]
    return [one for one in found if one.at <= told.now]


def _step_title(told: Told, loop: LoopState, step: StepState) -> str:
    return step.title or engine.title(told.app.catalog, loop.pathway, step.step_id)


def _next(told: Told, card: Card) -> Next | None:
    """The open step to do next over all loops of the card: one that nobody waits for first, then the earlier due."""
    open_steps = [(loop, step) for loop in card.open_loops if (step := next_step(loop)) is not None]
    if not open_steps:
        return None
    loop, step = min(open_steps, key=lambda one: (is_waiting(one[1]), one[1].due, one[0].id))
    owner = told.stored[loop.id].steps[step.step_id].owner
    return Next(
        title=_step_title(told, loop, step),
        owner=owner,
        owner_name=told.names.name(owner),
        due=step.due,
        clock=_clock(step, told.now),
        waiting=is_waiting(step),
        loop_id=loop.id,
    )


def _clock(step: StepState, now: datetime) -> ClockState:
    late = step.due < now and step.clock != ClockState.WAITING
    return ClockState.OVERDUE if late else step.clock


def _loop(told: Told, loop: LoopState) -> LoopOnCard:
    stored, step = told.stored[loop.id], next_step(loop)
    owner = stored.steps[step.step_id].owner if step else stored.owner
    return LoopOnCard(
        loop_id=loop.id,
        code=f"L-{stored.number}",
        title=engine.title(told.app.catalog, loop.pathway, ""),
        next_title=_step_title(told, loop, step) if step else "",
        due=step.due if step else None,
        clock=_clock(step, told.now) if step else loop.clock,
        owner=owner,
        owner_name=told.names.name(owner),
        segments=segments_of(loop),
        is_open=loop.status.is_open,
        ended=(loop.closure.note or loop.closure.reason.replace("-", " ")) if loop.closure else "",
    )
