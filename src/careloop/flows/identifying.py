"""The person-match review: pairs that may be one patient, side by side; a person decides, and may take it back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from careloop import identity
from careloop.access.model import Principal
from careloop.access.policy import Action, may_act
from careloop.db import Transaction
from careloop.errors import Conflict, Gone, NotFound, Rejected
from careloop.flows import matching, merging, people
from careloop.flows.app import App
from careloop.flows.match_tasks import REASON_WORDS, announce
from careloop.flows.merge_preview import MergePreview, preview
from careloop.identity import matches, merges, store
from careloop.identity.matches import Settled
from careloop.identity.merges import PendingMerge
from careloop.identity.model import FieldEvidence, Grade, MatchRow, MatchState, Verdict
from careloop.loops.model import ClockState

Resource = dict[str, Any]

Decision = Literal["same", "different", "ask"]


@dataclass(frozen=True, kw_only=True)
class PersonSide:
    """One of the two patients as the review shows them. `identifiers` are (system, value) pairs."""

    patient_id: str
    name: str
    birth_date: str
    sex: str
    phones: tuple[str, ...]
    addresses: tuple[str, ...]
    identifiers: tuple[tuple[str, str], ...]
    last_updated: datetime | None


@dataclass(frozen=True, kw_only=True)
class FieldLine:
    """One field of both, side by side: what each says, how they agree (`says`: in plain words) and how much that
    weighs. `points` may be negative."""

    field: str
    left: str
    right: str
    verdict: Verdict
    points: Decimal
    says: str = ""
    weight: str = ""


@dataclass(frozen=True, kw_only=True)
class ReviewItem:
    """One pair to decide. `warning` names the rule that speaks against joining, where one does; `asking` what somebody
    finds out; `preview` what joining would bring together."""

    id: str
    reason: str
    grade: Grade
    points: Decimal
    opened: datetime
    due: datetime
    is_late: bool
    left: PersonSide
    right: PersonSide
    fields: tuple[FieldLine, ...]
    warning: str | None = None
    asking: str | None = None
    preview: MergePreview | None = None


@dataclass(frozen=True, kw_only=True)
class ReviewQueue:
    """What waits for a person: pairs, longest waiting first, and merges whose prior has not appeared."""

    items: tuple[ReviewItem, ...]
    total: int
    pending: tuple[PendingMerge, ...] = field(default=())


@dataclass(frozen=True, kw_only=True)
class WaitingPair:
    """One pair as a line of the worklist."""

    id: str
    names: str
    reason: str
    due: datetime
    clock: ClockState


@dataclass(frozen=True, kw_only=True)
class WaitingPairs:
    """The pairs that wait longest, and how many wait in all."""

    pairs: tuple[WaitingPair, ...]
    total: int


@dataclass(frozen=True, kw_only=True)
class Decided:
    """A pair was decided (or asked again). `merge_id` where the two were joined."""

    match_id: str
    state: MatchState
    says: str
    survivor_id: str | None = None
    merge_id: str | None = None


def review_queue(app: App, tx: Transaction, principal: Principal, *, limit: int = 20) -> ReviewQueue:
    """The pairs that wait, with both persons side by side. Every person shown is a read that is audited."""
    rows, total = matches.open_queue(tx, limit=limit)
    items = [_item(app, tx, principal, row) for row in rows]
    return ReviewQueue(items=tuple(items), total=total, pending=tuple(merges.pending_merges(tx)))


def waiting(app: App, tx: Transaction, principal: Principal, *, limit: int = 5) -> WaitingPairs:
    """The pairs that wait longest, short, for the worklist; nothing for those who may not decide."""
    if not may_act(principal, Action.PERSON_REVIEW):
        return WaitingPairs(pairs=(), total=0)
    rows, total = matches.open_queue(tx, limit=limit)
    now = app.clock.now()
    ids = [patient_id for row in rows for patient_id in (row.left, row.right)]
    shown = people.patients_shown(app, tx, ids, now, people.zone_of(tx)) if ids else {}
    pairs = [
        WaitingPair(
            id=row.id,
            names=f"{shown[row.left].name} and {shown[row.right].name}",
            reason=f"Finding out: {row.asking}" if row.asking else REASON_WORDS[row.reason],
            due=row.due,
            clock=_clock_of(row, now),
        )
        for row in rows
    ]
    return WaitingPairs(pairs=tuple(pairs), total=total)


def _clock_of(row: MatchRow, now: datetime) -> ClockState:
    if row.due < now:
        return ClockState.OVERDUE
    return ClockState.WAITING if row.state is MatchState.ASKING else ClockState.ON_TIME


def review_item(app: App, tx: Transaction, principal: Principal, match_id: str) -> ReviewItem:
    """One pair side by side; `NotFound` for an unknown id."""
    return _item(app, tx, principal, matches.find_match(tx, match_id))


def decide(
    app: App,
    tx: Transaction,
    principal: Principal,
    match_id: str,
    decision: Decision,
    why: str,
    *,
    survivor_id: str | None = None,
) -> Decided:
    """A person's decision. `same` merges the newer record into the older one, or into `survivor_id`; `different` is
    asked again only when facts come that speak more strongly; `ask` keeps it open until somebody found out. Needs a
    sentence; `Conflict` where the pair was decided before."""
    row = matches.find_match(tx, match_id)
    if not row.waits:
        raise Conflict("this pair was decided already")
    if not why.strip():
        raise Rejected(at="why", expected=_WHY_WORDS.get(decision, _WHY), code="required")
    if decision == "same":
        return _join(app, tx, principal, row, why, survivor_id)
    return _part(app, tx, principal, row, why) if decision == "different" else _ask(app, tx, row, why)


_WHY = "a sentence that says how you know"
_WHY_WORDS = {"ask": "a sentence that says what to find out"}


def part(app: App, tx: Transaction, principal: Principal, prior_id: str, why: str) -> str:
    """A merge, whoever asked for it (a hospital's A40 too), is taken back: `prior_id` is a person of their own again.
    `NotFound` where that patient was never joined; a sentence is needed. What to say afterwards."""
    if not why.strip():
        raise Rejected(at="why", expected="a sentence that says how you know", code="required")
    done = merges.standing_merge(tx, prior_id)
    if done is None:
        raise NotFound("this patient was not joined with another")
    merging.unmerge(app, tx, principal, done.id, why.strip())
    return "Two people again. Each record is with its own person."


def undo(app: App, tx: Transaction, principal: Principal, match_id: str) -> Decided:
    """The decision is taken back: the pair is asked again, and two that were joined are two again."""
    row = matches.find_match(tx, match_id)
    if row.state not in (MatchState.SAME, MatchState.DIFFERENT):
        raise Conflict("nobody has decided this pair yet")
    if row.merge_id is not None:
        merging.unmerge(app, tx, principal, row.merge_id, "decision taken back")
    taken_back = Settled(state=MatchState.OPEN, at=app.clock.now(), by=principal.reference, why="taken back")
    matches.settle(tx, row.id, taken_back)
    announce(app, tx)
    return Decided(match_id=row.id, state=MatchState.OPEN, says="Asked again. Nothing is joined.")


def task_update(app: App, tx: Transaction, principal: Principal, task: Mapping[str, Any]) -> bool:
    """A client worked a person-match Task (the loop or its step): its decision is carried out. False where the Task is
    no pair of the queue. `completed` needs `output` naming the patient who survives (the same person), or a coded
    `statusReason` and a `note` (two people); anything else is `Rejected`."""
    row = matches.match_of_task(tx, str(task.get("id", "")))
    if row is None:
        return False
    if task.get("status") != "completed" or not row.waits:
        raise Rejected(at="Task.status", expected="completed, for a pair that is open", code="business-rule")
    why = " ".join(str(note.get("text", "")) for note in task.get("note") or ()).strip()
    named = [str(one.get("valueReference", {}).get("reference", "")) for one in task.get("output") or ()]
    survivors = [one for one in (row.left, row.right) if f"Patient/{one}" in named]
    if survivors:
        decide(app, tx, principal, row.id, "same", why or "decided by a client", survivor_id=survivors[0])
    elif task.get("statusReason") and why:
        decide(app, tx, principal, row.id, "different", why)
    else:
        expected = "output with the surviving patient, or a coded statusReason and a note"
        raise Rejected(at="Task.output", expected=expected, code="required")
    return True


def note_patients(app: App, tx: Transaction, principal: Principal, resources: Sequence[Mapping[str, Any]]) -> None:
    """Patients were written, from whatever door: numbers and likeness are in step, doubts are Tasks in the review
    queue, a merge that waited for one of them is done, and survivors name every number of those merged into them."""
    asked = identity.ask_about(tx, {str(one["id"]): one for one in resources})
    begin_noting(app, tx, principal, resources, asked)()


def begin_noting(
    app: App, tx: Transaction, principal: Principal, resources: Sequence[Mapping[str, Any]], asked: identity.Asked
) -> Callable[[], bool]:
    """The same of resources about whom `asked` asked (about others too), with what is asked next: the rest is done by
    the function that comes back, which must be called. It says whether anything was found that more follows from."""
    about = {str(one["id"]) for one in resources}
    likeness = matching.likeness_for(app, tx)
    noted = identity.begin_noting(tx, app.clock.now(), asked, likeness, only=about)

    def finish() -> bool:
        found = noted()
        _follow(app, tx, principal, resources, found)
        return bool(found.candidates or found.appeared or found.merged)

    return finish


def _follow(
    app: App, tx: Transaction, principal: Principal, resources: Sequence[Mapping[str, Any]], found: identity.Noted
) -> None:
    if found.merged:
        merging.keep_old_numbers(app, tx, principal, [one for one in resources if one["id"] in found.merged])
    for prior_id, survivor_id in found.appeared:
        merging.merge(app, tx, principal, survivor_id, prior_id, "waiting merge: the prior patient appeared")
    while found.candidates and announce(app, tx) == matches.AT_ONCE:
        continue
    if found.candidates:
        matching.join_certain(app, tx, found.candidates)


def _join(app: App, tx: Transaction, principal: Principal, row: MatchRow, why: str, survivor_id: str | None) -> Decided:
    if survivor_id is not None and survivor_id not in (row.left, row.right):
        raise Rejected(at="survivor_id", expected="one of the two patients of this pair")
    survivor = survivor_id or matching.older_of(tx, row.left, row.right)
    prior = row.right if survivor == row.left else row.left
    done = merging.merge(app, tx, principal, survivor, prior, why)
    if done is None:
        raise Conflict("these two are joined the other way round already")
    now = app.clock.now()
    settled = Settled(state=MatchState.SAME, at=now, by=principal.reference, why=why, merge_id=done.id)
    matches.settle(tx, row.id, settled)
    announce(app, tx)
    says = "Joined. Everything is with one person now; you can take this back."
    return Decided(match_id=row.id, state=MatchState.SAME, says=says, survivor_id=done.survivor_id, merge_id=done.id)


def _part(app: App, tx: Transaction, principal: Principal, row: MatchRow, why: str) -> Decided:
    now = app.clock.now()
    settled = Settled(state=MatchState.DIFFERENT, at=now, by=principal.reference, why=why, points=_points(app, tx, row))
    matches.settle(tx, row.id, settled)
    announce(app, tx)
    says = "Kept apart. You will not be asked again unless new facts speak for one person."
    return Decided(match_id=row.id, state=MatchState.DIFFERENT, says=says)


def _points(app: App, tx: Transaction, row: MatchRow) -> Decimal:
    """The evidence that a decision rests on."""
    looks = store.looks_of_patients(tx, [row.left, row.right])
    if len(looks) < 2:
        return row.points
    compared = matching.likeness_for(app, tx).compare(looks[row.left], looks[row.right])
    return max(compared.points, row.points)


def _ask(app: App, tx: Transaction, row: MatchRow, what: str) -> Decided:
    matches.ask_first(tx, row.id, what.strip(), app.clock.now())
    announce(app, tx)
    says = "Waiting until somebody has found out. Nothing is joined."
    return Decided(match_id=row.id, state=MatchState.ASKING, says=says)


def _item(app: App, tx: Transaction, principal: Principal, row: MatchRow) -> ReviewItem:
    left, right = (_patient(app, tx, principal, one) for one in (row.left, row.right))
    likeness = matching.likeness_for(app, tx)
    compared = likeness.compare(identity.demographics_of(left), identity.demographics_of(right))
    survivor = matching.older_of(tx, row.left, row.right)
    return ReviewItem(
        id=row.id,
        reason=REASON_WORDS[row.reason],
        grade=compared.grade,
        points=compared.points,
        opened=row.opened,
        due=row.due,
        is_late=row.waits and row.due < app.clock.now(),
        left=_side(row.left, left),
        right=_side(row.right, right),
        fields=tuple(_line(one) for one in compared.fields),
        warning=compared.capped,
        asking=row.asking,
        preview=preview(app, tx, survivor, row.right if survivor == row.left else row.left),
    )


def _line(one: FieldEvidence) -> FieldLine:
    return FieldLine(
        field=one.field,
        left=one.left,
        right=one.right,
        verdict=one.verdict,
        points=one.points,
        says=one.says,
        weight=weight_words(one.points),
    )


def weight_words(points: Decimal) -> str:
    """Points in words: each is a doubling of the odds."""
    size = next((word for least, word in _WEIGHTS if abs(points) >= least), "says nothing")
    return size if size == "says nothing" else f"{size} {'for' if points > 0 else 'against'} one person"


_WEIGHTS = ((Decimal(8), "speaks very strongly"), (Decimal(4), "speaks strongly"), (Decimal("0.5"), "speaks a little"))


def _patient(app: App, tx: Transaction, principal: Principal, patient_id: str) -> Resource:
    try:
        return app.record.read(tx, principal, "Patient", patient_id).resource
    except (NotFound, Gone):
        return {"resourceType": "Patient", "id": patient_id}


def _side(patient_id: str, patient: Resource) -> PersonSide:
    person = identity.demographics_of(patient)
    updated = patient.get("meta", {}).get("lastUpdated")
    homes = [" ".join(part for part in (home.line, home.city, home.postal_code) if part) for home in person.addresses]
    return PersonSide(
        patient_id=patient_id,
        name=" ".join([*person.given, person.family, person.suffix]).strip(),
        birth_date=person.birth_date,
        sex=person.sex,
        phones=person.phones,
        addresses=tuple(homes),
        identifiers=tuple((number.system, number.value) for number in identity.identifiers_of(patient)),
        last_updated=datetime.fromisoformat(updated) if updated else None,
    )
