"""A derived state as the rows of `loop` and `loop_step`. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from careloop.loops.ids import step_task_id
from careloop.loops.model import Act, ActKind, LoopState, Status, StepState
from careloop.loops.rules.rank import RankWeights, is_outside, is_waiting, lasting_points, next_step

NEVER = datetime(9999, 12, 31, tzinfo=UTC)
"""When an open loop is looked at again that time alone changes no more: only people and facts do."""


@dataclass(frozen=True, kw_only=True)
class RowFrame:
    """What rows hold beside the derived state. Owners, Task versions and histories by step id, '' for the loop."""

    number: int
    owners: Mapping[str, str]
    versions: Mapping[str, int]
    history: Mapping[str, Sequence[str]]
    acts: Sequence[Act]
    weights: RankWeights
    now: datetime


@dataclass(frozen=True, kw_only=True)
class Hold:
    """Why something waits, who said so, and when it wakes."""

    reason: str
    by: str
    until: datetime


def loop_row(state: LoopState, frame: RowFrame) -> dict[str, Any]:
    """The row of the loop itself."""
    ahead = next_step(state)
    closure = state.closure
    return {
        "id": state.id,
        "number": frame.number,
        "pathway": state.pathway,
        "version": state.version,
        "patient_id": state.patient_id,
        "focus": state.focus,
        "matter": state.matter,
        "status": state.status.value,
        "clock": state.clock.value,
        "owner": frame.owners[""],
        "opened": state.opened,
        "closed": _closed(state),
        "closure_reason": closure.reason if closure else None,
        "closure_by": closure.by if closure else None,
        "closure_note": closure.note if closure else None,
        "deadline": state.deadline,
        "next_step": ahead.step_id if ahead else None,
        "next_due": ahead.due if ahead else state.deadline,
        "next_outside": ahead is not None and is_outside(frame.weights, state.pathway, ahead.step_id),
        "next_owner": _next_owner(state, frame),
        "next_waiting": ahead is not None and is_waiting(ahead),
        "tier": state.tier.value,
        "safety": state.pathway in frame.weights.safety,
        "lasting_points": lasting_points(state, frame.weights),
        "board": state.board,
        "watch_until": state.watch_until,
        "as_of": frame.now,
        "wake_at": state.next_change or (NEVER if state.status.is_open else None),
        **_hold_columns(loop_hold(state, frame.acts)),
        "snoozed_until": snoozed_until(frame.acts, state),
        "task_version": frame.versions[""],
        "history": list(frame.history[""]),
        "state": msgspec.json.encode(state).decode(),
    }


def step_row(state: LoopState, position: int, step: StepState, frame: RowFrame) -> dict[str, Any]:
    """The row of one step."""
    return {
        "loop_id": state.id,
        "step_id": step.step_id,
        "task_id": step_task_id(state.id, step.step_id),
        "position": position,
        "status": step.status.value,
        "clock": step.clock.value,
        "owner": frame.owners[step.step_id],
        "owner_role": step.owner_role,
        "aside": step.status.is_open and _next_owner(state, frame) != frame.owners[step.step_id],
        "due": step.due,
        "says": line_under(state, step),
        "outside": is_outside(frame.weights, state.pathway, step.step_id),
        "ended": step.ended,
        "closure_reason": step.closure.reason if step.closure else None,
        "evidence": [proof.reference for proof in step.evidence],
        **_hold_columns(step_hold(state, step, frame.acts)),
        "task_version": frame.versions[step.step_id],
        "history": list(frame.history[step.step_id]),
    }


def _next_owner(state: LoopState, frame: RowFrame) -> str | None:
    ahead = next_step(state)
    return frame.owners[ahead.step_id] if ahead else None


def line_under(state: LoopState, step: StepState) -> str:
    """The line under the verb: what the matter is, then tries so far, else where the deadline comes from."""
    if not state.about:
        return _line_of(step)
    tried = step.rule_met or step.attempts
    return f"{state.about}. {_line_of(step)}" if tried else state.about


def _line_of(step: StepState) -> str:
    if step.rule_met:
        return f"Not reached yet, {step.rule_met}"
    if step.attempts:
        tries = len(step.attempts)
        return f"{tries} {'try' if tries == 1 else 'tries'} so far, last: {step.attempts[-1].says}"
    return step.due_because


def snoozed_until(acts: Sequence[Act], state: LoopState) -> datetime | None:
    """Until when the loop is off the list: the last snooze that stands, never past the deadline."""
    snoozes = [act for act in acts if act.kind == ActKind.SNOOZE and not act.undone]
    if not snoozes or not state.status.is_open:
        return None
    last = max(snoozes, key=lambda act: (act.at, act.id))
    return min(datetime.fromisoformat(last.data["until"]), state.deadline)


def loop_hold(state: LoopState, acts: Sequence[Act]) -> Hold | None:
    """Why the whole loop waits; None unless it is on hold."""
    if state.status != Status.ON_HOLD:
        return None
    return _last_hold(acts, None) or Hold(reason="waiting", by="careloop", until=state.deadline)


def step_hold(state: LoopState, step: StepState, acts: Sequence[Act]) -> Hold | None:
    """Why the step waits: its own hold, else that of the loop; None unless it is on hold."""
    if step.status != Status.ON_HOLD:
        return None
    found = _last_hold(acts, step.step_id) or _last_hold(acts, None)
    return found or Hold(reason="waiting", by="careloop", until=step.due)


def _last_hold(acts: Sequence[Act], step_id: str | None) -> Hold | None:
    holds = [act for act in acts if act.kind == ActKind.HOLD and act.step_id == step_id and not act.undone]
    if not holds:
        return None
    last = max(holds, key=lambda act: (act.at, act.id))
    return Hold(reason=last.data["reason"], by=last.by, until=datetime.fromisoformat(last.data["until"]))


def _hold_columns(hold: Hold | None) -> dict[str, Any]:
    return {
        "hold_reason": hold.reason if hold else None,
        "hold_by": hold.by if hold else None,
        "hold_until": hold.until if hold else None,
    }


def _closed(state: LoopState) -> datetime | None:
    """When it ended; a closed state without an instant of its own ended when its last step did."""
    if state.status.is_open:
        return None
    ends = [step.ended for step in state.steps if step.ended]
    return state.closed or max(ends, default=state.opened)
