"""Drawings: the band lies where the values of the range lie, words are escaped, the scale tells values apart."""

import re
from datetime import UTC, datetime, timedelta

from careloop.web.charts import Band, Limit, Point, chart, drawn, ends_of, says_of, spark

START = datetime(2026, 1, 1, 12, tzinfo=UTC)


def points(*values: float, out: float = 1e9) -> list[Point]:
    return [Point(at=START + timedelta(days=day), value=value, marked=value > out) for day, value in enumerate(values)]


def test_the_band_is_where_its_ends_are() -> None:
    made = chart(points(0, 100), (), "x", [], Band(low=25, high=75))
    band = re.search(r'class="band" x="[\d.]+" y="([\d.]+)" width="[\d.]+" height="([\d.]+)"', made)
    rows = [float(one) for one in re.findall(r"<polyline points=\"[\d.]+,([\d.]+) [\d.]+,([\d.]+)", made)[0]]
    assert band is not None
    bottom, top = rows
    assert abs(float(band[2]) - (bottom - top) / 2) < 0.2
    assert top < float(band[1]) < bottom


def test_a_band_without_an_end_reaches_the_edge_and_one_far_away_is_not_drawn() -> None:
    assert 'class="band"' in chart(points(4, 6), (), "x", [], Band(high=5))
    assert 'class="band"' not in chart(points(4, 6), (), "x", [], Band(low=400, high=500))
    assert 'class="band"' not in chart(points(4, 6), (), "x", [], Band())


def test_small_numbers_have_a_scale_that_tells_them_apart() -> None:
    scale = re.findall(r'text-anchor="end">([\d.]+)<', chart(points(0.71, 0.84, 0.78), (), "x", []))
    assert len(set(scale)) == 3
    assert re.findall(r'text-anchor="end">([\d.]+)<', chart(points(110, 170), (), "x", [])) == ["104", "140", "176"]


def test_out_of_range_is_a_shape_and_words_are_escaped() -> None:
    made = chart(points(4, 9, out=5), [Limit(value=5, shown="<b>")], "<script>", [])
    assert made.count("<polygon") == 1
    assert "<script>" not in made and "<b>" not in made
    assert "<polygon" in spark(points(4, 9, out=5), "x") and spark(points(4), "x") == ""
    assert "<i>" not in drawn([(0, 0), (1, 1)], "<i>")


def test_days_have_a_year_where_they_need_one() -> None:
    far = [Point(at=START - timedelta(days=300), value=1), Point(at=START, value=2)]
    assert [words for _, words in ends_of(far, UTC)] == ["7 Mar 2025", "1 Jan 2026"]
    assert [words for _, words in ends_of(points(1, 2), UTC)] == ["1 Jan", "2 Jan"]
    assert ends_of([], UTC) == []
    assert says_of("A1c", ["7 %"]) == "A1c: one value, 7 %"
