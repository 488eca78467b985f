"""A reconciliation is signed: all that follows from it is written in one transaction, or nothing is (ME-06, ME-07).

The lists before and after, a statement for each medicine, the Procedure that proves it, the question to the physician
who signs, one for each medicine that must be clarified, holds, and the note for the pharmacy. What the patient is told
is read from these (`flows.medicine_sheet`), so that paper and record cannot differ.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from careloop.access.model import Principal, Role
from careloop.access.policy import Action, require, require_action
from careloop.db import Transaction
from careloop.errors import Conflict, Rejected
from careloop.fhir.ids import derived_id
from careloop.flows import acting, medicine_compare, medicine_resources, medicine_words, people, writing
from careloop.flows.app import App
from careloop.flows.medicine_compare import Compared
from careloop.flows.patient_reading import full_name
from careloop.medications import reconciliations
from careloop.medications.reconciliations import Draft, Hold
from careloop.medications.rules.reconciling.outcomes import Held, Outcome, held
from careloop.medications.rules.reconciling.sources import RECONCILED
from careloop.medications.rules.reconciling.words import SOURCES
from careloop.record import Write

Json = dict[str, Any]
_MOST_FACT = 280
_FACTS = 3


@dataclass(frozen=True, kw_only=True)
class _Work:
    """What one signing is about."""

    app: App
    tx: Transaction
    principal: Principal
    draft: Draft
    found: Compared
    all: tuple[Held, ...]
    patient: Mapping[str, Any]
    now: datetime
    loop_id: str | None

    @property
    def procedure(self) -> str:
        """The reference of the Procedure."""
        return f"Procedure/{self.draft.id}"

    def id(self, kind: str, of: str = "") -> str:
        """An id that the same signing always gives."""
        return derived_id(self.tx.tenant_id, f"medicines {kind}", f"{self.draft.id} {of}")


def finish(
    app: App, tx: Transaction, principal: Principal, patient_id: str, *, key: str | None = None
) -> acting.ActReceipt:
    """The open comparison is signed. `Rejected` with every row that has no outcome or lacks something (ME-06);
    `Conflict` where there is none, or somebody was first. Pressed twice it is signed once."""
    require_action(principal, Action.LOOP_WORK)
    for kind in ("Procedure", "MedicationStatement", "List"):
        require(principal, "create", kind)
    if before := acting.once(tx, principal, key):
        return before
    tx.lock(f"medicines {patient_id}")
    patient = app.record.read(tx, principal, "Patient", patient_id).resource
    draft = reconciliations.open_draft(tx, patient_id)
    if draft is None:
        raise Conflict("nobody has begun to compare these lists, or it was finished meanwhile")
    found = medicine_compare.compared(app, tx, patient_id, draft)
    missing = medicine_compare.faults(found, draft, principal)
    if missing:
        raise Rejected(at=missing[0].at, expected=missing[0].expected, code="required", faults=missing)
    decisions = medicine_compare.decisions_of(found, draft)
    work = _Work(
        app=app,
        tx=tx,
        principal=principal,
        draft=draft,
        found=found,
        all=tuple(held(row, decisions[row.id]) for row in found.comparison.rows),
        patient=patient,
        now=app.clock.now(),
        loop_id=medicine_compare.loop_of(tx, patient_id, draft.matter),
    )
    writing.write(app, tx, principal, _writes(work))
    reconciliations.finish(tx, draft.id, work.now, principal.reference)
    _keep_holds(work)
    receipt = acting.ActReceipt(act_id=work.draft.id, says=_says(work))
    acting.keep_receipt(tx, principal, key, receipt, work.now)
    return receipt


def signed(tx: Transaction, procedure_id: str) -> tuple[str, datetime] | None:
    """Who signed it and when; None for what is no signed comparison. The act of a signing has the Procedure's id."""
    draft = reconciliations.find(tx, procedure_id)
    return None if draft is None or draft.finished is None else (draft.finished_by or "", draft.finished)


def withdraw(app: App, tx: Transaction, principal: Principal, procedure_id: str, why: str) -> str:
    """The reconciliation was a mistake: its Procedure, list and statements count no longer, the steps that it proved
    are open again, and the lists before it can be compared once more."""
    require_action(principal, Action.LOOP_WORK)
    require(principal, "update", "Procedure")
    acting.require_text("why", why)
    draft = reconciliations.find(tx, procedure_id)
    if draft is None or draft.finished is None:
        raise Conflict("there is no such signed comparison")
    tx.lock(f"medicines {draft.patient_id}")
    if not reconciliations.withdraw(tx, procedure_id, app.clock.now()):
        raise Conflict("it was withdrawn before")
    after = f"List/{medicine_resources.after_id(tx.tenant_id, procedure_id)}"
    things = app.record.fetch(tx, [f"Procedure/{procedure_id}", after])
    statements = [
        str(one["item"]["reference"]) for one in things[after].resource.get("entry", ())
    ] if after in things else []  # fmt: skip
    things |= app.record.fetch(tx, statements)
    asked = app.record.follow(tx, "Task", [("based-on", f"Procedure/{procedure_id}")])
    writes = [_in_error(one.resource, why) for one in things.values() if not one.deleted]
    writes += [_cancelled(one.resource, why) for one in asked if one.resource.get("status") == "requested"]
    writing.write(app, tx, principal, writes)
    return "Withdrawn. The lists can be compared again."


def _writes(work: _Work) -> list[Write]:
    statements = _statements(work)
    lists = [
        medicine_resources.list_before(
            work.tx.tenant_id, work.draft.id, work.draft.patient_id, one, _versions(work), work.now
        )
        for one in work.found.comparison.lists
    ]
    after = medicine_resources.list_after(work.tx.tenant_id, work.draft.id, work.draft.patient_id, statements, work.now)
    named = [(medicine_resources.BEFORE, f"List/{one['id']}") for one in lists]
    named.append((medicine_resources.AFTER, f"List/{after['id']}"))
    procedure = medicine_resources.procedure(
        work.draft.id,
        work.draft.patient_id,
        work.principal,
        work.now,
        work.draft.matter,
        encounter=None,
        lists=named,
        statement=_statement(work),
        done=True,
    )
    made = [*lists, *statements, after, procedure, *_to_sign(work), *_to_clarify(work), *_to_pharmacy(work)]
    return [*_retired(work), *(medicine_resources.put(one) for one in made)]


def _statements(work: _Work) -> list[Json]:
    tenant, patient = work.tx.tenant_id, work.draft.patient_id
    made = []
    for one in work.all:
        source = work.found.lists.stored[one.entry.reference].resource
        made.append(medicine_resources.statement(tenant, work.draft.id, patient, one, source, work.principal, work.now))
        for old in one.stops if one.is_taken else ():
            resource = work.found.lists.stored[old.reference].resource
            made.append(
                medicine_resources.old_product(tenant, work.draft.id, patient, old, resource, work.principal, work.now)
            )
    return made


def _statement(work: _Work) -> str:
    """ME-07: which lists were held against each other, in words."""
    told = [
        SOURCES[one.source] + (f" of {medicine_words.day(one.told)}" if one.told else "")
        for one in work.found.comparison.lists
    ]
    lists = ", ".join(told[:-1]) + f" and {told[-1]}" if len(told) > 1 else told[0]
    kind = "Discharge medicines and the current list" if work.found.comparison.left == "hospital" else "The lists"
    return f"{kind} were compared ({lists}): {len(work.all)} medicines, each with an outcome."


def _to_sign(work: _Work) -> list[Json]:
    """A signature now where a prescriber did it, or where nothing changes; else the question to the physician."""
    changes = [one for one in work.all if one.change != "keep"]
    if Role.PHYSICIAN in work.principal.roles or not changes:
        says = "Signed. " + (medicine_words.changes_in_a_line(changes) if changes else "Nothing changes.")
        return [
            medicine_resources.message(
                work.id("signature"), work.draft.patient_id, work.principal, work.now,
                codes=["plan-signed"], text=says, about=[work.procedure],
            )
        ]  # fmt: skip
    lines = medicine_words.facts(changes, most=_FACTS, longest=_MOST_FACT)
    return [
        medicine_resources.question(
            work.id("sign"),
            work.draft.patient_id,
            work.principal,
            work.now,
            kind=medicine_resources.SIGN,
            to=medicine_compare.default_owner(work.app, work.tx, work.draft.patient_id),
            text=f"Do you sign these medicine changes for {full_name(work.patient)}?",
            facts=lines,
            due=_end_of(work, None),
            loop_id=work.loop_id,
            based_on=_ties(work),
        )
    ]


def _to_clarify(work: _Work) -> list[Json]:
    """For each medicine that must be clarified a question to its owner, and a loop that chases it (ME-06)."""
    made = []
    for one in work.all:
        if one.decision.outcome is not Outcome.CLARIFY:
            continue
        due = _end_of(work, one)
        says = f"Clarify {one.row.name}"
        statement = (
            f"MedicationStatement/{medicine_resources.statement_id(work.tx.tenant_id, work.draft.id, one.entry)}"
        )
        task = medicine_resources.decision_request(
            work.id("clarify", one.row.id), work.draft.patient_id, work.principal, work.now, says, due, [statement]
        )
        made.append(task)
        made.append(
            medicine_resources.question(
                work.id("question", one.row.id),
                work.draft.patient_id,
                work.principal,
                work.now,
                kind=medicine_resources.ASK_MEDICINE,
                to=one.decision.owner,
                text=medicine_words.question(one, full_name(work.patient)),
                facts=medicine_words.sides_in_lines(one.row)[:_FACTS],
                due=due,
                loop_id=work.loop_id,
                based_on=[f"Task/{task['id']}"],
            )
        )
    return made


def _to_pharmacy(work: _Work) -> list[Json]:
    """A note of what changed, on paper or to whoever subscribes to it; it counts as sent when somebody says so."""
    changes = [one for one in work.all if one.change not in ("keep", "ask")]
    if not changes:
        return []
    note = medicine_resources.message(
        work.id("pharmacy"), work.draft.patient_id, work.principal, work.now,
        codes=["pharmacy-note"], text=medicine_words.changes_in_a_line(changes), about=[work.procedure],
    )  # fmt: skip
    del note["sent"]
    return [{**note, "status": "preparation"}]


def _retired(work: _Work) -> list[Write]:
    """The list of the reconciliation before is over."""
    before = [
        one.resource
        for one in work.found.lists.stored.values()
        if one.resource_type == "List"
        and one.resource.get("status") == "current"
        and any(each.get("system") == RECONCILED for each in one.resource.get("identifier", ()))
    ]
    return [medicine_resources.put({**one, "status": "retired"}) for one in before]


def _keep_holds(work: _Work) -> None:
    """Holds of before are over; those of now wait for their day (ME-08)."""
    holds = []
    for one in work.all:
        if one.decision.outcome is Outcome.HOLD:
            own = medicine_resources.statement_id(work.tx.tenant_id, work.draft.id, one.entry)
            holds.append(
                Hold(
                    statement=f"MedicationStatement/{own}",
                    patient_id=work.draft.patient_id,
                    reconciliation=work.draft.id,
                    name=one.row.name,
                    until=one.decision.until,
                    condition=one.decision.condition,
                )
            )
    reconciliations.end_holds(work.tx, work.draft.patient_id, work.now, but=[one.statement for one in holds])
    for hold in holds:
        reconciliations.put_hold(work.tx, hold)


def _end_of(work: _Work, one: Held | None) -> datetime:
    day = one.decision.due if one is not None and one.decision.due else None
    zone = people.zone_of(work.tx)
    wanted = day or medicine_compare.default_due(work.app, work.tx)
    return datetime.combine(wanted, time(23, 59, 59), tzinfo=zone)


def _ties(work: _Work) -> list[str]:
    return [one for one in (work.procedure, work.draft.matter) if one]


def _versions(work: _Work) -> dict[str, int]:
    return {reference: one.version for reference, one in work.found.lists.stored.items()}


def _says(work: _Work) -> str:
    asks = sum(one.decision.outcome is Outcome.CLARIFY for one in work.all)
    changes = sum(one.change != "keep" for one in work.all)
    told = f"{len(work.all)} medicines settled"
    if changes:
        told += f", {changes} of them change"
    return told + (f"; {asks} asked of a doctor." if asks else ".")


def _in_error(resource: Mapping[str, Any], why: str) -> Write:
    note = [*resource.get("note", ()), {"text": why}]
    return medicine_resources.put({**resource, "status": "entered-in-error", "note": note})


def _cancelled(resource: Mapping[str, Any], why: str) -> Write:
    return medicine_resources.put({**resource, "status": "cancelled", "statusReason": {"text": why}})
