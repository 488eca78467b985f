"""Times as HL7 writes them: precision and offset are kept, impossible ones are refused."""

from datetime import UTC, datetime

import pytest

from careloop.errors import Rejected
from careloop.intake.timestamps import moment, moment_from_text

ZONE = "America/New_York"


@pytest.mark.parametrize(
    ("text", "fhir"),
    [
        ("1951", "1951"),
        ("195104", "1951-04"),
        ("19510415", "1951-04-15"),
        ("2026030208", "2026-03-02T08:00:00-05:00"),
        ("202603020815", "2026-03-02T08:15:00-05:00"),
        ("20260302081500", "2026-03-02T08:15:00-05:00"),
        ("20260302081500.5", "2026-03-02T08:15:00.500-05:00"),
        ("20260302081500-0800", "2026-03-02T08:15:00-08:00"),
        ("20260702081500", "2026-07-02T08:15:00-04:00"),
    ],
)
def test_precision_and_offset_are_kept(text, fhir):
    assert moment(text, ZONE, "X").text == fhir


def test_a_time_without_offset_is_in_the_zone_of_the_feed():
    assert moment("20260302080000", ZONE, "X").instant == datetime(2026, 3, 2, 13, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["20260231", "20261301", "2026030225", "20260302081560", "26", "never", "20260302-9999", "00000000"]
)
def test_dates_that_do_not_exist_are_rejected_without_repeating_them(text):
    with pytest.raises(Rejected) as caught:
        moment(text, ZONE, "PID-7")
    assert caught.value.at == "PID-7"
    assert text not in caught.value.message


@pytest.mark.parametrize("text", ["1951", "1951-04", "1951-04-15", "2026-03-02T08:15:00-05:00", "2026-03-02T13:15:00Z"])
def test_what_was_written_is_read_back(text):
    assert moment_from_text(text, ZONE).text == text
