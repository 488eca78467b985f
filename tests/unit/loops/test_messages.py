"""Warning words: found whatever way they are written, and not inside other words."""

from typing import Any

import pytest

from careloop.catalog import load_catalog
from careloop.loops.keys import key_reader
from careloop.loops.rules.messages import pattern_of, warning_in

WORDS = load_catalog().document("messages", "warning-words")["words"]
PATTERN = pattern_of(WORDS)


@pytest.mark.parametrize(
    "text",
    [
        "CHEST PAIN since noon", "I can’t breathe", "I can't   breathe", "Me desmayé ayer", "tengo convulsión",
        "胸痛很厉害", "tôi bị khó thở", "عندي ضيق في التنفس", "He hit me.", "blood in my stool", "call 911?",
    ],
)  # fmt: skip
def test_a_warning_is_found(text: str) -> None:
    assert warning_in([text], PATTERN)


@pytest.mark.parametrize(
    "text", ["bloodwork results?", "I felt better", "the befell", "nosebleed guard cream", "9112 Elm Street", ""]
)
def test_a_word_inside_another_is_none(text: str) -> None:
    assert warning_in([text], PATTERN) is None


@pytest.mark.parametrize("word", [word for mine in WORDS.values() for word in mine])
def test_every_listed_word_is_found(word: str) -> None:
    assert warning_in([f"x {word} y"], PATTERN)


def test_a_message_says_whether_it_warns_and_whether_it_answers() -> None:
    read = key_reader(load_catalog())

    def said(resource: dict[str, Any]) -> tuple[str | None, str | None]:
        found = read(resource, {}, {})
        return found.get("warning"), found.get("reply")

    assert said({"resourceType": "Communication", "payload": [{"contentString": "I fainted"}]}) == ("yes", "no")
    answer = {"resourceType": "Communication", "inResponseTo": [{"reference": "Communication/1"}]}
    assert said(answer) == ("no", "yes")
    assert said({"resourceType": "Patient"}) == (None, None)
