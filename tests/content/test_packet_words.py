"""What the patient's own packet says is plain (grade 6 or lower), and every part that can be chosen can be made."""

import pytest

from careloop.catalog import load_catalog
from careloop.engagement.reading import LIMIT, reading_of
from careloop.flows.packet_parts import PARTS


@pytest.fixture(scope="module")
def packet():
    return load_catalog().document("briefs", "packet")


def test_the_words_of_the_patient_are_plain(packet):
    titles = [f"{one['plain']}." for one in packet["parts"] if "patient" in one["for"]]
    whole = " ".join([*titles, *(words.rstrip(".") + "." for words in packet["patient"].values())])
    found = reading_of(whole)
    assert found is not None and found.gated
    assert found.flesch_kincaid <= LIMIT
    assert found.smog <= LIMIT + 1
    for words in packet["patient"].values():
        one = reading_of(words)
        assert one is None or one.flesch_kincaid <= LIMIT + 1, words


def test_every_part_can_be_made_and_has_a_purpose(packet):
    assert {one["id"] for one in packet["parts"]} == set(PARTS)
    assert {one["for"] for one in packet["purposes"]} == {"staff", "patient"}
    assert {"high", "low", "abnormal", "critical"} <= set(packet["patient"])
