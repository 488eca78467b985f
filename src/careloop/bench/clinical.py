"""`careloop bench clinical`: the speeds of the clinical core (issue 5), with CPU beside wall and a limit of the run."""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any

from careloop.access.model import Role
from careloop.bench import home_readings, made_up, medicines
from careloop.bench.figures import Figure, Figures, at_most, percentile
from careloop.bench.installation import PASSWORD, Place, cpu_seconds, installation, running_server
from careloop.bench.worklists import Browser
from careloop.careplans.content import planning_of
from careloop.careplans.rules.merging import merge
from careloop.catalog import load_catalog
from careloop.fhir.jsons import encode
from careloop.flows import staffing
from careloop.flows.bulk import import_bundles
from careloop.flows.bulk_documents import Document
from careloop.flows.staffing import NewStaff

PAGE_AIM, MERGE_AIM = 100.0, 50.0
"""Milliseconds: the page of assessments, and four plans made one."""
_TIMES, _DAYS, _PLANS, _SETS = 40, 300, 4, 60
_DRUGS = ("Lisinopril 10 MG Oral Tablet", "Metformin 500 MG Oral Tablet", "Warfarin 5 MG Oral Tablet")
_PROBLEMS = ("I50.9", "E11.9", "I10", "N18.3", "F32.9", "J44.9")


def run(readings_of: int, days: int, command: str) -> Figures:
    """Everything in turn, on one machine: pages at the door, plans in the process, the check of medicines, readings of
    so many people on so many days."""
    figures = [*_pages(), *_merges()]
    figures += [one for one in medicines.run([20], command).figures if "check of 20" in one.name]
    figures += home_readings.run(readings_of, days, command).figures
    return Figures(benchmark="clinical", command=command, figures=figures)


def _pages() -> list[Figure]:
    with installation() as place:
        person = NewStaff(username="nurse", name="Bench Nurse", roles=[Role.NURSE], password=PASSWORD)
        boss = replace(place.principal, roles=frozenset({Role.MANAGER, Role.ADMINISTRATOR}))
        staffing.create_account(place.app, boss, place.tenant, person)
        documents = list(_chart(place.app.clock.now()))
        import_bundles(place.app, place.tenant, place.principal, documents)
        return [*_at_the_door(place), Figure(name="resources of the patient", value=len(documents), unit="")]


def _at_the_door(place: Place) -> list[Figure]:
    with running_server(place) as facts:
        supervisor = int(facts["pid"])
        browser = Browser(str(facts["url"]))
        browser.sign_in("nurse@bench", PASSWORD)
        limit = _asked(place, supervisor, lambda: browser.seconds("/healthz"))
        page = _asked(place, supervisor, lambda: browser.seconds("/patients/bench-0/assessments"))
    return [
        at_most("page of assessments, p95 at the door", page[0], "ms", PAGE_AIM),
        Figure(name="page of assessments, CPU of all processes", value=page[1], unit="ms"),
        Figure(name="limit: an empty answer, p95", value=limit[0], unit="ms"),
        Figure(name="limit: an empty answer, CPU", value=limit[1], unit="ms"),
    ]


def _asked(place: Place, supervisor: int, ask: Callable[[], float]) -> tuple[float, float]:
    """p95 and CPU of one, in milliseconds, after some that warm up."""
    for _ in range(5):
        ask()
    used = cpu_seconds(place, supervisor)
    seconds = [ask() for _ in range(_TIMES)]
    return percentile(seconds, 0.95) * 1000, (cpu_seconds(place, supervisor) - used) * 1000 / _TIMES


def _merges() -> list[Figure]:
    """Plans of four conditions as one, every such choice of templates in turn."""
    planning = planning_of(load_catalog())
    chosen = list(combinations(sorted(planning.templates), _PLANS))
    random.Random(1).shuffle(chosen)  # noqa: S311 - which plans come first
    walls: list[float] = []
    used = time.process_time()
    for some in chosen[:_SETS]:
        since = time.perf_counter()
        merge(planning, some)
        walls.append(time.perf_counter() - since)
    used = (time.process_time() - used) * 1000 / len(walls)
    return [
        at_most("merge of 4 plans, p95", percentile(walls, 0.95) * 1000, "ms", MERGE_AIM),
        Figure(name="merge of 4 plans, CPU mean", value=used, unit="ms"),
    ]


def _chart(now: datetime) -> Iterator[Document]:
    """A patient with a long history: a weight on each of 300 days, problems, medicines."""
    yield _document(made_up.patient(0))
    whose = {"reference": "Patient/bench-0"}
    for back in range(_DAYS):
        at = (now - timedelta(days=back)).isoformat()
        code = {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]}
        weight = {"value": 80 + back % 7, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"}
        found = {"resourceType": "Observation", "id": f"w{back}", "status": "final", "code": code, "subject": whose}
        yield _document({**found, "effectiveDateTime": at, "valueQuantity": weight})
    for number, icd in enumerate(_PROBLEMS):
        code = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": icd}]}
        yield _document({"resourceType": "Condition", "id": f"c{number}", "code": code, "subject": whose})
    for number, text in enumerate(_DRUGS):
        order = {"resourceType": "MedicationRequest", "id": f"m{number}", "status": "active", "intent": "order"}
        yield _document({**order, "medicationCodeableConcept": {"text": text}, "subject": whose})


def _document(one: dict[str, Any]) -> Document:
    return Document(label=str(one["id"]), text=encode(one))
