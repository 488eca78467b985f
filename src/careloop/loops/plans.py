"""What must be written so that one loop is what it must be: Tasks, Provenance, owner changes. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from careloop.loops.model import LoopState
from careloop.loops.store import OwnerChange, StoredLoop
from careloop.loops.tasks import Resource, TaskFrame, clock_elements, loop_task, provenance, step_task


@dataclass(frozen=True, kw_only=True)
class LoopChange:
    """One loop that is not what it was: how it stands (None when it is new), and the state it must have."""

    old: StoredLoop | None
    new: LoopState

    @property
    def owners_before(self) -> dict[str, str]:
        """Owner by step id, '' for the loop; empty for a new loop."""
        if self.old is None:
            return {}
        return {"": self.old.owner, **{step_id: step.owner for step_id, step in self.old.steps.items()}}

    @property
    def step_ids(self) -> tuple[str, ...]:
        """'' for the loop, then its steps in order."""
        return ("", *(step.step_id for step in self.new.steps))


@dataclass(frozen=True, kw_only=True)
class Owner:
    """Who owns it, and why if that is new."""

    owner: str
    why: str


@dataclass(frozen=True, kw_only=True)
class PlanFrame:
    """What a plan needs from around the loop.

    `title` gives the words of a pathway (step id '') or of its step. `by` is the person whose act caused the change,
    `fact` a reference to what caused it. `provenance_id` makes a fresh id.
    """

    zone: tzinfo
    title: Callable[[str, str], str]
    now: datetime
    by: str | None
    fact: str | None
    provenance_id: Callable[[], str]


@dataclass(frozen=True, kw_only=True)
class LoopPlan:
    """Everything that one changed loop needs written. Mappings are keyed by step id, '' for the loop."""

    change: LoopChange
    number: int
    owners: Mapping[str, str]
    owner_changes: tuple[OwnerChange, ...]
    versions: Mapping[str, int]
    history: Mapping[str, tuple[str, ...]]
    resources: tuple[Resource, ...]
    changed: frozenset[str] = frozenset()
    """Steps, and '' for the loop, whose Task reads differently."""
    amended: Mapping[str, Resource] = field(default_factory=dict)
    """By id of a Task the elements of it that read differently, where only these do."""
    only_clocks: bool = False
    """Nothing but clocks turned and escalations fired."""


def plan_change(change: LoopChange, number: int, owners: Mapping[str, Owner], frame: PlanFrame) -> LoopPlan:
    """What to write for one loop. Only Tasks that read differently get a new version and a line of history."""
    now_owned = {step_id: owners[step_id].owner for step_id in change.step_ids}
    moved = _moved(change, now_owned)
    tasks = _tasks(change.new, now_owned, number, frame, moved)
    before = _tasks(change.old.state, change.owners_before, number, frame, moved) if change.old else {}
    changed = {step_id: task for step_id, task in tasks.items() if before.get(step_id) != task}
    versions = {step_id: _version(change, step_id) + (step_id in changed) for step_id in change.step_ids}
    explained = _explanation(change, changed, versions, owners, frame) if changed else None
    line = (f"Provenance/{explained['id']}",) if explained else ()
    history = {step_id: _history(change, step_id) + (line if step_id in changed else ()) for step_id in change.step_ids}
    full = [_with_history(task, history[step_id]) for step_id, task in changed.items()]
    return LoopPlan(
        change=change,
        number=number,
        owners=now_owned,
        owner_changes=_owner_changes(change, owners, frame),
        versions=versions,
        history=history,
        resources=(*full, explained) if explained else (),
        changed=frozenset(changed),
    )


def plan_turn(change: LoopChange, frame: PlanFrame) -> LoopPlan:
    """The same for a loop of which only clocks turned and escalations fired: its Tasks need not be made again, as all
    that reads differently in them is the word of the clock."""
    old = change.old
    assert old is not None
    pairs = zip(old.state.steps, change.new.steps, strict=True)
    clocks = {"": change.new.clock} if change.new.clock is not old.state.clock else {}
    clocks |= {now.step_id: now.clock for was, now in pairs if now.clock is not was.clock}
    tasks = {step_id: old.steps[step_id].task_id if step_id else old.id for step_id in clocks}
    # Of steps that stay as they are nothing is written, and nobody asks for them.
    told = clocks if "" in clocks else ("", *clocks)
    versions = {step_id: _version(change, step_id) + (step_id in clocks) for step_id in told}
    explained = _turn_explained(change, {tasks[step_id]: versions[step_id] for step_id in clocks}, frame)
    line = (f"Provenance/{explained['id']}",) if explained else ()
    history = {step_id: _history(change, step_id) + (line if step_id in clocks else ()) for step_id in told}
    return LoopPlan(
        change=change,
        number=old.number,
        owners=change.owners_before,
        owner_changes=(),
        versions=versions,
        history=history,
        resources=(explained,) if explained else (),
        changed=frozenset(clocks),
        amended={
            tasks[step_id]: {**clock_elements(clock.value), **_references(history[step_id])}
            for step_id, clock in clocks.items()
        },
        only_clocks=True,
    )


def _turn_explained(change: LoopChange, versions: Mapping[str, int], frame: PlanFrame) -> Resource | None:
    if not versions:
        return None
    return provenance(
        id_=frame.provenance_id(),
        targets=[f"Task/{task_id}/_history/{version}" for task_id, version in versions.items()],
        recorded=frame.now,
        reasons=[*_new_sentences(change), *_moves(change)],
        by=frame.by,
        cause=frame.fact,
        zone=frame.zone,
    )


def _moved(change: LoopChange, now_owned: Mapping[str, str]) -> frozenset[str]:
    """The steps, and '' for the loop, whose Tasks may read differently; those of the others need not be compared."""
    if change.old is None or _frame_of(change.old.state) != _frame_of(change.new):
        return frozenset(change.step_ids)
    before, owned = {step.step_id: step for step in change.old.state.steps}, change.owners_before
    now = {step.step_id: step for step in change.new.steps}
    return frozenset(
        step_id
        for step_id in change.step_ids
        if step_id == "" or now[step_id] != before.get(step_id) or now_owned[step_id] != owned.get(step_id)
    )


def _frame_of(state: LoopState) -> tuple[object, ...]:
    """What the Tasks of all steps show of the loop."""
    return state.id, state.pathway, state.patient_id, state.opened


def _tasks(
    state: LoopState, owners: Mapping[str, str], number: int, frame: PlanFrame, wanted: frozenset[str]
) -> dict[str, Resource]:
    """The wanted Tasks of a loop by step id, without their history."""

    extra = {step.step_id: step.title for step in state.steps if step.title}

    def task_frame(step_id: str) -> TaskFrame:
        title = frame.title(state.pathway, step_id)
        return TaskFrame(zone=frame.zone, title=extra.get(step_id, title), owner=owners[step_id], number=number)

    mine = [step for step in state.steps if step.step_id in wanted]
    steps = {step.step_id: step_task(state, step, task_frame(step.step_id)) for step in mine}
    return {"": loop_task(state, task_frame("")), **steps}


def _explanation(
    change: LoopChange,
    changed: Mapping[str, Resource],
    versions: Mapping[str, int],
    owners: Mapping[str, Owner],
    frame: PlanFrame,
) -> Resource:
    targets = [f"Task/{task['id']}/_history/{versions[step_id]}" for step_id, task in changed.items()]
    reasons = [*_new_sentences(change), *_owner_sentences(change, owners), *_moves(change)]
    return provenance(
        id_=frame.provenance_id(),
        targets=targets,
        recorded=frame.now,
        reasons=reasons,
        by=frame.by,
        cause=frame.fact,
        zone=frame.zone,
    )


def _new_sentences(change: LoopChange) -> list[str]:
    before = change.old.state.explanations if change.old else ()
    if change.new.explanations is before:
        return []
    told = set(before)
    return [f"{line.text} [{line.rule}]" for line in change.new.explanations if line not in told]


def _owner_sentences(change: LoopChange, owners: Mapping[str, Owner]) -> list[str]:
    before = change.owners_before
    return [
        f"{step_id or 'loop'}: owner is {owners[step_id].owner}, {owners[step_id].why}"
        for step_id in change.step_ids
        if owners[step_id].owner != before.get(step_id)
    ]


def _moves(change: LoopChange) -> list[str]:
    """One line for each step whose status or clock moved."""
    before = {step.step_id: step for step in change.old.state.steps} if change.old else {}
    return [
        f"{step.step_id}: {old.status.value}, {old.clock.value} → {step.status.value}, {step.clock.value}"
        for step in change.new.steps
        if (old := before.get(step.step_id)) and (old.status, old.clock) != (step.status, step.clock)
    ]


def _owner_changes(change: LoopChange, owners: Mapping[str, Owner], frame: PlanFrame) -> tuple[OwnerChange, ...]:
    before = change.owners_before
    return tuple(
        OwnerChange(
            loop_id=change.new.id,
            step_id=step_id,
            owner=owners[step_id].owner,
            at=frame.now,
            by=frame.by or "careloop",
            why=owners[step_id].why,
            first=step_id not in before,
        )
        for step_id in change.step_ids
        if before.get(step_id) != owners[step_id].owner
    )


def _version(change: LoopChange, step_id: str) -> int:
    """The version of the Task that stands, 0 for none."""
    if change.old is None:
        return 0
    if step_id == "":
        return change.old.task_version
    return change.old.steps[step_id].task_version if step_id in change.old.steps else 0


def _history(change: LoopChange, step_id: str) -> tuple[str, ...]:
    """Provenance references of the Task that stands, oldest first."""
    if change.old is None:
        return ()
    if step_id == "":
        return change.old.history
    return change.old.steps[step_id].history if step_id in change.old.steps else ()


def _with_history(task: Resource, history: Sequence[str]) -> Resource:
    return {**task, **_references(history)}


def _references(history: Sequence[str]) -> Resource:
    return {"relevantHistory": [{"reference": reference} for reference in history]}
