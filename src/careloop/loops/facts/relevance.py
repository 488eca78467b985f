"""Leaves out early what can be of no use: in a long history most visits and values lie far from any matter.

Loops open by stays and by other matters, so a fact matters from a little before one of them until well after it. Dates
are compared as the text that stands there, to the day and with room for zones, so that nothing has to be parsed to be
left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from careloop.fhir.dates import BEGINNING, END
from careloop.loops.facts.model import Stay

_BEFORE = timedelta(days=40)
_AFTER = timedelta(days=400)
_ZONES = timedelta(days=2)
_FIRST, _LAST = "0000-00-00", "9999-99-99"


@dataclass(frozen=True, kw_only=True)
class Relevance:
    """The dates around a patient's stays: `near` for whatever happened, `inside` for values measured in a stay."""

    near: tuple[tuple[str, str], ...]
    inside: tuple[tuple[str, str], ...]

    def is_near(self, text: Any) -> bool:
        """True when this date lies near a stay, and for anything whose date is missing or short."""
        return _falls(text, self.near)

    def is_inside(self, text: Any) -> bool:
        """True when this date lies in a stay, and for anything whose date is missing or short."""
        return _falls(text, self.inside)


def relevance_of(stays: Sequence[Stay], matters: Sequence[datetime] = ()) -> Relevance:
    """What lies near these stays, and near other matters that were opened at these instants."""
    near = _joined(
        [(_early(_first(stay), _BEFORE), _late(stay.end, _AFTER)) for stay in stays]
        + [(_early(at, _BEFORE), _late(at, _AFTER)) for at in matters]
    )
    inside = tuple((_early(stay.start, _ZONES), _late(stay.end, _ZONES)) for stay in stays)
    return Relevance(near=near, inside=inside)


def _joined(spans: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The same dates in as few spans as can be."""
    found: list[tuple[str, str]] = []
    for first, last in sorted(spans):
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return tuple(found)


def _first(stay: Stay) -> datetime | None:
    known = [at for at in (stay.start, stay.planned_start, stay.recorded) if at is not None]
    return min([*known, *(discharge.at for discharge in stay.discharges)], default=None)


def _early(at: datetime | None, room: timedelta) -> str:
    return _FIRST if at is None or at - BEGINNING < room else (at - room).date().isoformat()


def _late(at: datetime | None, room: timedelta) -> str:
    return _LAST if at is None or END - at < room else (at + room).date().isoformat()


def _falls(text: Any, spans: tuple[tuple[str, str], ...]) -> bool:
    if not isinstance(text, str) or len(text) < 10:
        return bool(spans)
    day = text[:10]
    return any(first <= day <= last for first, last in spans)
