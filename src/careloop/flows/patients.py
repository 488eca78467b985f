"""The patient page and finding a patient. Every read of a person goes through the record and is audited."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from careloop.access.model import Principal
from careloop.db import Transaction
from careloop.flows import patient_reading as reading
from careloop.flows import people
from careloop.flows.app import App
from careloop.flows.patient_values import LoopCard, PatientHit, PatientPage
from careloop.flows.timeline import EVENT_TYPES, Thread, events_of, with_threads

_CHART_TYPES = (*EVENT_TYPES, "AllergyIntolerance", "Condition", "Goal", "CareTeam")
_ENTERED_BY = ("sender", "requester", "owner", "serviceProvider")
_MOST_HITS = 8

KINDS: Mapping[str, str] = {
    "contact": "Contacts",
    "hospital": "Hospital",
    "result": "Results",
    "medicine": "Medicines",
    "loop": "Loops",
}


def page(
    app: App, tx: Transaction, principal: Principal, patient_id: str, *, kind: str | None = None, most: int = 30
) -> PatientPage:
    """One patient, whole: who they are, what matters to them, what happened, what is open. One audited read.

    `kind` keeps only the events of one of `KINDS`. `NotFound` for a foreign id and a missing one alike.
    """
    patient = app.record.read(tx, principal, "Patient", patient_id).resource
    stored = app.record.of_patient(tx, patient_id, _CHART_TYPES)
    chart: dict[str, list[dict[str, Any]]] = {}
    for item in stored:
        chart.setdefault(item.resource_type, []).append(item.resource)
    now = app.clock.now()
    zone = people.zone_of(tx)
    names = _names(app, tx, [resource for resources in chart.values() for resource in resources])
    tasks = chart.get("Task", [])
    threads = reading.threads_of(tasks)
    events = [
        event
        for event in events_of([item for kind_ in EVENT_TYPES for item in chart.get(kind_, [])], names)
        if event.at <= now or event.kind == "contact"
    ]
    marked = with_threads(events, threads)
    shown = [event for event in marked if kind is None or event.kind == kind]
    cards = _numbered(reading.loop_cards(tasks, names), threads)
    return PatientPage(
        header=reading.header_of(patient, chart, now.astimezone(zone).date()),
        goals=reading.goals_of(chart.get("Goal", ()), zone),
        problems=reading.problems_of(chart.get("Condition", ())),
        medicines=reading.medicines_of(chart.get("MedicationRequest", ())),
        needs=reading.needs_of(chart.get("Observation", ()), chart.get("Condition", ())),
        team=reading.team_of(chart.get("CareTeam", ()), names),
        events=tuple(shown[:most]),
        older=max(len(shown) - most, 0),
        threads=tuple(threads),
        open_loops=tuple(card for card in cards if card.is_open),
        closed_loops=tuple(card for card in cards if not card.is_open),
        minutes_this_month=reading.minutes_in_month(chart.get("Communication", ()), now, zone),
    )


def find(app: App, tx: Transaction, principal: Principal, text: str) -> list[PatientHit]:
    """Up to 8 patients by name, birth date, phone or record number; audited as one search."""
    parameters = search_parameters(text)
    if not parameters:
        return []
    found = app.record.search(tx, principal, "Patient", [*parameters, ("_count", str(_MOST_HITS))], app.clock.now())
    today = app.clock.now().astimezone(people.zone_of(tx)).date()
    return [_hit(stored.resource, today) for stored in found.entries]


def search_parameters(text: str) -> list[tuple[str, str]]:
    """FHIR search parameters for what was typed: a date, a number, or names in any order."""
    text = text.strip()
    if len(text) < 2:
        return []
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        return [("birthdate", text)]
    digits = re.sub(r"[^0-9]", "", text)
    if len(digits) >= 7 and not re.search(r"[A-Za-z]", text):
        return [("phone", text)] if re.search(r"[()\s-]", text) else [("identifier", text)]
    if digits and " " not in text:
        return [("identifier", text)]
    return [("name", word.replace(",", "\\,")) for word in text.split()[:4]]


def _hit(patient: Mapping[str, Any], today: date) -> PatientHit:
    born = reading.birth_date_of(patient)
    return PatientHit(
        patient_id=patient["id"],
        name=reading.full_name(patient),
        birth_date=born,
        age=reading.age_on(born, today),
        sex=reading.sex_letter(patient),
        record_number=reading.record_number(patient),
        active=patient.get("active", True),
    )


def _names(app: App, tx: Transaction, resources: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Displays of everybody and everything that the chart cites, in one fetch."""
    wanted: set[str] = set()
    for resource in resources:
        for element in _ENTERED_BY:
            wanted.add(resource.get(element, {}).get("reference", ""))
        for member in resource.get("participant", []) if resource["resourceType"] == "CareTeam" else []:
            wanted.add(member.get("member", {}).get("reference", ""))
        for author in resource.get("author", []) if isinstance(resource.get("author"), list) else []:
            wanted.add(author.get("reference", ""))
    stored = app.record.fetch(tx, sorted(reference for reference in wanted if reference.count("/") == 1))
    return {reference: _display(item.resource) for reference, item in stored.items()}


def _display(resource: Mapping[str, Any]) -> str:
    name = resource.get("name")
    return str(name) if isinstance(name, str) else reading.full_name(resource)


def _numbered(cards: Sequence[LoopCard], threads: Sequence[Thread]) -> list[LoopCard]:
    numbers = {thread.loop_id: thread.number for thread in threads}
    return [replace(card, thread=numbers.get(card.loop_id)) for card in cards]
