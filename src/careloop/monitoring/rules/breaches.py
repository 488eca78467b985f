"""Which rows each reading breaches, with the repeat that a red waits for (MO-02, MO-05, MO-14). Pure.

`judged_with_findings` looks at the readings from `start` on and takes what was found of earlier ones as it stands: a
new reading costs a few tests, not the whole history. The answer is the same as for all at once (a property test).
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from careloop.monitoring.content import Metric, Monitoring, Row, Test
from careloop.monitoring.model import Finding, Judged, Plan, Reading, State, Tier
from careloop.monitoring.rules.readings import judge
from careloop.monitoring.rules.saying import says_of
from careloop.monitoring.rules.series import Series
from careloop.monitoring.rules.tests import KINDS, WINDOWS, Asked, Hit, Numbers

OFF: Numbers = {}


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What all rows of one metric of one patient need."""

    content: Monitoring
    plan: Plan
    metric: Metric
    now: datetime
    symptoms: Sequence[tuple[datetime, str]] = ()


def judged_with_findings(
    frame: Frame, readings: Sequence[Reading], *, start: datetime | None = None, accepted: Collection[str] = ()
) -> list[Judged]:
    """Each reading of one metric with state and flags; those measured at or after `start` with what they breach."""
    judged = list(judge(readings, frame.metric, frame.content.windows, accepted))
    valid = [one for one in judged if one.state is State.VALID]
    series = Series(valid, frame.plan.zone, frame.content.windows.morning_ends)
    places = {one.reading.id: place for place, one in enumerate(valid)}
    found = []
    for one in judged:
        if start is not None and one.reading.measured < start:
            found.append(one)
        elif one.state is State.VALID:
            found.append(_looked_at(frame, series, places[one.reading.id], one))
        else:
            found.append(replace(one, findings=tuple(_without_value(frame, one))))
    return found


def _looked_at(frame: Frame, series: Series, place: int, one: Judged) -> Judged:
    findings: list[Finding] = []
    waits: list[datetime] = []
    if frame.plan.watched(one.reading.measured):
        for row in frame.content.rows[frame.metric.id]:
            found = _finding(frame, series, place, row)
            if isinstance(found, Finding):
                findings.append(found)
            elif found is not None:
                waits.append(found)
    return replace(one, findings=tuple(findings), waits_until=min(waits, default=None))


def _finding(frame: Frame, series: Series, place: int, row: Row) -> Finding | datetime | None:
    """What the reading breaches of a row; an instant until which a repeat is awaited; None for neither."""
    if row.condition != "any" and row.condition not in frame.plan.conditions:
        return None
    one = series.readings[place]
    asked = _asked(frame, series, place)
    for number, test in enumerate(row.tests):
        if one.clock and test.kind in WINDOWS:
            continue
        numbers = numbers_of(frame, row, test, one.reading.measured, first=number == 0)
        if numbers is OFF:
            return None
        hit = KINDS[test.kind](test, numbers, asked)
        if hit is not None:
            return _confirmed(frame, row, test, numbers, asked, hit)
    return None


def numbers_of(frame: Frame, row: Row, test: Test, at: datetime, *, first: bool) -> Numbers:
    """The numbers of a test that held at `at`: the patient's own where a clinician signed some (for the first test of
    a row), the tighter ones after a discharge (MO-14) unless signed since then; `OFF` where the row was turned off."""
    if not first or not row.adjust:
        return test.numbers
    signed = next((one for one in reversed(frame.plan.limits) if one.at <= at and row.id in one.values), None)
    numbers = test.numbers
    if signed is not None:
        own = signed.values[row.id]
        if own is None:
            return OFF
        numbers = {**numbers, row.adjust: own}
    if row.after_discharge and is_after_discharge(frame.content, frame.plan, at):
        own_since = (
            signed is not None and frame.plan.discharged is not None and (signed.at.date() >= frame.plan.discharged)
        )
        if not own_since:
            tight = {name: min(number, numbers.get(name, number)) for name, number in row.after_discharge.items()}
            numbers = {**numbers, **tight}
    return numbers


def is_after_discharge(content: Monitoring, plan: Plan, at: datetime) -> bool:
    """MO-14: within 30 days of a discharge."""
    days = timedelta(days=content.windows.after_discharge_days)
    return plan.discharged is not None and plan.discharged <= at.date() <= plan.discharged + days


def _asked(frame: Frame, series: Series, place: int) -> Asked:
    near = timedelta(hours=frame.content.windows.symptom_hours)
    measured = series.readings[place].moment
    told = frozenset(code for at, code in frame.symptoms if abs(measured - at) <= near)
    return Asked(series, place, frame.plan.usual.get(frame.metric.id), told, frame.content.windows)


def _confirmed(
    frame: Frame, row: Row, test: Test, numbers: Numbers, asked: Asked, hit: Hit
) -> Finding | datetime | None:
    """MO-05: red at once, red by its repeat, red by silence, what it is when the repeat is better, or still waiting."""
    tier = next((row.tier_for[name] for name in sorted(frame.plan.conditions & set(row.tier_for))), row.tier)
    if row.confirm is None or tier is not Tier.RED:
        return _made(frame, row, tier, asked, hit, asked.series.received(hit.places), numbers)
    minutes, otherwise = row.confirm
    span = timedelta(minutes=minutes)
    repeats = asked.series.repeats(asked.place, span)
    again = [at for at in repeats if _hits(test, numbers, asked, at)]
    before = [at for at in asked.series.back(asked.place, span) if _hits(test, numbers, asked, at)]
    if before:
        return _made(frame, row, tier, asked, hit, asked.series.received([*hit.places, before[0]]), numbers)
    if again:
        return _made(frame, row, tier, asked, hit, asked.series.received([*hit.places, again[0]]), numbers)
    if repeats:
        known = asked.series.received([*hit.places, repeats[0]])
        return None if otherwise is None else _made(frame, row, otherwise, asked, hit, known, numbers)
    silent = max(asked.series.readings[asked.place].moment + span, asked.series.received(hit.places))
    return silent if silent > frame.now else _made(frame, row, tier, asked, hit, silent, numbers)


def _hits(test: Test, numbers: Numbers, asked: Asked, place: int) -> bool:
    return KINDS[test.kind](test, numbers, replace(asked, place=place)) is not None


def _made(frame: Frame, row: Row, tier: Tier, asked: Asked, hit: Hit, at: datetime, numbers: Numbers) -> Finding | None:
    """The finding; None for what is known so late that it never alerts (MO-02)."""
    one = asked.series.readings[asked.place]
    if at - one.moment > timedelta(hours=frame.content.windows.never_after_hours):
        return None
    number = numbers.get(row.adjust) if row.adjust else None
    return Finding(
        row=row.id,
        alert=row.alert,
        tier=tier,
        at=at,
        measured=one.reading.measured,
        reading=one.reading.id,
        measure=hit.measure,
        higher=hit.higher,
        late=one.late and not one.clock,
        says=says_of(row, number, one.reading, frame.metric, asked, hit),
    )


def _without_value(frame: Frame, one: Judged) -> Iterator[Finding]:
    """A device error, or a reading that cannot be right: a grey matter for somebody (MO-03)."""
    kind = {State.ERROR: "device-error", State.QUARANTINED: "odd"}.get(one.state)
    row = frame.content.any_rows.get(kind or "")
    age = one.reading.received - one.reading.measured
    never = timedelta(hours=frame.content.windows.never_after_hours)
    if row is None or not frame.plan.watched(one.reading.measured) or age > never:
        return
    given = f": {frame.metric.name} {one.reading.given}" if one.reading.given else f": {frame.metric.name}"
    yield Finding(
        row=row.id,
        alert=row.alert,
        tier=row.tier,
        at=one.reading.received,
        measured=one.reading.measured,
        reading=one.reading.id,
        measure=Decimal(0),
        higher=True,
        late=one.late,
        says=f"{row.says}{given}",
    )
