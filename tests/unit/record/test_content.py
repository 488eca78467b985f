"""The exact text of a version."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from careloop.fhir.jsons import decode
from careloop.record.content import content_of, instant, to_milliseconds, with_meta

NOW = datetime(2026, 11, 23, 15, 0, 0, 123456, tzinfo=UTC)


def test_only_version_and_instant_are_added():
    resource = {"resourceType": "Basic", "meta": {"profile": ["p"], "versionId": "9"}, "x": Decimal("1.50")}
    text = content_of(resource, "Basic", "b").text(3, NOW)
    assert text == (
        '{"resourceType":"Basic","id":"b","meta":{"versionId":"3","lastUpdated":"2026-11-23T15:00:00.123Z",'
        '"profile":["p"]},"x":1.50}'
    )


def test_what_the_server_adds_does_not_change_the_digest():
    plain = content_of({"resourceType": "Basic", "x": 1}, "Basic", "b")
    again = content_of({"resourceType": "Basic", "x": 1, "meta": {"versionId": "4", "lastUpdated": "y"}}, "Basic", "b")
    assert plain.digest == again.digest
    assert plain.digest != content_of({"resourceType": "Basic", "x": 2}, "Basic", "b").digest


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(["meta", "a", "b", "id", 'q"']), json_values))
def test_the_text_decodes_to_what_a_read_shows(extra):
    if not isinstance(extra.get("meta"), dict):
        extra.pop("meta", None)
    resource = {"resourceType": "Basic", **extra}
    shown = with_meta(resource, "b", 2, NOW)
    assert decode(content_of(resource, "Basic", "b").text(2, NOW)) == shown


def test_instants_are_utc_with_milliseconds():
    assert instant(datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=2)))) == "2025-12-31T23:00:00.000Z"
    assert to_milliseconds(NOW).microsecond == 123000
