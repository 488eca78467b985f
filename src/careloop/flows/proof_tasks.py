"""Proof that is a Task: an organization is asked for help, it answers, a piece of work is done."""

from collections.abc import Mapping
from typing import Any

from careloop.db import Transaction
from careloop.errors import Conflict, NotFound, Rejected
from careloop.fhir.ids import new_id
from careloop.flows import referral_rows
from careloop.flows.app import App
from careloop.flows.proof_resources import About, Said, is_no
from careloop.flows.referral_resources import Moment, moved
from careloop.loops.rules.proving import Kind, Way
from careloop.loops.rules.referrals import Tables, move, words
from careloop.loops.rules.referrals.states import stage
from careloop.loops.rules.referrals.story import state_by_words

Json = dict[str, Any]
KINDS = frozenset({Kind.REQUEST, Kind.ANSWER, Kind.DONE})


def task_for(app: App, tx: Transaction, way: Way, said: Said, about: About) -> Json:
    """The Task as it is now. `Conflict` where nobody was asked, `Rejected` for what is missing."""
    if not said.text.strip():
        raise Rejected(at="text", expected="a sentence", code="required")
    moment = Moment(now=about.now, zone=about.zone, by=str(about.by.get("reference", "")))
    if way.kind is Kind.DONE:
        return _done(_focus(app, tx, about), said, about)
    tables = referral_rows.tables_of(app)
    if way.kind is Kind.REQUEST:
        return moved(_asked(said, about), [tables.states["sent"]], moment)
    task = waiting(app, tx, about.patient, about.focus)
    if task is None:
        raise Conflict("nobody waits to answer: ask an organization first")
    after = "declined" if is_no(way, said) else "accepted"
    return moved(task, move(tables, state_by_words(tables, task), after), moment, said.text.strip())


def waiting(app: App, tx: Transaction, patient_id: str, focus: str) -> Json | None:
    """The newest request about this matter that an organization has not said no to; None where there is none."""
    tables = referral_rows.tables_of(app)
    tasks = [one.resource for one in app.record.of_patient(tx, patient_id, ["Task"])]
    mine = [one for one in tasks if words.is_fulfilment(one) and _is_about(one, focus) and _waits(tables, one)]
    return max(mine, key=lambda one: str(one.get("authoredOn", "")), default=None)


def can_be_asked(focus: str) -> bool:
    """True where an organization can be asked: there is an order to fulfil."""
    return focus.startswith("ServiceRequest/")


def _waits(tables: Tables, task: Mapping[str, Any]) -> bool:
    state = state_by_words(tables, task)
    return stage(state) == "asked" and state != "declined"


def _is_about(task: Mapping[str, Any], focus: str) -> bool:
    return f"ServiceRequest/{next(iter(words.requests_of(task)), '')}" == focus


def _asked(said: Said, about: About) -> Json:
    if not said.who.strip():
        raise Rejected(at="who", expected="the name of the organization", code="required")
    return {
        "resourceType": "Task",
        "id": new_id(),
        "status": "requested",
        "intent": "order",
        "code": {"coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}]},
        "description": said.text.strip(),
        "focus": {"reference": about.focus},
        "for": {"reference": f"Patient/{about.patient}"},
        "authoredOn": about.stamp(),
        **({"requester": dict(about.by)} if "reference" in about.by else {}),
        "owner": {"display": said.who.strip()},
    }


def _focus(app: App, tx: Transaction, about: About) -> Json:
    found = app.record.fetch(tx, [about.focus]).get(about.focus)
    if found is None or found.deleted or found.resource_type != "Task":
        raise NotFound("the request is no longer in the record")
    return dict(found.resource)


def _done(task: Json, said: Said, about: About) -> Json:
    author = {"authorReference": dict(about.by)} if "reference" in about.by else {}
    note = {"text": said.text.strip(), "time": about.stamp(), **author}
    return {
        **task,
        "status": "completed",
        "lastModified": about.stamp(),
        "executionPeriod": {**(task.get("executionPeriod") or {"start": task["authoredOn"]}), "end": about.stamp()},
        "note": [*task.get("note", ()), note],
    }
