"""The table of contradictions, and how far the change feed was read for them."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from careloop.db import Row, Transaction, load_queries
from careloop.errors import NotFound
from careloop.fhir.jsons import decode
from careloop.longitudinal.model import Fact, Severity, Side

SQL = load_queries("careloop.longitudinal")

OPEN, SETTLED, WITHDRAWN = "open", "settled", "withdrawn"


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


def read_changes(tx: Transaction, types: frozenset[str], limit: int) -> Changed | None:
    """Patients whom the next entries of the feed touch with one of `types`, each entry once for ever; None while
    somebody else reads. To be called first in a transaction.

    Entries get their numbers before they can be seen. So one round notes how far the feed went, and reads up to there
    when every transaction that could have taken a smaller number has ended: its number is below that of the round.
    """
    horizon = tx.one(SQL["horizon"])
    row = _reading(tx)
    if row is None or horizon is None:
        return None
    if row["ahead_before"] > horizon["oldest"]:
        return Changed(patients=frozenset(), more=False)
    entries = tx.rows(SQL["changed"], {"reached": row["reached"], "ahead": row["ahead"], "limit": limit})
    if len(entries) == limit:
        _set_reading(tx, entries[-1]["seq"], row["ahead"], row["ahead_before"])
        return Changed(patients=_touched(tx, entries, types), more=True)
    if horizon["newest"] != row["ahead"] or row["reached"] != row["ahead"]:
        _set_reading(tx, row["ahead"], horizon["newest"], int(tx.value(SQL["own_number"])))
    return Changed(patients=_touched(tx, entries, types), more=False)


def _reading(tx: Transaction) -> Row | None:
    row = tx.one(SQL["reading"])
    if row is None:
        tx.execute(SQL["begin_reading"])
        row = tx.one(SQL["reading"])
    return row


def _set_reading(tx: Transaction, reached: int, ahead: int, ahead_before: int) -> None:
    tx.execute(SQL["set_reading"], {"reached": reached, "ahead": ahead, "ahead_before": ahead_before})


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


def _touched(tx: Transaction, entries: Sequence[Row], types: frozenset[str]) -> frozenset[str]:
    telling = [row for row in entries if row["type"] in types]
    if not telling:
        return frozenset()
    mine = {row["id"] if row["type"] == "Patient" else row["patient_id"] for row in telling} - {None}
    refs = [f"{row['type']}/{row['id']}" for row in telling]
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
