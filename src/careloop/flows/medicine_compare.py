"""The comparison of one patient's medicine lists while somebody works on it (ui.md §7.3, ME-06).

What was chosen is kept at once and by everybody: a comparison is begun by its first choice, with a Procedure in
progress, so that the loop knows that both lists are together. Nothing else is written before it is finished.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from careloop.access import accounts
from careloop.access.model import Principal, Role
from careloop.access.policy import Action, require, require_action
from careloop.db import Transaction
from careloop.errors import Conflict, Fault, NotPermitted, Rejected
from careloop.fhir.ids import new_id
from careloop.flows import engine, medicine_lists, medicine_resources, medicine_warnings, people, questions, writing
from careloop.flows.app import App
from careloop.flows.patient_reading import header_of
from careloop.flows.patient_values import Header
from careloop.flows.review_marks import SAFETY_TABLES, all_reviewed
from careloop.loops import store as loops
from careloop.loops.rules.calendar import Span, after
from careloop.medications import reconciliations
from careloop.medications.reconciliations import Draft
from careloop.medications.rules.reconciling.comparing import compare, row_id
from careloop.medications.rules.reconciling.outcomes import (
    ASK,
    HOLD,
    SAME,
    TWO,
    Decision,
    Outcome,
    choice_of,
    choices_of,
    faults_of,
    left_over,
)
from careloop.medications.rules.reconciling.values import Comparison, Judged, Row, Side, Tier
from careloop.record import Write

SIGNERS = frozenset({Role.PHYSICIAN, Role.NURSE})
"""Who may sign a reconciliation (ME-07): prescriber, RN; a clinical pharmacist has no role of their own here yet."""
PATHWAY = "medication-reconciliation"
_ANSWER_WITHIN = Span(amount=1, unit="business-days")
_SAFETY_HEAD = ("AllergyIntolerance",)


@dataclass(frozen=True, kw_only=True)
class ComparePage:
    """Everything that the screen shows. `open_` are the ids of rows that nobody settled; `draft` is None before the
    first choice; `default_owner` answers what is asked until somebody says otherwise."""

    header: Header
    comparison: Comparison
    draft: Draft | None
    open_: frozenset[str]
    choices: Mapping[str, tuple[Any, ...]]
    physicians: tuple[tuple[str, str], ...]
    default_owner: str
    default_due: date
    may_finish: bool
    saved_by: str
    not_checked: int
    reviewed: bool
    today: date

    @property
    def total(self) -> int:
        """How many medicines there are."""
        return len(self.comparison.rows)

    @property
    def is_comparable(self) -> bool:
        """True where there are two lists to hold against each other."""
        return len(self.comparison.sides) > 1


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What a form says: for each row the key of a choice with what belongs to it."""

    rows: Mapping[str, Mapping[str, str]]
    kept: bool
    revision: int | None


def page(app: App, tx: Transaction, principal: Principal, patient_id: str) -> ComparePage:
    """The lists side by side with what was chosen so far. One audited read of the patient."""
    patient = app.record.read(tx, principal, "Patient", patient_id).resource
    require(principal, "search", "MedicationStatement")
    draft = reconciliations.open_draft(tx, patient_id)
    found = compared(app, tx, patient_id, draft)
    return _page(app, tx, principal, patient, found, draft)


@dataclass(frozen=True, kw_only=True)
class Compared:
    """The comparison of now, with the lists that it was made of."""

    lists: medicine_lists.Lists
    comparison: Comparison
    not_checked: int


def compared(app: App, tx: Transaction, patient_id: str, draft: Draft | None) -> Compared:
    """The lists of now side by side, with what the safety rules say of all that might be taken together."""
    lists = medicine_lists.lists_of(app, tx, patient_id)
    comparison = compare(lists.lists, draft.judged if draft else Judged())
    warned = medicine_warnings.warnings_of(app, tx, lists, comparison)
    rows = medicine_warnings.on_rows(comparison.rows, warned)
    rows = tuple(sorted(rows, key=_place))
    return Compared(lists=lists, comparison=replace(comparison, rows=rows), not_checked=warned.not_checked)


def save(app: App, tx: Transaction, principal: Principal, patient_id: str, chosen: Chosen) -> Draft:
    """What was chosen is kept; the comparison is under way. `Conflict` where somebody else saved meanwhile."""
    require_action(principal, Action.LOOP_WORK)
    require(principal, "create", "Procedure")
    app.record.read(tx, principal, "Patient", patient_id)
    tx.lock(f"medicines {patient_id}")
    now = app.clock.now()
    draft = reconciliations.open_draft(tx, patient_id) or _begin(app, tx, principal, patient_id, now)
    _refuse_stale(tx, draft, chosen, principal)
    found = compared(app, tx, patient_id, draft)
    if len(found.comparison.sides) < 2:
        raise Conflict("there is one list only; ask for the other one first")
    draft = _with_choices(app, tx, principal, found.comparison, draft, chosen)
    revision = reconciliations.save(tx, draft, now, principal.reference)
    return replace(draft, revision=revision, saved_by=principal.reference)


def faults(found: Compared, draft: Draft, principal: Principal) -> list[Fault]:
    """What is still missing before it can be finished (ME-06): every row without an outcome, every choice that lacks
    something, in the order of the screen."""
    if not principal.roles & SIGNERS:
        raise NotPermitted("a nurse or a physician signs; save it for later and they will find it here")
    missing = {row.id for row in left_over(found.comparison, draft.decisions, kept=draft.kept)}
    is_prescriber = Role.PHYSICIAN in principal.roles
    faults: list[Fault] = []
    for row in found.comparison.rows:
        decision = draft.decisions.get(row.id)
        if row.id in missing:
            at = f"row-{row.id}" if row.needs_decision else "kept"
            faults.append(Fault(at=at, expected=f"a decision about {row.name}", code="required"))
        elif decision is not None:
            faults += faults_of(row, decision, is_prescriber=is_prescriber, today=found.lists.today)
    return faults


def decisions_of(found: Compared, draft: Draft) -> dict[str, Decision]:
    """A decision for every row: those that were kept together are continued."""
    kept = {
        row.id: Decision(outcome=Outcome.CONTINUE, use=_kept_side(row), reason="The same on every list")
        for row in found.comparison.rows
        if not row.needs_decision
    }
    return {**kept, **{row.id: draft.decisions[row.id] for row in found.comparison.rows if row.id in draft.decisions}}


def _kept_side(row: Row) -> Side | None:
    return next((side for side in (Side.HOME, Side.CLINIC, Side.HOSPITAL) if row.of(side)), None)


def matter_of(tx: Transaction, patient_id: str) -> str | None:
    """What an open loop of this kind is about, the newest; None where there is none."""
    found = [one for one in loops.load_loops(tx, patients=[patient_id]) if one.state.pathway == PATHWAY]
    standing = [one for one in found if one.state.status.is_open]
    return standing[-1].state.focus if standing else None


def loop_of(tx: Transaction, patient_id: str, matter: str | None) -> str | None:
    """The loop about this matter."""
    found = [one for one in loops.load_loops(tx, patients=[patient_id]) if one.state.pathway == PATHWAY]
    return next((one.id for one in reversed(found) if one.state.focus == matter), None)


def _begin(app: App, tx: Transaction, principal: Principal, patient_id: str, now: datetime) -> Draft:
    """The comparison and its Procedure in progress; a request of our own where nobody asked for it, so that signing
    and telling the patient have an owner."""
    own_id, matter = new_id(), matter_of(tx, patient_id)
    writes: list[Write] = []
    if matter is None:
        task = medicine_resources.request(new_id(), patient_id, principal, now)
        matter = f"Task/{task['id']}"
        writes.append(medicine_resources.put(task))
    procedure = medicine_resources.procedure(own_id, patient_id, principal, now, matter, encounter=None)
    writes.append(medicine_resources.put(procedure))
    writing.write(app, tx, principal, writes)
    return reconciliations.begin(tx, own_id, patient_id, matter, now, principal.reference)


def _refuse_stale(tx: Transaction, draft: Draft, chosen: Chosen, principal: Principal) -> None:
    if chosen.revision is None or chosen.revision == draft.revision or draft.saved_by == principal.reference:
        return
    if draft.saved_by:
        raise Conflict(f"{people.Names(tx).name(draft.saved_by)} saved decisions about these medicines meanwhile")


def _with_choices(
    app: App, tx: Transaction, principal: Principal, comparison: Comparison, draft: Draft, chosen: Chosen
) -> Draft:
    """The draft with every choice of the form; rows that the form does not name keep theirs."""
    decisions, same, two = dict(draft.decisions), set(draft.judged.same), set(draft.judged.two)
    owner, due = default_owner(app, tx, draft.patient_id), default_due(app, tx)
    for row in comparison.rows:
        said = chosen.rows.get(row.id)
        if said is None:
            continue
        key = said.get("choice", "")
        if not key:
            decisions.pop(row.id, None)
        elif row.maybe and key in (SAME, TWO):
            (same if key == SAME else two).add(_pair_of(row))
        else:
            decisions[row.id] = _decision(row, comparison, key, said, principal, owner, due)
    here = {row.id for row in comparison.rows}
    decisions = {key: one for key, one in decisions.items() if key in here}
    judged = Judged(same=frozenset(same), two=frozenset(two))
    return replace(draft, decisions=decisions, judged=judged, kept=chosen.kept)


def _pair_of(row: Row) -> str:
    return row_id(row.entries)


def _decision(
    row: Row, comparison: Comparison, key: str, said: Mapping[str, str], principal: Principal, owner: str, due: date
) -> Decision:
    choice = choice_of(row, comparison, key)
    if choice is None:
        raise Rejected(at=f"row-{row.id}", expected="one of the choices of this medicine", code="code-invalid")
    until = _date(said.get("until", ""), row) if key == HOLD else None
    return Decision(
        outcome=choice.outcome,
        use=choice.use,
        reason=(said.get("why") or _documented(row, choice.use))[:300],
        until=until,
        condition=said.get("condition", "")[:200] if key == HOLD else "",
        owner=(said.get("owner") or owner) if key == ASK else "",
        due=(_date(said.get("due", ""), row) or due) if key == ASK else None,
        by=principal.reference,
    )


def _documented(row: Row, use: Side | None) -> str:
    """The reason that the chosen list itself gives. A contraindicated medicine takes one from whoever decides."""
    if use is None or row.loudest is Tier.CONTRAINDICATED:
        return ""
    return next((one.reason for one in row.of(use) if one.reason), "")


def key_of(row: Row, comparison: Comparison, decision: Decision | None) -> str:
    """Which choice a decision was, for the form."""
    if decision is None:
        return ""
    if decision.outcome is Outcome.CLARIFY:
        return ASK
    if decision.outcome is Outcome.HOLD:
        return HOLD
    for one in choices_of(row, comparison):
        if (one.outcome, one.use) == (decision.outcome, decision.use):
            return one.key
    return "stop" if decision.outcome is Outcome.STOP else "keep"


def _date(text: str, row: Row) -> date | None:
    if not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise Rejected(at=f"row-{row.id}", expected="a day as 2026-12-31", code="value") from error


def default_owner(app: App, tx: Transaction, patient_id: str) -> str:
    """The patient's own physician where they work here, else the first of the practice."""
    found = app.record.fetch(tx, [f"Patient/{patient_id}"]).get(f"Patient/{patient_id}")
    named = [str(one.get("reference", "")) for one in (found.resource if found else {}).get("generalPractitioner", ())]
    mine = [reference for reference, _ in questions.physicians(tx)]
    return next((one for one in named if one in mine), mine[0] if mine else "")


def default_due(app: App, tx: Transaction) -> date:
    """The end of the next business day."""
    tenant = engine.tenant_of(tx)
    due = after(app.clock.now(), _ANSWER_WITHIN, tenant.zone, engine.content_for(app, tx).calendar).due
    return due.astimezone(people.zone_of(tx)).date()


def _page(
    app: App, tx: Transaction, principal: Principal, patient: Mapping[str, Any], found: Compared, draft: Draft | None
) -> ComparePage:
    allergies = [one.resource for one in app.record.of_patient(tx, patient["id"], _SAFETY_HEAD)]
    open_rows = left_over(found.comparison, draft.decisions if draft else {}, kept=bool(draft and draft.kept))
    return ComparePage(
        header=header_of(patient, {"AllergyIntolerance": allergies}, found.lists.today),
        comparison=found.comparison,
        draft=draft,
        open_=frozenset(row.id for row in open_rows),
        choices={row.id: choices_of(row, found.comparison) for row in found.comparison.rows},
        physicians=tuple(questions.physicians(tx)),
        default_owner=default_owner(app, tx, patient["id"]),
        default_due=default_due(app, tx),
        may_finish=bool(principal.roles & SIGNERS),
        saved_by=people.Names(tx).name(draft.saved_by) if draft and draft.saved_by else "",
        not_checked=found.not_checked,
        reviewed=all_reviewed(engine.catalog_for(app, tx), "medications", SAFETY_TABLES),
        today=found.lists.today,
    )


def _place(row: Row) -> tuple[int, bool, str, str]:
    order: Sequence[str] = ("different", "only-left", "only-right", "same")
    return order.index(row.group.value), not row.is_high_alert, row.name.casefold(), row.id


def owner_names(tx: Transaction) -> dict[str, str]:
    """Everybody who may be asked, by reference."""
    return {one.reference: one.name for one in accounts.staff(tx) if one.active}
