"""Numbers that reach a patient: a new one stands first, one that does not work is kept as old (CB-08).

Both carry who of our staff said so: no message writes over them, and who says another number later is asked about
(decision 0249, `content/contradictions/phone.yaml`)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from careloop.access.model import Principal
from careloop.access.policy import require
from careloop.db import Transaction
from careloop.errors import Rejected
from careloop.flows import people, writing
from careloop.flows.app import App
from careloop.intake import CONTACT_CHECKED
from careloop.longitudinal.rules.ages import date_words
from careloop.record import Write

_DIGITS = range(7, 16)
"""So many digits has a number that can be called (E.164 allows 15)."""


@dataclass(frozen=True, kw_only=True)
class Number:
    """A number with who told it; `works` is false where our staff found that it does not."""

    value: str
    says: str
    works: bool


def listed(app: App, tx: Transaction, patient_id: str) -> list[Number]:
    """The patient's numbers as they are called, those that do not work last."""
    found = app.record.fetch(tx, [f"Patient/{patient_id}"]).get(f"Patient/{patient_id}")
    patient = found.resource if found else {}
    current = people.phone_contacts(patient)
    old = [one for one in patient.get("telecom", ()) if one.get("system") == "phone" and one.get("use") == "old"]
    return [
        Number(value=str(one["value"]), says=_who_told(one), works=one.get("use") != "old") for one in [*current, *old]
    ]


def _who_told(one: Mapping[str, Any]) -> str:
    mark = next((each for each in one.get("extension", ()) if each.get("url") == CONTACT_CHECKED), None)
    if mark is None:
        return "told by registration or another system"
    name = str(mark.get("valueReference", {}).get("display") or "our staff")
    period = one.get("period", {})
    if one.get("use") == "old":
        return f"does not work, found by {name} on {date_words(str(period.get('end', '')), UTC)}"
    return f"written down by {name} on {date_words(str(period.get('start', '')), UTC)}"


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
    by = {"reference": principal.reference, "display": principal.name} if principal.practitioner_id else None
    resource = with_number(stored.resource, number, instead_of, today, by or {"display": principal.name})
    write = Write(method="update", resource_type="Patient", id=patient_id, resource=resource, if_match=stored.version)
    writing.write(app, tx, principal, [write], cause="a number that works")
    return f"Saved. {number} is called first from now on."


def with_number(
    patient: Mapping[str, Any], number: str, instead_of: str, day: str, by: Mapping[str, Any]
) -> dict[str, Any]:
    """The patient with this number first; the same number is not kept twice. `by`: who says so, as a reference."""
    checked = {"url": CONTACT_CHECKED, "valueReference": dict(by)}
    kept = []
    for one in patient.get("telecom", ()):
        if one.get("system") == "phone" and _same(one, number):
            continue
        rest = {name: value for name, value in one.items() if name != "rank" or one.get("system") != "phone"}
        if instead_of and one.get("system") == "phone" and _same(one, instead_of):
            rest |= {"extension": [checked], "use": "old", "period": {**one.get("period", {}), "end": day}}
        kept.append(rest)
    new = {
        "extension": [checked],
        "system": "phone",
        "value": number,
        "use": "mobile",
        "rank": 1,
        "period": {"start": day},
    }
    return {**patient, "telecom": [new, *kept]}


def _same(one: Mapping[str, Any], number: str) -> bool:
    return re.sub(r"\D", "", str(one.get("value", ""))) == re.sub(r"\D", "", number)
