"""Findings become alerts: one open alert for each matter, upgraded, quiet after its end (MO-08, MO-10). Pure.

A fold over findings by when they could be known, so the order of arrival does not matter. What a person ended stays
ended; `Act` tells when that was (the end of the loop is the end of the alert).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from careloop.monitoring.content import Windows
from careloop.monitoring.model import Act, Alert, Finding, Judged, State, Tier

NO_ACT = Act()


def alerts_of(findings: Iterable[Finding], acts: Mapping[str, Act], windows: Windows) -> list[Alert]:
    """Every alert of one patient, open or ended, oldest first. `acts` by key of the alert."""
    made: list[Alert] = []
    for alert, mine in sorted(_by_alert(findings).items()):
        made += _fold(alert, mine, acts, windows)
    return sorted(made, key=lambda one: (one.opened, one.key))


def _by_alert(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for one in sorted(findings, key=lambda one: (one.at, one.measured, one.row, one.reading)):
        found.setdefault(one.alert, []).append(one)
    return found


def _fold(alert: str, findings: Sequence[Finding], acts: Mapping[str, Act], windows: Windows) -> list[Alert]:
    ended: list[Alert] = []
    current: Alert | None = None
    number = 0
    for one in findings:
        if current is not None and current.closed is not None and current.closed < one.at:
            ended.append(current)
            current = None
        if current is not None:
            current = _joined(current, one)
            continue
        if ended and is_quiet(ended[-1], one, windows):
            continue
        number = _next_number(alert, number if not ended else ended[-1].number + 1, one, acts)
        closed = acts.get(f"{alert}-{number}", NO_ACT).closed
        current = Alert(
            alert=alert, number=number, tier=one.tier, opened=one.at, since=one.at, findings=(one,), closed=closed
        )
    return ended if current is None else [*ended, current]


def _next_number(alert: str, number: int, one: Finding, acts: Mapping[str, Act]) -> int:
    """The next alert's number: those that ended before this could be known are not this one, even where what they
    rested on was withdrawn."""
    while (closed := acts.get(f"{alert}-{number}", NO_ACT).closed) is not None and closed < one.at:
        number += 1
    return number


def _joined(alert: Alert, one: Finding) -> Alert:
    """The alert with one more finding: a worse tier upgrades it and its clock starts new."""
    joined = replace(alert, findings=(*alert.findings, one))
    return replace(joined, tier=one.tier, since=one.at) if one.tier.rank > alert.tier.rank else joined


def is_quiet(ended: Alert, one: Finding, windows: Windows) -> bool:
    """MO-08: for 24 hours after the end the same row says nothing new, unless the tier rises or it is 10 % worse."""
    assert ended.closed is not None
    if one.at >= ended.closed + timedelta(hours=windows.quiet_hours) or one.tier.rank > ended.tier.rank:
        return False
    before = [known.measure for known in ended.findings if known.row == one.row]
    return bool(before) and not _worse(one, before, windows.worse_percent)


def _worse(one: Finding, before: Sequence[Decimal], percent: Decimal) -> bool:
    if one.higher:
        return one.measure * 100 >= max(before) * (100 + percent)
    return one.measure * 100 <= min(before) * (100 - percent)


def settled_at(alert: Alert, act: Act, later: Sequence[Judged], windows: Windows) -> datetime | None:
    """MO-10: when a yellow alert that somebody saw ended by itself: so many later readings are normal. Never a red.
    `later` are readings of its metric (of any for one about silence)."""
    if alert.tier is not Tier.YELLOW or act.seen is None or alert.closed is not None:
        return None
    last = max(one.measured for one in alert.findings)
    normal: list[datetime] = []
    for one in sorted(later, key=lambda each: (each.reading.measured, each.reading.id)):
        if one.state is not State.VALID or one.reading.measured <= last:
            continue
        if any(found.alert == alert.alert for found in one.findings) or one.waits_until is not None:
            return None
        normal.append(max(one.moment, one.reading.received))
    if len(normal) < windows.normal_readings:
        return None
    return max(act.seen, sorted(normal)[windows.normal_readings - 1])
