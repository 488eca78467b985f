"""Stored loops that no fact calls for any more, and why they end (engine.md §1.3)."""

from collections.abc import Sequence
from datetime import datetime

from careloop.loops.facts.model import PatientFacts, Stay
from careloop.loops.model import Closure, ExistingLoop, Status, Unsupported


def unsupported_loops(
    existing: Sequence[ExistingLoop], supported: frozenset[str], facts: PatientFacts, now: datetime
) -> tuple[Unsupported, ...]:
    """The open stored loops without a fact behind them, each with the reason it ends; and the closed ones that rest on
    something that is no longer there. A loop whose matter was withdrawn rests on nothing, so that nothing of it is left
    to be withdrawn later."""
    found = []
    for loop in sorted((loop for loop in existing if loop.id not in supported), key=lambda loop: loop.id):
        lost = loop.proof - facts.present if loop.focus in facts.present else loop.proof
        if loop.status.is_open or lost or _is_done_for_nothing(loop, facts):
            found.append(Unsupported(loop_id=loop.id, closure=_why(loop, facts, now), lost=lost))
    return tuple(found)


def _is_done_for_nothing(loop: ExistingLoop, facts: PatientFacts) -> bool:
    return loop.status is Status.COMPLETED and loop.focus not in facts.present


def _why(loop: ExistingLoop, facts: PatientFacts, now: datetime) -> Closure:
    if not loop.focus.startswith("Encounter/"):
        return Closure(
            reason="entered-in-error", at=now, note="what opened it was withdrawn or belongs to somebody else"
        )
    stay = facts.stay(loop.focus.removeprefix("Encounter/"))
    if stay is None or stay.is_void:
        return Closure(reason="entered-in-error", at=now, note="the visit was withdrawn or belongs to somebody else")
    return Closure(reason=_reason(loop, stay), at=now, note=_note(loop, stay))


def _reason(loop: ExistingLoop, stay: Stay) -> str:
    if loop.matter in ("planned", "pending"):
        return "superseded"
    return "discharge-cancelled" if stay.discharge is None else "not-applicable"


def _note(loop: ExistingLoop, stay: Stay) -> str:
    if loop.matter in ("planned", "pending"):
        return "the announcement no longer stands"
    return "the patient is still in hospital" if stay.discharge is None else "the corrected discharge needs other work"
