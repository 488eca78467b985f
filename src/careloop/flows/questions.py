"""Questions for physicians: one sentence, the facts that are needed, and Yes, No or Other (ui.md §7.14, decision 0157).

A question is a Task with a code of `urn:careloop:question`. It is owned by whom it is put to, waits while requested or
received, is completed by the answer (`output`), and is closed by whoever asked, once they have acted on it
(`businessStatus` `urn:careloop:question|acted-on`): a question stays open until it is answered and acted on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from careloop.access import accounts
from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal, Role
from careloop.access.policy import Action, require, require_action
from careloop.db import Transaction
from careloop.engagement.notices import store as notices
from careloop.engagement.notices.model import NewEvent
from careloop.errors import Conflict, NotFound, NotPermitted, Rejected
from careloop.fhir.ids import new_id
from careloop.flows import acting, engine, people, writing
from careloop.flows.app import App
from careloop.flows.panel import SYSTEM
from careloop.flows.timeline import instant_of
from careloop.loops import store as loops
from careloop.loops.rules.calendar import Span, after
from careloop.record import Stored, Write

LONGEST = 300
MOST_FACTS = 3
ANSWERS: Mapping[str, str] = {"yes": "Yes", "no": "No", "other": "Other"}
_WAITING = ("requested", "received")
_DUE = Span(amount=1, unit="business-days")
_ACTED_ON = {"coding": [{"system": SYSTEM, "code": "acted-on"}], "text": "Acted on"}
_FACT = {"coding": [{"system": SYSTEM, "code": "fact"}], "text": "Fact"}
_ANSWER = {"coding": [{"system": SYSTEM, "code": "answer"}], "text": "Answer"}
_KEPT = timedelta(days=30)
_NOTICES = frozenset({"question", "question-now"})


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question as its card shows it. `answer` is a key of `ANSWERS`, None while it waits."""

    id: str
    version: int
    patient_id: str
    patient: people.PatientShown
    text: str
    facts: Sequence[str]
    asked_by: str
    asked: datetime
    due: datetime | None
    loop_id: str | None
    to: str
    answer: str | None = None
    answered_by: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Questions:
    """What waits for this person, and the answers to what they asked that they have not acted on yet."""

    waiting: Sequence[Question]
    answered: Sequence[Question]


def of_person(app: App, tx: Transaction, principal: Principal) -> Questions:
    """The questions of the signed-in person, the oldest first. Audited as one search."""
    require(principal, "search", "Task")
    found = app.record.follow(tx, "Task", [("owner", principal.reference)])
    mine = [one for one in found if _is_question(one.resource) and one.resource.get("status") in _WAITING]
    asked = [
        one
        for one in app.record.follow(tx, "Task", [("requester", principal.reference)])
        if _is_question(one.resource) and _is_new_answer(one.resource, app.clock.now())
    ]
    shown = _shown(app, tx, [*mine, *asked])
    record_audit(
        tx,
        AuditEntry(
            principal=principal,
            action="E",
            subtype="search",
            resource_type="Task",
            patient_ids=sorted({one.patient_id for one in shown.values()}),
            query="my questions",
        ),
    )
    order = lambda one: (one.asked, one.id)  # noqa: E731
    return Questions(
        waiting=sorted((shown[one.id] for one in mine), key=order),
        answered=sorted((shown[one.id] for one in asked), key=order),
    )


def physicians(tx: Transaction) -> list[tuple[str, str]]:
    """Whom a question may be put to: reference and name, by name."""
    staff = [one for one in accounts.staff(tx) if one.active and Role.PHYSICIAN in one.roles]
    return sorted(((one.reference, one.name) for one in staff), key=lambda one: one[1])


def ask(
    app: App,
    tx: Transaction,
    principal: Principal,
    *,
    loop_id: str,
    to: str,
    text: str,
    facts: Sequence[str] = (),
    key: str | None = None,
) -> acting.ActReceipt:
    """The question waits with its physician until the end of the next business day. Pressed twice it is asked once."""
    require_action(principal, Action.LOOP_WORK)
    require(principal, "create", "Task")
    _check(tx, to, text, facts)
    before = acting.once(tx, principal, key)
    if before is not None:
        return before
    loop = acting.find_loop(tx, loop_id)
    now, tenant = app.clock.now(), engine.tenant_of(tx)
    due = after(now, _DUE, tenant.zone, engine.content_for(app, tx).calendar).due
    task = {
        "resourceType": "Task",
        "id": new_id(),
        "status": "requested",
        "intent": "order",
        "code": {"coding": [{"system": SYSTEM, "code": "yes-no"}], "text": "Question"},
        "description": text.strip(),
        "focus": {"reference": f"Task/{loop.id}"},
        "for": {"reference": f"Patient/{loop.patient_id}"},
        "authoredOn": now.isoformat(),
        "lastModified": now.isoformat(),
        "requester": {"reference": principal.reference, "display": principal.name},
        "owner": {"reference": to},
        "restriction": {"period": {"end": due.isoformat()}},
        "input": [{"type": _FACT, "valueString": fact.strip()} for fact in facts if fact.strip()],
    }
    if not task["input"]:
        del task["input"]
    _write(app, tx, principal, task)
    _tell(app, tx, principal, task, loop)
    receipt = acting.ActReceipt(act_id=str(task["id"]), says="Asked. The answer comes to your questions.")
    acting.keep_receipt(tx, principal, key, receipt, now)
    return receipt


def _tell(app: App, tx: Transaction, principal: Principal, task: Mapping[str, Any], loop: loops.StoredLoop) -> None:
    """Whom it is put to is told once a day at their time, of safety at once (NT-14)."""
    is_safety = loop.state.pathway in engine.rank_weights(engine.at_practice(app, tx).catalog).safety
    event = NewEvent(
        at=app.clock.now(),
        kind="question-now" if is_safety else "question",
        patient_id=loop.patient_id,
        thing=f"Question/{task['id']}",
        state="asked",
        says=f"{principal.name} asks for a yes or a no",
        loop_id=loop.id,
        whom=str(task["owner"]["reference"]),
        by=principal.reference,
    )
    notices.add_events(tx, [event])


def seen(app: App, tx: Transaction, principal: Principal) -> None:
    """The person looks at their questions: notices of them have done their work."""
    now = app.clock.now()
    mine = notices.notices_of(tx, principal.reference, since=now - _KEPT)
    ids = [one.id for one in mine if one.kind in _NOTICES]
    if ids:
        notices.mark_seen(tx, principal.reference, ids, now)
        notices.mark_opened(tx, principal.reference, ids, now)


def answer(
    app: App, tx: Transaction, principal: Principal, question_id: str, *, version: int, said: str, note: str = ""
) -> str:
    """The question is answered, once, by whom it was put to. `Conflict` where somebody did so meanwhile."""
    require(principal, "update", "Task")
    if said not in ANSWERS:
        raise Rejected(at="said", expected="yes, no or other", code="code-invalid")
    if said == "other":
        acting.require_text("note", note)
    task = _task(app, tx, question_id, version)
    if (task.get("owner") or {}).get("reference") != principal.reference:
        raise NotPermitted("this question is for somebody else")
    now = app.clock.now().isoformat()
    value = {"valueString": note.strip()} if said == "other" else {"valueBoolean": said == "yes"}
    words = ANSWERS[said] + (f": {note.strip()}" if note.strip() else "")
    signed = {"authorReference": {"reference": principal.reference}, "time": now, "text": words}
    _write(
        app,
        tx,
        principal,
        {
            **task,
            "status": "completed",
            "lastModified": now,
            "output": [*task.get("output", ()), {"type": _ANSWER, **value}],
            "note": [*task.get("note", ()), signed],
        },
    )
    return "Answered. Thank you."


def acted_on(app: App, tx: Transaction, principal: Principal, question_id: str) -> str:
    """Whoever asked has acted on the answer: it leaves their list."""
    require(principal, "update", "Task")
    found = app.record.fetch(tx, [f"Task/{question_id}"]).get(f"Task/{question_id}")
    task = found.resource if found and _is_question(found.resource) else None
    if task is None or (task.get("requester") or {}).get("reference") != principal.reference:
        raise NotFound("there is no such question of yours")
    if task.get("status") != "completed":
        raise Conflict("it was not answered yet")
    _write(app, tx, principal, {**task, "businessStatus": _ACTED_ON, "lastModified": app.clock.now().isoformat()})
    return "Done."


def _check(tx: Transaction, to: str, text: str, facts: Sequence[str]) -> None:
    acting.require_text("text", text)
    if len(text.strip()) > LONGEST or not text.strip().endswith("?"):
        raise Rejected(at="text", expected=f"one question of at most {LONGEST} letters that ends with ?", code="value")
    if len([fact for fact in facts if fact.strip()]) > MOST_FACTS:
        raise Rejected(at="facts", expected=f"at most {MOST_FACTS} facts", code="value")
    if to not in {reference for reference, _ in physicians(tx)}:
        raise Rejected(at="to", expected="a physician of the practice", code="business-rule")


def _task(app: App, tx: Transaction, question_id: str, version: int) -> dict[str, Any]:
    found = app.record.fetch(tx, [f"Task/{question_id}"]).get(f"Task/{question_id}")
    if found is None or not _is_question(found.resource):
        raise NotFound("there is no such question")
    if found.version != version or found.resource.get("status") not in _WAITING:
        raise Conflict("the question was answered or changed meanwhile")
    return found.resource


def _write(app: App, tx: Transaction, principal: Principal, task: Mapping[str, Any]) -> None:
    resource = {name: value for name, value in task.items() if name != "meta"}
    writing.write(
        app, tx, principal, [Write(method="update", resource_type="Task", id=str(task["id"]), resource=resource)]
    )


def _is_question(task: Mapping[str, Any]) -> bool:
    return any(coding.get("system") == SYSTEM for coding in (task.get("code") or {}).get("coding", ()))


def _is_new_answer(task: Mapping[str, Any], now: datetime) -> bool:
    changed = instant_of(task.get("lastModified"))
    return task.get("status") == "completed" and "businessStatus" not in task and (not changed or now - changed < _KEPT)


def _shown(app: App, tx: Transaction, tasks: Sequence[Stored]) -> dict[str, Question]:
    patients = [one.patient_id for one in tasks if one.patient_id]
    shown = people.patients_shown(app, tx, patients, app.clock.now(), people.zone_of(tx))
    names = people.Names(tx)
    return {one.id: _question(one, shown[one.patient_id], names) for one in tasks if one.patient_id}


def _question(stored: Stored, patient: people.PatientShown, names: people.Names) -> Question:
    task = stored.resource
    focus = str((task.get("focus") or {}).get("reference", ""))
    said: Mapping[str, Any] = next((one for one in task.get("output", ()) if one.get("type") == _ANSWER), {})
    notes = task.get("note", ())
    requester = task.get("requester") or {}
    return Question(
        id=stored.id,
        version=stored.version,
        patient_id=stored.patient_id or "",
        patient=patient,
        text=str(task.get("description") or ""),
        facts=[str(one["valueString"]) for one in task.get("input", ()) if "valueString" in one],
        asked_by=str(requester.get("display") or "The care team"),
        asked=instant_of(task.get("authoredOn")) or stored.last_updated,
        due=instant_of(((task.get("restriction") or {}).get("period") or {}).get("end")),
        loop_id=focus.removeprefix("Task/") if focus.startswith("Task/") else None,
        to=names.name(str((task.get("owner") or {}).get("reference", ""))),
        answer=_answer_of(said),
        note=str(notes[-1].get("text", "")) if notes else "",
    )


def _answer_of(said: Mapping[str, Any]) -> str | None:
    if "valueBoolean" in said:
        return "yes" if said["valueBoolean"] else "no"
    return "other" if "valueString" in said else None
