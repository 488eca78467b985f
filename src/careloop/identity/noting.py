"""Keeps numbers and likeness keys in step with `Patient` resources, from whatever door they come; in sets."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from careloop.db import Transaction
from careloop.identity import store
from careloop.identity.model import Candidate, Demographics, Grade, Identifier, Reason, Scored, pair
from careloop.identity.rules import (
    REVIEW_POINTS,
    blocking_keys,
    compare,
    demographics_of,
    identifiers_of,
    search_score,
    splits,
)


@dataclass(frozen=True, kw_only=True)
class Noted:
    """What noting some patients found. `appeared` are patients that a merge was waiting for: (prior, survivor)."""

    candidates: tuple[Candidate, ...] = ()
    appeared: tuple[tuple[str, str], ...] = ()


def note_patient(tx: Transaction, resource: Mapping[str, Any], now: datetime) -> Noted:
    """`note_patients` for one."""
    return note_patients(tx, now, [resource])


def note_patients(tx: Transaction, now: datetime, resources: Sequence[Mapping[str, Any]]) -> Noted:
    """Numbers, looks and keys of these `Patient` resources (each with its id) are as the resources say.

    A number that belongs to somebody else stays there and the pair goes to the review queue, as does a number that
    merely looks like somebody else's and a person who is much like another. Nothing is joined. A merged-away patient
    keeps no numbers of its own: they lead to the survivor.
    """
    people = {str(resource["id"]): resource for resource in resources}
    gone = store.merged_away(tx, people)
    standing = {patient_id: resource for patient_id, resource in people.items() if patient_id not in gone}
    if not standing:
        return Noted()
    candidates, appeared = _note_numbers(tx, now, standing)
    alike = _note_looks(tx, now, {key: demographics_of(resource) for key, resource in standing.items()})
    return Noted(candidates=(*candidates, *alike), appeared=appeared)


def forget_patients(tx: Transaction, patients: Collection[str]) -> None:
    """Deleted patients hold no number and are nobody's likeness; open pairs with them are withdrawn."""
    given = {"patients": list(patients), "kept": []}
    tx.execute(store.SQL["drop_identifiers"], given)
    tx.execute(store.SQL["drop_keys"], given)
    tx.execute(store.SQL["drop_features"], given)
    tx.execute(store.SQL["withdraw"], given)


def match(tx: Transaction, person: Demographics, identifiers: Sequence[Identifier], *, limit: int = 20) -> list[Scored]:
    """Patients who may be this person, best first: a number that names one is certain, the rest by likeness."""
    named = {who for who, _ in store.holders(tx, splits(identifiers)[0]).values()}
    certain = [Scored(patient_id=one, score=Decimal(1), grade=Grade.CERTAIN) for one in sorted(named)]
    near = {other for _, other in store.neighbours(tx, {"": blocking_keys(person)})}
    looks = store.features_of(tx, near - named)
    scored = [(compare(person, looks[other]), other) for other in sorted(looks)]
    likely = sorted(scored, key=lambda one: (-one[0].points, one[1]))
    graded = [Scored(patient_id=other, score=search_score(by.points), grade=by.grade) for by, other in likely]
    return [*certain, *(one for one in graded if one.grade is not Grade.CERTAINLY_NOT)][:limit]


def _note_numbers(
    tx: Transaction, now: datetime, people: Mapping[str, Mapping[str, Any]]
) -> tuple[list[Candidate], tuple[tuple[str, str], ...]]:
    claims = [
        (patient_id, number)
        for patient_id, resource in people.items()
        for number in splits(identifiers_of(resource))[0]
    ]
    free = store.claim(tx, now, claims, on_resource=True)
    tx.execute(store.SQL["mark_on_resource"], store.columns(claims))
    tx.execute(store.SQL["drop_left"], {**store.columns(claims), "touched": list(people)})
    if len(free) == len(claims):
        return _look_alikes(tx, now, claims, free), ()
    held = store.holders(tx, [number for _, number in claims])
    foreign = [(who, held[_key(number)]) for who, number in claims if held[_key(number)][0] != who]
    appeared = _appeared(tx, now, claims, foreign)
    waiting = {prior for prior, _ in appeared}
    conflicts = [pair(who, holder, Reason.IDENTIFIER) for who, (holder, _) in foreign if who not in waiting]
    store.open_matches(tx, now, conflicts)
    return [*conflicts, *_look_alikes(tx, now, claims, free)], appeared


def _appeared(
    tx: Transaction, now: datetime, claims: store.Claims, foreign: Sequence[tuple[str, tuple[str, str | None]]]
) -> tuple[tuple[str, str], ...]:
    """Patients whose number a merge had named before they were known; that merge is due now."""
    if not foreign:
        return ()
    rows = tx.rows(store.SQL["pending_appeared"], {**store.columns(claims), "now": now})
    stubs = {row["prior_id"] for row in rows}
    return tuple((who, holder) for who, (holder, prior) in foreign if prior in stubs)


def _look_alikes(
    tx: Transaction, now: datetime, claims: store.Claims, free: set[tuple[str, str]]
) -> list[Candidate]:
    new = [(who, number) for who, number in claims if _key(number) in free]
    found = [pair(one, other, Reason.LOOK_ALIKE) for one, other in store.look_alikes(tx, new)] if new else []
    store.open_matches(tx, now, found)
    return found


def _note_looks(tx: Transaction, now: datetime, people: Mapping[str, Demographics]) -> list[Candidate]:
    """Likeness of those whose looks changed: their keys, the pairs they make, the pairs they no longer make."""
    changed = store.put_features(tx, people)
    if not changed:
        return []
    keys = {patient_id: blocking_keys(people[patient_id]) for patient_id in sorted(changed)}
    store.replace_keys(tx, keys)
    near = store.neighbours(tx, keys)
    looks = {**store.features_of(tx, {other for _, other in near}), **{one: people[one] for one in changed}}
    compared = [(one, other, compare(looks[one], looks[other])) for one, other in near if other in looks]
    found = [pair(one, other, Reason.DEMOGRAPHICS, by) for one, other, by in compared if by.points >= REVIEW_POINTS]
    kept = [store.match_id(tx.tenant_id, one) for one in found]
    tx.execute(store.SQL["withdraw"], {"patients": sorted(changed), "kept": kept})
    store.open_matches(tx, now, found)
    return found


def _key(number: Identifier) -> tuple[str, str]:
    return number.system, number.value
