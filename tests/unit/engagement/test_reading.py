"""Grades of texts: the worked case of programme.md §5 and the gate."""

import pytest

from careloop.engagement.reading import LIMIT, reading_of

HARD = "Congestive cardiac decompensation necessitates immediate evaluation."
EASY = "Your heart is weak. Call us today."


def test_case_8_of_programme() -> None:
    easy = reading_of(EASY)
    assert easy is not None
    assert (easy.words, easy.sentences, easy.syllables) == (7, 2, 8)
    assert round(easy.flesch_kincaid, 1) == -0.7
    assert easy.grade == 0
    hard = reading_of(HARD)
    assert hard is not None
    assert hard.flesch_kincaid > 2 * LIMIT


def test_a_short_text_is_not_gated_and_a_long_hard_one_is() -> None:
    short, long = reading_of(HARD), reading_of(f"{HARD} " * 6)
    assert short is not None
    assert not short.gated
    assert not short.is_hard
    assert long is not None
    assert long.gated
    assert long.is_hard


def test_names_of_medicines_may_be_left_out() -> None:
    said = "Take hydrochlorothiazide, each day. " * 10
    whole, without = reading_of(said), reading_of(said, ["Hydrochlorothiazide"])
    assert whole is not None
    assert without is not None
    assert without.flesch_kincaid < whole.flesch_kincaid
    assert without.smog <= whole.smog


@pytest.mark.parametrize("text", ["", "   ", "..."])
def test_without_words_there_is_no_grade(text: str) -> None:
    assert reading_of(text) is None
