"""The demo practices: who works there, and how a made-up person's resources are named and dated in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from careloop.access.model import Role
from careloop.fhir.ids import derived_id

Resource = dict[str, Any]

MADE_UP = {"system": "urn:careloop:made-up", "code": "made-up", "display": "Made up: this person does not exist"}
AUTHORITY = "urn:careloop:authority:"


@dataclass(frozen=True, kw_only=True)
class Worker:
    """One member of the demo staff."""

    username: str
    name: str
    role: Role


STAFF = (
    Worker(username="maria", name="Maria Delgado", role=Role.MANAGER),
    Worker(username="dana", name="Dana Whitfield", role=Role.COORDINATOR),
    Worker(username="theo", name="Theo Marsh", role=Role.COORDINATOR),
    Worker(username="lena", name="Lena Kovacs", role=Role.COORDINATOR),
    Worker(username="nora", name="Nora Begum", role=Role.NURSE),
    Worker(username="amin", name="Amin Farouk", role=Role.PHYSICIAN),
    Worker(username="grace", name="Grace Oduya", role=Role.PHYSICIAN),
    Worker(username="ivan", name="Ivan Sorel", role=Role.ADMINISTRATOR),
    Worker(username="paula", name="Paula Reyes", role=Role.COMMUNITY_HEALTH_WORKER),
    Worker(username="ben", name="Ben Achterberg", role=Role.BILLER),
)
"""The first leads the queue."""


@dataclass(frozen=True, kw_only=True)
class Practice:
    """A tenant as the demo needs it: its zone, and its staff as (reference, name) by role."""

    tenant_id: int
    slug: str
    zone: ZoneInfo
    staff: dict[Role, tuple[tuple[str, str], ...]]

    def one(self, role: Role, number: int) -> tuple[str, str]:
        """Somebody of that role, always the same for the same number."""
        some = self.staff[role]
        return some[number % len(some)]

    @property
    def authority(self) -> str:
        """The system of the practice's own record numbers."""
        return f"{AUTHORITY}{self.slug.upper()}"

    def patient_id(self, number: str) -> str:
        """The id that identity gives to the person of that record number."""
        return derived_id(self.tenant_id, "patient", self.authority, number)

    def id(self, *parts: str | int) -> str:
        """The id of a made-up thing; the same at every start."""
        return derived_id(self.tenant_id, "demo", *parts)

    def at(self, day: date, hour: int, minute: int = 0) -> datetime:
        """That time of that day in the practice's zone."""
        return datetime.combine(day, time(hour, minute), self.zone)


def workday_after(day: date, count: int) -> date:
    """The `count`-th Monday to Friday after `day` (holidays are the engine's business, not the demo's)."""
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < 5
    return day


def coded(system: str, code: str, text: str | None = None) -> Resource:
    """A CodeableConcept of one code."""
    concept: Resource = {"coding": [{"system": system, "code": code}]}
    if text:
        concept["coding"][0]["display"] = text
        concept["text"] = text
    return concept


def person_reference(reference: tuple[str, str]) -> Resource:
    """A Reference with the name to show."""
    return {"reference": reference[0], "display": reference[1]}


def marked(resources: Sequence[Resource]) -> list[Resource]:
    """The resources, each saying that it is made up."""
    return [{**one, "meta": {"tag": [MADE_UP]}} for one in resources]
