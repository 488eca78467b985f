"""Which facts prove a step, and which were attempts (interface.md §4, evidence table).

Proof happened after the opening fact, within the life of the loop, for the same patient. A fact that names the step
is tied to it whatever its date, but contact before the discharge never counts (TR-24), nor does anything that
belongs to a discharge which was cancelled later.
"""

from datetime import datetime, timedelta

from careloop.loops.facts.model import Fact
from careloop.loops.model import Act, ActKind, Evidence
from careloop.loops.rules.calendar import local_date
from careloop.loops.rules.case import Case
from careloop.loops.rules.conditions import Condition, holds
from careloop.loops.rules.pathways import Step

_VAGUE = timedelta(hours=1)


def proof_of(case: Case, step: Step) -> Evidence | None:
    """The earliest fact that proves the step; None while there is none."""
    return min(_matching(case, step, step.done_when), key=_order, default=None)


def attempts_at(case: Case, step: Step) -> tuple[Evidence, ...]:
    """Every try that reached nobody, in order; several entries about one moment are one try (TR-22: separate)."""
    if step.attempts is None:
        return ()
    by_moment: dict[datetime, Evidence] = {}
    for attempt in sorted(_matching(case, step, step.attempts.when), key=_order):
        by_moment.setdefault(attempt.at, attempt)
    return tuple(by_moment.values())


def _order(evidence: Evidence) -> tuple[object, str]:
    return evidence.at, evidence.reference


def _matching(case: Case, step: Step, condition: Condition) -> list[Evidence]:
    task = case.task(step.id)
    return [
        Evidence(reference=fact.reference, at=fact.at, says=fact.says)
        for fact in case.facts.facts
        if holds(condition, fact, tied=task in fact.ties) and _in_time(case, step, fact, tied=task in fact.ties)
    ]


def _in_time(case: Case, step: Step, fact: Fact, *, tied: bool) -> bool:
    if fact.at > case.until or not case.moments.counts(fact.at):
        return False
    if tied and step.counts != "contact":
        return True
    if step.counts == "during-or-after" and case.anchor.stay.thing in fact.ties:
        return case.anchor.void_before is None or fact.at > case.anchor.void_before
    return _after_opening(case, step, fact)


def _after_opening(case: Case, step: Step, fact: Fact) -> bool:
    opened = case.anchor.at
    if step.counts == "contact":
        return fact.at > opened and (case.settings.same_day_contact or not _same_day(case, fact))
    is_vague = fact.latest - fact.at > _VAGUE
    return fact.latest > opened if is_vague else fact.at > opened


def _same_day(case: Case, fact: Fact) -> bool:
    return local_date(fact.at, case.zone) == local_date(case.anchor.at, case.zone)


def shown_by_hand(case: Case, acts: tuple[Act, ...]) -> Evidence | None:
    """The first proof that a person named by hand and that still stands in the record."""
    for act in acts:
        reference = str(act.data.get("reference", ""))
        if act.kind is ActKind.EVIDENCE and reference.split("/_history/")[0] in case.facts.present:
            return Evidence(reference=reference, at=act.at, says="added as proof by hand")
    return None
