"""What people do about results: acknowledge a critical one, read it, tell the patient, settle what follows.

Each act is one Communication about the results themselves, written through the one door, so that it closes steps just
as one from another system would. A press twice is one act.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from careloop.access.model import Principal, Role
from careloop.access.policy import Action, require, require_action
from careloop.db import Transaction
from careloop.engagement.contacts.model import Wish
from careloop.errors import Conflict, NotPermitted, Rejected
from careloop.fhir.ids import new_id
from careloop.flows import acting, contacting, results_board, writing
from careloop.flows.app import App
from careloop.flows.calls import OUTCOMES
from careloop.flows.results_values import ResultRow
from careloop.loops.model import LoopState
from careloop.loops.rules.critical import missing_in_report
from careloop.record import Write

CLINICIANS = frozenset({Role.PHYSICIAN})
LICENSED = frozenset({Role.PHYSICIAN, Role.NURSE})
WAYS = (("PHONE", "Call"), ("ONLINEWRIT", "Portal message"), ("MAILWRIT", "Letter"))
"""How a patient is told (v3-ParticipationMode), in words."""

AT_ONCE = 20
"""At most so many normal results are told together."""

_FINAL = frozenset({"final", "amended", "corrected", "appended"})
_CATEGORY = "urn:careloop:communication"


@dataclass(frozen=True, kw_only=True)
class Heard:
    """A critical value that was heard: from whom, spoken or read on the screen, and whether it was read back."""

    told_by: str
    spoken: bool
    read_back: bool


def acknowledge(
    app: App, tx: Transaction, principal: Principal, *, loop_id: str, heard: Heard, key: str | None = None
) -> acting.ActReceipt:
    """RC-01, RC-02: somebody licensed has heard of it: nobody else is called. A physician has read it with that."""
    if before := _begin(tx, principal, key):
        return before
    if not principal.roles & LICENSED:
        raise NotPermitted("a nurse or a physician acknowledges a critical result")
    row, _ = results_board.result_row(app, tx, principal, loop_id)
    told_by = heard.told_by.strip() if heard.spoken else "this screen"
    now = app.clock.now()
    missing = missing_in_report(
        told_by=told_by, told_to=principal.name, at=now, verbal=heard.spoken, read_back=heard.read_back
    )
    if missing:
        raise Rejected(at="read_back", expected=" and ".join(missing), code="required")
    codes = ["result-acknowledged", *(["result-reviewed"] if principal.roles & CLINICIANS else [])]
    said = f"{principal.name} heard it from {told_by}" + (" and read it back" if heard.spoken else "")
    found = _message(app, principal, row, codes, said)
    if heard.spoken:
        found["extension"] = [{"url": "urn:careloop:read-back", "valueBoolean": True}]
        found["medium"] = [_mode("PHONE")]
    return _write(app, tx, principal, [found], "Acknowledged", key)


def review(
    app: App,
    tx: Transaction,
    principal: Principal,
    *,
    loop_id: str,
    nothing_further: bool,
    note: str = "",
    key: str | None = None,
) -> acting.ActReceipt:
    """A clinician has read the results as they stand now. With `nothing_further` no follow-up is needed; where one is
    named that takes a reason."""
    if before := _begin(tx, principal, key):
        return before
    if not principal.roles & CLINICIANS:
        raise NotPermitted("a physician reads a result; a nurse may acknowledge a critical one")
    row, _ = results_board.result_row(app, tx, principal, loop_id)
    _require_results(row)
    codes = ["result-reviewed", *(["result-no-follow-up"] if nothing_further else [])]
    if nothing_further and row.follow_up and not note.strip():
        raise Rejected(at="note", expected=f"the reason why this is not needed: {row.follow_up}", code="required")
    found = _message(app, principal, row, codes, "read")
    if note.strip():
        found["note"] = [{"text": note.strip()}]
    return _write(app, tx, principal, [found], "Read", key)


def tell(
    app: App,
    tx: Transaction,
    principal: Principal,
    *,
    loop_id: str,
    way: str,
    text: str,
    outcome: str = "reached",
    despite: str = "",
    key: str | None = None,
) -> acting.ActReceipt:
    """The patient was told by a call or letter, or a portal message is on its way: that one counts when it was read
    (RE-07). A call that reached nobody is a try. A message or letter asks the contact budget first; `despite` is why
    it is sent all the same. A result that is not normal is never put off (CB-01)."""
    if before := _begin(tx, principal, key):
        return before
    row, state = results_board.result_row(app, tx, principal, loop_id)
    if way != "PHONE":
        contacting.require_free(app, tx, row.patient_id, _wish(row, state, way), despite=despite)
    found = _telling(app, principal, row, way, text, outcome)
    says = {"PHONE": OUTCOMES.get(outcome, ""), "MAILWRIT": "Letter noted: print and mail it. The patient is told."}
    says["ONLINEWRIT"] = "Saved for the patient's app. It counts when the patient has read it."
    told = "Reached. The patient is told." if (way, outcome) == ("PHONE", "reached") else says[way]
    return _write(app, tx, principal, [found], told, key)


def tell_together(
    app: App, tx: Transaction, principal: Principal, *, loop_ids: Sequence[str], way: str, text: str, key: str | None
) -> acting.ActReceipt:
    """At most 20 patients are told of their normal results, each in a message of its own; nothing is sent when one of
    them is not normal, not final, not read or told by now."""
    if before := _begin(tx, principal, key):
        return before
    chosen = list(dict.fromkeys(loop_ids))
    if not 1 <= len(chosen) <= AT_ONCE:
        raise Rejected(at="loop", expected=f"1 to {AT_ONCE} tests", code="value")
    if way == "PHONE":
        raise Rejected(at="way", expected="a letter or a portal message; calls are made one by one", code="value")
    pairs = [results_board.result_row(app, tx, principal, loop_id) for loop_id in chosen]
    wrong = [row.patient_name for row, state in pairs if not can_be_together(row, state)]
    if wrong:
        raise Conflict(f"not normal, not read, or told by now: {', '.join(wrong)}")
    free, waiting = _by_budget(app, tx, pairs, way)
    found = [_telling(app, principal, row, way, text, "reached") for row in free]
    if not found:
        raise Conflict(f"all of them have to wait for their contact budget (CB-03): {', '.join(waiting)}")
    later = f"; put off by the contact budget (CB-03): {', '.join(waiting)}" if waiting else ""
    return _write(app, tx, principal, found, f"{len(found)} messages sent{later}", key)


def _by_budget(
    app: App, tx: Transaction, pairs: Sequence[tuple[ResultRow, LoopState]], way: str
) -> tuple[list[ResultRow], list[str]]:
    """Those who may be written to now, one message each, and the names of those who have to wait."""
    free: list[ResultRow] = []
    waiting: list[str] = []
    for row, state in pairs:
        verdict = contacting.ask(app, tx, row.patient_id, _wish(row, state, way))
        if verdict.allowed and verdict.medium == way:
            free.append(row)
        else:
            waiting.append(row.patient_name)
    return free, waiting


def _wish(row: ResultRow, state: LoopState, way: str) -> Wish:
    """Telling a normal result can wait for the budget, not past its deadline; any other is safety."""
    due = next((step.due for step in state.steps if step.step_id == "patient-told"), state.deadline)
    return Wish(medium=way, safety=not row.is_normal, deadline=due)


def can_be_together(row: ResultRow, state: LoopState) -> bool:
    """True for a normal final result that was read and that nobody has told."""
    steps = {step.step_id: step for step in state.steps}
    return row.is_normal and not steps["reviewed"].status.is_open and steps["patient-told"].status.is_open


def settle(
    app: App, tx: Transaction, principal: Principal, *, loop_id: str, done: bool, note: str, key: str | None = None
) -> acting.ActReceipt:
    """What follows from the result was done and its result read, or is not needed: a documented reason, or the
    patient's refusal after an informed talk. A sentence says which."""
    if before := _begin(tx, principal, key):
        return before
    if not principal.roles & LICENSED:
        raise NotPermitted("a nurse or a physician settles what follows from a result")
    acting.require_text("note", note)
    row, _ = results_board.result_row(app, tx, principal, loop_id)
    _require_results(row)
    code = "result-follow-up-done" if done else "result-no-follow-up"
    found = _message(app, principal, row, [code], note.strip())
    found["note"] = [{"text": note.strip()}]
    return _write(app, tx, principal, [found], "Saved", key)


def attach(
    app: App, tx: Transaction, principal: Principal, *, loop_id: str, order: str, key: str | None = None
) -> acting.ActReceipt:
    """A person says to which of the suggested orders a result belongs: from now on it names that order, and the
    order's own loop goes on with it (RE-08)."""
    if before := _begin(tx, principal, key):
        return before
    row, _ = results_board.result_row(app, tx, principal, loop_id)
    if order not in {one.order for one in results_board.suggestions(app, tx, principal, row)}:
        raise Rejected(at="order", expected="one of the suggested orders", code="business-rule")
    writes = [
        Write(
            method="update",
            resource_type=stored.resource_type,
            id=stored.id,
            resource={**stored.resource, "basedOn": [*stored.resource.get("basedOn", ()), {"reference": order}]},
        )
        for stored in app.record.fetch(tx, row.results).values()
    ]
    writing.write(app, tx, principal, writes)
    receipt = acting.ActReceipt(act_id=new_id(), says="Joined with its order")
    acting.keep_receipt(tx, principal, key, receipt, app.clock.now())
    return receipt


def template(row: ResultRow) -> str:
    """Plain words for the patient, to be changed before they are sent."""
    if row.is_normal:
        return (
            f"Your test ({row.test}) is done. The result is normal. You do not need to do anything. Questions? Call us."
        )
    return f"Your test ({row.test}) is done. We would like to talk with you about the result. Please call us."


def _telling(app: App, principal: Principal, row: ResultRow, way: str, text: str, outcome: str) -> dict[str, Any]:
    if way not in dict(WAYS):
        raise Rejected(at="way", expected=f"one of {', '.join(dict(WAYS))}", code="code-invalid")
    if way == "PHONE" and outcome not in OUTCOMES:
        raise Rejected(at="outcome", expected=f"one of {', '.join(OUTCOMES)}", code="code-invalid")
    if not text.strip():
        raise Rejected(at="text", expected="what the patient is told", code="required")
    if row.status not in _FINAL:
        raise Conflict("the result is not final yet: what is told now must be told again")
    found = _message(app, principal, row, ["outreach"], text.strip())
    patient = {"reference": f"Patient/{row.patient_id}"}
    found |= {"recipient": [patient], "medium": [_mode(way)]}
    if way == "PHONE" and outcome != "reached":
        reason = {"coding": [{"system": "urn:careloop:contact-outcome", "code": outcome}]}
        found |= {"status": "not-done", "statusReason": reason}
    return found


def _message(app: App, principal: Principal, row: ResultRow, codes: Sequence[str], text: str) -> dict[str, Any]:
    """A completed Communication about every result of the test."""
    if not row.results:
        raise Conflict("there is no result yet")
    found: dict[str, Any] = {
        "resourceType": "Communication",
        "status": "completed",
        "category": [{"coding": [{"system": _CATEGORY, "code": code}]} for code in codes],
        "subject": {"reference": f"Patient/{row.patient_id}"},
        "about": [{"reference": one} for one in row.results],
        "sent": app.clock.now().replace(microsecond=0).isoformat(),
        "payload": [{"contentString": text}],
    }
    if principal.practitioner_id:
        found["sender"] = {"reference": principal.reference}
    return found


def _mode(code: str) -> dict[str, Any]:
    return {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode", "code": code}]}


def _require_results(row: ResultRow) -> None:
    if not row.results:
        raise Conflict("there is no result yet")


def _begin(tx: Transaction, principal: Principal, key: str | None) -> acting.ActReceipt | None:
    require_action(principal, Action.LOOP_WORK)
    require(principal, "create", "Communication")
    return acting.once(tx, principal, key)


def _write(
    app: App, tx: Transaction, principal: Principal, resources: Sequence[dict[str, Any]], says: str, key: str | None
) -> acting.ActReceipt:
    named = [{**one, "id": new_id()} for one in resources]
    writes = [Write(method="create", resource_type="Communication", id=one["id"], resource=one) for one in named]
    writing.write(app, tx, principal, writes)
    receipt = acting.ActReceipt(act_id=named[0]["id"], says=says)
    acting.keep_receipt(tx, principal, key, receipt, app.clock.now())
    return receipt
