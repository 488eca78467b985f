"""HL7 v3 data types as FHIR data types."""

from decimal import Decimal

import pytest

from careloop.catalog import CONTENT, load_catalog
from careloop.fhir.xmls import parse_xml
from careloop.intake.ccda import load_ccda, parties, values
from careloop.intake.ccda.times import date_only, date_time
from careloop.intake.ccda.timing import dose_timing
from careloop.intake.ccda.values import Context

ZONE = "America/New_York"
XSI = 'xmlns:i="http://www.w3.org/2001/XMLSchema-instance"'


@pytest.fixture(scope="module")
def context() -> Context:
    return Context(content=load_ccda(load_catalog(product=CONTENT).documents("ccda")), zone=ZONE)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("2012", "2012"),
        ("201208", "2012-08"),
        ("20120815", "2012-08-15"),
        ("20120815090051-0500", "2012-08-15T09:00:51-05:00"),
        ("20120815090051.250+0000", "2012-08-15T09:00:51.250+00:00"),
        ("201208150900", "2012-08-15T09:00:00-04:00"),
        ("201201150900", "2012-01-15T09:00:00-05:00"),
        ("20120230", None),
        ("20121301", None),
        ("tomorrow", None),
        ("", None),
        (None, None),
    ],
)
def test_a_time_keeps_its_precision_and_gets_a_zone_only_with_a_time_of_day(said: str, expected: str) -> None:
    assert date_time(said, ZONE) == expected


def test_a_date_leaves_the_time_of_day_out() -> None:
    assert date_only("20120815090051-0500", ZONE) == "2012-08-15"


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        (
            '<id root="2.16.840.1.113883.4.6" extension="1"/>',
            {"system": "http://hl7.org/fhir/sid/us-npi", "value": "1"},
        ),
        ('<id root="1.2.3" extension="x"/>', {"system": "urn:oid:1.2.3", "value": "x"}),
        ('<id root="1.2.3"/>', {"system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2.3"}),
        (
            '<id root="D68B7E32-7810-4F5B-9CC2-ACD54B0FD85D"/>',
            {"system": "urn:ietf:rfc:3986", "value": "urn:uuid:d68b7e32-7810-4f5b-9cc2-acd54b0fd85d"},
        ),
        ('<id nullFlavor="UNK" root="1.2.3" extension="x"/>', None),
        ("<id/>", None),
    ],
)
def test_identifiers(context: Context, element: str, expected: object) -> None:
    assert values.identifier(parse_xml(element.encode()), context) == expected


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        (
            f'<value {XSI} i:type="PQ" value="13.20" unit="g/dl"/>',
            (
                "Quantity",
                {"value": Decimal("13.20"), "unit": "g/dl", "system": "http://unitsofmeasure.org", "code": "g/dl"},
            ),
        ),
        (f'<value {XSI} i:type="PQ" nullFlavor="UNK"/>', None),
        (f'<value {XSI} i:type="INT" value="3"/>', ("Integer", 3)),
        (f'<value {XSI} i:type="BL" value="false"/>', ("Boolean", False)),
        (f'<value {XSI} i:type="BL" nullFlavor="UNK"/>', None),
        (f'<value {XSI} i:type="ST"> two  words </value>', ("String", "two words")),
        (f'<value {XSI} i:type="TS" value="2020"/>', ("DateTime", "2020")),
        (
            f'<value {XSI} i:type="IVL_PQ"><low value="3" unit="mg"/></value>',
            (
                "Quantity",
                {
                    "value": Decimal(3), "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg",
                    "comparator": ">=",
                },
            ),
        ),
        (f'<value {XSI} i:type="PQ" value="NaN"/>', None),
    ],
)  # fmt: skip
def test_a_value_is_what_its_type_says(context: Context, element: str, expected: object) -> None:
    assert values.value(parse_xml(element.encode()), context) == expected


def test_names_and_addresses(context: Context) -> None:
    maiden = parse_xml(b'<name use="L"><given>Eve</given><family qualifier="BR">Every</family></name>')
    assert parties.name(maiden, context) == {"use": "maiden", "given": ["Eve"], "family": "Every"}
    assert parties.name(parse_xml(b'<name nullFlavor="UNK"/>'), context) is None
    home = parse_xml(b'<addr use="HP"><streetAddressLine>1 Road</streetAddressLine><city>Troy</city></addr>')
    assert parties.address(home, context) == {"use": "home", "line": ["1 Road"], "city": "Troy"}
    phone = parse_xml(b'<telecom value="tel: +1-518-555-0101" use="MC"/>')
    assert parties.telecom(phone, context) == {"system": "phone", "value": "+1-518-555-0101", "use": "mobile"}


def test_a_dose_every_six_to_eight_hours(context: Context) -> None:
    raw = (
        f'<substanceAdministration {XSI}><effectiveTime i:type="IVL_TS"><low value="20200101"/></effectiveTime>'
        '<effectiveTime i:type="PIVL_TS"><period><low value="6" unit="h"/><high value="8" unit="h"/></period>'
        "</effectiveTime></substanceAdministration>"
    )
    said = dose_timing(parse_xml(raw.encode()), context)
    assert said == {
        "repeat": {
            "boundsPeriod": {"start": "2020-01-01"}, "frequency": 1, "period": Decimal(6), "periodUnit": "h",
            "periodMax": Decimal(8),
        }
    }  # fmt: skip
