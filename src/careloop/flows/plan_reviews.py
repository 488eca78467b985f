"""Plans whose day of review has passed lose their mark, and so do those that a plan of another source contradicts:
looking at them becomes work (features 12 and 13)."""

from datetime import timedelta
from functools import partial

from careloop.access.model import Principal, Tenant, system_principal
from careloop.careplans import store
from careloop.careplans.model import PlanState
from careloop.db import Transaction
from careloop.flows import people, writing
from careloop.flows.app import App
from careloop.flows.plan_desk import PlanDesk, open_desk, opening, review_loop, save
from careloop.record import Write

EVERY = timedelta(minutes=10)
_SET = 50
_SAYS = "The care plan is due to be looked at"
_DIFFERS = "Another plan says something else"


def go_on(app: App, tenant: Tenant) -> int:
    """Work is opened for every plan whose day has passed, once for each day, and for every plan that another source's
    contradicts since; how many plans were looked at. A plan that ended or that somebody is looking at already needs
    none."""
    looked = 0
    for one_set in (_due, _contradicted):
        while (found := app.database.run(tenant.id, partial(one_set, app), actor="Device/plan-reviews")) > 0:
            looked += found
    return looked


def _due(app: App, tx: Transaction) -> int:
    now = app.clock.now()
    due = store.reviews_due(tx, now.astimezone(people.zone_of(tx)).date(), _SET)
    plans = app.record.fetch(tx, [f"CarePlan/{plan_id}" for plan_id, _ in due])
    for plan_id, _ in due:
        store.note_told(tx, plan_id)
        stored = plans.get(f"CarePlan/{plan_id}")
        if stored is None or stored.deleted or stored.patient_id is None:
            continue
        tx.lock(f"patient {stored.patient_id}")
        desk = open_desk(app, tx, stored.patient_id)
        if desk.plan.id != plan_id or desk.state is not PlanState.STALE or review_loop(tx, stored.patient_id):
            continue
        _open(app, tx, desk, _SAYS)
    return len(due)


def _contradicted(app: App, tx: Transaction) -> int:
    """Plans are held against what others plan now; one that changes by that is saved so, and looking at it is work."""
    changed = store.others_changed(tx, _SET)
    for plan_id, patient_id, seen in changed:
        store.note_seen(tx, plan_id, seen)
        tx.lock(f"patient {patient_id}")
        desk = open_desk(app, tx, patient_id)
        if desk.plan.id != plan_id or desk.plan.conflicts == desk.saved.conflicts:
            continue
        save(app, tx, _author(tx), desk, desk.plan)
        if desk.plan.open_conflicts and review_loop(tx, patient_id) is None:
            what = ", ".join(one.title.lower() for one in desk.plan.open_conflicts)
            _open(app, tx, desk, f"{_DIFFERS}: {what}")
    return len(changed)


def _open(app: App, tx: Transaction, desk: PlanDesk, says: str) -> None:
    author = _author(tx)
    request = opening(desk.plan, app.clock.now().isoformat(), author.reference, says)
    write = Write(method="create", resource_type="Task", id=request["id"], resource=request)
    writing.write(app, tx, author, [write])


def _author(tx: Transaction) -> Principal:
    return system_principal(tx.tenant_id, "plan-reviews")
