"""What fits into the days of somebody, and what slips: work in the order of its deadlines, minutes by day. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A piece of work: what it is, about whom, when it is due, how long it takes. `more`: of a patient to come."""

    key: str
    title: str
    patient_id: str
    due: date
    minutes: int
    more: bool = False


@dataclass(frozen=True, kw_only=True)
class Slip:
    """A piece that would be done on `done` (None: not within the days looked at), after it is due."""

    piece: Piece
    done: date | None


def days_of(
    working: Mapping[int, int],
    first: date,
    count: int,
    *,
    holidays: Iterable[date] = (),
    away: Sequence[tuple[datetime, datetime]] = (),
    usual: int,
    percent: int,
) -> dict[date, int]:
    """Minutes that can be planned on each of `count` days from `first` on: hours on record by weekday, `percent` of
    them; without hours `usual` from Monday to Friday. Nothing on holidays and on days away at noon."""
    closed = set(holidays)
    found: dict[date, int] = {}
    for day in (first + timedelta(days=number) for number in range(count)):
        minutes = working.get(day.weekday(), 0) * percent // 100 if working else usual if day.weekday() < 5 else 0
        found[day] = 0 if day in closed or _is_away(day, away) else minutes
    return found


def slipping(days: Mapping[date, int], pieces: Iterable[Piece]) -> list[Slip]:
    """Those that are done too late when the first due is done first. What was late already is no slip, but takes its
    minutes."""
    first = min(days)
    found: list[Slip] = []
    needed = 0
    for piece in sorted(pieces, key=lambda one: (one.due, one.more, one.key)):
        needed += piece.minutes
        done = _done(days, needed)
        if piece.due >= first and (done is None or done > piece.due) and piece.due <= max(days):
            found.append(Slip(piece=piece, done=done))
    return found


def share_out(pieces: Sequence[Piece], loads: Mapping[str, int]) -> dict[str, list[Piece]]:
    """Each piece goes to who has the fewest minutes by then; the same input gives the same shares."""
    minutes = dict(loads)
    shares: dict[str, list[Piece]] = {owner: [] for owner in loads}
    for piece in pieces:
        owner = min(minutes, key=lambda one: (minutes[one], one))
        shares[owner].append(piece)
        minutes[owner] += piece.minutes
    return shares


def _done(days: Mapping[date, int], needed: int) -> date | None:
    total = 0
    for day in sorted(days):
        total += days[day]
        if total >= needed:
            return day
    return None


def _is_away(day: date, away: Sequence[tuple[datetime, datetime]]) -> bool:
    noons = ((datetime.combine(day, time(12), tzinfo=starts.tzinfo), starts, ends) for starts, ends in away)
    return any(starts <= noon < ends for noon, starts, ends in noons)
