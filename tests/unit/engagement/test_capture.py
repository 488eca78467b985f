"""The language of the capture box: total, honest about what it cannot read, and the same there and back."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from careloop.catalog.catalog import CONTENT
from careloop.engagement.capture import Reading, Who, canonical_of, doubts, grammar_of, parse

GRAMMAR = grammar_of(yaml.safe_load((CONTENT / "capture" / "words.yaml").read_text()))
TODAY = date(2026, 11, 23)
PEOPLE = {"jo park": "Practitioner/jo", "jo": "Practitioner/jo"}
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)

words = st.text(st.characters(codec="utf-8", exclude_characters='"“”/', exclude_categories=("C", "Z")), min_size=1)
sentences = st.lists(words, min_size=1, max_size=6).map(" ".join)
pieces = st.sampled_from(
    [*(f"/{name}" for name in GRAMMAR.names), "/zzz", '"', "by", "Fri", "12/04", "178", "lb", "142/84", "\n", "reached"]
)  # fmt: skip


def read(text: str):
    return parse(text, GRAMMAR, today=TODAY, people=PEOPLE, me="Practitioner/me")


@given(st.one_of(st.text(max_size=200), st.lists(st.one_of(pieces, words), max_size=15).map(" ".join)))
def test_every_text_is_read_and_what_is_wrong_has_a_place(text: str) -> None:
    entry = read(text)
    assert not (entry.items and entry.faults)
    assert all(0 <= one.at <= len(text) and one.expected for one in entry.faults)
    assert all(one.what in text for one in entry.faults)
    assert entry.is_good or entry.faults


@given(sentences)
def test_words_without_a_slash_are_a_note_and_nothing_else(text: str) -> None:
    entry = read(text)
    assert (entry.note, tuple(entry.items), tuple(entry.faults)) == (" ".join(text.split()), (), ())


@given(
    st.sampled_from(sorted({one.word for one in GRAMMAR.measures.values() if not one.parts})),
    st.decimals(min_value=0, max_value=9999, places=2),
    st.data(),
)
def test_a_value_is_read_as_it_was_typed_in_every_unit(name: str, value: Decimal, data: st.DataObject) -> None:
    measure = GRAMMAR.measures[name]
    unit = data.draw(st.sampled_from(measure.units))
    word = data.draw(st.sampled_from(unit.words))
    (item,) = read(f"/{name} {value} {word}").items
    reading = item.values["reading"]
    assert isinstance(reading, Reading)
    assert (reading.values, reading.unit.code) == ((value,), unit.code)


@given(st.integers(0, 400), sentences)
def test_a_task_keeps_its_day_and_its_words(days: int, text: str) -> None:
    day = TODAY + timedelta(days=days)
    (item,) = read(f'/task nurse by {day.isoformat()} "{text}"').items
    assert (item.values["day"], item.text("text")) == (day, " ".join(text.split()))


@given(st.integers(1, 600), sentences)
def test_a_call_keeps_its_minutes_wherever_they_stand(minutes: int, text: str) -> None:
    first = read(f'/call reached {minutes} min "{text}"')
    second = read(f'/call {minutes} min "{text}" reached')
    assert first.items[0].values == second.items[0].values
    assert first.items[0].values["minutes"] == minutes


@given(st.lists(st.sampled_from([example for _, example in GRAMMAR.examples]), min_size=1, max_size=5))
def test_every_example_can_be_typed_and_several_together(examples: list[str]) -> None:
    assert len(read("\n".join(examples)).items) == len(examples)
    one_line = read(" ".join(example for example in examples))
    assert one_line.is_good and len(one_line.items) == len(examples)


@pytest.mark.parametrize(
    ("text", "what", "expected"),
    [
        ("/weight 178", "", "the unit: lb or kg"),
        ("/weight heavy", "heavy", "a number"),
        ("/weight 178 lb lots", "lots", "nothing more"),
        ("/bp 142", "142", "two numbers"),
        ("/weight 1/2 lb", "1/2", "one number"),
        ("/call 12 min", "", "how it went"),
        ("/call reached 700 min", "700 min", "1 to 600 minutes"),
        ('/task by 12/04 "x"', "12/04", "a day as Fri"),
        ('/task by 31 Feb "x"', "31 Feb", "a day that the calendar has"),
        ('/task by 2020-01-01 "x"', "2020-01-01", "a day from today"),
        ('/task by someday "x"', "someday", "a day as Fri"),
        ('/task "call', '"call', "a second quote"),
        ('/task ""', '""', "words between the quotes"),
        ("/referral cardiology", "", "your question"),
        ("/wieght 178 lb", "/wieght", "/weight"),
        ("/zzz", "/zzz", "one of /note"),
        ("", "", "a note, or /"),
        ("x" * 4001, "", "at most 4000 letters"),
    ],
)
def test_what_cannot_be_read_says_what_and_what_was_expected(text: str, what: str, expected: str) -> None:
    first = read(text).faults[0]
    assert first.what == what and expected in first.expected and first.says.endswith(".")


@pytest.mark.parametrize(
    ("said", "day"),
    [
        ("today", TODAY), ("tomorrow", date(2026, 11, 24)), ("Mon", TODAY), ("by Fri", date(2026, 11, 27)),
        ("4 Dec", date(2026, 12, 4)), ("Dec 4th", date(2026, 12, 4)), ("2 Jan", date(2027, 1, 2)),
        ("in 3 days", date(2026, 11, 26)), ("in 2 weeks", date(2026, 12, 7)),
    ],
)  # fmt: skip
def test_days_as_people_say_them(said: str, day: date) -> None:
    assert read(f'/task {said} "x"').items[0].values["day"] == day


def test_who_is_a_role_a_name_or_me() -> None:
    found = [read(f'/task {who} "x"').items[0].values["who"] for who in ("nurse", "Jo Park", "me")]
    assert [(one.role, one.reference) for one in found if isinstance(one, Who)] == [
        ("nurse", ""), ("", "Practitioner/jo"), ("", "Practitioner/me"),
    ]  # fmt: skip


def test_a_slash_inside_words_or_quotes_is_no_command() -> None:
    entry = read('Eats and/or drinks little, 1 /2 /note "see /weight 80 kg"')
    assert [item.word for item in entry.items] == ["note"]
    assert entry.note == "Eats and/or drinks little, 1 /2"


def reading(text: str) -> Reading:
    found = read(text).items[0].values["reading"]
    assert isinstance(found, Reading)
    return found


def test_pounds_and_mmol_are_converted_exactly() -> None:
    assert canonical_of(reading("/weight 178.2 lb")) == (Decimal("80.830160334"),)  # MO-07, worked case 12
    assert canonical_of(reading("/glucose 2.9 mmol/L")) == (Decimal("52.2"),)  # worked case 6


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("/bp 142/84", []), ("/bp 301/84", ["MO-03"]), ("/bp 39/30", ["MO-03"]), ("/bp 40/30", []), ("/bp 300/84", []),
        ("/bp 84/142", ["[P]"]), ("/spo2 49", ["MO-03"]), ("/spo2 50", []), ("/glucose 9.9 mg/dL", ["MO-03"]),
        ("/glucose 10 mg/dL", []), ("/glucose 1000 mg/dL", []), ("/glucose 1000.1 mg/dL", ["MO-03"]),
        ("/glucose 56 mmol/L", ["MO-03"]), ("/weight 10 lb", ["[P]"]),
    ],
)  # fmt: skip
def test_what_is_hard_to_believe_is_doubted_at_the_limits_of_the_rule(text: str, rules: list[str]) -> None:
    assert [one.rule for one in doubts(reading(text), None, NOON)] == rules


def test_a_weight_that_jumps_is_doubted_a_slow_change_is_not() -> None:
    typed = reading("/weight 62 kg")
    assert [one.rule for one in doubts(typed, (Decimal(80), NOON - timedelta(days=1)), NOON)] == ["MO-03"]
    assert doubts(typed, (Decimal(72), NOON - timedelta(days=1)), NOON) == ()
    assert doubts(typed, (Decimal(80), NOON - timedelta(days=2)), NOON) == ()
