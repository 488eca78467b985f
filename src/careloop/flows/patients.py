"""The patient page and finding a patient. Every read of a person goes through the record and is audited."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from careloop.access.model import Principal
from careloop.db import Transaction
from careloop.flows import contradictions, people
from careloop.flows import patient_reading as reading
from careloop.flows.app import App
from careloop.flows.leading import lead_shown
from careloop.flows.patient_facts import CHART_TYPES, Chart, chart_of
from careloop.flows.patient_sections import sections_of, source_chips
from careloop.flows.patient_trends import trends_of
from careloop.flows.patient_values import LoopCard, PatientHit, PatientPage
from careloop.flows.timeline import EVENT_TYPES, Event, Line, Thread, events_of, folded_lines, marks_at, spans_of
from careloop.longitudinal import Matter, longitudinal_of
from careloop.longitudinal.rules.ages import typed_day

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
    now, zone = app.clock.now(), people.zone_of(tx)
    chart = chart_of(app, tx, patient_id, CHART_TYPES, now)
    names = chart.people.names
    tasks = chart.by_type.get("Task", ())
    threads = _aliased(reading.threads_of(tasks), chart.matters)
    events, older = _events(chart, threads, kind, most)
    cards = _numbered(reading.loop_cards(tasks, names), threads)
    content = longitudinal_of(app.catalog)
    sections = sections_of(chart, content, zone, with_past=False)
    return PatientPage(
        header=reading.header_of(patient, chart.for_header, now.astimezone(zone).date()),
        goals=reading.goals_of(chart.by_type.get("Goal", ()), zone),
        sections=sections,
        trends=trends_of(chart, content, zone),
        sources=source_chips(sections),
        contradictions=tuple(contradictions.of_patient(app, tx, patient_id)),
        team=reading.team_of(chart.by_type.get("CareTeam", ()), names),
        lead=lead_shown(tx, patient_id),
        events=events,
        older=older,
        threads=tuple(threads),
        open_loops=tuple(card for card in cards if card.is_open),
        closed_loops=tuple(card for card in cards if not card.is_open),
        minutes_this_month=reading.minutes_in_month(chart.by_type.get("Communication", ()), now, zone),
    )


def _events(chart: Chart, threads: Sequence[Thread], kind: str | None, most: int) -> tuple[tuple[Event, ...], int]:
    """The newest events (of one kind), each with its source, its threads and who still has to know; and how many there
    are beyond them. Only what is shown is put into words."""
    lines = chart.once("lines", lambda: _lines(chart))
    lines = [line for line in lines if line.event.at <= chart.now or line.event.kind == "contact"]
    spans = spans_of([line.event for line in lines], threads)
    wanted = [place for place, line in enumerate(lines) if kind is None or line.event.kind == kind]
    shown = [
        replace(lines[place].told(lambda one: chart.ledger.of(one.facts)), marks=marks_at(spans, place))
        for place in wanted[:most]
    ]
    return tuple(shown), max(len(wanted) - most, 0)


def _lines(chart: Chart) -> list[Line]:
    """One line for each thing that happened, newest first."""
    resources = [item for kind in EVENT_TYPES for item in chart.by_type.get(kind, ())]
    return folded_lines(events_of(resources, chart.people.names), chart.matters)


def _aliased(threads: Sequence[Thread], matters: Sequence[Matter]) -> list[Thread]:
    """Threads go by way of the line that stands for a matter, whichever of its facts is the proof."""
    shown = {fact.reference: matter.shown.reference for matter in matters for fact in matter.also}
    return [
        replace(
            thread,
            opened_by=shown.get(thread.opened_by, thread.opened_by),
            proofs=frozenset(shown.get(proof, proof) for proof in thread.proofs),
        )
        for thread in threads
    ]


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
    if born := typed_day(text):
        return [("birthdate", born)]
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


def _numbered(cards: Sequence[LoopCard], threads: Sequence[Thread]) -> list[LoopCard]:
    numbers = {thread.loop_id: thread.number for thread in threads}
    return [replace(card, thread=numbers.get(card.loop_id)) for card in cards]
