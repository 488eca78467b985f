"""A practice with staff and patients whose diaries are empty."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from careloop.access import accounts
from careloop.access.accounts import NewAccount
from careloop.access.keys import open_keyring
from careloop.access.model import Principal, PrincipalKind, Role, Tenant, system_principal
from careloop.fhir.ids import new_id
from careloop.flows import booking, writing
from careloop.flows.app import App
from careloop.flows.staffing import name_queue_lead, practitioner_id
from careloop.record import Write


@dataclass
class Office:
    """One practice: what it has, and how to ask for what the tests ask again and again."""

    app: App
    tenant: Tenant
    staff: dict[str, Principal] = field(default_factory=dict)
    patients: list[str] = field(default_factory=list)

    def run(self, work: Callable[[Any], Any], who: str = "nurse") -> Any:
        """`work` in a transaction of this person."""
        return self.app.database.run(self.tenant.id, work, actor=self.staff[who].reference)

    def actor(self, who: str = "nurse") -> str:
        return self.staff[who].reference

    def at(self, day: int, hour: int, minute: int = 0) -> datetime:
        """A time of November 2026 in New York."""
        from zoneinfo import ZoneInfo

        return datetime(2026, 11, day, hour, minute, tzinfo=ZoneInfo("America/New_York"))

    def wish(self, start: datetime, patient: int = 0, who: str = "nurse", kind: str = "office", **more: Any):
        return booking.Wish(
            patient_id=self.patients[patient], actor=self.actor(who) if who else "", kind=kind, start=start, **more
        )

    def book(self, start: datetime, patient: int = 0, who: str = "nurse", kind: str = "office", **more: Any) -> str:
        wish = self.wish(start, patient, who, kind, **more)
        return self.run(lambda tx: booking.book(self.app, tx, self.staff["coordinator"], wish))

    def put(self, resource: dict[str, Any], principal: Principal | None = None) -> Any:
        """A resource as it comes from another system."""
        outside = principal or Principal(
            tenant_id=self.tenant.id, kind=PrincipalKind.CLIENT, id="c", name="EHR", scopes=("system/*.cruds",)
        )
        write = Write(method="update", resource_type=resource["resourceType"], id=resource["id"], resource=resource)
        return self.run(lambda tx: writing.write(self.app, tx, outside, [write]))

    def outside(self, start: datetime, patient: int = 0, actor: str = "", status: str = "booked", minutes: int = 30):
        """An Appointment as another system writes it."""
        return {
            "resourceType": "Appointment", "id": new_id(), "status": status, "start": start.isoformat(),
            "end": (start + timedelta(minutes=minutes)).isoformat(),
            "participant": [
                {"actor": {"reference": f"Patient/{self.patients[patient]}"}, "status": "accepted"},
                {"actor": {"reference": actor or self.actor()}, "status": "accepted"},
            ],
        }  # fmt: skip

    def get(self, reference: str) -> dict[str, Any]:
        return self.run(lambda tx: self.app.record.fetch(tx, [reference])[reference].resource)


@pytest.fixture
def office(app: App, tenant: Tenant) -> Office:
    """Monday 23 November 2026, 10:00; a nurse, a physician, a coordinator, four patients in one town."""
    made = Office(app, tenant)
    product, now = system_principal(tenant.id, "test"), app.clock.now()
    with app.database.transaction(tenant.id) as tx:
        for name, role in (("nurse", Role.NURSE), ("physician", Role.PHYSICIAN), ("coordinator", Role.COORDINATOR)):
            member = accounts.create_account(
                tx,
                open_keyring(app.settings.data_dir),
                now,
                NewAccount(
                    id=new_id(), username=name, name=f"{name.title()} Reyes", roles=[role], password_hash="x",
                    practitioner_id=practitioner_id(tenant.id, name),
                ),
            )  # fmt: skip
            made.staff[name] = replace(accounts.principal_of(tenant.id, member, None))
            practitioner = {
                "resourceType": "Practitioner",
                "id": member.practitioner_id,
                "name": [{"text": member.name}],
            }
            writing.write(app, tx, product, [_put(practitioner)])
        name_queue_lead(app, tx, product, tenant, member)
        for number, (given, family) in enumerate((("Maria", "Lopez"), ("Jo", "Kim"), ("Ann", "Ode"), ("Ed", "Fox"))):
            own_id = new_id()
            made.patients.append(own_id)
            patient = {
                "resourceType": "Patient", "id": own_id, "birthDate": "1950-01-01",
                "name": [{"given": [given], "family": family}],
                "telecom": [{"system": "phone", "value": "518-555-0101"}],
                "address": [{"line": [f"{number} Elm Street"], "city": "Troy", "postalCode": "12180"}],
            }  # fmt: skip
            writing.write(app, tx, product, [_put(patient)])
    return made


def _put(resource: dict[str, Any]) -> Write:
    return Write(method="update", resource_type=resource["resourceType"], id=resource["id"], resource=resource)
