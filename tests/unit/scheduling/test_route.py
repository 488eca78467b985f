"""The order of a day on the road."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from careloop.scheduling.model import Place, Stop, Travel, Window
from careloop.scheduling.rules.route import as_booked, miles_between, minutes_between, plan, walk

TRAVEL = Travel(road_factor=1.3, miles_per_hour=25, same_zip=10, same_town=15, other=30, least=5)
DAY = datetime(2026, 11, 24, 13, tzinfo=UTC)


def stop(name, place, first=0, last=600, at=0, minutes=30):
    within = Window(DAY + timedelta(minutes=first), DAY + timedelta(minutes=last))
    return Stop(id=name, place=place, minutes=minutes, at=DAY + timedelta(minutes=at), within=within)


def at(latitude, longitude):
    return Place(latitude=latitude, longitude=longitude)


def test_a_degree_of_latitude_is_69_miles():
    assert abs(miles_between(at(42, -73), at(43, -73)) - 69.1) < 0.1


def test_what_was_assumed_is_said():
    troy = Place(postal_code="12180", town="Troy", line="1 Elm")
    assert minutes_between(troy, Place(postal_code="12180-0001", town="Troy", line="2 Elm"), TRAVEL) == (
        10, "same ZIP code, no coordinates",
    )  # fmt: skip
    assert minutes_between(troy, Place(postal_code="12182", town="TROY"), TRAVEL)[0] == 15
    assert minutes_between(troy, Place(postal_code="12010", town="Amsterdam"), TRAVEL)[0] == 30
    assert minutes_between(troy, troy, TRAVEL) == (0, "same address")
    assert minutes_between(troy, Place(), TRAVEL) == (30, "address not known")
    assert "coordinates" in minutes_between(at(42.7, -73.7), at(42.75, -73.7), TRAVEL)[1]


def test_a_zigzag_becomes_a_line():
    homes = [stop(f"s{n}", at(42 + n * 0.05, -73), at=order * 60) for order, n in enumerate([0, 3, 1, 4, 2])]
    best, booked = plan(homes, DAY, None, TRAVEL), as_booked(homes, DAY, None, TRAVEL)
    assert [leg.stop.id for leg in best.legs] in (["s0", "s1", "s2", "s3", "s4"], ["s4", "s3", "s2", "s1", "s0"])
    assert best.travel < booked.travel


def test_a_narrow_window_decides_the_order_though_the_way_is_longer():
    homes = [stop("near", at(42, -73), 0, 600), stop("far", at(42.2, -73), 0, 35), stop("next", at(42.01, -73), 0, 600)]
    best = plan(homes, DAY, None, TRAVEL)
    assert best.legs[0].stop.id == "far" and best.late == 0


def test_what_does_not_fit_is_said_and_nobody_is_dropped():
    homes = [stop("a", at(42, -73), 0, 30), stop("b", at(42, -73), 0, 30)]
    best = plan(homes, DAY, None, TRAVEL)
    assert len(best.legs) == 2 and best.late == 1


places = st.one_of(
    st.tuples(st.floats(42, 43), st.floats(-74, -73)).map(lambda one: at(*one)),
    st.sampled_from([Place(town="Troy", postal_code="12180"), Place(town="Troy", postal_code="12182"), Place()]),
)
days = st.lists(st.tuples(places, st.integers(0, 300), st.integers(30, 300)), min_size=1, max_size=6).map(
    lambda found: [stop(f"s{n}", place, first, first + long, first) for n, (place, first, long) in enumerate(found)]
)


@settings(max_examples=60, deadline=None)
@given(days)
def test_every_stop_once_never_before_its_window_never_two_at_once_and_no_worse_than_booked(stops):
    best, booked = plan(stops, DAY, None, TRAVEL), as_booked(stops, DAY, None, TRAVEL)
    assert sorted(leg.stop.id for leg in best.legs) == sorted(one.id for one in stops)
    for leg in best.legs:
        assert leg.begins >= leg.stop.within.start and leg.begins >= leg.arrives
        assert leg.late == (leg.begins + timedelta(minutes=leg.stop.minutes) > leg.stop.within.end)
    for one, other in zip(best.legs, best.legs[1:], strict=False):
        assert one.begins + timedelta(minutes=one.stop.minutes) + timedelta(minutes=other.minutes) == other.arrives
    assert (best.late, best.travel) <= (booked.late, booked.travel)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.floats(42, 43), st.floats(-74, -73)), min_size=1, max_size=5))
def test_without_windows_the_way_is_at_most_a_fifth_longer_than_the_shortest_there_is(points):
    stops = [stop(f"s{n}", at(*point), 0, 3000) for n, point in enumerate(points)]
    shortest = min(walk(order, DAY, None, TRAVEL).travel for order in permutations(stops))
    assert plan(stops, DAY, None, TRAVEL).travel <= shortest * 1.2
