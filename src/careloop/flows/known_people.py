"""Whom another system means by a FHIR Patient of its own: by exact numbers only, never by likeness."""

from collections.abc import Mapping, Sequence
from typing import Any

from careloop.access.model import Principal
from careloop.access.policy import require
from careloop.db import Transaction
from careloop.errors import Gone, NotFound
from careloop.flows.app import App
from careloop.record import Stored


def by_numbers(app: App, tx: Transaction, principal: Principal, patient: Mapping[str, Any]) -> Stored | None:
    """The one patient here that has a number of the given one; None where nobody has, or more than one person."""
    require(principal, "search", "Patient")
    tokens = [("identifier", one) for one in numbers_of(patient)]
    found = app.record.follow(tx, "Patient", tokens) if tokens else []
    return by_id(app, tx, principal, found[0].id) if len(found) == 1 else None


def by_id(app: App, tx: Transaction, principal: Principal, patient_id: str) -> Stored | None:
    """The patient of that id of ours, None where there is none. The look is audited."""
    require(principal, "read", "Patient")
    try:
        return app.record.read(tx, principal, "Patient", patient_id)
    except (NotFound, Gone):
        return None


def numbers_of(patient: Mapping[str, Any]) -> Sequence[str]:
    """The identifiers `system|value` that name a person now: those without a system name nobody for certain."""
    identifiers = patient.get("identifier")
    found = [one for one in identifiers if isinstance(one, Mapping)] if isinstance(identifiers, list) else []
    return [
        f"{one['system']}|{one['value']}"
        for one in found[:50]
        if isinstance(one.get("system"), str) and isinstance(one.get("value"), str)
        if one["system"].strip() and one["value"].strip() and one.get("use") not in ("old", "temp")
    ]
