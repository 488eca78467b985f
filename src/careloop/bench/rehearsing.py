"""`careloop bench rehearse`: a draft of a pathway on the last days of very many people, beside the active one."""

import json
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from careloop.bench import made_up
from careloop.bench.figures import Figure, Figures, at_most
from careloop.bench.installation import Place, installation
from careloop.bench.telling import Stage
from careloop.db.cluster import locate
from careloop.db.limits import server_cpu_seconds
from careloop.flows import engine
from careloop.flows.bulk import import_bundles
from careloop.flows.bulk_documents import Document
from careloop.flows.rehearsing import rehearse

AIM = 60.0
PATHWAY = "discharge-transition"
_DAYS_BACK = 60
_ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_LONG_AGO = 12
"""Each person has so many visits and values of years past beside what the pathway is about."""


def run(patients: int, days: int, command: str) -> Figures:
    """Makes the practice with a coherent history of two months, then rehearses a pathway with shorter clocks."""
    with installation() as place:
        now = place.app.clock.now()
        started = time.perf_counter()
        import_bundles(place.app, place.tenant, place.principal, made_up.patients(patients))
        loaded = import_bundles(place.app, place.tenant, place.principal, _lives(patients, now))
        filled = time.perf_counter() - started
        with place.app.database.transaction(place.tenant.id) as tx:
            active = engine.catalog_for(place.app, tx).pathways[PATHWAY]
        steps = [{**active["steps"][0], "due": {"within": "1 business-day", "rule": "TR-20"}}, *active["steps"][1:]]
        draft = {**active, "version": "1.0.1", "status": "draft", "steps": steps}
        used = _cpu(place)
        stage = Stage("patients rehearsed", patients)
        report = rehearse(place.app, place.tenant, draft, days, lambda done, _: stage.advance(done - stage.done))
        used = _cpu(place) - used
        return Figures(
            benchmark="rehearse",
            command=command,
            figures=[
                Figure(name="patients", value=patients, unit=f"{loaded.created} resources, {filled:.0f} s to load"),
                Figure(name="patients with a stay to look at", value=report["patients_read"], unit=""),
                Figure(name="loops opened in the days", value=report["active"]["opened"], unit=f"of {days} days"),
                Figure(name="late with the active clocks", value=report["active"]["late"], unit="deadlines"),
                Figure(name="late with the draft's", value=report["draft"]["late"], unit="deadlines"),
                at_most("both pathways rehearsed", report["seconds"], "s", AIM),
                Figure(name="CPU of both processes", value=used, unit="s"),
                Figure(name="CPU for one patient", value=used * 1000 / max(report["patients_read"], 1), unit="ms"),
            ],
        )


def _cpu(place: Place) -> float:
    """CPU time that this process and PostgreSQL have used: what a busy machine does not change."""
    return time.process_time() + server_cpu_seconds(locate(place.app.settings.data_dir))


def _lives(count: int, now: datetime) -> Iterator[Document]:
    """A stay of each person that ended in the last two months; most were called and seen, some late, some never."""
    for index in range(count):
        left = now - timedelta(hours=6 + index * 7 % (_DAYS_BACK * 24))
        yield _document(_encounter(index, "stay", "IMP", left - timedelta(days=2 + index % 4), left, discharged=True))
        if index % 5:
            yield _document(_call(index, left + timedelta(hours=20 + index % 60)))
        if index % 3 and left + timedelta(days=9) < now:
            seen = left + timedelta(days=5 + index % 4)
            yield _document(_encounter(index, "visit", "AMB", seen, seen + timedelta(minutes=20)))
        yield _document(_summary(index, left + timedelta(hours=30)))
        for number in range(_LONG_AGO):
            day = now - timedelta(days=200 + 90 * number)
            yield _document(_encounter(index, f"old-{number}", "AMB", day, day + timedelta(minutes=15)))


def _encounter(
    index: int, name: str, code: str, start: datetime, end: datetime, *, discharged: bool = False
) -> dict[str, Any]:
    resource: dict[str, Any] = {
        "resourceType": "Encounter",
        "id": f"bench-{name}-{index}",
        "status": "finished",
        "class": {"system": _ACT, "code": code},
        "subject": {"reference": f"Patient/bench-{index}"},
        "participant": [{"individual": {"reference": "Practitioner/bench-doctor"}}],
        "period": {"start": start.isoformat(), "end": end.isoformat()},
    }
    if discharged:
        home = {"coding": [{"system": "https://www.nubc.org/patient-discharge", "code": "01"}]}
        resource["hospitalization"] = {"dischargeDisposition": home}
    return resource


def _call(index: int, sent: datetime) -> dict[str, Any]:
    return {
        "resourceType": "Communication",
        "id": f"bench-call-{index}",
        "status": "completed",
        "category": [{"coding": [{"system": "urn:careloop:communication", "code": "outreach"}]}],
        "medium": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode",
                                "code": "PHONE"}]}],
        "subject": {"reference": f"Patient/bench-{index}"},
        "recipient": [{"reference": f"Patient/bench-{index}"}],
        "sent": sent.isoformat(),
    }  # fmt: skip


def _summary(index: int, at: datetime) -> dict[str, Any]:
    return {
        "resourceType": "DocumentReference",
        "id": f"bench-summary-{index}",
        "status": "current",
        "type": {"coding": [{"system": "http://loinc.org", "code": "18842-5"}]},
        "subject": {"reference": f"Patient/bench-{index}"},
        "date": at.isoformat(),
        "content": [{"attachment": {"contentType": "application/pdf", "url": f"urn:bench:{index}"}}],
    }


def _document(resource: dict[str, Any]) -> Document:
    return Document(label=str(resource["id"]), text=json.dumps(resource).encode())
