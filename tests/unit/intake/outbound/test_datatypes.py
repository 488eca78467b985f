"""FHIR values as HL7 v2 data types, escaped."""

from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from careloop.catalog import load_catalog
from careloop.intake.outbound import datatypes, read_maps
from careloop.intake.outbound.datatypes import Writing

DOCUMENTS = load_catalog().mapping("hl7v2-out")
TABLES = {name: one["codes"] for name, one in DOCUMENTS["tables"]["tables"].items()}
WRITING = Writing(zone=ZoneInfo("America/New_York"), authority="US", tables=TABLES)


def test_the_maps_of_the_product_can_be_read():
    assert set(read_maps(DOCUMENTS)) == {"adt", "oru", "ref"}


@pytest.mark.parametrize(
    ("writer", "value", "expected"),
    [
        (datatypes.date, "1951-04", "195104"),
        (datatypes.date_time, "2026-11-23T15:00:00Z", "20261123100000-0500"),
        (datatypes.date_time, "2026-11-23", "20261123"),
        (datatypes.text, Decimal("1.50"), "1.50"),
        (datatypes.text, "a|b^c&d~e\\f\ng", r"a\F\b\S\c\T\d\R\e\E\f\.br\g"),
        (datatypes.identifier, {"system": "urn:oid:1.2", "value": "7"}, "7^^^&1.2&ISO"),
        (datatypes.identifier, {"system": "https://x.org/a", "value": "7"}, "7^^^&https://x.org/a&URI"),
        (datatypes.identifier, {"system": "urn:careloop:authority:ST%20MARY", "value": "7"}, "7^^^ST MARY"),
        (datatypes.identifier, {"system": "urn:oid:1.2"}, ""),
        (datatypes.name, {"text": "Only words"}, "Only words"),
        (datatypes.concept, {"text": "Only words"}, "^Only words"),
        (datatypes.observed_value, {"valueQuantity": {"comparator": ">", "value": Decimal(100)}}, ">^100"),
        (datatypes.value_type, {"valueQuantity": {"comparator": ">", "value": Decimal(100)}}, "SN"),
        (datatypes.observed_value, {"valueRange": {"low": {"value": 1}, "high": {"value": 2}}}, "^1^-^2"),
        (datatypes.observed_value, {"valueBoolean": False}, "N^No^HL70136"),
        (datatypes.observed_value, {"dataAbsentReason": {}}, ""),
        (datatypes.unit, {"unit": "drops"}, "drops"),
        (datatypes.reference_range, {"high": {"value": 5}}, "<5"),
        (datatypes.person, {"display": "Dr Who"}, "^Dr Who"),
    ],
)  # fmt: skip
def test_a_value_is_written(writer, value, expected):
    assert writer(value, WRITING) == expected
