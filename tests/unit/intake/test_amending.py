"""Each habit of a sender, set right; codes translated; everything else stays."""

from dataclasses import replace

import pytest
from tests.messages import adt

from careloop.catalog import load_catalog
from careloop.errors import ContentError
from careloop.intake import Feed
from careloop.intake.amending import load_amending
from careloop.intake.hl7v2 import read

PLAIN = Feed(id=1, kind="hl7v2", zone="America/New_York")
MSH = "MSH|^~\\&|ADT|STMARY|CARELOOP|PRACTICE|20261120080000-0500||ADT^A01|C1|P|2.5.1"

CASES = [
    ("local-times", f"{MSH}\rPV1|1|I\rEVN|A01|20260331140500+0000", {"EVN-2": "20260331140500"}),
    ("american-dates", f"{MSH}\rPV1|" + "|" * 43 + "3/31/2026 14:05", {"PV1-44": "202603311405"}),
    ("american-dates", f"{MSH}\rPID|1||7||||03/31/1950", {"PID-7": "19500331"}),
    ("dashed-dates", f"{MSH}\rPID|1||7||||1950-03-31", {"PID-7": "19500331"}),
    ("zero-dates", f"{MSH}\rPID|1||7||||00000000", {"PID-7": "", "PID-3": "7"}),
    ("words-for-nothing", f"{MSH}\rPID|1||7||null||N/A", {"PID-5": "", "PID-7": "", "PID-3": "7"}),
    (
        "swapped-names",
        f"{MSH}\rPID|1||7||ANA^RIVERA^M~ANNI^RIVERA",
        {"PID-5.1": "RIVERA", "PID-5.2": "ANA", "PID-5.3": "M", "PID-5[2].1": "RIVERA"},
    ),
    ("visit-in-account", f"{MSH}\rPID|1||7|||||||||||||||V1^^^H\rPV1|1|I", {"PV1-19": "V1", "PV1-19.4": "H"}),
    ("visit-in-account", f"{MSH}\rPID|1||7|||||||||||||||V1\rPV1|1|I" + "|" * 17 + "V2", {"PV1-19": "V2"}),
    ("visit-in-alternate", f"{MSH}\rPV1|1|I" + "|" * 48 + "V1", {"PV1-19": "V1"}),
    ("person-in-alternate", f"{MSH}\rPID|1||||X", {"PID-3": ""}),
    ("person-in-alternate", f"{MSH}\rPID|1|||88^^^H", {"PID-3": "88"}),
    ("leading-zeros", f"{MSH}\rPID|1||000120^^^H~000", {"PID-3": "120", "PID-3.4": "H", "PID-3[2]": "000"}),
    ("no-version", "MSH|^~\\&|A|B|C|D|2026||ADT^A01|C1", {"MSH-12": "2.5.1", "MSH-11": "P"}),
    ("home-readings", f"{MSH}\rOBX|1|NM|29463-7^W^LN||80|kg|||||F", {"OBX-18": "HOME"}),
    ("home-readings", f"{MSH}\rOBX|1|NM|29463-7^W^LN||80|kg|||||F" + "|" * 7 + "SCALE7", {"OBX-18": "SCALE7"}),
    ("no-event-time", f"{MSH}\rEVN|A01", {"EVN-2": "20261120080000-0500"}),
    ("written-line-ends", f"{MSH}\\rPID|1||7\\rPV1|1|I", {"PID-3": "7", "PV1-2": "I"}),
    ("broken-lines", f"{MSH}\rOBX|1|TX|A^B||first\nsecond\nOBX|2|TX|A^B||other", {"OBX-5": "first\nsecond"}),
]


@pytest.fixture(scope="module")
def amending():
    return load_amending(load_catalog().documents("feeds"))


@pytest.mark.parametrize(("quirk", "text", "then"), CASES, ids=lambda part: part if isinstance(part, str) else "")
def test_a_habit_is_set_right(amending, quirk: str, text: str, then: dict[str, str]) -> None:
    message = amending.read(text.encode(), replace(PLAIN, quirks=frozenset([quirk])))
    assert {address: message.get(address) for address in then} == then


def test_what_is_no_time_keeps_its_dash(amending) -> None:
    feed = replace(PLAIN, quirks=frozenset(["local-times"]))
    message = amending.read(f"{MSH}\rPID|1||7||||||||||4135551212-1234".encode(), feed)
    assert message.get("PID-13") == "4135551212-1234"


def test_every_habit_has_a_case(amending) -> None:
    seen = {quirk for quirk, _, _ in CASES} | {"repeated-numbers", "repeated-results", "windows-text"}
    assert seen == set(amending.quirks)


def test_results_are_counted_anew_within_each_order(amending) -> None:
    text = f"{MSH}\rOBR|1\rOBX|1|NM|A\rOBX|1|NM|A\rOBR|2\rOBX|1|NM|A"
    feed = replace(PLAIN, quirks=frozenset(["repeated-numbers", "repeated-results"]))
    lines = amending.read(text.encode(), feed).all("OBX")
    assert [(line.raw(1), line.raw(4)) for line in lines] == [("1", ""), ("2", "2"), ("1", "")]


def test_text_of_windows_is_read(amending) -> None:
    raw = f"{MSH}\rPID|1||7||O’NEIL^ANA".encode("cp1252")
    assert amending.read(raw, replace(PLAIN, quirks=frozenset(["windows-text"]))).get("PID-5") == "O’NEIL"


def test_a_code_is_translated_in_each_repetition_whatever_its_case(amending) -> None:
    feed = replace(PLAIN, codes={"sex": {"1": "M", "w": "F"}, "result-status": {"done": "F"}})
    message = amending.read(f"{MSH}\rPID|1||7|||||W~1~X\rOBX|1|NM|A||5||||||DONE".encode(), feed)
    assert message.all("PID")[0].raw(8) == "F~M~X"
    assert message.get("OBX-11") == "F"


def test_without_settings_a_message_is_read_as_it_is(amending) -> None:
    raw = adt("A01")
    assert amending.read(raw, PLAIN) == read(raw)


def test_settings_that_meet_nothing_change_nothing(amending) -> None:
    raw = adt("A01")
    feed = replace(PLAIN, quirks=frozenset(["zero-dates", "words-for-nothing", "broken-lines", "leading-zeros"]))
    assert amending.read(raw, feed).write() == read(raw).write()


def test_a_step_that_is_not_whole_is_a_fault_of_the_content() -> None:
    quirk = {"id": "x", "says": "x", "example": "x", "steps": [{"do": "fill", "field": "PV1-2"}]}
    with pytest.raises(ContentError, match="value"):
        load_amending({"quirks": {"quirks": [quirk]}})
