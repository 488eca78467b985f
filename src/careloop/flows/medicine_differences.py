"""A hospital list that differs from what is taken at home asks for a comparison by itself (ui.md §4.3).

Found behind the writes, for the patients whom the change feed names. One request for each hospital list: its loop has
seven days, a high-alert medicine among the differences makes it due the same day.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from careloop.access.model import system_principal
from careloop.db import Transaction
from careloop.fhir.ids import derived_id
from careloop.flows import medicine_compare, medicine_resources, writing
from careloop.flows.app import App
from careloop.flows.medicine_compare import Compared
from careloop.loops import store as loops
from careloop.medications import reconciliations
from careloop.medications.rules.reconciling.values import Side

RECENT = timedelta(days=30)
"""An older hospital list is history and asks for nothing."""
_NAMED = 4


def review(app: App, tx: Transaction, patient_ids: Sequence[str]) -> int:
    """Requests stand for the patients whose hospital list differs; how many were written. Doing it again writes
    nothing."""
    return sum(_review(app, tx, patient_id) for patient_id in sorted(set(patient_ids)))


def _review(app: App, tx: Transaction, patient_id: str) -> bool:
    if reconciliations.open_draft(tx, patient_id) is not None or _is_open(tx, patient_id):
        return False
    found = medicine_compare.compared(app, tx, patient_id, None)
    hospital = next((one for one in found.comparison.lists if one.side is Side.HOSPITAL), None)
    if hospital is None or len(found.comparison.sides) < 2 or not found.comparison.differing:
        return False
    if hospital.told is not None and hospital.told < found.lists.today - RECENT:
        return False
    own_id = derived_id(tx.tenant_id, "medicine difference", f"{patient_id} {_key(found)}")
    if app.record.fetch(tx, [f"Task/{own_id}"]):
        return False
    principal = system_principal(tx.tenant_id, "medicines")
    task = medicine_resources.request(own_id, patient_id, principal, app.clock.now(), says=_says(found))
    task["priority"] = "stat" if any(row.is_high_alert for row in found.comparison.differing) else "routine"
    writing.write(app, tx, principal, [medicine_resources.put(task)])
    return True


def _is_open(tx: Transaction, patient_id: str) -> bool:
    found = loops.load_loops(tx, patients=[patient_id])
    return any(one.state.pathway == medicine_compare.PATHWAY and one.state.status.is_open for one in found)


def _key(found: Compared) -> str:
    hospital: Any = next(one for one in found.lists.told if one.source.value == "hospital")
    return " ".join([str(hospital.told or ""), *sorted(hospital.references)])


def _says(found: Compared) -> str:
    names = [row.name for row in found.comparison.differing]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"Medicine lists differ: {', '.join(names[:_NAMED])}{more}"
