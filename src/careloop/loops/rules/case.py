"""One possible loop while it is being worked out: its pathway, its opening fact, and all that rules may ask."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from careloop.loops.facts.model import Fact, PatientFacts
from careloop.loops.ids import step_task_id
from careloop.loops.model import Act, ActKind, Closure, LoopSettings, Status, Tier
from careloop.loops.rules.calendar import Calendar, Deadline, Span, after
from careloop.loops.rules.conditions import Matter
from careloop.loops.rules.moments import Moments
from careloop.loops.rules.opening import Anchor
from careloop.loops.rules.pathways import Pathway


@dataclass(frozen=True, kw_only=True)
class Case:
    """What the rules of one loop know. `until`: nothing after this instant counts (deadline, or what ended it).

    `belonging` is everything about its matter, in order of time. `memo` keeps what was worked out once.
    """

    loop_id: str
    pathway: Pathway
    anchor: Anchor
    facts: PatientFacts
    calendar: Calendar
    settings: LoopSettings
    moments: Moments
    acts: tuple[Act, ...]
    tier: Tier
    until: datetime
    belonging: tuple[Fact, ...] = ()
    memo: dict[tuple[str, str], Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def matter(self) -> Matter:
        """What the loop is about, for conditions."""
        if ("matter", "") not in self.memo:
            things = frozenset({self.anchor.focus, *(fact.thing for fact in self.belonging)})
            words = {name: word for fact in self._counting for name, word in fact.keys.items()}
            self.memo["matter", ""] = Matter(focus=self.anchor.focus, things=things, keys=words)
        found: Matter = self.memo["matter", ""]
        return found

    @property
    def _counting(self) -> list[Fact]:
        return [fact for fact in self.belonging if self.moments.counts(fact.at)]

    def key(self, name: str) -> str | None:
        """The word that the newest fact of this matter has under `name`; None while none says."""
        found = [fact.keys[name] for fact in self.belonging if name in fact.keys and self.moments.counts(fact.at)]
        return found[-1] if found else None

    def date(self, name: str) -> datetime | None:
        """The instant that the newest fact of this matter gives under `name`; None where none says."""
        found = [fact.dates[name] for fact in self.belonging if name in fact.dates and self.moments.counts(fact.at)]
        return found[-1] if found else None

    @property
    def zone(self) -> str:
        """Where the patient's days begin and end."""
        return self.facts.zone

    def after(self, at: datetime, span: Span, since: str = "") -> Deadline:
        """The deadline `span` after some instant."""
        return after(at, span, self.zone, self.calendar, since=since)

    def after_opening(self, span: Span, since: str = "") -> Deadline:
        """The deadline `span` after the opening fact."""
        return after(self.anchor.at, span, self.zone, self.calendar, since=since)

    def task(self, step_id: str) -> str:
        """How a resource names a step of this loop."""
        return f"Task/{step_task_id(self.loop_id, step_id)}"


def standing_acts(acts: tuple[Act, ...], step_id: str | None, until: datetime) -> tuple[Act, ...]:
    """The acts on a step (on the loop for None) that were not undone, in order, while the loop lived."""
    mine = (act for act in acts if act.step_id == step_id and not act.undone and act.at <= until)
    return tuple(sorted(mine, key=lambda act: (act.at, act.id)))


def closure_of(act: Act) -> Closure:
    """The reason and the sentence that a person gave."""
    note = act.data.get("note")
    return Closure(reason=str(act.data["reason"]), at=act.at, by=act.by, note=None if note is None else str(note))


def closed_by_person(acts: tuple[Act, ...]) -> tuple[Status, Closure] | None:
    """The last word of a person on a step, if it closed it."""
    found = None
    for act in acts:
        if act.kind is ActKind.ATTEST:
            found = Status.COMPLETED, closure_of(act)
        elif act.kind is ActKind.CANCEL:
            found = Status.CANCELLED, closure_of(act)
        elif act.kind is ActKind.RESTORE:
            found = None
    return found
