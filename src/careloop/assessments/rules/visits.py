"""Whether a screening counts for a visit (AS-11). Pure; days are those of the practice."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from careloop.assessments.model import ForVisit
from careloop.fhir.codes import falls_under


class Screened(StrEnum):
    """What a visit finds."""

    EXCLUDED = "excluded"
    TO_ASK = "to-ask"
    NEGATIVE = "negative"
    PLAN_NEEDED = "plan-needed"
    PLANNED = "planned"


@dataclass(frozen=True, kw_only=True)
class Screening:
    """One total with its day. `positive` is None where the score says neither."""

    on: date
    positive: bool | None


@dataclass(frozen=True, kw_only=True)
class Visit:
    """What stands for the visit: `last` is the newest screening before it, whether or not it counts; a plan is needed
    until the end of `plan_until`."""

    state: Screened
    last: date | None
    days_before: int | None
    plan_until: date | None = None


def screened_for(
    rule: ForVisit, visit: date, screenings: Iterable[Screening], plans: Sequence[date], problems: Iterable[str]
) -> Visit:
    """What the newest screening not after the visit comes to. It counts when it is at most `days_before` old; a
    positive one wants a plan from its day until `plan_days` after the visit. `problems` (`system|code`) are those known
    before the visit; one of `unless` takes the visit out."""
    before = [one for one in screenings if one.on <= visit]
    newest = max(before, key=lambda one: one.on, default=None)
    last = newest.on if newest else None
    days = (visit - newest.on).days if newest else None
    if any(falls_under(code, wanted) for code in problems for wanted in rule.unless):
        return Visit(state=Screened.EXCLUDED, last=last, days_before=days)
    if newest is None or days is None or days > rule.days_before or newest.positive is None:
        return Visit(state=Screened.TO_ASK, last=last, days_before=days)
    if not newest.positive:
        return Visit(state=Screened.NEGATIVE, last=last, days_before=days)
    until = visit + timedelta(days=rule.plan_days)
    planned = any(newest.on <= day <= until for day in plans)
    state = Screened.PLANNED if planned else Screened.PLAN_NEEDED
    return Visit(state=state, last=last, days_before=days, plan_until=until)
