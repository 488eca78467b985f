"""Plans whose day of review has passed lose their mark, and looking at them becomes work (features 13)."""

from datetime import timedelta

from careloop.access.model import Tenant, system_principal
from careloop.careplans import store
from careloop.careplans.model import PlanState
from careloop.db import Transaction
from careloop.flows import people, writing
from careloop.flows.app import App
from careloop.flows.plan_desk import open_desk, opening, review_loop
from careloop.record import Write

EVERY = timedelta(minutes=10)
_SET = 50
_SAYS = "The care plan is due to be looked at"


def go_on(app: App, tenant: Tenant) -> int:
    """Work is opened for every plan whose day has passed, once for each day; how many plans were due. A plan that ended
    or that somebody is looking at already needs none."""
    due = 0
    while (found := app.database.run(tenant.id, lambda tx: _one_set(app, tx), actor="Device/plan-reviews")) > 0:
        due += found
    return due


def _one_set(app: App, tx: Transaction) -> int:
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
        author = system_principal(tx.tenant_id, "plan-reviews")
        request = opening(desk.plan, now.isoformat(), author.reference, _SAYS)
        write = Write(method="create", resource_type="Task", id=request["id"], resource=request)
        writing.write(app, tx, author, [write])
    return len(due)
