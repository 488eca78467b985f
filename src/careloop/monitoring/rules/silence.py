"""When nothing comes: silence is not safety (features.md 18; MO-14). Pure.

A gap is counted from the last reading by the patient's wall clock: Friday 7:00 and three days make Monday 7:00, over a
change of the clocks too. While silence lasts it is found again after each further span.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

from careloop.monitoring.content import Row
from careloop.monitoring.model import Finding
from careloop.monitoring.rules.breaches import Frame, is_after_discharge
from careloop.monitoring.rules.saying import plain

_MOST_AGAIN = 10


@dataclass(frozen=True, kw_only=True)
class Silences:
    """What silence there was by now, and when to look again."""

    findings: tuple[Finding, ...]
    wake: datetime | None


def silences(frame: Frame, measured: Sequence[datetime], since: datetime) -> Silences:
    """Every time that nothing had come for too long between the readings at `measured`, from `since` on."""
    row = frame.content.any_rows.get("missing")
    if row is None or not _expects(frame):
        return Silences(findings=(), wake=None)
    times = [max(since, frame.plan.since), *sorted(one for one in measured if one > max(since, frame.plan.since))]
    ends = [*[after for _, after in pairwise(times)], None]
    found: list[Finding] = []
    wake: datetime | None = None
    for start, end in zip(times, ends, strict=True):
        last = frame.now if end is None else end
        for again in range(1, _MOST_AGAIN + 1):
            at = _days_on(start, own_number(frame, row, start, "days") * again, frame.plan.zone)
            if (at > last) if end is None else (at >= last):
                if end is None and frame.plan.watched(at):
                    wake = at
                break
            if frame.plan.watched(at) and not frame.plan.held(at):
                found.append(_finding(row, start, at, again * own_number(frame, row, start, "days")))
    return Silences(findings=tuple(found), wake=wake)


def _expects(frame: Frame) -> bool:
    """True where something is measured for one of the patient's conditions; for who has none, anything counts."""
    known = [frame.content.programmes[one] for one in frame.plan.conditions if one in frame.content.programmes]
    return not known or any(one.metrics for one in known)


def own_number(frame: Frame, row: Row, at: datetime, unit: str) -> int:
    """How many (`days`, `times` in a row) a line about silence waits: the patient's own number, the smaller after a
    discharge."""
    assert row.number is not None
    signed = [one.values[row.id] for one in frame.plan.limits if one.at <= at and row.id in one.values]
    number = signed[-1] if signed and signed[-1] is not None else row.number
    if row.after_discharge and is_after_discharge(frame.content, frame.plan, at):
        number = min(number, row.after_discharge[unit])
    return int(number)


def _days_on(start: datetime, days: int, zone: str) -> datetime:
    local = start.astimezone(ZoneInfo(zone)).replace(tzinfo=None) + timedelta(days=days)
    return local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def _finding(row: Row, start: datetime, at: datetime, days: int) -> Finding:
    return Finding(
        row=row.id,
        alert=row.alert,
        tier=row.tier,
        at=at,
        measured=at,
        reading=f"silent since {start.astimezone(UTC):%Y-%m-%dT%H:%MZ}",
        measure=Decimal(0),
        higher=True,
        late=False,
        says=row.says.replace("{value}", plain(Decimal(days))),
    )
