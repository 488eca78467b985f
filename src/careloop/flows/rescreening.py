"""What is due again is asked for when its day comes (AS-10): a Task opens the loop, once for each score."""

from functools import partial

from careloop.access.model import Tenant, system_principal
from careloop.assessments import content_of, store
from careloop.assessments.resources import OPEN, stamp
from careloop.assessments.store import Due
from careloop.db import Transaction
from careloop.fhir.ids import derived_id
from careloop.flows import people, writing
from careloop.flows.app import App
from careloop.record import Write

_MOST = 200


def go_on(app: App, tenant: Tenant) -> int:
    """What is due by now is asked for; how many. Doing it again changes nothing."""
    return app.database.run(tenant.id, partial(_ask, app))


def _ask(app: App, tx: Transaction) -> int:
    due = store.take_due(tx, app.clock.now(), _MOST)
    content = content_of(app.catalog)
    writes = []
    for one in due:
        task_id = derived_id(tx.tenant_id, "rescreen", one.patient_id, one.instrument, one.due.isoformat())
        store.mark_asked(tx, one, task_id)
        if one.instrument in content.instruments:
            writes.append(_request(app, tx, one, task_id, content.instruments[one.instrument].short))
    if writes:
        writing.write(app, tx, system_principal(tx.tenant_id, "assessments"), writes, cause="time to ask again")
    return len(due)


def _request(app: App, tx: Transaction, due: Due, task_id: str, short: str) -> Write:
    zone = people.zone_of(tx)
    task = {
        "resourceType": "Task",
        "id": task_id,
        "status": "requested",
        "intent": "order",
        "priority": "routine",
        "code": {"coding": [{"system": OPEN, "code": "screening-due"}], "text": f"Ask the {short} again"},
        "description": f"Ask the {short} again: {due.says}",
        "for": {"reference": f"Patient/{due.patient_id}"},
        "authoredOn": stamp(due.due, zone),
        "reasonCode": {"text": f"{due.says} ({due.rule})"},
        "input": [{"type": {"text": "instrument"}, "valueString": due.instrument}],
    }
    return Write(method="update", resource_type="Task", id=task_id, resource=task)
