"""The table of merges, and the log of what each one moved. The journey itself is `careloop.flows.merging`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from careloop.db import Row, Transaction
from careloop.errors import NotFound
from careloop.identity.model import Identifier
from careloop.identity.store import SQL


@dataclass(frozen=True, kw_only=True)
class Merge:
    """One merge. `named_survivor_id` is whom the sender named, `survivor_id` where that patient's own merges lead."""

    id: str
    prior_id: str
    survivor_id: str
    named_survivor_id: str
    source: str
    merged: datetime
    merged_by: str
    prior_was_active: bool | None
    undone: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Moved:
    """A resource that a merge moved. `paths` only where it named both patients before."""

    resource_type: str
    resource_id: str
    version: int
    paths: tuple[str, ...] | None = None

    @property
    def reference(self) -> str:
        """`Type/id`."""
        return f"{self.resource_type}/{self.resource_id}"


@dataclass(frozen=True, kw_only=True)
class PendingMerge:
    """A merge whose prior number nobody has used yet."""

    number: Identifier
    prior_id: str
    survivor_id: str
    source: str
    recorded: datetime


def standing_merge(tx: Transaction, prior_id: str) -> Merge | None:
    """The merge by which this patient is merged away now."""
    row = tx.one(SQL["standing_merge"], {"prior_id": prior_id})
    return None if row is None else _merge(row)


def merged_away(tx: Transaction) -> list[str]:
    """Everybody who is joined to another patient now."""
    return [row["prior_id"] for row in tx.rows(SQL["merged_away"])]


def late_priors(tx: Transaction, staying: Iterable[str]) -> list[str]:
    """Some of those who are joined to another and about whom something was written since, but for types that stay."""
    return [row["prior_id"] for row in tx.rows(SQL["late_priors"], {"staying": sorted(staying)})]


def find_merge(tx: Transaction, merge_id: str) -> Merge:
    """One merge, locked until the transaction ends; `NotFound` for an unknown id."""
    row = tx.one(SQL["merge_row"], {"id": merge_id})
    if row is None:
        raise NotFound("there is no such merge")
    return _merge(row)


def merges_of(tx: Transaction, patient_id: str) -> list[Merge]:
    """Every merge in which this patient was survivor or prior, oldest first, undone ones too."""
    return [_merge(row) for row in tx.rows(SQL["merges_of"], {"patient_id": patient_id})]


def put_merge(tx: Transaction, merge: Merge) -> None:
    """The merge stands. All numbers of the prior lead to the survivor; the prior is nobody's likeness any more."""
    tx.execute(SQL["put_merge"], vars(merge))
    tx.execute(SQL["move_identifiers"], vars(merge))
    tx.execute(SQL["drop_keys"], {"patients": [merge.prior_id]})
    tx.execute(SQL["drop_features"], {"patients": [merge.prior_id]})


def take_back(tx: Transaction, merge: Merge, current_id: str, now: datetime, by: str) -> list[Merge]:
    """The merge is history: numbers that came with the prior lead to it again, and merges that named it as survivor
    after it was gone are its own again. Answers those."""
    followers = [_merge(row) for row in tx.rows(SQL["merges_named"], {"named": merge.prior_id})]
    tx.execute(SQL["undo_merge"], {"id": merge.id, "undone": now, "undone_by": by})
    for follower in followers:
        tx.execute(SQL["repoint_merge"], {"id": follower.id, "survivor_id": merge.prior_id})
    family = {"priors": sorted(descendants(tx, merge.prior_id)), "from_id": current_id, "to_id": merge.prior_id}
    tx.execute(SQL["return_identifiers"], family)
    return followers


def descendants(tx: Transaction, patient_id: str) -> set[str]:
    """The patient and all who are merged into it, at any depth."""
    found, fresh = {patient_id}, {patient_id}
    while fresh:
        rows = tx.rows(SQL["merged_into"], {"survivors": sorted(fresh)})
        fresh = {row["prior_id"] for row in rows} - found
        found |= fresh
    return found


def log_moved(tx: Transaction, merge: Merge, moved: Sequence[Moved]) -> None:
    """The merge remembers that it moved these."""
    given = {
        "merge_id": merge.id,
        "original": f"Patient/{merge.prior_id}",
        "types": [one.resource_type for one in moved],
        "ids": [one.resource_id for one in moved],
        "versions": [one.version for one in moved],
        "paths": ["\n".join(one.paths or ()) for one in moved],
    }
    tx.execute(SQL["log_moved"], given)


def moved_by(tx: Transaction, merge_id: str) -> list[Moved]:
    """Everything that the merge moved, in the order of references."""
    return [
        Moved(
            resource_type=row["resource_type"],
            resource_id=row["resource_id"],
            version=row["version"],
            paths=None if row["paths"] is None else tuple(row["paths"]),
        )
        for row in tx.rows(SQL["moved"], {"merge_id": merge_id})
    ]


def numbers_of(tx: Transaction, patient_id: str) -> list[Identifier]:
    """The numbers that lead to this patient now."""
    rows = tx.rows(SQL["numbers_of"], {"patient_id": patient_id})
    return [Identifier(system=row["system"], value=row["value"]) for row in rows]


def put_pending(tx: Transaction, merge: Merge, numbers: Iterable[Identifier]) -> None:
    """A person can see that these numbers were merged away before anybody used them."""
    for number in numbers:
        given = {"system": number.system, "value": number.value, "now": merge.merged}
        tx.execute(SQL["put_pending"], {**vars(merge), **given})


def pending_merges(tx: Transaction, *, limit: int = 100) -> list[PendingMerge]:
    """Merges whose prior has not appeared yet, oldest first."""
    return [
        PendingMerge(
            number=Identifier(system=row["system"], value=row["value"]),
            prior_id=row["prior_id"],
            survivor_id=row["survivor_id"],
            source=row["source"],
            recorded=row["recorded"],
        )
        for row in tx.rows(SQL["pending"], {"limit": limit})
    ]


def prior_appeared(tx: Transaction, prior_id: str, now: datetime) -> None:
    """Facts came by a number that a merge had named before: nobody needs to look at it any more."""
    tx.execute(SQL["prior_appeared"], {"prior_id": prior_id, "now": now})


def _merge(row: Row) -> Merge:
    return Merge(**row)


def types_about(tx: Transaction, patient_id: str) -> list[str]:
    """Which types of resources stand about this patient in the record."""
    return [row["type"] for row in tx.rows(SQL["types_of_patient"], {"patient_id": patient_id})]
