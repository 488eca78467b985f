"""A small practice to tell stories about: staff, patients, stays, calls, and the clock. Nobody in it is real."""

import itertools
import os
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from tests.messages import adt, stamp

from careloop.access import accounts, passwords
from careloop.access.accounts import StaffMember
from careloop.access.model import Principal, Role, Tenant, system_principal
from careloop.access.tenancy import change_settings
from careloop.fhir.ids import new_id
from careloop.flows import staffing, tenants, writing
from careloop.flows.app import App
from careloop.flows.reception import Incoming, take_in
from careloop.flows.staffing import NewStaff, PreparedAccount
from careloop.intake import Feed, add_feed
from careloop.loops import store
from careloop.loops.model import StepState
from careloop.record import Write, Written
from careloop.worker.main import process_batch

ZONE = ZoneInfo("America/New_York")
_numbers = itertools.count(1)


@cache
def _password_hash() -> str:
    return passwords.hash_password("no password anybody signs in with")


def at(text: str) -> datetime:
    """`2026-03-06 16:30` in New York."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


@dataclass
class Practice:
    """One tenant with Dana (coordinator), Nia (nurse), Dr. Osei (physician) and Mo (manager, lead of the queue)."""

    app: App
    tenant: Tenant
    feed_id: int = 0
    staff: dict[str, StaffMember] = field(default_factory=dict)

    @classmethod
    def open(cls, app: App) -> "Practice":
        """A new practice."""
        slug = f"story-{os.getpid()}-{next(_numbers)}"
        created = tenants.create(app, slug, "Riverbend Practice", "America/New_York")
        with app.database.directory() as tx:
            tenant = change_settings(tx, created.tenant, accept_any_sender=True)
        with app.database.transaction(tenant.id) as tx:
            port = 20000 + tenant.id
            feed = add_feed(
                tx, app.clock.now(), Feed(id=None, kind="hl7v2", zone=str(ZONE), port=port), any_sender=True
            )
        practice = cls(app=app, tenant=tenant, feed_id=feed.id or 0, staff={"mo": created.lead.member})
        for username, name, role in (
            ("dana", "Dana Example", Role.COORDINATOR),
            ("nia", "Nia Example", Role.NURSE),
            ("osei", "Ada Osei-Example", Role.PHYSICIAN),
        ):
            person = NewStaff(username=username, name=name, roles=[role])
            practice.staff[username] = practice.hire(person)
        return practice

    def hire(self, person: NewStaff) -> StaffMember:
        """Somebody new has an account, with a password that was hashed once for all stories."""
        prepared = PreparedAccount(person=person, password="", password_hash=_password_hash(), totp_secret=None)
        work = lambda tx: staffing.insert_account(self.app, tx, self.system, self.tenant, prepared)  # noqa: E731
        return self.run(work).member

    def hire_as(self, username: str, role: str) -> None:
        """One more member of the staff."""
        person = NewStaff(username=username, name=f"{username.title()} Example", roles=[Role(role)])
        self.staff[username] = self.hire(person)

    @property
    def zone(self) -> ZoneInfo:
        return ZONE

    @property
    def system(self) -> Principal:
        return system_principal(self.tenant.id, "test")

    def user(self, name: str) -> Principal:
        """That member of the staff, signed in."""
        return accounts.principal_of(self.tenant.id, self.staff[name], None)

    def reference(self, name: str) -> str:
        return self.staff[name].reference

    def move_to(self, text: str) -> None:
        """It is this time now, in New York."""
        self.app.clock.move_to(at(text))

    def write(self, *resources: dict[str, Any], by: Principal | None = None) -> list[Written]:
        """The resources are written as by any door."""
        writes = [
            Write(method="update", resource_type=item["resourceType"], id=item["id"], resource=item)
            for item in resources
        ]
        return self.run(lambda tx: writing.write(self.app, tx, by or self.system, writes))

    def message(self, event: str, when: str, **more: Any) -> bytes:
        """An ADT message of that moment; each has a control id of its own."""
        return adt(event, control_id=f"M{next(_numbers)}", at=stamp(at(when)), **more)

    def send(self, *messages: bytes) -> None:
        """The messages arrive over MLLP and are processed."""
        take_in(
            self.app,
            [Incoming(tenant_id=self.tenant.id, feed_id=self.feed_id, source="test", raw=raw) for raw in messages],
        )
        while process_batch(self.app, self.tenant):
            pass

    def known(self, mrn: str, **more: Any) -> str:
        """A patient whom the hospital calls by this number."""
        number = {"system": "urn:careloop:authority:STMARY", "value": mrn}
        return self.patient(identifier=[number], **more)

    def delete(self, resource_type: str, id_: str) -> None:
        write = Write(method="delete", resource_type=resource_type, id=id_)
        self.run(lambda tx: writing.write(self.app, tx, self.system, [write]))

    def run(self, work):
        return self.app.database.run(self.tenant.id, work)

    def patient(self, id_: str | None = None, **more: Any) -> str:
        """Somebody new is known."""
        patient_id = id_ or new_id()
        self.write(
            {
                "resourceType": "Patient",
                "id": patient_id,
                "gender": "female",
                "birthDate": "1951-04-15",
                "name": [{"use": "official", "family": "Example", "given": ["Ana"]}],
                "telecom": [{"system": "phone", "value": "413-555-0101"}],
                **more,
            }
        )
        return patient_id

    def stay(
        self,
        patient_id: str,
        id_: str | None = None,
        *,
        start: str | None = "2026-03-02 08:00",
        end: str | None = None,
        code: str = "IMP",
        disposition: str | None = "01",
        cancelled: str | None = None,
        first_said: str | None = None,
        **more: Any,
    ) -> str:
        """A stay as the feed would write it; `end` is its discharge, `cancelled` when that was taken back,
        `first_said` what the first message gave as its time."""
        stay_id = id_ or new_id()
        stands = end is not None and cancelled is None
        period = {
            name: at(text).isoformat() for name, text in (("start", start), ("end", end if stands else None)) if text
        }
        encounter: dict[str, Any] = {
            "resourceType": "Encounter",
            "id": stay_id,
            "status": "finished" if stands else "in-progress",
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": code},
            "subject": {"reference": f"Patient/{patient_id}"},
            "period": period,
            **more,
        }
        if end is not None:
            encounter["extension"] = [_discharge(end, disposition, cancelled, first_said or end)]
        if stands and disposition:
            encounter["hospitalization"] = {
                "dischargeDisposition": {
                    "coding": [{"system": "https://www.nubc.org/patient-discharge", "code": disposition}]
                }
            }
        self.write(encounter)
        return stay_id

    def call(
        self, patient_id: str, *, reached: bool = True, sent: str, id_: str | None = None, medium: str = "PHONE"
    ) -> str:
        """An outreach that came in by FHIR."""
        call_id = id_ or new_id()
        communication: dict[str, Any] = {
            "resourceType": "Communication",
            "id": call_id,
            "status": "completed" if reached else "not-done",
            "category": [{"coding": [{"system": "urn:careloop:communication", "code": "outreach"}]}],
            "medium": [
                {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode", "code": medium}]}
            ],
            "subject": {"reference": f"Patient/{patient_id}"},
            "recipient": [{"reference": f"Patient/{patient_id}"}],
            "sent": at(sent).isoformat(),
        }
        if not reached:
            communication["statusReason"] = {
                "coding": [{"system": "urn:careloop:contact-outcome", "code": "no-answer"}]
            }
        self.write(communication)
        return call_id

    def loops(self, patient_id: str, pathway: str | None = "discharge-transition") -> list[store.StoredLoop]:
        """The patient's loops, oldest first."""
        found = self.run(lambda tx: store.load_loops(tx, patients=[patient_id]))
        return [loop for loop in found if pathway in (None, loop.state.pathway)]

    def loop(self, patient_id: str, pathway: str = "discharge-transition") -> store.StoredLoop:
        """The patient's only loop on that pathway."""
        [found] = self.loops(patient_id, pathway)
        return found

    def step(self, patient_id: str, step_id: str, pathway: str = "discharge-transition") -> StepState:
        """A step of the patient's only open, else only, loop."""
        loops = self.loops(patient_id, pathway)
        [loop] = [loop for loop in loops if loop.state.status.is_open] or loops
        return next(step for step in loop.state.steps if step.step_id == step_id)

    def task(self, task_id: str) -> dict[str, Any]:
        """A Task as any FHIR client reads it."""
        return self.run(lambda tx: self.app.record.fetch(tx, [f"Task/{task_id}"]))[f"Task/{task_id}"].resource

    def versions(self) -> int:
        """How many versions of anything the record holds; the same when nothing was written."""
        return self.run(lambda tx: int(tx.value("select coalesce(sum(version), 0) from resource")))


def _discharge(end: str, disposition: str | None, cancelled: str | None, key: str) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [
        {"url": "key", "valueString": at(key).isoformat()},
        {"url": "at", "valueDateTime": at(end).isoformat()},
    ]
    if disposition:
        parts.append({"url": "disposition", "valueCode": disposition})
    if cancelled:
        parts.append({"url": "cancelled", "valueDateTime": at(cancelled).isoformat()})
    return {"url": "urn:careloop:discharge", "extension": parts}
