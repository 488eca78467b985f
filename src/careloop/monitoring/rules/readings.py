"""What a reading is good for: its time, its plausibility, whether it came twice (MO-01 to MO-04). Pure."""

from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta

from careloop.monitoring.content import Metric, Windows
from careloop.monitoring.model import Judged, Reading, State


def in_order(readings: Sequence[Reading]) -> list[Reading]:
    """By when they were measured; what is equal in that, in an order that does not depend on arrival here."""
    return sorted(readings, key=lambda one: (one.measured, one.received, one.id))


def judge(
    readings: Sequence[Reading], metric: Metric, windows: Windows, accepted: Collection[str] = ()
) -> Iterator[Judged]:
    """Each reading of one metric with its state and flags, oldest first. `accepted`: readings of which a person said
    that they are right (MO-10)."""
    kept: list[Reading] = []
    for one in in_order(readings):
        state, why = _state(one, kept, metric, windows, accepted)
        if state is State.VALID:
            kept.append(one)
        yield Judged(reading=one, state=state, clock=_clock_is_off(one, windows), late=_is_late(one, windows), why=why)


def _state(
    one: Reading, kept: Sequence[Reading], metric: Metric, windows: Windows, accepted: Collection[str]
) -> tuple[State, str]:
    if one.value is None:
        return State.ERROR, "the device tells of an error"
    if _came_before(one, kept, windows):
        return State.DUPLICATE, "the same reading came before"
    if one.id in accepted:
        return State.VALID, ""
    if not metric.least <= one.value <= metric.most:
        return State.QUARANTINED, "outside what can be"
    if kept and metric.jump is not None and _jumps(one, kept[-1], metric):
        return State.QUARANTINED, "too far from the reading before: somebody else on this device?"
    return State.VALID, ""


def _came_before(one: Reading, kept: Sequence[Reading], windows: Windows) -> bool:
    """MO-04: the same device, metric and value within two seconds."""
    apart = timedelta(seconds=windows.duplicate_seconds)
    for other in reversed(kept):
        if one.measured - other.measured > apart:
            return False
        if other.device == one.device and other.value == one.value:
            return True
    return False


def _jumps(one: Reading, before: Reading, metric: Metric) -> bool:
    """MO-03: more than so much in so few days is somebody else's weight."""
    assert metric.jump is not None and one.value is not None and before.value is not None
    most, days = metric.jump
    return abs(one.value - before.value) > most and one.measured - before.measured <= timedelta(days=days)


def _clock_is_off(one: Reading, windows: Windows) -> bool:
    """MO-01: a device that sends at once, or one that measures in the future."""
    apart = timedelta(minutes=windows.clock_minutes)
    ahead = one.measured - one.received
    return ahead > apart or (one.live and -ahead > apart)


def _is_late(one: Reading, windows: Windows) -> bool:
    """MO-02: it came more than so many hours after it was measured."""
    return one.received - one.measured > timedelta(hours=windows.late_hours)
