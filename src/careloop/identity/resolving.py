"""Which patient is a message about? Safe when many connections report one new person at once."""

from collections.abc import Sequence
from datetime import datetime

from careloop.db import Transaction
from careloop.errors import Rejected
from careloop.fhir.ids import derived_id, new_id
from careloop.identity import store
from careloop.identity.model import Candidate, Demographics, Identifier, Reason, Resolution, pair
from careloop.identity.rules import splits
from careloop.record import Record


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
    """`resolve` for each of several people, in order; one query where all are known."""
    named = [_naming(identifiers) for identifiers in several]
    known = store.holders(tx, [number for numbers in named for number in numbers])
    return [_resolve(tx, record, now, numbers, known) for numbers in named]


def _resolve(
    tx: Transaction,
    record: Record,
    now: datetime,
    numbers: Sequence[Identifier],
    known: dict[tuple[str, str], tuple[str, str | None]],
) -> Resolution:
    """`known` holds at least what was true of these numbers when it was asked."""
    keys = [(one.system, one.value) for one in numbers]
    mine = {key: known[key] for key in keys if key in known}
    if len(mine) < len(numbers):
        return _claim(tx, record, now, numbers, mine)
    return _found(tx, now, numbers, mine, created=False)


def _naming(identifiers: Sequence[Identifier]) -> list[Identifier]:
    strong, weak = splits(identifiers)
    if not (strong or weak):
        raise Rejected(at="PID-3", expected="an identifier of the person with its assigning authority", code="required")
    return strong or weak


def _claim(
    tx: Transaction,
    record: Record,
    now: datetime,
    numbers: Sequence[Identifier],
    known: dict[tuple[str, str], tuple[str, str | None]],
) -> Resolution:
    """Some numbers are new: they are claimed for the known patient, or for a new one when none is known."""
    patient_id = _first(numbers, known)
    fresh = patient_id or _new_patient_id(tx, record, numbers[0])
    free = [(fresh, number) for number in numbers if (number.system, number.value) not in known]
    mine = store.claim(tx, now, free, on_resource=False)
    raced = len(mine) < len(free)
    known = store.holders(tx, numbers) if known or raced else dict.fromkeys(mine, (fresh, None))
    winner = _earlier(numbers, known, fresh) if patient_id is None else patient_id
    if winner is not None and winner != fresh:
        store.hand_to(tx, fresh, winner, [number for _, number in free])
        known = store.holders(tx, numbers)
    first = (numbers[0].system, numbers[0].value)
    found = _found(tx, now, numbers, known, created=winner is None and first in mine)
    alike = [pair(one, other, Reason.LOOK_ALIKE) for one, other in _look_alikes(tx, found.patient_id, free)]
    return _with(tx, now, found, alike)


def _earlier(
    numbers: Sequence[Identifier], known: dict[tuple[str, str], tuple[str, str | None]], fresh: str
) -> str | None:
    """The patient of a claim that came first in a race; None when there was no race."""
    for number in numbers:
        holder, _ = known[(number.system, number.value)]
        if holder != fresh:
            return holder
    return None


def _look_alikes(tx: Transaction, patient_id: str, free: store.Claims) -> list[tuple[str, str]]:
    return store.look_alikes(tx, [(patient_id, number) for _, number in free])


def _new_patient_id(tx: Transaction, record: Record, number: Identifier) -> str:
    """Derived from the number, so that the same facts in any order make the same patient; random where a patient of
    that id lives already under another number."""
    wanted = derived_id(tx.tenant_id, "patient", number.system, number.value)
    taken = record.fetch(tx, [f"Patient/{wanted}"]).get(f"Patient/{wanted}")
    return wanted if taken is None or taken.deleted else new_id()


def _first(numbers: Sequence[Identifier], known: dict[tuple[str, str], tuple[str, str | None]]) -> str | None:
    for number in numbers:
        if (number.system, number.value) in known:
            return known[(number.system, number.value)][0]
    return None


def _found(
    tx: Transaction,
    now: datetime,
    numbers: Sequence[Identifier],
    known: dict[tuple[str, str], tuple[str, str | None]],
    *,
    created: bool,
) -> Resolution:
    patient_id, named_prior = known[(numbers[0].system, numbers[0].value)]
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
