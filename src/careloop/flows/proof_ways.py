"""How a step can be proven by hand: the forms that its `done_when` gives, and what the record holds already."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from careloop.access import accounts
from careloop.access.model import Principal
from careloop.access.policy import may
from careloop.db import Transaction
from careloop.errors import Rejected
from careloop.flows import engine, proof_tasks
from careloop.flows.app import App
from careloop.flows.contact_words import words_of
from careloop.flows.timeline import instant_of
from careloop.loops.model import LoopState, StepState
from careloop.loops.rules.conditions import in_words
from careloop.loops.rules.pathways import Step
from careloop.loops.rules.proving import Kind, Way, accepts, must_be_new, shown_types, ways_of
from careloop.record import Stored

OWN_SCREENS = frozenset({"referral", "test-result"})
"""Pathways whose steps have rules of their own: they are worked on their own screens only."""
_MOST_SHOWN = 20
_MOST_NAMED, _MOST_ALIKE = 60, 6
NAMES_STAFF = frozenset({Kind.VISIT, Kind.TEAM})
"""Forms that name somebody of the staff."""
_LEADS = frozenset({"coordinator", "nurse", "manager"})
_SEES_PATIENTS = frozenset({"coordinator", "nurse", "physician", "community-health-worker"})
_TYPES = {
    Kind.NOTE: "Communication",
    Kind.TALK: "Communication",
    Kind.CONSENT: "Consent",
    Kind.BOOKING: "Appointment",
    Kind.VISIT: "Encounter",
    Kind.PROCEDURE: "Procedure",
    Kind.FORM: "QuestionnaireResponse",
    Kind.PLAN: "CarePlan",
    Kind.TEAM: "CareTeam",
}


class Worked(Protocol):
    """A loop as far as its proof needs it."""

    @property
    def id(self) -> str:
        """Its id."""
        ...

    @property
    def patient_id(self) -> str:
        """Whose it is."""
        ...

    @property
    def state(self) -> LoopState:
        """How it stands."""
        ...


@dataclass(frozen=True, kw_only=True)
class OfferedWay:
    """A form. `key` names it; `people` are references and names of the staff that it may name, the first of them where
    there are many: `others` are asked for by name; `asks_yes_no`: whether it is so is asked too."""

    key: str
    kind: Kind
    classes: tuple[str, ...]
    names_thing: bool
    asks_yes_no: bool
    people: tuple[tuple[str, str], ...] = ()
    others: int = 0


@dataclass(frozen=True, kw_only=True)
class Offered:
    """What a person can do to prove a step. `first`: the step that comes before, in words, empty where none waits;
    `roles`: who may do it, where the asker may not; `accepts`: the proof in words."""

    step_id: str
    title: str
    question: str
    points: tuple[str, ...]
    ways: tuple[OfferedWay, ...]
    accepts: str
    first: str = ""
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Shown:
    """Something of the patient that could be the proof."""

    reference: str
    kind: str
    says: str
    at: datetime


def offered(app: App, tx: Transaction, principal: Principal, loop: Worked, step_id: str | None) -> Offered | None:
    """The forms for an open step; None where it is closed, no step of the pathway, or worked elsewhere."""
    step = step_of(app, tx, loop, step_id or "")
    if step is None or not is_open(loop, step.id):
        return None
    ways = known_ways(app, tx, loop, step)
    mine = {key: way for key, way in ways.items() if may_be_by(principal, way)}
    roles = () if mine or not ways else tuple(dict.fromkeys(role for way in ways.values() for role in way.by))
    return Offered(
        step_id=step.id,
        title=step.title,
        question=step.question,
        points=step.points,
        ways=tuple(_offered_way(tx, key, way, step) for key, way in mine.items()),
        accepts=in_words(step.done_when) if not step.special else "",
        first=comes_first(app, tx, loop, step),
        roles=roles,
    )


def in_record(app: App, tx: Transaction, loop: Worked, step_id: str) -> list[Shown]:
    """What the record holds that could prove the step, newest first."""
    step = step_of(app, tx, loop, step_id)
    if step is None or loop.state.pathway in OWN_SCREENS:
        return []
    types = sorted(shown_types(step) - {"Task"})
    found = app.record.of_patient(tx, loop.patient_id, types) if types else []
    shown = [_shown(one) for one in found if can_be_shown(loop, step, one)]
    return sorted(shown, key=lambda one: (one.at, one.reference), reverse=True)[:_MOST_SHOWN]


def can_be_shown(loop: Worked, step: Step, stored: Stored) -> bool:
    """True for what the step accepts; what does not name the matter is never from before it."""
    if stored.deleted or stored.resource_type == "Task" or not accepts(step, stored.resource):
        return False
    return not must_be_new(step, stored.resource) or _shown(stored).at > loop.state.opened


def step_of(app: App, tx: Transaction, loop: Worked, step_id: str) -> Step | None:
    """The step as the loop's own version of the pathway says it; None for one that was added by hand."""
    pathway = engine.content_for(app, tx).pathways.pinned(loop.state.pathway, loop.state.version)
    return pathway.step(step_id) if pathway else None


def state_of(loop: Worked, step_id: str) -> StepState | None:
    """The state of a step; None for one that the loop does not have."""
    return next((one for one in loop.state.steps if one.step_id == step_id), None)


def is_open(loop: Worked, step_id: str) -> bool:
    """True while the step still needs its proof."""
    found = state_of(loop, step_id)
    return found is not None and found.status.is_open


def known_ways(app: App, tx: Transaction, loop: Worked, step: Step) -> dict[str, Way]:
    """Keys are places in the pathway file, so that they mean the same as long as the loop keeps its version."""
    if loop.state.pathway in OWN_SCREENS:
        return {}
    ways = {str(number): way for number, way in enumerate(ways_of(step))}
    if not proof_tasks.can_be_asked(loop.state.focus):
        return {key: way for key, way in ways.items() if way.kind not in (Kind.REQUEST, Kind.ANSWER)}
    answered = any(way.kind is Kind.ANSWER for way in ways.values())
    if answered and proof_tasks.waiting(app, tx, loop.patient_id, loop.state.focus) is None:
        ways = {key: way for key, way in ways.items() if way.kind is not Kind.ANSWER}
        ways["again"] = Way(kind=Kind.REQUEST, belongs=True)
    return ways


def may_be_by(principal: Principal, way: Way) -> bool:
    """A visit names who saw the patient; all else is done by whoever writes it down."""
    kind = _TYPES.get(way.kind, "Task")
    by_me = way.kind is Kind.VISIT or not way.by or bool({role.value for role in principal.roles} & set(way.by))
    return by_me and may(principal, "create" if way.kind is not Kind.DONE else "update", kind)


def _offered_way(tx: Transaction, key: str, way: Way, step: Step) -> OfferedWay:
    asks = way.kind in (Kind.CONSENT, Kind.ANSWER) or (way.kind is Kind.TALK and bool(way.categories) and _asks(way))
    people, others = _people(tx, way) if way.kind in NAMES_STAFF else ((), 0)
    return OfferedWay(
        key=key,
        kind=way.kind,
        classes=way.classes,
        names_thing=way.kind is Kind.PROCEDURE and not way.codes,
        asks_yes_no=asks,
        people=people,
        others=others,
    )


def _asks(way: Way) -> bool:
    return all(not code.endswith("|outreach") for code in way.categories)


def _people(tx: Transaction, way: Way) -> tuple[tuple[tuple[str, str], ...], int]:
    members, total = accounts.first_active(tx, _MOST_NAMED, _may_be_named(way))
    return tuple((one.reference, one.name) for one in members), total - len(members)


def _may_be_named(way: Way) -> frozenset[str]:
    return frozenset(way.by) or _SEES_PATIENTS if way.kind is Kind.VISIT else _LEADS


def person_meant(tx: Transaction, way: Way, text: str) -> str:
    """The reference of whom a form names: a reference, a whole name, or the beginning of the name of only one."""
    wanted = text.strip()
    if not wanted or wanted.startswith(("Practitioner/", "PractitionerRole/")):
        return wanted
    found = accounts.active_called(tx, wanted, _may_be_named(way), _MOST_ALIKE)
    found = [one for one in found if one.name.casefold() == wanted.casefold()] or found
    if len(found) == 1:
        return found[0].reference
    names = ", ".join(one.name for one in found[:5])
    raise Rejected(at="who", expected=f"one of {names}" if found else "the name of somebody who may do this")


def comes_first(app: App, tx: Transaction, loop: Worked, step: Step) -> str:
    """The step that has to be done before this one, in words; empty where none waits."""
    before = step.follows
    if before is None or not is_open(loop, before):
        return ""
    return engine.title(engine.at_practice(app, tx).catalog, loop.state.pathway, before)


def _shown(stored: Stored) -> Shown:
    resource = stored.resource
    named = (
        resource.get("code") or resource.get("type") or resource.get("serviceType") or resource.get("category") or {}
    )
    concept = next(iter(named), {}) if isinstance(named, list) else named
    first: dict[str, Any] = next(iter(concept.get("coding", ())), {})
    says = concept.get("text") or first.get("display") or resource.get("title") or resource.get("description")
    at = next((found for name in _TIMES if (found := instant_of(_time(resource, name)))), stored.last_updated)
    return Shown(
        reference=stored.reference, kind=stored.resource_type, says=str(says or _in_words(resource, first)), at=at
    )


def _in_words(resource: dict[str, Any], coding: dict[str, Any]) -> str:
    """Words for what names itself by a code alone."""
    if resource["resourceType"] == "Communication":
        return words_of(resource).title
    return str(coding.get("code") or "").replace("-", " ")


_TIMES: Sequence[str] = (
    "sent", "issued", "effectiveDateTime", "performedDateTime", "date", "authored", "authoredOn", "created",
    "dateTime", "period",
)  # fmt: skip


def _time(resource: dict[str, Any], name: str) -> Any:
    found = resource.get(name)
    return found.get("start") if isinstance(found, dict) else found
