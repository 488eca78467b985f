"""The medicine lists of one patient as their sources tell them, and all of them side by side (ME-01 to ME-05)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from careloop.db import Transaction
from careloop.flows import engine, people
from careloop.flows.app import App
from careloop.flows.patient_facts import display, provenances_of
from careloop.flows.timeline import instant_of
from careloop.medications.drugs import Drugs, drugs_of
from careloop.medications.model import Medicine
from careloop.medications.reading import read_medicine
from careloop.medications.rules.reconciling.entries import entry_of
from careloop.medications.rules.reconciling.sources import Chart, Told, told_lists
from careloop.medications.rules.reconciling.values import Entry, MedicineList, State
from careloop.record import Stored

MEDICINE_TYPES = ("MedicationRequest", "MedicationStatement", "MedicationDispense")
_TYPES = (*MEDICINE_TYPES, "List", "Encounter", "Procedure", "DocumentReference")
_HOSPITAL = frozenset({"IMP", "ACUTE", "NONAC", "OBSENC", "SS"})


@dataclass(frozen=True, kw_only=True)
class Lists:
    """What is known of one patient's medicines: lists by source, and every medicine by its reference."""

    patient_id: str
    lists: tuple[MedicineList, ...]
    told: tuple[Told, ...]
    medicines: Mapping[str, Medicine]
    stored: Mapping[str, Stored]
    today: date


def lists_of(app: App, tx: Transaction, patient_id: str) -> Lists:
    """The lists as they stand. Not audited: whoever asks has read the patient."""
    zone, now = people.zone_of(tx), app.clock.now()
    return lists_from(app, tx, patient_id, app.record.of_patient(tx, patient_id, _TYPES), now, zone)


def lists_from(
    app: App, tx: Transaction, patient_id: str, stored: Sequence[Stored], now: datetime, zone: ZoneInfo
) -> Lists:
    """The lists that these resources of a patient make."""
    today = now.astimezone(zone).date()
    chart = _chart(app, tx, stored, zone)
    told = told_lists(chart, today)
    by_reference = {one.reference: one for one in stored}
    drugs = drugs_of(engine.catalog_for(app, tx))
    wanted = sorted({reference for one in told for reference in one.references})
    products = _products(app, tx, [by_reference[one].resource for one in wanted])
    medicines = {one: read_medicine(by_reference[one].resource, drugs, resolve=products.get) for one in wanted}
    lists = tuple(_list(one, medicines, by_reference, today) for one in told)
    return Lists(
        patient_id=patient_id,
        lists=_without_old_stops(lists),
        told=told,
        medicines=medicines,
        stored=by_reference,
        today=today,
    )


def drugs_for(app: App, tx: Transaction) -> Drugs:
    """The practice's tables of medicines."""
    return drugs_of(engine.catalog_for(app, tx))


def _list(told: Told, medicines: Mapping[str, Medicine], stored: Mapping[str, Stored], today: date) -> MedicineList:
    entries = [entry_of(medicines[one], told.source, stored[one].version, today) for one in told.references]
    return MedicineList(source=told.source, who=told.who, told=told.told, entries=_once(entries))


def _once(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """What one source says twice in the very same way stands once; the newest stands for all."""
    found: dict[tuple[object, ...], list[Entry]] = {}
    for one in entries:
        key = (one.ingredients or one.name.casefold(), one.route, one.release, one.strength, one.said, one.state)
        found.setdefault(key, []).append(one)
    made = []
    for some in found.values():
        some.sort(key=lambda one: (one.told or date.min, one.reference), reverse=True)
        made.append(_with(some[0], tuple(one.reference for one in some[1:])))
    return tuple(made)


def _with(entry: Entry, also: tuple[str, ...]) -> Entry:
    return replace(entry, also=also) if also else entry


def _without_old_stops(lists: Sequence[MedicineList]) -> tuple[MedicineList, ...]:
    """What was stopped long ago says something only where somebody still names the medicine."""
    named = frozenset(
        key for one in lists for entry in one.entries if entry.state is not State.STOPPED for key in entry.ingredients
    )
    return tuple(
        replace(
            one,
            entries=tuple(e for e in one.entries if e.state is not State.STOPPED or e.ingredients & named),
        )
        for one in lists
    )


def _chart(app: App, tx: Transaction, stored: Sequence[Stored], zone: ZoneInfo) -> Chart:
    kinds: dict[str, list[Stored]] = {}
    for one in stored:
        if not one.deleted:
            kinds.setdefault(one.resource_type, []).append(one)
    medicines = [one for kind in MEDICINE_TYPES for one in kinds.get(kind, ())]
    lists = [one.resource for one in kinds.get("List", ())]
    return Chart(
        resources={one.reference: one.resource for one in medicines},
        versions={one.reference: one.version for one in medicines},
        lists=lists,
        from_document=_documents(app, tx, medicines, kinds.get("DocumentReference", ())),
        names=_names(app, tx, [*(one.resource for one in medicines), *lists]),
        stays=_stays(kinds.get("Encounter", ()), zone),
        withdrawn=frozenset(
            one.id for one in kinds.get("Procedure", ()) if one.resource.get("status") == "entered-in-error"
        ),
    )


def _documents(app: App, tx: Transaction, medicines: Sequence[Stored], documents: Sequence[Stored]) -> dict[str, str]:
    """The kind of document that each medicine came with, as Provenance says."""
    kinds = {
        one.reference: str(coding.get("code"))
        for one in documents
        for coding in (one.resource.get("type") or {}).get("coding", ())
    }
    if not kinds:
        return {}
    found = {}
    for provenance in provenances_of(app, tx, [one.reference for one in medicines]):
        entities = [str((one.get("what") or {}).get("reference", "")) for one in provenance.get("entity", ())]
        kind = next((kinds[one] for one in entities if one in kinds), "")
        for target in provenance.get("target", ()) if kind else ():
            found[str(target.get("reference", "")).split("/_history/")[0]] = kind
    return found


def _names(app: App, tx: Transaction, resources: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    cited = {
        str((resource.get(name) or {}).get("reference", ""))
        for resource in resources
        for name in ("informationSource", "requester", "source")
    }
    cited |= {
        str((one.get("actor") or {}).get("reference", ""))
        for resource in resources
        for one in resource.get("performer", ())
        if isinstance(one, Mapping)
    }
    wanted = sorted(one for one in cited if one.count("/") == 1)
    found = app.record.fetch(tx, wanted) if wanted else {}
    return {reference: display(one.resource) for reference, one in found.items()}


def _stays(encounters: Sequence[Stored], zone: ZoneInfo) -> dict[str, date]:
    """When each hospital stay ended; one that goes on has no discharge list."""
    found = {}
    for one in encounters:
        resource = one.resource
        end = instant_of((resource.get("period") or {}).get("end"))
        if end and (resource.get("class") or {}).get("code") in _HOSPITAL and resource.get("status") == "finished":
            found[one.reference] = end.astimezone(zone).date()
    return found


def _products(app: App, tx: Transaction, resources: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The Medication resources that these name."""
    cited = {str((one.get("medicationReference") or {}).get("reference", "")) for one in resources}
    wanted = sorted(one for one in cited if one.count("/") == 1)
    found = app.record.fetch(tx, wanted) if wanted else {}
    return {reference: one.resource for reference, one in found.items()}
