"""Frames out of a stream, however it is cut."""

import random

from hypothesis import given
from hypothesis import strategies as st

from careloop.worker.frames import FrameReader, framed


def frames_of(data, cuts=(), limit=10_000):
    reader = FrameReader(limit=limit)
    found, start = [], 0
    for cut in [*sorted(cuts), len(data)]:
        found += reader.feed(data[start:cut])
        start = cut
    return found + reader.end()


messages = st.lists(st.binary(max_size=30).map(lambda raw: raw.translate(None, b"\x0b\x1c")), max_size=5)


@given(messages, st.data())
def test_frames_come_out_whole_however_the_stream_is_cut(contents, data):
    stream = b"".join(framed(one) for one in contents)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=6))
    found = frames_of(stream, cuts)
    assert [one.raw for one in found if not one.broken] == contents
    assert not [one for one in found if one.broken]


def test_junk_between_frames_is_told_and_the_frames_are_found():
    found = frames_of(b"noise" + framed(b"one") + b"\r\n" + framed(b"two") + b" more noise")
    assert [one.raw for one in found if not one.is_junk] == [b"one", b"two"]
    assert [one.raw for one in found if one.is_junk] == [b"noise", b"more noise"]


def test_a_trailer_without_its_carriage_return_ends_the_frame():
    assert [one.raw for one in frames_of(b"\x0bone\x1c\x0btwo\x1c")] == [b"one", b"two"]


def test_a_frame_without_end_is_broken_and_the_next_one_is_whole():
    half, whole = frames_of(b"\x0bhalf" + framed(b"whole"))
    assert (half.raw, bool(half.broken)) == (b"half", True)
    assert (whole.raw, whole.broken) == (b"whole", "")


def test_half_a_frame_at_the_end_of_the_stream_is_broken():
    [half] = frames_of(b"\x0bhalf")
    assert "no end" in half.broken


def test_a_frame_over_the_limit_is_given_up_once_and_memory_stays_small():
    reader = FrameReader(limit=1000)
    found = reader.feed(b"\x0b")
    for _ in range(500):
        found += reader.feed(b"x" * 100)
        assert len(reader._buffer) <= 1100
    found += reader.feed(b"\x1c\r" + framed(b"next"))
    assert [bool(one.broken) for one in found] == [True, False]
    assert found[1].raw == b"next"


def test_random_bytes_never_break_the_reader():
    chance = random.Random(7)
    reader = FrameReader(limit=50)
    for _ in range(3000):
        reader.feed(bytes(chance.choice([0x0B, 0x1C, 0x0D, 65, 66]) for _ in range(chance.randint(0, 20))))
        assert len(reader._buffer) <= 80
