"""The one write door: whatever arrives by whatever way is written here, and whoever must know is told.

In one transaction: the content is checked, stored, findable and in the change feed; the numbers of written patients
are in step with identity; Tasks of loops become acts; the loops of every patient touched are reviewed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from careloop import identity
from careloop.access.model import Principal, system_principal
from careloop.access.tenancy import TenantSettings, settings_of
from careloop.db import Transaction
from careloop.errors import Fault, Rejected
from careloop.events import ChangeKind
from careloop.flows import (
    assessing,
    closing,
    contact_notes,
    diary,
    engine,
    identifying,
    minutes_ledger,
    noticing,
    referral_rows,
    subscribing,
    task_updates,
    team_notes,
)
from careloop.flows.app import App
from careloop.flows.causes import Cause
from careloop.flows.narrow_writes import refuse_beyond_sight
from careloop.flows.terminology import terminology_of
from careloop.loops import store
from careloop.loops.facts import Known
from careloop.record import Begun, Write, Written
from careloop.terminology import Terminology

_LOOP_SYSTEMS = frozenset({"urn:careloop:pathway", "urn:careloop:step", "urn:careloop:work"})
_NEVER_NAMED = frozenset({"Task", "Provenance"})


def write(
    app: App,
    tx: Transaction,
    principal: Principal,
    writes: Sequence[Write],
    *,
    cause: str | Cause | None = None,
    validate: bool = True,
    each: bool = False,
) -> list[Written]:
    """All writes are done and everybody is told, or nothing happened. Answers in the order of `writes`.

    `Rejected` names the faults of the first resource that is not valid, `PreconditionFailed` a stale version. `cause`
    is why loops are reviewed; by default it is the first resource that changed. `validate=False` is for content that
    was checked already in this transaction. With `each` the writes have nothing to do with each other but that they
    came together: each is audited for itself, and is itself the cause of what it leads to.
    """
    if principal.sight is not None and tx.sight is not None:
        refuse_beyond_sight(app, tx, principal, writes)
        with tx.widened():
            return write(app, tx, principal, writes, cause=cause, validate=validate, each=each)
    if validate:
        _refuse_unstructured(app, writes)
    _keep_loop_tasks(tx, writes)
    acts = [index for index, one in enumerate(writes) if is_loop_task(one)]
    plain = [index for index in range(len(writes)) if index not in set(acts)]
    begun = _begin(app, tx, [writes[index] for index in plain])
    settings = settings_for(tx)
    warnings = _beyond(app, tx, writes, settings) if validate else {}
    done = app.record.carry_out(tx, principal, app.clock.now(), begun.record, audit_each=each)
    written = dict(zip(plain, done, strict=True))
    minutes_ledger.note(tx, done)
    noting = _begin_noting(app, tx, principal, done, begun.people)
    after = _ask(app, tx, done)
    more, sent = noting(), tx.sent
    _note_others(app, tx, principal, done)
    diary.note(app, tx, principal, done)
    subscribing.note(tx, app.clock.now(), principal, done)
    for index in acts:
        one = writes[index]
        written[index] = task_updates.task_update(app, tx, principal, dict(one.resource or {}), if_match=one.if_match)
    if more or tx.sent != sent:
        after = _ask(app, tx, done)  # more was done since: it may have changed the answers
    _note_dangling(app, tx, settings, written, warnings, after)
    _review(app, tx, done, after.touched, cause, each=each)
    assessing.note(app, tx, done, write)
    noticing.note_stays(app, tx, done)
    if following := contact_notes.tasks_for(app, tx, done):
        write(app, tx, system_principal(tx.tenant_id, "contacts"), following, cause="a patient cannot be reached")
    tx.send()
    return [replace(written[index], warnings=tuple(warnings.get(index, ()))) for index in range(len(writes))]


@dataclass(frozen=True)
class _Begun:
    """Writes whose places in the record are locked, and what identity knows of the patients among them."""

    record: Begun
    people: identity.Asked | None


def _begin(app: App, tx: Transaction, writes: Sequence[Write]) -> _Begun:
    """All that must be known before anything is written leaves as one exchange."""
    engine.foresee_tenant(tx)
    begun = app.record.begin(tx, writes)
    people = {
        one.id: one.write.resource
        for one in begun.prepared
        if one.write.resource_type == "Patient" and one.write.resource is not None
    }
    return _Begun(begun, identity.ask_about(tx, people) if people else None)


@dataclass(frozen=True)
class _After:
    """What is asked after a write, together with it: which of these references lead nowhere; whose loops are to be
    reviewed."""

    references: frozenset[str]
    missing: Callable[[], list[str]]
    touched: Callable[[], set[str]]


def _ask(app: App, tx: Transaction, done: Sequence[Written]) -> _After:
    wanted = {reference for one in done for reference in one.references}
    missing = app.record.missing_later(tx, sorted(wanted))
    return _After(references=frozenset(wanted), missing=missing, touched=_touched(app, tx, done))


def _keep_loop_tasks(tx: Transaction, writes: Sequence[Write]) -> None:
    for one in writes:
        if one.method == "delete" and one.resource_type == "Task":
            task_updates.refuse_delete(tx, one.id)


def settings_for(tx: Transaction) -> TenantSettings:
    """What the transaction's tenant has chosen."""
    return settings_of(engine.tenant_of(tx))


def check(app: App, tx: Transaction, writes: Sequence[Write], settings: TenantSettings) -> dict[int, list[Fault]]:
    """The warnings of each write by its place. `Rejected` with all faults of the first resource that is not valid.

    Structure is always refused; invariants and declared profiles are what the tenant's `validation` makes of them.
    """
    _refuse_unstructured(app, writes)
    return _beyond(app, tx, writes, settings)


def _refuse_unstructured(app: App, writes: Sequence[Write]) -> None:
    for one in writes:
        if one.resource is not None:
            refuse_errors(app.record.validator.validate(one.resource))


def _beyond(app: App, tx: Transaction, writes: Sequence[Write], settings: TenantSettings) -> dict[int, list[Fault]]:
    """Warnings beyond structure, by place."""
    if settings.validation == "off":
        return {}
    terms = terminology_of(app, tx)
    told = {
        index: _beyond_structure(app, one.resource, settings, terms)
        for index, one in enumerate(writes)
        if one.resource is not None
    }
    return {index: faults for index, faults in told.items() if faults}


def _beyond_structure(
    app: App, resource: Mapping[str, Any], settings: TenantSettings, terms: Terminology
) -> list[Fault]:
    """What breaks invariants and profiles, as warnings; `Rejected` where the tenant refuses an error."""
    found = app.record.validator.beyond_structure(resource, terminology=terms)
    faults = [fault for fault in found if fault.severity != "information"]
    if settings.validation == "refuse":
        refuse_errors(faults)
    return [replace(fault, severity="warning") for fault in faults]


def refuse_errors(faults: Sequence[Fault]) -> None:
    """Nothing happens where no fault is an error; else `Rejected` with all of them."""
    errors = [fault for fault in faults if fault.severity in ("error", "fatal")]
    if errors:
        raise Rejected(at=errors[0].at, expected=errors[0].expected, code=errors[0].code, faults=faults)


def _review(
    app: App,
    tx: Transaction,
    written: Sequence[Written],
    touched: Callable[[], set[str]],
    cause: str | Cause | None,
    *,
    each: bool,
) -> None:
    """The loops of every patient whom these writes touch are what the facts say now."""
    patients = touched()
    if not patients:
        return
    changed = [one for one in written if one.change is not ChangeKind.UNCHANGED]
    telling = [one for one in changed if one.resource_type in engine.RESOURCE_TYPES]
    if not each:
        closing.review(app, tx, sorted(patients), cause or (telling or changed)[0].versioned_reference)
        return
    closing.lock(tx, patients)
    for patient in sorted(patients):
        why = next((one for one in telling if patient in one.patient_ids), changed[0])
        closing.review(app, tx, [patient], cause or why.versioned_reference)


def _touched(app: App, tx: Transaction, written: Sequence[Written]) -> Callable[[], set[str]]:
    """Those of the patients touched whose loops may change: who has one, and about whom something was said that may
    open one. For all others there is nothing to review, whatever else became known. Asked with what is asked next."""
    changed = [one for one in written if one.change is not ChangeKind.UNCHANGED]
    telling = [one for one in changed if one.resource_type in engine.RESOURCE_TYPES]
    content, now, zone = engine.content_for(app, tx), app.clock.now(), engine.tenant_of(tx).zone
    opening = {
        patient
        for one in telling
        if one.resource_type in content.opening_types and _may_open(content, one, zone, now)
        for patient in one.patient_ids
    }
    people = {one.id for one in telling if one.resource_type == "Patient" and one.change is not ChangeKind.CREATED}
    with_facts = app.record.patients_with(tx, sorted(people - opening), sorted(content.opening_types))
    touched = {patient for one in telling for patient in one.patient_ids}
    with_loops = store.patients_with_loops(tx, sorted(touched - opening))
    with_proof = _proved_for(tx, changed)
    return lambda: opening.union(with_facts(), with_loops(), with_proof())


def _may_open(content: engine.Content, one: Written, zone: str, now: datetime) -> bool:
    if one.resource is None:
        return one.resource_type == "Encounter"
    known = Known(resource=one.resource, last_updated=one.last_updated, version=one.version)
    return content.may_open(known, zone, now)


def _proved_for(tx: Transaction, changed: Sequence[Written]) -> Callable[[], list[str]]:
    """Patients for whom a person named one of these as proof, which rules would not ask about: it may stand no more."""
    things = [
        f"{one.resource_type}/{one.id}"
        for one in changed
        if one.change is not ChangeKind.CREATED and one.resource_type not in _NEVER_NAMED
        if one.resource_type not in engine.RESOURCE_TYPES
    ]
    return store.patients_with_proof(tx, things)


def is_loop_task(write: Write) -> bool:
    """True for a change of a Task that may stand for a loop, one of its steps or a contradiction."""
    if write.resource_type != "Task" or write.method != "update" or write.resource is None:
        return False
    codings = (write.resource.get("code") or {}).get("coding") or ()
    return any(coding.get("system") in _LOOP_SYSTEMS for coding in codings if isinstance(coding, dict))


def note_patients(app: App, tx: Transaction, principal: Principal, written: Sequence[Written]) -> None:
    """Numbers and likeness of the written patients are in step, doubts are in the review queue; what was said of staff
    and care teams is known to routing, and nobody left with work in their hands; referrals stand on their board."""
    minutes_ledger.note(tx, written)
    _begin_noting(app, tx, principal, written, None)()
    _note_others(app, tx, principal, written)


def _begin_noting(
    app: App, tx: Transaction, principal: Principal, written: Sequence[Written], asked: identity.Asked | None
) -> Callable[[], bool]:
    """Numbers and likeness of the written patients leave with what is asked next. The rest is done by the function that
    comes back, which says whether more followed from them."""
    changed = [one for one in written if one.resource_type == "Patient" and one.change is not ChangeKind.UNCHANGED]
    gone = {one.id for one in changed if one.change is ChangeKind.DELETED}
    if gone:
        identity.forget_patients(tx, sorted(gone))
    standing = [one.resource for one in changed if one.resource is not None]
    if not standing:
        return bool
    if asked is None or any(holder in gone for holder, _ in asked.standing().holders.values()):
        asked = identity.ask_about(tx, {str(one["id"]): one for one in standing})
    return identifying.begin_noting(app, tx, principal, standing, asked)


def _note_others(app: App, tx: Transaction, principal: Principal, written: Sequence[Written]) -> None:
    team_notes.note(app, tx, principal, written)
    referral_rows.note(app, tx, written)


def _note_dangling(
    app: App,
    tx: Transaction,
    settings: TenantSettings,
    written: dict[int, Written],
    warnings: dict[int, list[Fault]],
    after: _After,
) -> None:
    """References to what is not there are warned of, or refused where the tenant wants it so (interface.md §3)."""
    wanted = {reference for one in written.values() for reference in one.references}
    if wanted <= after.references and not after.missing():
        return
    missing = set(app.record.missing(tx, sorted(wanted)))
    for index, one in written.items():
        if dangling := missing.intersection(one.references):
            fault = Fault(
                at=one.resource_type,
                expected=f"resources that exist: {len(dangling)} of its references lead nowhere",
                severity="warning",
                code="not-found",
            )
            if settings.refuse_dangling:
                raise Rejected(at=fault.at, expected=fault.expected, code="not-found")
            warnings.setdefault(index, []).append(fault)
