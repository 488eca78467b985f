"""The care plan changed by what was typed into the capture box: part of the one act that everything typed is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from careloop.access.model import Principal
from careloop.access.policy import require
from careloop.careplans.model import Activity, Interval, Plan, PlanState
from careloop.careplans.others import OtherStep
from careloop.careplans.resources import goal_from
from careloop.careplans.rules.recognising import does_of
from careloop.careplans.rules.wording import interval_in
from careloop.db import Transaction
from careloop.errors import Rejected
from careloop.fhir.ids import derived_id
from careloop.flows.app import App
from careloop.flows.plan_desk import SAYS_CHANGED, PlanDesk, note_review, open_desk, opening, resources_of, review_loop

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Said:
    """What was typed about one step. `change`: empty, `stop` or `again`; `every` as content writes it."""

    text: str
    change: str = ""
    every: str = ""
    owner: str = ""
    why: str = ""


class TypedPlan:
    """The plan of a patient while an entry is carried out: changed by each word, written once."""

    def __init__(self, app: App, tx: Transaction, principal: Principal, patient_id: str) -> None:
        self._app, self._tx, self._principal = app, tx, principal
        self.desk: PlanDesk = open_desk(app, tx, patient_id)
        self.plan: Plan = self.desk.plan

    @property
    def stands(self) -> bool:
        """There is a plan that could be changed."""
        return self.desk.version > 0

    @property
    def is_changed(self) -> bool:
        """Something of it was changed by what was typed."""
        return self.plan != self.desk.plan

    def with_goal(self, goal: Mapping[str, Any]) -> None:
        """What matters to the patient stands first among the goals, the newest before."""
        if self.stands:
            self.plan = replace(self.plan, goals=(goal_from(goal), *self.plan.goals))

    def say(self, said: Said) -> str:
        """The change that was typed, in words. A step that is there is changed, stopped or done again, a new one is
        added; `Rejected` where nothing would change."""
        require(self._principal, "update", "CarePlan")
        every = Interval.of(said.every) if said.every else interval_in(said.text)
        own = self._standing(said.text)
        if said.change == "stop":
            return self._stopped(own, said)
        if own is None and said.change == "again":
            raise Rejected(at="plan", expected="a step of the plan, by its name", code="value")
        return self._added(said, every) if own is None else self._changed(own, said, every)

    def _standing(self, text: str) -> Activity | None:
        """The step that is meant: by its name, or by what is done; running ones first."""
        steps = sorted(self.plan.activities, key=lambda one: bool(one.stopped))
        name = text.casefold().strip()
        does = does_of(self.desk.known, OtherStep(title=text))
        named = [one for one in steps if one.title.casefold() == name]
        same = [one for one in steps if does and one.does == does]
        part = [one for one in steps if name in one.title.casefold()]
        return next(iter((*named, *same, *(part if len(part) == 1 else ()))), None)

    def _stopped(self, own: Activity | None, said: Said) -> str:
        if own is None or own.stopped:
            raise Rejected(at="plan", expected="a step of the plan that is done now, by its name", code="value")
        self._put(replace(own, stopped=said.why or "As typed on the patient page"))
        return f"Care plan: stops “{own.title}”"

    def _changed(self, own: Activity, said: Said, every: Interval | None) -> str:
        fresh = replace(own, stopped="", every=every or own.every, owner=said.owner or own.owner)
        if fresh == own:
            raise Rejected(at="plan", expected=f"a change: “{own.title}” is in the plan already", code="value")
        self._put(replace(fresh, changed=said.why or said.text))
        again = " again" if own.stopped else ""
        return f"Care plan: {own.title}{again}, {fresh.every.words}, by the {fresh.owner.replace('-', ' ')}"

    def _added(self, said: Said, every: Interval | None) -> str:
        does = does_of(self.desk.known, OtherStep(title=said.text))
        asked = next(
            (
                one
                for template in self.desk.planning.templates.values()
                for one in template.interventions
                if one.does == does
            ),
            None,
        )
        goal = next((one for one in self.plan.goals if asked and asked.loinc and one.loinc == asked.loinc), None)
        first = goal or next(iter(self.plan.goals), None)
        if first is None:
            raise Rejected(at="plan", expected="a goal first: /goal and the words of the patient", code="business-rule")
        fresh = Activity(
            does=does or f"own/{derived_id(self._tx.tenant_id, 'typed step', self.plan.id, said.text)}",
            title=said.text,
            patient=said.text,
            every=every or Interval(0),
            minutes=asked.minutes if asked else 10,
            owner=said.owner or "patient",
            goals=(first.key,),
            loinc=asked.loinc if asked else None,
            encounter=asked.encounter if asked else None,
            changed=said.why,
        )
        self.plan = replace(self.plan, activities=(*self.plan.activities, fresh))
        often = "" if interval_in(fresh.title) else f", {fresh.every.words}"
        return f"Care plan: {fresh.title}{often}, by the {fresh.owner}, for “{first.title}”"

    def _put(self, step: Activity) -> None:
        steps = tuple(step if one.does == step.does else one for one in self.plan.activities)
        self.plan = replace(self.plan, activities=steps)

    def resources(self) -> Sequence[Json]:
        """What has to be written: the plan, its goals, and the request to look at it where nobody does."""
        if not self.is_changed:
            return ()
        self.plan = self.desk.held(self.plan, self.plan.settled)
        state, written = resources_of(self._tx, self._principal, self.desk, self.plan)
        note_review(self._tx, self.plan)
        if state in (PlanState.DRAFT, PlanState.CHANGED) and review_loop(self._tx, self.plan.patient_id) is None:
            now = self._app.clock.now().isoformat()
            written.append(opening(self.plan, now, self._principal.reference, SAYS_CHANGED))
        return written
