"""The report is read by the asking clinician: its answer tied to the question, each recommendation made into something,
the patient told. Then the referral closes (RF-05, RF-06)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from careloop.access.model import Principal, Role
from careloop.access.policy import require
from careloop.db import Transaction
from careloop.errors import NotPermitted, Rejected
from careloop.fhir.ids import new_id
from careloop.flows.app import App
from careloop.flows.referral_desk import Desk, Receipt, open_desk, require_text
from careloop.flows.referral_resources import clinic, message_of
from careloop.loops.rules.calendar import end_of
from careloop.loops.rules.referrals import words
from careloop.loops.rules.referrals.clocks import months_later
from careloop.loops.rules.referrals.reports import Reading, Recommendation, can_close, missing_parts, require_settled
from careloop.loops.rules.referrals.story import Story

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class ToDo:
    """One recommendation as the reader deals with it. A task has an owner (by role or person) and a day."""

    text: str
    outcome: str
    because: str = ""
    owner: str = ""
    role: str = "coordinator"
    due: date | None = None


@dataclass(frozen=True, kw_only=True)
class Read:
    """What the asking clinician says of the report. `answers` by the id of the question."""

    answers: Mapping[str, str] = field(default_factory=dict)
    parts: frozenset[str] = frozenset()
    to_do: Sequence[ToDo] = ()
    gaps_because: str = ""


def require_clinician(principal: Principal, story: Story) -> None:
    """Nothing happens for the asking clinician, and for a physician who covers; else `NotPermitted`."""
    asker = str((story.request.get("requester") or {}).get("reference", ""))
    if principal.reference != asker and Role.PHYSICIAN not in principal.roles:
        raise NotPermitted("the asking clinician, or a physician who covers, reads the report")


def review(app: App, tx: Transaction, principal: Principal, request_id: str, read: Read) -> Receipt:
    """The report is read: answers stand beside their questions, recommendations are tasks, orders or not accepted with
    the reason. `Rejected` for a recommendation that is nothing of these, and for a part of RF-06 that is missing
    without a word why that is good enough."""
    desk = open_desk(app, tx, principal, request_id)
    require_clinician(principal, desk.story)
    settled = [Recommendation(text=one.text, outcome=one.outcome, because=one.because) for one in read.to_do]
    require_settled(settled)
    reading = Reading(answered=read.parts, recommendations=tuple(settled), accepts_gaps_because=read.gaps_because)
    against = can_close(desk.tables, desk.story.reported is not None, True, reading)
    desk.move("reviewed")
    if against:
        raise Rejected(
            at="parts", expected=f"{against[0]}: ask the clinic, or say why it is enough", code="business-rule"
        )
    _keep_answers(desk, read)
    made = [_make(desk, one) for one in read.to_do]
    if any(made):
        desk.move("follow-up-tasks")
    _note_read(desk, read)
    return desk.save("Read. Now tell the patient." + (f" {sum(map(bool, made))} to do." if any(made) else ""))


def _keep_answers(desk: Desk, read: Read) -> None:
    asked = {str(one.get("id", "")) for one in desk.task.get("input", ()) if words.kind_of(one) == "question"}
    for question, answer in read.answers.items():
        if question not in asked:
            raise Rejected(at="answers", expected="an answer to a question that was asked", code="not-found")
        if answer.strip():
            tied = [{"url": words.ANSWERS, "valueString": question}]
            desk.output("answer", {"extension": tied, "valueString": answer.strip()})


def _make(desk: Desk, one: ToDo) -> str:
    """The reference of what a recommendation became; empty where it was not accepted, which is kept with its reason."""
    text = require_text("recommendation", one.text, "what the specialist recommends")
    if one.outcome == "not-accepted":
        desk.output("not-accepted", {"valueString": f"{text}: not accepted because {one.because.strip()}"})
        return ""
    made = _order(desk, text) if one.outcome == "order" else _task(desk, one, text)
    desk.output("recommendation", {"valueReference": {"reference": made, "display": text}})
    return made


def _task(desk: Desk, one: ToDo, text: str) -> str:
    zone = str(desk.moment.zone)
    today = desk.moment.now.astimezone(desk.moment.zone).date()
    due = end_of(one.due or months_later(today, 1), zone)
    if due < desk.moment.now:
        raise Rejected(at="due", expected="a day that is still ahead", code="value")
    return desk.work("recommendation", text, due, role=one.role, owner=one.owner)


def _order(desk: Desk, text: str) -> str:
    require(desk.principal, "create", "ServiceRequest")
    order: Json = {
        "resourceType": "ServiceRequest",
        "id": new_id(),
        "status": "active",
        "intent": "order",
        "code": {"text": text},
        "subject": {"reference": f"Patient/{desk.story.patient_id}"},
        "authoredOn": desk.moment.stamp(),
        "requester": {"reference": desk.moment.by},
        "basedOn": [{"reference": f"ServiceRequest/{desk.story.id}"}],
        "supportingInfo": [{"reference": _reference(one)} for one in desk.story.reports],
    }
    desk.also.append({name: value for name, value in order.items() if value != []})
    return f"ServiceRequest/{order['id']}"


def _reference(resource: Mapping[str, Any]) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def _note_read(desk: Desk, read: Read) -> None:
    """Which parts of RF-06 the reader found, and why a gap was good enough."""
    parts: list[Json] = [{"url": "part", "valueCode": name} for name in sorted(read.parts)]
    parts += [{"url": "gaps", "valueString": read.gaps_because.strip()}] if read.gaps_because.strip() else []
    others = [one for one in desk.task.get("extension", ()) if one.get("url") != words.READING]
    desk.task = {**desk.task, "extension": [*others, *([{"url": words.READING, "extension": parts}] if parts else [])]}


def ask_missing(app: App, tx: Transaction, principal: Principal, request_id: str, parts: frozenset[str]) -> Receipt:
    """The report is not whole (RF-06, worked case 10): the clinic is asked for what is missing, the loop stays open."""
    desk = open_desk(app, tx, principal, request_id)
    require_clinician(principal, desk.story)
    missing = missing_parts(desk.tables, parts)
    if not missing:
        raise Rejected(at="parts", expected="a part of the report that is missing", code="business-rule")
    text = "Please send what is missing: " + "; ".join(item.title.lower() for item in missing)
    desk.move("report-incomplete", text)
    to = clinic(desk.story.clinic, desk.story.clinic_name) or {"display": "The clinic"}
    desk.also.append(
        message_of(
            desk.story, new_id(), category="referral-answer", medium="WRITTEN", to=to, text=text, moment=desk.moment
        )
    )
    return desk.save("Asked for what is missing. The referral stays open.")


@dataclass(frozen=True, kw_only=True)
class Told:
    """How the patient was told, and what they said: did they go, did it help (empty: not asked)."""

    medium: str = "PHONE"
    note: str = ""
    went: str = ""
    helped: str = ""


_SAID = ("", "yes", "no", "partly")


def tell_patient(app: App, tx: Transaction, principal: Principal, request_id: str, told: Told) -> Receipt:
    """The patient knows. A referral whose report was read is closed by it; before that only the talk is kept."""
    desk = open_desk(app, tx, principal, request_id)
    if told.went not in _SAID or told.helped not in _SAID:
        raise Rejected(at="went", expected="yes, no or partly", code="code-invalid")
    said = [told.note.strip()]
    said += [f"Went: {told.went}."] if told.went else []
    said += [f"Helped: {told.helped}."] if told.helped else []
    message = message_of(
        desk.story,
        new_id(),
        category="outreach",
        medium=told.medium,
        to={"reference": f"Patient/{desk.story.patient_id}"},
        text=" ".join(text for text in said if text) or "The patient was told the outcome of the referral.",
        moment=desk.moment,
    )
    desk.also.append(message)
    desk.output("patient-told", {"valueReference": {"reference": f"Communication/{message['id']}"}})
    if desk.state.id not in ("reviewed", "follow-up-tasks"):
        return desk.save("Saved.")
    desk.move("closed")
    return desk.save("The patient knows. The referral is closed.")


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Who does what in shared care, until when (co-management)."""

    prescribes: str
    monitors: str
    refills: str
    until: date


def share_care(app: App, tx: Transaction, principal: Principal, request_id: str, agreed: Agreement) -> Receipt:
    """Both sides care for the patient: who prescribes, who monitors, who refills is kept, and looked at again when the
    agreement ends, at the latest after 12 months."""
    desk = open_desk(app, tx, principal, request_id)
    require_clinician(principal, desk.story)
    for name in ("prescribes", "monitors", "refills"):
        require_text(name, getattr(agreed, name), "who does it")
    today = desk.moment.now.astimezone(desk.moment.zone).date()
    if not today < agreed.until <= months_later(today, 12):
        raise Rejected(at="until", expected="a day ahead, within 12 months", code="value")
    desk.move("co-management")
    parts = [{"url": name, "valueString": getattr(agreed, name)} for name in ("prescribes", "monitors", "refills")]
    others = [one for one in desk.task.get("extension", ()) if one.get("url") != words.AGREEMENT]
    until = {"url": "until", "valueDate": agreed.until.isoformat()}
    desk.task = {**desk.task, "extension": [*others, {"url": words.AGREEMENT, "extension": [*parts, until]}]}
    says = f"Look at the shared care again: {desk.story.service}"
    desk.work("re-review", says, end_of(agreed.until, str(desk.moment.zone)), role="physician")
    return desk.save("Shared care agreed.")
