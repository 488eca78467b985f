"""Whether the depression screening on record counts for the next visit (assessments.md AS-11)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from careloop.assessments.model import Content, ForVisit
from careloop.assessments.rules.visits import Screened, Screening, Visit, screened_for
from careloop.flows.checkin_facts import Total

Json = Mapping[str, Any]
_BOOKED = ("booked", "pending", "arrived", "checked-in")
_NOT_A_PROBLEM = ("entered-in-error", "refuted")


def line_for_next_visit(
    content: Content, totals: Sequence[Total], beside: Iterable[Json], now: datetime, zone: ZoneInfo
) -> str:
    """One sentence about the next booked visit; empty without one. `beside` are Appointments and Conditions."""
    found = list(beside)
    visit = _next_visit(found, now, zone)
    rules = [one for one in content.instruments.values() if one.visit is not None]
    if visit is None or not rules:
        return ""
    named = {one.id for one in rules}
    mine = [one for one in totals if one.instrument in named and (one.total is not None or one.positive)]
    screenings = [Screening(on=one.at.astimezone(zone).date(), positive=_positive(one)) for one in mine]
    newest = next((one for one in mine if one.at.astimezone(zone).date() <= visit), None)
    last = next((one for one in rules if newest is not None and one.id == newest.instrument), rules[-1])
    assert last.visit is not None
    return _words(
        last.short, last.visit, visit, screened_for(last.visit, visit, screenings, (), _problems(found, visit))
    )


def _positive(total: Total) -> bool | None:
    return {"Positive": True, "Negative": False}.get(total.positive)


def _next_visit(resources: Iterable[Json], now: datetime, zone: ZoneInfo) -> date | None:
    today = now.astimezone(zone).date()
    days = [
        datetime.fromisoformat(one["start"]).astimezone(zone).date()
        for one in resources
        if one["resourceType"] == "Appointment" and one.get("status") in _BOOKED and "start" in one
    ]
    return min((one for one in days if one >= today), default=None)


def _problems(resources: Iterable[Json], visit: date) -> Iterator[str]:
    """Codes of what was known before the visit; where no onset is told it is taken as known."""
    for one in resources:
        if one["resourceType"] != "Condition":
            continue
        status = [code.get("code") for code in (one.get("verificationStatus") or {}).get("coding", ())]
        if any(code in _NOT_A_PROBLEM for code in status) or str(one.get("onsetDateTime", "")) > visit.isoformat():
            continue
        for coding in (one.get("code") or {}).get("coding", ()):
            yield f"{coding.get('system', '')}|{coding.get('code', '')}"


def _words(short: str, rule: ForVisit, visit: date, found: Visit) -> str:
    day = f"Visit on {_day(visit)}: "
    match found.state:
        case Screened.EXCLUDED:
            return f"{day}no depression screening is asked for, a bipolar disorder is on the list."
        case Screened.NEGATIVE:
            return f"{day}the {short} of {_day(found.last)} counts, it was negative."
        case Screened.PLAN_NEEDED | Screened.PLANNED:
            return f"{day}the {short} of {_day(found.last)} was positive. It wants a plan by {_day(found.plan_until)}."
        case Screened.TO_ASK if found.last is None:
            return f"{day}no depression screening on record. Ask it within {rule.days_before} days before."
        case _:
            return (
                f"{day}the {short} of {_day(found.last)} does not count ({found.days_before} days before, "
                f"at most {rule.days_before}). Ask again."
            )


def _day(day: date | None) -> str:
    return f"{day.day} {day:%b}" if day else ""
