"""Quantities are found in any unit that measures the same, and as they were written."""

from decimal import Decimal

import pytest

UCUM = "http://unitsofmeasure.org"


def weight(identity: str, value: str, code: str | None, system: str | None = UCUM) -> dict:
    quantity = {"value": Decimal(value), "unit": code or "kg", "system": system, "code": code}
    return {
        "resourceType": "Observation",
        "id": identity,
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
        "valueQuantity": {name: one for name, one in quantity.items() if one is not None},
    }


@pytest.fixture
def weights(chart):
    chart.put(
        weight("kilograms", "83.9", "kg"),
        weight("pounds", "185", "[lb_av]"),
        weight("grams", "83900", "g"),
        weight("heavy", "120", "kg"),
        weight("metres", "83.9", "m"),
        weight("warm", "98.6", "[degF]"),
        weight("local", "83.9", "kilo", "urn:local"),
        weight("wordless", "83.9", None, None),
        weight("no-unit", "83.9", "kgs"),
    )
    return chart


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f"value-quantity=185|{UCUM}|[lb_av]", ["grams", "kilograms", "pounds"]),
        (f"value-quantity=83.9|{UCUM}|kg", ["grams", "kilograms", "pounds"]),
        (f"value-quantity=83.91|{UCUM}|kg", ["pounds"]),
        (f"value-quantity=83.90|{UCUM}|kg", ["grams", "kilograms"]),
        (f"value-quantity=gt100000|{UCUM}|g", ["heavy"]),
        (f"value-quantity=ne83.9|{UCUM}|kg", ["heavy"]),
        (f"value-quantity=le0.0839|{UCUM}|t", ["grams", "kilograms"]),
        (f"value-quantity=ap190|{UCUM}|[lb_av]", ["grams", "kilograms", "pounds"]),
        (f"value-quantity=37.0|{UCUM}|Cel", ["warm"]),
        (f"value-quantity=8390|{UCUM}|cm", ["metres"]),
        (f"value-quantity=83.9|{UCUM}|kgs", ["no-unit"]),
        ("value-quantity=83.9|urn:local|kilo", ["local"]),
        ("value-quantity=83.9||kg", ["kilograms", "wordless"]),
        ("value-quantity=83.9", ["kilograms", "local", "metres", "no-unit", "wordless"]),
        (f"value-quantity=120|{UCUM}|kg,37.0|{UCUM}|Cel", ["heavy", "warm"]),
        (f"code-value-quantity=29463-7$120|{UCUM}|kg", ["heavy"]),
        (f"value-quantity=185|{UCUM}|[lb_av]&value-quantity=83.9||kg", ["kilograms"]),
    ],
)
def test_a_quantity_is_found_in_every_unit_that_measures_the_same(weights, query, expected):
    assert sorted(weights.ids("Observation", query)) == expected


def test_the_index_says_what_the_resources_say_also_in_base_units(weights):
    with weights.database.transaction(weights.tenant.id) as tx:
        assert weights.record.verify(tx) == []


def test_a_changed_unit_is_found_anew(weights):
    weights.put(weight("heavy", "2", "kg"))
    assert weights.ids("Observation", f"value-quantity=gt100|{UCUM}|kg") == []
    assert weights.ids("Observation", f"value-quantity=2000|{UCUM}|g") == ["heavy"]
