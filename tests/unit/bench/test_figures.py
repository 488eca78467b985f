"""Figures say what was wanted and whether it was reached."""

from careloop.bench.figures import Figures, at_least, at_most, percentile


def test_a_figure_meets_its_aim_at_the_aim() -> None:
    assert at_least("rate", 2000.0, "/s", 2000.0).met
    assert not at_least("rate", 1999.9, "/s", 2000.0).met
    assert at_most("time", 100.0, "ms", 100.0).met
    assert not at_most("time", 100.1, "ms", 100.0).met


def test_a_percentile_is_a_value_that_was_measured() -> None:
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile([float(n) for n in range(1, 101)], 0.99) == 100.0
    assert percentile([], 0.99) == 0.0


def test_a_missed_aim_is_plain_to_see() -> None:
    run = Figures(benchmark="b", command="careloop bench b", figures=[at_least("rate", 1.0, "/s", 2.0)])
    assert any("NOT MET" in line for line in run.lines())
    assert run.facts()["figures"][0]["met"] is False
