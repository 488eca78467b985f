"""`order-select` and `order-sign`: what the safety tables say about drafted medicines beside those that are taken.

Only what is contraindicated or major is a card; moderate findings never interrupt (ME-09), and what a prescriber has
decided already is not said again. A card never holds an order back, and says what could not be checked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from careloop.access.policy import may
from careloop.fhir.ids import derived_id
from careloop.flows import engine, medicine_safety
from careloop.flows.cds_cards import Indicator, Place, card, plain
from careloop.flows.interactions import Interaction
from careloop.medications import drugs_of, read_medicine
from careloop.medications.findings import Checked, Finding, Tier, sentence
from careloop.medications.model import Medicine, Status
from careloop.medications.store import OVERRIDDEN

MOST_DRAFTS = 20
_INDICATORS: Mapping[Tier, Indicator] = {Tier.CONTRAINDICATED: "critical", Tier.MAJOR: "warning"}
_ASKED = ("MedicationRequest", "MedicationStatement", "AllergyIntolerance", "Condition", "Observation")


def draft_medicines(context: Mapping[str, Any], *, selected: bool = False) -> list[Mapping[str, Any]]:
    """The drafted MedicationRequests of a hook's context; with `selected` only those that were selected now."""
    bundle = context.get("draftOrders")
    entries = bundle.get("entry") if isinstance(bundle, Mapping) else None
    found = [one.get("resource") for one in entries if isinstance(one, Mapping)] if isinstance(entries, list) else []
    drafts = [one for one in found if isinstance(one, Mapping) and one.get("resourceType") == "MedicationRequest"]
    if selected and isinstance(context.get("selections"), list):
        chosen = {str(one).rpartition("/")[2] for one in context["selections"]}
        drafts = [one for one in drafts if str(one.get("id")) in chosen]
    return drafts[:MOST_DRAFTS]


def cards(door: Interaction, place: Place, patient_id: str, drafts: Sequence[Mapping[str, Any]]) -> list[Any]:
    """A card for each finding that a draft is part of, the most urgent first. None where the one who asks may not read
    what the answer would tell."""
    if not drafts or not all(may(door.principal, "search", kind) for kind in _ASKED):
        return []
    drugs = drugs_of(engine.catalog_for(door.app, door.tx))
    drafted = [_draft(number, one, drugs) for number, one in enumerate(drafts)]
    own = {one.reference for one in drafted}
    taken = [one for one in medicine_safety.medicines_of(door.app, door.tx, patient_id) if one.reference not in own]
    checked = medicine_safety.check_list(door.app, door.tx, patient_id, [*taken, *drafted])
    decided = {
        (one.id, one.fingerprint)
        for one in medicine_safety.findings_of(door.app, door.tx, patient_id)
        if one.state == OVERRIDDEN
    }
    shown = [
        one
        for one in checked.findings
        if one.tier in _INDICATORS and own & set(one.implicated)
        if (derived_id(door.tx.tenant_id, "medicine-finding", patient_id, one.key), one.fingerprint) not in decided
    ]
    return [_card(place, patient_id, one) for one in shown] + _left(place, patient_id, checked, own)


def _draft(number: int, resource: Mapping[str, Any], drugs: Any) -> Medicine:
    """A draft as one that will be taken, under the id that the other system gave it."""
    named = {**resource, "id": str(resource.get("id") or f"draft-{number}")}
    return replace(read_medicine(named, drugs), status=Status.INTENDED)


def _card(place: Place, patient_id: str, one: Finding) -> Mapping[str, Any]:
    first = one.reasons[0]
    summary = f"{one.tier.value.capitalize()}: {' + '.join(one.medicines)}: {first.effect}"
    made = card(place, f"medicine|{patient_id}|{one.key}", summary, _INDICATORS[one.tier])
    details = [plain(sentence(reason, one.medicines)) for reason in one.reasons]
    return {
        **made,
        "detail": "\n\n".join(details),
        "source": {"label": f"Careloop, {', '.join(one.rules)}: {first.source}", "url": place.base},
        "links": [{"label": "Open in Careloop", "type": "absolute", "url": f"{place.base}/patients/{patient_id}"}],
    }


def _left(place: Place, patient_id: str, checked: Checked, own: set[str]) -> list[Any]:
    """One card about drafts that could not be checked (ME-12)."""
    left = [one for one in checked.not_checked if one.reference in own]
    if not left:
        return []
    names = ", ".join(dict.fromkeys(one.text for one in left))
    made = card(place, f"not-checked|{patient_id}|{names}", f"Not checked: {names}", "info")
    return [{**made, "detail": plain("; ".join(f"{one.text}: {one.why}" for one in left))}]
