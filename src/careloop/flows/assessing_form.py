"""One form while it is worked on, with all that its readers need."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from careloop.access.model import Principal
from careloop.assessments.model import Content
from careloop.assessments.reading import Read
from careloop.assessments.resources import Form
from careloop.db import Transaction
from careloop.fhir.ids import derived_id
from careloop.flows.app import App
from careloop.record import Write, Written


class WriteDoor(Protocol):
    """The one door for writes (`flows.writing.write`), which calls us and is called by us."""

    def __call__(
        self, app: App, tx: Transaction, principal: Principal, writes: Sequence[Write], *, cause: str | None = None
    ) -> list[Written]:
        """All writes are done and everybody is told."""


@dataclass(frozen=True, kw_only=True)
class Extraction:
    """One form, its answers, and whose they are. `complete` is False for one that is still being answered."""

    app: App
    tx: Transaction
    content: Content
    form: Form
    form_id: str
    patient: Mapping[str, Any]
    read: Read
    complete: bool
    now: datetime
    door: WriteDoor

    def id(self, *parts: str) -> str:
        """An id that is always the same for the same thing of this form."""
        return derived_id(self.tx.tenant_id, "assessment", self.form_id, *parts)


def put(resource: dict[str, Any]) -> Write:
    """The resource as it is to be written."""
    return Write(method="update", resource_type=resource["resourceType"], id=resource["id"], resource=resource)
