"""Which facts prove a step, and which were attempts (interface.md §4, evidence table).

Proof happened after the opening fact, within the life of the loop, for the same patient. A fact that names the step
is tied to it whatever its date, but contact before the discharge never counts (TR-24), nor does anything that
belongs to a discharge which was cancelled later.
"""

from datetime import datetime, timedelta

from careloop.loops.facts.model import Fact
from careloop.loops.model import Act, ActKind, Evidence
from careloop.loops.rules.calendar import local_date
from careloop.loops.rules.case import Case, closed_by_person, standing_acts
from careloop.loops.rules.conditions import Condition, holds, resource_types
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
        for kind in sorted(resource_types(condition))
        for fact in case.facts.by_type.get(kind, ())
        if holds(condition, fact, tied=task in fact.ties, matter=case.matter)
        if _in_time(case, step, fact, tied=task in fact.ties)
    ]


def unneeded(case: Case, step: Step) -> str | None:
    """Why the step is not needed for this matter, in words; None where it is, or where nobody can tell yet."""
    only = step.only
    if only.tier is not None and case.tier is not only.tier:
        return f"only for {only.tier.value} risk"
    for name, values in only.key.items():
        found = case.key(name)
        if found is not None and found not in values:
            return f"only when {name} is {' or '.join(sorted(values))}; it is {found}"
    if only.fact is not None and not _any_belongs(case, only.fact):
        return "nothing calls for it"
    return None


def _any_belongs(case: Case, condition: Condition) -> bool:
    return any(holds(condition, fact, matter=case.matter) for fact in case.belonging if case.moments.counts(fact.at))


def settled_at(case: Case, step_id: str) -> datetime | None:
    """When a step was done, by proof or by a person's word; where it is not needed, when the one before it was. None
    while it is open."""
    place = ("settled", step_id)
    if place not in case.memo:
        case.memo[place] = _settled_at(case, step_id)
    found: datetime | None = case.memo[place]
    return found


def _settled_at(case: Case, step_id: str) -> datetime | None:
    step = case.pathway.step(step_id)
    if step is None or step.special:
        return None
    acts = standing_acts(case.acts, step_id, case.until)
    proof = proof_of(case, step) or shown_by_hand(case, acts)
    if proof is not None:
        return proof.at
    closed = closed_by_person(acts)
    if closed is not None:
        return closed[1].at
    if unneeded(case, step) is None:
        return None
    before = step.follows or step.due.since
    return settled_at(case, before) if before else case.anchor.at


def _in_time(case: Case, step: Step, fact: Fact, *, tied: bool) -> bool:
    if fact.at > case.until or not case.moments.counts(fact.at):
        return False
    if step.follows is not None and not _follows(case, step.follows, fact):
        return False
    if tied and step.counts != "contact":
        return True
    if fact.thing == case.anchor.focus or step.counts == "any-time":
        return True
    stay = case.anchor.stay
    if step.counts == "during-or-after" and stay is not None and stay.thing in fact.ties:
        return case.anchor.void_before is None or fact.at > case.anchor.void_before
    return _after_opening(case, step, fact)


def _follows(case: Case, step_id: str, fact: Fact) -> bool:
    """Not older than the end of the step before: a result that was corrected must be read again."""
    settled = settled_at(case, step_id)
    return settled is not None and (fact.at >= settled or (fact.latest - fact.at > _VAGUE and fact.latest >= settled))


def _after_opening(case: Case, step: Step, fact: Fact) -> bool:
    opened = case.anchor.at
    if step.counts == "contact":
        return fact.at > opened and (case.settings.same_day_contact or not _same_day(case, fact))
    is_vague = fact.latest - fact.at > _VAGUE
    if is_vague:
        return fact.latest > opened
    return fact.at >= opened if case.anchor.stay is None else fact.at > opened


def _same_day(case: Case, fact: Fact) -> bool:
    return local_date(fact.at, case.zone) == local_date(case.anchor.at, case.zone)


def shown_by_hand(case: Case, acts: tuple[Act, ...]) -> Evidence | None:
    """The first proof that a person named by hand and that still stands in the record."""
    for act in acts:
        reference = str(act.data.get("reference", ""))
        if act.kind is ActKind.EVIDENCE and reference.split("/_history/")[0] in case.facts.present:
            return Evidence(reference=reference, at=act.at, says="added as proof by hand")
    return None
