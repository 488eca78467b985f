"""What a review leaves beside loops: scores as Observations, matters that opened nothing, and when to look again."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any

from careloop.db import Transaction
from careloop.fhir.ids import derived_id
from careloop.flows.engine import Derived
from careloop.loops import store
from careloop.loops.model import Explanation
from careloop.loops.scores import score_observations
from careloop.loops.tasks import REASON, moment
from careloop.record import Stored

Resource = dict[str, Any]


def beside(
    tx: Transaction, patient_id: str, derived: Derived, resources: Sequence[Stored], now: datetime
) -> list[Resource]:
    """Scores that changed and matters without a loop that nobody explained yet, to be written to the record."""
    notes = [note for note in derived.derivation.notes if note.source]
    return [
        *_new_scores(tx, patient_id, derived, resources),
        *_explained(tx, patient_id, notes, derived, now),
    ]


def look_again(tx: Transaction, patient_id: str, derived: Derived) -> None:
    """A fact that lies ahead wakes the patient when its time comes, though no loop stands that could."""
    if derived.derivation.next_opening is not None:
        store.set_wake(tx, patient_id, derived.derivation.next_opening)


def _new_scores(tx: Transaction, patient_id: str, derived: Derived, resources: Sequence[Stored]) -> list[Resource]:
    """The scores that differ from what the record holds."""
    standing = {found.id: found for found in resources if found.resource_type == "Observation"}
    wanted = [
        observation
        for stay in derived.derivation.scores
        for observation in score_observations(tx.tenant_id, patient_id, stay, derived.zone)
    ]
    return [one for one in wanted if one["id"] not in standing or _differs(standing[one["id"]].resource, one)]


def _differs(standing: Mapping[str, Any], wanted: Resource) -> bool:
    return {name: value for name, value in standing.items() if name != "meta"} != wanted


def _explained(
    tx: Transaction, patient_id: str, notes: Sequence[Explanation], derived: Derived, now: datetime
) -> list[Resource]:
    """A Provenance on the fact for each matter that opened no loop, the first time it is seen."""
    by_key = {_key(note): note for note in notes}
    fresh = store.note_once(tx, patient_id, list(by_key), now) if by_key else []
    return [_note(tx.tenant_id, key, by_key[key], derived, now) for key in fresh]


def _note(tenant_id: int, key: str, note: Explanation, derived: Derived, now: datetime) -> Resource:
    code = note.text.split(":")[0] if note.text.startswith("window-over") else "not-applicable"
    return {
        "resourceType": "Provenance",
        "id": derived_id(tenant_id, "note", key),
        "target": [{"reference": note.source}],
        "occurredDateTime": moment(note.at, derived.zone),
        "recorded": moment(now, derived.zone),
        "reason": [{"coding": [{"system": REASON, "code": code}], "text": f"{note.text} [{note.rule}]"}],
        "agent": [{"who": {"display": "Careloop loop engine"}}],
    }


def _key(note: Explanation) -> str:
    """The same for the same matter, whichever version of the fact told it."""
    thing = (note.source or "").split("/_history/")[0]
    return blake2b(f"{thing} {note.rule} {note.text}".encode(), digest_size=16).hexdigest()
