"""Who may be watched, and what is said before (MO-09); days with readings (MO-13); the load of alerts (MO-15). Pure."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from careloop.errors import Fault
from careloop.monitoring.content import Monitoring
from careloop.monitoring.model import Judged, State, Tier


def enrolment_faults(content: Monitoring, conditions: Collection[str], *, on_call: bool, told: bool) -> list[Fault]:
    """Why nobody may be enrolled like this. A site without somebody on call at all hours must have told the patient
    that this is no emergency service, before anything is watched (MO-09)."""
    faults = []
    unknown = sorted(set(conditions) - set(content.programmes))
    if unknown or not conditions:
        faults.append(Fault(at="programmes", expected="at least one of the programmes", code="required"))
    if not on_call and not told:
        words = (
            "that the patient was told: this is not an emergency service. Nobody here is on call at night and at"
            " weekends, so a red alert on Saturday at 10 pm would find nobody. Tell them first, or say who is on call"
        )
        faults.append(Fault(at="told", expected=words, code="business-rule"))
    return faults


def billing_days(judged: Iterable[Judged], zone: str, start: date, end: date) -> list[date]:
    """MO-13: distinct local dates with a valid reading that a device sent by itself."""
    local = ZoneInfo(zone)
    days = {
        one.reading.measured.astimezone(local).date()
        for one in judged
        if one.state is State.VALID and one.reading.automatic
    }
    return sorted(day for day in days if start <= day <= end)


@dataclass(frozen=True, kw_only=True)
class AlertRow:
    """What a report needs to know of one alert."""

    alert: str
    tier: Tier
    opened: datetime
    acted: datetime | None
    action: str


@dataclass(frozen=True, kw_only=True)
class Load:
    """MO-15: what alerts cost and bring. None where there is nothing to divide."""

    enrolled_days: int
    alerts: int
    per_100_days: float | None
    actionable_percent: int | None
    median_to_action: timedelta | None
    noisy: tuple[tuple[str, int, int], ...]
    """Alert, how many, and how many of those with an action; the most first."""


def load_of(content: Monitoring, alerts: Sequence[AlertRow], enrolled_days: int) -> Load:
    """The report over some alerts and the days that people were enrolled."""
    acting = {one.id for one in content.actions.values() if one.acts}
    ended = [one for one in alerts if one.action]
    took = sorted(one.acted - one.opened for one in alerts if one.acted is not None)
    names = sorted({one.alert for one in alerts})
    noisy = [
        (name, sum(1 for one in alerts if one.alert == name),
         sum(1 for one in alerts if one.alert == name and one.action in acting))
        for name in names
    ]  # fmt: skip
    return Load(
        enrolled_days=enrolled_days,
        alerts=len(alerts),
        per_100_days=round(len(alerts) * 100 / enrolled_days, 1) if enrolled_days else None,
        actionable_percent=round(100 * sum(1 for one in ended if one.action in acting) / len(ended)) if ended else None,
        median_to_action=_median(took),
        noisy=tuple(sorted(noisy, key=lambda one: (-one[1], one[0]))),
    )


def _median(spans: Sequence[timedelta]) -> timedelta | None:
    if not spans:
        return None
    middle = len(spans) // 2
    return spans[middle] if len(spans) % 2 else (spans[middle - 1] + spans[middle]) / 2
