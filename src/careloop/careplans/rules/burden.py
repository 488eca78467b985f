"""What a plan asks of the patient: hours and trips a month (features 12)."""

from collections.abc import Iterable
from decimal import Decimal

from careloop.careplans.model import DAYS_OF_MONTH, Activity, Batch, Burden, Interval, Planning, Work

PLACE = "place"


def burden(planning: Planning, activities: Iterable[Activity], batches: Iterable[Batch]) -> Burden:
    """Minutes of the patient over an average month, the way there and back with each trip. What is shared is counted
    once; what is done one time stands apart; what was stopped is not counted."""
    running = [one for one in activities if not one.stopped]
    shared = {does for batch in batches for does, _ in batch.each}
    parts = [_of_batch(planning, batch) for batch in batches if not batch.every.once]
    once = sum(batch.minutes + planning.travel_minutes for batch in batches if batch.every.once)
    for one in running:
        if one.does in shared:
            continue
        way = planning.travel_minutes if _goes_there(planning, one.does) else 0
        if one.every.once:
            once += one.minutes + way
        else:
            parts.append(_work(one.title, one.every, one.minutes, way))
    parts = [one for one in parts if one.minutes]
    parts.sort(key=lambda one: (-one.minutes, one.title))
    minutes = sum((one.minutes for one in parts), Decimal(0))
    return Burden(
        hours=(minutes / 60).quantize(Decimal("0.1")),
        trips=sum((one.trips for one in parts), Decimal(0)).quantize(Decimal("0.1")),
        once_minutes=once,
        parts=tuple(parts),
    )


def _of_batch(planning: Planning, batch: Batch) -> Work:
    return _work(batch.title, batch.every, batch.minutes, planning.travel_minutes)


def _work(title: str, every: Interval, minutes: int, way: int) -> Work:
    times = DAYS_OF_MONTH / every.days
    return Work(title=title, times=times, minutes=times * (minutes + way), trips=times if way else Decimal(0))


def _goes_there(planning: Planning, does: str) -> bool:
    kind = planning.kinds.get(does.split("/")[0])
    return kind is not None and kind.word == PLACE
