"""Who gets a freed time."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from careloop.scheduling.model import Waiting, Window
from careloop.scheduling.rules.need import expires_at, fits, in_order, next_for

NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
FREE = Window(NOW + timedelta(days=1), NOW + timedelta(days=1, minutes=30))


def waits(name, need=0, days=1, **more):
    values = {"minutes": 30, "kind": "office", **more}
    return Waiting(id=name, patient_id=name, need=need, since=NOW - timedelta(days=days), **values)


def test_need_then_the_date_to_be_seen_by_then_who_waits_longest():
    line = [
        waits("long", 5, days=90),
        waits("dated", 5, days=1, latest=NOW + timedelta(days=5)),
        waits("urgent", 1, days=0),
        waits("unsaid", 0, days=30),
        waits("whenever", 9, days=300),
    ]
    assert [one.id for one in in_order(line, NOW)] == ["urgent", "dated", "long", "unsaid", "whenever"]


def test_who_cannot_come_then_or_wants_somebody_else_or_needs_longer_is_passed_over():
    assert not fits(waits("a", minutes=31), FREE, "Practitioner/n")
    assert not fits(waits("a", actor="Practitioner/other"), FREE, "Practitioner/n")
    assert not fits(waits("a", wanted=Window(FREE.end, FREE.end + timedelta(days=1))), FREE, "Practitioner/n")
    assert fits(waits("a", actor="Practitioner/n", wanted=FREE), FREE, "Practitioner/n")


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 100)), max_size=8), st.data())
def test_everybody_is_asked_once_in_order_and_nobody_twice(people, data):
    line = [waits(f"p{number}", need, days) for number, (need, days) in enumerate(people)]
    busy = set(data.draw(st.lists(st.sampled_from([one.id for one in line]), max_size=3))) if line else set()
    asked = []
    while one := next_for(line, FREE, "Practitioner/n", asked=asked, busy=busy, now=NOW):
        asked.append(one.id)
    assert asked == [one.id for one in in_order(line, NOW) if one.id not in busy]


def test_an_offer_ends_before_the_notice_and_is_not_made_inside_it():
    hour = timedelta(hours=1)
    assert expires_at(NOW, FREE, 2 * hour, 2 * hour) == NOW + 2 * hour
    assert expires_at(FREE.start - 3 * hour, FREE, 2 * hour, 2 * hour) == FREE.start - 2 * hour
    assert expires_at(FREE.start - hour, FREE, 2 * hour, 2 * hour) is None
