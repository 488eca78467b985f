"""The slim panel inside an EHR: the open loops of one patient, and at most one question that is answered by yes or no.

A question is a Task with a code of the system `urn:careloop:question`: its description is what is asked, it is about
the
patient, and it waits while its status is requested or received. The answer completes it and stands in its output.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from careloop.access import ehrs
from careloop.access.ehrs import Ehr, NewEhr
from careloop.access.keys import open_keyring
from careloop.access.model import Principal, Tenant
from careloop.access.policy import Action, require_action
from careloop.errors import Conflict, NotAuthenticated, NotFound, Unavailable
from careloop.flows.app import App
from careloop.flows.ehr_launch import Opened
from careloop.flows.interactions import Interaction
from careloop.flows.open_loops import of_patient
from careloop.flows.patient_reading import birth_date_of, full_name
from careloop.flows.patient_values import LoopCard

SYSTEM = "urn:careloop:question"
LIFE = timedelta(hours=1)
_PURPOSE = "panel"
_Result = TypeVar("_Result")
_WAITING = ("requested", "received")


@dataclass(frozen=True, kw_only=True)
class Question:
    """What somebody wants to know from a clinician."""

    task_id: str
    version: int
    text: str
    asked_by: str


@dataclass(frozen=True, kw_only=True)
class Panel:
    """What the panel shows."""

    name: str
    born: str
    loops: Sequence[LoopCard]
    question: Question | None
    zone: str


@dataclass(frozen=True, kw_only=True)
class Visit:
    """An open panel: who, through which EHR, for whom."""

    ehr: Ehr
    principal: Principal
    patient_id: str
    tenant: Tenant


def admit(app: App, opened: Opened) -> str:
    """What the browser keeps of a panel that was opened for a known patient; good for an hour."""
    until = (app.clock.now() + LIFE).isoformat()
    kept = {"iss": opened.ehr.iss, "who": opened.who, "patient": opened.patient_id, "until": until}
    return open_keyring(app.settings.data_dir).seal(_PURPOSE, json.dumps(kept)).decode()


def visit(app: App, sealed: str, address: str | None) -> Visit:
    """The panel that the browser has open; `NotAuthenticated` where it is over, or its EHR may open none any more."""
    try:
        kept = json.loads(open_keyring(app.settings.data_dir).unseal(_PURPOSE, sealed.encode()))
        with app.database.directory() as tx:
            ehr = ehrs.find_ehr(tx, kept["iss"])
    except (Unavailable, NotFound) as error:
        raise NotAuthenticated("open the panel from the EHR again") from error
    if datetime.fromisoformat(kept["until"]) <= app.clock.now():
        raise NotAuthenticated("open the panel from the EHR again")
    principal = ehr.principal(kept["who"], kept["patient"], address)
    return Visit(ehr=ehr, principal=principal, patient_id=kept["patient"], tenant=app.tenant(ehr.practice))


def show(app: App, here: Visit) -> Panel:
    """The panel as it is now. What is seen is audited."""

    def work(door: Interaction) -> Panel:
        patient = door.read("Patient", here.patient_id).resource
        born = birth_date_of(patient)
        return Panel(
            name=full_name(patient),
            born=f"{born:%-d %b %Y}" if born else "not known",
            loops=of_patient(door, here.patient_id),
            question=_oldest(door, here.patient_id),
            zone=here.tenant.zone,
        )

    return _run(app, here, work)


def answer(app: App, here: Visit, task_id: str, version: int, yes: bool) -> None:
    """The question has its answer, by this clinician, now. `Conflict` where it was answered or changed meanwhile."""

    def work(door: Interaction) -> None:
        asked = _oldest(door, here.patient_id)
        if asked is None or (asked.task_id, asked.version) != (task_id, version):
            raise Conflict("the question was answered or changed meanwhile")
        task = door.read("Task", task_id).resource
        door.update("Task", task_id, _answered(task, yes, here.principal.name, app.clock.now()), if_match=version)

    _run(app, here, work)


def add_ehr(app: App, principal: Principal, tenant: Tenant, new: NewEhr) -> Ehr:
    """The EHR may open the panel."""
    require_action(principal, Action.ACCOUNT_MANAGE)
    with app.database.directory() as tx:
        return ehrs.add_ehr(tx, open_keyring(app.settings.data_dir), tenant, new, app.clock.now())


def list_ehrs(app: App, principal: Principal, tenant: Tenant) -> list[Ehr]:
    """The EHRs of the tenant, revoked ones too."""
    require_action(principal, Action.ACCOUNT_MANAGE)
    with app.database.directory() as tx:
        return ehrs.list_ehrs(tx, tenant.id)


def revoke_ehr(app: App, principal: Principal, tenant: Tenant, iss: str) -> Ehr:
    """The EHR opens nothing any more."""
    require_action(principal, Action.ACCOUNT_MANAGE)
    with app.database.directory() as tx:
        return ehrs.revoke_ehr(tx, tenant.id, iss, app.clock.now())


def _run(app: App, here: Visit, work: Callable[[Interaction], _Result]) -> _Result:
    return app.database.run(
        here.principal.tenant_id,
        lambda tx: work(Interaction(app=app, tx=tx, principal=here.principal)),
        actor=here.principal.id,
        sight=here.principal.narrowing,
    )


def _oldest(door: Interaction, patient_id: str) -> Question | None:
    pairs = [("patient", patient_id), ("code", f"{SYSTEM}|"), ("status", ",".join(_WAITING)),
             ("_sort", "authored-on"), ("_count", "1")]  # fmt: skip
    found = door.search("Task", pairs, None).entries
    if not found or not found[0].resource.get("description"):
        return None
    task = found[0].resource
    asked_by = str((task.get("requester") or {}).get("display") or "The care team")
    return Question(task_id=task["id"], version=found[0].version, text=str(task["description"]), asked_by=asked_by)


def _answered(task: Mapping[str, Any], yes: bool, who: str, now: datetime) -> dict[str, Any]:
    said = {"type": {"coding": [{"system": SYSTEM, "code": "answer"}], "text": "Answer"}, "valueBoolean": yes}
    note = {"authorString": who, "time": now.isoformat(), "text": "Yes" if yes else "No"}
    return {
        **task,
        "status": "completed",
        "lastModified": now.isoformat(),
        "output": [*task.get("output", ()), said],
        "note": [*task.get("note", ()), note],
    }
