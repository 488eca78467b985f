"""Reading HL7 v2 text: nothing is lost, nothing is guessed."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.messages import adt

from careloop.errors import Rejected
from careloop.intake.hl7v2 import STANDARD, Delimiters, escape, parse, read, split_file, unescape

TEXT = "\r".join(
    [
        "MSH|^~\\&|ADT|STMARY|||20260302||ADT^A01|M1|P|2.5.1",
        "PID|1||1^^^A&1.2&ISO^MR~2^^^B^SS||O\\T\\BRIEN^ANA||19510415",
        "ZZZ|x|y",
    ]
)

segment_names = st.sampled_from(["PID", "PV1", "ZZ9", "OBX", "NK1"])
field_texts = st.text(alphabet="AZ09 ^~\\&.éß", max_size=8)
bodies = st.lists(st.tuples(segment_names, st.lists(field_texts, min_size=1, max_size=6)), max_size=6)


def message_of(body):
    return "MSH|^~\\&|A|B\r" + "".join("|".join([name, *fields]) + "\r" for name, fields in body)


@given(bodies)
def test_writing_what_was_parsed_gives_the_same_text(body):
    text = message_of(body)
    assert parse(text).write() == text
    assert parse(parse(text).write()) == parse(text)


@given(st.text(max_size=40))
def test_what_is_escaped_comes_back_as_it_was(text):
    clean = "".join(sign for sign in text if sign.isprintable() or sign == "\n")
    assert unescape(escape(clean)) == clean.replace("\r", "\n")


def test_addresses_reach_repetitions_components_and_subcomponents():
    message = parse(TEXT)
    assert message.get("PID-3") == "1"
    assert message.get("PID-3[2].5") == "SS"
    assert message.get("PID-3.4.2") == "1.2"
    assert message.get("PID-5") == "O&BRIEN"
    assert message.get("MSH-1") == "|"
    assert message.get("MSH-9.2") == "A01"
    assert message.get("PV1-19") == ""


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_segments_may_end_with_cr_lf_or_both(end):
    assert len(parse(TEXT.replace("\r", end)).segments) == 3


def test_segments_of_a_site_are_kept():
    assert parse(TEXT).all("ZZZ")[0].raw(2) == "y"


def test_other_delimiters_are_read_from_the_header():
    message = parse("MSH#*!?%#A#B####ADT*A01\rPID###1*2!3")
    assert message.delimiters == Delimiters("#", "*", "!", "?", "%")
    assert message.get("PID-3[2]") == "3"


@pytest.mark.parametrize("text", ["", "hello", "MSH", "MSH|", "MSH|^^^^|A", "MSHA~BC|x", "PID|1", "\x00\x01"])
def test_what_is_no_hl7_is_rejected(text):
    with pytest.raises(Rejected):
        parse(text)


def test_escape_sequences_are_resolved_and_unknown_ones_stay():
    assert unescape(r"a\F\b\S\c\T\d\R\e\E\f\.br\g\X41\\Zx\ ", STANDARD) == "a|b^c&d~e\\f\ngA\\Zx\\ "


def test_bytes_that_are_not_utf8_are_read_as_latin1_with_a_note():
    message = read("MSH|^~\\&|A|B\rPID|||1||MÜLLER".encode("latin-1"))
    assert message.get("PID-5") == "MÜLLER"
    assert message.notes


def test_the_declared_character_set_is_used():
    raw = "MSH|^~\\&|A|B||||||1|P|2.5||||||8859/2\rPID|||1||ŁÓDŹ".encode("iso8859-2")
    assert read(raw).get("PID-5") == "ŁÓDŹ"


def test_a_byte_order_mark_is_no_part_of_the_message():
    assert read(b"\xef\xbb\xbf" + TEXT.encode()).get("MSH-10") == "M1"


def test_a_batch_file_gives_its_messages_in_order():
    text = "FHS|^~\\&\rBHS|^~\\&\r" + TEXT + "\r" + TEXT.replace("M1", "M2") + "\rBTS|2\rFTS|1\r"
    assert [parse(one).get("MSH-10") for one in split_file(text)] == ["M1", "M2"]


def test_ten_thousand_messages_a_second_are_read():
    raw = adt("A01")
    began = time.perf_counter()
    for _ in range(2000):
        read(raw).get("PV1-19")
    assert 2000 / (time.perf_counter() - began) > 10_000
