"""The ring of a loop, as numbers for the template: one arc for each proof needed, filled when it is in hand.

An open ring means that proof is missing; a closed ring with a check means done (ui.md §4.2).
"""

from dataclasses import dataclass
from functools import lru_cache
from math import cos, pi, sin

from careloop.loops.model import ClockState

_GAP_RADIANS = 0.24
_MOST_SEGMENTS = 8

_LOOKS = {
    ClockState.OVERDUE: ("late", "Late"),
    ClockState.DUE_SOON: ("soon", "Due soon"),
    ClockState.ON_TIME: ("ok", "On time"),
    ClockState.WAITING: ("wait", "Waiting on others"),
}


@dataclass(frozen=True, kw_only=True)
class Ring:
    """What the template draws. `look` names the colour class and the mark in the centre."""

    look: str
    name: str
    arcs: tuple[tuple[str, bool], ...]


def open_ring(state: ClockState, segments: tuple[bool, ...]) -> Ring:
    """The ring of an open loop. `segments`: for each proof needed, whether it is in hand."""
    look, word = _LOOKS[state]
    return Ring(look=look, name=f"{word}. {sum(segments)} of {len(segments)} steps have proof", arcs=_arcs(segments))


def closed_ring(*, proven: bool, segments: tuple[bool, ...]) -> Ring:
    """The ring of a closed loop: full, with a check when proof closed it and a minus when a person did without."""
    count = max(len(segments), 1)
    if proven:
        return Ring(look="done", name="Closed by proof", arcs=_arcs((True,) * count))
    return Ring(look="unproven", name="Closed without proof", arcs=_arcs((True,) * count))


def _arcs(segments: tuple[bool, ...]) -> tuple[tuple[str, bool], ...]:
    shown = segments[:_MOST_SEGMENTS] or (False,)
    paths = _paths(len(shown))
    return tuple(zip(paths, sorted(shown, reverse=True), strict=True))


@lru_cache(maxsize=16)
def _paths(count: int) -> tuple[str, ...]:
    """SVG paths of `count` arcs on a circle of radius 14 around (18, 18), from the top, clockwise."""
    turn = 2 * pi / count
    gap = 0.0 if count == 1 else _GAP_RADIANS
    return tuple(_path(index * turn + gap / 2, (index + 1) * turn - gap / 2) for index in range(count))


def _path(start: float, end: float) -> str:
    end = min(end, start + 2 * pi - 0.001)
    large = 1 if end - start > pi else 0
    return f"M{_point(start)}A14 14 0 {large} 1 {_point(end)}"


def _point(angle: float) -> str:
    return f"{18 + 14 * sin(angle):.2f} {18 - 14 * cos(angle):.2f}"
