"""A result that names the order of another patient names none: it was filed with the wrong person, or misnumbered.

Without this, correcting whose result it is would give one loop to two patients (engine.md, invariants 3 and 5). The
record keeps what was written; only the engine reads it so (decision 0251).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from careloop.db import Transaction
from careloop.fhir.jsons import encode
from careloop.flows.app import App
from careloop.record import Stored

_RESULTS = frozenset({"DiagnosticReport", "Observation", "ServiceRequest"})
_NAMED = re.compile(r'"(ServiceRequest/[A-Za-z0-9.-]{1,64})')


def own_only(app: App, tx: Transaction, resources: Mapping[str, Sequence[Stored]]) -> dict[str, list[Stored]]:
    """The same resources by patient, without `basedOn` an order that is known to be somebody else's."""
    named = {patient: _named_elsewhere(mine) for patient, mine in resources.items()}
    asked = sorted({order for orders in named.values() for order in orders})
    holders = {name: one.patient_id for name, one in app.record.fetch(tx, asked).items()} if asked else {}
    return {
        patient: _without(mine, {one for one in named[patient] if holders.get(one) not in (None, patient)})
        for patient, mine in resources.items()
    }


def _named_elsewhere(mine: Sequence[Stored]) -> set[str]:
    """Orders that results and orders name and this patient does not have."""
    own = {found.reference for found in mine if found.resource_type == "ServiceRequest"}
    texts = (found.text for found in mine if found.resource_type in _RESULTS and "ServiceRequest/" in found.text)
    return {name for text in texts for name in _NAMED.findall(text)} - own


def _without(mine: Sequence[Stored], foreign: set[str]) -> list[Stored]:
    return [_parted(found, foreign) if foreign and found.resource_type in _RESULTS else found for found in mine]


def _parted(found: Stored, foreign: set[str]) -> Stored:
    based: Sequence[Mapping[str, Any]] = found.resource.get("basedOn", ())
    kept = [one for one in based if str(one.get("reference", "")).split("/_history/")[0] not in foreign]
    if len(kept) == len(based):
        return found
    rest = {name: value for name, value in found.resource.items() if name != "basedOn"}
    return replace(found, text=encode({**rest, "basedOn": kept} if kept else rest).decode())
