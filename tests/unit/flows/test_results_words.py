"""Rules of the follow-up table in the words of the screen."""

from careloop.flows.results_board import in_words


def test_signs_of_comparison_become_words() -> None:
    assert in_words("A1c >= 9.0 (new): visit or plan change") == "A1c at least 9.0 (new): visit or plan change"
    assert in_words("TSH < 0.1: again, then refer") == "TSH under 0.1: again, then refer"
