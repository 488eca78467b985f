"""The table of contradictions, and how far the change feed was read for them."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from careloop.db import Row, Transaction, load_queries
from careloop.errors import NotFound
from careloop.fhir.jsons import decode
from careloop.longitudinal.model import Fact, Severity, Side
from careloop.record import cursors
from careloop.record.cursors import Reader

SQL = load_queries("careloop.longitudinal")

OPEN, SETTLED, WITHDRAWN = "open", "settled", "withdrawn"

_MOST_ENTRIES = 5_000
"""Entries of the feed that are read at a time."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One contradiction as it stands. `state` is open, settled (a person decided) or withdrawn (the facts changed)."""

    id: str
    patient_id: str
    rule: str
    matter: str
    severity: Severity
    owner: str
    state: str
    fingerprint: str
    left: tuple[Side, ...]
    right: tuple[Side, ...]
    opened: datetime
    due: datetime
    ended: datetime | None = None
    decision: str | None = None
    decided_by: str | None = None
    why: str | None = None


def of_patients(tx: Transaction, patient_ids: Sequence[str]) -> list[Standing]:
    """Every contradiction of these patients, locked until the transaction ends."""
    return [_standing(row) for row in tx.rows(SQL["of_patients"], {"patients": list(patient_ids)})]


def of_patient(tx: Transaction, patient_id: str) -> list[Standing]:
    """The open and the settled ones of one patient, open ones first by deadline."""
    return [_standing(row) for row in tx.rows(SQL["open_of_patient"], {"patient_id": patient_id})]


def open_first(tx: Transaction, limit: int, owner: str | None = None) -> tuple[list[Standing], int]:
    """Those that are due first (of one owner), and how many wait in all."""
    rows = [_standing(row) for row in tx.rows(SQL["open_first"], {"limit": limit, "owner": owner})]
    return rows, int(tx.value(SQL["count_open"], {"owner": owner}))


def find(tx: Transaction, contradiction_id: str) -> Standing:
    """One, locked until the transaction ends; `NotFound` for an unknown id."""
    found = find_many(tx, [contradiction_id])
    if not found:
        raise NotFound("there is no such contradiction")
    return found[0]


def find_many(tx: Transaction, ids: Sequence[str]) -> list[Standing]:
    """Those of some ids that are there, locked until the transaction ends."""
    return [_standing(row) for row in tx.rows(SQL["of_ids"], {"ids": list(ids)})]


def put(tx: Transaction, one: Standing) -> None:
    """It stands so from now on."""
    sides = {"left": [asdict(side) for side in one.left], "right": [asdict(side) for side in one.right]}
    refs = sorted({side.reference for side in (*one.left, *one.right)})
    given = {name: value for name, value in asdict(one).items() if name not in ("left", "right")}
    tx.execute(SQL["put"], {**given, "severity": one.severity.value, "sides": json.dumps(sides), "refs": refs})


@dataclass(frozen=True, kw_only=True)
class Changed:
    """Whom the change feed tells of since it was read last; `more` when there is more to read at once."""

    patients: frozenset[str]
    more: bool


def read_changes(tx: Transaction, types: frozenset[str], patients: int) -> Changed | None:
    """So many patients whom the next entries of the feed touch with one of `types`, each entry once for ever; None
    where nothing can be read now. To be called first in a transaction. Counted in patients and not in entries: a chart
    that came in one piece is looked at once, not once for each part of it.
    """
    window = cursors.open_window(tx, Reader.CONTRADICTIONS)
    if window is None:
        return None
    asked = {"after": window.after, "through": window.through, "types": sorted(types), "limit": _MOST_ENTRIES}
    read = tx.rows(SQL["changed"], asked)
    entries = _of_some(read, patients)
    is_part = len(entries) < len(read) or len(read) == _MOST_ENTRIES
    more = cursors.move_on(tx, window, entries[-1]["seq"] if is_part else None)
    return Changed(patients=_touched(tx, entries), more=more)


def is_behind(tx: Transaction) -> bool:
    """True while entries of the feed that can be seen have not been read."""
    return cursors.is_behind(tx, Reader.CONTRADICTIONS)


def _of_some(entries: Sequence[Row], patients: int) -> Sequence[Row]:
    """The first entries, up to the one that would tell of one patient too many."""
    seen: set[str | None] = set()
    for place, entry in enumerate(entries):
        seen.add(_patient_of(entry))
        if len(seen) > patients:
            return entries[:place]
    return entries


def _patient_of(entry: Row) -> str | None:
    return str(entry["id"]) if entry["type"] == "Patient" else entry["patient_id"]


def patient_versions(tx: Transaction, patient_ids: Sequence[str]) -> dict[str, list[Fact]]:
    """The superseded versions of these Patients, oldest first, without sources."""
    found: dict[str, list[Fact]] = {}
    for row in tx.rows(SQL["patient_versions"], {"patients": list(patient_ids)}) if patient_ids else []:
        fact = Fact(
            type="Patient",
            id=row["id"],
            version=row["version"],
            recorded=row["last_updated"],
            resource=decode(row["body"]),
        )
        found.setdefault(row["id"], []).append(fact)
    return found


def _touched(tx: Transaction, entries: Sequence[Row]) -> frozenset[str]:
    if not entries:
        return frozenset()
    mine = {patient for row in entries if (patient := _patient_of(row)) is not None}
    refs = [f"{row['type']}/{row['id']}" for row in entries]
    return frozenset(mine | {row["patient_id"] for row in tx.rows(SQL["holders"], {"refs": refs})})


def _standing(row: Row) -> Standing:
    sides = row["sides"] if isinstance(row["sides"], dict) else json.loads(row["sides"])
    return Standing(
        id=row["id"],
        patient_id=row["patient_id"],
        rule=row["rule"],
        matter=row["matter"],
        severity=Severity(row["severity"]),
        owner=row["owner"],
        state=row["state"],
        fingerprint=row["fingerprint"],
        left=tuple(Side(**side) for side in sides["left"]),
        right=tuple(Side(**side) for side in sides["right"]),
        opened=row["opened"],
        due=row["due"],
        ended=row["ended"],
        decision=row["decision"],
        decided_by=row["decided_by"],
        why=row["why"],
    )
