"""`careloop bench monitoring`: readings from home into the record and through the rules, on one worker."""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from careloop.bench.figures import Figure, Figures, at_least
from careloop.bench.installation import Place, installation
from careloop.db.cluster import locate
from careloop.db.limits import server_cpu_seconds
from careloop.fhir.jsons import encode
from careloop.flows import monitoring, writing
from careloop.flows.bulk import import_bundles
from careloop.flows.bulk_documents import Document
from careloop.monitoring import store
from careloop.record import Write

AIM = 500.0
_SET = 100
_HISTORY = 14


def run(patients: int, days: int, command: str) -> Figures:
    """So many enrolled people with two weeks behind them; then each weighs and measures blood pressure on so many more
    days, in the order in which it would arrive. The clock stands for what was measured."""
    with installation() as place:
        now = place.app.clock.now()
        ids = [f"person-{number}" for number in range(patients)]
        import_bundles(place.app, place.tenant, place.principal, _people(ids))
        import_bundles(place.app, place.tenant, place.principal, _enrolled(ids, now))
        import_bundles(place.app, place.tenant, place.principal, _history(ids, now))
        _drain(place)
        writes = [
            _put(one) for back in range(days) for one in _day(ids, now - timedelta(minutes=30 - back), f"new{back}")
        ]
        used, started = _cpu(place), time.perf_counter()
        for start in range(0, len(writes), _SET):
            _write(place, writes[start : start + _SET])
        written = time.perf_counter() - started
        _drain(place)
        seconds, used = time.perf_counter() - started, _cpu(place) - used
        with place.app.database.transaction(place.tenant.id) as tx:
            alerts = len(store.rows_of(tx, "counted", start=now - timedelta(days=1), end=now + timedelta(days=1)))
        values = len(writes) // 2 * 3
        return Figures(
            benchmark="monitoring",
            command=command,
            figures=[
                Figure(name="people enrolled", value=len(ids), unit=f"with {_HISTORY} days behind them"),
                Figure(name="Observations", value=len(writes), unit=f"{values} readings"),
                Figure(name="alerts that stand", value=alerts, unit="with their loops"),
                at_least("readings written and through the rules", values / seconds, "/s", AIM),
                at_least("readings through the rules alone", values / (seconds - written), "/s", AIM),
                Figure(name="CPU of both processes", value=used * 1000 / values, unit="ms a reading"),
            ],
        )


def _write(place: Place, some: list[Write]) -> None:
    """One set that came together, as the inbox hands it over."""
    place.app.database.run(
        place.tenant.id, lambda tx: writing.write(place.app, tx, place.principal, some, each=True), actor="intake"
    )


def _people(ids: list[str]) -> Iterator[Document]:
    for number, patient in enumerate(ids):
        name = [{"family": f"Bench{number}", "given": ["Made"]}]
        birth = f"{1930 + number % 50}-01-{number % 28 + 1:02}"
        yield _document({"resourceType": "Patient", "id": patient, "name": name, "birthDate": birth})


def _drain(place: Place) -> None:
    """Everything that is new was looked at: the feed is read two rounds behind."""
    for _ in range(3):
        while monitoring.go_on(place.app, place.tenant):
            continue


def _enrolled(ids: list[str], now: datetime) -> Iterator[Document]:
    start = (now - timedelta(days=_HISTORY + 1)).isoformat()
    for patient in ids:
        yield _document(
            {
                "resourceType": "EpisodeOfCare",
                "id": f"home-{patient}",
                "status": "active",
                "type": [
                    {"coding": [{"system": "urn:careloop:programme", "code": "home-monitoring"}]},
                    {"coding": [{"system": "urn:careloop:monitoring", "code": "heart-failure"}]},
                ],
                "patient": {"reference": f"Patient/{patient}"},
                "period": {"start": start},
            }
        )


def _history(ids: list[str], now: datetime) -> Iterator[Document]:
    for back in range(_HISTORY, 0, -1):
        for one in _day(ids, now - timedelta(days=back), f"old{back}"):
            yield _document(one)


def _day(ids: list[str], at: datetime, key: str) -> Iterator[dict[str, Any]]:
    """A weight and a blood pressure of everybody; one in fifty gained three kilograms."""
    for number, patient in enumerate(ids):
        more = 3 if key.startswith("new") and number % 50 == 0 else 0
        same = {
            "resourceType": "Observation",
            "status": "final",
            "subject": {"reference": f"Patient/{patient}"},
            "effectiveDateTime": at.isoformat(),
            "device": {"display": "Hub"},
        }
        yield {
            **same,
            "id": f"w-{key}-{patient}",
            "code": _code("29463-7"),
            "valueQuantity": _kg(80 + number % 9 + more),
        }
        parts = [("8480-6", 118 + number % 20), ("8462-4", 70 + number % 12)]
        component = [{"code": _code(code), "valueQuantity": _mmhg(value)} for code, value in parts]
        yield {**same, "id": f"b-{key}-{patient}", "code": _code("85354-9"), "component": component}


def _code(code: str) -> dict[str, Any]:
    return {"coding": [{"system": "http://loinc.org", "code": code}]}


def _kg(value: float) -> dict[str, Any]:
    return {"value": value, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"}


def _mmhg(value: float) -> dict[str, Any]:
    return {"value": value, "unit": "mmHg", "system": "http://unitsofmeasure.org", "code": "mm[Hg]"}


def _document(one: dict[str, Any]) -> Document:
    return Document(label=f"{one['resourceType']}/{one['id']}", text=encode(one))


def _put(one: dict[str, Any]) -> Write:
    return Write(method="update", resource_type=one["resourceType"], id=one["id"], resource=one)


def _cpu(place: Place) -> float:
    return time.process_time() + server_cpu_seconds(locate(place.app.settings.data_dir))
