"""What is worked on, said and promised: loops and their steps, contacts, visits. Findings of a brief; pure.

Of an open loop the step that comes next is told, and what is late beside it. A step that somebody outside has to do is
one of others; a contact that the reader made is their own.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from careloop.catalog import Catalog
from careloop.flows import engine
from careloop.flows.brief_words import day_words, due_words, is_private, moment_words
from careloop.flows.contact_reading import is_outgoing, outcome_of
from careloop.flows.contact_words import words_of
from careloop.flows.people import Names
from careloop.flows.timeline import instant_of, text_of
from careloop.longitudinal.brief_model import Finding
from careloop.loops.model import ActKind, Status, StepState, Tier
from careloop.loops.rules.rank import is_waiting, next_step
from careloop.loops.store import StoredLoop
from careloop.record import Stored

Resource = Mapping[str, Any]
_MOST_STEPS = 2
_BOOKED = frozenset({"booked", "pending", "proposed"})
_PATIENT_SIDE = ("Patient/", "RelatedPerson/")
_HIDDEN = frozenset({"safety-concern"})
"""Loops that carry the label of privacy (`loops.tasks`)."""


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What sentences about work need: who reads, when, the names, the pathways."""

    catalog: Catalog
    names: Names
    me: str
    since: datetime
    now: datetime
    zone: ZoneInfo
    soon: timedelta


def loops_found(loops: Iterable[StoredLoop], desk: Desk) -> Iterator[Finding]:
    """Loops that opened or closed since, and the steps that are open."""
    for loop in loops:
        yield from _moved(loop, desk)
        if loop.state.status.is_open:
            yield from _steps(loop, desk)
            yield from _holds(loop, desk)


def _moved(loop: StoredLoop, desk: Desk) -> Iterator[Finding]:
    state = loop.state
    if state.closed is not None and not state.status.is_open:
        if state.closed > desk.since and state.status != Status.ENTERED_IN_ERROR:
            yield _loop(loop, desk, "closed", state.closed)
    elif state.opened > desk.since:
        yield _loop(loop, desk, "opened", state.opened)


def _loop(loop: StoredLoop, desk: Desk, change: str, at: datetime) -> Finding:
    closure = loop.state.closure
    why = (closure.note or closure.reason.replace("-", " ")) if closure else "every step is done"
    title = engine.title(desk.catalog, loop.state.pathway, "")
    return Finding(
        kind="loop",
        words={
            "change": change,
            "how": "without" if closure else "proof",
            "pathway": loop.state.pathway,
            "title": title,
            "about": loop.state.about,
            "why": why if change == "closed" else "",
            "tier": loop.state.tier.value,
        },
        href=f"/worklist?scope=all&loop={loop.id}",
        source=f"L-{loop.number}",
        reference=f"Task/{loop.id}/_history/{loop.task_version}",
        at=at,
        private=loop.state.pathway in _HIDDEN,
    )


def _steps(loop: StoredLoop, desk: Desk) -> Iterator[Finding]:
    first = next_step(loop.state)
    late = [one for one in loop.state.steps if one.status.is_open and one.due < desk.now and one is not first]
    for step in [one for one in (first, *late) if one is not None and one.status != Status.ON_HOLD][:_MOST_STEPS]:
        yield _step(loop, step, desk)


def _step(loop: StoredLoop, step: StepState, desk: Desk) -> Finding:
    stored = loop.steps.get(step.step_id)
    owner = stored.owner if stored else loop.owner
    waiting = is_waiting(step)
    return Finding(
        kind="step",
        words={
            "state": _state(step, desk, waiting=waiting),
            "place": "outside" if waiting else "own",
            "pathway": loop.state.pathway,
            "step": step.step_id,
            "name": step.title or engine.title(desk.catalog, loop.state.pathway, step.step_id),
            "title": engine.title(desk.catalog, loop.state.pathway, ""),
            "about": loop.state.about,
            "due": due_words(step.due, desk.now, desk.zone),
            "owner": "you" if owner == desk.me else desk.names.name(owner),
            "tier": "high" if loop.state.tier == Tier.HIGH else "standard",
        },
        href=f"/worklist?scope=all&loop={loop.id}",
        source=f"L-{loop.number}",
        reference=f"Task/{loop.id}/_history/{loop.task_version}",
        private=loop.state.pathway in _HIDDEN,
    )


def _state(step: StepState, desk: Desk, *, waiting: bool) -> str:
    if step.due < desk.now:
        return "late"
    if waiting:
        return "waiting"
    if step.due.astimezone(desk.zone).date() == desk.now.astimezone(desk.zone).date():
        return "today"
    return "soon" if step.due <= desk.now + desk.soon else "later"


def _holds(loop: StoredLoop, desk: Desk) -> Iterator[Finding]:
    held = {step.step_id for step in loop.state.steps if step.status == Status.ON_HOLD}
    if loop.state.status == Status.ON_HOLD:
        held.add("")
    acts = [one for one in loop.acts if one.kind == ActKind.HOLD and not one.undone and (one.step_id or "") in held]
    for act in acts[-1:]:
        until = datetime.fromisoformat(str(act.data["until"]))
        yield Finding(
            kind="hold",
            words={
                "title": engine.title(desk.catalog, loop.state.pathway, ""),
                "name": loop.state.about,
                "why": str(act.data.get("reason", "")),
                "until": day_words(until, desk.zone),
            },
            href=f"/worklist?scope=all&loop={loop.id}",
            source=f"L-{loop.number}",
            reference=f"Task/{loop.id}/_history/{loop.task_version}",
        )


def contacts_found(messages: Sequence[Resource], desk: Desk, patient_id: str) -> Iterator[Finding]:
    """What was said since, by whom; and what they were told last, whenever that was."""
    told = [(at, one) for one in messages if (at := instant_of(one.get("sent"))) and _counts(one) and at <= desk.now]
    told.sort(key=lambda pair: (pair[0], str(pair[1]["id"])))
    for at, one in told:
        if at > desk.since:
            yield _contact(one, at, desk, patient_id, "patient" if _from_patient(one) else "staff")
    spoken = [(at, one) for at, one in told if not _from_patient(one) and not _missed(one) and _said(one)]
    for at, one in spoken[-1:]:
        yield _contact(one, at, desk, patient_id, "last")


def _counts(one: Resource) -> bool:
    return one.get("status") in ("completed", "not-done", "in-progress") and (is_outgoing(one) or _from_patient(one))


def _from_patient(one: Resource) -> bool:
    return str((one.get("sender") or {}).get("reference", "")).startswith(_PATIENT_SIDE)


def _missed(one: Resource) -> bool:
    return one.get("status") != "completed" or bool(outcome_of(one))


def _said(one: Resource) -> str:
    notes = [str(note.get("text", "")) for note in one.get("note", ())]
    texts = [str(part.get("contentString", "")) for part in one.get("payload", ())]
    return " ".join(" ".join(part for part in (notes or texts) if part).split())


def _contact(one: Resource, at: datetime, desk: Desk, patient_id: str, who: str) -> Finding:
    sender = str((one.get("sender") or {}).get("reference", ""))
    version = (one.get("meta") or {}).get("versionId", "")
    return Finding(
        kind="contact",
        words={
            "name": words_of(one).title,
            "says": _said(one),
            "by": "" if who == "patient" else "you" if sender == desk.me else desk.names.name(sender),
            "day": day_words(at, desk.zone),
            "who": who,
            "answered": "no" if _missed(one) else "yes",
        },
        href=f"/patients/{patient_id}?kind=contact",
        source=day_words(at, desk.zone),
        reference=f"Communication/{one['id']}" + (f"/_history/{version}" if version else ""),
        at=at,
        private=is_private(one),
        own=sender == desk.me,
    )


def visits_found(visits: Iterable[Stored], desk: Desk) -> Iterator[Finding]:
    """Visits that are booked, and those that were missed since."""
    for stored in visits:
        resource = stored.resource
        at = instant_of(resource.get("start"))
        status = resource.get("status")
        if at is None:
            continue
        state = "booked" if status in _BOOKED and at > desk.now else "missed" if status == "noshow" else ""
        if not state or (state == "missed" and at <= desk.since):
            continue
        yield Finding(
            kind="visit",
            words={"state": state, "name": _name(resource), "when": moment_words(at, desk.zone), "place": ""},
            href=f"/schedule/visits/{stored.id}",
            source="Visit",
            reference=f"{stored.reference}/_history/{stored.version}",
            at=at if state == "missed" else None,
            private=is_private(resource),
        )


def _name(appointment: Resource) -> str:
    concepts = [*appointment.get("serviceType", ()), appointment.get("appointmentType")]
    return next((words for one in concepts if (words := text_of(one))), "") or str(
        appointment.get("description") or "Visit"
    )
