"""The tables of findings about medicines, and how far the change feed was read for them."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from careloop.db import Row, Transaction, load_queries
from careloop.errors import NotFound
from careloop.record import cursors
from careloop.record.cursors import Reader

SQL = load_queries("careloop.medications", "findings.sql")
OPEN, OVERRIDDEN, RESOLVED = "open", "overridden", "resolved"
FINDING, NOT_CHECKED = "finding", "not-checked"
_MOST_ENTRIES = 2_000


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One finding as it stands. `body`: what it says, as JSON values. `acted`: a medicine was changed after it."""

    id: str
    patient_id: str
    kind: str
    tier: str
    rules: tuple[str, ...]
    state: str
    fingerprint: str
    refs: tuple[str, ...]
    body: dict[str, Any]
    fired: datetime
    ended: datetime | None = None
    decided_by: str | None = None
    why: str | None = None
    acted: bool = False


def of_patients(tx: Transaction, patient_ids: Sequence[str]) -> list[Standing]:
    """Every finding of these patients, locked until the transaction ends."""
    return [_standing(row) for row in tx.rows(SQL["findings_of"], {"patients": list(patient_ids)})]


def of_patient(tx: Transaction, patient_id: str) -> list[Standing]:
    """What stands about one patient, overridden ones too, the most urgent first."""
    return [_standing(row) for row in tx.rows(SQL["standing_of"], {"patient_id": patient_id})]


def find(tx: Transaction, finding_id: str) -> Standing:
    """One, locked until the transaction ends; `NotFound` for an unknown id."""
    row = tx.one(SQL["finding_of_id"], {"id": finding_id})
    if row is None:
        raise NotFound("there is no such finding")
    return _standing(row)


def put(tx: Transaction, one: Standing) -> None:
    """It stands so from now on."""
    tx.execute(
        SQL["put_finding"],
        {**asdict(one), "rules": list(one.rules), "refs": list(one.refs), "body": json.dumps(one.body)},
    )


@dataclass(frozen=True, kw_only=True)
class Look:
    """One check of one patient: medicines that are taken, items that could not be checked, the day to look again."""

    patient_id: str
    medicines: int
    not_checked: int
    look_on: date | None


def put_checked(tx: Transaction, at: datetime, looks: Sequence[Look]) -> None:
    """These checks were made."""
    if looks:
        given = {
            "patients": [one.patient_id for one in looks],
            "medicines": [one.medicines for one in looks],
            "not_checked": [one.not_checked for one in looks],
            "look_on": [one.look_on for one in looks],
        }
        tx.execute(SQL["put_checked"], {"at": at, **given})


def due_looks(tx: Transaction, today: date, limit: int) -> list[str]:
    """The next patients whose answer time alone may have changed."""
    return [row["patient_id"] for row in tx.rows(SQL["due_looks"], {"today": today, "limit": limit})]


@dataclass(frozen=True, kw_only=True)
class Changed:
    """Whom the change feed tells of since it was read last; `more` when there is more to read at once."""

    patients: frozenset[str]
    more: bool


def read_changes(tx: Transaction, types: Sequence[str], governing: Sequence[str], patients: int) -> Changed | None:
    """At most so many patients whom the next entries of the feed touch, each entry once for ever; None where nothing
    can be read now. To be called first in a transaction. `governing`: types that count only for those with medicines.
    """
    window = cursors.open_window(tx, Reader.MEDICINES)
    if window is None:
        return None
    asked = {"after": window.after, "through": window.through, "types": list(types), "governing": list(governing)}
    read = tx.rows(SQL["changed"], {**asked, "limit": _MOST_ENTRIES})
    entries = _of_some(read, patients)
    is_part = len(entries) < len(read) or len(read) == _MOST_ENTRIES
    more = cursors.move_on(tx, window, entries[-1]["seq"] if is_part else None)
    touched = frozenset(entry["patient_id"] for entry in entries if entry["patient_id"])
    return Changed(patients=touched, more=more)


def is_behind(tx: Transaction) -> bool:
    """True while entries of the feed that can be seen have not been read."""
    return cursors.is_behind(tx, Reader.MEDICINES)


def burden(tx: Transaction) -> list[Row]:
    """How often each rule fired, with its tier, and what became of it."""
    return list(tx.rows(SQL["burden"]))


def checked_in_all(tx: Transaction) -> Row:
    """Medicines that are taken, items that could not be checked, patients."""
    row = tx.one(SQL["checked_in_all"])
    assert row is not None
    return row


def checked_patients(tx: Transaction, after: str, limit: int) -> list[str]:
    """The next patients by id who take medicines."""
    return [row["patient_id"] for row in tx.rows(SQL["checked_patients"], {"after": after, "limit": limit})]


def _of_some(entries: Sequence[Row], patients: int) -> Sequence[Row]:
    seen: set[str | None] = set()
    for place, entry in enumerate(entries):
        seen.add(entry["patient_id"])
        if len(seen) > patients:
            return entries[:place]
    return entries


def _standing(row: Row) -> Standing:
    body = row["body"] if isinstance(row["body"], dict) else json.loads(row["body"])
    given = {name: row[name] for name in row if name not in ("rules", "refs", "body")}
    return Standing(**given, rules=tuple(row["rules"]), refs=tuple(row["refs"]), body=body)
