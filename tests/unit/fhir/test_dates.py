"""FHIR dates keep their precision and never name a moment that does not exist."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careloop.errors import Rejected
from careloop.fhir.dates import BEGINNING, END, Precision, interval, parse, parse_instant, period_interval

NEW_YORK = ZoneInfo("America/New_York")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("2024", "2024-01-01T05:00Z", "2025-01-01T05:00Z"),
        ("2024-02", "2024-02-01T05:00Z", "2024-03-01T05:00Z"),
        ("2024-12", "2024-12-01T05:00Z", "2025-01-01T05:00Z"),
        ("2024-02-29", "2024-02-29T05:00Z", "2024-03-01T05:00Z"),
        ("2024-03-10", "2024-03-10T05:00Z", "2024-03-11T04:00Z"),
        ("2024-11-03", "2024-11-03T04:00Z", "2024-11-04T05:00Z"),
        ("2024-02-29T23:59:59-05:00", "2024-03-01T04:59:59Z", "2024-03-01T05:00:00Z"),
        ("2024-02-29T23:59:59.5Z", "2024-02-29T23:59:59.5Z", "2024-02-29T23:59:59.6Z"),
        ("2024-02-29T10:30Z", "2024-02-29T10:30Z", "2024-02-29T10:31Z"),
        ("2024-02-29T10:30:00", "2024-02-29T15:30Z", "2024-02-29T15:30:01Z"),
        ("2024-01-01T00:00:00+14:00", "2023-12-31T10:00Z", "2023-12-31T10:00:01Z"),
    ],
)
def test_a_date_covers_all_the_instants_it_can_mean(text: str, low: str, high: str) -> None:
    assert interval(text, NEW_YORK) == (at(low), at(high))


@pytest.mark.parametrize(
    "text",
    ["2024-02-30", "2023-02-29", "2024-13", "2024-00", "2024-01-00", "2024-01-01T24:00:00Z", "2016-12-31T23:59:60Z",
     "0000", "24", "2024-1", "2024-01-01T10Z", "2024-01-01T10:00:00+25:00", "20240101", " 2024", "2024-01-01 10:00",
     "٢٠٢٤", "", "2024-W01"],
)  # fmt: skip
def test_a_date_that_does_not_exist_or_has_another_form_is_refused(text: str) -> None:
    with pytest.raises(Rejected) as refused:
        parse(text)
    assert text == "" or text not in str(refused.value)


def test_the_years_at_both_ends_do_not_overflow() -> None:
    assert interval("9999", NEW_YORK)[1] == END
    assert interval("9999-12-31", UTC)[1] == END
    assert interval("0001-01-01T00:00:00+14:00", UTC)[0] == BEGINNING


def test_a_period_may_be_open_at_either_end() -> None:
    assert interval({"start": "2024-05"}, UTC) == (at("2024-05-01T00:00Z"), END)
    assert interval({"end": "2024-05"}, UTC) == (BEGINNING, at("2024-06-01T00:00Z"))
    assert period_interval({}, UTC) is None
    with pytest.raises(Rejected):
        interval({}, UTC)


def test_a_timing_reaches_from_its_first_to_its_last_moment() -> None:
    timing = {
        "event": ["2024-05-02", "2024-05-09"],
        "repeat": {"boundsPeriod": {"start": "2024-05-01", "end": "2024-05-03"}},
    }
    assert interval(timing, UTC) == (at("2024-05-01T00:00Z"), at("2024-05-10T00:00Z"))


def test_an_instant_is_the_first_moment_a_text_can_mean() -> None:
    assert parse_instant("2024-07-01", NEW_YORK) == at("2024-07-01T04:00Z")


def test_the_precision_is_kept() -> None:
    assert [parse(text).precision for text in ("2024", "2024-05", "2024-05-01", "2024-05-01T10:00:00Z")] == [
        Precision.YEAR, Precision.MONTH, Precision.DAY, Precision.SECOND]  # fmt: skip


moments = st.datetimes(min_value=datetime(1, 1, 3), max_value=datetime(9999, 12, 29)).map(
    lambda one: one.replace(microsecond=one.microsecond // 1000 * 1000)
)
offsets = st.sampled_from(["Z", "+00:00", "-05:00", "+05:30", "+14:00", "-13:59"])


@given(moments, offsets)
def test_writing_what_was_read_gives_the_same_text(moment: datetime, offset: str) -> None:
    text = moment.isoformat(timespec="milliseconds") + offset
    assert str(parse(text)) == text
    assert str(parse(text[:10])) == text[:10]


@given(moments, offsets)
def test_a_shorter_text_covers_every_longer_one(moment: datetime, offset: str) -> None:
    text = moment.isoformat(timespec="milliseconds") + offset
    zone = datetime.fromisoformat("2000-01-01T00:00:00" + offset).tzinfo
    assert zone is not None
    low, high = interval(text, UTC)
    for length in (4, 7, 10):
        outer = interval(text[:length], zone)
        assert outer[0] <= low < high <= outer[1]
    assert high - low == timedelta(milliseconds=1)
