"""One referral at work: its story, what is changed in it, and one write of all of it. Moves ask the table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from careloop.access.model import Principal
from careloop.access.policy import Action, require, require_action
from careloop.db import Transaction
from careloop.errors import NotFound, Rejected
from careloop.fhir.ids import new_id
from careloop.flows import engine, referral_rows, routing, writing
from careloop.flows.app import App
from careloop.flows.referral_resources import Moment, fulfilment_of, moved, part, put, work_task
from careloop.loops.rules.calendar import Calendar
from careloop.loops.rules.referrals import Tables, move
from careloop.loops.rules.referrals.content import State
from careloop.loops.rules.referrals.story import Story

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What came of it: a sentence for the live region, and where the referral is now."""

    request_id: str
    state: str
    says: str


@dataclass(kw_only=True)
class Desk:
    """The story as it was found, the request and its Task as they will be, and what else is written with them."""

    app: App
    tx: Transaction
    principal: Principal
    story: Story
    moment: Moment
    request: Json
    task: Json
    state: State
    also: list[Json] = field(default_factory=list)

    @property
    def tables(self) -> Tables:
        """`content/referrals`."""
        return referral_rows.tables_of(self.app)

    @property
    def calendar(self) -> Calendar:
        """The business days of the practice."""
        return engine.content_for(self.app, self.tx).calendar

    def move(self, after: str, why: str = "") -> None:
        """The referral is in the state `after`; `ImpossibleMove` where the table has no way there."""
        states = move(self.tables, self.state.id, after)
        self.task = moved(self.task, states, self.moment, why.strip())
        self.state = states[-1]
        self.request = {**self.request, "status": self.state.request_status}

    def output(self, kind: str, value: Mapping[str, Any]) -> None:
        """The Task names this as what came out of it."""
        self.task = {**self.task, "output": [*self.task.get("output", ()), {"type": part(kind), **value}]}

    def work(self, code: str, says: str, due: datetime, *, role: str = "coordinator", owner: str = "") -> str:
        """Somebody of ours has to do it by then; the reference of the Task."""
        person = owner or self.owner_of(role)
        task = work_task(self.story, new_id(), code=code, says=says, owner=person, due=due, moment=self.moment)
        self.also.append(task)
        return f"Task/{task['id']}"

    def owner_of(self, role: str) -> str:
        """Who does work of this role for the patient."""
        found = self.app.record.of_patient(self.tx, self.story.patient_id, ("CareTeam", "Patient"))
        return routing.route(self.app, self.tx, self.story.patient_id, role, found, "").owner

    def save(self, says: str) -> Receipt:
        """Everything is in the record, and everybody who must know is told."""
        writes = [put(self.request), put(self.task), *(put(one) for one in self.also)]
        writing.write(self.app, self.tx, self.principal, writes)
        return Receipt(request_id=self.story.id, state=self.state.id, says=says)


def open_desk(app: App, tx: Transaction, principal: Principal, request_id: str) -> Desk:
    """The referral, locked for this transaction; `NotFound` where there is none."""
    require_work(principal)
    first = referral_rows.load(app, tx, [request_id]).get(request_id)
    if first is None:
        raise NotFound("there is no such referral")
    tx.lock(f"patient {first.patient_id}")
    story = referral_rows.load(app, tx, [request_id])[request_id]
    moment = moment_of(app, tx, principal)
    request = dict(story.request)
    task = dict(story.task) if story.task is not None else fulfilment_of(request, new_id(), moment)
    return Desk(
        app=app,
        tx=tx,
        principal=principal,
        story=story,
        moment=moment,
        request=request,
        task=task,
        state=story.state,
    )


def moment_of(app: App, tx: Transaction, principal: Principal) -> Moment:
    """Now, here, by this person."""
    zone = ZoneInfo(engine.tenant_of(tx).zone)
    return Moment(now=app.clock.now().replace(microsecond=0), zone=zone, by=principal.reference)


def require_work(principal: Principal) -> None:
    """Nothing happens for whoever may work on referrals; else `NotPermitted`."""
    require_action(principal, Action.LOOP_WORK)
    for kind in ("ServiceRequest", "Task", "Communication", "Appointment"):
        require(principal, "create", kind)
        require(principal, "update", kind)


def require_text(name: str, text: str, expected: str) -> str:
    """The text without its edges; `Rejected` where nothing was written."""
    if not text.strip():
        raise Rejected(at=name, expected=expected, code="required")
    return text.strip()
