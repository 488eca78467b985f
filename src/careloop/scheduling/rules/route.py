"""The order of a day of home visits: nearest neighbour, then 2-opt, within the hours in which each can be visited.

Distances are great-circle times a road factor where both homes have coordinates; else minutes by ZIP code and town, and
each leg says what was assumed. The order with the fewest windows missed wins, then the one with the least time on the
way, then the one that ends first. A stop is never dropped.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import asin, ceil, cos, radians, sin, sqrt

from careloop.scheduling.model import Leg, Place, Route, Stop, Travel

_EARTH_MILES = 3958.8


def minutes_between(one: Place, other: Place, travel: Travel) -> tuple[int, str]:
    """Minutes on the way, and what was assumed for it."""
    miles = miles_between(one, other)
    if miles is not None:
        minutes = ceil(miles * travel.road_factor / travel.miles_per_hour * 60)
        return max(minutes, travel.least), f"{miles * travel.road_factor:.1f} miles by road, from coordinates"
    if one.line and (one.line, one.town, one.postal_code) == (other.line, other.town, other.postal_code):
        return 0, "same address"
    if one.postal_code and one.postal_code[:5] == other.postal_code[:5]:
        return travel.same_zip, "same ZIP code, no coordinates"
    if one.town and one.town.casefold() == other.town.casefold():
        return travel.same_town, "same town, no coordinates"
    if not (one.town or one.postal_code) or not (other.town or other.postal_code):
        return travel.other, "address not known"
    return travel.other, "another town, no coordinates"


def miles_between(one: Place, other: Place) -> float | None:
    """Great-circle miles; None where one has no coordinates."""
    if one.latitude is None or one.longitude is None or other.latitude is None or other.longitude is None:
        return None
    north, south = radians(one.latitude), radians(other.latitude)
    across = radians(other.longitude - one.longitude)
    part = sin((south - north) / 2) ** 2 + cos(north) * cos(south) * sin(across / 2) ** 2
    return 2 * _EARTH_MILES * asin(sqrt(min(part, 1.0)))


def plan(stops: Sequence[Stop], begins: datetime, base: Place | None, travel: Travel) -> Route:
    """The day in its best order found. `base` is where it starts and ends; None: at the first home."""
    if not stops:
        return Route()
    starts = [
        _nearest_first(stops, begins, base, travel),
        sorted(stops, key=lambda one: (one.within.end, one.id)),
        sorted(stops, key=lambda one: (one.at, one.id)),
    ]
    return min((_two_opt(order, begins, base, travel) for order in starts), key=_cost)


def as_booked(stops: Sequence[Stop], begins: datetime, base: Place | None, travel: Travel) -> Route:
    """The day in the order that is booked now, for comparison."""
    return walk(sorted(stops, key=lambda one: (one.at, one.id)), begins, base, travel)


def walk(order: Sequence[Stop], begins: datetime, base: Place | None, travel: Travel) -> Route:
    """The stops in this order: each begins when the way is done and its window is open."""
    at, here, total = begins, base, 0
    legs: list[Leg] = []
    for stop in order:
        minutes, assumed = minutes_between(here, stop.place, travel) if here else (0, "the day begins here")
        arrives = at + timedelta(minutes=minutes)
        start = max(arrives, stop.within.start)
        at = start + timedelta(minutes=stop.minutes)
        legs.append(
            Leg(stop=stop, minutes=minutes, assumed=assumed, arrives=arrives, begins=start, late=at > stop.within.end)
        )
        here, total = stop.place, total + minutes
    if base and here:
        total += minutes_between(here, base, travel)[0]
    return Route(legs=tuple(legs), travel=total)


def _nearest_first(stops: Sequence[Stop], begins: datetime, base: Place | None, travel: Travel) -> list[Stop]:
    left = sorted(stops, key=lambda one: (one.within.start, one.id))
    order = [] if base else [left.pop(0)]
    here = base or order[0].place
    while left:
        near = min(left, key=lambda one: (minutes_between(here, one.place, travel)[0], one.within.end, one.id))
        left.remove(near)
        order.append(near)
        here = near.place
    return order


def _two_opt(order: list[Stop], begins: datetime, base: Place | None, travel: Travel) -> Route:
    """No reversal of a part of the day and no move of one stop makes it better."""
    best = walk(order, begins, base, travel)
    improved = True
    while improved:
        improved = False
        for other in _neighbours([leg.stop for leg in best.legs]):
            found = walk(other, begins, base, travel)
            if _cost(found) < _cost(best):
                best, improved = found, True
                break
    return best


def _neighbours(order: list[Stop]) -> list[list[Stop]]:
    size = len(order)
    turned = [
        [*order[:low], *reversed(order[low:high]), *order[high:]]
        for low in range(size - 1)
        for high in range(low + 2, size + 1)
    ]
    moved = [
        [*rest[:to], order[at], *rest[to:]]
        for at in range(size)
        for rest in [[*order[:at], *order[at + 1 :]]]
        for to in range(size)
        if to != at
    ]
    return turned + moved


def _cost(route: Route) -> tuple[int, int, datetime, tuple[str, ...]]:
    last = route.legs[-1]
    return (
        route.late,
        route.travel,
        last.begins + timedelta(minutes=last.stop.minutes),
        tuple(leg.stop.id for leg in route.legs),
    )
