"""A one-use link by which a patient gives readings and answers the daily check-in, without an account, on any phone.

The code is sealed with the installation's key: it says who may answer until when, and only we can read it. What is
shown waits for the birth date. One answer: the form it makes has the link's id, and a second one is refused.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from careloop.access.audit import AuditEntry, record_audit
from careloop.access.keys import open_keyring
from careloop.access.model import Principal, Tenant, system_principal
from careloop.access.policy import Action, require_action
from careloop.access.throttle import Bucket, charge
from careloop.db import Transaction
from careloop.errors import Conflict, NotFound, Unavailable
from careloop.fhir.ids import derived_id, new_id
from careloop.flows import home_enrolling, home_entering, home_plans, monitoring, people, writing
from careloop.flows.app import App
from careloop.flows.home_entering import Typed
from careloop.flows.home_readings import SYMPTOM, TAG
from careloop.monitoring.content import Monitoring
from careloop.monitoring.model import Plan
from careloop.monitoring.rules import check_ins
from careloop.monitoring.rules.check_ins import Outcome
from careloop.record import Write

LIFE = timedelta(days=7)
_PURPOSE = "home check-in"
_FREE_TRIES = 20
_SCORE = "urn:careloop:score"


@dataclass(frozen=True, kw_only=True)
class Door:
    """A link that is good now: its practice, its patient, its id, and who stands there."""

    tenant: Tenant
    link_id: str
    patient_id: str
    principal: Principal


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the patient is asked: their first name, the check-in, what they measure at home."""

    name: str
    plan: Plan
    form: Mapping[str, Any]
    content: Monitoring

    @property
    def metrics(self) -> list[str]:
        """What they measure, by their programmes."""
        some = [
            self.content.programmes[one].metrics
            for one in sorted(self.plan.conditions)
            if one in self.content.programmes
        ]
        return list(dict.fromkeys(metric for metrics in some for metric in metrics))


def make(app: App, principal: Principal, patient_id: str) -> str:
    """The code of a new link for a patient who takes part; audited. `Conflict` for anybody else."""
    require_action(principal, Action.LOOP_WORK)

    def work(tx: Transaction) -> str:
        row = home_enrolling.standing(tx, patient_id)
        if row is None or row["status"] == "finished":
            raise Conflict("enroll the patient first")
        return sealed(app, tx, principal, patient_id, new_id())

    return app.database.run(principal.tenant_id, work, actor=principal.reference)


def sealed(app: App, tx: Transaction, principal: Principal, patient_id: str, link_id: str) -> str:
    """The code of the link with this id; that it was made stands in the trail."""
    until = int((app.clock.now() + LIFE).timestamp())
    text = f"{tx.tenant_id} {patient_id} {link_id} {until}"
    entry = AuditEntry(
        principal=principal,
        action="C",
        subtype="patient-link",
        resource_ids=[link_id],
        patient_ids=[patient_id],
        detail="a link for readings and a check-in was made",
    )
    record_audit(tx, entry)
    return urlsafe_b64encode(open_keyring(app.settings.data_dir).seal(_PURPOSE, text)).decode().rstrip("=")


def open_door(app: App, code: str, address: str) -> Door | None:
    """Who stands at the door; None for a code that opens nothing, for whatever reason. `Throttled` after too many."""
    keys = open_keyring(app.settings.data_dir)
    try:
        text = keys.unseal(_PURPOSE, urlsafe_b64decode(code + "=" * (-len(code) % 4)))
        tenant_id, patient_id, link_id, until = text.split(" ")
        tenant = app.tenant(int(tenant_id))
    except (Unavailable, Base64Error, ValueError, NotFound):
        with app.database.directory() as directory:
            charge(
                directory,
                [Bucket(key=keys.fingerprint("throttle check-in", address), free=_FREE_TRIES)],
                app.clock.now(),
            )
        return None
    if datetime.fromtimestamp(int(until), UTC) <= app.clock.now():
        return None
    with app.database.transaction(tenant.id) as tx:
        if app.record.fetch(tx, [f"QuestionnaireResponse/{_answer_id(tenant.id, link_id)}"]):
            return None
        row = home_enrolling.standing(tx, patient_id)
    if row is None or row["status"] == "finished":
        return None
    principal = system_principal(tenant.id, "check-in")
    return Door(tenant=tenant, link_id=link_id, patient_id=patient_id, principal=principal)


def ask(app: App, door: Door, birth_date: str) -> Asked | None:
    """What is asked, for the right birth date; None for a wrong one. Both are audited, wrong ones are counted."""
    keys = open_keyring(app.settings.data_dir)
    with app.database.directory() as directory:
        charge(directory, [Bucket(key=keys.fingerprint("check-in", door.link_id), free=5)], app.clock.now())
    with app.database.transaction(door.tenant.id, actor="check-in") as tx:
        patient = app.record.fetch(tx, [f"Patient/{door.patient_id}"])[f"Patient/{door.patient_id}"].resource
        right = hmac.compare_digest(str(patient.get("birthDate", "")).encode(), birth_date.strip().encode())
        entry = AuditEntry(
            principal=door.principal,
            action="R",
            subtype="read",
            resource_type="Patient",
            patient_ids=[door.patient_id],
            outcome="0" if right and birth_date.strip() else "8",
            detail="a patient's link was opened" if right else "a patient's link was refused: wrong birth date",
        )
        record_audit(tx, entry)
        row = home_enrolling.standing(tx, door.patient_id)
        if not right or not birth_date.strip() or row is None:
            return None
        plan, content = home_plans.from_json(row["plan"]), monitoring.content_of(app, tx)
    names = [name for one in patient.get("name", ()) for name in one.get("given", ())]
    return Asked(
        name=str(names[0]) if names else "",
        plan=plan,
        form=check_ins.form_for(content.check_ins, plan.conditions),
        content=content,
    )


def save(app: App, door: Door, asked: Asked, answers: Mapping[str, str], typed: list[Typed]) -> Outcome:
    """The answers and values are in the record, once; what the patient is told. `Rejected` where a question is open,
    `Conflict` where the link was used."""
    result = check_ins.outcome(asked.form, answers, asked.content.check_ins["levels"])

    def work(tx: Transaction) -> None:
        tx.lock(f"check-in {door.link_id}")
        answer_id = _answer_id(door.tenant.id, door.link_id)
        if app.record.fetch(tx, [f"QuestionnaireResponse/{answer_id}"]):
            raise Conflict("this link was used before")
        zone = people.zone_of(tx)
        at = app.clock.now().astimezone(zone).isoformat(timespec="seconds")
        found = [_response(answer_id, door.patient_id, asked.form, result, at)]
        found += _scores(answer_id, door, result, at)
        me = {"reference": f"Patient/{door.patient_id}"}
        for number, one in enumerate(home_entering.observations(asked.content, typed, door.patient_id, zone)):
            own = derived_id(door.tenant.id, "check-in value", door.link_id, number)
            found.append({**one, "id": own, "performer": [me], "meta": {"tag": [{"system": TAG, "code": "typed"}]}})
        writes = [
            Write(method="update", resource_type=one["resourceType"], id=one["id"], resource=one) for one in found
        ]
        written = writing.write(app, tx, door.principal, writes, each=True)
        observations = [one.id for one in written if one.resource_type == "Observation"]
        monitoring.review(app, tx, observations, [door.patient_id])

    app.database.run(door.tenant.id, work, actor="check-in")
    return result


def _response(answer_id: str, patient_id: str, form: Mapping[str, Any], result: Outcome, at: str) -> dict[str, Any]:
    items = [
        {"linkId": link, "text": asks, "answer": [{"valueCoding": {"code": code, "display": says}}]}
        for link, asks, code, says in result.answered
    ]
    return {
        "resourceType": "QuestionnaireResponse",
        "id": answer_id,
        "questionnaire": f"urn:careloop:check-in:{form['id']}",
        "status": "completed",
        "subject": {"reference": f"Patient/{patient_id}"},
        "authored": at,
        "author": {"reference": f"Patient/{patient_id}"},
        "source": {"reference": f"Patient/{patient_id}"},
        "item": items,
    }


def _scores(answer_id: str, door: Door, result: Outcome, at: str) -> list[dict[str, Any]]:
    """The level of the check-in, with the symptoms that were told; scores of its questions."""
    told = [
        {"code": {"coding": [{"system": SYMPTOM, "code": one}], "text": one.replace("-", " ")}, "valueBoolean": True}
        for one in result.symptoms
    ]
    level = _score(answer_id, door, "check-in", result.level, at)
    if told:
        level["component"] = told
    return [level, *(_score(answer_id, door, code, value, at) for code, value in sorted(result.scores.items()))]


def _score(answer_id: str, door: Door, code: str, value: int, at: str) -> dict[str, Any]:
    me = {"reference": f"Patient/{door.patient_id}"}
    return {
        "resourceType": "Observation",
        "id": derived_id(door.tenant.id, "check-in score", answer_id, code),
        "status": "final",
        "code": {"coding": [{"system": _SCORE, "code": code}], "text": code.replace("-", " ").capitalize()},
        "subject": me,
        "effectiveDateTime": at,
        "performer": [me],
        "derivedFrom": [{"reference": f"QuestionnaireResponse/{answer_id}"}],
        "valueQuantity": {"value": value, "unit": "points", "system": "http://unitsofmeasure.org", "code": "{score}"},
    }


def _answer_id(tenant_id: int, link_id: str) -> str:
    return derived_id(tenant_id, "check-in", link_id)
