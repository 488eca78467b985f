"""When somebody is asked how they are: the rhythm, the reminder, what silence does, when asking stops. Pure.

By the patient's wall clock. A check-in that nobody sent (its way is a person with a phone) is no silence of theirs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from careloop.monitoring.content import Row
from careloop.monitoring.model import Finding, Plan
from careloop.monitoring.rules.breaches import Frame
from careloop.monitoring.rules.saying import plain
from careloop.monitoring.rules.silence import own_number

_FAR = 70
"""So many days ahead the next one is looked for: no rhythm leaves out more."""


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """Up to and with a day (None: for ever) every so many days, on these weekdays (Monday is 1)."""

    every: int
    until_day: int | None = None
    weekdays: frozenset[int] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Rhythm:
    """How often somebody is asked."""

    id: str
    name: str
    plain: str
    patient_may: bool
    open_for: timedelta
    stretches: tuple[Stretch, ...]
    from_discharge: bool = False
    then: str = ""


@dataclass(frozen=True, kw_only=True)
class Asking:
    """`content/monitoring/check-ins.yaml` as far as it is about time. `remind_after` and `stop_after` may be None."""

    at: time
    opens: time
    closes: time
    ways: tuple[str, ...]
    left: timedelta
    rhythms: Mapping[str, Rhythm]
    remind_after: timedelta | None
    stop_after: int | None


@dataclass(frozen=True, kw_only=True)
class CheckIn:
    """One that was asked. `sent`: it left by itself, so that silence is the patient's; `by_hand`: somebody handed the
    link over, and nothing follows where it is not used; `no_way`: the patient refuses every way of asking."""

    id: str
    asked: datetime
    closes: datetime
    sent: bool = True
    by_hand: bool = False
    no_way: bool = False
    answered: datetime | None = None
    reminded: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Due:
    """What is to be done now. `ask` until when it is open; `stopped`: so many stayed unanswered that no more go out."""

    ask: tuple[datetime, datetime] | None = None
    remind: tuple[str, ...] = ()
    close: tuple[str, ...] = ()
    stopped: bool = False
    wake: datetime | None = None


def asking_of(check_ins: Mapping[str, Any]) -> Asking:
    """The values of the document."""
    said, silence = check_ins["asking"], check_ins["silence"]
    hours = next((one["after_hours"] for one in silence if one["does"] == "remind"), None)
    return Asking(
        at=time.fromisoformat(said["at"]),
        opens=time.fromisoformat(said["from"]),
        closes=time.fromisoformat(said["until"]),
        ways=tuple(said["ways"]),
        left=timedelta(minutes=said["left_minutes"]),
        rhythms={one["id"]: _rhythm(one) for one in check_ins["rhythms"]},
        remind_after=None if hours is None else timedelta(hours=hours),
        stop_after=next((one["missed"] for one in silence if one["does"] == "stop"), None),
    )


def _rhythm(one: Mapping[str, Any]) -> Rhythm:
    return Rhythm(
        id=one["id"],
        name=one["name"],
        plain=one["plain"],
        patient_may=one["patient_may"],
        open_for=timedelta(hours=one["open_hours"]),
        stretches=tuple(
            Stretch(every=step["every"], until_day=step.get("until_day"), weekdays=frozenset(step.get("weekdays", ())))
            for step in one["steps"]
        ),
        from_discharge=one.get("from") == "discharge",
        then=one.get("then", ""),
    )


def next_ask(asking: Asking, plan: Plan, after: datetime) -> tuple[datetime, datetime] | None:
    """The first moment after `after` at which the patient is asked, and when that closes; None where none comes."""
    rhythm, zone = asking.rhythms.get(plan.rhythm), ZoneInfo(plan.zone)
    if rhythm is None or not rhythm.stretches or plan.deceased:
        return None
    since = max(plan.since, plan.rhythm_since or plan.since)
    start = since.astimezone(zone).date()
    if rhythm.from_discharge and plan.discharged is not None:
        start = plan.discharged
    at = time.fromisoformat(plan.ask_at) if plan.ask_at else asking.at
    first = max(after, since).astimezone(zone).date()
    for step in range(_FAR):
        day = first + timedelta(days=step)
        moment = datetime.combine(day, at, tzinfo=zone).astimezone(UTC)
        if moment <= max(after, since) or not plan.watched(moment) or plan.held(moment):
            continue
        found = _on(asking, rhythm, start, day)
        if found is not None:
            return moment, moment + found.open_for
    return None


def _on(asking: Asking, rhythm: Rhythm, start: date, day: date) -> Rhythm | None:
    """The rhythm by which this is a day to ask; None for a day on which nobody is asked."""
    number, begins = (day - start).days, 0
    for stretch in rhythm.stretches:
        if stretch.until_day is None or number <= stretch.until_day:
            is_due = (number - begins) % stretch.every == 0
            return rhythm if is_due and (not stretch.weekdays or day.isoweekday() in stretch.weekdays) else None
        begins = stretch.until_day + stretch.every
    follows = asking.rhythms.get(rhythm.then)
    return None if follows is None else _on(asking, follows, start + timedelta(days=begins), day)


def due(asking: Asking, plan: Plan, asked: Sequence[CheckIn], restarts: Sequence[datetime], now: datetime) -> Due:
    """What is to be done now about somebody's check-ins, and when to look again. `restarts`: when somebody spoke with
    the patient about their silence; what was missed before counts no more."""
    ordered = sorted(asked, key=lambda one: (one.asked, one.id))
    close = tuple(one.id for one in ordered if one.answered is None and one.closes <= now)
    still = [one for one in ordered if one.answered is None and one.closes > now]
    reminders = {one.id: at for one in still if (at := _reminder(asking, plan, one)) is not None}
    stopped = _is_stopped(asking, plan, ordered, restarts, now)
    last = ordered[-1].asked if ordered else plan.since
    found = None if stopped or plan.admitted else next_ask(asking, plan, last)
    ask = None
    while found is not None and found[0] <= now:
        ask = found if found[1] > now and not still and _in_hours(asking, plan, now) else None
        found = next_ask(asking, plan, found[0])
    moments = [one.closes for one in still] + [at for at in reminders.values() if at > now]
    moments += [found[0]] if found is not None else []
    moments += [plan.resume] if plan.resume is not None and plan.resume > now else []
    return Due(
        ask=ask,
        remind=tuple(one for one, at in reminders.items() if at <= now),
        close=close,
        stopped=stopped,
        wake=min(moments, default=None),
    )


def _reminder(asking: Asking, plan: Plan, one: CheckIn) -> datetime | None:
    """When the one reminder goes out: some hours later, in the hours in which something may be sent, while it is still
    open."""
    if asking.remind_after is None or one.reminded is not None or not one.sent:
        return None
    zone = ZoneInfo(plan.zone)
    at = (one.asked + asking.remind_after).astimezone(zone)
    if at.time() >= asking.closes:
        at = datetime.combine(at.date() + timedelta(days=1), asking.opens, tzinfo=zone)
    elif at.time() < asking.opens:
        at = datetime.combine(at.date(), asking.opens, tzinfo=zone)
    found = at.astimezone(UTC)
    return found if found < one.closes and not plan.held(found) else None


def _in_hours(asking: Asking, plan: Plan, now: datetime) -> bool:
    return asking.opens <= now.astimezone(ZoneInfo(plan.zone)).time() < asking.closes


def _is_stopped(
    asking: Asking, plan: Plan, ordered: Sequence[CheckIn], restarts: Sequence[datetime], now: datetime
) -> bool:
    if asking.stop_after is None:
        return False
    missed = _missed_in_a_row(ordered, _restarts(plan, restarts), now)[-1]
    return len(missed) >= asking.stop_after


def _restarts(plan: Plan, restarts: Sequence[datetime]) -> list[datetime]:
    return [*restarts, *([plan.rhythm_since] if plan.rhythm_since is not None else [])]


def _missed_in_a_row(ordered: Sequence[CheckIn], restarts: Sequence[datetime], now: datetime) -> list[list[CheckIn]]:
    """The rows of check-ins that were sent and stayed without an answer; the last may still go on."""
    rows: list[list[CheckIn]] = [[]]
    before: datetime | None = None
    for one in ordered:
        if before is not None and any(before < at <= one.asked for at in restarts):
            rows.append([])
        before = one.asked
        if one.answered is not None:
            rows.append([])
        elif one.sent and one.closes <= now:
            rows[-1].append(one)
    if before is not None and any(before < at <= now for at in restarts):
        rows.append([])
    return rows


def unanswered(frame: Frame, asked: Sequence[CheckIn], restarts: Sequence[datetime]) -> tuple[Finding, ...]:
    """Each time that so many check-ins in a row stayed without an answer that somebody must act, and each that was due
    by phone and that nobody asked, or could not be asked because the patient refuses every way."""
    found: list[Finding] = []
    ordered = sorted(asked, key=lambda one: (one.asked, one.id))
    for some in _missed_in_a_row(ordered, _restarts(frame.plan, restarts), frame.now):
        for kind in ("unanswered", "unanswered-again"):
            row = frame.content.any_rows.get(kind)
            for number, one in enumerate(some, start=1):
                if row is not None and number == own_number(frame, row, one.closes, "times") and _counts(frame, one):
                    found.append(_finding(row, some[0].asked, one.closes, number))
    for one in ordered:
        row = frame.content.any_rows.get("no-way" if one.no_way else "not-asked")
        open_ = one.answered is None and not one.sent and not one.by_hand
        if row is not None and open_ and one.closes <= frame.now and _counts(frame, one):
            found.append(_finding(row, one.asked, one.closes, 1))
    return tuple(found)


def _counts(frame: Frame, one: CheckIn) -> bool:
    return frame.plan.watched(one.closes) and not frame.plan.held(one.closes)


def _finding(row: Row, start: datetime, at: datetime, number: int) -> Finding:
    return Finding(
        row=row.id,
        alert=row.alert,
        tier=row.tier,
        at=at,
        measured=at,
        reading=f"{row.id} since {start.astimezone(UTC):%Y-%m-%dT%H:%MZ}",
        measure=Decimal(number),
        higher=True,
        late=False,
        says=row.says.replace("{value}", plain(Decimal(number))),
    )
