"""Keeps numbers and likeness keys in step with `Patient` resources, from whatever door they come; in sets."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from careloop.db import Transaction
from careloop.db.exchange import Statement
from careloop.identity import store
from careloop.identity.likeness import shipped_likeness
from careloop.identity.model import Candidate, Demographics, Grade, Identifier, Reason, Scored, pair
from careloop.identity.rules import (
    Likeness,
    demographics_of,
    identifiers_of,
    splits,
)
from careloop.identity.rules.folding import fold_emails, fold_phones


@dataclass(frozen=True, kw_only=True)
class Noted:
    """What noting some patients found. `appeared` are patients that a merge was waiting for: (prior, survivor);
    `merged` those that are merged away, with their survivor."""

    candidates: tuple[Candidate, ...] = ()
    appeared: tuple[tuple[str, str], ...] = ()
    merged: Mapping[str, str] = field(default_factory=dict)


def note_patient(tx: Transaction, resource: Mapping[str, Any], now: datetime) -> Noted:
    """`note_patients` for one."""
    return note_patients(tx, now, [resource])


def note_patients(
    tx: Transaction, now: datetime, resources: Sequence[Mapping[str, Any]], likeness: Likeness | None = None
) -> Noted:
    """Numbers, looks and keys of these `Patient` resources (each with its id) are as the resources say.

    A number that belongs to somebody else stays there and the pair goes to the review queue, as does a number that
    merely looks like somebody else's and a person who is much like another. Nothing is joined. A merged-away patient
    keeps no numbers of its own: they lead to the survivor. One query where nothing changed. `likeness`: by which
    weights people are compared, those that ship with the product where it is left out.
    """
    people = {str(resource["id"]): resource for resource in resources}
    claims = [(one, number) for one, resource in people.items() for number in splits(identifiers_of(resource))[0]]
    known = store.standing(tx, people, [number for _, number in claims])
    claims = [(who, number) for who, number in claims if who not in known.merged]
    looks = {one: plain_looks(resource) for one, resource in people.items() if one not in known.merged}
    candidates, appeared = _note_numbers(tx, now, claims, known)
    alike = _note_looks(tx, now, looks, known, likeness or shipped_likeness())
    return Noted(candidates=(*candidates, *alike), appeared=appeared, merged=known.merged)


def plain_looks(resource: Mapping[str, Any]) -> Demographics:
    """What is kept of a person's looks: as written, but phones and e-mails folded, so that a change of spelling alone
    is no change."""
    person = demographics_of(resource)
    phones, emails = tuple(sorted(fold_phones(person))), tuple(sorted(fold_emails(person)))
    return replace(person, phones=phones, emails=emails)


def forget_patients(tx: Transaction, patients: Collection[str]) -> None:
    """Deleted patients hold no number and are nobody's likeness; open pairs with them are withdrawn."""
    given = {"patients": list(patients), "kept": list[str]()}
    names = ("drop_identifiers", "drop_keys", "drop_features", "withdraw")
    tx.ask_all([Statement(store.SQL[name], given) for name in names])


def match(
    tx: Transaction,
    person: Demographics,
    identifiers: Sequence[Identifier],
    *,
    limit: int = 20,
    likeness: Likeness | None = None,
) -> list[Scored]:
    """Patients who may be this person, best first: a number that names one is certain, the rest by likeness."""
    by_weights = likeness or shipped_likeness()
    named = {who for who, _ in store.holders(tx, splits(identifiers)[0]).values()}
    certain = [Scored(patient_id=one, score=Decimal(1), grade=Grade.CERTAIN) for one in sorted(named)]
    near = store.neighbours(tx, {"": by_weights.keys(person)})
    looks = {other: how for _, other, how in near if other not in named}
    scored = [(by_weights.compare(person, looks[other]), other) for other in sorted(looks)]
    likely = sorted(scored, key=lambda one: (-one[0].points, one[1]))
    graded = [Scored(patient_id=other, score=by_weights.score(by.points), grade=by.grade) for by, other in likely]
    return [*certain, *(one for one in graded if one.grade is not Grade.CERTAINLY_NOT)][:limit]


def _note_numbers(
    tx: Transaction, now: datetime, claims: store.Claims, known: store.Standing
) -> tuple[list[Candidate], tuple[tuple[str, str], ...]]:
    unknown = [(who, number) for who, number in claims if _key(number) not in known.holders]
    free = store.claim(tx, now, unknown, on_resource=True) if unknown else set()
    _keep_in_step(tx, claims, known)
    held = dict(known.holders)
    if len(free) < len(unknown):
        held |= store.holders(tx, [number for _, number in unknown])
    holder_of = {(who, _key(number)): held.get(_key(number), (who, None)) for who, number in claims}
    foreign = [(who, holder) for (who, _), holder in holder_of.items() if holder[0] != who]
    appeared = _appeared(tx, now, claims, foreign)
    waiting = {prior for prior, _ in appeared}
    conflicts = [pair(who, holder, Reason.IDENTIFIER) for who, (holder, _) in foreign if who not in waiting]
    store.open_matches(tx, now, conflicts)
    return [*conflicts, *_look_alikes(tx, now, unknown, free)], appeared


def _keep_in_step(tx: Transaction, claims: store.Claims, known: store.Standing) -> None:
    """Numbers seen on the resource are marked so; numbers that stood there and no longer do are free."""
    seen = {(who, _key(number)) for who, number in claims}
    fresh = [(who, number) for who, number in claims if known.own.get(_key(number)) == (who, False)]
    if fresh:
        tx.execute(store.SQL["mark_on_resource"], store.columns(fresh))
    gone = [
        (who, Identifier(system=system, value=value))
        for (system, value), (who, on_resource) in known.own.items()
        if on_resource and who not in known.merged and (who, (system, value)) not in seen
    ]
    if gone:
        tx.execute(store.SQL["release"], store.columns(gone))


def _appeared(
    tx: Transaction, now: datetime, claims: store.Claims, foreign: Sequence[tuple[str, tuple[str, str | None]]]
) -> tuple[tuple[str, str], ...]:
    """Patients whose number a merge had named before they were known; that merge is due now."""
    if not foreign:
        return ()
    rows = tx.rows(store.SQL["pending_appeared"], {**store.columns(claims), "now": now})
    stubs = {row["prior_id"] for row in rows}
    return tuple((who, holder) for who, (holder, prior) in foreign if prior in stubs)


def _look_alikes(tx: Transaction, now: datetime, claims: store.Claims, free: set[tuple[str, str]]) -> list[Candidate]:
    new = [(who, number) for who, number in claims if _key(number) in free]
    found = [pair(one, other, Reason.LOOK_ALIKE) for one, other in store.look_alikes(tx, new)] if new else []
    store.open_matches(tx, now, found)
    return found


def _note_looks(
    tx: Transaction, now: datetime, people: Mapping[str, Demographics], known: store.Standing, likeness: Likeness
) -> list[Candidate]:
    """Likeness of those whose looks changed: their keys, the pairs they make, the pairs they no longer make."""
    changed = {one: looks for one, looks in people.items() if known.looks.get(one) != looks}
    if not changed:
        return []
    keys = {one: likeness.keys(looks) for one, looks in sorted(changed.items())}
    before = {one: likeness.keys(known.looks[one]) for one in changed if one in known.looks}
    near = store.put_looks_and_see(tx, changed, keys, before)
    found = list(_alike(near, changed, likeness))
    if known.asked & changed.keys():
        kept = [store.match_id(tx.tenant_id, one) for one in found]
        tx.execute(store.SQL["withdraw"], {"patients": sorted(changed), "kept": kept})
    store.open_matches(tx, now, found)
    return found


def _alike(
    near: Sequence[tuple[str, str, Demographics]], people: Mapping[str, Demographics], likeness: Likeness
) -> Iterator[Candidate]:
    """The pairs that reach the review line."""
    for one, other, looks in near:
        if likeness.may_reach_review(people[one], looks):
            compared = likeness.compare(people[one], looks)
            if compared.points >= likeness.review:
                yield pair(one, other, Reason.DEMOGRAPHICS, compared)


def _key(number: Identifier) -> tuple[str, str]:
    return number.system, number.value
