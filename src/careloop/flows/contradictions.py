"""Where sources disagree: contradictions found behind the writes, kept as Tasks, settled by people.

Found by reading the change feed, so that no write pays for it. A contradiction goes away by itself when its facts do;
one that a person settled stays settled until one of its facts changes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal, Tenant
from careloop.access.policy import Action, may_act, require, require_action
from careloop.db import Transaction
from careloop.errors import Conflict, Rejected
from careloop.fhir.ids import derived_id
from careloop.flows import contradiction_tasks, people, routing
from careloop.flows.app import App
from careloop.flows.contradiction_values import Waiting, WaitingList
from careloop.flows.patient_facts import FACT_TYPES, people_of, provenances_of, with_sources
from careloop.longitudinal import Contradiction, Fact, find, longitudinal_of, statements, store, told_by
from careloop.longitudinal.content import ContradictionRule
from careloop.longitudinal.rules.paths import walk
from careloop.longitudinal.store import OPEN, SETTLED, WITHDRAWN, Standing
from careloop.loops.model import ClockState
from careloop.record import Stored

_PATIENTS, _SECONDS = 20, 0.5
_TYPES = (*FACT_TYPES, "Patient")


@dataclass(frozen=True, kw_only=True)
class Reviewed:
    """What one round did."""

    patients: int
    opened: int
    withdrawn: int


def go_on(app: App, tenant: Tenant) -> int:
    """The feed is read on, for at most about half a second, so that a flood of writes does not take the machine from
    those who work; how many patients were looked at. For the worker; safe at any time."""
    types = longitudinal_of(app.catalog).types
    until = monotonic() + _SECONDS
    looked = 0
    more = True
    while more and monotonic() < until:
        touched, more = app.database.run(tenant.id, lambda tx: _round(app, tx, types), actor="contradictions")
        looked += touched
    return looked


def _round(app: App, tx: Transaction, types: frozenset[str]) -> tuple[int, bool]:
    changed = store.read_changes(tx, types, _PATIENTS)
    if changed is None:
        return 0, False
    patients = sorted(changed.patients)
    for start in range(0, len(patients), _PATIENTS):
        review(app, tx, patients[start : start + _PATIENTS])
    return len(patients), changed.more


def catch_up(app: App, tenant: Tenant, progress: Callable[[int], None] = lambda count: None) -> int:
    """Everything that the feed tells of has been looked at; how many patients that were. Goes on as long as it takes:
    for those who wait for it, after a load. `progress` is called with the number so far."""
    looked = 0
    while app.database.run(tenant.id, store.is_behind):
        looked += go_on(app, tenant)
        progress(looked)
    return looked


def review(app: App, tx: Transaction, patient_ids: Sequence[str]) -> Reviewed:
    """The contradictions of these patients are what their facts say now. The same facts again write nothing."""
    if not patient_ids:
        return Reviewed(patients=0, opened=0, withdrawn=0)
    content, now = longitudinal_of(app.catalog), app.clock.now()
    standing: dict[str, Standing] = {one.id: one for one in store.of_patients(tx, patient_ids)}
    found: dict[str, Standing] = {}
    charts = app.record.of_patients(tx, patient_ids, _TYPES)
    for patient_id, facts in _facts_of(app, tx, charts).items():
        rules = content.contradictions
        for one in find(rules.values(), facts, content.folding):
            made = _made(app, tx, patient_id, one, rules[one.rule], now, charts[patient_id])
            found[made.id] = made
    changes = [new for key, made in found.items() if (new := _next(standing.get(key), made)) is not None]
    gone = [
        replace(one, state=WITHDRAWN, ended=now, decision=None, decided_by=None, why=None)
        for key, one in standing.items()
        if key not in found and one.state == OPEN
    ]
    for each in (*changes, *gone):
        store.put(tx, each)
    contradiction_tasks.announce(app, tx, [*changes, *gone], content.contradictions)
    return Reviewed(patients=len(patient_ids), opened=len(changes), withdrawn=len(gone))


def decide(app: App, tx: Transaction, principal: Principal, contradiction_id: str, decision: str, why: str) -> str:
    """A person settles it; what to say afterwards. It stays so until one of the facts changes. Needs a sentence;
    `Conflict` where it is not open any more."""
    _require_work(principal)
    one = store.find(tx, contradiction_id)
    if one.state != OPEN:
        raise Conflict("this was settled already, or the facts changed")
    if decision not in contradiction_tasks.DECIDED:
        raise Rejected(at="decision", expected="one of the answers", code="required")
    if not why.strip():
        raise Rejected(at="why", expected="a sentence that says how you know", code="required")
    done = replace(
        one, state=SETTLED, ended=app.clock.now(), decision=decision, decided_by=principal.reference, why=why.strip()
    )
    store.put(tx, done)
    contradiction_tasks.announce(app, tx, [done], longitudinal_of(app.catalog).contradictions)
    return "Settled. You will be asked again only if one of the facts changes."


def reopen(app: App, tx: Transaction, principal: Principal, contradiction_id: str) -> str:
    """A decision is taken back; what to say afterwards. `Conflict` where nobody decided."""
    _require_work(principal)
    one = store.find(tx, contradiction_id)
    if one.state != SETTLED:
        raise Conflict("nobody has settled this")
    again = replace(one, state=OPEN, ended=None, decision=None, decided_by=None, why=None)
    store.put(tx, again)
    contradiction_tasks.announce(app, tx, [again], longitudinal_of(app.catalog).contradictions)
    return "Open again."


def task_update(app: App, tx: Transaction, principal: Principal, task: Mapping[str, Any]) -> bool:
    """A client worked the Task of a contradiction: its answer is carried out, anything else of it is ours to say. False
    where the Task stands for none. `completed` needs a `statusReason` coded as one of the answers and a `note`."""
    known = store.find_many(tx, [str(task.get("id", ""))])
    if not known:
        return False
    if task.get("status") in _WORKING:
        return True
    codes = walk(task, "statusReason.coding.code")
    decision = next((code for code in codes if code in contradiction_tasks.DECIDED), "")
    if task.get("status") != "completed" or not decision:
        expected = "completed, with a statusReason coded left, right, both or neither, and a note"
        raise Rejected(at="Task.status", expected=expected, code="business-rule")
    decide(app, tx, principal, known[0].id, decision, " ".join(map(str, walk(task, "note.text"))))
    return True


_WORKING = frozenset({"requested", "received", "accepted", "ready", "in-progress"})


def _require_work(principal: Principal) -> None:
    require_action(principal, Action.LOOP_WORK)
    require(principal, "update", "Task")


def _next(before: Standing | None, found: Standing) -> Standing | None:
    """What becomes of a contradiction that is there: None where it stands like that already."""
    if before is None:
        return found
    if before.fingerprint == found.fingerprint and before.state in (OPEN, SETTLED):
        told = replace(before, left=found.left, right=found.right)
        return None if told == before else told
    if before.state == OPEN:
        return replace(found, opened=before.opened, due=before.due, owner=before.owner)
    return found


def _made(
    app: App,
    tx: Transaction,
    patient_id: str,
    one: Contradiction,
    rule: ContradictionRule,
    now: datetime,
    chart: Sequence[Stored],
) -> Standing:
    teams = [found for found in chart if found.resource_type == "CareTeam"]
    desk = routing.Desk(routing.Office(app, tx), patient_id, teams)
    return Standing(
        id=derived_id(tx.tenant_id, "contradiction", patient_id, one.rule, one.matter),
        patient_id=patient_id,
        rule=one.rule,
        matter=one.matter,
        severity=rule.severity,
        owner=desk.choice(rule.owner).owner,
        state=OPEN,
        fingerprint=one.fingerprint,
        left=one.left,
        right=one.right,
        opened=now,
        due=now + timedelta(hours=rule.due_hours),
    )


def _facts_of(app: App, tx: Transaction, charts: Mapping[str, Sequence[Stored]]) -> dict[str, list[Fact]]:
    """Everything that any rule may ask about, by patient: facts with their sources, and what was said of the person."""
    types = longitudinal_of(app.catalog).types
    telling = [one for chart in charts.values() for one in chart if one.resource_type in types]
    provenances = provenances_of(app, tx, [one.reference for one in telling])
    documents = [one.resource for one in telling if one.resource_type == "DocumentReference"]
    known = people_of(app, tx, [*(one.resource for one in telling), *provenances], documents)
    told = told_by(provenances, known)
    changed = [one.id for one in telling if one.resource_type == "Patient" and one.version > 1]
    older = store.patient_versions(tx, changed)
    found: dict[str, list[Fact]] = {}
    for patient_id, chart in charts.items():
        mine = [one for one in chart if one.resource_type in types]
        facts = with_sources([one for one in mine if one.resource_type != "Patient"], provenances, known)
        for person in with_sources([one for one in mine if one.resource_type == "Patient"], (), known):
            facts += statements([*older.get(person.id, ()), person], told.get(person.reference, ()))
        found[patient_id] = facts
    return found


def waiting(
    app: App, tx: Transaction, principal: Principal, *, limit: int = 20, owner: str | None = None
) -> WaitingList:
    """The open contradictions (of one `owner`), the first due first, audited as one search; nothing for those who may
    not work them."""
    if not may_act(principal, Action.LOOP_WORK):
        return WaitingList(items=(), total=0)
    rows, total = store.open_first(tx, limit, owner)
    items = _shown(app, tx, rows)
    if items:
        _audit(tx, principal, items)
    return WaitingList(items=tuple(items), total=total)


def of_patient(app: App, tx: Transaction, patient_id: str) -> list[Waiting]:
    """The open and settled ones of a patient whose page is read, open ones first. Not audited: the page is."""
    return _shown(app, tx, store.of_patient(tx, patient_id))


def item(app: App, tx: Transaction, principal: Principal, contradiction_id: str) -> Waiting:
    """One, open or not, audited as a read of its patient; `NotFound` for an unknown id."""
    require_action(principal, Action.LOOP_WORK)
    one = store.find(tx, contradiction_id)
    app.record.read(tx, principal, "Patient", one.patient_id)
    return _shown(app, tx, [one])[0]


def _shown(app: App, tx: Transaction, rows: Sequence[Standing]) -> list[Waiting]:
    if not rows:
        return []
    rules, now = longitudinal_of(app.catalog).contradictions, app.clock.now()
    names = people.Names(tx)
    shown = people.patients_shown(app, tx, sorted({one.patient_id for one in rows}), now, people.zone_of(tx))
    return [_waiting(one, rules, names, shown[one.patient_id].name, now) for one in rows]


def _waiting(
    one: Standing, rules: Mapping[str, ContradictionRule], names: people.Names, patient_name: str, now: datetime
) -> Waiting:
    left, right = (one.left, one.right) if one.right else (one.left[:1], one.left[1:])
    return Waiting(
        id=one.id,
        patient_id=one.patient_id,
        patient_name=patient_name,
        title=contradiction_tasks.title_of(one, rules),
        ask=rules[one.rule].ask if one.rule in rules else "",
        severity=one.severity.value,
        says=contradiction_tasks.sentence(one),
        left=left,
        right=right,
        opened=one.opened,
        due=one.due,
        clock=_clock(one, now),
        owner=one.owner,
        owner_name=names.name(one.owner),
        state=one.state,
        decided=contradiction_tasks.DECIDED.get(one.decision or "", ""),
        decided_by=names.name(one.decided_by) if one.decided_by else "",
        why=one.why or "",
        ended=one.ended,
    )


def _clock(one: Standing, now: datetime) -> ClockState:
    if one.due < now:
        return ClockState.OVERDUE
    return ClockState.DUE_SOON if (one.due - now) * 4 < one.due - one.opened else ClockState.ON_TIME


def _audit(tx: Transaction, principal: Principal, items: Sequence[Waiting]) -> None:
    record_audit(
        tx,
        AuditEntry(
            principal=principal,
            action="E",
            subtype="search",
            resource_type="Task",
            resource_ids=[one.id for one in items],
            patient_ids=sorted({one.patient_id for one in items}),
            query="contradictions",
        ),
    )
