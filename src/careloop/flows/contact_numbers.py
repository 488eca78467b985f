"""Numbers that reach a patient: a new one stands first, one that does not work is kept as old (CB-08)."""

import re
from collections.abc import Mapping
from typing import Any

from careloop.access.model import Principal
from careloop.access.policy import require
from careloop.db import Transaction
from careloop.errors import Rejected
from careloop.flows import people, writing
from careloop.flows.app import App
from careloop.record import Write

_DIGITS = range(7, 16)
"""So many digits has a number that can be called (E.164 allows 15)."""


def new_number(
    app: App, tx: Transaction, principal: Principal, patient_id: str, number: str, *, instead_of: str = ""
) -> str:
    """The number is in the record and is called first; `instead_of` does not work any more and is called never again. A
    sentence about it."""
    require(principal, "update", "Patient")
    stored = app.record.read(tx, principal, "Patient", patient_id)
    number = " ".join(number.split())[:40]
    if len(re.sub(r"\D", "", number)) not in _DIGITS or re.search(r"[^\d\s()+./x-]", number):
        raise Rejected(at="number", expected="a phone number with its area code", code="value")
    today = app.clock.now().astimezone(people.zone_of(tx)).date().isoformat()
    resource = with_number(stored.resource, number, instead_of, today)
    write = Write(method="update", resource_type="Patient", id=patient_id, resource=resource, if_match=stored.version)
    writing.write(app, tx, principal, [write], cause="a number that works")
    return f"Saved. {number} is called first from now on."


def with_number(patient: Mapping[str, Any], number: str, instead_of: str, day: str) -> dict[str, Any]:
    """The patient with this number first; the same number is not kept twice."""
    kept = []
    for one in patient.get("telecom", ()):
        if one.get("system") == "phone" and _same(one, number):
            continue
        rest = {name: value for name, value in one.items() if name != "rank" or one.get("system") != "phone"}
        if instead_of and one.get("system") == "phone" and _same(one, instead_of):
            rest |= {"use": "old", "period": {**one.get("period", {}), "end": day}}
        kept.append(rest)
    new = {"system": "phone", "value": number, "use": "mobile", "rank": 1, "period": {"start": day}}
    return {**patient, "telecom": [new, *kept]}


def _same(one: Mapping[str, Any], number: str) -> bool:
    return re.sub(r"\D", "", str(one.get("value", ""))) == re.sub(r"\D", "", number)
