"""Every fact that one part tells another, as typed values. Read this to learn the product.

A fact is written to the change feed (`record_event`) in the transaction of the write that made it true. Flows read
the feed or receive the values directly; handling the same fact twice changes nothing.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ChangeKind(StrEnum):
    """What a write did to a resource."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    DELETED = "deleted"


@dataclass(frozen=True, kw_only=True)
class ResourceChanged:
    """A resource has a new version (or was deleted) in the record."""

    resource_type: str
    id: str
    version: int
    patient_id: str | None
    change: ChangeKind
    at: datetime


@dataclass(frozen=True, kw_only=True)
class PatientsMerged:
    """Everything of `prior_id` now belongs to `survivor_id`; reversible."""

    survivor_id: str
    prior_id: str
    merge_id: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class PatientsUnmerged:
    """A merge was taken back; each record is with its own person again."""

    survivor_id: str
    prior_id: str
    merge_id: str
    at: datetime
