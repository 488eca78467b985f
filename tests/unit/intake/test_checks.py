"""What a sender is told before the commit: always an honest answer, never a value of the message."""

import random
from datetime import UTC, datetime

import pytest
from tests.messages import adt

from careloop.intake.acknowledgment import acknowledgment
from careloop.intake.checks import check
from careloop.intake.hl7v2 import parse
from careloop.intake.model import Feed

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


def answer(raw, feed, mappings):
    message, checked = check(raw, feed, mappings)
    return checked, parse(
        acknowledgment(
            checked.code, message, control_id=checked.envelope.control_id, now=NOW, own_id="X1", faults=checked.faults
        ).decode()
    )


def test_a_good_message_is_accepted_and_its_control_id_echoed(feed, mappings):
    checked, ack = answer(adt("A01", control_id="M0001"), feed, mappings)
    assert checked.code == "AA"
    assert (ack.get("MSA-1"), ack.get("MSA-2"), ack.get("MSH-9"), ack.get("MSH-5")) == ("AA", "M0001", "ACK", "ADT")


@pytest.mark.parametrize(
    ("change", "code", "stage", "place"),
    [
        ((b"MSH|", b"XSH|"), "AR", "read", "MSH"),
        ((b"ADT^A01", b""), "AE", "structure", "MSH-9"),
        ((b"|C1|", b"||"), "AE", "structure", "MSH-10"),
        ((b"ADT^A01", b"MFN^M02"), "AE", "event", "MSH-9.1"),
        ((b"ADT^A01", b"SIU^S99"), "AE", "event", "MSH-9.2"),
        ((b"ADT^A01", b"ADT^A99"), "AE", "event", "MSH-9.2"),
        ((b"PID|", b"ZID|"), "AE", "person", "PID"),
        ((b"100234^^^STMARY^MR", b""), "AE", "person", "PID-3"),
        ((b"19510415", b"19510431"), "AE", "dates", "PID-7"),
        ((b"20261120080000-0500||||20261120080000-0500", b"20261120080000-0500||||20261190"), "AE", "dates", "EVN-6"),
    ],
)
def test_each_fault_names_its_place(feed, mappings, change, code, stage, place):
    checked, ack = answer(adt("A01").replace(*change), feed, mappings)
    assert (checked.code, checked.stage, checked.faults[0].at) == (code, stage, place)
    assert ack.get("ERR-8").startswith(place)
    assert ack.get("ERR-4") == "E"


@pytest.mark.parametrize("field", [2, 4, 18])
def test_other_numbers_of_the_person_count_where_pid_3_is_empty(feed, mappings, field):
    fields = [""] * 19
    fields[0], fields[field] = "PID", "77^^^STMARY"
    raw = adt("A01").replace(adt("A01").split(b"\r")[2], "|".join(fields).encode())
    assert check(raw, feed, mappings)[1].code == "AA"


def test_an_unknown_sender_is_refused_unless_the_feed_knows_it(mappings):
    strict = Feed(id=1, kind="hl7v2", zone="UTC")
    known = Feed(id=1, kind="hl7v2", zone="UTC", senders=frozenset({"ADT|STMARY"}))
    assert check(adt("A01"), strict, mappings)[1].stage == "sender"
    assert check(adt("A01"), known, mappings)[1].code == "AA"


def test_a_merge_needs_the_prior_number(feed, mappings):
    assert check(adt("A40", prior="9"), feed, mappings)[1].code == "AA"
    assert check(adt("A40"), feed, mappings)[1].faults[0].at == "MRG-1"


def test_an_answer_never_repeats_what_was_sent(feed, mappings):
    raw = adt("A01", pid="SECRETNAME^SECRETGIVEN||19990231|F|||SECRETSTREET^^SECRETTOWN")
    _, ack = answer(raw, feed, mappings)
    assert "SECRET" not in ack.write()
    assert "19990231" not in ack.write()


def test_thousands_of_damaged_messages_each_get_an_honest_answer(feed, mappings):
    chance = random.Random(20261123)
    originals = [adt(event, prior="9") for event in ("A01", "A03", "A40", "A08", "A45")]
    seen = {"AA": 0, "AE": 0, "AR": 0}
    for _ in range(4000):
        checked, ack = answer(damaged(chance.choice(originals), chance), feed, mappings)
        seen[checked.code] += 1
        assert ack.get("MSA-1") == checked.code
        assert bool(checked.faults) == (checked.code != "AA")
    assert all(seen.values())


def damaged(raw, chance):
    data = bytearray(raw)
    for _ in range(chance.randint(1, 6)):
        place = chance.randrange(len(data)) if data else 0
        kind = chance.randrange(6)
        if kind == 0:
            del data[place : place + chance.randint(1, 30)]
        elif kind == 1:
            data[place:place] = bytes(chance.randrange(256) for _ in range(chance.randint(1, 5)))
        elif kind == 2:
            data[place:place] = chance.choice([b"|", b"^", b"~", b"\\", b"&", b"\r", b"\n", b'""', b"\x00", b"\x1c"])
        elif kind == 3:
            data = data[:place]
        elif kind == 4 and data:
            data[place] ^= 1 << chance.randrange(8)
        else:
            data += data[: chance.randint(0, 40)]
    return bytes(data)
