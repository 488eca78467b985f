"""What a patient takes at home, told by them or by who cares for them: typed by staff, or by a one-use link (ME-01).

Each medicine that we know of is asked about: taken as written, taken otherwise, not taken. What nobody was asked about,
or nobody answered, is not on the list: absent is never read as taken.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from careloop.access.model import Principal
from careloop.access.policy import require
from careloop.db import Transaction
from careloop.errors import NotFound, Rejected
from careloop.fhir.ids import new_id
from careloop.flows import medicine_lists, medicine_resources, people, writing
from careloop.flows.app import App
from careloop.flows.patient_facts import display
from careloop.medications.rules.reconciling.sources import HOME_LIST, LOINC
from careloop.medications.rules.reconciling.values import Entry, Side
from careloop.record import Write

Json = dict[str, Any]
ANSWERS: Mapping[str, str] = {"yes": "Takes it as written", "other": "Takes it otherwise", "no": "Does not take it"}
MOST_LINES = 12
_LONGEST = 200


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One medicine that we know of and ask about."""

    reference: str
    name: str
    how: str


@dataclass(frozen=True, kw_only=True)
class Told:
    """What was told: answers by reference, words for what is taken otherwise, and what we did not know of."""

    answers: Mapping[str, str]
    otherwise: Mapping[str, str]
    more: Sequence[str]
    complete: bool = True


def asked_about(app: App, tx: Transaction, patient_id: str) -> tuple[Asked, ...]:
    """Every medicine of the hospital's and our list, each once, by name. Not audited by itself."""
    lists = medicine_lists.lists_of(app, tx, patient_id)
    found: dict[object, Entry] = {}
    for one in lists.lists:
        if one.side is not Side.HOME:
            for entry in one.entries:
                found.setdefault(entry.ingredients or entry.name.casefold(), entry)
    asked = [
        Asked(reference=one.reference, name=one.name, how=one.said)
        for one in found.values()
        if not one.state.is_resting
    ]
    return tuple(sorted(asked, key=lambda one: one.name.casefold()))


def tellers(app: App, tx: Transaction, patient_id: str) -> tuple[tuple[str, str], ...]:
    """Who may have told it: the patient, and whoever is on record as close to them."""
    relatives = app.record.of_patient(tx, patient_id, ["RelatedPerson"])
    named = tuple((one.reference, display(one.resource)) for one in relatives if one.resource.get("active", True))
    return ((f"Patient/{patient_id}", "The patient"), *named)


def save(app: App, tx: Transaction, principal: Principal, patient_id: str, teller: str, told: Told) -> str:
    """The list is in the record: one statement for each medicine, and the whole as a List, the newest of its teller.
    `Rejected` where nothing was told."""
    for kind in ("MedicationStatement", "List"):
        require(principal, "create", kind)
    if teller not in dict(tellers(app, tx, patient_id)):
        raise Rejected(at="teller", expected="the patient, or somebody close to them on record", code="value")
    _check(told)
    known = [one for one in told.answers if told.answers[one] in ANSWERS]
    stored = app.record.fetch(tx, known)
    if any(one not in stored or stored[one].patient_id != patient_id for one in known):
        raise NotFound("one of these medicines is not this patient's")
    now = app.clock.now()
    zone = people.zone_of(tx)
    common = {
        "resourceType": "MedicationStatement",
        "subject": {"reference": f"Patient/{patient_id}"},
        "informationSource": {"reference": teller},
        "dateAsserted": medicine_resources.stamp(now.astimezone(zone)),
    }
    made = [_answered(stored[one].resource, one, told, common) for one in known]
    made += [_added(line.strip(), common) for line in told.more if line.strip()]
    whole = _list(patient_id, teller, made, now.astimezone(zone))
    retired = _retired(app, tx, patient_id, teller)
    writes = [
        Write(method="create", resource_type=one["resourceType"], id=one["id"], resource=one) for one in (*made, whole)
    ]
    writing.write(app, tx, principal, [*writes, *(medicine_resources.put(one) for one in retired)])
    taken = sum(one["status"] == "active" for one in made)
    return f"Saved: {taken} taken" + (f", {len(made) - taken} not taken." if len(made) > taken else ".")


def _check(told: Told) -> None:
    lines = [line for line in told.more if line.strip()]
    if not told.answers and not lines:
        raise Rejected(at="answers", expected="at least one medicine", code="required")
    if len(lines) > MOST_LINES or any(len(line) > _LONGEST for line in lines):
        raise Rejected(at="more", expected=f"at most {MOST_LINES} medicines of {_LONGEST} letters", code="value")
    for reference, answer in told.answers.items():
        if answer not in ANSWERS:
            raise Rejected(at=f"answer-{reference}", expected="taken, taken otherwise, or not taken", code="value")
        if answer == "other" and not told.otherwise.get(reference, "").strip():
            raise Rejected(at=f"how-{reference}", expected="how it is taken", code="required")


def _answered(resource: Mapping[str, Any], reference: str, told: Told, common: Json) -> Json:
    answer = told.answers[reference]
    found = {
        **common,
        "id": new_id(),
        "status": "not-taken" if answer == "no" else "active",
        "derivedFrom": [{"reference": reference}],
    }
    for name in ("medicationCodeableConcept", "medicationReference", "contained"):
        if name in resource:
            found[name] = resource[name]
    if answer == "other":
        found["dosage"] = [{"text": told.otherwise[reference].strip()[:_LONGEST]}]
    elif dosage := resource.get("dosage") or resource.get("dosageInstruction"):
        found["dosage"] = dosage
    return found


def _added(line: str, common: Json) -> Json:
    """A medicine as it was typed: its words say both what it is and how it is taken."""
    return {
        **common,
        "id": new_id(),
        "status": "active",
        "medicationCodeableConcept": {"text": line},
        "dosage": [{"text": line}],
    }


def _list(patient_id: str, teller: str, made: Sequence[Json], now: Any) -> Json:
    own_id = new_id()
    return {
        "resourceType": "List",
        "id": own_id,
        "identifier": [{"system": HOME_LIST, "value": own_id}],
        "status": "current",
        "mode": "snapshot",
        "title": "Medicines as told from home",
        "code": {"coding": [{"system": LOINC, "code": "10160-0", "display": "History of Medication use"}]},
        "subject": {"reference": f"Patient/{patient_id}"},
        "source": {"reference": teller},
        "date": medicine_resources.stamp(now),
        "entry": [{"item": {"reference": f"MedicationStatement/{one['id']}"}} for one in made],
    }


def _retired(app: App, tx: Transaction, patient_id: str, teller: str) -> list[Json]:
    """Older lists of the same teller."""
    return [
        {**one.resource, "status": "retired"}
        for one in app.record.of_patient(tx, patient_id, ["List"])
        if one.resource.get("status") == "current"
        and (one.resource.get("source") or {}).get("reference") == teller
        and any(each.get("system") == HOME_LIST for each in one.resource.get("identifier", ()))
    ]
