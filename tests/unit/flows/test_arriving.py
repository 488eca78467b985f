"""Messages of a batch are cut into sets of different people, and each person's messages keep their order."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from careloop.flows.arriving import Work, sets_of
from careloop.intake import AdtMessage, Claimed, Effect, Feed, Person
from careloop.intake.model import Envelope
from careloop.intake.timestamps import Moment

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)


def work(name: str, *numbers: str, effect: Effect = Effect.ADMIT) -> Work:
    person = Person(identifiers=tuple({"system": "urn:s", "value": number} for number in numbers), patient={})
    envelope = Envelope(application="A", facility="F", control_id=name, message_type="ADT", event="A01")
    message = AdtMessage(envelope=envelope, effect=effect, at=Moment(AT, ""), recorded=AT, people=(person,))
    claimed = Claimed(
        id=0, origin="feed", source="", feed_id=1, sending_application="A", sending_facility="F", control_id=name,
        raw=b"", received=AT, attempts=0,
    )  # fmt: skip
    return Work(claimed=claimed, message=message, feed=Feed(id=1, kind="hl7v2", zone="UTC"))


def names(sets: Sequence[Sequence[Work]]) -> list[list[Any]]:
    return [[one.message.envelope.control_id for one in some] for some in sets]


def test_messages_of_different_people_are_one_set():
    assert names(sets_of([work("a1", "1"), work("b1", "2"), work("c1", "3")])) == [["a1", "b1", "c1"]]


def test_the_next_message_of_each_person_comes_into_the_next_set_beside_those_of_others():
    told = [work("a1", "1"), work("a2", "1"), work("b1", "2"), work("b2", "2"), work("a3", "1")]
    assert names(sets_of(told)) == [["a1", "b1"], ["a2", "b2"], ["a3"]]


def test_people_who_share_a_number_keep_their_order_through_the_message_that_names_both():
    told = [work("x1", "1"), work("x2", "1"), work("both", "1", "2"), work("y1", "2")]
    assert names(sets_of(told)) == [["x1"], ["x2"], ["both"], ["y1"]]


def test_nothing_passes_a_message_that_joins_people():
    told = [work("a1", "1"), work("m", "9", effect=Effect.MERGE), work("b1", "2"), work("a2", "1"), work("b2", "2")]
    assert names(sets_of(told)) == [["a1"], ["m"], ["b1", "a2"], ["b2"]]


def test_no_message_is_lost_or_doubled():
    told = [work(f"{number}-{turn}", str(number * turn % 5)) for number in range(7) for turn in range(4)]
    flat = [name for some in names(sets_of(told)) for name in some]
    assert sorted(flat) == sorted(one.message.envelope.control_id for one in told)
