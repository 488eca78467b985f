"""The tables of identity: numbers, likeness keys, the review queue, merges. Every function works on whole sets."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from careloop.db import Transaction, load_queries
from careloop.fhir.ids import derived_id
from careloop.identity.model import Candidate, Demographics, Grade, Identifier, MatchRow, MatchState, Reason
from careloop.identity.rules import skeleton

SQL = load_queries("careloop.identity")

MOST_SHARING = 50
"""A likeness key that more people share tells nobody apart."""

DECIDE_WITHIN = timedelta(days=3)
"""The clock of `person-match`: a pair waits at most three days for a person (our choice, [P])."""

Claims = Sequence[tuple[str, Identifier]]
"""Patient id and number."""


def columns(claims: Claims) -> dict[str, Any]:
    """The claims as the arrays that the queries take."""
    return {
        "patients": [patient_id for patient_id, _ in claims],
        "systems": [number.system for _, number in claims],
        "values": [number.value for _, number in claims],
        "skeletons": [skeleton(number.value) for _, number in claims],
    }


def holders(tx: Transaction, numbers: Iterable[Identifier]) -> dict[tuple[str, str], tuple[str, str | None]]:
    """For each number that is in use: the patient that it leads to, and the merged-away one that it named first."""
    rows = tx.rows(SQL["holders"], columns([("", number) for number in numbers]))
    return {(row["system"], row["value"]): (row["patient_id"], row["prior_id"]) for row in rows}


def claim(
    tx: Transaction, now: datetime, claims: Claims, *, on_resource: bool, prior_id: str | None = None
) -> set[tuple[str, str]]:
    """Free numbers now lead to their patients; answers which were free. Waits for a claim that is under way."""
    given = {**columns(claims), "on_resource": on_resource, "prior_id": prior_id, "now": now}
    return {(row["system"], row["value"]) for row in tx.rows(SQL["claim"], given)}


def look_alikes(tx: Transaction, claims: Claims) -> list[tuple[str, str]]:
    """Pairs of patients with numbers that an eye could mistake for each other."""
    return [(row["patient_id"], row["other_id"]) for row in tx.rows(SQL["look_alikes"], columns(claims))]


def merged_away(tx: Transaction, patients: Collection[str]) -> dict[str, str]:
    """Those of the patients that are merged into another, with the one that survives."""
    rows = tx.rows(SQL["merged_away"], {"patients": list(patients)})
    return {row["prior_id"]: row["survivor_id"] for row in rows}


def survivor_of(tx: Transaction, patient_id: str) -> str:
    """Where the chain of merges that starts at this patient ends; the patient itself where there is none."""
    return str(tx.value(SQL["survivor_of"], {"patient_id": patient_id}))


def put_features(tx: Transaction, people: Mapping[str, Demographics]) -> set[str]:
    """Stores how these patients look; answers those whose looks changed."""
    ids = sorted(people)
    features = [msgspec.json.encode(people[patient_id]).decode() for patient_id in ids]
    rows = tx.rows(SQL["put_features"], {"patients": ids, "features": features})
    return {row["patient_id"] for row in rows}


def features_of(tx: Transaction, patients: Collection[str]) -> dict[str, Demographics]:
    """How these patients look, as far as they are known."""
    rows = tx.rows(SQL["features_of"], {"patients": list(patients)})
    return {row["patient_id"]: msgspec.convert(row["features"], Demographics) for row in rows}


def replace_keys(tx: Transaction, keys: Mapping[str, Collection[int]]) -> None:
    """These patients are found under exactly these likeness keys from now on."""
    tx.execute(SQL["drop_keys"], {"patients": list(keys)})
    tx.execute(SQL["put_keys"], flat_keys(keys))


def neighbours(tx: Transaction, keys: Mapping[str, Collection[int]]) -> list[tuple[str, str]]:
    """Patients that share a key with one of these; each pair as (asked, found)."""
    rows = tx.rows(SQL["neighbours"], {**flat_keys(keys), "most": MOST_SHARING})
    return [(row["patient_id"], row["other_id"]) for row in rows]


def flat_keys(keys: Mapping[str, Collection[int]]) -> dict[str, list[Any]]:
    """Keys by patient as two arrays."""
    pairs = [(key, patient_id) for patient_id, some in keys.items() for key in some]
    return {"keys": [key for key, _ in pairs], "patients": [patient_id for _, patient_id in pairs]}


def match_id(tenant_id: int, candidate: Candidate) -> str:
    """The one id of this pair: of its row and of its loop `Task`."""
    return derived_id(tenant_id, "person-match", candidate.left, candidate.right)


def open_matches(tx: Transaction, now: datetime, candidates: Iterable[Candidate]) -> list[str]:
    """The pairs stand in the review queue unless a person decided them before; answers the ids that are new there."""
    pairs = {(one.left, one.right): one for one in candidates}
    if not pairs:
        return []
    some = [pairs[key] for key in sorted(pairs)]
    given = {
        "ids": [match_id(tx.tenant_id, one) for one in some],
        "lefts": [one.left for one in some],
        "rights": [one.right for one in some],
        "reasons": [one.reason.value for one in some],
        "points": [one.points for one in some],
        "grades": [one.grade.value for one in some],
        "now": now,
        "due": now + DECIDE_WITHIN,
    }
    return [row["id"] for row in tx.rows(SQL["open_match"], given)]


def match_row(row: Mapping[str, Any]) -> MatchRow:
    """A stored pair as a value."""
    words = {"reason": Reason(row["reason"]), "grade": Grade(row["grade"]), "state": MatchState(row["state"])}
    rest = {key: value for key, value in row.items() if key not in ("left_id", "right_id")}
    return MatchRow(left=row["left_id"], right=row["right_id"], **{**rest, **words})


def hand_to(tx: Transaction, from_id: str, patient_id: str, numbers: Iterable[Identifier]) -> None:
    """Numbers claimed for `from_id` a moment ago lead to the patient that was there first."""
    given = columns([(patient_id, number) for number in numbers])
    tx.execute(SQL["hand_to"], {**given, "from_id": from_id, "patient_id": patient_id})
