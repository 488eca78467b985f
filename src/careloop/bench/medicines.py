"""`careloop bench medicines`: the safety check of one list, by its length; reading of orders; tables compiled."""

import random
import time
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from careloop.bench.figures import Figure, Figures, at_most, percentile
from careloop.catalog import load_catalog
from careloop.medications import drugs_of, read_medicine
from careloop.medications.drugs import Drugs
from careloop.medications.model import Medicine
from careloop.medications.person import Allergy, Lab, Person
from careloop.medications.rules.compiled import compile_safety
from careloop.medications.rules.safety import check
from careloop.medications.safety_content import safety_of

AIM = 5.0
"""Milliseconds of CPU that the check of 20 medicines may take (issue 5, "Speed")."""
_LISTS, _DAY = 200, date(2026, 11, 23)
_HOW = ("1 tablet daily", "1 tablet twice a day", "2 tablets every 6 hours as needed", "1 tablet every Monday")


def run(sizes: list[int], command: str) -> Figures:
    """Lists of made-up medicines of each size, drawn from all ingredients of the tables, each for another person."""
    catalog = load_catalog()
    drugs, safety = drugs_of(catalog), safety_of(catalog)
    names = sorted(safety.bits)
    figures: list[Figure] = []
    for size in sizes:
        chance = random.Random(size)  # noqa: S311 - made-up lists
        lists = [[_medicine(chance, names, drugs, number) for number in range(size)] for _ in range(_LISTS)]
        people = [_person(chance) for _ in lists]
        found = 0
        spent: list[float] = []
        for medicines, person in zip(lists, people, strict=True):
            begun = time.process_time()
            checked = check(medicines, person, safety)
            spent.append((time.process_time() - begun) * 1000)
            found += len(checked.findings)
        aim = at_most if size == 20 else _told
        figures.append(aim(f"check of {size} medicines, CPU p95", round(percentile(spent, 0.95), 2), "ms", AIM))
        figures.append(Figure(name=f"check of {size} medicines, CPU mean", value=round(_mean(spent), 2), unit="ms"))
        figures.append(Figure(name=f"findings in a list of {size}", value=round(found / _LISTS, 1), unit="findings"))
    resource = _resource("Lisinopril 10 MG Oral Tablet", "1 tablet twice a day")
    figures.append(
        Figure(name="reading of an order, CPU", value=_each(lambda: read_medicine(resource, drugs)), unit="us")
    )
    documents = catalog.documents("medications")
    begun = time.process_time()
    compile_safety(documents, drugs)
    compiled = round((time.process_time() - begun) * 1000, 1)
    figures.append(Figure(name="compiling all tables, once in a process, CPU", value=compiled, unit="ms"))
    return Figures(benchmark="medicines", command=command, figures=figures)


def _told(name: str, value: float, unit: str, _: float) -> Figure:
    return Figure(name=name, value=value, unit=unit)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _each(work: Callable[[], object], times: int = 2000) -> float:
    begun = time.process_time()
    for _ in range(times):
        work()
    return round((time.process_time() - begun) / times * 1_000_000, 1)


def _medicine(chance: random.Random, names: list[str], drugs: Drugs, number: int) -> Medicine:
    text = f"{chance.choice(names)} {chance.choice((5, 10, 40, 500))} mg oral tablet"
    return read_medicine({**_resource(text, chance.choice(_HOW)), "id": f"m{number}"}, drugs)


def _resource(text: str, how: str) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest", "id": "m", "status": "active", "intent": "order",
        "medicationCodeableConcept": {"text": text}, "authoredOn": "2026-10-01", "dosageInstruction": [{"text": how}],
    }  # fmt: skip


def _person(chance: random.Random) -> Person:
    labs = {
        "creatinine": Lab(Decimal(chance.randrange(6, 30)) / 10, "mg/dL", _DAY - timedelta(days=chance.randrange(500))),
        "potassium": Lab(Decimal(chance.randrange(30, 60)) / 10, "mmol/L", _DAY - timedelta(days=chance.randrange(60))),
        "weight": Lab(Decimal(chance.randrange(45, 120)), "kg", _DAY),
    }
    allergy = Allergy(reference="AllergyIntolerance/a", text=chance.choice(("sulfa", "penicillin", "lisinopril")))
    conditions = frozenset(chance.sample(("heart-failure", "dementia", "falls", "kidney-disease", "cancer"), 2))
    return Person(today=_DAY, age=chance.randrange(20, 95), sex=chance.choice(("female", "male")), labs=labs,
                  allergies=(allergy,), conditions=conditions)  # fmt: skip
