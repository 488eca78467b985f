"""One possible loop while it is being worked out: its pathway, its opening fact, and all that rules may ask."""

from dataclasses import dataclass
from datetime import datetime

from careloop.loops.facts.model import PatientFacts
from careloop.loops.ids import step_task_id
from careloop.loops.model import Act, LoopSettings, Tier
from careloop.loops.rules.calendar import Calendar, Deadline, Span, after
from careloop.loops.rules.moments import Moments
from careloop.loops.rules.opening import Anchor
from careloop.loops.rules.pathways import Pathway


@dataclass(frozen=True, kw_only=True)
class Case:
    """What the rules of one loop know. `until`: nothing after this instant counts (deadline, or what ended it)."""

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

    @property
    def zone(self) -> str:
        """Where the patient's days begin and end."""
        return self.facts.zone

    def after_opening(self, span: Span, since: str = "") -> Deadline:
        """The deadline `span` after the opening fact."""
        return after(self.anchor.at, span, self.zone, self.calendar, since=since)

    def task(self, step_id: str) -> str:
        """How a resource names a step of this loop."""
        return f"Task/{step_task_id(self.loop_id, step_id)}"
