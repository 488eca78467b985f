"""Keeps numbers and likeness keys in step with `Patient` resources, from whatever door they come; in sets."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
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
    asked = ask_about(tx, {str(resource["id"]): resource for resource in resources})
    return begin_noting(tx, now, asked, likeness)()


@dataclass(frozen=True)
class Asked:
    """Some patients as their resources say, the numbers that they claim, and what is known of both."""

    people: Mapping[str, Mapping[str, Any]]
    claims: store.Claims
    standing: Callable[[], store.Standing]


def ask_about(tx: Transaction, people: Mapping[str, Mapping[str, Any]]) -> Asked:
    """The first half of `note_patients` (resources by id): what is known is asked with what is asked next."""
    claims = [(one, number) for one, resource in people.items() for number in splits(identifiers_of(resource))[0]]
    return Asked(people, claims, store.standing(tx, people, [number for _, number in claims]))


def begin_noting(
    tx: Transaction,
    now: datetime,
    asked: Asked,
    likeness: Likeness | None = None,
    *,
    only: Collection[str] | None = None,
) -> Callable[[], Noted]:
    """The second half: numbers, looks and keys leave with what is asked next; what that found is what the function
    gives, which must be called. With `only` it is about those of the patients."""
    known = asked.standing()
    mine = asked.people.keys() if only is None else only
    claims = [(who, number) for who, number in asked.claims if who in mine and who not in known.merged]
    looks = {
        one: plain_looks(resource) for one, resource in asked.people.items() if one in mine and one not in known.merged
    }
    numbers = _note_numbers(tx, now, claims, known, mine)
    alike = _note_looks(tx, now, looks, known, likeness or shipped_likeness())

    def noted() -> Noted:
        candidates, appeared = numbers()
        merged = {prior: survivor for prior, survivor in known.merged.items() if prior in mine}
        return Noted(candidates=(*candidates, *alike()), appeared=appeared, merged=merged)

    return noted


def plain_looks(resource: Mapping[str, Any]) -> Demographics:
    """What is kept of a person's looks: as written, but phones and e-mails folded, so that a change of spelling alone
    is no change."""
    person = demographics_of(resource)
    phones, emails = tuple(sorted(fold_phones(person))), tuple(sorted(fold_emails(person)))
    return replace(person, phones=phones, emails=emails)


def forget_patients(tx: Transaction, patients: Collection[str]) -> None:
    """Deleted patients hold no number and are nobody's likeness; open pairs with them are withdrawn. Leaves with what
    is asked next."""
    given = {"patients": list(patients), "kept": list[str]()}
    names = ("drop_identifiers", "drop_keys", "drop_features", "withdraw")
    tx.later([Statement(store.SQL[name], given) for name in names])


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
    tx: Transaction, now: datetime, claims: store.Claims, known: store.Standing, mine: Collection[str]
) -> Callable[[], tuple[list[Candidate], tuple[tuple[str, str], ...]]]:
    unknown = [(who, number) for who, number in claims if _key(number) not in known.holders]
    claimed = store.claim_later(tx, now, unknown, on_resource=True) if unknown else set
    _keep_in_step(tx, claims, known, mine)
    alike = store.look_alikes_later(tx, unknown) if unknown else list

    def noted() -> tuple[list[Candidate], tuple[tuple[str, str], ...]]:
        free, held = claimed(), dict(known.holders)
        if len(free) < len(unknown):
            held |= store.holders(tx, [number for _, number in unknown])
        holder_of = {(who, _key(number)): held.get(_key(number), (who, None)) for who, number in claims}
        foreign = [(who, holder) for (who, _), holder in holder_of.items() if holder[0] != who]
        appeared = _appeared(tx, now, claims, foreign)
        waiting = {prior for prior, _ in appeared}
        conflicts = [pair(who, holder, Reason.IDENTIFIER) for who, (holder, _) in foreign if who not in waiting]
        store.open_matches(tx, now, conflicts)
        found = alike() if len(free) == len(unknown) else _alike_to_free(tx, unknown, free)
        looking = [pair(one, other, Reason.LOOK_ALIKE) for one, other in found]
        store.open_matches(tx, now, looking)
        return [*conflicts, *looking], appeared

    return noted


def _keep_in_step(tx: Transaction, claims: store.Claims, known: store.Standing, mine: Collection[str]) -> None:
    """Numbers seen on the resource are marked so; numbers that stood there and no longer do are free."""
    seen = {(who, _key(number)) for who, number in claims}
    fresh = [(who, number) for who, number in claims if known.own.get(_key(number)) == (who, False)]
    if fresh:
        tx.later([Statement(store.SQL["mark_on_resource"], store.columns(fresh))])
    gone = [
        (who, Identifier(system=system, value=value))
        for (system, value), (who, on_resource) in known.own.items()
        if on_resource and who in mine and who not in known.merged and (who, (system, value)) not in seen
    ]
    if gone:
        tx.later([Statement(store.SQL["release"], store.columns(gone))])


def _appeared(
    tx: Transaction, now: datetime, claims: store.Claims, foreign: Sequence[tuple[str, tuple[str, str | None]]]
) -> tuple[tuple[str, str], ...]:
    """Patients whose number a merge had named before they were known; that merge is due now."""
    if not foreign:
        return ()
    rows = tx.rows(store.SQL["pending_appeared"], {**store.columns(claims), "now": now})
    stubs = {row["prior_id"] for row in rows}
    return tuple((who, holder) for who, (holder, prior) in foreign if prior in stubs)


def _alike_to_free(tx: Transaction, claims: store.Claims, free: set[tuple[str, str]]) -> list[tuple[str, str]]:
    """Only a number that was free may make its patient look like somebody: others are somebody else's."""
    new = [(who, number) for who, number in claims if _key(number) in free]
    return store.look_alikes(tx, new) if new else []


def _note_looks(
    tx: Transaction, now: datetime, people: Mapping[str, Demographics], known: store.Standing, likeness: Likeness
) -> Callable[[], list[Candidate]]:
    """Likeness of those whose looks changed: their keys, the pairs they make, the pairs they no longer make."""
    changed = {one: looks for one, looks in people.items() if known.looks.get(one) != looks}
    if not changed:
        return list
    keys = {one: likeness.keys(looks) for one, looks in sorted(changed.items())}
    before = {one: likeness.keys(known.looks[one]) for one in changed if one in known.looks}
    near = store.put_looks_and_see(tx, changed, keys, before)

    def noted() -> list[Candidate]:
        found = list(_alike(near(), changed, likeness))
        if known.asked & changed.keys():
            kept = [store.match_id(tx.tenant_id, one) for one in found]
            tx.execute(store.SQL["withdraw"], {"patients": sorted(changed), "kept": kept})
        store.open_matches(tx, now, found)
        return found

    return noted


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
