"""How often a patient is asked, and pauses: changed by a nurse with a reason, or by the patient with their link.

Both stand in the EpisodeOfCare of the enrolment: who, when, why. A pause with an end goes on by itself.
"""

from collections.abc import Mapping
from datetime import time, timedelta
from typing import Any

from careloop.access.model import Principal, system_principal
from careloop.access.policy import Action, require, require_action
from careloop.db import Transaction
from careloop.errors import Conflict, Rejected
from careloop.fhir.ids import derived_id
from careloop.flows import home_plans, monitoring, people, writing
from careloop.flows.app import App
from careloop.flows.home_plans import ASK_AT, RHYTHM, RHYTHM_CHANGE
from careloop.monitoring import store
from careloop.monitoring.rules.asking import asking_of
from careloop.record import Write

_PATIENT = "The patient, by their link"
_SCORE = "urn:careloop:score"


def set_rhythm(
    app: App, tx: Transaction, principal: Principal, patient_id: str, rhythm: str, why: str, *, at: str = ""
) -> str:
    """The patient is asked in this rhythm from now on; what was missed before counts no more. A sentence says why; `at`
    is their own time of day. What to say afterwards."""
    require_action(principal, Action.LOOP_WORK)
    require(principal, "update", "EpisodeOfCare")
    if not why.strip():
        raise Rejected(at="why", expected="a sentence", code="required")
    asking = asking_of(monitoring.content_of(app, tx).check_ins)
    if rhythm not in asking.rhythms:
        raise Rejected(at="rhythm", expected="one of the rhythms", code="value")
    if at:
        try:
            moment = time.fromisoformat(at)
        except ValueError:
            moment = time.max
        if not asking.opens <= moment < asking.closes:
            expected = f"a time from {asking.opens:%-I:%M %p} to {asking.closes:%-I:%M %p}"
            raise Rejected(at="ask_at", expected=expected, code="value")
    app.record.read(tx, principal, "EpisodeOfCare", _row(tx, patient_id)["episode"])
    _change(app, tx, patient_id, rhythm, why.strip(), principal.name, principal, at)
    return f"Saved: {asking.rhythms[rhythm].name[0].lower()}{asking.rhythms[rhythm].name[1:]}."


def rhythm_by_patient(app: App, tx: Transaction, patient_id: str, rhythm: str) -> None:
    """The patient chose how often they are asked, among those that are theirs to choose."""
    asking = asking_of(monitoring.content_of(app, tx).check_ins)
    if rhythm not in asking.rhythms or not asking.rhythms[rhythm].patient_may:
        raise Rejected(at="choice", expected="one of the answers", code="required")
    author = system_principal(tx.tenant_id, "check-in")
    _change(app, tx, patient_id, rhythm, "They chose it", _PATIENT, author, "")


def pause_by_patient(app: App, tx: Transaction, patient_id: str, pause: Mapping[str, Any]) -> None:
    """The patient said that they cannot answer; nothing is expected until the pause is over. What somebody must know of
    it is an Observation and goes through the limits."""
    author = system_principal(tx.tenant_id, "check-in")
    now = app.clock.now()
    until = (now + timedelta(days=pause["days"])).astimezone(people.zone_of(tx)).isoformat(timespec="seconds")
    observations = []
    if "tells" in pause:
        told = _told(app, tx, patient_id, str(pause["tells"]), str(pause["says"]))
        writing.write(app, tx, author, [_put(told)])
        observations = [told["id"]]
    _set_status(app, tx, author, patient_id, "onhold", f"{_PATIENT}: {pause['says']}", until)
    home_plans.refresh(app, tx, [patient_id])
    monitoring.review(app, tx, observations, [patient_id])


def resume(app: App, tx: Transaction, patient_id: str) -> None:
    """A pause is over: readings and check-ins are expected again."""
    author = system_principal(tx.tenant_id, "check-in")
    _set_status(app, tx, author, patient_id, "active", "The pause is over", "")
    home_plans.refresh(app, tx, [patient_id])
    monitoring.review(app, tx, (), [patient_id])


def _row(tx: Transaction, patient_id: str) -> dict[str, Any]:
    rows = store.rows_of(tx, "plan_rows", patients=[patient_id])
    if not rows or rows[0]["status"] == "finished":
        raise Conflict("this patient does not take part")
    return dict(rows[0])


def _episode(app: App, tx: Transaction, patient_id: str) -> dict[str, Any]:
    name = f"EpisodeOfCare/{_row(tx, patient_id)['episode']}"
    return dict(app.record.fetch(tx, [name])[name].resource)


def _change(
    app: App, tx: Transaction, patient_id: str, rhythm: str, why: str, by: str, author: Principal, at: str
) -> None:
    now = app.clock.now().astimezone(people.zone_of(tx)).isoformat(timespec="milliseconds")
    episode = _episode(app, tx, patient_id)
    ours = {RHYTHM, ASK_AT} if at else {RHYTHM}
    others = [one for one in episode.get("extension", ()) if one.get("url") not in ours]
    parts = [
        {"url": "rhythm", "valueCode": rhythm},
        {"url": "at", "valueDateTime": now},
        {"url": "why", "valueString": why},
        {"url": "by", "valueString": by},
    ]
    others += [{"url": RHYTHM, "valueCode": rhythm}, {"url": RHYTHM_CHANGE, "extension": parts}]
    if at:
        others.append({"url": ASK_AT, "valueTime": f"{at[:5]}:00"})
    writing.write(app, tx, author, [_put({**episode, "extension": others})])
    home_plans.refresh(app, tx, [patient_id])


def _set_status(
    app: App, tx: Transaction, author: Principal, patient_id: str, status: str, why: str, until: str
) -> None:
    at = app.clock.now().astimezone(people.zone_of(tx)).isoformat(timespec="seconds")
    changed = home_plans.with_status(_episode(app, tx, patient_id), status, at, why, until)
    writing.write(app, tx, author, [_put(changed)])


def _told(app: App, tx: Transaction, patient_id: str, code: str, says: str) -> dict[str, Any]:
    at = app.clock.now().astimezone(people.zone_of(tx)).isoformat(timespec="seconds")
    me = {"reference": f"Patient/{patient_id}"}
    return {
        "resourceType": "Observation",
        "id": derived_id(tx.tenant_id, "told by link", patient_id, code, at),
        "status": "final",
        "code": {"coding": [{"system": _SCORE, "code": code}], "text": says},
        "subject": me,
        "effectiveDateTime": at,
        "performer": [me],
        "valueQuantity": {"value": 1, "unit": "points", "system": "http://unitsofmeasure.org", "code": "{score}"},
    }


def _put(resource: dict[str, Any]) -> Write:
    return Write(method="update", resource_type=resource["resourceType"], id=resource["id"], resource=resource)
