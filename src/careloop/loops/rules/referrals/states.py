"""The states of the fulfilment Task (IHE 360X): which moves there are, and what a Task of anybody says.

Our own screens make only moves that the table has. Others tell us facts, in whatever order: those are taken as they
are, and `state_of` says which state they amount to.
"""

from collections import deque
from collections.abc import Mapping
from typing import Any

from careloop.errors import Rejected
from careloop.loops.rules.referrals.content import State, Tables

STATE = "urn:careloop:referral-state"
"""The code system of `Task.businessStatus`."""

_BY_STATUS: Mapping[str, str] = {
    "draft": "draft",
    "requested": "sent",
    "received": "received",
    "ready": "accepted",
    "accepted": "accepted",
    "rejected": "declined",
    "in-progress": "scheduled",
    "on-hold": "more-info-needed",
    "failed": "undeliverable",
    "cancelled": "cancelled",
    "entered-in-error": "cancelled",
    "completed": "report-received",
}
"""What a Task without a word of ours says. A recipient's `completed` means that its outcome is here, not that the
asking clinician has read it (RF-05)."""


class ImpossibleMove(Rejected):
    """The referral cannot go there from where it is. Says where it can go."""

    def __init__(self, before: State, after: str, possible: tuple[str, ...]) -> None:
        words = ", ".join(possible) or "nothing: it is over"
        super().__init__(
            at="state",
            expected=f"after {before.id.replace('-', ' ')} one of {words}, not {after.replace('-', ' ')}",
            code="business-rule",
        )
        self.before = before.id
        self.after = after
        self.possible = possible


def possible_moves(tables: Tables, before: str) -> tuple[str, ...]:
    """Where a referral can go from `before`, also through states that the next one proves, nearest first."""
    return tuple(_routes(tables, before))


def move(tables: Tables, before: str, after: str) -> tuple[State, ...]:
    """The states passed on the way to `after`, which is the last. `ImpossibleMove` where the table has no such way."""
    route = _routes(tables, before).get(after)
    if route is None:
        raise ImpossibleMove(tables.states[before], after, possible_moves(tables, before))
    return tuple(tables.states[name] for name in route)


def _routes(tables: Tables, before: str) -> dict[str, tuple[str, ...]]:
    """By goal the shortest way there. A state on the way is one that the next state on it proves."""
    routes: dict[str, tuple[str, ...]] = {}
    waiting: deque[tuple[str, tuple[str, ...]]] = deque([(before, ())])
    while waiting:
        at, passed = waiting.popleft()
        state = tables.states[at]
        for following in state.next:
            if following in routes or following == before or (passed and following not in state.implied_by):
                continue
            routes[following] = (*passed, following)
            if tables.states[following].implied_by:
                waiting.append((following, routes[following]))
    return routes


def state_of(tables: Tables, task: Mapping[str, Any] | None) -> str:
    """The state that a fulfilment Task says: our word where it goes with its FHIR status, else what the status means.
    Without a Task the referral is a draft."""
    if task is None:
        return "draft"
    status = str(task.get("status", ""))
    for coding in (task.get("businessStatus") or {}).get("coding", ()):
        named = tables.states.get(str(coding.get("code", ""))) if coding.get("system") == STATE else None
        if named is not None and named.task_status == status:
            return named.id
    return _BY_STATUS.get(status, "sent")


def phase(state: str) -> int:
    """How far a referral in this state has come: facts of others move it forward only. 0 for one that is over."""
    return _STAGES.index(stage(state)) if stage(state) in _STAGES else 0


def stage(state: str) -> str:
    """How far it has come, in a word: `to-send`, `asked`, `accepted`, `booked`, `seen`, `reported`, `read`, `over`."""
    return next((name for name, states in _BY_STAGE.items() if state in states), "over")


_STAGES = ("to-send", "asked", "accepted", "booked", "seen", "reported", "read")
_BY_STAGE: Mapping[str, frozenset[str]] = {
    "to-send": frozenset({"draft", "pending-authorization", "denied", "undeliverable"}),
    "asked": frozenset({"sent", "received", "more-info-needed", "declined"}),
    "accepted": frozenset({"accepted", "unable-to-reach", "cancelled-by-office", "cancelled-by-patient", "no-show"}),
    "booked": frozenset({"scheduled"}),
    "seen": frozenset({"seen", "co-management"}),
    "reported": frozenset({"report-received", "report-incomplete"}),
    "read": frozenset({"reviewed", "follow-up-tasks", "closed"}),
}
