"""Files of home devices: found by their first line, each line taken or told."""

from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from careloop.catalog import load_catalog
from careloop.errors import Rejected
from careloop.monitoring.content import monitoring_of
from careloop.monitoring.device_files import read_file

CONTENT, ZONE = monitoring_of(load_catalog()), ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("text", "device", "values"),
    [
        ("Date/Time,Systolic (mmHg),Diastolic (mmHg),Pulse (bpm)\n2026-03-02 07:00,120,80,66\n", "blood-pressure",
         [("systolic", "120"), ("diastolic", "80"), ("pulse", "66")]),
        ("Date;Weight (kg)\n2026-03-02 07:00;80,4\n", "scale", [("weight", "80.4")]),
        ("Export of my meter\nTimestamp,Glucose Value (mmol/L)\n2026-03-02T07:00:00Z,5.4\n", "glucose-mmol",
         [("glucose", "5.4")]),
        ("DATE,spo2,PR (bpm)\n2026-03-02 07:00,96,\n", "oximeter", [("spo2", "96")]),
    ],
)  # fmt: skip
def test_a_device_is_known_by_its_columns_and_values_stay_as_given(text, device, values):
    read = read_file(text.encode(), CONTENT, ZONE)
    assert (read.id, read.faults) == (device, ())
    assert [(one.metric, one.value) for one in read.lines[0].values] == [
        (name, Decimal(value)) for name, value in values
    ]


def test_a_line_that_cannot_be_used_is_told_with_its_number_and_the_others_are_taken():
    text = "Date,Weight (kg)\n2026-03-02 07:00,80\nyesterday,80\n\n2026-03-03 07:00,NaN\n"
    read = read_file(text.encode(), CONTENT, ZONE)
    assert [one.number for one in read.lines] == [2]
    assert [number for number, _ in read.faults] == [3, 5]


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"", b"Name,Colour\nx,red\n", b"Weight (kg)\n80\n"])
def test_a_file_of_no_device_is_refused(content):
    with pytest.raises(Rejected):
        read_file(content, CONTENT, ZONE)
