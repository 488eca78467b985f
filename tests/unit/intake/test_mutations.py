"""Whatever becomes of a message on its way, it gets an answer, and what is read of it is valid FHIR."""

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.messages import adt
from tests.messages.clinical import every_kind

from careloop import intake
from careloop.errors import Rejected
from careloop.fhir.validation import Validator
from careloop.intake.facts import of_patient

SAMPLES = {
    **every_kind(),
    "adt": adt("A01", extra=("DG1|1||I10^High^I10", "AL1|1|DA|P^PEN^L|SV|RASH", "IN1|1|PL^Plan|C1|Cover all")),
}
RECEIVED = datetime(2026, 11, 23, tzinfo=UTC)
WORDS = [
    "",
    '""',
    "^",
    "~",
    "&",
    "^^^",
    "x" * 300,
    "20261301",
    "99999999999",
    "-1",
    "1E9",
    "NaN",
    "a b",
    "Ω",
    "\\X0D\\",
    "\\E",
    "1~2~3",
]


@pytest.fixture(scope="session")
def validator():
    return Validator.load()


def resources(message):
    for person in message.people:
        yield from (of_patient(one, "p1") for one in person.facts)
    yield from message.made.values()
    yield intake.provenance(message, 1, 1, ["Patient/p1"], RECEIVED)


def read_all(raw, feed, mappings, validator):
    """What the message comes to: the code of the answer, and the faults of what it makes."""
    message, checked = intake.check(raw, feed, mappings)
    if checked.code != "AA":
        return checked.code, []
    try:
        understood = intake.understand(message, mappings, feed, 1, RECEIVED)
    except Rejected:
        return "dead", []
    return "AA", [(one["resourceType"], fault) for one in resources(understood) for fault in validator.validate(one)]


@pytest.mark.parametrize("kind", sorted(SAMPLES))
def test_each_sample_is_taken_and_makes_valid_resources(kind, feed, mappings, validator):
    assert read_all(SAMPLES[kind], feed, mappings, validator) == ("AA", [])


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(sorted(SAMPLES)), st.integers(0, 400), st.sampled_from(WORDS) | st.text(max_size=12))
def test_a_message_with_a_changed_field_gets_an_answer_and_makes_nothing_invalid(
    feed, mappings, validator, kind, place, word
):
    lines = SAMPLES[kind].decode().split("\r")
    spots = [
        (row, column)
        for row, line in enumerate(lines)
        for column in range(1, line.count("|") + 1)
        if (row, column) > (0, 8)
    ]
    row, column = spots[place % len(spots)]
    fields = lines[row].split("|")
    fields[column] = word.replace("\r", "").replace("|", "")
    lines[row] = "|".join(fields)
    code, faults = read_all("\r".join(lines).encode(), feed, mappings, validator)
    assert code in ("AA", "AE", "AR", "dead")
    assert faults == []


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(sorted(SAMPLES)), st.lists(st.integers(0, 20), max_size=20), st.integers(0, 2000))
def test_segments_in_any_order_and_messages_cut_short_get_an_answer(feed, mappings, validator, kind, order, cut):
    lines = [line for line in SAMPLES[kind].decode().split("\r") if line]
    mixed = [lines[0], *(lines[1 + one % (len(lines) - 1)] for one in order)]
    assert read_all("\r".join(mixed).encode(), feed, mappings, validator)[1] == []
    assert read_all(SAMPLES[kind][:cut], feed, mappings, validator)[1] == []
