"""The tables of identity: numbers, likeness keys, the review queue, merges. Every function works on whole sets."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from careloop.db import Row, Transaction, load_queries
from careloop.db.exchange import Statement
from careloop.fhir.ids import derived_id
from careloop.identity.model import Candidate, Demographics, Grade, Identifier, MatchRow, MatchState, Reason
from careloop.identity.rules import skeleton

SQL = load_queries("careloop.identity")

MOST_SHARING = 50
"""A likeness key that more people share tells nobody apart."""

DECIDE_WITHIN = timedelta(days=3)
"""The clock of `person-match`: a pair waits at most three days for a person (our choice, [P])."""

STRONGER = 6
"""Facts that make one person 64 times likelier than those of a decision ask the pair again."""

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
    return claim_later(tx, now, claims, on_resource=on_resource, prior_id=prior_id)()


def claim_later(
    tx: Transaction, now: datetime, claims: Claims, *, on_resource: bool, prior_id: str | None = None
) -> Callable[[], set[tuple[str, str]]]:
    """The same, with what is asked next."""
    given = {**columns(claims), "on_resource": on_resource, "prior_id": prior_id, "now": now}
    claimed = tx.later([Statement(SQL["claim"], given)])
    return lambda: {(row["system"], row["value"]) for row in claimed.rows[0]}


def look_alikes(tx: Transaction, claims: Claims) -> list[tuple[str, str]]:
    """Pairs of patients with numbers that an eye could mistake for each other."""
    return look_alikes_later(tx, claims)()


def look_alikes_later(tx: Transaction, claims: Claims) -> Callable[[], list[tuple[str, str]]]:
    """The same, asked with what is asked next."""
    asked = tx.later([Statement(SQL["look_alikes"], columns(claims))])
    return lambda: [(row["patient_id"], row["other_id"]) for row in asked.rows[0]]


def survivor_of(tx: Transaction, patient_id: str) -> str:
    """Where the chain of merges that starts at this patient ends; the patient itself where there is none."""
    return str(tx.value(SQL["survivor_of"], {"patient_id": patient_id}))


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What is known of some patients and numbers before a change.

    `holders` as in `holders`; `own` are numbers of the patients with whether they stand on the resource; `asked` are
    the patients who are in an open question of likeness.
    """

    holders: dict[tuple[str, str], tuple[str, str | None]]
    own: dict[tuple[str, str], tuple[str, bool]]
    looks: dict[str, Demographics]
    merged: dict[str, str]
    asked: set[str]


def standing(tx: Transaction, patients: Collection[str], numbers: Iterable[Identifier]) -> Callable[[], Standing]:
    """Everything that `note_patients` must know, in one query that leaves with what is asked next."""
    given = {**columns([("", number) for number in numbers]), "touched": list(patients)}
    asked = tx.later([Statement(SQL["standing"], given)])
    return lambda: _standing(asked.rows[0])


def _standing(rows: Sequence[Row]) -> Standing:
    by_kind: dict[str, list[Row]] = {}
    for row in rows:
        by_kind.setdefault(row["kind"], []).append(row)
    return Standing(
        holders={_number(row): (row["patient_id"], row["other_id"]) for row in by_kind.get("number", ())},
        own={_number(row): (row["patient_id"], row["on_resource"]) for row in by_kind.get("own", ())},
        looks={row["patient_id"]: looks_of(row) for row in by_kind.get("looks", ())},
        merged={row["patient_id"]: row["other_id"] for row in by_kind.get("merged", ())},
        asked={row["patient_id"] for row in by_kind.get("asked", ())},
    )


def _number(row: Row) -> tuple[str, str]:
    return row["system"], row["value"]


def looks_of(row: Row) -> Demographics:
    """The stored looks of a row."""
    return msgspec.convert(row["features"], Demographics)


def put_looks(
    tx: Transaction,
    people: Mapping[str, Demographics],
    new: Mapping[str, frozenset[int]],
    before: Mapping[str, frozenset[int]],
) -> None:
    """These patients look so, and are found under these new keys; only the difference to those before is written."""
    tx.ask_all(_looks(people, new, before))


Near = list[tuple[str, str, Demographics]]
"""Patients that share a key with one of some: who was asked about, who was found, how the found one looks."""


def put_looks_and_see(
    tx: Transaction,
    people: Mapping[str, Demographics],
    new: Mapping[str, frozenset[int]],
    before: Mapping[str, frozenset[int]],
) -> Callable[[], Near]:
    """`put_looks`, then `neighbours` of these patients, with what is asked next."""
    asked = tx.later([*_looks(people, new, before), _neighbours(new)])
    return lambda: _near(asked.rows[-1])


def neighbours(tx: Transaction, keys: Mapping[str, Collection[int]]) -> Near:
    """Patients that share a key with one of these."""
    return _near(tx.ask_all([_neighbours(keys)])[0])


def _looks(
    people: Mapping[str, Demographics], new: Mapping[str, frozenset[int]], before: Mapping[str, frozenset[int]]
) -> list[Statement]:
    ids = sorted(people)
    features = msgspec.json.encode([people[patient_id] for patient_id in ids]).decode()
    old: dict[str, frozenset[int]] = {one: before.get(one, frozenset()) for one in ids}
    gone = flat_keys({one: old[one] - new[one] for one in ids})
    come = flat_keys({one: new[one] - old[one] for one in ids})
    told = [Statement(SQL["put_features"], {"patients": ids, "features": features})]
    if gone["keys"]:
        told.append(Statement(SQL["drop_some_keys"], gone))
    if come["keys"]:
        told.append(Statement(SQL["put_keys"], come))
    return told


def _neighbours(keys: Mapping[str, Collection[int]]) -> Statement:
    return Statement(SQL["neighbours"], {**flat_keys(keys), "most": MOST_SHARING})


def _near(rows: Sequence[Row]) -> Near:
    return [(row["patient_id"], row["other_id"], looks_of(row)) for row in rows]


def flat_keys(keys: Mapping[str, Collection[int]]) -> dict[str, list[Any]]:
    """Keys by patient as two arrays."""
    pairs = [(key, patient_id) for patient_id, some in keys.items() for key in sorted(some)]
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
    ids = [match_id(tx.tenant_id, one) for one in some]
    given = {
        "ids": ids,
        "steps": [derived_id(tx.tenant_id, "person-match", one, "decided") for one in ids],
        "lefts": [one.left for one in some],
        "rights": [one.right for one in some],
        "reasons": [one.reason.value for one in some],
        "points": [one.points for one in some],
        "grades": [one.grade.value for one in some],
        "now": now,
        "due": now + DECIDE_WITHIN,
        "stronger": STRONGER,
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


def everybody(tx: Transaction, *, at_once: int = 5000) -> Iterator[tuple[str, Demographics]]:
    """How each patient looks, in the order of ids."""
    after = ""
    while rows := tx.rows(SQL["all_looks"], {"after": after, "limit": at_once}):
        yield from ((row["patient_id"], looks_of(row)) for row in rows)
        after = rows[-1]["patient_id"]


def looks_of_patients(tx: Transaction, patients: Collection[str]) -> dict[str, Demographics]:
    """How these patients look; who is merged away or gone is not in the answer."""
    rows = tx.rows(SQL["looks_of"], {"patients": list(patients)})
    return {row["patient_id"]: looks_of(row) for row in rows}


def counts_about(tx: Transaction, patients: Collection[str]) -> dict[str, dict[str, int]]:
    """For each of these patients how many resources of each type stand about them."""
    found: dict[str, dict[str, int]] = {one: {} for one in patients}
    for row in tx.rows(SQL["counts_about"], {"patients": list(patients)}):
        found[row["patient_id"]][row["type"]] = int(row["total"])
    return found
