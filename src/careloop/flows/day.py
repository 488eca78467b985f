"""The finite day of one person: what of their list fits into the minutes they have, what slips, who could take it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from careloop.access import accounts
from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal, PrincipalKind
from careloop.access.policy import Action, require_action
from careloop.db import Transaction
from careloop.errors import NotPermitted, Rejected
from careloop.flows import engine, people
from careloop.flows.app import App
from careloop.flows.capacity import Minutes, minutes_table
from careloop.flows.worklist_rows import CALL_STEPS, RowMaker
from careloop.flows.worklist_values import WorklistRow
from careloop.loops import days
from careloop.loops import worklist as lists
from careloop.loops.rules.day import DayItem, DayPlan, DayRule, Planned, plan_day
from careloop.loops.rules.rank import rank_days
from careloop.teams import store as teams

_COLLEAGUES = 40
_DAY = timedelta(days=1)

RULE_WORDS: Mapping[DayRule, str] = {
    DayRule.SAFETY: "Safety comes first, whatever is left",
    DayRule.IN_ORDER: "Due today, in the order of the list",
    DayRule.SAME_CALL: "The same call as {code}",
    DayRule.BEST_USE: "Minutes left over go where they are worth most",
    DayRule.NO_MINUTES: "Due today, and no minutes are left",
    DayRule.NOT_DUE: "Not due today",
    DayRule.WAITING: "Waiting on others",
}


@dataclass(frozen=True, kw_only=True)
class Today:
    """Minutes that somebody has today, and where the number comes from."""

    minutes: int
    because: str


@dataclass(frozen=True, kw_only=True)
class Colleague:
    """Somebody who has minutes left today."""

    reference: str
    name: str
    free: int


@dataclass(frozen=True, kw_only=True)
class DayRow:
    """A row of the list with the rule that put it into the day, or out of it; who could take what slips."""

    row: WorklistRow
    planned: Planned
    rule: str
    offer: Colleague | None


@dataclass(frozen=True, kw_only=True)
class DayShown:
    """The plan as a page shows it."""

    today: Today
    used: int
    fits: tuple[DayRow, ...]
    slips: tuple[DayRow, ...]
    later: tuple[DayRow, ...]
    week: Mapping[int, int]


@dataclass(frozen=True, kw_only=True)
class DayNote:
    """The plan in one line above the list."""

    minutes: int
    used: int
    fits: int
    slips: int


def note(app: App, tx: Transaction, principal: Principal, own: Sequence[lists.Placed] | None = None) -> DayNote:
    """How much of the asker's own list (`own` where it is at hand) fits into today. It names nobody, so it is no search
    of its own."""
    plan, today, _ = _plan(app, tx, principal, own)
    return DayNote(minutes=today.minutes, used=plan.used, fits=len(plan.fits), slips=len(plan.slips))


def shown(app: App, tx: Transaction, principal: Principal) -> DayShown:
    """The plan of the asker's own day. Audited as one search."""
    app = engine.at_practice(app, tx)
    plan, today, places = _plan(app, tx, principal)
    now, zone = app.clock.now(), people.zone_of(tx)
    rows = {row.loop_id: row for row in RowMaker(app, tx, now, zone).rows(places)}
    record_audit(
        tx,
        AuditEntry(
            principal=principal,
            action="E",
            subtype="search",
            resource_type="Task",
            resource_ids=[place.loop_id for place in places],
            patient_ids=sorted({row.patient_id for row in rows.values()}),
            query="day",
        ),
    )
    offers = _offers(app, tx, principal, plan, now, zone)
    lines = {one.item.loop_id: _line(one, rows, offers) for one in plan.planned}
    return DayShown(
        today=today,
        used=plan.used,
        fits=tuple(lines[one.item.loop_id] for one in plan.fits),
        slips=tuple(lines[one.item.loop_id] for one in plan.slips),
        later=tuple(lines[one.item.loop_id] for one in plan.later),
        week=days.week_of(tx, principal.reference),
    )


def set_minutes(tx: Transaction, principal: Principal, week: Mapping[int, int]) -> None:
    """The asker has so many minutes for the list on these weekdays."""
    _require_person(principal)
    if any(not 0 <= minutes <= 1440 for minutes in week.values()):
        raise Rejected(at="minutes", expected="minutes of a day, 0 to 1440")
    days.set_week(tx, principal.reference, week)


def set_today(app: App, tx: Transaction, principal: Principal, minutes: int | None, why: str) -> None:
    """Today is different for the asker; None: as always again."""
    _require_person(principal)
    if minutes is not None and not 0 <= minutes <= 1440:
        raise Rejected(at="minutes", expected="minutes of a day, 0 to 1440")
    today = app.clock.now().astimezone(people.zone_of(tx)).date()
    days.set_day(tx, principal.reference, today, minutes, why or "said so")


def minutes_today(app: App, tx: Transaction, owners: Sequence[str], now: datetime, zone: ZoneInfo) -> dict[str, Today]:
    """What each of these people has today: none while away, else what they said, else by PractitionerRole, else the
    working day of the content file."""
    table = minutes_table(app.catalog)
    local = now.astimezone(zone)
    said = days.minutes_of(tx, owners, local.date())
    bare = {owner.partition("/")[2]: owner for owner in owners}
    midnight = datetime.combine(local.date(), time(0), tzinfo=zone)
    away = {one.practitioner: one for one in teams.overlapping_absences(tx, list(bare), now, midnight + _DAY)}
    profiles = teams.profiles(tx, list(bare))
    found: dict[str, Today] = {}
    for person, owner in bare.items():
        absence = away.get(person)
        working = profiles[person].working if person in profiles else {}
        if absence and absence.starts <= now:
            found[owner] = Today(minutes=0, because=f"away: {absence.why}")
        elif owner in said:
            minutes, why = said[owner]
            found[owner] = Today(minutes=minutes, because=why or "your own setting")
        elif working:
            planned = working.get(local.weekday(), 0) * table.planned_percent // 100
            found[owner] = Today(minutes=planned, because="working hours on record")
        else:
            found[owner] = Today(minutes=table.working_day, because="the practice's usual day")
    return found


def _plan(
    app: App, tx: Transaction, principal: Principal, own: Sequence[lists.Placed] | None = None
) -> tuple[DayPlan, Today, Sequence[lists.Placed]]:
    """The plan of as much of a list as anybody does in a day."""
    require_action(principal, Action.WORKLIST_READ)
    _require_person(principal)
    app = engine.at_practice(app, tx)
    now, zone = app.clock.now(), people.zone_of(tx)
    asked = lists.Asked(
        owners=[principal.reference],
        pathway=None,
        snoozed=False,
        days=rank_days(now, zone),
        weights=engine.rank_weights(app.catalog),
        limit=lists.OWN_MOST,
        zone=zone.key,
    )
    places = lists.page(tx, asked) if own is None else own
    facts = lists.plan_facts(tx, [place.loop_id for place in places])
    interpreted = people.with_interpreter(app, tx, [fact["patient_id"] for fact in facts.values()])
    table = minutes_table(app.catalog)
    items = [
        _item(place, facts[place.loop_id], table, facts[place.loop_id]["patient_id"] in interpreted) for place in places
    ]
    today = minutes_today(app, tx, [principal.reference], now, zone)[principal.reference]
    return plan_day(items, today.minutes, asked.days.tomorrow), today, places


def _item(place: lists.Placed, fact: Mapping[str, object], table: Minutes, interpreter: bool) -> DayItem:
    step = place.step_id or ""
    call = step in CALL_STEPS
    return DayItem(
        loop_id=place.loop_id,
        patient_id=str(fact["patient_id"]),
        minutes=table.of(step, interpreter=interpreter and call),
        points=place.points,
        due=place.due,
        safety=bool(fact["safety"]),
        waiting=place.waiting,
        call=call,
    )


def _offers(
    app: App, tx: Transaction, principal: Principal, plan: DayPlan, now: datetime, zone: ZoneInfo
) -> dict[str, Colleague]:
    """By loop that slips somebody with the same role and the most minutes left, as long as there are any."""
    if not plan.slips:
        return {}
    staff = [
        one
        for one in accounts.staff(tx)
        if one.active and one.reference != principal.reference and one.roles & principal.roles
    ][:_COLLEAGUES]
    names = {one.reference: one.name for one in staff}
    table = minutes_table(app.catalog)
    free = {owner: today.minutes for owner, today in minutes_today(app, tx, list(names), now, zone).items()}
    for row in days.due_steps(tx, list(names), rank_days(now, zone).tomorrow):
        free[row["owner"]] -= table.of(row["step_id"]) * row["total"]
    found: dict[str, Colleague] = {}
    for one in plan.slips:
        best = max(free, key=lambda owner: (free[owner], owner), default=None)
        if best is None or free[best] < one.minutes:
            break
        found[one.item.loop_id] = Colleague(reference=best, name=names[best], free=free[best])
        free[best] -= one.minutes
    return found


def _line(one: Planned, rows: Mapping[str, WorklistRow], offers: Mapping[str, Colleague]) -> DayRow:
    code = rows[one.with_loop].code if one.with_loop else ""
    return DayRow(
        row=rows[one.item.loop_id],
        planned=one,
        rule=RULE_WORDS[one.rule].format(code=code),
        offer=offers.get(one.item.loop_id),
    )


def _require_person(principal: Principal) -> None:
    if principal.kind != PrincipalKind.USER:
        raise NotPermitted("only a person has a day")
