"""Loops and steps as FHIR Tasks, changes as Provenance (interface.md §4). Pure: values in, resources out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from careloop.loops.ids import step_task_id
from careloop.loops.model import Closure, LoopState, StepState

Resource = dict[str, Any]

PATHWAY = "urn:careloop:pathway"
STEP = "urn:careloop:step"
CLOCK = "urn:careloop:clock"
EVIDENCE = "urn:careloop:evidence"
REASON = "urn:careloop:reason"
NUMBER = "urn:careloop:loop"
RESTRICTED = frozenset({"safety-concern"})


@dataclass(frozen=True, kw_only=True)
class TaskFrame:
    """What a Task shows beside the derived state.

    `zone` is the patient's where recorded, else the tenant's: deadlines carry its offset. `title` are the words of
    the pathway file.
    """

    zone: tzinfo
    title: str
    owner: str
    number: int


def loop_task(state: LoopState, frame: TaskFrame) -> Resource:
    """The loop as a Task; its id is the loop's."""
    task = {
        "resourceType": "Task",
        "id": state.id,
        "identifier": [{"system": NUMBER, "value": f"L-{frame.number}"}],
        "instantiatesUri": f"{PATHWAY}:{state.pathway}|{state.version}",
        "status": state.status.value,
        **clock_elements(state.clock.value),
        "intent": "order",
        "code": _coded(PATHWAY, state.pathway, frame.title),
        "description": frame.title,
        "focus": {"reference": state.focus},
        "for": {"reference": f"Patient/{state.patient_id}"},
        "executionPeriod": _period(state.opened, state.closed, frame.zone),
        "authoredOn": moment(state.opened, frame.zone),
        "owner": {"reference": frame.owner},
        "restriction": {"period": {"end": moment(state.deadline, frame.zone)}},
    }
    return {**_restricted(state), **task, **_closure(state.closure, frame.zone)}


def step_task(state: LoopState, step: StepState, frame: TaskFrame) -> Resource:
    """One step of the loop as a Task that is part of the loop's."""
    task = {
        "resourceType": "Task",
        "id": step_task_id(state.id, step.step_id),
        "partOf": [{"reference": f"Task/{state.id}"}],
        "status": step.status.value,
        **clock_elements(step.clock.value),
        "intent": "order",
        "code": _coded(STEP, step.step_id, frame.title),
        "description": frame.title,
        "for": {"reference": f"Patient/{state.patient_id}"},
        "executionPeriod": _period(step.started or state.opened, step.ended, frame.zone),
        "authoredOn": moment(state.opened, frame.zone),
        "owner": {"reference": frame.owner},
        "restriction": {"period": {"end": moment(step.due, frame.zone)}},
    }
    return {**_restricted(state), **task, **_closure(step.closure, frame.zone), **_output(step)}


def clock_elements(clock: str) -> Resource:
    """All that a Task shows of its clock."""
    return {"businessStatus": _coded(CLOCK, clock)}


def _restricted(state: LoopState) -> Resource:
    """Loops about safety are very restricted: no proxy may learn of them (assessments.md AS-09)."""
    if state.pathway not in RESTRICTED:
        return {}
    return {"meta": {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "V"}]}}


def provenance(
    *,
    id_: str,
    targets: Sequence[str],
    recorded: datetime,
    reasons: Sequence[str],
    by: str | None,
    cause: str | None,
    zone: tzinfo,
) -> Resource:
    """Why these versions of these Tasks came to be: one sentence for each decision, and the fact that caused them.

    `by` is the person whose act it was, else the engine itself; `cause` a reference to the fact.
    """
    agent: Resource = {"reference": by} if by else {"display": "Careloop loop engine"}
    resource: Resource = {
        "resourceType": "Provenance",
        "id": id_,
        "target": [{"reference": target} for target in targets],
        "recorded": moment(recorded, zone),
        "reason": [{"text": text} for text in reasons],
        "agent": [{"who": agent}],
    }
    if cause:
        resource["entity"] = [{"role": "source", "what": _what(cause)}]
    if not reasons:
        del resource["reason"]
    return resource


def moment(at: datetime, zone: tzinfo) -> str:
    """An instant to the second with the offset that holds in the zone at that instant."""
    return at.astimezone(zone).replace(microsecond=0).isoformat()


def _what(cause: str) -> Resource:
    return {"reference": cause} if "/" in cause and " " not in cause else {"display": cause}


def _coded(system: str, code: str, text: str | None = None) -> Resource:
    concept: Resource = {"coding": [{"system": system, "code": code}]}
    return {**concept, "text": text} if text else concept


def _period(start: datetime, end: datetime | None, zone: tzinfo) -> Resource:
    period = {"start": moment(start, zone)}
    if end is not None and end >= start:
        period["end"] = moment(end, zone)
    elif end is not None:
        period["end"] = moment(start, zone)
    return period


def _closure(closure: Closure | None, zone: tzinfo) -> Resource:
    """Why it ended without proof: a coded reason, and the person's sentence as a note."""
    if closure is None:
        return {}
    found: Resource = {"statusReason": _coded(REASON, closure.reason)}
    if closure.note:
        note: Resource = {"time": moment(closure.at, zone), "text": closure.note}
        if closure.by:
            note["authorReference"] = {"reference": closure.by}
        found["note"] = [note]
    return found


def _output(step: StepState) -> Resource:
    """The proof: versioned references."""
    if not step.evidence:
        return {}
    kind = {"coding": [{"system": EVIDENCE, "code": step.step_id}]}
    return {"output": [{"type": kind, "valueReference": {"reference": proof.reference}} for proof in step.evidence]}
