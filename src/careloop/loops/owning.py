"""Who owns what, in sets: loads in minutes, all work of a person, the owners of a past moment."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from careloop.db import Row, Transaction, load_queries

_SQL = load_queries("careloop.loops", "owning.sql")


def minutes_of_owners(tx: Transaction, owners: Sequence[str], minutes: Mapping[str, int], other: int) -> dict[str, int]:
    """Minutes of open work of each of these owners, by kind of step; 0 for who has none."""
    rows = tx.rows(_SQL["minutes_by_owner"], {"owners": list(owners), **_minutes(minutes, other)}) if owners else []
    found = {row["owner"]: int(row["minutes"]) for row in rows}
    return {owner: found.get(owner, 0) for owner in owners}


def minutes_of_patients(
    tx: Transaction, patients: Sequence[str], minutes: Mapping[str, int], other: int
) -> dict[str, int]:
    """Minutes of open work about each of these patients."""
    rows = tx.rows(_SQL["minutes_by_patient"], {"patients": list(patients), **_minutes(minutes, other)})
    found = {row["patient_id"]: int(row["minutes"]) for row in rows}
    return {patient: found.get(patient, 0) for patient in patients}


def pathway_minutes(tx: Transaction, since: datetime, minutes: Mapping[str, int], other: int) -> list[Row]:
    """Of the loops that opened since then: pathway, loops, patients, minutes."""
    return tx.rows(_SQL["pathway_minutes"], {"since": since, **_minutes(minutes, other)})


def steps_due(tx: Transaction, owners: Sequence[str], before: datetime) -> list[Row]:
    """Open steps of these owners due before then: owner, loop_id, step_id, due, patient_id, pathway."""
    return tx.rows(_SQL["steps_due"], {"owners": list(owners), "before": before}) if owners else []


def work_of(tx: Transaction, owner: str, patients: Sequence[str] | None = None) -> list[Row]:
    """Everything open that this owner holds (for these patients): loop_id, step_id ('' for the loop), patient_id,
    owner_role, due, pathway, why."""
    return tx.rows(_SQL["work_of"], {"owner": owner, "patients": None if patients is None else list(patients)})


def held_for(tx: Transaction, patients: Sequence[str], owners: Sequence[str]) -> list[tuple[str, str]]:
    """(patient, owner) of those who hold something open."""
    rows = tx.rows(_SQL["held_for"], {"patients": list(patients), "owners": list(owners)})
    return [(row["patient_id"], row["owner"]) for row in rows]


def escalations_to(tx: Transaction, owner: str) -> list[tuple[str, str]]:
    """(patient, role) of the escalations that call this person."""
    rows = tx.rows(_SQL["standing_escalations_to"], {"owner": owner})
    return [(row["patient_id"], row["to_role"]) for row in rows]


def pass_escalations(tx: Transaction, *, from_: str, to: str, patient_id: str, role: str) -> None:
    """What called one person for this patient in that role calls another now."""
    tx.execute(_SQL["pass_escalations_of"], {"from": from_, "to": to, "patient_id": patient_id, "role": role})


def withdraw_offers(tx: Transaction, who: str, *, why: str, at: datetime) -> int:
    """Nobody waits for an answer of or to this person any more; how many offers."""
    return tx.execute(_SQL["withdraw_offers"], {"who": who, "why": why, "at": at})


def open_offers(tx: Transaction, most: int = 500) -> list[Row]:
    """Hand-overs of loops that wait for an answer, the oldest first."""
    return tx.rows(_SQL["open_offers"], {"most": most})


def owned_at(tx: Transaction, patient_id: str, at: datetime, *, closed: bool = False) -> list[Row]:
    """The owner of each loop and step of the patient that was known (and, without `closed`, open) at that moment."""
    return tx.rows(_SQL["owned_at"], {"patient_id": patient_id, "at": at, "closed": closed})


def answer_at(tx: Transaction, loop_id: str, step_id: str, at: datetime) -> Row | None:
    """The one row of the chain of owners that holds at that moment; None before the loop or step was known."""
    return tx.one(_SQL["answer_at"], {"loop_id": loop_id, "step_id": step_id, "at": at})


def stuck(tx: Transaction, late_before: datetime, most: int) -> tuple[list[Row], int]:
    """Loops whose next deadline was before then, safety first, and how many there are in all."""
    rows = tx.rows(_SQL["stuck"], {"late_before": late_before, "most": most})
    return rows, int(tx.value(_SQL["stuck_total"], {"late_before": late_before}))


def covered_work(tx: Transaction, begins: str) -> list[Row]:
    """Open work whose reason begins so: loop_id, step_id, owner, patient_id."""
    pattern = begins.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    return tx.rows(_SQL["covered_work"], {"begins": pattern})


def still_with(tx: Transaction, owners: Sequence[str]) -> list[str]:
    """Those of some owners who hold open work."""
    return [row["owner"] for row in tx.rows(_SQL["still_with"], {"owners": list(owners)})] if owners else []


def counts_by_owner(tx: Transaction, owners: Sequence[str], now: datetime) -> dict[str, tuple[int, int]]:
    """Open and late loops of each of these owners who has any."""
    rows = tx.rows(_SQL["counts_by_owner"], {"owners": list(owners), "now": now})
    return {row["owner"]: (int(row["loops"]), int(row["late"])) for row in rows}


def facts_of_patients(tx: Transaction, patients: Sequence[str]) -> dict[str, tuple[bool, frozenset[str]]]:
    """(a loop of the high tier is open, pathways of the open loops) of those who have an open loop."""
    rows = tx.rows(_SQL["facts_of_patients"], {"patients": list(patients)})
    return {row["patient_id"]: (bool(row["high"]), frozenset(row["pathways"])) for row in rows}


def _minutes(minutes: Mapping[str, int], other: int) -> dict[str, Any]:
    return {"minutes": msgspec.json.encode(minutes).decode(), "other": other}
