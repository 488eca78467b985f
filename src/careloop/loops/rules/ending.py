"""What ends a loop before its proof is complete: death, admission, a cancelled discharge, a person, the calendar.

The earliest of them ends it. A loop whose window is over with steps still open has *failed*; every other early end
is *cancelled* (docs/clarifications/loops.md).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from careloop.loops.facts.model import Fact, PatientFacts, Stay
from careloop.loops.model import Act, ActKind, Closure, Status
from careloop.loops.rules.calendar import Deadline
from careloop.loops.rules.case import closure_of, standing_acts
from careloop.loops.rules.conditions import Matter, holds
from careloop.loops.rules.moments import Moments
from careloop.loops.rules.opening import Anchor
from careloop.loops.rules.pathways import EndsWhen, Pathway, Pathways
from careloop.loops.rules.stays import HOSPITAL, is_transfer

NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a rule that ends loops may look at."""

    pathway: Pathway
    anchor: Anchor
    facts: PatientFacts
    pathways: Pathways
    moments: Moments
    acts: tuple[Act, ...]
    deadline: Deadline

    @property
    def until(self) -> datetime:
        """Nothing after this instant counts: the end of its time, or never where only people end it."""
        return self.deadline.due if self.pathway.ends_with_window else NEVER


def end_of_loop(asked: Asked) -> tuple[Status, Closure] | None:
    """The earliest end by now, at one instant the first kind in the order below; proof after it does not count."""
    found = [(Status.CANCELLED, closure) for closure in _closures(asked)]
    if asked.pathway.ends_with_window and asked.moments.passed(asked.deadline.due):
        closure = Closure(reason=asked.pathway.window_reason, at=asked.deadline.due, note=asked.deadline.because)
        found.append((Status.FAILED, closure))
    return min(found, key=lambda end: end[1].at, default=None)


def _closures(asked: Asked) -> list[Closure]:
    closures = [asked.anchor.ended, _by_person(asked.acts, asked.until)]
    closures += [_ENDINGS[rule.event](asked, rule) for rule in asked.pathway.ends_when]
    return [closure for closure in closures if closure is not None and closure.at <= asked.until]


def _by_person(acts: tuple[Act, ...], until: datetime) -> Closure | None:
    closure = None
    for act in standing_acts(acts, None, until):
        if act.kind is ActKind.CANCEL:
            closure = closure_of(act)
        elif act.kind is ActKind.RESTORE:
            closure = None
    return closure


def _died(asked: Asked, rule: EndsWhen) -> Closure | None:
    death = death_of(asked.facts, asked.pathways)
    if death is None or not asked.moments.counts(death):
        return None
    return Closure(reason=rule.reason, at=max(asked.anchor.at, death))


def death_of(facts: PatientFacts, pathways: Pathways) -> datetime | None:
    """When the patient died: as the person's record says, else the discharge that says so; None while alive."""
    if facts.death is not None:
        return facts.death
    deaths = [stay.discharge.at for stay in facts.standing_stays if stay.discharge and _is_death(stay, pathways)]
    return min(deaths, default=None)


def _is_death(stay: Stay, pathways: Pathways) -> bool:
    known = pathways.dispositions.get((stay.discharge.disposition if stay.discharge else None) or "")
    return known is not None and known.group == "death"


def _admitted(asked: Asked, rule: EndsWhen) -> Closure | None:
    """A later admission ends the loop; a transfer from this very stay continues it and supersedes (TR-52)."""
    anchor = asked.anchor
    for start, stay in sorted(_admissions(asked, rule), key=lambda found: (found[0], found[1].id)):
        if asked.moments.counts(start, stay.recorded):
            moved = anchor.stay is not None and is_transfer(
                anchor.stay, stay, asked.facts.zone, asked.pathways.dispositions
            )
            note = "moved to another hospital" if moved else "admitted to hospital again"
            return Closure(reason="superseded" if moved else rule.reason, at=start, note=note)
    return None


def _admissions(asked: Asked, rule: EndsWhen) -> list[tuple[datetime, Stay]]:
    anchor = asked.anchor
    return [
        (start, stay)
        for stay in asked.facts.standing_stays
        if stay is not anchor.stay and (start := stay.started_as(rule.classes)) is not None and start >= anchor.at
    ]


def _left_facility(asked: Asked, rule: EndsWhen) -> Closure | None:
    """A later stay that began at or after this discharge has ended: the patient left the facility."""
    anchor = asked.anchor
    ends = [
        stay.end
        for stay in asked.facts.standing_stays
        if stay is not anchor.stay and stay.ever(HOSPITAL) and stay.end is not None and stay.end > anchor.at
    ]
    left = min((end for end in ends if asked.moments.counts(end)), default=None)
    return None if left is None else Closure(reason=rule.reason, at=left)


def _fact_says(asked: Asked, rule: EndsWhen) -> Closure | None:
    """Something about this very matter says that it is over: an order withdrawn, a request cancelled."""
    mine = asked.facts.belonging(asked.anchor.focus)
    matter = Matter(focus=asked.anchor.focus, things=frozenset({asked.anchor.focus, *(fact.thing for fact in mine)}))
    found = [
        (_since(fact, asked.anchor), fact.says)
        for fact in mine
        if holds(rule.when, fact, matter=matter) and asked.moments.counts(fact.at)
    ]
    return Closure(reason=rule.reason, at=min(found)[0], note=min(found)[1]) if found else None


def _since(fact: Fact, anchor: Anchor) -> datetime:
    """When it came to be so: its own time where that is later than the opening, else when it was changed."""
    return fact.at if fact.at > anchor.at else max(anchor.at, fact.changed or anchor.at)


_ENDINGS: dict[str, Callable[[Asked, EndsWhen], Closure | None]] = {
    "patient-died": _died,
    "admitted": _admitted,
    "left-facility": _left_facility,
    "fact": _fact_says,
}
