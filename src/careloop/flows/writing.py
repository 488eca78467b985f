"""The one write door: whatever arrives by whatever way is written here, and whoever must know is told.

In one transaction: the content is checked, stored, findable and in the change feed; the numbers of written patients
are in step with identity; Tasks of loops become acts; the loops of every patient touched are reviewed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
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
from careloop.record import Write, Written
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
    settings = settings_for(tx)
    warnings = check(app, tx, writes, settings) if validate else {}
    _keep_loop_tasks(tx, writes)
    acts = [index for index, one in enumerate(writes) if is_loop_task(one)]
    plain = [index for index in range(len(writes)) if index not in set(acts)]
    written: dict[int, Written] = {}
    done = app.record.write(
        tx, principal, app.clock.now(), [writes[index] for index in plain], validate=False, audit_each=each
    )
    written |= dict(zip(plain, done, strict=True))
    note_patients(app, tx, principal, done)
    diary.note(app, tx, principal, done)
    subscribing.note(tx, app.clock.now(), principal, done)
    for index in acts:
        one = writes[index]
        written[index] = task_updates.task_update(app, tx, principal, dict(one.resource or {}), if_match=one.if_match)
    _note_dangling(app, tx, settings, written, warnings)
    review_written(app, tx, done, cause, each=each)
    assessing.note(app, tx, done, write)
    noticing.note_stays(app, tx, done)
    if following := contact_notes.tasks_for(app, tx, done):
        write(app, tx, system_principal(tx.tenant_id, "contacts"), following, cause="a patient cannot be reached")
    return [replace(written[index], warnings=tuple(warnings.get(index, ()))) for index in range(len(writes))]


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
    warnings: dict[int, list[Fault]] = {}
    terms = None if settings.validation == "off" else terminology_of(app, tx)
    for index, one in enumerate(writes):
        if one.resource is None:
            continue
        refuse_errors(app.record.validator.validate(one.resource))
        if terms is not None and (told := _beyond_structure(app, one.resource, settings, terms)):
            warnings[index] = told
    return warnings


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


def review_written(
    app: App, tx: Transaction, written: Sequence[Written], cause: str | Cause | None, *, each: bool = False
) -> None:
    """The loops of every patient whom these writes touch are what the facts say now."""
    changed = [one for one in written if one.change is not ChangeKind.UNCHANGED]
    telling = [one for one in changed if one.resource_type in engine.RESOURCE_TYPES]
    patients = _with_loops_to_come(app, tx, telling) | _proved_for(tx, changed)
    if not patients:
        return
    if not each:
        closing.review(app, tx, sorted(patients), cause or (telling or changed)[0].versioned_reference)
        return
    closing.lock(tx, patients)
    for patient in sorted(patients):
        why = next((one for one in telling if patient in one.patient_ids), changed[0])
        closing.review(app, tx, [patient], cause or why.versioned_reference)


def _with_loops_to_come(app: App, tx: Transaction, telling: Sequence[Written]) -> set[str]:
    """Those of the patients touched whose loops may change: who has one, and about whom something was said that may
    open one. For all others there is nothing to review, whatever else became known."""
    touched = {patient for one in telling for patient in one.patient_ids}
    content, now, zone = engine.content_for(app, tx), app.clock.now(), engine.tenant_of(tx).zone
    opening = {
        patient
        for one in telling
        if one.resource_type in content.opening_types and _may_open(content, one, zone, now)
        for patient in one.patient_ids
    }
    people = {one.id for one in telling if one.resource_type == "Patient" and one.change is not ChangeKind.CREATED}
    may_open = opening | set(app.record.patients_with(tx, sorted(people), sorted(content.opening_types)))
    return may_open | set(store.patients_with_loops(tx, sorted(touched - may_open)))


def _may_open(content: engine.Content, one: Written, zone: str, now: datetime) -> bool:
    if one.resource is None:
        return one.resource_type == "Encounter"
    known = Known(resource=one.resource, last_updated=one.last_updated, version=one.version)
    return content.may_open(known, zone, now)


def _proved_for(tx: Transaction, changed: Sequence[Written]) -> set[str]:
    """Patients for whom a person named one of these as proof, which rules would not ask about: it may stand no more."""
    things = [
        f"{one.resource_type}/{one.id}"
        for one in changed
        if one.change is not ChangeKind.CREATED and one.resource_type not in _NEVER_NAMED
        if one.resource_type not in engine.RESOURCE_TYPES
    ]
    return set(store.patients_with_proof(tx, things)) if things else set()


def is_loop_task(write: Write) -> bool:
    """True for a change of a Task that may stand for a loop, one of its steps or a contradiction."""
    if write.resource_type != "Task" or write.method != "update" or write.resource is None:
        return False
    codings = (write.resource.get("code") or {}).get("coding") or ()
    return any(coding.get("system") in _LOOP_SYSTEMS for coding in codings if isinstance(coding, dict))


def note_patients(app: App, tx: Transaction, principal: Principal, written: Sequence[Written]) -> None:
    """Numbers and likeness of the written patients are in step, doubts are in the review queue; what was said of staff
    and care teams is known to routing, and nobody left with work in their hands; referrals stand on their board."""
    changed = [one for one in written if one.resource_type == "Patient" and one.change is not ChangeKind.UNCHANGED]
    gone = [one.id for one in changed if one.change is ChangeKind.DELETED]
    if gone:
        identity.forget_patients(tx, gone)
    standing = [one.resource for one in changed if one.resource is not None]
    if standing:
        identifying.note_patients(app, tx, principal, standing)
    team_notes.note(app, tx, principal, written)
    referral_rows.note(app, tx, written)
    minutes_ledger.note(tx, written)


def _note_dangling(
    app: App,
    tx: Transaction,
    settings: TenantSettings,
    written: dict[int, Written],
    warnings: dict[int, list[Fault]],
) -> None:
    """References to what is not there are warned of, or refused where the tenant wants it so (interface.md §3)."""
    wanted = {reference for one in written.values() for reference in one.references}
    if not wanted:
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
