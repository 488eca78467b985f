"""Forms that came by a door of their own (a bulk load) are scored like all others, behind the writes.

Every QuestionnaireResponse that passes the write door is scored there; one that was loaded in bulk is not. What was
made of a version of a form says so by its Provenance: where none stands, the form is looked at here. Nothing follows
twice.
"""

from collections.abc import Sequence

from careloop.db import Transaction
from careloop.events import ChangeKind
from careloop.fhir.ids import derived_id
from careloop.flows import assessing, writing
from careloop.flows.app import App
from careloop.record import Stored, Written

_DONE = frozenset({"completed", "amended"})


def catch_up(app: App, tx: Transaction, ids: Sequence[str]) -> int:
    """Everything that these forms ask for stands; how many had to be looked at. What is history asks for no work."""
    found = app.record.fetch(tx, [f"QuestionnaireResponse/{one}" for one in dict.fromkeys(ids)])
    forms = [one for one in found.values() if not one.deleted and one.resource.get("status") in _DONE]
    marks = {f"Provenance/{_mark(tx, one)}": one for one in forms}
    known = app.record.fetch(tx, sorted(marks)) if marks else {}
    late = [one for name, one in marks.items() if name not in known]
    for one in late:
        assessing.note(app, tx, [_as_written(one)], writing.write)
    return len(late)


def _mark(tx: Transaction, one: Stored) -> str:
    """The Provenance of what was made of this version (`assessing._write`)."""
    return derived_id(tx.tenant_id, "assessment", one.id, "provenance", str(one.version))


def _as_written(one: Stored) -> Written:
    return Written(
        resource_type=one.resource_type,
        id=one.id,
        version=one.version,
        change=ChangeKind.CREATED,
        patient_id=one.patient_id,
        last_updated=one.last_updated,
        resource=dict(one.resource),
    )
