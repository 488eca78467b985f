"""Which patient is a message about? Safe when many connections report one new person at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from careloop.db import Transaction
from careloop.errors import Rejected
from careloop.fhir.ids import derived_id, new_id
from careloop.identity import store
from careloop.identity.model import Candidate, Demographics, Identifier, Reason, Resolution, pair
from careloop.identity.rules import splits
from careloop.record import Record

Holders = Mapping[tuple[str, str], tuple[str, str | None]]
"""By system and value: the patient that a number leads to, and the merged-away one that it named first."""


def resolve(
    tx: Transaction,
    record: Record,
    now: datetime,
    identifiers: Sequence[Identifier],
    demographics: Demographics | None = None,
) -> Resolution:
    """The one patient that these numbers name, found or made; every number leads to it from now on.

    The unique constraint on (tenant, system, value) decides a race: the second of two waits for the first. Numbers
    that name two different patients join nothing: the first one given wins and the pair goes to a person. Weak
    numbers (SSN, driver's licence) name somebody only where nothing better was sent. `demographics` join nobody; the
    likeness is looked at when the `Patient` is written (`note_patients`).
    """
    return resolve_all(tx, record, now, [identifiers])[0]


def resolve_all(
    tx: Transaction, record: Record, now: datetime, several: Sequence[Sequence[Identifier]]
) -> list[Resolution]:
    """`resolve` for each of several people, in order; one query where all are known, four where some are new."""
    named = [_naming(identifiers) for identifiers in several]
    every = [_key(number) for numbers in named for number in numbers]
    if len(named) > 1 and len(set(every)) < len(every):
        return [resolve_all(tx, record, now, [numbers])[0] for numbers in named]
    known = store.holders(tx, [number for numbers in named for number in numbers])
    asked = [(numbers, {_key(one): known[_key(one)] for one in numbers if _key(one) in known}) for numbers in named]
    claims = iter(_claim(tx, record, now, [one for one in asked if not _all_known(*one)]))
    return [
        _found(tx, now, numbers, mine, created=False) if _all_known(numbers, mine) else _settle(tx, now, next(claims))
        for numbers, mine in asked
    ]


@dataclass(frozen=True, kw_only=True)
class _Claim:
    """A person with new numbers, which were asked for `patient_id`: `known` is who held which number before, `is_new`
    that nobody held one; `free` are the new ones, `mine` those of them that were still free, `alike` the patients with
    numbers that look like them."""

    numbers: Sequence[Identifier]
    known: Holders
    patient_id: str
    is_new: bool
    free: store.Claims
    mine: set[tuple[str, str]]
    alike: Sequence[tuple[str, str]]


def _all_known(numbers: Sequence[Identifier], known: Holders) -> bool:
    return all(_key(one) in known for one in numbers)


def _naming(identifiers: Sequence[Identifier]) -> list[Identifier]:
    strong, weak = splits(identifiers)
    if not (strong or weak):
        raise Rejected(at="PID-3", expected="an identifier of the person with its assigning authority", code="required")
    return strong or weak


def _claim(
    tx: Transaction, record: Record, now: datetime, asked: Sequence[tuple[Sequence[Identifier], Holders]]
) -> list[_Claim]:
    """New numbers are claimed for the patients that the known ones name, or for new ones; set by set."""
    if not asked:
        return []
    fresh = iter(_new_patient_ids(tx, record, [numbers[0] for numbers, known in asked if not known]))
    people = [_first(numbers, known) or next(fresh) for numbers, known in asked]
    free = [
        [(patient_id, number) for number in numbers if _key(number) not in known]
        for patient_id, (numbers, known) in zip(people, asked, strict=True)
    ]
    every = [claim for some in free for claim in some]
    mine = store.claim(tx, now, every, on_resource=False)
    alike = store.look_alikes(tx, every)
    return [
        _Claim(
            numbers=numbers,
            known=known,
            patient_id=patient_id,
            is_new=not known,
            free=some,
            mine={_key(number) for _, number in some} & mine,
            alike=[pair for pair in alike if pair[0] == patient_id],
        )
        for patient_id, some, (numbers, known) in zip(people, free, asked, strict=True)
    ]


def _settle(tx: Transaction, now: datetime, claim: _Claim) -> Resolution:
    """Where somebody else came first, the numbers lead to them."""
    numbers, fresh = claim.numbers, claim.patient_id
    raced = len(claim.mine) < len(claim.free)
    known = store.holders(tx, numbers) if raced or not claim.is_new else dict.fromkeys(claim.mine, (fresh, None))
    winner = _earlier(numbers, known, fresh) if claim.is_new else fresh
    if winner is not None and winner != fresh:
        store.hand_to(tx, fresh, winner, [number for _, number in claim.free])
        known = store.holders(tx, numbers)
    found = _found(tx, now, numbers, known, created=winner is None and _key(numbers[0]) in claim.mine)
    others = sorted({other for _, other in claim.alike} - {found.patient_id})
    return _with(tx, now, found, [pair(found.patient_id, other, Reason.LOOK_ALIKE) for other in others])


def _earlier(numbers: Sequence[Identifier], known: Holders, fresh: str) -> str | None:
    """The patient of a claim that came first in a race; None when there was no race."""
    for number in numbers:
        holder, _ = known[_key(number)]
        if holder != fresh:
            return holder
    return None


def _new_patient_ids(tx: Transaction, record: Record, numbers: Sequence[Identifier]) -> list[str]:
    """Derived from the number, so that the same facts in any order make the same patient; random where a patient of
    that id lives already under another number."""
    wanted = [derived_id(tx.tenant_id, "patient", number.system, number.value) for number in numbers]
    taken = record.fetch(tx, [f"Patient/{one}" for one in wanted])
    return [new_id() if f"Patient/{one}" in taken else one for one in wanted]


def _first(numbers: Sequence[Identifier], known: Holders) -> str | None:
    return next((known[_key(number)][0] for number in numbers if _key(number) in known), None)


def _key(number: Identifier) -> tuple[str, str]:
    return number.system, number.value


def _found(
    tx: Transaction,
    now: datetime,
    numbers: Sequence[Identifier],
    known: Holders,
    *,
    created: bool,
) -> Resolution:
    patient_id, named_prior = known[_key(numbers[0])]
    others = {holder for holder, _ in known.values()} - {patient_id}
    found = Resolution(patient_id=patient_id, created=created, named_prior=named_prior)
    return _with(tx, now, found, [pair(patient_id, other, Reason.IDENTIFIER) for other in sorted(others)])


def _with(tx: Transaction, now: datetime, found: Resolution, candidates: Sequence[Candidate]) -> Resolution:
    """The resolution with more pairs, which stand in the review queue."""
    if not candidates:
        return found
    store.open_matches(tx, now, candidates)
    return Resolution(
        patient_id=found.patient_id,
        created=found.created,
        candidates=(*found.candidates, *candidates),
        named_prior=found.named_prior,
    )
